// The network computed again in float32 from the engine's own hidden states, so that the page can show what the engine
// does not hand out: queries, keys, values, sums. The page compares the end with what the engine got.
//
// Legend: S rows (queries), K rows that are looked at (keys), D width, H heads, d = D / H, F feed-forward width, V pieces.

/** @typedef {import("../src/js/convert/index.js").Checkpoint} Checkpoint */

/**
 * @typedef {object} AttentionParts
 * @property {Float32Array} query (S, D), the heads side by side
 * @property {Float32Array} key (K, D)
 * @property {Float32Array} value (K, D)
 * @property {Float32Array} scores (H, S, K), scaled, nothing masked
 * @property {Float32Array} weights (H, S, K)
 * @property {Float32Array} sums (S, D) weighted values, the heads side by side
 * @property {Float32Array} joined (S, D) mixed by the output matrix and added to what came in
 * @property {Float32Array} out (S, D) normalised, unless the norms stand before the sub-layers
 */

/**
 * @typedef {object} LayerParts
 * @property {Float32Array} input (S, D)
 * @property {AttentionParts | null} self null for a decoder without self-attention
 * @property {AttentionParts | null} cross
 * @property {Float32Array} hidden (S, F) after the activation
 * @property {Float32Array} out (S, D)
 */

/**
 * @typedef {object} Shape
 * @property {number} width D
 * @property {number} heads H
 * @property {number} headWidth d
 * @property {number} ffn F
 * @property {number} epsilon
 * @property {boolean} pre whether norms stand before the sub-layers
 * @property {string} activation
 */

/** @param {Checkpoint} gguf @returns {Shape} */
export function shapeOf(gguf) {
  const width = gguf.number("glossa.embedding_length");
  const heads = gguf.number("glossa.attention.head_count");
  return {
    ...{ width, heads, headWidth: width / heads },
    ffn: gguf.number("glossa.feed_forward_length"),
    epsilon: gguf.number("glossa.norm.epsilon"),
    pre: gguf.get("glossa.norm.placement") === "pre",
    activation: gguf.string("glossa.activation"),
  };
}

/** Matrices that were read before. @type {WeakMap<Checkpoint, Map<string, Promise<Float32Array>>>} */
const read = new WeakMap();

/** A tensor as float32, read once. @param {Checkpoint} gguf @param {string} name */
export function tensor(gguf, name) {
  const known = read.get(gguf) ?? new Map();
  read.set(gguf, known);
  if (!known.has(name)) known.set(name, gguf.floats(name));
  return /** @type {Promise<Float32Array>} */ (known.get(name));
}

const BREATH = 8; // milliseconds of work before the page may do something else

/** Lets the page breathe during long loops, and stops where nobody waits any more. @param {AbortSignal} [signal] */
function breather(signal) {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < BREATH) return;
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
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
export async function linear(x, weight, bias, k, breathe) {
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

/** Mean and spread of each row. @param {Float32Array} x (n, d) @param {number} d @param {number} epsilon */
export function moments(x, d, epsilon) {
  const out = [];
  for (let at = 0; at < x.length; at += d) {
    let mean = 0;
    for (let i = 0; i < d; i++) mean += x[at + i];
    mean /= d;
    let variance = 0;
    for (let i = 0; i < d; i++) variance += (x[at + i] - mean) ** 2;
    out.push({ mean, spread: Math.sqrt(variance / d + epsilon) });
  }
  return out;
}

/** @param {Float32Array} x (n, d) @param {number} d @param {Float32Array | null} gain @param {Float32Array | null} bias @param {number} epsilon */
export function layerNorm(x, d, gain, bias, epsilon) {
  const rows = moments(x, d, epsilon);
  return x.map((value, i) => {
    const { mean, spread } = rows[Math.floor(i / d)];
    return ((value - mean) / spread) * (gain ? gain[i % d] : 1) + (bias ? bias[i % d] : 0);
  });
}

/** The norm across the rows, as batch norm has it. @param {Float32Array} x (n, d) @param {number} d @param {number} epsilon */
export function batchNorm(x, d, epsilon) {
  const n = x.length / d;
  const turned = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) turned[(i % d) * n + Math.floor(i / d)] = x[i];
  const columns = moments(turned, n, epsilon);
  return x.map((value, i) => (value - columns[i % d].mean) / columns[i % d].spread);
}

/**
 * @param {Float32Array} scores (n, m)
 * @param {number} m
 * @param {number} [temperature]
 * @returns {Float32Array} its softmax, row by row
 */
export function softmax(scores, m, temperature = 1) {
  const out = scores.map((value) => value / temperature);
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
 * One row of one head.
 * @param {Float32Array} x (n, D)
 * @param {Shape} shape
 * @param {number} row
 * @param {number} head
 */
export function slice(x, { width, headWidth }, row, head) {
  const at = row * width + head * headWidth;
  return x.subarray(at, at + headWidth);
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export const cosine = (a, b) => dot(a, b) / Math.max(1e-12, Math.sqrt(dot(a, a) * dot(b, b)));

/**
 * One attention of one layer: every query meets every key, head by head.
 * @param {Checkpoint} gguf
 * @param {string} name of its tensors, such as "enc.blk.0.attn"
 * @param {Float32Array} x (S, D) what comes in, and what asks
 * @param {Float32Array | null} memory (K, D) what is asked; null: the same
 * @param {boolean} causal whether a query may see only the keys up to its own
 * @param {() => Promise<void>} breathe
 * @returns {Promise<AttentionParts>}
 */
async function attention(gguf, name, x, memory, causal, breathe) {
  const shape = shapeOf(gguf);
  const { width, heads, headWidth: d, pre, epsilon } = shape;
  /** @param {string} part @param {Float32Array} input */
  const apply = async (part, input) => {
    const bias = gguf.tensors.has(`${name}_${part}.bias`) ? await tensor(gguf, `${name}_${part}.bias`) : null;
    return linear(input, await tensor(gguf, `${name}_${part}.weight`), bias, width, breathe);
  };
  const norm = await normOf(gguf, `${name}_norm`);
  const asks = pre ? layerNorm(x, width, norm.gain, norm.bias, epsilon) : x;
  const asked = memory ?? asks;
  const [query, key, value] = [await apply("q", asks), await apply("k", asked), await apply("v", asked)];
  const n = x.length / width;
  const m = asked.length / width;
  const scores = new Float32Array(heads * n * m);
  const visible = new Float32Array(heads * n * m);
  const sums = new Float32Array(x.length);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        const at = (h * n + i) * m + j;
        scores[at] = dot(slice(query, shape, i, h), slice(key, shape, j, h)) / Math.sqrt(d);
        visible[at] = causal && j > i ? Number.NEGATIVE_INFINITY : scores[at];
      }
    }
    await breathe();
  }
  const weights = softmax(visible, m);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < n; i++) {
      const out = slice(sums, shape, i, h);
      for (let j = 0; j < m; j++) {
        const share = weights[(h * n + i) * m + j];
        const from = slice(value, shape, j, h);
        for (let l = 0; l < d; l++) out[l] += share * from[l];
      }
    }
  }
  const joined = plus(x, await apply("o", sums));
  const out = pre ? joined : layerNorm(joined, width, norm.gain, norm.bias, epsilon);
  return { query, key, value, scores, weights, sums, joined, out };
}

/** @param {Checkpoint} gguf @param {string} name */
async function normOf(gguf, name) {
  return { gain: await tensor(gguf, `${name}.weight`), bias: await tensor(gguf, `${name}.bias`) };
}

/**
 * @param {Checkpoint} gguf
 * @param {"enc" | "dec"} stack
 * @param {number} layer
 * @param {Float32Array} x (S, D) what goes into the layer
 * @param {{memory?: Float32Array, causal?: boolean, signal?: AbortSignal}} [options] memory: what the encoder gave, for a decoder
 * @returns {Promise<LayerParts>}
 */
export async function layerParts(gguf, stack, layer, x, { memory, causal = stack === "dec", signal } = {}) {
  const breathe = breather(signal);
  const { width, ffn, pre, epsilon, activation } = shapeOf(gguf);
  const block = `${stack}.blk.${layer}.`;
  const hasSelf = gguf.tensors.has(`${block}attn_q.weight`);
  const self = hasSelf ? await attention(gguf, `${block}attn`, x, null, causal, breathe) : null;
  const cross = memory && self ? await attention(gguf, `${block}cross_attn`, self.out, memory, false, breathe) : null;
  const into = cross?.out ?? self?.out ?? x;
  const norm = await normOf(gguf, `${block}ffn_norm`);
  /** @param {string} name @param {Float32Array} input @param {number} k */
  const apply = async (name, input, k) => {
    const bias = gguf.tensors.has(`${block}${name}.bias`) ? await tensor(gguf, `${block}${name}.bias`) : null;
    return linear(input, await tensor(gguf, `${block}${name}.weight`), bias, k, breathe);
  };
  const forward = pre ? layerNorm(into, width, norm.gain, norm.bias, epsilon) : into;
  const act = activations[activation];
  const hidden = (await apply("ffn_up", forward, width)).map(act);
  const added = plus(into, await apply("ffn_down", hidden, ffn));
  const out = pre ? added : layerNorm(added, width, norm.gain, norm.bias, epsilon);
  return { input: x, self, cross, hidden, out };
}

/** What a stack ends with: pre-norm models have one more norm. @param {Checkpoint} gguf @param {"enc" | "dec"} stack @param {Float32Array} x (n, D) */
export async function stackEnd(gguf, stack, x) {
  if (!gguf.tensors.has(`${stack}.output_norm.weight`)) return x;
  const { width, epsilon } = shapeOf(gguf);
  const norm = await normOf(gguf, `${stack}.output_norm`);
  return layerNorm(x, width, norm.gain, norm.bias, epsilon);
}

/**
 * The whole encoder, for inputs that the engine never saw: words in another order, or without positions.
 * @param {Checkpoint} gguf
 * @param {number} layers
 * @param {Float32Array} x (S, D)
 * @param {AbortSignal} [signal]
 * @returns {Promise<Float32Array>} (S, D)
 */
export async function encode(gguf, layers, x, signal) {
  let at = x;
  for (let layer = 0; layer < layers; layer++) at = (await layerParts(gguf, "enc", layer, at, { signal })).out;
  return stackEnd(gguf, "enc", at);
}

/**
 * Logits of every piece.
 * @param {Checkpoint} gguf
 * @param {Float32Array} state (D) what the last layer of the decoder gave
 * @returns {Promise<Float32Array>} (V)
 */
export async function logitsOf(gguf, state) {
  const names = ["output.weight", "dec.token_embd.weight", "token_embd.weight"];
  const table = await tensor(gguf, names.find((name) => gguf.tensors.has(name)) ?? names[2]);
  const bias = gguf.tensors.has("output.bias") ? await tensor(gguf, "output.bias") : null;
  const { width } = shapeOf(gguf);
  return linear(await stackEnd(gguf, "dec", state), table, bias, width, async () => {});
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

/** Positions of an encoder, learned or not. @param {Checkpoint} gguf @param {number} count @returns {Promise<Float32Array>} (count, D) */
export async function positionsOf(gguf, count) {
  const { width } = shapeOf(gguf);
  const layout = gguf.string("glossa.position");
  if (layout !== "learned") return sinusoids(layout, count, width);
  return (await tensor(gguf, "enc.position_embd.weight")).subarray(0, count * width);
}

/** The largest difference of two arrays. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function largestDifference(a, b) {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
