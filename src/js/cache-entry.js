// One model in the cache, and what is known of it: the same in every store.

import { toUTF8 } from "./platform.js";
import { sha256 } from "./sha256.js";

/**
 * What is known of a stored model.
 * @typedef {object} CacheRecord
 * @property {string} url
 * @property {number} bytes of the whole model; 0 if the server did not tell
 * @property {string} etag what the server called this version; empty if it did not
 * @property {string} sha256 empty until the download is complete
 * @property {boolean} complete
 * @property {any} [about] what a registry keeps beside it: registry/types.js
 */

/**
 * One model in the store.
 * @typedef {object} CacheEntry
 * @property {CacheRecord | null} record
 * @property {() => AsyncIterable<Uint8Array>} read what is stored of it
 * @property {() => Promise<Content>} content all of a complete one, for reading at any place
 * @property {(chunk: Uint8Array) => Promise<void>} append
 * @property {(record: CacheRecord) => Promise<void>} save writes what append still holds, then the record
 * @property {(record: CacheRecord) => Promise<void>} note writes the record alone
 * @property {() => Promise<void>} remove
 * @property {() => Promise<boolean>} claim takes the right to write, which whoever opens an incomplete one has already;
 *     false where somebody else has it
 * @property {() => Promise<void>} close gives up the right to write
 */

/**
 * Bytes that lie somewhere: a file of this machine, or what a browser keeps.
 * @typedef {{path: string} | Blob} Content
 */

/**
 * @typedef {object} Store
 * @property {(url: string) => Promise<CacheEntry | null>} open null where somebody else is writing this model now
 * @property {() => Promise<CacheRecord[]>} list
 */

/** Bytes that are read or kept at a time. */
export const PIECE = 1 << 20;

/** @param {string} url */
export function keyOf(url) {
  const hash = sha256();
  hash.update(toUTF8(url));
  return hash.digest().slice(0, 32);
}

/**
 * @param {unknown} value
 * @param {string} [url]
 * @returns {CacheRecord | null}
 */
export function checkRecord(value, url) {
  const record = /** @type {CacheRecord} */ (value ?? {});
  const texts = [record.url, record.etag, record.sha256].every((text) => typeof text === "string");
  const right = texts && Number.isSafeInteger(record.bytes) && record.bytes >= 0 && (url ?? record.url) === record.url;
  return right && typeof record.complete === "boolean" ? record : null;
}
