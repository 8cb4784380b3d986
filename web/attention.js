// From the attention of all layers and heads to the one matrix that a picture shows. Pure functions.
//
// Legend: L layers, H heads, R rows (queries), C columns (keys).

/** @typedef {import("../src/js/types.js").Attention} Attention */
/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../src/js/types.js").Token} Token */
/** @typedef {import("./state.js").Kind} Kind */
/** @typedef {import("./state.js").Reduce} Reduce */

/**
 * A row or a column of a picture.
 * @typedef {object} Label
 * @property {string} text as it stands at a picture
 * @property {string} surface what it says in the sentence: nothing, where it is a space or a part of a character
 * @property {boolean} special the start or the end of a sentence
 * @property {"source" | "target"} side
 * @property {number} start span in the sentence, UTF-16
 * @property {number} end
 * @property {number} word number of the word that it belongs to
 * @property {number} token first token that it stands for; -1 is the start
 * @property {number} last last token that it stands for
 */

/** @typedef {{rows: Label[], cols: Label[], data: Float32Array}} Matrix data is (R, C) */

export const START = "‹s›";
export const END = "‹/s›";
export const PAD = "‹pad›";

/** A token of a script that is written without spaces. */
export const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Where words begin in a text without spaces: the platform has a dictionary. @param {string} text @returns {Set<number>} */
function wordStarts(text) {
  const segments = new Intl.Segmenter(undefined, { granularity: "word" }).segment(text);
  return new Set(Array.from(segments, (one) => one.index));
}

/** A piece of several bytes of one character has no letters of its own: its byte is shown. @param {string} shown @param {string} [piece] */
function nameOfPiece(shown, piece = "") {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(piece)?.[1];
  return shown || (byte ? `0x${byte}` : piece.replace("\u2581", "") || "␣");
}

/**
 * Labels for the tokens of a sentence. A word begins where white space stands before the token, and at punctuation; in
 * scripts written without spaces, where the platform's dictionary says so.
 * @param {Token[]} tokens
 * @param {string} text the sentence
 * @param {"source" | "target"} side
 * @returns {Label[]}
 */
export function tokenLabels(tokens, text, side) {
  let word = -1;
  let last = 0;
  let before = "";
  let open = false; // a space or the first bytes of a character: what follows belongs to it
  const starts = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(text)
    ? wordStarts(text)
    : null;
  return tokens.map((token, i) => {
    const surface = text.slice(token.start, token.end);
    const shown = surface.trim();
    const special = token.start === token.end && i === tokens.length - 1;
    const goesOn = UNSPACED.test(shown) && UNSPACED.test(before) && starts?.has(token.start) === false;
    const alone = /^[\p{P}\p{S}]/u.test(shown) || (UNSPACED.test(shown) && !goesOn);
    before = shown;
    const spaced = /\s$/.test(text.slice(0, token.start)) || /^\s/.test(surface) || token.piece?.startsWith("\u2581");
    const after = /^[\p{Ps}\p{Pi}]$/u.test(last === token.start ? text.slice(token.start - 1, token.start) : "");
    if (i === 0 || special || (!open && (spaced || alone || after || last !== token.start))) word++;
    last = token.end;
    open = shown === "" && !special;
    const { start, end } = token;
    return {
      text: special ? END : nameOfPiece(shown, token.piece),
      surface: shown,
      special,
      side,
      start,
      end,
      word,
      token: i,
      last: i,
    };
  });
}

/**
 * The labels of both axes. Row t of decoder and cross attention is the query that emitted target token t; the keys of
 * decoder attention are its inputs: the start, then the tokens before.
 * @param {SentenceExplanation} explanation
 * @param {Kind} kind
 * @returns {{rows: Label[], cols: Label[]}}
 */
export function axes(explanation, kind) {
  const source = tokenLabels(explanation.sourceTokens, explanation.source, "source");
  if (kind === "encoder") return { rows: source, cols: source };
  const target = tokenLabels(explanation.targetTokens, explanation.translation, "target");
  if (kind === "cross") return { rows: target, cols: source };
  /** @type {Label} */
  const start = {
    text: START,
    surface: "",
    special: true,
    side: "target",
    start: 0,
    end: 0,
    word: -1,
    token: -1,
    last: -1,
  };
  return { rows: target, cols: [start, ...target.slice(0, -1)] };
}

/**
 * One head's weights (R, C): a view, not a copy.
 * @param {Attention} attention
 * @param {number} layer
 * @param {number} head
 */
export function headWeights(attention, layer, head) {
  const size = attention.rows * attention.cols;
  const at = (layer * attention.heads + head) * size;
  return attention.data.subarray(at, at + size);
}

/**
 * Mean or maximum over the heads of some layers.
 * @param {Attention} attention
 * @param {number} from first layer
 * @param {number} to one past the last
 * @param {"mean" | "max"} how
 */
function combine(attention, from, to, how) {
  const size = attention.rows * attention.cols;
  const out = new Float32Array(size);
  for (let layer = from; layer < to; layer++) {
    for (let head = 0; head < attention.heads; head++) {
      const weights = headWeights(attention, layer, head);
      for (let i = 0; i < size; i++) out[i] = how === "max" ? Math.max(out[i], weights[i]) : out[i] + weights[i];
    }
  }
  if (how === "mean") {
    const count = (to - from) * attention.heads;
    for (let i = 0; i < size; i++) out[i] /= count;
  }
  return out;
}

/**
 * Product of (R, K) and (K, C).
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} r
 * @param {number} k
 * @param {number} c
 */
function product(a, b, r, k, c) {
  const out = new Float32Array(r * c);
  for (let i = 0; i < r; i++) {
    for (let j = 0; j < k; j++) {
      const weight = a[i * k + j];
      if (weight === 0) continue;
      for (let n = 0; n < c; n++) out[i * c + n] += weight * b[j * c + n];
    }
  }
  return out;
}

/**
 * Attention rollout (Abnar and Zuidema 2020): the residual counts as half of each layer, and the layers are multiplied.
 * Cross-attention is its mean over layers and heads, then the encoder's rollout.
 * @param {SentenceExplanation} explanation
 * @param {Kind} kind
 * @returns {Float32Array}
 */
export function rollout(explanation, kind) {
  if (kind === "cross") {
    const { cross } = explanation;
    const mean = combine(cross, 0, cross.layers, "mean");
    return product(mean, rollout(explanation, "encoder"), cross.rows, cross.cols, cross.cols);
  }
  const attention = /** @type {Attention} */ (explanation[kind]);
  const n = attention.rows;
  let out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  for (let layer = 0; layer < attention.layers; layer++) {
    const mean = combine(attention, layer, layer + 1, "mean");
    for (let i = 0; i < mean.length; i++) mean[i] *= 0.5;
    for (let i = 0; i < n; i++) mean[i * n + i] += 0.5;
    out = product(mean, out, n, n, n);
  }
  return out;
}

/**
 * @param {SentenceExplanation} explanation
 * @param {Kind} kind
 * @param {Reduce} reduce
 * @param {number} layer
 * @param {number} head
 * @returns {Float32Array} (R, C)
 */
export function reduced(explanation, kind, reduce, layer, head) {
  const attention = /** @type {Attention} */ (explanation[kind]);
  if (reduce === "layer") return combine(attention, layer, layer + 1, "mean");
  if (reduce === "mean") return combine(attention, 0, attention.layers, "mean");
  if (reduce === "max") return combine(attention, 0, attention.layers, "max");
  if (reduce === "rollout") return rollout(explanation, kind);
  return headWeights(attention, layer, head);
}

/**
 * Neighbouring labels of one word become one.
 * @param {Label[]} labels
 * @param {boolean} words
 * @param {boolean} special
 * @returns {{labels: Label[], groups: number[][]}} with the tokens of each
 */
function group(labels, words, special) {
  /** @type {Label[]} */
  const out = [];
  /** @type {number[][]} */
  const groups = [];
  labels.forEach((label, i) => {
    if (label.special && !special) return;
    const last = out.at(-1);
    if (words && last && !last.special && !label.special && last.word === label.word) {
      const surface = last.surface + label.surface;
      out[out.length - 1] = { ...last, text: surface || last.text, surface, end: label.end, last: label.last };
      groups[groups.length - 1].push(i);
    } else {
      out.push(label);
      groups.push([i]);
    }
  });
  return { labels: out, groups };
}

/**
 * The matrix as the picture shows it. Words: what goes to the tokens of a word adds up, what comes from them is
 * averaged, so that rows still sum to 1. Hidden ends are left out, not shared out: rows may then sum to less.
 * @param {{rows: Label[], cols: Label[]}} labels
 * @param {Float32Array} data (R, C)
 * @param {{words: boolean, special: boolean}} options
 * @returns {Matrix}
 */
export function shape(labels, data, { words, special }) {
  if (!words && special) return { ...labels, data };
  const rows = group(labels.rows, words, special);
  const cols = group(labels.cols, words, special);
  const width = labels.cols.length;
  const out = new Float32Array(rows.groups.length * cols.groups.length);
  let at = 0;
  for (const queries of rows.groups) {
    for (const keys of cols.groups) {
      let sum = 0;
      for (const q of queries) for (const k of keys) sum += data[q * width + k];
      out[at++] = sum / queries.length;
    }
  }
  return { rows: rows.labels, cols: cols.labels, data: out };
}

/**
 * A matrix filled up with padding, whose weights are 0.
 * @param {Matrix} matrix (R, C)
 * @param {number} moreRows
 * @param {number} moreCols
 * @returns {Matrix} (R + moreRows, C + moreCols)
 */
export function padded({ rows, cols, data }, moreRows, moreCols) {
  /** @param {Label[]} labels @param {number} more @returns {Label[]} */
  const filled = (labels, more) => {
    const last = labels.at(-1)?.last ?? -1;
    const pads = Array.from({ length: more }, (_, i) => last + 1 + i);
    return [
      ...labels,
      ...pads.map((at) => {
        const nowhere = /** @type {const} */ ({ side: labels[0]?.side ?? "source", start: 0, end: 0, word: -1 });
        return { text: PAD, surface: "", special: true, ...nowhere, token: at, last: at };
      }),
    ];
  };
  const wide = cols.length + moreCols;
  const out = new Float32Array((rows.length + moreRows) * wide);
  for (let r = 0; r < rows.length; r++) out.set(data.subarray(r * cols.length, (r + 1) * cols.length), r * wide);
  return { rows: filled(rows, moreRows), cols: filled(cols, moreCols), data: out };
}
