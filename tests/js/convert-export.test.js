// Checkpoint to Marian and back: nothing is lost on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { convertToBlob, convertToMarian } from "../../src/js/convert/index.js";
import { parseGguf } from "./gguf-parse.js";
import { concat, makeStudent, writeBin, writeNpz, writeShortlist, writeSpm } from "./marian-student.js";
import { folder } from "./marianmt-folder.js";

/** @typedef {import("./marian-student.js").Shape} Shape */

const OPTIONS = { source: ["en"], target: ["de"], general: { name: "x" } };

/** @param {Record<string, Uint8Array>} files @param {"i8" | "f32"} type */
async function imported(files, type) {
  const { blob } = await convertToBlob(Object.entries(files), { ...OPTIONS, type });
  return new Uint8Array(await blob.arrayBuffer());
}

/** @param {Uint8Array} checkpoint @param {"bin" | "npz"} format @returns {Promise<Record<string, Uint8Array>>} */
async function exported(checkpoint, format) {
  /** @type {Uint8Array[]} */
  const parts = [];
  const write = (/** @type {Uint8Array} */ bytes) => parts.push(bytes.slice());
  const { vocabularies, shortlist } = await convertToMarian("m.gguf", checkpoint, { format, write });
  const names = { both: "vocab.spm", source: "srcvocab.spm", target: "trgvocab.spm" };
  return {
    [`m.${format}`]: concat(...parts),
    ...(shortlist && { "lex.bin": shortlist }),
    ...Object.fromEntries(vocabularies.map(({ side, bytes }) => [names[side], bytes])),
  };
}

/** @type {[string, Shape][]} */
const SHAPES = [
  ["a student", {}],
  ["a Transformer", { autoreg: "self-attention", activation: "swish" }],
  ["two tables", { targetVocabulary: 56, activation: "gelu" }],
  ["an output table", { untied: "Wt" }],
  ["an output table, transposed, without bias", { untied: "W", outputBias: false }],
];

for (const [title, shape] of SHAPES) {
  const student = makeStudent(shape);
  /** @type {Record<string, Uint8Array>} */
  const spm = shape.targetVocabulary
    ? { "srcvocab.spm": writeSpm(40), "trgvocab.spm": writeSpm(shape.targetVocabulary) }
    : { "vocab.spm": writeSpm(40, { kind: 2 }) };

  for (const format of /** @type {const} */ (["bin", "npz"]))
    test(`${title}: float32 through .${format} comes back`, async () => {
      const before = parseGguf(await imported({ "m.npz": writeNpz(student), ...spm }, "f32"));
      const after = parseGguf(
        await imported(await exported(await imported({ "m.npz": writeNpz(student), ...spm }, "f32"), format), "f32"),
      );
      assert.deepEqual(after.keys, before.keys);
      for (const [name, { data }] of before.tensors) assert.deepEqual(after.tensors.get(name)?.data, data, name);
      // A bias that the model does without comes back as zeros.
      for (const [name, { data }] of after.tensors)
        if (!before.tensors.has(name))
          assert.ok(
            data.every((/** @type {number} */ value) => value === 0),
            name,
          );
    });

  test(`${title}: int8 with alphas through .bin comes back bit for bit`, async () => {
    const before = await imported({ "m.bin": writeBin(student, "alphas"), ...spm }, "i8");
    const after = parseGguf(await imported(await exported(before, "bin"), "i8"));
    for (const [name, { data }] of parseGguf(before).tensors) {
      if (name.endsWith("scale")) assert.ok(Math.abs(after.tensors.get(name)?.data[0] / data[0] - 1) < 2 ** -22, name);
      else assert.deepEqual(after.tensors.get(name)?.data, data, name);
    }
  });
}

test("the exported file is the one that Marian's layout asks for", async () => {
  const student = makeStudent({ seed: 9 });
  const files = await exported(await imported({ "m.npz": writeNpz(student), "vocab.spm": writeSpm(40) }, "f32"), "bin");
  const bytes = Buffer.from(files["m.bin"]);
  const theirs = Buffer.from(writeBin(student, "float32"));
  const count = bytes.readUInt32LE(8);
  assert.equal(count, theirs.readUInt32LE(8));
  // The same directory but for the length of the text of the options, and every blob at a multiple of 256.
  const directory = (/** @type {Buffer} */ file) => file.subarray(16, 16 + 32 * (count - 1));
  assert.deepEqual(directory(bytes), directory(theirs));
  const start = bytes.indexOf(Buffer.from(/** @type {any} */ (student.parameters.get("Wemb")).data.buffer));
  assert.equal(start % 256, 0);
});

test("weights with a scale a row become float32", async () => {
  const student = makeStudent({});
  const rows = await imported({ "m.npz": writeNpz(student), "vocab.spm": writeSpm(40) }, "i8");
  const wide = parseGguf(await imported(await exported(rows, "bin"), "f32")).tensors;
  const { tensors } = parseGguf(rows);
  const [q, scale] = ["weight", "scale"].map((part) => tensors.get(`dec.blk.0.ffn_up.${part}`)?.data);
  assert.deepEqual(
    wide.get("dec.blk.0.ffn_up.weight")?.data,
    Float32Array.from(q, (/** @type {number} */ value, i) => value * scale[Math.floor(i / 32)]),
  );
});

test("the shortlist goes along", async () => {
  const { file } = writeShortlist(40, 40, { first: 6, best: 5 });
  const files = { "m.npz": writeNpz(makeStudent({})), "vocab.spm": writeSpm(40), "lex.bin": file };
  const out = await exported(await imported(files, "f32"), "npz");
  const withoutChecksum = (/** @type {Uint8Array} */ bytes) => concat(bytes.subarray(0, 8), bytes.subarray(16));
  assert.deepEqual(withoutChecksum(out["lex.bin"]), withoutChecksum(file));
});

test("what Marian cannot run is refused by key and value", async () => {
  await assert.rejects(exported(await imported(folder(), "f32"), "npz"), /ids of its own \(tokenizer\.ggml\.ids\)/);
  const bytes = await imported({ "m.npz": writeNpz(makeStudent({})), "vocab.spm": writeSpm(40) }, "f32");
  /** @param {string} from @param {string} to of the same length */
  const replaced = (from, to) => {
    const copy = Buffer.from(bytes);
    copy.write(to, copy.indexOf(from));
    return new Uint8Array(copy);
  };
  await assert.rejects(
    exported(replaced("sinusoid-marian", "sinusoid-halves"), "npz"),
    /glossa\.position is "sinusoid-halves"/,
  );
  const scaled = Buffer.from(bytes);
  scaled.writeFloatLE(1, scaled.indexOf("glossa.embedding.scale") + "glossa.embedding.scale".length + 4);
  await assert.rejects(exported(new Uint8Array(scaled), "npz"), /glossa\.embedding\.scale is 1, but Marian has only/);
});
