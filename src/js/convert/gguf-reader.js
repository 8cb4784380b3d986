import { kindOf } from "../file-kind.js";
import { asFloat32, Cursor, decodeUtf8 } from "./bytes.js";
import { ConvertError, CutShortError, ensure, show } from "./errors.js";
import { TENSOR_TYPES, VALUE_TYPES } from "./gguf-writer.js";

/**
 * @typedef {import("./file.js").SourceFile} SourceFile
 * @typedef {import("./gguf-writer.js").TensorType} TensorType
 *
 * A value of the metadata; 64-bit integers past 2^53 are bigint. Arrays of numbers are typed.
 * @typedef {number | bigint | boolean | string} Scalar
 * @typedef {{ type: string, value: Scalar } | { type: "array", of: string, value: string[] | ArrayLike<number | bigint> }} Key
 *
 * Rows of a matrix, [from, to); all where none are told.
 * @typedef {{ from?: number, to?: number }} Rows
 *
 * `ne` is in GGUF order, [in, out]; `offset` is from the start of the file.
 * @typedef {{ name: string, type: TensorType, ne: number[], offset: number, bytes: number }} Tensor
 */

/* As the C reader has them. */
const MAX_KEYS = 4096;
const MAX_TENSORS = 65536;
const MAX_DIMS = 4;
const MAX_NAME = 65535;
const LEAST_KEY = 14;
const LEAST_TENSOR = 33;

/* The directory is most often in this many first bytes; if not, more are read. */
const FIRST_READ = 1 << 20;

const VALUE_NAMES = Object.keys(VALUE_TYPES);
/** @type {Record<string, number>} bytes of a value */
const VALUE_BYTES = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 };
/** @type {Record<string, { new (buffer: ArrayBuffer): ArrayLike<number | bigint> }>} */
const ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  bool: Uint8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
};

/** The directory of a GGUF v3 file, checked as the C reader checks it. */
export class GgufFile {
  /**
   * @param {SourceFile} file
   * @param {Map<string, Key>} keys
   * @param {Map<string, Tensor>} tensors in the order of the file
   * @param {number} alignment
   */
  constructor(file, keys, tensors, alignment) {
    this.file = file;
    this.keys = keys;
    this.tensors = tensors;
    this.alignment = alignment;
  }

  /**
   * Reads the directory, not the tensors.
   * @param {SourceFile} file
   */
  static async open(file) {
    for (let size = Math.min(FIRST_READ, file.size); ; size = Math.min(size * 4, file.size)) {
      try {
        return readDirectory(file, await file.read(0, size));
      } catch (error) {
        if (!(error instanceof CutShortError) || size === file.size) throw error;
      }
    }
  }

  /**
   * A value by its key; undefined where there is none.
   * @param {string} name
   */
  get(name) {
    return this.keys.get(name)?.value;
  }

  /**
   * @param {string} name
   * @returns {number}
   */
  number(name) {
    const value = this.get(name);
    ensure(typeof value === "number", `${this.file.name}: key ${name} is ${show(value)}, not a number`);
    return value;
  }

  /**
   * @param {string} name
   * @returns {string}
   */
  string(name) {
    const value = this.get(name);
    ensure(typeof value === "string", `${this.file.name}: key ${name} is ${show(value)}, not a string`);
    return value;
  }

  /**
   * @param {string} name
   * @returns {Tensor}
   */
  tensor(name) {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new ConvertError(`${this.file.name}: tensor ${name} is missing`);
    return tensor;
  }

  /**
   * The values of a tensor, in its own type.
   * @param {string} name
   * @param {Rows} [rows]
   * @returns {Promise<Float32Array | Int8Array | Int32Array>}
   */
  async read(name, rows) {
    const tensor = this.tensor(name);
    const [from, to, height] = rowsOf(tensor, rows, this.file.name);
    const row = tensor.bytes / height;
    const bytes = await this.file.read(tensor.offset + from * row, (to - from) * row);
    if (tensor.type === "F32") return asFloat32(bytes);
    if (tensor.type === "I8") return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Int32Array(bytes.slice().buffer);
  }

  /**
   * The values of a tensor as float32: those of a quantized matrix with its scales applied.
   * @param {string} name
   * @param {Rows} [rows]
   * @returns {Promise<Float32Array>}
   */
  async floats(name, rows) {
    const values = await this.read(name, rows);
    if (values instanceof Float32Array) return values;
    const out = Float32Array.from(values);
    const scaleName = name.replace(/\.weight$/, ".scale");
    if (scaleName === name || !this.tensors.has(scaleName)) return out;
    const tensor = this.tensor(name);
    const [from] = rowsOf(tensor, rows, this.file.name);
    const scale = await this.read(scaleName);
    const width = tensor.ne[0];
    for (let i = 0; i < out.length; i++) out[i] *= scale[scale.length > 1 ? from + Math.floor(i / width) : 0];
    return out;
  }

  /** Lets go of an open file. */
  async close() {
    await this.file.close();
  }
}

/**
 * @param {Tensor} tensor
 * @param {Rows | undefined} rows
 * @param {string} file
 * @returns {[from: number, to: number, height: number]}
 */
function rowsOf({ name, ne }, rows, file) {
  const height = ne.slice(1).reduce((a, b) => a * b, 1);
  const { from = 0, to = height } = rows ?? {};
  ensure(
    Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= height,
    () => `${file}: rows ${from} to ${to} of tensor ${show(name)} are asked for, which has ${height}`,
  );
  return [from, to, height];
}

/**
 * @param {SourceFile} file
 * @param {Uint8Array} bytes its beginning
 */
function readDirectory(file, bytes) {
  const cursor = new Cursor(bytes, file.name);
  ensure(file.size > 0, `${file.name} is empty`);
  const magic = cursor.take(Math.min(4, bytes.length));
  ensure("GGUF".startsWith(String.fromCharCode(...magic)), `${file.name} is not a GGUF file: ${kindOf(bytes)}`);
  const version = cursor.u32();
  ensure(
    version === 3,
    `${file.name} is GGUF version ${version}${version === 0x03000000 ? " (big-endian)" : ""}; Glossa reads version 3`,
  );
  const tensorCount = cursor.u64();
  const keyCount = cursor.u64();
  const left = file.size - cursor.at;
  ensure(
    keyCount <= MAX_KEYS && keyCount * LEAST_KEY <= left,
    `${file.name} claims ${keyCount} keys, too many for its ${left} bytes or for the limit of ${MAX_KEYS}`,
  );
  ensure(
    tensorCount <= MAX_TENSORS && tensorCount * LEAST_TENSOR <= left,
    `${file.name} claims ${tensorCount} tensors, too many for its ${left} bytes or for the limit of ${MAX_TENSORS}`,
  );

  /** @type {Map<string, Key>} */
  const keys = new Map();
  for (let i = 0; i < keyCount; i++) {
    const name = readName(cursor, `key ${i + 1}`);
    ensure(!keys.has(name), `${file.name}: key ${show(name)} appears twice`);
    keys.set(name, readValue(cursor, name));
  }
  const alignment = keys.get("general.alignment")?.value ?? 32;
  ensure(
    typeof alignment === "number" && alignment >= 16 && alignment <= 4096 && Number.isInteger(Math.log2(alignment)),
    `${file.name}: key general.alignment is ${show(alignment)}, not a power of two from 16 to 4096`,
  );

  /** @type {Map<string, Tensor>} */
  const tensors = new Map();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor, i, alignment);
    ensure(!tensors.has(tensor.name), `${file.name}: tensor ${show(tensor.name)} appears twice`);
    tensors.set(tensor.name, tensor);
  }
  const start = Math.ceil(cursor.at / alignment) * alignment;
  for (const tensor of tensors.values()) {
    const { name, type, ne, offset, bytes: size } = tensor;
    ensure(
      offset + size <= file.size - start,
      () =>
        `${file.name}: tensor ${show(name)} (${type}, ${ne.join(" x ")}) at offset ${offset} goes beyond the ` +
        `${Math.max(0, file.size - start)} bytes of tensor data`,
    );
    tensor.offset += start;
  }
  return new GgufFile(file, keys, tensors, alignment);
}

/** @param {Cursor} cursor @param {string} what */
function readString(cursor, what) {
  return decodeUtf8(cursor.take(cursor.u64()), what);
}

/** @param {Cursor} cursor @param {string} what */
function readName(cursor, what) {
  const size = cursor.u64();
  ensure(
    size > 0 && size <= MAX_NAME,
    () => `${cursor.what}: ${what} has a name of ${size} bytes, not 1 to ${MAX_NAME}`,
  );
  return decodeUtf8(cursor.take(size), `the name of ${what} of ${cursor.what}`);
}

/**
 * @param {Cursor} cursor
 * @param {string} name
 * @returns {Key}
 */
function readValue(cursor, name) {
  const what = `key ${show(name)} of ${cursor.what}`;
  const readType = () => {
    const code = cursor.u32();
    const type = VALUE_NAMES[code];
    ensure(type !== undefined, `${what} has the unknown type ${code}`);
    return type;
  };
  const type = readType();
  if (type !== "array")
    return { type, value: type === "string" ? readString(cursor, what) : scalar(cursor, type, what) };

  const of = readType();
  const count = cursor.u64();
  ensure(of !== "array", `${what} is an array of arrays`);
  if (of === "string") {
    const value = [];
    // A string takes eight bytes at least, so a wrong count ends with the file.
    for (let i = 0; i < count; i++) value.push(readString(cursor, what));
    return { type, of, value };
  }
  const bytes = cursor.take(count * VALUE_BYTES[of]);
  if (of === "bool")
    ensure(
      bytes.every((value) => value <= 1),
      `${what} has a bool that is neither 0 nor 1`,
    );
  return { type, of, value: new ARRAYS[of](/** @type {ArrayBuffer} */ (bytes.slice().buffer)) };
}

/**
 * @param {Cursor} cursor
 * @param {string} type
 * @param {string} what
 * @returns {Scalar}
 */
function scalar(cursor, type, what) {
  const bytes = cursor.take(VALUE_BYTES[type]).slice();
  const value = new ARRAYS[type](/** @type {ArrayBuffer} */ (bytes.buffer))[0];
  if (type === "bool") {
    ensure(value === 0 || value === 1, `${what} is a bool of value ${value}`);
    return value === 1;
  }
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/**
 * @param {Cursor} cursor
 * @param {number} index
 * @param {number} alignment
 * @returns {Tensor} its offset counted from the start of the tensor data
 */
function readTensor(cursor, index, alignment) {
  const name = readName(cursor, `tensor ${index + 1}`);
  const what = `${cursor.what}: tensor ${show(name)}`;
  const dims = cursor.u32();
  ensure(dims >= 1 && dims <= MAX_DIMS, `${what} has ${dims} dimensions, not 1 to ${MAX_DIMS}`);
  const ne = Array.from({ length: dims }, () => cursor.u64());
  ensure(!ne.includes(0), `${what} has the shape ${show(ne)}`);
  const code = cursor.u32();
  const entry = Object.entries(TENSOR_TYPES).find(([, type]) => type.code === code);
  if (!entry) throw new ConvertError(`${what} has type ${code}; Glossa reads F32 (0), I8 (24) and I32 (26)`);
  const offset = cursor.u64();
  ensure(offset % alignment === 0, `${what} has offset ${offset}, which is no multiple of ${alignment}`);
  const bytes = ne.reduce((a, b) => a * b, entry[1].bytes);
  return { name, type: /** @type {TensorType} */ (entry[0]), ne, offset, bytes };
}
