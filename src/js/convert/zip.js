import { Cursor, decodeUtf8 } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";
import { inflate } from "./file.js";

/**
 * @typedef {import("./file.js").SourceFile} SourceFile
 * @typedef {{ name: string, method: number, packed: number, size: number, crc: number, local: number }} Entry
 */

/* Weights hardly shrink; a file that claims more than this much growth was made to harm. */
const MAX_GROWTH = 100;
const SMALL = 1 << 20;

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const MAX_COMMENT = 65535;

/** @param {Uint8Array} bytes @param {string} what */
export function isZip(bytes, what) {
  return bytes.length >= 4 && new Cursor(bytes, what).u32() === LOCAL;
}

/** A zip archive, of which only the directory is read at first. Stored and deflated members; no zip64, no encryption. */
export class Zip {
  /**
   * @param {SourceFile} file
   * @param {Map<string, Entry>} entries
   */
  constructor(file, entries) {
    this.file = file;
    this.entries = entries;
  }

  /** @param {SourceFile} file */
  static async open(file) {
    const tailSize = Math.min(file.size, END_SIZE + MAX_COMMENT);
    const tail = new Cursor(await file.read(file.size - tailSize, tailSize), file.name);
    let at = tailSize - END_SIZE;
    while (at >= 0 && tail.view.getUint32(at, true) !== END) at--;
    ensure(at >= 0, `${file.name} is not a zip archive, or it is cut short: its directory is missing`);
    tail.at = at + 10;
    const count = tail.u16();
    const size = tail.u32();
    const start = tail.u32();
    ensure(
      count !== 0xffff && start !== 0xffffffff && start + size <= file.size,
      `${file.name} has a damaged or zip64 directory: ${count} members, bytes ${start} to ${start + size}`,
    );

    const cursor = new Cursor(await file.read(start, size), `the directory of ${file.name}`);
    /** @type {Map<string, Entry>} */
    const entries = new Map();
    let total = 0;
    for (let i = 0; i < count; i++) {
      ensure(cursor.u32() === CENTRAL, `${file.name}: member ${i} of the directory is damaged`);
      cursor.skip(4);
      const flags = cursor.u16();
      const method = cursor.u16();
      cursor.skip(4);
      const crc = cursor.u32();
      const packed = cursor.u32();
      const unpacked = cursor.u32();
      const [nameSize, extraSize, commentSize] = [cursor.u16(), cursor.u16(), cursor.u16()];
      cursor.skip(8);
      const local = cursor.u32();
      const name = decodeUtf8(cursor.take(nameSize), `a name in ${file.name}`);
      cursor.skip(extraSize + commentSize);
      const what = `${show(name)} in ${file.name}`;
      ensure((flags & 1) === 0, `${what} is encrypted`);
      ensure(method === 0 || method === 8, `${what} is packed by method ${method}; only stored and deflated are read`);
      ensure(
        packed !== 0xffffffff && unpacked !== 0xffffffff && local !== 0xffffffff,
        `${what} needs zip64, which is not supported`,
      );
      ensure(method === 8 || packed === unpacked, `${what} is stored, but ${packed} bytes are to become ${unpacked}`);
      ensure(!entries.has(name), `${what} appears twice`);
      entries.set(name, { name, method, packed, size: unpacked, crc, local });
      total += unpacked;
    }
    ensure(
      total <= file.size * MAX_GROWTH + SMALL,
      `${file.name} claims to unpack ${file.size} bytes to ${total}: refused as a zip bomb`,
    );
    return new Zip(file, entries);
  }

  /**
   * The bytes of a member: all, checked by its checksum, or as many first ones as wanted.
   * @param {string} name
   * @param {number} [prefix]
   */
  async read(name, prefix) {
    const entry = this.entries.get(name);
    if (!entry) throw new ConvertError(`${show(name)} is missing in ${this.file.name}`);
    const what = `${show(name)} in ${this.file.name}`;
    const head = new Cursor(await this.file.read(entry.local, 30), what);
    ensure(head.u32() === LOCAL, `${what} is damaged: it has no local header at byte ${entry.local}`);
    head.at = 26;
    const start = entry.local + 30 + head.u16() + head.u16();
    const wanted = Math.min(prefix ?? entry.size, entry.size);
    if (entry.method === 0) return check(await this.file.read(start, wanted), entry, what);
    const bytes = await inflate(this.file, start, entry.packed, "deflate-raw", entry.size, what, wanted);
    return check(bytes, entry, what);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {Entry} entry
 * @param {string} what
 */
function check(bytes, entry, what) {
  if (bytes.length === entry.size) ensure(crc32(bytes) === entry.crc, `${what} is damaged: its checksum is wrong`);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** The checksum of zip and gzip. @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]) & 255];
  return (crc ^ 0xffffffff) >>> 0;
}
