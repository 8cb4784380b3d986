// Sentence borders, found in paragraphs that are made of lines of parallel data: 500 sentences a language, as the F1 of the
// borders. Some lines hold several sentences: a line counts if its translation has one mark of the end alone, at its end,
// and if none stands inside it where it can mean nothing else: behind a long word, or in the full width of Chinese and Japanese.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { splitText } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";

useRules(RULES);

const DATA = process.env.GLOSSA_DATA;
const skip = DATA && existsSync(DATA) ? false : "GLOSSA_DATA names no folder of parallel data";

/** What a paragraph joins lines with, where it is no space. @type {Record<string, string>} */
const BETWEEN = { zh: "", lzh: "", ja: "" };
const SENTENCES = 500;
const PARAGRAPH = 5;

/** Files of each language, and those that tell. `before`: the F1 that version 0.1 had on the same paragraphs. */
const SETS = {
  en: { files: ["newstest-en-de/test", "flores-dev/dev"], other: ["de", "es"], before: 0.9875 },
  de: {
    files: ["newstest-en-de/test", "flores-dev/dev", "europarl-en-de/test"],
    other: ["en", "en", "en"],
    before: 0.9766,
  },
  fr: { files: ["newstest-en-fr/test", "flores-dev/dev", "multi30k/test"], other: ["en", "en", "en"], before: 0.9962 },
  cs: { files: ["multi30k/test"], other: ["en"], before: 0.9987 },
  es: { files: ["flores-dev/dev"], other: ["en"], before: 0.9864 },
  ja: { files: ["flores-dev/dev", "tatoeba-en-ja/test"], other: ["en", "en"], before: 0.9737 },
  zh: {
    files: ["newstest-zh-en/test", "newstest-zh-en/valid", "flores-dev/dev", "tatoeba-zh-en/test"],
    other: ["en", "en", "en", "en"],
    before: 0.9825,
  },
  lzh: { files: ["classical-modern/test"], other: ["zh"], before: 0.9925 },
};

const ENDED = /[.!?…。！？]["'”’»」』“)）]*$/u;
/** One sentence, and no stop within it. */
const ALONE = /^[^.!?…。！？;；]*[.!?。！？]["'”’»」』“)）]*$/u;

const INNER = /\p{Ll}{5}[.!?]["'”’»“)]* \P{Ll}|[。！？](?![」』”’）)》]|$)/u;

/** @param {string} name @returns {string[]} */
const lines = (name) =>
  gunzipSync(readFileSync(join(/** @type {string} */ (DATA), `${name}.gz`)))
    .toString("utf8")
    .split("\n");

/** Sentences of a language, of each file equally many as far as it has them. @param {keyof typeof SETS} language */
function sentencesOf(language) {
  const { files, other } = SETS[language];
  /** @type {string[]} */
  const all = [];
  for (const [i, file] of files.entries()) {
    const told = lines(`${file}.${other[i]}`);
    const good = lines(`${file}.${language}`).filter(
      (line, at) => ENDED.test(line.trim()) && ALONE.test(told[at].trim()) && !INNER.test(line),
    );
    all.push(...good.map((line) => line.trim()).slice(0, Math.ceil((SENTENCES - all.length) / (files.length - i))));
  }
  return all;
}

for (const language of /** @type {(keyof typeof SETS)[]} */ (Object.keys(SETS)))
  test(`borders of sentences: ${language}`, { skip }, (t) => {
    const between = BETWEEN[language] ?? " ";
    const all = sentencesOf(language);
    let [right, wrong, missing] = [0, 0, 0];
    /** @type {string[]} */
    const errors = [];
    for (let i = 0; i < all.length; i += PARAGRAPH) {
      const text = all.slice(i, i + PARAGRAPH).join(between);
      /** @type {Set<number>} */
      const borders = new Set();
      let at = 0;
      for (const sentence of all.slice(i, i + PARAGRAPH)) {
        borders.add(at + sentence.length);
        at += sentence.length + between.length;
      }
      borders.delete(text.length);
      for (const part of splitText(text, language)) {
        const end = part.start + part.text.length;
        if (!part.sentence || end === text.length) continue;
        if (borders.delete(end)) right++;
        else {
          wrong++;
          errors.push(`+ ${text.slice(Math.max(0, end - 20), end)}¦${text.slice(end, end + 20)}`);
        }
      }
      missing += borders.size;
      for (const end of borders)
        errors.push(`- ${text.slice(Math.max(0, end - 20), end)}¦${text.slice(end, end + 20)}`);
    }
    const score = (2 * right) / (2 * right + wrong + missing);
    t.diagnostic(`${all.length} sentences, F1 ${score.toFixed(4)}, ${wrong} wrong, ${missing} missing`);
    if (process.env.GLOSSA_SHOW) t.diagnostic(errors.join("\n"));
    assert.ok(all.length >= 500, `${all.length} sentences`);
    assert.ok(score >= 0.97 && score >= SETS[language].before, `${score}: ${errors.slice(0, 20).join("\n")}`);
  });
