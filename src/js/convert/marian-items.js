import { Cursor, decodeUtf8 } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";
import { readFloats } from "./floats.js";
import { Zip } from "./zip.js";

/**
 * The parameters of a Marian model as they lie in its file, `.bin` or `.npz`, with the text of special:model.yml.
 *
 * `shape` is as Marian has it: [in, out] for matrices, [rows, dim] for embeddings, vectors [1, n]. A quantized item
 * gives its bytes in memory order, which for all but embeddings is [out][in], and its multiplier: real = q / multiplier.
 * @typedef {{ shape: number[], quantized: false, read(): Promise<Float32Array> }
 *   | { shape: number[], quantized: true, read(): Promise<{ q: Int8Array, multiplier: number }> }} Item
 * @typedef {import("./file.js").SourceFile} SourceFile
 */

const MAX_ITEMS = 100_000;
const MAX_NAME = 4096;
const MAX_DIMS = 8;
const MAX_YAML = 1 << 20;
const YAML = "special:model.yml";

/** @type {Record<number, string>} */
const TYPES = {
  1028: "float32",
  1026: "float16",
  257: "int8",
  258: "int16",
  260: "int32",
  516: "uint32",
  16641: "intgemm8",
  16642: "intgemm16",
};

/**
 * Opens a Marian `.bin`, version 1: u64 version, u64 count, {u64 name length, type, dims, bytes} each, names, shapes
 * (i32), u64 padding, blobs. Weights are read later.
 * @param {SourceFile} file
 * @returns {Promise<{ items: Map<string, Item>, yaml: string }>}
 */
export async function openMarianBin(file) {
  const start = new Cursor(await file.read(0, Math.min(16, file.size)), file.name);
  const version = start.u64();
  ensure(version === 1, `${file.name} is not a Marian model: version ${version}, not 1`);
  const count = start.u64();
  ensure(count < MAX_ITEMS && 16 + 32 * count <= file.size, `${file.name} claims ${count} items`);
  const table = new Cursor(await file.read(16, 32 * count), file.name);
  const heads = Array.from({ length: count }, (_, i) => {
    const head = { nameSize: table.u64(), type: table.u64(), dims: table.u64(), bytes: table.u64() };
    ensure(
      head.nameSize >= 1 && head.nameSize <= MAX_NAME && head.dims <= MAX_DIMS,
      `${file.name}: item ${i} has a name of ${head.nameSize} bytes and ${head.dims} dimensions`,
    );
    return head;
  });
  const textSize = heads.reduce((sum, { nameSize, dims }) => sum + nameSize + 4 * dims, 0);
  const body = new Cursor(await file.read(16 + 32 * count, textSize + 8), file.name);
  const names = heads.map(({ nameSize }) => decodeUtf8(body.take(nameSize).subarray(0, -1), `a name in ${file.name}`));
  const shapes = heads.map(({ dims }) => Array.from({ length: dims }, () => body.i32()));
  const padding = body.u64();

  /** @type {Map<string, Item>} */
  const items = new Map();
  let yaml = "";
  let at = 16 + 32 * count + textSize + 8 + padding;
  for (const [i, { type, bytes }] of heads.entries()) {
    const [name, shape, offset] = [names[i], shapes[i], at];
    const what = `item ${show(name)} of ${file.name}`;
    ensure(offset + bytes <= file.size, `${what} lies beyond the end: the file is cut short or damaged`);
    at += bytes;
    if (name === YAML) {
      ensure(type === 0x101 && bytes <= MAX_YAML, `${what} is not text of at most ${MAX_YAML} bytes`);
      yaml = textUntilNul(await file.read(offset, Math.min(bytes, shape[0] ?? 0)), what);
    } else if (!name.startsWith("special:")) {
      ensure(!items.has(name), `${what} appears twice`);
      items.set(name, binItem(file, what, type, shape, offset, bytes));
    }
  }
  return { items, yaml };
}

/**
 * @param {SourceFile} file
 * @param {string} what
 * @param {number} type
 * @param {number[]} shape
 * @param {number} offset
 * @param {number} bytes
 * @returns {Item}
 */
function binItem(file, what, type, shape, offset, bytes) {
  ensure(
    shape.every((n) => n > 0),
    `${what} has the shape ${show(shape)}`,
  );
  const count = shape.reduce((a, b) => a * b, 1);
  if (type === 0x404 || type === 0x402) {
    const [width, name] = type === 0x404 ? [4, "F32"] : [2, "F16"];
    ensure(count * width <= bytes, `${what}: ${bytes} bytes do not hold ${show(shape)}`);
    return { shape, quantized: false, read: async () => readFloats(await file.read(offset, count * width), name) };
  }
  if (type === 0x4101) {
    ensure(count + 4 <= bytes, `${what}: ${bytes} bytes do not hold ${show(shape)} and a multiplier`);
    return {
      shape,
      quantized: true,
      read: async () => {
        const data = await file.read(offset, count + 4);
        const multiplier = new DataView(data.buffer, data.byteOffset + count).getFloat32(0, true);
        ensure(multiplier > 0 && Number.isFinite(multiplier), `${what} has the multiplier ${multiplier}`);
        const q = new Int8Array(data.buffer, data.byteOffset, count);
        ensure(!q.includes(-128), `${what} holds -128, which intgemm never writes: the file is damaged`);
        return { q, multiplier };
      },
    };
  }
  const packed = (type & 0xff00) === 0x800 ? ", an FBGEMM pack for one kind of CPU" : "";
  throw new ConvertError(
    `${what} has the type ${TYPES[type] ?? `0x${type.toString(16)}`}${packed}; float32, float16 and intgemm8 are read`,
  );
}

/**
 * Opens a Marian `.npz`: a zip of `.npy` members. Weights are read later.
 * @param {SourceFile} file
 * @returns {Promise<{ items: Map<string, Item>, yaml: string }>}
 */
export async function openMarianNpz(file) {
  const zip = await Zip.open(file);
  /** @type {Map<string, Item>} */
  const items = new Map();
  let yaml = "";
  for (const { name: member, size } of zip.entries.values()) {
    if (!member.endsWith(".npy")) throw new ConvertError(`${show(member)} in ${file.name} is not a .npy member`);
    const name = member.slice(0, -4);
    const what = `${show(member)} in ${file.name}`;
    const { type, shape, start } = readNpyHeader(await zip.read(member, Math.min(size, 1 << 12)), what);
    const count = shape.reduce((a, b) => a * b, 1);
    if (name === YAML) {
      ensure(/^[<|=]?[iubS]1$/.test(type) && size <= MAX_YAML, `${what} is not text of at most ${MAX_YAML} bytes`);
      yaml = textUntilNul((await zip.read(member)).subarray(start), what);
    } else if (!name.startsWith("special:")) {
      const half = type === "<f2";
      ensure(type === "<f4" || half, `${what} has the type ${show(type)}, not float32 or float16`);
      ensure(start + count * (half ? 2 : 4) === size, `${what}: ${size} bytes do not hold ${show(shape)}`);
      ensure(count > 0, `${what} has the shape ${show(shape)}`);
      items.set(name, {
        shape,
        quantized: false,
        read: async () => readFloats((await zip.read(member)).subarray(start), half ? "F16" : "F32"),
      });
    }
  }
  return { items, yaml };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} what
 */
function readNpyHeader(bytes, what) {
  const cursor = new Cursor(bytes, what);
  const magic = String.fromCharCode(...cursor.take(6));
  ensure(magic === "\x93NUMPY", `${what} is not a .npy file`);
  const version = cursor.u8();
  cursor.u8();
  ensure(version >= 1 && version <= 3, `${what} has .npy version ${version}`);
  const header = decodeUtf8(cursor.take(version === 1 ? cursor.u16() : cursor.u32()), `the header of ${what}`);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  ensure(type !== undefined && dims !== undefined, `${what} has the header ${show(header)}`);
  ensure(/'fortran_order':\s*False/.test(header), `${what} is not in C order`);
  const shape = dims
    .split(",")
    .filter((n) => n.trim() !== "")
    .map(Number);
  ensure(shape.length <= MAX_DIMS && shape.every(Number.isSafeInteger), `${what} has the shape ${show(shape)}`);
  return { type, shape: shape.length === 1 ? [1, shape[0]] : shape, start: cursor.at };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} what
 */
function textUntilNul(bytes, what) {
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end), what);
}
