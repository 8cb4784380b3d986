// The WebAssembly boundary (src/wasm/bindings.c) as one class. Views of the heap never leave this file: whatever the
// engine returns is copied out, because the heap moves when it grows.

import { makeError, statusError } from "./errors.js";
import { readNotes } from "./notes.js";
import { fromUTF8, toUTF8 } from "./platform.js";
import { digestOf } from "./sha256.js";

/** @typedef {import("./types.js").ModelInfo} ModelInfo */

/**
 * @typedef {object} CoreOptions the words of glossa_context_begin
 * @property {number} [beam]
 * @property {number} [search] a glossa_search
 * @property {number} [normalize]
 * @property {number} [maxLength]
 * @property {number} [noRepeatNgram]
 * @property {number} [topK]
 * @property {ArrayLike<number>} [banned]
 * @property {ArrayLike<number>} [prefix]
 * @property {Uint8Array} [headMask]
 * @property {number} [without] the sum of glossa_without
 */

/** @typedef {{id: number, begin: number, end: number}} ByteToken span in UTF-8 bytes */

/** @typedef {{sentences: number, sourceTokens: number, beam: number, rows: number}} Limits */

/**
 * @typedef {object} CoreExports
 * @property {WebAssembly.Memory} memory
 * @property {() => void} [_initialize]
 * @property {() => number} glossa_kernels_check
 * @property {() => number} glossa_context_open
 * @property {(context: number) => void} glossa_context_close
 * @property {(context: number) => number} glossa_context_slots
 * @property {(context: number) => number} glossa_context_error
 * @property {(context: number, size: number) => number} glossa_context_input
 * @property {(context: number, size: number) => number} glossa_context_scratch
 * @property {(context: number, size: number) => number} glossa_context_checkpoint
 * @property {(context: number) => number} glossa_context_open_model
 * @property {(context: number) => number} glossa_context_describe
 * @property {(context: number, target: number, index: number) => number} glossa_context_language
 * @property {(context: number, target: number, id: number) => number} glossa_context_piece
 * @property {(context: number) => number} glossa_context_kernels
 * @property {() => number} glossa_context_version
 * @property {() => number} [glossa_option_words] not in builds of before
 * @property {(context: number, sentences: number, tokens: number, beam: number, rows: number) => number} glossa_context_open_session
 * @property {(context: number) => number} glossa_context_working_bytes
 * @property {(context: number, timed: number) => void} glossa_context_set_timed
 * @property {(context: number) => number} glossa_context_timings
 * @property {(context: number, text: number, size: number) => number} glossa_context_tokenize
 * @property {(context: number, count: number) => number} glossa_context_begin
 * @property {(context: number) => number} glossa_context_step
 * @property {(context: number, sentence: number) => number} glossa_context_result_count
 * @property {(context: number, sentence: number, rank: number) => number} glossa_context_result
 * @property {(context: number, sentence: number) => number} glossa_context_partial
 * @property {(context: number, sentence: number) => number} glossa_context_branches
 * @property {(context: number, text: number, size: number, most: number) => number} glossa_context_cuts
 * @property {(context: number, sentence: number, rank: number) => number} glossa_context_explain
 */

const OPTION_WORDS = 12;
const FATES = /** @type {const} */ (["dropped", "live", "finished"]);

/** The functions that the module may import, by "module.name"; a module that wants another is not ours. */
const IMPORTS = /** @type {Record<string, Function>} */ ({
  "glossa.now": () => performance.now(),
  "env.emscripten_notify_memory_growth": () => {},
  "wasi_snapshot_preview1.proc_exit": () => {
    throw new WebAssembly.RuntimeError("the engine stopped");
  },
});

/**
 * @param {WebAssembly.Module} module
 * @returns {Promise<CoreExports>}
 */
export async function instantiate(module) {
  /** @type {Record<string, Record<string, Function>>} */
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const value = IMPORTS[`${from}.${name}`];
    if (kind !== "function" || !value)
      throw makeError("NotSupportedError", `The WebAssembly file asks for ${from}.${name}: it is not a Glossa build.`);
    imports[from] = { ...imports[from], [name]: value };
  }
  const instance = await WebAssembly.instantiate(module, /** @type {WebAssembly.Imports} */ (imports));
  const exports = /** @type {CoreExports} */ (/** @type {unknown} */ (instance.exports));
  if (typeof exports.glossa_context_open !== "function")
    throw makeError("NotSupportedError", "The WebAssembly file is not a Glossa build: it lacks glossa_context_open.");
  exports._initialize?.();
  return exports;
}

/** One instance of the engine: a heap, at most one model in it, and one session. */
export class Core {
  #wasm;
  #context;
  #slots;
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  #floats = new Float32Array(0);
  #checkpoint = 0;
  /** @type {ModelInfo | null} */
  #info = null;
  /** @type {number[]} what stands before every text: the token of the target language */
  #sourcePrefix = [];

  /** @param {CoreExports} wasm */
  constructor(wasm) {
    if (wasm.glossa_option_words?.() !== OPTION_WORDS)
      throw makeError(
        "NotSupportedError",
        "The WebAssembly file and the script are of different releases of glossa: serve both from one package, and let no cache keep one of them.",
      );
    this.#wasm = wasm;
    this.#context = wasm.glossa_context_open();
    if (!this.#context) throw makeError("QuotaExceededError", "There is no memory for the engine.");
    this.#slots = wasm.glossa_context_slots(this.#context) >>> 2;
    this.modelBytes = 0;
  }

  /** Another one on the same heap, for another model. */
  sibling() {
    return new Core(this.#wasm);
  }

  /** Ends the context; the heap itself goes with the instance. */
  close() {
    if (this.#context) this.#wasm.glossa_context_close(this.#context);
    this.#context = 0;
  }

  /** Renews the views after a growth of the heap; call after whatever may have grown it. */
  #view() {
    const { buffer } = this.#wasm.memory;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float32Array(buffer);
  }

  /** @param {number} status throws if it is an error */
  #check(status) {
    this.#view();
    if (status !== 0) throw statusError(status, this.#string(this.#wasm.glossa_context_error(this.#context)));
  }

  /** @param {number} index */
  #slot(index) {
    return this.#words[this.#slots + index];
  }

  /** @param {number} at NUL-terminated */
  #string(at) {
    const end = this.#bytes.indexOf(0, at);
    return this.#text(at, end - at);
  }

  /**
   * @param {number} at
   * @param {number} size
   */
  #text(at, size) {
    return fromUTF8(this.#bytes.subarray(at, at + size));
  }

  /**
   * @param {number} at
   * @param {number} count
   * @returns {ByteToken[]}
   */
  #tokens(at, count) {
    const words = this.#words;
    return Array.from({ length: count }, (_, i) => {
      const word = (at >>> 2) + 3 * i;
      return { id: words[word], begin: words[word + 1], end: words[word + 2] };
    });
  }

  /**
   * @param {number} at
   * @param {number} count
   */
  #floatArray(at, count) {
    return this.#floats.slice(at >>> 2, (at >>> 2) + count);
  }

  /** What is wrong with the kernels on this machine; 0 if nothing. */
  checkKernels() {
    return this.#wasm.glossa_kernels_check();
  }

  /**
   * Makes room for a checkpoint, in place of an open one.
   * @param {number} size
   */
  reserve(size) {
    this.#info = null;
    this.modelBytes = 0;
    this.#checkpoint = size <= 0xffffffff ? this.#wasm.glossa_context_checkpoint(this.#context, size) >>> 0 : 0;
    this.#view();
    if (!this.#checkpoint)
      throw makeError(
        "QuotaExceededError",
        `There is no memory for a model of ${size} bytes; close other tabs or use a smaller model.`,
        { requested: size, quota: this.#bytes.length },
      );
    this.modelBytes = size;
  }

  /**
   * Writes a piece of the checkpoint.
   * @param {number} offset
   * @param {Uint8Array} chunk
   */
  write(offset, chunk) {
    if (offset + chunk.length > this.modelBytes) throw makeError("DataError", "The model is longer than it said.");
    this.#view();
    this.#bytes.set(chunk, this.#checkpoint + offset);
  }

  /**
   * A copy of the checkpoint, for another instance.
   * @returns {Uint8Array<ArrayBuffer>}
   */
  checkpoint() {
    this.#view();
    return /** @type {Uint8Array<ArrayBuffer>} */ (
      this.#bytes.slice(this.#checkpoint, this.#checkpoint + this.modelBytes)
    );
  }

  /** SHA-256 of what was written. */
  digest() {
    this.#view();
    return digestOf(this.#bytes.subarray(this.#checkpoint, this.#checkpoint + this.modelBytes));
  }

  /** Opens what was written. */
  openModel() {
    try {
      this.#check(this.#wasm.glossa_context_open_model(this.#context));
    } catch (error) {
      this.modelBytes = 0;
      throw error;
    }
    this.#info = this.#describe();
    this.chooseLanguages(this.#info.sourceLanguage, this.#info.targetLanguage);
  }

  /** @returns {ModelInfo} */
  #describe() {
    this.#check(this.#wasm.glossa_context_describe(this.#context));
    const number = (/** @type {number} */ i) => this.#slot(2 + i);
    const layer = number(9) | 0;
    const head = number(10) | 0;
    const info = {
      name: this.#text(this.#slot(0), this.#slot(1)),
      encoderLayers: number(0),
      decoderLayers: number(1),
      heads: number(2),
      width: number(3),
      ffnWidth: number(4),
      sourceVocabulary: number(5),
      targetVocabulary: number(6),
      context: number(7),
      mixer: /** @type {"ssru" | "attention"} */ (number(8) === 1 ? "ssru" : "attention"),
      alignmentHead: layer < 0 || head < 0 ? null : /** @type {[number, number]} */ ([layer, head]),
      parameters: number(11) + 2 ** 32 * number(12),
      tensorBytes: number(13),
      trainingLength: number(15),
    };
    const [sources, targets] = [this.#languages(false), this.#languages(true)].map((all) => all.map(({ tag }) => tag));
    const chosen = { sourceLanguage: sources[0] ?? "", targetLanguage: targets[0] ?? "" };
    const notes = readNotes(this.#bytes.subarray(this.#checkpoint, this.#checkpoint + this.modelBytes));
    return { ...info, ...chosen, sourceLanguages: sources, targetLanguages: targets, notes };
  }

  /** @param {boolean} target */
  #languages(target) {
    const languages = [];
    for (;;) {
      this.#check(this.#wasm.glossa_context_language(this.#context, target ? 1 : 0, languages.length));
      const tag = this.#text(this.#slot(0), this.#slot(1));
      if (!tag) return languages;
      languages.push({ tag, token: this.#slot(2) | 0 });
    }
  }

  /**
   * Says which of its languages the model works with, as it names them; it starts with the first of each.
   * @param {string} sourceLanguage
   * @param {string} targetLanguage
   */
  chooseLanguages(sourceLanguage, targetLanguage) {
    this.#info = { ...this.model, sourceLanguage, targetLanguage };
    const token = this.#languages(true).find(({ tag }) => tag === targetLanguage)?.token ?? -1;
    this.#sourcePrefix = token < 0 ? [] : [token];
  }

  /** Tokens that stand before every source: that of the target language. */
  get sourcePrefix() {
    return this.#sourcePrefix;
  }

  get model() {
    if (!this.#info) throw makeError("InvalidStateError", "No model is loaded.");
    return this.#info;
  }

  get kernels() {
    this.#view();
    return this.#string(this.#wasm.glossa_context_kernels(this.#context));
  }

  get version() {
    this.#view();
    return this.#string(this.#wasm.glossa_context_version());
  }

  get heapBytes() {
    return this.#wasm.memory.buffer.byteLength;
  }

  get workingBytes() {
    return this.#wasm.glossa_context_working_bytes(this.#context) >>> 0;
  }

  /** @param {Limits} limits */
  openSession({ sentences, sourceTokens, beam, rows }) {
    this.#check(this.#wasm.glossa_context_open_session(this.#context, sentences, sourceTokens, beam, rows));
  }

  /** @param {boolean} timed */
  setTimed(timed) {
    this.#wasm.glossa_context_set_timed(this.#context, timed ? 1 : 0);
  }

  /**
   * The piece of a token, as in the vocabulary.
   * @param {boolean} target
   * @param {number} id
   */
  piece(target, id) {
    this.#check(this.#wasm.glossa_context_piece(this.#context, target ? 1 : 0, id));
    return this.#text(this.#slot(0), this.#slot(1));
  }

  /**
   * Writes a text into the scratch block.
   * @param {string} text
   * @returns {[number, number]} where it stands, and its bytes
   */
  #scratch(text) {
    const bytes = toUTF8(text);
    const at = this.#wasm.glossa_context_scratch(this.#context, bytes.length) >>> 0;
    if (!at) throw makeError("QuotaExceededError", `There is no memory for a text of ${bytes.length} bytes.`);
    this.#view();
    this.#bytes.set(bytes, at);
    return [at, bytes.length];
  }

  /**
   * Counts the tokens of a text; they stay on the heap until the next call.
   * @param {string} text
   */
  #tokenize(text) {
    this.#check(this.#wasm.glossa_context_tokenize(this.#context, ...this.#scratch(text)));
  }

  /**
   * The best ways to cut a text, by itself, into source tokens.
   * @param {string} text
   * @param {number} most
   */
  cuts(text, most) {
    this.#check(this.#wasm.glossa_context_cuts(this.#context, ...this.#scratch(text), most));
    const [cuts, found, tokens] = [this.#slot(0) >>> 2, this.#slot(1), this.#slot(2)];
    let at = tokens;
    return Array.from({ length: found }, (_, i) => {
      const count = this.#words[cuts + 2 * i];
      const ids = this.#tokens(at, count).map(({ id }) => id);
      at += 12 * count;
      return { ids, score: this.#floats[cuts + 2 * i + 1] };
    });
  }

  /**
   * @param {string} text
   * @returns {ByteToken[]} the end-of-sentence token included, the token of the target language not
   */
  tokenize(text) {
    this.#tokenize(text);
    return this.#tokens(this.#slot(0), this.#slot(1));
  }

  /**
   * @param {string} text
   * @returns {number} its tokens as the encoder gets them
   */
  countTokens(text) {
    this.#tokenize(text);
    const count = this.#slot(1);
    return count && count + this.#sourcePrefix.length;
  }

  /**
   * Starts a batch.
   * @param {string[]} texts
   * @param {CoreOptions} options
   */
  begin(texts, options) {
    const encoded = texts.map((text) => toUTF8(text));
    const banned = options.banned ?? [];
    const prefix = options.prefix ?? [];
    const mask = options.headMask ?? new Uint8Array(0);
    const ids = [...Array.from(banned), ...Array.from(prefix), ...this.#sourcePrefix];
    const words = texts.length + OPTION_WORDS + ids.length;
    const textBytes = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
    const size = 4 * words + mask.length + textBytes;
    const at = this.#wasm.glossa_context_input(this.#context, size) >>> 0;
    if (!at) throw makeError("QuotaExceededError", `There is no memory for a batch of ${size} bytes.`);
    this.#view();

    let word = at >>> 2;
    for (const bytes of encoded) this.#words[word++] = bytes.length;
    this.#words.set(
      [
        options.beam ?? 1,
        options.search ?? 0,
        options.normalize === undefined ? 0 : 1,
        0,
        options.maxLength ?? 0,
        options.noRepeatNgram ?? 0,
        options.topK ?? 0,
        banned.length,
        prefix.length,
        this.#sourcePrefix.length,
        mask.length,
        options.without ?? 0,
      ],
      word,
    );
    this.#floats[word + 3] = options.normalize ?? 1;
    this.#words.set(ids, word + OPTION_WORDS);
    let byte = at + 4 * words;
    for (const bytes of [mask, ...encoded]) {
      this.#bytes.set(bytes, byte);
      byte += bytes.length;
    }
    this.#check(this.#wasm.glossa_context_begin(this.#context, texts.length));
  }

  /** One encoder layer or one decoder position. */
  step() {
    this.#check(this.#wasm.glossa_context_step(this.#context));
    return this.#slot(0) !== 0;
  }

  /**
   * What the search saw in the last step over a sentence; nothing before its first position.
   * @param {number} sentence
   */
  branches(sentence) {
    this.#check(this.#wasm.glossa_context_branches(this.#context, sentence));
    const [branches, count] = [this.#slot(0) >>> 2, this.#slot(1)];
    return Array.from({ length: count }, (_, i) => {
      const at = branches + 5 * i;
      const [parent, id] = this.#words.subarray(at, at + 2);
      const [logProbability, score] = this.#floats.subarray(at + 2, at + 4);
      return { parent, id, logProbability, score, fate: FATES[this.#words[at + 4]] };
    });
  }

  /**
   * What is certain of a sentence of the batch under way.
   * @param {number} sentence
   */
  partial(sentence) {
    this.#check(this.#wasm.glossa_context_partial(this.#context, sentence));
    return this.#text(this.#slot(0), this.#slot(1));
  }

  /** @param {number} sentence of a finished batch */
  resultCount(sentence) {
    return this.#wasm.glossa_context_result_count(this.#context, sentence);
  }

  /**
   * The text alone of a hypothesis.
   * @param {number} sentence
   */
  resultText(sentence) {
    this.#check(this.#wasm.glossa_context_result(this.#context, sentence, 0));
    return this.#text(this.#slot(0), this.#slot(1));
  }

  /**
   * @param {number} sentence
   * @param {number} rank
   */
  result(sentence, rank) {
    this.#check(this.#wasm.glossa_context_result(this.#context, sentence, rank));
    const count = this.#slot(4);
    return {
      text: this.#text(this.#slot(0), this.#slot(1)),
      tokens: this.#tokens(this.#slot(2), count),
      logProbability: this.#floatArray(this.#slot(3), count),
      score: this.#floats[this.#slots + 5],
    };
  }

  /**
   * @param {number} sentence
   * @param {number} rank
   */
  explain(sentence, rank) {
    this.#check(this.#wasm.glossa_context_explain(this.#context, sentence, rank));
    const { encoderLayers, decoderLayers, heads, width } = this.model;
    const [source, sources, target, targets] = [this.#slot(0), this.#slot(1), this.#slot(2), this.#slot(3)];
    const topK = this.#slot(10);
    const top = this.#slot(11) >>> 2;
    return {
      source: this.#tokens(source, sources),
      target: this.#tokens(target, targets),
      encoderAttention: this.#floatArray(this.#slot(4), encoderLayers * heads * sources * sources),
      decoderAttention: this.#slot(5)
        ? this.#floatArray(this.#slot(5), decoderLayers * heads * targets * targets)
        : null,
      crossAttention: this.#floatArray(this.#slot(6), decoderLayers * heads * targets * sources),
      encoderHidden: this.#floatArray(this.#slot(7), (encoderLayers + 1) * sources * width),
      decoderHidden: this.#floatArray(this.#slot(8), (decoderLayers + 1) * targets * width),
      logProbability: this.#floatArray(this.#slot(9), targets),
      topK,
      topIds: this.#words.slice(top, top + targets * topK),
      topLogProbability: this.#floatArray(this.#slot(12), targets * topK),
    };
  }

  /** Milliseconds of the batch by stage; zeros unless timed. */
  timings() {
    this.#check(this.#wasm.glossa_context_timings(this.#context));
    const [tokenize, encode, decode, output] = [0, 1, 2, 3].map((i) => this.#slot(i) / 1000);
    return { tokenize, encode, decode, output };
  }
}
