import { ConvertError, CutShortError, ensure } from "./errors.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Text from UTF-8 bytes; ill-formed bytes are an error that names `what`.
 * @param {Uint8Array} bytes
 * @param {string} what
 */
export function decodeUtf8(bytes, what) {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new ConvertError(`${what} is not valid UTF-8`);
  }
}

/**
 * A value from JSON bytes.
 * @param {Uint8Array} bytes
 * @param {string} what
 * @returns {any}
 */
export function decodeJson(bytes, what) {
  try {
    return JSON.parse(decodeUtf8(bytes, what));
  } catch (error) {
    if (error instanceof ConvertError) throw error;
    throw new ConvertError(`${what} is not valid JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * Little-endian float32 values as an array that may share the bytes' memory.
 * @param {Uint8Array} bytes
 */
export function asFloat32(bytes) {
  const at = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(at.buffer, at.byteOffset, at.byteLength >> 2);
}

/** @param {ArrayBufferView} view */
export function asBytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A bounds-checked, little-endian cursor over bytes. `what` names the file in its errors. */
export class Cursor {
  /**
   * @param {Uint8Array} bytes
   * @param {string} what
   */
  constructor(bytes, what) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.what = what;
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  /**
   * Moves over `size` bytes and returns where they start.
   * @param {number} size
   */
  skip(size) {
    const at = this.at;
    if (!(size >= 0 && size <= this.left))
      throw new CutShortError(`${this.what} is cut short: ${size} bytes wanted at byte ${at}, ${this.left} left`);
    this.at += size;
    return at;
  }

  /**
   * A view of the next bytes, not a copy.
   * @param {number} size
   */
  take(size) {
    const at = this.skip(size);
    return this.bytes.subarray(at, at + size);
  }

  u8() {
    return this.view.getUint8(this.skip(1));
  }

  u16() {
    return this.view.getUint16(this.skip(2), true);
  }

  u32() {
    return this.view.getUint32(this.skip(4), true);
  }

  i32() {
    return this.view.getInt32(this.skip(4), true);
  }

  f32() {
    return this.view.getFloat32(this.skip(4), true);
  }

  /** A 64-bit count or length; one past 2^53 cannot be real and is an error. */
  u64() {
    const value = this.view.getBigUint64(this.skip(8), true);
    ensure(value <= BigInt(Number.MAX_SAFE_INTEGER), () => `${this.what} has an impossible size, ${value}`);
    return Number(value);
  }
}
