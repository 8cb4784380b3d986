// Which WebAssembly builds this Node can run, the relaxed one from version 22 on, and the engine of a build.

import { openCore as open } from "../../src/js/build.js";
import { wasmFiles } from "../../src/js/own-files.js";

const RELAXED_PROBE = new Uint8Array([
  // (func (param v128 v128) (result v128) local.get 0 local.get 1 i16x8.relaxed_dot_i8x16_i7x16_s)
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 123, 123, 1, 123, 3, 2, 1, 0, 10, 11, 1, 9, 0, 32, 0, 32, 1, 253, 146, 2,
  11,
]);

export const RELAXED = WebAssembly.validate(RELAXED_PROBE);
/** @type {("simd128" | "relaxed")[]} */
export const BUILDS = RELAXED ? ["simd128", "relaxed"] : ["simd128"];

/** @param {import("../../src/js/types.js").BuildChoice} [build] @param {import("../../src/js/types.js").WasmSources} [sources] */
export const openCore = (build, sources) => open(wasmFiles, build, sources);
