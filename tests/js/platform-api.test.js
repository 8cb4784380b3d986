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

/** The model's place in a list. @param {string} url */
function hello(url) {
  const bytes = readFileSync(MODEL);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { id: "en-ja", source: "en", target: "ja", url, bytes: bytes.length, sha256 };
}

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
  Object.defineProperty(globalThis, "navigator", { value: { userActivation: activation }, configurable: true });
  assert.equal(install({ manifest: { version: 1, models: [hello(server.url)] } }), true);
});
beforeEach(() => modelCache.clear());
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test("a download asks for a user's gesture; what is there does not", async () => {
  assert.equal(await platform().availability(pair), "downloadable");
  await assert.rejects(platform().create(pair), { name: "NotAllowedError" });
  /** @type {string[]} */
  const events = [];
  const monitor = (/** @type {any} */ m) => {
    events.push("monitor");
    m.ondownloadprogress = () => events.push("progress");
  };
  await assert.rejects(platform().create({ ...pair, monitor }), { name: "NotAllowedError" });
  assert.deepEqual(events, ["monitor"]); // called before the gesture is asked for, as on the platform
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
    assert.equal(result, expected);
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
  assert.equal(translator.inputQuota, Infinity);
  assert.equal(await translator.measureInputUsage("hello"), 0); // "must be 0 if there are no usage quotas"
  assert.equal(await translator.countTokens("hello"), 7);
  const abort = new AbortController();
  const measuring = translator.measureInputUsage("hello", { signal: abort.signal });
  abort.abort();
  await assert.rejects(measuring, { name: "AbortError" });
  await assert.rejects(translator.measureInputUsage("hello", { signal: abort.signal }), { name: "AbortError" });
  translator.destroy();
});

test("wrong arguments: which error, and that it comes as a rejection", async () => {
  const rejects = async (/** @type {object | undefined} */ options, /** @type {string} */ name) => {
    await assert.rejects(platform().availability(/** @type {any} */ (options)), { name });
    await assert.rejects(bless(options), { name });
  };
  for (const tag of ["", "e", "en-", "en_US", "en us", "abcdefghi", "en-a", "null-"])
    for (const wrong of [
      { ...pair, sourceLanguage: tag },
      { ...pair, targetLanguage: tag },
    ])
      await rejects(wrong, "RangeError");
  await assert.rejects(platform().availability(/** @type {any} */ (undefined)), { name: "TypeError" });
  await assert.rejects(platform().availability(/** @type {any} */ ({ sourceLanguage: "en" })), { name: "TypeError" });
  for (const wrong of [{ signal: null }, { signal: 1 }, { monitor: null }, { monitor: {} }])
    await assert.rejects(bless(wrong), { name: "TypeError" });
  assert.throws(() => new (platform())(), { name: "TypeError" });
});

test("a pair that no model has: unavailable, NotSupportedError, with a gesture and without one", async () => {
  for (const [sourceLanguage, targetLanguage] of [
    ["ja", "en"],
    ["en", "fr"],
    ["und", "ja"],
    ["xx", "yy"],
  ]) {
    const wanted = { sourceLanguage, targetLanguage };
    assert.equal(await platform().availability(wanted), "unavailable");
    await assert.rejects(platform().create(wanted), { name: "NotSupportedError" });
    await assert.rejects(bless(wanted), { name: "NotSupportedError" });
  }
});

test("of several things wrong, languages come before the signal, the signal before the monitor and the look-up", async () => {
  let called = 0;
  const monitor = () => {
    called++;
  };
  const signal = AbortSignal.abort();
  await assert.rejects(bless({ signal, monitor, sourceLanguage: "en_US" }), { name: "RangeError" });
  await assert.rejects(bless({ signal, monitor, targetLanguage: "fr" }), { name: "AbortError" });
  assert.equal(called, 0);
  const error = new Error("from the monitor");
  const thrower = () => {
    throw error;
  };
  await assert.rejects(bless({ monitor: thrower, targetLanguage: "fr" }), error);
});

test("tags are canonical", async () => {
  const translator = await bless({ sourceLanguage: "EN-us", targetLanguage: "JA-jp" });
  assert.deepEqual([translator.sourceLanguage, translator.targetLanguage], ["en-US", "ja-JP"]);
  assert.equal(Object.prototype.toString.call(translator), "[object Translator]");
  translator.destroy();
});

test("the monitor is called at once; its events are numbers from 0 to 1, also for what is there", async () => {
  for (const round of ["downloaded", "kept"]) {
    /** @type {any[]} */
    const events = [];
    let called = false;
    const creation = bless({
      monitor: (/** @type {any} */ m) => {
        called = true;
        assert.equal(typeof m.addEventListener, "function");
        assert.equal(m.ondownloadprogress, null);
        m.ondownloadprogress = (/** @type {any} */ event) => events.push(event);
      },
    });
    assert.ok(called, "before create() returns");
    const translator = await creation;
    const loaded = events.map((event) => event.loaded);
    assert.deepEqual([loaded[0], loaded.at(-1)], [0, 1], round);
    for (const [i, { type, total, lengthComputable }] of events.entries()) {
      assert.deepEqual([type, total, lengthComputable], ["downloadprogress", 1, true]);
      if (i) assert.ok(loaded[i] > loaded[i - 1]);
    }
    translator.destroy();
  }
});

test("nothing works after destroy(), and a stream says so at once", async () => {
  const translator = await bless();
  const stream = translator.translateStreaming("hello");
  translator.destroy();
  await assert.rejects(stream.getReader().read(), { name: "AbortError" });
  await assert.rejects(translator.translate("hello"), { name: "AbortError" });
  await assert.rejects(translator.measureInputUsage("hello"), { name: "AbortError" });
  assert.throws(() => translator.translateStreaming("hello"), { name: "AbortError" });
});

test("aborting a translation and a stream: before it, at once, with and without a reason", async () => {
  const translator = await bless();
  for (const reason of [undefined, new Error("test")]) {
    const expected = reason ?? { name: "AbortError" };
    const gone = AbortSignal.abort(reason);
    await assert.rejects(translator.translate("hello", { signal: gone }), expected);
    assert.throws(() => translator.translateStreaming("hello", { signal: gone }), expected);
    const abort = new AbortController();
    const running = translator.translate("hello", { signal: abort.signal });
    const stream = translator.translateStreaming("hello", { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(running, expected);
    await assert.rejects(stream.pipeTo(new WritableStream()), expected);
  }
  assert.equal(await translator.translate("hello"), WORD);
  translator.destroy();
});

test("inputs are made strings, options may be null, requests run side by side", async () => {
  const translator = await bless();
  const words = { toString: () => "hello" };
  assert.equal(await translator.translate(/** @type {any} */ (words)), WORD);
  assert.equal(await translator.translate("hello", /** @type {any} */ (null)), WORD);
  assert.equal(await translator.measureInputUsage("hello", /** @type {any} */ (null)), 0);
  await assert.rejects(translator.translate(/** @type {any} */ (Symbol("hello"))), { name: "TypeError" });
  const bare = /** @type {any} */ (translator);
  await assert.rejects(bare.translate(), { name: "TypeError" });
  await assert.rejects(bare.measureInputUsage(), { name: "TypeError" });
  assert.throws(() => bare.translateStreaming(), { name: "TypeError" });
  assert.throws(() => translator.translateStreaming("hello", /** @type {any} */ (1)), { name: "TypeError" });
  const [a, b, c] = await Promise.all([
    translator.translate("hello"),
    new Response(
      translator.translateStreaming("hello", /** @type {any} */ (null)).pipeThrough(new TextEncoderStream()),
    ),
    translator.translate("hello"),
  ]);
  assert.deepEqual([a, await b.text(), c], [WORD, WORD, WORD]);
  assert.ok(translator.inputQuota > 0);
  translator.destroy();
});

test("two creations at once share what is there and both succeed", async () => {
  const [a, b] = await Promise.all([bless(), bless()]);
  assert.deepEqual([await a.translate("hello"), await b.translate("hello")], [WORD, WORD]);
  a.destroy();
  assert.equal(await b.translate("hello"), WORD);
  b.destroy();
});

test("options may be inherited or accessors, each read once, the platform's in its order", async () => {
  /** @type {string[]} */
  const read = [];
  class Options {
    get targetLanguage() {
      read.push("targetLanguage");
      return "ja";
    }
    get sourceLanguage() {
      read.push("sourceLanguage");
      return "en";
    }
  }
  (await bless()).destroy(); // downloads
  const direct = await platform().create(/** @type {any} */ (new Options()));
  assert.deepEqual(read, ["sourceLanguage", "targetLanguage"]);
  assert.equal(direct.constructor, platform());
  assert.equal(Object.getPrototypeOf(direct), platform().prototype);
  direct.destroy();
  const symbol = /** @type {any} */ ({ ...pair, sourceLanguage: Symbol("en") });
  await assert.rejects(platform().availability(symbol), { name: "TypeError" });
});

test("a fallback leaves the platform's own what it can do at once, and what nobody else can", async () => {
  const mine = platform();
  /** @type {any} */
  const states = { "en-fr": "available", "en-ja": "downloadable", "en-es": "downloadable" };
  const own = {
    availability: async (/** @type {any} */ { sourceLanguage, targetLanguage }) =>
      states[`${sourceLanguage}-${targetLanguage}`] ?? "unavailable",
    create: async (/** @type {any} */ options) => `native ${options.targetLanguage}`,
  };
  Object.assign(globalThis, { Translator: own });
  const url = server.url;
  assert.equal(install({ fallback: true, manifest: { version: 1, models: [hello(url)] } }), true);
  const ask = (/** @type {string} */ targetLanguage) => ({ sourceLanguage: "en", targetLanguage });
  assert.equal(await platform().availability(ask("fr")), "available");
  assert.equal(await platform().create(ask("fr")), "native fr");
  assert.equal(await platform().availability(ask("es")), "downloadable");
  assert.equal(await platform().create(ask("es")), "native es");
  assert.equal(await platform().availability(ask("ja")), "downloadable");
  const translator = await bless();
  assert.equal(await translator.translate("hello"), WORD);
  translator.destroy();
  assert.equal(await platform().availability(ask("xx")), "unavailable");
  assert.equal(platform(), mine);
  install({ manifest: { version: 1, models: [hello(url)] } });
  assert.equal(await platform().availability(ask("fr")), "unavailable");
});

test("a detector of one's own stands for LanguageDetector, where there is none", () => {
  class Detector {}
  const realm = /** @type {any} */ (globalThis);
  const manifest = { version: /** @type {const} */ (1), models: [hello(server.url)] };
  install({ manifest, detector: Detector });
  assert.equal(realm.LanguageDetector, Detector);
  install({ manifest, detector: class {} });
  assert.equal(realm.LanguageDetector, Detector);
  assert.throws(() => install({ manifest, detector: /** @type {any} */ ({}) }), { name: "TypeError" });
  delete realm.LanguageDetector;
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
