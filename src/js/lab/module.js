// The lab's WebAssembly file, fetched and compiled.

import { makeError, shown } from "../errors.js";
import { isURL, readKept, toURL } from "../platform.js";
import { labWasm } from "./files.js";

/** @typedef {import("./types.js").LabOptions} LabOptions */

/** @param {LabOptions["wasm"]} [source] @returns {Promise<WebAssembly.Module>} */
async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof Uint8Array) return WebAssembly.compile(source);
  if (source !== undefined && typeof source !== "string" && !isURL(source))
    throw makeError("TypeError", `The option "wasm" is ${shown(source)}; it can be a URL, a path, bytes or a module.`);
  const url = toURL(source ?? labWasm());
  try {
    return await WebAssembly.compile(await readKept(url, () => {}));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw makeError(
      "NetworkError",
      `The lab's WebAssembly file could not be loaded from ${url.href} (${message}). Build it, or serve it there, or name its place with the option "wasm".`,
    );
  }
}

/** @type {Promise<WebAssembly.Module> | null} */
let own = null;

/** The lab's WebAssembly; its own is compiled once. @param {LabOptions["wasm"]} [source] */
export function moduleOf(source) {
  if (source !== undefined) return compile(source);
  own ??= compile().catch((error) => {
    own = null;
    throw error;
  });
  return own;
}
