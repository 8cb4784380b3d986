// Where the files of the package are that it cannot import: the WebAssembly builds, the worker, and the parts that are
// loaded on demand (chunks.js). Each is a literal
// `new URL("…", import.meta.url)` in a method, which bundlers and the tracers of servers recognise. The one-file build
// takes inline/files.js in place of this module.

import { builtin, importingWorker } from "./platform.js";

/** The builds, by name. */
export const wasmFiles = {
  simd128() {
    return new URL("../../dist/glossa-simd128.wasm", import.meta.url);
  },
  relaxed() {
    return new URL("../../dist/glossa-relaxed.wasm", import.meta.url);
  },
  /** Of the lab, for what is learnt from corrections. */
  lab() {
    return new URL("../../dist/glossa-lab.wasm", import.meta.url);
  },
};

/** The parts that are loaded on demand, by name. */
export const chunkFiles = {
  engine() {
    return new URL("../../dist/engine.js", import.meta.url);
  },
  html() {
    return new URL("../../dist/html.js", import.meta.url);
  },
  messages() {
    return new URL("../../dist/messages.js", import.meta.url);
  },
  registry() {
    return new URL("../../dist/registry.js", import.meta.url);
  },
  converter() {
    return new URL("../../dist/converter.js", import.meta.url);
  },
  learn() {
    return new URL("../../dist/learn.js", import.meta.url);
  },
  catalogue() {
    return new URL("../../dist/catalogue.js", import.meta.url);
  },
  zstd() {
    return new URL("../../dist/zstd.js", import.meta.url);
  },
  node() {
    return new URL("../../dist/node.js", import.meta.url);
  },
};

/** Evaluates a part. @param {string} href @returns {Promise<unknown>} */
export const importFile = (href) =>
  import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ href);

/**
 * What a caller who names no WebAssembly files hands to an engine: nothing, it finds them itself.
 * @returns {import("./types.js").WasmSources}
 */
export const wasmSources = () => ({});

/** The repository's list of models, for Node. Not a literal in `new URL`: no bundler shall bring it to pages. */
export function ownManifestPlace() {
  const here = import.meta.url;
  return new URL("../../models/manifest.json", here);
}

/** Why the files may not be where they are looked for, and what helps; empty where nothing is known. */
export const misplaced = () =>
  /\/\.vite\/deps\//.test(String(import.meta.url))
    ? 'Vite\'s dependency optimizer has moved the package away from its files: set optimizeDeps: { exclude: ["glossa"] } in vite.config.js.'
    : "";

/** A worker of a page. From another origin than the page's it comes through a blob. */
export function ownWorker() {
  const { protocol, origin } = new URL(import.meta.url);
  const foreign = /^https?:$/.test(protocol) && globalThis.location && origin !== globalThis.location.origin;
  if (foreign) return importingWorker(String(new URL("./worker.js", import.meta.url)));
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
}

/** A worker thread of Node. */
export function ownThread() {
  return new (builtin("worker_threads").Worker)(new URL("./worker.js", import.meta.url));
}
