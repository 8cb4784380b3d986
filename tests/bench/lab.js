// The lab beside its peers: float products against registers only, steps of a toy and of the recipes' model against
// PyTorch and TensorFlow.js on the same batches, memory. All on one thread.
//
// GLOSSA_TORCH_PYTHON names a Python that has PyTorch; without it PyTorch is skipped.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openLab } from "../js/lab-core.js";
import { Contender } from "./contender.js";
import { captions, packed, reversals } from "./lab-batches.js";
import { measureTraining } from "./lab-training.js";
import { newNode } from "./lineup.js";
import { bestTime, buildNative, buildWasm, cFiles, wasmText } from "./micro.js";
import { cache, npmPeer } from "./peers.js";

const WIDTHS = [64, 128, 256, 512];
const ROWS = 512;
const TURNS = 100_000;
/** Steps before anything counts: each size of batch once. */
const WARM_UP = 4;

/**
 * @typedef {{ table: string, d: number, form: number, gops: number, peak: number }} Product
 * @typedef {{ name: string, peer: boolean, runtime: string, stepMs: number[], cpuMs: number[], tokens: number }} Steps
 *   milliseconds of a step and of its processor time in each round, target tokens a step
 * @typedef {{ products: Product[], toy: Steps[], tfjs: Steps[], recipe: Steps[], memory: Awaited<ReturnType<typeof measureMemory>>,
 *     trainings: import("./lab-training.js").Training[] }} LabResult
 */

/** @returns {Promise<Product[]>} */
async function nativeProducts() {
  const file = buildNative("products", ["tests/bench/products.c", ...cFiles("src/base"), ...cFiles("src/kernels")]);
  const { stdout } = await promisify(execFile)(file);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return lines.map(({ table, ...rest }) => ({ table: `native ${table}`, ...rest }));
}

/** @returns {Promise<Product[]>} */
async function wasmProducts() {
  const sources = ["tests/bench/products.c", ...cFiles("src/base"), ...cFiles("src/kernels")];
  const file = buildWasm("products", ["free", "prepare", "run", "name", "peak"], sources, ["-msimd128"]);
  const { instance } = await WebAssembly.instantiate(await readFile(file), {});
  /** @type {any} */
  const bench = instance.exports;
  bench._initialize();
  const table = `wasm ${wasmText(bench.memory, bench.bench_name(0))}`;
  return WIDTHS.flatMap((d) => {
    bench.bench_prepare(0, ROWS, d);
    return [0, 1, 2].map((form) => {
      const operations = 2 * ROWS * d * d;
      const times = Math.ceil(4e7 / operations);
      let turn = 0;
      const peak = () => {
        turn = bench.bench_peak(0, TURNS);
      };
      const product = () => bench.bench_run(0, form, times);
      const seconds = [bestTime(product, peak), bestTime(peak, product)];
      return { table, d, form, gops: (operations * times) / seconds[0] / 1e9, peak: (turn * TURNS) / seconds[1] / 1e9 };
    });
  });
}

const script = (/** @type {string} */ name) => fileURLToPath(new URL(`contenders/${name}`, import.meta.url));
const SHARED = { shards: 1, threads: 1, output_bias: "yes" };
const TOY = {
  ...SHARED,
  width: 64,
  heads: 4,
  feed_forward: 256,
  encoder_layers: 1,
  decoder_layers: 1,
  vocabulary: 14,
};
const RECIPE = {
  ...SHARED,
  ...{ width: 256, heads: 4, feed_forward: 1024, encoder_layers: 4, decoder_layers: 2, vocabulary: 6000, context: 128 },
  ...{ dropout: 0.2, label_smoothing: 0.1 },
};

/** The lab's native program that speaks as a contender; the file. */
export const labNative = () =>
  buildNative("lab-native", [
    "tests/bench/contenders/lab_native.c",
    ...["base", "file", "kernels", "text", "search", "model", "nn", "translate", "lab"].flatMap((folder) =>
      cFiles(`src/${folder}`),
    ),
  ]);

/** @param {string} name @param {string} file @param {Record<string, string | number>} settings */
const native = (name, file, settings) => {
  const program = labNative();
  const words = Object.entries(settings).flatMap(([key, value]) => [key, String(value)]);
  return { name, peer: false, start: () => new Contender(name, program, [file, ...words]) };
};

/** @param {string} name @param {string} python @param {string} file @param {object} settings */
const torch = (name, python, file, settings) => {
  const text = JSON.stringify({ dropout: 0, label_smoothing: 0, bf16: false, ...settings });
  return { name, peer: true, start: () => new Contender(name, python, [script("lab_torch.py"), file, text]) };
};

/**
 * Steps in turn: every contender `steps` of them in each round, after a warm-up.
 * @param {{ name: string, peer: boolean, start: () => Contender }[]} entries
 * @param {number} rounds @param {number} steps
 * @param {import("./measures.js").Skip} skip
 * @returns {Promise<Steps[]>}
 */
async function measureSteps(entries, rounds, steps, skip) {
  /** @type {{ contender: Contender, speed: Steps }[]} */
  const running = [];
  for (const { name, peer, start } of entries) {
    const contender = start();
    try {
      const { runtime } = await contender.ask("about");
      await contender.ask("run", { steps: Math.max(steps, WARM_UP) });
      running.push({ contender, speed: { name, peer, runtime, stepMs: [], cpuMs: [], tokens: 0 } });
    } catch (error) {
      skip(name, /** @type {Error} */ (error).message.split("\n")[0]);
      await contender.close();
    }
  }
  for (let round = 0; round < rounds; round++)
    for (const { contender, speed } of running) {
      const { ms, cpu, tokens } = await contender.ask("run", { steps });
      speed.stepMs.push(ms / steps);
      speed.cpuMs.push(cpu / steps);
      speed.tokens = tokens / steps;
    }
  for (const { contender } of running) await contender.close();
  return running.map(({ speed }) => speed);
}

/**
 * What a lab holds, and whether steps add to it: bytes of the blocks (values, gradients, two moments, the last good
 * values), of all, and of all after so many steps.
 * @param {number} steps
 */
async function measureMemory(steps) {
  const lab = await openLab({ task: "copy", width: 16, feed_forward: 16, heads: 1, batch: 4, shards: 1 });
  const { parameters, bytes } = lab.describe();
  const heap = lab.heap;
  for (let step = 0; step < steps; step++) lab.step();
  const after = { bytes: lab.describe().bytes, heap: lab.heap };
  lab.close();
  return { parameters, bytes, heap, steps, bytesAfter: after.bytes, heapAfter: after.heap };
}

/**
 * @param {number} rounds @param {boolean} quick
 * @param {import("./measures.js").Skip} skip
 * @returns {Promise<LabResult>}
 */
export async function measureLab(rounds, quick, skip) {
  const folder = join(cache, "lab");
  mkdirSync(folder, { recursive: true });
  const [toyFile, recipeFile] = [join(folder, "toy.bin"), join(folder, "recipe.bin")];
  writeFileSync(toyFile, packed(reversals(20, 64)));
  writeFileSync(recipeFile, packed(captions(4, 2500, RECIPE.vocabulary)));

  const wasm = {
    name: "Glossa lab, Node",
    peer: false,
    start: () => new Contender("Glossa lab, Node", newNode, [script("lab-wasm.js"), toyFile, JSON.stringify(TOY)]),
  };
  const toy = [native("Glossa lab, native", toyFile, TOY), wasm];
  const recipe = [native("Glossa lab, native", recipeFile, RECIPE)];
  const flags = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  if (flags.includes("avx512_bf16"))
    recipe.push(native("Glossa lab, native, bfloat16", recipeFile, { ...RECIPE, kernels: "bfloat16" }));
  const python = process.env.GLOSSA_TORCH_PYTHON;
  if (python && existsSync(python)) {
    toy.push(torch("PyTorch", python, toyFile, TOY));
    recipe.push(torch("PyTorch", python, recipeFile, RECIPE));
    if (/avx512_bf16|amx_bf16/.test(flags))
      recipe.push(torch("PyTorch, bfloat16", python, recipeFile, { ...RECIPE, bf16: true }));
    else skip("PyTorch, bfloat16", "this processor has no products in bfloat16");
  } else skip("PyTorch", "GLOSSA_TORCH_PYTHON names no Python");

  const products = [...(await nativeProducts()), ...(await wasmProducts())];
  const toySteps = await measureSteps(toy, rounds, quick ? 20 : 50, skip);
  /** @type {Steps[]} */
  const tfjsSteps = [];
  const tfjs = await npmPeer("@tensorflow/tfjs");
  const backend = "path" in tfjs ? await npmPeer("@tensorflow/tfjs-backend-wasm") : tfjs;
  if ("path" in backend) {
    // Its backend "cpu", the other one that trains without native code, is five times slower than "wasm".
    const words = [script("lab-tfjs.js"), join(cache, "npm"), "wasm", toyFile, JSON.stringify(TOY)];
    const peer = { name: "TensorFlow.js", peer: true, start: () => new Contender("TensorFlow.js", newNode, words) };
    tfjsSteps.push(...(await measureSteps([wasm, peer], Math.min(rounds, 3), 2, skip)));
  } else skip("TensorFlow.js", backend.skipped);
  const recipeSteps = await measureSteps(recipe, rounds, quick ? 1 : 4, skip);
  const memory = await measureMemory(quick ? 5000 : 100_000);
  const trainings = await measureTraining(folder, quick, skip);
  return { products, toy: toySteps, tfjs: tfjsSteps, recipe: recipeSteps, memory, trainings };
}
