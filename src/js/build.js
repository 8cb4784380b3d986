// Which WebAssembly build runs: the relaxed one where it gives the right numbers, else the SIMD128 one.

import { Core, instantiate } from "./core.js";
import { makeError } from "./errors.js";
import { isURL, readKept, toURL } from "./platform.js";

/** @typedef {import("./types.js").BuildChoice} BuildChoice */
/** @typedef {import("./types.js").WasmSource} WasmSource */
/** @typedef {"simd128" | "relaxed"} Build */

/** Literal URLs, so that bundlers find the files. */
const FILES = {
  simd128: () => new URL("../../dist/glossa-simd128.wasm", import.meta.url),
  relaxed: () => new URL("../../dist/glossa-relaxed.wasm", import.meta.url),
};

/** (func (export "dot") (param i32 i32 i32) (result i32)): lane 3 of the relaxed dot product of three splats. */
const RELAXED_DOT = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 127, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 100, 111, 116, 0, 0, 10,
  22, 1, 20, 0, 32, 0, 253, 17, 32, 1, 253, 17, 32, 2, 253, 17, 253, 147, 2, 253, 27, 3, 11,
]);

/** (func (result v128) (v128.const 0)): the least that SIMD needs. */
const SIMD128 = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 11,
]);

/** Bytes -128..127, bytes 0..127, an addend; the exact dot product of them is what the engine relies on. */
const DOT_CASES = [
  [[127, 127, 127, 127], [127, 127, 127, 127], 0],
  [[-128, -128, -128, -128], [127, 127, 127, 127], -1],
  [[-1, 2, -3, 4], [127, 126, 64, 1], 1000],
  [[100, -100, 127, -127], [1, 2, 127, 126], -70000],
];

/** @param {number[]} bytes */
const pack = (bytes) => new Int32Array(new Int8Array(bytes).buffer)[0];

/** Whether relaxed dot products are there and exact: some engines accept them and compute something else. */
export function relaxedDotWorks() {
  if (!WebAssembly.validate(RELAXED_DOT)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(RELAXED_DOT));
  const dot = /** @type {(a: number, b: number, c: number) => number} */ (exports.dot);
  for (const [a, b, c] of /** @type {[number[], number[], number][]} */ (DOT_CASES)) {
    const expected = a.reduce((sum, value, i) => sum + value * b[i], c);
    if (dot(pack(a), pack(b), c) !== expected) return false;
  }
  return true;
}

/**
 * @param {Build} build
 * @param {WasmSource} [source]
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(build, source = FILES[build]()) {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== "string" && !isURL(source)) return WebAssembly.compile(/** @type {BufferSource} */ (source));
  const url = toURL(source);
  try {
    return await WebAssembly.compile(await readKept(url));
  } catch (error) {
    if (/Content Security Policy|unsafe-eval/i.test(String(error)))
      throw makeError(
        "NotSupportedError",
        "The page's Content Security Policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src.",
      );
    throw makeError(
      "NetworkError",
      `The WebAssembly file could not be loaded from ${url.href} (${/** @type {Error} */ (error).message}). Build it, or serve it there, or name its place with the option "wasm".`,
    );
  }
}

/**
 * An instance of the wanted build that has passed its self-test.
 * @param {BuildChoice} [wanted]
 * @param {import("./types.js").WasmSources} [sources]
 * @returns {Promise<{build: Build, core: Core}>}
 */
export async function openCore(wanted = "auto", sources = {}) {
  if (!["auto", "simd128", "relaxed"].includes(wanted))
    throw makeError("TypeError", `The option "build" is "${wanted}"; it can be "auto", "simd128" or "relaxed".`);
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD128))
    throw makeError("NotSupportedError", "This browser lacks WebAssembly with SIMD; use a version from 2021 or later.");
  if (wanted !== "simd128") {
    if (relaxedDotWorks()) {
      const core = new Core(await instantiate(await compile("relaxed", sources.relaxed)));
      if (core.checkKernels() === 0) return { build: "relaxed", core };
      core.close();
    }
    if (wanted === "relaxed")
      throw makeError(
        "NotSupportedError",
        'This machine has no relaxed SIMD, or computes it wrongly; use build "auto" or "simd128".',
      );
  }
  const core = new Core(await instantiate(await compile("simd128", sources.simd128)));
  const verb = core.checkKernels();
  if (verb) throw makeError("NotSupportedError", `WebAssembly SIMD computes wrongly on this machine (kernel ${verb}).`);
  return { build: "simd128", core };
}
