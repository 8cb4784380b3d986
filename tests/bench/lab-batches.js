// Batches of token ids that every contender of the lab trains on. A file holds their count and then each as the lab
// reads it: pairs, starts of sources, starts of targets, all source and all target tokens, in words of 32 bits.

import { readFileSync } from "node:fs";
import { seeded } from "./random.js";

/** @typedef {[source: number[], target: number[]]} Pair */

const EOS = 3;
const FIRST = 4;

/** Strings of 1 to 12 digits and their reverses. @param {number} count @param {number} size pairs of a batch */
export function reversals(count, size) {
  const random = seeded(7);
  const digits = () => Array.from({ length: 1 + Math.floor(random() * 12) }, () => FIRST + Math.floor(random() * 10));
  const pair = (/** @type {number[]} */ x) =>
    /** @type {Pair} */ ([
      [...x, EOS],
      [...x.toReversed(), EOS],
    ]);
  return Array.from({ length: count }, () => Array.from({ length: size }, () => pair(digits())));
}

/**
 * Sentences as long as captions are, of any tokens; a batch has pairs of like length, as the recipes' have, and no more
 * than `tokens` on its longer side, padding counted.
 * @param {number} count @param {number} tokens @param {number} vocabulary
 */
export function captions(count, tokens, vocabulary) {
  const random = seeded(8);
  const sentence = (/** @type {number} */ length) => [
    ...Array.from({ length: length - 1 }, () => FIRST + Math.floor(random() * (vocabulary - FIRST))),
    EOS,
  ];
  return Array.from({ length: count }, () => {
    const length = 8 + Math.floor(14 * random() ** 1.5);
    return Array.from({ length: Math.floor(tokens / (length + 2)) }, () => {
      const pair = [sentence(length - Math.floor(random() * 2)), sentence(length + 2 - Math.floor(random() * 4))];
      return /** @type {Pair} */ (pair);
    });
  });
}

/** @param {Pair[]} pairs */
function wordsOf(pairs) {
  const starts = (/** @type {0 | 1} */ side) => {
    let at = 0;
    return [0, ...pairs.map((pair) => (at += pair[side].length))];
  };
  return [pairs.length, ...starts(0), ...starts(1), ...pairs.flatMap(([s]) => s), ...pairs.flatMap(([, t]) => t)];
}

/** @param {Pair[][]} batches @returns {Uint32Array} the words of the file */
export const packed = (batches) => new Uint32Array([batches.length, ...batches.flatMap(wordsOf)]);

/** @param {string} path @returns {Pair[][]} */
export function readBatches(path) {
  const bytes = readFileSync(path);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let at = 1;
  const take = (/** @type {number} */ count) => words.subarray(at, (at += count));
  return Array.from({ length: words[0] }, () => {
    const [pairs] = take(1);
    const starts = [take(pairs + 1), take(pairs + 1)];
    const sides = starts.map((side) => take(side[pairs]));
    return Array.from({ length: pairs }, (_, i) => {
      const [source, target] = sides.map((ids, side) => [...ids.subarray(starts[side][i], starts[side][i + 1])]);
      return /** @type {Pair} */ ([source, target]);
    });
  });
}
