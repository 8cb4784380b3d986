// What can be switched: for each network its parts, for all the learning rate. Each with what to try and what to expect.

import { useState } from "preact/hooks";
import { Choice, memo, Slider, Tick } from "../../ui.jsx";
import { headCounts, rates, scores } from "./settings.js";
import { useTrainWords } from "./words.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").Network} Network */

/** @param {{name?: string, help: string, children: import("preact").ComponentChildren}} props */
function Knob({ name, help, children }) {
  return (
    <div class="train-knob">
      <div>
        {name && <strong aria-hidden="true">{name}</strong>}
        {children}
      </div>
      <span class="help">{help}</span>
    </div>
  );
}

/**
 * A choice among some names.
 * @param {{name: string, word: string, help: string, value: string, options: [string, string][], onchange: (value: string) => void}} props
 *   `word` and `help`: the keys of its name and of its text
 */
function Pick({ name, word, help, ...choice }) {
  const { t } = useTrainWords();
  return (
    <Knob name={t(word)} help={t(help)}>
      <Choice name={`train-${name}`} label={t(word)} {...choice} />
    </Knob>
  );
}

/** What a new picture does not change. @type {import("preact").ComponentClass<{settings: Settings, change: (settings: Settings) => void}>} */
export const Knobs = memo(AllKnobs);

/** @param {{settings: Settings, change: (settings: Settings) => void}} props */
function AllKnobs({ settings, change }) {
  const { t } = useTrainWords();
  const [side, setSide] = useState(/** @type {"a" | "b"} */ ("a"));
  const which = settings.two ? side : "a";
  const one = settings[which];
  /** @param {Partial<Network>} patch */
  const put = (patch) => change({ ...settings, [which]: { ...one, ...patch } });
  return (
    <details class="train-knobs" open>
      <summary>{t("knobs")}</summary>
      <div class="train-knob-list">
        <Knob help={t("rateHelp")}>
          <Slider
            label={t("rate", { rate: rates[settings.rate] })}
            {...{ min: 0, max: rates.length - 1, step: 1, value: settings.rate }}
            onchange={(rate) => change({ ...settings, rate })}
          />
        </Knob>
        <Pick
          name="schedule"
          word="schedule"
          help="scheduleHelp"
          value={settings.schedule}
          options={[
            ["constant", t("constant")],
            ["cosine", t("cosineFall")],
            ["plateau", "ReduceLROnPlateau"],
          ]}
          onchange={(value) => change({ ...settings, schedule: /** @type {Settings["schedule"]} */ (value) })}
        />
      </div>
      <h2>{t("restarts")}</h2>
      {settings.two && (
        <Choice
          name="train-side"
          label={t("side")}
          value={which}
          options={[
            ["a", "A"],
            ["b", "B"],
          ]}
          onchange={(value) => setSide(value === "b" ? "b" : "a")}
        />
      )}
      <NetworkKnobs {...{ one, put }} key={which} />
    </details>
  );
}

/** @param {{one: Network, put: (patch: Partial<Network>) => void}} props */
function NetworkKnobs({ one, put }) {
  const { t } = useTrainWords();
  return (
    <div class="train-knob-list">
      <Pick
        name="kind"
        word="kind"
        help="kindHelp"
        value={one.kind}
        options={[
          ["transformer", "Transformer"],
          ["recurrent", t("recurrent")],
          ["bare", t("bare")],
        ]}
        onchange={(value) => put({ kind: /** @type {Network["kind"]} */ (value) })}
      />
      <Pick
        name="size"
        word="networkSize"
        help="sizeHelp"
        value={one.size}
        options={[
          ["s", "S · 32"],
          ["m", "M · 64"],
        ]}
        onchange={(value) => put({ size: value === "m" ? "m" : "s" })}
      />
      <Pick
        name="layers"
        word="layers"
        help="layersHelp"
        value={String(one.layers)}
        options={[1, 2, 3].map((n) => [String(n), String(n)])}
        onchange={(value) => put({ layers: Number(value) })}
      />
      {one.kind === "recurrent" && (
        <Pick
          name="score"
          word="score"
          help="scoreHelp"
          value={one.score}
          options={scores.map((score) => [score, t(`score-${score}`)])}
          onchange={(value) => put({ score: /** @type {Network["score"]} */ (value) })}
        />
      )}
      {one.kind === "transformer" && (
        <>
          <Pick
            name="heads"
            word="headCount"
            help="headsHelp"
            value={String(one.heads)}
            options={headCounts.map((n) => [String(n), String(n)])}
            onchange={(value) => put({ heads: Number(value) })}
          />
          <Knob help={t("positionsHelp")}>
            <Tick label={t("positionsTick")} checked={one.positions} onchange={(positions) => put({ positions })} />
          </Knob>
          <Knob help={t("residualsHelp")}>
            <Tick label={t("residualsTick")} checked={one.residuals} onchange={(residuals) => put({ residuals })} />
          </Knob>
          <Knob help={t("dividedHelp")}>
            <Tick label={t("dividedTick")} checked={one.divided} onchange={(divided) => put({ divided })} />
          </Knob>
          <Pick
            name="norm"
            word="norm"
            help="normHelp"
            value={one.norm}
            options={[
              ["layer", t("normLayer")],
              ["batch", t("normBatch")],
              ["none", t("normNone")],
            ]}
            onchange={(value) => put({ norm: /** @type {Network["norm"]} */ (value) })}
          />
        </>
      )}
    </div>
  );
}
