// Writes the two binary files of a Marian student: the model (`.bin`, version 1) and its lexical shortlist.

import { writeFileSync } from "node:fs";

const FLOAT32 = 0x404;
const INT8 = 0x101;
const INTGEMM8 = 0x4101;
const BORDER = 256;
const SHORTLIST_MAGIC = 0xf11a48d5013417f5n;

/**
 * A parameter: float32 values, or the int8 values of an intgemm matrix (as they lie in the file) with their multiplier.
 * @typedef {{ shape: number[], data: Float32Array } | { shape: number[], data: Int8Array, multiplier: number }} Parameter
 */

/** @param {number} size */
const rounded = (size) => Math.ceil(size / BORDER) * BORDER;

/** @param {ArrayLike<number | bigint>} values */
const u64s = (values) => Buffer.from(BigUint64Array.from(values, (value) => BigInt(value)).buffer);

/**
 * @param {Parameter} parameter
 * @returns {Buffer}
 */
function blobOf(parameter) {
  const { data } = parameter;
  const tail = "multiplier" in parameter ? Float32Array.of(parameter.multiplier) : new Float32Array(0);
  const blob = Buffer.alloc(rounded(data.byteLength + tail.byteLength));
  blob.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  blob.set(new Uint8Array(tail.buffer), data.byteLength);
  return blob;
}

/**
 * @param {string} path
 * @param {Map<string, Parameter>} parameters
 * @param {string} yaml the training options that Marian keeps in the model
 */
export function writeMarianModel(path, parameters, yaml) {
  const items = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, parameter]) => ({
      name: Buffer.from(`${name}\0`),
      type: "multiplier" in parameter ? INTGEMM8 : FLOAT32,
      shape: parameter.shape,
      blob: blobOf(parameter),
    }));
  const options = Buffer.from(`${yaml}\0`);
  items.push({ name: Buffer.from("special:model.yml\0"), type: INT8, shape: [options.length], blob: options });

  const head = [
    u64s([1, items.length]),
    ...items.map(({ name, type, shape, blob }) => u64s([name.length, type, shape.length, blob.length])),
    ...items.map(({ name }) => name),
    ...items.map(({ shape }) => Buffer.from(Int32Array.from(shape).buffer)),
  ];
  const position = head.reduce((sum, { length }) => sum + length, 0) + 8;
  const padding = (Math.floor(position / BORDER) + 1) * BORDER - position;
  writeFileSync(
    path,
    Buffer.concat([...head, u64s([padding]), Buffer.alloc(padding), ...items.map(({ blob }) => blob)]),
  );
}

/**
 * @param {string} path
 * @param {object} shortlist
 * @param {number} shortlist.first how many of the first target words every list has beside its own
 * @param {number} shortlist.best how many words were kept for a source word
 * @param {number[][]} shortlist.lists ascending target ids, for each source word
 */
export function writeShortlist(path, { first, best, lists }) {
  const offsets = new BigUint64Array(lists.length + 1);
  for (const [i, { length }] of lists.entries()) offsets[i + 1] = offsets[i] + BigInt(length);
  const ids = Uint32Array.from(lists.flat());
  const head = u64s([SHORTLIST_MAGIC, 0, first, best, offsets.length, ids.length]); // 0: readers ignore the checksum
  writeFileSync(path, Buffer.concat([head, Buffer.from(offsets.buffer), Buffer.from(ids.buffer)]));
}
