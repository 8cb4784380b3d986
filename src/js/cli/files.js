// Files that a command writes: never half, never over what is still read, and never through a link that others made.

import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { open, realpath, rename, rm, stat } from "node:fs/promises";

/** @param {string} file @param {NodeJS.ErrnoException} error */
export function fileError(file, { code, message }) {
  const reasons = /** @type {Record<string, string>} */ ({
    ENOENT: "there is no such file or folder",
    EACCES: "access is denied",
    EISDIR: "it is a folder",
    ENOSPC: "the disk is full",
  });
  return new Error(`${file}: ${reasons[code ?? ""] ?? message}`);
}

/**
 * Whether two paths lead to one file, through links or not.
 * @param {import("node:fs").Stats} a
 * @param {string} path that need not be there
 */
export async function isSameFile(a, path) {
  const b = await stat(path).catch(() => null);
  return b !== null && a.dev === b.dev && a.ino === b.ino;
}

/**
 * A new file beside the one that it is to replace, which stays as it is until then.
 * @param {string} path
 */
export async function openReplacement(path) {
  const there = await stat(path).catch(() => null);
  const target = there ? await realpath(path) : path; // a link stays a link
  const part = `${target}.${randomUUID().slice(0, 8)}.part`;
  const handle = await open(part, "wx", there ? there.mode & 0o777 : 0o666).catch((error) => {
    throw fileError(path, error);
  });
  const remove = () => rmSync(part, { force: true });
  const stop = () => {
    remove();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
  const end = () => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, stop);
  };
  return {
    handle,
    async commit() {
      await handle.close();
      await rename(part, target);
      end();
    },
    async discard() {
      await handle.close().catch(() => {});
      await rm(part, { force: true });
      end();
    },
  };
}

/**
 * Writes a file as a whole or not at all. What is no regular file, such as /dev/stdout, is written to as it is.
 * @template T
 * @param {string} path
 * @param {(write: (bytes: Uint8Array) => Promise<void>) => Promise<T>} produce
 * @returns {Promise<T>}
 */
export async function writeWhole(path, produce) {
  const there = await stat(path).catch(() => null);
  if (there && !there.isFile()) {
    const handle = await open(path, "w").catch((error) => {
      throw fileError(path, error);
    });
    try {
      return await produce(async (bytes) => void (await handle.writeFile(bytes)));
    } finally {
      await handle.close();
    }
  }
  const file = await openReplacement(path);
  try {
    const result = await produce(async (bytes) => void (await file.handle.writeFile(bytes)));
    await file.commit();
    return result;
  } catch (error) {
    await file.discard();
    throw error;
  }
}
