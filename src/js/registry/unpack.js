// Files that come packed, unpacked while they come. What a file is packed by is told by its first bytes, not by its name:
// a server, or something on the way, may have unpacked it already.

import { builtin, isNode } from "../platform.js";
import { reasonOf } from "../body.js";
import { dataError } from "./errors.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {"gzip" | "zstd"} Packing */

/** Bytes by which a file's packing is told. */
export const HEAD = 4;

/**
 * @param {Uint8Array} head
 * @returns {Packing | ""} empty: not packed
 */
export function packingOf(head) {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return "";
}

/**
 * Takes packed bytes, and gives what they unpack to.
 * @typedef {object} Unpacker
 * @property {(chunk: Uint8Array) => Promise<void>} write
 * @property {() => Promise<void>} end once all of it was given out
 * @property {() => Promise<void>} stop before the end
 */

/**
 * @param {Context} context
 * @param {Packing} packing
 * @param {string} address for messages
 * @param {(chunk: Uint8Array) => Promise<void>} give is awaited
 * @returns {Promise<Unpacker>}
 */
export async function makeUnpacker(context, packing, address, give) {
  if (isNode) {
    const { createGunzip, ...others } = builtin("zlib");
    const make = packing === "gzip" ? createGunzip : Reflect.get(others, "createZstdDecompress");
    return make ? nodeUnpacker(make(), packing, address, give) : zstdUnpacker(context, address, give);
  }
  try {
    const stream = new DecompressionStream(/** @type {CompressionFormat} */ (packing));
    return streamUnpacker(/** @type {any} */ (stream), packing, address, give);
  } catch (error) {
    if (packing !== "zstd" || !(error instanceof TypeError)) throw error;
    return zstdUnpacker(context, address, give); // the platform does not know this format
  }
}

/**
 * By Node's own streams: those of the web break when they are stopped on the way.
 * @param {import("node:stream").Duplex} stream
 * @param {Packing} packing
 * @param {string} address
 * @param {(chunk: Uint8Array) => Promise<void>} give
 * @returns {Unpacker}
 */
function nodeUnpacker(stream, packing, address, give) {
  /** What went wrong with whoever takes the bytes: it is not the file's fault. @type {unknown} */
  let refusal;
  const drained = (async () => {
    for await (const chunk of stream)
      await give(chunk).catch((error) => {
        refusal = error;
        throw error;
      });
  })();
  drained.catch(() => {});
  const damaged = (/** @type {unknown} */ error) => refusal ?? damage(address, packing, error);
  return {
    async write(chunk) {
      const written = new Promise((resolve) => stream.write(chunk, () => resolve(undefined)));
      try {
        await Promise.race([written, drained]);
        if (refusal || stream.errored) await drained;
      } catch (error) {
        throw damaged(error);
      }
    },
    async end() {
      stream.end();
      try {
        await drained;
      } catch (error) {
        throw damaged(error);
      }
    },
    async stop() {
      stream.destroy();
      await drained.catch(() => {});
    },
  };
}

/**
 * @param {ReadableWritablePair<Uint8Array, Uint8Array>} stream
 * @param {Packing} packing
 * @param {string} address
 * @param {(chunk: Uint8Array) => Promise<void>} give
 * @returns {Unpacker}
 */
function streamUnpacker({ readable, writable }, packing, address, give) {
  const writer = writable.getWriter();
  const reader = readable.getReader();
  writer.closed.catch(() => {}); // told by the reader
  /** What went wrong with whoever takes the bytes: it is not the file's fault. @type {unknown} */
  let refusal;
  const drained = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      try {
        await give(value);
      } catch (error) {
        refusal = error;
        reader.cancel().catch(() => {});
        writer.abort().catch(() => {});
        throw error;
      }
    }
  })();
  drained.catch(() => {});
  const damaged = (/** @type {unknown} */ error) => refusal ?? damage(address, packing, error);
  return {
    async write(chunk) {
      try {
        await Promise.race([writer.write(chunk), drained]);
      } catch (error) {
        throw damaged(error);
      }
    },
    async end() {
      try {
        await Promise.all([writer.close(), drained]);
      } catch (error) {
        throw damaged(error);
      }
    },
    async stop() {
      await Promise.allSettled([writer.abort(), reader.cancel(), drained]);
    },
  };
}

/**
 * zstd where the platform has none: by fzstd, which is loaded now.
 * @param {Context} context
 * @param {string} address
 * @param {(chunk: Uint8Array) => Promise<void>} give
 * @returns {Promise<Unpacker>}
 */
async function zstdUnpacker({ tools }, address, give) {
  const { Decompress } = /** @type {typeof import("./zstd.js")} */ (await tools.load("zstd"));
  /** @type {Uint8Array[]} */
  let ready = [];
  let over = false;
  const decompressor = new Decompress((chunk, final) => {
    if (chunk.length) ready.push(chunk);
    over = final ?? false;
  });
  const push = async (/** @type {Uint8Array} */ chunk, /** @type {boolean} */ final) => {
    try {
      decompressor.push(chunk, final);
    } catch (error) {
      throw damage(address, "zstd", error);
    }
    const all = ready;
    ready = [];
    for (const piece of all) await give(piece);
  };
  return {
    write: (chunk) => push(chunk, false),
    async end() {
      await push(new Uint8Array(0), true);
      if (!over) throw damage(address, "zstd", new Error("it is cut short"));
    },
    async stop() {},
  };
}

/** @param {string} address @param {Packing} packing @param {unknown} error */
const damage = (address, packing, error) =>
  dataError(`${address} is damaged: what ${packing} packed there does not unpack (${reasonOf(error)}).`);
