// Parts of the package that are downloaded only when they are asked for. Each is one file in dist/ without imports of its
// own, found by a literal `new URL("…", import.meta.url)` (own-files.js) and imported by that address, which every
// bundler takes for an asset. A literal `import("…")` would not do: bundlers refuse it in scripts that must be one file,
// such as a worker in Vite's default format. Only the caller's side imports: an engine's worker may have no base that
// addresses are relative to. Where nothing can be imported (service workers), the caller imports the chunk by its name in
// the package, and it is found here.

import { makeError } from "./errors.js";
import { chunkFiles, importFile, misplaced } from "./own-files.js";

/**
 * What each chunk exports.
 * @typedef {object} Chunks
 * @property {Pick<typeof import("./host.js"), "Host">} engine
 * @property {typeof import("./html.js")} html
 * @property {typeof import("./messages.js")} messages
 * @property {typeof import("./registry/part.js")} registry
 * @property {Pick<typeof import("./registry/converter.js"), "obtain">} converter
 * @property {typeof import("./learn/part.js")} learn
 * @property {typeof import("./registry/facts.js")} catalogue
 * @property {Pick<typeof import("./registry/zstd.js"), "Decompress">} zstd
 * @property {typeof import("./registry/node.js")} node
 * @property {typeof import("./cache-folder.js")} folder no file of its own: what the package lends its parts in Node
 */

/** Chunks that were evaluated in this realm, by name: those whose exports a bundler hid, and those imported by name. */
const SHELF = Symbol.for("glossa.chunks");

/** @returns {Partial<Chunks>} */
function shelf() {
  const realm = /** @type {Record<symbol, Partial<Chunks>>} */ (/** @type {unknown} */ (globalThis));
  realm[SHELF] ??= {};
  return realm[SHELF];
}

/**
 * Called by a chunk when it is evaluated.
 * @template {keyof Chunks} K
 * @param {K} name
 * @param {Chunks[K]} exports
 */
export function shelve(name, exports) {
  shelf()[name] = exports;
}

/**
 * What is there already.
 * @template {keyof Chunks} K
 * @param {K} name
 * @returns {Chunks[K] | undefined}
 */
export const shelved = (name) => shelf()[name];

/**
 * @template {Exclude<keyof Chunks, "folder">} K
 * @param {K} name
 * @returns {Promise<Chunks[K]>}
 */
export async function loadChunk(name) {
  if (!shelf()[name]) {
    let href = "its place, which is not known here";
    try {
      ({ href } = chunkFiles[name]());
      await importFile(href);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const advice =
        misplaced() || `Serve the package's file dist/${name}.js there, or add import "glossa/${name}" to your script.`;
      throw makeError("NetworkError", `A part of the package could not be loaded from ${href} (${reason}). ${advice}`);
    }
  }
  return /** @type {Chunks[K]} */ (shelf()[name]);
}
