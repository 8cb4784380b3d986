// Images as files: PNG and PGM to grey pixels.

import { readFile } from "node:fs/promises";
import { fileError } from "./files.js";

/** @typedef {{ width: number, height: number, pixels: Uint8Array }} GreyImage a byte each, row by row */

/** Rec. 601's shares of red, green and blue in grey. */
const grey = (/** @type {number} */ r, /** @type {number} */ g, /** @type {number} */ b) =>
  Math.round(0.299 * r + 0.587 * g + 0.114 * b);

/** @param {Uint8Array} bytes @param {string} path @returns {Promise<GreyImage>} */
async function readPNG(bytes, path) {
  /** @type {typeof import("fast-png")} */
  const { decode } = await import(String(new URL("../../../dist/png.js", import.meta.url)));
  const { width, height, data, channels, depth, palette } = (() => {
    try {
      return decode(bytes, { checkCrc: true });
    } catch (error) {
      throw new Error(`${path} is no sound PNG: ${/** @type {Error} */ (error).message}`);
    }
  })();
  if (depth < 8 && !palette)
    throw new Error(`${path} has ${depth} bits for a pixel, need 8 or 16: save it as a PNG of 8 bits`);
  const scale = depth === 16 ? 257 : 1;
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const own = palette
      ? palette[data[i]]
      : Array.from(data.subarray(i * channels, (i + 1) * channels), (x) => x / scale);
    const isGrey = own.length < 3;
    const alpha = (isGrey ? own[1] : own[3]) ?? 255; // on black, as the background of digits is
    const shade = isGrey ? own[0] : grey(own[0], own[1], own[2]);
    pixels[i] = Math.round((shade * alpha) / 255);
  }
  return { width, height, pixels };
}

/** Netpbm's grey images, binary or in digits. @param {Uint8Array} bytes @param {string} path @returns {GreyImage} */
function readPGM(bytes, path) {
  const text = Buffer.from(bytes).toString("latin1");
  const head = /^P([25])\s+(?:#.*\s+)*(\d+)\s+(?:#.*\s+)*(\d+)\s+(?:#.*\s+)*(\d+)\s/.exec(text);
  const [, kind, width, height, most] = (head ?? []).map(Number);
  if (!head || most < 1 || most > 255 || width * height === 0 || width * height > 1e8)
    throw new Error(`${path} is no sound PGM: its head is "${text.slice(0, 20).replace(/\s+/g, " ")}"`);
  const behind = text.slice(head[0].length);
  const values = kind === 5 ? bytes.subarray(head[0].length) : behind.split(/\s+/).filter(Boolean).map(Number);
  if (values.length < width * height)
    throw new Error(`${path} has ${values.length} pixels, its head says ${width} x ${height}`);
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => Math.round((values[i] * 255) / most));
  return { width, height, pixels };
}

/** @param {string} path @returns {Promise<GreyImage>} */
export async function readImage(path) {
  const bytes = await readFile(path).catch((error) => Promise.reject(fileError(path, error)));
  if (bytes[0] === 0x89 && bytes.toString("latin1", 1, 4) === "PNG") return readPNG(bytes, path);
  if (/^P[25]\s/.test(bytes.toString("latin1", 0, 3))) return readPGM(bytes, path);
  throw new Error(`${path} is no image that is known here: need a PNG or a PGM`);
}
