// The trainings of the room, one or two: what the settings ask for, what goes on when the room is left, what is kept.

import { forget, keep, kept } from "./keep.js";
import { Run } from "./run.js";
import { readSettings, writeSettings } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */

const KEPT_EVERY = 5000; // milliseconds

/** Settings without what may change while it trains. @param {Settings} settings */
const fixedOf = (settings) => writeSettings({ ...settings, rate: 0 });

export class Trainings {
  /** @type {Run[]} */
  runs = [];
  slow = true;
  pairs = "";
  ask = "";
  /** @type {import("./keep.js").Kept | null} */
  offer = null;
  #store;
  /** @type {Settings} */
  #settings = readSettings("");
  #made = "";
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #kept = performance.now();
  /** @type {Promise<void> | null} */
  #keeping = null;
  #ended = false;

  /** @param {import("../../state.js").Store} store */
  constructor(store) {
    this.#store = store;
    kept().then((found) => {
      if (found?.runs[0] && !this.running) this.offer = found;
      this.#tell();
    });
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get running() {
    return this.runs.some((run) => run.running);
  }
  get done() {
    return this.runs.length > 0 && this.runs.every((run) => run.state === "done");
  }

  #tell() {
    const steps = this.runs.reduce((sum, run) => sum + run.steps, 0);
    const share = this.runs.reduce((sum, run) => sum + run.step, 0) / Math.max(1, steps);
    const before = this.#store.get().training;
    const runs = this.running;
    const next = share > 0 && !this.done ? { share: Math.floor(share * 100) / 100, runs } : null;
    if (before?.share !== next?.share || before?.runs !== next?.runs) this.#store.set({ training: next });
    for (const listener of this.#listeners) listener();
    const ended = this.done && !this.#ended;
    this.#ended = this.done;
    if (ended || performance.now() - this.#kept > KEPT_EVERY) this.#keep();
  }

  /** Keeps all of it; behind another keeping that has begun with less. */
  async #keep() {
    if (this.runs.every((run) => run.step === 0)) return;
    this.#kept = performance.now();
    const before = this.#keeping;
    const now = (async () => {
      await before;
      await this.#write();
    })();
    this.#keeping = now;
    await now;
  }

  async #write() {
    try {
      const query = writeSettings(this.#settings);
      const runs = await Promise.all(this.runs.map((run) => run.saved()));
      if (runs.every(Boolean)) await keep({ query, pairs: this.pairs, runs });
    } catch {
      // a run that was ended meanwhile, or a browser that keeps nothing
    }
  }

  #make() {
    for (const run of this.runs) run.close();
    const networks = this.#settings.two ? [this.#settings.a, this.#settings.b] : [this.#settings.a];
    this.runs = networks.map((one) => new Run(this.#settings, one, this.pairs, () => this.#tell()));
    for (const run of this.runs) {
      run.slow = this.slow;
      run.ask = this.ask;
    }
    this.#made = fixedOf(this.#settings);
  }

  /** What the address says now; another network begins anew. @param {Settings} settings */
  set(settings) {
    const { rate } = this.#settings;
    this.#settings = settings;
    if (this.#made !== fixedOf(settings)) {
      this.#make();
      if (settings.task !== "pairs") for (const run of this.runs) run.look();
    } else if (rate !== settings.rate) for (const run of this.runs) run.setRate(settings.rate);
    this.#tell();
  }

  /** @param {string} text */
  setPairs(text) {
    this.pairs = text;
    this.#make();
    this.#tell();
  }

  play() {
    this.offer = null;
    for (const run of this.runs) run.play();
  }

  async pause() {
    await Promise.all(this.runs.map((run) => run.pause()));
    await this.#keep();
  }

  async one() {
    await Promise.all(this.runs.map((run) => run.one()));
  }

  restart() {
    this.#make();
    if (this.#settings.task !== "pairs") for (const run of this.runs) run.look();
    this.#tell();
  }

  /** @param {boolean} slow */
  setPace(slow) {
    this.slow = slow;
    for (const run of this.runs) run.slow = slow;
    this.#tell();
  }

  /** @param {string} text */
  setAsk(text) {
    this.ask = text;
    for (const run of this.runs) run.setAsk(text);
    this.#tell();
  }

  /** Goes on with what was kept. */
  goOn() {
    const { offer } = this;
    if (!offer) return;
    this.offer = null;
    this.pairs = offer.pairs;
    this.#settings = readSettings(offer.query);
    this.#make();
    for (const [i, run] of this.runs.entries()) {
      const one = offer.runs[i];
      if (one) run.restore(one);
      if (run.state !== "done") run.play();
      else run.look();
    }
    this.#tell();
  }

  decline() {
    this.offer = null;
    forget();
    this.#tell();
  }
}
