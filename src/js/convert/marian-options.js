import { ConvertError, ensure, show } from "./errors.js";

/**
 * @typedef {import("./yaml.js").Value} Value
 * @typedef {Map<string, Value | Value[]>} Options
 */

/* Marian's names of activations; its gelu is x * sigmoid(1.702 x). */
const ACTIVATIONS = /** @type {Record<string, string>} */ ({ relu: "relu", swish: "silu", gelu: "gelu-sigmoid" });

/* Options that must have their default (first) value: anything else is another network than Glossa's. */
const FIXED = /** @type {Record<string, (string | number | boolean)[]>} */ ({
  type: ["transformer"],
  "transformer-train-positions": [false],
  "transformer-train-position-embeddings": [false],
  "transformer-pool": [false],
  "transformer-no-projection": [false],
  "transformer-rnn-projection": [false],
  "transformer-no-bias": [false],
  "transformer-no-affine": [false],
  "transformer-ffn-depth": [2],
  "transformer-decoder-dim-ffn": [0],
  "transformer-decoder-ffn-depth": [0],
  "embedding-normalization": [false],
  "lemma-dim-emb": [0],
  "lemma-dependency": [""],
  "right-left": [false],
  ulr: [false],
});

/**
 * Reads the options of a Marian model; those that ask for another network are refused by name and value.
 * @param {Options} options
 * @param {string} file for messages
 */
export function readMarianOptions(options, file) {
  /** @param {string} name */
  const refused = (name) =>
    new ConvertError(`${file}: the option ${name} is ${show(options.get(name))}, which is not supported`);
  /** @param {string} name @param {number} [fallback] */
  const integer = (name, fallback) => {
    const value = options.get(name) ?? fallback;
    ensure(
      typeof value === "number" && Number.isInteger(value) && value > 0,
      `${file}: the option ${name} is ${show(value)}, not a positive number`,
    );
    return value;
  };
  /** @param {string} name @param {string} fallback @param {string} allowed */
  const operations = (name, fallback, allowed) => {
    const value = options.get(name) ?? fallback;
    if (typeof value !== "string" || !new RegExp(`^[${allowed}]*$`).test(value)) throw refused(name);
    return value.replaceAll("d", ""); // dropout, which does nothing here
  };

  for (const [name, values] of Object.entries(FIXED)) {
    const value = options.get(name);
    const absent = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!absent && !values.includes(/** @type {string} */ (value))) throw refused(name);
  }
  for (const name of ["transformer-tied-layers", "input-types", "special-vocab"]) {
    const value = options.get(name);
    if (Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== "")
      throw refused(name);
  }

  const autoreg = options.get("transformer-decoder-autoreg") ?? "self-attention";
  if (autoreg !== "self-attention" && autoreg !== "rnn") throw refused("transformer-decoder-autoreg");
  const ssru = autoreg === "rnn";
  if (ssru && options.get("dec-cell") !== "ssru") throw refused("dec-cell");
  if (ssru && options.get("layer-normalization") === true) throw refused("layer-normalization");

  operations("transformer-postprocess-emb", "d", "d");
  // Marian's pre-norm ("n" here) normalizes queries, but neither keys nor values: not what pre-norm means elsewhere.
  operations("transformer-preprocess", "", "d");
  operations("transformer-postprocess-top", "", "d");
  if (operations("transformer-postprocess", "dan", "dan") !== "an") throw refused("transformer-postprocess");

  const activation = options.get("transformer-ffn-activation") ?? "swish";
  const ours = typeof activation === "string" ? ACTIVATIONS[activation] : undefined;
  if (ours === undefined) throw refused("transformer-ffn-activation");

  const vocabularies = options.get("dim-vocabs");
  if (!Array.isArray(vocabularies) || vocabularies.length !== 2) throw refused("dim-vocabs");
  const decoderLayers = integer("dec-depth");
  const guided = options.get("transformer-guided-alignment-layer") ?? "last";
  const layer = guided === "last" ? decoderLayers : guided;
  if (typeof layer !== "number" || !(layer >= 1 && layer <= decoderLayers))
    throw refused("transformer-guided-alignment-layer");
  return {
    encoderLayers: integer("enc-depth"),
    decoderLayers,
    width: integer("dim-emb"),
    ffnWidth: integer("transformer-dim-ffn"),
    heads: integer("transformer-heads"),
    norm: "post",
    activation: ours,
    mixer: ssru ? "ssru" : "attention",
    alignment: { layer: layer - 1, head: 0 },
  };
}

/**
 * What Marian calls a tensor of the canonical table, best first. `transposed` says that memory holds [in][out].
 * @param {string} name
 * @returns {{ name: string, transposed: boolean }[]}
 */
export function marianNames(name) {
  const plain = (/** @type {string} */ text) => [{ name: text, transposed: false }];
  const globals = /** @type {Record<string, { name: string, transposed: boolean }[]>} */ ({
    "token_embd.weight": [...plain("Wemb"), ...plain("encoder_Wemb")],
    "dec.token_embd.weight": plain("decoder_Wemb"),
    "output.weight": [...plain("decoder_ff_logit_out_Wt"), { name: "decoder_ff_logit_out_W", transposed: true }],
    "output.bias": plain("decoder_ff_logit_out_b"),
  });
  if (globals[name]) return globals[name];

  const parts = /^(enc|dec)\.(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name);
  if (!parts) return [];
  const [, side, layer, block, part] = parts;
  const base = `${side}oder`;
  const ln = part === "weight" ? "ln_scale" : "ln_bias";
  const prefix = `${base}_l${Number(layer) + 1}`;
  const norms = /** @type {Record<string, string>} */ ({
    attn_norm: "self_Wo",
    cross_attn_norm: "context_Wo",
    ssru_norm: "rnn_ffn",
    ffn_norm: "ffn_ffn",
  });
  if (norms[block]) return plain(`${prefix}_${norms[block]}_${ln}`);
  const letter = part === "weight" ? "W" : "b";
  const matrices = /** @type {Record<string, [string, string]>} */ ({
    ffn_up: ["ffn", "1"],
    ffn_down: ["ffn", "2"],
    ssru_w: ["rnn", ""],
    ssru_f: ["rnn", "f"],
  });
  const attention = /^(cross_)?attn_([qkvo])$/.exec(block);
  const [group, end] = attention ? [attention[1] ? "context" : "self", attention[2]] : (matrices[block] ?? ["", ""]);
  return [{ name: `${prefix}_${group}_${letter}${end}`, transposed: part === "weight" }];
}
