// The lab's WebAssembly file (src/wasm/lab_bindings.c) for tests: settings, steps, evaluations, arrays, checkpoints.
import { readFileSync } from "node:fs";

const file = new URL("../../dist/glossa-lab.wasm", import.meta.url);
const IMPORTS = {
  env: { emscripten_notify_memory_growth() {} },
  wasi_snapshot_preview1: {
    proc_exit() {
      throw new WebAssembly.RuntimeError("the lab stopped");
    },
  },
};
/** @type {WebAssembly.Module | undefined} */
let compiled;

/** @typedef {{step: number, tokens: number, sequences: number, exact: number, loss: number, norm: number, learningRate: number}} Report */

export class LabWasm {
  /** @type {any} */ #exports;
  #context = 0;

  /** @param {Record<string, string | number>} settings */
  static async open(settings) {
    const lab = new LabWasm();
    compiled ??= new WebAssembly.Module(readFileSync(file));
    lab.#exports = (await WebAssembly.instantiate(compiled, IMPORTS)).exports;
    lab.#exports._initialize?.();
    lab.#context = lab.#exports.lab_context_open();
    for (const [name, value] of Object.entries(settings)) lab.set(name, value);
    lab.#call("start");
    return lab;
  }

  /** @param {Uint8Array} bytes */
  static async load(bytes) {
    const lab = await LabWasm.open({});
    lab.#write(bytes);
    lab.#call("load", bytes.length);
    return lab;
  }

  get #words() {
    const at = this.#exports.lab_context_slots(this.#context) / 4;
    return new Uint32Array(this.#exports.memory.buffer).subarray(at, at + 16);
  }

  /** @param {number} at @returns {string} up to the NUL */
  #text(at) {
    const bytes = new Uint8Array(this.#exports.memory.buffer, at);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  /** @param {Uint8Array} bytes */
  #write(bytes) {
    const at = this.#exports.lab_context_block(this.#context, bytes.length);
    if (!at) throw new RangeError(`no memory for ${bytes.length} bytes`);
    new Uint8Array(this.#exports.memory.buffer, at).set(bytes);
  }

  /** @param {string} name @param {...number} args */
  #call(name, ...args) {
    if (this.#exports[`lab_context_${name}`](this.#context, ...args))
      throw new Error(this.#text(this.#exports.lab_context_error(this.#context)));
  }

  /** Bytes of the WebAssembly memory. */
  get heap() {
    return this.#exports.memory.buffer.byteLength;
  }

  /** @param {string} name @param {string | number} value */
  set(name, value) {
    this.#write(new TextEncoder().encode(`${name}\0${value}\0`));
    this.#call("set");
  }

  /** @returns {Report} */
  #report() {
    const view = new DataView(this.#exports.memory.buffer, this.#exports.lab_context_report(this.#context), 40);
    const [step, tokens, sequences, exact] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
    const [loss, norm, learningRate] = [16, 24, 32].map((at) => view.getFloat64(at, true));
    return { step, tokens, sequences, exact, loss, norm, learningRate };
  }

  /**
   * Puts pairs of token ids where a step or an evaluation finds them; gives the number of words.
   * @param {[number[], number[]][]} pairs
   */
  #batch(pairs) {
    const starts = (/** @type {0 | 1} */ side) => {
      let at = 0;
      return [0, ...pairs.map((pair) => (at += pair[side].length))];
    };
    const ids = (/** @type {0 | 1} */ side) => pairs.flatMap((pair) => pair[side]);
    const words = new Uint32Array([pairs.length, ...starts(0), ...starts(1), ...ids(0), ...ids(1)]);
    this.#write(new Uint8Array(words.buffer));
    return words.length;
  }

  /** @param {[number[], number[]][]} [pairs] instead of the task's next */
  step(pairs) {
    this.#call("step", pairs ? this.#batch(pairs) : 0);
    return this.#report();
  }

  /** @param {number} count of held-out strings */
  evaluate(count) {
    this.#call("evaluate", 0, 0, count);
    return this.#report();
  }

  /** @param {"model" | "state"} kind */
  save(kind) {
    this.#call("save", kind === "state" ? 1 : 0);
    const [at, size] = this.#words;
    return new Uint8Array(this.#exports.memory.buffer, at, size).slice();
  }

  /** @param {string} name */
  read(name) {
    this.#write(new TextEncoder().encode(`${name}\0`));
    this.#call("read");
    const [at, rows, width, heads, sequences] = this.#words;
    return { at, rows, width, heads, sequences };
  }

  /** @param {boolean} heldOut @param {number} index */
  example(heldOut, index) {
    this.#call("example", heldOut ? 1 : 0, index);
    const [source, sourceSize, target, targetSize] = this.#words;
    const text = (/** @type {number} */ at, /** @type {number} */ size) =>
      new TextDecoder().decode(new Uint8Array(this.#exports.memory.buffer, at, size).slice());
    return { source: text(source, sourceSize), target: text(target, targetSize) };
  }

  describe() {
    this.#call("describe");
    const [parameters, bytes, steps, kernels] = this.#words;
    return { parameters, bytes, steps, kernels: this.#text(kernels) };
  }

  close() {
    this.#exports.lab_context_close(this.#context);
  }
}
