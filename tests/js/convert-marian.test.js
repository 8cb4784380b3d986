// Marian models, generated on the fly: what is kept bit for bit, what the engine makes of them against an independent
// reference, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import { convertToBlob } from "../../src/js/convert/index.js";
import { readYamlVocabulary } from "../../src/js/convert/yaml.js";
import { Translator } from "../../src/js/index.js";
import { parseGguf } from "./gguf-parse.js";
import { forcedLogProbabilities } from "./marian-reference.js";
import { intgemm8, makeStudent, writeBin, writeNpz, writeShortlist, writeSpm, zip } from "./marian-student.js";

/** @typedef {import("./marian-student.js").Shape} Shape */

const SPM = writeSpm(40);
const LANGUAGES = { source: ["en"], target: ["de"] };

/** @param {Record<string, Uint8Array>} files @param {Parameters<typeof convertToBlob>[1]} [options] */
async function bytesOf(files, options = LANGUAGES) {
  return new Uint8Array(await (await convertToBlob(Object.entries(files), options)).blob.arrayBuffer());
}

/** @param {Record<string, Uint8Array>} files @param {Parameters<typeof convertToBlob>[1]} [options] */
const parsed = async (files, options) => parseGguf(await bytesOf(files, options));

/** @type {[string, Shape][]} */
const SHAPES = [
  ["a student (SSRU, one table)", {}],
  ["a Transformer (self-attention, swish)", { autoreg: "self-attention", activation: "swish" }],
  ["gelu", { activation: "gelu" }],
  ["two tables", { targetVocabulary: 56 }],
  ["an output table", { untied: "Wt" }],
  ["an output table, transposed, without bias", { untied: "W", outputBias: false }],
];

/** @param {Shape} shape @returns {Record<string, Uint8Array>} */
const vocabularies = (shape) =>
  shape.targetVocabulary
    ? { "srcvocab.ende.spm": SPM, "trgvocab.ende.spm": writeSpm(shape.targetVocabulary) }
    : { "vocab.ende.spm": SPM };

for (const [title, shape] of SHAPES) {
  test(`${title}: the engine gives the log-probabilities of Marian's equations`, async () => {
    const student = makeStudent({ ...shape, seed: 5, eosBias: -2 });
    const model = await bytesOf(
      { "model.npz": writeNpz(student), ...vocabularies(shape) },
      { ...LANGUAGES, type: "f32" },
    );
    const translator = await Translator.create({ model, worker: false });
    try {
      for (const text of ["abc", "\u2581ab dz xyz qrs b"]) {
        const explained = await translator.explain(text, { split: false, preserve: false, maxLength: 12 });
        const { sourceTokens, targetTokens } = /** @type {any} */ (explained).sentences[0];
        const ids = (/** @type {{ id: number }[]} */ tokens) => tokens.map(({ id }) => id);
        assert.ok(targetTokens.length > 1, "a translation of some length");
        const wanted = forcedLogProbabilities(
          student.parameters,
          { heads: 4, encoder: 2, decoder: 2, autoreg: "rnn", activation: "relu", ...shape },
          ids(sourceTokens),
          ids(targetTokens),
        );
        for (const [t, token] of targetTokens.entries())
          assert.equal(token.logProbability, wanted[t], `token ${t}, to the bit`);
      }
    } finally {
      translator.destroy();
    }
  });

  test(`${title}: .bin, .npz and deflated .npz become the same file`, async () => {
    const student = makeStudent(shape);
    const rest = vocabularies(shape);
    for (const type of /** @type {const} */ (["f32", "i8"])) {
      const options = { ...LANGUAGES, type, general: { name: "x" } };
      const bin = await bytesOf({ "m.bin": writeBin(student, "float32"), ...rest }, options);
      assert.deepEqual(await bytesOf({ "m.npz": writeNpz(student), ...rest }, options), bin);
      assert.deepEqual(await bytesOf({ "m.npz": writeNpz(student, deflateRawSync), ...rest }, options), bin);
    }
  });
}

/* Where some of Marian's matrices go. */
const PLACES = {
  Wemb: "token_embd",
  encoder_l1_self_Wq: "enc.blk.0.attn_q",
  encoder_l2_self_Wo: "enc.blk.1.attn_o",
  encoder_l1_ffn_W1: "enc.blk.0.ffn_up",
  encoder_l2_ffn_W2: "enc.blk.1.ffn_down",
  decoder_l1_rnn_W: "dec.blk.0.ssru_w",
  decoder_l2_rnn_Wf: "dec.blk.1.ssru_f",
  decoder_l2_context_Wv: "dec.blk.1.cross_attn_v",
};

test("int8 weights are kept bit for bit, with one scale a tensor and the activations' scale", async () => {
  const student = makeStudent({});
  const alpha = (/** @type {string} */ name) => (name === "Wemb" ? 17.5 : 127 / (3 + name.length));
  const files = { "model.ende.intgemm.alphas.bin": writeBin(student, "alphas", alpha), ...vocabularies({}) };
  const { keys, tensors } = await parsed(files, {});
  assert.equal(keys.get("glossa.source_language"), "en");
  assert.equal(keys.get("glossa.target_language"), "de");
  assert.equal(keys.get("glossa.decoder.mixer"), "ssru");
  assert.equal(keys.get("glossa.decoder.start"), "zero-vector");
  assert.equal(keys.get("glossa.position"), "sinusoid-marian");
  assert.equal(keys.get("glossa.norm.epsilon"), Math.fround(1e-6));
  assert.equal(keys.get("glossa.alignment.layer"), 1);
  assert.equal(keys.get("glossa.alignment.head"), 0);
  assert.deepEqual(keys.get("glossa.banned_ids"), [1]);
  for (const [theirs, ours] of Object.entries(PLACES)) {
    const parameter = /** @type {import("./marian-student.js").Parameter} */ (student.parameters.get(theirs));
    const { q, multiplier } = intgemm8(theirs, parameter);
    assert.deepEqual(tensors.get(`${ours}.weight`)?.data, q, theirs);
    assert.deepEqual(tensors.get(`${ours}.scale`)?.data, Float32Array.of(1 / multiplier), theirs);
    const activation = Math.fround(1 / Math.fround(alpha(theirs)));
    assert.deepEqual(tensors.get(`${ours}.act_scale`)?.data, Float32Array.of(activation), theirs);
  }
  assert.equal(tensors.get("dec.blk.0.ssru_w.bias"), undefined);
  assert.equal(tensors.get("dec.blk.0.ssru_f.bias")?.data.length, 32);
});

test("without alphas there is no activation scale; as float32 the integers are scaled", async () => {
  const student = makeStudent({});
  const files = { "model.bin": writeBin(student, "intgemm8"), "vocab.spm": SPM };
  const { tensors } = await parsed(files);
  assert.ok(![...tensors.keys()].some((name) => name.endsWith("act_scale")));
  const wide = await parsed(files, { ...LANGUAGES, type: "f32" });
  const scale = tensors.get("enc.blk.0.ffn_up.scale")?.data[0];
  const q = /** @type {Int8Array} */ (tensors.get("enc.blk.0.ffn_up.weight")?.data);
  assert.deepEqual(
    wide.tensors.get("enc.blk.0.ffn_up.weight")?.data,
    Float32Array.from(q, (value) => value * scale),
  );
});

test("an int8 student translates in the engine near its float32 self", async () => {
  const student = makeStudent({ width: 64, ffn: 96, seed: 3, eosBias: 1 });
  const rest = vocabularies({});
  /** @param {Uint8Array} model @param {string} text @param {number[]} [prefix] */
  const explain = async (model, text, prefix) => {
    const translator = await Translator.create({ model, worker: false });
    const options = { split: false, preserve: false, maxLength: 10, prefix };
    const result = /** @type {any} */ (await translator.explain(text, options));
    translator.destroy();
    return result.sentences[0].targetTokens;
  };
  const float = await bytesOf({ "m.npz": writeNpz(student), ...rest }, { ...LANGUAGES, type: "f32" });
  const int8 = await bytesOf({ "m.bin": writeBin(student, "alphas"), ...rest });
  const wanted = await explain(float, "abc dz");
  const ids = wanted.map((/** @type {any} */ token) => token.id);
  const got = await explain(int8, "abc dz", ids.slice(0, -1));
  let sum = 0;
  for (let t = 0; t < ids.length - 1; t++) sum += Math.abs(got[t].logProbability - wanted[t].logProbability);
  assert.ok(sum / (ids.length - 1) < 0.1, `mean difference ${sum / (ids.length - 1)}`);
});

test("gzipped files, as they are published", async () => {
  const files = {
    "model.ende.intgemm.alphas.bin": writeBin(makeStudent({}), "alphas"),
    "lex.50.50.ende.s2t.bin": writeShortlist(40, 40).file,
    "vocab.ende.spm": SPM,
  };
  const packed = Object.fromEntries(Object.entries(files).map(([name, data]) => [`${name}.gz`, gzipSync(data)]));
  assert.deepEqual(await bytesOf(packed, {}), await bytesOf(files, {}));
});

test("files that are not the model itself say what to do", async () => {
  const text = (/** @type {string} */ value) => new TextEncoder().encode(value);
  await refused(
    { "model.bin.gz": text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "vocab.spm": SPM },
    /model\.bin\.gz is only a pointer of Git LFS: fetch the file itself \(git lfs pull\)/,
  );
  const zstd = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0);
  await refused(
    { "model.bin": zstd, "vocab.spm": SPM },
    /model\.bin is compressed by zstd: decompress it first \(zstd -d model\.bin\)/,
  );
  const files = { "model.bin.zst": zstd, "vocab.spm": SPM };
  await refused(files, /model\.bin\.zst is compressed by zstd: decompress it first/);
  await bytesOf({ ...files, "model.bin": writeBin(makeStudent({}), "float32") }); // zstd -d leaves both
});

test("a shortlist is taken along", async () => {
  const { file, lists, first } = writeShortlist(40, 40, { first: 6, best: 4 });
  const files = { "m.bin": writeBin(makeStudent({}), "float32"), "lex.bin": file, "vocab.spm": SPM };
  const { keys, tensors } = await parsed(files);
  assert.equal(keys.get("glossa.shortlist.first"), first);
  assert.deepEqual([...(tensors.get("shortlist.ids")?.data ?? [])], lists.flat());
  const offsets = tensors.get("shortlist.offsets")?.data;
  assert.deepEqual(
    [...lists.keys()].map((i) => offsets[i + 1] - offsets[i]),
    lists.map((list) => list.length),
  );
});

test("two vocabularies go under their own keys", async () => {
  const shape = { targetVocabulary: 56 };
  const { keys, tensors } = await parsed({ "m.npz": writeNpz(makeStudent(shape)), ...vocabularies(shape) });
  assert.equal(keys.get("tokenizer.ggml.tokens").length, 40);
  assert.equal(keys.get("glossa.target.tokenizer.tokens").length, 56);
  assert.equal(keys.get("glossa.target.tokenizer.eos_token_id"), 0);
  assert.deepEqual(tensors.get("dec.token_embd.weight")?.ne, [32, 56]);
});

test("vocab.yml gives the pieces ids of its own", async () => {
  // The SentencePiece model has 12 pieces in its own order; the model knows 40, all but one of them among these.
  const spm = writeSpm(12, { first: ["<unk>", "<s>", "</s>"] });
  const lines = [
    "</s>: 0",
    "<unk>: 1",
    '"\u2581da3": 7',
    "'ea4': 9",
    '"\\"": 3',
    "': ''': 4",
    '"\\xe9:": 5',
    "? long",
    ": 6",
  ];
  for (let id = 10; id < 40; id++) lines.push(`other${id}: ${id}`);
  const yaml = new TextEncoder().encode(`${lines.join("\n")}\n`);
  const files = { "opus.npz": writeNpz(makeStudent({})), "opus.vocab.yml": yaml, "source.spm": spm, "target.spm": spm };
  const { keys } = await parsed(files);
  const ids = keys.get("tokenizer.ggml.ids");
  assert.deepEqual(ids.slice(0, 6), [1, -1, 0, 7, 9, -1]);
  assert.equal(keys.get("tokenizer.ggml.eos_token_id"), 0, "an id of the model");
  const target = keys.get("glossa.target.tokenizer.tokens");
  const targetIds = keys.get("glossa.target.tokenizer.ids");
  const types = keys.get("glossa.target.tokenizer.token_type");
  for (const [piece, id] of /** @type {const} */ ([
    ["other12", 12],
    ['"', 3],
    [": '", 4],
    ["\xe9:", 5],
    ["long", 6],
  ])) {
    const at = target.indexOf(piece);
    assert.equal(targetIds[at], id, piece);
    assert.equal(types[at], 5, `${piece} is never made out of text`);
  }
});

test("the forms of a vocabulary's lines", () => {
  const map = readYamlVocabulary('"a b": 0\n?: 1\n\':\': 2\n"\\u2581x": 3\n? "key"\n: 4\n#: 5\n-: 6\n', "v.yml");
  assert.deepEqual(
    [...map],
    [
      ["a b", 0],
      ["?", 1],
      [":", 2],
      ["\u2581x", 3],
      ["key", 4],
      ["#", 5],
      ["-", 6],
    ],
  );
  assert.throws(() => readYamlVocabulary("a: 0\na: 1\n", "v.yml"), /v\.yml, line 2: "a" appears twice/);
  assert.throws(() => readYamlVocabulary("no id\n", "v.yml"), /v\.yml, line 1: "no id" is not "piece: id"/);
});

/* Every refused option, by a line that replaces or adds to the student's own. */
const REFUSED = {
  "transformer-tied-layers": "\n  - 1\n  - 1",
  "transformer-train-position-embeddings": " true",
  "transformer-train-positions": " true",
  "transformer-pool": " true",
  "transformer-no-projection": " true",
  "transformer-rnn-projection": " true",
  "transformer-no-bias": " true",
  "transformer-no-affine": " true",
  "transformer-decoder-autoreg": " average-attention",
  "transformer-decoder-dim-ffn": " 512",
  "transformer-decoder-ffn-depth": " 3",
  "transformer-ffn-depth": " 3",
  "transformer-ffn-activation": " tanh",
  "transformer-preprocess": " n",
  "transformer-postprocess": " dhn",
  "transformer-postprocess-emb": " n",
  "transformer-postprocess-top": " n",
  "transformer-guided-alignment-layer": " 7",
  "input-types": "\n  - class",
  "special-vocab": "\n  - 5",
  "dim-vocabs": "\n  - 40",
  "lemma-dim-emb": " 64",
  "lemma-dependency": " soft-transformer-layer",
  "embedding-normalization": " true",
  "right-left": " true",
  "layer-normalization": " true",
  "dec-cell": " gru",
  type: " s2s",
  ulr: " true",
};
for (const [option, value] of Object.entries(REFUSED))
  test(`the option ${option}:${value.replaceAll("\n", " ")} is refused by name and value`, async () => {
    const student = makeStudent({});
    const without = student.yaml.replace(new RegExp(`^${option}:.*\n(?:  .*\n)*`, "m"), "");
    student.yaml = `${without}${option}:${value}\n`;
    const shown = value.includes("\n") ? "\\[" : value.trim();
    await assert.rejects(
      bytesOf({ "m.npz": writeNpz(student), "vocab.spm": SPM }),
      new RegExp(`m\\.npz: the option ${option} is "?${shown}.* not supported`),
    );
  });

/** @param {Record<string, Uint8Array>} files @param {RegExp} message */
const refused = (files, message) => assert.rejects(bytesOf(files), message);

test("parameters that are missing, unknown or of another shape are refused by name", async () => {
  const change = (/** @type {(student: ReturnType<typeof makeStudent>) => void} */ edit) => {
    const student = makeStudent({});
    edit(student);
    return { "m.npz": writeNpz(student), "vocab.spm": SPM };
  };
  const odd = { shape: [1, 3], data: new Float32Array(3) };
  await refused(
    change((s) => s.parameters.delete("Wemb")),
    /m\.npz: the embedding encoder_Wemb is missing/,
  );
  await refused(
    change((s) => s.parameters.delete("decoder_l2_rnn_Wf")),
    /m\.npz: item decoder_l2_rnn_Wf is missing/,
  );
  await refused(
    change((s) => s.parameters.set("surprise_W", odd)),
    /item "surprise_W" has no place in this model/,
  );
  await refused(
    change((s) => s.parameters.set("encoder_l1_self_bq", odd)),
    /item encoder_l1_self_bq has the shape \[1,3\], not \[1,32\]/,
  );
  await refused(
    change((s) => s.parameters.get("Wemb")?.data.fill(Number.NaN, 77, 78)),
    /m\.npz: tensor token_embd\.weight holds NaN at row 2/,
  );
  await refused(
    change((s) => (s.yaml = "")),
    /has no special:model\.yml/,
  );
  await refused(
    change((s) => (s.yaml += "dec-depth: 3\n")),
    /"dec-depth" appears twice/,
  );
});

test("vocabularies that do not fit are refused", async () => {
  const model = writeNpz(makeStudent({}));
  await refused(
    { "m.npz": model, "vocab.spm": writeSpm(39) },
    /vocab\.spm has 39 pieces, but the model's embedding has 40 rows/,
  );
  await refused({ "m.npz": model }, /no vocabulary found/);
  await refused({ "m.npz": model, "vocab.ende.fsv": SPM }, /factored/);
  await refused({ "m.npz": model, "a.spm": SPM, "b.spm": SPM }, /which is the target's\?/);
  await refused(
    { "m.npz": model, "n.npz": model, "vocab.spm": SPM },
    /which model\? The folder has \["m\.npz","n\.npz"\]/,
  );
  const yaml = new TextEncoder().encode("</s>: 0\n<unk>: 1\na: 40\n");
  await refused({ "m.npz": model, "vocab.yml": yaml, "s.spm": SPM }, /target vocabulary has 41 tokens, but .* 40 rows/);
});

test("damaged .bin files are refused", async () => {
  const good = writeBin(makeStudent({}), "alphas");
  const spm = { "vocab.spm": SPM };
  for (const size of [0, 7, 15, 100, 5000, good.length - 300])
    await refused({ "m.bin": good.subarray(0, size), ...spm }, /m\.bin/);
  /** @param {(bytes: Uint8Array, view: DataView) => void} change */
  const damaged = (change) => {
    const bytes = good.slice();
    change(bytes, new DataView(bytes.buffer));
    return { "m.bin": bytes, ...spm };
  };
  await refused(
    damaged((_, view) => view.setUint8(0, 2)),
    /m\.bin is not a Marian model: version 2, not 1/,
  );
  await refused(
    damaged((_, view) => view.setUint32(8, 1 << 30, true)),
    /claims 1073741824 items/,
  );
  await refused(
    damaged((_, view) => view.setUint32(24, 0x802, true)),
    /type 0x802, an FBGEMM pack/,
  );
  await refused(
    damaged((_, view) => view.setUint32(24, 0x102, true)),
    /has the type int16; float32/,
  );
  // The multiplier of the last matrix in the file becomes NaN.
  const multiplier = intgemm8(
    "encoder_l2_self_Wv",
    /** @type {any} */ (makeStudent({}).parameters.get("encoder_l2_self_Wv")),
  ).multiplier;
  const bits = Buffer.from(Float32Array.of(multiplier).buffer);
  const at = Buffer.from(good).indexOf(bits);
  await refused(
    damaged((_, view) => view.setFloat32(at, Number.NaN, true)),
    /encoder_l2_self_Wv" of m\.bin has the multiplier NaN/,
  );
  for (const alpha of [Number.NaN, 0, Number.POSITIVE_INFINITY])
    await refused(
      { "m.bin": writeBin(makeStudent({}), "alphas", () => alpha), ...spm },
      /m\.bin: item \w+ has the activation multiplier (NaN|0|Infinity)$/,
    );
});

test("damaged archives are refused, bit flips by the checksum", async () => {
  const good = writeNpz(makeStudent({}));
  const spm = { "vocab.spm": SPM };
  for (const size of [0, 21, 1000, good.length - 1])
    await refused({ "m.npz": good.subarray(0, size), ...spm }, /m\.npz/);
  const flipped = good.slice();
  flipped[5000] ^= 1;
  await refused({ "m.npz": flipped, ...spm }, /is damaged: its checksum is wrong/);
  await refused({ "m.npz": zip([["a.txt", SPM]]), ...spm }, /"a\.txt" in m\.npz is not a \.npy member/);
});

test("a zip bomb is refused before it is unpacked", async () => {
  const bomb = zip([["Wemb.npy", new Uint8Array(8 << 20)]], deflateRawSync);
  await refused({ "m.npz": bomb, "vocab.spm": SPM }, /claims to unpack \d+ bytes to 8388608: refused as a zip bomb/);
  // A claim far below the truth does not help either.
  const liar = zip([["Wemb.npy", new Uint8Array(1 << 20)]], deflateRawSync);
  const view = new DataView(liar.buffer);
  for (const signature of [0x04034b50, 0x02014b50])
    for (let at = 0; at < liar.length - 4; at++)
      if (view.getUint32(at, true) === signature) view.setUint32(at + (signature === 0x04034b50 ? 22 : 24), 5000, true);
  await refused({ "m.npz": liar, "vocab.spm": SPM }, /m\.npz (is not a \.npy file|unpacks to more)/);
  const gz = gzipSync(new Uint8Array(1 << 20));
  gz.set([0, 0, 0, 0x40], gz.length - 4);
  await refused({ "m.npz.gz": gz, "vocab.spm": SPM }, /claims to unpack .* which is impossible/);
});

test("shortlists that do not fit are refused", async () => {
  const model = { "m.bin": writeBin(makeStudent({}), "float32"), "vocab.spm": SPM };
  const good = writeShortlist(40, 40).file;
  await refused(
    { ...model, "lex.bin": writeShortlist(39, 40).file },
    /lists for 39 source words, but the vocabulary has 40/,
  );
  await refused(
    { ...model, "lex.bin": writeShortlist(40, 60).file },
    /lex\.bin: target word \d+ is beyond the vocabulary of 40/,
  );
  await refused({ ...model, "lex.bin": good.subarray(0, -4) }, /lex\.bin has \d+ bytes, not the \d+/);
  const jump = good.slice();
  jump[48 + 16] = 99;
  await refused({ ...model, "lex.bin": jump }, /lex\.bin: offset 3 is \d+, out of order/);
  await refused({ ...model, "lex.bin": new Uint8Array(60) }, /lex\.bin is not a binary shortlist/);
});
