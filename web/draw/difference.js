// What differs between two sentences, word by word: the longest common subsequence is the same, the rest is not.

import { h } from "./dom.js";

/** Words with the white space after them; each Chinese character by itself. @param {string} text @returns {string[]} */
export const wordsIn = (text) => text.match(/[\p{Script=Han}]|[^\s\p{Script=Han}]+\s*|\s+/gu) ?? [];

/**
 * @param {string} before
 * @param {string} after
 * @returns {{text: string, changed: boolean}[]} the words of `after`
 */
export function difference(before, after) {
  const a = wordsIn(before);
  const b = wordsIn(after);
  const same = (/** @type {number} */ i, /** @type {number} */ j) => a[i].trim() === b[j].trim();
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = same(i, j) ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const out = [];
  for (let i = 0, j = 0; j < b.length; ) {
    if (i < a.length && same(i, j)) {
      out.push({ text: b[j++], changed: false });
      i++;
    } else if (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1]) i++;
    else out.push({ text: b[j++], changed: true });
  }
  return out;
}

/** The second sentence with its changes marked. @param {string} before @param {string} after */
export function marked(before, after) {
  return difference(before, after).flatMap(({ text, changed }) => {
    if (!changed) return [text];
    const word = text.trimEnd();
    return [h("mark", {}, word), text.slice(word.length)];
  });
}
