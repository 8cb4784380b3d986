// The tokenizer against the reference: models trained here and now with spm_train, lines of many kinds through
// spm_encode and spm_decode and through ours, no difference allowed. Without those tools the tests are skipped; with
// GLOSSA_DATA, a folder of test sets, models are trained on multi30k too and every line of its test sets is compared.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { addVocabulary } from "../../src/js/convert/checkpoint.js";
import { ggufHeader } from "../../src/js/convert/gguf-writer.js";
import { PIECE, readSentencePiece } from "../../src/js/convert/sentencepiece.js";
import { generatedCorpus, generatedLines, random } from "./tokenizer-lines.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCES = [
  "base/base",
  "base/random",
  "base/utf8",
  "file/gguf",
  "file/gguf_values",
  "kernels/math",
  "text/vocabulary",
  "text/normalizer",
  "text/unigram",
  "text/bpe",
  "text/tokenizer",
];
const LIMIT = 1 << 28; // bytes of a program's output

const missing = ["spm_train", "spm_encode", "spm_decode", "cc"].filter(
  (tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).error,
);
const skip = missing.length > 0 && `${missing.join(", ")} not installed (Debian: apt install sentencepiece gcc)`;

/** @type {{ name: string, args: string[], restrict?: boolean }[]} */
const MODELS = [
  { name: "unigram", args: ["--model_type=unigram"] },
  { name: "unigram with byte fallback", args: ["--model_type=unigram", "--byte_fallback"] },
  {
    name: "unigram without normalization",
    args: ["--model_type=unigram", "--normalization_rule_name=identity", "--remove_extra_whitespaces=false"],
  },
  {
    name: "unigram with user-defined pieces and suffixes",
    args: [
      "--model_type=unigram",
      "--user_defined_symbols=<br>,<b,b ra,e\u0301,①",
      "--control_symbols=<2de>,★",
      "--treat_whitespace_as_suffix",
      "--normalization_rule_name=nfkc_cf",
    ],
  },
  {
    name: "unigram across words",
    args: ["--model_type=unigram", "--split_by_whitespace=false", "--add_dummy_prefix=false", "--byte_fallback"],
  },
  { name: "unigram with unused pieces", args: ["--model_type=unigram"], restrict: true },
  { name: "bpe", args: ["--model_type=bpe"] },
  { name: "bpe with byte fallback", args: ["--model_type=bpe", "--byte_fallback", "--character_coverage=0.98"] },
  {
    name: "bpe without normalization",
    args: ["--model_type=bpe", "--normalization_rule_name=identity", "--remove_extra_whitespaces=false"],
  },
  {
    name: "bpe with user-defined pieces and suffixes",
    args: ["--model_type=bpe", "--user_defined_symbols=<br>,<b,b ra,e\u0301,①", "--treat_whitespace_as_suffix"],
  },
  { name: "bpe with unused pieces", args: ["--model_type=bpe", "--split_by_whitespace=false"], restrict: true },
];

/**
 * @param {string} program
 * @param {string[]} args
 * @param {Buffer} input
 */
function filter(program, args, input) {
  return execFileSync(program, args, { input, maxBuffer: LIMIT, stdio: ["pipe", "pipe", "pipe"] });
}

/** @param {Buffer} bytes @returns {Buffer[]} its lines, without their ends */
function linesOf(bytes) {
  const lines = [];
  let at = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

/** @param {Buffer[]} lines */
const joined = (lines) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));

/**
 * No line may differ; the first few that do are shown.
 * @param {Buffer} actual @param {Buffer} expected @param {Buffer[]} inputs
 */
function assertSameLines(actual, expected, inputs) {
  if (actual.equals(expected)) return;
  const a = linesOf(actual);
  const e = linesOf(expected);
  const wrong = inputs.map((_, i) => i).filter((i) => !a[i]?.equals(e[i] ?? Buffer.alloc(0)));
  const shown = wrong.slice(0, 3).map((i) => `${JSON.stringify(inputs[i].toString())}\n  is ${a[i]}\n  not ${e[i]}`);
  assert.fail(`${wrong.length} of ${inputs.length} lines differ (${a.length}, ${e.length} out):\n${shown.join("\n")}`);
}

describe("the tokenizer equals the reference", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-tokenizer-"));
  const program = join(folder, "tokenize_lines");
  after(() => rmSync(folder, { recursive: true }));
  before(() => {
    const sources = [...SOURCES.map((name) => `src/${name}.c`), "tests/c/tokenize_lines.c"];
    execFileSync("cc", ["-std=c11", "-O2", "-ffp-contract=off", "-Isrc", ...sources, "-o", program], { cwd: ROOT });
  });

  /**
   * Trains a model, writes it as a checkpoint without tensors, and compares.
   * @param {{ name: string, args: string[], restrict?: boolean }} model
   * @param {string} corpus path of the training text
   * @param {number} size of the vocabulary
   * @param {Buffer[]} lines
   */
  function compare({ args, restrict }, corpus, size, lines) {
    const prefix = join(folder, "model");
    execFileSync(
      "spm_train",
      [
        ...["--minloglevel=2", `--input=${corpus}`, `--model_prefix=${prefix}`, `--vocab_size=${size}`],
        ...["--hard_vocab_limit=false", "--num_threads=1", ...args],
      ],
      { stdio: "pipe" },
    );
    const vocabulary = readSentencePiece(readFileSync(`${prefix}.model`), "model");
    const encodeArgs = [`--model=${prefix}.model`, "--output_format=id"];
    if (restrict) encodeArgs.push(`--vocabulary=${restrictVocabulary(vocabulary, prefix)}`);
    const metadata = new Map();
    addVocabulary(metadata, "tokenizer.ggml", vocabulary);
    writeFileSync(`${prefix}.gguf`, ggufHeader(metadata, []));

    const text = joined(lines);
    const expected = filter("spm_encode", encodeArgs, text);
    assertSameLines(filter(program, ["ids", `${prefix}.gguf`], text), expected, lines);
    assertSpansTile(filter(program, ["spans", `${prefix}.gguf`], text), lines, vocabulary.removeExtraWhitespaces);

    const ids = [...linesOf(expected), ...randomIds(vocabulary)];
    const idText = joined(ids);
    const decoded = filter("spm_decode", [`--model=${prefix}.model`, "--input_format=id"], idText);
    assertSameLines(filter(program, ["decode", `${prefix}.gguf`], idText), decoded, ids);
  }

  /**
   * Leaves only half of the longer pieces in use, as spm_encode --vocabulary does.
   * @param {import("../../src/js/convert/sentencepiece.js").Vocabulary} vocabulary
   * @param {string} prefix
   */
  function restrictVocabulary(vocabulary, prefix) {
    const next = random(5);
    const used = vocabulary.tokens.filter(() => next() < 0.5);
    const path = `${prefix}.restricted`;
    writeFileSync(path, used.map((token) => `${token}\t1\n`).join(""));
    const set = new Set(used);
    vocabulary.tokens.forEach((token, i) => {
      const type = vocabulary.types[i];
      if (type === PIECE.CONTROL || type === PIECE.UNKNOWN || type === PIECE.USER_DEFINED) return;
      vocabulary.types[i] = set.has(token) || [...token].length === 1 ? PIECE.NORMAL : PIECE.UNUSED;
    });
    return path;
  }

  /**
   * Lines of random ids; none that prints a line feed.
   * @param {import("../../src/js/convert/sentencepiece.js").Vocabulary} vocabulary
   */
  function randomIds({ tokens }) {
    const next = random(6);
    const feed = tokens.indexOf("<0x0A>");
    return Array.from({ length: 1000 }, () => {
      const ids = Array.from({ length: Math.floor(next() * 12) }, () =>
        Math.floor((next() < 0.5 ? 300 : tokens.length) * next()),
      );
      return Buffer.from(ids.filter((id) => id !== feed && id < tokens.length).join(" "));
    });
  }

  /**
   * The spans of a line follow each other without a gap from 0 (or the first character that is not a space) to its
   * end (or the spaces there), and each ends between characters.
   * @param {Buffer} output @param {Buffer[]} lines @param {boolean} trimmed
   */
  function assertSpansTile(output, lines, trimmed) {
    const spans = linesOf(output);
    lines.forEach((line, i) => {
      if (spans[i].length === 0) return;
      const parts = spans[i].toString().split(" ");
      let at = -1;
      for (const part of parts) {
        const [, begin, end] = part.split(":").map(Number);
        if (at < 0 && !trimmed) assert.equal(begin, 0);
        assert.ok(begin === at || at < 0, `a gap before ${part} in ${JSON.stringify(line.toString())}`);
        assert.ok(end >= begin && end <= line.length, `${part} in ${JSON.stringify(line.toString())}`);
        at = end;
      }
      if (!trimmed) assert.equal(at, line.length);
    });
  }

  const generated = generatedLines(2500);
  const generatedPath = join(folder, "corpus.txt");
  before(() => writeFileSync(generatedPath, generatedCorpus(4000)));
  for (const model of MODELS) it(`${model.name}: generated text`, () => compare(model, generatedPath, 1500, generated));

  const multi30k = process.env.GLOSSA_DATA ? join(process.env.GLOSSA_DATA, "multi30k") : "";
  const noData = !existsSync(multi30k) && "GLOSSA_DATA names no folder with multi30k";
  /** @param {string[]} splits @param {string[]} languages */
  const read = (splits, languages) =>
    splits
      .flatMap((split) => languages.map((language) => join(multi30k, `${split}.${language}.gz`)))
      .filter((path) => existsSync(path))
      .flatMap((path) => linesOf(gunzipSync(readFileSync(path))));
  for (const model of MODELS.filter(({ name }) => !/suffix|across|unused/.test(name)))
    it(`${model.name}: multi30k`, { skip: noData }, () => {
      const path = join(folder, "multi30k.txt");
      if (!existsSync(path)) writeFileSync(path, joined(read(["train"], ["en", "de"]).filter((_, i) => i % 4 === 0)));
      const real = read(["valid", "test"], ["en", "de", "fr", "cs"]);
      assert.ok(real.length >= 5000, `only ${real.length} lines`);
      compare(model, path, 6000, [...real, ...generated]);
    });
});
