// The engine's side of a lab: one instance that leads, and, where threads share a training, those that follow. For each
// step they compute the parts of the batch between them; the leader adds the gradients in order of their parts, so that
// the result does not depend on how many there are. Nothing is shared: gradients and weights are sent.

import { errorData, errorFrom } from "../errors.js";
import { nextTurn } from "../platform.js";
import { rolloutOf, sightOf } from "./seeing.js";

/** @typedef {import("./core.js").LabCore} LabCore */
/** @typedef {import("./core.js").PartGradients} PartGradients */
/** @typedef {Pick<MessagePort, "postMessage" | "close"> & { onmessage: ((event: { data: any }) => void) | null }} Port */

/** Answers a leader: computes parts, takes weights. @param {LabCore} core @param {Port} port */
export function follow(core, port) {
  port.onmessage = ({ data: { parts, weights, step, name, value } }) => {
    try {
      if (name !== undefined) return core.set(name, value);
      if (weights) core.follow(weights, step);
      for (const part of parts) {
        const gradients = core.compute(part);
        port.postMessage({ step, part, gradients }, [gradients.data.buffer]);
      }
    } catch (error) {
      port.postMessage({ step, error: errorData(error) });
    }
  };
}

export class Trainer {
  #core;
  #ports;
  /** What the parts of this step are waited for with. @type {((message: any) => void)} */
  #receive = () => {};
  /** The weights that followers have not seen. */
  #isNews = false;
  #stopping = false;

  /** @param {LabCore} core @param {Port[]} ports of those that follow */
  constructor(core, ports) {
    this.#core = core;
    this.#ports = ports;
    for (const port of ports) port.onmessage = ({ data }) => this.#receive(data);
  }

  /** @param {string} name @param {string | number} value */
  set(name, value) {
    this.#core.set(name, value);
    for (const port of this.#ports) port.postMessage({ name, value });
  }

  /** Ends a run after the step that it is at. */
  stop() {
    this.#stopping = true;
  }

  /** One step, shared where there is somebody to share it with. */
  async #step() {
    const parts = this.#core.parts;
    const workers = this.#ports.length + 1;
    if (workers === 1 || parts < 2) return this.#core.step();
    const step = this.#core.describe().steps;
    /** @type {PartGradients[]} */
    const done = [];
    let added = 0;
    const add = () => {
      for (; done[added]; added++) {
        this.#core.add(added, done[added]);
        delete done[added];
      }
    };
    /** @type {Promise<void>} */
    const others = new Promise((resolve, reject) => {
      let open = 0;
      for (let part = 0; part < parts; part++) if (part % workers > 0) open++;
      this.#receive = ({ step: answered, part, gradients, error }) => {
        if (answered !== step) return; // of a step that failed
        if (error) return reject(errorFrom(error));
        done[part] = gradients;
        if (--open === 0) resolve();
      };
    });
    for (const [i, port] of this.#ports.entries()) {
      const own = Array.from({ length: parts }, (_, part) => part).filter((part) => part % workers === i + 1);
      const weights = this.#isNews ? this.#core.weights() : undefined;
      port.postMessage({ parts: own, weights, step }, weights ? [weights.buffer] : []);
    }
    this.#isNews = false;
    for (let part = 0; part < parts; part += workers) {
      done[part] = this.#core.compute(part);
      add();
    }
    await others;
    add();
    const report = this.#core.finish();
    this.#isNews = true;
    return report;
  }

  /**
   * So many steps, or fewer where it is stopped; then an evaluation.
   * @param {number} steps @param {number} heldOut strings or pairs @param {number} scored pairs that are translated
   * @returns {Promise<import("./types.js").TrainReport>}
   */
  async run(steps, heldOut, scored) {
    const start = performance.now();
    const sum = { loss: 0, tokens: 0, sequences: 0 };
    let last = { step: this.#core.describe().steps, norm: 0, learningRate: 0 };
    let count = 0;
    this.#stopping = false;
    while (count < steps && !this.#stopping) {
      const report = await this.#step();
      count++;
      sum.loss += report.loss;
      sum.tokens += report.tokens;
      sum.sequences += report.sequences;
      last = report;
      await nextTurn(); // for messages: stop, settings
    }
    const seconds = (performance.now() - start) / 1000;
    const { step, norm, learningRate } = last;
    const { tokens, sequences } = sum;
    const report = {
      step,
      loss: sum.loss / count,
      norm,
      learningRate,
      tokens,
      sequences,
      tokensPerSecond: tokens / seconds,
    };
    if (heldOut === 0 || this.#core.pairs()?.heldOut === 0) return report;
    const evaluation = this.evaluate(heldOut, scored);
    this.#core.plateau(evaluation.loss);
    return { ...report, heldOut: evaluation };
  }

  /** @param {number} count @param {number} scored @returns {import("./types.js").Evaluation} */
  evaluate(count, scored) {
    const { loss, exact, correct, sequences, tokens } = this.#core.evaluate(count);
    const evaluation = {
      loss,
      perplexity: Math.exp(loss),
      exact: exact / sequences,
      sequences,
      correct: correct / tokens,
    };
    const translates = this.#core.pairs() && this.#core.learnsFrom === "pairs" && this.#core.labels().length === 0;
    return scored > 0 && translates ? { ...evaluation, bleu: this.#core.bleu(scored) } : evaluation;
  }

  /** @param {string} source @param {string[]} [names] @param {string} [target] @returns {import("./types.js").Inspection} */
  inspect(source, names, target) {
    const core = this.#core;
    const alone = core.learnsFrom === "texts"; // a language model has no source but what it writes
    const output = alone ? source : (target ?? core.predict(source));
    const ids = [source, output].map((text, side) => core.encode(text, side === 1));
    core.evaluatePairs([[ids[0], ids[1]]]); // the pass whose arrays are read
    const [sources, targets] = ids.map((list, side) => list.map((id) => core.piece(id, side === 1)));
    const arrays = names ? Object.fromEntries(names.map((name) => [name, core.read(name)])) : this.#attentions();
    return { source: sources, target: targets, output, arrays };
  }

  /** @param {Uint8Array} pixels @returns {import("./types.js").Sight} */
  see(pixels) {
    const core = this.#core;
    const classification = core.classify(pixels);
    const number = (/** @type {string} */ name) => Number(core.get(name));
    const isSwin = core.get("architecture") === "swin";
    const vision = {
      image: number("image"),
      patch: number("patch"),
      window: number("window"),
      stages: number("stages"),
      layers: number("encoderLayers"),
      isSwin,
      hasToken: !isSwin && core.get("pool") === "token",
    };
    const arrays = Object.values(this.#attentions());
    return {
      ...classification,
      image: vision.image,
      hasToken: vision.hasToken,
      layers: sightOf(vision, arrays),
      rollout: rolloutOf(vision, arrays),
    };
  }

  /** All attention weights of the last pass, by name. */
  #attentions() {
    /** @type {Record<string, import("./types.js").LabArray>} */
    const arrays = {};
    const take = (/** @type {string} */ name) => {
      try {
        arrays[name] = this.#core.read(name);
        return true;
      } catch {
        return false; // there is no such layer, or it mixes otherwise
      }
    };
    for (let layer = 0; take(`enc.blk.${layer}.attn`); layer++);
    for (let layer = 0, found = true; found; layer++) {
      const own = take(`dec.blk.${layer}.attn`);
      found = take(`dec.blk.${layer}.cross_attn`) || own;
    }
    take("dec.attn"); // of a recurrent network
    return arrays;
  }

  close() {
    for (const port of this.#ports) port.close();
    this.#core.close();
  }
}
