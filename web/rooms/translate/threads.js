// The picture of which words came from which, as arithmetic: how strongly each word looks at each, and where they stand.

import { headWeights } from "../../attention.js";
import { firstHead } from "../../heads.js";
import { wordsOf } from "../../selection.js";
import { textWidth } from "../../draw/labels.js";

/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../selection.js").Word} Word */
/** @typedef {Word & {text: string}} ThreadWord */

/**
 * @typedef {object} Threads
 * @property {ThreadWord[]} source
 * @property {ThreadWord[]} target
 * @property {Float32Array} weights (target words, source words): what goes to the pieces of a word adds up, what comes from them is averaged
 */

/**
 * @param {SentenceExplanation} explanation
 * @param {[number, number] | null} [aligning] the head that aligns words
 * @returns {Threads}
 */
export function threadsOf(explanation, aligning) {
  /** @param {"source" | "target"} side @returns {ThreadWord[]} */
  const words = (side) => {
    const text = side === "source" ? explanation.source : explanation.translation;
    return wordsOf(explanation, side).map((word) => ({ ...word, text: text.slice(word.start, word.end) }));
  };
  const [source, target] = [words("source"), words("target")];
  const [layer, head] = firstHead(explanation, "cross", aligning);
  const data = headWeights(explanation.cross, layer, head);
  const { cols } = explanation.cross;
  const weights = new Float32Array(target.length * source.length);
  target.forEach((query, r) => {
    source.forEach((key, c) => {
      let sum = 0;
      for (let i = query.token; i <= query.last; i++)
        for (let j = key.token; j <= key.last; j++) sum += data[i * cols + j];
      weights[r * source.length + c] = sum / (query.last - query.token + 1);
    });
  });
  return { source, target, weights };
}

const LETTER = 1.45; // of textWidth, which is for 12 pixels
const GAP = 26;
const LINE = 34;

/** @param {ThreadWord} word */
const widthOf = ({ text }) => Math.min(220, textWidth(text) * LETTER) + 10;

/**
 * Two rows where both fit the width, the source above; else two columns.
 * @param {Threads} threads
 * @param {number} width
 * @returns {{flat: boolean, width: number, height: number, source: {x: number, y: number, width: number}[], target: {x: number, y: number, width: number}[]}} the middle of every word
 */
export function layThreads({ source, target }, width) {
  const [above, below] = [source, target].map((words) => words.map(widthOf));
  const sum = (/** @type {number[]} */ widths) => widths.reduce((a, b) => a + b, 0);
  const flat = Math.max(sum(above) + above.length * 8, sum(below) + below.length * 8) <= width;
  if (flat) {
    const loose = (/** @type {number[]} */ widths) =>
      Math.max(8, Math.min(GAP, (width - sum(widths)) / Math.max(1, widths.length)));
    const wide = Math.max(...[above, below].map((widths) => sum(widths) + loose(widths) * widths.length));
    /** @param {number[]} widths @param {number} y */
    const row = (widths, y) => {
      const gap = loose(widths);
      let x = (wide - sum(widths) - gap * widths.length) / 2;
      return widths.map((one) => {
        const place = { x: x + gap / 2 + one / 2, y, width: one };
        x += one + gap;
        return place;
      });
    };
    return { flat, width: wide, height: 170, source: row(above, 22), target: row(below, 148) };
  }
  const left = Math.min(Math.max(60, ...above), width * 0.38);
  const right = Math.min(Math.max(60, ...below), width * 0.38);
  const middle = Math.max(60, Math.min(260, width - left - right));
  const wide = left + middle + right;
  const tall = Math.max(source.length, target.length) * LINE;
  /** @param {number[]} widths @param {number} x @param {number} most */
  const column = (widths, x, most) => {
    const step = tall / Math.max(1, widths.length);
    return widths.map((one, i) => ({ x, y: (i + 0.5) * step, width: Math.min(one, most) }));
  };
  return {
    ...{ flat, width: wide, height: tall },
    source: column(above, left / 2, left),
    target: column(below, left + middle + right / 2, right),
  };
}

/**
 * A thread: leaves one word and arrives at the other straight.
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @param {boolean} down from above to below; else from left to right
 */
export function curve([x0, y0], [x1, y1], down) {
  const [xm, ym] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return down ? `M${x0} ${y0}C${x0} ${ym} ${x1} ${ym} ${x1} ${y1}` : `M${x0} ${y0}C${xm} ${y0} ${xm} ${y1} ${x1} ${y1}`;
}
