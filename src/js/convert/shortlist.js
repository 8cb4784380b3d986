import { asBytes, asInt32, ByteWriter, Cursor } from "./bytes.js";
import { ensure } from "./errors.js";

const MAGIC = 0xf11a48d5013417f5n;
const HEADER = 48;

/**
 * Reads a binary lexical shortlist of Marian: u64 magic, checksum, firstNum, bestNum, count of offsets (source
 * vocabulary + 1), count of ids; u64 offsets; u32 target ids, ascending in each list. The checksum is not verified, as
 * Marian does not either unless it is told to.
 * @param {import("./file.js").SourceFile} file
 * @param {number} sourceVocabulary
 * @param {number} targetVocabulary
 * @returns {Promise<{ first: number, offsets: Int32Array, ids: Int32Array }>}
 */
export async function readShortlist(file, sourceVocabulary, targetVocabulary) {
  const cursor = new Cursor(await file.read(), file.name);
  const magic = cursor.view.byteLength >= 8 ? cursor.view.getBigUint64(cursor.skip(8), true) : 0n;
  ensure(magic === MAGIC, `${file.name} is not a binary shortlist`);
  cursor.skip(8);
  const first = cursor.u64();
  cursor.u64();
  const offsetCount = cursor.u64();
  const idCount = cursor.u64();
  ensure(
    offsetCount === sourceVocabulary + 1,
    `${file.name} has lists for ${offsetCount - 1} source words, but the vocabulary has ${sourceVocabulary}`,
  );
  const size = HEADER + 8 * offsetCount + 4 * idCount;
  ensure(file.size === size, `${file.name} has ${file.size} bytes, not the ${size} that its header asks for`);
  ensure(first <= targetVocabulary, `${file.name} always takes ${first} words of a vocabulary of ${targetVocabulary}`);
  ensure(idCount < 2 ** 31, `${file.name} has ${idCount} target words in all`);
  const offsets = new Int32Array(offsetCount);
  for (let i = 0; i < offsetCount; i++) {
    const offset = cursor.u64();
    ensure(
      offset <= idCount && offset >= (i === 0 ? 0 : offsets[i - 1]) && (i > 0 || offset === 0),
      () => `${file.name}: offset ${i} is ${offset}, out of order or beyond ${idCount}`,
    );
    offsets[i] = offset;
  }
  ensure(offsets[offsetCount - 1] === idCount, `${file.name}: the last offset is not ${idCount}`);
  const ids = asInt32(cursor.take(4 * idCount));
  const beyond = ids.find((id) => id < 0 || id >= targetVocabulary);
  ensure(
    beyond === undefined,
    `${file.name}: target word ${(beyond ?? 0) >>> 0} is beyond the vocabulary of ${targetVocabulary}`,
  );
  return { first, offsets, ids };
}

/**
 * The way back.
 * @param {{ first: number, offsets: ArrayLike<number>, ids: ArrayLike<number> }} shortlist
 * @returns {Uint8Array}
 */
export function writeShortlist({ first, offsets, ids }) {
  let best = 0;
  for (let i = 1; i < offsets.length; i++) best = Math.max(best, offsets[i] - offsets[i - 1]);
  const out = new ByteWriter(HEADER + 8 * offsets.length + 4 * ids.length);
  out.raw(asBytes(BigUint64Array.of(MAGIC, 0n)));
  for (const value of [first, best, offsets.length, ids.length]) out.u64(value);
  for (let i = 0; i < offsets.length; i++) out.u64(offsets[i]);
  for (let i = 0; i < ids.length; i++) out.u32(ids[i]);
  const bytes = out.done();
  new DataView(bytes.buffer).setBigUint64(8, checksum(bytes.subarray(16)), true);
  return bytes;
}

/** Marian's, where it is built for 64 bits: boost's hash_combine over whole words. @param {Uint8Array} bytes */
function checksum(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let seed = 0n;
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const mixed = view.getBigUint64(at, true) + 0x9e3779b9n + (seed << 6n) + (seed >> 2n);
    seed = BigInt.asUintN(64, seed ^ mixed);
  }
  return seed;
}
