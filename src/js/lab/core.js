// The WebAssembly boundary of the lab (src/wasm/lab_context.h) as one class. No view of the heap leaves this file.

import { makeError, statusError } from "../errors.js";
import { fromUTF8, toUTF8 } from "../platform.js";

/** @typedef {import("./types.js").LabReport} LabReport */
/** @typedef {import("./types.js").LabArray} LabArray */
/** @typedef {[source: number[], target: number[]]} TokenPair the end of each included */
/** @typedef {{ data: Float32Array<ArrayBuffer>, loss: number, tokens: number, sequences: number }} PartGradients */

/** The functions that the module imports, by module. */
const IMPORTS = {
  env: { emscripten_notify_memory_growth() {} },
  wasi_snapshot_preview1: {
    proc_exit() {
      throw new WebAssembly.RuntimeError("the lab stopped");
    },
  },
};

const WORDS = 16;

/** Forms of data and kinds of checkpoints, as the bindings count them. */
const FORMS = ["table", "texts", "lines", "idx", "image"];
const KINDS = ["model", "state", "int8"];
const LEARNT = /** @type {const} */ (["pairs", "texts", "images"]);

/** @param {ArrayBufferView[]} parts */
const bytesIn = (parts) => parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Names of settings, here and there. */
const camelCase = (/** @type {string} */ name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const snakeCase = (/** @type {string} */ name) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll("-", "_");

export class LabCore {
  #wasm;
  #context;

  /** @param {any} exports */
  constructor(exports) {
    this.#wasm = exports;
    this.#context = exports.lab_context_open();
    if (!this.#context) throw makeError("QuotaExceededError", "There is no memory for the lab.");
  }

  /** @param {WebAssembly.Module} module */
  static async instantiate(module) {
    const { exports } = await WebAssembly.instantiate(module, IMPORTS);
    if (typeof exports.lab_context_open !== "function")
      throw makeError("NotSupportedError", "The WebAssembly file is not the lab's: it lacks lab_context_open.");
    /** @type {any} */ (exports)._initialize?.();
    return new LabCore(exports);
  }

  close() {
    if (this.#context) this.#wasm.lab_context_close(this.#context);
    this.#context = 0;
  }

  /** Bytes of the heap. */
  get heap() {
    return this.#wasm.memory.buffer.byteLength;
  }

  get #slots() {
    return new Uint32Array(this.#wasm.memory.buffer, this.#wasm.lab_context_slots(this.#context), WORDS);
  }

  /** @param {number} at @param {number} [size] up to a NUL without it */
  #text(at, size) {
    const bytes = new Uint8Array(this.#wasm.memory.buffer, at);
    return fromUTF8(bytes.slice(0, size ?? bytes.indexOf(0)));
  }

  /** @param {number} at @param {number} count */
  #floats(at, count) {
    return new Float32Array(this.#wasm.memory.buffer, at, count).slice();
  }

  /** One after the other. @param {...ArrayBufferView} parts @returns {number} where they lie now */
  #write(...parts) {
    const size = bytesIn(parts);
    const at = this.#wasm.lab_context_block(this.#context, size);
    if (!at) throw makeError("QuotaExceededError", `There is no memory for ${size} bytes in the lab.`);
    const block = new Uint8Array(this.#wasm.memory.buffer, at, size);
    let end = 0;
    for (const { buffer, byteOffset, byteLength } of parts) {
      block.set(new Uint8Array(buffer, byteOffset, byteLength), end);
      end += byteLength;
    }
    return at;
  }

  /** @param {string} verb @param {...number} args */
  #call(verb, ...args) {
    const status = this.#wasm[`lab_context_${verb}`](this.#context, ...args);
    if (status) throw statusError(status, this.#text(this.#wasm.lab_context_error(this.#context)));
  }

  /** All settings by their names, with what each takes. */
  settings() {
    /** @type {{ name: string, takes: string }[]} */
    const list = [];
    for (;;) {
      this.#wasm.lab_context_setting(this.#context, list.length);
      const [name, takes] = this.#slots;
      if (!name) return list;
      list.push({ name: camelCase(this.#text(name)), takes: this.#text(takes) });
    }
  }

  /** @param {string} name @param {string | number} value */
  set(name, value) {
    this.#write(toUTF8(`${snakeCase(name)}\0${value}\0`));
    this.#call("set");
  }

  /** @param {string} json settings as a config has them */
  configure(json) {
    const bytes = toUTF8(json);
    this.#write(bytes);
    this.#call("configure", bytes.length);
  }

  /** The value of a setting. @param {string} name @returns {string | number} */
  get(name) {
    this.#write(toUTF8(`${snakeCase(name)}\0`));
    this.#call("get");
    const [at, size] = this.#slots;
    const slots = new DataView(this.#wasm.memory.buffer, this.#wasm.lab_context_slots(this.#context));
    return at ? this.#text(at, size) : slots.getFloat64(8, true);
  }

  start() {
    this.#call("start");
  }

  // ---- what is learnt from ----

  /** @param {import("./data.js").DataFile} file */
  addData({ form, heldOut, names, files }) {
    const parts = [...names.map((name) => toUTF8(`${name}\0`)), ...files];
    this.#write(...parts);
    this.#call("data", FORMS.indexOf(form), heldOut ? 1 : 0, files[0].length, bytesIn(parts));
  }

  /** What the network learns from. @returns {"pairs" | "texts" | "images"} */
  get learnsFrom() {
    return LEARNT[this.#wasm.lab_context_learns_from(this.#context)];
  }

  /** Opens a lab that learns from the pairs. @param {string} source @param {string} target @param {Uint8Array} [vocabulary] */
  startPairs(source, target, vocabulary = new Uint8Array(0)) {
    this.#write(vocabulary, toUTF8(`${source}\0${target}\0`));
    this.#call("start_pairs", vocabulary.length);
  }

  /** Gives the pairs to a lab that was loaded. */
  attach() {
    this.#call("attach");
  }

  /** @returns {import("./types.js").PairFacts | null} */
  pairs() {
    this.#call("pairs");
    const [train, heldOut, empty, shared, tooLong, sourceTokens, targetTokens, batches, vocabulary] = this.#slots;
    if (!train) return null;
    return { train, heldOut, empty, shared, tooLong, sourceTokens, targetTokens, batches, vocabulary };
  }

  /** @param {number} count of held-out pairs */
  bleu(count) {
    this.#call("bleu", count);
    return new DataView(this.#wasm.memory.buffer, this.#wasm.lab_context_slots(this.#context)).getFloat64(0, true);
  }

  /** @param {string} text @param {boolean} target @returns {number[]} tokens, the end included */
  encode(text, target) {
    const bytes = toUTF8(text);
    this.#write(bytes);
    this.#call("encode", target ? 1 : 0, bytes.length);
    const [at, count] = this.#slots;
    return [...new Uint32Array(this.#wasm.memory.buffer, at, count)];
  }

  /** @param {number} id @param {boolean} target */
  piece(id, target) {
    this.#call("piece", target ? 1 : 0, id);
    const [at, size] = this.#slots;
    return this.#text(at, size);
  }

  /** @param {import("./types.js").Point[]} points @returns {string} a picture in SVG */
  chart(points) {
    const value = (/** @type {number | undefined} */ number) => number ?? -1;
    const numbers = points.flatMap(({ step, loss, heldOutLoss, bleu, learningRate }) => [
      ...[step, loss, value(heldOutLoss), value(bleu), value(learningRate)],
    ]);
    this.#write(new Float64Array(numbers));
    this.#call("chart", points.length);
    const [at, size] = this.#slots;
    return this.#text(at, size);
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes a checkpoint */
  load(bytes) {
    this.#write(bytes);
    this.#call("load", bytes.length);
  }

  describe() {
    this.#call("describe");
    const [parameters, bytes, steps, kernels, trainingSteps] = this.#slots;
    return { parameters, bytes, steps, kernels: this.#text(kernels), trainingSteps };
  }

  /** @returns {LabReport & { exact: number, correct: number }} */
  #report() {
    const view = new DataView(this.#wasm.memory.buffer, this.#wasm.lab_context_report(this.#context), 48);
    const [step, tokens, sequences, exact, correct] = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true));
    const [loss, norm, learningRate] = [24, 32, 40].map((at) => view.getFloat64(at, true));
    return { step, tokens, sequences, exact, correct, loss, norm, learningRate };
  }

  /**
   * Puts pairs of token ids where a step or an evaluation finds them; gives the number of words.
   * @param {TokenPair[]} pairs
   */
  #batch(pairs) {
    const starts = (/** @type {0 | 1} */ side) => {
      let at = 0;
      return [0, ...pairs.map((pair) => (at += pair[side].length))];
    };
    const ids = (/** @type {0 | 1} */ side) => pairs.flatMap((pair) => pair[side]);
    const words = new Uint32Array([pairs.length, ...starts(0), ...starts(1), ...ids(0), ...ids(1)]);
    this.#write(words);
    return words.length;
  }

  /** @param {TokenPair[]} [pairs] instead of the task's next */
  step(pairs) {
    this.#call("step", pairs ? this.#batch(pairs) : 0);
    return this.#report();
  }

  /** @param {number} count of held-out strings or pairs */
  evaluate(count) {
    this.#call("evaluate", 0, 0, count);
    return this.#report();
  }

  /** The same of these pairs, whose arrays can be read then. @param {TokenPair[]} pairs */
  evaluatePairs(pairs) {
    this.#call("evaluate", this.#batch(pairs), 0, 0);
    return this.#report();
  }

  /** @param {number} loss of validation, for the schedule "plateau" */
  plateau(loss) {
    this.#call("plateau", loss);
  }

  // ---- parts of a step, where several instances share it ----

  get parts() {
    return this.#wasm.lab_context_parts(this.#context);
  }

  /** @param {number} part @returns {PartGradients} */
  compute(part) {
    this.#call("compute", part);
    const [at, floats] = this.#slots;
    const { loss, tokens, sequences } = this.#report();
    return { data: this.#floats(at, floats), loss, tokens, sequences };
  }

  /** @param {number} part @param {PartGradients} gradients */
  add(part, { data, loss, tokens, sequences }) {
    this.#call("add", part, this.#write(data), data.length, loss, tokens, sequences);
  }

  finish() {
    this.#call("finish");
    return this.#report();
  }

  weights() {
    this.#call("weights");
    const [at, floats] = this.#slots;
    return this.#floats(at, floats);
  }

  /** @param {Float32Array<ArrayBuffer>} weights @param {number} step */
  follow(weights, step) {
    this.#write(weights);
    this.#call("follow", weights.length, step);
  }

  // ---- attention by itself ----

  /**
   * @param {number} score @param {number} selection as the config numbers them
   * @param {[queries: number, keys: number, width: number, valueWidth: number]} sizes
   * @param {[queries: Float32Array, keys: Float32Array, values: Float32Array, parameters: Float32Array]} numbers
   * @returns {Float32Array<ArrayBuffer>[]} queries and keys as the score meets them, scores, weights, output
   */
  attend(score, selection, sizes, numbers) {
    const [m, n, d, e] = sizes;
    const counts = [m * d, n * d, m * n, m * n, m * e];
    this.#write(...numbers, new Float32Array(counts.reduce((sum, count) => sum + count)));
    this.#call("attend", score, selection, ...sizes, numbers[3].length);
    let at = this.#slots[0];
    return counts.map((count) => {
      at += 4 * count;
      return this.#floats(at - 4 * count, count);
    });
  }

  // ---- looking in ----

  /** @param {string} source @returns {string} */
  predict(source) {
    this.#write(toUTF8(`${source}\0`));
    this.#call("predict");
    const [at, size] = this.#slots;
    return this.#text(at, size);
  }

  /** The labels of a classifier; none of another network. */
  labels() {
    return Array.from({ length: this.#wasm.lab_context_labels(this.#context) }, (_, label) => {
      this.#wasm.lab_context_label(this.#context, label);
      const [at, size] = this.#slots;
      return this.#text(at, size);
    });
  }

  /** @param {string | Uint8Array} input a text, or the pixels of an image @returns {import("./types.js").Classification} */
  classify(input) {
    const labels = this.labels();
    const bytes = typeof input === "string" ? toUTF8(`${input}\0`) : input;
    this.#write(bytes, new Uint8Array(16 + 4 * labels.length)); // room for the answer
    this.#call("classify", typeof input === "string" ? 0 : 1, bytes.length);
    const probabilities = this.#floats(this.#slots[0], labels.length);
    const all = labels.map((label, i) => ({ label, probability: probabilities[i] }));
    all.sort((a, b) => b.probability - a.probability);
    return { label: all[0].label, probability: all[0].probability, labels: all };
  }

  /** @param {string} text with masks @param {number} most guesses at each @returns {import("./types.js").Guess[][]} */
  fill(text, most) {
    const bytes = toUTF8(text);
    this.#write(bytes);
    this.#call("fill", most, bytes.length);
    const [at, masks] = this.#slots;
    const guesses = new DataView(this.#wasm.memory.buffer.slice(at, at + 8 * most * masks));
    return Array.from({ length: masks }, (_, mask) =>
      Array.from({ length: most }, (_, i) => {
        const place = 8 * (mask * most + i);
        return {
          piece: this.piece(guesses.getUint32(place, true), true),
          probability: guesses.getFloat32(place + 4, true),
        };
      }),
    );
  }

  /**
   * @param {string} prompt
   * @param {{ temperature: number, topK: number, tokens: number, seed: number }} options
   * @returns {import("./types.js").Continuation}
   */
  continue(prompt, { temperature, topK, tokens, seed }) {
    const bytes = toUTF8(prompt);
    this.#write(bytes);
    this.#call("continue", bytes.length, temperature, topK, tokens, seed);
    const [at, size, ended] = this.#slots;
    return { text: this.#text(at, size), ended: ended === 1 };
  }

  /** @param {boolean} heldOut @param {number} index */
  example(heldOut, index) {
    this.#call("example", heldOut ? 1 : 0, index);
    const [source, sourceSize, target, targetSize] = this.#slots;
    return { source: this.#text(source, sourceSize), target: this.#text(target, targetSize) };
  }

  /** @param {string} name @returns {LabArray} */
  read(name) {
    this.#write(toUTF8(`${name}\0`));
    this.#call("read");
    const [at, rows, width, heads, sequences, queries, keys] = this.#slots;
    if (!heads) return { name, shape: [rows, width], data: this.#floats(at, rows * width) };
    if (sequences === 1) return { name, shape: [heads, rows, width], data: this.#floats(at, heads * rows * width) };
    const starts = (/** @type {number} */ from) => new Uint32Array(this.#wasm.memory.buffer, from, sequences + 1);
    const [m, n] = [starts(queries), starts(keys)];
    let count = 0;
    for (let i = 0; i < sequences; i++) count += heads * (m[i + 1] - m[i]) * (n[i + 1] - n[i]);
    const [queryStarts, keyStarts] = [[...m], [...n]];
    return { name, shape: [count], heads, queryStarts, keyStarts, data: this.#floats(at, count) };
  }

  /** A row of a parameter, or of its gradient. @param {string} name @param {number} row */
  row(name, row) {
    this.#write(toUTF8(`${name}\0`));
    this.#call("read");
    const [at, , width] = this.#slots;
    return this.#floats(at + 4 * row * width, width);
  }

  /** Gives a row of a parameter other values. @param {string} name @param {number} row @param {Float32Array} values */
  write(name, row, values) {
    this.#write(values, toUTF8(`${name}\0`));
    this.#call("write", row, values.length);
  }

  /** @param {import("./types.js").SavedKind} kind */
  save(kind) {
    this.#call("save", KINDS.indexOf(kind));
    const [at, size] = this.#slots;
    return new Uint8Array(this.#wasm.memory.buffer, at, size).slice();
  }
}
