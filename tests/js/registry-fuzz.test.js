// What registries say, damaged at random: every document is taken or refused with an error that says why, and nothing
// comes of it that could leave the cache's folder or the registry's address.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../src/js/cli/tar.js";
import { hubRegistry, readRepository } from "../../src/js/registry/hub.js";
import { mozillaRegistry } from "../../src/js/registry/mozilla.js";
import { random } from "./marian-student.js";

const ROUNDS = process.env.GLOSSA_SOAK === "1" ? 20_000 : 800;
const folder = mkdtempSync(join(tmpdir(), "glossa-registry-fuzz-"));
after(() => rmSync(folder, { recursive: true }));

const ODD = [
  null,
  undefined,
  true,
  -1,
  0,
  1e300,
  2 ** 53,
  "",
  "..",
  "../x",
  "/etc/passwd",
  "https://x.invalid/",
  "a\0b",
  "💥",
  [],
  {},
  [[]],
];

/** A copy of a document with some of its values replaced, left out or doubled. @param {any} value @param {() => number} next @returns {any} */
function damaged(value, next) {
  if (next() < 0.03) return ODD[Math.floor(next() * ODD.length)];
  if (typeof value === "string" && next() < 0.05) {
    const at = Math.floor(next() * value.length);
    return value.slice(0, at) + ["", "/", "..", "%2e", "\n", "Ω"][Math.floor(next() * 6)] + value.slice(at + 1);
  }
  if (Array.isArray(value)) return value.flatMap((item) => (next() < 0.02 ? [] : [damaged(item, next)]));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (next() < 0.02 ? [] : [[key, damaged(item, next)]])),
  );
}

const hash = (/** @type {string} */ digit) => digit.repeat(64);
const record = (/** @type {string} */ fileType, /** @type {string} */ digit) => ({
  id: "00ad7997",
  name: `${fileType}.enfr.bin`,
  fileType,
  sourceLanguage: "en",
  targetLanguage: "fr",
  architecture: "base-memory",
  version: "3.0",
  filter_expression: "",
  decompressedSize: 1000,
  decompressedHash: hash(digit),
  attachment: { filename: "x", size: 900, hash: hash("f"), location: "main-workspace/translations-models-v2/x.zst" },
  last_modified: 1,
});
const RECORDS = { changes: [record("model", "1"), record("vocab", "2"), record("lex", "3")], timestamp: 1 };
const file = (/** @type {string} */ name) => ({ path: `models/en-fr/x/exported/${name}.gz` });
const LISTING = {
  models: {
    "en-fr": [
      {
        files: {
          model: { ...file("model"), uncompressedHash: hash("1") },
          vocab: file("vocab"),
          lexicalShortlist: file("lex"),
        },
        metrics: { "flores200-plus": { bleu: 40, comet22: 0.8 } },
      },
    ],
  },
};

/** @param {(url: string) => unknown} answer @returns {any} */
const contextOf = (answer) => ({
  tools: { load: async () => ({ snapshot: { models: [] }, THREE: { en: "eng", fr: "fra" } }) },
  fetch: async (/** @type {string} */ url) => new Response(JSON.stringify(answer(url)) ?? ""),
  cache: false,
  offline: false,
  stallTime: 5000,
  pause: 1,
  now: Date.now,
});

/** @param {import("../../src/js/registry/types.js").RemoteFile[]} files @param {string[]} homes */
function assertContained(files, homes) {
  for (const { name, url, bytes, or } of files) {
    assert.match(name, /^[\w.-]+$/);
    const { href } = new URL(url);
    assert.ok(
      homes.some((home) => href.startsWith(home)),
      href,
    );
    assert.ok(Number.isSafeInteger(bytes) && bytes > 0 && bytes < 2 ** 32);
    if (or) assertContained([or], homes);
  }
}

test("Mozilla's catalogue and list", async () => {
  const next = random(1);
  const homes = {
    catalogue: "https://a.invalid/v1/",
    files: "https://b.invalid/f/",
    attachments: "https://c.invalid/p/",
  };
  const registry = mozillaRegistry(homes);
  let good = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const context = contextOf((url) => damaged(url.includes("models.json") ? LISTING : RECORDS, next));
    try {
      const models = await registry.list(context, { asked: true });
      good += models.length;
      for (const { files = [], source, target } of models) {
        assertContained(files, [homes.files, homes.attachments]);
        for (const tag of [source, target]) assert.equal(Intl.getCanonicalLocales(String(tag))[0], tag);
      }
    } catch (error) {
      assert.equal(/** @type {Error} */ (error).name, "DataError", String(error));
      assert.match(String(error), /a\.invalid\/v1.*is damaged/);
    }
  }
  assert.ok(good > ROUNDS / 30, `${good} models`);
});

test("the Hub's answers", async () => {
  const next = random(2);
  const names = ["config.json", "vocab.json", "source.spm", "target.spm", "model.safetensors"];
  const tree = names.map((path) => ({
    type: "file",
    path,
    size: 1000,
    oid: "a".repeat(40),
    ...(/spm|tensors/.test(path) && { lfs: { oid: hash("b"), size: 1000, pointerSize: 130 } }),
  }));
  const about = { sha: "c".repeat(40), tags: ["license:apache-2.0"], cardData: {} };
  const registry = hubRegistry({ endpoint: "https://a.invalid/hf", repositories: ["Some/opus-mt-en-fr"] });
  let good = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const context = contextOf((url) => damaged(url.includes("/tree/") ? tree : about, next));
    try {
      const [model] = await registry.list(context, { asked: true });
      const resolved = await /** @type {any} */ (registry).resolve(context, model);
      assertContained(resolved.files, ["https://a.invalid/hf/Some/opus-mt-en-fr/resolve/"]);
      good++;
    } catch (error) {
      assert.match(String(error), /^(DataError|NetworkError|Error): ./, String(/** @type {Error} */ (error).stack));
      assert.doesNotMatch(String(error), /undefined \(|not a function|not iterable/);
    }
  }
  assert.ok(good > ROUNDS / 30, `${good} models`);
  for (const name of ["x", "a/b/c", "../b", "a/..", "a/b@../c", "a b/c", "a/b@", ""])
    assert.throws(() => readRepository(name));
});

test("archives of models", async () => {
  const next = random(3);
  const body = Buffer.from("{}");
  const archive = Buffer.concat([
    tarHeader("manifest.json", body.length),
    body,
    tarPadding(body.length),
    tarHeader("x.gguf", 3),
    Buffer.from("abc"),
    tarPadding(3),
    TAR_END,
  ]);
  const path = join(folder, "x.tar");
  for (let round = 0; round < ROUNDS / 5; round++) {
    const bytes = Buffer.from(archive);
    for (let i = 0; i < 4; i++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    writeFileSync(path, bytes.subarray(0, next() < 0.2 ? Math.floor(next() * bytes.length) : bytes.length));
    const handle = await open(path);
    try {
      for await (const member of readTar(handle, "x.tar")) {
        assert.match(member.name, /^\w[\w.-]*$/);
        for await (const _ of member.read());
      }
    } catch (error) {
      assert.match(String(error), /^Error: x\.tar /);
    } finally {
      await handle.close();
    }
  }
});
