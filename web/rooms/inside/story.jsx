// The story: fifteen steps, each with a few sentences, one thing to do and one question that doing answers. It only sets
// the state; the same pictures are there without it.

import { useEffect, useRef, useState } from "preact/hooks";
import { steps } from "../../address.js";
import { tokenLabels } from "../../attention.js";
import { chosenToken, chosenWord, storyHead } from "../../heads.js";
import { isStale, shownExplanation } from "../../state.js";
import { Drawn, useApp, useKeys, useWords } from "../../ui.jsx";
import { useDepth } from "./data.js";
import { heads, mix, projections, scores, softmaxStep } from "./steps/attend.jsx";
import { beam, breakIt, cross, decoder, vocabulary } from "./steps/decode.jsx";
import { forward, norm, stack } from "./steps/layers.jsx";
import { tokens, vectors } from "./steps/text.jsx";

const SWIPE = 40; // pixels that a finger moves, at least

/** @typedef {import("./steps/types.js").Data} Data */
/** @typedef {import("./steps/types.js").Step} Step */
/** @typedef {import("./steps/types.js").Quiz} Quiz */

/** @type {Record<string, Step>} */
const made = {
  ...{ tokens, vectors, projections, scores, softmax: softmaxStep, mix, heads, norm, forward, stack },
  ...{ decoder, cross, vocabulary, beam, break: breakIt },
};

/** @returns {Data | null} */
export function useStoryData() {
  const { engine } = useApp();
  const { t } = useWords();
  const state = useKeys(
    "sentences",
    "sentence",
    "word",
    "token",
    "kind",
    "layer",
    "head",
    "heads",
    "aligning",
    "info",
    "story",
    "status",
    "models",
    "pair",
  );
  const now = shownExplanation(state);
  const depth = useDepth();
  if (!now) return null;
  // Until the numbers of the new sentence are there, the story goes on with those of the last one.
  const found = depth.value?.explanation;
  const same = found?.source === now.source && found.translation === now.translation;
  const explanation = found ?? now;
  const head = storyHead(state, explanation);
  return {
    ...{ state, explanation, depth: depth.value, engine, head, t, stale: !same && found !== undefined },
    word: chosenWord(state, explanation),
    token: chosenToken(state, explanation),
    labels: {
      source: tokenLabels(explanation.sourceTokens, explanation.source, "source"),
      target: tokenLabels(explanation.targetTokens, explanation.translation, "target"),
    },
  };
}

/** @param {{data: Data | null}} props */
export function StoryStage({ data }) {
  const { t } = useWords();
  const { story } = useKeys("story", "sentences", "sentence");
  if (!data) return <p class="help">{t("needsSentence")}</p>;
  const { Stage } = made[story];
  return (
    <div class={`story-stage${data.stale || isStale(data.state) ? " stale" : ""}`} data-step={story}>
      <Stage key={story} data={data} />
    </div>
  );
}

/** @param {{data: Data | null}} props */
export function Story({ data }) {
  const { store } = useApp();
  const { t } = useWords();
  const { story, room } = useKeys("story", "room");
  const title = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const at = steps.indexOf(story);
  const step = made[story];
  const values = (data && step.values?.(data)) || {};
  const said = (data && step.words?.(data)) || {};
  /** @param {string} one @param {Record<string, string | number>} more where nothing is known yet */
  const titleOf = (one, more = {}) =>
    t((data && made[one].words?.(data).title) || `${one}Title`, (data && made[one].values?.(data)) || more);
  const heading = titleOf(story);
  /** @param {number} to */
  const go = (to) => {
    if (to < 0 || to >= steps.length) return;
    store.set({ story: steps[to] });
    requestAnimationFrame(() => title.current?.focus());
  };
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (store.get().room !== "inside" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key !== " " || event.shiftKey) return;
      if (target.closest("button, input, select, textarea, summary, a, [role=button], [role=application]")) return;
      event.preventDefault();
      go(steps.indexOf(store.get().story) + 1);
    };
    if (room !== "inside") return;
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [room]);
  const [height, setHeight] = useState(1);
  /** Where a finger came down on the sheet. */
  const down = useRef(/** @type {{x: number, y: number, handle: boolean} | null} */ (null));
  /** @param {PointerEvent} event */
  const touch = ({ pointerType, target, clientX, clientY }) => {
    const on = /** @type {Element} */ (target);
    const free = pointerType === "touch" && !on.closest("select, input, .formula");
    down.current = free ? { x: clientX, y: clientY, handle: on.closest(".sheet-handle") !== null } : null;
  };
  /** Up and down at the handle is another height, left and right another step. @param {{clientX: number, clientY: number}} event */
  const lift = ({ clientX, clientY }) => {
    if (!down.current) return;
    const [dx, dy] = [clientX - down.current.x, clientY - down.current.y];
    if (down.current.handle && Math.abs(dy) > SWIPE) setHeight(Math.max(0, Math.min(2, height - Math.sign(dy))));
    else if (Math.abs(dx) > SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) go(at - Math.sign(dx));
    down.current = null;
  };
  return (
    <aside
      class="story"
      data-height={height}
      aria-label={heading}
      onPointerDown={touch}
      onPointerUp={lift}
      onPointerCancel={() => {
        down.current = null;
      }}
    >
      <button
        type="button"
        class="sheet-handle"
        aria-label={t("sheetHeight")}
        onClick={() => setHeight((height + 1) % 3)}
      />
      <p class="story-head">
        <span class="help">{t("stepOf", { n: at + 1, total: steps.length })}</span>
        <select
          class="quiet"
          aria-label={t("allSteps")}
          value={story}
          onChange={(event) => go(steps.indexOf(event.currentTarget.value))}
        >
          {steps.map((one, i) => (
            <option key={one} value={one} selected={one === story}>
              {i + 1}. {titleOf(one, { n: 256 })}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="quiet"
          aria-label={t("closeStory")}
          title={t("closeStory")}
          onClick={() => store.set({ story: "" })}
        >
          ✕
        </button>
      </p>
      <h2 ref={title} tabIndex={-1}>
        {heading}
      </h2>
      <p class="prose">{t(said.text ?? `${story}Text`, values)}</p>
      {data && (
        <Question key={`${story} ${data.explanation.source} ${data.word} ${data.token}`} data={data} step={step} />
      )}
      <p class="try">
        <strong>{t("tryThis")}: </strong>
        {t(`${story}Try`, values)}
      </p>
      {step.formula && data && (
        <details class="formula-box">
          <summary>{t("formula")}</summary>
          <Drawn
            class="formula"
            make={() => /** @type {NonNullable<Step["formula"]>} */ (step.formula)(data)}
            of={[story, data.depth]}
          />
        </details>
      )}
      <p class="story-nav">
        <button type="button" aria-disabled={at === 0 ? "true" : undefined} onClick={() => go(at - 1)}>
          ‹ {t("previousStep")}
        </button>
        <button type="button" class="action" hidden={at === steps.length - 1} onClick={() => go(at + 1)}>
          {t("nextStep")} ›
        </button>
      </p>
    </aside>
  );
}

/** A guess before the picture tells. @param {{data: Data, step: Step}} props */
function Question({ data, step }) {
  const { t } = useWords();
  const [quiz, setQuiz] = useState(/** @type {Quiz | null | undefined} */ (undefined)); // not known yet
  const [answer, setAnswer] = useState(-1);
  useEffect(() => {
    if (quiz) return; // a question that was asked stays, though numbers may come that it did not need
    let late = false;
    Promise.resolve(step.quiz(data)).then(
      (found) => late || setQuiz(found),
      () => late || setQuiz(null), // the model may be gone: then there is no question
    );
    return () => {
      late = true;
    };
  }, [data.depth, data.explanation, data.head.layer, data.head.head]);
  if (quiz === undefined) return <div class="question waiting" />;
  if (!quiz || quiz.options.length < 2) return null;
  const right = answer === quiz.correct;
  return (
    <fieldset class="question" data-correct={quiz.correct}>
      <legend>
        <strong>{t("guess")}: </strong>
        {quiz.question}
      </legend>
      <div class="answers">
        {quiz.options.map((option, i) => (
          <button
            key={i}
            type="button"
            class={answer >= 0 && i === quiz.correct ? "right" : i === answer ? "wrong" : ""}
            aria-pressed={i === answer}
            onClick={() => setAnswer(i)}
          >
            {option}
          </button>
        ))}
      </div>
      <p role="status" class="verdict">
        {answer < 0 ? "" : right ? t("right") : t("wrong", { answer: quiz.options[quiz.correct] })}
      </p>
    </fieldset>
  );
}
