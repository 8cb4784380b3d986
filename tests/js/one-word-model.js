// A model from English to Japanese that knows one word, made by hand: with every matrix zero the decoder's state is the
// embedding of the last token alone, and the output layer maps the start to the word and the word to the end.
import { tensorTable } from "../../src/js/convert/canonical.js";
import { writeCheckpoint } from "../../src/js/convert/checkpoint.js";

export const WORD = "こんにちは";

const WIDTH = 16;
const [UNKNOWN, START, END, ANSWER] = [0, 1, 2, 3];
const BYTES = 4;

/** @returns {Promise<Buffer<ArrayBuffer>>} a checkpoint */
export async function oneWordModel() {
  const byte = (/** @type {unknown} */ _, /** @type {number} */ value) =>
    `<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`;
  const tokens = ["<unk>", "<s>", "</s>", `\u2581${WORD}`, ...Array.from({ length: 256 }, byte)];
  const config = {
    sourceLanguages: ["en"],
    targetLanguages: ["ja"],
    encoderLayers: 1,
    decoderLayers: 1,
    width: WIDTH,
    ffnWidth: WIDTH,
    heads: 1,
    context: 64,
    norm: "post",
    normEpsilon: 1e-5,
    activation: "relu",
    position: "learned",
    mixer: "attention",
    decoderStart: START,
    bannedIds: [],
    embeddingScale: 1,
    sharedEmbedding: true,
    sharedOutput: false,
    sourceVocabulary: tokens.length,
    targetVocabulary: tokens.length,
  };
  const place = (/** @type {number} */ id) => (id === START ? 0 : id === ANSWER ? 1 : 2);
  const tensors = new Map();
  for (const { name, shape } of tensorTable(config)) {
    const data = new Float32Array(shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1));
    if (/norm\.weight$/.test(name)) data.fill(1);
    if (name === "token_embd.weight") for (let id = 0; id < tokens.length; id++) data[id * WIDTH + place(id)] = 1;
    if (name === "output.weight") {
      data[ANSWER * WIDTH] = 9;
      data[END * WIDTH + 1] = 9;
      data[END * WIDTH + 2] = 9;
    }
    tensors.set(name, { shape, read: async () => data });
  }
  const vocabulary = {
    kind: "unigram",
    tokens,
    scores: Float32Array.from(tokens, () => -1),
    types: Int32Array.from(tokens, (_, id) => (id === UNKNOWN ? 2 : id < ANSWER ? 3 : id < BYTES ? 1 : 6)),
    charsmap: new Uint8Array(0),
    addSpacePrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
    whitespaceSuffix: false,
    unk: UNKNOWN,
    eos: END,
    bos: START,
    pad: -1,
  };
  /** @type {Uint8Array[]} */
  const parts = [];
  const model = /** @type {any} */ ({ config, vocabulary, tensors, general: { name: "one word" }, warnings: [] });
  await writeCheckpoint(model, { type: "f32", write: (bytes) => parts.push(bytes.slice()) });
  return Buffer.concat(parts);
}
