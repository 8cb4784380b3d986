// Colour: from paper to ink for weights, blue to orange through paper for signed numbers, and a palette for heads (Okabe
// and Ito). All are monotone in lightness on either side, so that they read alike with and without colour vision.

import { interpolateLab } from "d3-interpolate";

const STEPS = 256;

/** @typedef {"weights" | "signed"} ScaleName */
/** @typedef {(value: number) => string} Colour */

/** @type {Record<ScaleName, Record<"light" | "dark", string[]>>} */
const ends = {
  weights: { light: ["#ffffff", "#6a86b5", "#00224e"], dark: ["#1b1d21", "#85793d", "#f2d94a"] },
  signed: {
    light: ["#0b4a85", "#7fb0d8", "#ffffff", "#f0a868", "#8f3f00"],
    dark: ["#9fd0ff", "#3f739f", "#1b1d21", "#a3602c", "#ffb678"],
  },
};

/** @param {string[]} stops @returns {Uint8Array} (256, 3) */
function tableOf(stops) {
  const out = new Uint8Array(STEPS * 3);
  const parts = stops.slice(1).map((stop, i) => interpolateLab(stops[i], stop));
  for (let i = 0; i < STEPS; i++) {
    const at = (i / (STEPS - 1)) * parts.length;
    const part = Math.min(parts.length - 1, Math.floor(at));
    const rgb = /(\d+), (\d+), (\d+)/.exec(parts[part](at - part));
    for (let c = 0; c < 3; c++) out[i * 3 + c] = Number(rgb?.[c + 1]);
  }
  return out;
}

/** @type {Map<string, Uint8Array>} */
const tables = new Map();

/** The colours of a scale, (256, 3) bytes. @param {ScaleName} name @param {boolean} dark */
export function colours(name, dark) {
  const key = `${name} ${dark}`;
  const known = tables.get(key) ?? tableOf(ends[name][dark ? "dark" : "light"]);
  tables.set(key, known);
  return known;
}

/**
 * Where a value stands on its scale. Weights by their square root: half of the scale belongs to the weights below a
 * quarter, where most of them are. Signed numbers have paper at 0.
 * @param {ScaleName} name
 * @param {number} low
 * @param {number} high
 * @returns {(value: number) => number} 0 to 1
 */
export function shareOf(name, low, high) {
  if (name === "weights") {
    const range = high - low || 1;
    return (value) => Math.sqrt(Math.max(0, Math.min(1, (value - low) / range)));
  }
  const most = Math.max(Math.abs(low), Math.abs(high), 1e-9);
  return (value) => Math.max(0, Math.min(1, 0.5 + value / (2 * most)));
}

/**
 * @param {ScaleName} name
 * @param {number} low
 * @param {number} high
 * @param {boolean} dark
 * @returns {Colour}
 */
export function colourScale(name, low, high, dark) {
  const table = colours(name, dark);
  const share = shareOf(name, low, high);
  return (value) => {
    const at = Math.round(share(value) * (STEPS - 1)) * 3;
    return `rgb(${table[at]}, ${table[at + 1]}, ${table[at + 2]})`;
  };
}

/** Ticks that tell the truth about a scale. @param {ScaleName} name @param {number} low @param {number} high */
export function ticksOf(name, low, high) {
  if (name === "weights") return [0, 0.05, 0.25, 0.5, 1].map((share) => low + share * (high - low));
  const most = Math.max(Math.abs(low), Math.abs(high));
  return [-most, 0, most];
}

const heads = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"];

/** @param {number} head */
export const headColour = (head) => heads[head % heads.length];

/**
 * Paints a matrix into a canvas, one pixel a cell.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} data (rows, cols)
 * @param {number} rows
 * @param {number} cols
 * @param {{low?: number, high?: number, scale?: ScaleName, dark: boolean, threshold?: number, shown?: (row: number, col: number) => boolean}} options
 */
export function paint(canvas, data, rows, cols, { low = 0, high = 1, scale = "weights", dark, threshold = 0, shown }) {
  canvas.width = Math.max(1, cols);
  canvas.height = Math.max(1, rows);
  const context = canvas.getContext("2d");
  if (!context || rows === 0 || cols === 0) return;
  const image = context.createImageData(cols, rows);
  const table = colours(scale, dark);
  const share = shareOf(scale, low, high);
  for (let i = 0; i < rows * cols; i++) {
    const value = data[i];
    if (Math.abs(value) < threshold || (shown && !shown(Math.floor(i / cols), i % cols))) continue;
    const step = Math.round(share(value) * (STEPS - 1)) * 3;
    image.data.set(table.subarray(step, step + 3), i * 4);
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
