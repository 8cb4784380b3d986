// Steps 11 to 15: the masked decoder, cross-attention, the vocabulary, the beam, and breaking it.

import { useEffect, useMemo, useState } from "preact/hooks";
import { axes, headWeights } from "../../../attention.js";
import { readable } from "../../../draw/pieces.js";
import { firstHead, idOf } from "../../../heads.js";
import { logitsOf, softmax } from "../../../network.js";
import { percent, signed } from "../../../strings.js";
import { Choice, Slider, Tick, useApp, useKeys } from "../../../ui.jsx";
import { HeadsOff, Ranking, scoreWithout, SideBySide, useRanking } from "../heads.jsx";
import { headName } from "../names.js";
import { usePromised, useParts } from "../data.js";
import { Waiting } from "../held.jsx";
import { BarsFigure, MatrixFigure } from "../pictures.jsx";
import { Player } from "../player.jsx";
import { BeamPicture } from "./beam-picture.jsx";
import { Sceptic } from "./attend.jsx";
import { choosing, crossing, masking, racing } from "./formulas.js";
import { choiceOf, largest, numberOf } from "./types.js";

/** @typedef {import("./types.js").Data} Data */
/** @typedef {import("./types.js").Step} Step */

/** @type {Step} */
export const decoder = {
  formula: masking,
  quiz({ explanation, token, t }) {
    if (!explanation.decoder) return null;
    const n = Math.min(Math.max(2, token), explanation.targetTokens.length - 1);
    return numberOf(t("decoderAsk", { n: n + 1 }), n + 1, [1, n + 3, explanation.targetTokens.length + 1]);
  },
  Stage({ data }) {
    const { explanation, head, token, t } = data;
    const [lifted, setLifted] = useState(false);
    const [at, setAt] = useState(-1);
    const { engine } = useApp();
    const unmasked = usePromised(
      (signal) => {
        const ids = explanation.targetTokens.map((one) => one.id);
        // The same translation, whoever chose its beginning.
        const prefix = data.state.sentences[data.state.sentence]?.prefix ? ids.slice(0, -1) : undefined;
        return lifted ? engine.ask(explanation.source, { without: "causal", prefix, signal }) : null;
      },
      [lifted, explanation],
    );
    useEffect(() => setAt(-1), [explanation]);
    if (!explanation.decoder) return <p class="help">{t("noDecoder")}</p>;
    const { rows, cols } = axes(explanation, "decoder");
    const n = rows.length;
    const shown = at < 0 ? n : at + 1;
    const own = headWeights(explanation.decoder, head.layer, head.head);
    const all = lifted && !unmasked.late ? unmasked.value?.decoder : null;
    const open = all?.rows === n ? headWeights(all, head.layer, head.head) : null;
    // The share that would go to what is not written yet, over all rows that could cheat.
    let ahead = 0;
    if (open) for (let r = 0; r < n - 1; r++) for (let c = r + 1; c < n; c++) ahead += open[r * n + c] / (n - 1);
    const weights = Float32Array.from(open ?? own, (one, i) => (Math.floor(i / n) < shown ? one : 0));
    const matrix = { rows, cols, data: weights };
    const written = explanation.translation.slice(0, explanation.targetTokens[shown - 1]?.end);
    const row_ = own.subarray(token * n, (token + 1) * n);
    return (
      <>
        <Player
          label={`${written} ▏`}
          at={shown - 1}
          last={n - 1}
          id="written"
          onchange={(next) => setAt(next >= n - 1 ? -1 : next)}
        />
        <MatrixFigure name="glossa-decoder-step" what={t("decoderTerm")} matrix={matrix} height={440} />
        <p class="actions">
          <Tick label={t("liftMask")} checked={lifted} onchange={setLifted} />
          <span class="status">{open ? t("cheat", { share: `${(100 * ahead).toFixed(0)} %` }) : ""}</span>
          {lifted && !open && <Waiting />}
        </p>
        <output class="sr number" data-number={row_[largest(row_)]} />
      </>
    );
  },
};

/** @param {Data} data */
function crossRow({ explanation, token, head }) {
  const { cols } = explanation.cross;
  return headWeights(explanation.cross, head.layer, head.head).subarray(token * cols, (token + 1) * cols);
}

/** @type {Step} */
export const cross = {
  formula: crossing,
  quiz(data) {
    const names = data.labels.source.map((one) => one.text);
    const best = largest(crossRow(data));
    const question = data.t("crossAsk", { word: data.labels.target[data.token].text });
    return choiceOf(
      question,
      names,
      best,
      names.map((_, i) => i),
    );
  },
  Stage({ data }) {
    const { explanation, labels, token, head, depth, t } = data;
    const { store } = useApp();
    const own = crossRow(data);
    const { value } = useParts(depth, "decoder", head.layer);
    const { rows, cols } = axes(explanation, "cross");
    const size = rows.length * cols.length;
    const again = value?.parts.cross?.weights.subarray(head.head * size, (head.head + 1) * size);
    const best = largest(own);
    return (
      <>
        <BarsFigure
          name="glossa-cross-row"
          what={t("crossLooks", { word: labels.target[token].text })}
          items={labels.source.map((one, i) => ({
            name: one.text,
            value: own[i],
            number: percent(Math.log(own[i])),
          }))}
          chosen={best}
          largest={1}
          hue="source"
          onpick={(word) => store.set({ word })}
        />
        <MatrixFigure
          name="glossa-cross-step"
          what={t("crossTerm")}
          matrix={{ rows, cols, data: headWeights(explanation.cross, head.layer, head.head) }}
          height={380}
          onpick={(r) => store.set({ token: r })}
        />
        <output class="sr number" data-number={own[best]} data-at={best} />
        {again && again.length === size && (
          <Sceptic
            value={Math.max(
              ...again.map((one, i) => Math.abs(one - headWeights(explanation.cross, head.layer, head.head)[i])),
            )}
            t={t}
          />
        )}
      </>
    );
  },
};

/** @type {Step} */
export const vocabulary = {
  values: ({ state }) => ({ n: state.info?.model.targetVocabulary ?? 6000 }),
  formula: ({ depth }) => choosing(depth),
  quiz({ explanation, token, labels, t }) {
    const share = Math.round(100 * Math.exp(explanation.targetTokens[token].logProbability));
    const others = [share > 50 ? share - 35 : share + 30, share > 50 ? Math.round(share / 3) : share + 55].map((one) =>
      Math.min(99, one),
    );
    const question = t("vocabularyAsk", { word: labels.target[token].text });
    return numberOf(question, share, others, (one) => `${one} %`);
  },
  Stage({ data }) {
    const { explanation, token, labels, depth, t } = data;
    const [temperature, setTemperature] = useState(1);
    const { value, late } = usePromised(() => {
      const layers = explanation.cross.layers;
      if (!depth || depth.explanation.targetTokens.length <= token) return null;
      const { width } = depth.shape;
      return logitsOf(depth.gguf, depth.state("decoder", layers).slice(token * width, (token + 1) * width));
    }, [depth, token]);
    const chosen = explanation.targetTokens[token];
    const top = explanation.topK[token] ?? [];
    const before = explanation.translation.slice(0, chosen.start).trimEnd();
    // The engine's own shares; with another temperature, those that its logits would give.
    const shares = temperature === 1 || !value ? top.map((one) => Math.exp(one.logProbability)) : null;
    const all = shares
      ? null
      : softmax(/** @type {Float32Array} */ (value), /** @type {Float32Array} */ (value).length, temperature);
    const end = explanation.targetTokens.at(-1);
    const items = top.map((one, i) => {
      const share = shares ? shares[i] : /** @type {Float32Array} */ (all)[one.id];
      const ends = end !== undefined && end.start === end.end && one.id === end.id;
      return {
        name: readable(ends ? "</s>" : one.piece),
        value: share,
        number: percent(Math.log(Math.max(1e-30, share))),
      };
    });
    return (
      <div class={late && temperature !== 1 ? "stale" : ""}>
        <BarsFigure
          name="glossa-probabilities"
          what={t("afterText", { text: before || labels.target[0] ? before || "‹s›" : "‹s›" })}
          items={items}
          chosen={top.findIndex((one) => one.id === chosen.id)}
          largest={1}
          hue="target"
        />
        <Slider
          label={t("temperature", { value: temperature.toFixed(2) })}
          {...{ min: 0.1, max: 3, step: 0.1, value: temperature, id: "vocabulary-temperature" }}
          onchange={setTemperature}
        />
        <output class="sr number" data-number={Math.exp(chosen.logProbability)} />
      </div>
    );
  },
};

/** @type {Step} */
export const beam = {
  formula: racing,
  async quiz({ explanation, engine, state, t }) {
    if (state.sentences[state.sentence]?.prefix) return null;
    const greedy = await engine.ask(explanation.source, { beamSize: 1 });
    const same = greedy.translation === explanation.translation;
    return { question: t("beamAsk"), options: [t("yes"), t("no")], correct: same ? 0 : 1 };
  },
  Stage({ data }) {
    const { explanation, state, t } = data;
    const { engine } = useApp();
    const { beam: asked } = useKeys("beam");
    const [width, setWidth] = useState(asked);
    const [at, setAt] = useState(-1);
    const own = state.sentences[state.sentence]?.explanation ?? null;
    const { value, late } = usePromised(
      (signal) => (own ? engine.ask(own.source, { beams: true, beamSize: width, signal }) : null),
      [own, width],
    );
    useEffect(() => setAt(-1), [own, width]);
    const steps = value?.beams?.length ?? 0;
    const shown = at < 0 ? steps : Math.min(at + 1, steps);
    const best = value?.hypotheses[0];
    return (
      <div class={late ? "stale" : ""}>
        <div class="actions">
          <Choice
            name="beam-width"
            label={t("width", { n: width })}
            value={String(width)}
            options={[1, 2, 4, 8].map((n) => [String(n), t("width", { n })])}
            onchange={(next) => setWidth(Number(next))}
          />
        </div>
        {value ? (
          <>
            <Player
              label={t("beamStep", { n: shown, total: steps })}
              at={shown - 1}
              last={steps - 1}
              id="beam-step"
              onchange={(next) => setAt(next >= steps - 1 ? -1 : next)}
            />
            <BeamPicture explanation={value} width={width} shown={shown} />
            {best && (
              <p class="sentence">
                {best.text}{" "}
                <output class="help number" data-number={best.score}>
                  {signed(best.score)}
                </output>
              </p>
            )}
          </>
        ) : (
          <Waiting />
        )}
        <p class="sr">{explanation.translation}</p>
      </div>
    );
  },
};

/** @type {Step} */
export const breakIt = {
  async quiz({ explanation, engine, state, t }) {
    const { aligning, models, pair } = state;
    const model = models.find((one) => one.id === pair);
    const [layer, head] = firstHead(explanation, "cross", aligning);
    const heads = explanation.cross.heads;
    /** @type {import("../../../heads.js").Head[]} */
    const asked = [
      { kind: "cross", layer, head },
      { kind: "cross", layer: 0, head: (head + 1) % heads },
      { kind: "encoder", layer: 0, head: 0 },
      ...(explanation.decoder ? [{ kind: /** @type {const} */ ("decoder"), layer: 0, head: 0 }] : []),
    ];
    const { signal } = new AbortController();
    const left = [];
    for (const one of asked) left.push(await scoreWithout(engine, explanation, idOf(one), signal));
    const least = left.indexOf(Math.min(...left));
    return {
      question: t("breakAsk"),
      options: asked.map((one) => headName(one, model, state.language, t)),
      correct: least,
    };
  },
  Stage() {
    const ranking = useRanking();
    return (
      <>
        <HeadsOff ranking={ranking} />
        <Ranking ranking={ranking} />
        <SideBySide />
        {ranking.done && <BestLoss losses={ranking.losses} />}
      </>
    );
  },
};

/** @param {{losses: import("../heads.jsx").Loss[]}} props */
function BestLoss({ losses }) {
  const best = useMemo(() => losses.toSorted((a, b) => b.lost - a.lost)[0], [losses]);
  return <output class="sr number" data-number={best.lost} data-at={idOf(best.head)} />;
}
