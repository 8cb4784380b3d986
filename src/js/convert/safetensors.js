import { Cursor, decodeJson } from "./bytes.js";
import { ensure, lookUp, show } from "./errors.js";
import { FLOAT_BYTES, readFloats } from "./floats.js";

/**
 * A tensor that is read when it is wanted. Row-major, the last dimension runs fastest.
 * @typedef {{ shape: number[], read(): Promise<Float32Array> }} FloatTensor
 */

/* The reference implementation's own limit. */
const MAX_HEADER = 100_000_000;

/**
 * Opens a safetensors file: u64 header length, JSON {name: {dtype, shape, data_offsets}}, data. Only the header is read.
 * Tensors of integer types are left out, since no source needs them.
 * @param {import("./file.js").SourceFile} file
 * @returns {Promise<Map<string, FloatTensor>>}
 */
export async function openSafetensors(file) {
  ensure(file.size >= 8, `${file.name} is not a safetensors file: it has ${file.size} bytes`);
  const length = new Cursor(await file.read(0, 8), file.name).u64();
  ensure(
    length <= MAX_HEADER && length <= file.size - 8,
    `${file.name} is not a safetensors file, or cut short: a header of ${length} bytes in a file of ${file.size}`,
  );
  const header = decodeJson(await file.read(8, length), `the header of ${file.name}`);
  ensure(
    header !== null && typeof header === "object" && !Array.isArray(header),
    `the header of ${file.name} is not an object`,
  );
  const start = 8 + length;
  /** @type {Map<string, FloatTensor>} */
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const what = `tensor ${show(name)} of ${file.name}`;
    ensure(entry !== null && typeof entry === "object", `${what} has no description`);
    const { dtype, shape, data_offsets: offsets } = entry;
    ensure(
      Array.isArray(shape) && shape.length <= 8 && shape.every((n) => Number.isSafeInteger(n) && n >= 0),
      `${what} has the shape ${show(shape)}`,
    );
    ensure(
      Array.isArray(offsets) && offsets.length === 2 && offsets.every((n) => Number.isSafeInteger(n) && n >= 0),
      `${what} has the offsets ${show(offsets)}`,
    );
    const [begin, end] = offsets;
    ensure(
      begin <= end && end <= file.size - start,
      `${what} lies at bytes ${begin} to ${end} of ${file.size - start}: the file is cut short or damaged`,
    );
    const width = lookUp(FLOAT_BYTES, dtype);
    if (width === undefined) {
      ensure(
        typeof dtype === "string" && /^(I8|I16|I32|I64|U8|U16|U32|U64|BOOL)$/.test(dtype),
        `${what} has the type ${show(dtype)}`,
      );
      continue;
    }
    const count = shape.reduce((a, b) => a * b, 1);
    ensure(
      count * width === end - begin,
      `${what}: ${end - begin} bytes do not hold ${show(shape)} elements of type ${dtype}`,
    );
    tensors.set(name, {
      shape,
      read: async () => readFloats(await file.read(start + begin, end - begin), dtype),
    });
  }
  return tensors;
}
