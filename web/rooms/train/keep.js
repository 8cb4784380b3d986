// What this browser keeps of the last training, so that a reload can go on with it.

const NAME = "glossa-train";

/**
 * @typedef {object} Kept
 * @property {string} query the settings, as the address has them
 * @property {string} pairs
 * @property {(Awaited<ReturnType<import("./run.js").Run["saved"]>>)[]} runs A, and B where there are two
 */

/** @returns {Promise<IDBDatabase>} */
const open = () =>
  new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("last");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });

/**
 * @template T
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} what
 * @returns {Promise<T | undefined>} nothing where the browser keeps nothing
 */
async function within(mode, what) {
  try {
    const database = await open();
    try {
      return await new Promise((done, fail) => {
        const asked = what(database.transaction("last", mode).objectStore("last"));
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
      });
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

/** @param {Kept} what */
export const keep = (what) => within("readwrite", (store) => store.put(what, "last"));
/** @returns {Promise<Kept | undefined>} */
export const kept = () => within("readonly", (store) => store.get("last"));
export const forget = () => within("readwrite", (store) => store.delete("last"));
