// Glossa through its public API, for Node and for a page alike.

import { Translator } from "../../../src/js/index.js";
import { BATCH } from "./batch.js";

/** @typedef {{ texts: string[], forced: boolean, beam?: number }} Job `forced`: produce as many tokens as the source has */

export class Glossa {
  /** @type {Translator | undefined} */
  #translator;
  /** @type {Map<string, number>} tokens of a text, the end included */
  #tokens = new Map();

  get #ready() {
    if (!this.#translator) throw new Error("no model is loaded");
    return this.#translator;
  }

  /**
   * @param {object} options
   * @param {Uint8Array<ArrayBuffer>} options.model
   * @param {"simd128" | "relaxed"} options.build
   * @param {BufferSource} [options.wasm]
   * @param {number} [options.pool] workers; none where not given: the work is done in place
   */
  async load({ model, build, wasm, pool }) {
    this.#translator?.destroy();
    const place = pool ? { pool } : { worker: false };
    this.#translator = await Translator.create({
      model,
      build,
      ...place,
      ...(wasm ? { wasm: { [build]: /** @type {any} */ (wasm) } } : {}),
    });
    return this.#translator.info;
  }

  destroy() {
    this.#translator?.destroy();
    this.#translator = undefined;
  }

  /** @param {string} text */
  translate(text) {
    return this.#ready.translate(text);
  }

  /**
   * Tokens of each text, counted once.
   * @param {string[]} texts
   */
  async count(texts) {
    const counts = [];
    for (const text of texts) {
      const known = this.#tokens.get(text) ?? (await this.#ready.countTokens(text));
      this.#tokens.set(text, known);
      counts.push(known);
    }
    return counts;
  }

  /**
   * All texts at once.
   * @param {Job} job
   */
  async batch({ texts, forced, beam = 1 }) {
    const counts = forced ? await this.count(texts) : [];
    const start = performance.now();
    let results;
    if (forced) {
      const order = texts.map((_, i) => i).sort((a, b) => counts[b] - counts[a]);
      const calls = [];
      for (let at = 0; at < order.length; at += BATCH) {
        const part = order.slice(at, at + BATCH);
        const options = { beamSize: beam, maxLength: counts[part[0]], split: false };
        calls.push(
          this.#ready.translateBatch(
            part.map((i) => texts[i]),
            options,
          ),
        );
      }
      results = (await Promise.all(calls)).flat();
    } else results = await this.#ready.translateBatch(texts, { beamSize: beam });
    return { ms: performance.now() - start, results };
  }

  /**
   * One text after the other.
   * @param {Job} job
   */
  async singles({ texts, forced, beam = 1 }) {
    const counts = forced ? await this.count(texts) : [];
    const times = [];
    const results = [];
    for (const [i, text] of texts.entries()) {
      const options = forced ? { beamSize: beam, maxLength: counts[i], split: false } : { beamSize: beam };
      const start = performance.now();
      results.push(await this.#ready.translate(text, options));
      times.push(performance.now() - start);
    }
    return { times, results };
  }
}
