import { checkModel } from "./canonical.js";
import { ensure } from "./errors.js";
import { bool, f32, f32s, i32s, string, strings, u8s, u32, writeGguf } from "./gguf-writer.js";
import { checkFinite, quantizeMatrix } from "./quantize.js";
import { modelId } from "./vocabularies.js";

/**
 * @typedef {import("./canonical.js").CanonicalModel} CanonicalModel
 * @typedef {import("./canonical.js").SourceTensor} SourceTensor
 * @typedef {import("./canonical.js").TableEntry} TableEntry
 * @typedef {import("./gguf-writer.js").Metadata} Metadata
 * @typedef {import("./gguf-writer.js").TensorGroup} TensorGroup
 */

/**
 * Writes a model as a Glossa checkpoint.
 * @param {CanonicalModel} model
 * @param {{
 *   type?: "i8" | "f32",
 *   write: (bytes: Uint8Array) => unknown,
 *   onProgress?: (done: number, total: number) => void,
 *   signal?: AbortSignal,
 * }} options
 * @returns {Promise<number>} bytes written
 */
export function writeCheckpoint(model, { type = "i8", write, onProgress, signal }) {
  const groups = checkModel(model).map((entry) => {
    const tensor = /** @type {SourceTensor} */ (model.tensors.get(entry.name));
    const what = `${model.file}: tensor ${entry.name}`;
    if (!entry.matrix) return vectorGroup(entry, tensor, what);
    return type === "f32" ? floatGroup(entry, tensor, what) : int8Group(entry, tensor, what, signal);
  });
  if (model.shortlist) {
    const { offsets, ids } = model.shortlist;
    groups.push({
      tensors: [
        { name: "shortlist.offsets", type: "I32", ne: [offsets.length] },
        { name: "shortlist.ids", type: "I32", ne: [ids.length] },
      ],
      read: async () => [offsets, ids],
    });
  }
  return writeGguf(metadataOf(model), groups, write, onProgress, signal);
}

/**
 * Norms, biases and positions stay float32.
 * @param {TableEntry} entry
 * @param {SourceTensor} tensor
 * @param {string} what
 * @returns {TensorGroup}
 */
function vectorGroup({ name, shape }, tensor, what) {
  ensure(!tensor.quantized, `${what} is quantized, but is not a matrix`);
  return {
    tensors: [{ name, type: "F32", ne: [...shape].reverse() }],
    read: async () => {
      const values = await tensor.read();
      checkFinite(values, what);
      return [values];
    },
  };
}

/**
 * @param {TableEntry} entry
 * @param {SourceTensor} tensor
 * @param {string} what
 * @returns {TensorGroup}
 */
function floatGroup({ name, shape }, tensor, what) {
  return {
    tensors: [{ name, type: "F32", ne: [...shape].reverse() }],
    read: async () => {
      if (tensor.quantized) {
        const { q, scale } = await tensor.read();
        return [Float32Array.from(q, (value) => value * scale)];
      }
      const values = await tensor.read();
      checkFinite(values, what);
      return [values];
    },
  };
}

/**
 * A matrix as int8 with its scales: one a row for float weights, the source's own one for weights that are int8 already.
 * @param {TableEntry} entry
 * @param {SourceTensor} tensor
 * @param {string} what
 * @param {AbortSignal} [signal]
 * @returns {TensorGroup}
 */
function int8Group({ name, shape: [rows, cols] }, tensor, what, signal) {
  const base = name.replace(/\.weight$/, "");
  /** @type {TensorGroup["tensors"]} */
  const tensors = [
    { name, type: "I8", ne: [cols, rows] },
    { name: `${base}.scale`, type: "F32", ne: [tensor.quantized ? 1 : rows] },
  ];
  if (!tensor.quantized) {
    return {
      tensors,
      read: async () => {
        const { q, scale } = await quantizeMatrix(await tensor.read(), rows, cols, what, signal);
        return [q, scale];
      },
    };
  }
  if (tensor.hasActScale) tensors.push({ name: `${base}.act_scale`, type: "F32", ne: [1] });
  return {
    tensors,
    read: async () => {
      const { q, scale, actScale } = await tensor.read();
      const parts = [q, Float32Array.of(scale)];
      if (tensor.hasActScale) parts.push(Float32Array.of(actScale ?? Number.NaN));
      return parts;
    },
  };
}

/**
 * @param {CanonicalModel} model
 * @returns {Metadata}
 */
function metadataOf({ config: c, vocabulary, targetVocabulary, general, shortlist, hints = {} }) {
  /** @param {string[]} languages */
  const language = (languages) => (languages.length === 1 ? string(languages[0]) : strings(languages));
  /** @type {Metadata} */
  const metadata = new Map([["general.architecture", string("glossa")]]);
  for (const [key, value] of Object.entries(general))
    metadata.set(`general.${key}`, Array.isArray(value) ? strings(value) : string(value));
  metadata
    .set("glossa.format_version", u32(1))
    .set("glossa.task", string("translation"))
    .set("glossa.source_language", language(c.sourceLanguages))
    .set("glossa.target_language", language(c.targetLanguages));
  if (c.targetTokens) metadata.set("glossa.target_language_tokens", i32s(c.targetTokens));
  metadata
    .set("glossa.encoder.block_count", u32(c.encoderLayers))
    .set("glossa.decoder.block_count", u32(c.decoderLayers))
    .set("glossa.embedding_length", u32(c.width))
    .set("glossa.feed_forward_length", u32(c.ffnWidth))
    .set("glossa.attention.head_count", u32(c.heads))
    .set("glossa.context_length", u32(c.context))
    .set("glossa.norm.placement", string(c.norm))
    .set("glossa.norm.epsilon", f32(c.normEpsilon))
    .set("glossa.activation", string(c.activation))
    .set("glossa.position", string(c.position))
    .set("glossa.decoder.mixer", string(c.mixer))
    .set("glossa.decoder.start", c.decoderStart === "zero-vector" ? string(c.decoderStart) : u32(c.decoderStart))
    .set("glossa.banned_ids", i32s(c.bannedIds))
    .set("glossa.embedding.scale", f32(c.embeddingScale))
    .set("glossa.output.shared", bool(c.sharedOutput));
  if (c.alignment)
    metadata.set("glossa.alignment.layer", u32(c.alignment.layer)).set("glossa.alignment.head", u32(c.alignment.head));
  addHints(metadata, hints);
  if (shortlist) metadata.set("glossa.shortlist.first", u32(shortlist.first));
  addVocabulary(metadata, "tokenizer.ggml", vocabulary);
  if (targetVocabulary) addVocabulary(metadata, "glossa.target.tokenizer", targetVocabulary);
  return metadata;
}

/**
 * What a checkpoint says of its own limits.
 * @param {Metadata} metadata
 * @param {import("./canonical.js").Hints} hints
 */
export function addHints(metadata, hints) {
  if (hints.trainingLength) metadata.set("glossa.training_length", u32(hints.trainingLength));
  for (const [of, value] of Object.entries(hints.confidence ?? {})) metadata.set(`glossa.confidence.${of}`, f32(value));
  for (const [language, text] of Object.entries(hints.limits ?? {}))
    metadata.set(`glossa.limits.${language}`, string(text));
  if (hints.examples) metadata.set("glossa.examples", strings(hints.examples));
}

/**
 * @param {Metadata} metadata
 * @param {string} prefix
 * @param {import("./sentencepiece.js").Vocabulary} v
 */
export function addVocabulary(metadata, prefix, v) {
  metadata
    .set(`${prefix}.model`, string(v.kind))
    .set(`${prefix}.tokens`, strings(v.tokens))
    .set(`${prefix}.scores`, f32s(v.scores))
    .set(`${prefix}.token_type`, i32s(v.types))
    .set(`${prefix}.add_space_prefix`, bool(v.addSpacePrefix))
    .set(`${prefix}.remove_extra_whitespaces`, bool(v.removeExtraWhitespaces))
    .set(`${prefix}.escape_whitespaces`, bool(v.escapeWhitespaces))
    .set(`${prefix}.treat_whitespace_as_suffix`, bool(v.whitespaceSuffix));
  if (v.charsmap.length > 0) metadata.set(`${prefix}.precompiled_charsmap`, u8s(v.charsmap));
  for (const [key, piece] of Object.entries({ unknown: v.unk, eos: v.eos, bos: v.bos, padding: v.pad })) {
    const id = modelId(v, piece);
    if (id >= 0) metadata.set(`${prefix}.${key}_token_id`, u32(id));
  }
  if (v.ids) metadata.set(`${prefix}.ids`, i32s(v.ids));
}
