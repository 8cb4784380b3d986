// A small seeded MarianMT folder as Hugging Face publishes them: weights as safetensors and in both formats of torch.save,
// by a pickle writer of its own.
import { concat, random, writeSpm, zip } from "./marian-student.js";

/** Width, feed-forward width, vocabulary and positions. */
export const [D, F, V, P] = [32, 48, 30, 16];
export const text = (/** @type {string} */ value) => new TextEncoder().encode(value);
export const json = (/** @type {unknown} */ value) => text(JSON.stringify(value));

/** @typedef {{ shape: number[], data: Float32Array }} Parameter */

/** The parameters of a small model, by the library's names. */
export function makeModel() {
  const next = random(11);
  /** @type {Map<string, Parameter>} */
  const state = new Map();
  const put = (/** @type {string} */ name, /** @type {number[]} */ ...shape) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const [centre, width] = name.endsWith("norm.weight") ? [1, 0.4] : name === "model.shared.weight" ? [0, 2] : [0, 1];
    state.set(name, { shape, data: Float32Array.from({ length: count }, () => centre + width * (next() - 0.5)) });
  };
  put("final_logits_bias", 1, V);
  put("model.shared.weight", V, D);
  for (const side of ["encoder", "decoder"]) {
    const base = `model.${side}.layers.0`;
    for (const attention of side === "encoder" ? ["self_attn"] : ["self_attn", "encoder_attn"]) {
      for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
        put(`${base}.${attention}.${part}.weight`, D, D);
        put(`${base}.${attention}.${part}.bias`, D);
      }
      put(`${base}.${attention}_layer_norm.weight`, D);
      put(`${base}.${attention}_layer_norm.bias`, D);
    }
    for (const [name, rows, cols] of /** @type {const} */ ([
      ["fc1", F, D],
      ["fc2", D, F],
    ])) {
      put(`${base}.${name}.weight`, rows, cols);
      put(`${base}.${name}.bias`, rows);
    }
    put(`${base}.final_layer_norm.weight`, D);
    put(`${base}.final_layer_norm.bias`, D);
  }
  /** @type {Parameter} */ (state.get("final_logits_bias")).data[0] = 4; // so that sentences end
  return state;
}

/** @param {Map<string, Parameter>} state */
export function safetensors(state) {
  /** @type {Record<string, unknown>} */
  const header = {};
  let at = 0;
  for (const [name, { shape, data }] of state) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const head = json(header);
  const size = new Uint8Array(BigUint64Array.of(BigInt(head.length)).buffer);
  return concat(size, head, ...[...state.values()].map(({ data }) => new Uint8Array(data.buffer)));
}

/* A pickle writer for what torch.save writes; [opcodes] are from Python's pickletools. */
export const op = (/** @type {string} */ code, /** @type {Uint8Array[]} */ ...rest) =>
  concat(Uint8Array.of(code.charCodeAt(0)), ...rest);
const u32 = (/** @type {number} */ n) => new Uint8Array(Uint32Array.of(n).buffer);
export const integer = (/** @type {number} */ n) => op("J", u32(n));
export const string = (/** @type {string} */ value) => op("X", u32(text(value).length), text(value));
export const tuple = (/** @type {Uint8Array[]} */ ...items) => concat(op("("), ...items, op("t"));
export const named = (/** @type {string} */ module, /** @type {string} */ name) =>
  op("c", text(`${module}\n${name}\n`));
export const call = (/** @type {Uint8Array} */ callee, /** @type {Uint8Array[]} */ ...args) =>
  concat(callee, tuple(...args), op("R"));
export const pickle = (/** @type {Uint8Array} */ body) => concat(Uint8Array.of(0x80, 2), body, op("."));

/** A state dictionary. @param {Map<string, Parameter>} state @param {{ legacy?: boolean, storage?: string, transposed?: string }} options */
function pickledState(state, { legacy = false, storage = "FloatStorage", transposed } = {}) {
  const items = [...state].map(([name, { shape, data }], i) => {
    const id = [string("storage"), named("torch", storage), string(String(i)), string("cpu"), integer(data.length)];
    if (legacy) id.push(op("N"));
    const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
    if (name === transposed) strides.splice(0, 2, 1, shape[0]);
    const tensor = call(
      named("torch._utils", "_rebuild_tensor_v2"),
      concat(tuple(...id), op("Q")),
      integer(0),
      tuple(...shape.map(integer)),
      tuple(...strides.map(integer)),
      Uint8Array.of(0x89),
      call(named("collections", "OrderedDict")),
    );
    return concat(string(name), tensor);
  });
  return pickle(concat(call(named("collections", "OrderedDict")), op("("), ...items, op("u")));
}

/** @param {Map<string, Parameter>} state @param {Parameters<typeof pickledState>[1]} [options] */
export function torchZip(state, options) {
  const data = [...state.values()].map(({ data }) => data);
  return zip([
    ["archive/data.pkl", pickledState(state, options)],
    ["archive/byteorder", text("little")],
    ...data.map(
      (/** @type {Float32Array} */ values, i) =>
        /** @type {[string, Uint8Array]} */ ([`archive/data/${i}`, new Uint8Array(values.buffer)]),
    ),
    ["archive/version", text("3\n")],
  ]);
}

/** @param {Map<string, Parameter>} state */
export function torchLegacy(state) {
  const magic = Uint8Array.of(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);
  const keys = [...state.keys()].map((_, i) => string(String(i)));
  return concat(
    pickle(magic),
    pickle(integer(1001)),
    pickle(concat(op("}"), op("("), string("little_endian"), Uint8Array.of(0x88), op("u"))),
    pickledState(state, { legacy: true }),
    pickle(concat(op("]"), op("("), ...keys, op("e"))),
    ...[...state.values()].map(({ data }) =>
      concat(new Uint8Array(BigUint64Array.of(BigInt(data.length)).buffer), new Uint8Array(data.buffer)),
    ),
  );
}

const CONFIG = {
  model_type: "marian",
  _name_or_path: "Someone/opus-mt-en-de",
  d_model: D,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_attention_heads: 4,
  decoder_attention_heads: 4,
  encoder_ffn_dim: F,
  decoder_ffn_dim: F,
  activation_function: "swish",
  scale_embedding: true,
  static_position_embeddings: true,
  max_position_embeddings: P,
  vocab_size: V,
  share_encoder_decoder_embeddings: true,
  tie_word_embeddings: true,
  pad_token_id: V - 1,
  decoder_start_token_id: V - 1,
  eos_token_id: 0,
  bad_words_ids: [[V - 1]],
};
const GENERATION = {
  bad_words_ids: [[V - 1]],
  decoder_start_token_id: V - 1,
  eos_token_id: 0,
  forced_eos_token_id: 0,
  max_length: P,
  pad_token_id: V - 1,
};
const SPM = writeSpm(12, { first: ["<unk>", "<s>", "</s>"] });
/** @type {Record<string, number>} */
export const IDS = { "</s>": 0, "<unk>": 1, "\u2581da3": 2, ea4: 3, "\u2581fa5": 4, ga6: 5, "<pad>": V - 1 };
for (let id = 6; id < V - 1; id++) IDS[`other${id}`] = id;

/** @param {Record<string, unknown>} [config] @param {Record<string, Uint8Array>} [more] */
export function folder(config = {}, more = {}) {
  /** @type {Record<string, Uint8Array>} */
  const files = {
    "config.json": json({ ...CONFIG, ...config }),
    "generation_config.json": json(GENERATION),
    "vocab.json": json(IDS),
    "source.spm": SPM,
    "target.spm": SPM,
    ...more,
  };
  if (!Object.keys(more).some((name) => /model\./.test(name))) files["model.safetensors"] = safetensors(makeModel());
  return files;
}

/** Source tokens that choose the target language of the multilingual folder. */
export const LANGUAGE_IDS = { ">>deu<<": 7, ">>nob<<": 8, ">>zh_Hans<<": 9 };

/** The same with tokens that choose the target language. @param {Record<string, Uint8Array>} [more] */
export function multilingualFolder(more) {
  /** @type {Record<string, number>} */
  const ids = { ...IDS, ...LANGUAGE_IDS };
  for (const id of Object.values(LANGUAGE_IDS)) delete ids[`other${id}`];
  return folder({ _name_or_path: "Someone/opus-mt-en-mul" }, { "vocab.json": json(ids), ...more });
}
