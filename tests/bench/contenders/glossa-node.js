// Glossa in Node.

import { readFileSync } from "node:fs";
import { Core, instantiate } from "../../../src/js/core.js";
import { Batcher } from "../../../src/js/batcher.js";
import { Glossa } from "./glossa.js";
import { memory, serve, timed } from "./serve.js";

const glossa = new Glossa();
/** @param {string} path */
const bytesOf = (path) => new Uint8Array(readFileSync(path));

/**
 * The engine itself, without the API around it.
 * @param {string} model
 * @param {string} wasm
 */
async function openEngine(model, wasm) {
  const core = new Core(await instantiate(await WebAssembly.compile(bytesOf(wasm))));
  const bytes = bytesOf(model);
  core.reserve(bytes.length);
  core.write(0, bytes);
  core.openModel();
  return new Batcher(core);
}

await serve({
  about: () => ({ runtime: `Node ${process.versions.node}` }),
  /** @param {{ model: string, build: "simd128" | "relaxed", pool?: number }} options */
  load: ({ model, build, pool }) => glossa.load({ model: bytesOf(model), build, pool }),
  batch: (job) => glossa.batch(job),
  singles: (job) => glossa.singles(job),
  count: ({ texts }) => glossa.count(texts),
  memory,
  /** From bytes to the first translation. @param {{ model: string, wasm: string, build: "simd128" | "relaxed" }} options */
  async cold({ model: path, wasm: wasmPath, build }) {
    const [model, wasm] = [bytesOf(path), bytesOf(wasmPath)];
    const { ms, cpu } = await timed(async () => {
      await glossa.load({ model, wasm, build });
      await glossa.translate("Hello world.");
    });
    return { ms, cpu };
  },
  /** After destroy() and a collection. Needs --expose-gc. */
  async released() {
    glossa.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { resident: process.memoryUsage.rss() };
  },
  /** Source token ids of each text, for engines that have no tokenizer. @param {{ model: string, wasm: string, texts: string[] }} options */
  async ids({ model, wasm, texts }) {
    const { core } = await openEngine(model, wasm);
    const ids = texts.map((text) => core.tokenize(text).map(({ id }) => id));
    core.close();
    return ids;
  },
  /**
   * Milliseconds by stage, from the engine's own clock.
   * @param {{ model: string, wasm: string, texts: string[], forced: boolean, size: number }} options `size`: sentences a batch
   */
  async profile({ model, wasm, texts, forced, size }) {
    const { core } = await openEngine(model, wasm);
    const counted = texts.map((text) => ({ text, tokens: core.countTokens(text) }));
    if (size > 1) counted.sort((a, b) => b.tokens - a.tokens);
    const stages = { tokenize: 0, encode: 0, decode: 0, output: 0 };
    let total = 0;
    for (let round = 0; round < 2; round++) {
      const start = performance.now();
      Object.assign(stages, { tokenize: 0, encode: 0, decode: 0, output: 0 });
      for (let at = 0; at < counted.length; at += size) {
        const part = counted.slice(at, at + size);
        core.begin(
          part.map(({ text }) => text),
          forced ? { maxLength: part[0].tokens } : {},
        );
        while (!core.step());
        part.forEach((_, i) => {
          core.resultText(i);
        });
        const timings = core.timings();
        for (const stage of /** @type {const} */ (["tokenize", "encode", "decode", "output"]))
          stages[stage] += timings[stage];
      }
      total = performance.now() - start;
    }
    core.close();
    return { total, stages };
  },
});
