// Seeded mutations of good files against every parser of the converter: whatever comes, the outcome is a result or a
// ConvertError, never another exception. GLOSSA_FUZZ_ROUNDS raises the number of mutations; `npm run soak` takes 1,000.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import { Cursor } from "../../src/js/convert/bytes.js";
import { show } from "../../src/js/convert/errors.js";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import { ConvertError, convert, convertToBlob } from "../../src/js/convert/index.js";
import { readPickle } from "../../src/js/convert/pickle.js";
import { readSentencePiece } from "../../src/js/convert/sentencepiece.js";
import { readShortlist } from "../../src/js/convert/shortlist.js";
import { readYaml, readYamlVocabulary } from "../../src/js/convert/yaml.js";
import { makeStudent, random, writeBin, writeNpz, writeShortlist, writeSpm } from "./marian-student.js";
import { folder, json, makeModel, safetensors, torchLegacy, torchZip } from "./marianmt-folder.js";

const ROUNDS = Number(process.env.GLOSSA_FUZZ_ROUNDS ?? (process.env.GLOSSA_SOAK === "1" ? 1000 : 150));
/* Most of a file is weights, in which nothing can go wrong: half of the damage is aimed at its ends. */
const EDGE = 1500;

/** @param {Uint8Array} good @param {() => number} next */
function mutate(good, next) {
  const pick = (/** @type {number} */ n) => Math.floor(next() * n);
  let bytes = Uint8Array.from(good);
  for (let i = 1 + pick(4); i > 0 && bytes.length > 0; i--) {
    const edge = Math.min(EDGE, bytes.length);
    const at = [pick(bytes.length), pick(edge), bytes.length - 1 - pick(edge)][pick(3)];
    const kind = pick(6);
    if (kind === 0) bytes[at] ^= 1 << pick(8);
    else if (kind === 1) bytes[at] = pick(256);
    else if (kind === 2) bytes.fill([0, 1, 127, 128, 255][pick(5)], at, at + 1 + pick(9));
    else if (kind === 3) bytes = bytes.slice(0, at);
    else if (kind === 4) bytes.copyWithin(at, pick(bytes.length), pick(bytes.length));
    else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + pick(40))]);
  }
  return bytes;
}

/**
 * @param {string} title
 * @param {Uint8Array} good
 * @param {(bytes: Uint8Array) => unknown} parse
 */
function fuzz(title, good, parse) {
  test(`${title}: ${ROUNDS} mutations`, async () => {
    await parse(good);
    const next = random(title.length);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutate(good, next);
      try {
        await parse(bytes);
      } catch (error) {
        assert.ok(error instanceof ConvertError, `round ${round}: ${/** @type {Error} */ (error).stack}`);
        assert.ok(error.message.length > 0 && error.message.length < 2000, "a message of a readable length");
        refused++;
      }
    }
    assert.ok(refused > 0, "some of the damage is noticed");
  });
}

const student = makeStudent({ width: 16, ffn: 16, heads: 2, encoder: 1, decoder: 1, vocabulary: 12 });
const spm = writeSpm(12);
/** @param {Record<string, Uint8Array>} files */
const run = (files) => convert(Object.entries(files), { write: () => {}, source: ["en"], target: ["de"] });
const source = (/** @type {string} */ name) => (/** @type {Uint8Array} */ bytes) =>
  run({ [name]: bytes, "v.spm": spm });

fuzz("Marian .bin, float32", writeBin(student, "float32"), source("m.bin"));
fuzz("Marian .bin, intgemm8 with alphas", writeBin(student, "alphas"), source("m.bin"));
fuzz("Marian .npz", writeNpz(student), source("m.npz"));
fuzz("Marian .npz, deflated", writeNpz(student, deflateRawSync), source("m.npz"));
fuzz("gzip", gzipSync(writeBin(student, "float32")), source("m.bin.gz"));
fuzz("SentencePiece", spm, (bytes) => readSentencePiece(bytes, "v.spm"));
fuzz("shortlist", writeShortlist(30, 30).file, (bytes) => readShortlist(new SourceFile("lex.bin", bytes), 30, 30));
fuzz("safetensors", safetensors(makeModel()), (bytes) => run(folder({}, { "model.safetensors": bytes })));
fuzz("torch.save, zip", torchZip(makeModel()), (bytes) => run(folder({}, { "pytorch_model.bin": bytes })));
fuzz("torch.save, legacy", torchLegacy(makeModel()), (bytes) => run(folder({}, { "pytorch_model.bin": bytes })));
fuzz("config.json", folder()["config.json"], (bytes) => run({ ...folder(), "config.json": bytes }));
fuzz("vocab.json", folder()["vocab.json"], (bytes) => run({ ...folder(), "vocab.json": bytes }));

const shard = "model-00001-of-00001.safetensors";
const weightMap = Object.fromEntries([...makeModel().keys()].map((name) => [name, shard]));
const sharded = (/** @type {Uint8Array} */ index) => {
  const files = folder({}, { [shard]: safetensors(makeModel()), "model.safetensors.index.json": index });
  delete files["model.safetensors"];
  return run(files);
};
fuzz("model.safetensors.index.json", json({ weight_map: weightMap }), sharded);
fuzz("generation_config.json", folder()["generation_config.json"], (bytes) =>
  run({ ...folder(), "generation_config.json": bytes }),
);

/* Pickles of hostile makers: any instructions in any order. */
const CODES = [..."\x80\x95.(012N\x88\x89KMJ\x8aGX\x8cU)]}tl\x85\x86\x87aesuqr\x94hjc\x93QRb"].map((one) =>
  one.charCodeAt(0),
);
test(`pickles: ${10 * ROUNDS} of any instructions`, async () => {
  const next = random(3);
  const pick = (/** @type {number} */ n) => Math.floor(next() * n);
  for (let round = 0; round < 10 * ROUNDS; round++) {
    const bytes = Uint8Array.from({ length: 1 + pick(60) }, () => (pick(3) ? CODES[pick(CODES.length)] : pick(128)));
    const call = (/** @type {string} */ name, /** @type {unknown[]} */ args) => (pick(2) ? args : show([name, args]));
    try {
      show(readPickle(new Cursor(bytes, "p"), { call, load: (id) => (pick(2) ? id : show(id)) }));
    } catch (error) {
      assert.ok(error instanceof ConvertError, `round ${round}: ${/** @type {Error} */ (error).stack}`);
    }
  }
});

const latin = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("latin1");
fuzz("model.yml", new TextEncoder().encode(student.yaml), (bytes) => readYaml(latin(bytes), "model.yml"));
fuzz("vocab.yml", new TextEncoder().encode('"</s>": 0\n<unk>: 1\n\'a\': 2\n? "b\\u0041"\n: 3\n'), (bytes) =>
  readYamlVocabulary(latin(bytes), "vocab.yml"),
);

const { blob } = await convertToBlob(Object.entries({ "m.bin": writeBin(student, "alphas"), "v.spm": spm }));
fuzz("GGUF", new Uint8Array(await blob.arrayBuffer()), async (bytes) => {
  const gguf = await GgufFile.open(new SourceFile("m.gguf", bytes));
  for (const name of gguf.tensors.keys()) await gguf.read(name);
});
