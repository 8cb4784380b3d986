// What is translated: real sentences where GLOSSA_DATA names a folder of test sets, else ones made by a small grammar.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { seeded } from "./random.js";

const WORDS = {
  subject:
    "a man|the old woman|two children|my brother|the young girl in a red coat|a brown dog|the teacher|a group of people",
  verb: "is looking at|was waiting for|is holding|has found|is carrying|would like to see|is standing next to|has been painting",
  object:
    "a small house|the other side of the street|three books|the blue car|a large crowd|his new guitar|the water|a wooden table",
  place:
    "in the park|on the beach|near the station|at home|in front of a shop|behind the church|in the snow|on a sunny day",
  join: "while|because|and|but|so that|although",
};

/** @type {Record<string, string[]>} */
const CHOICES = Object.fromEntries(Object.entries(WORDS).map(([kind, list]) => [kind, list.split("|")]));

/** One line of a test set of GLOSSA_DATA after the other; undefined where there is none. @param {string} name */
export function dataLines(name) {
  const file = join(process.env.GLOSSA_DATA ?? "", `${name}.gz`);
  if (!process.env.GLOSSA_DATA || !existsSync(file)) return undefined;
  return gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");
}

/** @param {() => number} random @returns {string} */
function madeSentence(random) {
  /** @param {string} kind */
  const pick = (kind) => CHOICES[kind][Math.floor(random() * CHOICES[kind].length)];
  let text = "";
  for (let clauses = 1 + Math.floor(random() * 3); clauses > 0; clauses--)
    text += `${text && ` ${pick("join")} `}${pick("subject")} ${pick("verb")} ${pick("object")} ${pick("place")}`;
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/**
 * Lines that hold one sentence each, so that engines which split agree with those which do not.
 * @param {number} count
 * @param {string} set a test set of GLOSSA_DATA, such as "newstest-en-de/test.en"
 * @returns {{ origin: string, sentences: string[] }}
 */
export function sentences(count, set) {
  const lines = dataLines(set)?.filter((line) => /^\p{Lu}[^.!?:;]*[.!?]$/u.test(line) && line.split(" ").length >= 4);
  if (lines && lines.length >= count) return { origin: set, sentences: lines.slice(0, count) };
  const random = seeded(2);
  return { origin: "made by a grammar", sentences: Array.from({ length: count }, () => madeSentence(random)) };
}

/** @param {string[]} texts */
export const countWords = (texts) => texts.reduce((sum, text) => sum + text.split(/\s+/).length, 0);

/**
 * Text to train a vocabulary of `pieces` on. Where there is no data, invented words stand in for real ones.
 * @param {number} pieces
 * @returns {string[]}
 */
export function vocabularyText(pieces) {
  const sets = ["newstest-en-de/train", "europarl-en-de/train"].flatMap((set) => [`${set}.en`, `${set}.de`]);
  const lines = sets.flatMap((set) => dataLines(set) ?? []);
  if (lines.length > 0) return lines;
  const random = seeded(3);
  const made = Array.from({ length: 2000 }, () => madeSentence(random));
  const syllable = () => `${"bdfgklmnprstvwz"[Math.floor(random() * 15)]}${"aeiou"[Math.floor(random() * 5)]}`;
  const lexicon = Array.from({ length: 5 * pieces }, () => {
    let word = "";
    for (let left = 2 + Math.floor(random() * 4); left > 0; left--) word += syllable();
    return word;
  });
  for (let at = 0; at < lexicon.length; at += 8) made.push(lexicon.slice(at, at + 8).join(" "));
  return [...made, ...made];
}
