// One encoder layer computed again in float32 from the engine's own hidden states, so that the page can show what the
// engine does not hand out: queries, keys, scores, sums. The page compares the end with what the engine got.
//
// Legend: S tokens, D width, H heads, d = D / H, F feed-forward width.

import { floats } from "./checkpoint.js";

/** @typedef {import("../src/js/convert/gguf-reader.js").GgufFile} GgufFile */

/**
 * @typedef {object} LayerParts
 * @property {number} width D
 * @property {number} headWidth d
 * @property {Float32Array} query (S, d) of one head
 * @property {Float32Array} key (S, d)
 * @property {Float32Array} value (S, d)
 * @property {Float32Array} scores (S, S), scaled
 * @property {Float32Array} weights (S, S)
 * @property {Float32Array} sum (S, d)
 * @property {Float32Array} attended (S, D) after residual and norm
 * @property {Float32Array} hidden (S, F) after the activation
 * @property {Float32Array} out (S, D)
 * @property {boolean} pre whether norms stand before the sub-layers
 * @property {string} activation
 */

const BREATH = 8; // milliseconds of work before the page may do something else

/** Lets the page breathe during long loops. */
function breather() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < BREATH) return;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  };
}

/**
 * x W^T + b.
 * @param {Float32Array} x (n, k)
 * @param {Float32Array} weight (m, k)
 * @param {Float32Array | null} bias (m)
 * @param {number} k
 * @param {() => Promise<void>} breathe
 */
async function linear(x, weight, bias, k, breathe) {
  const n = x.length / k;
  const m = weight.length / k;
  const out = new Float32Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = bias ? bias[j] : 0;
      for (let l = 0; l < k; l++) sum += x[i * k + l] * weight[j * k + l];
      out[i * m + j] = sum;
    }
    await breathe();
  }
  return out;
}

/** @param {Float32Array} x (n, d) @param {number} d @param {Float32Array} gain @param {Float32Array} bias @param {number} epsilon */
export function layerNorm(x, d, gain, bias, epsilon) {
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += d) {
    let mean = 0;
    for (let i = 0; i < d; i++) mean += x[at + i];
    mean /= d;
    let variance = 0;
    for (let i = 0; i < d; i++) variance += (x[at + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / d + epsilon);
    for (let i = 0; i < d; i++) out[at + i] = (x[at + i] - mean) * scale * gain[i] + bias[i];
  }
  return out;
}

/** @param {Float32Array} scores (n, m), becomes its softmax row by row @param {number} m */
export function softmax(scores, m) {
  const out = scores.slice();
  for (let at = 0; at < out.length; at += m) {
    const row = out.subarray(at, at + m);
    const peak = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let total = 0;
    for (let i = 0; i < m; i++) total += row[i] = Math.exp(row[i] - peak);
    for (let i = 0; i < m; i++) row[i] /= total;
  }
  return out;
}

/** @type {Record<string, (x: number) => number>} */
const activations = {
  relu: (x) => Math.max(0, x),
  silu: (x) => x / (1 + Math.exp(-x)),
  "gelu-erf": (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  "gelu-tanh": (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  "gelu-sigmoid": (x) => x / (1 + Math.exp(-1.702 * x)),
};

/** The error function by its series; enough for the range that matters here. @param {number} x */
function erf(x) {
  if (Math.abs(x) > 4) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** @param {Float32Array} a @param {Float32Array} b */
const plus = (a, b) => a.map((value, i) => value + b[i]);

/**
 * Columns of one head.
 * @param {Float32Array} x (S, D)
 * @param {number} width D
 * @param {number} head
 * @param {number} d
 */
function columns(x, width, head, d) {
  const out = new Float32Array((x.length / width) * d);
  for (let i = 0; i < out.length; i++) out[i] = x[Math.floor(i / d) * width + head * d + (i % d)];
  return out;
}

/**
 * @param {Float32Array} query (S, d)
 * @param {Float32Array} key (S, d)
 * @param {number} d
 */
function scaledScores(query, key, d) {
  const n = query.length / d;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < d; l++) sum += query[i * d + l] * key[j * d + l];
      out[i * n + j] = sum / Math.sqrt(d);
    }
  }
  return out;
}

/** @param {Float32Array} weights (n, n) @param {Float32Array} value (n, d) @param {number} d */
function weightedSum(weights, value, d) {
  const n = value.length / d;
  const out = new Float32Array(n * d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) for (let l = 0; l < d; l++) out[i * d + l] += weights[i * n + j] * value[j * d + l];
  }
  return out;
}

/**
 * @param {GgufFile} gguf
 * @param {number} layer of the encoder
 * @param {number} head
 * @param {Float32Array} x (S, D) what goes into the layer
 * @returns {Promise<LayerParts>}
 */
export async function encoderLayer(gguf, layer, head, x) {
  const breathe = breather();
  const width = gguf.number("glossa.embedding_length");
  const heads = gguf.number("glossa.attention.head_count");
  const d = width / heads;
  const epsilon = gguf.number("glossa.norm.epsilon");
  const pre = gguf.get("glossa.norm.placement") === "pre";
  const activation = gguf.string("glossa.activation");
  const block = `enc.blk.${layer}.`;
  /** @param {string} name @param {Float32Array} input @param {number} k */
  const apply = async (name, input, k) => {
    const bias = gguf.tensors.has(`${block}${name}.bias`) ? await floats(gguf, `${block}${name}.bias`) : null;
    return linear(input, await floats(gguf, `${block}${name}.weight`), bias, k, breathe);
  };
  /** @param {string} name @param {Float32Array} input */
  const norm = async (name, input) =>
    layerNorm(
      input,
      width,
      await floats(gguf, `${block}${name}.weight`),
      await floats(gguf, `${block}${name}.bias`),
      epsilon,
    );

  const into = pre ? await norm("attn_norm", x) : x;
  const [q, k, v] = [
    await apply("attn_q", into, width),
    await apply("attn_k", into, width),
    await apply("attn_v", into, width),
  ];
  const all = new Float32Array(x.length); // (S, D): the heads side by side
  /** @type {Pick<LayerParts, "query" | "key" | "value" | "scores" | "weights" | "sum"> | null} */
  let chosen = null;
  for (let h = 0; h < heads; h++) {
    const [query, key, value] = [q, k, v].map((one) => columns(one, width, h, d));
    const scores = scaledScores(query, key, d);
    const weights = softmax(scores, query.length / d);
    const sum = weightedSum(weights, value, d);
    sum.forEach((one, i) => {
      all[Math.floor(i / d) * width + h * d + (i % d)] = one;
    });
    if (h === head) chosen = { query, key, value, scores, weights, sum };
    await breathe();
  }
  const joined = plus(x, await apply("attn_o", all, width));
  const attended = pre ? joined : await norm("attn_norm", joined);
  const forward = pre ? await norm("ffn_norm", attended) : attended;
  const act = activations[activation];
  const hidden = (await apply("ffn_up", forward, width)).map(act);
  const added = plus(attended, await apply("ffn_down", hidden, gguf.number("glossa.feed_forward_length")));
  const out = pre ? added : await norm("ffn_norm", added);
  if (!chosen) throw new RangeError(`head ${head} of ${heads}`);
  return { ...chosen, width, headWidth: d, attended, hidden, out, pre, activation };
}

/**
 * The position table.
 * @param {string} layout glossa.position
 * @param {number} count
 * @param {number} d
 * @returns {Float32Array} (count, d)
 */
export function sinusoids(layout, count, d) {
  const half = d / 2;
  const divisor = layout === "sinusoid-marian" ? half - 1 : half;
  const interleaved = layout === "sinusoid-interleaved";
  const table = new Float32Array(count * d);
  for (let p = 0; p < count; p++) {
    for (let j = 0; j < half; j++) {
      const angle = p * Math.exp((-Math.log(10000) * j) / divisor);
      table[p * d + (interleaved ? 2 * j : j)] = Math.sin(angle);
      table[p * d + (interleaved ? 2 * j + 1 : half + j)] = Math.cos(angle);
    }
  }
  return table;
}

/**
 * Products of all pairs of rows.
 * @param {Float32Array} x (n, d)
 * @param {number} d
 * @returns {Float32Array} (n, n)
 */
export function gram(x, d) {
  const n = x.length / d;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) for (let l = 0; l < d; l++) out[i * n + j] += x[i * d + l] * x[j * d + l];
  }
  return out;
}

/** The largest difference of two arrays. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function largestDifference(a, b) {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
