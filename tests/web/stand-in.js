// A model from Classical to modern Chinese, made by hand, for what the page does with Chinese: it reads one character
// after the other and writes each as a modern one, so that its translations can be told beforehand. Vectors hold a code
// of the token, then a one for the position; one head of the last layer finds the source token at its own position.

import { tensorTable } from "../../src/js/convert/canonical.js";
import { writeCheckpoint } from "../../src/js/convert/checkpoint.js";
import { random } from "../js/marian-student.js";

const CHARACTERS = "学而时习之，不亦说乎？有朋自远方来乐！三人行必我师焉。择其善者从改温故知新可以为矣青取于蓝吾曰";
/** @type {Record<string, string>} */
const MODERN = { 之: "的", 亦: "也", 说: "喜", 乎: "吗", 朋: "友", 自: "从", 吾: "我", 曰: "说", 矣: "了", 故: "旧" };

/** What the model writes. @param {string} text */
export const modern = (text) => [...text].map((one) => MODERN[one] ?? one).join("");

const WIDTH = 64;
const CODE = 16;
const POSITIONS = WIDTH - CODE;
const SHARPNESS = 0.4;

/** @returns {Promise<Buffer<ArrayBuffer>>} a checkpoint */
export async function standIn() {
  const bytes = Array.from({ length: 256 }, (_, value) => `<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`);
  const characters = [...new Set(CHARACTERS + Object.values(MODERN).join(""))];
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "\u2581", ...characters];
  const [unk, bos, eos, firstByte, firstPiece] = [0, 1, 2, 3, 259];
  const config = {
    sourceLanguages: ["lzh"],
    targetLanguages: ["zh"],
    encoderLayers: 2,
    decoderLayers: 2,
    width: WIDTH,
    ffnWidth: WIDTH,
    heads: WIDTH / CODE,
    context: POSITIONS,
    norm: "post",
    normEpsilon: 1e-6,
    activation: "relu",
    position: "learned",
    mixer: "attention",
    decoderStart: bos,
    bannedIds: [],
    embeddingScale: 1,
    alignment: { layer: 1, head: 0 },
    sharedEmbedding: false,
    sharedOutput: true,
    sourceVocabulary: tokens.length,
    targetVocabulary: tokens.length,
  };
  const next = random(7);
  const sign = () => (next() < 0.5 ? -1 : 1);
  const codes = tokens.map((_, id) => Array.from({ length: CODE }, () => (id < firstPiece && id !== eos ? 0 : sign())));
  const written = tokens.map((token) => tokens.indexOf(MODERN[token] ?? token));
  const keys = Array.from({ length: CODE * POSITIONS }, () => SHARPNESS * sign());

  /** @type {(name: string, at: number, from: number) => number} element (at, from) of a matrix, as far as it matters */
  const element = (name, at, from) => {
    if (name === "token_embd.weight") return from < CODE ? codes[at][from] : 0;
    if (name === "dec.token_embd.weight") return 0;
    if (/position_embd/.test(name)) return from === CODE + at ? 4 : 0;
    // The head that finds its position, and hands on the code that is there.
    if (/^dec.blk.1.cross_attn_[qk]/.test(name) && at < CODE)
      return from < CODE ? 0 : keys[at * POSITIONS + from - CODE];
    if (/^dec.blk.1.cross_attn_v/.test(name)) return at < CODE && from === at ? 1 : 0;
    if (/^dec.blk.1.cross_attn_o/.test(name)) return at < CODE && from === at ? 4 : 0;
    if (/attn_[qk]\.weight$/.test(name)) return sign() * 0.2; // the other heads look somewhere
    return 0;
  };
  const tensors = new Map();
  for (const { name, shape } of tensorTable(config)) {
    const columns = shape[1] ?? 1;
    const count = shape[0] * columns;
    const data = new Float32Array(count);
    if (/norm\.weight$/.test(name)) data.fill(1);
    else if (shape.length > 1)
      for (let i = 0; i < count; i++) data[i] = element(name, Math.floor(i / columns), i % columns);
    if (name === "dec.token_embd.weight") {
      codes.forEach((code, id) => {
        // A character's code stands at its modern form; of two that become one, the modern one's own counts.
        if (tokens[id] in MODERN === false) data.set(code, id * WIDTH);
      });
      codes.forEach((code, id) => {
        if (tokens[id] in MODERN) data.set(code, written[id] * WIDTH);
      });
    }
    tensors.set(name, { shape, read: async () => data });
  }
  const vocabulary = {
    kind: "unigram",
    tokens,
    scores: Float32Array.from(tokens, () => -1),
    types: Int32Array.from(tokens, (_, id) => (id === unk ? 2 : id < firstByte ? 3 : id < firstPiece ? 6 : 1)),
    charsmap: new Uint8Array(0),
    addSpacePrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
    whitespaceSuffix: false,
    unk,
    eos,
    bos,
    pad: -1,
  };
  /** @type {Uint8Array[]} */
  const parts = [];
  const model = /** @type {any} */ ({ config, vocabulary, tensors, general: { name: "stand-in" }, warnings: [] });
  await writeCheckpoint(model, { type: "i8", write: (chunk) => parts.push(chunk.slice()) });
  return Buffer.concat(parts);
}
