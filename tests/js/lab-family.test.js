// Networks beside the Transformer, by the command line and in JavaScript: a classifier of labelled texts, and a recurrent
// network with attention that converts dates.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Translator } from "../../src/js/index.js";
import { Lab } from "../../src/js/lab/index.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const native = path("build/native/glossa-native");
const noNative = existsSync(native) ? false : "build/native holds no glossa-native; run the step native first";
const folder = mkdtempSync(join(tmpdir(), "glossa-family-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} words @param {string} [input] */
function glossa(words, input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path("src/js/cli/glossa.js"), ...words], {
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

// Made by rule: who does what, and of which kind that is.
const KINDS = /** @type {Record<string, [string[], string[]]>} */ ({
  animal: [
    ["the dog", "a cat", "an old horse", "the small bird"],
    ["sleeps", "eats", "is hungry", "runs away"],
  ],
  machine: [
    ["the car", "a train", "an engine", "the old clock"],
    ["stops", "is broken", "needs oil", "makes a noise"],
  ],
  weather: [
    ["the rain", "a storm", "cold wind", "the snow"],
    ["begins", "comes back", "ends at noon", "is near"],
  ],
});
const table = Object.entries(KINDS).flatMap(([label, [who, what]]) =>
  who.flatMap((a) => what.map((b) => `${a} ${b}\t${label}`)),
);
const data = join(folder, "kinds.tsv");
writeFileSync(data, `${table.join("\n")}\n`);
const SETTINGS =
  "--preset classifier --width 32 --vocabulary 400 --dropout 0.1 --steps 120 --warmup 10 --batch-tokens 96".split(" ");

test("a classifier is trained and used by the command line", () => {
  const model = join(folder, "kinds.gguf");
  const words = ["train", "--data", data, "--source", "en", ...SETTINGS, "--set-aside", "0", "-q", "-o", model];
  const trained = glossa(words);
  assert.equal(trained.status, 0, trained.stderr);
  const plain = glossa(
    ["lab", "classify", "--model", model],
    "the dog is hungry\nthe car stops\nthe rain ends at noon\n",
  );
  assert.equal(plain.status, 0, plain.stderr);
  assert.deepEqual(
    plain.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]),
    ["animal", "machine", "weather"],
  );
  const { stdout } = glossa(["lab", "classify", "--model", model, "--json"], "a storm comes back\n");
  const { text, label, probability, labels, tokens, attention } = JSON.parse(stdout);
  assert.equal(text, "a storm comes back");
  assert.equal(label, "weather");
  assert.ok(probability > 0.5 && probability <= 1);
  assert.deepEqual(labels.map((/** @type {{label: string}} */ one) => one.label).toSorted(), [
    "animal",
    "machine",
    "weather",
  ]);
  assert.ok(
    Math.abs(labels.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.probability, 0) - 1) < 1e-5,
  );
  const { shape, data: weights } = attention["enc.blk.0.attn"];
  assert.deepEqual(shape, [4, tokens.length, tokens.length]);
  assert.equal(weights.length, 4 * tokens.length ** 2);
});

test("its bits are the native ones", { skip: noNative }, async () => {
  const file = join(folder, "native.gguf");
  const settings = ["--kernels", "exact", "--steps", "6"];
  const words = ["train", "--data", data, "--source", "en", ...SETTINGS, ...settings].map((word) =>
    word.startsWith("--") ? `--${word.slice(2).replaceAll("-", "_")}` : word,
  );
  execFileSync(native, [...words, "--quiet", "-o", file]);
  const model = join(folder, "wasm.gguf");
  const trained = glossa(["train", "--data", data, "--source", "en", ...SETTINGS, ...settings, "-q", "-o", model]);
  assert.equal(trained.status, 0, trained.stderr);
  assert.ok(readFileSync(file).equals(readFileSync(model)));
});

test("a classifier in JavaScript; the translator names its task", async () => {
  const pairs = table.map((line) => line.split("\t")).map(([source, target]) => ({ source, target }));
  const lab = await Lab.create({
    preset: "classifier",
    pairs,
    network: { width: 32, vocabulary: 400 },
    training: { steps: 120, dropout: 0.1, warmup: 10, batchTokens: 96 },
    worker: false,
  });
  for await (const { heldOut } of lab.train({ steps: 120, every: 120 })) assert.equal(heldOut?.bleu, undefined);
  const { label, labels } = await lab.classify("an engine needs oil");
  assert.equal(label, "machine");
  assert.equal(label, labels[0].label);
  assert.equal(await lab.predict("an engine needs oil"), "machine");
  const { target } = await lab.inspect("an engine needs oil");
  assert.deepEqual(target, ["machine"]);
  const model = await lab.save();
  lab.destroy();
  const again = await Lab.open(model, { worker: false });
  assert.equal(await again.predict("the small bird eats"), "animal");
  await assert.rejects(again.classify(""), /tokens, need 1/);
  assert.equal(await again.predict("the snow is near"), "weather");
  again.destroy();
  await assert.rejects(
    Translator.create({ sourceLanguage: "en", targetLanguage: "en", model, worker: false }),
    /'glossa.task' is 'classification'.*glossa lab/,
  );
});

test("a recurrent network converts dates, and shows where it looks", async () => {
  const model = join(folder, "dates.gguf");
  const trained = glossa(["train", "--preset", "recurrent", "--task", "dates", "--steps", "400", "-q", "-o", model]);
  assert.equal(trained.status, 0, trained.stderr);
  assert.match(trained.stdout + trained.stderr, /exact (99|100)\.\d+ %/);
  const made = await Lab.create({ task: "dates", worker: false });
  const examples = await Promise.all([0, 1, 2].map((index) => made.example(index)));
  made.destroy();
  const input = `${examples.map(({ source }) => source).join("\n")}\n`;
  const { stdout, stderr } = glossa(["lab", "convert-dates", "--model", model], input);
  assert.deepEqual(
    stdout.trim().split("\n"),
    examples.map(({ target }) => target),
    stderr,
  );
  const told = JSON.parse(glossa(["lab", "convert-dates", "--model", model, "--json"], input).stdout.split("\n")[0]);
  assert.deepEqual(told.attention["dec.attn"].shape, [1, told.targetTokens.length, told.sourceTokens.length]);
});

test("what is wrong is said", () => {
  const wrong = /** @type {[string[], RegExp, number][]} */ ([
    [["lab"], /a command is missing: classify or fill or continue or convert-dates or see/, 2],
    [["lab", "sing", "--model", "x"], /there is no command "sing"/, 2],
    [["lab", "classify"], /--model is missing/, 2],
    [["lab", "classify", "--model", join(folder, "none.gguf")], /none\.gguf: there is no such file/, 1],
    [["lab", "classify", "--model", data], /magic|GGUF|checkpoint/, 1],
    [["lab", "classify", "--model", path("models/en-de.gguf")], /line 1: the lab's network is no classifier/, 1],
    [["lab", "fill", "--model", "x", "--most", "0"], /--most is "0"; it takes a whole number from 1/, 2],
    [["lab", "continue", "--model", "x", "--temperature=-1"], /--temperature is "-1"; it takes a number from 0/, 2],
    [["lab", "see", "--model", "x"], /an image is missing/, 2],
    [["lab", "see", "--model", "x", "--json", "--svg", "y"], /exclude each other/, 2],
    [["train", "--preset", "vit", "--images", data, "-o", "x"], /images or labels are missing of/, 2],
    [["train", "--preset", "vit", "--images", data, "--labels", data, "-o", "x"], /is no IDX file of images/, 1],
    [["train", "--preset", "causal", "--task", "copy", "-o", "x"], /learns from texts alone/, 1],
  ]);
  for (const [words, message, status] of wrong) {
    const result = glossa(words, "a text\n");
    assert.match(result.stderr, message, words.join(" "));
    assert.equal(result.status, status, words.join(" "));
  }
});
