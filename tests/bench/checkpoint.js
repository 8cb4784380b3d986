// Takes a Glossa checkpoint apart for engines that read other formats: the same weights, in float32.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";

/**
 * @param {string} path
 */
export function openCheckpoint(path) {
  return GgufFile.open(new SourceFile(basename(path), new Uint8Array(readFileSync(path))));
}

/**
 * A tensor's values in float32; int8 ones times their scales, which are exactly the weights that the engine uses.
 * @param {GgufFile} file
 * @param {string} name
 */
async function floats(file, name) {
  const values = await file.read(name);
  if (values instanceof Float32Array) return values;
  const { ne } = file.tensor(name);
  const scales = await file.read(name.replace(/\.weight$/, ".scale"));
  return Float32Array.from(values, (value, i) => value * scales[scales.length === 1 ? 0 : Math.floor(i / ne[0])]);
}

/**
 * Writes config.json, model.safetensors (as the recipes export them) and pieces.json.
 * @param {GgufFile} file
 * @param {string} folder
 */
export async function writeExport(file, folder) {
  const key = (/** @type {string} */ name) => file.get(`glossa.${name}`);
  const pieces = /** @type {string[]} */ (file.get("tokenizer.ggml.tokens"));
  const start = key("decoder.start");
  const config = {
    architecture: "glossa",
    d_model: key("embedding_length"),
    ffn: key("feed_forward_length"),
    heads: key("attention.head_count"),
    encoder_layers: key("encoder.block_count"),
    decoder_layers: key("decoder.block_count"),
    vocab: file.tensor("token_embd.weight").ne[1],
    context: key("context_length"),
    norm: key("norm.placement"),
    norm_epsilon: key("norm.epsilon"),
    activation: key("activation"),
    position: key("position"),
    mixer: key("decoder.mixer"),
    embedding_scale: key("embedding.scale"),
    eos: file.get("tokenizer.ggml.eos_token_id"),
    decoder_start: start,
    banned_ids: Array.from(/** @type {ArrayLike<number>} */ (key("banned_ids"))),
  };

  /** @type {Record<string, { dtype: string, shape: number[], data_offsets: [number, number] }>} */
  const header = {};
  /** @type {Uint8Array[]} */
  const parts = [];
  let at = 0;
  for (const [name, { ne }] of file.tensors) {
    if (/\.(scale|act_scale)$/.test(name) || name.startsWith("shortlist.")) continue;
    const values = await floats(file, name);
    header[name] = { dtype: "F32", shape: [...ne].reverse(), data_offsets: [at, at + values.byteLength] };
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    at += values.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([size, json, ...parts]));
  writeFileSync(join(folder, "pieces.json"), JSON.stringify(pieces));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config, null, 1));
}
