// The class that callers use.

import { abortError, makeError, shown } from "../errors.js";
import { LabCore } from "./core.js";
import { moduleOf } from "./module.js";
import { Link } from "./link.js";
import { dataOf } from "./data.js";

/** @typedef {import("./types.js").LabOptions} LabOptions */
/** @typedef {import("./types.js").LabSettings} LabSettings */

const MOST_THREADS = 16;
const EVERY = 100;
const HELD_OUT = 256;
const SCORED = 100;
/** What learns from what is given, where the caller names nothing. */
const PRESETS = { pairs: "pairs", texts: "causal", images: "vit" };

/**
 * A count among options.
 * @param {string} name @param {unknown} value @param {number} least @param {number} [most]
 */
function count(name, value, least, most = 2 ** 32 - 1) {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw makeError(
    "TypeError",
    `The option "${name}" is ${shown(value)}; it takes a whole number from ${least} to ${most}.`,
  );
}

/** @param {string} name @param {unknown} value @returns {[string, string | number][]} */
function settingsIn(name, value) {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null)
    throw makeError("TypeError", `The option "${name}" is ${shown(value)}; it takes an object of settings.`);
  return Object.entries(value).map(([key, setting]) => {
    if (typeof setting !== "string" && typeof setting !== "number")
      throw makeError("TypeError", `The setting "${key}" is ${shown(setting)}; it takes a number or a name.`);
    return [key, setting];
  });
}

/** @param {LabOptions["config"]} value @returns {{ text: string | undefined, source?: any, target?: any }} */
function configOf(value) {
  if (value === undefined) return { text: undefined };
  try {
    const object = typeof value === "string" ? JSON.parse(value) : value;
    return { text: typeof value === "string" ? value : JSON.stringify(value), ...Object(object) };
  } catch (error) {
    throw makeError("TypeError", `The option "config" is no JSON: ${/** @type {Error} */ (error).message}.`);
  }
}

/** A language, as an option or a config has it. @param {string} name @param {unknown} value */
function language(name, value) {
  if (value === undefined) return "und";
  if (typeof value === "string" && /^[A-Za-z0-9-]+$/.test(value)) return value;
  throw makeError("TypeError", `The option "${name}" is ${shown(value)}; it takes one language, such as "en".`);
}

/** @param {unknown} value @param {string} what @returns {Uint8Array<ArrayBuffer>} */
function checkpointBytes(value, what) {
  const isBuffer = Object.prototype.toString.call(value) === "[object ArrayBuffer]";
  if (!isBuffer && !ArrayBuffer.isView(value)) throw makeError("TypeError", `${what} is bytes, not ${shown(value)}.`);
  const { buffer, byteOffset, byteLength } = isBuffer
    ? { buffer: value, byteOffset: 0, byteLength: /** @type {ArrayBuffer} */ (value).byteLength }
    : /** @type {Uint8Array} */ (value);
  return new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
}

/** The curves of a training as a picture in SVG. @param {import("./types.js").Point[]} points @param {LabOptions["wasm"]} [wasm] */
export async function labChart(points, wasm) {
  const core = await LabCore.instantiate(await moduleOf(wasm));
  try {
    return core.chart(points);
  } finally {
    core.close();
  }
}

/** The settings that there are, with what each takes. @param {LabOptions["wasm"]} [wasm] */
export async function labSettings(wasm) {
  const core = await LabCore.instantiate(await moduleOf(wasm));
  const list = core.settings();
  core.close();
  return list;
}

/**
 * A network that learns. It works in a worker; several share a training with the same result.
 *
 *     const lab = await Lab.create({ task: "reverse", seed: 7 });
 *     for await (const { step, loss, heldOut } of lab.train({ every: 50 })) console.log(step, loss, heldOut?.exact);
 *     await lab.predict("48151623"); // "32615184"
 *     const model = await lab.save(); // a checkpoint for Translator.create({ model })
 *     lab.destroy();
 */
export class Lab {
  #links;
  #leader;
  #info;
  #training = false;

  /** @param {Link[]} links the leader's first @param {import("./types.js").LabInfo} info */
  constructor(links, info) {
    this.#links = links;
    this.#leader = links[0];
    this.#info = info;
  }

  /**
   * A lab with weights drawn by the seed. Rejects with TypeError for an unknown setting or a value that does not fit,
   * with QuotaExceededError where there is no memory, with NetworkError where the WebAssembly file is missing.
   * @param {LabOptions} [options]
   * @returns {Promise<Lab>}
   */
  static create(options = {}) {
    return Lab.#make(options);
  }

  /**
   * A lab from what `save` gave, to go on: from a "state" to the bit, with all its settings. From a model, the engine's
   * own in float32 among them, it takes the network and the weights; the rest is as in the options.
   * @param {Uint8Array | ArrayBuffer} checkpoint
   * @param {LabOptions} [options]
   * @returns {Promise<Lab>}
   */
  static open(checkpoint, options = {}) {
    try {
      return Lab.#make(options, checkpointBytes(checkpoint, "A checkpoint"));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @param {LabOptions} options @param {Uint8Array<ArrayBuffer>} [checkpoint] */
  static async #make(options, checkpoint) {
    const { task, seed, preset, network, training, worker = true, wasm } = options;
    const threads = count("threads", options.threads ?? 1, 1, MOST_THREADS);
    /** @type {[string, string | number][]} */
    const settings = [];
    const { kind, files: data } = dataOf(options);
    const config = configOf(options.config);
    /** @type {[string, string]} */
    const languages = [
      language("sourceLanguage", options.sourceLanguage ?? config.source),
      language("targetLanguage", options.targetLanguage ?? config.target),
    ];
    const vocabulary =
      options.vocabulary === undefined ? undefined : checkpointBytes(options.vocabulary, 'The option "vocabulary"');
    if (preset !== undefined) settings.push(["preset", preset]);
    else if (data.length && config.text === undefined) settings.push(["preset", PRESETS[kind]]);
    if (task !== undefined) settings.push(["task", task]);
    if (seed !== undefined) settings.push(["seed", seed]);
    settings.push(...settingsIn("network", network), ...settingsIn("training", training));
    const module = await moduleOf(wasm);
    const links = Array.from({ length: threads }, (_, i) => new Link(i > 0 || worker));
    const channels = links.slice(1).map(() => new MessageChannel());
    const common = { module, settings, config: config.text, checkpoint, data, languages, vocabulary };
    try {
      const followers = channels.map(({ port1 }) => port1);
      const [info] = await Promise.all([
        links[0].call("open", [{ ...common, followers }], followers),
        ...channels.map(({ port2 }, i) => links[i + 1].call("open", [{ ...common, leader: port2 }], [port2])),
      ]);
      return new Lab(links, info);
    } catch (error) {
      for (const link of links) link.end(abortError());
      throw error;
    }
  }

  /** @returns {import("./types.js").LabInfo} */
  get info() {
    return { ...this.#info };
  }

  /**
   * Trains on, and gives a report after every so many steps. The training waits while the caller works on a report.
   * Ends with OperationError where the training diverges: the message has the step and the norm, and the weights are
   * those of the last steps that went well.
   * @param {import("./types.js").TrainOptions} [options]
   * @returns {AsyncGenerator<import("./types.js").TrainReport, void, void>}
   */
  async *train({ steps, every = EVERY, heldOut = HELD_OUT, scored = SCORED, signal } = {}) {
    count("every", every, 1);
    count("heldOut", heldOut, 0);
    count("scored", scored, 0);
    const until = steps === undefined ? this.#info.trainingSteps : this.#info.steps + count("steps", steps, 0);
    if (this.#training) throw makeError("InvalidStateError", "The lab is being trained already.");
    this.#training = true;
    const stop = () => this.#leader.call("stop", []).catch(() => {});
    signal?.addEventListener("abort", stop);
    try {
      while (this.#info.steps < until) {
        signal?.throwIfAborted();
        const some = Math.min(every - (this.#info.steps % every), until - this.#info.steps);
        const report = await this.#leader.call("run", [some, heldOut, scored]);
        this.#info = { ...this.#info, steps: report.step };
        signal?.throwIfAborted();
        yield report;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#training = false;
    }
  }

  /**
   * Changes settings that may change between steps, while it trains too: learningRate, clip, dropout, ...
   * @param {LabSettings} settings
   */
  async set(settings) {
    for (const [name, value] of settingsIn("settings", settings)) {
      await this.#leader.call("set", [name, value]);
      if (name === "steps") this.#info = { ...this.#info, trainingSteps: Number(value) };
    }
  }

  /**
   * What the network makes of a string of its task, or of a text in its source language; of a classifier the label.
   * @param {string} source
   * @returns {Promise<string>}
   */
  predict(source) {
    return this.#leader.call("predict", [source]);
  }

  /**
   * What a classifier makes of a text: its label, and the probability of every label, the highest first.
   * @param {string} text
   * @returns {Promise<import("./types.js").Classification>}
   */
  classify(text) {
    return this.#leader.call("classify", [text]);
  }

  /**
   * What may stand at each `<mask>` of a text, by a masked language model: for each mask the best tokens.
   * @param {string} text
   * @param {{ most?: number }} [options] guesses at each mask (5)
   * @returns {Promise<import("./types.js").Guess[][]>}
   */
  async fill(text, { most = 5 } = {}) {
    return this.#leader.call("fill", [text, count("most", most, 1)]);
  }

  /**
   * What a causal language model writes behind a prompt.
   * @param {string} [prompt]
   * @param {object} [options]
   * @param {number} [options.temperature] 0, the default: the most probable token; above it the draw is bolder
   * @param {number} [options.topK] draws among so many of the most probable tokens (0: all)
   * @param {number} [options.tokens] at most (0: up to the end of the text or of the context)
   * @param {number} [options.seed] of the draw (1)
   * @returns {Promise<import("./types.js").Continuation>}
   */
  async continue(prompt = "", { temperature = 0, topK = 0, tokens = 0, seed = 1 } = {}) {
    if (!(temperature >= 0 && temperature < Infinity))
      throw makeError("TypeError", `The option "temperature" is ${shown(temperature)}; it takes a number from 0 on.`);
    const counts = { topK: count("topK", topK, 0), tokens: count("tokens", tokens, 0), seed: count("seed", seed, 0) };
    return this.#leader.call("continue", [prompt, { temperature, ...counts }]);
  }

  /**
   * What a network makes of an image, and where it looked: the label, and attention by layer, head and patch.
   * @param {Uint8Array | Uint8ClampedArray} pixels grey, a byte each, from left to right and from top to bottom
   * @returns {Promise<import("./types.js").Sight>}
   */
  async see(pixels) {
    if (!ArrayBuffer.isView(pixels))
      throw makeError("TypeError", `An image is grey pixels as bytes, not ${shown(pixels)}.`);
    return this.#leader.call("see", [new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength).slice()]);
  }

  /** The value of a setting, "architecture" or "encoderLayers" among them. @param {string} name @returns {Promise<string | number>} */
  get(name) {
    return this.#leader.call("get", [name]);
  }

  /**
   * Predicts, and gives arrays of that pass by name: "enc.embd", "enc.blk.0", "dec.blk.0" (outputs of layers),
   * "enc.blk.0.attn", "dec.blk.0.attn", "dec.blk.0.cross_attn", of a recurrent network "dec.attn" (weights of attention), and parameters
   * ("enc.blk.0.attn_q.weight", with ".gradient" behind it for its gradient). Without names, all attention.
   * With a `target`, the pass is over that one, and nothing is predicted: pictures of a training have the same rows from the
   * first step to the last.
   * @param {string} source
   * @param {string[]} [names]
   * @param {{ target?: string }} [options]
   * @returns {Promise<import("./types.js").Inspection>}
   */
  inspect(source, names, { target } = {}) {
    return this.#leader.call("inspect", [source, names, target]);
  }

  /**
   * String `index` of the task, or pair: one that is trained on, or one that is held out.
   * @param {number} index
   * @param {{ heldOut?: boolean }} [options]
   * @returns {Promise<{ source: string, target: string }>}
   */
  async example(index, { heldOut = true } = {}) {
    return this.#leader.call("example", [heldOut, count("index", index, 0)]);
  }

  /**
   * Loss and exact matches of held-out strings or pairs; of pairs BLEU too.
   * @param {number} [strings]
   * @param {{ scored?: number }} [options] pairs that are translated for BLEU (as many); 0: none
   * @returns {Promise<import("./types.js").Evaluation>}
   */
  async evaluate(strings = HELD_OUT, { scored = strings } = {}) {
    return this.#leader.call("evaluate", [count("strings", strings, 1), count("scored", scored, 0)]);
  }

  /**
   * A checkpoint: a "model" for `Translator.create({ model })`, or for `Lab.open` where it translates no text; an "int8"
   * one, which is a quarter of it; or a "state", which is a model and what going on needs.
   * @param {import("./types.js").SavedKind} [kind]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async save(kind = "model") {
    if (kind !== "model" && kind !== "state" && kind !== "int8")
      throw makeError("TypeError", `A lab saves a "model", a "state" or an "int8" model, not ${shown(kind)}.`);
    return this.#leader.call("save", [kind]);
  }

  /** Ends the workers and gives all memory back; what is being asked is rejected with AbortError. */
  destroy() {
    for (const link of this.#links) link.end(abortError("The lab was destroyed."));
  }

  // Where the platform has no Symbol.dispose this is called "undefined", and by nobody.
  [Symbol.dispose]() {
    this.destroy();
  }
}
