// The rules for text in use: those of languages (languages/*.json) and the patterns of what is no language (patterns.json).
// They come with the model, so that a page has them once and not in its worker again.

/** @typedef {import("./borders.js").SentenceRules} SentenceRules */

/**
 * @typedef {object} TextRules
 * @property {SentenceRules[]} languages
 * @property {Record<string, string[]>} patterns regular expressions by kind, for the flags "gu"
 */

/** @type {TextRules} */
let rules = { languages: [], patterns: {} };
/** @type {Record<string, RegExp[]>} */
let compiled = {};

/** @param {TextRules} next from now on */
export function useRules(next) {
  rules = next;
  compiled = {};
}

/** @param {string} tag */
export const base = (tag) => tag.toLowerCase().split(/[-_]/)[0];

/** @param {string} language @returns {SentenceRules | undefined} */
export const rulesOf = (language) => rules.languages.find(({ languages }) => languages.includes(base(language)));

/** @param {string} kind @returns {RegExp[]} */
export function patternsOf(kind) {
  compiled[kind] ??= (rules.patterns[kind] ?? []).map((pattern) => new RegExp(pattern, "gu"));
  return compiled[kind];
}
