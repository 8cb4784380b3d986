// A MarianMT folder, converted and run by the engine, against the transformers library (tests/golden/marianmt).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { folder, V } from "./marianmt-folder.js";

const TOLERANCE = 1e-4;
const { cases, length } = JSON.parse(
  readFileSync(new URL("../golden/marianmt/reference.json", import.meta.url), "utf8"),
);

const { blob } = await convertToBlob(Object.entries(folder()), { type: "f32" });
const translator = await Translator.create({ model: await blob.arrayBuffer(), worker: false });
/** @type {any} */
const OPTIONS = { split: false, preserve: false, search: "huggingface", maxLength: length - 1 };
const ids = (/** @type {{ id: number }[]} */ tokens) => tokens.map(({ id }) => id);

/** @param {string} text @param {any} options */
async function explain(text, options) {
  const { sentences } = /** @type {any} */ (await translator.explain(text, { ...OPTIONS, ...options }));
  return sentences[0];
}

for (const [i, want] of cases.entries()) {
  test(`case ${i}: the tokenizer's ids, both ways`, async () => {
    const got = await explain(want.text, {});
    assert.deepEqual(ids(got.sourceTokens), want.source_ids);
    assert.deepEqual(ids(got.targetTokens), want.greedy);
    assert.equal((await translator.translate(want.text, OPTIONS)).trim(), want.decoded.trim());
  });

  test(`case ${i}: every logit of every step`, async () => {
    // Marian's rules: banned tokens keep their share of the probability, as in the library's raw logits.
    const got = await explain(want.text, { search: "marian", topK: 64, prefix: want.greedy.slice(0, -1) });
    for (const [t, candidates] of got.topK.entries()) {
      const real = candidates.filter((/** @type {any} */ candidate) => candidate.logProbability > -1e30);
      assert.ok(real.length >= V - 2, `${real.length} candidates`);
      for (const { id, logProbability } of real)
        assert.ok(
          Math.abs(logProbability - want.log_probability[t][id]) < TOLERANCE,
          `step ${t}, token ${id}: ${logProbability}, ${want.log_probability[t][id]}`,
        );
    }
  });

  test(`case ${i}: beam 4`, async () => {
    const { hypotheses } = await explain(want.text, { beamSize: 4, alternatives: 4 });
    assert.deepEqual(
      hypotheses.map((/** @type {any} */ h) => ids(h.tokens)),
      want.beam.map((/** @type {any} */ h) => h.ids),
    );
    for (const [rank, { score }] of want.beam.entries())
      assert.ok(Math.abs(hypotheses[rank].score - score) < TOLERANCE, `${hypotheses[rank].score}, ${score}`);
  });
}
