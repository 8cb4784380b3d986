// Two columns of tokens and lines between them, as strong as the weight: queries on the left, keys on the right.

import { linkHorizontal } from "d3-shape";
import { roving, s } from "./dom.js";
import { shorten, textWidth } from "./labels.js";

/** @typedef {import("../attention.js").Matrix} Matrix */

/**
 * @typedef {object} LinesOptions
 * @property {string} label
 * @property {number} width
 * @property {number} threshold
 * @property {{matrix: Matrix, colour: string, name: string}[]} layers one matrix a head, over the same tokens
 * @property {(row: number) => boolean} [shown] whether a row is drawn
 * @property {(side: "row" | "col", at: number) => void} [onpoint] -1 when it left
 */

const STEP = 26;
const link = linkHorizontal();

/** @param {LinesOptions} options */
export function lines({ label, width, threshold, layers, shown = () => true, onpoint }) {
  const { rows, cols } = layers[0].matrix;
  const left = Math.ceil(Math.max(24, ...rows.map((one) => textWidth(shorten(one.text)))) + 12);
  const right = Math.ceil(Math.max(24, ...cols.map((one) => textWidth(shorten(one.text)))) + 12);
  const middle = Math.max(120, Math.min(460, width - left - right));
  const tall = Math.max(rows.length, cols.length) * STEP + 16;
  const all = left + middle + right;
  const svg = s("svg", {
    width: all,
    height: tall,
    viewBox: `0 0 ${all} ${tall}`,
    class: "lines",
    role: "group",
    "aria-label": label,
  });
  /** @param {number} i */
  const y = (i) => 8 + (i + 0.5) * STEP;
  const drawing = s("g", { class: "links", fill: "none" });
  for (const { matrix, colour, name } of layers) {
    rows.forEach((_, r) => {
      if (!shown(r)) return;
      cols.forEach((__, c) => {
        const value = matrix.data[r * cols.length + c];
        if (value <= 0 || value < threshold) return;
        const d = link({ source: [left, y(r)], target: [left + middle, y(c)] });
        const style = {
          stroke: colour,
          "stroke-width": 0.5 + 3.5 * value,
          "stroke-opacity": Math.min(1, 0.06 + value),
        };
        drawing.append(
          s("path", { d, ...style, "data-row": r, "data-col": c, "data-value": value, "data-head": name }),
        );
      });
    });
  }
  svg.append(drawing);
  /** @param {"row" | "col"} side @param {number} at */
  const point = (side, at) => {
    svg.classList.toggle("focused", at >= 0);
    for (const path of drawing.querySelectorAll("path")) {
      path.classList.toggle("on", at >= 0 && path.getAttribute(`data-${side}`) === String(at));
    }
    onpoint?.(side, at);
  };
  for (const [side, tokens, x, anchor] of /** @type {const} */ ([
    ["row", rows, left - 8, "end"],
    ["col", cols, left + middle + 8, "start"],
  ])) {
    tokens.forEach((token, i) => {
      const faded = side === "row" && !shown(i);
      svg.append(
        s(
          "text",
          {
            x,
            y: y(i),
            dy: "0.35em",
            "text-anchor": anchor,
            class: faded ? "token faded" : "token",
            tabindex: i === 0 && side === "row" ? "0" : "-1",
            role: "button",
            onpointerenter: () => point(side, i),
            onpointerleave: () => point(side, -1),
            onfocus: () => point(side, i),
            onblur: () => point(side, -1),
          },
          shorten(token.text),
        ),
      );
    });
  }
  roving(svg, ".token");
  return svg;
}
