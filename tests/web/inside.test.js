// The arithmetic of the second room and of the threads, against the engine and by hand: no browser.

import assert from "node:assert/strict";
import { existsSync, openAsBlob } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eld } from "eld/extrasmall";
import { Translator } from "../../src/js/index.js";
import { openCheckpoint } from "../../src/js/convert/index.js";
import { colours, shareOf, ticksOf } from "../../web/draw/colour.js";
import { chosenHead, firstHead, habitOf, leastSure, storyHead } from "../../web/heads.js";
import { batchNorm, largestDifference, layerNorm, layerParts, logitsOf, moments, softmax } from "../../web/network.js";
import { bestWay } from "../../web/rooms/inside/steps/beam.js";
import { choiceOf, numberOf } from "../../web/rooms/inside/steps/types.js";
import { languagesByScript, otherLanguage, pairFor } from "../../web/rooms/translate/language.js";
import { layThreads, threadsOf } from "../../web/rooms/translate/threads.js";
import { initialState } from "../../web/state.js";
import { candidatesOf } from "../js/shortlist.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const path = join(root, "models/en-de.gguf");
const SENTENCE = "The children have eaten all the apples.";

describe("what the page computes again", { skip: existsSync(path) ? false : `no ${path}` }, () => {
  /** @type {Translator} */
  let engine;
  /** @type {import("../../src/js/types.js").SentenceExplanation} */
  let seen;
  /** @type {Awaited<ReturnType<typeof openCheckpoint>>} */
  let gguf;

  before(async () => {
    engine = await Translator.create({ model: path, worker: false, build: "simd128" });
    seen = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12, hidden: true })).sentences[0];
    gguf = await openCheckpoint(await openAsBlob(path));
  });
  after(() => engine?.destroy());

  test("layers of both stacks in float32 end where the engine's int8 does", async () => {
    const { encoder, decoder } = seen.hidden ?? assert.fail("no hidden states");
    const part = (/** @type {typeof encoder} */ { data, tokens, width }, /** @type {number} */ layer) =>
      data.subarray(layer * tokens * width, (layer + 1) * tokens * width);
    const first = await layerParts(gguf, "enc", 1, part(encoder, 1));
    const size = seen.encoder.heads * seen.encoder.rows ** 2;
    const own = seen.encoder.data.subarray(size, 2 * size);
    assert.ok(largestDifference(first.self?.weights ?? [1], own) < 0.05);
    assert.ok(largestDifference(first.out, part(encoder, 2)) < 0.15);

    const memory = part(encoder, encoder.layers - 1);
    const last = await layerParts(gguf, "dec", 1, part(decoder, 1), { memory });
    const cross = seen.cross.heads * seen.cross.rows * seen.cross.cols;
    assert.ok(largestDifference(last.cross?.weights ?? [1], seen.cross.data.subarray(cross, 2 * cross)) < 0.06);
    assert.ok(largestDifference(last.out, part(decoder, 2)) < 0.25);
    const lifted = await layerParts(gguf, "dec", 0, part(decoder, 0), { memory, causal: false });
    const n = seen.targetTokens.length;
    const ahead = lifted.self?.weights[1] ?? 0; // the first query, the second key
    assert.ok(ahead > 0, "without the mask the first row sees the second key");
    const masked = await layerParts(gguf, "dec", 0, part(decoder, 0), { memory });
    assert.equal(masked.self?.weights[1], 0);
    assert.ok(
      largestDifference(masked.self?.weights.subarray(0, n * n) ?? [1], seen.decoder?.data.subarray(0, n * n) ?? []) <
        0.05,
    );
  });

  test("shares of the vocabulary are those of the engine's candidates", async () => {
    const { decoder } = seen.hidden ?? assert.fail("no hidden states");
    const at = decoder.data.length - decoder.tokens * decoder.width;
    const logits = await logitsOf(gguf, decoder.data.slice(at, at + decoder.width));
    const candidates = await candidatesOf(gguf, seen.sourceTokens);
    const shares = softmax(
      logits.map((logit, id) => (candidates.has(id) ? logit : -Infinity)),
      logits.length,
    );
    for (const { id, logProbability } of seen.topK[0].slice(0, 5)) {
      assert.ok(Math.abs(shares[id] - Math.exp(logProbability)) < 0.03, `${id}: ${shares[id]}`);
    }
  });

  test("the way of the best translation through the branches of the search spells it", async () => {
    for (const [text, width] of /** @type {[string, number][]} */ ([
      [SENTENCE, 1],
      [SENTENCE, 4],
      ["A man is riding a bicycle.", 2],
      ["Two women wait.", 8],
    ])) {
      const own = (await engine.explain(text, { beamSize: width, beams: true })).sentences[0];
      const ids = bestWay(own).map((at, t) => own.beams?.[t][at].id);
      assert.deepEqual(
        ids,
        own.hypotheses[0].tokens.map(({ id }) => id),
      );
    }
  });

  test("threads are the aligning head's weights, word by word, and stay within the width", () => {
    const threads = threadsOf(seen, engine.info.model.alignmentHead);
    assert.deepEqual(
      threads.target.map((one) => one.text),
      ["Die", "Kinder", "haben", "alle", "Äpfel", "gegessen", "."],
    );
    const row = threads.weights.subarray(5 * threads.source.length, 6 * threads.source.length);
    const { cols, heads } = seen.cross;
    const [layer, head] = engine.info.model.alignmentHead ?? assert.fail("no head");
    const token = threads.target[5].token;
    const at = ((layer * heads + head) * seen.cross.rows + token) * cols;
    const eaten = threads.source.findIndex((one) => one.text === "eaten");
    const expected = seen.cross.data[at + 3] + seen.cross.data[at + 4];
    assert.ok(Math.abs(row[eaten] - expected) < 1e-6);
    for (const width of [320, 900]) {
      const laid = layThreads(threads, width);
      assert.equal(laid.flat, width === 900);
      for (const { x, width: room } of [...laid.source, ...laid.target]) {
        assert.ok(x - room / 2 >= -1 && x + room / 2 <= width + 1, `${x} ± ${room / 2} of ${width}`);
      }
    }
  });

  test("the first head is the aligning one or the sharpest; an address cannot name one that is not there", () => {
    assert.deepEqual(firstHead(seen, "cross", [1, 0]), [1, 0]);
    const { data, layers, heads, rows, cols } = seen.encoder;
    const sharpest = Array.from({ length: layers * heads }, (_, at) => {
      const row = (/** @type {number} */ r) => data.subarray((at * rows + r) * cols, (at * rows + r + 1) * cols);
      return Array.from({ length: rows }, (_, r) => Math.max(...row(r))).reduce((sum, most) => sum + most, 0);
    });
    const at = sharpest.indexOf(Math.max(...sharpest));
    assert.deepEqual(firstHead(seen, "encoder"), [Math.floor(at / heads), at % heads]);
    // A head by hand that looks at each token itself.
    const eye = Float32Array.from({ length: rows * cols }, (_, i) => (Math.floor(i / cols) === i % cols ? 1 : 0));
    const own = { ...seen, encoder: { ...seen.encoder, layers: 1, heads: 1, data: eye } };
    assert.equal(habitOf(own, { kind: "encoder", layer: 0, head: 0 }), "itself");
    const state = { ...initialState, kind: /** @type {const} */ ("cross"), layer: 77, head: 88, heads: [1, 9] };
    assert.deepEqual(chosenHead(state, seen), { kind: "cross", layer: 1, head: 3, heads: [1] });
    const without = { ...seen, decoder: null };
    assert.equal(chosenHead({ ...initialState, kind: "decoder" }, without).kind, "cross");
    assert.equal(storyHead({ ...initialState, story: "decoder" }, seen).kind, "decoder");
    const words = seen.targetTokens.filter(({ text }) => /\p{L}/u.test(text)).map((token) => token.logProbability);
    assert.equal(seen.targetTokens[leastSure(seen)].logProbability, Math.min(...words));
  });
});

test("norms have mean 0 and spread 1, along the row or across the rows", () => {
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 3) * (i + 1));
  for (const { mean, spread } of moments(layerNorm(x, 4, null, null, 1e-9), 4, 0)) {
    assert.ok(Math.abs(mean) < 1e-6 && Math.abs(spread - 1) < 1e-4);
  }
  const across = batchNorm(x, 4, 1e-9);
  for (let c = 0; c < 4; c++) assert.ok(Math.abs(across[c] + across[4 + c] + across[8 + c]) < 1e-5);
});

test("scales are monotone in lightness, have paper at zero and honest ticks", () => {
  const lightness = (/** @type {Uint8Array} */ table, /** @type {number} */ i) =>
    0.2126 * table[i * 3] + 0.7152 * table[i * 3 + 1] + 0.0722 * table[i * 3 + 2];
  for (const dark of [false, true]) {
    const weights = colours("weights", dark);
    const sign = dark ? 1 : -1;
    for (let i = 1; i < 256; i++) assert.ok(sign * (lightness(weights, i) - lightness(weights, i - 1)) > -1);
    const signed = colours("signed", dark);
    for (let i = 1; i < 128; i++) assert.ok(sign * (lightness(signed, i) - lightness(signed, i - 1)) < 1.5);
    for (let i = 129; i < 256; i++) assert.ok(sign * (lightness(signed, i) - lightness(signed, i - 1)) > -1.5);
    const paper = dark ? [0x1b, 0x1d, 0x21] : [255, 255, 255];
    assert.deepEqual([...weights.subarray(0, 3)], paper);
    for (let c = 0; c < 3; c++) assert.ok(Math.abs(signed[127 * 3 + c] - paper[c]) < 4);
  }
  assert.equal(shareOf("weights", 0, 1)(0.25), 0.5);
  assert.equal(shareOf("signed", -2, 1)(0), 0.5);
  assert.deepEqual(ticksOf("weights", 0, 1), [0, 0.05, 0.25, 0.5, 1]);
});

test("questions have their answer among few others", () => {
  assert.deepEqual(numberOf("?", 7, [3, 7, 12]), { question: "?", options: ["3", "7", "12"], correct: 1 });
  const quiz = choiceOf("?", ["a", "b", "c", "d", "e", "f"], 4, [0, 1, 2, 3, 4, 5]);
  assert.equal(quiz.options[quiz.correct], "e");
  assert.equal(quiz.options.length, 4);
});

test("the script tells a language, and the detector where letters are shared", async () => {
  assert.deepEqual(languagesByScript("床前明月光")?.[0], "zh");
  assert.deepEqual(languagesByScript("مرحبا بالعالم")?.[0], "ar");
  assert.equal(languagesByScript("Hello world, 你好"), null);
  assert.equal(languagesByScript("12 + 3"), null);
  let asked = 0;
  const detector = async () => {
    asked++;
    return (/** @type {string} */ text) => eld.detect(text);
  };
  assert.equal(await otherLanguage("床前明月光，疑是地上霜。", "en", detector), "zh");
  assert.equal(await otherLanguage("床前明月光，疑是地上霜。", "lzh", detector), "");
  assert.equal(await otherLanguage("مرحبا كيف حالك", "en", detector), "ar");
  assert.equal(await otherLanguage("hello", "en", detector), "");
  assert.equal(await otherLanguage("hello", "zh", detector), "en");
  assert.equal(asked, 0, "no detector where the script or the length decides");
  assert.equal(await otherLanguage("The dog is running in the park with a ball.", "en", detector), "");
  assert.equal(await otherLanguage("Der Hund läuft mit einem Ball durch den Park.", "en", detector), "de");
  assert.equal(await otherLanguage("Le chien court dans le parc avec une balle.", "en", detector), "fr");
  assert.equal(asked, 3);

  const model = (/** @type {string} */ source, /** @type {string} */ target) => ({
    id: `${source}-${target}`,
    source,
    target,
    url: "",
    bytes: 1,
  });
  const models = [model("en", "de"), model("en", "zh"), model("lzh", "zh"), model("zh", "en")];
  assert.equal(pairFor(models, "zh", models[0])?.id, "zh-en");
  assert.equal(pairFor(models, "fr", models[0]), undefined);
});
