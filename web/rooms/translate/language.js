// Whether a text is in a language that the model does not read: told by its script where that is enough, else by a
// detector that comes when it is first wanted.

/** @typedef {import("../../state.js").Model} Model */

/** Scripts, and the languages of models that are written in them. @type {[RegExp, string[]][]} */
const scripts = [
  [/\p{Script=Hiragana}|\p{Script=Katakana}/gu, ["ja"]],
  [/\p{Script=Han}/gu, ["zh", "lzh", "ja", "yue"]],
  [/\p{Script=Hangul}/gu, ["ko"]],
  [/\p{Script=Cyrillic}/gu, ["ru", "uk", "bg", "sr", "mk", "be"]],
  [/\p{Script=Arabic}/gu, ["ar", "fa", "ur"]],
  [/\p{Script=Hebrew}/gu, ["he", "yi"]],
  [/\p{Script=Greek}/gu, ["el"]],
  [/\p{Script=Devanagari}/gu, ["hi", "mr", "ne"]],
  [/\p{Script=Thai}/gu, ["th"]],
];

const MOST = 0.5;
/** A character of these stands for a whole word: fewer of them are enough to tell. */
const DENSE = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/gu;

/** @param {string} tag */
const base = (tag) => tag.split("-")[0];

/**
 * The languages that most of the letters of a text may be in, told by the script.
 * @param {string} text
 * @returns {string[] | null} null for Latin, which many share, and for texts without letters
 */
export function languagesByScript(text) {
  const dense = text.match(DENSE)?.length ?? 0;
  const letters = (text.match(/\p{L}/gu)?.length ?? 0) + 2 * dense;
  if (letters === 0) return null;
  for (const [pattern, languages] of scripts) {
    const found = text.match(pattern) ?? [];
    const weight = found.length + 2 * (found.join("").match(DENSE)?.length ?? 0);
    if (weight > MOST * letters || (languages[0] === "ja" && found.length > 2)) return languages;
  }
  return null;
}

/** Letters that a detector needs before it can be believed. */
const ENOUGH = 20;

/** @typedef {(text: string) => {language: string, isReliable(): boolean}} Detect */

/**
 * The language of a text, if the model does not read it.
 * @param {string} text
 * @param {string} source language that the model reads
 * @param {() => Promise<Detect>} detector
 * @returns {Promise<string>} empty if all is well, or nobody can tell
 */
export async function otherLanguage(text, source, detector) {
  const sample = text.slice(0, 2000);
  const reads = base(source);
  const byScript = languagesByScript(sample);
  if (byScript) return byScript.includes(reads) ? "" : byScript[0];
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  const latin = sample.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (letters === 0 || latin < MOST * letters) return "";
  // Latin letters for a model that reads another script: English, unless the detector knows better.
  const otherScript = scripts.some(([, languages]) => languages.includes(reads));
  if (letters < ENOUGH) return otherScript ? "en" : "";
  const found = (await detector())(sample);
  if (found.language === reads) return "";
  if (found.language && found.isReliable()) return found.language;
  return otherScript ? "en" : "";
}

/**
 * A pair that reads this language, best one that keeps the target.
 * @param {Model[]} models
 * @param {string} language
 * @param {Model | undefined} here
 * @returns {Model | undefined}
 */
export function pairFor(models, language, here) {
  const all = models.filter((one) => base(one.source) === language);
  const reads = all.some((one) => !one.halves) ? all.filter((one) => !one.halves) : all;
  return (
    reads.find((one) => one.target === here?.target) ?? reads.find((one) => one.target === here?.source) ?? reads[0]
  );
}
