// One training: its lab, its curves, its pictures. It knows nothing of the page that shows it.

import { Lab } from "../../../src/js/lab/index.js";
import { framesOf, Thinned } from "./history.js";
import { hasRule, rightWeights } from "./rules.js";
import { labOptions, rates } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").Network} Network */
/** @typedef {import("./history.js").Frame} Frame */

/**
 * @typedef {object} Point what was measured at a step
 * @property {number} step
 * @property {number} loss of the batches since the last point
 * @property {number} rate
 * @property {number} [heldOut] loss of held-out examples
 * @property {number} [exact] share of them that is right as a whole
 * @property {number} [bleu]
 * @property {number} [right] mean weight on the right place, of the head that has most
 */

/**
 * What the pictures are of.
 * @typedef {{source: string[], target: string[], names: string[], heads: number, text: string, wanted: string}} Shape
 */

const EVERY = 50; // steps between evaluations
const JUDGED = 64; // held-out strings
const PICTURE = 100; // milliseconds between pictures
const SLOW = 4; // steps a picture, where the reader wants to watch
const MOST_POINTS = 600;
const AT_THE_END = 2 ** 31; // a report after all steps
const BYTE = 255;
const LOOKED_AT = 12; // held-out examples, for one that shows something
const MOST_SHOWN = 24; // characters of it

export class Run {
  /** @type {Lab | null} */
  lab = null;
  step = 0;
  /** @type {"new" | "running" | "paused" | "done" | "failed"} */
  state = "new";
  problem = "";
  /** @type {Thinned<Point>} */
  points = new Thinned(MOST_POINTS);
  /** Steps at which ReduceLROnPlateau lowered the rate, and to what. @type {{step: number, rate: number}[]} */
  falls = [];
  /** @type {Shape | null} */
  shape = null;
  frames = framesOf(1);
  /** @type {Frame | null} */
  live = null;
  /** The weight on the right place by head, of the live picture. @type {number[]} */
  right = [];
  /** What it says of the shown example, and of the reader's own input. */
  says = "";
  ask = "";
  answer = "";
  slow = true;
  #settings;
  #network;
  #pairs;
  #changed;
  #rate = 0;
  #wanted = false;
  /** @type {Promise<void> | null} */
  #loop = null;
  /** @type {Promise<void> | null} */
  #opening = null;
  #closed = false;
  /** @type {Uint8Array<ArrayBuffer> | null} */
  #from = null;

  /**
   * @param {Settings} settings @param {Network} network @param {string} pairs @param {() => void} changed
   */
  constructor(settings, network, pairs, changed) {
    this.#settings = settings;
    this.#network = network;
    this.#pairs = pairs;
    this.#changed = changed;
  }

  get settings() {
    return this.#settings;
  }
  get network() {
    return this.#network;
  }
  get pairs() {
    return this.#pairs;
  }
  get steps() {
    return this.#settings.steps;
  }
  get running() {
    return this.state === "running";
  }

  #open() {
    this.#opening ??= this.#start().catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #start() {
    const options = labOptions(this.#settings, this.#network, this.#pairs);
    const { pairs } = options;
    const lab = this.#from ? await Lab.open(this.#from, pairs ? { pairs } : {}) : await Lab.create(options);
    if (this.#closed) {
      lab.destroy();
      throw Object.assign(new Error("the training was ended"), { name: "AbortError" });
    }
    this.lab = lab;
    this.#from = null;
    this.step = this.lab.info.steps;
    if (this.shape) return;
    const { source, target } = await longExample(this.lab);
    const seen = await this.lab.inspect(source, undefined, { target });
    const names = Object.keys(seen.arrays).filter((name) => /cross_attn$|^dec\.attn$/.test(name));
    const heads = names.length > 0 ? seen.arrays[names[0]].shape[0] : 0;
    this.shape = { source: seen.source, target: seen.target, names, heads, text: source, wanted: target };
    this.frames = framesOf(names.length * heads * seen.source.length * seen.target.length);
    this.#take(seen);
  }

  /** Keeps a picture. @param {import("../../../src/js/lab/index.js").Inspection} seen */
  #take({ arrays }) {
    const shape = /** @type {Shape} */ (this.shape);
    const size = shape.heads * shape.source.length * shape.target.length;
    const data = new Uint8Array(shape.names.length * size);
    for (const [layer, name] of shape.names.entries()) {
      const weights = arrays[name].data;
      for (let i = 0; i < size; i++) data[layer * size + i] = Math.round(weights[i] * BYTE);
    }
    this.live = { step: this.step, data };
    this.right = this.rightOf(data);
    this.frames.add(this.live);
  }

  /** The weight on the right place, by head; of no head where the task has no rule. @param {Uint8Array} data */
  rightOf(data) {
    const { shape } = this;
    if (!shape || !hasRule(this.#settings.task)) return [];
    const heads = shape.heads * shape.names.length;
    return rightWeights(this.#settings.task, { ...shape, heads, data, most: BYTE });
  }

  async #picture() {
    const { lab, shape } = this;
    if (!lab || !shape) return;
    if (shape.names.length > 0) this.#take(await lab.inspect(shape.text, shape.names, { target: shape.wanted }));
  }

  async #tell() {
    const { lab, shape } = this;
    if (!lab || !shape) return;
    this.says = await lab.predict(shape.text);
    if (this.ask) this.answer = await lab.predict(this.ask).catch((error) => `(${error.message})`);
  }

  /** @param {number} steps */
  async #advance(steps) {
    const lab = /** @type {Lab} */ (this.lab);
    const judged = Math.floor((this.step + steps) / EVERY) > Math.floor(this.step / EVERY);
    const some = judged ? JUDGED : 0;
    for await (const report of lab.train({ steps, every: AT_THE_END, heldOut: some, scored: some })) {
      this.step = report.step;
      const rate = report.learningRate;
      const byItself = this.#settings.schedule === "plateau" && this.step > EVERY;
      if (byItself && rate < this.#rate * 0.99) this.falls.push({ step: this.step, rate });
      this.#rate = rate;
      await this.#picture();
      /** @type {Point} */
      const point = { step: this.step, loss: report.loss, rate };
      if (report.heldOut) {
        const { loss, exact, bleu } = report.heldOut;
        Object.assign(point, { heldOut: loss, exact, ...(bleu === undefined ? {} : { bleu }) });
        if (this.right.length > 0) point.right = Math.max(...this.right);
        await this.#tell();
      }
      this.#point(point);
    }
  }

  /** A point with what was judged takes the place of one without. @param {Point} point */
  #point(point) {
    if (this.points.add(point) || point.exact === undefined) return;
    const last = this.points.items.length - 1;
    if (last >= 0 && this.points.items[last].exact === undefined) this.points.items[last] = point;
  }

  /** Trains until it is told to stop, or is done. */
  play() {
    this.#wanted = true;
    this.#loop ??= this.#train().finally(() => {
      this.#loop = null;
    });
    return this.#loop;
  }

  async #train() {
    this.state = "running";
    this.problem = "";
    this.#changed();
    let some = 1;
    try {
      await this.#open();
      while (this.#wanted && this.step < this.steps) {
        await visible();
        const begun = performance.now();
        // Up to the next evaluation at most, so that the curves have it where it belongs.
        const most = Math.min(this.steps - this.step, EVERY - (this.step % EVERY));
        await this.#advance(Math.min(this.slow ? SLOW : some, most));
        const took = performance.now() - begun;
        some = Math.max(1, Math.min(EVERY, took < PICTURE / 2 ? some * 2 : took > PICTURE ? some >> 1 : some));
        this.#changed();
        await new Promise((done) => setTimeout(done, this.slow ? Math.max(0, PICTURE - took) : 0));
      }
      this.state = this.step >= this.steps ? "done" : "paused";
    } catch (error) {
      this.#fail(error);
    }
    this.#changed();
  }

  /** @param {unknown} error */
  #fail(error) {
    if (/** @type {Error} */ (error).name === "AbortError") return;
    this.state = "failed";
    this.problem = /** @type {Error} */ (error).message;
  }

  async pause() {
    this.#wanted = false;
    await this.#loop;
  }

  /** One step, and its picture. */
  async one() {
    await this.pause();
    try {
      await this.#open();
      if (this.step < this.steps) await this.#advance(1);
      await this.#tell();
      this.state = this.step >= this.steps ? "done" : "paused";
    } catch (error) {
      this.#fail(error);
    }
    this.#changed();
  }

  /** Opens the lab, so that there is something to see before the first step. */
  async look() {
    try {
      await this.#open();
      await this.#tell();
    } catch (error) {
      this.#fail(error);
    }
    this.#changed();
  }

  /** @param {number} place in `rates` */
  async setRate(place) {
    this.#settings = { ...this.#settings, rate: place };
    this.#rate = 0; // what falls now falls by the reader's hand
    await this.lab?.set({ learningRate: rates[place] });
  }

  /** @param {string} text */
  async setAsk(text) {
    this.ask = text;
    this.answer = "";
    if (text && this.lab) this.answer = await this.lab.predict(text).catch((error) => `(${error.message})`);
    this.#changed();
  }

  /** What going on after a reload needs. */
  async saved() {
    if (!this.lab) return null;
    const { step, points, falls, shape, frames, state } = this;
    const bytes = await this.lab.save("state");
    return { step, falls, shape, bytes, state, points: points.items, frames: frames.items, network: this.#network };
  }

  /** @param {NonNullable<Awaited<ReturnType<Run["saved"]>>>} kept */
  restore({ step, falls, shape, bytes, points, frames }) {
    this.#from = bytes;
    Object.assign(this, { step, falls, shape, state: step >= this.steps ? "done" : "paused" });
    for (const point of points) this.points.add(point);
    const size = shape ? shape.names.length * shape.heads * shape.source.length * shape.target.length : 1;
    this.frames = framesOf(size);
    for (const frame of frames) this.frames.add(frame);
    this.live = frames.at(-1) ?? null;
    this.right = this.live ? this.rightOf(this.live.data) : [];
  }

  /** A checkpoint. */
  async model() {
    await this.#open();
    return /** @type {Lab} */ (this.lab).save();
  }

  close() {
    this.#closed = true;
    this.#wanted = false;
    this.lab?.destroy();
    this.lab = null;
  }
}

/** The longest of the first held-out examples that still fits a picture. @param {Lab} lab */
async function longExample(lab) {
  const first = await lab.example(0);
  let best = first;
  for (let i = 1; i < LOOKED_AT; i++) {
    const one = await lab.example(i).catch(() => first);
    const isLonger = one.source.length > best.source.length || best.source.length > MOST_SHOWN;
    if (isLonger && one.source.length <= MOST_SHOWN) best = one;
  }
  return best;
}

/** Waits while nobody looks. */
async function visible() {
  while (document.hidden)
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}
