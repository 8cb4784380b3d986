import { ConvertError, CutShortError, ensure } from "./errors.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const ENCODER = new TextEncoder();

/** @param {string} text */
export const encodeUtf8 = (text) => ENCODER.encode(text);

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

/**
 * The same of int32.
 * @param {Uint8Array} bytes
 */
export function asInt32(bytes) {
  const at = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(at.buffer, at.byteOffset, at.byteLength >> 2);
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
    /** Where reading must stop: the end of the bytes, or of a part of them that is read by itself. */
    this.end = bytes.length;
  }

  get left() {
    return this.end - this.at;
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
    const at = this.skip(8);
    const value = this.view.getUint32(at, true) + 2 ** 32 * this.view.getUint32(at + 4, true);
    ensure(
      value <= Number.MAX_SAFE_INTEGER,
      () => `${this.what} has an impossible size, ${this.view.getBigUint64(at, true)}`,
    );
    return value;
  }
}

/** Little-endian bytes that grow as they are written. */
export class ByteWriter {
  /** @param {number} [capacity] where the size is known */
  constructor(capacity = 1 << 10) {
    this.buffer = new Uint8Array(capacity);
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
  u16(value) {
    const at = this.extend(2);
    this.view.setUint16(at, value, true);
  }

  /** @param {number} value */
  u32(value) {
    const at = this.extend(4);
    this.view.setUint32(at, value, true);
  }

  /** @param {number} value */
  u64(value) {
    const at = this.extend(8);
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, value / 2 ** 32, true);
  }

  /**
   * A string of GGUF: its bytes behind their number.
   * @param {string} text
   */
  string(text) {
    const most = 3 * text.length; // of UTF-8 for each unit of UTF-16
    const at = this.extend(8 + most);
    const { written } = ENCODER.encodeInto(text, this.buffer.subarray(at + 8));
    this.size = at;
    this.u64(written);
    this.size += written;
  }

  /** @param {Uint8Array} bytes */
  raw(bytes) {
    const at = this.extend(bytes.length); // first: it may move the buffer
    this.buffer.set(bytes, at);
  }

  /** @param {number} alignment */
  pad(alignment) {
    this.extend((alignment - (this.size % alignment)) % alignment);
  }

  /** What was written; nothing may be written after it. */
  done() {
    return this.buffer.subarray(0, this.size);
  }
}
