// Hugging Face MarianMT folders: safetensors, both formats of torch.save, vocab.json, and pickles that want too much.
import assert from "node:assert/strict";
import { test } from "node:test";
import { convertToBlob } from "../../src/js/convert/index.js";
import { SourceFile } from "../../src/js/convert/file.js";
import { openTorchFile } from "../../src/js/convert/torch-file.js";
import { parseGguf } from "./gguf-parse.js";
import { concat, zip } from "./marian-student.js";
import {
  call,
  D,
  F,
  folder,
  IDS,
  integer,
  json,
  makeModel,
  multilingualFolder,
  named,
  op,
  P,
  pickle,
  safetensors,
  string,
  text,
  torchLegacy,
  torchZip,
  tuple,
  V,
} from "./marianmt-folder.js";

/** @typedef {import("./marianmt-folder.js").Parameter} Parameter */

/** @param {Record<string, Uint8Array>} files @param {Parameters<typeof convertToBlob>[1]} [options] */
async function bytesOf(files, options = {}) {
  const { blob } = await convertToBlob(Object.entries(files), options);
  return new Uint8Array(await blob.arrayBuffer());
}

test("a folder becomes a checkpoint: config, tensors, vocabularies", async () => {
  const { keys, tensors } = parseGguf(await bytesOf(folder(), { type: "f32" }));
  const wanted = {
    "general.name": "opus-mt-en-de",
    "glossa.source_language": "en",
    "glossa.target_language": "de",
    "glossa.activation": "silu",
    "glossa.position": "sinusoid-halves",
    "glossa.norm.epsilon": Math.fround(1e-5),
    "glossa.embedding.scale": Math.fround(Math.sqrt(D)),
    "glossa.decoder.start": V - 1,
    "glossa.banned_ids": [V - 1],
    "glossa.context_length": P,
    "tokenizer.ggml.ids": [1, -1, 0, 2, 3, 4, 5, ...Array(5).fill(-1)],
    "tokenizer.ggml.eos_token_id": 0,
    "tokenizer.ggml.unknown_token_id": 1,
  };
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(keys.get(key), value, key);
  const state = makeModel();
  for (const [theirs, ours] of Object.entries({
    "model.shared.weight": "token_embd.weight",
    "model.encoder.layers.0.self_attn.k_proj.weight": "enc.blk.0.attn_k.weight",
    "model.encoder.layers.0.fc1.bias": "enc.blk.0.ffn_up.bias",
    "model.encoder.layers.0.final_layer_norm.weight": "enc.blk.0.ffn_norm.weight",
    "model.decoder.layers.0.encoder_attn.out_proj.weight": "dec.blk.0.cross_attn_o.weight",
    "model.decoder.layers.0.encoder_attn_layer_norm.bias": "dec.blk.0.cross_attn_norm.bias",
    "model.decoder.layers.0.fc2.weight": "dec.blk.0.ffn_down.weight",
    final_logits_bias: "output.bias",
  }))
    assert.deepEqual(tensors.get(ours)?.data, state.get(theirs)?.data, theirs);
  // Every token that the model can write has a piece to read it back by.
  const ids = keys.get("glossa.target.tokenizer.ids");
  assert.deepEqual(
    [...ids].filter((id) => id >= 0).sort((a, b) => a - b),
    [...Array(V).keys()],
  );
});

test("both formats of torch.save give the file that safetensors gives", async () => {
  const wanted = await bytesOf(folder());
  assert.deepEqual(await bytesOf(folder({}, { "pytorch_model.bin": torchZip(makeModel()) })), wanted);
  assert.deepEqual(await bytesOf(folder({}, { "pytorch_model.bin": torchLegacy(makeModel()) })), wanted);
});

test("a tensor that is stored transposed is put in order", async () => {
  const name = "model.encoder.layers.0.fc1.weight";
  const tensors = await openTorchFile(new SourceFile("m.bin", torchZip(makeModel(), { transposed: name })));
  const got = await tensors.get(name)?.read();
  const { data } = /** @type {Parameter} */ (makeModel().get(name));
  for (let row = 0; row < F; row++)
    for (let col = 0; col < D; col++) assert.equal(got?.[row * D + col], data[col * F + row], `${row}, ${col}`);
});

test("copies of the tied table are ignored, other tensors are not", async () => {
  const state = makeModel();
  const shared = /** @type {Parameter} */ (state.get("model.shared.weight"));
  for (const name of ["lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"])
    state.set(name, shared);
  const files = folder({}, { "model.safetensors": safetensors(state) });
  assert.deepEqual(await bytesOf(files), await bytesOf(folder()));
  state.set("model.encoder.adapter.weight", shared);
  await assert.rejects(
    bytesOf(folder({}, { "model.safetensors": safetensors(state) })),
    /model\.safetensors: tensor "model\.encoder\.adapter\.weight" has no place/,
  );
});

test("position tables that equal the formula are dropped, others are kept", async () => {
  const state = makeModel();
  const table = new Float32Array(P * D);
  for (let p = 0; p < P; p++)
    for (let j = 0; j < D / 2; j++) {
      table[p * D + j] = Math.sin(p / 10000 ** ((2 * j) / D));
      table[p * D + D / 2 + j] = Math.cos(p / 10000 ** ((2 * j) / D));
    }
  for (const side of ["encoder", "decoder"])
    state.set(`model.${side}.embed_positions.weight`, { shape: [P, D], data: table });
  assert.deepEqual(await bytesOf(folder({}, { "model.safetensors": safetensors(state) })), await bytesOf(folder()));
  const other = table.slice();
  other[40] += 0.01;
  state.set("model.decoder.embed_positions.weight", { shape: [P, D], data: other });
  const { keys, tensors } = parseGguf(await bytesOf(folder({}, { "model.safetensors": safetensors(state) })));
  assert.equal(keys.get("glossa.position"), "learned");
  assert.deepEqual(tensors.get("enc.position_embd.weight")?.data, table);
  assert.deepEqual(tensors.get("dec.position_embd.weight")?.data, other);
});

test("tokens that choose the target language", async () => {
  const files = multilingualFolder();
  const { keys } = parseGguf(await bytesOf(files));
  assert.deepEqual(keys.get("glossa.target_language"), ["de", "nb", "zh-Hans"]);
  assert.deepEqual(keys.get("glossa.target_language_tokens"), [7, 8, 9]);
  const at = keys.get("tokenizer.ggml.tokens").indexOf(">>nob<<");
  assert.equal(keys.get("tokenizer.ggml.ids")[at], 8);
  assert.equal(keys.get("tokenizer.ggml.token_type")[at], 3, "text never becomes this token");
  const one = parseGguf(await bytesOf(files, { target: ["de"] }));
  assert.equal(one.keys.get("glossa.target_language"), "de");
  assert.deepEqual(one.keys.get("glossa.target_language_tokens"), [7]);
  await assert.rejects(bytesOf(files, { target: ["fr"] }), /no target language \["fr"\]; it has de, nb, zh-Hans/);
});

test("generation_config.json wins over config.json", async () => {
  const generation = { bad_words_ids: [[3], [V - 1]], decoder_start_token_id: V - 1, pad_token_id: V - 1 };
  const { keys } = parseGguf(await bytesOf(folder({}, { "generation_config.json": json(generation) })));
  assert.deepEqual(
    [...keys.get("glossa.banned_ids")].sort((a, b) => a - b),
    [3, V - 1],
  );
});

for (const [key, value] of Object.entries({
  normalize_before: true,
  normalize_embedding: true,
  add_final_layer_norm: true,
  add_bias_logits: true,
  static_position_embeddings: false,
  activation_function: "tanh",
  decoder_ffn_dim: 64,
  decoder_attention_heads: 2,
}))
  test(`config.json: ${key} ${value} is refused by name and value`, async () => {
    await assert.rejects(bytesOf(folder({ [key]: value })), new RegExp(`config\\.json: .*${key} is "?${value}`));
  });

test("vocabularies that do not fit are refused", async () => {
  const refused = (/** @type {Record<string, Uint8Array>} */ more, /** @type {RegExp} */ message) =>
    assert.rejects(bytesOf(folder({}, more)), message);
  await refused(
    { "vocab.json": json({ ...IDS, extra: V }) },
    /vocabulary has 31 tokens, but the model's embedding has 30/,
  );
  await refused({ "vocab.json": json({ ...IDS, extra: 5 }) }, /vocab\.json: .* both have the id 5/);
  await refused({ "vocab.json": json({ ...IDS, extra: -4 }) }, /vocab\.json: the id of "extra" is -4/);
  await refused({ "vocab.json": json({ a: 0 }) }, /vocab\.json has no <unk>/);
  await refused({ "vocab.json": json([1]) }, /vocab\.json is not a map/);
  await refused({ "vocab.json": text("{") }, /vocab\.json is not valid JSON/);
  await refused({ "generation_config.json": json({ eos_token_id: 4 }) }, /gives <\/s> the id 0, but eos_token_id is 4/);
});

test("a pickle that wants to run something is refused, and runs nothing", async () => {
  const refused = async (/** @type {Uint8Array} */ body, /** @type {RegExp} */ message) => {
    const archive = zip([["archive/data.pkl", body]]);
    await assert.rejects(bytesOf(folder({}, { "pytorch_model.bin": archive })), message);
  };
  await refused(pickle(call(named("os", "system"), string("echo pwned"))), /asks to run "os\.system": refused/);
  await refused(pickle(call(named("builtins", "eval"), string("1"))), /asks to run "builtins\.eval": refused/);
  // STACK_GLOBAL, INST, OBJ and EXT are ways around GLOBAL.
  const stack = concat(string("os"), string("system"), Uint8Array.of(0x93), tuple(string("true")), op("R"));
  await refused(pickle(stack), /asks to run "os\.system": refused/);
  await refused(pickle(concat(op("("), op("i", text("os\nsystem\n")))), /pickle instruction "i" .* refused/);
  await refused(pickle(concat(op("("), named("os", "system"), op("o"))), /pickle instruction "o" .* refused/);
  await refused(pickle(Uint8Array.of(0x82, 1)), /pickle instruction .* refused/);
  await refused(pickle(Uint8Array.of(0x81)), /pickle instruction .* refused/);
  await refused(pickle(integer(5)), /does not hold a dictionary of tensors/);
  await refused(pickle(concat(op("0"))), /takes from an empty stack/);
});

test("damaged torch files are refused", async () => {
  const refused = (/** @type {Uint8Array} */ file, /** @type {RegExp} */ message) =>
    assert.rejects(bytesOf(folder({}, { "pytorch_model.bin": file })), message);
  const [whole, legacy] = [torchZip(makeModel()), torchLegacy(makeModel())];
  await refused(whole.subarray(0, whole.length - 10), /pytorch_model\.bin/);
  await refused(legacy.subarray(0, legacy.length - 1), /is cut short in storage/);
  await refused(new Uint8Array(0), /not a file of torch\.save/);
  await refused(text("<html>"), /pytorch_model\.bin is an HTML page/);
  await refused(text("hello"), /not a file of torch\.save/);
  const flipped = whole.slice();
  const at = Buffer.from(whole).indexOf("archive/data/3") + 40;
  flipped[at] ^= 4;
  await refused(flipped, /"archive\/data\/3" in pytorch_model\.bin is damaged: its checksum/);
  const huge = new Map(makeModel());
  huge.set("final_logits_bias", { shape: [1, V], data: new Float32Array(V - 1) });
  await refused(torchZip(huge), /tensor "final_logits_bias" .* goes beyond its 29 elements/);
  await refused(torchZip(makeModel(), { storage: "QInt8Storage" }), /storage of class "torch\.QInt8Storage"/);
  const files = folder();
  delete files["model.safetensors"];
  await assert.rejects(bytesOf(files), /model\.safetensors or pytorch_model\.bin is missing/);
});
