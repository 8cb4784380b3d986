// What is known of heads without looking: which one to show first, and what each does with the sentence at hand.

import { headWeights } from "./attention.js";
import { wordsOf } from "./selection.js";

/** @typedef {import("../src/js/types.js").Attention} Attention */
/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("./state.js").Kind} Kind */
/** @typedef {{kind: Kind, layer: number, head: number}} Head */

export const kinds = /** @type {const} */ (["encoder", "decoder", "cross"]);

/** @param {SentenceExplanation} explanation @returns {Head[]} */
export function headsOf(explanation) {
  return kinds.flatMap((kind) => {
    const attention = explanation[kind];
    if (!attention) return [];
    return Array.from({ length: attention.layers * attention.heads }, (_, i) => ({
      kind,
      layer: Math.floor(i / attention.heads),
      head: i % attention.heads,
    }));
  });
}

/** As the address has it: "c0.1". @param {Head} head */
export const idOf = ({ kind, layer, head }) => `${kind[0]}${layer}.${head}`;

/** @param {string} id @returns {Head} */
export function headOf(id) {
  const [layer, head] = id.slice(1).split(".").map(Number);
  return { kind: kinds.find((kind) => kind[0] === id[0]) ?? "cross", layer, head };
}

/** The largest weight of a row, on average over the rows. @param {Attention} attention @param {number} layer @param {number} head */
export function sharpness(attention, layer, head) {
  const weights = headWeights(attention, layer, head);
  let sum = 0;
  for (let r = 0; r < attention.rows; r++) {
    let most = 0;
    for (let c = 0; c < attention.cols; c++) most = Math.max(most, weights[r * attention.cols + c]);
    sum += most;
  }
  return sum / Math.max(1, attention.rows);
}

/**
 * The head to begin with: for cross-attention the one that the model names as aligning, else the sharpest.
 * @param {SentenceExplanation} explanation
 * @param {Kind} kind
 * @param {[number, number] | null} [aligning]
 * @returns {[number, number]} layer, head
 */
export function firstHead(explanation, kind, aligning) {
  const attention = explanation[kind];
  if (!attention) return [0, 0];
  if (kind === "cross" && aligning && aligning[0] < attention.layers && aligning[1] < attention.heads) return aligning;
  /** @type {[number, number]} */
  let best = [0, 0];
  let most = -1;
  for (let layer = 0; layer < attention.layers; layer++) {
    for (let head = 0; head < attention.heads; head++) {
      const value = sharpness(attention, layer, head);
      if (value > most + 1e-6) [most, best] = [value, [layer, head]];
    }
  }
  return best;
}

/**
 * Where the state points, within what the model has: an address may name a layer that is not there.
 * @param {import("./state.js").State} state
 * @param {SentenceExplanation} explanation
 * @returns {{kind: Kind, layer: number, head: number, heads: number[]}}
 */
export function chosenHead({ kind: wanted, layer, head, heads, aligning }, explanation) {
  const kind = wanted === "decoder" && !explanation.decoder ? "cross" : wanted;
  const attention = /** @type {Attention} */ (explanation[kind]);
  const first = firstHead(explanation, kind, aligning);
  return {
    kind,
    layer: layer < 0 ? first[0] : Math.min(layer, attention.layers - 1),
    head: layer < 0 || head < 0 ? first[1] : Math.min(head, attention.heads - 1),
    heads: heads.filter((one) => one < attention.heads),
  };
}

/** @typedef {"itself" | "before" | "after" | "end" | "start" | "stop" | "aligns" | "one" | "broad" | "mixed"} Habit */

const MOSTLY = 0.6;
const SHARP = 0.4;
const TOO_SHARP = 0.9; // such a head does one thing whatever the words

/**
 * What a head mostly does in this sentence, told from where its largest weights lie.
 * @param {SentenceExplanation} explanation
 * @param {Head} which
 * @param {[number, number] | null} [aligning]
 * @returns {Habit}
 */
export function habitOf(explanation, { kind, layer, head }, aligning) {
  if (kind === "cross" && aligning && aligning[0] === layer && aligning[1] === head) return "aligns";
  const attention = /** @type {Attention} */ (explanation[kind]);
  if (sharpness(attention, layer, head) < SHARP) return "broad";
  const { rows, cols } = attention;
  const weights = headWeights(attention, layer, head);
  const best = Array.from({ length: rows }, (_, r) => {
    const row = weights.subarray(r * cols, (r + 1) * cols);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b), 0));
  });
  /** @param {(column: number, row: number) => boolean} is */
  const mostly = (is) => best.filter(is).length >= MOSTLY * rows;
  if (kind === "decoder") {
    // The key t is the token before the query t: the input that the query comes from.
    if (mostly((c, r) => c === r)) return "before";
    if (mostly((c) => c === 0)) return "start";
  } else {
    const tokens = explanation.sourceTokens;
    if (mostly((c) => c === cols - 1)) return "end";
    if (mostly((c) => /^[\p{P}]+$/u.test((tokens[c]?.piece ?? "").replace("\u2581", "")))) return "stop";
  }
  if (kind === "encoder") {
    if (mostly((c, r) => c === r)) return "itself";
    if (mostly((c, r) => c === r - 1)) return "before";
    if (mostly((c, r) => c === r + 1)) return "after";
  }
  if (mostly((c) => c === best[0])) return "one";
  return "mixed";
}

/**
 * The target token to begin with: the least sure of those that are letters.
 * @param {SentenceExplanation} explanation
 * @returns {number}
 */
export function leastSure({ targetTokens }) {
  let at = 0;
  let least = Number.POSITIVE_INFINITY;
  targetTokens.forEach((token, i) => {
    if (!/\p{L}/u.test(token.text) || token.logProbability >= least) return;
    least = token.logProbability;
    at = i;
  });
  return at;
}

/**
 * The token whose candidates are shown.
 * @param {import("./state.js").State} state
 * @param {SentenceExplanation} explanation
 */
export const chosenToken = ({ token }, explanation) =>
  token < 0 ? leastSure(explanation) : Math.min(token, explanation.targetTokens.length - 1);

/**
 * The source token that the story follows: the longest of those that are whole words, if the state names none.
 * @param {import("./state.js").State} state
 * @param {SentenceExplanation} explanation
 */
export function chosenWord({ word }, explanation) {
  const { sourceTokens } = explanation;
  if (word >= 0) return Math.min(word, sourceTokens.length - 1);
  let best = 0;
  let most = 0;
  for (const { token, last, start, end } of wordsOf(explanation, "source")) {
    const letters = /\p{L}/u.test(sourceTokens[token].text) && token === last ? end - start : 0;
    if (letters > most) [most, best] = [letters, token];
  }
  return best;
}

/** The attention that a step of the story is about. @type {Record<string, Kind>} */
const storyKinds = {
  projections: "encoder",
  scores: "encoder",
  softmax: "encoder",
  mix: "encoder",
  heads: "encoder",
  norm: "encoder",
  forward: "encoder",
  decoder: "decoder",
  cross: "cross",
};

/**
 * The head that a step of the story is about: the chosen one, if it is of that kind; else one that tells much: for the
 * cross-attention the aligning one, else one in which the chosen piece looks at another.
 * @param {import("./state.js").State} state
 * @param {SentenceExplanation} explanation
 * @returns {Head} as it is chosen, for steps that are about none
 */
export function storyHead(state, explanation) {
  const kind = storyKinds[state.story];
  const chosen = chosenHead(state, explanation);
  if (!kind || (chosen.kind === kind && state.layer >= 0)) return chosen;
  const attention = explanation[kind];
  if (!attention || kind === "cross") {
    const [layer, head] = firstHead(explanation, kind, state.aligning);
    return { kind, layer, head };
  }
  const word = kind === "encoder" ? chosenWord(state, explanation) : chosenToken(state, explanation);
  /** @type {Head} */
  let best = { kind, layer: 0, head: 0 };
  let most = -1;
  for (let layer = 0; layer < attention.layers; layer++) {
    for (let head = 0; head < attention.heads; head++) {
      const row = headWeights(attention, layer, head).subarray(word * attention.cols, (word + 1) * attention.cols);
      // How much goes to the piece it looks at most, of those that are not itself and no mark.
      const value = row.reduce((a, b, i) => (i === word || i === attention.cols - 1 ? a : Math.max(a, b)), 0);
      if (value > most && value < TOO_SHARP) [most, best] = [value, { kind, layer, head }];
    }
  }
  return best;
}
