// The engine's side of the messages, in a worker or in place: calls by name and their answers.

import { errorData } from "../errors.js";
import { LabCore } from "./core.js";
import { follow, Trainer } from "./trainer.js";

/** @typedef {import("./trainer.js").Port} Port */

/**
 * @typedef {object} Opening
 * @property {WebAssembly.Module} module
 * @property {[string, string | number][]} settings in the order in which they are set
 * @property {Uint8Array<ArrayBuffer>} [checkpoint]
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
  async #open({ module, settings, checkpoint, followers = [], leader }) {
    this.#core = await LabCore.instantiate(module);
    for (const [name, value] of settings) this.#core.set(name, value);
    if (checkpoint) this.#core.load(checkpoint);
    else this.#core.start();
    if (leader) follow(this.#core, leader);
    else this.#trainer = new Trainer(this.#core, followers);
    return this.#core.describe();
  }

  /** @param {string} verb @param {any[]} args */
  #do(verb, args) {
    if (verb === "open") return this.#open(args[0]);
    const [core, trainer] = [/** @type {LabCore} */ (this.#core), /** @type {Trainer} */ (this.#trainer)];
    switch (verb) {
      case "run":
        return trainer.run(args[0], args[1]);
      case "stop":
        return trainer.stop();
      case "set":
        return trainer.set(args[0], args[1]);
      case "evaluate":
        return trainer.evaluate(args[0]);
      case "predict":
        return core.predict(args[0]);
      case "inspect":
        return trainer.inspect(args[0], args[1]);
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
