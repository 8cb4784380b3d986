// Tokens that people can read, the words that they make up, and which word came from which.

import { alignmentWeights, unitSpans } from "./alignment.js";

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./core.js").ByteToken} ByteToken */
/** @typedef {import("./types.js").Token} Token */
/** @typedef {import("./types.js").WordLink} WordLink */

/**
 * @param {Core} core
 * @param {boolean} target
 * @param {ByteToken[]} tokens
 * @param {string} text
 * @returns {Token[]}
 */
export function readableTokens(core, target, tokens, text) {
  const spans = unitSpans(tokens, text);
  return tokens.map(({ id }, i) => {
    const { start, end } = spans[i];
    return { id, piece: core.piece(target, id), text: text.slice(start, end), start, end };
  });
}

/**
 * Groups tokens into words: a word starts where a piece starts with a space, at punctuation, and at every character of
 * a script that puts no spaces between words.
 * @param {Token[]} tokens
 * @returns {{start: number, end: number, tokens: number[]}[]}
 */
function wordsOf(tokens) {
  /** @type {{start: number, end: number, tokens: number[]}[]} */
  const words = [];
  for (const [i, { piece, text, start, end }] of tokens.entries()) {
    if (start === end) continue;
    const bare = text.trim();
    const last = words.at(-1);
    const starts =
      piece.startsWith("\u2581") || /^[\p{P}\p{S}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(bare);
    if (!last || starts || /\s$/.test(tokens[i - 1]?.text ?? "")) {
      const lead = text.length - text.trimStart().length;
      if (bare) words.push({ start: start + lead, end, tokens: [i] });
    } else {
      last.end = end;
      last.tokens.push(i);
    }
  }
  return words;
}

/**
 * @param {Token[]} sourceTokens
 * @param {Token[]} targetTokens
 * @param {Float32Array} weights (targets, sources)
 * @returns {WordLink[]}
 */
export function alignWords(sourceTokens, targetTokens, weights) {
  const sources = wordsOf(sourceTokens);
  const columns = sourceTokens.length;
  /** @type {WordLink[]} */
  const links = [];
  for (const target of wordsOf(targetTokens)) {
    let best = -1;
    let source = null;
    for (const candidate of sources) {
      let sum = 0;
      for (const row of target.tokens) for (const column of candidate.tokens) sum += weights[row * columns + column];
      const weight = sum / target.tokens.length;
      if (weight > best) {
        best = weight;
        source = candidate;
      }
    }
    if (source)
      links.push({ source: [source.start, source.end], target: [target.start, target.end], weight: Math.min(1, best) });
  }
  return links;
}

/**
 * Links the words of a sentence of a finished batch.
 * @param {Core} core
 * @param {ReturnType<Core["explain"]>} seen
 * @param {string} source
 * @param {string} translation
 * @returns {WordLink[]}
 */
export function linkWords(core, seen, source, translation) {
  const { decoderLayers, heads, alignmentHead } = core.model;
  const [targets, sources] = [seen.target.length, seen.source.length];
  const cross = { data: seen.crossAttention, layers: decoderLayers, heads, targets, sources };
  return alignWords(
    readableTokens(core, false, seen.source, source),
    readableTokens(core, true, seen.target, translation),
    alignmentWeights(cross, alignmentHead),
  );
}
