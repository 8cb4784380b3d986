// The engine against PyTorch, on tiny seeded models of every variant (tests/golden) in every WebAssembly build.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { BUILDS } from "./builds.js";
import { goldenCheckpoint, references } from "./golden-model.js";

/** Float32 sums in another order: PyTorch and the engine may differ by this much. */
const LOG_PROBABILITY = 1e-4;
const ATTENTION = 1e-5;
/** What 7-bit activations and 8-bit weights may cost these tiny models, which are much rougher than real ones. */
const INT8_MEAN = 0.08;

/** @typedef {import("../../src/js/types.js").Attention} Attention */
/** @typedef {"encoder" | "decoder" | "cross"} Part */

/** @param {number} limit @param {object} [more] @returns {import("../../src/js/types.js").ExplainOptions} */
const explainOptions = (limit, more) => ({ split: false, preserve: false, topK: 64, maxLength: limit, ...more });
/** @param {{id: number}[]} tokens */
const ids = (tokens) => tokens.map((token) => token.id);

/** Largest |a - b|, or Infinity for different lengths. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function distance(a, b) {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

/**
 * @param {Uint8Array} model
 * @param {"simd128" | "relaxed"} build
 * @param {(translator: Translator) => Promise<void>} use
 */
async function withTranslator(model, build, use) {
  const translator = await Translator.create({ model, build, worker: false });
  try {
    assert.equal(translator.info.build, build);
    await use(translator);
  } finally {
    translator.destroy();
  }
}

for (const reference of references()) {
  for (const build of BUILDS) {
    test(`${reference.variant}, float32, ${build}: the numbers of PyTorch`, async () => {
      await withTranslator(await goldenCheckpoint(reference, "f32"), build, async (translator) => {
        for (const want of reference.cases) {
          const greedy = await translator.explain(want.text, explainOptions(want.limit));
          const got = greedy.sentences[0];
          assert.deepEqual(ids(got.sourceTokens), want.source_ids);
          assert.deepEqual(ids(got.targetTokens), want.greedy.ids);
          const logp = got.targetTokens.map((token) => token.logProbability);
          assert.ok(distance(logp, want.greedy.log_probability) < LOG_PROBABILITY);
          checkDistribution(got.topK, want.log_probability, reference);
          if (want.cross) {
            for (const part of /** @type {Part[]} */ (["encoder", "decoder", "cross"]))
              assert.ok(
                distance(/** @type {Attention} */ (got[part]).data, want[part]) < ATTENTION,
                `${part} attention`,
              );
          }

          const beam = await translator.explain(
            want.text,
            explainOptions(want.limit, { beamSize: 4, alternatives: 4 }),
          );
          const hypotheses = beam.sentences[0].hypotheses;
          assert.deepEqual(
            hypotheses.map((h) => ids(h.tokens)),
            want.beam.map((/** @type {{ids: number[]}} */ h) => h.ids),
          );
          const scores = want.beam.map((/** @type {{score: number}} */ h) => h.score);
          assert.ok(
            distance(
              hypotheses.map((h) => h.score),
              scores,
            ) < LOG_PROBABILITY,
          );
        }
      });
    });
  }

  test(`${reference.variant}, int8: within its budget of float32`, async () => {
    await withTranslator(await goldenCheckpoint(reference, "i8"), "simd128", async (translator) => {
      let sum = 0;
      let count = 0;
      for (const want of reference.cases) {
        const prefix = want.greedy.ids.slice(0, -1);
        const { sentences } = await translator.explain(want.text, explainOptions(want.limit, { prefix }));
        const vocabulary = reference.pieces.length;
        for (const [t, candidates] of sentences[0].topK.slice(0, want.greedy.ids.length).entries())
          for (const { id, logProbability } of candidates.slice(0, 8)) {
            sum += Math.abs(logProbability - want.log_probability[t * vocabulary + id]);
            count++;
          }
      }
      assert.ok(sum / count < INT8_MEAN, `mean difference ${sum / count}`);
    });
  });
}

/**
 * Every token but the banned ones, at every step.
 * @param {import("../../src/js/types.js").Candidate[][]} steps @param {number[]} want @param {any} reference
 */
function checkDistribution(steps, want, { pieces, config }) {
  const allowed = pieces.length - config.banned_ids.length;
  for (const [t, candidates] of steps.entries()) {
    const real = candidates.filter((candidate) => candidate.logProbability > -1e30);
    assert.equal(real.length, allowed);
    for (const { id, logProbability } of real)
      assert.ok(Math.abs(logProbability - want[t * pieces.length + id]) < LOG_PROBABILITY, `step ${t}, token ${id}`);
  }
}
