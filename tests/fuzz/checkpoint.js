// Checkpoints as small as they can be, right ones, for tests/fuzz/make-corpus.js and tests/fuzz/hostile.js to spoil.
import { bool, f32, f32s, ggufHeader, i32s, string, strings, u32 } from "../../src/js/convert/gguf-writer.js";

/** @typedef {import("../../src/js/convert/gguf-writer.js").Metadata} Metadata */
/** @typedef {{ name: string, type: "F32" | "I8" | "I32", ne: number[], data: Uint8Array }} Tensor */
/** @typedef {{ metadata: Metadata, tensors: Tensor[] }} Checkpoint */

// ---- a model that is as small as a model can be ----

export const D = 16;
export const PIECES = ["<unk>", "</s>", "▁", "a", "b", "▁A", "ab", "é"];
export const T = "tokenizer.ggml.";

let state = 1;
/** A whole number below n, the same in every run. @param {number} n */
export function random(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 4294967296) * n);
}

/** @param {string} name @param {number[]} ne @param {(i: number) => number} value @returns {Tensor} */
export function floats(name, ne, value) {
  const data = Float32Array.from({ length: ne.reduce((a, b) => a * b) }, (_, i) => value(i));
  return { name, type: "F32", ne, data: new Uint8Array(data.buffer) };
}

/** @returns {Metadata} */
export function vocabulary() {
  return new Map([
    [`${T}model`, string("unigram")],
    [`${T}tokens`, strings(PIECES)],
    [`${T}scores`, f32s(PIECES.map((_, i) => -1 - i / 4))],
    [`${T}token_type`, i32s([2, 3, 1, 1, 1, 1, 1, 1])],
    [`${T}eos_token_id`, u32(1)],
    [`${T}unknown_token_id`, u32(0)],
  ]);
}

/**
 * @typedef {object} Variant
 * @property {boolean} [ssru]
 * @property {boolean} [float] weights in float32
 * @property {string} [other] a matrix of the other type
 * @property {boolean} [pre]
 * @property {number} [heads]
 * @property {number} [encoder] layers
 * @property {number} [decoder]
 * @property {number} [context]
 * @property {number} [seed] of the weights; they differ from model to model without one
 */

/** @param {Variant} [variant] @returns {Checkpoint} */
export function model({
  ssru = false,
  float = false,
  other = "",
  pre = false,
  heads = 2,
  encoder = 1,
  decoder = 1,
  context = 16,
  seed = state,
} = {}) {
  state = seed;
  const metadata = vocabulary()
    .set("general.architecture", string("glossa"))
    .set("glossa.format_version", u32(1))
    .set("glossa.task", string("translation"))
    .set("glossa.source_language", string("en"))
    .set("glossa.target_language", string("de"))
    .set("glossa.encoder.block_count", u32(encoder))
    .set("glossa.decoder.block_count", u32(decoder))
    .set("glossa.embedding_length", u32(D))
    .set("glossa.feed_forward_length", u32(D))
    .set("glossa.attention.head_count", u32(heads))
    .set("glossa.context_length", u32(context))
    .set("glossa.norm.placement", string(pre ? "pre" : "post"))
    .set("glossa.norm.epsilon", f32(1e-5))
    .set("glossa.activation", string(pre ? "gelu-erf" : "relu"))
    .set("glossa.position", string("sinusoid-interleaved"))
    .set("glossa.decoder.mixer", string(ssru ? "ssru" : "attention"))
    .set("glossa.decoder.start", ssru ? string("zero-vector") : u32(1))
    .set("glossa.banned_ids", i32s([]))
    .set("glossa.embedding.scale", f32(4))
    .set("glossa.output.shared", bool(true));
  /** @type {Tensor[]} */
  const tensors = [];
  /** @param {string} base @param {number} rows @param {number} cols */
  const matrix = (base, rows, cols) => {
    if (float !== (base === other)) {
      tensors.push(floats(`${base}.weight`, [cols, rows], () => (random(255) - 127) / 400));
      return;
    }
    const data = Uint8Array.from({ length: rows * cols }, () => random(255) - 127);
    tensors.push({ name: `${base}.weight`, type: "I8", ne: [cols, rows], data });
    tensors.push(floats(`${base}.scale`, [1], () => 1 / 400));
  };
  /** @param {string} base */
  const norm = (base) => {
    tensors.push(floats(`${base}.weight`, [D], () => 1));
    tensors.push(floats(`${base}.bias`, [D], () => 0));
  };
  matrix("token_embd", PIECES.length, D);
  for (const side of ["enc", "dec"]) {
    const recurrent = ssru && side === "dec";
    for (let layer = 0; layer < (side === "dec" ? decoder : encoder); layer++) {
      const block = `${side}.blk.${layer}.`;
      const parts = recurrent ? ["ssru_w", "ssru_f"] : ["attn_q", "attn_k", "attn_v", "attn_o"];
      if (side === "dec") parts.push("cross_attn_q", "cross_attn_k", "cross_attn_v", "cross_attn_o");
      for (const part of [...parts, "ffn_up", "ffn_down"]) matrix(block + part, D, D);
      for (const part of [recurrent ? "ssru" : "attn", "ffn"]) norm(`${block}${part}_norm`);
      if (side === "dec") norm(`${block}cross_attn_norm`);
    }
    if (pre) norm(`${side}.output_norm`);
  }
  return { metadata, tensors };
}

// ---- bytes ----

/** The file. Tensors that share one array share one place. @param {Checkpoint} checkpoint */
export function bytesOf({ metadata, tensors }) {
  const header = Buffer.from(ggufHeader(metadata, tensors));
  const parts = [header];
  /** @type {Map<Uint8Array, number>} */
  const places = new Map();
  let end = 0;
  let at = tensors.length ? header.indexOf(tensors[0].name) - 8 : 0;
  for (const { name, ne, data } of tensors) {
    if (!places.has(data)) {
      const padding = (64 - (data.length % 64)) % 64;
      parts.push(Buffer.from(data), Buffer.alloc(padding));
      places.set(data, end);
      end += data.length + padding;
    }
    at += 8 + name.length + 4 + 8 * ne.length + 4;
    at = header.writeBigUInt64LE(BigInt(places.get(data) ?? 0), at);
  }
  return Buffer.concat(parts);
}
