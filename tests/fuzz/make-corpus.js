// Makes tests/fuzz/corpus/: small files that are right, and small files that are wrong in one way each.
//
//   node tests/fuzz/make-corpus.js
//
// The fuzzers start from them, and every test run feeds them to the same targets.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { f32s, i32s, string, strings, u8s, u32 } from "../../src/js/convert/gguf-writer.js";
import { bytesOf, D, floats, model, PIECES, random, T, vocabulary } from "./checkpoint.js";
import { SMALL } from "./hostile.js";

const CORPUS = fileURLToPath(new URL("corpus/", import.meta.url));

/** @typedef {import("./checkpoint.js").Metadata} Metadata */
/** @typedef {import("./checkpoint.js").Tensor} Tensor */
/** @typedef {import("./checkpoint.js").Checkpoint} Checkpoint */

/** Where the last occurrence of a name ends. @param {Buffer} bytes @param {string} name */
function after(bytes, name) {
  const at = bytes.lastIndexOf(name);
  if (at < 0) throw new Error(`no ${name}`);
  return at + name.length;
}

/** A tokenizer alone, changed. @param {(metadata: Metadata) => unknown} change */
function tokenizer(change) {
  const metadata = vocabulary();
  change(metadata);
  return bytesOf({ metadata, tensors: [] });
}

/** One key and one tensor, with bytes changed. @param {(bytes: Buffer) => Buffer | unknown} change */
function small(change) {
  const metadata = new Map([["general.name", string("small")]]);
  const bytes = bytesOf({ metadata, tensors: [floats("weight", [4, 2], (i) => i)] });
  const changed = change(bytes);
  return Buffer.isBuffer(changed) ? changed : bytes;
}

/** A whole model, changed. @param {(checkpoint: Checkpoint) => unknown} change @param {Parameters<typeof model>[0]} [variant] */
function whole(change, variant) {
  const checkpoint = model(variant);
  change(checkpoint);
  return bytesOf(checkpoint);
}

/** Tensor of a checkpoint. @param {Checkpoint} checkpoint @param {string} name */
const tensorOf = ({ tensors }, name) => /** @type {Tensor} */ (tensors.find((tensor) => tensor.name === name));

// ---- the files ----

/** A trie of 256 units whose root leads nowhere, and one replacement. @param {number} size what the head claims */
function charsmap(size) {
  const bytes = Buffer.alloc(4 + 1024 + 2);
  bytes.writeUInt32LE(size, 0);
  bytes.write("x", 4 + 1024);
  return bytes;
}

/** @type {Record<string, () => Buffer>} */
const CHECKPOINTS = {
  "good-attention": () => bytesOf(model()),
  "good-ssru": () => bytesOf(model({ ssru: true })),
  "good-float32-pre-norm": () => bytesOf(model({ float: true, pre: true })),
  "good-tokenizer": () => tokenizer((m) => m.set(`${T}precompiled_charsmap`, u8s(charsmap(1024)))),
  "good-bpe": () =>
    tokenizer((m) => m.set(`${T}model`, string("bpe")).set(`${T}token_type`, i32s([2, 3, 1, 1, 1, 4, 5, 1]))),
  "good-ids": () => tokenizer((m) => m.set(`${T}ids`, i32s([0, 1, 6, 5, 4, 9, 2, -1]))),

  empty: () => Buffer.alloc(0),
  "three-bytes": () => Buffer.from("GGU"),
  "not-gguf": () => Buffer.from("<!doctype html><title>404</title>"),
  "header-alone": () => small((b) => b.subarray(0, 24)),
  "version-2": () => small((b) => b.writeUInt32LE(2, 4)),
  "big-endian": () => small((b) => b.writeUInt32BE(3, 4)),
  "huge-tensor-count": () => small((b) => b.writeBigUInt64LE(1n << 60n, 8)),
  "huge-key-count": () => small((b) => b.writeBigUInt64LE(0xffffffffffffffffn, 16)),
  "one-key-too-many": () => small((b) => b.writeBigUInt64LE(3n, 16)),
  "huge-name": () => small((b) => b.writeBigUInt64LE(0xfffffffffffffff0n, 24)),
  "empty-name": () => small((b) => b.writeBigUInt64LE(0n, 24)),
  "unknown-type": () => small((b) => b.writeUInt32LE(99, after(b, "general.name"))),
  "nested-array": () => small((b) => b.writeUInt32LE(9, b.writeUInt32LE(9, after(b, "general.name")))),
  "endless-array": () =>
    small((b) =>
      b.writeBigUInt64LE(0x4000000000000001n, b.writeUInt32LE(6, b.writeUInt32LE(9, after(b, "general.name")))),
    ),
  "endless-string": () => small((b) => b.writeBigUInt64LE(0xffffffffffffffffn, after(b, "general.name") + 4)),
  "alignment-0": () => small((b) => b.writeUInt32LE(0, after(b, "general.alignment") + 4)),
  "alignment-odd": () => small((b) => b.writeUInt32LE(48, after(b, "general.alignment") + 4)),
  "five-dimensions": () => small((b) => b.writeUInt32LE(5, after(b, "weight"))),
  "zero-dimension": () => small((b) => b.writeBigUInt64LE(0n, after(b, "weight") + 4)),
  "overflowing-shape": () =>
    small((b) => b.writeBigUInt64LE(1n << 62n, b.writeBigUInt64LE(1n << 62n, after(b, "weight") + 4))),
  "oversized-tensor": () => small((b) => b.writeBigUInt64LE(9n, after(b, "weight") + 4)),
  f16: () => small((b) => b.writeUInt32LE(1, after(b, "weight") + 20)),
  "odd-offset": () => small((b) => b.writeBigUInt64LE(4n, after(b, "weight") + 24)),
  "offset-beyond": () => small((b) => b.writeBigUInt64LE(0xffffffffffffffc0n, after(b, "weight") + 24)),
  "no-data": () => small((b) => b.subarray(0, b.length - 64)),
  "same-tensor-twice": () => {
    const tensor = floats("weight", [4], (i) => i);
    return bytesOf({ metadata: new Map(), tensors: [tensor, { ...tensor, data: tensor.data.slice() }] });
  },

  "no-model": () => tokenizer((m) => m.delete(`${T}model`)),
  "other-model": () => tokenizer((m) => m.set(`${T}model`, string("gpt2"))),
  "few-scores": () => tokenizer((m) => m.set(`${T}scores`, f32s([0, 0]))),
  "nan-score": () => tokenizer((m) => m.set(`${T}scores`, f32s([0, 0, 0, Number.NaN, 0, 0, 0, 0]))),
  "no-unknown": () => tokenizer((m) => m.set(`${T}token_type`, i32s([1, 3, 1, 1, 1, 1, 1, 1]))),
  "two-unknown": () => tokenizer((m) => m.set(`${T}token_type`, i32s([2, 2, 1, 1, 1, 1, 1, 1]))),
  "odd-type": () => tokenizer((m) => m.set(`${T}token_type`, i32s([2, 3, 1, 1, 1, 1, 1, -1]))),
  "byte-piece": () => tokenizer((m) => m.set(`${T}token_type`, i32s([2, 3, 1, 1, 1, 1, 1, 6]))),
  "same-piece-twice": () => tokenizer((m) => m.set(`${T}tokens`, strings([...PIECES.slice(0, 7), "a"]))),
  "long-piece": () => tokenizer((m) => m.set(`${T}tokens`, strings([...PIECES.slice(0, 7), "a".repeat(1025)]))),
  "eos-beyond": () => tokenizer((m) => m.set(`${T}eos_token_id`, u32(8))),
  "ids-beyond": () => tokenizer((m) => m.set(`${T}ids`, i32s([7, 6, 5, 4, 3, 2, 1, 2147483647]))),
  "ids-twice": () => tokenizer((m) => m.set(`${T}ids`, i32s([7, 6, 5, 4, 3, 2, 1, 1]))),
  "long-charsmap": () => tokenizer((m) => m.set(`${T}precompiled_charsmap`, u8s(charsmap(4096)))),
  "noise-charsmap": () => {
    const bytes = charsmap(1024);
    for (let i = 4; i < 4 + 1024; i++) bytes[i] = random(256);
    return tokenizer((m) => m.set(`${T}precompiled_charsmap`, u8s(bytes)));
  },

  "cut-model": () => bytesOf(model()).subarray(0, 6000),
  "missing-tensor": () => whole((c) => c.tensors.splice(-2, 1), { ssru: true }),
  "wrong-shape": () =>
    whole(
      (c) => {
        tensorOf(c, "enc.blk.0.attn_q.weight").ne = [D * 2, D / 2];
      },
      { ssru: true },
    ),
  "nan-weight": () => whole((c) => tensorOf(c, "enc.blk.0.ffn_norm.weight").data.fill(255), { ssru: true }),
  "few-rows": () =>
    whole(
      (c) =>
        c.metadata
          .set(`${T}tokens`, strings([...PIECES, "c"]))
          .set(`${T}scores`, f32s(Array(9).fill(0)))
          .set(`${T}token_type`, i32s([2, 3, 1, 1, 1, 1, 1, 1, 1])),
      { ssru: true },
    ),
  "no-heads": () => whole((c) => c.metadata.set("glossa.attention.head_count", u32(0)), { ssru: true }),
  "many-layers": () => whole((c) => c.metadata.set("glossa.encoder.block_count", u32(4294967295)), { ssru: true }),
  "wide-context": () => whole((c) => c.metadata.set("glossa.context_length", u32(4294967295)), { ssru: true }),

  ...SMALL,
};

const ALL = 0b1011100; // add_space_prefix, remove_extra_whitespaces, escape_whitespaces, rules; unigram without bytes
/** Choice of vocabulary and flags (see fuzz_tokenizer.c), and a text. @type {Record<string, [number, string | number[]]>} */
const TEXTS = {
  blank: [ALL, "  \u3000 "],
  plain: [ALL, "Hello hello  ab aba babab"],
  suffix: [ALL | 32, "hello ab"],
  "bytes-unigram": [ALL | 1, "Ünïcödé 中文 😀👩‍👩‍👧 ab"],
  bpe: [ALL | 2, "abababab aabb bab aa"],
  "bytes-bpe": [ALL | 3, "abab ü 😀 ba"],
  "no-flags": [0, "  ab  "],
  "no-flags-bpe": [3, "  a b  "],
  "user-defined": [ALL, "a<br>b<br><b ba"],
  "user-defined-bpe": [ALL | 2, "ab<br>ab"],
  "ill-formed": [ALL, [0x61, 0xff, 0xc3, 0xe2, 0x96, 0x62, 0xff, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98]],
  rules: [ALL, "A\tb\u3000e\u0301①\u00ad"],
  marks: [ALL, "▁▁a▁ ▁<unk></s><0x41>"],
  nul: [ALL | 1, "a\0b\0"],
};

/**
 * An input of fuzz_pipeline.c: options, texts and a checkpoint.
 * @param {number[]} options the first of the 32 bytes
 * @param {string} text
 * @param {Parameters<typeof model>[0]} variant
 * @param {(checkpoint: Checkpoint) => unknown} [change]
 */
function pipeline(options, text, variant, change = () => {}) {
  const head = Buffer.alloc(34);
  Buffer.from(options).copy(head);
  Buffer.from([4, 100, 8, 32, 1]).copy(head, 24); // limits, of memory where the seventh option asks for it
  const texts = Buffer.from(text);
  head.writeUInt16LE(texts.length, 32);
  return Buffer.concat([head, texts, whole(change, { seed: 1, ...variant })]);
}

/** Every id is a candidate of every token. @param {Checkpoint} checkpoint */
function shortlist({ tensors }) {
  const count = PIECES.length;
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * count);
  const ids = Int32Array.from({ length: count * count }, (_, i) => i % count);
  for (const [name, values] of /** @type {const} */ ([["offsets", offsets], ["ids", ids]]))
    tensors.push({
      name: `shortlist.${name}`,
      type: "I32",
      ne: [values.length],
      data: new Uint8Array(values.buffer),
    });
}

/** @param {Checkpoint} checkpoint */
function learned({ metadata, tensors }) {
  metadata.set("glossa.position", string("learned"));
  for (const side of ["enc", "dec"]) tensors.push(floats(`${side}.position_embd.weight`, [D, 16], (i) => (i % 9) / 9));
}

/** @type {Record<string, () => Buffer>} */
const PIPELINES = {
  greedy: () => pipeline([1, 0, 0, 8, 0, 2], "ab A b\nba\n\nA", {}),
  beam: () => pipeline([4, 1, 1, 6, 2, 5], "A\nab ab", { decoder: 2, ssru: true }),
  marian: () => pipeline([3, 2, 4, 7, 0, 3, 1], "ba\nA b A b", { float: true, pre: true }),
  prefix: () => pipeline([2, 0, 2 | 8 | 64, 8, 0, 1, 0, 0, 0, 0, 0, 0, 5, 3, 4, 4, 6], "ab", { heads: 4, encoder: 2 }),
  shortlist: () => pipeline([5, 0, 0, 5, 3, 8], "ab\nA", { ssru: true }, shortlist),
  tight: () => pipeline([1, 0, 0, 8, 0, 2, 2], "ab", { ssru: true }),
  learned: () => pipeline([2, 0, 0, 9, 0, 4], "a b\nb", {}, learned),
};

/** An input of fuzz_vocabulary.c. @param {number} flags @param {[string, number, number][]} pieces text, type, score @param {string} text */
const vocabularyInput = (flags, pieces, text) =>
  Buffer.concat([
    Buffer.from([flags, pieces.length]),
    ...pieces.map(([piece, type, score]) => {
      const bytes = Buffer.from(piece);
      return Buffer.concat([Buffer.from([type, bytes.length, score & 255]), bytes]);
    }),
    Buffer.from(text),
  ]);

/** @type {[string, number, number][]} */
const SOME = [
  ["▁", 1, -8],
  ["a", 1, -4],
  ["b", 1, -4],
  ["ab", 1, -2],
  ["aba", 5, -1],
  ["<br>", 4, 0],
  ["é", 1, -12],
];

/** @type {Record<string, () => Buffer>} */
const VOCABULARIES = {
  unigram: () => vocabularyInput(0b10001110, SOME, "ab aba<br>é ü"),
  "unigram-bytes": () => vocabularyInput(0b01001110, SOME, "ab aba<br>é ü 😀"),
  bpe: () => vocabularyInput(0b10001111, SOME, "abab aba<br>baab"),
  "bpe-bytes-ids": () => vocabularyInput(0b11101111, SOME, "abab\u0000ü ab"),
  suffix: () => vocabularyInput(0b10010110, SOME, " ab  b "),
};

/** Inputs of fuzz_pairs.c: a table, or behind 1 two files of lines with a NUL between them. @type {Record<string, string | Buffer>} */
const PAIRS = {
  table: "\0one\teins\n two\t zwei \tnotes\r\nlower lowest\tnieder niedrigst\nlow\tnieder",
  empty: "\0",
  "no-tab": "\0one\teins\nno tab\n",
  sides: "\0\teins\none\t\n\t\n",
  links: "\0a b\tc d\t0-0 1-1 0-1\nhaus 你好\tx\t1-0 2-0\n",
  mark: "\0\ufeffé\t词词词词\n",
  latin: Buffer.from("\0gr\xfc\xdf\tgreet\n", "latin1"),
  wide: Buffer.from("\0\ufeffa\tb\n", "utf16le"),
  lines: "\u0001one\ntwo\n\0eins\r\nzwei\r\n",
  uneven: "\u0001one\ntwo\n\0eins\n",
};

/** Inputs of fuzz_config.c. @type {Record<string, string>} */
const CONFIGS = {
  recipe: '{"source":"en","train":{"a":2},"vocab":800,"model":{"d_model":32,"norm":"pre"},"lr":1e-3,"bleu":{"tokenize":"zh"}}',
  task: '{"task":"reverse","preset":"tutorial-small","training":{"steps":5,"clip":0.5},"nesterov":true}',
  escapes: '{"kernels":"\\u00e9\\uD83D\\uDE00\\n","a b":[1,-2.5E+3,null,[],{},"]"]}',
  unknown: '{"copying":0.1}',
  cut: '{"lr":1,',
  deep: "[".repeat(40),
};

/** @param {string} folder @param {Record<string, Buffer>} files */
function write(folder, files) {
  const path = join(CORPUS, folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  const sizes = readdirSync(path).map((name) => statSync(join(path, name)).size);
  console.log(`${path}: ${sizes.length} files, ${sizes.reduce((a, b) => a + b, 0)} bytes`);
}

/** @param {Record<string, () => Buffer>} makers @param {string} [ending] */
const made = (makers, ending = "") =>
  Object.fromEntries(Object.entries(makers).map(([name, make]) => [name + ending, make()]));

write("checkpoint", made(CHECKPOINTS, ".gguf"));
write("pipeline", made(PIPELINES));
write("vocabulary", made(VOCABULARIES));
write("config", Object.fromEntries(Object.entries(CONFIGS).map(([name, text]) => [name, Buffer.from(text)])));
write("pairs", Object.fromEntries(Object.entries(PAIRS).map(([name, bytes]) => [name, Buffer.from(bytes)])));
write(
  "tokenizer",
  Object.fromEntries(
    Object.entries(TEXTS).map(([name, [choice, text]]) => [
      name,
      Buffer.concat([Buffer.from([choice]), Buffer.from(/** @type {any} */ (text))]),
    ]),
  ),
);
