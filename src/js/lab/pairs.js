// Pairs of text as callers give them, and as the lab takes them: files with their names.

import { makeError, shown } from "../errors.js";
import { toUTF8 } from "../platform.js";

/** @typedef {import("./data.js").DataFile} DataFile */

/** @typedef {string | Uint8Array | ArrayBuffer} Text */

/** @param {string} name @param {unknown} value @returns {Uint8Array | null} */
export function bytesOf(name, value) {
  if (typeof value === "string") return toUTF8(value);
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]")
    return new Uint8Array(/** @type {ArrayBuffer} */ (value));
  if (!ArrayBuffer.isView(value)) return null;
  if (value.byteLength === 0) throw makeError("TypeError", `The option "${name}" is empty.`);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** A text within a table: what parts columns and lines there becomes a space. */
const cell = (/** @type {string} */ text) => text.replace(/[\t\n\r\0]+/g, " ");

/** @param {string} name @param {unknown} pair @param {number} i */
function rowOf(name, pair, i) {
  const { source, target, links = "" } = Array.isArray(pair) ? { source: pair[0], target: pair[1] } : Object(pair);
  if (typeof source === "string" && typeof target === "string")
    return `${cell(source)}\t${cell(target)}\t${cell(String(links))}\n`;
  throw makeError(
    "TypeError",
    `The option "${name}" has ${shown(pair)} at place ${i}; it takes [source, target] or { source, target }.`,
  );
}

/** Whether a place of an array is a file: its table, or the lines of both sides as bytes. @param {any} value */
const isFile = (value) =>
  value?.table !== undefined ||
  (value?.source !== undefined && typeof value.source !== "string" && !Array.isArray(value));

/** One for each file, of a name or a list of them. @param {unknown} own @param {Uint8Array[]} files */
function namesOf(own, files) {
  const names = [own].flat();
  return files.map((_, i) => String(names[i] ?? names[0]).replaceAll("\0", " "));
}

/**
 * @param {string} name of the option
 * @param {unknown} value a table, { source, target } of two files of lines, or an array of pairs
 * @param {boolean} heldOut
 * @returns {DataFile[]}
 */
export function pairFiles(name, value, heldOut) {
  if (value === undefined) return [];
  const table = bytesOf(name, value);
  if (table) return [{ form: "table", heldOut, names: [name], files: [table] }];
  if (Array.isArray(value) && value.length > 0 && value.every(isFile))
    return value.flatMap(({ name: own, table: rows, ...sides }, i) => {
      const files = pairFiles(`${name}[${i}]`, rows ?? sides, heldOut);
      return own === undefined ? files : files.map((file) => ({ ...file, names: namesOf(own, file.files) }));
    });
  if (Array.isArray(value)) {
    const rows = value.map((pair, i) => rowOf(name, pair, i));
    return [{ form: "table", heldOut, names: [name], files: [toUTF8(rows.join(""))] }];
  }
  const { source, target } = Object(value);
  const sides = [bytesOf(`${name}.source`, source), bytesOf(`${name}.target`, target)];
  if (sides[0] && sides[1])
    return [{ form: "lines", heldOut, names: [`${name}.source`, `${name}.target`], files: [sides[0], sides[1]] }];
  throw makeError(
    "TypeError",
    `The option "${name}" is ${shown(value)}; it takes a table of pairs as text or bytes, an array of them, or { source, target } with lines of each.`,
  );
}
