// onnxruntime-web and onnxruntime-node with the checkpoint as int8 ONNX: greedy search as transformers.js runs it, token
// ids in and out. What the runtime needs beside the graphs (tokenizer, detokenizer) is not counted against it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { memory, serve, timed } from "./serve.js";

/** Sentences that are decoded side by side: by trial neither more nor fewer are faster. */
const BATCH = 16;

/** @typedef {{ heads: number, d_model: number, decoder_layers: number, vocab: number, eos: number, decoder_start: number, banned_ids: number[] }} Config */

/** @type {any} */
let runtime;
/** @type {Record<"encoder" | "decoder", any>} */
let sessions;
/** @type {Config} */
let config;

/** @param {{ module: string, wasm?: string }} options `wasm`: the folder of onnxruntime-web's WebAssembly files */
async function start({ module, wasm }) {
  if (runtime) return;
  const loaded = await import(pathToFileURL(module).href);
  runtime = loaded.InferenceSession ? loaded : loaded.default;
  if (!wasm) return;
  Object.assign(runtime.env.wasm, { numThreads: 1, wasmPaths: `${pathToFileURL(wasm).href}/` });
}

/** @param {{ graphs: string }} options */
function read({ graphs }) {
  config = JSON.parse(readFileSync(join(graphs, "config.json"), "utf8"));
  return ["encoder", "decoder"].map((name) => new Uint8Array(readFileSync(join(graphs, `${name}_quantized.onnx`))));
}

/** @param {Uint8Array[]} graphs @param {boolean} web */
async function open([encoder, decoder], web) {
  const options = {
    executionProviders: [web ? "wasm" : "cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  };
  sessions = {
    encoder: await runtime.InferenceSession.create(encoder, options),
    decoder: await runtime.InferenceSession.create(decoder, options),
  };
}

/** @param {number[]} dims @param {ArrayLike<number>} values */
const ids = (dims, values) => new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), dims);

/**
 * Greedy translation of one batch (B, S).
 * @param {number[][]} sources token ids, the end included
 * @returns {Promise<number[][]>}
 */
async function translate(sources) {
  const {
    heads,
    d_model: width,
    decoder_layers: layers,
    vocab,
    eos,
    decoder_start: first,
    banned_ids: banned,
  } = config;
  const [count, longest] = [sources.length, Math.max(...sources.map(({ length }) => length))];
  const padded = sources.flatMap((source) => [...source, ...Array(longest - source.length).fill(0)]);
  const mask = sources.flatMap((source) => [...source.map(() => 1), ...Array(longest - source.length).fill(0)]);
  const attention = ids([count, longest], mask);
  const cross = await sessions.encoder.run({ input_ids: ids([count, longest], padded), attention_mask: attention });

  /** @type {Record<string, any>} */
  let past = {};
  for (let i = 0; i < layers; i++)
    for (const part of ["key", "value"])
      past[`past.${i}.${part}`] = new runtime.Tensor("float32", new Float32Array(0), [count, heads, 0, width / heads]);
  /** @type {number[][]} */
  const targets = sources.map(() => []);
  const ended = sources.map(() => false);
  let last = sources.map(() => first);
  const limit = 2 * longest + 10;
  for (let step = 0; step < limit && ended.includes(false); step++) {
    const output = await sessions.decoder.run({
      ...past,
      ...cross,
      input_ids: ids([count, 1], last),
      attention_mask: attention,
    });
    const logits = /** @type {Float32Array} */ (output.logits.data);
    last = sources.map((_, row) => {
      const scores = logits.subarray(row * vocab, (row + 1) * vocab);
      for (const id of banned) scores[id] = -Infinity;
      let best = 0;
      for (let id = 1; id < vocab; id++) if (scores[id] > scores[best]) best = id;
      if (!ended[row]) targets[row].push(best);
      ended[row] ||= best === eos;
      return best;
    });
    past = {};
    for (const [name, tensor] of Object.entries(output))
      if (name.startsWith("present.")) past[name.replace("present", "past")] = tensor;
  }
  return targets;
}

await serve({
  about: () => ({ runtime: `Node ${process.versions.node}` }),
  async load(options) {
    await start(options);
    await open(read(options), Boolean(options.wasm));
  },
  async cold(options) {
    const graphs = read(options);
    const { ms, cpu } = await timed(async () => {
      await start(options);
      await open(graphs, Boolean(options.wasm));
      await translate([options.ids]);
    });
    return { ms, cpu };
  },
  /** @param {{ ids: number[][] }} job */
  async batch({ ids: sources }) {
    const { ms, value } = await timed(async () => {
      const order = sources.map((_, i) => i).sort((a, b) => sources[b].length - sources[a].length);
      /** @type {number[][]} */
      const results = [];
      for (let at = 0; at < order.length; at += BATCH) {
        const part = order.slice(at, at + BATCH);
        const targets = await translate(part.map((i) => sources[i]));
        for (const [k, i] of part.entries()) results[i] = targets[k];
      }
      return results;
    });
    return { ms, ids: value };
  },
  /** @param {{ ids: number[][] }} job */
  async singles({ ids: sources }) {
    const times = [];
    const targets = [];
    for (const source of sources) {
      const { ms, value } = await timed(() => translate([source]));
      times.push(ms);
      targets.push(value[0]);
    }
    return { times, ids: targets };
  },
  memory,
});
