// A checkpoint to look into, wherever it is.

import { openEntry } from "../model-cache.js";
import { builtin, isNode, isURL, toURL } from "../platform.js";
import { ConvertError } from "./errors.js";
import { SourceFile } from "./file.js";
import { GgufFile } from "./gguf-reader.js";
import { openFile } from "./open-file.js";

/** What a server is asked for first: most often all that is before the tensors. */
const FIRST_BYTES = 1 << 20;

/**
 * Opens a checkpoint and reads its directory: `keys` and `tensors`. The tensors are read when they are asked for, by ranges.
 *
 *     const checkpoint = await openCheckpoint("/models/en-de.gguf");
 *     checkpoint.get("general.license");
 *     const rows = await checkpoint.floats("token_embd.weight", { from: 10, to: 12 }); // [2, width]
 * @param {import("./file.js").FileLike | string | URL} source bytes, a Blob, an object that reads ranges, or an address (in
 *     Node also a path): of what a translator has downloaded the kept copy is read, else ranges where the server gives them
 * @param {{name?: string, signal?: AbortSignal}} [options] `name`: for messages
 * @returns {Promise<GgufFile>} to be closed where it may hold an open file
 */
export async function openCheckpoint(source, { name, signal } = {}) {
  const located = typeof source === "string" || isURL(source);
  const url = located ? toURL(source) : null;
  const content = url ? await openURL(url, signal) : /** @type {import("./file.js").FileLike} */ (source);
  const file = new SourceFile(
    name ?? (url ? (url.pathname.split("/").at(-1) ?? "") : "the checkpoint"),
    content,
    signal,
  );
  try {
    return await GgufFile.open(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * @param {URL} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./file.js").FileLike>}
 */
async function openURL(url, signal) {
  if (isNode && url.protocol === "file:") return openFile(builtin("url").fileURLToPath(url));
  const { entry } = await openEntry(url.href);
  try {
    if (entry?.record?.complete) {
      const kept = await entry.content();
      return kept instanceof Blob ? kept : await openFile(kept.path);
    }
  } finally {
    await entry?.close();
  }
  return openRanges(url, signal);
}

/**
 * @param {URL} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./file.js").FileLike>} all of it where the server gives no ranges, or hides how long it is
 */
async function openRanges(url, signal) {
  const ask = async (/** @type {number} */ from, /** @type {number} */ to) => {
    const response = await fetch(url, { headers: { range: `bytes=${from}-${to - 1}` }, signal });
    if (!response.ok) throw new ConvertError(`${url.href} cannot be read: HTTP status ${response.status}`);
    return response;
  };
  let response = await ask(0, FIRST_BYTES);
  const size = Number(/^bytes 0-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]);
  if (response.status !== 206) return response.blob();
  if (!size) {
    await response.body?.cancel();
    response = await fetch(url, { signal });
    if (!response.ok) throw new ConvertError(`${url.href} cannot be read: HTTP status ${response.status}`);
    return response.blob();
  }
  const version = response.headers.get("etag");
  const first = new Uint8Array(await response.arrayBuffer());
  return {
    size,
    async read(offset, length) {
      if (offset + length <= first.length) return first.subarray(offset, offset + length);
      const part = await ask(offset, offset + length);
      if (part.status !== 206 || part.headers.get("etag") !== version)
        throw new ConvertError(`${url.href} changed while it was read`);
      return new Uint8Array(await part.arrayBuffer());
    },
  };
}
