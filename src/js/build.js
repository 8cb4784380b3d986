// Which WebAssembly build runs: the relaxed one where it gives the right numbers, else the SIMD128 one.

import { Core, instantiate } from "./core.js";
import { makeError } from "./errors.js";
import { kindOf } from "./file-kind.js";
import { misplaced } from "./own-files.js";
import { isURL, readKept, toURL } from "./platform.js";

/** @typedef {import("./types.js").BuildChoice} BuildChoice */
/** @typedef {import("./types.js").WasmSource} WasmSource */
/** @typedef {"simd128" | "relaxed"} Build */

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

/**
 * Compiles a few bytes at once.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {WebAssembly.Module | null} null where the place forbids to compile: a policy, or the host of a server
 */
function compileProbe(bytes) {
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    return null;
  }
}

/** Whether relaxed dot products are there and exact: some engines accept them and compute something else. */
export function relaxedDotWorks() {
  const module = WebAssembly.validate(RELAXED_DOT) && compileProbe(RELAXED_DOT);
  if (!module) return false;
  const { exports } = new WebAssembly.Instance(module);
  const dot = /** @type {(a: number, b: number, c: number) => number} */ (exports.dot);
  for (const [a, b, c] of /** @type {[number[], number[], number][]} */ (DOT_CASES)) {
    const expected = a.reduce((sum, value, i) => sum + value * b[i], c);
    if (dot(pack(a), pack(b), c) !== expected) return false;
  }
  return true;
}

/** @param {unknown} source @returns {source is WebAssembly.Module} also one of another realm */
const isModule = (source) => Object.prototype.toString.call(source) === "[object WebAssembly.Module]";

/** @param {Uint8Array} bytes */
function checkWasm(bytes) {
  if (!String.fromCharCode(...bytes.subarray(0, 4)).endsWith("\0asm")) throw new Error(kindOf(bytes));
}

/**
 * @param {WasmSource} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  if (isModule(source)) return source;
  if (!compileProbe(SIMD128))
    throw makeError(
      "NotSupportedError",
      "WebAssembly may not be compiled here. In a page, its Content Security Policy forbids it: add 'wasm-unsafe-eval' to script-src. On a server that compiles beforehand, import the two .wasm files and pass the modules as the option \"wasm\".",
    );
  if (typeof source !== "string" && !isURL(source)) return WebAssembly.compile(/** @type {BufferSource} */ (source));
  const url = toURL(source);
  try {
    return await WebAssembly.compile(await readKept(url, checkWasm));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    const advice =
      misplaced() ||
      'Build it, or serve it there, or name its place with the option "wasm"; or import "glossa/inline", which has it inside.';
    throw makeError(
      "NetworkError",
      `The WebAssembly file could not be loaded from ${url.href} (${message}). ${advice}`,
    );
  }
}

/** @typedef {Record<Build, () => URL | null>} WasmFiles where the builds are; null: there is no such file */

/**
 * @param {Build} build
 * @param {import("./types.js").WasmSources} sources
 * @param {WasmFiles} files
 * @returns {WasmSource | null} null where there is no such file
 */
function sourceOf(build, sources, files) {
  if (sources[build]) return sources[build];
  try {
    return files[build]();
  } catch (error) {
    throw makeError(
      "NetworkError",
      `The package's WebAssembly files cannot be found from here (${/** @type {Error} */ (error).message}): name their places with the option "wasm", or import "glossa/inline", which has them inside.`,
    );
  }
}

/**
 * An instance of the wanted build that has passed its self-test.
 * @param {WasmFiles} files
 * @param {BuildChoice} [wanted]
 * @param {import("./types.js").WasmSources} [sources] in place of the files
 * @returns {Promise<{build: Build, core: Core}>}
 */
export async function openCore(files, wanted = "auto", sources = {}) {
  if (!["auto", "simd128", "relaxed"].includes(wanted))
    throw makeError("TypeError", `The option "build" is "${wanted}"; it can be "auto", "simd128" or "relaxed".`);
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD128))
    throw makeError("NotSupportedError", "This browser lacks WebAssembly with SIMD; use a version from 2021 or later.");
  if (wanted !== "simd128") {
    // A module has been compiled already, maybe where nothing may be compiled: its own self-test is the only one.
    const relaxed = isModule(sources.relaxed) || relaxedDotWorks() ? sourceOf("relaxed", sources, files) : null;
    if (relaxed) {
      const core = new Core(await instantiate(await compile(relaxed)));
      if (core.checkKernels() === 0) return { build: "relaxed", core };
      core.close();
    }
    if (wanted === "relaxed")
      throw makeError(
        "NotSupportedError",
        'This machine has no relaxed SIMD, or computes it wrongly, or the relaxed build is not at hand; use build "auto" or "simd128".',
      );
  }
  const core = new Core(
    await instantiate(await compile(/** @type {WasmSource} */ (sourceOf("simd128", sources, files)))),
  );
  const verb = core.checkKernels();
  if (verb) throw makeError("NotSupportedError", `WebAssembly SIMD computes wrongly on this machine (kernel ${verb}).`);
  return { build: "simd128", core };
}
