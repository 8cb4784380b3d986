// Checkpoints that attack: each is well-formed as a container and was once the end of a heap, of a process or of an
// afternoon. SMALL ones are in the corpus; LARGE ones are made when a test wants them.
import { f32s, i32s, string, strings, u32 } from "../../src/js/convert/gguf-writer.js";
import { bytesOf, model, PIECES, T } from "./checkpoint.js";

/** @typedef {import("./checkpoint.js").Checkpoint} Checkpoint */
/** @typedef {import("./checkpoint.js").Variant} Variant */

/** A whole model, changed. @param {Variant} variant @param {(checkpoint: Checkpoint) => unknown} [change] */
function whole(variant, change) {
  const checkpoint = model({ seed: 1, ...variant });
  change?.(checkpoint);
  return bytesOf(checkpoint);
}

/** Equal tensors lie in one place, so that a file is smaller than its model. @param {Checkpoint} checkpoint */
function share({ tensors }) {
  /** @type {Map<string, Uint8Array>} */
  const kept = new Map();
  for (const tensor of tensors) {
    const kind = `${tensor.type} ${tensor.data.length}`;
    tensor.data = kept.get(kind) ?? tensor.data;
    kept.set(kind, tensor.data);
  }
}

/** Tensors that no model has. @param {number} count @param {number} rows @param {boolean} shared one place for all */
const addTensors = (count, rows, shared) => (/** @type {Checkpoint} */ { tensors }) => {
  const data = new Uint8Array(16 * rows);
  for (let i = 0; i < count; i++)
    tensors.push({ name: `x${i}`, type: "I8", ne: [16, rows], data: shared ? data : data.slice() });
};

/** More pieces behind those of the model; its table of embeddings grows. @param {string[]} texts @param {{ type?: number, bpe?: boolean }} [options] */
const addPieces = (texts, { type = 1, bpe = false } = {}) => (/** @type {Checkpoint} */ { metadata, tensors }) => {
  const pieces = [...PIECES, ...texts];
  metadata.set(`${T}tokens`, strings(pieces));
  metadata.set(`${T}scores`, f32s(pieces.map((_, i) => -1 - i / 4)));
  metadata.set(`${T}token_type`, i32s([2, 3, ...Array(PIECES.length - 2).fill(1), ...Array(texts.length).fill(type)]));
  if (bpe) metadata.set(`${T}model`, string("bpe"));
  const [table] = tensors;
  table.ne = [16, pieces.length];
  table.data = Uint8Array.from({ length: 16 * pieces.length }, (_, i) => i % 100);
};

/** Pieces of the longest kind, so many that a filter of their beginnings lets everything pass. @param {number} count */
const longPieces = (count) =>
  Array.from({ length: count }, (_, i) => `${"a".repeat(1023 - i)}b${"a".repeat(i)}`);

/**
 * Pieces that want the same 1,024 slots at most of a hash table of their number (FNV-1a and Fibonacci hashing, as
 * src/text/vocabulary.c starts).
 * @param {number} count
 */
function collidingPieces(count) {
  const bits = Math.max(4, Math.ceil(Math.log2(2 * (count + PIECES.length))));
  const texts = [];
  for (let n = 0; texts.length < count; n++) {
    const text = n.toString(36).padStart(6, "_");
    let hash = 2166136261;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    if (Math.imul(hash, 0x9e3779b1) >>> (32 - bits) < 1024) texts.push(text);
  }
  return texts;
}

const ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e";

/** @type {Record<string, () => Buffer>} */
export const SMALL = {
  "mix-qf32": () => whole({ other: "enc.blk.0.attn_k" }),
  "mix-cross": () => whole({ decoder: 2, ssru: true, other: "dec.blk.1.cross_attn_v" }),
  "overlap-all": () => whole({ ssru: true }, share),
  "overlap-one": () =>
    whole({ ssru: true }, ({ tensors }) => {
      tensors[2].data = tensors[4].data;
    }),
  "rowsum-unused": () => whole({ ssru: true }, addTensors(3, 64, false)),
  "far-id": () => whole({ ssru: true }, ({ metadata }) => metadata.set(`${T}ids`, i32s([0, 1, 2, 3, 4, 5, 6, 4194302]))),
  "wide-positions": () => whole({ ssru: true, context: 65536 }),
  esc: () =>
    whole({ ssru: true }, ({ metadata }) => {
      metadata.set("general.name", string(`a${ESCAPES}`));
      metadata.set("general.license", string(ESCAPES));
      metadata.set(`glossa.${ESCAPES}`, u32(1));
    }),
};

/** @type {Record<string, () => Buffer>} */
export const LARGE = {
  // Row sums of all int8 tensors: 2^32 of them wrap in 32 bits; 2^31 take 8 GB in 64.
  "rowsum-wrap": () => whole({}, addTensors(32768, 131072, true)),
  "rowsum-8g": () => whole({}, addTensors(16384, 131072, true)),
  "rowsum-1g": () => whole({}, addTensors(2048, 131072, true)),
  // 256 layers of 16 heads: the attention of 1,024 tokens has 2^32 elements. The second file is an honest one.
  "explain-wrap": () => whole({ encoder: 256, heads: 16, context: 2048 }, share),
  "explain-honest": () => whole({ encoder: 256, heads: 16, context: 2048 }),
  // Keys of 256 layers and 65,536 positions: 2^32 elements from a width of 256; here as much as a session may hold.
  "cache-wrap": () => whole({ decoder: 256, context: 65536 }, share),
  "cache-honest": () => whole({ decoder: 256, context: 65536 }),
  "bloom-unigram": () => whole({}, addPieces(longPieces(96))),
  "bloom-user": () => whole({}, addPieces(longPieces(96), { type: 4 })),
  "bloom-bpe-user": () => whole({}, addPieces(longPieces(96), { type: 4, bpe: true })),
  "collide-5000": () => whole({}, addPieces(collidingPieces(5000))),
  "collide-20000": () => whole({}, addPieces(collidingPieces(20000))),
};
