// Glossa in a page; chromium.js calls what stands on `globalThis.bench`.

import { Glossa } from "./glossa.js";

const glossa = new Glossa();
/** @param {string} url */
const bytesOf = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

const bench = {
  /** @param {{ model: string, build: "simd128" | "relaxed" }} options */
  load: async ({ model, build }) => glossa.load({ model: await bytesOf(model), build }),
  batch: (/** @type {import("./glossa.js").Job} */ job) => glossa.batch(job),
  singles: (/** @type {import("./glossa.js").Job} */ job) => glossa.singles(job),
  /** From bytes to the first translation. @param {{ model: string, wasm: string, build: "simd128" | "relaxed" }} options */
  async cold({ model: modelUrl, wasm: wasmUrl, build }) {
    const [model, wasm] = [await bytesOf(modelUrl), await bytesOf(wasmUrl)];
    const start = performance.now();
    await glossa.load({ model, wasm, build });
    await glossa.translate("Hello world.");
    return { ms: performance.now() - start };
  },
};

/** @typedef {typeof bench} PageBench */
Object.assign(globalThis, { bench });
