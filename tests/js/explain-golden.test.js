// What `explain` tells beside attention, against PyTorch and SentencePiece: see tests/golden/make_explain.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { BUILDS } from "./builds.js";
import { goldenCheckpoint, references } from "./golden-model.js";

const NEAR = 1e-4; // log-probabilities: float32 sums in another order
const ATTENTION = 2e-5; // and the reference is rounded
const { models, cutting } = JSON.parse(
  readFileSync(new URL("../golden/explain/reference.json", import.meta.url), "utf8"),
);

/** @param {Uint8Array} model @param {string} build @param {(translator: Translator) => Promise<void>} use */
async function withTranslator(model, build, use) {
  const translator = await Translator.create({ model, build: /** @type {"simd128"} */ (build), worker: false });
  try {
    await use(translator);
  } finally {
    translator.destroy();
  }
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} near @param {string} what */
function close(a, b, near, what) {
  assert.equal(a.length, b.length, what);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) < near, `${what} ${i}: ${a[i]}, not ${b[i]}`);
}

/** The last layer of all heads. @param {import("../../src/js/types.js").Attention | null} attention */
const lastLayer = (attention) => attention?.data.slice(-attention.data.length / attention.layers) ?? [];
/** @param {import("../../src/js/types.js").SentenceExplanation} one */
const logProbabilities = ({ targetTokens }) => targetTokens.map((token) => token.logProbability);
/** @param {{id: number}[]} tokens */
const ids = (tokens) => tokens.map(({ id }) => id);

for (const want of models) {
  describe(want.variant, () => {
    const reference = references().find(({ variant }) => variant === want.variant);
    const options = { split: false, preserve: false, maxLength: want.limit };

    for (const build of BUILDS) {
      test(`branches of every step of the search, ${build}`, async () => {
        await withTranslator(await goldenCheckpoint(reference, "f32"), build, async (translator) => {
          const asked = { ...options, beamSize: want.width, beams: true };
          const { beams = [], hypotheses } = (await translator.explain(want.text, asked)).sentences[0];
          assert.deepEqual(
            beams.map((step) => step.map(({ parent, id, fate }) => [parent, id, fate])),
            want.beams.map((/** @type {any[][]} */ step) => step.map(([parent, id, , , fate]) => [parent, id, fate])),
          );
          for (const [t, step] of beams.entries()) {
            const reals = want.beams[t].flatMap((/** @type {number[]} */ one) => one.slice(2, 4));
            close(
              step.flatMap(({ logProbability, score }) => [logProbability, score]),
              reals,
              NEAR,
              `step ${t}`,
            );
          }
          // The best hypothesis can be read off the branches.
          const best = hypotheses[0];
          let at = beams[best.tokens.length - 1].findIndex(({ score }) => score === best.score);
          const read = [];
          for (let t = best.tokens.length - 1; t >= 0; at = beams[t--][at].parent) read.unshift(beams[t][at].id);
          assert.deepEqual(read, ids(best.tokens));
          assert.equal((await translator.explain(want.text, options)).sentences[0].beams, undefined);
        });
      });

      test(`without positions, ${build}`, async () => {
        await withTranslator(await goldenCheckpoint(reference, "f32"), build, async (translator) => {
          const asked = { ...options, without: /** @type {const} */ ("positions") };
          const seen = (await translator.explain(want.text, asked)).sentences[0];
          assert.deepEqual(ids(seen.targetTokens), want.positions.ids);
          close(logProbabilities(seen), want.positions.log_probability, NEAR, "log-probability");
          close(lastLayer(seen.decoder), want.positions.decoder, ATTENTION, "decoder attention");
          close(lastLayer(seen.cross), want.positions.cross, ATTENTION, "cross attention");
          const whole = (await translator.explain(want.text, options)).sentences[0];
          assert.deepEqual(ids(whole.targetTokens), want.ids, "and with them again");
          assert.notDeepEqual(lastLayer(whole.cross), lastLayer(seen.cross));
        });
      });

      test(`without the causal mask, ${build}`, async () => {
        await withTranslator(await goldenCheckpoint(reference, "f32"), build, async (translator) => {
          const asked = { ...options, topK: 3, without: /** @type {const} */ ("causal") };
          const seen = (await translator.explain(want.text, asked)).sentences[0];
          assert.deepEqual(ids(seen.targetTokens), want.ids, "the search has nothing behind it to see");
          close(logProbabilities(seen), want.causal.log_probability, NEAR, "log-probability");
          assert.deepEqual(
            seen.topK.map((candidates) => candidates[0].id),
            want.causal.best,
          );
          close(lastLayer(seen.decoder), want.causal.decoder, ATTENTION, "decoder attention");
          close(lastLayer(seen.cross), want.causal.cross, ATTENTION, "cross attention");
          const bare = (await translator.explain(want.text, { ...asked, topK: 0 })).sentences[0];
          assert.deepEqual(logProbabilities(bare), logProbabilities(seen));
        });
      });
    }
  });
}

test("ways to cut words are SentencePiece's, best first", async () => {
  const [{ config, ...reference }] = references();
  const { pieces, scores } = cutting;
  const model = await goldenCheckpoint(
    { ...reference, pieces, scores, config: { ...config, vocab: pieces.length } },
    "i8",
  );
  await withTranslator(model, "simd128", async (translator) => {
    const words = Object.keys(cutting.cuts);
    const options = { split: false, preserve: false, maxLength: 3, cuts: 6 };
    const { sourceTokens, cuts = [] } = (await translator.explain(words.join(" "), options)).sentences[0];
    assert.equal(cuts.length, words.length);
    for (const [i, { tokens, cuts: ways }] of cuts.entries()) {
      const want = cutting.cuts[words[i]];
      assert.deepEqual(
        ways.map((one) => one.pieces),
        // SentencePiece spells what is unknown by its letters.
        want.map((/** @type {[string[], number]} */ [own]) => own.map((one) => (pieces.includes(one) ? one : "<unk>"))),
      );
      close(
        ways.map((one) => one.score),
        want.map((/** @type {any[]} */ [, score]) => score),
        NEAR,
        words[i],
      );
      assert.deepEqual(ways[0].ids, ids(sourceTokens.slice(...tokens)), "the first is the tokenizer's own");
    }
    const few = (await translator.explain("translator", { ...options, cuts: 2 })).sentences[0].cuts ?? [];
    assert.deepEqual(few[0].cuts, cuts[words.indexOf("translator")].cuts.slice(0, 2));
    const long = "o".repeat(40);
    const many = (await translator.explain(`${long} a`, { ...options, cuts: 16 })).sentences[0].cuts ?? [];
    assert.ok(many[0].cuts.every(({ pieces }) => pieces.join("") === `\u2581${long}`));
    assert.equal(new Set(many[0].cuts.map(({ pieces }) => pieces.join(" "))).size, many[0].cuts.length);
  });
});

test("what cannot be asked is refused by its name", async () => {
  const [reference] = references();
  await withTranslator(await goldenCheckpoint(reference, "i8"), "simd128", async (translator) => {
    const ask = (/** @type {any} */ options) => () => translator.explain("a", options);
    await assert.rejects(ask({ without: "masks" }), {
      name: "TypeError",
      message: /"without" is "?masks.*"positions" or/,
    });
    await assert.rejects(ask({ cuts: 17 }), { name: "TypeError", message: /"cuts" is 17.*0 to 16/ });
    assert.equal((await translator.explain("a", { cuts: 1 })).sentences[0].cuts?.length, 1);
  });
});
