// In place of own-files.js where everything is in one file: the simd128 build and the worker are text in it, which
// build.js puts there.

import { builtin, scriptWorker } from "../platform.js";

/** No build is a file. */
export const wasmFiles = { simd128: () => null, relaxed: () => null, lab: () => null };

/** No part is loaded on demand: `import "glossa/html"` and its like hand one over; the engine is inside. */
export const chunkFiles = {
  engine: () => new URL("glossa:engine"),
  html: () => new URL("glossa:html"),
  messages: () => new URL("glossa:messages"),
  registry: () => new URL("glossa:registry"),
  converter: () => new URL("glossa:converter"),
  learn: () => new URL("glossa:learn"),
  catalogue: () => new URL("glossa:catalogue"),
  zstd: () => new URL("glossa:zstd"),
  node: () => new URL("glossa:node"),
};

/** @returns {Promise<never>} */
export const importFile = () => Promise.reject(new Error("glossa/inline is one file, and loads no other"));

/** @type {Uint8Array<ArrayBuffer> | undefined} */
let simd128;

/** @returns {import("../types.js").WasmSources} */
export function wasmSources() {
  simd128 ??= Uint8Array.from(atob(GLOSSA_SIMD128), (digit) => digit.charCodeAt(0));
  return { simd128 };
}

export const ownManifestPlace = () => null;

export const misplaced = () => "";

export const ownWorker = () => scriptWorker(GLOSSA_WORKER);

export const ownThread = () => new (builtin("worker_threads").Worker)(GLOSSA_WORKER, { eval: true });
