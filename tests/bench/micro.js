// What the micro benchmarks of C code share: built by emcc or cc, timed as the best of many short calls.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const out = join(root, "build/bench");
const FLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", `-I${join(root, "src")}`];

/** The C files of a folder. @param {string} folder below the project */
export const cFiles = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(folder, name));

/**
 * Builds a WebAssembly file that exports `bench_*`; EMCC names the compiler, without it .ci/setup is asked.
 * @param {string} name of the file
 * @param {string[]} exported without `bench_`
 * @param {string[]} sources below the project
 * @param {string[]} flags
 * @returns {string} the file
 */
export function buildWasm(name, exported, sources, flags) {
  const emcc =
    process.env.EMCC ?? join(execFileSync(join(root, ".ci/setup"), ["emcc"], { encoding: "utf8" }).trim(), "emcc");
  mkdirSync(out, { recursive: true });
  const file = join(out, `${name}.wasm`);
  execFileSync(emcc, [
    ...FLAGS,
    ...flags,
    ...["-sSTANDALONE_WASM", "--no-entry", "-sMALLOC=emmalloc", "-sINITIAL_MEMORY=256MB", "-sSTACK_SIZE=128KB"],
    `-sEXPORTED_FUNCTIONS=${exported.map((verb) => `_bench_${verb}`).join(",")}`,
    ...sources.map((source) => join(root, source)),
    ...["-o", file],
  ]);
  return file;
}

/**
 * Builds a native program with the system's compiler.
 * @param {string} name @param {string[]} sources below the project
 * @returns {string} the file
 */
export function buildNative(name, sources) {
  mkdirSync(out, { recursive: true });
  const file = join(out, name);
  execFileSync(process.env.CC ?? "cc", [
    ...FLAGS,
    ...sources.map((source) => join(root, source)),
    ...["-o", file, "-lm", "-lpthread"],
  ]);
  return file;
}

/** @param {WebAssembly.Memory} memory @param {number} at @returns {string} up to the NUL */
export function wasmText(memory, at) {
  const bytes = new Uint8Array(memory.buffer, at);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * Best of many short calls, in seconds, after a warm-up that lets the optimising compiler finish: on a shared machine
 * the best is the one that nobody interrupted.
 * @param {() => void} call
 * @param {() => void} [other] called in turn with it
 */
export function bestTime(call, other = () => {}) {
  for (const end = performance.now() + 200; performance.now() < end; ) {
    call();
    other();
  }
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 40; repeat++) {
    const start = performance.now();
    call();
    best = Math.min(best, performance.now() - start);
    other();
  }
  return best / 1000;
}
