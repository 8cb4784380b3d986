import { asBytes, ByteWriter, encodeUtf8 } from "./bytes.js";
import { tensorTable } from "./canonical.js";
import { ConvertError, ensure, show } from "./errors.js";
import { marianNames } from "./marian-options.js";
import { transpose } from "./transpose.js";
import { crc32 } from "./zip.js";

/**
 * The way back: a Glossa checkpoint as a Marian model. Only networks that Marian has can go: its own position encoding
 * and a decoder that starts from the zero vector, as imported models have them.
 *
 * @typedef {import("./canonical.js").Config} Config
 * @typedef {import("./gguf-reader.js").GgufFile} GgufFile
 * @typedef {(bytes: Uint8Array) => unknown} Write is awaited; must not keep the bytes
 *
 * `bytes` is what `read` will give.
 * @typedef {{ name: string, shape: number[], quantized: boolean, bytes: number, read(): Promise<Uint8Array> }} Item
 */

const ACTIVATIONS = /** @type {Record<string, string>} */ ({ relu: "relu", silu: "swish", "gelu-sigmoid": "gelu" });
const FLOAT32 = 0x404;
const INT8 = 0x101;
const INTGEMM8 = 0x4101;
const BLOB_ALIGNMENT = 256;
const YAML = "special:model.yml";

/**
 * The description that a checkpoint's keys give.
 * @param {GgufFile} gguf
 * @returns {Config}
 */
function readConfig(gguf) {
  const start = gguf.get("glossa.decoder.start");
  const rows = (/** @type {string} */ name) => gguf.tensor(name).ne[1];
  const sharedEmbedding = !gguf.tensors.has("dec.token_embd.weight");
  const languages = (/** @type {string} */ side) => [gguf.get(`glossa.${side}_language`) ?? "und"].flat().map(String);
  return {
    sourceLanguages: languages("source"),
    targetLanguages: languages("target"),
    encoderLayers: gguf.number("glossa.encoder.block_count"),
    decoderLayers: gguf.number("glossa.decoder.block_count"),
    width: gguf.number("glossa.embedding_length"),
    ffnWidth: gguf.number("glossa.feed_forward_length"),
    heads: gguf.number("glossa.attention.head_count"),
    context: gguf.number("glossa.context_length"),
    norm: gguf.string("glossa.norm.placement"),
    normEpsilon: gguf.number("glossa.norm.epsilon"),
    activation: gguf.string("glossa.activation"),
    position: gguf.string("glossa.position"),
    mixer: gguf.string("glossa.decoder.mixer"),
    decoderStart: start === "zero-vector" ? start : gguf.number("glossa.decoder.start"),
    bannedIds: [],
    embeddingScale: gguf.number("glossa.embedding.scale"),
    sharedEmbedding,
    sharedOutput: !gguf.tensors.has("output.weight"),
    sourceVocabulary: rows("token_embd.weight"),
    targetVocabulary: rows(sharedEmbedding ? "token_embd.weight" : "dec.token_embd.weight"),
  };
}

/**
 * Refuses what Marian's Transformer cannot do, by key and value.
 * @param {Config} c
 */
function checkConfig(c) {
  const refuse = (/** @type {string} */ key, /** @type {unknown} */ value, /** @type {string} */ has) =>
    new ConvertError(`cannot be exported: glossa.${key} is ${show(value)}, but Marian has only ${has}`);
  if (c.norm !== "post") throw refuse("norm.placement", c.norm, '"post" of the same meaning');
  if (c.position !== "sinusoid-marian") throw refuse("position", c.position, '"sinusoid-marian"');
  if (c.decoderStart !== "zero-vector") throw refuse("decoder.start", c.decoderStart, '"zero-vector"');
  if (!ACTIVATIONS[c.activation]) throw refuse("activation", c.activation, Object.keys(ACTIVATIONS).join(", "));
  const scale = Math.fround(Math.sqrt(c.width));
  if (c.embeddingScale !== scale) throw refuse("embedding.scale", c.embeddingScale, String(scale));
  if (c.normEpsilon !== Math.fround(1e-6)) throw refuse("norm.epsilon", c.normEpsilon, "0.000001");
}

/** @param {Config} c */
function yamlOf(c) {
  return `dec-cell: ${c.mixer === "ssru" ? "ssru" : "gru"}
dec-cell-base-depth: 2
dec-cell-high-depth: 1
dec-depth: ${c.decoderLayers}
dim-emb: ${c.width}
dim-rnn: 1024
dim-vocabs:
  - ${c.sourceVocabulary}
  - ${c.targetVocabulary}
enc-cell: gru
enc-cell-depth: 1
enc-depth: ${c.encoderLayers}
enc-type: bidirectional
input-types:
  []
layer-normalization: false
lemma-dim-emb: 0
output-omit-bias: false
right-left: false
skip: false
special-vocab:
  []
tied-embeddings: ${!c.sharedEmbedding && c.sharedOutput}
tied-embeddings-all: ${c.sharedEmbedding && c.sharedOutput}
tied-embeddings-src: ${c.sharedEmbedding && !c.sharedOutput}
transformer-aan-activation: swish
transformer-aan-depth: 2
transformer-aan-nogate: false
transformer-decoder-autoreg: ${c.mixer === "ssru" ? "rnn" : "self-attention"}
transformer-dim-aan: 2048
transformer-dim-ffn: ${c.ffnWidth}
transformer-ffn-activation: ${ACTIVATIONS[c.activation]}
transformer-ffn-depth: 2
transformer-guided-alignment-layer: last
transformer-heads: ${c.heads}
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
ulr-dim-emb: 0
ulr-trainable-transformation: false
version: v1.12.0
`;
}

/**
 * The parameters in Marian's order, sorted by name.
 * @param {GgufFile} gguf
 * @param {Config} c
 * @param {boolean} int8 keep matrices that have one scale a tensor as they are
 * @returns {Item[]}
 */
function itemsOf(gguf, c, int8) {
  /** @type {Item[]} */
  const items = [];
  for (const { name, shape, matrix } of tensorTable(c)) {
    const [first, second] = marianNames(name);
    const theirs = name === "token_embd.weight" && !c.sharedEmbedding ? second : first;
    const tensor = gguf.tensors.get(name);
    const size = shape.reduce((a, b) => a * b, 1);
    if (!matrix) {
      const inert = name.endsWith("ssru_w.bias");
      ensure(!inert || !tensor, `cannot be exported: Marian's SSRU has no place for tensor ${name}`);
      if (inert) continue;
      const zeros = async () => new Uint8Array(4 * size); // a bias that the model does without
      const read = tensor ? async () => asBytes(await gguf.read(name)) : zeros;
      items.push({ name: theirs.name, shape: [1, ...shape], quantized: false, bytes: 4 * size, read });
      continue;
    }
    const [rows, cols] = shape;
    const base = name.replace(/weight$/, "");
    const turned = theirs.transposed;
    if (int8 && gguf.tensor(name).type === "I8" && gguf.tensor(`${base}scale`).ne[0] === 1) {
      items.push(int8Item(gguf, name, theirs, shape));
      const alphas = gguf.tensors.has(`${base}act_scale`) ? [`${theirs.name}_QuantMultA`] : [];
      const isOutput = c.sharedOutput && name === (c.sharedEmbedding ? "token_embd.weight" : "dec.token_embd.weight");
      if (alphas.length > 0 && isOutput) alphas.push("none_QuantMultA");
      const read = async () => asBytes(Float32Array.of(1 / (await gguf.read(`${base}act_scale`))[0]));
      for (const alpha of alphas) items.push({ name: alpha, shape: [1, 1], quantized: false, bytes: 4, read });
      continue;
    }
    items.push({
      name: theirs.name,
      shape: turned ? [cols, rows] : shape,
      quantized: false,
      bytes: 4 * size,
      read: async () => {
        const values = await floats(gguf, name, rows, cols);
        return asBytes(turned ? transpose(values, cols, rows, Float32Array) : values);
      },
    });
  }
  return items.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param {GgufFile} gguf
 * @param {string} name
 * @param {{ name: string, transposed: boolean }} theirs
 * @param {number[]} shape
 * @returns {Item}
 */
function int8Item(gguf, name, theirs, [rows, cols]) {
  // All but embeddings are stored [out][in]; an output table of its own counts as a matrix of V inputs.
  const turned = !theirs.transposed && !theirs.name.includes("Wemb");
  const bytes = rows * cols + 4;
  return {
    name: theirs.name,
    shape: theirs.transposed ? [cols, rows] : [rows, cols],
    quantized: true,
    bytes,
    read: async () => {
      const q = /** @type {Int8Array} */ (await gguf.read(name));
      const [scale] = await gguf.read(name.replace(/weight$/, "scale"));
      const out = new Uint8Array(bytes);
      out.set(asBytes(turned ? transpose(q, cols, rows, Int8Array) : q));
      new DataView(out.buffer).setFloat32(rows * cols, 1 / scale, true);
      return out;
    },
  };
}

/**
 * A matrix as float32.
 * @param {GgufFile} gguf
 * @param {string} name
 * @param {number} rows
 * @param {number} cols
 */
async function floats(gguf, name, rows, cols) {
  const values = await gguf.read(name);
  if (gguf.tensor(name).type !== "I8") return /** @type {Float32Array} */ (values);
  const scale = await gguf.read(name.replace(/weight$/, "scale"));
  const out = new Float32Array(rows * cols);
  for (let row = 0, i = 0; row < rows; row++) {
    const step = scale[scale.length === 1 ? 0 : row];
    for (let col = 0; col < cols; col++, i++) out[i] = values[i] * step;
  }
  return out;
}

/**
 * Writes a checkpoint as a Marian model: `.bin` keeps int8 weights that have one scale a tensor (intgemm8), everything
 * else becomes float32, as all of a `.npz` does.
 * @param {GgufFile} gguf
 * @param {{ format: "bin" | "npz", write: Write, onProgress?: (done: number, total: number) => void }} options
 * @returns {Promise<number>} bytes written
 */
export async function exportMarian(gguf, { format, write, onProgress }) {
  const config = readConfig(gguf);
  checkConfig(config);
  const items = itemsOf(gguf, config, format === "bin");
  const yaml = encodeUtf8(`${yamlOf(config)}\0`);
  const option = { name: YAML, shape: [yaml.length], quantized: false, bytes: yaml.length, read: async () => yaml };
  const total = items.reduce((sum, { bytes }) => sum + bytes, yaml.length);
  let done = 0;
  /** @type {Write} */
  const put = async (bytes) => {
    await write(bytes);
    done += bytes.length;
    onProgress?.(Math.min(done, total), total);
  };
  await (format === "bin" ? writeBin(items, option, put) : writeNpz(items, option, put));
  onProgress?.(total, total);
  return done;
}

const aligned = (/** @type {number} */ n) => Math.ceil(n / BLOB_ALIGNMENT) * BLOB_ALIGNMENT;

/** @param {Item[]} parameters @param {Item} option @param {Write} write */
async function writeBin(parameters, option, write) {
  const items = [...parameters, option];
  const names = items.map(({ name }) => encodeUtf8(`${name}\0`));
  const before = items.reduce((sum, { shape }, i) => sum + 32 + names[i].length + 4 * shape.length, 16);
  const start = (Math.floor((before + 8) / BLOB_ALIGNMENT) + 1) * BLOB_ALIGNMENT;
  const out = new ByteWriter(start);
  out.u64(1);
  out.u64(items.length);
  for (const [i, { name, shape, quantized, bytes }] of items.entries()) {
    out.u64(names[i].length);
    out.u64(quantized ? INTGEMM8 : name === YAML ? INT8 : FLOAT32);
    out.u64(shape.length);
    out.u64(aligned(bytes));
  }
  for (const name of names) out.raw(name);
  for (const { shape } of items) for (const n of shape) out.u32(n);
  out.u64(start - before - 8);
  out.extend(start - before - 8);
  await write(out.done());
  for (const { bytes, read } of items) {
    await write(await read());
    if (aligned(bytes) > bytes) await write(new Uint8Array(aligned(bytes) - bytes));
  }
}

/** @param {Item[]} parameters @param {Item} option @param {Write} write */
async function writeNpz(parameters, option, write) {
  const items = [...parameters, option];
  /** @type {Uint8Array[]} */
  const directory = [];
  let at = 0;
  for (const item of items) {
    const type = item.name === YAML ? "|i1" : "<f4";
    const dims = item.shape.length === 1 ? `${item.shape[0]},` : item.shape.join(", ");
    const about = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }`;
    const head = encodeUtf8(`${about.padEnd(aligned(about.length + 11) - 11)}\n`);
    const member = new ByteWriter(10 + head.length + item.bytes);
    member.raw(Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0)); // \x93NUMPY 1.0
    member.u16(head.length);
    member.raw(head);
    member.raw(await item.read());
    const data = member.done();
    const name = encodeUtf8(`${item.name}.npy`);
    const fields = new ByteWriter();
    for (const value of [20, 0, 0, 0, 0x21]) fields.u16(value); // version 2.0, stored, 1 January 1980
    for (const value of [crc32(data), data.length, data.length]) fields.u32(value);
    fields.u16(name.length);
    fields.u16(0);
    const local = new ByteWriter();
    local.u32(0x04034b50);
    local.raw(fields.done());
    local.raw(name);
    await write(local.done());
    await write(data);
    const central = new ByteWriter();
    central.u32(0x02014b50);
    central.u16(20);
    central.raw(fields.done());
    central.raw(new Uint8Array(10));
    central.u32(at);
    central.raw(name);
    directory.push(central.done());
    at += local.size + data.length;
    ensure(at < 2 ** 32 - 1, "cannot be exported: the archive would pass 4 GiB; write a .bin");
  }
  for (const entry of directory) await write(entry);
  const end = new ByteWriter();
  end.u32(0x06054b50);
  for (const value of [0, 0, items.length, items.length]) end.u16(value);
  end.u32(directory.reduce((sum, entry) => sum + entry.length, 0));
  end.u32(at);
  end.u16(0);
  await write(end.done());
}
