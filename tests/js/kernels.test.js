// tests/c/test_lanes.c and test_kernels.c again, as WebAssembly: the vector operations, and every table of each build that
// this Node can run against the scalar one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

import { BUILDS } from "./builds.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, "build/tests");

/** @param {string} program @param {string} build @returns {string} the file, made anew if older than its sources */
function compile(program, build) {
  const inFolder = (/** @type {string} */ name) => readdirSync(join(root, name)).map((file) => join(root, name, file));
  const kernels = inFolder("src/kernels");
  const sources = [...kernels.filter((file) => file.endsWith(".c")), join(root, `tests/c/${program}.c`)];
  const file = join(folder, `${program}-${build}.wasm`);
  const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if ([...kernels, ...sources, join(root, "tests/c/check.h")].every((source) => statSync(source).mtimeMs < made)) {
    return file;
  }
  mkdirSync(folder, { recursive: true });
  const emscripten = execFileSync(join(root, ".ci/setup"), ["emcc"], { encoding: "utf8" }).trim();
  execFileSync(join(emscripten, "emcc"), [
    ...["-std=c11", "-O3", "-ffp-contract=off", "-msimd128", ...(build === "relaxed" ? ["-mrelaxed-simd"] : [])],
    ...["-sSTANDALONE_WASM", "-sINITIAL_MEMORY=32MB", "-sSTACK_SIZE=1MB"],
    ...["-I", join(root, "src"), "-I", join(root, "tests/c"), ...sources, "-o", file],
  ]);
  return file;
}

/** Runs a test program to its end and returns what it printed. @param {string} program @param {string} build */
async function run(program, build) {
  const file = compile(program, build);
  const log = `${file}.${process.versions.node}.log`;
  const out = openSync(log, "w");
  const wasi = new WASI({ version: "preview1", stdout: out, stderr: out });
  const module = await WebAssembly.compile(readFileSync(file));
  const imports = /** @type {WebAssembly.Imports} */ (wasi.getImportObject());
  const status = wasi.start(await WebAssembly.instantiate(module, imports));
  closeSync(out);
  const printed = readFileSync(log, "utf8");
  assert.equal(status, 0, printed);
  return printed;
}

for (const build of BUILDS) {
  test(`the vector operations of the ${build} build equal plain C`, async () => {
    await run("test_lanes", build);
  });

  test(`the kernels of the ${build} build equal the scalar ones`, async () => {
    const printed = await run("test_kernels", build);
    for (const table of build === "relaxed"
      ? ["relaxed", "relaxed-pairs", "simd128", "scalar"]
      : ["simd128", "scalar"]) {
      assert.ok(printed.includes(`\n${table}\n`), `the ${table} kernels were not tested:\n${printed}`);
    }
  });
}
