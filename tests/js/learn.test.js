// What a translator learns from corrections: translator.learn(), its undo, translator.save(). The sentences are made by
// rule (corrections.js); what is wanted is the model's own translation with some words changed, so nothing here depends
// on which model it is, but how often it learns.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import { Translator } from "../../src/js/index.js";
import { learningBytes } from "../../src/js/learn/part.js";
import { corrected, kept, others, sources } from "./corrections.js";
import { loadLab } from "./lab-core.js";
import { candidatesOf } from "./shortlist.js";

/** Of the hundred corrections every so many are tried. */
const EVERY = process.env.GLOSSA_SOAK ? 1 : 10;
/** Of three hundred sentences 2 %. */
const MOST_CHANGED = 6;

/** A comparison without megabytes of report. @param {Uint8Array} a @param {Uint8Array} b */
const isSame = (a, b) => Buffer.compare(a, b) === 0;

suite("learning from corrections", () => {
  /** @type {Uint8Array<ArrayBuffer>} */
  let model;
  /** @type {Translator} */
  let translator;
  const source = "The bottle is almost empty.";
  /** @type {string} */
  let old;
  /** @type {string} */
  let target;

  before(async () => {
    model = new Uint8Array(await readFile(new URL("../../models/en-de.gguf", import.meta.url)));
    translator = await Translator.create({ model });
    old = await translator.translate(source);
    target = /** @type {string} */ (corrected(old));
  });
  after(() => translator.destroy());

  test("corrections come out exactly, and other sentences stay", async (t) => {
    const translations = await translator.translateBatch(sources);
    const before = await translator.translateBatch(others);
    const count = { tried: 0, right: 0, changed: 0, beyond: 0, steps: 0 };
    for (let i = 0; i < sources.length; i += EVERY) {
      const wanted = corrected(translations[i]) ?? translations[i].replace(/(\p{L}+)([^\p{L}]*)$/u, "anders$2");
      const lesson = await translator.learn([{ source: sources[i], target: wanted }], { keep: kept });
      const now = await translator.translate(sources[i]);
      assert.equal(now === wanted, lesson.learned, `${sources[i]}: ${now}`);
      assert.deepEqual([lesson.before[0].translation, lesson.after[0].translation], [translations[i], now]);
      const changed = (await translator.translateBatch(others)).filter((text, k) => text !== before[k]).length;
      count.tried++;
      count.right += Number(lesson.learned);
      count.changed += changed;
      count.beyond += Number(changed > MOST_CHANGED);
      count.steps += lesson.steps;
      await lesson.undo();
    }
    assert.deepEqual(await translator.translateBatch(others), before, "undone, all is as it was");
    assert.ok(isSame(await translator.save(), model));
    t.diagnostic(`${JSON.stringify(count)}; changed are of ${others.length} sentences a correction`);
    assert.ok(count.right >= 0.8 * count.tried, JSON.stringify(count));
    assert.equal(count.beyond, 0, JSON.stringify(count));
  });

  test("what was learnt is saved, opened again, learnt upon, and undone to any lesson", async () => {
    const lesson = await translator.learn([{ source, target }]);
    assert.equal(lesson.learned, true);
    assert.ok(lesson.steps > 0 && lesson.loss > 0);
    const saved = await translator.save();
    assert.equal(saved.length, model.length);
    assert.ok(!isSame(saved, model));
    const opened = await Translator.create({ model: saved });
    assert.equal(await opened.translate(source), target);
    opened.destroy();

    const again = await translator.learn([{ source, target }]);
    assert.deepEqual([again.learned, again.steps], [true, 0], "there is nothing to learn");
    const second = await translator.learn([{ source, target: old }]);
    assert.equal(second.learned, true);
    assert.equal(await translator.translate(source), old);
    await second.undo();
    assert.ok(isSame(await translator.save(), saved));
    await lesson.undo();
    assert.ok(isSame(await translator.save(), model));
  });

  test("a wanted word that the model's shortlist lacks is taken up, saved and undone", async () => {
    const gguf = await GgufFile.open(new SourceFile("en-de.gguf", model));
    const { sentences } = await translator.explain(source);
    const ids = await candidatesOf(gguf, sentences[0].sourceTokens);
    const pieces = /** @type {string[]} */ (gguf.get("tokenizer.ggml.tokens"));
    const word = pieces.find((piece, id) => /^\u2581[A-Z][a-zäöüß]{5,}$/.test(piece) && !ids.has(id))?.slice(1);
    const wanted = old.replace(/\p{L}+/gu, (now, at) => (at > 0 && /^\p{Lu}/u.test(now) && word ? word : now));
    assert.notEqual(wanted, old);
    const before = await translator.translateBatch(others);
    const lesson = await translator.learn([{ source, target: wanted }], { keep: kept });
    assert.equal(await translator.translate(source), wanted);
    const after = await translator.translateBatch(others);
    assert.ok(after.filter((text, i) => text !== before[i]).length <= MOST_CHANGED);
    const saved = await translator.save();
    assert.ok(saved.length >= model.length);
    const opened = await Translator.create({ model: saved });
    assert.equal(await opened.translate(source), wanted);
    opened.destroy();
    await lesson.undo();
    assert.ok(isSame(await translator.save(), model));
  });

  test("what was asked before is answered with the old weights, by every worker", async () => {
    const two = await Translator.create({ model, pool: 2 });
    const lesson = await two.learn([{ source, target }]);
    const asked = Promise.all(Array.from({ length: 8 }, () => two.translate(source)));
    await lesson.undo();
    const later = Promise.all(Array.from({ length: 8 }, () => two.translate(source)));
    assert.deepEqual(new Set(await asked), new Set([target]));
    assert.deepEqual(new Set(await later), new Set([old]));
    two.destroy();
  });

  test("two lessons at once are learnt one after the other; texts of several sentences are learnt as they are split", async () => {
    const both = "Where is your jacket? The child is sleeping in the bed.";
    const now = await translator.translate(both);
    const wanted = /** @type {string} */ (corrected(now));
    const [first, second] = await Promise.all([
      translator.learn([{ source, target }]),
      translator.learn([{ source: both, target: wanted }], { keep: [source] }),
    ]);
    assert.equal(first.learned, true);
    assert.equal(second.learned, true);
    assert.equal(second.before[0].translation, now);
    assert.equal(await translator.translate(source), target, "the second stands on the first");
    assert.equal(await translator.translate(both), wanted);
    await first.undo();
    assert.ok(isSame(await translator.save(), model));
  });

  test("it learns without workers, and with another build", async () => {
    const here = await Translator.create({ model, worker: false, build: "simd128" });
    const lesson = await here.learn([{ source, target }]);
    assert.equal(await here.translate(source), target);
    const saved = await here.save();
    here.destroy();
    await assert.rejects(lesson.undo(), { name: "AbortError" });
    const there = await translator.learn([{ source, target }]);
    assert.equal(there.steps, lesson.steps);
    assert.ok(isSame(await translator.save(), saved), "the same weights in a worker");
    await there.undo();
  });

  test("a checkpoint in float32 stays one", async () => {
    const lab = await loadLab(model);
    const floats = lab.save("model");
    lab.close();
    const wide = await Translator.create({ model: floats });
    const now = await wide.translate(source);
    const wanted = /** @type {string} */ (corrected(now));
    const lesson = await wide.learn([{ source, target: wanted }]);
    assert.equal(lesson.learned, true);
    const saved = await wide.save();
    assert.equal(saved.length, floats.length);
    const opened = await Translator.create({ model: saved });
    assert.equal(await opened.translate(source), wanted);
    opened.destroy();
    wide.destroy();
  });

  test("what cannot be learnt is refused by name, and the model is as it was", async () => {
    const refuse = (/** @type {any} */ corrections, /** @type {any} */ options, /** @type {object} */ error) =>
      assert.rejects(translator.learn(corrections, options), error);
    const one = [{ source, target }];
    await refuse([], {}, { name: "TypeError", message: /array of corrections/ });
    await refuse(undefined, {}, { name: "TypeError", message: /array of corrections/ });
    await refuse([{ source: " ", target }], {}, { name: "TypeError", message: /source of correction 0 is empty/ });
    await refuse([...one, { source }], {}, { name: "TypeError", message: /target of correction 1 is undefined/ });
    await refuse([{ source: "12 34", target }], {}, { name: "TypeError", message: /has no words/ });
    await refuse([{ source, target: "Die  Kanne" }], {}, { name: "TypeError", message: /cannot write.*"Die Kanne"/ });
    await refuse(
      [{ source: "Come in. Sit down. Be quiet.", target: "Komm." }],
      {},
      { name: "TypeError", message: /3 parts, and its target has 1 sent/ },
    );
    await refuse(Array(33).fill(one[0]), {}, { name: "RangeError", message: /32 corrections at a time, not 33/ });
    await refuse(one, { steps: 0 }, { name: "TypeError", message: /"steps" is 0/ });
    await refuse(one, { keep: "all" }, { name: "TypeError", message: /"keep" is "all"/ });
    await refuse(one, { rate: 1 }, { name: "TypeError", message: /no option "rate"/ });
    await refuse(one, { memory: 1e6 }, (/** @type {any} */ error) => {
      assert.equal(error.name, "QuotaExceededError");
      assert.match(error.message, /some \d{9} bytes.*allows 1000000/);
      assert.ok(error.requested > 1e8 && error.quota === 1e6);
      return true;
    });
    assert.ok(isSame(await translator.save(), model));
    const same = await Translator.create({ sourceLanguage: "en", targetLanguage: "en" });
    await assert.rejects(same.learn(one), { name: "NotSupportedError", message: /into the same language/ });
    await assert.rejects(same.save(), { name: "NotSupportedError" });
  });

  test("a translator by way of a third language is told which model it means", async () => {
    const manifest = new URL("../../models/manifest.json", import.meta.url);
    const way = await Translator.create({ sourceLanguage: "zh", targetLanguage: "de", manifest });
    const correction = { source: "你好。", target: "Guten Tag." };
    await assert.rejects(way.learn([correction]), { name: "NotSupportedError", message: /two models, by way of en/ });
    await assert.rejects(way.save(), { name: "NotSupportedError" });
    way.destroy();
  });

  test("an abort ends it at once, within a step too, and a destroyed translator learns nothing", async () => {
    const stop = new AbortController();
    const asked = translator.learn([{ source, target: `${old} ${old} ${old}` }], { steps: 1000, signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 700);
    await assert.rejects(asked, /enough/);
    assert.ok(isSame(await translator.save(), model));
    const lesson = await translator.learn([{ source, target }]);
    assert.equal(lesson.learned, true, "the next one is learnt");
    await lesson.undo();

    const other = await Translator.create({ model });
    const waiting = other.learn([{ source, target }]);
    setTimeout(() => other.destroy(), 300);
    await assert.rejects(waiting, { name: "AbortError" });
    await assert.rejects(other.learn([{ source, target }]), { name: "AbortError" });
    await assert.rejects(other.save(), { name: "AbortError" });
  });

  test("the memory that it says it takes is enough", async () => {
    const lab = await loadLab(model, { optimizer: "none", shards: 1, threads: 1 });
    const pairs = [...kept, source].map(
      (text) => /** @type {[number[], number[]]} */ ([lab.encode(text, false), lab.encode(text, true)]),
    );
    lab.step(pairs);
    const { parameters } = translator.info.model;
    const said = learningBytes(translator.info, [{ source, target }], kept);
    assert.ok(said > lab.heap && said < 2.5 * lab.heap, `${said} for ${lab.heap} bytes and ${parameters} parameters`);
    lab.close();
  });
});
