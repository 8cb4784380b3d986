// Pairs of text in the lab: a vocabulary that it has learnt gives the ids of SentencePiece's own command.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseGguf } from "./gguf-parse.js";
import { generatedCorpus, generatedLines } from "./tokenizer-lines.js";

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
