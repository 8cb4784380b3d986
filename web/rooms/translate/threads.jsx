// Words of the sentence, words of its translation, and a thread from each to each that it looks at.

import { useEffect, useMemo, useState } from "preact/hooks";
import { matrixTable } from "../../draw/labels.js";
import { h } from "../../draw/dom.js";
import { litness, litOf } from "../../selection.js";
import { isStale, shownExplanation } from "../../state.js";
import { Figure, reducedMotion, useApp, useKeys, useWidth, useWords } from "../../ui.jsx";
import { curve, layThreads, threadsOf } from "./threads.js";

/** @typedef {import("../../state.js").State} State */
/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("./threads.js").ThreadWord} ThreadWord */
/** @typedef {"source" | "target"} Side */

const LEAST = 0.08; // weights below it are no thread
const PULSE = 1600; // milliseconds a word

/**
 * Until somebody does something, the words of the translation light up one after the other, once.
 * @param {number} words
 * @returns {number} the word that is lit now; -1: none
 */
function usePulse(words) {
  const [at, setAt] = useState(-1);
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (over || words === 0 || reducedMotion()) return;
    const stop = () => setOver(true);
    const signs = ["pointerdown", "keydown", "input", "wheel"];
    for (const sign of signs) addEventListener(sign, stop, { once: true, passive: true });
    const timer = setInterval(
      () =>
        setAt((now) => {
          if (now + 1 < words) return now + 1;
          stop();
          return -1;
        }),
      PULSE,
    );
    return () => {
      clearInterval(timer);
      for (const sign of signs) removeEventListener(sign, stop);
    };
  }, [over, words]);
  return over ? -1 : at;
}

export function ThreadsFigure() {
  const { t } = useWords();
  const state = useKeys("sentences", "sentence", "aligning", "models", "pair");
  const [box, width] = useWidth();
  const explanation = shownExplanation(state);
  const { aligning } = state;
  const threads = useMemo(() => explanation && threadsOf(explanation, aligning), [explanation, aligning?.join()]);
  /** @param {ThreadWord} word @param {Side} side @param {number} i */
  const label = ({ text, token, last }, side, i) => ({
    ...{ text, surface: text, special: false, side, start: 0, end: 0, word: i },
    ...{ token, last },
  });
  const matrix = threads && {
    rows: threads.target.map((one, i) => label(one, "target", i)),
    cols: threads.source.map((one, i) => label(one, "source", i)),
    data: threads.weights,
  };
  return (
    <div class={`threads-box${explanation && isStale(state) ? " stale" : ""}`} ref={box}>
      {explanation && threads && matrix && width > 0 ? (
        <Figure
          name="glossa-threads"
          what={t("threads")}
          table={() => (matrix ? matrixTable(matrix, t("threads")) : h("p"))}
          json={() => ({
            sentence: explanation.source,
            translation: explanation.translation,
            rows: threads.target.map((one) => one.text),
            columns: threads.source.map((one) => one.text),
            weights: threads.target.map((_, r) =>
              threads.weights.slice(r * threads.source.length, (r + 1) * threads.source.length),
            ),
          })}
        >
          <Threads {...{ explanation, threads, width }} />
        </Figure>
      ) : (
        <p class="help empty">{t("threadsEmpty")}</p>
      )}
      <p class="help hint">{t("threadsHint")}</p>
    </div>
  );
}

/** @param {{explanation: SentenceExplanation, threads: import("./threads.js").Threads, width: number}} props */
function Threads({ explanation, threads, width }) {
  const { store } = useApp();
  const { t } = useWords();
  const { lit: pointed, sentence } = useKeys("lit", "sentence");
  const { source, target, weights } = threads;
  const pulse = usePulse(target.length);
  const own = pointed?.sentence === sentence ? pointed : null;
  const lit =
    own ?? (pulse >= 0 && target[pulse] ? { side: /** @type {Side} */ ("target"), at: target[pulse].start } : null);
  const { flat, width: wide, height, source: above, target: below } = layThreads(threads, width);
  const places = { source: above, target: below };
  const words = { source, target };
  /** @param {Side} side @param {number} i */
  const how = (side, i) => litness(explanation, lit, side, words[side][i]);
  /** @param {Side} side @param {number} i */
  const isSelf = (side, i) => how(side, i) === "self";
  /** How strongly the word pointed at looks at this one. @param {number} i */
  const tint = (i) => {
    const row = target.findIndex((_, r) => isSelf("target", r));
    return row < 0 ? 0 : weights[row * source.length + i];
  };

  /** @param {Side} side @param {number} i @param {boolean} pinned */
  const point = (side, i, pinned) => {
    const now = store.get().lit;
    if (now?.pinned && !pinned) return;
    const at =
      litOf(explanation, side, words[side][i].last, sentence) ??
      litOf(explanation, side, words[side][i].token, sentence);
    const same = pinned && now?.pinned && now.side === side && now.at === at?.at;
    store.set({ lit: same || !at ? null : { ...at, pinned } });
    if (pinned) store.set(side === "target" ? { token: words.target[i].token } : { word: words.source[i].token });
  };
  const leave = () => store.get().lit?.pinned === false && store.set({ lit: null });

  /** @type {import("preact").VNode[]} */
  const paths = [];
  target.forEach((_, r) => {
    source.forEach((__, c) => {
      const value = weights[r * source.length + c];
      if (value < LEAST) return;
      const [a, b] = [above[c], below[r]];
      const d = flat
        ? curve([a.x, a.y + 16], [b.x, b.y - 16], true)
        : curve([a.x + a.width / 2 + 6, a.y], [b.x - b.width / 2 - 6, b.y], false);
      const on = isSelf("target", r) || isSelf("source", c);
      paths.push(
        <path
          key={`${r} ${c}`}
          d={d}
          class={lit ? (on ? "thread on" : "thread off") : "thread"}
          stroke-width={1 + 6 * value}
          stroke-opacity={0.15 + 0.75 * value}
          data-value={value}
          data-row={r}
          data-col={c}
        />,
      );
    });
  });
  return (
    <div class="picture">
      <svg
        class={`threads${flat ? "" : " columns"}`}
        width={wide}
        height={height}
        viewBox={`0 0 ${wide} ${height}`}
        role="group"
        aria-label={t("threads")}
        onPointerLeave={leave}
        onKeyDown={(event) => walk(event)}
      >
        <g class="links" fill="none">
          {paths}
        </g>
        {
          /** @type {const} */ (["source", "target"]).map((side) =>
            words[side].map((word, i) => {
              const { x, y, width: room } = places[side][i];
              const weight = side === "source" ? tint(i) : 0;
              return (
                <g
                  key={`${side} ${i}`}
                  class={`thread-word ${side} ${how(side, i)}`}
                  role="button"
                  tabindex={side === "source" && i === 0 ? 0 : -1}
                  aria-pressed={own?.pinned === true && isSelf(side, i)}
                  aria-label={word.text}
                  data-token={word.token}
                  onPointerEnter={(event) => event.pointerType === "mouse" && point(side, i, false)}
                  onFocus={() => point(side, i, false)}
                  onBlur={leave}
                  onClick={() => point(side, i, true)}
                  onKeyDown={(event) => {
                    if (event.key !== "Enter" && event.key !== " ") return;
                    event.preventDefault();
                    point(side, i, true);
                  }}
                >
                  <rect
                    class="plate"
                    x={x - room / 2}
                    y={y - 15}
                    width={room}
                    height={30}
                    rx={5}
                    fill-opacity={weight > 0.02 ? 0.2 + 0.8 * weight : undefined}
                  />
                  <text x={x} y={y} dy="0.34em" text-anchor="middle">
                    {word.text.length > 24 ? `${word.text.slice(0, 23)}…` : word.text}
                  </text>
                </g>
              );
            }),
          )
        }
      </svg>
    </div>
  );
}

/** One tab stop; arrow keys move among the words, up and down between the rows. @param {KeyboardEvent} event */
function walk(event) {
  const svg = /** @type {SVGElement} */ (event.currentTarget);
  const at = /** @type {SVGElement | null} */ (document.activeElement);
  const all = /** @type {SVGElement[]} */ ([...svg.querySelectorAll(".thread-word")]);
  const i = at ? all.indexOf(at) : -1;
  if (i < 0) return;
  const sources = svg.querySelectorAll(".thread-word.source").length;
  const columns = svg.classList.contains("columns");
  const [back, on, over, under] = columns
    ? ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]
    : ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  const inRow = i < sources ? i : i - sources;
  const targets = all.length - sources;
  /** @type {Record<string, number>} */
  const moves = {
    [back]: i - 1,
    [on]: i + 1,
    [under]: i < sources ? sources + Math.min(inRow, targets - 1) : -1,
    [over]: i >= sources ? Math.min(inRow, sources - 1) : -1,
    Home: 0,
    End: all.length - 1,
  };
  const next = all[moves[event.key] ?? -1];
  if (!next) return;
  event.preventDefault();
  for (const one of all) one.setAttribute("tabindex", one === next ? "0" : "-1");
  next.focus();
}
