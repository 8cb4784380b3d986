// Models that were converted on this machine, or in this browser, and are kept: what the second start takes, asking nobody.

import { CACHE_SCHEME, listRecords, openEntry } from "../model-cache.js";
import { builtin, toUTF8 } from "../platform.js";
import { digestOf, sha256 } from "../sha256.js";
import { CONVERTER } from "./version.js";

/** @typedef {import("./types.js").About} About */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */
/** @typedef {import("./types.js").RemoteFile} RemoteFile */
/** @typedef {import("../cache-entry.js").CacheRecord} CacheRecord */
/** @typedef {import("../cache-entry.js").Content} Content */
/** @typedef {CacheRecord & {about: About}} KeptRecord */

/** @returns {Promise<KeptRecord[]>} */
export async function keptModels() {
  const records = await listRecords();
  return /** @type {KeptRecord[]} */ (records.filter(isKeptModel));
}

/** @param {CacheRecord} record */
export function isKeptModel({ complete, url, about }) {
  return (
    complete &&
    typeof url === "string" &&
    url.startsWith(CACHE_SCHEME) &&
    about?.part === "model" &&
    ["registry", "id", "version", "variant", "licence", "origin", "hash"].every(
      (key) => typeof about[key] === "string",
    ) &&
    [about.source, about.target].every((tags) => [tags].flat().every((tag) => typeof tag === "string")) &&
    Array.isArray(about.chosen)
  );
}

/**
 * @param {KeptRecord} record
 * @returns {RegistryModel & {record: KeptRecord}}
 */
export function modelOfKept(record) {
  const { part: _, chosen, converter, hash, fetched, ...facts } = record.about;
  return { ...facts, downloadBytes: 0, diskBytes: record.bytes, record };
}

/**
 * Removes the files that a kept model was made of, also where the process that loaded them ended before it was made.
 * @param {string} url of the kept model
 * @param {CacheRecord[]} records all that the cache has
 */
export async function forgetSources(url, records) {
  for (const record of records) {
    if (record.about?.for !== url) continue;
    const { entry } = await openEntry(record.url);
    if (await entry?.claim()) await entry?.remove();
    await entry?.close();
  }
}

/** What tells one version of a file from another. @param {RemoteFile} file */
export const sumOf = ({ unpackedSha256, sha256, gitSha1 }) => unpackedSha256 ?? sha256 ?? gitSha1 ?? "";

/** One sum of all files of a model. @param {RegistryModel} model */
export function hashOf({ files = [] }) {
  const hash = sha256();
  for (const line of files.map((file) => `${file.name} ${sumOf(file)}\n`).sort()) hash.update(toUTF8(line));
  return hash.digest();
}

/** Where a model is kept: by its source and by what converts it. @param {RegistryModel} model */
export function keptURL(model) {
  const id = model.id.replace(/@.*/, "").replace(/[^\w./-]/g, "_");
  return `${CACHE_SCHEME}${model.registry}/${id}/${hashOf(model).slice(0, 16)}-${CONVERTER}`;
}

/**
 * A checkpoint that is kept and whole.
 * @param {KeptRecord} kept
 * @returns {Promise<Content | null>} null where it is damaged, and then it is gone
 */
export async function openKept(kept) {
  const { entry } = await openEntry(kept.url);
  if (!entry) return null;
  try {
    if (entry.record?.complete) {
      const content = await entry.content();
      if (await isWhole(content, kept)) return content;
      if (await entry.claim()) await entry.remove();
    }
    return null;
  } finally {
    await entry.close().catch(() => {});
  }
}

/**
 * @param {Content} content
 * @param {import("../cache-entry.js").CacheRecord} record
 */
export async function isWhole(content, { bytes, sha256: sum }) {
  if (!("path" in content)) {
    if (content.size !== bytes) return false;
    return !globalThis.crypto?.subtle || (await digestOf(await content.arrayBuffer())) === sum;
  }
  const hash = sha256();
  try {
    for await (const chunk of builtin("fs").createReadStream(content.path, { highWaterMark: 1 << 20 }))
      hash.update(chunk);
  } catch {
    return false;
  }
  return hash.digest() === sum;
}
