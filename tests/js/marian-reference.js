// Marian's network in plain JavaScript, straight from its own parameters and written independently of the engine: float32
// operations rounded one by one, sums in the order that "Numbers" in src/README.md prescribes, so that what comes out can
// be compared bit by bit. What the products of matrices are made of is an Arithmetic: float32, Glossa's integers, or
// bergamot's. Legend: S source and T target tokens, D width.

/**
 * @typedef {import("./marian-student.js").Parameter} Parameter
 * @typedef {Map<string, Parameter>} Parameters
 *
 * `times`: x (in) times a parameter, all its outputs or those of `ids`. `row`: of an embedding, as numbers and their scale.
 * @typedef {{
 *   times(x: Float32Array, name: string, ids?: number[]): Float32Array,
 *   row(name: string, id: number): { values: ArrayLike<number>, scale: number },
 * }} Arithmetic
 *
 * @typedef {{ q: Int8Array, multiplier: number }} Int8 q is [out][in]; real = q / multiplier
 */

const f32 = Math.fround;
const EPSILON = f32(1e-6);
const LANES = 16;

// ---- sums and functions -----------------------------------------------------------------------------------------------

/** Element i goes to lane i mod 16, then the lanes are folded in halves. @param {number} n @param {(i: number) => number} at */
function sum(n, at) {
  const lanes = new Float32Array(LANES);
  for (let i = 0; i < n; i++) lanes[i % LANES] += f32(at(i));
  for (let half = LANES / 2; half >= 1; half /= 2) for (let j = 0; j < half; j++) lanes[j] += lanes[j + half];
  return lanes[0];
}

/** To the nearest integer, ties to even. @param {number} x */
const round = (x) => f32(f32(x + 1.5 * 2 ** 23) - 1.5 * 2 ** 23);
const clamp = (/** @type {number} */ x, /** @type {number} */ low, /** @type {number} */ high) =>
  Math.max(low, Math.min(high, x));

/* exp(x) = 2^n exp(r): a polynomial for |r| <= ln 2 / 2, with the coefficients that src/kernels/polynomials.h gives. */
const LN2 = [0.693359375, f32(-2.1219444e-4)];
const C = [0.49999994, 0.16666521, 0.041668393, 0.008368745, 0.0013814538].map(f32);

/** @param {number} x */
function exp(x) {
  if (x < f32(-87.3)) return 0;
  const n = round(f32(x * f32(Math.LOG2E)));
  const r = f32(f32(x - f32(n * LN2[0])) - f32(n * LN2[1]));
  const square = f32(r * r);
  const high = f32(f32(C[2] + f32(r * C[3])) + f32(square * C[4]));
  const q = f32(f32(C[0] + f32(r * C[1])) + f32(square * high));
  return f32(1 + f32(r + f32(square * q))) * 2 ** n;
}

/* log(m 2^n) = n ln 2 + 2 atanh((m - 1) / (m + 1)), six terms of the series, in double. */
/** @param {number} x */
function log(x) {
  let n = Math.floor(Math.log2(x));
  if (x / 2 ** n >= Math.SQRT2) n++;
  const m = x / 2 ** n;
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let series = 1 / 11;
  for (const k of [9, 7, 5, 3, 1]) series = 1 / k + z * series;
  return f32(n * Math.LN2 + 2 * s * series);
}

const sigmoid = (/** @type {number} */ x) => f32(1 / f32(1 + exp(-x)));
const ACTIVATIONS = /** @type {Record<string, (x: number) => number>} */ ({
  relu: (x) => Math.max(0, x),
  swish: (x) => f32(x / f32(1 + exp(-x))),
  gelu: (x) => f32(x / f32(1 + exp(-f32(f32(1.702) * x)))),
});
const add = (/** @type {Float32Array} */ a, /** @type {Float32Array} */ b) => a.map((value, i) => value + b[i]);

/** exp(x - max) and its sum. @param {Float32Array} x */
function exponentials(x) {
  const max = x.reduce((a, b) => Math.max(a, b));
  const e = x.map((value) => exp(f32(value - max)));
  return { max, e, total: sum(e.length, (i) => e[i]) };
}
/** @param {Float32Array} x */
function softmax(x) {
  const { e, total } = exponentials(x);
  const inverse = f32(1 / total);
  return e.map((value) => value * inverse);
}

// ---- products ---------------------------------------------------------------------------------------------------------

/** Embeddings are [out, in], all else [in, out]. @param {string} name */
const isTable = (name) => name.includes("Wemb") || name.endsWith("_Wt");

/** @param {number} n @param {number[] | undefined} ids @param {(o: number) => number} at */
function outputs(n, ids, at) {
  return ids ? Float32Array.from(ids, at) : Float32Array.from({ length: n }, (_, o) => at(o));
}

/** Weights as they are. @param {Parameters} parameters @returns {Arithmetic} */
export function float32(parameters) {
  /** @type {Map<string, Float32Array>} */
  const turned = new Map(); // [out][in]
  const get = (/** @type {string} */ name) => /** @type {Parameter} */ (parameters.get(name));
  const weights = (/** @type {string} */ name) => {
    const { shape, data } = get(name);
    const [inputs, n] = shape;
    if (isTable(name)) return data;
    let w = turned.get(name);
    if (!w) turned.set(name, (w = data.map((_, at) => data[(at % inputs) * n + Math.floor(at / inputs)])));
    return w;
  };
  return {
    times(x, name, ids) {
      const w = weights(name);
      return outputs(w.length / x.length, ids, (o) => sum(x.length, (i) => x[i] * w[o * x.length + i]));
    },
    row(name, id) {
      const { shape, data } = get(name);
      return { values: data.subarray(id * shape[1], (id + 1) * shape[1]), scale: f32(Math.sqrt(shape[1])) };
    },
  };
}

/**
 * Integer weights with one scale a tensor. `quantize` gives a row of integer activations, each less the zero point, and
 * their scale; `pairs` clamps sums of two neighbours to 16 bits, `shift` added to both activations.
 * @param {(name: string) => Int8} matrix
 * @param {number} width
 * @param {(x: Float32Array, name: string) => { a: Int32Array, scale: number }} quantize
 * @param {{ shift: number }} [pairs]
 * @returns {Arithmetic}
 */
function integers(matrix, width, quantize, pairs) {
  return {
    times(x, name, ids) {
      const { q, multiplier } = matrix(name);
      const { a, scale } = quantize(x, name);
      const step = f32(scale * f32(1 / multiplier));
      return outputs(q.length / x.length, ids, (o) => {
        let acc = 0;
        const at = o * x.length;
        if (!pairs) for (let i = 0; i < x.length; i++) acc += a[i] * q[at + i];
        else
          for (let i = 0; i < x.length; i += 2) {
            const [first, second] = [q[at + i], q[at + i + 1]];
            const pair = (a[i] + pairs.shift) * first + (a[i + 1] + pairs.shift) * second;
            acc += clamp(pair, -32768, 32767) - pairs.shift * (first + second);
          }
        return step * f32(acc);
      });
    },
    row(name, id) {
      const { q, multiplier } = matrix(name);
      const scale = f32(f32(Math.sqrt(width)) * f32(1 / multiplier));
      return { values: q.subarray(id * width, (id + 1) * width), scale };
    },
  };
}

/**
 * Glossa's: activations of 7 bits with a scale and a zero point a row, and exact sums.
 * @param {(name: string) => Int8} matrix
 * @param {number} width
 */
export function glossa(matrix, width) {
  return integers(matrix, width, (x) => {
    const low = x.reduce((a, b) => Math.min(a, b), 0);
    const high = x.reduce((a, b) => Math.max(a, b), 0);
    let scale = f32(f32(high - low) / 127);
    if (!(scale >= 2 ** -126 && scale < Infinity)) scale = 1;
    const inverse = f32(1 / scale);
    const zero = clamp(round(f32(-low / scale)), 0, 127);
    return { a: Int32Array.from(x, (value) => clamp(round(f32(value * inverse)) + zero, 0, 127) - zero), scale };
  });
}

/* A product this near to the middle between two integers is rounded either way, by the order in which an engine adds. */
const TIE = 1e-4;

/**
 * Scaled activations whose rounding floats leave open, as they are met, with how far they are from the middle, and those
 * that are to be rounded the other way.
 * @typedef {{ met: Map<number, number>, turned: Set<number> }} Ties
 */

/**
 * Activations at a stored scale, in -most..most.
 * @param {(name: string) => number} alpha
 * @param {number} most
 * @param {Ties} [ties]
 */
const stored = (alpha, most, ties) => (/** @type {Float32Array} */ x, /** @type {string} */ name) => {
  const a = f32((alpha(name) * most) / 127);
  const nearest = (/** @type {number} */ value) => {
    const whole = round(value);
    const distance = Math.abs(Math.abs(value - whole) - 0.5);
    if (!ties || distance > TIE || Math.abs(value) > most) return whole;
    ties.met.set(value, distance);
    return ties.turned.has(value) ? whole + (value > whole ? 1 : -1) : whole;
  };
  return { a: Int32Array.from(x, (value) => clamp(nearest(f32(value * a)), -most, most)), scale: f32(1 / a) };
};

/**
 * Bergamot's: activations of 8 bits at a stored scale, shifted by 127 to have no sign, and sums of two neighbours that are
 * clamped to 16 bits.
 * @param {(name: string) => Int8} matrix
 * @param {number} width
 * @param {(name: string) => number} alpha
 * @param {Ties} [ties]
 */
export const bergamot = (matrix, width, alpha, ties) =>
  integers(matrix, width, stored(alpha, 127, ties), { shift: 127 });

/**
 * What Glossa would do if it used the stored scales: activations in -most..most, exact sums.
 * @param {(name: string) => Int8} matrix
 * @param {number} width
 * @param {(name: string) => number} alpha
 * @param {number} most
 */
export const storedScale = (matrix, width, alpha, most) => integers(matrix, width, stored(alpha, most));

// ---- the network ------------------------------------------------------------------------------------------------------

/**
 * The words that a sentence may become: the first ones, the lists of its tokens, its tokens themselves where both sides
 * share a vocabulary, and then unused ones until their number is a multiple of 8.
 * @param {{ lists: number[][], first: number }} shortlist
 * @param {number[]} source
 * @param {number} vocabulary
 * @param {boolean} shared
 */
export function candidatesOf({ lists, first }, source, vocabulary, shared = true) {
  const set = new Set(Array.from({ length: Math.min(first, vocabulary) }, (_, id) => id));
  for (const id of source) for (const word of [...lists[id], ...(shared ? [id] : [])]) set.add(word);
  for (let id = first; set.size % 8 !== 0 && id < vocabulary; id++) set.add(id);
  return [...set].sort((a, b) => a - b);
}

/**
 * Log-probabilities of `target`, token by token, given `source` (ends included).
 * @param {Parameters} parameters
 * @param {{ heads: number, encoder: number, decoder: number, autoreg: string, activation: string }} shape
 * @param {number[]} source
 * @param {number[]} target
 * @param {Arithmetic} [arithmetic]
 * @param {number[]} [candidates] ascending, where not all words are
 * @returns {number[]}
 */
export function forcedLogProbabilities(
  parameters,
  shape,
  source,
  target,
  arithmetic = float32(parameters),
  candidates = undefined,
) {
  const { heads } = shape;
  const get = (/** @type {string} */ name) => {
    const parameter = parameters.get(name);
    if (!parameter) throw new Error(`no ${name}`);
    return parameter;
  };
  /** x (D) times W [in, out], plus b. @param {Float32Array} x @param {string} w @param {string} [b] */
  const affine = (x, w, b) => {
    const y = arithmetic.times(x, w);
    return b === undefined ? y : add(y, get(b).data);
  };
  /** @param {Float32Array} x @param {string} prefix */
  const layerNorm = (x, prefix) => {
    const mean = f32(sum(x.length, (i) => x[i]) / x.length);
    const off = x.map((value) => value - mean);
    const variance = f32(sum(x.length, (i) => off[i] * off[i]) / x.length);
    const inverse = f32(1 / f32(Math.sqrt(f32(variance + EPSILON))));
    const [scale, bias] = [get(`${prefix}_ln_scale`).data, get(`${prefix}_ln_bias`).data];
    return off.map((value, i) => f32(f32(value * inverse) * scale[i]) + bias[i]);
  };
  /** Residual and norm around a sub-layer. @param {Float32Array} x @param {string} prefix @param {(x: Float32Array) => Float32Array} f */
  const sublayer = (x, prefix, f) => layerNorm(add(x, f(x)), prefix);
  /** @param {Float32Array} query @param {Float32Array[]} keys @param {Float32Array[]} values */
  const attend = (query, keys, values) => {
    const width = query.length / heads;
    const step = f32(1 / f32(Math.sqrt(width)));
    const out = new Float32Array(query.length);
    for (let h = 0; h < heads; h++) {
      const scores = new Float32Array(keys.length);
      for (let i = h * width; i < (h + 1) * width; i++)
        for (const [s, k] of keys.entries()) scores[s] += f32(query[i] * k[i]);
      const weights = softmax(scores.map((score) => step * score));
      for (let i = h * width; i < (h + 1) * width; i++)
        for (const [s, v] of values.entries()) out[i] += f32(weights[s] * v[i]);
    }
    return out;
  };
  /** @param {Float32Array} x @param {string} p */
  const feedForward = (x, p) =>
    affine(affine(x, `${p}_W1`, `${p}_b1`).map(ACTIVATIONS[shape.activation]), `${p}_W2`, `${p}_b2`);
  const project = (/** @type {Float32Array} */ x, /** @type {string} */ p, /** @type {string} */ part) =>
    affine(x, `${p}_W${part}`, `${p}_b${part}`);
  const position = (/** @type {number} */ p, /** @type {number} */ width) => {
    const half = width / 2;
    return Float32Array.from({ length: width }, (_, i) => {
      const angle = p * Math.exp((-(i % half) * Math.log(10000)) / (half - 1));
      return i < half ? Math.sin(angle) : Math.cos(angle);
    });
  };
  const table = (/** @type {string} */ name) => (parameters.has("Wemb") ? "Wemb" : name);
  /** @param {string} name @param {number} id @param {number} p */
  const embed = (name, id, p) => {
    const { values, scale } = arithmetic.row(table(name), id);
    return position(p, values.length).map((value, i) => f32(scale * values[i]) + value);
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

  const width = states[0].length;
  const layers = Array.from({ length: shape.decoder }, (_, i) => ({
    cell: new Float32Array(width),
    /** @type {Float32Array[]} */ keys: [],
    /** @type {Float32Array[]} */ values: [],
    memoryKeys: states.map((x) => project(x, `decoder_l${i + 1}_context`, "k")),
    memoryValues: states.map((x) => project(x, `decoder_l${i + 1}_context`, "v")),
  }));
  const own = ["decoder_ff_logit_out_W", "decoder_ff_logit_out_Wt"].find((name) => parameters.has(name));
  const bias = parameters.get("decoder_ff_logit_out_b")?.data;
  return target.map((id, t) => {
    let x = t === 0 ? position(0, width) : embed("decoder_Wemb", target[t - 1], t);
    for (const [i, layer] of layers.entries()) {
      const base = `decoder_l${i + 1}`;
      if (shape.autoreg === "rnn") {
        x = sublayer(x, `${base}_rnn_ffn`, (y) => {
          const input = affine(y, `${base}_rnn_W`);
          const gate = affine(y, `${base}_rnn_Wf`, `${base}_rnn_bf`).map(sigmoid);
          layer.cell = input.map((value, j) => f32(gate[j] * layer.cell[j]) + f32(f32(1 - gate[j]) * value));
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
    let logits = arithmetic.times(x, own ?? table("decoder_Wemb"), candidates);
    if (bias) logits = logits.map((value, j) => value + bias[candidates ? candidates[j] : j]);
    const { max, total } = exponentials(logits);
    return f32(logits[candidates ? candidates.indexOf(id) : id] - f32(max + log(total)));
  });
}
