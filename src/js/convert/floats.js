import { asFloat32 } from "./bytes.js";
import { ConvertError } from "./errors.js";

/** Bytes an element of the float types that can be read. @type {Record<string, number>} */
export const FLOAT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/**
 * Little-endian floats of any width as float32. F32 may share the memory of `bytes`.
 * @param {Uint8Array} bytes
 * @param {string} type
 * @returns {Float32Array}
 */
export function readFloats(bytes, type) {
  if (type === "F32") return asFloat32(bytes);
  if (type === "F64") return Float32Array.from(new Float64Array(bytes.slice().buffer));
  const at = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  const view = new Uint16Array(at.buffer, at.byteOffset, at.byteLength >> 1);
  const out = new Float32Array(view.length);
  const bits = new Uint32Array(out.buffer);
  if (type === "BF16") for (let i = 0; i < view.length; i++) bits[i] = view[i] << 16;
  else if (type === "F16") for (let i = 0; i < view.length; i++) bits[i] = halfToFloatBits(view[i]);
  else throw new ConvertError(`cannot read numbers of type ${type}`);
  return out;
}

/**
 * IEEE 754 binary16 to the bits of the same binary32.
 * @param {number} half
 */
function halfToFloatBits(half) {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // brings the leading one to bit 10
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
