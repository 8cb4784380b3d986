// The bytes of a model, from wherever it is given, in pieces: from memory, a file, a stream, or the network through the
// cache. A download that breaks goes on where it stopped; nothing enters the cache as complete without its checksum.

import { makeError } from "./errors.js";
import { openEntry } from "./model-cache.js";
import { builtin, isNode } from "./platform.js";
import { sha256 } from "./sha256.js";

/**
 * A model source that can go to a worker.
 * @typedef {{url: string} | {blob: Blob} | {bytes: Uint8Array} | {stream: ReadableStream<Uint8Array>}} PlainSource
 */

/**
 * Takes the bytes. `begin` comes first, and again where everything starts anew.
 * @typedef {object} Sink
 * @property {(total: number | undefined) => void} begin
 * @property {(offset: number, chunk: Uint8Array) => void} write
 * @property {() => Promise<string>} [digest] SHA-256 of all that was written, where the sink can tell it sooner than it is
 *     summed up here piece by piece
 */

/**
 * @typedef {object} ReadOptions
 * @property {string} [sha256] what the whole must have, in hexadecimal
 * @property {boolean} [cache]
 * @property {AbortSignal} [signal]
 * @property {(loaded: number, total: number | undefined) => void} [onProgress]
 * @property {number} [stallTime] milliseconds without a byte after which a connection counts as broken
 */

const ATTEMPTS = 4;
const STALL_TIME = 20_000;
/** Bytes of a file that are read at a time. */
const FILE_PIECE = 1 << 19;

/** Counts, passes on to a sink, and makes a checksum where one is wanted. */
class Intake {
  loaded = 0;
  /** Whether a checksum is wanted: to compare, or to keep beside the model in the cache. */
  hashed;
  /** @type {ReturnType<typeof sha256> | null} */
  #hash = null;

  /**
   * @param {Sink} sink
   * @param {ReadOptions} options
   */
  constructor(sink, options) {
    this.sink = sink;
    this.options = options;
    this.hashed = Boolean(options.sha256);
    /** @type {number | undefined} */
    this.total = undefined;
  }

  /** @param {number} [total] */
  begin(total) {
    this.total = total;
    this.loaded = 0;
    this.#hash = this.hashed && !this.sink.digest ? sha256() : null;
    this.sink.begin(total);
  }

  /** @param {Uint8Array} chunk */
  write(chunk) {
    this.options.signal?.throwIfAborted();
    this.sink.write(this.loaded, chunk);
    this.#hash?.update(chunk);
    this.loaded += chunk.length;
    this.options.onProgress?.(this.loaded, this.total);
  }

  /**
   * The checksum; empty where none is wanted. It is compared with what the caller asks for.
   * @param {string} place for the message
   * @param {string} [expected]
   */
  async finish(place, expected = this.options.sha256) {
    if (this.total !== undefined && this.loaded !== this.total)
      throw makeError("DataError", `The model ended after ${this.loaded} of ${this.total} bytes.`);
    if (!this.hashed) return "";
    const digest = this.#hash ? this.#hash.digest() : ((await this.sink.digest?.()) ?? "");
    if (expected && digest !== expected.toLowerCase())
      throw makeError(
        "DataError",
        `The model from ${place} has the checksum ${digest} where ${expected} is expected: it is damaged or another version. Load it again or correct the manifest.`,
      );
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
  const intake = new Intake(sink, options);
  if ("bytes" in source) {
    intake.begin(source.bytes.length);
    intake.write(source.bytes);
    await intake.finish("memory");
  } else if ("blob" in source) {
    intake.begin(source.blob.size);
    await pump(/** @type {ReadableStream<Uint8Array>} */ (source.blob.stream()), intake);
    await intake.finish("the Blob");
  } else if ("stream" in source) {
    intake.begin(undefined);
    await pump(source.stream, intake);
    await intake.finish("the stream");
  } else if (source.url.startsWith("file:") && isNode) {
    await readFile(new URL(source.url), intake);
    await intake.finish(source.url);
  } else {
    return readURL(source.url, intake);
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
  if (options.cache === false) return download(url, intake, null).then(() => 'the option "cache" is false');
  if (!/^https?:/.test(url)) return download(url, intake, null).then(() => "");
  const { entry, problem } = await openEntry(url);
  intake.hashed ||= entry !== null;
  try {
    if (entry && (await readKept(entry, url, intake))) return "";
    return (await download(url, intake, entry)) || problem;
  } finally {
    await entry?.close().catch(() => {});
  }
}

/**
 * Reads what the cache has of a model into the intake.
 * @param {import("./model-cache.js").CacheEntry} entry
 * @param {string} url
 * @param {Intake} intake
 * @returns {Promise<boolean>} whether that was all of it
 */
async function readKept(entry, url, intake) {
  const { record } = entry;
  if (!record) return false;
  const { options } = intake;
  const outdated = record.complete && options.sha256 && record.sha256 !== options.sha256.toLowerCase();
  if (outdated || (record.complete && !options.sha256 && (await hasChanged(url, record)))) {
    await entry.remove();
    return false;
  }
  try {
    intake.begin(record.bytes || undefined);
    for await (const chunk of entry.read()) intake.write(chunk);
    if (!record.complete) return false;
    await intake.finish("the cache", record.sha256);
    return true;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (/** @type {Error} */ (error).name === "QuotaExceededError") throw error;
    await entry.remove();
    intake.loaded = 0;
    return false;
  }
}

/**
 * Whether the server has another version than the one kept; false where it cannot be reached.
 * @param {string} url
 * @param {import("./model-cache.js").CacheRecord} record
 */
async function hasChanged(url, record) {
  try {
    const response = await fetch(url, { method: "HEAD", cache: "no-cache", signal: AbortSignal.timeout(5000) });
    if (!response.ok) return false;
    const etag = versionOf(response);
    const length = Number(response.headers.get("content-length") ?? 0);
    const encoded = response.headers.get("content-encoding");
    return Boolean((etag && record.etag && etag !== record.etag) || (!encoded && length && length !== record.bytes));
  } catch {
    return false;
  }
}

/** @param {Response} response */
const versionOf = (response) => response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";

/** A break that another attempt may mend. */
class Broken extends Error {}

/**
 * @param {string} url
 * @param {Intake} intake
 * @param {import("./model-cache.js").CacheEntry | null} entry
 * @returns {Promise<string>} why the model could not be kept in the entry
 */
async function download(url, intake, entry) {
  const { options } = intake;
  let etag = entry?.record?.etag ?? "";
  let keep = entry;
  let problem = "";
  const giveUpKeeping = async (/** @type {unknown} */ error) => {
    const failed = keep;
    keep = null;
    problem = storageProblem(error);
    await failed?.remove().catch(() => {});
  };
  const record = (/** @type {boolean} */ complete, /** @type {string} */ digest) => ({
    url,
    bytes: complete ? intake.loaded : (intake.total ?? 0),
    etag,
    sha256: digest,
    complete,
  });
  const restart = async (/** @type {number | undefined} */ total) => {
    await keep?.remove();
    intake.begin(total);
  };

  for (let attempt = 1; ; attempt++) {
    try {
      const response = await request(url, intake.loaded, options);
      const length = contentLength(response);
      if (response.status === 206 && contentRangeStart(response) === intake.loaded && sameVersion(response, etag)) {
        // goes on where it stopped
      } else if (response.status === 200) {
        etag = versionOf(response);
        await restart(length);
      } else {
        await response.body?.cancel();
        await restart(undefined);
        throw new Broken("the server answered a request for the rest with something else");
      }
      if (keep) await keep.save(record(false, "")).catch(giveUpKeeping);
      await receive(response, intake, async (chunk) => {
        if (keep) await keep.append(chunk).catch(giveUpKeeping);
      });
      break;
    } catch (error) {
      if (keep && intake.loaded) await keep.save(record(false, "")).catch(giveUpKeeping);
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
    const digest = await intake.finish(url);
    if (keep) await keep.save(record(true, digest)).catch(giveUpKeeping);
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
      watch.signal.aborted ? "the server does not answer" : `the server cannot be reached (${reason(error)})`,
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

/** @param {unknown} error */
function reason(error) {
  const { message, cause } = /** @type {Error} */ (error);
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

/** @param {Response} response */
function contentLength(response) {
  const encoding = response.headers.get("content-encoding");
  const length = response.headers.get("content-length");
  return length === null || (encoding && encoding !== "identity") ? undefined : Number(length);
}

/** @param {Response} response */
function contentRangeStart(response) {
  const range = response.headers.get("content-range");
  const start = /^bytes (\d+)-/.exec(range ?? "")?.[1];
  return start === undefined ? -1 : Number(start);
}

/**
 * @param {Response} response
 * @param {string} etag
 */
const sameVersion = (response, etag) => !etag || !versionOf(response) || versionOf(response) === etag;

/**
 * @param {Response} response
 * @param {Intake} intake
 * @param {(chunk: Uint8Array) => Promise<void>} store
 */
async function receive(response, intake, store) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const { signal, stallTime = STALL_TIME } = intake.options;
  try {
    for (;;) {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      const stalled = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Broken("the connection stalled")), stallTime);
      });
      /** @type {ReadableStreamReadResult<Uint8Array>} */
      let result;
      try {
        result = /** @type {ReadableStreamReadResult<Uint8Array>} */ (await Promise.race([reader.read(), stalled]));
      } catch (error) {
        signal?.throwIfAborted();
        throw error instanceof Broken ? error : new Broken(`the connection broke (${reason(error)})`);
      } finally {
        clearTimeout(timer);
      }
      if (result.done) break;
      intake.write(result.value);
      await store(result.value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
  if (intake.total !== undefined && intake.loaded < intake.total) throw new Broken("the connection ended early");
}
