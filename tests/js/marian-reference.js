// Marian's equations in plain double-precision JavaScript, straight from its own parameters: an independent reference for
// what the engine makes of a converted model. Legend: S source and T target tokens, D width.

/** @typedef {Map<string, import("./marian-student.js").Parameter>} Parameters */

const EPSILON = 1e-6;

/** @param {number[]} x */
const softmax = (x) => {
  const max = Math.max(...x);
  const e = x.map((value) => Math.exp(value - max));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
};
/** @param {number} x */
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const ACTIVATIONS = /** @type {Record<string, (x: number) => number>} */ ({
  relu: (x) => Math.max(0, x),
  swish: (x) => x * sigmoid(x),
  gelu: (x) => x * sigmoid(1.702 * x),
});
const add = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.map((value, i) => value + b[i]);

/**
 * x (in) times a parameter: y (out). Embeddings are [out, in], all else [in, out].
 * @typedef {(x: number[], name: string) => number[]} Product
 */

/** @param {string} name */
const isTable = (name) => name.includes("Wemb") || name.endsWith("_Wt");

/** @param {Parameters} parameters @returns {Product} */
export function exactProduct(parameters) {
  return (x, name) => {
    const { shape, data } = /** @type {import("./marian-student.js").Parameter} */ (parameters.get(name));
    const [across, down] = isTable(name) ? [1, shape[1]] : [shape[1], 1];
    return Array.from({ length: isTable(name) ? shape[0] : shape[1] }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += x[i] * data[o * down + i * across];
      return sum;
    });
  };
}

/** @typedef {{ q: Int8Array, multiplier: number }} Int8 q is [out][in] */

/** To the nearest integer, ties to even. @param {number} x */
const round = (x) => x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;

/**
 * Bergamot's product: 8-bit activations at a stored scale, shifted to be unsigned, and sums of two neighbours that are
 * clamped to 16 bits.
 * @param {(name: string) => Int8} matrix
 * @param {(name: string) => number} alpha
 * @returns {Product}
 */
export function bergamotProduct(matrix, alpha) {
  return (x, name) => {
    const { q, multiplier } = matrix(name);
    const a = Math.fround(alpha(name));
    const u = x.map((value) => 127 + Math.max(-127, Math.min(127, round(Math.fround(Math.fround(value) * a)))));
    return Array.from({ length: q.length / x.length }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < x.length; i += 2) {
        const at = o * x.length + i;
        sum += Math.max(-32768, Math.min(32767, u[i] * q[at] + u[i + 1] * q[at + 1])) - 127 * (q[at] + q[at + 1]);
      }
      return sum / (a * multiplier);
    });
  };
}

/**
 * Glossa's product: 7-bit activations with a scale and a zero point a row, and exact sums.
 * @param {(name: string) => Int8} matrix
 * @returns {Product}
 */
export function glossaProduct(matrix) {
  return (x, name) => {
    const { q, multiplier } = matrix(name);
    const row = x.map(Math.fround);
    const low = Math.min(0, ...row);
    const scale = Math.fround(Math.fround(Math.max(0, ...row) - low) / 127) || 1;
    const inverse = Math.fround(1 / scale);
    const zero = round(Math.fround(-low * inverse));
    const u = row.map((value) => Math.max(0, Math.min(127, round(Math.fround(value * inverse)) + zero)));
    return Array.from({ length: q.length / x.length }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += (u[i] - zero) * q[o * x.length + i];
      return (sum * scale) / multiplier;
    });
  };
}

/**
 * Log-probabilities of `target`, token by token, given `source` (ends included).
 * @param {Parameters} parameters
 * @param {{ heads: number, encoder: number, decoder: number, autoreg: string, activation: string }} shape
 * @param {number[]} source
 * @param {number[]} target
 * @param {Product} [product] in place of exact products, to follow an engine's integer arithmetic
 * @returns {number[]}
 */
export function forcedLogProbabilities(parameters, shape, source, target, product = exactProduct(parameters)) {
  const { heads } = shape;
  const get = (/** @type {string} */ name) => {
    const parameter = parameters.get(name);
    if (!parameter) throw new Error(`no ${name}`);
    return parameter;
  };
  /** x (D) times W [in, out], plus b. @param {number[]} x @param {string} w @param {string} [b] */
  const affine = (x, w, b) => {
    const y = product(x, w);
    return b === undefined ? y : add(y, Array.from(get(b).data));
  };
  /** @param {number[]} x @param {string} prefix */
  const layerNorm = (x, prefix) => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
    const [scale, bias] = [get(`${prefix}_ln_scale`).data, get(`${prefix}_ln_bias`).data];
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + EPSILON)) * scale[i] + bias[i]);
  };
  /** Residual and norm around a sub-layer. @param {number[]} x @param {string} prefix @param {(x: number[]) => number[]} f */
  const sublayer = (x, prefix, f) => layerNorm(add(x, f(x)), prefix);
  /** @param {number[]} query @param {number[][]} keys @param {number[][]} values */
  const attend = (query, keys, values) => {
    const width = query.length / heads;
    /** @type {number[]} */
    const out = [];
    for (let h = 0; h < heads; h++) {
      const slice = (/** @type {number[]} */ x) => x.slice(h * width, (h + 1) * width);
      const q = slice(query);
      const weights = softmax(keys.map((k) => slice(k).reduce((sum, v, i) => sum + v * q[i], 0) / Math.sqrt(width)));
      for (let i = 0; i < width; i++) out.push(values.reduce((sum, v, s) => sum + weights[s] * v[h * width + i], 0));
    }
    return out;
  };
  /** @param {number[]} x @param {string} p */
  const feedForward = (x, p) =>
    affine(affine(x, `${p}_W1`, `${p}_b1`).map(ACTIVATIONS[shape.activation]), `${p}_W2`, `${p}_b2`);
  const project = (/** @type {number[]} */ x, /** @type {string} */ p, /** @type {string} */ part) =>
    affine(x, `${p}_W${part}`, `${p}_b${part}`);
  const position = (/** @type {number} */ p, /** @type {number} */ width) => {
    const half = width / 2;
    return Array.from({ length: width }, (_, i) => {
      const angle = p * Math.exp((-(i % half) * Math.log(10000)) / (half - 1));
      return i < half ? Math.sin(angle) : Math.cos(angle);
    });
  };
  const table = (/** @type {string} */ name) => get(parameters.has("Wemb") ? "Wemb" : name);
  /** @param {string} name @param {number} id @param {number} p */
  const embed = (name, id, p) => {
    const { shape: sizes, data } = table(name);
    const row = Array.from(data.subarray(id * sizes[1], (id + 1) * sizes[1]), (v) => v * Math.sqrt(sizes[1]));
    return add(row, position(p, sizes[1]));
  };

  let states = source.map((id, p) => embed("encoder_Wemb", id, p));
  for (let l = 1; l <= shape.encoder; l++) {
    const p = `encoder_l${l}_self`;
    const keys = states.map((x) => project(x, p, "k"));
    const values = states.map((x) => project(x, p, "v"));
    states = states
      .map((x) => sublayer(x, `${p}_Wo`, (y) => project(attend(project(y, p, "q"), keys, values), p, "o")))
      .map((x) => sublayer(x, `encoder_l${l}_ffn_ffn`, (y) => feedForward(y, `encoder_l${l}_ffn`)));
  }

  const layers = Array.from({ length: shape.decoder }, (_, i) => ({
    /** @type {number[]} */ cell: [],
    /** @type {number[][]} */ keys: [],
    /** @type {number[][]} */ values: [],
    memoryKeys: states.map((x) => project(x, `decoder_l${i + 1}_context`, "k")),
    memoryValues: states.map((x) => project(x, `decoder_l${i + 1}_context`, "v")),
  }));
  const width = states[0].length;
  return target.map((id, t) => {
    let x = t === 0 ? position(0, width) : embed("decoder_Wemb", target[t - 1], t);
    for (const [i, layer] of layers.entries()) {
      const base = `decoder_l${i + 1}`;
      if (shape.autoreg === "rnn") {
        x = sublayer(x, `${base}_rnn_ffn`, (y) => {
          const input = affine(y, `${base}_rnn_W`);
          const gate = affine(y, `${base}_rnn_Wf`, `${base}_rnn_bf`).map(sigmoid);
          layer.cell = input.map((value, j) => gate[j] * (layer.cell[j] ?? 0) + (1 - gate[j]) * value);
          return layer.cell.map((value) => Math.max(0, value));
        });
      } else {
        x = sublayer(x, `${base}_self_Wo`, (y) => {
          layer.keys.push(project(y, `${base}_self`, "k"));
          layer.values.push(project(y, `${base}_self`, "v"));
          return project(attend(project(y, `${base}_self`, "q"), layer.keys, layer.values), `${base}_self`, "o");
        });
      }
      x = sublayer(x, `${base}_context_Wo`, (y) => {
        const query = project(y, `${base}_context`, "q");
        return project(attend(query, layer.memoryKeys, layer.memoryValues), `${base}_context`, "o");
      });
      x = sublayer(x, `${base}_ffn_ffn`, (y) => feedForward(y, `${base}_ffn`));
    }
    const bias = parameters.get("decoder_ff_logit_out_b")?.data;
    const own = ["decoder_ff_logit_out_W", "decoder_ff_logit_out_Wt"].find((name) => parameters.has(name));
    let logits = product(x, own ?? (parameters.has("Wemb") ? "Wemb" : "decoder_Wemb"));
    if (bias) logits = logits.map((value, v) => value + bias[v]);
    return Math.log(softmax(logits)[id]);
  });
}
