// An engine without a model, for what must hold whatever a model says: it answers at once, by a function of the text. A
// token is a word, a sign or a space, and every token of the answer came from the source token at the same place.
import { Batcher } from "../../src/js/batcher.js";

/** @typedef {import("../../src/js/core.js").Core} Core */

const TOKEN = /[\p{L}\p{M}\p{N}]+|[\s\S]/gu;
const encoder = new TextEncoder();

/** @param {string} text @returns {import("../../src/js/core.js").ByteToken[]} with the end */
function tokensOf(text) {
  const tokens = [];
  let at = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const size = encoder.encode(token).length;
    tokens.push({ id: token.codePointAt(0) ?? 0, begin: at, end: at + size });
    at += size;
  }
  tokens.push({ id: 0, begin: at, end: at });
  return tokens;
}

/** Answers of models that are not to be trusted. @type {Record<string, (text: string) => string>} */
export const ANSWERS = {
  identity: (text) => text,
  "letters only": (text) => text.replace(/[^\p{L}\s]/gu, ""),
  capitals: (text) => text.toUpperCase(),
  backwards: (text) => text.split(/(\s)/).reverse().join(""),
  twice: (text) => `${text} ${text}`,
  nothing: () => "",
};

/**
 * @param {(text: string) => string} [answer]
 * @param {{sourceLanguage?: string, targetLanguage?: string, trainingLength?: number}} [model]
 */
export function stubEngine(
  answer = ANSWERS.identity,
  { sourceLanguage = "en", targetLanguage = "de", trainingLength = 0 } = {},
) {
  /** @type {string[]} */
  let batch = [];
  const core = {
    model: {
      sourceLanguage,
      targetLanguage,
      trainingLength,
      context: 1024,
      decoderLayers: 1,
      encoderLayers: 1,
      heads: 1,
      width: 1,
      alignmentHead: [0, 0],
    },
    setTimed() {},
    openSession() {},
    countTokens: (/** @type {string} */ text) => tokensOf(text).length,
    tokenize: tokensOf,
    piece: (/** @type {boolean} */ _, /** @type {number} */ id) => String.fromCodePoint(id),
    begin(/** @type {string[]} */ texts) {
      batch = texts;
      core.sentences.push(...texts);
    },
    step: () => true,
    partial: () => "",
    resultText: (/** @type {number} */ i) => answer(batch[i]),
    result: (/** @type {number} */ i) => ({ text: answer(batch[i]), tokens: tokensOf(answer(batch[i])), score: -1 }),
    explain(/** @type {number} */ i) {
      const [source, target] = [tokensOf(batch[i]), tokensOf(answer(batch[i]))];
      const crossAttention = new Float32Array(source.length * target.length);
      for (let t = 0; t < target.length; t++) crossAttention[t * source.length + Math.min(t, source.length - 1)] = 1;
      return { source, target, crossAttention };
    },
    /** @type {string[]} all that was read */
    sentences: [],
  };
  return Object.assign(new Batcher(/** @type {Core} */ (/** @type {unknown} */ (core))), { read: core.sentences });
}
