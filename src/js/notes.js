// What a checkpoint says of itself to those who use it, from the keys of its GGUF header. The engine has opened the
// checkpoint before, and so the header is sound.

import { fromUTF8 } from "./platform.js";

/** @typedef {import("./types.js").ModelNotes} ModelNotes */

/** Bytes of a value by GGUF's number of its type: 8 is a string, 9 an array. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const FLOAT32 = 6;
const STRING = 8;
const ARRAY = 9;

/** Texts that are longer, and lists that are, are for no reader. */
const MOST_BYTES = 4096;
const MOST_EXAMPLES = 64;

const WANTED = /^(?:general\.(?:description|license.*)|glossa\.(?:examples|confidence\..*|limits\..*))$/;

/**
 * @param {Uint8Array} bytes of the checkpoint, at least its header
 * @returns {ModelNotes} copied
 */
export function readNotes(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 24; // magic, version, and the two counts
  const u32 = () => view.getUint32((at += 4) - 4, true);
  const u64 = () => u32() + 2 ** 32 * u32();
  const string = (/** @type {boolean} */ wanted) => {
    const size = u64();
    at += size;
    return wanted && size <= MOST_BYTES ? fromUTF8(bytes.subarray(at - size, at)) : "";
  };

  /** @type {Map<string, string | number | string[]>} */
  const found = new Map();
  for (let left = Number(view.getBigUint64(16, true)); left > 0; left--) {
    const key = string(true);
    const wanted = WANTED.test(key);
    const type = u32();
    if (type === STRING) {
      const text = string(wanted);
      if (wanted) found.set(key, text);
    } else if (type === ARRAY) {
      const of = u32();
      const count = u64();
      /** @type {string[]} */
      const texts = [];
      if (of !== STRING) at += count * SIZES[of];
      else for (let i = 0; i < count; i++) texts.push(string(wanted && i < MOST_EXAMPLES));
      if (wanted) found.set(key, texts);
    } else {
      if (wanted && type === FLOAT32) found.set(key, view.getFloat32(at, true));
      at += SIZES[type];
    }
  }

  const text = (/** @type {string} */ key) => {
    const value = found.get(key);
    return typeof value === "string" ? value : "";
  };
  const threshold = (/** @type {string} */ key) => {
    const value = found.get(`glossa.confidence.${key}`);
    return typeof value === "number" && value < 0 ? value : null;
  };
  /** @type {Record<string, string>} */
  const limits = {};
  const LIMITS = "glossa.limits.";
  for (const key of found.keys()) if (key.startsWith(LIMITS) && text(key)) limits[key.slice(LIMITS.length)] = text(key);
  const examples = found.get("glossa.examples");
  const licence = text("general.license");
  return {
    description: text("general.description"),
    licence: (licence === "other" && text("general.license.name")) || licence,
    licenceNote: text("general.license.note"),
    confidence: { word: threshold("word"), sentence: threshold("sentence") },
    limits,
    examples: Array.isArray(examples) ? examples.filter(Boolean) : [],
  };
}

/** Of a model that says nothing. @type {ModelNotes} */
export const NO_NOTES = {
  description: "",
  licence: "",
  licenceNote: "",
  confidence: { word: null, sentence: null },
  limits: {},
  examples: [],
};
