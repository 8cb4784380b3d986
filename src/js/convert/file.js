import { asBytes } from "./bytes.js";
import { strayOf } from "../file-kind.js";
import { ConvertError, ensure } from "./errors.js";

/**
 * Anything that a source file can come as: bytes, a Blob or File of a page, or an object that reads a range (the
 * command line's open files).
 * @typedef {Uint8Array | ArrayBuffer | Blob | RandomAccess} FileLike
 * @typedef {{ size: number, read(offset: number, length: number): Promise<Uint8Array>, close?(): Promise<void> }} RandomAccess
 */

/* Deflate cannot expand by more than this (RFC 1951: 258 bytes for two bits), so a larger claim is a lie. */
const MAX_DEFLATE_RATIO = 1032;

/* Packed files are read in pieces of this size. */
const PIECE = 1 << 16;

/** A named file of known size, read in ranges. */
export class SourceFile {
  /**
   * @param {string} name
   * @param {FileLike} content
   * @param {AbortSignal} [signal] once aborted, nothing more is read
   */
  constructor(name, content, signal) {
    this.name = name;
    this.signal = signal;
    // Node's Buffer is a Uint8Array whose slice() does not copy; everything here relies on one that does.
    this.content =
      content instanceof ArrayBuffer
        ? new Uint8Array(content)
        : content instanceof Uint8Array
          ? new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
          : content;
    this.size = this.content instanceof Uint8Array ? this.content.byteLength : this.content.size;
  }

  /**
   * Bytes [offset, offset + length), which must lie inside the file.
   * @param {number} offset
   * @param {number} [length] to the end if not given
   * @returns {Promise<Uint8Array>}
   */
  async read(offset = 0, length = this.size - offset) {
    this.signal?.throwIfAborted();
    ensure(
      offset >= 0 && length >= 0 && offset + length <= this.size,
      () => `${this.name} is cut short: bytes ${offset} to ${offset + length} wanted, it has ${this.size}`,
    );
    const { content } = this;
    if (content instanceof Uint8Array) return content.subarray(offset, offset + length);
    const bytes =
      content instanceof Blob
        ? new Uint8Array(await content.slice(offset, offset + length).arrayBuffer())
        : await content.read(offset, length);
    ensure(bytes.byteLength === length, () => `${this.name} changed while it was read`);
    return bytes;
  }

  /** Lets go of an open file. */
  async close() {
    if ("close" in this.content) await this.content.close?.();
  }

  /**
   * The file itself, or its content if it is gzipped (`.gz` is dropped from the name). A gzipped file is held in
   * memory, in one buffer of the size that its last four bytes tell.
   * @returns {Promise<SourceFile>}
   */
  async unzipped() {
    const head = await this.read(0, Math.min(64, this.size));
    const stray = strayOf(head);
    if (stray) throw new ConvertError(`${this.name} is ${stray}`);
    if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd)
      throw new ConvertError(`${this.name} is compressed by zstd: decompress it first (zstd -d ${this.name})`);
    if (head[0] !== 0x1f || head[1] !== 0x8b) return this;
    ensure(this.size >= 18, `${this.name} is a truncated gzip file`);
    const tail = await this.read(this.size - 4, 4);
    const size = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
    const bytes = await inflate(this, 0, this.size, "gzip", size, this.name);
    return new SourceFile(this.name.replace(/\.gz$/, ""), bytes, this.signal);
  }
}

/**
 * Decompresses a range of a file to exactly `size` bytes; more, fewer, or a ratio that deflate cannot reach are errors.
 * With `prefix`, stops after that many first bytes. Holds the result and one piece of the range.
 * @param {SourceFile} file
 * @param {number} offset
 * @param {number} length
 * @param {"gzip" | "deflate-raw"} format
 * @param {number} size
 * @param {string} what
 * @param {number} [prefix]
 */
export async function inflate(file, offset, length, format, size, what, prefix = size) {
  ensure(
    size <= length * MAX_DEFLATE_RATIO,
    `${what} claims to unpack ${length} bytes to ${size}, which is impossible`,
  );
  const out = new Uint8Array(prefix);
  let at = offset;
  /** @type {ReadableStream<Uint8Array>} */
  const packed = new ReadableStream(
    {
      async pull(controller) {
        const piece = await file.read(at, Math.min(PIECE, offset + length - at));
        at += piece.length;
        if (piece.length > 0) controller.enqueue(piece);
        if (at === offset + length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const stream = packed.pipeThrough(
    /** @type {ReadableWritablePair<Uint8Array, Uint8Array>} */ (new DecompressionStream(format)),
  );
  const reader = stream.getReader();
  let used = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const chunk = asBytes(value);
      if (used + chunk.length > size)
        throw new ConvertError(`${what} unpacks to more than the ${size} bytes it claims`);
      out.set(chunk.subarray(0, prefix - used), used);
      if (prefix < size && used + chunk.length >= prefix) {
        await reader.cancel().catch(() => {});
        return out;
      }
      used += chunk.length;
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    file.signal?.throwIfAborted();
    if (error instanceof ConvertError) throw error;
    throw new ConvertError(`${what} is damaged: it does not decompress (${/** @type {Error} */ (error).message})`);
  }
  ensure(used === size, `${what} unpacks to ${used} bytes, not the ${size} it claims`);
  return out;
}
