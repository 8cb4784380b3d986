// Pairs of text in the lab: a vocabulary that it has learnt gives the ids of SentencePiece's own command; WebAssembly, the
// native library and both commands give the same bits; what is learnt can be used; broken input is named.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../src/js/cli/train.js";
import { Translator } from "../../src/js/index.js";
import { Lab } from "../../src/js/lab/index.js";
import { parseGguf } from "./gguf-parse.js";
import { generatedCorpus, generatedLines, random } from "./tokenizer-lines.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const native = path("build/native/glossa-native");
const lines = path("build/native/tokenize_lines");
const noNative = existsSync(native) ? false : "build/native holds no glossa-native; run the step native first";
const noTools = spawnSync("spm_encode", ["--version"], { stdio: "ignore" }).error
  ? "spm_encode is not installed (Debian: apt install sentencepiece)"
  : false;

const folder = mkdtempSync(join(tmpdir(), "glossa-pairs-"));
after(() => rmSync(folder, { recursive: true }));

/** A table of generated sentences, each with the next one as its translation. @param {string} name @param {number} count */
function table(name, count) {
  const sentences = generatedCorpus(count)
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const file = join(folder, name);
  writeFileSync(file, sentences.map((line, i) => `${line}\t${sentences[(i + 1) % sentences.length]}\n`).join(""));
  return file;
}

// ---- a checkpoint's vocabulary as a SentencePiece model (sentencepiece_model.proto) ----

/** @param {number} value @returns {number[]} */
const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
const number = (/** @type {number} */ field, /** @type {number} */ value) =>
  Buffer.from([...varint(field * 8), ...varint(value)]);
const bytes = (/** @type {number} */ field, /** @type {Buffer} */ value) =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(value.length)]), value]);
const float = (/** @type {number} */ field, /** @type {number} */ value) => {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([Buffer.from(varint(field * 8 + 5)), data]);
};

/** @param {Map<string, any>} keys */
function sentencePieceModel(keys) {
  const get = (/** @type {string} */ leaf) => keys.get(`tokenizer.ggml.${leaf}`);
  const pieces = get("tokens").map((/** @type {string} */ token, /** @type {number} */ i) =>
    bytes(
      1,
      Buffer.concat([bytes(1, Buffer.from(token)), float(2, get("scores")[i]), number(3, get("token_type")[i])]),
    ),
  );
  const ids = [40, 41, 42, 43].map((field, i) => number(field, [1, 2, 3, 0][i])); // unknown, start, end, padding
  const trainer = bytes(2, Buffer.concat([number(3, 2), number(35, 1), ...ids])); // BPE, byte fallback
  const flags = [number(3, get("add_space_prefix") === false ? 0 : 1), number(4, 1), number(5, 1)];
  return Buffer.concat([...pieces, trainer, bytes(3, Buffer.concat([bytes(1, Buffer.from("identity")), ...flags]))]);
}

for (const tokens of ["bpe", "characters"])
  test(`ids of a learnt vocabulary (${tokens}) are spm_encode's`, { skip: noNative || noTools }, () => {
    const model = join(folder, `${tokens}.gguf`);
    const settings = [
      "--tokens",
      tokens,
      "--vocabulary",
      "900",
      "--steps",
      "1",
      "--width",
      "16",
      "--feed-forward",
      "16",
    ];
    const pairs = table(`${tokens}.tsv`, 2000);
    execFileSync(native, ["train", "--data", pairs, ...settings, "--context", "1000", "-o", model], { stdio: "pipe" });
    const { keys } = parseGguf(readFileSync(model));
    assert.ok(keys.get("tokenizer.ggml.tokens").length > 300);
    assert.ok(keys.get("tokenizer.ggml.tokens").length <= 900);
    writeFileSync(`${model}.model`, sentencePieceModel(keys));
    const text = generatedLines(4000);
    const input = Buffer.concat(text.flatMap((line) => [line, Buffer.from("\n")]));
    const limits = { input, maxBuffer: 1 << 28 };
    const expected = execFileSync("spm_encode", [`--model=${model}.model`, "--output_format=id"], limits).toString();
    const ours = execFileSync(lines, ["ids", model], limits).toString().split("\n");
    const theirs = expected.split("\n");
    assert.equal(ours.length, theirs.length);
    const wrong = ours.map((_, i) => i).filter((i) => ours[i] !== theirs[i]);
    assert.deepEqual(
      wrong.slice(0, 3).map((i) => [String(text[i]), ours[i], theirs[i]]),
      [],
    );
  });

// ---- training ----

const WORDS = "ba tu kilo ren größe na mi sol 词 x1".split(" ");

/** Sentences of a few words, which the other language writes in capital letters. @param {number} count */
function sentences(count) {
  const next = random(5);
  return Array.from({ length: count }, () => {
    const length = 1 + Math.floor(next() * 8);
    const source = Array.from({ length }, () => WORDS[Math.floor(next() * WORDS.length)]).join(" ");
    return { source, target: `${source.toUpperCase()}.` };
  });
}

const PAIRS = sentences(400);
const TABLE = PAIRS.map(({ source, target }) => `${source}\t${target}\n`).join("");
const settings = { width: 16, feedForward: 32, vocabulary: 300, batchTokens: 400, kernels: "exact" };
const words = Object.entries(settings).flatMap(([name, value]) => [
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  String(value),
]);

const snake = Object.fromEntries(
  Object.entries(settings).map(([name, value]) => [name.replace(/[A-Z]/g, (x) => `_${x.toLowerCase()}`), value]),
);

/** The command `glossa` with what it wrote. @param {...string} argv */
async function glossa(...argv) {
  const written = { stdout: "", stderr: "" };
  const stream = (/** @type {"stdout" | "stderr"} */ name) => ({
    write: (/** @type {any} */ chunk) => {
      written[name] += chunk;
      return true;
    },
  });
  const io = /** @type {any} */ ({ stdin: null, stdout: stream("stdout"), stderr: stream("stderr") });
  const status = await run(argv, io).catch(({ message }) => {
    written.stderr += message; // as the command itself does
    return 1;
  });
  return { status, ...written };
}

test("pairs in WebAssembly give the native bits, in one worker or in two, by options or by a config", async () => {
  const table = join(folder, "same.tsv");
  writeFileSync(table, TABLE);
  const config = join(folder, "same.json");
  writeFileSync(config, JSON.stringify({ source: "aa", target: "bb", train: "same.tsv", steps: 6, model: snake }));
  const options = { pairs: PAIRS, sourceLanguage: "aa", targetLanguage: "bb", training: { ...settings, steps: 6 } };
  /** @type {Uint8Array[]} */
  const models = [];
  for (const threads of [1, 2]) {
    const lab = await Lab.create({ ...options, threads });
    assert.equal(lab.info.pairs?.train, 360 - (lab.info.pairs?.shared ?? 0) + (40 - (lab.info.pairs?.heldOut ?? 0)));
    for await (const report of lab.train({ every: 3, scored: 10 })) assert.ok((report.heldOut?.bleu ?? -1) >= 0);
    models.push(await lab.save());
    lab.destroy();
  }
  assert.deepEqual(models[1], models[0]);
  const out = join(folder, "same.gguf");
  assert.equal((await glossa(config, "-o", out, "--threads", "1", "-q")).status, 0);
  assert.deepEqual(new Uint8Array(readFileSync(out)), models[0]);
  if (noNative) return;
  execFileSync(native, ["train", config, "-o", out, "--quiet"], { stdio: "pipe" });
  assert.deepEqual(new Uint8Array(readFileSync(out)), models[0]);
  const flags = ["--data", table, "--source", "aa", "--target", "bb", "--steps", "6", ...words];
  execFileSync(native, ["train", ...flags, "-o", out, "--quiet"], { stdio: "pipe" });
  assert.deepEqual(new Uint8Array(readFileSync(out)), models[0]);
});

test("the preset for pairs gives the native bits in WebAssembly", { skip: noNative }, async () => {
  const table = join(folder, "preset.tsv");
  writeFileSync(
    table,
    sentences(1000)
      .map(({ source, target }) => `${source}\t${target}\n`)
      .join(""),
  );
  const words = [
    "--data",
    table,
    "--kernels",
    "exact",
    "--steps",
    process.env.GLOSSA_SOAK ? "60" : "5",
    "--scored",
    "5",
  ];
  const files = ["native", "wasm"].map((name) => join(folder, `preset-${name}.gguf`));
  execFileSync(native, ["train", ...words, "--quiet", "-o", files[0]], { stdio: "pipe" });
  assert.equal((await glossa(...words, "-q", "-o", files[1])).status, 0);
  assert.ok(readFileSync(files[0]).equals(readFileSync(files[1])));
});

test("a training goes on to the bit in either command, and its curves too", { skip: noNative }, async () => {
  const table = join(folder, "on.tsv");
  writeFileSync(table, TABLE);
  const path = (/** @type {string} */ name) => join(folder, name);
  const common = ["--data", table, ...words, "--every", "3", "--scored", "5", "--schedule", "constant"];
  const commands = {
    native: async (/** @type {string[]} */ argv) => void execFileSync(native, ["train", ...argv], { stdio: "pipe" }),
    node: async (/** @type {string[]} */ argv) => assert.equal((await glossa(...argv)).status, 0),
  };
  /** @type {Record<string, any[]>} */
  const logs = {};
  for (const [name, command] of Object.entries(commands)) {
    await command([...common, "--steps", "9", "-o", path(`${name}.whole`), "--log", path(`${name}.whole.jsonl`)]);
    const state = ["--state", path(`${name}.state`), "--log", path(`${name}.jsonl`), "--chart", path(`${name}.svg`)];
    await command([...common, "--steps", "6", ...state]);
    await command([...common, "--steps", "9", ...state, "--resume", "-o", path(`${name}.again`)]);
    assert.ok(readFileSync(path(`${name}.again`)).equals(readFileSync(path(`${name}.whole`))), name);
    const curves = ["", ".whole"].map((part) =>
      readFileSync(path(`${name}${part}.jsonl`), "utf8")
        .trim()
        .split("\n")
        .map((line) => ({ ...JSON.parse(line), tokens_per_second: 0 })),
    );
    assert.equal(curves[0].length, 3);
    assert.deepEqual(curves[0], curves[1]);
    logs[name] = curves[0];
    assert.match(readFileSync(path(`${name}.svg`), "utf8"), /^<svg [\s\S]*step 9<\/text>[\s\S]*<\/svg>\n$/);
  }
  for (const [i, entry] of logs.native.entries())
    for (const [key, value] of Object.entries(entry)) assert.ok(Math.abs(logs.node[i][key] - value) < 1e-4, key);
  assert.ok(readFileSync(path("node.whole")).equals(readFileSync(path("native.whole"))));
});

test("alignments: a column, objects, files of a recipe's folders, the same bits", { skip: noNative }, async () => {
  const linked = PAIRS.map(({ source, target }) => ({
    ...{ source, target },
    links: source
      .split(" ")
      .map((_, i) => `0-${i}`)
      .join(" "), // all words look at the first
  }));
  const column = (/** @type {"source" | "target" | "links"} */ name) =>
    linked.map((pair) => `${pair[name]}\n`).join("");
  mkdirSync(join(folder, "words"));
  for (const [ending, name] of /** @type {const} */ ([
    ["aa", "source"],
    ["bb", "target"],
    ["align", "links"],
  ]))
    writeFileSync(join(folder, `words/train.${ending}`), column(name));
  writeFileSync(join(folder, "linked.tsv"), linked.map((pair) => `${Object.values(pair).join("\t")}\n`).join(""));
  const recipe = { source: "aa", target: "bb", guided_alignment: 0.1, steps: 4, model: snake };
  /** @type {Uint8Array[]} */
  const models = [];
  for (const train of [{ words: 1 }, "linked.tsv"]) {
    const config = join(folder, "linked.json");
    const out = join(folder, "linked.gguf");
    writeFileSync(config, JSON.stringify({ ...recipe, train }));
    const words = [config, ...(train === "linked.tsv" ? [] : ["--data", folder]), "-o", out];
    execFileSync(native, ["train", ...words, "--quiet"], { stdio: "pipe" });
    models.push(new Uint8Array(readFileSync(out)));
    assert.equal((await glossa(...words, "-q")).status, 0);
    models.push(new Uint8Array(readFileSync(out)));
  }
  const languages = { sourceLanguage: "aa", targetLanguage: "bb" };
  const lab = await Lab.create({ pairs: linked, ...languages, training: { ...settings, steps: 4, guided: 0.1 } });
  for await (const _ of lab.train({ heldOut: 0 }));
  models.push(await lab.save());
  lab.destroy();
  for (const model of models) assert.deepEqual(model, models[0]);
  const { keys } = parseGguf(Buffer.from(models[0]));
  assert.deepEqual([keys.get("glossa.alignment.layer"), keys.get("glossa.alignment.head")], [1, 0]);

  writeFileSync(join(folder, "words/train.align"), "0-0\n");
  writeFileSync(join(folder, "linked.json"), JSON.stringify({ ...recipe, train: { words: 1 } }));
  const words = [join(folder, "linked.json"), "--data", folder, "-o", join(folder, "none.gguf")];
  assert.match((await glossa(...words)).stderr, /train\.aa has more than 1 lines/);
  assert.match(spawnSync(native, ["train", ...words], { encoding: "utf8" }).stderr, /fewer lines.*train\.align/);
});

test("what is learnt from pairs, the translator says", async () => {
  const size = { ...settings, width: 32, heads: 2, feedForward: 64, kernels: "" };
  const training = {
    ...size,
    vocabulary: 320,
    batchTokens: 600,
    steps: 600,
    learningRate: 5e-3,
    setAside: 50,
    dropout: 0.1,
  };
  const lab = await Lab.create({ pairs: sentences(3000), training });
  for await (const _ of lab.train({ every: 600, heldOut: 0 }));
  const judged = await lab.evaluate(50);
  assert.ok((judged.bleu ?? 0) > 50, `BLEU ${judged.bleu}`);
  const { source, target } = await lab.example(0);
  const { arrays, ...seen } = await lab.inspect(source);
  assert.equal(seen.source.join(""), `▁${source.replaceAll(" ", "▁")}</s>`);
  assert.deepEqual(arrays["dec.blk.0.cross_attn"].shape.slice(1), [seen.target.length, seen.source.length]);
  const model = await lab.save();
  const translator = await Translator.create({ sourceLanguage: "und", targetLanguage: "und", model });
  assert.equal(await translator.translate(source), seen.output);
  assert.equal(await lab.predict(source), seen.output);
  assert.equal(typeof target, "string");
  translator.destroy();
  lab.destroy();
});

test("an int8 checkpoint of the engine goes on from its weights", async () => {
  const model = readFileSync(path("models/en-de.gguf"));
  const pairs = [{ source: "Two dogs are playing in the snow.", target: "Zwei Hunde toben im Schnee." }];
  const lab = await Lab.open(model, {
    pairs,
    training: { learningRate: 3e-4, warmup: 0, schedule: "constant", dropout: 0.1 },
  });
  assert.equal(await lab.predict(pairs[0].source), "Zwei Hunde spielen im Schnee.");
  for await (const _ of lab.train({ steps: 12, heldOut: 0 }));
  assert.equal(await lab.predict(pairs[0].source), pairs[0].target);
  const translator = await Translator.create({ sourceLanguage: "en", targetLanguage: "de", model: await lab.save() });
  assert.equal(await translator.translate(pairs[0].source), pairs[0].target);
  translator.destroy();
  lab.destroy();
});

test("files have one name each, whatever names are given", async () => {
  const files = { source: new TextEncoder().encode("a\nb"), target: new TextEncoder().encode("c") };
  for (const [name, message] of [
    ["corpus", /corpus ends at line 1, but corpus goes on/],
    [["left"], /left ends at line 1, but left goes on/],
    [["left", "right", "third"], /right ends at line 1, but left goes on/],
    ["a\0b", /a b ends at line 1, but a b goes on/],
    [7, /7 ends at line 1, but 7 goes on/],
  ]) {
    const pairs = /** @type {any} */ ([{ name, ...files }]);
    await assert.rejects(Lab.create({ pairs }), { message: /** @type {RegExp} */ (message) });
  }
});

test("the lab refuses a block that lacks the NUL of a name", async () => {
  const file = new URL("../../dist/glossa-lab.wasm", import.meta.url);
  const imports = {
    env: { emscripten_notify_memory_growth() {} },
    wasi_snapshot_preview1: { proc_exit() {} },
  };
  const { instance } = await WebAssembly.instantiate(readFileSync(file), imports);
  const lab = /** @type {any} */ (instance.exports);
  lab._initialize?.();
  const context = lab.lab_context_open();
  const [TABLE, LINES] = [0, 2];
  /** @param {string} text @param {number} form @param {...number} sizes */
  const status = (text, form, ...sizes) => {
    const block = Buffer.from(text);
    new Uint8Array(lab.memory.buffer, lab.lab_context_block(context, block.length)).set(block);
    return lab.lab_context_data(context, form, 0, ...sizes);
  };
  assert.equal(status("name\0a\tb\n", TABLE, 4, 9), 0);
  assert.equal(status("n\0m\0a\nb\n", LINES, 2, 8), 0);
  for (const size of [4, 0, 1e9]) assert.equal(status("name\0a\tb\n", TABLE, 4, size), 1);
  assert.equal(status("name\0a\tb\n", TABLE, 5, 9), 1);
  assert.equal(status("corpus\0a\nb", LINES, 1, 10), 1);
  assert.equal(status("n\0m\0a\nb\n", LINES, 5, 8), 1);
  assert.equal(status("n\0m\0a\nb\n", LINES, 2, 3), 1);
  lab.lab_context_close(context);
});

test("configs with counts that make no sense are refused by the native command", { skip: noNative }, () => {
  writeFileSync(join(folder, "counted.tsv"), TABLE);
  const config = join(folder, "counts.json");
  const out = join(folder, "counts.gguf");
  const train = (/** @type {object} */ json, /** @type {string[]} */ ...words) => {
    writeFileSync(config, JSON.stringify({ train: "counted.tsv", steps: 2, model: snake, ...json }));
    return spawnSync(native, ["train", config, "-o", out, ...words], { encoding: "utf8" });
  };
  for (const times of [0, null, true, "2", 1.5, 101]) {
    const { status, stderr } = train({ train: { "counted.tsv": times } });
    assert.equal(status, 1);
    assert.match(stderr, /counts.json: pairs are seen a whole number of times from 1 to 100 in an epoch, not /);
  }
  const { status, stderr } = train({ validate_every: 0 });
  assert.equal(status, 1);
  assert.match(stderr, /counts.json: need a count of 1 or more, have 0/);
  writeFileSync(out, "kept"); // where nothing was trained nothing is written over
  assert.equal(train({}, "--log", join(folder, "no-such-folder", "x.jsonl")).status, 1);
  assert.equal(readFileSync(out, "utf8"), "kept");
  assert.equal(train({ train: { "counted.tsv": 2 }, validate_every: 1 }).status, 0);
});

test("broken pairs and configs are refused by name", async () => {
  const bad = [
    [{ pairs: "a\tb\nno tab\n" }, /pairs, line 2 has no tab between source and target: no tab/],
    [{ pairs: new Uint8Array([97, 9, 0xfc, 10]) }, /pairs, line 1 is not UTF-8: byte 3 of the line is 0xfc/],
    [{ pairs: { source: "a\nb", target: "c" } }, /pairs.target ends at line 1, but pairs.source goes on/],
    [{ pairs: [["a", "b"], ["c"]] }, /"pairs" has .* at place 1; it takes \[source, target\]/],
    [{ pairs: 7 }, /"pairs" is 7; it takes a table of pairs/],
    [{ pairs: [] }, /pairs holds no pair of texts/],
    [{ pairs: "a\tb\n", valid: "x\n" }, /valid, line 1 has no tab/],
    [{ pairs: "a\tb\n", sourceLanguage: ["en"] }, /"sourceLanguage" is .*; it takes one language/],
    [{ pairs: "a\tb\n", config: { copying: 0.1 } }, /config: key 'copying' is none that this trainer knows/],
    [{ config: "{" }, /"config" is no JSON/],
    [{ pairs: "a\tb\n", task: "copy" }, /task 'copy' or from pairs, not both/],
    [{ pairs: "a\tb\n", vocabulary: new Uint8Array(8) }, /GGUF|magic|file/],
  ];
  for (const [options, message] of bad) await assert.rejects(Lab.create(/** @type {any} */ (options)), { message });
  const table = join(folder, "bad.tsv");
  writeFileSync(table, "a\tb\nc d\n");
  for (const argv of [["--data", table], ["--data", join(folder, "none.tsv")], ["--source-lines", table], []]) {
    const { status, stderr } = await glossa(...argv, "-o", join(folder, "none.gguf"));
    assert.notEqual(status, 0);
    assert.match(stderr, /bad.tsv, line 2 has no tab|no such file|the other side is missing|name --data/);
  }
  assert.equal(existsSync(join(folder, "none.gguf")), false);
});
