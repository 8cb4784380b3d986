// The WebAssembly boundary: the list of exports against the code on both sides, the choice of a build, and checkpoints
// that are wrong.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { relaxedDotWorks } from "../../src/js/build.js";
import { Core, instantiate } from "../../src/js/core.js";
import { BUILDS, RELAXED, openCore } from "./builds.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (/** @type {string} */ name) => readFileSync(path(name), "utf8");
const listed = read("src/wasm/exports.txt").trim().split("\n");
const model = readFileSync(path("models/en-de.gguf"));

test("exports.txt, bindings.c, core.js and the built files name the same functions", () => {
  const defined = [...read("src/wasm/bindings.c").matchAll(/^EXPORT [^=;]*?\b(glossa_\w+)\(/gm)].map((m) => m[1]);
  const used = new Set([...read("src/js/core.js").matchAll(/\bglossa_\w+/g)].map((m) => m[0]));
  used.delete("glossa_status");
  assert.deepEqual(defined.toSorted(), listed);
  assert.deepEqual(
    listed.filter((name) => !used.has(name)),
    [],
    "exported, but core.js does not know it",
  );
  for (const build of ["simd128", "relaxed"]) {
    const bytes = readFileSync(path(`dist/glossa-${build}.wasm`));
    if (!WebAssembly.validate(bytes)) {
      assert.equal(build, "relaxed");
      continue;
    }
    const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("glossa_")).toSorted(), listed, build);
  }
});

test("every function of glossa.h can be reached", () => {
  const header = read("src/glossa.h").replace(/\/\*[\s\S]*?\*\//g, "");
  const functions = [...header.matchAll(/^(?!typedef)[\w* ]+?\b(glossa_\w+)\(/gm)].map((m) => m[1]);
  const bindings = read("src/wasm/bindings.c");
  assert.ok(functions.length >= 18, String(functions));
  // The status is a number that has names in JavaScript; kernels are chosen by the build.
  const elsewhere = ["glossa_status_text", "glossa_model_use_kernels"];
  assert.deepEqual(
    functions.filter((name) => !bindings.includes(`${name}(`) && !elsewhere.includes(name)),
    [],
  );
});

test("a WebAssembly file of another release is refused before it computes anything", () => {
  for (const wasm of [{}, { glossa_option_words: () => 11 }])
    assert.throws(() => new Core(/** @type {any} */ (wasm)), {
      name: "NotSupportedError",
      message: /different releases/,
    });
});

test("the relaxed build runs only where its dot product is right", async () => {
  const { build, core } = await openCore("auto");
  core.close();
  assert.equal(build, relaxedDotWorks() ? "relaxed" : "simd128");
  if (!RELAXED)
    await assert.rejects(openCore("relaxed"), { name: "NotSupportedError", message: /"auto" or "simd128"/ });
  await assert.rejects(openCore(/** @type {any} */ ("turbo")), { name: "TypeError", message: /turbo/ });
});

// In a Node that computes it rightly there is nothing to see; the tests run in Node 20 too.
if (!RELAXED)
  test("a Node that accepts relaxed SIMD and computes it wrongly gets the other build", () => {
    const script = `import { openCore } from ${JSON.stringify(new URL("builds.js", import.meta.url).href)};
  import { relaxedDotWorks } from ${JSON.stringify(new URL("../../src/js/build.js", import.meta.url).href)};
  const accepted = WebAssembly.validate(require("node:fs").readFileSync(${JSON.stringify(path("dist/glossa-relaxed.wasm"))}));
  console.log(accepted, relaxedDotWorks(), (await openCore("auto")).build);`;
    const code = `import { createRequire } from "node:module"; const require = createRequire(${JSON.stringify(import.meta.url)});${script}`;
    const args = ["--experimental-wasm-relaxed-simd", "--input-type=module", "-e", code];
    const out = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    assert.equal(out.trim(), "true false simd128");
  });

const newNode = path("node_modules/node/bin/node");
test("a newer Node takes the relaxed build", { skip: !existsSync(newNode) && "node@24 is not installed" }, () => {
  const code = `import { openCore } from ${JSON.stringify(new URL("builds.js", import.meta.url).href)};
const { build, core } = await openCore("auto"); console.log(build);`;
  assert.equal(execFileSync(newNode, ["--input-type=module", "-e", code], { encoding: "utf8" }).trim(), "relaxed");
});

test("a WebAssembly file that is not Glossa's is refused", async () => {
  const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await assert.rejects(instantiate(empty), { name: "NotSupportedError", message: /not a Glossa build/ });
  await assert.rejects(openCore("simd128", { simd128: "/nowhere/glossa.wasm" }), {
    name: "NetworkError",
    message: /nowhere.*"wasm"/,
  });
});

/** @param {number} at @param {bigint} value */
const number = (at, value) => (/** @type {Buffer} */ bytes) => {
  bytes.writeBigUInt64LE(value, at);
  return bytes;
};

/** @type {[string, (bytes: Buffer) => Buffer][]} */
const BROKEN = [
  ["zero bytes", () => Buffer.alloc(0)],
  ["not a checkpoint", () => Buffer.from("<!doctype html><title>404</title>".repeat(10))],
  ["another version", number(4, 9n)],
  ["a huge count of tensors", number(8, 2n ** 60n)],
  ["a huge count of keys", number(16, 2n ** 60n)],
  ["cut in the directory", (bytes) => bytes.subarray(0, 1000)],
  ["cut in the tensors", (bytes) => bytes.subarray(0, bytes.length >> 1)],
];

for (const build of BUILDS)
  test(`broken checkpoints give a clear error and the instance goes on (${build})`, async () => {
    const { core } = await openCore(/** @type {"simd128"} */ (build));
    const open = (/** @type {Uint8Array} */ bytes) => {
      core.reserve(bytes.length);
      core.write(0, bytes);
      core.openModel();
    };
    for (const [name, damage] of BROKEN) {
      const bytes = damage(Buffer.from(model));
      assert.throws(
        () => open(bytes),
        (/** @type {Error} */ error) =>
          ["DataError", "NotSupportedError"].includes(error.name) && error.message.length > 10,
        name,
      );
      assert.throws(() => core.model, { name: "InvalidStateError" });
      assert.throws(() => core.step(), { name: "InvalidStateError" });
    }
    // Single bits of the directory: refused or read, but never a trap.
    for (let i = 0; i < 400; i++) {
      const bytes = Buffer.from(model);
      const at = (i * 7919) % 60_000;
      bytes[at] ^= 1 << (i % 8);
      try {
        open(bytes);
      } catch (error) {
        assert.ok(!(error instanceof WebAssembly.RuntimeError), `bit ${i % 8} of byte ${at}: ${error}`);
      }
    }
    open(model);
    core.openSession({ sentences: 2, sourceTokens: 100, beam: 2, rows: 4 });
    core.begin(["A dog runs."], {});
    while (!core.step());
    assert.match(core.resultText(0), /Hund/);
    core.close();
  });

test("the session's limits and order are kept", async () => {
  const { core } = await openCore();
  core.reserve(model.length);
  assert.throws(() => core.write(model.length - 1, model.subarray(0, 2)), { name: "DataError" });
  core.write(0, model);
  assert.equal(await core.digest(), createHash("sha256").update(model).digest("hex"));
  core.openModel();
  core.openSession({ sentences: 2, sourceTokens: 20, beam: 2, rows: 4 });
  assert.throws(() => core.step(), { name: "InvalidStateError" });
  assert.throws(() => core.begin(["a", "b", "c"], {}), { name: "QuotaExceededError", message: /3/ });
  assert.throws(() => core.begin(["word ".repeat(100)], {}), { name: "QuotaExceededError" });
  assert.throws(() => core.begin(["a"], { beam: 3 }), { name: "TypeError", message: /beam is 3/ });
  core.begin(["A dog runs.", "Two men sit."], { beam: 2 });
  assert.throws(() => core.resultText(0), { name: "InvalidStateError" });
  while (!core.step());
  assert.throws(() => core.resultText(2), { name: "TypeError" });
  assert.equal(core.resultCount(0), 2);
  core.close();
});
