// Whatever goes wrong, every promise settles, with an error that says what was wrong, and the translator or the next one
// works: memory that runs out, engines that crash, callbacks that throw, messages of others, options of all kinds.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Host } from "../../src/js/host.js";
import { Translator } from "../../src/js/index.js";
import { modelCache } from "../../src/js/model-cache.js";
import { wasmFiles } from "../../src/js/own-files.js";
import { makeStudent, random, writeBin, writeSpm } from "./marian-student.js";
import { serveModel } from "./model-server.js";

const MODEL = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
const bytes = readFileSync(MODEL);
const folder = mkdtempSync(join(tmpdir(), "glossa-settling-"));
process.env.GLOSSA_CACHE = join(folder, "cache");
after(() => rmSync(folder, { recursive: true }));

const stream = () => /** @type {ReadableStream<Uint8Array>} */ (new Blob([bytes]).stream());
const worker = (/** @type {string} */ name) => new URL(`./${name}-worker.js`, import.meta.url);
const quota = {
  name: "QuotaExceededError",
  message: /no memory for a model of 5368709120 bytes/,
  requested: 5 * 2 ** 30,
};

for (const threaded of [false, true])
  describe(threaded ? "in a worker" : "in place", () => {
    test("a model that does not fit is a QuotaExceededError, and the next one is loaded", async () => {
      const file = join(folder, "large.gguf");
      const handle = openSync(file, "w");
      ftruncateSync(handle, 5 * 2 ** 30);
      closeSync(handle);
      await assert.rejects(Translator.create({ model: file, worker: threaded }), quota);
      const translator = await Translator.create({ model: MODEL, worker: threaded });
      assert.match(await translator.translate("A dog runs."), /Hund/);
      translator.destroy();
    });

    test("so is one whose server says that it does not fit, and a cache with a wrong length is no obstacle", async () => {
      const server = await serveModel(bytes);
      try {
        const model = `${server.url}?length=5368709120`;
        await assert.rejects(Translator.create({ model, worker: threaded }), quota);
        (await Translator.create({ model: server.url, worker: threaded })).destroy();
        const [record] = await modelCache.list();
        assert.ok(record.complete);
        for (const wrong of [5 * 2 ** 30, 1, -1, 1.5, null]) {
          tamper({ ...record, bytes: /** @type {number} */ (wrong) });
          const translator = await Translator.create({ model: server.url, worker: threaded });
          assert.match(await translator.translate("A dog runs."), /Hund/, String(wrong));
          translator.destroy();
          assert.equal((await modelCache.list())[0].bytes, bytes.length);
        }
      } finally {
        await server.close();
        await modelCache.clear();
      }
    });

    test("a callback that throws ends its request alone", async () => {
      const translator = await Translator.create({ model: MODEL, worker: threaded });
      const error = new Error("from the caller");
      const onProgress = () => {
        throw error;
      };
      const texts = Array.from({ length: 200 }, (_, i) => `Dog number ${i} runs.`);
      await assert.rejects(translator.translateBatch(texts, { onProgress }), error);
      await assert.rejects(translator.translateBatch(["A dog."], { onProgress }), error);
      assert.match(await translator.translate("A dog runs."), /Hund/);
      translator.destroy();
    });
  });

/** Changes what the cache knows of its one model. @param {import("../../src/js/cache-entry.js").CacheRecord} record */
function tamper(record) {
  const cache = process.env.GLOSSA_CACHE ?? "";
  const name = readdirSync(cache).find((file) => file.endsWith(".json"));
  writeFileSync(join(cache, String(name)), JSON.stringify(record));
}

test("what a device cannot hold is told with its number before it is downloaded", async (t) => {
  const device = 40e6;
  t.mock.method(/** @type {any} */ (process), "constrainedMemory", () => device);
  const server = await serveModel(bytes);
  const working = 16 * 2 ** 20;
  try {
    for (const [workers, worker] of /** @type {[number, boolean][]} */ ([
      [1, true],
      [1, false],
      [2, true],
    ])) {
      const requested = workers * (bytes.length + working);
      const made = Translator.create({ model: server.url, worker, pool: workers, cache: false });
      if (requested <= device) (await made).destroy();
      else
        await assert.rejects(made, {
          name: "QuotaExceededError",
          requested,
          quota: device,
          message: /2 workers.*smaller pool/,
        });
    }
    // of a list that tells the size, without a request
    server.requests.length = 0;
    const large = { id: "large", source: "en", target: "de", url: server.url, bytes: device, sha256: "" };
    const manifest = /** @type {any} */ ({ version: 1, models: [large] });
    const options = { sourceLanguage: "en", targetLanguage: "de", manifest };
    const requested = device + working;
    await assert.rejects(Translator.create(options), { name: "QuotaExceededError", requested, quota: device });
    // of a server that tells it, without the body
    const model = `${server.url}?length=${device}&stall=10`;
    await assert.rejects(Translator.create({ model, worker: false }), { name: "QuotaExceededError", requested });
    await assert.rejects(Translator.create({ model }), { name: "QuotaExceededError", requested });
  } finally {
    await server.close();
    await modelCache.clear();
  }
});

test("arrays that find no place are a QuotaExceededError too", async (t) => {
  t.mock.method(Uint8Array.prototype, "slice", () => {
    throw new RangeError("Array buffer allocation failed");
  });
  const how = { name: "QuotaExceededError", message: /no memory to load the model.*allocation failed/ };
  await assert.rejects(Translator.create({ model: stream(), worker: false }), how);
  const there = { name: "QuotaExceededError", message: /no memory to copy the model/ };
  await assert.rejects(Translator.create({ model: bytes, worker: true }), there);
});

test("a worker whose heap is full fails its request with a QuotaExceededError and is replaced", () => {
  const script = `
    import { Translator } from ${JSON.stringify(new URL("../../src/js/index.js", import.meta.url).href)};
    const worker = ${JSON.stringify(worker("hungry").href)};
    const translator = await Translator.create({ model: ${JSON.stringify(MODEL)}, worker });
    await translator.translate("EAT ALL MEMORY").catch((error) => console.log(error.name));
    console.log(await translator.translate("A dog runs."));
    translator.destroy();`;
  const file = join(folder, "hungry.mjs");
  writeFileSync(file, script);
  const printed = execFileSync(process.execPath, ["--max-old-space-size=60", file], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  assert.match(printed, /^QuotaExceededError\n.*Hund.*\n$/);
});

test("a model that came as a stream is there after a crash", async () => {
  const translator = await Translator.create({ model: stream(), worker: worker("crashing") });
  for (let round = 0; round < 2; round++) {
    await assert.rejects(translator.translate("CRASH NOW"), { name: "OperationError" });
    assert.match(await translator.translate("A dog runs."), /Hund/);
  }
  translator.destroy();
});

test("bytes that the caller transferred away are told as lost", async () => {
  const mine = Uint8Array.from(bytes);
  const translator = await Translator.create({ model: mine, worker: worker("crashing") });
  structuredClone(mine, { transfer: [mine.buffer] });
  await assert.rejects(translator.translate("CRASH NOW"), { name: "OperationError" });
  await assert.rejects(translator.translate("A dog runs."), { name: "InvalidStateError", message: /transferred/ });
  translator.destroy();
});

test("messages that are not ours are ignored on both sides", async () => {
  /** @type {unknown[]} */
  const replies = [];
  const host = new Host((reply) => replies.push(reply), { files: wasmFiles });
  for (const message of [
    null,
    undefined,
    3,
    "load",
    [],
    {},
    { id: 1 },
    { type: "greet" },
    { id: 1, type: "webpackOk" },
  ])
    host.receive(message);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(replies, []);

  const thread = new Worker(new URL("../../src/js/worker.js", import.meta.url));
  thread.postMessage(null);
  thread.postMessage({ id: 7, type: "measure", texts: [] });
  const reply = await new Promise((resolve, reject) => thread.on("message", resolve).on("error", reject));
  assert.deepEqual([reply.id, reply.type, reply.error.name], [7, "error", "InvalidStateError"]);
  await thread.terminate();

  const translator = await Translator.create({ model: MODEL, worker: worker("noisy") });
  assert.match(await translator.translate("A dog runs."), /Hund/);
  translator.destroy();
});

test("options: null is as absent, unknown ones and those of a wrong kind are named", async () => {
  const translator = await Translator.create({
    model: MODEL,
    worker: false,
    sourceLanguage: undefined,
    signal: undefined,
  });
  const bare = /** @type {any} */ (translator);
  const plain = await translator.translate("A dog runs.");
  const nothing = {
    signal: null,
    glossary: null,
    preserve: null,
    banned: null,
    beamSize: null,
    split: null,
    latest: null,
  };
  for (const options of [null, undefined, {}, nothing]) {
    assert.equal(await bare.translate("A dog runs.", options), plain);
    assert.equal(await bare.translateHTML("A dog runs.", options), plain);
    assert.deepEqual(await bare.translateBatch(["A dog runs."], options), [plain]);
    assert.equal((await bare.explain("A dog runs.", options)).translation, plain);
    assert.ok((await bare.countTokens("A dog runs.", options)) > 0);
  }
  const wrong = /** @type {[() => Promise<unknown>, RegExp][]} */ ([
    [() => bare.translate("A dog.", { beamsize: 4 }), /translate\(\) has no option "beamsize"; it has .*beamSize/],
    [() => bare.translate("A dog.", { onProgress() {} }), /translate\(\) has no option "onProgress"/],
    [() => bare.translateHTML("A dog.", { attribute: [] }), /translateHTML\(\) has no option "attribute"/],
    [() => bare.translateBatch([], { progress: 1 }), /translateBatch\(\) has no option "progress"/],
    [() => bare.explain("A dog.", { topk: 1 }), /explain\(\) has no option "topk"/],
    [() => bare.measureInputUsage("A dog.", { x: 1 }), /no option "x"/],
    [() => bare.translate("A dog.", { preserve: {} }), /"preserve" is \[object Object\]; it must be an array/],
    [() => bare.translate("A dog.", { preserve: "urls" }), /"preserve" is "urls"; it must be an array/],
    [() => bare.translate("A dog.", { preserve: [null] }), /"preserve" has null/],
    [() => bare.translate("A dog.", { glossary: "x" }), /"glossary" is "x"; it must be an object/],
    [() => bare.translate("A dog.", { banned: 3 }), /"banned" is 3; it must be an array/],
    [() => bare.translate("A dog.", { beamSize: Symbol("x") }), /"beamSize" is Symbol\(x\)/],
    [() => bare.translate("A dog.", { beamSize: Object.create(null) }), /"beamSize" is \[object Object\]/],
    [() => bare.translate("A dog.", { search: { toString: 1 } }), /"search" is \[object Object\]/],
    [() => bare.translate("A dog.", { signal: 2 }), /"signal" must be an AbortSignal/],
    [() => bare.translateHTML("A dog.", { attributes: "alt" }), /"attributes" is "alt"; it must be an array/],
    [() => bare.translateHTML("A dog.", { attributes: [1] }), /"attributes" has 1/],
    [() => bare.explain("A dog.", { prefix: {} }), /"prefix" is \[object Object\]/],
    [() => bare.explain(), /explain\(\) needs a text/],
    [() => bare.translateBatch("ab"), /translateBatch\(\) needs an array of texts/],
    [() => bare.translateBatch(), /translateBatch\(\) needs an array of texts/],
    [() => bare.translateBatch(null), /translateBatch\(\) needs an array of texts/],
    [() => Translator.create(/** @type {any} */ ({ model: MODEL, pools: 2 })), /create\(\) has no option "pools"/],
    [() => Translator.create({ model: MODEL, sha256: "abc" }), /"sha256" is "abc"; it must be 64/],
    [() => Translator.create({ model: MODEL, origins: ["example"] }), /"origins" has "example"/],
  ]);
  for (const [call, message] of wrong) await assert.rejects(call(), { name: "TypeError", message });
  translator.destroy();
});

test("the polyfill passes over options that it does not know, as Web IDL has it", async () => {
  const { install } = await import("../../src/js/polyfill.js");
  install({ model: MODEL, worker: false, force: true });
  const Global = /** @type {any} */ (globalThis).Translator;
  const translator = await Global.create({ sourceLanguage: "en", targetLanguage: "de", expectedContext: "a" });
  assert.match(await translator.translate("A dog runs.", { context: "animals" }), /Hund/);
  assert.equal(await translator.measureInputUsage("A dog runs.", { context: "animals" }), 0);
  await assert.rejects(Global.create({ sourceLanguage: "en", targetLanguage: "de", signal: null }), TypeError);
  translator.destroy();
});

describe("lists of models", () => {
  const entry = { id: "a", source: "en", target: "de", url: "a.gguf", bytes: 1, sha256: "" };
  const pair = { sourceLanguage: "en", targetLanguage: "de" };
  const asked = (/** @type {unknown} */ models, /** @type {object} */ more = {}) =>
    Translator.availability(/** @type {any} */ ({ ...pair, manifest: { version: 1, models }, ...more }));

  test("an entry that is none is named", async () => {
    for (const [models, message] of /** @type {[unknown, RegExp][]} */ ([
      [[null], /the model 1 of the manifest has the id undefined/],
      [[entry, 3], /the model 2 of the manifest/],
      [
        [{ ...entry, url: "http://[" }],
        /the model "a" of the manifest has the url "http:\/\/\["; it must be an address/,
      ],
      [[{ ...entry, source: "!!" }], /"a".*source "!!"; it must be a language tag/],
      [[{ ...entry, target: [] }], /"a".*target \[object Array\]/],
      [[{ ...entry, target: ["de", 3] }], /"a".*target \[object Array\]/],
      [[{ ...entry, id: JSON.parse("[".repeat(9000) + "]".repeat(9000)) }], /model 1 of .* the id \[object Array\]/],
      [{}, /version 1/],
    ]))
      await assert.rejects(asked(models, { manifest: { version: 1, models, baseURL: "http://x/" } }), {
        name: "DataError",
        message,
      });
  });

  test("whatever JSON a list is, it is read, refused as one, or has no way", async () => {
    const next = random(5);
    const pick = (/** @type {number} */ n) => Math.floor(next() * n);
    const atoms = [
      null,
      3,
      -1,
      true,
      "",
      "en",
      "de",
      "en_US",
      "!!",
      "http://[",
      "a.gguf",
      "data:,x",
      [],
      {},
      "__proto__",
    ];
    /** @type {() => unknown} */
    const value = () => (pick(4) ? structuredClone(atoms[pick(atoms.length)]) : Array.from({ length: pick(3) }, value));
    for (let round = 0; round < 3000; round++) {
      const model = pick(9) ? { ...entry } : value();
      for (const key of Object.keys(entry)) if (pick(3) === 0) Object.assign(Object(model), { [key]: value() });
      const manifest = { version: pick(9) ? 1 : value(), models: pick(9) ? [model] : value(), baseURL: "http://x/" };
      const state = await asked(null, { manifest }).catch((error) => error.name);
      assert.ok(["downloadable", "unavailable", "DataError"].includes(state), `${state}: ${JSON.stringify(manifest)}`);
    }
  });

  test("tags with an underscore are read, and no is nb", async () => {
    const models = [
      { ...entry, source: "en_US", target: "zh_Hans_CN", url: "http://x/a" },
      { ...entry, source: ["nb_NO"], url: "http://x/b" },
    ];
    const how = (/** @type {string} */ sourceLanguage, /** @type {string} */ targetLanguage) =>
      asked(models, { sourceLanguage, targetLanguage });
    assert.equal(await how("en", "zh"), "downloadable");
    assert.equal(await how("no", "de"), "downloadable");
    assert.equal(await how("nb", "de"), "downloadable");
    await assert.rejects(how("en_US", "zh"), { name: "RangeError", message: /"en_US".*such as "en-US"/ });
  });

  test("a list from the network names its own origin, and those that the caller adds", async () => {
    const other = await serveModel(bytes);
    const origin = new URL(other.url).origin;
    for (const [url, named] of [
      [other.url, true],
      ["file:///etc/passwd", false],
      ["data:,GGUF", false],
      ["relative.gguf", true],
    ]) {
      const list = JSON.stringify({ version: 1, models: [{ ...entry, url }] });
      const server = await serveModel(Buffer.from(list));
      const options = { ...pair, manifest: server.url };
      try {
        if (url === "relative.gguf") {
          assert.equal(await Translator.availability(options), "downloadable");
          continue;
        }
        for (const call of [Translator.availability, Translator.create])
          await assert.rejects(call(options), (/** @type {Error} */ error) => {
            assert.equal(error.name, "SecurityError");
            assert.ok(
              error.message.includes(named ? `origins: ["${origin}"]` : "may name nothing but http"),
              error.message,
            );
            return true;
          });
        const trusting = { ...options, origins: [`${origin}/`] };
        if (named) assert.equal(await Translator.availability(trusting), "downloadable");
        else await assert.rejects(Translator.availability(trusting), { name: "SecurityError" });
      } finally {
        await server.close();
      }
    }
    await other.close();
  });
});

test("a model with a language that is none is refused by a pair, not by a RangeError", async () => {
  const odd = Buffer.from(bytes);
  const at = odd.indexOf("glossa.source_language") + "glossa.source_language".length + 12;
  assert.equal(odd.toString("latin1", at, at + 2), "en");
  odd.write("!!", at, "latin1");
  const pair = { sourceLanguage: "en", targetLanguage: "de" };
  await assert.rejects(Translator.create({ ...pair, model: odd, worker: false }), {
    name: "NotSupportedError",
    message: /translates from !! to de/,
  });
});

test("a model of many languages that it does not list reads any", async () => {
  const files = Object.entries({ "m.bin": writeBin(makeStudent({}), "float32"), "v.spm": writeSpm(40) });
  const { blob } = await convertToBlob(files, { source: ["mul"], target: ["de"] });
  const translator = await Translator.create({
    model: blob,
    worker: false,
    sourceLanguage: "fr",
    targetLanguage: "de",
  });
  assert.equal(typeof (await translator.translate("abc")), "string");
  translator.destroy();
  const pair = { sourceLanguage: "fr", targetLanguage: "nl" };
  await assert.rejects(Translator.create({ ...pair, model: blob, worker: false }), { name: "NotSupportedError" });
});
