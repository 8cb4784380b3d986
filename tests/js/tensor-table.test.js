// The tensors of a network: described once, in src/model/tensors.c. Whoever else names them is held to it here: the
// converter, the smallest checkpoints of the fuzzers, and the recipes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MIXERS, NORMS, POSITIONS, tensorTable } from "../../src/js/convert/canonical.js";
import { D, model, PIECES } from "../fuzz/checkpoint.js";
import { constants, NATIVE, noNative, tensors } from "./contract.js";

/** @param {{ name: string }} a @param {{ name: string }} b */
const byName = (a, b) => (a.name < b.name ? -1 : 1);

test("the converter's table is the library's, for every kind of network", { skip: noNative }, () => {
  const { norms, positions, mixers } = constants();
  const own = [true, false];
  for (const norm of NORMS)
    for (const position of POSITIONS)
      for (const mixer of MIXERS)
        for (const sharedEmbedding of own)
          for (const sharedOutput of own) {
            const table = tensorTable({
              sourceLanguages: ["en"],
              targetLanguages: ["de"],
              encoderLayers: 11,
              decoderLayers: 2,
              width: 48,
              ffnWidth: 80,
              heads: 3,
              context: 17,
              norm,
              normEpsilon: 1e-5,
              activation: "relu",
              position,
              mixer,
              decoderStart: 1,
              bannedIds: [],
              embeddingScale: 1,
              sharedEmbedding,
              sharedOutput,
              sourceVocabulary: 70,
              targetVocabulary: sharedEmbedding ? 70 : 90,
            });
            const want = tensors({
              encoder_layers: 11,
              decoder_layers: 2,
              width: 48,
              feed_forward: 80,
              context: 17,
              source: 70,
              target: sharedEmbedding ? 70 : 90,
              norm: norms.indexOf(norm),
              position: positions.indexOf(position),
              mixer: mixers.indexOf(mixer),
              own_target: sharedEmbedding ? 0 : 1,
              own_output: sharedOutput ? 0 : 1,
            });
            const got = table.map(({ name, shape, matrix, optional }) => ({
              name,
              shape,
              quantizable: matrix,
              optional,
            }));
            assert.deepEqual(got.sort(byName), want.sort(byName), `${norm} ${position} ${mixer}`);
          }
});

test("the fuzzers' checkpoints have the library's tensors", { skip: noNative }, () => {
  for (const [ssru, pre] of [
    [false, false],
    [true, false],
    [false, true],
  ]) {
    const want = tensors({
      encoder_layers: 2,
      decoder_layers: 3,
      width: D,
      feed_forward: D,
      source: PIECES.length,
      target: PIECES.length,
      norm: Number(pre),
      mixer: Number(ssru),
    });
    const got = model({ ssru, pre, encoder: 2, decoder: 3 }).tensors.filter(({ name }) => !name.endsWith(".scale"));
    const known = new Map(want.map(({ name, shape }) => [name, shape]));
    for (const { name, ne } of got) assert.deepEqual([...ne].reverse(), known.get(name), name);
    const there = new Set(got.map(({ name }) => name));
    assert.deepEqual(
      want.filter(({ name, optional }) => !optional && !there.has(name)),
      [],
    );
  }
});

test("the recipes export the library's tensors", { skip: noNative }, (t) => {
  const python = process.env.GLOSSA_PYTHON ?? "python3";
  if (spawnSync(python, ["-c", "import torch, sentencepiece, safetensors"]).status !== 0)
    return t.skip(`${python} has not what models/recipes/requirements.txt names; GLOSSA_PYTHON can name another`);
  const script = fileURLToPath(new URL("../../models/recipes/test_names.py", import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [script, NATIVE], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});
