// The lab in WebAssembly: the bits of the native library, a task that it learns, errors that name the thing, its size.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Translator } from "../../src/js/index.js";
import { loadLab, openLab } from "./lab-core.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const native = path("build/native/glossa-native");
const noNative = existsSync(native) ? false : "build/native holds no glossa-native; run the step native first";

test("the file is small, and exports what its list says", () => {
  const bytes = readFileSync(path("dist/glossa-lab.wasm"));
  const size = gzipSync(bytes, { level: 9 }).length;
  assert.ok(size <= 120_000, `${size} bytes gzipped`);
  const listed = readFileSync(path("src/wasm/lab_exports.txt"), "utf8").trim().split("\n");
  const files = readdirSync(path("src/wasm")).filter((name) => /^lab_.*\.c$/.test(name));
  const sources = files.map((name) => readFileSync(path(`src/wasm/${name}`), "utf8")).join("");
  const defined = [...sources.matchAll(/^EXPORT [^=;]*?\b(lab_\w+)\(/gm)];
  const exported = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
  assert.deepEqual(defined.map((m) => m[1]).toSorted(), listed);
  assert.deepEqual(exported.filter((name) => name.startsWith("lab_")).toSorted(), listed);
});

/** A command's words for settings. */
const words = (/** @type {object} */ settings) => Object.entries(settings).flatMap(([k, v]) => [`--${k}`, String(v)]);

/** Every kind of arithmetic at least once. @type {Record<string, string | number>[]} */
const CONFIGS = [
  { task: "reverse", dropout: 0.1, label_smoothing: 0.1 },
  { task: "dates", norm: "pre", activation: "gelu-erf", position: "learned", optimizer: "muon", average: 0.9 },
  { task: "pig-latin", mixer: "ssru", start: "zero-vector", activation: "silu", optimizer: "sgd", momentum: 0.5 },
  { task: "roman", activation: "gelu-tanh", output: "untied", initial: "kaiming", schedule: "cosine", accumulate: 2 },
  { task: "dates", architecture: "recurrent", score: "additive", dropout: 0.1 },
  { task: "sort", architecture: "recurrent", score: "cosine", cell: "plain", keys: "split", selection: "hard" },
  { task: "addition", residual: "no", normalise: "none", causal: "no", position: "none", score: "dot" },
];

test("exact kernels give the bits of the native library, for one to four shards", { skip: noNative }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-lab-"));
  try {
    for (const [i, config] of CONFIGS.entries()) {
      for (const shards of i === 0 ? [1, 2, 3, 4] : [1 + (i % 4)]) {
        const settings = { ...config, kernels: "exact", shards, seed: 7 + i, steps: 8, batch: 16, width: 32, heads: 2 };
        const lab = await openLab(settings);
        for (let step = 0; step < 8; step++) lab.step();
        const file = join(folder, "model.gguf");
        execFileSync(native, ["train", ...words(settings), "--quiet", "--held-out", "1", "-o", file]);
        assert.ok(Buffer.from(lab.save("model")).equals(readFileSync(file)), JSON.stringify(settings));
        lab.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a training goes on to the bit", async () => {
  const lab = await openLab({ task: "sort", width: 32, batch: 16, dropout: 0.1, seed: 3 });
  for (let step = 0; step < 3; step++) lab.step();
  const again = await loadLab(lab.save("state"));
  assert.equal(again.describe().steps, 3);
  for (let step = 0; step < 3; step++) assert.deepEqual(again.step(), lab.step());
  assert.deepEqual(again.save("model"), lab.save("model"));
  lab.close();
  again.close();
});

const REVERSE = { task: "reverse", longest: 8, seed: 7, schedule: "cosine", steps: 900, learning_rate: 3e-3 };

test("reversing is learnt natively", { skip: noNative }, () => {
  const args = ["train", ...words(REVERSE), "--quiet", "--held-out", "100"];
  const output = execFileSync(native, args, { encoding: "utf8" });
  const [, percent, count] = /exact ([\d.]+) % of (\d+)/.exec(output) ?? assert.fail(output);
  assert.equal(count, "1000");
  assert.ok(Number(percent) >= 99, output);
});

test("reversing is learnt, and the translator reverses", async () => {
  const lab = await openLab(REVERSE);
  const first = lab.step();
  let last = first;
  while (last.step < REVERSE.steps) last = lab.step();
  assert.ok(last.loss < first.loss / 20, `${first.loss} to ${last.loss}`);
  const heldOut = lab.evaluate(1000);
  assert.ok(heldOut.exact >= 990, `${heldOut.exact} of ${heldOut.sequences}`);
  const translator = await Translator.create({
    sourceLanguage: "zxx",
    targetLanguage: "zxx",
    model: lab.save("model"),
  });
  const strings = Array.from({ length: 20 }, (_, i) => lab.example(true, i));
  const reversed = await translator.translateBatch(strings.map(({ source }) => source));
  const right = strings.filter(({ target }, i) => reversed[i] === target).length;
  assert.ok(right >= 19, `${right} of 20`);
  translator.destroy();
  lab.close();
});

test("errors name the thing and the value, and the lab goes on", async () => {
  await assert.rejects(openLab({ width: 70 }), /'width' and 'feed_forward' are 70 and 256/);
  await assert.rejects(openLab({ task: "juggle" }), /setting 'task' is 'juggle', need one of copy/);
  await assert.rejects(loadLab(new Uint8Array(100)), /GGUF/);
  const lab = await openLab({ vocabulary: 12, width: 16, feed_forward: 16 });
  assert.throws(() => lab.step(), /neither a task nor data/);
  assert.throws(() => lab.step([[[4, 12, 3], [3]]]), /source 0 of the batch has token 12/);
  assert.throws(() => lab.read("enc.blk.9"), /there is no array 'enc.blk.9'/);
  assert.equal(
    lab.step([
      [
        [4, 5, 3],
        [5, 4, 3],
      ],
    ]).step,
    1,
  );
  assert.deepEqual(lab.read("enc.blk.0.attn").shape, [4, 3, 3]);
  lab.close();
});

test("memory stays flat", async () => {
  const lab = await openLab({ task: "copy", width: 16, feed_forward: 16, heads: 1, batch: 4, shards: 1 });
  const { bytes } = lab.describe();
  for (let step = 0; step < 2000; step++) lab.step();
  assert.equal(lab.describe().bytes, bytes);
  lab.close();
});
