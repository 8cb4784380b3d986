import { ensure, show } from "./errors.js";
import { openSafetensors } from "./safetensors.js";
import { readSentencePiece } from "./sentencepiece.js";
import { readShortlist } from "./shortlist.js";

/**
 * @typedef {import("./canonical.js").CanonicalModel} CanonicalModel
 * @typedef {import("./canonical.js").SourceTensor} SourceTensor
 * @typedef {import("./safetensors.js").FloatTensor} FloatTensor
 * @typedef {import("./sources.js").SourceFiles} SourceFiles
 * @typedef {import("./sources.js").SourceOptions} SourceOptions
 */

/* Keys of config.json that tell where a model comes from, and their names under general. */
const GENERAL = {
  name: "name",
  version: "version",
  description: "description",
  author: "author",
  organization: "organization",
  license: "license",
  license_name: "license.name",
  license_link: "license.link",
  license_note: "license.note",
  url: "url",
  sources: "sources",
};

/**
 * A model of the project's own recipes: config.json, model.safetensors, vocab.model, and maybe a Marian shortlist,
 * lex.bin. Its tensors carry the names of
 * the checkpoint ("glossa"), or those of torch.nn.TransformerEncoder and Decoder ("encoder-decoder").
 * @param {SourceFiles} files
 * @param {any} config parsed config.json
 * @param {SourceOptions} options
 * @returns {Promise<CanonicalModel>}
 */
export async function openRecipe(files, config, options) {
  const names = config.architecture === "glossa";
  const raw = await openSafetensors(await files.need("model.safetensors"));
  const file = await files.need("vocab.model");
  const vocabulary = readSentencePiece(await file.read(), file.name);
  const tensors = names ? /** @type {Map<string, SourceTensor>} */ (raw) : renameTorch(raw);

  ensure(
    vocabulary.tokens.length === config.vocab,
    `${file.name} has ${vocabulary.tokens.length} pieces, but config.json says vocab ${show(config.vocab)}`,
  );
  for (const key of /** @type {const} */ (["unk", "bos", "eos", "pad"]))
    ensure(
      config[key] === undefined || vocabulary[key] < 0 || vocabulary[key] === config[key],
      `${file.name} has ${key} ${vocabulary[key]}, but config.json says ${show(config[key])}`,
    );
  if (Number.isInteger(config.eos)) vocabulary.eos = config.eos;

  /** @type {Record<string, string | string[]>} */
  const general = {};
  for (const [key, name] of Object.entries(GENERAL)) {
    const value = config[key];
    if (typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string")))
      general[name] = value;
  }
  const known = [config.pad, config.unk, config.bos].filter((id) => Number.isInteger(id));
  const lists = await files.find("lex.bin");
  const { training_length: trainingLength, ...hints } = config.hints ?? {};
  return {
    file: "model.safetensors",
    config: {
      sourceLanguages: options.source ?? languages(config.source_language),
      targetLanguages: options.target ?? languages(config.target_language),
      targetTokens: config.target_language_tokens,
      encoderLayers: config.encoder_layers,
      decoderLayers: config.decoder_layers,
      width: config.d_model,
      ffnWidth: config.ffn,
      heads: config.heads,
      context: config.context ?? 512,
      norm: config.norm,
      normEpsilon: config.norm_epsilon ?? config.norm_eps,
      activation: config.activation,
      position: config.position,
      mixer: config.mixer ?? "attention",
      decoderStart: config.decoder_start,
      bannedIds: config.banned_ids ?? known,
      embeddingScale: config.embedding_scale,
      alignment:
        config.alignment_layer === undefined
          ? undefined
          : { layer: config.alignment_layer, head: config.alignment_head },
      sharedEmbedding: !tensors.has("dec.token_embd.weight"),
      sharedOutput: !tensors.has("output.weight"),
      sourceVocabulary: config.vocab,
      targetVocabulary: config.vocab,
    },
    vocabulary,
    tensors,
    shortlist: lists && (await readShortlist(lists, config.vocab, config.vocab)),
    general,
    hints: { trainingLength, ...hints },
    warnings: [],
  };
}

/** @param {unknown} value @returns {string[]} */
function languages(value) {
  return [value].flat(1).filter((item) => typeof item === "string");
}

/**
 * From the names of torch.nn.TransformerEncoder and TransformerDecoder; `in_proj` stacks query, key and value.
 * @param {Map<string, FloatTensor>} raw
 * @returns {Map<string, SourceTensor>}
 */
function renameTorch(raw) {
  const blocks = /** @type {Record<string, string>} */ ({
    "self_attn.out_proj": "attn_o",
    "multihead_attn.out_proj": "cross_attn_o",
    linear1: "ffn_up",
    linear2: "ffn_down",
  });
  /** @type {Map<string, SourceTensor>} */
  const tensors = new Map();
  for (const [name, tensor] of raw) {
    const match = /^(enc|dec)\.layers\.(\d+)\.(.+?)[._](weight|bias)$/.exec(name);
    if (!match) {
      const global = /** @type {Record<string, string>} */ ({
        "emb.weight": "token_embd.weight",
        bias: "output.bias",
        "enc.norm.weight": "enc.output_norm.weight",
        "enc.norm.bias": "enc.output_norm.bias",
        "dec.norm.weight": "dec.output_norm.weight",
        "dec.norm.bias": "dec.output_norm.bias",
      })[name];
      tensors.set(global ?? name, tensor);
      continue;
    }
    const [, side, layer, block, part] = match;
    const base = `${side}.blk.${layer}.`;
    const norms = side === "enc" ? ["attn_norm", "ffn_norm"] : ["attn_norm", "cross_attn_norm", "ffn_norm"];
    if (block.endsWith(".in_proj")) {
      const attention = block.startsWith("multihead_attn") ? "cross_attn" : "attn";
      for (const [i, letter] of ["q", "k", "v"].entries())
        tensors.set(`${base}${attention}_${letter}.${part}`, third(tensor, i));
    } else {
      const norm = /^norm(\d)$/.exec(block);
      tensors.set(`${base}${norm ? norms[Number(norm[1]) - 1] : (blocks[block] ?? block)}.${part}`, tensor);
    }
  }
  return tensors;
}

/**
 * One of three tensors stacked along the first dimension.
 * @param {FloatTensor} tensor
 * @param {number} i
 * @returns {FloatTensor}
 */
function third(tensor, i) {
  const rows = tensor.shape[0] / 3;
  return {
    shape: [rows, ...tensor.shape.slice(1)],
    read: async () => {
      const all = await tensor.read();
      const size = all.length / 3;
      return all.subarray(i * size, (i + 1) * size);
    },
  };
}
