// TensorFlow.js as a contender of the lab: the same encoder-decoder on the same batches, padded, with its Adam.
// `lab-tfjs.js PACKAGES BACKEND BATCHES SETTINGS`, PACKAGES being the folder that holds @tensorflow.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readBatches } from "../lab-batches.js";
import { serve, timed } from "./serve.js";

const [packages, backend, file, text] = process.argv.slice(2);
const { width, heads, feed_forward, encoder_layers, decoder_layers, vocabulary } = JSON.parse(text);
const { resolve } = createRequire(pathToFileURL(join(packages, "package.json")));
/** @type {any} */
const tf = createRequire(import.meta.url)(resolve("@tensorflow/tfjs"));
if (backend === "wasm") {
  const wasm = createRequire(import.meta.url)(resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(join(packages, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
  wasm.setThreadsCount(1);
}
await tf.setBackend(backend);
await tf.ready();

const PAD = 0;
const BOS = 2;
const NEVER = -1e9;

/** @typedef {any} Tensor of TensorFlow.js */
/** @typedef {Record<string, Tensor>} Weights */

/** @param {number} rows @param {number} cols */
const matrix = (rows, cols) => {
  const bound = Math.sqrt(6 / (rows + cols));
  return tf.variable(tf.randomUniform([rows, cols], -bound, bound, "float32", 1));
};
const zeros = (/** @type {number} */ n) => tf.variable(tf.zeros([n]));
const ones = (/** @type {number} */ n) => tf.variable(tf.ones([n]));

/** @param {number} k @param {number} n */
function linear(k, n) {
  const [w, b] = [matrix(k, n), zeros(n)];
  return (/** @type {Tensor} x (B, T, K) */ x) => {
    const [batch, length] = x.shape;
    return x
      .reshape([batch * length, k])
      .matMul(w)
      .add(b)
      .reshape([batch, length, n]);
  };
}

function norm() {
  const [weight, bias] = [ones(width), zeros(width)];
  return (/** @type {Tensor} */ x) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(weight).add(bias);
  };
}

function attention() {
  const [q, k, v, o] = [0, 1, 2, 3].map(() => linear(width, width));
  const split = (/** @type {Tensor} */ x) =>
    x.reshape([x.shape[0], x.shape[1], heads, width / heads]).transpose([0, 2, 1, 3]);
  return (/** @type {Tensor} */ x, /** @type {Tensor} */ memory, /** @type {Tensor} */ mask) => {
    const scores = tf.matMul(split(q(x)), split(k(memory)), false, true).mul((width / heads) ** -0.5);
    const mixed = tf.matMul(scores.add(mask).softmax(), split(v(memory)));
    return o(mixed.transpose([0, 2, 1, 3]).reshape(x.shape));
  };
}

/** @param {boolean} decoder */
function layer(decoder) {
  const [self, cross] = [attention(), decoder ? attention() : null];
  const [up, down] = [linear(width, feed_forward), linear(feed_forward, width)];
  const norms = [norm(), norm(), norm()];
  return (
    /** @type {Tensor} */ x,
    /** @type {Tensor} */ mask,
    /** @type {Tensor} */ memory,
    /** @type {Tensor} */ seen,
  ) => {
    x = norms[0](x.add(self(x, x, mask)));
    if (cross) x = norms[1](x.add(cross(x, memory, seen)));
    return norms[2](x.add(down(up(x).relu())));
  };
}

const table = tf.variable(tf.randomNormal([vocabulary, width], 0, width ** -0.5, "float32", 2));
const outputBias = zeros(vocabulary);
const encoder = Array.from({ length: encoder_layers }, () => layer(false));
const decoder = Array.from({ length: decoder_layers }, () => layer(true));
const positions = tf.tensor2d(
  Array.from({ length: 64 }, (_, t) =>
    Array.from({ length: width }, (_, j) => {
      const angle = t * 10000 ** (-(j - (j % 2)) / width);
      return j % 2 ? Math.cos(angle) : Math.sin(angle);
    }),
  ),
);

// A product with 0 and 1: its WebAssembly backend lacks the gradient of gather, and this vocabulary is small.
const embed = (/** @type {Tensor} ids (B, T) */ ids) =>
  tf
    .oneHot(ids.flatten(), vocabulary)
    .toFloat()
    .matMul(table)
    .reshape([...ids.shape, width])
    .mul(Math.sqrt(width))
    .add(positions.slice([0, 0], [ids.shape[1], width]));

/** @param {Batch} batch */
function lossOf({ source, inputs, target, sourceMask, real, causal, count }) {
  const seen = sourceMask;
  let memory = embed(source);
  for (const run of encoder) memory = run(memory, seen, memory, seen);
  let x = embed(inputs);
  for (const run of decoder) x = run(x, causal, memory, seen);
  const [batch, length] = inputs.shape;
  const logits = x
    .reshape([batch * length, width])
    .matMul(table, false, true)
    .add(outputBias);
  const hit = logits.logSoftmax().mul(tf.oneHot(target.flatten(), vocabulary)).sum(-1);
  return hit
    .mul(real)
    .sum()
    .mul(-1 / count)
    .asScalar();
}

/** @typedef {Record<"source" | "inputs" | "target" | "sourceMask" | "real" | "causal", Tensor> & { count: number }} Batch */

/** @param {import("../lab-batches.js").Pair[]} pairs @returns {Batch} */
function padded(pairs) {
  const longest = (/** @type {0 | 1} */ side) => Math.max(...pairs.map((pair) => pair[side].length));
  const fill = (/** @type {number[]} */ row, /** @type {number} */ length) => [
    ...row,
    ...Array(length - row.length).fill(PAD),
  ];
  const [s, t] = [longest(0), longest(1)];
  const sources = pairs.map(([source]) => fill(source, s));
  const targets = pairs.map(([, target]) => fill(target, t));
  return {
    source: tf.tensor2d(sources, undefined, "int32"),
    target: tf.tensor2d(targets, undefined, "int32"),
    inputs: tf.tensor2d(
      targets.map((row) => [BOS, ...row.slice(0, -1)]),
      undefined,
      "int32",
    ),
    sourceMask: tf.tensor(sources.map((row) => [[row.map((id) => (id === PAD ? NEVER : 0))]])),
    real: tf.tensor1d(targets.flat().map((id) => (id === PAD ? 0 : 1))),
    causal: tf.tensor(Array.from({ length: t }, (_, i) => Array.from({ length: t }, (_, j) => (j > i ? NEVER : 0)))),
    count: targets.flat().filter((id) => id !== PAD).length,
  };
}

const batches = readBatches(file).map(padded);
const optimizer = tf.train.adam(1e-3, 0.9, 0.98, 1e-9);
let at = 0;

await serve({
  about: () => ({ runtime: `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()}, Node ${process.versions.node}` }),
  /** @param {{ steps: number }} options */
  async run({ steps }) {
    let tokens = 0;
    let loss = 0;
    const { ms, cpu } = await timed(async () => {
      for (let i = 0; i < steps; i++) {
        const batch = batches[at++ % batches.length];
        const cost = optimizer.minimize(() => lossOf(batch), true);
        [loss] = await cost.data();
        cost.dispose();
        tokens += batch.count;
      }
    });
    return { ms, cpu, tokens, loss };
  },
});
