// The attention of the sentence: every layer and head in small, one of them (or a summary) in large.

import { axes, headWeights, PAD, padded, reduced, shape } from "../attention.js";
import { headColour, paint } from "../draw/colour.js";
import { choice, h, roving, s, set, tick } from "../draw/dom.js";
import { figure } from "../draw/figure.js";
import { decimal, heatmap, matrixTable } from "../draw/heatmap.js";
import { lines } from "../draw/lines.js";
import { overview } from "../draw/overview.js";
import { drawEmpty } from "./empty.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").State} State */
/** @typedef {import("../state.js").Kind} Kind */
/** @typedef {import("../state.js").Reduce} Reduce */
/** @typedef {import("../attention.js").Matrix} Matrix */
/** @typedef {import("../../src/js/types.js").Attention} Attention */
/** @typedef {import("../../src/js/types.js").SentenceExplanation} SentenceExplanation */

/** Keys of the state that change the pictures. */
const drawn = [
  "kind",
  "layer",
  "head",
  "reduce",
  "words",
  "special",
  "padding",
  "stretch",
  "threshold",
  "step",
  "sentence",
  "picture",
  "heads",
];

const BATCH = 4; // sentences of a batch, where its padding is shown

/** @param {Context} context */
export function attentionView({ element, store, engine, t }) {
  const controls = h("div", { class: "controls" });
  const grid = h("div", { class: "heads", role: "grid", "aria-label": t("overview") });
  const title = h("h2", {});
  const help = h("p", { class: "help" });
  const large = h("div", { class: "large" });
  const headKeys = h("div", { class: "head-keys", role: "group" });
  const readout = h("p", { class: "readout", "aria-live": "polite" });
  const step = h("input", { type: "range", min: 0, step: 1, id: "step" });
  const stepLabel = h("label", { for: "step" });
  const maskKeys = h("p", { class: "mask-keys" });
  const paddingNote = h("p", { class: "help" });
  const caution = h(
    "p",
    { class: "caution" },
    `${t("caution")} `,
    h("a", { href: "https://aclanthology.org/N19-1357/" }, t("cautionLink")),
    "; ",
    h("a", { href: "https://aclanthology.org/D19-1002/" }, t("cautionLink2")),
    ".",
  );
  const empty = h("div", { class: "empty" });
  const body = h(
    "div",
    { class: "attention-body" },
    h(
      "section",
      { class: "overview" },
      h("h2", {}, t("overview")),
      figure({
        name: "glossa-overview",
        what: t("overview"),
        picture: h("div", {}, grid),
        forExport: () => {
          const state = store.get();
          const attention = /** @type {Attention} */ (explanationOf(state)?.[kindOf(state)]);
          const layerName = (/** @type {number} */ layer) => t("layer", { n: layer + 1 });
          return overview({ attention, stretch: state.stretch, label: t("overview"), layerName });
        },
        table: () => headTable(store.get()),
        json: () => everyHead(store.get()),
        t,
      }),
    ),
    h(
      "section",
      { class: "enlarged" },
      title,
      help,
      headKeys,
      readout,
      large,
      h("div", { class: "step" }, stepLabel, step),
      maskKeys,
      paddingNote,
    ),
  );
  set(element, controls, empty, body, caution);
  step.addEventListener("input", () => {
    const last = Number(step.max);
    store.set({ step: Number(step.value) >= last ? -1 : Number(step.value) });
  });
  roving(grid, "button", () => explanationOf(store.get())?.[kindOf(store.get())]?.heads ?? 1);
  grid.addEventListener("focusin", (event) => {
    const { layer, head } = /** @type {HTMLElement} */ (event.target).dataset;
    if (layer && /** @type {HTMLElement} */ (event.target).matches(":focus-visible"))
      choose(Number(layer), Number(head));
  });

  /** @param {State} state @returns {SentenceExplanation | null} */
  const explanationOf = (state) => state.sentences[state.sentence]?.explanation ?? null;
  /** @param {State} state @returns {Kind} */
  const kindOf = (state) => (state.kind === "decoder" && !explanationOf(state)?.decoder ? "cross" : state.kind);
  /** @param {number} layer @param {number} head */
  const choose = (layer, head) => store.set({ layer, head, heads: [], reduce: "head" });

  /** @param {State} state */
  function drawControls(state) {
    const explanation = explanationOf(state);
    /** @param {Partial<State>} patch */
    const change = (patch) => store.set(patch);
    set(
      controls,
      choice({
        name: "kind",
        label: t("kind"),
        value: kindOf(state),
        options: [
          ["encoder", t("encoder")],
          .../** @type {[string, string][]} */ (explanation && !explanation.decoder ? [] : [["decoder", t("decoder")]]),
          ["cross", t("cross")],
        ],
        onchange: (value) => change({ kind: /** @type {Kind} */ (value), step: -1 }),
      }),
      choice({
        name: "reduce",
        label: t("show"),
        value: state.reduce,
        options: [
          ["head", t("reduceHead")],
          ["layer", t("reduceLayer")],
          ["mean", t("reduceMean")],
          ["max", t("reduceMax")],
          ["rollout", t("reduceRollout")],
        ],
        onchange: (value) => change({ reduce: /** @type {Reduce} */ (value) }),
      }),
      choice({
        name: "picture",
        label: t("picture"),
        value: state.picture,
        options: [
          ["heatmap", t("heatmap")],
          ["lines", t("lines")],
        ],
        onchange: (value) => change({ picture: /** @type {"heatmap" | "lines"} */ (value) }),
      }),
      h(
        "div",
        { class: "ticks" },
        tick({ label: t("words"), checked: state.words, onchange: (words) => change({ words }) }),
        tick({ label: t("special"), checked: state.special, onchange: (special) => change({ special }) }),
        tick({ label: t("padding"), checked: state.padding, onchange: (padding) => change({ padding }) }),
        tick({ label: t("stretch"), checked: state.stretch, onchange: (stretch) => change({ stretch }) }),
        thresholdControl(state),
      ),
    );
  }

  /** @param {State} state */
  function thresholdControl(state) {
    const label = h("span", {}, t("threshold", { value: decimal(state.threshold) }));
    const input = h("input", {
      type: "range",
      min: 0,
      max: 0.5,
      step: 0.01,
      value: state.threshold,
      oninput: () => {
        label.textContent = t("threshold", { value: decimal(Number(input.value)) });
        store.set({ threshold: Number(input.value) });
      },
    });
    return h("label", { class: "range" }, label, input);
  }

  /** All weights, as the engine has them. @param {State} state */
  function everyHead(state) {
    const explanation = /** @type {SentenceExplanation} */ (explanationOf(state));
    const kind = kindOf(state);
    const attention = /** @type {Attention} */ (explanation[kind]);
    const { rows, cols } = axes(explanation, kind);
    return {
      sentence: explanation.source,
      translation: explanation.translation,
      attention: kind,
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

  /** Each head in a line: its strongest link, and how sharply it looks. @param {State} state */
  function headTable(state) {
    const { rows, columns, layers } = everyHead(state);
    const lines = layers.flatMap((heads, layer) =>
      heads.map((weights, head) => {
        const largest = weights.map((row) => row.reduce((a, b) => Math.max(a, b), 0));
        const at = largest.indexOf(Math.max(...largest));
        const link = t("point", {
          row: rows[at],
          col: columns[weights[at].indexOf(largest[at])],
          value: largest[at].toFixed(3),
        });
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
    return h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...lines));
  }

  /** Layers as rows, heads as columns. @param {State} state @param {SentenceExplanation} explanation */
  function drawGrid(state, explanation) {
    const attention = explanation[kindOf(state)];
    if (!attention) return;
    const { layers, heads, rows, cols } = attention;
    const size = `${layers}x${heads}`;
    if (grid.dataset.size !== size) {
      grid.dataset.size = size;
      grid.style.setProperty("--heads", String(heads));
      set(
        grid,
        ...Array.from({ length: layers }, (_, layer) =>
          h(
            "div",
            { role: "row", class: "layer" },
            h("span", { role: "rowheader", class: "layer-name" }, t("layer", { n: layer + 1 })),
            ...Array.from({ length: heads }, (_, head) =>
              h(
                "div",
                { role: "gridcell" },
                h(
                  "button",
                  {
                    type: "button",
                    tabindex: "-1",
                    "data-layer": layer,
                    "data-head": head,
                    "aria-label": t("layerHead", { layer: layer + 1, head: head + 1 }),
                    onclick: () => choose(layer, head),
                  },
                  h("canvas", { "aria-hidden": "true" }),
                ),
              ),
            ),
          ),
        ),
      );
    }
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (grid.querySelectorAll("button"))) {
      const weights = headWeights(attention, Number(button.dataset.layer), Number(button.dataset.head));
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      paint(canvas, weights, rows, cols, { high: state.stretch ? Math.max(...weights) : 1 });
      canvas.style.aspectRatio = `${cols} / ${rows}`;
    }
    markChosen(state);
  }

  /** @param {State} state */
  function markChosen(state) {
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (grid.querySelectorAll("button"))) {
      const here = Number(button.dataset.layer) === state.layer && Number(button.dataset.head) === state.head;
      button.setAttribute("aria-pressed", String(here && state.reduce === "head"));
      if (document.activeElement?.parentElement?.parentElement?.parentElement !== grid) {
        button.setAttribute("tabindex", here ? "0" : "-1");
      }
    }
    if (!grid.querySelector('[tabindex="0"]')) grid.querySelector("button")?.setAttribute("tabindex", "0");
  }

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

  /** As the picture has it. @param {State} state @param {SentenceExplanation} explanation @returns {Matrix} */
  function paddedMatrix(state, explanation) {
    const kind = kindOf(state);
    const { source, target } = paddingOf(state, explanation);
    const matrix = matrixOf(state, explanation);
    return padded(matrix, kind === "encoder" ? source : target, kind === "decoder" ? target : source);
  }

  /** @param {State} state @param {SentenceExplanation} explanation @returns {Matrix} */
  function matrixOf(state, explanation) {
    const kind = kindOf(state);
    const attention = /** @type {Attention} */ (explanation[kind]);
    const layer = Math.min(state.layer, attention.layers - 1);
    const head = Math.min(state.head, attention.heads - 1);
    return shape(axes(explanation, kind), reduced(explanation, kind, state.reduce, layer, head), state);
  }

  /** @param {State} state */
  function nameOf(state) {
    if (state.reduce === "head" && state.picture === "lines" && state.heads.length > 1) {
      return t("layerHeads", { layer: state.layer + 1, heads: state.heads.map((one) => one + 1).join(", ") });
    }
    if (state.reduce === "head") return t("layerHead", { layer: state.layer + 1, head: state.head + 1 });
    if (state.reduce === "layer") return `${t("layer", { n: state.layer + 1 })}, ${t("reduceLayer")}`;
    return t({ mean: "reduceMean", max: "reduceMax", rollout: "reduceRollout" }[state.reduce]);
  }

  /** @param {State} state @param {SentenceExplanation} explanation */
  function drawLarge(state, explanation) {
    const kind = kindOf(state);
    const own = matrixOf(state, explanation);
    const matrix = paddedMatrix(state, explanation);
    const name = t("attentionOf", { kind: t(kind), what: nameOf(state) });
    title.textContent = name;
    help.textContent = explanation.decoder ? t(`${kind}Help`) : `${t(`${kind}Help`)} ${t("noDecoder")}`;
    const steps = explanation.targetTokens.length + paddingOf(state, explanation).target;
    const shownSteps = kind === "encoder" || state.step < 0 ? steps : Math.min(steps, state.step + 1);
    step.max = String(steps - 1);
    step.value = String(shownSteps - 1);
    /** @type {HTMLElement} */ (step.parentElement).hidden = kind === "encoder";
    stepLabel.textContent = t("step", { n: shownSteps, total: steps });
    /** A key of the decoder is masked where it was written after the query. @param {number} r @param {number} c */
    const cellState = (r, c) => {
      const [row, col] = [matrix.rows[r], matrix.cols[c]];
      if (kind !== "encoder" && row.token >= shownSteps) return "later";
      if (row.text === PAD || col.text === PAD) return "padding";
      return kind === "decoder" && col.token >= row.last ? "masked" : "shown";
    };
    drawMaskKeys(state, kind, shownSteps < steps, matrix.data.length > own.data.length);
    drawHeadKeys(state, explanation);
    const asLines = state.picture === "lines";
    const layers = asLines ? lineLayers(state, explanation, matrix) : [];
    const high = state.stretch ? Math.max(1e-6, ...matrix.data) : 1;
    const room = Math.min(large.clientWidth || 600, 900);
    /** @param {boolean} rectangles */
    const draw = (rectangles) =>
      asLines
        ? h(
            "div",
            { class: "plot" },
            lines({
              label: name,
              width: room,
              threshold: Math.max(state.threshold, 0.02),
              layers,
              shown: (row) => kind === "encoder" || matrix.rows[row].token < shownSteps,
              onpoint: (side, at) => describeToken(matrix, layers, side, at),
            }),
          )
        : heatmap(matrix, {
            label: name,
            width: room,
            high,
            threshold: state.threshold,
            state: cellState,
            rectangles,
            onpoint(row, col) {
              if (row < 0) {
                readout.textContent = t("pointHint");
                return;
              }
              const value = matrix.data[row * matrix.cols.length + col];
              const what = { shown: "point", masked: "masked", later: "later", padding: "pad" }[cellState(row, col)];
              readout.textContent = t(what, {
                row: matrix.rows[row].text,
                col: matrix.cols[col].text,
                value: value.toFixed(3),
              });
              light(matrix.rows[row]);
            },
          });
    readout.textContent = t(asLines ? "tokenHint" : "pointHint");
    const scrolled = large.scrollLeft;
    set(
      large,
      figure({
        name: `glossa-${kind}`,
        what: name,
        picture: h("div", { class: "picture" }, draw(false)),
        forExport: () => draw(true),
        table: () => matrixTable(own, name),
        json: () => ({
          sentence: explanation.source,
          translation: explanation.translation,
          attention: kind,
          shown: { reduce: state.reduce, layer: state.layer, head: state.head, words: state.words },
          rows: own.rows.map((one) => one.text),
          columns: own.cols.map((one) => one.text),
          weights: own.rows.map((_, r) => own.data.slice(r * own.cols.length, (r + 1) * own.cols.length)),
          padding: { rows: matrix.rows.length - own.rows.length, columns: matrix.cols.length - own.cols.length },
        }),
        t,
      }),
    );
    large.scrollLeft = scrolled;
  }

  /**
   * What the cells without a colour are, and why there is padding or none.
   * @param {State} state
   * @param {Kind} kind
   * @param {boolean} later whether some rows are still to be decoded
   * @param {boolean} pads whether the picture has padding
   */
  function drawMaskKeys(state, kind, later, pads) {
    /** @type {[boolean, string, string][]} */
    const keys = [
      [kind === "decoder", "masked", t("keyMasked")],
      [pads, "padding", t("keyPadding")],
      [later, "later", t("keyLater")],
    ];
    maskKeys.hidden = state.picture === "lines" || !keys.some(([there]) => there);
    set(
      maskKeys,
      ...keys
        .filter(([there]) => there)
        .map(([, name, text]) =>
          h(
            "span",
            {},
            s(
              "svg",
              { width: 14, height: 14, "aria-hidden": "true" },
              s("rect", { x: 1, y: 1, width: 12, height: 12, class: name }),
            ),
            text,
          ),
        ),
    );
    paddingNote.hidden = !state.padding;
    if (!state.padding) return;
    const batch = batchOf(state);
    const missing = batch.filter((one) => !one.explanation).map((one) => one.index);
    if (missing.length > 0) engine.need(missing);
    const why = batch.length < 2 ? t("paddingAlone") : pads ? "" : t("paddingNone", { n: batch.length });
    paddingNote.textContent = [t("paddingHelp"), why].filter(Boolean).join(" ");
  }

  /** Heads that the lines show. @param {State} state */
  const shownHeads = (state) => (state.heads.length > 0 ? state.heads : [state.head]);

  /** One matrix a head; a summary is one matrix. @param {State} state @param {SentenceExplanation} explanation @param {Matrix} matrix */
  function lineLayers(state, explanation, matrix) {
    if (state.reduce !== "head") return [{ matrix, colour: "var(--ink)", name: nameOf(state) }];
    return shownHeads(state).map((head) => ({
      matrix: paddedMatrix({ ...state, head }, explanation),
      colour: headColour(head),
      name: t("head", { n: head + 1 }),
    }));
  }

  /** Buttons that switch the lines of heads on and off. @param {State} state @param {SentenceExplanation} explanation */
  function drawHeadKeys(state, explanation) {
    headKeys.hidden = state.picture !== "lines" || state.reduce !== "head";
    if (headKeys.hidden) return;
    const focused = headKeys.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement)
      : null;
    const { heads } = explanation.cross;
    const on = shownHeads(state);
    const all = Array.from({ length: heads }, (_, head) => head);
    /** @param {number[]} next */
    const show = (next) => store.set({ heads: next, head: next.includes(state.head) ? state.head : next[0] });
    headKeys.setAttribute("aria-label", t("headsShown"));
    set(
      headKeys,
      ...all.map((head) => {
        const button = h(
          "button",
          {
            type: "button",
            class: "head-key",
            "aria-pressed": String(on.includes(head)),
            title: t("soloHint"),
            "data-key": head,
            onclick: (/** @type {MouseEvent} */ event) => {
              const alone = event.shiftKey || event.altKey;
              const next = on.includes(head) ? on.filter((one) => one !== head) : [...on, head].sort((a, b) => a - b);
              show(alone ? [head] : next.length > 0 ? next : [head]);
            },
            ondblclick: () => show([head]),
          },
          t("head", { n: head + 1 }),
        );
        button.style.setProperty("--colour", headColour(head));
        return button;
      }),
      h("button", { type: "button", class: "quiet", "data-key": "all", onclick: () => show(all) }, t("allHeads")),
      h(
        "button",
        { type: "button", class: "quiet", "data-key": "one", onclick: () => show([state.head]) },
        t("oneHead"),
      ),
    );
    if (focused)
      /** @type {HTMLElement | null} */ (headKeys.querySelector(`[data-key="${focused.dataset.key}"]`))?.focus();
  }

  /**
   * Says where a token looks, or who looks at it.
   * @param {Matrix} matrix
   * @param {{matrix: Matrix, name: string}[]} layers
   * @param {"row" | "col"} side
   * @param {number} at
   */
  function describeToken(matrix, layers, side, at) {
    if (at < 0) {
      readout.textContent = t("tokenHint");
      return;
    }
    const { rows, cols } = matrix;
    const others = side === "row" ? cols : rows;
    const weights = others.map((label, i) => {
      const cell = side === "row" ? at * cols.length + i : i * cols.length + at;
      return { label, value: layers.reduce((sum, one) => sum + one.matrix.data[cell], 0) / layers.length };
    });
    const best = weights.sort((a, b) => b.value - a.value).slice(0, 4);
    const self = side === "row" ? rows[at] : cols[at];
    const list = best.map((one) => `${one.label.text} ${one.value.toFixed(2)}`).join(", ");
    readout.textContent = `${self.text} ${side === "row" ? "→" : "←"} ${list}`;
    light(self);
  }

  /** The word of a row lights up in the panes. @param {import("../attention.js").Label} label */
  function light(label) {
    const { lit, sentence } = store.get();
    if (lit?.pinned || label.special) return;
    store.set({ lit: { side: label.side, sentence, at: label.end - 1, pinned: false } });
  }

  /** @param {State} state */
  function draw(state) {
    const explanation = explanationOf(state);
    body.hidden = !explanation;
    empty.hidden = explanation !== null;
    if (!explanation) {
      drawEmpty(empty, "attentionEmpty", state, { engine, t });
      return;
    }
    drawGrid(state, explanation);
    drawLarge(state, explanation);
  }

  let last = explanationOf(store.get());
  /** Which sentences of the batch are explained. @param {State} state */
  const batchKey = (state) =>
    state.padding
      ? batchOf(state)
          .map((one) => one.explanation?.source)
          .join("\n")
      : "";
  let lastBatch = batchKey(store.get());
  let width = 0;
  const sized = new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now !== width) {
      width = now;
      draw(store.get());
    }
  });
  sized.observe(element);
  drawControls(store.get());
  draw(store.get());
  return {
    /** @param {State} state @param {Set<string>} changed */
    update(state, changed) {
      const explanation = explanationOf(state);
      if (changed.has("kind") || changed.has("reduce") || Boolean(last?.decoder) !== Boolean(explanation?.decoder)) {
        const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement : null;
        const again =
          focused && controls.contains(focused) ? `input[name="${focused.name}"][value="${focused.value}"]` : "";
        drawControls(state);
        if (again && focused?.name) /** @type {HTMLElement | null} */ (controls.querySelector(again))?.focus();
      }
      const batch = changed.has("sentences") ? batchKey(state) : lastBatch;
      if (
        batch !== lastBatch ||
        explanation !== last ||
        drawn.some((key) => changed.has(key)) ||
        (!explanation && changed.has("status"))
      ) {
        last = explanation;
        lastBatch = batch;
        draw(state);
      }
    },
    close() {
      sized.disconnect();
    },
  };
}
