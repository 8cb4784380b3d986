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
 * Log-probabilities of `target`, token by token, given `source` (ends included).
 * @param {Parameters} parameters
 * @param {{ heads: number, encoder: number, decoder: number, autoreg: string, activation: string }} shape
 * @param {number[]} source
 * @param {number[]} target
 * @returns {number[]}
 */
export function forcedLogProbabilities(parameters, shape, source, target) {
  const { heads } = shape;
  const get = (/** @type {string} */ name) => {
    const parameter = parameters.get(name);
    if (!parameter) throw new Error(`no ${name}`);
    return parameter;
  };
  /** x (D) times W [in, out], plus b. @param {number[]} x @param {string} w @param {string} [b] */
  const affine = (x, w, b) => {
    const { shape: sizes, data } = get(w);
    const bias = b === undefined ? undefined : get(b).data;
    return Array.from({ length: sizes[1] }, (_, o) => {
      let sum = bias ? bias[o] : 0;
      for (let i = 0; i < sizes[0]; i++) sum += x[i] * data[i * sizes[1] + o];
      return sum;
    });
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
      for (let i = 0; i < width; i++)
        out.push(values.reduce((sum, v, s) => sum + weights[s] * v[h * width + i], 0));
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
    let logits;
    if (parameters.has("decoder_ff_logit_out_W")) logits = affine(x, "decoder_ff_logit_out_W");
    else {
      const own = parameters.get("decoder_ff_logit_out_Wt");
      const { shape: sizes, data } = own ?? table("decoder_Wemb");
      logits = Array.from({ length: sizes[0] }, (_, v) => {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += x[j] * data[v * width + j];
        return sum;
      });
    }
    if (bias) logits = logits.map((value, v) => value + bias[v]);
    return Math.log(softmax(logits)[id]);
  });
}
