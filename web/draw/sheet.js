// Text in rows and columns as a picture, so that what the page shows as text can be saved as one; and pictures put
// together into one.

import { wordsIn } from "./difference.js";
import { s } from "./dom.js";
import { textWidth } from "./labels.js";

/** @typedef {string | {text: string, changed: boolean}[]} Cell words that have changed are bold */

const LINE = 18;
const GAP = 22;
const MOST = 400; // pixels of a column

/** @param {{text: string}[]} words */
const widthOf = (words) => words.reduce((sum, { text }) => sum + textWidth(text), 0);

/** @param {Cell} cell @returns {{text: string, changed: boolean}[][]} its lines */
function wrap(cell) {
  const words = typeof cell === "string" ? wordsIn(cell).map((text) => ({ text, changed: false })) : cell;
  /** @type {{text: string, changed: boolean}[][]} */
  const lines = [[]];
  for (const word of words) {
    const line = lines[lines.length - 1];
    if (line.length > 0 && widthOf(line) + textWidth(word.text) > MOST) lines.push([word]);
    else line.push(word);
  }
  return lines;
}

/**
 * @param {{label: string, rows: Cell[][]}} options
 * @returns {SVGSVGElement}
 */
export function sheet({ label, rows }) {
  const cells = rows.map((row) => row.map(wrap));
  const columns = Math.max(...rows.map((row) => row.length));
  const starts = [10];
  for (let c = 0; c < columns; c++) {
    const widths = cells.flatMap((row) => (row[c] ?? []).map(widthOf));
    starts.push(starts[c] + Math.ceil(Math.max(0, ...widths)) + GAP);
  }
  let y = 6;
  /** @type {SVGElement[]} */
  const texts = [];
  for (const row of cells) {
    row.forEach((lines, c) => {
      lines.forEach((line, i) => {
        const runs = line.map(({ text, changed }) => s("tspan", { class: changed ? "changed" : null }, text));
        texts.push(s("text", { x: starts[c], y: y + 14 + i * LINE }, ...runs));
      });
    });
    y += Math.max(...row.map((lines) => lines.length)) * LINE + 4;
  }
  const wide = starts[columns];
  const tall = y + 4;
  return s(
    "svg",
    { width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label },
    ...texts,
  );
}

/**
 * One picture of many: those of a column below each other, the columns side by side.
 * @param {string} label
 * @param {SVGSVGElement[][]} columns
 * @returns {SVGSVGElement}
 */
export function collage(label, columns) {
  const svg = s("svg", { role: "img", "aria-label": label });
  let x = 0;
  let tall = 0;
  for (const column of columns) {
    let y = 0;
    let wide = 0;
    for (const one of column) {
      const { width, height } = one.viewBox.baseVal;
      const name = one.getAttribute("class");
      svg.append(s("g", { class: name, transform: `translate(${x},${y})` }, ...one.childNodes));
      wide = Math.max(wide, width);
      y += height + 8;
    }
    x += wide + GAP;
    tall = Math.max(tall, y);
  }
  for (const [name, value] of Object.entries({ width: x, height: tall, viewBox: `0 0 ${x} ${tall}` })) {
    svg.setAttribute(name, String(value));
  }
  return svg;
}
