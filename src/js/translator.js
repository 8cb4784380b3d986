/// <reference lib="esnext.disposable" preserve="true" />
// The Translator: the web platform's Translator API, and what Glossa adds to it.

import { loadChunk } from "./chunks.js";
import { abortError, makeError } from "./errors.js";
import { findAll, findModels, findState, noGesture, withOrigins } from "./finding.js";
import { inGroups } from "./groups.js";
import { identityInfo } from "./identity.js";
import { downloading, routeState } from "./manifest.js";
import { startMonitor } from "./monitor.js";
import {
  batchOptions,
  createOptions,
  explainOptions,
  given,
  languagePair,
  noText,
  strings,
  workOptions,
} from "./options.js";
import { chunkFiles, wasmFiles, wasmSources } from "./own-files.js";
import { iterate, newStream } from "./platform.js";
import { hasWorkers, Pool } from "./pool.js";
import { plainSource, sendable, sendableWasm } from "./sendable.js";
import { RULES } from "./text/rules.js";

/** @typedef {import("./types.js").Availability} Availability */
/** @typedef {import("./types.js").BatchOptions} BatchOptions */
/** @typedef {import("./types.js").CreateOptions} CreateOptions */
/** @typedef {import("./types.js").Explanation} Explanation */
/** @typedef {import("./types.js").ExplainOptions} ExplainOptions */
/** @typedef {import("./types.js").HTMLOptions} HTMLOptions */
/** @typedef {import("./types.js").LanguagePair} LanguagePair */
/** @typedef {import("./types.js").TranslateOptions} TranslateOptions */
/** @typedef {import("./types.js").TranslatorInfo} TranslatorInfo */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */

/** A text that may be a message in ICU MessageFormat (messages.js). */
const MESSAGE = /\{\s*[\w.-]+\s*,\s*(?:plural|select|selectordinal)\s*,/;

/** The engines of translators that nobody holds any more. */
const forgotten = new FinalizationRegistry((/** @type {Pool} */ pool) => pool.close(abortError()));

const KEY = Symbol("created by Translator.create");

/** How much of the progress what is loaded before an engine starts may take. */
const BEFORE = 0.95;

/** An option of create() that the polyfill sets to false: no user's gesture, so no download may begin. */
export const GESTURE = Symbol("a user's gesture");

export class Translator {
  /** @type {string} */
  #sourceLanguage;
  /** @type {string} */
  #targetLanguage;
  /** @type {Pool | null} null: source and target are one language, and texts are given back as they are */
  #pool;
  /** @type {TranslatorInfo} */
  #info;
  #inputQuota = Infinity;
  #life = new AbortController();
  /** Whether options that are not known are passed over, as the platform does. */
  #asPlatform = false;
  /** @type {AbortController | null} */
  #latest = null;

  /**
   * Use Translator.create().
   * @param {unknown} [key]
   * @param {any} [made] what create() made: {pair, pool, info, asPlatform}
   */
  constructor(key, made) {
    if (key !== KEY) throw makeError("TypeError", "Illegal constructor: use Translator.create().");
    this.#sourceLanguage = made.pair.sourceLanguage;
    this.#targetLanguage = made.pair.targetLanguage;
    this.#pool = made.pool;
    this.#info = made.info;
    this.#asPlatform = made.asPlatform;
    if (made.pool) forgotten.register(this, made.pool, this);
  }

  /**
   * Loads a model and makes a translator of it.
   * @param {CreateOptions} options
   * @returns {Promise<Translator>}
   */
  static async create(options) {
    const asPlatform = Object.getOwnPropertySymbols(Object(options)).includes(GESTURE);
    const settings = createOptions(options, asPlatform);
    const { signal, model, sourceLanguage, targetLanguage } = settings;
    const named = sourceLanguage !== undefined || targetLanguage !== undefined;
    let pair = named || model === undefined ? languagePair(settings) : null;
    signal?.throwIfAborted();
    const report = startMonitor(settings.monitor, signal);

    /** @type {import("./protocol.js").ModelLoad[]} */
    let models;
    /** @type {import("./types.js").ModelOrigin[]} */
    let origins = [];
    /** What was loaded before an engine starts, as a part of all. */
    let before = 0;
    if (model !== undefined) {
      models = [{ source: plainSource(model), bytes: 0, sha256: settings.sha256, languages: pair }];
    } else {
      const found = await findModels(/** @type {LanguagePair} */ (pair), settings, {
        onProgress: (fraction) => {
          before = BEFORE * fraction;
          report(before);
        },
        mayLoad: async (route) => {
          if (Reflect.get(options, GESTURE) !== false) return;
          if (!route || (await routeState(route)) === "downloadable") noGesture();
        },
      });
      origins = found.map(({ origin }) => origin);
      models = found.map(({ origin: _, ...load }) => load);
    }
    if (pair && !models.length)
      return Translator.#finish({ pair, pool: null, info: identityInfo(pair), asPlatform }, report, signal);

    const threaded = settings.worker !== false && hasWorkers;
    if (threaded) for (const load of models) load.source = await sendable(load.source);
    const pool = new Pool(threaded && settings.worker, {
      models,
      build: settings.build,
      wasm: sendableWasm({ ...wasmSources(), ...settings.wasm }),
      cache: settings.cache,
      offline: settings.offline,
      rules: RULES,
    });
    const urls = models.flatMap(({ source }) => ("url" in source ? [source.url] : []));
    for (const url of urls) downloading.add(url);
    try {
      report(0);
      /** @type {TranslatorInfo} */
      const info = await pool.start(threaded ? settings.pool : 1, {
        signal,
        onProgress: (done, total) =>
          report(total ? Math.min(before + (1 - before) * (done / total), 65535 / 65536) : 0),
      });
      pair ??= { sourceLanguage: info.model.sourceLanguage, targetLanguage: info.model.targetLanguage };
      return await Translator.#finish({ pair, pool, info: withOrigins(info, origins), asPlatform }, report, signal);
    } catch (error) {
      pool.close(error);
      throw error;
    } finally {
      for (const url of urls) downloading.delete(url);
    }
  }

  /**
   * @param {{pair: LanguagePair, pool: Pool | null, info: TranslatorInfo, asPlatform: boolean}} made
   * @param {(fraction: number) => void} report
   * @param {AbortSignal} [signal]
   */
  static async #finish(made, report, signal) {
    report(0);
    report(1);
    await null; // an abort from a listener of the last event counts
    signal?.throwIfAborted();
    const translator = new Translator(KEY, made);
    if (signal) {
      const weak = new WeakRef(translator);
      const end = () => {
        const held = weak.deref();
        if (held) held.#end(signal.reason);
      };
      signal.addEventListener("abort", end, { signal: translator.#life.signal });
    }
    return translator;
  }

  /**
   * Whether there is a model for two languages, or two that lead there, and whether they are here already.
   * Nobody is asked for it: what registries have is known from the last time, or from when this release was made.
   * @param {LanguagePair & import("./finding.js").Where} options
   * @returns {Promise<Availability>}
   */
  static async availability(options) {
    return findState(languagePair(options), given("create", options, true), routeState);
  }

  /**
   * The models that there are: of all languages, of one, or of a pair, for which they may be two of a way by two.
   * @param {Partial<LanguagePair> & import("./finding.js").Where} [options]
   * @returns {Promise<import("./types.js").AvailableModel[]>}
   */
  static async models(options = {}) {
    return findAll(given("models", options));
  }

  get sourceLanguage() {
    return this.#sourceLanguage;
  }

  get targetLanguage() {
    return this.#targetLanguage;
  }

  /** Texts of any length are taken. */
  get inputQuota() {
    return this.#inputQuota;
  }

  /** @returns {TranslatorInfo} memory as it is now, of all workers together */
  get info() {
    return { ...this.#info, ...this.#pool?.memory };
  }

  /**
   * @param {string} input
   * @param {TranslateOptions} [options]
   * @returns {Promise<string>}
   */
  async translate(input, options = {}) {
    if (input === undefined) noText("translate");
    const taken = given("translate", options, this.#asPlatform);
    const [translation] = await this.#translate([`${input}`], workOptions(taken), taken);
    return translation;
  }

  /**
   * The translation in chunks, each as soon as it is certain; all together are what translate() gives.
   * @param {string} input
   * @param {TranslateOptions} [options]
   * @returns {ReadableStream<string>}
   */
  translateStreaming(input, options = {}) {
    if (input === undefined) noText("translateStreaming");
    const text = `${input}`;
    const taken = given("translate", options, this.#asPlatform);
    const work = workOptions(taken);
    for (const signal of [this.#life.signal, taken.signal]) signal?.throwIfAborted();
    const cancelled = new AbortController();
    const stream = /** @type {ReadableStream<string>} */ (
      newStream({
        start: (controller) => {
          let chunks = 0;
          const onChunk = (/** @type {string} */ chunk) => {
            chunks++;
            controller.enqueue(chunk);
          };
          this.#translate([text], work, taken, { onChunk, cancelled: [cancelled.signal] }).then(
            ([whole]) => {
              if (chunks === 0 && whole) controller.enqueue(whole);
              controller.close();
            },
            (error) => {
              if (!cancelled.signal.aborted) controller.error(error);
            },
          );
        },
        cancel: () => cancelled.abort(),
      })
    );
    if (!(Symbol.asyncIterator in stream)) Object.assign(stream, { [Symbol.asyncIterator]: () => iterate(stream) });
    return stream;
  }

  /**
   * Translates many texts at the best throughput.
   * @param {Iterable<string>} texts
   * @param {BatchOptions} [options]
   * @returns {Promise<string[]>} in the order of the texts
   */
  async translateBatch(texts, options = {}) {
    const taken = given("translateBatch", options, this.#asPlatform);
    const work = batchOptions(taken);
    if (typeof texts === "string" || typeof texts?.[Symbol.iterator] !== "function")
      throw new TypeError("translateBatch() needs an array of texts; translate() takes one text");
    const all = Array.from(texts, String);
    const { onProgress, signal } = taken;
    /** @type {string[]} */
    const results = new Array(all.length);
    const superseded = this.#supersede(taken);
    const each = { signal, latest: false };
    let done = 0;
    const lengths = all.map((text) => text.length);
    await inGroups(lengths, this.#info.workers, async (indices, failed) => {
      let before = 0;
      const report = (/** @type {number} */ count) => {
        if (count === before) return;
        done += count - before;
        before = count;
        onProgress?.({ done, total: all.length });
      };
      const sources = indices.map((i) => all[i]);
      const translations = await this.#translate(sources, work, each, {
        onProgress: onProgress && report,
        cancelled: [failed, superseded],
      });
      report(indices.length);
      for (const [k, i] of indices.entries()) results[i] = translations[k];
    });
    return results;
  }

  /**
   * Translates HTML: tags stay, and stand in the translation where the words do that they enclosed.
   * @param {string} html
   * @param {HTMLOptions} [options]
   * @returns {Promise<string>}
   */
  async translateHTML(html = noText("translateHTML"), options = {}) {
    const taken = given("translateHTML", options, this.#asPlatform);
    const text = `${html}`;
    const attributes = strings("attributes", taken.attributes ?? []).map((name) => name.toLowerCase());
    const work = workOptions(taken);
    const signals = [this.#life.signal, taken.signal, this.#supersede(taken)];
    const check = () => {
      for (const signal of signals) signal?.throwIfAborted();
    };
    check();
    if (!this.#pool) return text;
    const { translateHTML } = await loadChunk("html");
    check();
    const { models, workers } = this.#info;
    return translateHTML(text, {
      attributes,
      sourceLanguage: models[0].sourceLanguage,
      targetLanguage: models[models.length - 1].targetLanguage,
      check,
      align: async (texts) => {
        /** @type {import("./protocol.js").AlignedPart[][]} */
        const results = new Array(texts.length);
        const lengths = texts.map(({ text }) => text.length);
        await inGroups(lengths, workers, async (indices, failed) => {
          check();
          const request = { type: /** @type {const} */ ("align"), texts: indices.map((i) => texts[i]), options: work };
          const found = await this.#pool?.run(request, { signals: [...signals, failed] });
          for (const [k, i] of indices.entries()) results[i] = found[k];
        });
        return results;
      },
    });
  }

  /**
   * Translates and shows how: tokens, probabilities, alternatives, attention, alignment.
   * @param {string} input
   * @param {ExplainOptions} [options]
   * @returns {Promise<Explanation>}
   */
  async explain(input = noText("explain"), options = {}) {
    const taken = given("explain", options, this.#asPlatform);
    const work = explainOptions(taken);
    const text = `${input}`;
    this.#life.signal.throwIfAborted();
    if (!this.#pool) return { source: text, translation: text, sentences: [], stages: [] };
    return this.#pool.run(
      { type: "explain", text, options: work },
      { signals: [taken.signal, this.#supersede(taken)] },
    );
  }

  /**
   * Learns from corrections: trains the model on until it translates the sources so, or for so many steps. Requests that
   * were made before are answered with the old weights, later ones with the new.
   * @param {import("./types.js").Correction[]} corrections
   * @param {import("./types.js").LearnOptions} [options]
   * @returns {Promise<import("./types.js").Lesson>}
   */
  async learn(corrections, options = {}) {
    const taken = given("learn", options);
    const life = this.#life.signal;
    for (const signal of [life, taken.signal]) signal?.throwIfAborted();
    const { learn } = await loadChunk("learn");
    return learn(corrections, taken, { pool: this.#pool, info: this.info, life, script: chunkFiles.learn, wasmFiles });
  }

  /**
   * The model as it is now, with what it has learnt.
   * @returns {Promise<Uint8Array<ArrayBuffer>>} a checkpoint, for the option `model`
   */
  async save() {
    this.#life.signal.throwIfAborted();
    const { models } = (await this.#pool?.run({ type: "checkpoint" })) ?? {};
    if (models?.length === 1) return models[0];
    throw makeError("NotSupportedError", "save() is for a translator with one model.");
  }

  /**
   * How much of inputQuota a text takes: nothing, as there is no quota.
   * @param {string} input
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<number>}
   */
  async measureInputUsage(input, options = {}) {
    if (input === undefined) noText("measureInputUsage");
    await this.#count(`${input}` && "", options); // what no string can be made of is an error here too
    return 0;
  }

  /**
   * @param {string} text
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<number>} how many tokens the model makes of a text
   */
  async countTokens(text, options = {}) {
    if (text === undefined) noText("countTokens");
    return this.#count(`${text}`, options);
  }

  /** Ends the translator: its requests fail, its memory is free. */
  destroy() {
    this.#end(abortError("The translator has been destroyed; create another one."));
  }

  get [Symbol.toStringTag]() {
    return "Translator";
  }

  // Where the platform has no Symbol.dispose this is called "undefined", and by nobody.
  [Symbol.dispose]() {
    this.destroy();
  }

  /**
   * @param {string} text
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<number>}
   */
  async #count(text, options) {
    const { signal } = given("translate", options, this.#asPlatform);
    for (const each of [this.#life.signal, signal]) each?.throwIfAborted();
    if (!this.#pool) return 0;
    const [tokens] = await this.#pool.run({ type: "measure", texts: [text] }, { signals: [signal] });
    return tokens;
  }

  /** @param {unknown} reason */
  #end(reason) {
    if (this.#life.signal.aborted) return;
    this.#life.abort(reason);
    forgotten.unregister(this);
    this.#pool?.close(reason);
  }

  /**
   * @param {{latest?: boolean}} options
   * @returns {AbortSignal | undefined}
   */
  #supersede({ latest }) {
    if (!latest) return undefined;
    this.#latest?.abort(abortError("A newer request took the place of this one."));
    this.#latest = new AbortController();
    return this.#latest.signal;
  }

  /**
   * @param {string[]} texts
   * @param {WorkOptions} work
   * @param {TranslateOptions} options
   * @param {{onProgress?: (done: number) => void, onChunk?: (text: string) => void, cancelled?: (AbortSignal | undefined)[]}} [how]
   * @returns {Promise<string[]>}
   */
  async #translate(texts, work, options, { onProgress, onChunk, cancelled = [] } = {}) {
    const signals = [options.signal, ...cancelled];
    for (const signal of [this.#life.signal, ...signals]) signal?.throwIfAborted();
    if (!this.#pool) return texts;
    const request = {
      type: /** @type {const} */ ("translate"),
      texts,
      progress: Boolean(onProgress),
      stream: Boolean(onChunk),
      options: work,
    };
    const how = { signals: [...signals, this.#supersede(options)], onProgress, onChunk };
    if (!work.preserve.includes("placeholders") || !texts.some((text) => MESSAGE.test(text)))
      return this.#pool.run(request, how);
    const { readMessages } = await loadChunk("messages");
    const messages = readMessages(texts);
    // No part of a message is one by itself, and so they come at once.
    const parts = { ...request, texts: messages.texts, progress: false, stream: false };
    const translations = await this.#pool.run(parts, { signals: how.signals });
    return messages.write(/** @type {string[]} */ (translations));
  }
}
