// Where downloaded models are kept: a folder in Node ($XDG_CACHE_HOME/glossa), the Cache API in browsers, in pieces of
// 1 MiB so that a broken download can go on where it stopped. Nothing is kept where a page may not store anything.

import { checkRecord, keyOf, PIECE } from "./cache-entry.js";
import { folderStore } from "./cache-folder.js";
import { makeError } from "./errors.js";
import { builtin, isNode } from "./platform.js";

/**
 * @typedef {import("./cache-entry.js").CacheRecord} CacheRecord
 * @typedef {import("./cache-entry.js").CacheEntry} CacheEntry
 * @typedef {import("./cache-entry.js").Store} Store
 */

/** Why nothing is kept where somebody else is about to. */
export const BUSY = "another download of it is under way";

/** How addresses begin that are nowhere but in the cache: of models that were converted. */
export const CACHE_SCHEME = "glossa:";

const CACHE_NAME = "glossa-models";
const CACHE_BASE = "https://glossa.invalid/";

/** @type {Store} */
const browserStore = {
  async open(url) {
    const cache = await caches.open(CACHE_NAME);
    const base = `${CACHE_BASE}${keyOf(url)}/`;
    let release = await takeLock(`glossa ${url}`);
    const stored = await cache.match(`${base}record`);
    const record = stored ? checkRecord(await stored.json().catch(() => null), url) : null;
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
        for (pieces = 0; entry.record; pieces++) {
          const piece = await cache.match(`${base}${pieces}`);
          if (!piece) return;
          yield new Uint8Array(await piece.arrayBuffer());
        }
      },
      async content() {
        /** @type {Blob[]} */
        const parts = [];
        for (let piece = 0; ; piece++) {
          const stored = await cache.match(`${base}${piece}`);
          if (!stored) return new Blob(parts);
          parts.push(await stored.blob());
        }
      },
      async append(chunk) {
        held.push(chunk.slice());
        heldBytes += chunk.length;
        if (heldBytes >= PIECE) await flush();
      },
      async save(next) {
        await flush();
        await entry.note(next);
      },
      async note(next) {
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
      async claim() {
        release ??= await takeLock(`glossa ${url}`);
        return release !== null;
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
    return { entry, problem: entry ? "" : BUSY };
  } catch (error) {
    return { entry: null, problem: `the cache cannot be opened (${/** @type {Error} */ (error).message})` };
  }
}

/**
 * Changes what is kept beside a complete model.
 * @param {string} url
 * @param {any} about
 */
export async function noteBeside(url, about) {
  const entry = await store()?.open(url);
  try {
    if (entry?.record?.complete && (await entry.claim())) await entry.note({ ...entry.record, about });
  } finally {
    await entry?.close().catch(() => {});
  }
}

/** @returns {Promise<CacheRecord[]>} what is kept */
export async function listRecords() {
  const records = store()
    ?.list()
    .catch(() => []);
  return (await records) ?? [];
}

/** What is kept, how it is read, and how to be rid of it. */
export const modelCache = {
  list: listRecords,

  /**
   * What is kept of a URL, to be read at any place.
   * @param {string | URL} url
   * @returns {Promise<Blob | null>} null where there is none, or not all of it
   */
  async blob(url) {
    const entry = await store()?.open(String(url));
    try {
      if (!entry?.record?.complete) return null;
      const content = await entry.content();
      return "path" in content ? new Blob([await builtin("fs").promises.readFile(content.path)]) : content;
    } finally {
      await entry?.close().catch(() => {});
    }
  },

  /**
   * @param {string | URL} url
   * @returns {Promise<boolean>} whether there was anything
   */
  async delete(url) {
    const place = store();
    if (!place) return false;
    const entry = await place.open(String(url));
    try {
      if (!entry || !(await entry.claim()))
        throw makeError("InvalidStateError", `The model ${url} is being downloaded; abort that, then delete it.`);
      const found = entry.record !== null;
      await entry.remove();
      return found;
    } finally {
      await entry?.close().catch(() => {});
    }
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
