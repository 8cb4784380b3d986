// The cache as a folder, in Node. In bundles for browsers no-folder.js stands in its place (package.json, "browser").

import { checkRecord, keyOf, PIECE } from "./cache-entry.js";
import { shelve } from "./chunks.js";
import { builtin } from "./platform.js";

/**
 * @typedef {import("./cache-entry.js").CacheRecord} CacheRecord
 * @typedef {import("./cache-entry.js").CacheEntry} CacheEntry
 * @typedef {import("./cache-entry.js").Store} Store
 */

/** @type {Store} */
export const folderStore = {
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
    const closeFile = async (/** @type {boolean} */ complete = false) => {
      if (complete) await handle?.sync(); // or a loss of power could leave a record of what is not there
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
      content: async () => ({ path: files.data }),
      async append(chunk) {
        // Others may write in this folder too: a link in it leads nowhere.
        const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = constants;
        handle ??= await fs.open(files.part, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
        await handle.appendFile(chunk);
      },
      async save(next) {
        await closeFile(next.complete);
        await lock.check();
        if (next.complete) await fs.rename(files.part, files.data);
        await entry.note(next);
      },
      async note(next) {
        await lock.check();
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

export function cacheFolder() {
  const { env } = /** @type {NodeJS.Process} */ (globalThis.process);
  const path = builtin("path");
  return env.GLOSSA_CACHE || path.join(env.XDG_CACHE_HOME || path.join(builtin("os").homedir(), ".cache"), "glossa");
}

/** Small documents beside the models, each written aside and renamed. */
export const folderDocuments = {
  /** @param {string} key */
  read: (key) => builtin("fs").promises.readFile(documentFile(key), "utf8"),
  /** @param {string} key @param {string} text */
  async write(key, text) {
    const fs = builtin("fs").promises;
    await fs.mkdir(cacheFolder(), { recursive: true });
    await sweep();
    const temporary = `${documentFile(key)}.${builtin("crypto").randomUUID()}`;
    try {
      await fs.writeFile(temporary, text, { flag: "wx" });
      await fs.rename(temporary, documentFile(key));
    } finally {
      await fs.rm(temporary, { force: true });
    }
  },
};

/** Puts away what processes that were killed had not yet renamed. */
async function sweep() {
  const fs = builtin("fs").promises;
  for (const name of await fs.readdir(cacheFolder())) {
    if (!/\.(json|catalogue)\.[\da-f-]{36}$/.test(name)) continue;
    const file = builtin("path").join(cacheFolder(), name);
    const facts = await fs.lstat(file).catch(() => null);
    if (facts && Date.now() - facts.mtimeMs > LEASE) await fs.rm(file, { force: true });
  }
}

/** @param {string} key */
const documentFile = (key) => builtin("path").join(cacheFolder(), `${key}.catalogue`);

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
    const facts = await builtin("fs")
      .promises.lstat(this.file)
      .catch(() => null);
    if (!facts) return false; // given back meanwhile
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
        if (await this.#isStale()) await fs.rm(this.file, { force: true });
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

shelve("folder", { folderStore, folderDocuments, cacheFolder });
