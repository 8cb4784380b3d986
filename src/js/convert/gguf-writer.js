import { asBytes } from "./bytes.js";
import { ensure } from "./errors.js";

/**
 * One value of the metadata; make it with the helpers below.
 * @typedef {{ type: "u32" | "i32" | "f32" | "bool" | "string" | "u64", value: number | boolean | string }
 *   | { type: "array", of: "u8" | "i32" | "f32" | "string", value: ArrayLike<number> | string[] }} MetadataValue
 * @typedef {Map<string, MetadataValue>} Metadata
 * @typedef {"F32" | "I8" | "I32"} TensorType
 */

/** GGML's numbers and sizes of the tensor types that Glossa runs. */
export const TENSOR_TYPES = { F32: { code: 0, bytes: 4 }, I8: { code: 24, bytes: 1 }, I32: { code: 26, bytes: 4 } };

/** GGUF's numbers of the value types. */
export const VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
};

/** Every tensor starts at a multiple of this. */
export const ALIGNMENT = 64;

const ENCODER = new TextEncoder();

/**
 * Tensors that are made by one reading of the source: a matrix and its scales. `ne` is in GGUF order, [in, out].
 * @typedef {{ name: string, type: TensorType, ne: number[] }} TensorInfo
 * @typedef {{ tensors: TensorInfo[], read(): Promise<ArrayBufferView[]> }} TensorGroup
 */

/** @param {number} value @returns {MetadataValue} */
export const u32 = (value) => ({ type: "u32", value });
/** @param {number} value @returns {MetadataValue} */
export const f32 = (value) => ({ type: "f32", value });
/** @param {boolean} value @returns {MetadataValue} */
export const bool = (value) => ({ type: "bool", value });
/** @param {string} value @returns {MetadataValue} */
export const string = (value) => ({ type: "string", value });
/** @param {string[]} value @returns {MetadataValue} */
export const strings = (value) => ({ type: "array", of: "string", value });
/** @param {ArrayLike<number>} value @returns {MetadataValue} */
export const i32s = (value) => ({ type: "array", of: "i32", value });
/** @param {ArrayLike<number>} value @returns {MetadataValue} */
export const f32s = (value) => ({ type: "array", of: "f32", value });
/** @param {Uint8Array} value @returns {MetadataValue} */
export const u8s = (value) => ({ type: "array", of: "u8", value });

/** Bytes that grow as they are written. */
class Bytes {
  constructor() {
    this.buffer = new Uint8Array(1 << 16);
    this.view = new DataView(this.buffer.buffer);
    this.size = 0;
  }

  /**
   * Makes room and returns where it starts.
   * @param {number} size
   */
  extend(size) {
    const at = this.size;
    this.size += size;
    if (this.size > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.size, this.buffer.length * 2));
      grown.set(this.buffer.subarray(0, at));
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  /** @param {number} value */
  u32(value) {
    const at = this.extend(4);
    this.view.setUint32(at, value, true);
  }

  /** @param {number} value */
  u64(value) {
    const at = this.extend(8);
    this.view.setBigUint64(at, BigInt(value), true);
  }

  /** @param {string} value */
  string(value) {
    const bytes = ENCODER.encode(value);
    this.u64(bytes.length);
    const at = this.extend(bytes.length); // first: it may move the buffer
    this.buffer.set(bytes, at);
  }

  /**
   * @param {string} type
   * @param {number | boolean | string} value
   */
  scalar(type, value) {
    if (type === "string") return this.string(String(value));
    if (type === "u64") return this.u64(Number(value));
    if (type === "u32") return this.u32(Number(value));
    const at = this.extend(type === "bool" || type === "u8" ? 1 : 4);
    if (type === "f32") this.view.setFloat32(at, Number(value), true);
    else if (type === "i32") this.view.setInt32(at, Number(value), true);
    else this.view.setUint8(at, Number(value));
  }

  /** @param {number} alignment */
  pad(alignment) {
    this.extend((alignment - (this.size % alignment)) % alignment);
  }

  done() {
    return this.buffer.slice(0, this.size);
  }
}

/** @param {TensorInfo} tensor */
export function tensorBytes(tensor) {
  return tensor.ne.reduce((a, b) => a * b, 1) * TENSOR_TYPES[tensor.type].bytes;
}

/** @param {number} size */
function aligned(size) {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

/**
 * Everything before the tensor data, padded.
 * @param {Metadata} metadata
 * @param {TensorInfo[]} tensors
 */
export function ggufHeader(metadata, tensors) {
  const out = new Bytes();
  out.u32(0x46554747); // "GGUF"
  out.u32(3);
  out.u64(tensors.length);
  out.u64(metadata.size + 1);
  for (const [name, entry] of new Map([...metadata, ["general.alignment", u32(ALIGNMENT)]])) {
    out.string(name);
    out.u32(VALUE_TYPES[entry.type]);
    if (entry.type === "array") {
      out.u32(VALUE_TYPES[entry.of]);
      out.u64(entry.value.length);
      for (let i = 0; i < entry.value.length; i++) out.scalar(entry.of, entry.value[i]);
    } else {
      out.scalar(entry.type, entry.value);
    }
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.string(tensor.name);
    out.u32(tensor.ne.length);
    for (const n of tensor.ne) out.u64(n);
    out.u32(TENSOR_TYPES[tensor.type].code);
    out.u64(offset);
    offset += aligned(tensorBytes(tensor));
  }
  out.pad(ALIGNMENT);
  return out.done();
}

/**
 * Writes a GGUF v3 file, piece by piece; one group of tensors is held at a time.
 * @param {Metadata} metadata without general.alignment, which is added
 * @param {TensorGroup[]} groups
 * @param {(bytes: Uint8Array) => unknown} write is awaited; must not keep the bytes without copying them
 * @param {(done: number, total: number) => void} [onProgress] in bytes
 * @param {AbortSignal} [signal]
 * @returns {Promise<number>} bytes written
 */
export async function writeGguf(metadata, groups, write, onProgress, signal) {
  const tensors = groups.flatMap((group) => group.tensors);
  const header = ggufHeader(metadata, tensors);
  const total = tensors.reduce((sum, tensor) => sum + aligned(tensorBytes(tensor)), header.length);
  let done = 0;
  /** @param {Uint8Array} bytes */
  const put = async (bytes) => {
    await write(bytes);
    done += bytes.length;
  };
  await put(header);
  for (const group of groups) {
    signal?.throwIfAborted();
    const parts = await group.read();
    for (const [i, tensor] of group.tensors.entries()) {
      const bytes = asBytes(parts[i]);
      const size = tensorBytes(tensor);
      ensure(bytes.length === size, `tensor ${tensor.name} has ${bytes.length} bytes, not ${size}`);
      await put(bytes);
      const padding = aligned(size) - size;
      if (padding > 0) await put(new Uint8Array(padding));
    }
    onProgress?.(done, total);
  }
  return done;
}
