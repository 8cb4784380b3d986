// The way of a model: from its files at home to the checkpoint in the cache, once, whoever else wants it at the same time.

import { makeError } from "../errors.js";
import { cacheFolder } from "../cache-folder.js";
import { listRecords } from "../model-cache.js";
import { builtin, isNode } from "../platform.js";
import { sha256 } from "../sha256.js";
import { convertFiles } from "./converting.js";
import { fetchFile, openWaiting, storageError } from "./download.js";
import { dataError } from "./errors.js";
import { forgetSources, hashOf, isWhole, keptURL } from "./kept.js";
import { CONVERTER } from "./version.js";

/** @typedef {import("../cache-entry.js").CacheEntry} CacheEntry */
/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */

/** Which part of the whole way is loading; the rest is converting. */
const LOADING = 0.9;

/**
 * A model's checkpoint, from the cache or from its home.
 * @param {Context} context
 * @param {RegistryModel} model with its files
 * @param {{token?: string, variant: string, onProgress: (fraction: number) => void}} how
 * @returns {Promise<{content: import("../cache-entry.js").Content, url: string, bytes: number}>}
 */
export async function obtain(context, model, { token, variant, onProgress }) {
  const url = keptURL(model);
  /** @type {unknown} */
  let failure;
  for (let attempt = 0; attempt < 2; attempt++) {
    const entry = await openWaiting(context, url, () => true);
    try {
      const made = !entry.record?.complete;
      if (made) {
        await entry.remove(); // what an earlier conversion left
        await makeRoom(context, model);
        await make(context, model, entry, { url, token, variant, onProgress });
      }
      const record = /** @type {import("../cache-entry.js").CacheRecord} */ (entry.record);
      const content = await entry.content();
      if (made || (await isWhole(content, record))) return { content, url, bytes: record.bytes };
      failure = dataError(`The kept model ${url} is damaged.`);
      if (await entry.claim()) await entry.remove();
    } catch (error) {
      if (!entry.record?.complete) await entry.remove().catch(() => {}); // what of it was written
      throw error;
    } finally {
      await entry.close().catch(() => {});
    }
  }
  throw failure;
}

/**
 * @param {Context} context
 * @param {RegistryModel} model
 * @param {CacheEntry} entry
 * @param {{url: string, token?: string, variant: string, onProgress: (fraction: number) => void}} how
 */
async function make(context, model, entry, { url, token, variant, onProgress }) {
  const files = model.files ?? [];
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  /** @type {CacheEntry[]} */
  const sources = [];
  const close = () => Promise.allSettled(sources.map((source) => source.close()));
  try {
    let before = 0;
    for (const file of files) {
      const start = before;
      const part = await fetchFile({ ...context, making: url }, file, token, (loaded) =>
        onProgress((LOADING * (start + Math.min(loaded, file.bytes))) / total),
      );
      sources.push(part);
      before += file.bytes;
    }
    /** @type {[string, import("../cache-entry.js").Content][]} */
    const contents = [];
    for (const [i, source] of sources.entries()) contents.push([files[i].name, await source.content()]);
    const hash = sha256();
    let bytes = 0;
    const languages = (/** @type {string | string[]} */ tags) =>
      [tags].flat().includes("und") ? undefined : [tags].flat();
    try {
      await convertFiles(
        context,
        {
          files: contents,
          source: languages(model.source),
          target: languages(model.target),
          general: {
            name: `${model.registry} ${model.id}`,
            license: model.licence,
            url: model.origin,
            ...(model.version && { version: model.version }),
          },
        },
        async (chunk) => {
          hash.update(chunk);
          bytes += chunk.length;
          await entry.append(chunk);
        },
        (done, all) => onProgress(LOADING + (1 - LOADING) * (done / all)),
      );
    } catch (error) {
      context.signal?.throwIfAborted();
      if (/** @type {Error} */ (error).name !== "DataError") throw error;
      // What has the right sums and cannot be read is no use for another attempt.
      for (const source of sources) await source.remove().catch(() => {});
      throw dataError(
        `The model ${model.id} of ${model.registry} cannot be converted: ${/** @type {Error} */ (error).message}`,
      );
    }
    /** @type {import("./types.js").About} */
    const about = {
      part: "model",
      registry: model.registry,
      id: model.id,
      source: model.source,
      target: model.target,
      version: model.version,
      variant: model.variant,
      chosen: [variant],
      licence: model.licence,
      origin: model.origin,
      converter: CONVERTER,
      hash: hashOf(model),
      fetched: new Date(context.now()).toISOString(),
      quality: model.quality,
    };
    await entry.save({ url, bytes, etag: "", sha256: hash.digest(), complete: true, about });
    await close();
    await forgetSources(url, await listRecords()); // also those that another process left
  } catch (error) {
    throw storageError(error, { url, bytes: total, size: model.diskBytes });
  } finally {
    await close();
  }
}

/**
 * Fails before anything is loaded where there is no room for the files and what they become.
 * @param {Context} context
 * @param {RegistryModel} model
 */
async function makeRoom({ cache }, { id, registry, downloadBytes, diskBytes, files = [] }) {
  if (!cache) return;
  const unpacked = files.reduce((sum, { size = 0, bytes }) => sum + (size > bytes ? size : 0), 0);
  const needed = downloadBytes + unpacked + diskBytes;
  const free = await freeBytes().catch(() => Number.POSITIVE_INFINITY);
  if (needed <= free) return;
  throw makeError(
    "QuotaExceededError",
    `The model ${id} of ${registry} needs ${needed} bytes while it is made, and there are ${free}${isNode ? ` in ${cacheFolder()}` : " for this site"}. Free some, or remove models that you do not need.`,
    { quota: free, requested: needed },
  );
}

/** @returns {Promise<number>} */
async function freeBytes() {
  if (isNode) {
    const { bavail, bsize } = await builtin("fs").promises.statfs(cacheFolder());
    return bavail * bsize;
  }
  const { quota, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined ? Number.POSITIVE_INFINITY : quota - usage;
}
