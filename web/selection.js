// One selection for every picture: the word pointed at, in tokens, and what belongs to it on the other side.

import { shownExplanation } from "./state.js";
import { tokenLabels, UNSPACED } from "./attention.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Sentence} Sentence */
/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {"source" | "target"} Side */
/** @typedef {{start: number, end: number, token: number, last: number}} Word */

/**
 * Words of one side: neighbouring tokens of a word as one span of text; in scripts without spaces, each token.
 * @param {SentenceExplanation} explanation
 * @param {Side} side
 * @returns {Word[]}
 */
export function wordsOf(explanation, side) {
  const known = found.get(explanation) ?? {};
  known[side] ??= findWords(explanation, side);
  found.set(explanation, known);
  return known[side];
}

/** Words that were found before: every picture asks for them. @type {WeakMap<SentenceExplanation, {source?: Word[], target?: Word[]}>} */
const found = new WeakMap();

/** @param {SentenceExplanation} explanation @param {Side} side @returns {Word[]} */
function findWords(explanation, side) {
  const text = side === "source" ? explanation.source : explanation.translation;
  const labels = tokenLabels(explanation[`${side}Tokens`], text, side);
  /** @type {(Word & {word: number})[]} */
  const words = [];
  for (const { special, start, end, word, token, surface } of labels) {
    if (special) continue;
    const last = words.at(-1);
    if (last && last.word === word && !(UNSPACED.test(surface) && last.end > last.start)) {
      last.end = end;
      last.last = token;
    } else words.push({ start, end, token, last: token, word });
  }
  for (const word of words) {
    while (word.start < word.end && /\s/.test(text[word.start])) word.start++;
    while (word.end > word.start && /\s/.test(text[word.end - 1])) word.end--;
  }
  return words.filter((word) => word.end > word.start);
}

/**
 * Words of one side and where they begin in the text that is shown: a translation may have signs in place of what the
 * model said.
 * @param {SentenceExplanation} explanation
 * @param {Side} side
 * @param {string} text
 * @returns {(Word & {shown: number})[]} without those that the text lacks
 */
export function shownWords(explanation, side, text) {
  const said = explanation[side === "source" ? "source" : "translation"];
  const out = [];
  let at = 0;
  for (const word of wordsOf(explanation, side)) {
    const spelt = said.slice(word.start, word.end);
    const shown = text.indexOf(spelt, at);
    if (shown < 0) continue;
    out.push({ ...word, shown });
    at = shown + spelt.length;
  }
  return out;
}

/** @param {[number, number]} span @param {{start: number, end: number}} word */
const meets = (span, word) => span[0] < word.end && span[1] > word.start;

/**
 * How a word stands to the one pointed at: itself, aligned with it on the other side, or neither.
 * @param {SentenceExplanation} explanation
 * @param {{side: Side, at: number} | null} lit
 * @param {Side} side
 * @param {{start: number, end: number}} word
 * @returns {"" | "self" | "linked"}
 */
export function litness(explanation, lit, side, word) {
  if (!lit) return "";
  if (lit.side === side) return lit.at >= word.start && lit.at < word.end ? "self" : "";
  const self = wordsOf(explanation, lit.side).find((one) => lit.at >= one.start && lit.at < one.end);
  if (!self) return "";
  return explanation.alignment.some((link) => meets(link[lit.side], self) && meets(link[side], word)) ? "linked" : "";
}

/**
 * The tokens of the word pointed at, and those aligned with it.
 * @param {State} state
 * @returns {{source: Set<number>, target: Set<number>, side: Side | null}}
 */
export function litTokens(state) {
  const none = { source: new Set(), target: new Set(), side: null };
  const explanation = shownExplanation(state);
  const { lit } = state;
  if (!lit || !explanation || lit.sentence !== state.sentence) return none;
  /** @param {Side} side */
  const tokens = (side) =>
    new Set(
      wordsOf(explanation, side)
        .filter((word) => litness(explanation, lit, side, word) !== "")
        .flatMap((word) => Array.from({ length: word.last - word.token + 1 }, (_, i) => word.token + i)),
    );
  return { source: tokens("source"), target: tokens("target"), side: lit.side };
}

/**
 * Where a token lies in its sentence, as the store keeps what is pointed at.
 * @param {SentenceExplanation} explanation
 * @param {Side} side
 * @param {number} token
 * @param {number} sentence
 * @returns {import("./state.js").Lit | null} null for what has no letters of its own
 */
export function litOf(explanation, side, token, sentence) {
  const span = explanation[`${side}Tokens`][token];
  if (!span || span.end === span.start) return null;
  return { side, sentence, at: span.end - 1, pinned: false };
}

/**
 * The least log-probability of a word's pieces.
 * @param {SentenceExplanation} explanation
 * @param {{token: number, last: number}} word of the translation
 */
export function sureness({ targetTokens }, { token, last }) {
  let least = 0;
  for (let i = token; i <= last; i++) least = Math.min(least, targetTokens[i]?.logProbability ?? 0);
  return least;
}

/**
 * The words of the translation that the model was not sure of.
 * @param {SentenceExplanation} explanation
 * @param {number | null} limit log-probability below which a word is unsure; null: none is
 */
export const unsureWords = (explanation, limit) =>
  limit === null ? [] : wordsOf(explanation, "target").filter((word) => sureness(explanation, word) < limit);

/**
 * Where in a word other pieces are offered in its place: at its beginning, or where the model was least sure of one that
 * it was not sure of.
 * @param {SentenceExplanation} explanation
 * @param {{token: number, last: number}} word of the translation
 * @param {number | null} limit as in unsureWords()
 */
export function turningPoint(explanation, { token, last }, limit) {
  const least = sureness(explanation, { token, last });
  if (limit === null || least >= limit) return token;
  for (let i = token; i <= last; i++) if (explanation.targetTokens[i].logProbability === least) return i;
  return token;
}
