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
 * @property {() => Promise<boolean>} claim takes the right to write, which whoever opens an incomplete one has already;
 *     false where somebody else has it
 * @property {() => Promise<void>} close gives up the right to write
 */

/**
 * @typedef {object} Store
 * @property {(url: string) => Promise<CacheEntry | null>} open null where somebody else is writing this model now
 * @property {() => Promise<CacheRecord[]>} list
 */

/** Why nothing is kept where somebody else is about to. */
export const BUSY = "another download of it is under way";

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
    const { promises: fs, constants } = builtin("fs");
    await fs.mkdir(cacheFolder(), { recursive: true });
    const stem = path.join(cacheFolder(), keyOf(url));
    const files = { data: `${stem}.gguf`, part: `${stem}.part`, record: `${stem}.json` };
    const lock = new FileLock(`${stem}.lock`);
    let record = await readRecord(files.record, url);
    if (!record?.complete) {
      if (!(await lock.take())) return null;
      record = await readRecord(files.record, url); // whoever had the lock may have completed it
    }
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
        const name = entry.record?.complete ? files.data : files.part;
        if (!entry.record || !builtin("fs").existsSync(name)) return;
        for await (const chunk of builtin("fs").createReadStream(name, { highWaterMark: PIECE })) yield chunk;
      },
      async append(chunk) {
        // Others may write in this folder too: a link in it leads nowhere.
        const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = constants;
        handle ??= await fs.open(files.part, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
        await handle.appendFile(chunk);
      },
      async save(next) {
        await closeFile();
        await lock.check();
        if (next.complete) await fs.rename(files.part, files.data);
        const temporary = `${files.record}.${lock.token}`;
        try {
          await fs.writeFile(temporary, JSON.stringify(next), { flag: "wx" });
          await fs.rename(temporary, files.record);
        } finally {
          await fs.rm(temporary, { force: true });
        }
        entry.record = next;
      },
      async remove() {
        await closeFile();
        await lock.check();
        const all = [files.record, files.part, files.data].map((file) => fs.rm(file, { force: true }));
        await Promise.allSettled(all); // one that cannot go does not hold the others
        await Promise.all(all);
        entry.record = null;
      },
      claim: () => lock.take(),
      async close() {
        await closeFile();
        await lock.release();
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
 * @param {string} [url] whose it must be
 * @returns {Promise<CacheRecord | null>} null where there is none or it is damaged
 */
async function readRecord(file, url) {
  try {
    return checkRecord(JSON.parse(await builtin("fs").promises.readFile(file, "utf8")), url);
  } catch {
    return null;
  }
}

/**
 * @param {unknown} value
 * @param {string} [url]
 * @returns {CacheRecord | null}
 */
function checkRecord(value, url) {
  const record = /** @type {CacheRecord} */ (value ?? {});
  const texts = [record.url, record.etag, record.sha256].every((text) => typeof text === "string");
  const right = texts && Number.isSafeInteger(record.bytes) && record.bytes >= 0 && (url ?? record.url) === record.url;
  return right && typeof record.complete === "boolean" ? record : null;
}

/** A lock that is not renewed for so many milliseconds has no owner any more, whoever has the owner's number now. */
const LEASE = 10_000;

/**
 * When a process started, as far as the system tells; empty if it does not run.
 * @param {string | number} pid
 */
function startOf(pid) {
  try {
    const facts = builtin("fs").readFileSync(`/proc/${pid}/stat`, "utf8");
    return facts.slice(facts.lastIndexOf(")")).split(" ")[20];
  } catch {
    // not Linux, or gone
  }
  try {
    /** @type {NodeJS.Process} */ (globalThis.process).kill(Number(pid), 0);
    return "runs";
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM" ? "runs" : "";
  }
}

/** Where the numbers of processes mean what they mean here: the machine, or the container. */
function placeOfProcesses() {
  try {
    return builtin("fs").readlinkSync("/proc/self/ns/pid");
  } catch {
    return builtin("os").hostname();
  }
}

/**
 * The right to write one model, as a file: "process time place start token". Its owner renews the time.
 */
class FileLock {
  token = builtin("crypto").randomUUID();
  /** @type {ReturnType<typeof setInterval> | null} */
  #renewal = null;
  #place = placeOfProcesses();

  /** @param {string} file */
  constructor(file) {
    this.file = file;
  }

  #text() {
    const { pid } = /** @type {NodeJS.Process} */ (globalThis.process);
    return [pid, Date.now(), this.#place, startOf(pid), this.token].join(" ");
  }

  async #read() {
    return builtin("fs")
      .promises.readFile(this.file, "utf8")
      .catch(() => "");
  }

  /** Whether its owner is gone. */
  async #isStale() {
    const [pid, time, place, start] = (await this.#read()).split(" ");
    const facts = await builtin("fs").promises.lstat(this.file);
    const renewed = Number(time) || facts.mtimeMs; // made, and not yet written
    return Math.abs(Date.now() - renewed) > LEASE || (place === this.#place && startOf(pid) !== start);
  }

  /** @returns {Promise<boolean>} false where somebody else has it */
  async take() {
    if (this.#renewal) return true;
    const { promises: fs } = builtin("fs");
    if (!(await this.#create(this.file))) {
      // Only one may put an old lock away, or the next one's would go too.
      const broom = `${this.file}.old`;
      const left = await fs.stat(broom).catch(() => null);
      if (left && Date.now() - left.mtimeMs > LEASE) await fs.rm(broom, { force: true });
      if (!(await this.#create(broom))) return false;
      try {
        if (!(await this.#isStale())) return false;
        await fs.rm(this.file, { force: true });
        if (!(await this.#create(this.file))) return false;
      } finally {
        await fs.rm(broom, { force: true });
      }
    }
    this.#renewal = setInterval(() => this.#renew().catch(() => {}), LEASE / 5);
    this.#renewal.unref();
    return true;
  }

  /** @param {string} file @returns {Promise<boolean>} false where it is there already */
  async #create(file) {
    try {
      await builtin("fs").promises.writeFile(file, this.#text(), { flag: "wx" });
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      return false;
    }
  }

  async #renew() {
    const { promises: fs, constants } = builtin("fs");
    await this.check();
    const handle = await fs.open(this.file, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
    await handle.write(this.#text(), 0);
    await handle.close();
  }

  /** Fails where the lock went to another, while this process slept. */
  async check() {
    if (!(await this.#read()).endsWith(this.token)) throw new Error("another process has taken over");
  }

  async release() {
    if (!this.#renewal) return;
    clearInterval(this.#renewal);
    this.#renewal = null;
    await this.check();
    await builtin("fs").promises.rm(this.file, { force: true });
  }
}

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
