// What a lab learns from as callers give it, and as the lab takes it: pairs of text, texts, or labelled images.

import { makeError, shown } from "../errors.js";
import { toUTF8 } from "../platform.js";
import { bytesOf, pairFiles } from "./pairs.js";

/**
 * @typedef {object} DataFile
 * @property {"table" | "lines" | "texts" | "idx" | "image"} form
 * @property {boolean} heldOut to judge by, not to train on
 * @property {string[]} names one for each file, for messages; of a single image its label
 * @property {Uint8Array[]} files
 */

/** A text within lines: what parts lines becomes a space. */
const line = (/** @type {string} */ text) => text.replace(/[\n\r\0]+/g, " ");

/** @param {string} name @param {unknown} value @param {boolean} heldOut @returns {DataFile[]} */
function textFiles(name, value, heldOut) {
  const file = bytesOf(name, value);
  if (file) return [{ form: "texts", heldOut, names: [name], files: [file] }];
  if (Array.isArray(value) && value.every((text) => typeof text === "string"))
    return [{ form: "texts", heldOut, names: [name], files: [toUTF8(value.map(line).join("\n"))] }];
  if (Array.isArray(value) && value.every((file) => Object(file).lines !== undefined))
    return value.flatMap(({ name: own, lines }, i) =>
      textFiles(`${name}[${i}]`, lines, heldOut).map((file) => ({ ...file, names: [String(own ?? `${name}[${i}]`)] })),
    );
  throw makeError(
    "TypeError",
    `The option "${name}" is ${shown(value)}; it takes lines of text, as text or bytes, or an array of texts.`,
  );
}

/** @param {string} name @param {any} image @param {number} i @param {boolean} heldOut @returns {DataFile} */
function imageFile(name, image, i, heldOut) {
  const { pixels, label } = Object(image);
  const isLabel = typeof label === "string" || Number.isInteger(label);
  if (!ArrayBuffer.isView(pixels) || !isLabel)
    throw makeError(
      "TypeError",
      `The option "${name}" has ${shown(image)} at place ${i}; it takes { pixels, label }, a byte for each grey pixel.`,
    );
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  return { form: "image", heldOut, names: [String(label).replaceAll("\0", " ")], files: [bytes] };
}

/** @param {string} name @param {any} value @param {boolean} heldOut @returns {DataFile[]} */
function imageFiles(name, value, heldOut) {
  if (Array.isArray(value)) return value.map((image, i) => imageFile(name, image, i, heldOut));
  const { images, labels, name: own } = Object(value);
  const files = [images, labels].map((file) => (typeof file === "string" ? null : bytesOf(name, file)));
  const names = [own ?? [`${name}.images`, `${name}.labels`]].flat();
  if (files[0] && files[1])
    return [
      { form: "idx", heldOut, names: [String(names[0]), String(names[1] ?? names[0])], files: [files[0], files[1]] },
    ];
  throw makeError(
    "TypeError",
    `The option "${name}" is ${shown(value)}; it takes { images, labels }, two IDX files as bytes, or an array of { pixels, label }.`,
  );
}

const READERS = { pairs: pairFiles, texts: textFiles, images: imageFiles };

/**
 * The files of one of the options "pairs", "texts" and "images", and of "valid", which is of the same kind.
 * @param {Record<string, any>} options
 * @returns {{ kind: "pairs" | "texts" | "images", files: DataFile[] }}
 */
export function dataOf(options) {
  const kinds = /** @type {const} */ (["pairs", "texts", "images"]);
  const given = kinds.filter((kind) => options[kind] !== undefined);
  if (given.length > 1)
    throw makeError(
      "TypeError",
      `The options "${given[0]}" and "${given[1]}" exclude each other: a lab learns from one.`,
    );
  const kind = given[0] ?? "pairs";
  const read = (/** @type {string} */ name, /** @type {boolean} */ heldOut) =>
    options[name] === undefined ? [] : READERS[kind](name, options[name], heldOut);
  return { kind, files: [...read(kind, false), ...read("valid", true)] };
}
