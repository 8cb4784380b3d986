// Labels of pictures: how wide they are, how they are shortened, and a matrix as a table of them.

import { h } from "./dom.js";

/** @typedef {import("../attention.js").Matrix} Matrix */

const LONGEST_LABEL = 120; // pixels

export const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{1faff}\u{20000}-\u{3ffff}]/u;
export const WIDE_PIXELS = 13;

/** Width of a text at 12 pixels, near enough to leave room for it. @param {string} text */
export function textWidth(text) {
  let width = 0;
  for (const c of text) width += WIDE.test(c) ? WIDE_PIXELS : 7.4;
  return width;
}

/** @param {string} text */
export function shorten(text) {
  if (textWidth(text) <= LONGEST_LABEL) return text;
  let out = "";
  for (const c of text) {
    if (textWidth(`${out}${c}…`) > LONGEST_LABEL) break;
    out += c;
  }
  return `${out}…`;
}

/** Numbers between 0 and 1 for people. @param {number} value */
export const decimal = (value) => (value === 0 || value === 1 ? String(value) : value.toFixed(2));

/**
 * The same numbers as a table.
 * @param {Matrix} matrix
 * @param {string} caption
 */
export function matrixTable({ rows, cols, data }, caption) {
  return h(
    "table",
    { class: "numbers" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, h("td"), ...cols.map((col) => h("th", { scope: "col" }, col.text)))),
    h(
      "tbody",
      {},
      ...rows.map((row, r) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, row.text),
          ...cols.map((_, c) => h("td", {}, data[r * cols.length + c].toFixed(3))),
        ),
      ),
    ),
  );
}
