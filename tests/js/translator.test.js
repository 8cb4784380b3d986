// The Translator API, in place and in a worker: one code path, so one set of tests for both.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Host } from "../../src/js/host.js";
import { Translator } from "../../src/js/index.js";
import { workOptions } from "../../src/js/options.js";
import { wasmFiles } from "../../src/js/own-files.js";
import { RULES } from "../../src/js/text/rules.js";
import { openCore } from "./builds.js";

const MODEL = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
const bytes = readFileSync(MODEL);
const TEXT = "A dog runs. Two men are sitting on a bench.\n\n  A woman in red!\tOne child";
const LONG = "A dog runs through the green grass and a man throws a ball. ".repeat(400);

/** @param {Partial<import("../../src/js/types.js").CreateOptions>} [options] */
const create = (options) => Translator.create({ model: MODEL, worker: false, ...options });

/** @param {ReadableStream<string>} stream */
async function chunksOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

for (const worker of [false, true])
  describe(worker ? "in a worker" : "in place", () => {
    const make = () => create({ worker });

    test("white space, paragraphs and the number of sentences go through", async () => {
      const translator = await make();
      const translation = await translator.translate(TEXT);
      assert.match(translation, /^\S[\s\S]*\. \S[\s\S]*\.\n\n {2}\S[\s\S]*\t\S/);
      assert.match(translation, /Hund.*Männer.*\n\n.*Frau/);
      assert.equal(translator.info.workers, worker ? 1 : 0);
      translator.destroy();
    });

    test("chunks of a stream are the translation", async () => {
      const translator = await make();
      const chunks = await chunksOf(translator.translateStreaming(LONG.slice(0, 600)));
      assert.ok(chunks.length > 3, `${chunks.length} chunks`);
      assert.equal(chunks.join(""), await translator.translate(LONG.slice(0, 600)));
      assert.equal(Object.prototype.toString.call(translator.translateStreaming("")), "[object ReadableStream]");
      translator.destroy();
    });

    test("a batch gives what its texts give alone, in order, with progress", async () => {
      const translator = await make();
      const texts = [
        "A dog.",
        "",
        " \n",
        TEXT,
        "Two men sit.",
        ...Array.from({ length: 70 }, (_, i) => `Child number ${i}.`),
      ];
      /** @type {import("../../src/js/types.js").BatchProgress[]} */
      const seen = [];
      const translations = await translator.translateBatch(texts, { onProgress: (progress) => seen.push(progress) });
      for (const [i, text] of texts.entries()) assert.equal(translations[i], await translator.translate(text), text);
      assert.deepEqual(seen.at(-1), { done: texts.length, total: texts.length });
      for (let i = 1; i < seen.length; i++) assert.ok(seen[i].done > seen[i - 1].done);
      assert.deepEqual(await translator.translateBatch([]), []);
      const many = Array.from({ length: 3000 }, (_, i) => `A dog runs ${"and runs ".repeat(i % 9)}.`);
      const abort = new AbortController();
      const reason = new Error("enough");
      let late = 0;
      const onProgress = () => {
        if (abort.signal.aborted) late++;
        else abort.abort(reason);
      };
      await assert.rejects(translator.translateBatch(many, { signal: abort.signal, onProgress }), reason);
      assert.match(await translator.translate("A dog runs."), /Hund/);
      assert.equal(late, 0, "no progress of what is aborted");
      translator.destroy();
    });

    test("blank and control characters are echoed", async () => {
      const translator = await make();
      for (const text of [
        "",
        " ",
        "     ",
        " \r\n\t\f",
        ...Array.from({ length: 0x20 }, (_, c) => String.fromCharCode(c)),
      ])
        assert.equal(await translator.translate(text), text);
      translator.destroy();
    });

    test("requests at once are queued and all answered", async () => {
      const translator = await make();
      const texts = Array.from({ length: 12 }, (_, i) => `Dog number ${i} runs.`);
      const answers = await Promise.all(texts.map((text) => translator.translate(text)));
      for (const [i, text] of texts.entries()) assert.equal(answers[i], await translator.translate(text));
      translator.destroy();
    });

    test("aborting before, during and after", async () => {
      const translator = await make();
      const reason = new Error("changed my mind");
      await assert.rejects(translator.translate("A dog.", { signal: AbortSignal.abort(reason) }), reason);
      assert.throws(() => translator.translateStreaming("A dog.", { signal: AbortSignal.abort() }), {
        name: "AbortError",
      });

      const abort = new AbortController();
      const running = translator.translate(LONG, { signal: abort.signal });
      const queued = translator.translate(LONG, { signal: abort.signal });
      const stream = translator.translateStreaming(LONG, { signal: abort.signal });
      setTimeout(() => abort.abort(reason), 30);
      await assert.rejects(running, reason);
      await assert.rejects(queued, reason);
      await assert.rejects(stream.pipeTo(new WritableStream()), reason);

      const blocking = new AbortController();
      let blocked = true;
      const busy = translator.translate(LONG, { signal: blocking.signal }).catch(() => {
        blocked = false;
      });
      const waiting = new AbortController();
      const behind = translator.translate("A dog runs.", { signal: waiting.signal });
      waiting.abort(reason);
      await assert.rejects(behind, reason);
      assert.ok(blocked, "a queued request ends at once");
      blocking.abort();
      await busy;

      const late = new AbortController();
      const translation = await translator.translate("A dog runs.", { signal: late.signal });
      late.abort();
      assert.match(translation, /Hund/);
      assert.match(await translator.translate("A dog runs."), /Hund/);
      translator.destroy();
    });

    test("a cancelled stream ends its work; the newest request wins where asked", async () => {
      const translator = await make();
      const reader = translator.translateStreaming(LONG).getReader();
      await reader.read();
      await reader.cancel();
      const first = translator.translate(LONG, { latest: true });
      const other = translator.translate("Two men sit.");
      const second = translator.translate("A dog runs.", { latest: true });
      await assert.rejects(first, { name: "AbortError", message: /newer/ });
      assert.match(await other, /Männer/);
      assert.match(await second, /Hund/);
      const many = Array.from({ length: 200 }, () => "Two men sit.");
      assert.equal((await translator.translateBatch(many, { latest: true })).length, many.length);
      translator.destroy();
    });

    test("destroy() ends what runs, and what comes later", async () => {
      const translator = await make();
      const before = [translator.translate(LONG), translator.measureInputUsage(LONG), translator.explain("A dog.")];
      const stream = translator.translateStreaming(LONG);
      translator.destroy();
      translator.destroy();
      const after = [translator.translate("x"), translator.translateBatch(["x"]), translator.explain("x")];
      for (const promise of [...before, ...after, stream.pipeTo(new WritableStream())])
        await assert.rejects(promise, { name: "AbortError", message: /destroyed/ });
      const { [Symbol.dispose]: dispose } = Translator.prototype;
      assert.equal(typeof dispose, "function");
    });

    test("the signal of create() ends the creation, and later the translator", async () => {
      const reason = new Error("enough");
      await assert.rejects(create({ worker, signal: AbortSignal.abort(reason) }), reason);
      const early = new AbortController();
      const creation = create({ worker, signal: early.signal });
      early.abort(reason);
      await assert.rejects(creation, reason);
      const late = new AbortController();
      const translator = await create({ worker, signal: late.signal });
      const running = translator.translate(LONG);
      late.abort(reason);
      await assert.rejects(running, reason);
      await assert.rejects(translator.translate("x"), reason);
    });

    test("the model comes as a path, a URL, bytes, a Blob or a stream", async () => {
      const unaligned = new Uint8Array(bytes.length + 1).subarray(1);
      unaligned.set(bytes);
      const { buffer } = new Uint8Array(bytes);
      for (const model of [
        MODEL,
        new URL(`file://${MODEL}`),
        unaligned,
        buffer,
        new Blob([bytes]),
        /** @type {ReadableStream<Uint8Array>} */ (new Blob([bytes]).stream()),
      ]) {
        const translator = await create({ worker, model });
        assert.match(await translator.translate("A dog runs."), /Hund/);
        assert.equal(translator.info.modelBytes, bytes.length);
        translator.destroy();
      }
      assert.equal(unaligned.length, bytes.length, "the caller keeps its bytes");
      assert.equal(buffer.byteLength, bytes.length);
    });

    test("a broken model is a clear error", async () => {
      for (const [model, name] of /** @type {[any, string][]} */ ([
        [new Uint8Array(0), "DataError"],
        [bytes.subarray(0, 5000), "DataError"],
        [new Blob(["<!doctype html>"]), "DataError"],
        ["/nowhere/model.gguf", "NetworkError"],
        [42, "TypeError"],
      ]))
        await assert.rejects(create({ worker, model }), (/** @type {Error} */ error) => {
          assert.equal(error.name, name, error.message);
          return error.message.length > 10;
        });
      await assert.rejects(create({ worker, sha256: "0".repeat(64) }), { name: "DataError", message: /checksum/ });
    });
  });

test("what runs is told", async () => {
  const translator = await create({ build: "simd128" });
  const { build, kernels, wasmBytes, modelBytes, workingBytes, version, model } = translator.info;
  assert.deepEqual([build, kernels], ["simd128", "simd128"]);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(wasmBytes > modelBytes + workingBytes);
  assert.ok(workingBytes < modelBytes, "weights are not copied");
  assert.deepEqual([model.sourceLanguage, model.targetLanguage], ["en", "de"]);
  assert.deepEqual([translator.sourceLanguage, translator.targetLanguage], ["en", "de"]);
  translator.destroy();
});

test("a text takes one message each way; a large batch takes little memory", async () => {
  /** @type {import("../../src/js/protocol.js").Reply[]} */
  const replies = [];
  /** @type {(reply: import("../../src/js/protocol.js").Reply) => void} */
  let answered = () => {};
  const host = new Host(
    (reply) => {
      replies.push(reply);
      if (reply.type === "result") answered(reply);
    },
    { files: wasmFiles },
  );
  const ask = (/** @type {any} */ message) =>
    new Promise((resolve) => {
      answered = resolve;
      host.receive(message);
    });
  const models = [{ source: { bytes }, bytes: bytes.length, languages: null }];
  const device = { engines: 1, memory: Infinity };
  await ask({ id: 1, type: "load", models, build: "auto", wasm: {}, cache: false, device, rules: RULES });
  replies.length = 0;
  const options = workOptions({});
  const one = { type: "translate", format: "text", attributes: [], progress: false, stream: false, options };
  await ask({ ...one, id: 2, texts: ["A dog runs through the grass."] });
  assert.deepEqual(
    replies.map(({ type }) => type),
    ["result"],
  );
  const texts = Array.from({ length: 40 }, () => LONG.slice(0, 59).repeat(1 + 3));
  const { memory } = /** @type {any} */ (await ask({ ...one, id: 3, texts, options: workOptions({ split: false }) }));
  assert.ok(memory.wasmBytes - bytes.length < 20e6, `${memory.wasmBytes - bytes.length} bytes beside the model`);
  host.receive({ id: 0, type: "close" });
});

test("languages are checked as the platform does", async () => {
  for (const options of [{}, { sourceLanguage: "en" }, { targetLanguage: "de" }]) {
    await assert.rejects(Translator.create(/** @type {any} */ (options)), { name: "TypeError" });
    await assert.rejects(Translator.availability(/** @type {any} */ (options)), { name: "TypeError" });
  }
  await assert.rejects(Translator.create(/** @type {any} */ (undefined)), { name: "TypeError" });
  const wrong = { sourceLanguage: "en", targetLanguage: "not a language" };
  await assert.rejects(Translator.create(wrong), { name: "RangeError" });
  await assert.rejects(Translator.availability(wrong), { name: "RangeError" });
  await assert.rejects(create({ sourceLanguage: "en", targetLanguage: "fr" }), {
    name: "NotSupportedError",
    message: /en to de/,
  });
  assert.throws(() => new Translator(), { name: "TypeError" });
});

const manifest = /** @type {const} */ ({
  version: 1,
  models: [{ id: "en-de", source: "en", target: "de", url: MODEL, bytes: bytes.length, sha256: "" }],
});

test("languages find their model in a manifest, in every spelling", async () => {
  const find = (/** @type {string} */ sourceLanguage, /** @type {string} */ targetLanguage) =>
    Translator.availability({
      sourceLanguage,
      targetLanguage,
      manifest: { ...manifest, models: [...manifest.models] },
    });
  for (const [source, target] of [
    ["en", "de"],
    ["en-US", "de-AT"],
    ["EN", "de-Latn"],
  ])
    assert.equal(await find(source, target), "available");
  assert.equal(await find("de", "en"), "unavailable");
  assert.equal(await find("fr-CA", "fr"), "available");
  const same = await Translator.create({
    sourceLanguage: "en-GB",
    targetLanguage: "en-US",
    manifest: { version: 1, models: [] },
  });
  assert.equal(await same.translate("Colour?"), "Colour?");
  same.destroy();
  await assert.rejects(
    Translator.create({ sourceLanguage: "de", targetLanguage: "ja", manifest: { version: 1, models: [] } }),
    {
      name: "NotSupportedError",
      message: /de to ja/,
    },
  );
});

test("progress goes from 0 to 1 in growing steps, then the translator is there", async () => {
  /** @type {any[]} */
  const events = [];
  let created = false;
  const translator = await create({
    monitor: (m) => m.addEventListener("downloadprogress", (event) => events.push({ event, created })),
  });
  created = true;
  const loaded = events.map(({ event }) => event.loaded);
  assert.deepEqual([loaded[0], loaded.at(-1)], [0, 1]);
  for (const [i, { event, created: late }] of events.entries()) {
    assert.ok(!late);
    assert.deepEqual([event.total, event.lengthComputable, (event.loaded * 65536) % 1], [1, true, 0]);
    if (i) assert.ok(loaded[i] > loaded[i - 1]);
  }
  translator.destroy();
  const error = new Error("from the monitor");
  const thrower = () => {
    throw error;
  };
  await assert.rejects(create({ monitor: thrower }), error);
  for (const at of [0, 1]) {
    const abort = new AbortController();
    const monitor = (/** @type {EventTarget} */ m) =>
      m.addEventListener("downloadprogress", (event) => /** @type {any} */ (event).loaded === at && abort.abort(error));
    await assert.rejects(create({ monitor, signal: abort.signal }), error);
  }
});

test("wrong options are a TypeError that names them", async () => {
  const translator = await create();
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [{ beamSize: 0 }, /beamSize.*0.*1 to 16/],
    [{ beamSize: 1000 }, /beamSize.*1000/],
    [{ beamSize: 1.5 }, /beamSize/],
    [{ search: "best" }, /search.*best/],
    [{ normalize: Number.NaN }, /normalize.*NaN/],
    [{ maxLength: -1 }, /maxLength/],
    [{ banned: [-1] }, /banned/],
    [{ banned: [10_000_000] }, /10000000/],
    [{ preserve: ["names"] }, /preserve.*names/],
    [{ glossary: { dog: 1 } }, /glossary.*dog/],
    [{ signal: {} }, /signal/],
    [3, /object/],
  ]))
    await assert.rejects(translator.translate("A dog.", options), (/** @type {Error} */ error) => {
      assert.equal(error.name, "TypeError");
      assert.match(error.message, message);
      return true;
    });
  assert.match(await translator.translate("A dog runs.", { beamSize: 16 }), /Hund/);
  translator.destroy();
  await assert.rejects(create({ pool: 0 }), { name: "TypeError", message: /pool/ });
  await assert.rejects(create({ monitor: /** @type {any} */ (1) }), { name: "TypeError", message: /monitor/ });
});

test("text of 100,000 characters, without spaces, and ill-formed text survive", async () => {
  const translator = await create();
  const solid = await translator.translate("x".repeat(1500), { maxLength: 4 });
  assert.ok(solid.length > 0);
  const huge = LONG.repeat(5).slice(0, 100_000);
  assert.ok((await translator.countTokens(huge)) > 20_000);
  const reader = translator.translateStreaming(huge).getReader();
  let begun = "";
  while (begun.length < 200) begun += (await reader.read()).value;
  await reader.cancel();
  assert.match(begun, /Hund/);
  assert.equal(typeof (await translator.translate("\ud800 lone \udfff surrogates")), "string");
  assert.equal(translator.inputQuota, Infinity);
  translator.destroy();
});

test("placeholders, addresses and signs are kept, terms follow the glossary", async () => {
  const translator = await create();
  for (const text of [
    "Open {name} now.",
    `See https://example.com/a?b=1#c for %s and ${"$"}{x}.`,
    "Two men read {{title}} on www.example.org, then {0}.",
    "%(count)d dogs run.",
    "{a} {b} {c}",
  ])
    for (const part of text.match(/https?:\S*\w|www\.\S*\w|\$?\{+\w+\}+|%\(\w+\)d|%s/g) ?? []) {
      const translation = await translator.translate(text);
      assert.equal(translation.split(part).length, 2, `${part} in "${translation}"`);
    }
  for (const sign of ["❤️", "👍🏽", "🇩🇪", "👩‍👧", "×", "😀😀"]) {
    const translation = await translator.translate(`Two dogs ${sign} run.`);
    assert.equal(translation.split(sign).length, 2, `${sign} in "${translation}"`);
  }
  const translation = await translator.translate("A dog runs. A DOG sits.", { glossary: { dog: "Wauwau" } });
  assert.equal(translation.split("Wauwau").length, 3, translation);
  assert.doesNotMatch(translation, /Hund/);
  assert.match(await translator.translate("42 dogs, 17 cats.", { preserve: ["numbers"] }), /42[\s\S]*17/);
  translator.destroy();
});

test("an explanation fits together", async () => {
  const translator = await create({ worker: true });
  const text = "  A dog runs. Two men 😀 sit on a bench.";
  const explanation = await translator.explain(text, { beamSize: 4, alternatives: 3, topK: 7, hidden: true });
  assert.equal(explanation.source, text);
  assert.equal(explanation.translation, await translator.translate(text, { beamSize: 4, preserve: false }));
  assert.equal(explanation.sentences.length, 2);
  const { encoderLayers, decoderLayers, heads, width } = translator.info.model;
  for (const sentence of explanation.sentences) {
    const { sourceTokens, targetTokens, hypotheses, topK, encoder, decoder, cross, alignment, hidden } = sentence;
    assert.equal(text.slice(sentence.start, sentence.end), sentence.source);
    for (const [tokens, of] of /** @type {const} */ ([
      [sourceTokens, sentence.source],
      [targetTokens, sentence.translation],
    ])) {
      for (const { start, end, text: shown } of tokens) assert.equal(of.slice(start, end), shown);
      assert.equal(tokens.map((token) => token.text).join(""), of);
    }
    assert.equal(hypotheses.length, 3);
    assert.equal(hypotheses[0].text, sentence.translation);
    for (const { tokens, score } of hypotheses) {
      const sum = tokens.reduce((total, token) => total + token.logProbability, 0);
      assert.ok(Math.abs(sum / tokens.length - score) < 1e-5, "score = sum(log p) / length");
    }
    for (const [t, candidates] of topK.entries()) {
      assert.equal(candidates.length, 7);
      assert.ok(candidates.every((c, k) => k === 0 || c.logProbability <= candidates[k - 1].logProbability));
      const own = candidates.find((c) => c.id === targetTokens[t].id);
      if (own) assert.ok(Math.abs(own.logProbability - targetTokens[t].logProbability) < 1e-6);
    }
    const [rows, cols] = [targetTokens.length, sourceTokens.length];
    assert.deepEqual([encoder.layers, encoder.heads, encoder.rows, encoder.cols], [encoderLayers, heads, cols, cols]);
    assert.deepEqual([cross.layers, cross.heads, cross.rows, cross.cols], [decoderLayers, heads, rows, cols]);
    for (const attention of [encoder, cross, ...(decoder ? [decoder] : [])]) {
      assert.equal(attention.data.length, attention.layers * attention.heads * attention.rows * attention.cols);
      for (let at = 0; at < attention.data.length; at += attention.cols) {
        const sum = attention.data.subarray(at, at + attention.cols).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-5, `a row of attention sums to ${sum}`);
      }
    }
    if (decoder)
      for (let i = 0; i < decoder.data.length; i++) {
        const [row, col] = [Math.floor(i / rows) % rows, i % rows];
        if (col > row) assert.equal(decoder.data[i], 0, "no attention to what comes later");
      }
    assert.equal(hidden?.encoder.data.length, (encoderLayers + 1) * cols * width);
    assert.equal(hidden?.decoder.data.length, (decoderLayers + 1) * rows * width);
    for (const { source, target, weight } of alignment) {
      assert.match(sentence.source.slice(...source), /^\S+$/u);
      assert.match(sentence.translation.slice(...target), /^\S+$/u);
      assert.ok(weight >= 0 && weight <= 1);
    }
    assert.ok(sentence.timings.encode > 0 && sentence.timings.decode > 0);
  }
  translator.destroy();
});

test("hypotheses have different texts; of one that several token sequences spell, the best is there", async () => {
  const text = "A woman is playing the violin.";
  const { core } = await openCore();
  core.reserve(bytes.length);
  core.write(0, bytes);
  core.openModel();
  core.openSession({ sentences: 1, sourceTokens: 64, beam: 16, rows: 16 });
  core.begin([text], { beam: 16 });
  while (!core.step());
  const all = Array.from({ length: core.resultCount(0) }, (_, rank) => core.result(0, rank));
  core.close();
  /** @type {Map<string, number>} */
  const best = new Map();
  for (const { text: found, score } of all)
    best.set(found, Math.max(score, best.get(found) ?? Number.NEGATIVE_INFINITY));
  assert.ok(best.size < all.length, "some are spelled in two ways");

  const translator = await create();
  const shown = async (/** @type {number} */ alternatives) => {
    const { sentences } = await translator.explain(text, { beamSize: 16, alternatives });
    return sentences[0].hypotheses.map((hypothesis) => [hypothesis.text, hypothesis.score]);
  };
  const sorted = [...best].sort((a, b) => b[1] - a[1]);
  assert.deepEqual(await shown(16), sorted);
  assert.deepEqual(await shown(3), sorted.slice(0, 3));
  translator.destroy();
});

test("a prefix is kept, banned tokens are not produced, heads can be switched off", async () => {
  const translator = await create();
  const explain = async (/** @type {import("../../src/js/types.js").ExplainOptions} */ options) =>
    (await translator.explain("A dog runs through the grass.", options)).sentences[0];
  const plain = await explain({});
  const forced = await explain({ prefix: "Zwei Männer" });
  assert.match(forced.translation, /^Zwei Männer/);
  const { id } = plain.targetTokens[1];
  const banned = await explain({ banned: [id] });
  assert.ok(banned.targetTokens.every((token) => token.id !== id));
  const off = await explain({
    headMask: { cross: [[0, 0]] },
    prefix: plain.targetTokens.slice(0, -1).map((token) => token.id),
  });
  assert.notDeepEqual(
    off.targetTokens.map((token) => token.logProbability),
    plain.targetTokens.map((token) => token.logProbability),
  );
  await assert.rejects(explain({ headMask: { cross: [[99, 0]] } }), {
    name: "TypeError",
    message: /headMask.cross.*99/,
  });
  await assert.rejects(translator.explain("One dog. Two dogs.", { prefix: "Ein" }), {
    name: "TypeError",
    message: /one sentence/i,
  });
  await assert.rejects(explain({ topK: 65 }), { name: "TypeError", message: /topK/ });
  assert.deepEqual(await explain({}).then(({ targetTokens }) => targetTokens), plain.targetTokens);
  translator.destroy();
});

test("the WebAssembly file comes from where the caller says, as a path, bytes or a module", async () => {
  const file = fileURLToPath(new URL("../../dist/glossa-simd128.wasm", import.meta.url));
  const wasm = readFileSync(file);
  // What `new URL()` of another realm gives, such as a frame's or a test environment's.
  const foreign = { href: `file://${file}`, toString: () => `file://${file}`, [Symbol.toStringTag]: "URL" };
  for (const simd128 of [
    file,
    new URL(`file://${file}`),
    /** @type {URL} */ (/** @type {unknown} */ (foreign)),
    wasm,
    new WebAssembly.Module(wasm),
  ])
    for (const worker of [false, true]) {
      const translator = await create({ worker, build: "simd128", wasm: { simd128 } });
      assert.match(await translator.translate("A dog runs."), /Hund/);
      translator.destroy();
    }
  const wrong = create({ worker: true, build: "simd128", wasm: { simd128: "/nowhere.wasm" } });
  await assert.rejects(wrong, { name: "NetworkError", message: /nowhere\.wasm.*"wasm"/ });
});

test("a pool shares the work; every answer is right, whatever the lengths", async () => {
  const translator = await create({ worker: true, pool: 2 });
  assert.equal(translator.info.workers, 2);
  const texts = Array.from({ length: 150 }, (_, i) => `A dog and ${i} men${" in the snow".repeat((i * 7) % 5)}.`);
  const together = await translator.translateBatch(texts);
  for (const i of [0, 1, 2, 63, 64, 149]) assert.equal(together[i], await translator.translate(texts[i]));
  translator.destroy();
});

test("a crashed worker fails its request and is replaced", async () => {
  const { Worker } = await import("node:worker_threads");
  const script = fileURLToPath(new URL("crashing-worker.js", import.meta.url));
  assert.ok(Worker);
  const translator = await create({ worker: new URL(`file://${script}`) });
  const crash = translator.translate("CRASH NOW");
  const next = translator.translate("A dog runs.");
  await assert.rejects(crash, { name: "OperationError", message: /crashed.*next one gets a new worker/ });
  assert.match(await next, /Hund/);
  translator.destroy();
});

test("a worker that was named and cannot start is an error that says what to do", async () => {
  await assert.rejects(create({ worker: "file:///nowhere/worker.js" }), {
    name: "OperationError",
    message: /"worker"/,
  });
});
