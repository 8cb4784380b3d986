// The polyfill against the platform's Translator API: what its specification says and the Web Platform Tests check.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { modelCache } from "../../src/js/model-cache.js";
import { install } from "../../src/js/polyfill.js";
import { serveModel } from "./model-server.js";

// Trained on a few phrases, those of the Web Platform Tests among them: tests/golden/make_hello.py.
const MODEL = new URL("../golden/hello/en-ja.gguf", import.meta.url);
const WORD = "こんにちは";
const pair = { sourceLanguage: "en", targetLanguage: "ja" };
const activation = { isActive: false };
const folder = mkdtempSync(join(tmpdir(), "glossa-platform-"));
process.env.GLOSSA_CACHE = folder;
/** @type {Awaited<ReturnType<typeof serveModel>>} */
let server;

/** @returns {typeof import("../../src/js/index.js").Translator} */
const platform = () => /** @type {any} */ (globalThis).Translator;

/** Creates a translator as in a click. @param {object} [options] */
async function bless(options) {
  activation.isActive = true;
  try {
    return await platform().create({ ...pair, ...options });
  } finally {
    activation.isActive = false;
  }
}

before(async () => {
  const bytes = readFileSync(MODEL);
  assert.ok(bytes.length < 300_000);
  server = await serveModel(bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const model = { id: "en-ja", source: "en", target: "ja", url: server.url, bytes: bytes.length, sha256 };
  Object.defineProperty(globalThis, "navigator", { value: { userActivation: activation }, configurable: true });
  assert.equal(install({ manifest: { version: 1, models: [model] } }), true);
});
beforeEach(() => modelCache.clear());
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test("a download asks for a user's gesture; what is there does not", async () => {
  assert.equal(await platform().availability(pair), "downloadable");
  await assert.rejects(platform().create(pair), { name: "NotAllowedError" });
  const creation = bless();
  (await creation).destroy();
  assert.equal(await platform().availability(pair), "available");
  (await platform().create(pair)).destroy();
});

test("while it downloads, availability says so", async () => {
  const creation = bless({
    monitor: (/** @type {EventTarget} */ m) => m.addEventListener("downloadprogress", () => {}),
  });
  const states = [];
  while (states.at(-1) !== "available") {
    states.push(await platform().availability(pair));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(states.includes("downloading"), String(states));
  (await creation).destroy();
});

test("hello", async () => {
  const translator = await bless();
  assert.equal(await translator.translate("hello"), WORD);
  let text = "";
  for await (const chunk of translator.translateStreaming("hello")) text += chunk;
  assert.equal(text, WORD);
  assert.equal(translator.sourceLanguage, "en");
  assert.equal(translator.targetLanguage, "ja");
  assert.ok(translator instanceof platform());
  assert.equal(platform().name, "Translator");
  translator.destroy();
});

test("several sentences, and a title that ends in a full stop but no sentence", async () => {
  const translator = await bless();
  for (const [text, expected] of [
    ["Welcome. Nice to meet you.", "ようこそ。 はじめまして。"],
    ["Hello, Dr. Sanders. Nice to meet you.", "こんにちは、サンダース博士です。 はじめまして。"],
  ]) {
    let result = "";
    for await (const chunk of translator.translateStreaming(text)) result += chunk;
    // Chromium keeps the space between the sentences, which Japanese does not write.
    assert.equal(result, expected.replace(" ", ""));
  }
  translator.destroy();
});

test("what cannot be translated is echoed, and what can is not", async () => {
  const translator = await bless();
  const blank = ["", " ", "     ", " \r\n\t\f", ...Array.from({ length: 0x1f }, (_, c) => String.fromCharCode(c))];
  assert.deepEqual(await Promise.all(blank.map((text) => translator.translate(text))), blank);
  for (const text of blank) {
    const around = `Hello ${text} world`;
    assert.notEqual(await translator.translate(around), around);
  }
  translator.destroy();
});

test("aborting a creation, with and without a reason", async () => {
  for (const reason of [undefined, new Error("test")]) {
    const abort = new AbortController();
    const creation = bless({ signal: abort.signal });
    abort.abort(reason);
    const expected = reason ?? { name: "AbortError" };
    await assert.rejects(creation, expected);
    await assert.rejects(bless({ signal: abort.signal }), expected);
  }
});

test("the usage of an input and the quota", async () => {
  const translator = await bless();
  const usage = await translator.measureInputUsage("hello");
  assert.ok(usage >= 0 && usage < translator.inputQuota);
  const abort = new AbortController();
  const measuring = translator.measureInputUsage("hello", { signal: abort.signal });
  abort.abort();
  await assert.rejects(measuring, { name: "AbortError" });
  await assert.rejects(translator.measureInputUsage("hello", { signal: abort.signal }), { name: "AbortError" });
  translator.destroy();
});

test("the global gives way to one that is there, unless forced", () => {
  const own = class {};
  const mine = platform();
  Object.assign(globalThis, { Translator: own });
  assert.equal(install(), false);
  assert.equal(platform(), own);
  assert.equal(install({ force: true }), true);
  assert.equal(platform(), mine);
});
