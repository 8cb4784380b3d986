// A matrix with tokens on both axes: rows are queries, columns keys. Cells are rectangles, or pixels of a canvas where
// there are too many of them.

import { cividis, paint } from "./colour.js";
import { h, s } from "./dom.js";

/** @typedef {import("../attention.js").Matrix} Matrix */

const MOST_RECTANGLES = 640;
const LONGEST_LABEL = 120; // pixels

/**
 * @typedef {object} HeatmapOptions
 * @property {string} label what the picture shows, for those who cannot see it
 * @property {number} width pixels at hand
 * @property {number} [low]
 * @property {number} [high] values from low to high span the colours; default 0 to 1
 * @property {number} [threshold]
 * @property {number} [largest] widest cell, in pixels
 * @property {number} [tall] height of a cell, where cells are not square
 * @property {(row: number, col: number) => "shown" | "masked" | "later" | "padding"} [state] of a cell; only "shown" has a colour
 * @property {(row: number, col: number) => void} [onpoint] the pointer or the keyboard is on a cell; -1 when it left
 * @property {(row: number, col: number) => void} [onpick] a click or Enter on a cell
 * @property {boolean} [pixels] always a canvas
 * @property {boolean} [rectangles] never use a canvas: for export
 * @property {(value: number) => string} [format] of the numbers at the legend
 */

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{1faff}\u{20000}-\u{3ffff}]/u;
const WIDE_PIXELS = 13;

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

/** Whether all glyphs are full-width: such a label stands upright over its column. @param {string} text */
const isUpright = (text) => text !== "" && [...text].every((c) => WIDE.test(c));

/** Numbers between 0 and 1 for people. @param {number} value */
export const decimal = (value) => (value === 0 || value === 1 ? String(value) : value.toFixed(2));

/**
 * A strip of the colours from low to high, with its ends.
 * @param {number} x
 * @param {number} y
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => string} format
 */
function legend(x, y, low, high, format) {
  const colour = cividis(0, 1);
  const width = 120;
  const strip = s("g", { transform: `translate(${x},${y})`, "aria-hidden": "true" });
  for (let i = 0; i < 40; i++) {
    strip.append(s("rect", { x: (i * width) / 40, y: 0, width: width / 40 + 0.5, height: 8, fill: colour(i / 39) }));
  }
  strip.append(
    s("text", { x: -6, y: 8, class: "tick", "text-anchor": "end" }, format(low)),
    s("text", { x: width + 6, y: 8, class: "tick" }, format(high)),
  );
  return strip;
}

/**
 * @param {Matrix} matrix
 * @param {HeatmapOptions} options
 * @returns {HTMLElement}
 */
export function heatmap(matrix, options) {
  const { rows, cols, data } = matrix;
  const { label, width, low = 0, high = 1, threshold = 0, largest = 34, onpoint, onpick, rectangles = false } = options;
  const state = options.state ?? (() => /** @type {const} */ ("shown"));
  const left = Math.ceil(Math.max(20, ...rows.map((row) => textWidth(shorten(row.text)))) + 18);
  const names = cols.map((col) => shorten(col.text));
  const slant = Math.max(0, ...names.filter((name) => !isUpright(name)).map(textWidth));
  const stack = Math.max(0, ...names.filter(isUpright).map((name) => [...name].length * WIDE_PIXELS));
  const top = Math.ceil(Math.max(slant * 0.77, stack) + 14);
  const overhang = Math.ceil(slant * 0.64);
  const least = slant + stack > 0 ? 6 : 1;
  const cell = Math.max(least, Math.min(largest, (width - left - overhang) / Math.max(1, cols.length)));
  const line = options.tall ?? cell;
  const wide = cell * cols.length;
  const tall = line * rows.length;
  const total = { width: Math.max(left + wide + overhang, left + 180), height: top + tall + 34 };
  const colour = cividis(low, high);

  const svg = s("svg", {
    width: total.width,
    height: total.height,
    viewBox: `0 0 ${total.width} ${total.height}`,
    class: "heatmap",
    role: "application",
    "aria-roledescription": "heatmap",
    "aria-label": label,
    tabindex: "0",
  });
  const small = cell < 9;
  rows.forEach((row, i) => {
    if (line < 9 && i % 2) return;
    const y = top + (i + 0.5) * line;
    svg.append(
      s(
        "text",
        { x: left - 6, y, dy: "0.35em", "text-anchor": "end", class: "axis", "data-row": i },
        shorten(row.text),
      ),
    );
  });
  names.forEach((name, i) => {
    if (small && i % 2) return;
    const x = left + (i + 0.5) * cell;
    if (isUpright(name)) {
      const glyphs = [...name].map((c, n, all) =>
        s("tspan", { x, y: top - 9 - (all.length - 1 - n) * WIDE_PIXELS }, c),
      );
      svg.append(s("text", { "text-anchor": "middle", class: "axis", "data-col": i }, ...glyphs));
      return;
    }
    const at = `translate(${x},${top - 6}) rotate(-50)`;
    svg.append(s("text", { transform: at, dy: "0.35em", class: "axis", "data-col": i }, name));
  });

  const many = !rectangles && (options.pixels || rows.length * cols.length > MOST_RECTANGLES);
  /** @type {HTMLCanvasElement | null} */
  let canvas = null;
  if (many) {
    canvas = h("canvas", { class: "cells", "aria-hidden": "true" });
    paint(canvas, data, rows.length, cols.length, { low, high, threshold, shown: (r, c) => state(r, c) === "shown" });
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${wide}px`, height: `${tall}px` });
  } else {
    const cells = s("g", { class: "cells" });
    const gap = cell > 14 ? 1 : 0;
    for (let r = 0; r < rows.length; r++) {
      for (let c = 0; c < cols.length; c++) {
        const value = data[r * cols.length + c];
        const what = state(r, c);
        const drawn = what === "shown" && Math.abs(value) >= threshold;
        cells.append(
          s("rect", {
            x: left + c * cell,
            y: top + r * line,
            width: cell - gap,
            height: line - gap,
            class: drawn ? null : what === "shown" ? "faint" : what,
            fill: drawn ? colour(value) : null,
            "data-value": value,
          }),
        );
      }
    }
    svg.append(cells);
  }
  svg.append(legend(left + 18, top + tall + 14, low, high, options.format ?? decimal));

  const cursor = s("rect", { class: "cursor", width: cell, height: line, visibility: "hidden" });
  svg.append(cursor);
  let at = { row: -1, col: -1 };
  /** @param {number} row @param {number} col */
  const point = (row, col) => {
    if (row === at.row && col === at.col) return;
    at = { row, col };
    cursor.setAttribute("visibility", row < 0 ? "hidden" : "visible");
    if (row >= 0) {
      cursor.setAttribute("x", String(left + col * cell));
      cursor.setAttribute("y", String(top + row * line));
    }
    for (const text of svg.querySelectorAll("text.axis")) {
      const on = text.getAttribute("data-row") === String(row) || text.getAttribute("data-col") === String(col);
      text.classList.toggle("on", on);
    }
    onpoint?.(row, col);
  };
  /** @param {MouseEvent} event */
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = total.width / box.width;
    const col = Math.floor(((event.clientX - box.left) * scale - left) / cell);
    const row = Math.floor(((event.clientY - box.top) * scale - top) / line);
    return row >= 0 && row < rows.length && col >= 0 && col < cols.length ? [row, col] : [-1, -1];
  };
  svg.addEventListener("pointermove", (event) => {
    const [row, col] = under(event);
    point(row, col);
  });
  svg.addEventListener("pointerleave", () => point(-1, -1));
  svg.addEventListener("click", (event) => {
    const [row, col] = under(event);
    point(row, col); // a finger leaves before it clicks
    if (row >= 0) onpick?.(row, col);
  });
  svg.addEventListener("blur", () => point(-1, -1));
  svg.addEventListener("keydown", (event) => {
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const move = moves[event.key];
    if (event.key === "Enter" && at.row >= 0) onpick?.(at.row, at.col);
    if (event.key === "Escape") point(-1, -1);
    if (!move || rows.length === 0 || cols.length === 0) return;
    event.preventDefault();
    const from = at.row < 0 ? { row: 0, col: 0 } : { row: at.row + move[0], col: at.col + move[1] };
    point(Math.max(0, Math.min(rows.length - 1, from.row)), Math.max(0, Math.min(cols.length - 1, from.col)));
  });
  return h("div", { class: "plot" }, canvas, svg);
}

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
