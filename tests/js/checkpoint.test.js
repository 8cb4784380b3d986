// Looking into a checkpoint by the public API, and what it says of itself in translator.info.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openCheckpoint } from "../../src/js/convert/index.js";
import { f32, string, strings, u8s } from "../../src/js/convert/gguf-writer.js";
import { Translator } from "../../src/js/index.js";
import { bytesOf, model } from "../fuzz/checkpoint.js";
import { parseGguf } from "./gguf-parse.js";
import { serveModel } from "./model-server.js";

const FOLDER = fileURLToPath(new URL("../../models", import.meta.url));
const PATH = join(FOLDER, "en-de.gguf");
const bytes = readFileSync(PATH);
const cache = mkdtempSync(join(tmpdir(), "glossa-checkpoint-"));
process.env.GLOSSA_CACHE = cache;
/** @type {Awaited<ReturnType<typeof serveModel>>} */
let server;
before(async () => {
  server = await serveModel(bytes);
});
after(async () => {
  await server.close();
  rmSync(cache, { recursive: true });
});

/** @param {Uint8Array} made */
async function notesOf(made) {
  const translator = await Translator.create({ model: made, worker: false });
  try {
    return translator.info.model.notes;
  } finally {
    translator.destroy();
  }
}

test("bytes, a Blob, a path and an address give the same keys and tensors as a plain reader", async () => {
  const plain = parseGguf(bytes);
  const sources = [new Uint8Array(bytes), new Blob([bytes]), PATH, new URL(`file://${PATH}`), server.url];
  for (const source of sources) {
    const checkpoint = await openCheckpoint(source);
    assert.deepEqual([...checkpoint.keys.keys()], [...plain.keys.keys()]);
    assert.equal(checkpoint.get("general.name"), plain.keys.get("general.name"));
    assert.deepEqual([...checkpoint.tensors.keys()], [...plain.tensors.keys()]);
    for (const [name, { data, ne }] of [...plain.tensors].slice(0, 6)) {
      assert.deepEqual(checkpoint.tensor(name).ne, ne);
      assert.deepEqual(new Uint8Array((await checkpoint.read(name)).slice().buffer), new Uint8Array(data.buffer));
    }
    await checkpoint.close();
  }
});

test("rows are read alone, by ranges, with their scales; of a model that is kept, without the network", async () => {
  const plain = parseGguf(bytes);
  const [name, matrix] = [...plain.tensors].find(([, { type, ne }]) => type === 24 && ne[1] > 20) ?? assert.fail();
  const scale = plain.tensors.get(name.replace(/weight$/, "scale"))?.data ?? assert.fail();
  const [width, height] = matrix.ne;
  server.requests.length = 0;
  const checkpoint = await openCheckpoint(server.url);
  const rows = await checkpoint.floats(name, { from: height - 2, to: height });
  assert.equal(rows.length, 2 * width);
  for (let i = 0; i < rows.length; i++)
    assert.equal(
      rows[i],
      Math.fround(matrix.data[(height - 2) * width + i] * scale[height - 2 + Math.floor(i / width)]),
    );
  const ranges = server.requests.map(({ range }) => range);
  assert.deepEqual(ranges.slice(0, 2), [
    "bytes=0-1048575",
    `bytes=${matrix.offset + (height - 2) * width}-${matrix.offset + height * width - 1}`,
  ]);
  await assert.rejects(checkpoint.read(name, { from: 3, to: height + 1 }), {
    message: new RegExp(`rows 3 to ${height + 1} of tensor "${name}" .* has ${height}`),
  });

  const whole = await openCheckpoint(`${server.url}?range=0`); // a server without ranges
  assert.deepEqual(await whole.floats(name, { from: height - 2 }), rows);

  (await Translator.create({ model: server.url })).destroy();
  server.requests.length = 0;
  const kept = await openCheckpoint(server.url);
  assert.deepEqual(await kept.floats(name, { from: height - 2 }), rows);
  await kept.close();
  assert.deepEqual(server.requests, []);
});

test("what cannot be opened is told with its name", async () => {
  await assert.rejects(openCheckpoint(new Uint8Array(0)), /the checkpoint is empty/);
  await assert.rejects(openCheckpoint(new TextEncoder().encode("<!doctype html>"), { name: "a.gguf" }), /a\.gguf/);
  await assert.rejects(openCheckpoint(`${server.url}?status=404`), /model\.gguf\?status=404 .*HTTP status 404/);
  await assert.rejects(openCheckpoint(join(FOLDER, "none.gguf")), { code: "ENOENT" });
  await assert.rejects(openCheckpoint(server.url, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("translator.info has what the checkpoints that ship say of themselves", async () => {
  const { models } = JSON.parse(readFileSync(join(FOLDER, "manifest.json"), "utf8"));
  for (const { url: file } of models) {
    const made = new Uint8Array(readFileSync(join(FOLDER, file)));
    const { keys } = parseGguf(made);
    const notes = await notesOf(made);
    const licence = keys.get("general.license") ?? "";
    assert.equal(notes.licence, licence === "other" ? (keys.get("general.license.name") ?? licence) : licence, file);
    assert.ok(notes.licence, file);
    assert.equal(notes.description, keys.get("general.description") ?? "");
    assert.equal(notes.licenceNote, keys.get("general.license.note") ?? "");
    assert.deepEqual(notes.examples, keys.get("glossa.examples") ?? []);
    assert.equal(notes.limits.en, keys.get("glossa.limits.en"));
    assert.equal(notes.confidence.word, keys.get("glossa.confidence.word") ?? null);
  }
});

test("notes of every kind; those of another kind, too long or too many are as absent", async () => {
  const { metadata, tensors } = model();
  metadata
    .set("general.description", string("Says A to B."))
    .set("glossa.limits.en", string("It knows eight pieces."))
    .set("glossa.limits.zh", string("它只认识八个片段。"))
    .set("glossa.limits.de", u8s(new Uint8Array([1, 2, 3])))
    .set("glossa.confidence.word", f32(-1.5))
    .set("glossa.confidence.sentence", f32(0.5))
    .set("glossa.examples", strings(["ab", "", "a".repeat(5000), ...Array(100).fill("é")]))
    .set("general.license", string("MIT"));
  assert.deepEqual(await notesOf(bytesOf({ metadata, tensors })), {
    description: "Says A to B.",
    licence: "MIT",
    licenceNote: "",
    confidence: { word: -1.5, sentence: null },
    limits: { en: "It knows eight pieces.", zh: "它只认识八个片段。" },
    examples: ["ab", ...Array(61).fill("é")],
  });
  const silent = await notesOf(bytesOf(model()));
  assert.deepEqual(silent, {
    description: "",
    licence: "",
    licenceNote: "",
    confidence: { word: null, sentence: null },
    limits: {},
    examples: [],
  });
});
