import { nextTurn } from "../platform.js";
import { ConvertError } from "./errors.js";

/* Adding and taking away this number rounds a double below 2^51 to the nearest integer, ties to even. */
const ROUND = 1.5 * 2 ** 52;

/**
 * Symmetric int8, one scale an output row:
 *
 *     scale = float32(max |w| / 127)
 *     q     = w / scale, rounded to nearest with ties to even, clamped to -127..127
 *
 * both quotients taken in double precision. A row whose scale would be 0 gets scale 1 and zeros.
 * NaN and infinity are errors.
 * @param {Float32Array} weights (rows, cols), row-major
 * @param {number} rows
 * @param {number} cols
 * @param {string} what the tensor is called in messages
 * @param {number} [first] the first row's number in the tensor
 * @returns {{ q: Int8Array, scale: Float32Array }} (rows, cols) and (rows)
 */
export function quantizeRows(weights, rows, cols, what, first = 0) {
  const q = new Int8Array(rows * cols);
  const scale = new Float32Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    const end = at + cols;
    let max = 0;
    let sum = 0; // becomes NaN if a weight is NaN or infinite
    for (let i = at; i < end; i++) {
      const magnitude = Math.abs(weights[i]);
      if (magnitude > max) max = magnitude;
      sum += magnitude - magnitude;
    }
    if (sum !== 0) throw notFinite(weights.subarray(at, end), cols, what, first + row);
    let step = Math.fround(max / 127);
    if (step === 0) {
      step = 1;
      at = end;
    }
    scale[row] = step;
    for (; at < end; at++) {
      const value = weights[at] / step + ROUND - ROUND;
      q[at] = Math.max(-127, Math.min(127, value));
    }
  }
  return { q, scale };
}

/* Weights that are quantized before others have a turn. */
const AT_ONCE = 1 << 22;

/**
 * The same for a matrix of any size, which can be aborted on the way.
 * @param {Float32Array} weights (rows, cols), row-major
 * @param {number} rows
 * @param {number} cols
 * @param {string} what the tensor is called in messages
 * @param {AbortSignal} [signal]
 */
export async function quantizeMatrix(weights, rows, cols, what, signal) {
  const q = new Int8Array(rows * cols);
  const scale = new Float32Array(rows);
  const step = Math.max(1, Math.floor(AT_ONCE / cols));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const part = quantizeRows(weights.subarray(first * cols, (first + count) * cols), count, cols, what, first);
    q.set(part.q, first * cols);
    scale.set(part.scale, first);
    await nextTurn();
    signal?.throwIfAborted();
  }
  return { q, scale };
}

/**
 * Fails if a value is NaN or infinite.
 * @param {Float32Array} values
 * @param {string} what the tensor is called in messages
 */
export function checkFinite(values, what) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] - values[i];
  if (sum !== 0) throw notFinite(values, values.length, what, 0);
}

/**
 * @param {Float32Array} values
 * @param {number} cols
 * @param {string} what
 * @param {number} row
 */
function notFinite(values, cols, what, row) {
  const at = values.findIndex((value) => !Number.isFinite(value));
  return new ConvertError(`${what} holds ${values[at]} at row ${row}, column ${at % cols}`);
}
