// Marian students of random weights, in the shapes that Firefox ships: what speed depends on is their shape alone.
// Their end-of-sentence is out of reach, so that every engine produces exactly as many tokens as it is allowed to.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeMarianModel, writeShortlist } from "./marian-writer.js";
import { seeded } from "./random.js";

/** @typedef {import("./marian-writer.js").Parameter} Parameter */
/** @typedef {{ width: number, ffn: number, heads: number, encoder: number, decoder: number }} Shape */

export const VOCABULARY = 32000;

/** @type {Record<string, Shape>} */
export const SHAPES = {
  tiny: { width: 256, ffn: 1536, heads: 8, encoder: 6, decoder: 2 },
  "base-memory": { width: 384, ffn: 1536, heads: 8, encoder: 6, decoder: 4 },
  base: { width: 512, ffn: 2048, heads: 8, encoder: 6, decoder: 2 },
};

const END_BIAS = -20;
const SHORTLIST = { first: 50, best: 50 };
/* The largest activation that a matrix expects; larger ones clip. Norms give about 4 at most, averages less. */
const LARGEST = { attended: 3, other: 6 };

/**
 * The parameters of a student, under Marian's names.
 * @param {Shape} shape
 * @param {() => number} random
 * @returns {Map<string, Parameter>}
 */
function parametersOf({ width, ffn, encoder, decoder }, random) {
  /** @type {Map<string, Parameter>} */
  const parameters = new Map();
  /** @param {string} name @param {number} largest */
  const alpha = (name, largest) =>
    parameters.set(`${name}_QuantMultA`, { shape: [1, 1], data: Float32Array.of(127 / largest) });
  /** @param {string} name @param {number[]} shape @param {number} limit of the uniform weights */
  const quantized = (name, shape, limit) => {
    const data = Int8Array.from({ length: shape[0] * shape[1] }, () => Math.floor(random() * 255) - 127);
    parameters.set(name, { shape, data, multiplier: 127 / limit });
  };
  /** @param {string} name @param {number} inputs @param {number} outputs @param {number} [largest] */
  const matrix = (name, inputs, outputs, largest = LARGEST.other) => {
    quantized(name, [inputs, outputs], Math.sqrt(6 / (inputs + outputs)));
    alpha(name, largest);
  };
  /** @param {string} name @param {number} size @param {number} [around] */
  const vector = (name, size, around = 0) =>
    parameters.set(name, {
      shape: [1, size],
      data: Float32Array.from({ length: size }, () => around + 0.1 * (2 * random() - 1)),
    });
  /** @param {string} name */
  const norm = (name) => {
    vector(`${name}_ln_scale`, width, 1);
    vector(`${name}_ln_bias`, width);
  };
  /** @param {string} name */
  const attention = (name) => {
    for (const letter of "qkvo") {
      matrix(`${name}_W${letter}`, width, width, letter === "o" ? LARGEST.attended : LARGEST.other);
      vector(`${name}_b${letter}`, width);
    }
    norm(`${name}_Wo`);
  };
  /** @param {string} name */
  const feedForward = (name) => {
    matrix(`${name}_W1`, width, ffn);
    vector(`${name}_b1`, ffn);
    matrix(`${name}_W2`, ffn, width);
    vector(`${name}_b2`, width);
    norm(`${name}_ffn`);
  };

  quantized("Wemb", [VOCABULARY, width], Math.sqrt(3 / width));
  alpha("Wemb", LARGEST.other);
  alpha("none", LARGEST.other);
  vector("decoder_ff_logit_out_b", VOCABULARY);
  /** @type {Parameter} */ (parameters.get("decoder_ff_logit_out_b")).data[0] = END_BIAS;
  for (let i = 1; i <= encoder; i++) {
    attention(`encoder_l${i}_self`);
    feedForward(`encoder_l${i}_ffn`);
  }
  for (let i = 1; i <= decoder; i++) {
    matrix(`decoder_l${i}_rnn_W`, width, width);
    matrix(`decoder_l${i}_rnn_Wf`, width, width);
    vector(`decoder_l${i}_rnn_bf`, width);
    norm(`decoder_l${i}_rnn_ffn`);
    attention(`decoder_l${i}_context`);
    feedForward(`decoder_l${i}_ffn`);
  }
  return parameters;
}

/** @param {Shape} shape */
const optionsOf = ({ width, ffn, heads, encoder, decoder }) =>
  Object.entries({
    type: "transformer",
    version: "v1.9.0",
    "dim-emb": width,
    "dim-vocabs": `[${VOCABULARY}, ${VOCABULARY}]`,
    "dim-rnn": 1024,
    "enc-type": "bidirectional",
    "enc-cell": "gru",
    "enc-cell-depth": 1,
    "enc-depth": encoder,
    "dec-cell": "ssru",
    "dec-cell-base-depth": 2,
    "dec-cell-high-depth": 1,
    "dec-depth": decoder,
    "input-types": "[]",
    "layer-normalization": false,
    "lemma-dim-emb": 0,
    "output-omit-bias": false,
    "right-left": false,
    skip: false,
    "special-vocab": "[]",
    "tied-embeddings": false,
    "tied-embeddings-all": true,
    "tied-embeddings-src": false,
    "transformer-aan-activation": "swish",
    "transformer-aan-depth": 2,
    "transformer-aan-nogate": false,
    "transformer-decoder-autoreg": "rnn",
    "transformer-dim-aan": 2048,
    "transformer-dim-ffn": ffn,
    "transformer-ffn-activation": "relu",
    "transformer-ffn-depth": 2,
    "transformer-guided-alignment-layer": "last",
    "transformer-heads": heads,
    "transformer-no-projection": false,
    "transformer-pool": false,
    "transformer-postprocess": "dan",
    "transformer-postprocess-emb": "d",
    "transformer-postprocess-top": '""',
    "transformer-preprocess": '""',
    "transformer-tied-layers": "[]",
    "transformer-train-position-embeddings": false,
    "bert-train-type-embeddings": true,
    "bert-type-vocab-size": 2,
    ulr: false,
    "ulr-dim-emb": 0,
    "ulr-trainable-transformation": false,
  })
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");

/**
 * Target words that go with each source word; frequent words (low ids) are in many lists.
 * @param {() => number} random
 * @returns {number[][]}
 */
function shortlistOf(random) {
  return Array.from({ length: VOCABULARY }, () => {
    const words = new Set();
    while (words.size < SHORTLIST.best) words.add(2 + Math.floor((VOCABULARY - 2) * random() ** 4));
    return [...words].sort((a, b) => a - b);
  });
}

/**
 * Writes model.bin and lex.bin; the vocabulary is the caller's.
 * @param {string} folder
 * @param {Shape} shape
 * @param {number} [seed]
 */
export function writeStudent(folder, shape, seed = 1) {
  const random = seeded(seed);
  mkdirSync(folder, { recursive: true });
  const path = (/** @type {string} */ name) => join(folder, name);
  writeMarianModel(path("model.benchmark.intgemm.alphas.bin"), parametersOf(shape, random), optionsOf(shape));
  writeShortlist(path("lex.benchmark.s2t.bin"), { ...SHORTLIST, lists: shortlistOf(random) });
}
