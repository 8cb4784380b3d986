// A matrix with tokens on both axes: rows are queries, columns keys. Cells are rectangles, or pixels of a canvas where
// there are too many of them.

import { colourScale, paint, shareOf, ticksOf } from "./colour.js";
import { h, s } from "./dom.js";
import { shorten, textWidth, WIDE, WIDE_PIXELS } from "./labels.js";

/** @typedef {import("../attention.js").Matrix} Matrix */

const MOST_RECTANGLES = 640;

/**
 * @typedef {object} HeatmapOptions
 * @property {string} label what the picture shows, for those who cannot see it
 * @property {number} width pixels at hand
 * @property {number} [height] pixels at hand; without it, as tall as it is
 * @property {boolean} dark
 * @property {import("./colour.js").ScaleName} [scale]
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
 */

/** Whether all glyphs are full-width: such a label stands upright over its column. @param {string} text */
const isUpright = (text) => text !== "" && [...text].every((c) => WIDE.test(c));

/**
 * A strip of the colours from low to high, with ticks where they stand on the scale.
 * @param {number} x
 * @param {number} y
 * @param {Required<Pick<HeatmapOptions, "scale" | "low" | "high" | "dark">>} options
 */
function legend(x, y, { scale, low, high, dark }) {
  const colour = colourScale(scale, low, high, dark);
  const share = shareOf(scale, low, high);
  const ticks = ticksOf(scale, low, high);
  const [first, last] = [ticks[0], ticks[ticks.length - 1]];
  const width = 150;
  const parts = 60;
  const strip = s("g", { transform: `translate(${x},${y})`, "aria-hidden": "true" });
  // The strip is even along the scale, not along the values: each part has the colour of the value that stands there.
  for (let i = 0; i < parts; i++) {
    const at = i / (parts - 1);
    const value = first + (scale === "weights" ? at * at : at) * (last - first);
    strip.append(s("rect", { x: at * width, y: 0, width: width / (parts - 1) + 0.5, height: 8, fill: colour(value) }));
  }
  for (const tick of ticks) {
    strip.append(
      s(
        "text",
        { x: share(tick) * width, y: 20, class: "tick", "text-anchor": "middle" },
        String(Number(tick.toPrecision(2))),
      ),
    );
  }
  return strip;
}

/**
 * Marks the words pointed at elsewhere.
 * @param {Element} plot that `heatmap` made
 * @param {Set<number>} rows
 * @param {Set<number>} cols
 */
export function brush(plot, rows, cols) {
  for (const text of plot.querySelectorAll("text.axis")) {
    const row = text.getAttribute("data-row");
    const on = row === null ? cols.has(Number(text.getAttribute("data-col"))) : rows.has(Number(row));
    text.classList.toggle("lit", on);
  }
}

/**
 * @param {Matrix} matrix
 * @param {HeatmapOptions} options
 * @returns {HTMLElement}
 */
export function heatmap(matrix, options) {
  const { rows, cols, data } = matrix;
  const { label, width, dark, scale = "weights", low = 0, high = 1, threshold = 0, largest = 44 } = options;
  const { onpoint, onpick, rectangles = false } = options;
  const state = options.state ?? (() => /** @type {const} */ ("shown"));
  const left = Math.ceil(Math.max(20, ...rows.map((row) => textWidth(shorten(row.text)))) + 18);
  const names = cols.map((col) => shorten(col.text));
  const slant = Math.max(0, ...names.filter((name) => !isUpright(name)).map(textWidth));
  const stack = Math.max(0, ...names.filter(isUpright).map((name) => [...name].length * WIDE_PIXELS));
  const top = Math.ceil(Math.max(slant * 0.77, stack) + 14);
  const overhang = Math.ceil(slant * 0.64);
  const least = slant + stack > 0 ? 6 : 1;
  const below = 40; // the legend
  const fits = Math.min(
    (width - left - overhang) / Math.max(1, cols.length),
    options.height && !options.tall
      ? (options.height - top - below) / Math.max(1, rows.length)
      : Number.POSITIVE_INFINITY,
  );
  const cell = Math.max(least, Math.min(largest, fits));
  const line = options.tall ?? cell;
  const wide = cell * cols.length;
  const tall = line * rows.length;
  const total = { width: Math.max(left + wide + overhang, left + 200), height: top + tall + below };
  const colour = colourScale(scale, low, high, dark);

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
    paint(canvas, data, rows.length, cols.length, {
      low,
      high,
      scale,
      dark,
      threshold,
      shown: (r, c) => state(r, c) === "shown",
    });
    // In shares of the picture, so that it goes with it where a sheet of paper is narrower.
    const across = (/** @type {number} */ x) => `${(100 * x) / total.width}%`;
    const down = (/** @type {number} */ y) => `${(100 * y) / total.height}%`;
    Object.assign(canvas.style, { left: across(left), top: down(top), width: across(wide), height: down(tall) });
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
  svg.append(legend(left + 18, top + tall + 12, { scale, low, high, dark }));

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
