// What the worker does: reads files of this machine or Blobs at any place, and holds one tensor at a time.

import { convert } from "../convert/index.js";
import { openFile } from "../convert/open-file.js";

/**
 * @typedef {object} ConvertJob
 * @property {[string, import("../cache-entry.js").Content][]} files
 * @property {string[]} [source] languages, where the files may not tell them
 * @property {string[]} [target]
 * @property {Record<string, string>} general what the checkpoint says of itself
 */

/**
 * @typedef {object} How
 * @property {(bytes: Uint8Array) => Promise<void>} write is awaited; must not keep the bytes
 * @property {(done: number, total: number) => void} onProgress
 * @property {AbortSignal} [signal]
 */

/**
 * @param {ConvertJob} job
 * @param {How} how
 */
export async function runConversion({ files, source, target, general }, { write, onProgress, signal }) {
  /** @type {Awaited<ReturnType<typeof openFile>>[]} */
  const open = [];
  try {
    /** @type {[string, import("../convert/index.js").FileLike][]} */
    const contents = [];
    for (const [name, content] of files) {
      if (!("path" in content)) contents.push([name, content]);
      else {
        const file = await openFile(content.path);
        open.push(file);
        contents.push([name, file]);
      }
    }
    await convert(contents, { source, target, general, write, onProgress, signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (/** @type {Error} */ (error).name !== "ConvertError") throw error;
    throw Object.assign(new Error(/** @type {Error} */ (error).message), { name: "DataError" });
  } finally {
    for (const file of open) await file.close();
  }
}
