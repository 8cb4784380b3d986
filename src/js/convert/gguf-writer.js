import { nextTurn } from "../platform.js";
import { asBytes, ByteWriter } from "./bytes.js";
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
const ALIGNMENT = 64;

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

/**
 * @param {ByteWriter} out
 * @param {string} type
 * @param {number | boolean | string} value
 */
function putScalar(out, type, value) {
  if (type === "string") return out.string(String(value));
  if (type === "u64") return out.u64(Number(value));
  if (type === "u32") return out.u32(Number(value));
  const at = out.extend(type === "bool" || type === "u8" ? 1 : 4);
  if (type === "f32") out.view.setFloat32(at, Number(value), true);
  else if (type === "i32") out.view.setInt32(at, Number(value), true);
  else out.view.setUint8(at, Number(value));
}

/** @param {TensorInfo} tensor */
function tensorBytes(tensor) {
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
  const out = new ByteWriter();
  out.u32(0x46554747); // "GGUF"
  out.u32(3);
  out.u64(tensors.length);
  const keys = new Map(metadata);
  keys.delete("general.alignment"); // that of a file which was read
  keys.set("general.alignment", u32(ALIGNMENT));
  out.u64(keys.size);
  for (const [name, entry] of keys) {
    out.string(name);
    out.u32(VALUE_TYPES[entry.type]);
    if (entry.type === "array") {
      out.u32(VALUE_TYPES[entry.of]);
      out.u64(entry.value.length);
      for (let i = 0; i < entry.value.length; i++) putScalar(out, entry.of, entry.value[i]);
    } else {
      putScalar(out, entry.type, entry.value);
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
 * @param {Metadata} metadata; general.alignment is set here
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
    await nextTurn(); // in which an abort can come
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
