// The page of scores: one query, five keys, every way in which the lab scores them. The numbers come from the operation
// that its networks have.

import { useEffect, useState } from "preact/hooks";
import { labAttend } from "../../../src/js/lab/index.js";
import { learn, signed } from "../../strings.js";
import { Choice, Drawn, Slider, Tick, useApp, useKeys, useWords } from "../../ui.jsx";
import { BarsFigure } from "../inside/pictures.jsx";
import { mixFormula, scoreFormula, weightFormula } from "./formulas.js";
import { Plane } from "./plane.jsx";
import { kinds, knobs, parametersOf, readSettings, start, startValues, withScore, writeSettings } from "./settings.js";
import { words } from "./words.js";

learn(words);

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").ScoreKind} ScoreKind */
/** @typedef {import("../../../src/js/lab/index.js").Attended} Attended */

/** The step of the story that has this score at work. The others are those of a recurrent network that is trained. */
const STEP = "scores";
/** @param {ScoreKind} score @returns {Partial<import("../../state.js").State>} where a score is at work */
const seenLive = (score) =>
  score === "scaled-dot"
    ? { room: "inside", story: STEP }
    : { room: "train", train: `len=16&net=recurrent${score === "additive" ? "" : `&score=${score}`}` };

/** Settings with what the operation made of them. @typedef {{settings: Settings, found: Attended}} Answer */

/** The newest answer there is, and why there is none. @param {Settings} settings @param {string} key what they are, in one word */
function useAttention(settings, key) {
  const { t } = useWords();
  const [answer, setAnswer] = useState(/** @type {Answer | null} */ (null));
  const [problem, setProblem] = useState("");
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let wanted = true;
    labAttend({
      score: settings.score,
      selection: settings.hard ? "hard" : "soft",
      queries: [settings.query],
      keys: settings.keys,
      values: settings.values ?? settings.keys,
      parameters: parametersOf(settings),
    }).then(
      (found) => {
        if (!wanted) return;
        setAnswer({ settings, found });
        setProblem("");
      },
      (error) => wanted && setProblem(error.name === "NetworkError" ? t("zooUnreachable") : error.message),
    );
    return () => {
      wanted = false;
    };
  }, [key, tries]);
  return { answer, problem, again: () => setTries(tries + 1) };
}

export function Zoo() {
  const { store } = useApp();
  const { t } = useWords();
  const { zoo } = useKeys("zoo");
  const settings = readSettings(zoo);
  const clean = writeSettings(settings);
  const { answer, problem, again } = useAttention(settings, clean);
  const [chosen, setChosen] = useState(0);
  /** @param {Settings} next */
  const change = (next) => store.set({ zoo: writeSettings(next) });
  // What the address said and nobody can show is not said again.
  useEffect(() => {
    if (zoo !== clean) store.set({ zoo: clean });
  }, [zoo]);
  return (
    <>
      <h1>{t("zooTitle")}</h1>
      <p class="help zoo-lead">{t("zooLead")}</p>
      <div class="zoo">
        <Kinds {...{ settings, change }} />
        <section class="zoo-stage" aria-label={t("plane")}>
          <Plane {...{ settings, chosen }} found={answer?.found ?? null} onmove={change} onchoose={setChosen} />
          <p class="help">{t("planeHelp")}</p>
          <Knobs {...{ settings, change }} />
        </section>
        <section class="zoo-side" aria-label={t("numbers")}>
          <About {...{ settings }} />
          {problem && (
            <p role="alert" class="notice">
              {t("zooFailed", { problem })}{" "}
              <button type="button" onClick={again}>
                {t("retry")}
              </button>
            </p>
          )}
          {answer ? (
            <Numbers {...{ answer, chosen }} onchoose={setChosen} />
          ) : (
            !problem && <p class="help">{t("working")}</p>
          )}
        </section>
      </div>
    </>
  );
}

/** The functions, one below the other. @param {{settings: Settings, change: (settings: Settings) => void}} props */
function Kinds({ settings, change }) {
  const { t } = useWords();
  return (
    <fieldset class="zoo-kinds">
      <legend class="sr">{t("score")}</legend>
      {kinds.map((kind) => (
        <label key={kind}>
          <input
            type="radio"
            name="zoo-score"
            value={kind}
            checked={settings.score === kind}
            onChange={() => change(withScore(settings, kind))}
          />
          <span>
            {t(`${kind}Name`)}
            <small>{t(`${kind}By`)}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** What can be switched and moved beside the points. @param {{settings: Settings, change: (settings: Settings) => void}} props */
function Knobs({ settings, change }) {
  const { t } = useWords();
  const { score, hard, values, knob } = settings;
  const range = knobs[score];
  return (
    <div class="zoo-knobs">
      <p>
        <Choice
          name="zoo-selection"
          label={t("selection")}
          value={hard ? "hard" : "soft"}
          options={[
            ["soft", t("zooSoft")],
            ["hard", t("zooHard")],
          ]}
          onchange={(value) => change({ ...settings, hard: value === "hard" })}
        />
        <span class="help">{t(hard ? "hardHelp" : "softHelp")}</span>
      </p>
      {(score === "dot" || score === "scaled-dot") && (
        <p>
          <Tick
            label={t("zooDivide")}
            checked={score === "scaled-dot"}
            onchange={(divided) => change(withScore(settings, divided ? "scaled-dot" : "dot"))}
          />
          <span class="help">{t("divideHelp")}</span>
        </p>
      )}
      {range && (
        <p>
          <Slider
            label={t(`${score}Knob`, { value: knob })}
            {...{ min: range.min, max: range.max, step: range.step }}
            value={knob}
            onchange={(value) => change({ ...settings, knob: value })}
          />
        </p>
      )}
      <p>
        <Tick
          label={t("apart")}
          checked={values !== null}
          onchange={(apart) => change({ ...settings, values: apart ? startValues : null })}
        />
        <span class="help">{t("apartHelp")}</span>
      </p>
      <p>
        <button type="button" onClick={() => change({ ...withScore(start, score) })}>
          {t("startAgain")}
        </button>
      </p>
    </div>
  );
}

/** What the function is, what to try and what to expect, and where one is at work. @param {{settings: Settings}} props */
function About({ settings: { score } }) {
  const { store } = useApp();
  const { t } = useWords();
  const place = seenLive(score);
  return (
    <>
      <h2>{t(`${score}Name`)}</h2>
      <p class="prose">
        {t(`${score}What`)} <span class="help">({t(`${score}Paper`)})</span>
      </p>
      <p class="try">
        <strong>{t("tryIt")}: </strong>
        {t(`${score}Try`)}
      </p>
      <p class="try">
        <strong>{t("expect")}: </strong>
        {t(`${score}Expect`)}
      </p>
      <p>
        <a
          href={place.train === undefined ? `#/inside/${STEP}` : `#/train?${place.train}`}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            store.set(place);
          }}
        >
          {t("seenLive")} {t(`${place.room}Live`)} <span aria-hidden="true">→</span>
        </a>
      </p>
    </>
  );
}

const REST = 100; // milliseconds without a newer answer, before formulas are written anew

/** The answer, once nothing moves: to lay out formulas takes longer than a frame. @param {Answer} answer */
function useSettled(answer) {
  const [settled, setSettled] = useState(answer);
  useEffect(() => {
    const timer = setTimeout(setSettled, REST, answer);
    return () => clearTimeout(timer);
  }, [answer]);
  return settled;
}

/**
 * Bars, and the formulas that lead to them.
 * @param {{answer: Answer, chosen: number, onchoose: (key: number) => void}} props
 */
function Numbers({ answer, chosen, onchoose }) {
  const { t } = useWords();
  const [scores, weights] = [answer.found.scores[0], answer.found.weights[0]];
  /** @param {number[]} list @param {(value: number) => string} write */
  const items = (list, write) =>
    list.map((value, i) => ({
      name: `k${"₁₂₃₄₅"[i]}`,
      value,
      number: write(value),
      label: t("keyIs", { n: i + 1, value: write(value) }),
    }));
  return (
    <>
      <div class="zoo-bars">
        <BarsFigure
          name="zoo-scores"
          what={t("theScores")}
          items={items(scores, (value) => signed(value, 2))}
          {...{ chosen }}
          onpick={onchoose}
        />
        <BarsFigure
          name="zoo-weights"
          what={t("theWeights")}
          items={items(weights, (value) => value.toFixed(3))}
          largest={1}
          {...{ chosen }}
          onpick={onchoose}
        />
      </div>
      <Formulas {...{ answer, chosen }} />
    </>
  );
}

/** @param {{answer: Answer, chosen: number}} props */
function Formulas({ answer, chosen }) {
  const { t } = useWords();
  const settled = useSettled(answer);
  const { settings, found } = settled;
  const learnt = parametersOf(settings);
  return (
    <div class={settled === answer ? "" : "stale"}>
      <h3>{t("scoreOf", { n: chosen + 1 })}</h3>
      <Drawn class="formula" make={() => scoreFormula(settings, found, chosen, learnt)} of={[found, chosen]} />
      <h3>{t("weightOf", { n: chosen + 1 })}</h3>
      <Drawn class="formula" make={() => weightFormula(settings, found, chosen)} of={[found, chosen]} />
      <h3>{t("theMix")}</h3>
      <Drawn
        class="formula"
        make={() => mixFormula(found, settings.values ?? settings.keys, settings.values !== null)}
        of={[found]}
      />
    </div>
  );
}
