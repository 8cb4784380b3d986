// What int8 costs: the engine's arithmetic, to the bit, and the choice between measuring each row of activations and the
// scales ("alphas") that a student may store. Legend: as in marian-reference.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { BUILDS } from "./builds.js";
import { bergamot, candidatesOf, float32, forcedLogProbabilities, glossa, storedScale } from "./marian-reference.js";
import { int8Of, makeStudent, random, writeBin, writeShortlist, writeSpm } from "./marian-student.js";

/** @typedef {import("./marian-student.js").Shape} Shape */

const VOCABULARY = 96;
const WIDTH = 64;
const SPM = writeSpm(VOCABULARY, { words: true });
const sized = (/** @type {Shape} */ shape) => ({
  ...{ width: WIDTH, ffn: 128, heads: 4, encoder: 2, decoder: 2, vocabulary: VOCABULARY, eosBias: -0.5 },
  ...{ autoreg: /** @type {const} */ ("rnn"), activation: "relu", ...shape },
});

/** Sentences of words, as ids with an end. @param {number} seed @param {number} count */
function sentences(seed, count) {
  const next = random(seed);
  const word = () => 2 + Math.floor(next() * (VOCABULARY - 2));
  return Array.from({ length: count }, () => [...Array.from({ length: 1 + Math.floor(next() * 9) }, word), 0]);
}
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const textOf = (/** @type {number[]} */ ids) =>
  ids.map((id) => (id ? `${LETTERS[id % 26]}${LETTERS[Math.floor(id / 26)]}${id}` : "")).join(" ");

/**
 * A result that came out twice: Node 24 once computed the reference wrongly, and never again.
 * @template T
 * @param {() => T} compute
 * @returns {T}
 */
function comesOutTwice(compute) {
  const [first, second] = [compute(), compute()];
  if (isDeepStrictEqual(first, second)) return first;
  const third = compute();
  assert.ok(isDeepStrictEqual(third, first) || isDeepStrictEqual(third, second), "the reference never comes out twice");
  return third;
}

/** @type {[string, Shape, boolean][]} the last: with a shortlist */
const STUDENTS = [
  ["a student", { seed: 21 }, false],
  ["a deep student with a shortlist", { seed: 22, heads: 8, encoder: 6, decoder: 4 }, true],
  ["swish and a wide feed-forward", { seed: 23, ffn: 384, activation: "swish" }, true],
  ["gelu and a self-attention decoder", { seed: 24, activation: "gelu", autoreg: "self-attention" }, false],
];
for (const [title, shape, withShortlist] of STUDENTS)
  for (const build of BUILDS)
    test(`${title}, ${build}: every log-probability is the reference's, to the bit`, async () => {
      const full = sized(shape);
      const student = makeStudent(full);
      const shortlist = withShortlist ? writeShortlist(VOCABULARY, VOCABULARY, { first: 8, best: 12 }) : undefined;
      /** @type {[string, Uint8Array][]} */
      const files = [
        ["model.bin", writeBin(student, "alphas")],
        ["vocab.spm", SPM],
      ];
      if (shortlist) files.push(["lex.bin", shortlist.file]);
      const { blob } = await convertToBlob(files, { source: ["en"], target: ["de"] });
      const translator = await Translator.create({ model: await blob.arrayBuffer(), build, worker: false });
      for (const source of sentences(shape.seed ?? 0, 4)) {
        /** @type {any} */
        const options = { split: false, preserve: false, search: "marian", maxLength: 20 };
        const explained = /** @type {any} */ (await translator.explain(textOf(source), options));
        const { sourceTokens, targetTokens } = explained.sentences[0];
        assert.deepEqual(
          sourceTokens.map((/** @type {any} */ token) => token.id),
          source,
        );
        const wanted = comesOutTwice(() =>
          forcedLogProbabilities(
            student.parameters,
            full,
            source,
            targetTokens.map((/** @type {any} */ token) => token.id),
            glossa(int8Of(student), WIDTH),
            shortlist && candidatesOf(shortlist, source, VOCABULARY),
          ),
        );
        for (const [step, { logProbability }] of targetTokens.entries())
          assert.equal(logProbability, wanted[step], `${textOf(source)}, token ${step}`);
      }
      translator.destroy();
    });

/**
 * Scales as Marian makes them from a sample: 127 / (mean + 1.1 deviations of the largest activation of a product), a
 * product being that of a whole sentence in the encoder, and of one step in the decoder.
 * @param {ReturnType<typeof makeStudent>} student
 * @param {ReturnType<typeof sized>} shape
 * @param {number[][]} sample
 */
function alphasOf(student, shape, sample) {
  /** @type {Map<string, number[]>} */
  const largest = new Map();
  for (const source of sample) {
    const exact = float32(student.parameters);
    /** @type {Map<string, number[]>} */
    const seen = new Map();
    const times = (/** @type {Float32Array} */ x, /** @type {string} */ name) => {
      const list = seen.get(name) ?? [];
      list.push(x.reduce((max, value) => Math.max(max, Math.abs(value)), 0));
      seen.set(name, list);
      return exact.times(x, name);
    };
    forcedLogProbabilities(student.parameters, shape, source, source, { ...exact, times });
    for (const [name, list] of seen) {
      const whole = name.startsWith("encoder") || /context_W[kv]/.test(name);
      largest.set(name, [...(largest.get(name) ?? []), ...(whole ? [Math.max(...list)] : list)]);
    }
  }
  return (/** @type {string} */ name) => {
    const list = /** @type {number[]} */ (largest.get(name));
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    const variance = list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length;
    return 127 / (mean + 1.1 * Math.sqrt(variance));
  };
}

test("a scale measured for each row is nearer to float32 than the stored ones", (t) => {
  /** @type {Record<string, number>} */
  const away = {};
  let count = 0;
  for (const seed of [31, 32, 33, 34]) {
    const shape = sized({ seed, encoder: 3 });
    const student = makeStudent(shape);
    const matrix = int8Of(student);
    const alpha = alphasOf(student, shape, sentences(seed + 100, 20));
    const arithmetics = {
      "measured, 7 bits (Glossa)": glossa(matrix, WIDTH),
      "stored, 7 bits": storedScale(matrix, WIDTH, alpha, 63),
      "stored, 8 bits": storedScale(matrix, WIDTH, alpha, 127),
      "stored, 8 bits, 16-bit pairs (bergamot)": bergamot(matrix, WIDTH, alpha),
    };
    for (const source of sentences(seed + 200, 6)) {
      const target = sentences(seed + count, 1)[0];
      const exact = forcedLogProbabilities(student.parameters, shape, source, target);
      for (const [name, arithmetic] of Object.entries(arithmetics)) {
        const got = forcedLogProbabilities(student.parameters, shape, source, target, arithmetic);
        for (const [step, value] of got.entries()) away[name] = (away[name] ?? 0) + Math.abs(value - exact[step]);
      }
      count += target.length;
    }
  }
  for (const [name, sum] of Object.entries(away)) t.diagnostic(`${name}: ${(sum / count).toFixed(4)} from float32`);
  const [glossas, ...others] = Object.values(away);
  for (const other of others) assert.ok(glossas < other, `${glossas / count}, ${other / count}`);
});
