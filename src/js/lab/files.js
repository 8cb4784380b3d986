// Where the lab's files are that it cannot import, as literals that bundlers recognise.

import { builtin, importingWorker } from "../platform.js";

export const labWasm = () => new URL("../../../dist/glossa-lab.wasm", import.meta.url);

/** A worker of a page. From another origin than the page's it comes through a blob. */
export function labWorker() {
  const { protocol, origin } = new URL(import.meta.url);
  const foreign = /^https?:$/.test(protocol) && globalThis.location && origin !== globalThis.location.origin;
  if (foreign) return importingWorker(String(new URL("./lab-worker.js", import.meta.url)));
  return new Worker(new URL("./lab-worker.js", import.meta.url), { type: "module" });
}

/** A worker thread of Node. */
export function labThread() {
  return new (builtin("worker_threads").Worker)(new URL("./lab-worker.js", import.meta.url));
}
