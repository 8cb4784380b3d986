// A file of a model, from its home into the cache: it goes on where an earlier attempt stopped, is unpacked while it
// comes, and is kept only if what came and what it unpacks to are what the registry says.

import { makeError } from "../errors.js";
import { strayOf } from "../file-kind.js";
import { BUSY, openEntry } from "../model-cache.js";
import { isNode } from "../platform.js";
import { digestOf, sha256 } from "../sha256.js";
import { Broken, isSameVersion, lengthOf, pieces, reasonOf, versionOf } from "../body.js";
import { dataError, networkError, statusOf } from "./errors.js";
import { pause, request, retrying } from "./http.js";
import { sumOf } from "./kept.js";
import { memoryEntry } from "./memory-entry.js";
import { HEAD, makeUnpacker, packingOf } from "./unpack.js";

/** @typedef {import("../cache-entry.js").CacheEntry} CacheEntry */
/** @typedef {import("../cache-entry.js").CacheRecord} CacheRecord */
/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").RemoteFile} RemoteFile */

/** Milliseconds between looks at what another process or tab is loading. */
const LOOK = 250;
/** Bytes that a file may be longer than its registry says where that is not exact. */
const SLACK = 1 << 20;

/**
 * The cache's entry of an address: complete and good, or with the right to write it once nobody else has that. Where
 * nothing may be kept, one in memory.
 * @param {Context} context
 * @param {string} url
 * @param {(record: CacheRecord) => boolean} isGood whether a complete one will do
 * @returns {Promise<CacheEntry>}
 */
export async function openWaiting(context, url, isGood) {
  if (!context.cache) return memoryEntry();
  for (;;) {
    context.signal?.throwIfAborted();
    const { entry, problem } = await openEntry(url);
    if (entry) {
      if (entry.record?.complete && isGood(entry.record)) return entry;
      if (await entry.claim()) return entry;
      await entry.close();
    } else if (problem !== BUSY) {
      if (!isNode) return memoryEntry();
      throw makeError("OperationError", `The model cannot be kept, which it has to be to be converted: ${problem}.`);
    }
    await pause(LOOK, context.signal);
  }
}

/** What came: sums, and whether an earlier attempt began it. */
class Landing {
  loaded = 0;
  packing = "";
  resumed = false;
  /** Of what it unpacks to. */
  size = 0;
  /** @type {Uint8Array[]} the beginning, until its packing is known */
  #head = [];
  #told = false;
  #wire = sha256();
  #inner = sha256();
  /** @type {import("./unpack.js").Unpacker | null} */
  #unpacker = null;
  /** A small file as a whole, where its sum can be taken of a whole only. @type {Uint8Array[] | null} */
  #gathered;

  /**
   * @param {Context} context
   * @param {RemoteFile} file
   * @param {CacheEntry} content gets what is unpacked
   */
  constructor(context, file, content) {
    this.context = context;
    this.file = file;
    this.content = content;
    const { bytes, exact, size } = file;
    this.#gathered = file.gitSha1 && !file.sha256 && !file.unpackedSha256 ? [] : null;
    // a server that unpacks on the way sends more than is packed
    this.most = Math.max(bytes + (exact ? 0 : SLACK), size ?? 0);
  }

  /** @param {Uint8Array} chunk */
  async write(chunk) {
    this.loaded += chunk.length;
    if (this.loaded > this.most)
      throw dataError(`${this.file.url} is longer than the ${this.most} bytes that its registry tells: it is refused.`);
    this.#wire.update(chunk);
    if (this.#told) return this.#pass(chunk);
    this.#head.push(chunk.slice());
    if (this.loaded >= HEAD) await this.#tell();
  }

  async #tell() {
    this.#told = true;
    const all = this.#head.splice(0);
    const head = new Uint8Array(all.flatMap((part) => [...part.subarray(0, 64)]));
    const packing = packingOf(head);
    this.packing = packing;
    if (packing) {
      await this.content.remove();
      this.#unpacker = await makeUnpacker(this.context, packing, this.file.url, (chunk) => this.#give(chunk));
    } else {
      const stray = strayOf(head);
      if (stray) throw dataError(`${this.file.url} is not the model's file: what came is ${stray}.`);
    }
    for (const part of all) await this.#pass(part);
  }

  /** @param {Uint8Array} chunk */
  async #pass(chunk) {
    if (this.#unpacker) return this.#unpacker.write(chunk);
    this.#inner.update(chunk);
    this.#gathered?.push(chunk.slice());
    this.size += chunk.length;
  }

  /** @param {Uint8Array} chunk */
  async #give(chunk) {
    this.context.signal?.throwIfAborted();
    this.size += chunk.length;
    if (this.size > (this.file.size ?? 2 ** 32))
      throw dataError(
        `${this.file.url} unpacks to more than the ${this.file.size ?? 2 ** 32} bytes that are expected.`,
      );
    this.#inner.update(chunk);
    await this.content.append(chunk);
  }

  async end() {
    if (!this.#told) await this.#tell();
    await this.#unpacker?.end();
    this.#unpacker = null;
    const git = this.#gathered ? await gitName(this.#gathered, this.size) : "";
    return { wire: this.#wire.digest(), inner: this.#inner.digest(), git };
  }

  async stop() {
    await this.#unpacker?.stop();
    this.#unpacker = null;
  }
}

/**
 * Git's name of a file: the SHA-1 of "blob SIZE\0" and its bytes.
 * @param {Uint8Array[]} parts
 * @param {number} size
 */
async function gitName(parts, size) {
  const all = new Blob([`blob ${size}\0`, .../** @type {Uint8Array<ArrayBuffer>[]} */ (parts)]);
  return digestOf(await all.arrayBuffer(), "SHA-1");
}

/**
 * What is wrong with a file that came; empty where nothing is.
 * @param {RemoteFile} file
 * @param {Landing} landing
 * @param {{wire: string, inner: string, git: string}} sums
 */
function faultOf(file, { packing, loaded, size }, sums) {
  if (packing && file.exact && loaded !== file.bytes)
    return `it has ${loaded} bytes, not the ${file.bytes} that are expected`;
  if (packing && file.sha256 && sums.wire !== file.sha256) return `its SHA-256 is ${sums.wire}, not ${file.sha256}`;
  if (file.size !== undefined && size !== file.size) return `its content has ${size} bytes, not ${file.size}`;
  if (file.unpackedSha256)
    return sums.inner === file.unpackedSha256
      ? ""
      : `the SHA-256 of its content is ${sums.inner}, not ${file.unpackedSha256}`;
  if (file.sha256) {
    if (sums.wire === file.sha256) return "";
    const unpacked = packing ? "" : ", which may be that of a packed file which was unpacked on the way";
    return `its SHA-256 is ${sums.wire}, not ${file.sha256}${unpacked}`;
  }
  if (file.gitSha1) return sums.git === file.gitSha1 ? "" : `Git names it ${sums.git}, not ${file.gitSha1}`;
  return "its registry has no checksum of it";
}

/**
 * Loads a file, unpacked, into an entry of the cache that the caller closes, and removes when it was used.
 * @param {Context} context
 * @param {RemoteFile} file
 * @param {string | undefined} token
 * @param {(loaded: number) => void} onProgress bytes on the wire
 * @returns {Promise<CacheEntry>}
 */
export async function fetchFile(context, file, token, onProgress) {
  try {
    return await fetchFrom(context, file, token, onProgress);
  } catch (error) {
    const gone = [403, 404, 406, 410].includes(statusOf(error));
    if (!file.or || !gone) throw error;
    return fetchFrom(context, file.or, token, onProgress).catch((second) => {
      context.signal?.throwIfAborted();
      throw makeError(second.name, `${second.message} Before, ${reasonOf(error)}`);
    });
  }
}

/** @type {typeof fetchFile} */
async function fetchFrom(context, file, token, onProgress) {
  const isWanted = (/** @type {CacheRecord} */ { about }) => about?.part === "source" && about.of === sumOf(file);
  const content = await openWaiting(context, `${file.url}#unpacked`, isWanted);
  /** @type {CacheEntry | null} */
  let wire = null;
  try {
    if (content.record?.complete && isWanted(content.record)) {
      onProgress(file.bytes);
      return content;
    }
    wire = await openWaiting(context, file.url, isWanted);
    if (wire.record?.complete && isWanted(wire.record)) {
      onProgress(file.bytes);
      await content.close();
      return wire;
    }
    const kept = await load({ context, file, token, wire, content, onProgress });
    if (kept === content) await wire.remove();
    await (kept === content ? wire : content).close();
    return kept;
  } catch (error) {
    await content.close().catch(() => {});
    await wire?.close().catch(() => {});
    throw storageError(error, file);
  }
}

/**
 * A file on its way, and where it is kept: as it comes, and unpacked.
 * @typedef {object} Arrival
 * @property {Context} context
 * @property {RemoteFile} file
 * @property {string} [token]
 * @property {CacheEntry} wire
 * @property {CacheEntry} content
 * @property {(loaded: number) => void} onProgress bytes on the wire
 */

/**
 * @param {Arrival} arrival
 * @returns {Promise<CacheEntry>} that has all of it
 */
async function load(arrival) {
  const { context, file, wire, content } = arrival;
  for (let second = false; ; second = true) {
    const state = { landing: new Landing(context, file, content) };
    try {
      await receiveAll(arrival, state);
      const { landing } = state;
      const sums = await landing.end();
      const fault = faultOf(file, landing, sums);
      if (fault)
        throw dataError(
          `${file.url} is damaged, or another version than its registry has: ${fault}. Nothing of it is kept.`,
        );
      const holder = landing.packing ? content : wire;
      await holder.save({
        url: holder === wire ? file.url : `${file.url}#unpacked`,
        bytes: landing.size,
        etag: "",
        sha256: sums.inner,
        complete: true,
        about: { part: "source", of: sumOf(file), for: context.making },
      });
      return holder;
    } catch (error) {
      await state.landing.stop();
      if (/** @type {Error} */ (error).name !== "DataError") throw error;
      await content.remove();
      await wire.remove();
      // What was begun by another attempt may be of another version: once more, all of it.
      if (!state.landing.resumed || second) throw error;
    }
  }
}

/**
 * All bytes of a file, in up to three requests.
 * @param {Arrival} arrival
 * @param {{landing: Landing}} state
 */
async function receiveAll({ context, file, token, wire, content, onProgress }, state) {
  /** Whether the server unpacks on the way: then there is no going on. */
  let encoded = false;
  const about = { part: /** @type {const} */ ("source"), of: sumOf(file), for: context.making };
  const save = (/** @type {string} */ etag) =>
    wire.save({ url: file.url, bytes: file.bytes, etag, sha256: "", complete: false, about });
  const restart = async (/** @type {string} */ etag) => {
    await state.landing.stop();
    state.landing = new Landing(context, file, content);
    await wire.remove();
    if (!encoded) await save(etag);
  };

  const { record } = wire;
  if (record && !record.complete && record.about?.of === about.of) {
    for await (const chunk of wire.read()) await state.landing.write(chunk);
    state.landing.resumed = state.landing.loaded > 0;
    onProgress(state.landing.loaded);
    if (file.exact && state.landing.loaded === file.bytes) return;
  } else await wire.remove();

  try {
    await retrying(context, file.url, async () => {
      const etag = wire.record?.etag ?? "";
      const from = encoded ? 0 : state.landing.loaded;
      const response = await request(context, file.url, { headers: rangeHeaders(from, etag, file.url), token });
      const start = startOf(response);
      const same = isSameVersion(response, etag);
      if (response.status === 416 && same && response.headers.get("content-range") === `bytes */${from}`) {
        state.landing.resumed = true; // all of it had come
        return response.body?.cancel().catch(() => {});
      }
      if (response.status === 206 && from && same && (start === from || Number.isNaN(start)))
        state.landing.resumed = true;
      else if (response.status === 200) {
        encoded = response.headers.has("content-encoding");
        await restart(versionOf(response));
      } else {
        await response.body?.cancel().catch(() => {});
        await restart("");
        throw new Broken("it answered a request for the rest with something else");
      }
      const told = lengthOf(response);
      const begun = state.landing.loaded;
      for await (const chunk of pieces(response, context)) {
        await wire.append(chunk);
        await state.landing.write(chunk);
        onProgress(state.landing.loaded);
      }
      const { loaded, packing } = state.landing;
      const expected = told !== undefined ? begun + told : file.exact && packing ? file.bytes : loaded;
      if (loaded < expected) throw new Broken(`the connection ended after ${loaded} of ${expected} bytes`);
    });
  } catch (error) {
    // What browsers still hold in memory is kept for the next attempt.
    const mayGoOn = !["DataError", "QuotaExceededError"].includes(/** @type {Error} */ (error).name);
    if (mayGoOn && state.landing.loaded && wire.record && !wire.record.complete)
      await save(wire.record.etag).catch(() => {});
    throw error;
  }
}

/**
 * @param {number} from
 * @param {string} etag
 * @param {string} url
 * @returns {Record<string, string>}
 */
function rangeHeaders(from, etag, url) {
  // the bytes as they lie there: what is packed on the way cannot be gone on with
  const own = /** @type {Record<string, string>} */ (isNode ? { "accept-encoding": "identity" } : {});
  if (!from) return own;
  // Between origins a browser would ask for leave to send If-Range, which few servers give: there the sums tell.
  const near = isNode || new URL(url).origin === globalThis.location?.origin;
  return { ...own, range: `bytes=${from}-`, ...(near && etag && !etag.startsWith("W/") && { "if-range": etag }) };
}

/** @param {Response} response */
function startOf(response) {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  // another origin may hide it from a page
  return start === undefined ? (isNode ? -1 : Number.NaN) : Number(start);
}

/** Errors that say already whose fault it is. */
const told = new WeakSet();

/**
 * Where it is the storage's fault, an error that says so.
 * @param {unknown} error
 * @param {Pick<RemoteFile, "url" | "bytes" | "size">} file
 */
export function storageError(error, { url, bytes, size }) {
  if (told.has(Object(error))) return error;
  const { name } = /** @type {Error} */ (error);
  const code = String(Reflect.get(Object(error), "code")); // a number in the web's own errors
  let shown = error;
  if (name === "QuotaExceededError" || code === "ENOSPC" || code === "EDQUOT")
    shown = makeError(
      "QuotaExceededError",
      `There is no room for ${url} (${bytes + (size ?? 0)} bytes for a while): the disk, or the site's share of it, is full. Free some, or remove models that you do not need.`,
    );
  else if (/^(EACCES|EROFS|EPERM|EIO|ENOTDIR)$/.test(code))
    shown = networkError(`${url} cannot be kept: ${reasonOf(error)}.`);
  told.add(Object(shown));
  return shown;
}
