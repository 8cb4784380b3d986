// Colour: Cividis for weights (read alike with and without colour vision), and a palette for heads (Okabe and Ito).

import { scaleSequential } from "d3-scale";
import { interpolateCividis } from "d3-scale-chromatic";

const STEPS = 256;

/** Cividis in 256 steps, (256, 3) bytes. */
const table = new Uint8Array(STEPS * 3);
for (let i = 0; i < STEPS; i++) {
  const rgb = /(\d+), (\d+), (\d+)/.exec(interpolateCividis(i / (STEPS - 1)));
  for (let c = 0; c < 3; c++) table[i * 3 + c] = Number(rgb?.[c + 1]);
}

/**
 * @param {number} low
 * @param {number} high
 * @returns {(value: number) => string}
 */
export function cividis(low, high) {
  return scaleSequential(interpolateCividis).domain([low, high]).clamp(true);
}

/** Whether light ink reads better on the colour of a share of the scale, 0 to 1. @param {number} share */
export const isDark = (share) => share < 0.55;

const heads = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"];

/** @param {number} head */
export const headColour = (head) => heads[head % heads.length];

/**
 * Paints a matrix into a canvas, one pixel a cell.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} data (rows, cols)
 * @param {number} rows
 * @param {number} cols
 * @param {{low?: number, high?: number, threshold?: number, shown?: (row: number, col: number) => boolean}} [options]
 */
export function paint(canvas, data, rows, cols, { low = 0, high = 1, threshold = 0, shown } = {}) {
  canvas.width = Math.max(1, cols);
  canvas.height = Math.max(1, rows);
  const context = canvas.getContext("2d");
  if (!context || rows === 0 || cols === 0) return;
  const image = context.createImageData(cols, rows);
  const scale = high > low ? (STEPS - 1) / (high - low) : 0;
  for (let i = 0; i < rows * cols; i++) {
    const value = data[i];
    if (Math.abs(value) < threshold || (shown && !shown(Math.floor(i / cols), i % cols))) continue;
    const step = Math.max(0, Math.min(STEPS - 1, Math.round((value - low) * scale))) * 3;
    image.data.set(table.subarray(step, step + 3), i * 4);
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
