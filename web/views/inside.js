// How it works: one sentence on its way through the network, step by step, with the engine's own numbers.

import { axes, headWeights, START, tokenLabels } from "../attention.js";
import { openCheckpoint } from "../checkpoint.js";
import { bars, barsTable } from "../draw/bars.js";
import { h, s, set } from "../draw/dom.js";
import { figure } from "../draw/figure.js";
import { formula, frac, root, row, sub, sup } from "../draw/formula.js";
import { heatmap, matrixTable, shorten, textWidth } from "../draw/heatmap.js";
import { tree } from "../draw/tree.js";
import { encoderLayer, gram, largestDifference, sinusoids } from "../network.js";
import { percent, readable } from "./translate.js";
import { drawEmpty } from "./empty.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").State} State */
/** @typedef {import("../attention.js").Label} Label */
/** @typedef {import("../attention.js").Matrix} Matrix */
/** @typedef {import("../network.js").LayerParts} LayerParts */
/** @typedef {import("../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../src/js/convert/gguf-reader.js").GgufFile} GgufFile */

const MOST_COLUMNS = 256; // of a hidden state that are drawn

/** Unnamed columns: dimensions of a vector. @param {number} n @returns {Label[]} */
const dimensions = (n) =>
  Array.from({ length: n }, (_, i) => ({
    .../** @type {const} */ ({ text: "", special: false, side: "source", start: 0, end: 0, word: i }),
    token: i,
    last: i,
  }));

/** @param {Context} context */
export function insideView({ element, store, engine, t }) {
  const empty = h("div", { class: "empty" });
  const layer = h("select", { id: "inside-layer", onchange: () => store.set({ layer: Number(layer.value) }) });
  const head = h("select", { id: "inside-head", onchange: () => store.set({ head: Number(head.value) }) });
  const controls = h(
    "p",
    { class: "actions" },
    h("label", { for: "inside-layer" }, t("encoderLayer")),
    layer,
    h("label", { for: "inside-head" }, t("headWord")),
    head,
  );
  const steps = h("ol", { class: "steps" });
  set(element, controls, empty, steps);
  let work = new AbortController();
  /** @type {{blob: Blob, gguf: GgufFile} | null} */
  let checkpoint = null;

  /** @param {State} state @returns {SentenceExplanation | null} */
  const explanationOf = (state) => state.sentences[state.sentence]?.explanation ?? null;
  const room = () => Math.max(240, Math.min(760, (steps.clientWidth || element.clientWidth) - 40));

  /**
   * One step: what happens, how it is written, how it looks.
   * @param {string} key of the strings
   * @param {Element} written
   * @param {...(Element | null)} pictures
   */
  const step = (key, written, ...pictures) =>
    h(
      "li",
      { class: "step-card" },
      h("h2", {}, t(`${key}Title`)),
      h("p", { class: "prose" }, t(`${key}Text`)),
      h("div", { class: "formula" }, written),
      ...pictures,
    );

  /**
   * A matrix as a picture with caption, table and exports.
   * @param {string} name
   * @param {string} caption
   * @param {Matrix} matrix
   * @param {{largest?: number, tall?: number, low?: number, high?: number}} [options]
   */
  function matrixFigure(name, caption, matrix, options = {}) {
    const low = options.low ?? matrix.data.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const high = options.high ?? matrix.data.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const said = h("p", { class: "readout" });
    const vectors = matrix.cols.every((one) => one.text === "");
    const draw = (/** @type {boolean} */ rectangles) =>
      heatmap(matrix, {
        label: caption,
        width: room(),
        low,
        high,
        largest: options.largest ?? (vectors ? 8 : 26),
        tall: options.tall ?? (vectors ? 18 : undefined),
        rectangles,
        pixels: vectors,
        format: (value) => Number(value.toPrecision(3)).toString(),
        onpoint(r, c) {
          const col = r < 0 ? "" : vectors ? t("dimension", { n: c + 1 }) : matrix.cols[c].text;
          const value = r < 0 ? 0 : matrix.data[r * matrix.cols.length + c];
          said.textContent = r < 0 ? "" : t("point", { row: matrix.rows[r].text, col, value: value.toFixed(3) });
        },
      });
    return h(
      "div",
      { class: "shown" },
      h("h3", {}, caption),
      figure({
        name: `glossa-${name}`,
        what: caption,
        picture: h("div", { class: "picture" }, draw(false)),
        forExport: () => draw(true),
        table: () =>
          matrixTable(
            { ...matrix, cols: matrix.cols.map((one, i) => ({ ...one, text: one.text || String(i + 1) })) },
            caption,
          ),
        json: () => ({
          what: caption,
          rows: matrix.rows.map((one) => one.text),
          columns: matrix.cols.length,
          values: matrix.data,
        }),
        t,
      }),
      said,
    );
  }

  /** The first columns of a wide matrix. @param {Label[]} rows @param {Float32Array} data @returns {Matrix} */
  function vectorsOf(rows, data) {
    const width = data.length / rows.length;
    const cols = Math.min(width, MOST_COLUMNS);
    const out = new Float32Array(rows.length * cols);
    for (let r = 0; r < rows.length; r++) out.set(data.subarray(r * width, r * width + cols), r * cols);
    return { rows, cols: dimensions(cols), data: out };
  }

  /** Tokens in boxes, with their ids. @param {SentenceExplanation} explanation */
  function tokenBoxes(explanation) {
    const tokens = explanation.sourceTokens;
    const most = room();
    let x = 1;
    let y = 1;
    const boxes = tokens.map(({ piece, id }) => {
      const wide = Math.max(textWidth(shorten(piece)), textWidth(String(id))) + 18;
      if (x + wide > most && x > 1) {
        x = 1;
        y += 50;
      }
      const box = s(
        "g",
        { transform: `translate(${x},${y})` },
        s("rect", { class: "box", width: wide, height: 42, rx: 4 }),
        s("text", { x: wide / 2, y: 18, "text-anchor": "middle" }, shorten(piece)),
        s("text", { x: wide / 2, y: 34, "text-anchor": "middle", class: "tick" }, String(id)),
      );
      x += wide + 6;
      return box;
    });
    const tall = y + 46;
    const label = t("tokensTitle");
    const svg = s(
      "svg",
      { width: most, height: tall, viewBox: `0 0 ${most} ${tall}`, role: "img", "aria-label": label },
      ...boxes,
    );
    const items = tokens.map(({ piece, id }) => ({ name: piece, value: id, number: String(id) }));
    return figure({
      name: "glossa-tokens",
      what: label,
      picture: h("div", { class: "picture" }, svg),
      table: () => barsTable(items, label),
      json: () => ({ sentence: explanation.source, tokens }),
      t,
    });
  }

  /** @param {State} state @param {SentenceExplanation} explanation */
  function probabilities(state, explanation) {
    const token = Math.min(state.token, explanation.targetTokens.length - 1);
    const items = (explanation.topK[token] ?? []).map((one) => ({
      name: readable(one.piece),
      value: Math.exp(one.logProbability),
      number: percent(one.logProbability),
    }));
    const before = explanation.translation.slice(0, explanation.targetTokens[token]?.start ?? 0).trimEnd();
    const label = t("afterText", { text: before || START });
    return h(
      "div",
      { class: "shown" },
      h("h3", {}, label),
      figure({
        name: "glossa-probabilities",
        what: label,
        picture: h("div", { class: "picture" }, bars({ label, bars: items, width: Math.min(520, room()), largest: 1 })),
        table: () => barsTable(items, label),
        json: () => ({ after: before, candidates: explanation.topK[token] }),
        t,
      }),
    );
  }

  /** @param {SentenceExplanation} explanation */
  function beamTree(explanation) {
    const label = t("beamTitle");
    const hypotheses = explanation.hypotheses.map((one) => {
      const labels = tokenLabels(one.tokens, one.text, "target");
      return one.tokens.map(({ id, logProbability }, i) => ({ text: labels[i].text, id, logProbability }));
    });
    const items = explanation.hypotheses.map((one) => ({
      name: one.text,
      value: one.score,
      number: one.score.toFixed(3),
    }));
    return figure({
      name: "glossa-beam",
      what: label,
      picture: h(
        "div",
        { class: "picture", tabindex: "0", role: "region", "aria-label": label },
        tree({ hypotheses, label }),
      ),
      table: () => barsTable(items, label),
      json: () => explanation.hypotheses,
      t,
    });
  }

  /** Asks the engine for hidden states and computes the layer once more. @param {State} state @param {AbortSignal} signal */
  async function collect(state, signal) {
    const known = /** @type {SentenceExplanation} */ (explanationOf(state));
    const prefix = state.sentences[state.sentence].prefix ?? undefined;
    const explanation = await engine.ask(known.source, { hidden: true, prefix, signal });
    const blob = await engine.blob();
    if (!checkpoint || checkpoint.blob.size !== blob.size) {
      checkpoint = { blob, gguf: await openCheckpoint(blob, state.pair) };
    }
    const { gguf } = checkpoint;
    const encoder = explanation.hidden?.encoder;
    if (!encoder) throw new Error("the engine gave no hidden states");
    const at = Math.min(state.layer, explanation.encoder.layers - 1);
    const size = encoder.tokens * encoder.width;
    const input = encoder.data.subarray(at * size, (at + 1) * size);
    const output = encoder.data.subarray((at + 1) * size, (at + 2) * size);
    const of = Math.min(state.head, explanation.encoder.heads - 1);
    const parts = await encoderLayer(gguf, at, of, input);
    return { explanation, gguf, embedded: encoder.data.subarray(0, size), input, output, parts, layer: at, head: of };
  }

  /** @param {State} state @param {Awaited<ReturnType<typeof collect>>} found */
  function drawSteps(state, { explanation, gguf, embedded, input, output, parts, layer: at, head: of }) {
    const { rows } = axes(explanation, "encoder");
    const own = headWeights(explanation.encoder, at, of);
    const d = String(parts.headWidth);
    const layout = String(gguf.get("glossa.position"));
    const positions = layout === "learned" ? null : sinusoids(layout, rows.length, parts.width);
    const numbered = rows.map((one, i) => ({ ...one, text: `${i} ${one.text}` }));
    const square = { rows, cols: rows };
    const difference = (/** @type {number} */ value) =>
      h("p", { class: "help" }, t("differs", { value: value.toExponential(1) }));
    /** @param {import("../draw/formula.js").Part} what */
    const norm = (what) => row("LayerNorm", "(", what, ")");
    const into = parts.pre ? norm("X") : "X";
    /** A sum that is normalised where it stands, unless the norms stand before the sub-layers. @param {import("../draw/formula.js").Part[]} sum */
    const after = (...sum) => (parts.pre ? sum : [norm(row(...sum))]);
    const joined = ["[", sub("Z", "1"), ";", "…", ";", sub("Z", "H"), "]", sub("W", "O"), "+", sub("b", "O")];
    const inner = [sub("W", "1"), parts.pre ? norm("Y") : "Y", "+", sub("b", "1")];
    const forward = [sub("W", "2"), parts.activation, "(", ...inner, ")", "+", sub("b", "2")];
    set(
      steps,
      step(
        "tokens",
        formula(sup("t", "*"), "=", sub("argmax", "t"), "∑", "log", "p", "(", sub("t", "i"), ")"),
        tokenBoxes(explanation),
      ),
      step(
        "embed",
        positions
          ? formula(
              sub("x", "p"),
              "=",
              root("D"),
              "·",
              sub("E", sub("t", "p")),
              "+",
              sub("P", "p"),
              ",",
              sub("P", row("p", ",", "2", "j")),
              "=",
              "sin",
              "(",
              frac("p", sup("10000", frac(row("2", "j"), "D"))),
              ")",
            )
          : formula(sub("x", "p"), "=", root("D"), "·", sub("E", sub("t", "p")), "+", sub("P", "p")),
        positions && matrixFigure("positions", t("positions"), vectorsOf(numbered, positions)),
        positions &&
          matrixFigure(
            "position-products",
            t("positionProducts"),
            { rows: numbered, cols: numbered, data: gram(positions, parts.width) },
            { largest: 20 },
          ),
        matrixFigure("embedded", t("embedded"), vectorsOf(rows, embedded)),
      ),
      step(
        "project",
        formula(
          "Q",
          "=",
          into,
          sub("W", "Q"),
          "+",
          sub("b", "Q"),
          ",",
          "K",
          "=",
          into,
          sub("W", "K"),
          "+",
          sub("b", "K"),
          ",",
          "V",
          "=",
          into,
          sub("W", "V"),
          "+",
          sub("b", "V"),
        ),
        matrixFigure("layer-input", t("layerInput", { n: at + 1 }), vectorsOf(rows, input)),
        matrixFigure("query", t("queries"), vectorsOf(rows, parts.query)),
        matrixFigure("key", t("keys"), vectorsOf(rows, parts.key)),
      ),
      step(
        "score",
        formula("S", "=", frac(row("Q", sup("K", "⊤")), root(d)), "+", "M"),
        matrixFigure("scores", t("scores"), { ...square, data: parts.scores }),
      ),
      step(
        "softmax",
        formula(
          sub("A", row("i", "j")),
          "=",
          frac(sup("e", sub("S", row("i", "j"))), row(sub("∑", "k"), sup("e", sub("S", row("i", "k"))))),
        ),
        matrixFigure("weights", t("weights"), { ...square, data: own }, { low: 0, high: 1 }),
        difference(largestDifference(own, parts.weights)),
      ),
      step(
        "sum",
        formula("Z", "=", "A", "V"),
        matrixFigure("values", t("valuesOf"), vectorsOf(rows, parts.value)),
        matrixFigure("sum", t("sums"), vectorsOf(rows, parts.sum)),
      ),
      step(
        "join",
        formula("Y", "=", ...after("X", "+", ...joined)),
        matrixFigure("attended", t("attended"), vectorsOf(rows, parts.attended)),
      ),
      step(
        "forward",
        formula("X′", "=", ...after("Y", "+", ...forward)),
        matrixFigure(
          "forward",
          t("forwardHidden", { share: percent(Math.log(activeShare(parts.hidden))) }),
          vectorsOf(rows, parts.hidden),
        ),
        matrixFigure("layer-output", t("layerOutput", { n: at + 1 }), vectorsOf(rows, output)),
        difference(largestDifference(output, parts.out)),
      ),
      step(
        "predict",
        formula("p", "(", "w", ")", "=", "softmax", "(", "E", sub("h", "t"), "+", "b", ")"),
        probabilities(state, explanation),
      ),
      step(
        "beam",
        formula(
          "score",
          "=",
          frac(
            row(sub("∑", "t"), "log", "p", "(", sub("y", "t"), "|", sub("y", row("<", "t")), ",", "x", ")"),
            row("|", "y", "|"),
          ),
        ),
        beamTree(explanation),
      ),
    );
  }

  /** @param {Float32Array} hidden */
  const activeShare = (hidden) => hidden.reduce((n, value) => n + (value > 0 ? 1 : 0), 0) / hidden.length;

  /** @param {State} state */
  async function draw(state) {
    work.abort();
    work = new AbortController();
    const { signal } = work;
    const explanation = explanationOf(state);
    controls.hidden = !explanation;
    if (!explanation) {
      empty.hidden = false;
      set(steps);
      drawEmpty(empty, "insideEmpty", state, { engine, t });
      return;
    }
    fillChoices(layer, explanation.encoder.layers, state.layer, "layer");
    fillChoices(head, explanation.encoder.heads, state.head, "head");
    try {
      const found = await collect(state, signal);
      if (signal.aborted) return;
      empty.hidden = true;
      drawSteps(state, found);
    } catch (error) {
      if (signal.aborted) return;
      empty.hidden = false;
      set(empty, t("failed", { problem: error instanceof Error ? error.message : String(error) }));
    }
  }

  /** @param {HTMLSelectElement} select @param {number} n @param {number} chosen @param {string} key */
  function fillChoices(select, n, chosen, key) {
    if (select.options.length !== n) {
      set(select, ...Array.from({ length: n }, (_, i) => h("option", { value: i }, t(key, { n: i + 1 }))));
    }
    select.value = String(Math.min(chosen, n - 1));
  }

  let last = explanationOf(store.get());
  draw(store.get());
  return {
    /** @param {State} state @param {Set<string>} changed */
    update(state, changed) {
      const explanation = explanationOf(state);
      const again = ["layer", "head", "token"].some((key) => changed.has(key));
      if (explanation === last && !again && !(changed.has("status") && !explanation)) return;
      last = explanation;
      draw(state);
    },
    close: () => work.abort(),
  };
}
