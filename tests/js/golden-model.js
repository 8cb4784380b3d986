// The tiny seeded models of tests/golden, made again from their seeds: see tests/golden/make.py.
import { readdirSync, readFileSync } from "node:fs";
import { tensorTable } from "../../src/js/convert/canonical.js";
import { writeCheckpoint } from "../../src/js/convert/checkpoint.js";

const FOLDER = new URL("../golden/", import.meta.url);
const END_BIAS = 5.0;

/** Every reference file, parsed. */
export function references() {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  return names.map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")));
}

/**
 * Numbers in [-1, 1) from a hash of name, element and seed.
 * @param {string} name @param {number} count @param {number} seed
 */
function uniform(name, count, seed) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = ((hash ^ seed) + Math.imul(i, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    out[i] = ((x ^ (x >>> 16)) >>> 0) / 2147483648 - 1;
  }
  return out;
}

/** Centre and half width of the numbers of a tensor. @param {string} name @param {number[]} shape */
function spread(name, shape) {
  if (name.endsWith("norm.weight")) return [1, 0.2];
  if (name.endsWith(".bias")) return [0, 0.2];
  if (name.includes("embd") || name === "output.weight") return [0, 0.6];
  return [0, Math.sqrt(6 / shape[1])];
}

/** @param {string} name @param {number[]} shape @param {number} seed @param {number} eos */
function values(name, shape, seed, eos) {
  const [centre, width] = spread(name, shape);
  const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
  const out = uniform(name, count, seed).map((x) => Math.fround(centre + Math.fround(Math.fround(width) * x)));
  if (name === "output.bias") out[eos] = END_BIAS;
  return out;
}

/**
 * The checkpoint of one reference as GGUF bytes; `scores` are those of its pieces, -1 where it has none.
 * @param {any} reference @param {"f32" | "i8"} type
 */
export async function goldenCheckpoint(reference, type) {
  const { config: c, pieces, seed } = reference;
  const config = {
    sourceLanguages: ["en"],
    targetLanguages: ["de"],
    encoderLayers: c.encoder_layers,
    decoderLayers: c.decoder_layers,
    width: c.d_model,
    ffnWidth: c.ffn,
    heads: c.heads,
    context: c.context,
    norm: c.norm,
    normEpsilon: c.norm_epsilon,
    activation: c.activation,
    position: c.position,
    mixer: "attention",
    decoderStart: c.decoder_start,
    bannedIds: c.banned_ids,
    embeddingScale: c.embedding_scale,
    sharedEmbedding: true,
    sharedOutput: c.tied_output,
    sourceVocabulary: c.vocab,
    targetVocabulary: c.vocab,
  };
  const tensors = new Map();
  for (const { name, shape } of tensorTable(config)) {
    if (name === "output.bias" && !reference.output_bias) continue;
    tensors.set(name, { shape, read: async () => values(name, shape, seed, c.eos) });
  }
  const CONTROL = 3;
  const vocabulary = {
    kind: /** @type {const} */ ("unigram"),
    tokens: pieces,
    scores: Float32Array.from(pieces, (_, id) => reference.scores?.[id] ?? -1),
    types: Int32Array.from(pieces, (_, id) => (id === c.unk ? 2 : id < 4 ? CONTROL : 1)),
    charsmap: new Uint8Array(0),
    addSpacePrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
    whitespaceSuffix: false,
    unk: c.unk,
    eos: c.eos,
    bos: c.bos,
    pad: c.pad,
  };
  /** @type {Uint8Array[]} */
  const parts = [];
  const general = { name: reference.variant };
  const model = { file: reference.variant, config, vocabulary, tensors, general, warnings: [] };
  await writeCheckpoint(model, { type, write: (bytes) => parts.push(bytes.slice()) });
  return Buffer.concat(parts);
}
