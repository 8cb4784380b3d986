// Seeded random Marian models for tests: parameters, `.bin` (float32, intgemm8, alphas), `.npz`, SentencePiece models and
// shortlists, written straight from the description of the formats, so that the converter's readers meet files that it
// did not make. Legend: D width, F feed-forward width, V vocabulary.

/** @typedef {{ shape: number[], data: Float32Array }} Parameter */

/**
 * @typedef {{
 *   seed?: number, width?: number, ffn?: number, heads?: number, encoder?: number, decoder?: number,
 *   vocabulary?: number, targetVocabulary?: number, autoreg?: "rnn" | "self-attention",
 *   activation?: string, untied?: "Wt" | "W", outputBias?: boolean, eosBias?: number,
 * }} Shape `targetVocabulary`: two tables; `untied`: an output table of its own, by the end of its name
 */

/** Uniform numbers in [0, 1), the same on every machine (mulberry32). @param {number} seed */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {Uint8Array[]} parts */
export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const text = (/** @type {string} */ value) => new TextEncoder().encode(value);

/** @param {ArrayBufferView} view */
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Little-endian numbers of 8 bytes. @param {(number | bigint)[]} values */
const u64 = (...values) => bytes(BigUint64Array.from(values, BigInt));
const u32 = (/** @type {number[]} */ ...values) => bytes(Uint32Array.from(values));
const u16 = (/** @type {number[]} */ ...values) => bytes(Uint16Array.from(values));

/**
 * The parameters of a student, by Marian's names, and the yaml of its options.
 * @param {Shape} shape
 */
export function makeStudent(shape = {}) {
  const { seed = 1, width: D = 32, ffn: F = 48, heads = 4, encoder = 2, decoder = 2, vocabulary: V = 40 } = shape;
  const { autoreg = "rnn", activation = "relu", untied, outputBias = true, eosBias = 0 } = shape;
  const T = shape.targetVocabulary ?? V;
  const next = random(seed);
  /** @type {Map<string, Parameter>} */
  const parameters = new Map();
  const uniform = (/** @type {number} */ n, /** @type {number} */ limit, /** @type {number} */ middle = 0) =>
    Float32Array.from({ length: n }, () => middle + (next() * 2 - 1) * limit);
  const matrix = (/** @type {string} */ name, /** @type {number} */ rows, /** @type {number} */ cols) =>
    parameters.set(name, { shape: [rows, cols], data: uniform(rows * cols, Math.sqrt(6 / (rows + cols))) });
  const vector = (/** @type {string} */ name, /** @type {number} */ n, /** @type {number} */ middle = 0) =>
    parameters.set(name, { shape: [1, n], data: uniform(n, 0.1, middle) });
  const layerNorm = (/** @type {string} */ prefix) => {
    vector(`${prefix}_ln_scale`, D, 1);
    vector(`${prefix}_ln_bias`, D);
  };
  const attention = (/** @type {string} */ prefix) => {
    for (const part of "qkvo") {
      matrix(`${prefix}_W${part}`, D, D);
      vector(`${prefix}_b${part}`, D);
    }
    layerNorm(`${prefix}_Wo`);
  };
  const feedForward = (/** @type {string} */ prefix) => {
    matrix(`${prefix}_W1`, D, F);
    vector(`${prefix}_b1`, F);
    matrix(`${prefix}_W2`, F, D);
    vector(`${prefix}_b2`, D);
    layerNorm(`${prefix}_ffn`);
  };
  for (let i = 1; i <= encoder; i++) {
    attention(`encoder_l${i}_self`);
    feedForward(`encoder_l${i}_ffn`);
  }
  for (let i = 1; i <= decoder; i++) {
    if (autoreg === "rnn") {
      const prefix = `decoder_l${i}_rnn`;
      matrix(`${prefix}_W`, D, D);
      matrix(`${prefix}_Wf`, D, D);
      vector(`${prefix}_bf`, D);
      layerNorm(`${prefix}_ffn`);
    } else attention(`decoder_l${i}_self`);
    attention(`decoder_l${i}_context`);
    feedForward(`decoder_l${i}_ffn`);
  }
  const embedding = (/** @type {string} */ name, /** @type {number} */ rows) =>
    parameters.set(name, { shape: [rows, D], data: uniform(rows * D, Math.sqrt(3 / D)) });
  if (shape.targetVocabulary === undefined) embedding("Wemb", V);
  else {
    embedding("encoder_Wemb", V);
    embedding("decoder_Wemb", T);
  }
  if (untied === "Wt") embedding("decoder_ff_logit_out_Wt", T);
  if (untied === "W") matrix("decoder_ff_logit_out_W", D, T);
  if (outputBias) {
    vector("decoder_ff_logit_out_b", T);
    /** @type {Parameter} */ (parameters.get("decoder_ff_logit_out_b")).data[0] += eosBias;
  }

  const yaml = `bert-train-type-embeddings: true
dec-cell: ssru
dec-cell-base-depth: 2
dec-depth: ${decoder}
dim-emb: ${D}
dim-rnn: 1024
dim-vocabs:
  - ${V}
  - ${T}
enc-cell: gru
enc-depth: ${encoder}
enc-type: bidirectional
input-types:
  []
layer-normalization: false
lemma-dim-emb: 0
right-left: false
skip: false
tied-embeddings-all: ${shape.targetVocabulary === undefined && !untied}
transformer-aan-activation: swish
transformer-decoder-autoreg: ${autoreg}
transformer-dim-ffn: ${F}
transformer-ffn-activation: ${activation}
transformer-ffn-depth: 2
transformer-guided-alignment-layer: last
transformer-heads: ${heads}
transformer-no-projection: false
transformer-pool: false
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-postprocess-top: ""
transformer-preprocess: ""
transformer-tied-layers:
  []
transformer-train-position-embeddings: false
type: transformer
ulr: false
version: v1.9.0; 2023
`;
  return { parameters, yaml };
}

/** Whether Marian quantizes a parameter. @param {string} name */
export const isMatrix = (name) => /_W.?$/.test(name) || name.includes("Wemb");

/**
 * intgemm8 as Marian stores it: one multiplier a tensor; all but embeddings transposed in memory.
 * @param {string} name
 * @param {Parameter} parameter
 */
export function intgemm8(name, { shape: [rows, cols], data }) {
  const multiplier = Math.fround(127 / data.reduce((max, value) => Math.max(max, Math.abs(value)), 0));
  const q = new Int8Array(rows * cols);
  const turned = !name.includes("Wemb");
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) {
      const value = Math.max(-127, Math.min(127, Math.round(data[r * cols + c] * multiplier)));
      q[turned ? c * rows + r : r * cols + c] = value;
    }
  return { q, multiplier };
}

/** The matrices of a student as intgemm8, by name. @param {ReturnType<typeof makeStudent>} student */
export function int8Of({ parameters }) {
  const made = new Map(
    [...parameters].filter(([name]) => isMatrix(name)).map(([name, p]) => [name, intgemm8(name, p)]),
  );
  return (/** @type {string} */ name) => /** @type {ReturnType<typeof intgemm8>} */ (made.get(name));
}

/**
 * A `.bin`, version 1.
 * @param {ReturnType<typeof makeStudent>} student
 * @param {"float32" | "intgemm8" | "alphas"} kind
 * @param {(name: string) => number} [alphaOf] the activation multiplier of a matrix
 */
export function writeBin({ parameters, yaml }, kind, alphaOf = () => 127 / 6) {
  /** @type {{ name: string, shape: number[], type: number, data: Uint8Array }[]} */
  const items = [];
  for (const [name, parameter] of [...parameters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { shape, data } = parameter;
    if (kind === "float32" || !isMatrix(name)) items.push({ name, shape, type: 0x404, data: bytes(data) });
    else {
      const { q, multiplier } = intgemm8(name, parameter);
      items.push({ name, shape, type: 0x4101, data: concat(bytes(q), bytes(Float32Array.of(multiplier))) });
      const alpha = { shape: [1, 1], type: 0x404, data: bytes(Float32Array.of(alphaOf(name))) };
      if (kind === "alphas") items.push({ name: `${name}_QuantMultA`, ...alpha });
      if (kind === "alphas" && name === "Wemb") items.push({ name: "none_QuantMultA", ...alpha });
    }
  }
  const option = text(`${yaml}\0`);
  items.push({ name: "special:model.yml", shape: [option.length], type: 0x101, data: option });
  const blobs = items.map(({ data }) => concat(data, new Uint8Array((256 - (data.length % 256)) % 256)));
  const heads = items.map(({ name, shape, type }, i) =>
    u64(text(name).length + 1, type, shape.length, blobs[i].length),
  );
  const before = concat(
    u64(1, items.length),
    ...heads,
    ...items.map(({ name }) => text(`${name}\0`)),
    ...items.map(({ shape }) => u32(...shape)),
  );
  const start = (Math.floor((before.length + 8) / 256) + 1) * 256;
  const filler = start - before.length - 8;
  return concat(before, u64(filler), new Uint8Array(filler), ...blobs);
}

/** @param {number[]} shape @param {string} type @param {Uint8Array} data */
function npy(shape, type, data) {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }`;
  header = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  return concat(Uint8Array.of(0x93), text("NUMPY"), Uint8Array.of(1, 0), u16(header.length), text(header), data);
}

/** Bit by bit, as the standard has it. @param {Uint8Array} data */
export function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/**
 * A zip archive; `pack` deflates where given.
 * @param {[string, Uint8Array][]} members
 * @param {(data: Uint8Array) => Uint8Array} [pack] raw deflate
 */
export function zip(members, pack) {
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const directory = [];
  let at = 0;
  for (const [name, data] of members) {
    const packed = pack ? pack(data) : data;
    const fields = concat(
      u16(20, 0, pack ? 8 : 0, 0, 0),
      u32(crc32(data), packed.length, data.length),
      u16(text(name).length, 0),
    );
    const local = concat(u32(0x04034b50), fields, text(name), packed);
    directory.push(concat(u32(0x02014b50), u16(20), fields, u16(0, 0, 0), u32(0, at), text(name)));
    parts.push(local);
    at += local.length;
  }
  const central = concat(...directory);
  const end = concat(u32(0x06054b50), u16(0, 0, members.length, members.length), u32(central.length, at), u16(0));
  return concat(...parts, central, end);
}

/**
 * A `.npz`.
 * @param {ReturnType<typeof makeStudent>} student
 * @param {(data: Uint8Array) => Uint8Array} [pack]
 */
export function writeNpz({ parameters, yaml }, pack) {
  /** @type {[string, Uint8Array][]} */
  const members = [...parameters].map(([name, { shape, data }]) => [`${name}.npy`, npy(shape, "<f4", bytes(data))]);
  const option = text(`${yaml}\0`);
  members.push(["special:model.yml.npy", npy([option.length], "|i1", option)]);
  return zip(members, pack);
}

/** A protobuf field. @param {number} field @param {number | Uint8Array | string} value numbers as varints */
function proto(field, value) {
  const varint = (/** @type {number} */ n) => {
    const out = [];
    for (; n > 127; n = Math.floor(n / 128)) out.push((n & 127) | 128);
    return Uint8Array.from([...out, n]);
  };
  if (typeof value === "number") return concat(varint(field * 8), varint(value));
  const data = typeof value === "string" ? text(value) : value;
  return concat(varint(field * 8 + 2), varint(data.length), data);
}

/**
 * A SentencePiece model of one-letter and made-up pieces: </s> 0, <unk> 1, then normal ones.
 * `words`: every piece starts with a space.
 * @param {number} size
 * @param {{ kind?: number, normalizer?: Uint8Array, extra?: Uint8Array, first?: string[], words?: boolean }} [options]
 */
export function writeSpm(
  size,
  { kind = 1, normalizer, extra = new Uint8Array(0), first = ["</s>", "<unk>"], words = false } = {},
) {
  const parts = [];
  for (let id = 0; id < size; id++) {
    const special = first[id];
    const letters = "abcdefghijklmnopqrstuvwxyz";
    const piece =
      special ?? `${words || id % 2 ? "\u2581" : ""}${letters[id % 26]}${letters[Math.floor(id / 26) % 26]}${id}`;
    const type = special === "<unk>" ? 2 : special === undefined ? 1 : 3;
    const score = concat(Uint8Array.of(2 * 8 + 5), bytes(Float32Array.of(special ? 0 : -1 - id / 8)));
    parts.push(proto(1, concat(proto(1, piece), score, ...(type === 1 ? [] : [proto(3, type)]))));
  }
  parts.push(proto(2, concat(proto(3, kind), proto(4, size), extra)));
  parts.push(proto(3, normalizer ?? proto(1, "identity")));
  return concat(...parts);
}

/**
 * A binary shortlist in which every source word has `best` target words.
 * @param {number} source
 * @param {number} target
 * @param {{ first?: number, best?: number, seed?: number }} [options]
 */
export function writeShortlist(source, target, { first = 8, best = 5, seed = 1 } = {}) {
  const next = random(seed);
  /** @type {number[][]} */
  const lists = [];
  for (let word = 0; word < source; word++) {
    const list = new Set();
    while (list.size < Math.min(best, target)) list.add(Math.floor(next() * target));
    lists.push([...list].sort((a, b) => a - b));
  }
  const offsets = [0];
  for (const list of lists) offsets.push(/** @type {number} */ (offsets.at(-1)) + list.length);
  const ids = lists.flat();
  return {
    lists,
    first,
    file: concat(
      u64(0xf11a48d5013417f5n, 0, first, best, offsets.length, ids.length),
      bytes(BigUint64Array.from(offsets, BigInt)),
      bytes(Uint32Array.from(ids)),
    ),
  };
}
