// Where downloaded models are kept: a folder in Node ($XDG_CACHE_HOME/glossa), the Cache API in browsers, in pieces of
// 1 MiB so that a broken download can go on where it stopped. Nothing is kept where a page may not store anything.

import { makeError } from "./errors.js";
import { builtin, isNode, toUTF8 } from "./platform.js";
import { sha256 } from "./sha256.js";

/**
 * What is known of a stored model.
 * @typedef {object} CacheRecord
 * @property {string} url
 * @property {number} bytes of the whole model; 0 if the server did not tell
 * @property {string} etag what the server called this version; empty if it did not
 * @property {string} sha256 empty until the download is complete
 * @property {boolean} complete
 */

/**
 * One model in the store.
 * @typedef {object} CacheEntry
 * @property {CacheRecord | null} record
 * @property {() => AsyncIterable<Uint8Array>} read what is stored of it
 * @property {(chunk: Uint8Array) => Promise<void>} append
 * @property {(record: CacheRecord) => Promise<void>} save writes what append still holds, then the record
 * @property {() => Promise<void>} remove
 * @property {() => Promise<void>} close gives up the right to write
 */

/**
 * @typedef {object} Store
 * @property {(url: string) => Promise<CacheEntry | null>} open null where somebody else is writing this model now
 * @property {() => Promise<CacheRecord[]>} list
 */

const PIECE = 1 << 20;
const CACHE_NAME = "glossa-models";
const CACHE_BASE = "https://glossa.invalid/";

/** @param {string} url */
function keyOf(url) {
  const hash = sha256();
  hash.update(toUTF8(url));
  return hash.digest().slice(0, 32);
}

/** @type {Store} */
const folderStore = {
  async open(url) {
    const path = builtin("path");
    const fs = builtin("fs").promises;
    await fs.mkdir(cacheFolder(), { recursive: true });
    const stem = path.join(cacheFolder(), keyOf(url));
    const files = { data: `${stem}.gguf`, part: `${stem}.part`, record: `${stem}.json`, lock: `${stem}.lock` };
    const record = await readRecord(files.record);
    const locked = !record?.complete && (await lockFile(files.lock));
    if (!record?.complete && !locked) return null;
    /** @type {import("node:fs/promises").FileHandle | null} */
    let handle = null;
    const closeFile = async () => {
      await handle?.close();
      handle = null;
    };
    /** @type {CacheEntry} */
    const entry = {
      record,
      async *read() {
        const name = record?.complete ? files.data : files.part;
        if (!record || !builtin("fs").existsSync(name)) return;
        for await (const chunk of builtin("fs").createReadStream(name, { highWaterMark: PIECE })) yield chunk;
      },
      async append(chunk) {
        handle ??= await fs.open(files.part, "a");
        await handle.appendFile(chunk);
      },
      async save(next) {
        await closeFile();
        if (next.complete) await fs.rename(files.part, files.data);
        await fs.writeFile(`${files.record}.new`, JSON.stringify(next));
        await fs.rename(`${files.record}.new`, files.record);
        entry.record = next;
      },
      async remove() {
        await closeFile();
        for (const file of [files.record, files.part, files.data]) await fs.rm(file, { force: true });
        entry.record = null;
      },
      async close() {
        await closeFile();
        if (locked) await fs.rm(files.lock, { force: true });
      },
    };
    return entry;
  },

  async list() {
    const fs = builtin("fs").promises;
    const names = await fs.readdir(cacheFolder()).catch(() => []);
    const records = await Promise.all(
      names
        .filter((name) => name.endsWith(".json"))
        .map((name) => readRecord(builtin("path").join(cacheFolder(), name))),
    );
    return records.filter((record) => record !== null);
  },
};

function cacheFolder() {
  const { env } = /** @type {NodeJS.Process} */ (globalThis.process);
  const path = builtin("path");
  return env.GLOSSA_CACHE || path.join(env.XDG_CACHE_HOME || path.join(builtin("os").homedir(), ".cache"), "glossa");
}

/**
 * @param {string} file
 * @returns {Promise<CacheRecord | null>} null where there is none or it is damaged
 */
async function readRecord(file) {
  try {
    return checkRecord(JSON.parse(await builtin("fs").promises.readFile(file, "utf8")));
  } catch {
    return null;
  }
}

/**
 * @param {unknown} value
 * @returns {CacheRecord | null}
 */
function checkRecord(value) {
  const record = /** @type {CacheRecord} */ (value);
  return typeof record?.url === "string" && typeof record.bytes === "number" && typeof record.etag === "string"
    ? record
    : null;
}

/**
 * @param {string} file
 * @returns {Promise<boolean>} false where a living process holds it
 */
async function lockFile(file) {
  const fs = builtin("fs").promises;
  const { pid, kill } = /** @type {NodeJS.Process} */ (globalThis.process);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await fs.writeFile(file, `${pid} ${Date.now()}`, { flag: "wx" });
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    }
    const owner = Number.parseInt(await fs.readFile(file, "utf8").catch(() => ""), 10);
    try {
      if (owner > 0 && kill(owner, 0)) return false;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === "EPERM") return false;
    }
    await fs.rm(file, { force: true });
  }
  return false;
}

/** @type {Store} */
const browserStore = {
  async open(url) {
    const cache = await caches.open(CACHE_NAME);
    const base = `${CACHE_BASE}${keyOf(url)}/`;
    const release = await takeLock(`glossa ${url}`);
    const stored = await cache.match(`${base}record`);
    const record = stored ? checkRecord(await stored.json().catch(() => null)) : null;
    if (!release && !record?.complete) return null;
    let pieces = 0;
    /** @type {Uint8Array[]} */
    let held = [];
    let heldBytes = 0;
    const flush = async () => {
      if (!heldBytes) return;
      await cache.put(`${base}${pieces++}`, new Response(new Blob(/** @type {BlobPart[]} */ (held))));
      held = [];
      heldBytes = 0;
    };
    /** @type {CacheEntry} */
    const entry = {
      record,
      async *read() {
        for (pieces = 0; record; pieces++) {
          const piece = await cache.match(`${base}${pieces}`);
          if (!piece) return;
          yield new Uint8Array(await piece.arrayBuffer());
        }
      },
      async append(chunk) {
        held.push(chunk.slice());
        heldBytes += chunk.length;
        if (heldBytes >= PIECE) await flush();
      },
      async save(next) {
        await flush();
        await cache.put(`${base}record`, new Response(JSON.stringify(next)));
        entry.record = next;
      },
      async remove() {
        held = [];
        heldBytes = 0;
        pieces = 0;
        for (const request of await cache.keys()) if (request.url.startsWith(base)) await cache.delete(request);
        entry.record = null;
      },
      async close() {
        release?.();
      },
    };
    return entry;
  },

  async list() {
    const cache = await caches.open(CACHE_NAME);
    const records = [];
    for (const request of await cache.keys()) {
      if (!request.url.endsWith("/record")) continue;
      const record = checkRecord(await (await cache.match(request))?.json().catch(() => null));
      if (record) records.push(record);
    }
    return records;
  },
};

/**
 * @param {string} name
 * @returns {Promise<(() => void) | null>} null where somebody else has it
 */
function takeLock(name) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise((release) => resolve(() => release(undefined)));
      })
      .catch(reject);
  });
}

/** @returns {Store | null} null where nothing can be kept */
function store() {
  if (isNode) return folderStore;
  try {
    return globalThis.caches ? browserStore : null; // reading it throws in a sandboxed frame
  } catch {
    return null;
  }
}

/**
 * The entry of a URL. That there is none is no error, but has its reason.
 * @param {string} url
 * @returns {Promise<{entry: CacheEntry | null, problem: string}>}
 */
export async function openEntry(url) {
  const place = store();
  if (!place) return { entry: null, problem: "this page may not store anything (it needs HTTPS, or localhost)" };
  try {
    const entry = await place.open(url);
    return { entry, problem: entry ? "" : "another download of it is under way" };
  } catch (error) {
    return { entry: null, problem: `the cache cannot be opened (${/** @type {Error} */ (error).message})` };
  }
}

/** What is kept, and how to be rid of it. */
export const modelCache = {
  /** @returns {Promise<CacheRecord[]>} */
  async list() {
    return (
      (await store()
        ?.list()
        .catch(() => [])) ?? []
    );
  },

  /**
   * @param {string | URL} url
   * @returns {Promise<boolean>} whether there was anything
   */
  async delete(url) {
    const entry = await store()?.open(String(url));
    if (!entry) {
      if (!store()) return false;
      throw makeError("InvalidStateError", `The model ${url} is being downloaded; abort that, then delete it.`);
    }
    const found = entry.record !== null;
    await entry.remove();
    await entry.close();
    return found;
  },

  async clear() {
    for (const record of await this.list()) await this.delete(record.url);
  },

  /**
   * Asks the browser not to clear the cache when disk space runs short.
   * @returns {Promise<boolean>} whether it agreed
   */
  async persist() {
    if (isNode) return true;
    return (await globalThis.navigator?.storage?.persist?.()) ?? false;
  },
};
