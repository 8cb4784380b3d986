import { decodeJson } from "./bytes.js";
import { tensorTable } from "./canonical.js";
import { ConvertError, ensure, lookUp, show } from "./errors.js";
import { applyPieceIds, modelId, openVocabularies, targetTags } from "./vocabularies.js";
import { openWeights } from "./weights.js";

/**
 * @typedef {import("./canonical.js").CanonicalModel} CanonicalModel
 * @typedef {import("./canonical.js").Config} Config
 * @typedef {import("./canonical.js").SourceTensor} SourceTensor
 * @typedef {import("./safetensors.js").FloatTensor} FloatTensor
 * @typedef {import("./sources.js").SourceFiles} SourceFiles
 * @typedef {import("./sources.js").SourceOptions} SourceOptions
 */

const ACTIVATIONS = /** @type {Record<string, string>} */ ({
  relu: "relu",
  swish: "silu",
  silu: "silu",
  gelu: "gelu-erf",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  quick_gelu: "gelu-sigmoid",
});

/* Keys of config.json that must have their default value. */
const FIXED = /** @type {Record<string, unknown>} */ ({
  normalize_before: false,
  normalize_embedding: false,
  add_final_layer_norm: false,
  add_bias_logits: false,
  static_position_embeddings: true,
});

/* Where a position table equals the formula to this, the formula is used. */
const SAME_POSITION = 1e-6;

/**
 * A MarianMT folder of Hugging Face: config.json, model.safetensors or pytorch_model.bin (in
 * one file, or in several with an index), source.spm, target.spm,
 * vocab.json (and target_vocab.json).
 * @param {SourceFiles} files
 * @param {any} config parsed config.json
 * @param {SourceOptions} options
 * @returns {Promise<CanonicalModel>}
 */
export async function openHuggingFace(files, config, options) {
  for (const [key, value] of Object.entries(FIXED))
    ensure(
      config[key] === undefined || config[key] === value,
      `config.json: ${key} is ${show(config[key])}, which is not supported`,
    );
  for (const [a, b] of [
    ["encoder_attention_heads", "decoder_attention_heads"],
    ["encoder_ffn_dim", "decoder_ffn_dim"],
  ])
    ensure(config[a] === config[b], `config.json: ${a} is ${show(config[a])}, but ${b} is ${show(config[b])}`);
  const activation = lookUp(ACTIVATIONS, config.activation_function);
  ensure(
    activation !== undefined,
    `config.json: activation_function is ${show(config.activation_function)}, which is not supported`,
  );

  const { name: weights, tensors: raw } = await openWeights(files);
  const generation = (await readJson(files, "generation_config.json")) ?? {};
  const setting = (/** @type {string} */ key) => generation[key] ?? config[key];

  /** @type {string[]} */
  const warnings = [];
  const forced = setting("forced_bos_token_id");
  if (forced !== undefined && forced !== null)
    warnings.push(`forced_bos_token_id ${show(forced)} is left out: give the token as a prefix of the translation`);
  const { source, target } = await openVocabularies(files);
  if (!target && /^(src|source)/.test(source.name))
    warnings.push(`there is no target.spm: ${source.name} is taken for both languages`);
  const ids = await readIds(files, "vocab.json");
  if (!ids) throw new ConvertError("vocab.json is missing");
  const targetIds = (await readIds(files, "target_vocab.json")) ?? ids;
  const vocabulary = applyPieceIds(source.vocabulary, ids, "vocab.json", false);
  const targetFile = targetIds === ids ? "vocab.json" : "target_vocab.json";
  const targetVocabulary = applyPieceIds((target ?? source).vocabulary, targetIds, targetFile, true);
  const [eos] = [setting("eos_token_id")].flat(1); // some are written as a list of one
  for (const side of [vocabulary, targetVocabulary])
    ensure(
      eos === undefined || modelId(side, side.eos) === eos,
      `vocab.json gives </s> the id ${modelId(side, side.eos)}, but eos_token_id is ${show(eos)}`,
    );

  const sharedEmbedding = config.share_encoder_decoder_embeddings ?? true;
  const sharedOutput = config.tie_word_embeddings ?? true;
  const width = config.d_model;
  const names = await languagesOf(files, config);
  /** @type {Config} */
  const result = {
    sourceLanguages: options.source ?? names.source,
    targetLanguages: options.target ?? names.target,
    encoderLayers: config.encoder_layers,
    decoderLayers: config.decoder_layers,
    width,
    ffnWidth: config.encoder_ffn_dim,
    heads: config.encoder_attention_heads,
    context: config.max_position_embeddings,
    norm: "post",
    normEpsilon: 1e-5,
    activation,
    position: await positionKind(raw, width, config.max_position_embeddings),
    mixer: "attention",
    decoderStart: setting("decoder_start_token_id"),
    bannedIds: bannedIds(setting("bad_words_ids"), setting("pad_token_id")),
    embeddingScale: config.scale_embedding ? Math.sqrt(width) : 1,
    sharedEmbedding,
    sharedOutput,
    sourceVocabulary: config.vocab_size,
    targetVocabulary: sharedEmbedding ? config.vocab_size : (config.decoder_vocab_size ?? config.vocab_size),
  };
  const tags = targetTags(ids, warnings);
  if (tags.length > 0) {
    const wanted = options.target?.map((language) => Intl.getCanonicalLocales(language)[0]);
    const chosen = wanted ? tags.filter(({ language }) => wanted.includes(language)) : tags;
    ensure(
      chosen.length > 0,
      () =>
        `the model has no target language ${show(wanted)}; it has ${tags.map(({ language }) => language).join(", ")}`,
    );
    result.targetLanguages = chosen.map(({ language }) => language);
    result.targetTokens = chosen.map(({ id }) => id);
  }
  const id = typeof config._name_or_path === "string" ? config._name_or_path : "";
  return {
    file: weights,
    config: result,
    vocabulary,
    targetVocabulary,
    tensors: mapTensors(raw, result, weights),
    general: /** @type {Record<string, string>} */ (id ? { name: id.replace(/^.*\//, "") } : {}),
    warnings,
  };
}

/**
 * @param {SourceFiles} files
 * @param {string} name
 */
async function readJson(files, name) {
  const file = await files.find(name);
  return file && decodeJson(await file.read(), file.name);
}

/**
 * @param {SourceFiles} files
 * @param {string} name
 * @returns {Promise<Map<string, number> | undefined>}
 */
async function readIds(files, name) {
  const json = await readJson(files, name);
  if (json === undefined) return undefined;
  ensure(json !== null && typeof json === "object" && !Array.isArray(json), `${name} is not a map from pieces to ids`);
  return new Map(Object.entries(json));
}

/**
 * Tokens that are banned one by one, and the padding token.
 * @param {unknown} lists bad_words_ids
 * @param {unknown} pad
 */
function bannedIds(lists, pad) {
  const ids = new Set(Number.isInteger(pad) ? [/** @type {number} */ (pad)] : []);
  for (const list of Array.isArray(lists) ? lists : []) {
    ensure(
      Array.isArray(list) && list.length === 1,
      `bad_words_ids has ${show(list)}; only single tokens can be banned`,
    );
    ids.add(list[0]);
  }
  return [...ids];
}

/**
 * Out of tokenizer_config.json, or the customary name of a model: opus-mt-en-de.
 * @param {SourceFiles} files
 * @param {any} config
 */
async function languagesOf(files, config) {
  const tokenizer = (await readJson(files, "tokenizer_config.json")) ?? {};
  const path = typeof config._name_or_path === "string" ? config._name_or_path : "";
  const match = /opus-mt(?:-tc-\w+)?-([a-zA-Z_]+)-([a-zA-Z_]+)$/.exec(path);
  /** @param {unknown} language */
  const tags = (language) => {
    if (typeof language !== "string") return [];
    try {
      return Intl.getCanonicalLocales(language.replaceAll("_", "-"));
    } catch {
      return [];
    }
  };
  return {
    source: tags(tokenizer.source_lang ?? match?.[1]),
    target: tags(tokenizer.target_lang ?? match?.[2]),
  };
}

/**
 * The formula of the transformers library, unless the file has other position tables.
 * @param {Map<string, FloatTensor>} raw
 * @param {number} width
 * @param {number} context
 */
async function positionKind(raw, width, context) {
  for (const side of ["encoder", "decoder"]) {
    const tensor = raw.get(`model.${side}.embed_positions.weight`);
    if (!tensor) return "sinusoid-halves";
    ensure(
      tensor.shape.length === 2 && tensor.shape[0] === context && tensor.shape[1] === width,
      `model.${side}.embed_positions.weight has the shape ${show(tensor.shape)}, not ${show([context, width])}`,
    );
    const table = await tensor.read();
    const half = width / 2;
    for (let i = 0; i < table.length; i++) {
      const [p, j] = [Math.floor(i / width), i % width];
      const angle = p / 10000 ** ((2 * (j % half)) / width);
      if (!(Math.abs(table[i] - (j < half ? Math.sin(angle) : Math.cos(angle))) <= SAME_POSITION)) return "learned";
    }
  }
  return "sinusoid-halves";
}

/**
 * What the transformers library calls a tensor of the canonical table; the first that is there counts.
 * @param {string} name
 * @returns {string[]}
 */
function huggingFaceNames(name) {
  const globals = /** @type {Record<string, string[]>} */ ({
    "token_embd.weight": [
      "model.shared.weight",
      "model.encoder.embed_tokens.weight",
      "model.decoder.embed_tokens.weight",
    ],
    "dec.token_embd.weight": ["model.decoder.embed_tokens.weight"],
    "output.weight": ["lm_head.weight"],
    "output.bias": ["final_logits_bias"],
    "enc.position_embd.weight": ["model.encoder.embed_positions.weight"],
    "dec.position_embd.weight": ["model.decoder.embed_positions.weight"],
  });
  if (globals[name]) return globals[name];
  const parts = /^(enc|dec)\.blk\.(\d+)\.(.+)\.(weight|bias)$/.exec(name);
  if (!parts) return [];
  const [, side, layer, block, part] = parts;
  const attention = /^(cross_)?attn_([qkvo]|norm)$/.exec(block);
  const others = /** @type {Record<string, string>} */ ({
    ffn_up: "fc1",
    ffn_down: "fc2",
    ffn_norm: "final_layer_norm",
  });
  let ours = others[block];
  if (attention) {
    const group = attention[1] ? "encoder_attn" : "self_attn";
    const projection = attention[2] === "o" ? "out" : attention[2];
    ours = attention[2] === "norm" ? `${group}_layer_norm` : `${group}.${projection}_proj`;
  }
  return [`model.${side}oder.layers.${layer}.${ours}.${part}`];
}

/* Copies of tied tables, and tables that equal the formula. */
const COPIES = /^(lm_head\.weight|model\.shared\.weight|model\.(en|de)coder\.embed_(tokens|positions)\.weight)$/;

/**
 * @param {Map<string, FloatTensor>} raw
 * @param {Config} config
 * @param {string} file
 * @returns {Map<string, SourceTensor>}
 */
function mapTensors(raw, config, file) {
  const left = new Set([...raw.keys()].filter((name) => !COPIES.test(name)));
  /** @type {Map<string, SourceTensor>} */
  const tensors = new Map();
  for (const entry of tensorTable(config)) {
    let names = huggingFaceNames(entry.name);
    if (entry.name === "token_embd.weight" && !config.sharedEmbedding) names = ["model.encoder.embed_tokens.weight"];
    const name = names.find((candidate) => raw.has(candidate));
    const tensor = name === undefined ? undefined : raw.get(name);
    if (name === undefined || !tensor) {
      ensure(entry.optional, `${file}: tensor ${names[0]} is missing`);
      continue;
    }
    left.delete(name);
    const shape = entry.name === "output.bias" && tensor.shape.length === 2 ? tensor.shape.slice(1) : tensor.shape;
    ensure(
      shape.length === entry.shape.length && shape.every((n, i) => n === entry.shape[i]),
      `${file}: tensor ${name} has the shape ${show(tensor.shape)}, not ${show(entry.shape)}`,
    );
    tensors.set(entry.name, { shape, read: tensor.read });
  }
  for (const name of left) throw new ConvertError(`${file}: tensor ${show(name)} has no place in a MarianMT model`);
  return tensors;
}
