// The attention of the sentence, one head or a summary in large: as a heatmap, or as lines between the words.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { axes, headWeights, PAD, padded, reduced, shape } from "../../attention.js";
import { headColour } from "../../draw/colour.js";
import { h } from "../../draw/dom.js";
import { brush, heatmap } from "../../draw/heatmap.js";
import { decimal, matrixTable } from "../../draw/labels.js";
import { lines } from "../../draw/lines.js";
import { overview } from "../../draw/overview.js";
import { chosenHead, habitOf } from "../../heads.js";
import { litTokens } from "../../selection.js";
import { isStale, shownExplanation } from "../../state.js";
import { Choice, Drawn, Figure, Menu, Slider, Tick, useApp, useDark, useKeys, useWidth, useWords } from "../../ui.jsx";
import { kindName } from "./names.js";
import { Player } from "./player.jsx";

/** @typedef {import("../../state.js").State} State */
/** @typedef {import("../../state.js").Kind} Kind */
/** @typedef {import("../../state.js").Reduce} Reduce */
/** @typedef {import("../../attention.js").Matrix} Matrix */
/** @typedef {import("../../../src/js/types.js").Attention} Attention */
/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */

/** Keys of the state that change the picture. @type {(keyof State)[]} */
const drawn = [
  "sentences",
  "sentence",
  "kind",
  "layer",
  "head",
  "heads",
  "reduce",
  "picture",
  "words",
  "special",
  "padding",
  "stretch",
  "threshold",
  "step",
  "aligning",
  "models",
  "pair",
];

const BATCH = 4; // sentences of a batch, where its padding is shown

/** The sentences that would be computed together with this one. @param {State} state */
function batchOf({ sentence, sentences }) {
  const first = sentence - (sentence % BATCH);
  return sentences.slice(first, first + BATCH).map((one, i) => ({ index: first + i, explanation: one.explanation }));
}

/** How many tokens the longest of the batch has more. @param {State} state @param {SentenceExplanation} explanation */
function paddingOf(state, explanation) {
  if (!state.padding) return { source: 0, target: 0 };
  const batch = batchOf(state).map((one) => one.explanation ?? explanation);
  /** @param {"sourceTokens" | "targetTokens"} tokens */
  const most = (tokens) => Math.max(...batch.map((one) => one[tokens].length)) - explanation[tokens].length;
  return { source: most("sourceTokens"), target: most("targetTokens") };
}

/** All weights, as the engine has them. @param {SentenceExplanation} explanation @param {Kind} kind */
function everyHead(explanation, kind) {
  const attention = /** @type {Attention} */ (explanation[kind]);
  const { rows, cols } = axes(explanation, kind);
  return {
    ...{ sentence: explanation.source, translation: explanation.translation, attention: kind },
    rows: rows.map((one) => one.text),
    columns: cols.map((one) => one.text),
    layers: Array.from({ length: attention.layers }, (_, layer) =>
      Array.from({ length: attention.heads }, (_, head) => {
        const weights = headWeights(attention, layer, head);
        return rows.map((_, r) => weights.slice(r * cols.length, (r + 1) * cols.length));
      }),
    ),
  };
}

const WIDE = 1000; // pixels from which on what is said of the picture stands beside it
const BESIDE = 340; // pixels that this takes
const AROUND = 330; // pixels of the window's height that belong to others
const LARGEST = 88; // pixels of a cell, where there is room

/** The height of the window, in pixels of the page, which is larger on a very large screen. */
const windowHeight = () => innerHeight / (Number(getComputedStyle(document.body).zoom) || 1);

function useTall() {
  const [tall, setTall] = useState(windowHeight);
  useEffect(() => {
    const note = () => setTall(windowHeight());
    addEventListener("resize", note);
    return () => removeEventListener("resize", note);
  }, []);
  return tall;
}

export function AttentionStage() {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const dark = useDark();
  const state = useKeys(...drawn);
  const [box, width] = useWidth();
  const tall = useTall();
  const explanation = shownExplanation(state);
  const [readout, setReadout] = useState("");
  const plot = useRef(/** @type {Element | null} */ (null));
  const own = explanation ? chosenHead(state, explanation) : null;
  const missing = state.padding
    ? batchOf(state)
        .filter((one) => !one.explanation)
        .map((one) => one.index)
    : [];
  useEffect(() => {
    if (missing.length > 0) engine.need(missing);
  }, [missing.join()]);
  if (!explanation || !own) return <p class="help">{t("needsSentence")}</p>;
  const { kind, layer, head } = own;
  const model = state.models.find((one) => one.id === state.pair);
  const attention = /** @type {Attention} */ (explanation[kind]);
  /** @param {number} which */
  const matrixOf = (which) =>
    shape(axes(explanation, kind), reduced(explanation, kind, state.reduce, layer, which), state);
  const more = paddingOf(state, explanation);
  /** @param {Matrix} one */
  const filled = (one) =>
    padded(one, kind === "encoder" ? more.source : more.target, kind === "decoder" ? more.target : more.source);
  const bare = matrixOf(head);
  const matrix = filled(bare);
  const pads = matrix.data.length > bare.data.length;
  const steps = explanation.targetTokens.length + more.target;
  const shownSteps = kind === "encoder" || state.step < 0 ? steps : Math.min(steps, state.step + 1);
  const shownHeads = own.heads.length > 0 ? own.heads : [head];
  const asLines = state.picture === "lines";
  const layerName = (/** @type {number} */ n) => t("layer", { n: n + 1 });
  const what =
    state.reduce === "head"
      ? asLines && shownHeads.length > 1
        ? t("layerHeads", { layer: layer + 1, heads: shownHeads.map((one) => one + 1).join(", ") })
        : t("layerHead", { layer: layer + 1, head: head + 1 })
      : state.reduce === "layer"
        ? `${layerName(layer)}, ${t("reduceLayer").toLowerCase()}`
        : t({ mean: "reduceMean", max: "reduceMax", rollout: "reduceRollout" }[state.reduce]).toLowerCase();
  const name = t("attentionOf", { kind: kindName(kind, model, language, t), what });
  const habit = habitOf(explanation, { kind, layer, head }, state.aligning);
  const high = state.stretch ? Math.max(1e-6, ...matrix.data) : 1;
  /** A key of the decoder is masked where it was written after the query. @param {number} r @param {number} c */
  const cellState = (r, c) => {
    const [row, col] = [matrix.rows[r], matrix.cols[c]];
    if (kind !== "encoder" && row.token >= shownSteps) return "later";
    if (row.text === PAD || col.text === PAD) return "padding";
    return kind === "decoder" && col.token >= row.last ? "masked" : "shown";
  };
  /** The word of a row lights up everywhere. @param {import("../../attention.js").Label} label */
  const light = (label) => {
    const { lit, sentence } = store.get();
    if (lit?.pinned || label.special || label.end === label.start) return;
    store.set({ lit: { side: label.side, sentence, at: label.end - 1, pinned: false } });
  };
  const layers = asLines
    ? state.reduce !== "head"
      ? [{ matrix, colour: "var(--ink)", name: what }]
      : shownHeads.map((one) => ({
          matrix: filled(matrixOf(one)),
          colour: headColour(one),
          name: t("head", { n: one + 1 }),
        }))
    : [];
  /** Says where a token looks, or who looks at it. @param {"row" | "col"} side @param {number} at */
  const describe = (side, at) => {
    if (at < 0) return setReadout("");
    const { rows, cols } = matrix;
    const others = (side === "row" ? cols : rows).map((label, i) => {
      const cell = side === "row" ? at * cols.length + i : i * cols.length + at;
      return { label, value: layers.reduce((sum, one) => sum + one.matrix.data[cell], 0) / layers.length };
    });
    const best = others.toSorted((a, b) => b.value - a.value).slice(0, 4);
    const self = side === "row" ? rows[at] : cols[at];
    setReadout(
      `${self.text} ${side === "row" ? "→" : "←"} ${best.map((one) => `${one.label.text} ${one.value.toFixed(2)}`).join(", ")}`,
    );
    light(self);
  };
  const beside = width >= WIDE;
  /** @param {boolean} rectangles */
  const draw = (rectangles) => {
    const room = Math.max(240, (width || 600) - (beside ? BESIDE : 0));
    if (asLines) {
      const drawn = lines({
        label: name,
        width: room,
        threshold: Math.max(state.threshold, 0.02),
        layers,
        shown: (row) => kind === "encoder" || matrix.rows[row].token < shownSteps,
        onpoint: describe,
      });
      return h("div", { class: "plot" }, drawn);
    }
    const drawn = heatmap(matrix, {
      ...{
        label: name,
        width: room,
        height: Math.max(300, tall - AROUND),
        largest: LARGEST,
        dark,
        high,
        rectangles,
      },
      threshold: state.threshold,
      state: cellState,
      onpoint(row, col) {
        if (row < 0) return setReadout("");
        const value = matrix.data[row * matrix.cols.length + col];
        const key = { shown: "point", masked: "masked", later: "later", padding: "pad" }[cellState(row, col)];
        setReadout(t(key, { row: matrix.rows[row].text, col: matrix.cols[col].text, value: value.toFixed(3) }));
        light(matrix.rows[row]);
      },
    });
    if (!rectangles) plot.current = drawn;
    return drawn;
  };
  const batch = batchOf(state);
  return (
    <div class={`attention${isStale(state) ? " stale" : ""}`} ref={box}>
      <div class="controls">
        <Choice
          name="kind"
          label={t("kind")}
          value={kind}
          options={
            /** @type {Kind[]} */ (explanation.decoder ? ["cross", "encoder", "decoder"] : ["cross", "encoder"]).map(
              (one) => [one, kindName(one, model, language, t)],
            )
          }
          onchange={(value) =>
            store.set({ kind: /** @type {Kind} */ (value), layer: -1, head: -1, heads: [], step: -1 })
          }
        />
        <Choice
          name="picture"
          label={t("picture")}
          value={state.picture}
          options={[
            ["heatmap", t("heatmap")],
            ["lines", t("lines")],
          ]}
          onchange={(value) => store.set({ picture: /** @type {State["picture"]} */ (value) })}
        />
        <Options />
      </div>
      <h2 class="stage-title">{name}</h2>
      <p class="help">
        {t(`${kind}Term`)}
        {state.reduce === "head" && !(asLines && shownHeads.length > 1) && `: ${t(`habit_${habit}`)}`}.{" "}
        {t(`${kind}Help`)} {!explanation.decoder && t("noDecoder")}
      </p>
      {asLines && state.reduce === "head" && <HeadKeys {...{ heads: attention.heads, on: shownHeads, head }} />}
      {kind !== "encoder" && (
        <Player
          label={t("upTo", { n: shownSteps, total: steps })}
          at={shownSteps - 1}
          last={steps - 1}
          id="step"
          onchange={(at) => store.set({ step: at >= steps - 1 ? -1 : at })}
        />
      )}
      <div class={`large-row${beside ? " beside" : ""}`}>
        <div class="large">
          <Figure
            name={`glossa-${kind}`}
            what={name}
            forExport={() => draw(true)}
            table={() => matrixTable(bare, name)}
            json={() => ({
              sentence: explanation.source,
              translation: explanation.translation,
              attention: kind,
              shown: { reduce: state.reduce, layer, head, words: state.words },
              rows: bare.rows.map((one) => one.text),
              columns: bare.cols.map((one) => one.text),
              weights: bare.rows.map((_, r) => bare.data.slice(r * bare.cols.length, (r + 1) * bare.cols.length)),
              padding: { rows: matrix.rows.length - bare.rows.length, columns: matrix.cols.length - bare.cols.length },
            })}
          >
            <Drawn
              make={() => draw(false)}
              of={[
                ...[
                  explanation,
                  width,
                  tall,
                  dark,
                  language,
                  kind,
                  layer,
                  head,
                  own.heads.join(),
                  state.reduce,
                  state.picture,
                ],
                ...[state.words, state.special, more.source, more.target, state.stretch, state.threshold, shownSteps],
              ]}
            />
          </Figure>
        </div>
        <div class="large-notes">
          <p class="readout" aria-live="polite">
            {readout || t(asLines ? "tokenHint" : "pointHint")}
          </p>
          <MaskKeys
            shown={!asLines}
            keys={[kind === "decoder" && "masked", pads && "padding", shownSteps < steps && "later"]}
          />
          {state.padding && (
            <p class="help">
              {t("paddingHelp")}{" "}
              {batch.length < 2 ? t("paddingAlone") : pads ? "" : t("paddingNone", { n: batch.length })}
            </p>
          )}
          <Brush {...{ plot, matrix }} />
          <div class="overview-figure">
            <Figure
              name="glossa-overview"
              what={`${t("overview")}: ${kindName(kind, model, language, t)}`}
              forExport={() => overview({ attention, stretch: state.stretch, dark, label: t("overview"), layerName })}
              table={() => headTable(explanation, kind, t)}
              json={() => everyHead(explanation, kind)}
            >
              <p class="help">{t("overview")}</p>
            </Figure>
          </div>
          <p class="caution help">
            {t("caution")} <a href="https://aclanthology.org/N19-1357/">{t("cautionLink")}</a>;{" "}
            <a href="https://aclanthology.org/D19-1002/">{t("cautionLink2")}</a>.
          </p>
        </div>
      </div>
    </div>
  );
}

/** Marks in the picture what is pointed at elsewhere. @param {{plot: {current: Element | null}, matrix: Matrix}} props */
function Brush({ plot, matrix }) {
  const state = useKeys("lit", "sentences", "sentence");
  useLayoutEffect(() => {
    if (!plot.current) return;
    const lit = litTokens(state);
    /** @param {import("../../attention.js").Label[]} labels */
    const on = (labels) =>
      new Set(
        labels.flatMap(({ side, token, last, special }, i) => {
          if (special) return [];
          for (let at = token; at <= last; at++) if (lit[side].has(at)) return [i];
          return [];
        }),
      );
    brush(plot.current, on(matrix.rows), on(matrix.cols));
  });
  return null;
}

function Options() {
  const { store } = useApp();
  const { t } = useWords();
  const state = useKeys("reduce", "words", "special", "padding", "stretch", "threshold");
  /** @param {Partial<State>} patch */
  const change = (patch) => store.set(patch);
  return (
    <Menu label={t("options")} text={t("options")} class="options">
      <div>
        <Choice
          name="reduce"
          label={t("show")}
          value={state.reduce}
          options={[
            ["head", t("reduceHead")],
            ["layer", t("reduceLayer")],
            ["mean", t("reduceMean")],
            ["max", t("reduceMax")],
            ["rollout", t("reduceRollout")],
          ]}
          onchange={(value) => change({ reduce: /** @type {Reduce} */ (value) })}
        />
        <p class="help">{t("reduceHelp")}</p>
        <Tick label={t("wordsOption")} checked={state.words} onchange={(words) => change({ words })} />
        <Tick label={t("special")} checked={state.special} onchange={(special) => change({ special })} />
        <Tick label={t("padding")} checked={state.padding} onchange={(padding) => change({ padding })} />
        <p class="help">{t("paddingIs")}</p>
        <Tick label={t("stretch")} checked={state.stretch} onchange={(stretch) => change({ stretch })} />
        <Slider
          label={t("threshold", { value: decimal(state.threshold) })}
          {...{ min: 0, max: 0.5, step: 0.01, value: state.threshold, id: "threshold" }}
          onchange={(threshold) => change({ threshold })}
        />
      </div>
    </Menu>
  );
}

/** Buttons that switch the lines of heads on and off. @param {{heads: number, on: number[], head: number}} props */
function HeadKeys({ heads, on, head }) {
  const { store } = useApp();
  const { t } = useWords();
  const all = Array.from({ length: heads }, (_, i) => i);
  /** @param {number[]} next */
  const show = (next) => store.set({ heads: next, head: next.includes(head) ? head : next[0] });
  return (
    <div class="head-keys" role="group" aria-label={t("headsShown")}>
      {all.map((one) => (
        <button
          key={one}
          type="button"
          class="head-key"
          aria-pressed={on.includes(one)}
          title={t("soloHint")}
          onClick={(event) => {
            const alone = event.shiftKey || event.altKey;
            const next = on.includes(one) ? on.filter((other) => other !== one) : [...on, one].sort((a, b) => a - b);
            show(alone ? [one] : next.length > 0 ? next : [one]);
          }}
          onDblClick={() => show([one])}
        >
          <span class="swatch" style={{ background: headColour(one) }} />
          {t("head", { n: one + 1 })}
        </button>
      ))}
      <button type="button" class="quiet" onClick={() => show(all)}>
        {t("allHeads")}
      </button>
      <button type="button" class="quiet" onClick={() => show([head])}>
        {t("oneHead")}
      </button>
    </div>
  );
}

/** What the cells without a colour are. @param {{shown: boolean, keys: (string | false)[]}} props */
function MaskKeys({ shown, keys }) {
  const { t } = useWords();
  const there = keys.filter((one) => one !== false);
  if (!shown || there.length === 0) return null;
  /** @type {Record<string, string>} */
  const texts = { masked: "keyMasked", padding: "keyPadding", later: "keyLater" };
  return (
    <p class="mask-keys">
      {there.map((one) => (
        <span key={one}>
          <svg width={14} height={14} aria-hidden="true">
            <rect x={1} y={1} width={12} height={12} class={one} />
          </svg>
          {t(texts[one])}
        </span>
      ))}
    </p>
  );
}

/**
 * Each head in a line: its strongest link, and how sharply it looks.
 * @param {SentenceExplanation} explanation
 * @param {Kind} kind
 * @param {import("../../strings.js").Say} t
 */
function headTable(explanation, kind, t) {
  const { rows, columns, layers } = everyHead(explanation, kind);
  const body = layers.flatMap((heads, layer) =>
    heads.map((weights, head) => {
      const largest = weights.map((row) => row.reduce((a, b) => Math.max(a, b), 0));
      const at = largest.indexOf(Math.max(...largest));
      const col = columns[weights[at].indexOf(largest[at])];
      const link = t("point", { row: rows[at], col, value: largest[at].toFixed(3) });
      const mean = largest.reduce((a, b) => a + b, 0) / largest.length;
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, t("layerHead", { layer: layer + 1, head: head + 1 })),
        h("td", {}, link),
        h("td", {}, mean.toFixed(3)),
      );
    }),
  );
  const titles = ["headWord", "strongest", "sharpness"].map((key) => h("th", { scope: "col" }, t(key)));
  return h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...body));
}
