// Micro benchmark of the int8 matmul in WebAssembly: GOP/s (2 x M x N x K / time) by shape, epilogues included, beside the
// peak of a loop that touches registers only. Builds tests/bench/matmul.c with emcc.
//
//   node tests/bench/matmul.js                   both builds, every shape
//   node tests/bench/matmul.js --quick           fewer shapes
//   node tests/bench/matmul.js --json
//
// EMCC names the compiler; without it, .ci/setup is asked.

import { readFile } from "node:fs/promises";
import { bestTime, buildWasm, cFiles, wasmText } from "./micro.js";

const quick = process.argv.includes("--quick");
const json = process.argv.includes("--json");

const rows = quick ? [1, 8, 32] : [1, 8, 32, 128];
/** Outputs and inputs, and whether the outputs are gathered from a matrix four times as high. */
const shapes = [
  { n: 256, k: 256, gather: false },
  { n: 1024, k: 256, gather: false },
  { n: 256, k: 1024, gather: false },
  { n: 1536, k: 256, gather: false },
  ...(quick
    ? []
    : [
        { n: 1536, k: 256, gather: true },
        { n: 6000, k: 256, gather: false },
        { n: 32000, k: 256, gather: false },
      ]),
];

/**
 * @typedef {object} Bench
 * @property {WebAssembly.Memory} memory
 * @property {() => void} _initialize
 * @property {(m: number, n: number, k: number, gather: number) => void} bench_prepare
 * @property {(table: number, times: number, quantize: number) => void} bench_run
 * @property {(table: number) => number} bench_name
 * @property {(times: number) => number} bench_peak_simd128
 * @property {(times: number) => number} [bench_peak_relaxed]
 * @property {(times: number) => number} [bench_peak_relaxed_pairs]
 */

/** Builds one target and instantiates it; null where this Node cannot. @param {"simd128" | "relaxed"} target */
async function load(target) {
  const exported = [
    "free",
    "prepare",
    "run",
    "name",
    "peak_simd128",
    ...(target === "relaxed" ? ["peak_relaxed", "peak_relaxed_pairs"] : []),
  ];
  const file = buildWasm(
    `matmul-${target}`,
    exported,
    ["tests/bench/matmul.c", ...cFiles("src/kernels")],
    ["-msimd128", ...(target === "relaxed" ? ["-mrelaxed-simd"] : [])],
  );
  try {
    const { instance } = await WebAssembly.instantiate(await readFile(file), {});
    const bench = /** @type {Bench} */ (/** @type {unknown} */ (instance.exports));
    bench._initialize();
    return bench;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return null;
    throw error;
  }
}

const name = (/** @type {Bench} */ bench, /** @type {number} */ table) =>
  wasmText(bench.memory, bench.bench_name(table));

/** @type {{ build: string, m: number, n: number, k: number, gather: boolean, gops: number, peak: number }[]} */
const results = [];
for (const target of /** @type {const} */ (["simd128", "relaxed"])) {
  const bench = await load(target);
  if (!bench) {
    if (!json) console.log(`${target}: this Node has no relaxed SIMD`);
    continue;
  }
  if (!name(bench, 0).startsWith(target))
    throw new Error(`the first table of the ${target} build is ${name(bench, 0)}`);
  const turns = 100_000;
  const relaxedPeak = name(bench, 0) === "relaxed" ? bench.bench_peak_relaxed : bench.bench_peak_relaxed_pairs;
  const peak =
    target === "relaxed"
      ? (8 * 32 * turns) / bestTime(() => relaxedPeak?.(turns)) / 1e9
      : (12 * 16 * turns) / bestTime(() => bench.bench_peak_simd128(turns)) / 1e9;
  if (!json) console.log(`${target}, Node ${process.versions.node}; registers only: ${peak.toFixed(0)} GOP/s`);
  if (!json) console.log(`      N x K       ${rows.map((m) => `M = ${m}`.padStart(8)).join("")}`);
  for (const { n, k, gather } of shapes) {
    const line = rows.map((m) => {
      bench.bench_prepare(m, n, k, Number(gather));
      const operations = 2 * m * n * k;
      const times = Math.ceil(4e7 / operations);
      const gops = (operations * times) / bestTime(() => bench.bench_run(0, times, 1)) / 1e9;
      results.push({ build: target, m, n, k, gather, gops, peak });
      return gops.toFixed(1).padStart(8);
    });
    if (!json)
      console.log(`${String(n).padStart(7)} x ${String(k).padEnd(5)}${gather ? "ids" : "   "}${line.join("")}`);
  }
}
if (json) console.log(JSON.stringify({ node: process.versions.node, results }));
