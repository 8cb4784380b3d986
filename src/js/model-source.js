// The bytes of a model, from wherever it is given, in pieces: from memory, a file, a stream, or the network through the
// cache. A download that breaks goes on where it stopped; nothing is kept as complete that the engine has not opened.

import { Broken, isSameVersion, lengthOf, pieces, reasonOf, versionOf } from "./body.js";
import { makeError } from "./errors.js";
import { kindOf } from "./file-kind.js";
import { BUSY, openEntry } from "./model-cache.js";
import { builtin, isNode } from "./platform.js";
import { sha256 } from "./sha256.js";

/**
 * A model source that can go to a worker. `length`: that the bytes had when they were loaded.
 * @typedef {{url: string} | {blob: Blob} | {bytes: Uint8Array, length?: number} | {stream: ReadableStream<Uint8Array>}} PlainSource
 */

/**
 * Takes the bytes. `begin` comes first, and again where everything starts anew.
 * @typedef {object} Sink
 * @property {(total: number | undefined) => void} begin
 * @property {(offset: number, chunk: Uint8Array) => void} write
 * @property {() => Promise<string>} [digest] SHA-256 of all that was written, where the sink can tell it sooner than it is
 *     summed up here piece by piece
 * @property {() => void} [open] opens what was written, which is then known to be a checkpoint
 */

/**
 * @typedef {object} ReadOptions
 * @property {string} [sha256] what the whole must have, in hexadecimal
 * @property {number} [bytes] how long it is, as far as the caller knows
 * @property {boolean} [cache]
 * @property {boolean} [offline] only what is kept may be read
 * @property {AbortSignal} [signal]
 * @property {(loaded: number, total: number | undefined) => void} [onProgress]
 * @property {number} [untold] bytes that are taken at most where a server does not tell how many there are
 * @property {number} [stallTime] milliseconds without a byte after which a connection counts as broken
 */

const ATTEMPTS = 4;
const STALL_TIME = 20_000;
/** Bytes of a file that are read at a time. */
const FILE_PIECE = 1 << 19;

const MAGIC = "GGUF";
/** What the memory of WebAssembly could hold. */
const MOST = 2 ** 32 - 1;
/** Bytes that a server may send without having told how many there are. */
const MOST_UNTOLD = 2 ** 30;

/** Counts, passes on to a sink, and makes a checksum where one is wanted. */
class Intake {
  loaded = 0;
  /** Whether a checksum is wanted: to compare, or to keep beside the model in the cache. */
  hashed;
  /** @type {ReturnType<typeof sha256> | null} */
  #hash = null;
  /** The beginning, until it is known to be a checkpoint's. */
  #head = new Uint8Array(0);

  /**
   * @param {Sink} sink
   * @param {ReadOptions} options
   * @param {string} place where the bytes come from, for messages
   */
  constructor(sink, options, place) {
    this.sink = sink;
    this.options = options;
    this.place = place;
    this.hashed = Boolean(options.sha256);
    /** @type {number | undefined} */
    this.total = undefined;
    this.most = MOST;
  }

  /** @param {number} [total] */
  begin(total) {
    this.total = total;
    this.loaded = 0;
    this.#head = new Uint8Array(0);
    this.#hash = this.hashed && !this.sink.digest ? sha256() : null;
    this.sink.begin(total);
  }

  /** Whether the bytes begin as those of a checkpoint. */
  get begun() {
    return this.loaded >= MAGIC.length;
  }

  /** @param {Uint8Array} chunk */
  write(chunk) {
    this.options.signal?.throwIfAborted();
    if (!this.begun) this.#checkHead(chunk);
    if (this.loaded + chunk.length > (this.total ?? this.most))
      throw this.total === undefined
        ? makeError(
            "QuotaExceededError",
            `The model from ${this.place} has more than ${this.most} bytes, and how many was not told: it is refused.`,
            { quota: this.most, requested: this.loaded + chunk.length },
          )
        : makeError("DataError", `The model from ${this.place} is longer than the ${this.total} bytes that were told.`);
    this.sink.write(this.loaded, chunk);
    this.#hash?.update(chunk);
    this.loaded += chunk.length;
    this.options.onProgress?.(this.loaded, this.total);
  }

  /** @param {Uint8Array} chunk */
  #checkHead(chunk) {
    const head = new Uint8Array([...this.#head, ...chunk.subarray(0, 64)]);
    this.#head = head;
    if (MAGIC.startsWith(String.fromCharCode(...head.subarray(0, MAGIC.length)))) return;
    throw makeError("DataError", `The model from ${this.place} is not a GGUF file: ${kindOf(head)}.`);
  }

  /**
   * Compares the checksum with what the caller asks for, and opens the model.
   * @param {string} [expected]
   * @returns {Promise<string>} the checksum; empty where none is wanted
   */
  async finish(expected = this.options.sha256) {
    if (this.total !== undefined && this.loaded !== this.total)
      throw makeError("DataError", `The model ended after ${this.loaded} of ${this.total} bytes.`);
    let digest = "";
    if (this.hashed) digest = this.#hash ? this.#hash.digest() : ((await this.sink.digest?.()) ?? "");
    if (expected && digest !== expected.toLowerCase())
      throw makeError(
        "DataError",
        `The model from ${this.place} has the checksum ${digest} where ${expected} is expected: it is damaged or another version. Load it again or correct the manifest.`,
      );
    this.sink.open?.();
    return digest;
  }
}

/**
 * Reads a model to its end.
 * @param {PlainSource} source
 * @param {Sink} sink
 * @param {ReadOptions} [options]
 * @returns {Promise<string>} why the model is not kept for the next time; empty where it is, or need not be
 */
export async function readModel(source, sink, options = {}) {
  if ("bytes" in source) {
    const intake = new Intake(sink, options, "memory");
    intake.begin(source.bytes.length);
    intake.write(source.bytes);
    await intake.finish();
  } else if ("blob" in source) {
    const intake = new Intake(sink, options, "the Blob");
    intake.begin(source.blob.size);
    await pump(/** @type {ReadableStream<Uint8Array>} */ (source.blob.stream()), intake);
    await intake.finish();
  } else if ("stream" in source) {
    const intake = new Intake(sink, options, "the stream");
    intake.begin(undefined);
    await pump(source.stream, intake);
    await intake.finish();
  } else {
    const intake = new Intake(sink, options, source.url);
    if (!(source.url.startsWith("file:") && isNode)) return readURL(source.url, intake);
    await readFile(new URL(source.url), intake);
    await intake.finish();
  }
  return "";
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {Intake} intake
 */
async function pump(stream, intake) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (!(value instanceof Uint8Array))
        throw makeError("TypeError", "The model's stream gives something other than Uint8Array chunks.");
      intake.write(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    reader.releaseLock();
  }
}

/**
 * @param {URL} url
 * @param {Intake} intake
 */
async function readFile(url, intake) {
  /** @type {import("node:fs/promises").FileHandle | undefined} */
  let file;
  try {
    let size;
    try {
      const fs = builtin("fs").promises;
      const stat = await fs.stat(url);
      if (!stat.isFile()) throw new Error("it is not a file");
      size = stat.size;
      file = await fs.open(url);
    } catch (error) {
      throw makeError(
        "NetworkError",
        `The model ${builtin("url").fileURLToPath(url)} cannot be read (${/** @type {Error} */ (error).message}); check the path.`,
      );
    }
    intake.begin(size);
    // One piece of memory for all reads: to touch new memory takes longer than to read.
    const piece = new Uint8Array(FILE_PIECE);
    for (;;) {
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return;
      intake.write(piece.subarray(0, bytesRead));
    }
  } finally {
    await file?.close();
  }
}

/**
 * @param {string} url
 * @param {Intake} intake
 * @returns {Promise<string>} why the model is not kept
 */
async function readURL(url, intake) {
  const { options } = intake;
  intake.most = Math.max(options.untold ?? MOST_UNTOLD, options.bytes ?? 0);
  if (options.offline && /^https?:/.test(url)) return readOffline(url, intake);
  if (options.cache === false) return download(url, intake, null).then(() => 'the option "cache" is false');
  if (!/^https?:/.test(url)) return download(url, intake, null).then(() => "");
  const { entry, problem } = await openEntry(url);
  if (!entry) return (await download(url, intake, null)) || problem;
  intake.hashed = true;
  /** Why what is kept is of no use, where that is not for good. @type {unknown} */
  let failure;
  try {
    const { record } = entry;
    const outdated = record?.complete && options.sha256 && record.sha256 !== options.sha256.toLowerCase();
    const changed = record?.complete && !options.sha256 && (await hasChanged(url, record));
    if (record && !outdated && !changed)
      try {
        if (await readKept(entry, record, intake)) return "";
      } catch (error) {
        failure = error;
      }
    const keep = await entry.claim();
    try {
      return (await download(url, intake, keep ? entry : null)) || (keep ? "" : BUSY);
    } catch (error) {
      options.signal?.throwIfAborted();
      // What answers may be no more than a network's login page: an older version is better than none.
      if (changed && entry.record?.complete && (await readKept(entry, entry.record, intake))) return "";
      throw failure ?? error;
    }
  } finally {
    await entry.close().catch(() => {});
  }
}

/**
 * @param {string} url
 * @param {Intake} intake
 * @returns {Promise<string>} always empty: it is kept
 */
async function readOffline(url, intake) {
  const { entry } = await openEntry(url);
  try {
    const { record } = entry ?? {};
    const { sha256 } = intake.options;
    intake.hashed = true;
    const wanted = record?.complete && (!sha256 || record.sha256 === sha256.toLowerCase());
    if (entry && record && wanted && (await readKept(entry, record, intake))) return "";
  } finally {
    await entry?.close().catch(() => {});
  }
  throw makeError("NetworkError", `The model ${url} is not on this machine, and nothing may be loaded offline.`);
}

/**
 * Reads what the cache has of a model into the intake; what came whole and was broken off before it was known to be good
 * is looked at now, and completed. Fails only where there is no memory for it.
 * @param {import("./cache-entry.js").CacheEntry} entry
 * @param {import("./cache-entry.js").CacheRecord} record of it
 * @param {Intake} intake
 * @returns {Promise<boolean>} whether that was all of it, and a checkpoint
 */
async function readKept(entry, record, intake) {
  try {
    intake.begin(record.bytes || undefined);
    for await (const chunk of entry.read()) intake.write(chunk);
    if (record.complete) await intake.finish(record.sha256);
    else {
      const { sha256 } = intake.options;
      if (intake.loaded !== intake.total) return false;
      if (!sha256 && (await hasChanged(record.url, record))) throw makeError("DataError", "It is another version.");
      const sum = await intake.finish(sha256);
      await entry.save({ ...record, sha256: sum, complete: true }).catch(() => {}); // or the next time
    }
    return true;
  } catch (error) {
    intake.options.signal?.throwIfAborted();
    intake.loaded = 0;
    if (/** @type {Error} */ (error).name === "QuotaExceededError") throw error;
    return false;
  }
}

/**
 * Whether the server has another version than the one kept; false where it cannot be reached.
 * @param {string} url
 * @param {import("./cache-entry.js").CacheRecord} record
 */
async function hasChanged(url, record) {
  try {
    const response = await fetch(url, { method: "HEAD", cache: "no-cache", signal: AbortSignal.timeout(5000) });
    if (!response.ok) return false;
    const length = Number(response.headers.get("content-length") ?? 0);
    const encoded = response.headers.get("content-encoding");
    return !isSameVersion(response, record.etag) || Boolean(!encoded && length && length !== record.bytes);
  } catch {
    return false;
  }
}

/**
 * @param {string} url
 * @param {Intake} intake
 * @param {import("./cache-entry.js").CacheEntry | null} entry
 * @returns {Promise<string>} why the model could not be kept in the entry
 */
async function download(url, intake, entry) {
  const { options } = intake;
  let etag = entry?.record?.etag ?? "";
  let keep = entry;
  let problem = "";
  /** Whether what the entry holds is what this download has loaded so far. */
  let held = intake.loaded > 0;
  const giveUpKeeping = async (/** @type {unknown} */ error) => {
    const failed = keep;
    keep = null;
    problem = storageProblem(error);
    if (held) await failed?.remove().catch(() => {});
  };
  const save = async (/** @type {boolean} */ complete, /** @type {string} */ sha256) => {
    const bytes = complete ? intake.loaded : (intake.total ?? 0);
    await keep?.save({ url, bytes, etag, sha256, complete }).catch(giveUpKeeping);
  };
  /** Chunks that are too short to tell a checkpoint by. @type {Uint8Array[]} */
  let early = [];
  const store = async (/** @type {Uint8Array} */ chunk) => {
    if (!keep) return;
    early.push(held ? chunk : chunk.slice());
    if (!intake.begun) return;
    try {
      if (!held) {
        await keep.remove();
        held = true;
        await save(false, "");
      }
      for (const piece of early) await keep?.append(piece);
    } catch (error) {
      await giveUpKeeping(error);
    }
    early = [];
  };
  const restart = (/** @type {number | undefined} */ total) => {
    held = false;
    early = [];
    intake.begin(total);
  };

  for (let attempt = 1; ; attempt++) {
    try {
      const response = await request(url, intake.loaded, options);
      if (response.status === 206 && contentRangeStart(response) === intake.loaded && isSameVersion(response, etag)) {
        // goes on where it stopped
      } else if (response.status === 200) {
        etag = versionOf(response);
        restart(lengthOf(response));
      } else {
        await response.body?.cancel();
        restart(undefined);
        throw new Broken("the server answered a request for the rest with something else");
      }
      await receive(response, intake, store);
      break;
    } catch (error) {
      if (held && intake.loaded) await save(false, "");
      options.signal?.throwIfAborted();
      if (!(error instanceof Broken)) {
        if (/** @type {Error} */ (error).name !== "NetworkError") await giveUpKeeping(error);
        throw error;
      }
      if (attempt === ATTEMPTS)
        throw makeError(
          "NetworkError",
          `The model could not be loaded from ${url}: ${error.message} (${intake.loaded} of ${intake.total ?? "unknown"} bytes, ${ATTEMPTS} attempts). Check the connection; a later attempt goes on from there.`,
        );
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }

  try {
    await save(true, await intake.finish());
  } catch (error) {
    await giveUpKeeping(error);
    throw error;
  }
  return problem;
}

/** @param {unknown} error */
function storageProblem(error) {
  const { name, code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  if (name === "QuotaExceededError" || code === "ENOSPC" || code === "EDQUOT")
    return "the disk or the site's share of it is full: free some space, or delete models with modelCache.delete()";
  return `it cannot be stored (${message})`;
}

/**
 * @param {string} url
 * @param {number} from
 * @param {ReadOptions} options
 */
async function request(url, from, options) {
  const watch = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, watch.signal]) : watch.signal;
  const timer = setTimeout(() => watch.abort(), options.stallTime ?? STALL_TIME);
  let response;
  try {
    response = await fetch(url, { signal, headers: from ? { range: `bytes=${from}-` } : {} });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Broken(
      watch.signal.aborted ? "the server does not answer" : `the server cannot be reached (${reasonOf(error)})`,
    );
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel().catch(() => {});
  if (response.status >= 500 || response.status === 429) throw new Broken(`the server answered ${response.status}`);
  throw makeError(
    "NetworkError",
    `The model could not be loaded: ${url} answered ${response.status}. Check the address.`,
  );
}

/** @param {Response} response */
function contentRangeStart(response) {
  const range = response.headers.get("content-range");
  const start = /^bytes (\d+)-/.exec(range ?? "")?.[1];
  return start === undefined ? -1 : Number(start);
}

/**
 * @param {Response} response
 * @param {Intake} intake
 * @param {(chunk: Uint8Array) => Promise<void>} store
 */
async function receive(response, intake, store) {
  const { signal, stallTime = STALL_TIME } = intake.options;
  for await (const piece of pieces(response, { signal, stallTime })) {
    intake.write(piece);
    await store(piece);
  }
  if (intake.total !== undefined && intake.loaded < intake.total) throw new Broken("the connection ended early");
}
