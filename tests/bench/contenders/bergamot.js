// Bergamot, the engine behind Firefox Translations: its WebAssembly driven directly, since the package's own entry for
// Node does not start in current versions.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { runInThisContext } from "node:vm";
import { memory, serve, timed } from "./serve.js";

/* Outside Firefox, which brings its own, the matrix products that the module imports are those that it exports. */
const PRODUCTS = {
  int8_prepare_a: "int8PrepareAFallback",
  int8_prepare_b: "int8PrepareBFallback",
  int8_prepare_b_from_transposed: "int8PrepareBFromTransposedFallback",
  int8_prepare_b_from_quantized_transposed: "int8PrepareBFromQuantizedTransposedFallback",
  int8_prepare_bias: "int8PrepareBiasFallback",
  int8_multiply_and_add_bias: "int8MultiplyAndAddBiasFallback",
  int8_select_columns_of_b: "int8SelectColumnsOfBFallback",
};

/* What Firefox sets, and a longest output that makes it as long as the source. */
const CONFIG = `beam-size: 1
normalize: 1.0
word-penalty: 0
cpu-threads: 0
gemm-precision: int8shiftAlphaAll
skip-cost: true
alignment: soft
quiet: true
quiet-translation: true
max-length-break: 128
mini-batch-words: 1024
workspace: 128
max-length-factor: 1.0
`;

/** @type {any} */
let library;
/** @type {any} */
let service;
/** @type {any} */
let model;

/** @param {string} folder of the package */
async function start(folder) {
  const script = join(folder, "worker/bergamot-translator-worker.js");
  const wasm = readFileSync(join(folder, "worker/bergamot-translator-worker.wasm"));
  const code = readFileSync(script, "utf8");
  return timed(
    () =>
      new Promise((resolve, reject) => {
        /** @type {any} */
        const module = {
          print: console.error,
          printErr: console.error,
          /** @param {any} imports @param {(instance: WebAssembly.Instance) => void} accept */
          instantiateWasm(imports, accept) {
            /** @type {any} */
            let exports;
            const products = Object.fromEntries(
              Object.entries(PRODUCTS).map(([name, own]) => [
                name,
                (/** @type {number[]} */ ...args) => exports[own](...args),
              ]),
            );
            WebAssembly.instantiate(wasm, { ...imports, wasm_gemm: products }).then(({ instance }) => {
              exports = instance.exports;
              accept(instance);
            }, reject);
            return {};
          },
          onRuntimeInitialized: () => resolve(module),
        };
        Object.assign(globalThis, { Module: module, require: createRequire(script), __dirname: dirname(script) });
        runInThisContext(code, { filename: script });
      }),
  );
}

/** @param {Uint8Array} bytes @param {number} border */
function aligned(bytes, border) {
  const block = new library.AlignedMemory(bytes.byteLength, border);
  block.getByteArrayView().set(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return block;
}

/** @param {{ model: Uint8Array, shortlist: Uint8Array, vocabulary: Uint8Array }} files */
function open(files) {
  const vocabularies = new library.AlignedMemoryList();
  vocabularies.push_back(aligned(files.vocabulary, 64));
  service = new library.BlockingService({ cacheSize: 0 });
  model = new library.TranslationModel(
    CONFIG,
    aligned(files.model, 256),
    aligned(files.shortlist, 64),
    vocabularies,
    null,
  );
}

/** @param {string[]} texts @returns {string[]} */
function translate(texts) {
  const input = new library.VectorString();
  const options = new library.VectorResponseOptions();
  for (const text of texts) {
    input.push_back(text);
    options.push_back({ qualityScores: false, alignment: false, html: false });
  }
  const output = service.translate(model, input, options);
  const results = texts.map((_, i) => output.get(i).getTranslatedText());
  for (const list of [input, options, output]) list.delete();
  return results;
}

/** @param {{ model: string, shortlist: string, vocabulary: string }} paths */
const read = ({ model, shortlist, vocabulary }) => ({
  model: readFileSync(model),
  shortlist: readFileSync(shortlist),
  vocabulary: readFileSync(vocabulary),
});

await serve({
  about: () => ({ runtime: `Node ${process.versions.node}` }),
  async load(options) {
    library = (await start(options.package)).value;
    open(read(options));
  },
  async cold(options) {
    const files = read(options);
    const started = await start(options.package);
    library = started.value;
    const { ms, cpu } = await timed(async () => {
      open(files);
      translate(["Hello world."]);
    });
    return { ms: started.ms + ms, cpu: started.cpu + cpu };
  },
  /** @param {{ batches: string[][] }} job the texts as they are to be translated together */
  async batch({ batches }) {
    const { ms, value } = await timed(async () => batches.flatMap((texts) => translate(texts)));
    return { ms, results: value };
  },
  async singles({ texts }) {
    const times = [];
    const results = [];
    for (const text of texts) {
      const { ms, value } = await timed(async () => translate([text]));
      times.push(ms);
      results.push(value[0]);
    }
    return { times, results };
  },
  memory,
});
