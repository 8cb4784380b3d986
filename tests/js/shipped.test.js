// The checkpoints that ship, in their real size: against PyTorch, between builds to the bit, and on lines that a
// vocabulary does not know.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import { writeGguf } from "../../src/js/convert/gguf-writer.js";
import { Translator } from "../../src/js/index.js";
import { BUILDS, openCore } from "./builds.js";
import { HARD_LINES, SENTENCES } from "./sentences.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const MODEL = path("models/en-de.gguf");
/** Those that translate. @type {string[]} */
const SHIPPED = JSON.parse(readFileSync(path("models/manifest.json"), "utf8")).models.map(
  (/** @type {any} */ model) => model.url,
);
const NATIVE = process.env.GLOSSA_NATIVE ?? path("build/native/glossa-native");
const bytes = new Uint8Array(readFileSync(MODEL));

/** The same checkpoint with every matrix as scale x integer in float32, and all words as candidates. @param {Uint8Array} checkpoint */
async function asFloat32(checkpoint) {
  const file = await GgufFile.open(new SourceFile("model.gguf", checkpoint));
  const metadata = new Map([...file.keys].filter(([name]) => !name.startsWith("glossa.shortlist")));
  const groups = [];
  for (const [name, tensor] of file.tensors) {
    if (name.endsWith(".scale") || name.startsWith("shortlist.")) continue;
    groups.push({
      tensors: [{ name, type: tensor.type === "I8" ? "F32" : tensor.type, ne: tensor.ne }],
      read: async () => {
        const data = checkpoint.subarray(tensor.offset, tensor.offset + tensor.bytes);
        if (tensor.type !== "I8") return [data];
        const info = file.tensors.get(name.replace(/weight$/, "scale"));
        assert.ok(info, `${name} has no scale`);
        const scale = new Float32Array(checkpoint.slice(info.offset, info.offset + info.bytes).buffer);
        const [cols] = tensor.ne;
        const q = new Int8Array(data.buffer, data.byteOffset, data.length);
        return [Float32Array.from(q, (value, i) => value * scale[Math.floor(i / cols)])];
      },
    });
  }
  /** @type {Uint8Array[]} */
  const parts = [];
  await writeGguf(/** @type {any} */ (metadata), groups, (part) => parts.push(part.slice()));
  return Buffer.concat(parts);
}

/** What PyTorch found. @param {string} name @returns {{sha256: string, cases: {text: string, source_ids: number[], beam: {ids: number[], score: number}[]}[]}} */
const referenceOf = (name) =>
  JSON.parse(readFileSync(path(`tests/golden/shipped/${name.replace(".gguf", ".json")}`), "utf8"));

for (const name of SHIPPED) {
  test(`${name}: beam-5 hypotheses of the float32 engine are PyTorch's, on real sentences`, () => hypotheses(name));
  test(`${name}: scalar native, simd128 and relaxed give the same bits`, (t) => sameBits(name, t));
}

/** @param {string} name */
async function hypotheses(name) {
  const checkpoint = new Uint8Array(readFileSync(path(`models/${name}`)));
  const reference = referenceOf(name);
  const sha256 = createHash("sha256").update(checkpoint).digest("hex");
  assert.equal(sha256, reference.sha256, "the checkpoint is new: run tests/golden/make_shipped.py");
  const model = await asFloat32(checkpoint);
  const { core } = await openCore("auto"); // the engine itself: explain() drops a second segmentation of a text
  core.reserve(model.length);
  core.write(0, model);
  core.openModel();
  core.openSession({ sentences: 1, sourceTokens: 512, beam: 5, rows: 5 });
  const idsOf = (/** @type {{id: number}[]} */ tokens) => tokens.map(({ id }) => id);
  assert.ok(reference.cases.length >= (path(`models/${name}`) === MODEL ? 100 : 40));
  for (const { text, source_ids, beam } of reference.cases) {
    assert.deepEqual(idsOf(core.tokenize(text)), source_ids);
    core.begin([text], { beam: 5 });
    while (!core.step());
    const hypotheses = Array.from({ length: core.resultCount(0) }, (_, rank) => core.result(0, rank));
    assert.deepEqual(
      hypotheses.map(({ tokens }) => idsOf(tokens)),
      beam.map((h) => h.ids),
      text,
    );
    for (const [i, h] of hypotheses.entries()) assert.ok(Math.abs(h.score - beam[i].score) < 1e-4, text);
  }
  core.close();
}

/** FNV-1a over everything that an explanation captured, as `glossa --digest` of the native command prints it. @param {any} explanation */
function digest(explanation) {
  let state = 0xcbf29ce484222325n;
  const add = (/** @type {ArrayBufferView} */ array) => {
    for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
      state = BigInt.asUintN(64, (state ^ BigInt(byte)) * 0x100000001b3n);
  };
  const [s] = explanation.sentences;
  for (const part of [s.encoder, s.decoder, s.cross, s.hidden.encoder, s.hidden.decoder]) add(part.data);
  add(Float32Array.from(s.targetTokens, (/** @type {any} */ token) => token.logProbability));
  add(Uint32Array.from(s.topK.flat(), (/** @type {any} */ candidate) => candidate.id));
  add(Float32Array.from(s.topK.flat(), (/** @type {any} */ candidate) => candidate.logProbability));
  return state.toString(16).padStart(16, "0");
}

/** @param {string} name @param {import("node:test").TestContext} t */
async function sameBits(name, t) {
  if (!existsSync(NATIVE)) return t.skip(`no native build at ${NATIVE}`);
  const file = path(`models/${name}`);
  const lines = file === MODEL ? SENTENCES.slice(0, 100) : referenceOf(name).cases.map(({ text }) => text);
  const native = execFileSync(NATIVE, [file, "--digest", "--kernels", "scalar"], { input: `${lines.join("\n")}\n` });
  const want = native.toString().trimEnd().split("\n");
  assert.equal(want.length, lines.length);
  for (const build of BUILDS) {
    const translator = await Translator.create({ model: readFileSync(file), build, worker: false });
    let compared = 0;
    for (const [i, line] of lines.entries()) {
      // The native command only translates: no second try, no copying, and long sentences whole.
      const plain = /** @type {const} */ ({ split: false, preserve: false, retry: false });
      const explanation = await translator.explain(line, { ...plain, topK: 64, hidden: true });
      const { length } = explanation.sentences;
      if (length === 0) assert.equal(explanation.translation, line); // no letter in it: it goes through as it is
      if (length !== 1) continue;
      assert.equal(digest(explanation), want[i], `${build}: ${line}`);
      compared++;
    }
    assert.ok(compared >= 0.8 * lines.length, `${compared} of ${lines.length}`);
    translator.destroy();
  }
  return undefined;
}

test("a batch gives exactly what its sentences give alone", async () => {
  const translator = await Translator.create({ model: bytes, worker: false });
  const together = await translator.translateBatch(SENTENCES, { beamSize: 3 });
  for (const [i, text] of SENTENCES.entries())
    assert.equal(together[i], await translator.translate(text, { beamSize: 3 }));
  translator.destroy();
});

test("lines that the vocabulary does not know lose nothing on the way in, and no <unk> comes out", async () => {
  const translator = await Translator.create({ model: bytes, worker: false });
  for (const line of HARD_LINES) {
    const { sentences, translation } = await translator.explain(line, { split: false, preserve: false });
    if (sentences.length === 0) {
      assert.equal(translation, line); // no letter in it: it goes through as it is
      continue;
    }
    // The tokens tile the line, which may be cut in pieces: whatever stands between two of them is not seen.
    const seen = (/** @type {string} */ text) => text.replaceAll(/[\s\p{Cf}]/gu, "");
    let at = 0;
    for (const { start: from, sourceTokens } of sentences)
      for (const { piece, start, end } of sourceTokens) {
        assert.ok(piece !== "<unk>", line);
        assert.ok(from + start >= at || from + end <= at, line);
        assert.equal(seen(line.slice(at, Math.max(at, from + start))), "", line);
        at = Math.max(at, from + end);
      }
    assert.equal(seen(line.slice(at)), "", line);
    const out = await translator.translate(line, { preserve: false });
    assert.ok(!out.includes("<unk>") && !out.includes("\u2047"), line);
  }
  translator.destroy();
});

test("byte pieces make whole characters, whatever the model would like", async () => {
  const translator = await Translator.create({ model: bytes, worker: false });
  const { encoderLayers, decoderLayers, heads } = translator.info.model;
  let bytePieces = 0;
  for (const [i, line] of HARD_LINES.entries()) {
    /** Two heads of three, so that the model is out of its mind. @param {number} layers @returns {[number, number][]} */
    const some = (layers) =>
      Array.from(
        { length: layers * heads },
        (_, h) => /** @type {[number, number]} */ ([Math.floor(h / heads), h % heads]),
      ).filter((_, h) => (h + i) % 3 === 0);
    const headMask = { encoder: some(encoderLayers), decoder: some(decoderLayers), cross: some(decoderLayers) };
    for (const options of [{}, { headMask }]) {
      const { sentences } = await translator.explain(line, { ...options, split: false, beamSize: 4, alternatives: 4 });
      for (const { hypotheses, targetTokens } of sentences) {
        bytePieces += targetTokens.filter(({ piece }) => /^<0x[89A-F]/.test(piece)).length;
        for (const { text } of hypotheses)
          assert.ok(!text.includes("\ufffd") || line.includes("\ufffd"), `${line}: ${text}`);
      }
    }
  }
  assert.ok(bytePieces > 100, String(bytePieces));
  translator.destroy();
});
