// The engine's side of the messages, in a worker or in place: calls by name and their answers.

import { errorData } from "../errors.js";
import { LabCore } from "./core.js";
import { follow, Trainer } from "./trainer.js";

/** @typedef {import("./trainer.js").Port} Port */

/**
 * @typedef {object} Opening
 * @property {WebAssembly.Module} module
 * @property {[string, string | number][]} settings in the order in which they are set
 * @property {string} [config] JSON of settings, before the others
 * @property {Uint8Array<ArrayBuffer>} [checkpoint]
 * @property {import("./data.js").DataFile[]} [data]
 * @property {[source: string, target: string]} [languages] of the pairs
 * @property {Uint8Array} [vocabulary] a checkpoint whose vocabulary the pairs get
 * @property {Port[]} [followers] of the leader
 * @property {Port} [leader] of one that follows
 */

/** @typedef {{ id: number, verb: string, args: any[] }} Call */
/** @typedef {{ id: number, value?: any, error?: import("../errors.js").ErrorData }} Answer */

export class Host {
  #answer;
  /** @type {LabCore | null} */ #core = null;
  /** @type {Trainer | null} */ #trainer = null;

  /** @param {(answer: Answer, transfer?: Transferable[]) => void} answer */
  constructor(answer) {
    this.#answer = answer;
  }

  /** @param {Call} call */
  async receive({ id, verb, args }) {
    try {
      const value = await this.#do(verb, args);
      const transfer = value instanceof Uint8Array ? [value.buffer] : [];
      this.#answer({ id, value }, transfer);
    } catch (error) {
      this.#answer({ id, error: errorData(error) });
    }
  }

  /** @param {Opening} opening */
  async #open({ module, settings, config, checkpoint, data = [], languages, vocabulary, followers = [], leader }) {
    const core = await LabCore.instantiate(module);
    this.#core = core;
    if (config !== undefined) core.configure(config);
    for (const [name, value] of settings) core.set(name, value);
    if (checkpoint) core.load(checkpoint);
    for (const file of data) core.addData(file);
    const [source, target] = languages ?? ["und", "und"];
    if (checkpoint && data.length) core.attach();
    else if (data.length) core.startPairs(source, target, vocabulary);
    else if (!checkpoint) core.start();
    if (leader) follow(core, leader);
    else this.#trainer = new Trainer(core, followers);
    return { ...core.describe(), pairs: core.pairs(), learnsFrom: core.learnsFrom };
  }

  /** @param {string} verb @param {any[]} args */
  #do(verb, args) {
    if (verb === "open") return this.#open(args[0]);
    const [core, trainer] = [/** @type {LabCore} */ (this.#core), /** @type {Trainer} */ (this.#trainer)];
    switch (verb) {
      case "run":
        return trainer.run(args[0], args[1], args[2]);
      case "stop":
        return trainer.stop();
      case "set":
        return trainer.set(args[0], args[1]);
      case "evaluate":
        return trainer.evaluate(args[0], args[1]);
      case "predict":
        return core.predict(args[0]);
      case "classify":
        return core.classify(args[0]);
      case "fill":
        return core.fill(args[0], args[1]);
      case "continue":
        return core.continue(args[0], args[1]);
      case "see":
        return trainer.see(args[0]);
      case "get":
        return core.get(args[0]);
      case "inspect":
        return trainer.inspect(args[0], args[1], args[2]);
      case "example":
        return core.example(args[0], args[1]);
      case "save":
        return core.save(args[0]);
      case "describe":
        return core.describe();
      case "settings":
        return core.settings();
      case "close":
        return trainer.close();
      default:
        throw new TypeError(`a lab does not do "${verb}"`);
    }
  }
}
