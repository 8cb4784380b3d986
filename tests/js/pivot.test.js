// Through a third language by two models. What must come out is known from the two models alone: each sentence of the first
// one's translation, translated by the second.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Translator } from "../../src/js/index.js";
import { findRoute } from "../../src/js/manifest.js";
import { modelCache } from "../../src/js/model-cache.js";
import { serveModel } from "./model-server.js";

const folder = mkdtempSync(join(tmpdir(), "glossa-pivot-"));
process.env.GLOSSA_CACHE = folder;

/** The shipped model under other languages: what it does is the same. @param {string} source @param {string} target */
function named(source, target) {
  const bytes = readFileSync(new URL("../../models/en-de.gguf", import.meta.url));
  for (const [key, tag] of Object.entries({ source, target })) {
    const name = `glossa.${key}_language`;
    const at = bytes.indexOf(name) + name.length + 4 + 8; // type, length
    assert.match(bytes.toString("latin1", at, at + 2), /^(en|de)$/);
    bytes.write(tag, at, "latin1");
  }
  return bytes;
}

const [first, second] = [named("fr", "en"), named("en", "nl")];
const pair = { sourceLanguage: "fr", targetLanguage: "nl" };
/** @type {Awaited<ReturnType<typeof serveModel>>[]} */
let servers = [];
/** @type {import("../../src/js/manifest.js").Manifest} */
let manifest;
/** @type {Translator[]} */
let halves = [];

before(async () => {
  servers = [await serveModel(first), await serveModel(second)];
  const entry = (/** @type {number} */ i, /** @type {string} */ source, /** @type {string} */ target) => {
    const bytes = [first, second][i];
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { id: `${source}-${target}`, source, target, url: servers[i].url, bytes: bytes.length, sha256 };
  };
  manifest = { version: 1, models: [entry(0, "fr", "en"), entry(1, "en", "nl")] };
  halves = [
    await Translator.create({ model: first, worker: false }),
    await Translator.create({ model: second, worker: false }),
  ];
});
after(async () => {
  for (const half of halves) half.destroy();
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
});

/** A sentence by both models, one after the other. @param {string} sentence @param {object} [options] */
async function byHand(sentence, options = {}) {
  const between = await halves[0].translate(sentence, { split: false, ...options });
  return halves[1].translate(between, { split: false, ...options });
}

const SENTENCES = [
  "A dog runs.",
  "Two men are sitting on a bench.",
  "A woman in a red dress is reading a newspaper.",
  "Children play football in the street.",
  "It rains!",
];
const TEXT = `  ${SENTENCES[0]} ${SENTENCES[1]}\n\n${SENTENCES[2]}\t${SENTENCES[3]} ${SENTENCES[4]}\n`;
const LONG = `${SENTENCES.join(" ")} `.repeat(6);

test("the way goes through English where it can, else through another language, and never back", () => {
  /** @param {string} source @param {string} target @param {string[]} pairs "from>to" */
  const route = (source, target, ...pairs) => {
    const models = pairs.map((id) => ({
      ...manifest.models[0],
      id,
      source: id.split(">")[0],
      target: id.split(">")[1],
    }));
    return findRoute({ version: 1, models }, source, target)?.map(({ model }) => model.id) ?? null;
  };
  assert.deepEqual(route("lzh", "en", "en>zh", "lzh>zh", "zh>en"), ["lzh>zh", "zh>en"]);
  assert.deepEqual(route("fr", "nl", "fr>de", "de>nl", "fr>en", "en>nl"), ["fr>en", "en>nl"]);
  assert.deepEqual(route("fr", "nl", "fr>en", "fr>it", "fr>de", "de>nl"), ["fr>de", "de>nl"]);
  assert.deepEqual(route("en", "nl", "en>de", "de>en", "en>fr", "fr>nl"), ["en>fr", "fr>nl"]);
  assert.equal(route("lzh", "de", "lzh>zh", "zh>en", "en>de"), null, "not by three");
  assert.equal(route("zh-CN", "nl", "zh>zh-Hans", "zh-Hans>en"), null);
});

test("how far it is, before, while and after both models are loaded", async () => {
  await modelCache.clear();
  const state = () => Translator.availability({ ...pair, manifest });
  assert.equal(await state(), "downloadable");
  /** @type {number[]} */
  const loaded = [];
  /** @type {Promise<string>[]} */
  const states = [];
  const translator = await Translator.create({
    ...pair,
    manifest,
    monitor: (m) =>
      m.addEventListener("downloadprogress", (event) => {
        const at = /** @type {any} */ (event).loaded;
        loaded.push(at);
        if (at < 1) states.push(state());
      }),
  });
  assert.deepEqual([loaded[0], loaded.at(-1)], [0, 1]);
  for (let i = 1; i < loaded.length; i++) assert.ok(loaded[i] > loaded[i - 1]);
  assert.ok(
    loaded.some((at) => at > 0 && at < 0.5) && loaded.some((at) => at > 0.5 && at < 1),
    `one bar over both: ${loaded}`,
  );
  assert.equal(await states[0], "downloading");
  assert.equal(await state(), "available");
  const { models, model, modelBytes } = translator.info;
  assert.deepEqual(
    models.map(({ sourceLanguage, targetLanguage }) => `${sourceLanguage} ${targetLanguage}`),
    ["fr en", "en nl"],
  );
  assert.deepEqual(model, models[0]);
  assert.equal(modelBytes, first.length + second.length);
  assert.deepEqual([translator.sourceLanguage, translator.targetLanguage], ["fr", "nl"]);
  translator.destroy();
  await modelCache.delete(servers[1].url);
  assert.equal(await state(), "downloadable", "the worse of the two");
});

for (const worker of [false, true])
  describe(worker ? "in a worker" : "in place", () => {
    const make = (/** @type {object} */ options = {}) => Translator.create({ ...pair, manifest, worker, ...options });

    test("texts, batches and streams are what the two models give by hand", async () => {
      const translator = await make();
      const expected = await Promise.all(SENTENCES.map((sentence) => byHand(sentence)));
      const text = `  ${expected[0]} ${expected[1]}\n\n${expected[2]}\t${expected[3]} ${expected[4]}\n`;
      assert.equal(await translator.translate(TEXT), text);
      const chunks = [];
      for await (const chunk of translator.translateStreaming(LONG)) chunks.push(chunk);
      assert.equal(chunks.join(""), `${expected.join(" ")} `.repeat(6));
      assert.ok(chunks.length > 8, `${chunks.length} chunks`);
      const seen = /** @type {number[]} */ ([]);
      const texts = [...SENTENCES, "", " ", "...", ...SENTENCES.toReversed()];
      const batch = await translator.translateBatch(texts, { onProgress: ({ done }) => seen.push(done) });
      assert.deepEqual(batch, [...expected, "", " ", "...", ...expected.toReversed()]);
      assert.equal(seen.at(-1), texts.length);
      const beam = { beamSize: 4 };
      assert.equal(await translator.translate(SENTENCES[2], beam), await byHand(SENTENCES[2], beam));
      assert.equal(await translator.countTokens(TEXT), await halves[0].countTokens(TEXT));
      translator.destroy();
    });

    test("aborting and destroying end it", async () => {
      const translator = await make();
      const abort = new AbortController();
      const reason = new Error("enough");
      const running = translator.translate(LONG, { signal: abort.signal });
      setTimeout(() => abort.abort(reason), 30);
      await assert.rejects(running, reason);
      assert.equal(await translator.translate("A dog runs."), await byHand("A dog runs."));
      const last = translator.translate(LONG);
      translator.destroy();
      await assert.rejects(last, { name: "AbortError" });
    });
  });

test("a pool has both models in each worker", async () => {
  const translator = await Translator.create({ ...pair, manifest, pool: 2 });
  const texts = Array.from({ length: 130 }, (_, i) => SENTENCES[i % 5]);
  const expected = await Promise.all(SENTENCES.map((sentence) => byHand(sentence)));
  assert.deepEqual(
    await translator.translateBatch(texts),
    texts.map((_, i) => expected[i % 5]),
  );
  assert.equal(translator.info.workers, 2);
  translator.destroy();
});

test("HTML: tags stay, once each and in order of their blocks; placeholders and terms go through both", async () => {
  const translator = await Translator.create({ ...pair, manifest, worker: false });
  const html = '<ul><li>A <b>dog</b> runs.</li><li>A <a href="x">woman in <i>red</i></a> sits.</li></ul>';
  const translation = await translator.translateHTML(html);
  const tags = (/** @type {string} */ text) => text.match(/<[^>]*>/g) ?? [];
  assert.deepEqual(tags(translation).toSorted(), tags(html).toSorted());
  assert.match(translation, /^<ul><li>.*<b>[^<]+<\/b>.*<\/li><li>.*<a href="x">.*<\/a>.*<\/li><\/ul>$/s);
  assert.equal(translation.replace(/<[^>]*>/g, "").includes(await byHand("A dog runs.")), true);

  const text = "Two men read {title} on https://example.com/a?b=1 with a dog.";
  const kept = await translator.translate(text, { glossary: { dog: "IT-Wauwau" } });
  for (const part of ["{title}", "https://example.com/a?b=1", "IT-Wauwau"])
    assert.equal(kept.split(part).length, 2, `${part} in "${kept}"`);
  translator.destroy();
});

test("an explanation has a stage for each model", async () => {
  const translator = await Translator.create({ ...pair, manifest, worker: true });
  const text = `${SENTENCES[0]} ${SENTENCES[2]}`;
  const { source, translation, sentences, stages } = await translator.explain(text, { topK: 3 });
  assert.deepEqual([source, sentences, stages.length], [text, [], 2]);
  assert.equal(translation, await translator.translate(text));
  const [to, from] = stages;
  const alone = await halves[0].explain(text, { topK: 3 });
  assert.equal(to.translation, alone.translation);
  assert.deepEqual(to.sentences[1].cross, alone.sentences[1].cross);
  assert.equal(from.source, to.translation);
  assert.equal(from.translation, translation);
  for (const [i, sentence] of from.sentences.entries()) {
    assert.equal(from.source.slice(sentence.start, sentence.end), sentence.source);
    assert.equal(sentence.source, to.sentences[i].translation);
    const { sentences: own } = await halves[1].explain(sentence.source, { topK: 3, split: false });
    assert.deepEqual(sentence.targetTokens, own[0].targetTokens);
    assert.deepEqual(sentence.cross, own[0].cross);
  }
  const forced = await translator.explain(SENTENCES[0], { prefix: "Zwei Hunde" });
  assert.match(forced.translation, /^Zwei Hunde/, "a prefix is one of the translation");
  await assert.rejects(translator.explain(text, { headMask: { cross: [[0, 0]] } }), {
    name: "NotSupportedError",
    message: /headMask.*two/,
  });
  translator.destroy();
});

test("a direct model comes first; where there is no way, the error lists the pairs", async () => {
  const direct = { ...manifest.models[0], id: "fr-nl", target: "nl" };
  const own = new Uint8Array(named("fr", "nl"));
  const server = await serveModel(own);
  const withDirect = { ...manifest, models: [...manifest.models, { ...direct, url: server.url, sha256: "" }] };
  const translator = await Translator.create({ ...pair, manifest: withDirect, worker: false, cache: false });
  assert.equal(translator.info.models.length, 1);
  assert.equal(await translator.translate("A dog runs."), await halves[0].translate("A dog runs."));
  translator.destroy();
  await server.close();
  for (const [sourceLanguage, targetLanguage] of [
    ["nl", "fr"],
    ["fr", "ja"],
    ["en", "ja"],
    ["nl", "en"],
  ]) {
    assert.equal(await Translator.availability({ sourceLanguage, targetLanguage, manifest }), "unavailable");
    await assert.rejects(Translator.create({ sourceLanguage, targetLanguage, manifest }), {
      name: "NotSupportedError",
      message: new RegExp(`from ${sourceLanguage} to ${targetLanguage}.*fr to en, en to nl`),
    });
  }
});

test("a model that cannot be loaded is named, and nothing of the other is left behind", async () => {
  for (const i of [0, 1]) {
    const models = manifest.models.map((model, j) => (j === i ? { ...model, url: `${model.url}?status=404` } : model));
    await assert.rejects(Translator.create({ ...pair, manifest: { ...manifest, models } }), {
      name: "NetworkError",
      message: /status=404 answered 404/,
    });
  }
});

test("glossa explain shows both stages", async () => {
  const models = manifest.models.map((model, i) => {
    const url = join(folder, `${model.id}.gguf`);
    writeFileSync(url, [first, second][i]);
    return { ...model, url };
  });
  const list = join(folder, "manifest.json");
  writeFileSync(list, JSON.stringify({ version: 1, models }));
  const command = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
  const languages = ["--source", "fr", "--target", "nl", "--manifest", list];
  const run = (/** @type {string[]} */ ...more) =>
    promisify(execFile)(process.execPath, [command, "explain", ...languages, ...more, "A dog runs."]);
  const [between, translation] = [await halves[0].translate("A dog runs."), await byHand("A dog runs.")];
  const { stdout } = await run();
  const lines = stdout.split("\n");
  assert.ok(lines.indexOf(between) === 0 && lines.includes(translation), stdout);
  const { stdout: page } = await run("--html");
  assert.equal(page.split("<svg").length, 3);
  await assert.rejects(run("--svg"), { code: 1, stderr: /one sentence by one model/ });
});
