import { ensure, show } from "./errors.js";
import { modelId } from "./vocabularies.js";

/**
 * What every source is turned into: a description, vocabularies, and tensors under the names of a Glossa checkpoint.
 *
 * Legend: D width, F feed-forward width, S and T the sizes of the source and target vocabulary, P positions.
 *
 * @typedef {{
 *   sourceLanguages: string[],
 *   targetLanguages: string[],
 *   targetTokens?: number[],
 *   encoderLayers: number,
 *   decoderLayers: number,
 *   width: number,
 *   ffnWidth: number,
 *   heads: number,
 *   context: number,
 *   norm: string,
 *   normEpsilon: number,
 *   activation: string,
 *   position: string,
 *   mixer: string,
 *   decoderStart: number | "zero-vector",
 *   bannedIds: number[],
 *   embeddingScale: number,
 *   alignment?: { layer: number, head: number },
 *   sharedEmbedding: boolean,
 *   sharedOutput: boolean,
 *   sourceVocabulary: number,
 *   targetVocabulary: number,
 * }} Config
 *
 * A matrix that comes quantized keeps its integers: q (rows, cols) with one scale, and the scale of the activations
 * that go into it, where the source has one.
 * @typedef {{ q: Int8Array, scale: number, actScale?: number }} Quantized
 *
 * `shape` is [out, in] for a matrix, whatever the order in the source.
 * @typedef {{ shape: number[], quantized?: false, read(): Promise<Float32Array> }
 *   | { shape: number[], quantized: true, hasActScale: boolean, read(): Promise<Quantized> }} SourceTensor
 *
 * `file` holds the weights; messages name it.
 * @typedef {{
 *   file: string,
 *   config: Config,
 *   vocabulary: import("./sentencepiece.js").Vocabulary,
 *   targetVocabulary?: import("./sentencepiece.js").Vocabulary,
 *   tensors: Map<string, SourceTensor>,
 *   shortlist?: { first: number, offsets: Int32Array, ids: Int32Array },
 *   general: Record<string, string | string[]>,
 *   hints?: Hints,
 *   warnings: string[],
 * }} CanonicalModel
 *
 * What a model tells of its own limits. Source tokens beyond which a sentence is cut at a clause; log-probabilities below
 * which a word is unsure and a sentence out of the model's depth; a plain sentence for the reader by interface language;
 * first inputs that show something.
 * @typedef {{
 *   trainingLength?: number,
 *   confidence?: { word: number, sentence: number },
 *   limits?: Record<string, string>,
 *   examples?: string[],
 * }} Hints
 *
 * @typedef {{ name: string, shape: number[], matrix: boolean, optional: boolean }} TableEntry
 */

export const NORMS = ["post", "pre"];
export const ACTIVATIONS = ["relu", "silu", "gelu-erf", "gelu-tanh", "gelu-sigmoid"];
export const POSITIONS = ["sinusoid-interleaved", "sinusoid-halves", "sinusoid-marian", "learned"];
export const MIXERS = ["attention", "ssru"];

const MAX_LAYERS = 256;
const MAX_CONTEXT = 65536;
const MAX_INPUTS = 65536;
const INPUT_STEP = 16;

/**
 * The tensors of a model, in the order of the data flow. The one place that knows the names.
 * @param {Config} c
 * @returns {TableEntry[]}
 */
export function tensorTable(c) {
  checkConfig(c); // first: the numbers say how long the table is
  const [d, f, s, t] = [c.width, c.ffnWidth, c.sourceVocabulary, c.targetVocabulary];
  /** @type {TableEntry[]} */
  const table = [];
  /** @param {string} base @param {number} rows @param {number} cols @param {boolean} [bias] */
  const matrix = (base, rows, cols, bias = true) => {
    table.push({ name: `${base}.weight`, shape: [rows, cols], matrix: true, optional: false });
    if (bias) table.push({ name: `${base}.bias`, shape: [rows], matrix: false, optional: true });
  };
  /** @param {string} base */
  const norm = (base) => {
    for (const part of ["weight", "bias"])
      table.push({ name: `${base}.${part}`, shape: [d], matrix: false, optional: false });
  };
  /** @param {string} side */
  const position = (side) => {
    if (c.position !== "learned") return;
    table.push({ name: `${side}.position_embd.weight`, shape: [c.context, d], matrix: false, optional: false });
  };
  /** @param {string} base */
  const attention = (base) => {
    for (const part of "qkvo") matrix(`${base}_${part}`, d, d);
    norm(`${base}_norm`);
  };
  /** @param {string} layer */
  const feedForward = (layer) => {
    matrix(`${layer}.ffn_up`, f, d);
    matrix(`${layer}.ffn_down`, d, f);
    norm(`${layer}.ffn_norm`);
  };

  matrix("token_embd", s, d, false);
  position("enc");
  for (let i = 0; i < c.encoderLayers; i++) {
    attention(`enc.blk.${i}.attn`);
    feedForward(`enc.blk.${i}`);
  }
  if (c.norm === "pre") norm("enc.output_norm");
  if (!c.sharedEmbedding) matrix("dec.token_embd", t, d, false);
  position("dec");
  for (let i = 0; i < c.decoderLayers; i++) {
    if (c.mixer === "ssru") {
      matrix(`dec.blk.${i}.ssru_w`, d, d);
      matrix(`dec.blk.${i}.ssru_f`, d, d);
      norm(`dec.blk.${i}.ssru_norm`);
    } else {
      attention(`dec.blk.${i}.attn`);
    }
    attention(`dec.blk.${i}.cross_attn`);
    feedForward(`dec.blk.${i}`);
  }
  if (c.norm === "pre") norm("dec.output_norm");
  if (!c.sharedOutput) matrix("output", t, d, false);
  table.push({ name: "output.bias", shape: [t], matrix: false, optional: true });
  return table;
}

/**
 * Checks that the numbers of a config are ones that the engine runs.
 * @param {Config} c
 */
function checkConfig(c) {
  /** @param {string} what @param {number} value @param {number} least @param {number} most */
  const within = (what, value, least, most) =>
    ensure(
      Number.isInteger(value) && value >= least && value <= most,
      `the number of ${what} is ${show(value)}, not ${least} to ${most}`,
    );
  /** @param {string} what @param {string} value @param {string[]} choices */
  const among = (what, value, choices) =>
    ensure(choices.includes(value), `the ${what} is ${show(value)}; supported: ${choices.join(", ")}`);
  within("encoder layers", c.encoderLayers, 1, MAX_LAYERS);
  within("decoder layers", c.decoderLayers, 1, MAX_LAYERS);
  within("model dimensions", c.width, INPUT_STEP, MAX_INPUTS);
  within("feed-forward dimensions", c.ffnWidth, INPUT_STEP, MAX_INPUTS);
  within("heads", c.heads, 1, c.width);
  within("positions", c.context, 2, MAX_CONTEXT);
  within("source pieces", c.sourceVocabulary, 1, 2 ** 31 - 1);
  within("target pieces", c.targetVocabulary, 1, 2 ** 31 - 1);
  ensure(c.width % c.heads === 0, `${c.heads} heads do not divide the model's ${c.width} dimensions`);
  among("norm placement", c.norm, NORMS);
  among("activation", c.activation, ACTIVATIONS);
  among("position encoding", c.position, POSITIONS);
  among("decoder's mixer", c.mixer, MIXERS);
  ensure(Number.isFinite(c.normEpsilon) && c.normEpsilon > 0, `the norm's epsilon is ${show(c.normEpsilon)}`);
  ensure(Number.isFinite(c.embeddingScale), `the embedding scale is ${show(c.embeddingScale)}`);
  const start = c.decoderStart;
  ensure(
    start === "zero-vector" || (Number.isInteger(start) && start >= 0 && start < c.targetVocabulary),
    `the decoder's start is ${show(start)}, not a token of the ${c.targetVocabulary} or "zero-vector"`,
  );
  ensure(Array.isArray(c.bannedIds), `the banned tokens are ${show(c.bannedIds)}, not a list`);
  for (const id of c.bannedIds)
    ensure(
      Number.isInteger(id) && id >= 0 && id < c.targetVocabulary,
      `the banned token ${show(id)} is not one of the ${c.targetVocabulary}`,
    );
  const tokens = c.targetTokens;
  ensure(
    tokens === undefined ||
      (Array.isArray(tokens) &&
        tokens.every((id) => Number.isInteger(id) && id >= 0 && id < c.sourceVocabulary) &&
        tokens.length === c.targetLanguages.length),
    `the tokens of the ${c.targetLanguages.length} target languages are ${show(tokens)}`,
  );
  if (c.alignment)
    ensure(
      Number.isInteger(c.alignment.layer) &&
        Number.isInteger(c.alignment.head) &&
        c.alignment.layer >= 0 &&
        c.alignment.layer < c.decoderLayers &&
        c.alignment.head >= 0 &&
        c.alignment.head < c.heads,
      `the alignment head is ${show(c.alignment)}, but the decoder has ${c.decoderLayers} layers of ${c.heads} heads`,
    );
}

/** @param {Hints} hints */
function checkHints({ trainingLength, confidence, limits = {}, examples = [] }) {
  ensure(
    trainingLength === undefined || (Number.isInteger(trainingLength) && trainingLength > 0),
    `the training length is ${show(trainingLength)}, not a number of tokens`,
  );
  for (const [of, value] of Object.entries(confidence ?? {}))
    ensure(
      Number.isFinite(value) && value <= 0,
      `the confidence of a ${of} is ${show(value)}, not a log-probability (0 or less)`,
    );
  for (const [language, text] of Object.entries(limits))
    ensure(
      /^[a-z]{2,3}$/.test(language) && typeof text === "string",
      `the limits in ${show(language)} are ${show(text)}, not a sentence by language`,
    );
  ensure(
    Array.isArray(examples) && examples.every((text) => typeof text === "string"),
    `the examples are ${show(examples)}, not a list of texts`,
  );
}

/**
 * Pieces must have rows in the embedding table, and an end-of-sentence token must be there.
 * @param {import("./sentencepiece.js").Vocabulary} v
 * @param {number} rows
 * @param {string} side
 */
function checkVocabulary(v, rows, side) {
  const largest = v.ids ? v.ids.reduce((a, b) => Math.max(a, b), -1) + 1 : v.tokens.length;
  ensure(largest <= rows, `the ${side} vocabulary has ${largest} tokens, but the model's embedding has ${rows} rows`);
  ensure(modelId(v, v.eos) >= 0, `the ${side} vocabulary has no end-of-sentence piece`);
}

/**
 * Checks a model against the table: every tensor there, in its shape, and none that is not known.
 * @param {CanonicalModel} model
 * @returns {TableEntry[]} the entries that the model has
 */
export function checkModel(model) {
  const { file, config: c, tensors } = model;
  const table = tensorTable(c);
  checkHints(model.hints ?? {});
  checkVocabulary(model.vocabulary, c.sourceVocabulary, model.targetVocabulary ? "source" : "shared");
  checkVocabulary(model.targetVocabulary ?? model.vocabulary, c.targetVocabulary, "target");
  const known = new Set(table.map((entry) => entry.name));
  for (const name of tensors.keys()) ensure(known.has(name), `${file}: tensor ${name} has no place in this model`);
  return table.filter(({ name, shape, matrix, optional }) => {
    const tensor = tensors.get(name);
    ensure(tensor || optional, `${file}: tensor ${name} is missing`);
    if (!tensor) return false;
    ensure(
      tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i]),
      `${file}: tensor ${name} has the shape ${show(tensor.shape)}, not ${show(shape)}`,
    );
    ensure(
      !matrix || (shape[1] % INPUT_STEP === 0 && shape[1] <= MAX_INPUTS),
      `${file}: tensor ${name} has ${shape[1]} inputs, not a multiple of ${INPUT_STEP} up to ${MAX_INPUTS}`,
    );
    ensure(matrix || !tensor.quantized, `${file}: tensor ${name} is quantized, but is not a matrix`);
    return true;
  });
}
