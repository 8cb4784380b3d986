// All layers and heads in small as one picture, for export: the cells of one colour are one path, so that the file stays
// small.

import { headWeights } from "../attention.js";
import { colourScale } from "./colour.js";
import { s } from "./dom.js";
import { textWidth } from "./labels.js";

/** @typedef {import("../../src/js/types.js").Attention} Attention */

const SIDE = 120; // pixels of a head, the longer side
const GAP = 10;
const STEPS = 256;

/**
 * @param {Float32Array} weights (rows, cols)
 * @param {number} cols
 * @param {number} cell pixels
 * @param {number} high
 * @param {boolean} dark
 * @returns {SVGPathElement[]}
 */
function cells(weights, cols, cell, high, dark) {
  /** @type {Map<number, string[]>} */
  const paths = new Map();
  weights.forEach((value, i) => {
    const step = Math.max(0, Math.min(STEPS - 1, Math.round(Math.sqrt(value / high) * (STEPS - 1))));
    const path = paths.get(step) ?? [];
    if (path.length === 0) paths.set(step, path);
    path.push(`M${(i % cols) * cell} ${Math.floor(i / cols) * cell}h${cell}v${cell}h${-cell}z`);
  });
  const colour = colourScale("weights", 0, 1, dark);
  return [...paths].map(([step, path]) => s("path", { d: path.join(""), fill: colour((step / (STEPS - 1)) ** 2) }));
}

/**
 * @param {{attention: Attention, stretch: boolean, dark: boolean, label: string, layerName: (layer: number) => string}} options
 * @returns {SVGSVGElement}
 */
export function overview({ attention, stretch, dark, label, layerName }) {
  const { layers, heads, rows, cols } = attention;
  const cell = Number((SIDE / Math.max(rows, cols)).toPrecision(3));
  const names = Array.from({ length: layers }, (_, layer) => layerName(layer));
  const left = Math.ceil(Math.max(...names.map(textWidth))) + GAP;
  const wide = left + heads * (cols * cell + GAP);
  const tall = layers * (rows * cell + GAP);
  const svg = s("svg", { width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label });
  names.forEach((name, layer) => {
    const y = layer * (rows * cell + GAP);
    svg.append(s("text", { x: 0, y: y + (rows * cell) / 2, dy: "0.35em" }, name));
    for (let head = 0; head < heads; head++) {
      const weights = headWeights(attention, layer, head);
      const high = stretch ? Math.max(...weights) : 1;
      const at = `translate(${left + head * (cols * cell + GAP)},${y})`;
      svg.append(s("g", { transform: at, "data-head": `${layer}.${head}` }, ...cells(weights, cols, cell, high, dark)));
    }
  });
  return svg;
}
