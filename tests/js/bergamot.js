// Runs in a process of its own, since the engine keeps its state in globals: reads jobs as JSON from a file, translates
// with @browsermt/bergamot-translator's WebAssembly, and prints what came out, with the score of each word, as JSON.
//
//     node bergamot.js JOBS.json      {package, jobs: [{model, vocabularies, shortlist?, precision, texts}]}, files by path
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { runInThisContext } from "node:vm";

const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const script = join(order.package, "worker/bergamot-translator-worker.js");
const binary = readFileSync(join(order.package, "worker/bergamot-translator-worker.wasm"));

// Firefox brings the matrix products; the module's own stand in for them elsewhere.
const camel = (/** @type {string} */ name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** @type {any} */
const library = await new Promise((resolve, reject) => {
  /** @type {any} */
  const module = {
    print: console.error,
    printErr: console.error,
    /** @param {any} imports @param {(instance: WebAssembly.Instance) => void} accept */
    instantiateWasm(imports, accept) {
      /** @type {any} */
      let exports;
      /** @type {Record<string, unknown>} */
      const products = {};
      for (const { module: from, name } of WebAssembly.Module.imports(new WebAssembly.Module(binary)))
        if (from === "wasm_gemm")
          products[name] = (/** @type {number[]} */ ...args) => exports[`${camel(name)}Fallback`](...args);
      WebAssembly.instantiate(binary, { ...imports, wasm_gemm: products }).then(({ instance }) => {
        exports = instance.exports;
        accept(instance);
      }, reject);
      return {};
    },
    onRuntimeInitialized: () => resolve(module),
  };
  Object.assign(globalThis, { Module: module, require: createRequire(script), __dirname: dirname(script) });
  runInThisContext(readFileSync(script, "utf8"), { filename: script });
});

/** @param {string} path @param {number} border */
function load(path, border) {
  const bytes = readFileSync(path);
  const block = new library.AlignedMemory(bytes.length, border);
  block.getByteArrayView().set(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  return block;
}

const service = new library.BlockingService({ cacheSize: 0 });

/**
 * One sentence a batch: the shortlist is made for a batch.
 * @param {{ model: string, vocabularies: string[], shortlist?: string, precision: string, texts: string[] }} job
 */
function translate({ model: path, vocabularies: paths, shortlist, precision, texts }) {
  const vocabularies = new library.AlignedMemoryList();
  for (const vocabulary of paths) vocabularies.push_back(load(vocabulary, 64));
  const config = {
    "beam-size": 1,
    normalize: "1.0",
    "word-penalty": 0,
    "cpu-threads": 0,
    "gemm-precision": precision,
    "skip-cost": false,
    alignment: "soft",
    quiet: true,
    "quiet-translation": true,
    "ssplit-mode": "sentence",
    "max-length-break": 128,
    "mini-batch-words": 1024,
    workspace: 64,
    "max-length-factor": "2.0",
  };
  const yaml = Object.entries(config).map(([key, value]) => `${key}: ${value}\n`);
  const lists = shortlist ? load(shortlist, 64) : new library.AlignedMemory(0, 64);
  const model = new library.TranslationModel(yaml.join(""), load(path, 256), lists, vocabularies, null);
  const translations = texts.map((text) => {
    const input = new library.VectorString();
    const options = new library.VectorResponseOptions();
    input.push_back(text);
    options.push_back({ qualityScores: true, alignment: false, html: true });
    return service.translate(model, input, options).get(0).getTranslatedText();
  });
  model.delete();
  return translations;
}
process.stdout.write(JSON.stringify(order.jobs.map(translate)), () => process.exit(0));
