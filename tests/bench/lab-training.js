// What a reader types first: how long `glossa train` takes until a task is learnt, and a translator from 3,000 pairs.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { Translator } from "../../src/js/index.js";
import { newNode } from "./lineup.js";

const SCRIPT = fileURLToPath(new URL("contenders/lab-train.js", import.meta.url));
const PAIRS = 3000;

/** @typedef {{ command: string, ms: number, cpuMs: number, said: string, example: string }} Training */

/**
 * Everyday pairs with common words: of each source its first pair, and of those the ones whose rarest word, of either
 * language, is the most common. In the order that they had.
 * @param {string} folder of the data, tatoeba-en-de
 */
export function everydayPairs(folder) {
  const lines = (/** @type {string} */ name) =>
    String(gunzipSync(readFileSync(join(folder, name))))
      .trimEnd()
      .split("\n");
  const [sources, targets] = [lines("train.en.gz"), lines("train.de.gz")];
  /** @type {Map<string, string>} */
  const first = new Map();
  for (const [i, source] of sources.entries()) if (!first.has(source)) first.set(source, targets[i]);
  const wordsOf = (/** @type {string} */ text) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  const pairs = [...first].map((pair, place) => ({ pair, place, words: pair.map(wordsOf), least: 0 }));
  const counts = [0, 1].map((side) => {
    /** @type {Map<string, number>} */
    const count = new Map();
    for (const { words } of pairs) for (const word of words[side]) count.set(word, (count.get(word) ?? 0) + 1);
    return count;
  });
  for (const one of pairs)
    one.least = Math.min(...one.words.flatMap((words, side) => words.map((word) => counts[side].get(word) ?? 0)));
  pairs.sort((a, b) => b.least - a.least || a.place - b.place);
  return pairs
    .slice(0, PAIRS)
    .sort((a, b) => a.place - b.place)
    .map(({ pair }) => pair);
}

/** @param {string[]} words @param {string} model @param {string} text to try it on @returns {Promise<Training>} */
async function measure(words, model, text) {
  const { stdout } = await promisify(execFile)(newNode, [SCRIPT, ...words, "-o", model, "-q"], { maxBuffer: 1 << 24 });
  const { ms, cpuMs, said } = JSON.parse(stdout);
  const translator = await Translator.create({ model: new Uint8Array(readFileSync(model)) });
  const example = `${text} -> ${await translator.translate(text)}`;
  translator.destroy();
  return { command: `glossa train ${words.join(" ")}`, ms, cpuMs, said, example };
}

/** @param {string} folder for files @param {boolean} quick @param {import("./measures.js").Skip} skip @returns {Promise<Training[]>} */
export async function measureTraining(folder, quick, skip) {
  const task = ["--task", "reverse", "--seed", "7"];
  const trainings = [await measure(task, join(folder, "reverse.gguf"), "48151623")];
  const data = join(process.env.GLOSSA_DATA ?? "", "tatoeba-en-de");
  if (quick || !process.env.GLOSSA_DATA || !existsSync(data)) {
    skip("a translator from 3,000 pairs", quick ? "--quick leaves it out" : "GLOSSA_DATA holds no tatoeba-en-de");
    return trainings;
  }
  const table = join(folder, "pairs.tsv");
  writeFileSync(
    table,
    everydayPairs(data)
      .map((pair) => `${pair.join("\t")}\n`)
      .join(""),
  );
  const words = ["--data", table, "--source", "en", "--target", "de"];
  return [...trainings, await measure(words, join(folder, "pairs.gguf"), "I know where he is.")];
}
