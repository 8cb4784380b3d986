// The recipe's export to a checkpoint, through a second reader of GGUF.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { convert, convertToBlob } from "../../src/js/convert/index.js";
import { readSentencePiece } from "../../src/js/convert/sentencepiece.js";
import { writeShortlist } from "../../src/js/convert/shortlist.js";
import { parseGguf } from "./gguf-parse.js";
import { concat, random, writeSpm } from "./marian-student.js";

const [D, F, V] = [32, 48, 20];

/**
 * @param {[string, number[], ArrayLike<number>?][]} list
 * @param {string} [dtype]
 */
function writeSafetensors(list, dtype = "F32") {
  const next = random(7);
  /** @type {Record<string, any>} */
  const header = { __metadata__: { format: "pt" } };
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Map<string, Float32Array>} */
  const values = new Map();
  let at = 0;
  for (const [name, shape, given] of list) {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from(given ?? Array.from({ length: count }, () => next() * 2 - 1));
    values.set(name, data);
    const bytes = dtype === "F32" ? new Uint8Array(data.buffer) : new Uint8Array(Uint16Array.from(data).buffer);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  let json = JSON.stringify(header);
  json = json.padEnd(Math.ceil(json.length / 8) * 8);
  const length = new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer);
  return { file: concat(length, new TextEncoder().encode(json), ...parts), values };
}

/** @returns {[string, number[]][]} */
function recipeTensors() {
  /** @type {[string, number[]][]} */
  const list = [
    ["token_embd.weight", [V, D]],
    ["output.bias", [V]],
  ];
  for (const [side, attentions] of /** @type {const} */ ([
    ["enc", ["attn"]],
    ["dec", ["attn", "cross_attn"]],
  ])) {
    const base = `${side}.blk.0`;
    for (const name of attentions) {
      for (const part of "qkvo")
        list.push([`${base}.${name}_${part}.weight`, [D, D]], [`${base}.${name}_${part}.bias`, [D]]);
      list.push([`${base}.${name}_norm.weight`, [D]], [`${base}.${name}_norm.bias`, [D]]);
    }
    list.push([`${base}.ffn_up.weight`, [F, D]], [`${base}.ffn_up.bias`, [F]]);
    list.push([`${base}.ffn_down.weight`, [D, F]], [`${base}.ffn_down.bias`, [D]]);
    list.push([`${base}.ffn_norm.weight`, [D]], [`${base}.ffn_norm.bias`, [D]]);
  }
  return list;
}

const CONFIG = {
  architecture: "glossa",
  d_model: D,
  ffn: F,
  heads: 4,
  encoder_layers: 1,
  decoder_layers: 1,
  vocab: V,
  context: 128,
  norm: "post",
  norm_epsilon: 1e-5,
  activation: "relu",
  position: "sinusoid-interleaved",
  embedding_scale: Math.sqrt(D),
  pad: 0,
  unk: 1,
  bos: 2,
  eos: 3,
  decoder_start: 2,
  banned_ids: [0, 1, 2],
  source_language: "en",
  target_language: "de",
  name: "A test",
  license: "CC0-1.0",
};
const VOCABULARY = writeSpm(V, { first: ["<pad>", "<unk>", "<s>", "</s>"] });

/**
 * @param {Record<string, any>} [config]
 * @param {[string, number[], ArrayLike<number>?][]} [tensors]
 */
function recipe(config = {}, tensors = recipeTensors()) {
  const { file, values } = writeSafetensors(tensors);
  /** @type {Map<string, Uint8Array>} */
  const files = new Map([
    ["config.json", new TextEncoder().encode(JSON.stringify({ ...CONFIG, ...config }))],
    ["model.safetensors", file],
    ["vocab.model", VOCABULARY],
  ]);
  return { files, values };
}

/** @param {Iterable<[string, any]>} files @param {Parameters<typeof convertToBlob>[1]} [options] */
async function run(files, options) {
  const { blob, warnings } = await convertToBlob(files, options);
  return { ...parseGguf(new Uint8Array(await blob.arrayBuffer())), warnings };
}

test("a recipe's export becomes float32 bit for bit", async () => {
  const { files, values } = recipe();
  const { keys, tensors, warnings } = await run(files, { type: "f32" });
  assert.deepEqual(warnings, []);
  assert.deepEqual([...tensors.keys()].sort(), [...values.keys()].sort());
  for (const [name, data] of values) {
    assert.equal(tensors.get(name)?.type, 0, name);
    assert.deepEqual(tensors.get(name)?.data, data, name);
  }
  assert.deepEqual(tensors.get("enc.blk.0.ffn_up.weight")?.ne, [D, F]);
  const wanted = {
    "general.architecture": "glossa",
    "general.name": "A test",
    "general.license": "CC0-1.0",
    "general.alignment": 64,
    "glossa.format_version": 1,
    "glossa.task": "translation",
    "glossa.source_language": "en",
    "glossa.target_language": "de",
    "glossa.encoder.block_count": 1,
    "glossa.decoder.block_count": 1,
    "glossa.embedding_length": D,
    "glossa.feed_forward_length": F,
    "glossa.attention.head_count": 4,
    "glossa.context_length": 128,
    "glossa.norm.placement": "post",
    "glossa.norm.epsilon": Math.fround(1e-5),
    "glossa.activation": "relu",
    "glossa.position": "sinusoid-interleaved",
    "glossa.decoder.mixer": "attention",
    "glossa.decoder.start": 2,
    "glossa.banned_ids": [0, 1, 2],
    "glossa.embedding.scale": Math.fround(Math.sqrt(D)),
    "glossa.output.shared": true,
    "tokenizer.ggml.model": "unigram",
    "tokenizer.ggml.token_type": [3, 2, 3, 3, ...Array(V - 4).fill(1)],
    "tokenizer.ggml.unknown_token_id": 1,
    "tokenizer.ggml.bos_token_id": 2,
    "tokenizer.ggml.eos_token_id": 3,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.add_space_prefix": true,
    "tokenizer.ggml.remove_extra_whitespaces": true,
    "tokenizer.ggml.escape_whitespaces": true,
    "tokenizer.ggml.treat_whitespace_as_suffix": false,
  };
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(keys.get(key), value, key);
  assert.equal(keys.get("tokenizer.ggml.tokens")[5], "\u2581fa5");
  assert.equal(keys.get("tokenizer.ggml.scores")[5], Math.fround(-1 - 5 / 8));
});

test("what a recipe says of its model's limits, and its shortlist, are in the checkpoint", async () => {
  const limits = { en: "Short sentences only.", zh: "只懂短句。" };
  const hints = { training_length: 64, confidence: { word: -2.5, sentence: -1.25 }, limits, examples: ["A.", "B."] };
  const { files } = recipe({ hints });
  const offsets = Array.from({ length: V + 1 }, (_, i) => Math.min(i, 2));
  files.set("lex.bin", writeShortlist({ first: 6, offsets, ids: [7, 9] }));
  const { keys, tensors } = await run(files);
  const wanted = {
    "glossa.training_length": 64,
    "glossa.confidence.word": -2.5,
    "glossa.confidence.sentence": -1.25,
    "glossa.limits.en": limits.en,
    "glossa.limits.zh": limits.zh,
    "glossa.examples": ["A.", "B."],
    "glossa.shortlist.first": 6,
  };
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(keys.get(key), value, key);
  assert.deepEqual([...(tensors.get("shortlist.ids")?.data ?? [])], [7, 9]);
  for (const [change, message] of /** @type {[object, RegExp][]} */ ([
    [{ training_length: 0 }, /training length is 0/],
    [{ confidence: { word: 0.5 } }, /confidence of a word is 0\.5/],
    [{ limits: { en: 3 } }, /limits in "en" are 3/],
    [{ limits: { "../x": "" } }, /limits in "..\/x"/],
    [{ examples: "A." }, /examples are "A\."/],
  ]))
    await assert.rejects(convertToBlob(recipe({ hints: { ...hints, ...change } }).files), message);
});

test("int8: every weight within half a step of its row, the extreme at 127", async () => {
  const { files, values } = recipe();
  const { tensors } = await run(files);
  let matrices = 0;
  for (const [name, { type, ne, data }] of tensors) {
    if (type !== 24) continue;
    matrices++;
    const weights = /** @type {Float32Array} */ (values.get(name));
    const scale = tensors.get(name.replace(/weight$/, "scale"));
    assert.deepEqual(scale?.ne, [ne[1]], name);
    for (let row = 0; row < ne[1]; row++) {
      const step = scale?.data[row];
      let largest = 0;
      for (let i = row * ne[0]; i < (row + 1) * ne[0]; i++) {
        assert.ok(Math.abs(data[i] * step - weights[i]) <= step * 0.5000001, `${name} element ${i}`);
        largest = Math.max(largest, Math.abs(data[i]));
      }
      assert.equal(largest, 127);
    }
  }
  assert.equal(matrices, 1 + 6 + 10);
});

test("torch's own names give the same file as the canonical ones", async () => {
  const { files, values } = recipe();
  const stacked = (/** @type {string} */ base, /** @type {string} */ part) => {
    const three = ["q", "k", "v"].map(
      (letter) => /** @type {Float32Array} */ (values.get(`${base}_${letter}.${part}`)),
    );
    return Float32Array.from(three.flatMap((data) => [...data]));
  };
  /** @type {[string, number[], ArrayLike<number>][]} */
  const list = [];
  const take = (/** @type {string} */ name, /** @type {string} */ ours, /** @type {number[]} */ shape) =>
    list.push([name, shape, /** @type {Float32Array} */ (values.get(ours))]);
  take("emb.weight", "token_embd.weight", [V, D]);
  take("bias", "output.bias", [V]);
  for (const [side, blocks] of /** @type {const} */ ([
    ["enc", [["self_attn", "attn"]]],
    [
      "dec",
      [
        ["self_attn", "attn"],
        ["multihead_attn", "cross_attn"],
      ],
    ],
  ])) {
    const [theirs, ours] = [`${side}.layers.0`, `${side}.blk.0`];
    for (const [i, [from, to]] of blocks.entries()) {
      list.push([`${theirs}.${from}.in_proj_weight`, [3 * D, D], stacked(`${ours}.${to}`, "weight")]);
      list.push([`${theirs}.${from}.in_proj_bias`, [3 * D], stacked(`${ours}.${to}`, "bias")]);
      take(`${theirs}.${from}.out_proj.weight`, `${ours}.${to}_o.weight`, [D, D]);
      take(`${theirs}.${from}.out_proj.bias`, `${ours}.${to}_o.bias`, [D]);
      for (const part of ["weight", "bias"]) take(`${theirs}.norm${i + 1}.${part}`, `${ours}.${to}_norm.${part}`, [D]);
    }
    for (const [name, block, shape] of /** @type {const} */ ([
      ["linear1", "ffn_up", [F, D]],
      ["linear2", "ffn_down", [D, F]],
    ])) {
      take(`${theirs}.${name}.weight`, `${ours}.${block}.weight`, [...shape]);
      take(`${theirs}.${name}.bias`, `${ours}.${block}.bias`, [shape[0]]);
    }
    for (const part of ["weight", "bias"])
      take(`${theirs}.norm${blocks.length + 1}.${part}`, `${ours}.ffn_norm.${part}`, [D]);
  }
  const torch = recipe({ architecture: "encoder-decoder" }, list).files;
  const blob = async (/** @type {Map<string, Uint8Array>} */ f) =>
    new Uint8Array(await (await convertToBlob(f)).blob.arrayBuffer());
  assert.deepEqual(await blob(torch), await blob(files));
});

test("blobs, gzipped files and files read in ranges give the same bytes", async () => {
  const { files } = recipe();
  const once = async (/** @type {Iterable<[string, any]>} */ f) =>
    new Uint8Array(await (await convertToBlob(f)).blob.arrayBuffer());
  const plain = await once(files);
  assert.deepEqual(
    await once([...files].map(([name, bytes]) => [name, new Blob([/** @type {BlobPart} */ (bytes)])])),
    plain,
  );
  assert.deepEqual(await once([...files].map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)])), plain);
  const ranges = [...files].map(([name, bytes]) => [
    name,
    { size: bytes.length, read: async (/** @type {number} */ at, /** @type {number} */ n) => bytes.slice(at, at + n) },
  ]);
  assert.deepEqual(await once(/** @type {any} */ (ranges)), plain);
});

test("half-precision weights are widened exactly", async () => {
  const { readFloats } = await import("../../src/js/convert/floats.js");
  // 1, -2, 65504, smallest normal, smallest subnormal, largest subnormal, -0, infinity
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x8000, 0x7c00);
  const wanted = [1, -2, 65504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, -0, Infinity];
  assert.deepEqual([...readFloats(new Uint8Array(halves.buffer), "F16")], wanted);
  const odd = concat(Uint8Array.of(9), new Uint8Array(halves.buffer), Uint8Array.of(9)).subarray(1, 17);
  assert.deepEqual([...readFloats(odd, "F16")], wanted);
  const brain = Uint16Array.of(0x3f80, 0xc000, 0x7f80);
  assert.deepEqual([...readFloats(new Uint8Array(brain.buffer), "BF16")], [1, -2, Infinity]);
});

test("progress reaches the end, and a signal stops the work", async () => {
  const { files } = recipe();
  /** @type {number[]} */
  const seen = [];
  let total = 0;
  const { bytes } = await convert(files, {
    write: () => {},
    onProgress: (done, all) => {
      seen.push(done);
      total = all;
    },
  });
  assert.equal(seen.at(-1), bytes);
  assert.equal(total, bytes);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  await assert.rejects(convert(files, { write: () => {}, signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("bad sources are refused by file, tensor and value", async () => {
  /** @param {RegExp} message @param {Record<string, any>} config @param {[string, number[], ArrayLike<number>?][]} [tensors] */
  const refused = (message, config, tensors) => assert.rejects(convertToBlob(recipe(config, tensors).files), message);
  await refused(/describes a model of type "bert"/, { architecture: "bert" });
  await refused(/norm placement is "rms"; supported: post, pre/, { norm: "rms" });
  await refused(/activation is "mish"/, { activation: "mish" });
  await refused(/position encoding is "rope"/, { position: "rope" });
  await refused(/5 heads do not divide the model's 32/, { heads: 5 });
  await refused(/number of encoder layers is 0/, { encoder_layers: 0 });
  await refused(/vocab\.model has 20 pieces, but config\.json says vocab 21/, { vocab: 21 });
  await refused(/vocab\.model has eos 3, but config\.json says 0/, { eos: 0 });
  await refused(/decoder's start is 99/, { decoder_start: 99 });
  await refused(/banned token 20 is not one of the 20/, { banned_ids: [20] });
  await refused(/source language "e n" is not a BCP 47 tag/, { source_language: "e n" });
  await refused(/tensor enc\.blk\.1\.attn_q\.weight is missing/, { encoder_layers: 2 });
  await refused(/tensor enc\.blk\.0\.ffn_up\.weight has the shape \[48,32\], not \[64,32\]/, { ffn: 64 });
  const list = recipeTensors();
  await refused(/tensor output\.bias is missing|tensor dec\.blk\.0\.ffn_norm\.bias is missing/, {}, list.slice(0, -1));
  await refused(/tensor enc\.blk\.0\.rms has no place/, {}, [...list, ["enc.blk.0.rms", [2]]]);
  const nan = new Float32Array(D).fill(1);
  nan[5] = Number.NaN;
  await refused(/model\.safetensors: tensor dec\.blk\.0\.ffn_norm\.bias holds NaN at row 0, column 5/, {}, [
    ...list.slice(0, -1),
    ["dec.blk.0.ffn_norm.bias", [D], nan],
  ]);
  const { files } = recipe();
  files.delete("vocab.model");
  await assert.rejects(convertToBlob(files), /vocab\.model is missing; the folder has/);
  await assert.rejects(convertToBlob([]), /no model found/);
  files.set("vocab.model", new TextEncoder().encode("hello, this is text"));
  await assert.rejects(convertToBlob(files), /vocab\.model/);
});

test("widths that the engine cannot take are refused by the tensor's name", async () => {
  const tensors = recipeTensors().map(
    ([name, shape]) => /** @type {[string, number[]]} */ ([name, shape.map((n) => (n === F ? 40 : n))]),
  );
  await assert.rejects(
    convertToBlob(recipe({ ffn: 40 }, tensors).files),
    /tensor enc\.blk\.0\.ffn_down\.weight has 40 inputs, not a multiple of 16/,
  );
});

test("a damaged safetensors header is refused", async () => {
  const { files } = recipe();
  const good = /** @type {Uint8Array} */ (files.get("model.safetensors"));
  /** @param {(bytes: Uint8Array) => Uint8Array} change @param {RegExp} message */
  const refused = async (change, message) => {
    files.set("model.safetensors", change(good.slice()));
    await assert.rejects(convertToBlob(files), message);
  };
  await refused((bytes) => bytes.subarray(0, 5), /not a safetensors file: it has 5 bytes/);
  await refused((bytes) => bytes.subarray(0, bytes.length - 1), /lies at bytes .* cut short/);
  await refused((bytes) => bytes.fill(255, 0, 8), /impossible size/);
  await refused((bytes) => bytes.fill(0x20, 8, 9), /not valid JSON/);
});

test("SentencePiece models of other kinds are refused", () => {
  const refused = (/** @type {Uint8Array} */ bytes, /** @type {RegExp} */ message) =>
    assert.throws(() => readSentencePiece(bytes, "v.spm"), message);
  refused(writeSpm(5, { kind: 3 }), /v\.spm is a SentencePiece model of type word/);
  refused(writeSpm(5, { kind: 9 }), /type 9/);
  refused(new Uint8Array(0), /has no pieces/);
  refused(writeSpm(5, { first: ["<unk>", "<unk>"] }), /piece 1 is "<unk>" again, after 0/);
  refused(writeSpm(5, { first: [] }), /has no unknown piece/);
  refused(writeSpm(9).subarray(0, 60), /v\.spm is cut short/);
  assert.equal(readSentencePiece(writeSpm(5, { kind: 2 }), "v.spm").kind, "bpe");
});
