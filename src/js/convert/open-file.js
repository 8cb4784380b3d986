// A file on disk, read in ranges: in Node.

import { builtin } from "../platform.js";

/**
 * @typedef {import("./file.js").RandomAccess & { name: string, close(): Promise<void> }} OpenFile
 */

/**
 * @param {string} path
 * @returns {Promise<OpenFile>}
 */
export async function openFile(path) {
  const handle = await builtin("fs").promises.open(path);
  return {
    name: builtin("path").basename(path),
    size: (await handle.stat()).size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let used = 0;
      while (used < length) {
        const { bytesRead } = await handle.read(bytes, used, length - used, offset + used);
        if (bytesRead === 0) break;
        used += bytesRead;
      }
      return bytes.subarray(0, used);
    },
    close: () => handle.close(),
  };
}
