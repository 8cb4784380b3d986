/// <reference lib="esnext.disposable" preserve="true" />
// The Translator: the web platform's Translator API, and what Glossa adds to it.

import { loadChunk } from "./chunks.js";
import { abortError, makeError } from "./errors.js";
import { canonicalTag, findRoute, loadManifest, routeError } from "./manifest.js";
import { modelCache } from "./model-cache.js";
import { batchOptions, createOptions, explainOptions, given, noText, strings, workOptions } from "./options.js";
import { wasmSources } from "./own-files.js";
import { builtin, isNode, isURL, newStream, toURL } from "./platform.js";
import { hasWorkers, Pool } from "./pool.js";
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

/** Texts that one message to an engine carries at most. */
const MESSAGE_TEXTS = 64;

/** The engines of translators that nobody holds any more. */
const forgotten = new FinalizationRegistry((/** @type {Pool} */ pool) => pool.close(abortError()));

/** Downloads under way, by URL, for availability(). */
const downloading = new Set();

const KEY = Symbol("created by Translator.create");

/** An option of create() that the polyfill sets to false: no user's gesture, so no download may begin. */
export const GESTURE = Symbol("a user's gesture");

/** An event as the platform's monitor fires it. */
class DownloadProgressEvent extends Event {
  lengthComputable = true;
  total = 1;

  /** @param {number} loaded */
  constructor(loaded) {
    super("downloadprogress");
    this.loaded = loaded;
  }
}

/** What a monitor callback gets, as the platform makes it; only here. */
export class CreateMonitor extends EventTarget {
  /** @type {((event: any) => void) | null} */
  #handler = null;

  /** @param {unknown[]} keys no parameter by name: the platform's has none */
  constructor(...keys) {
    if (keys[0] !== KEY) throw makeError("TypeError", "Illegal constructor.");
    super();
  }

  get ondownloadprogress() {
    return this.#handler;
  }

  set ondownloadprogress(handler) {
    if (this.#handler) this.removeEventListener("downloadprogress", this.#handler);
    this.#handler = typeof handler === "function" ? handler : null;
    if (this.#handler) this.addEventListener("downloadprogress", this.#handler);
  }

  get [Symbol.toStringTag]() {
    return "CreateMonitor";
  }
}

/**
 * Fires downloadprogress: `loaded` from 0 to 1 in steps of 1/65536, each larger than the last.
 * @param {CreateOptions["monitor"]} monitor
 * @param {AbortSignal | undefined} signal
 */
function startMonitor(monitor, signal) {
  const target = new CreateMonitor(KEY);
  monitor?.(target);
  let last = -1;
  return (/** @type {number} */ fraction) => {
    const loaded = Math.floor(Math.min(1, fraction) * 65536) / 65536;
    if (loaded <= last || signal?.aborted) return;
    last = loaded;
    target.dispatchEvent(
      typeof ProgressEvent === "function"
        ? new ProgressEvent("downloadprogress", { loaded, total: 1, lengthComputable: true })
        : new DownloadProgressEvent(loaded),
    );
  };
}

/**
 * @param {Partial<LanguagePair>} options
 * @returns {LanguagePair} canonical
 */
function languagePair(options) {
  const tag = (/** @type {"sourceLanguage" | "targetLanguage"} */ key) => {
    const value = options?.[key];
    if (value === undefined)
      throw makeError("TypeError", `The option "${key}" is missing; give a BCP 47 tag, such as "en".`);
    return canonicalTag(`${value}`); // a TypeError for a Symbol, as on the platform
  };
  return { sourceLanguage: tag("sourceLanguage"), targetLanguage: tag("targetLanguage") };
}

/**
 * @param {import("./types.js").ModelSource} model
 * @returns {import("./model-source.js").PlainSource}
 */
function plainSource(model) {
  if (typeof model === "string" || isURL(model)) return { url: toURL(model).href };
  // Bytes first: Node loads Blob and ReadableStream only when they are named, and takes its time.
  if (ArrayBuffer.isView(model)) return { bytes: new Uint8Array(model.buffer, model.byteOffset, model.byteLength) };
  if (Object.prototype.toString.call(model) === "[object ArrayBuffer]")
    return { bytes: new Uint8Array(/** @type {ArrayBuffer} */ (model)) };
  if (model instanceof Blob) return { blob: model };
  if (model instanceof ReadableStream) return { stream: model };
  throw makeError(
    "TypeError",
    `The option "model" is ${Object.prototype.toString.call(model)}; it can be a URL, a path, a Blob, an ArrayBuffer, a typed array or a ReadableStream.`,
  );
}

/**
 * What can be sent to a worker: a stream goes as it is where streams can be transferred, else as a Blob.
 * @param {import("./model-source.js").PlainSource} source
 * @returns {Promise<import("./model-source.js").PlainSource>}
 */
async function sendable(source) {
  if (!("stream" in source)) return source;
  try {
    const { port1, port2 } = new MessageChannel();
    const probe = new ReadableStream();
    port1.postMessage(probe, [/** @type {Transferable} */ (/** @type {unknown} */ (probe))]);
    port1.close();
    port2.close();
    return source;
  } catch {
    return { blob: await new Response(source.stream).blob() };
  }
}

/**
 * URLs become absolute here, where it is known what they are relative to, and strings, which can be sent.
 * @param {import("./types.js").WasmSources} sources
 * @returns {import("./types.js").WasmSources}
 */
function sendableWasm(sources) {
  const entries = Object.entries(sources).map(([build, source]) => [
    build,
    typeof source === "string" || isURL(source) ? toURL(source).href : source,
  ]);
  return Object.fromEntries(entries);
}

/**
 * The worst state of the models on a route.
 * @param {import("./manifest.js").Leg[]} route
 * @returns {Promise<Availability>}
 */
async function routeState(route) {
  const states = await Promise.all(route.map(({ model }) => stateOf(model)));
  const worst = /** @type {const} */ (["unavailable", "downloadable", "downloading"]);
  return worst.find((state) => states.includes(state)) ?? "available";
}

/**
 * @param {import("./manifest.js").ManifestModel} model
 * @returns {Promise<Availability>}
 */
async function stateOf({ url, sha256 }) {
  if (isNode && url.startsWith("file:")) return builtin("fs").existsSync(new URL(url)) ? "available" : "unavailable";
  const record = (await modelCache.list()).find((kept) => kept.complete && kept.url === url);
  if (record && (!sha256 || record.sha256 === sha256.toLowerCase())) return "available";
  return downloading.has(url) ? "downloading" : "downloadable";
}

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
    if (model !== undefined) {
      models = [{ source: plainSource(model), bytes: 0, sha256: settings.sha256, languages: pair }];
    } else {
      const { sourceLanguage: from, targetLanguage: to } = /** @type {LanguagePair} */ (pair);
      const manifest = await loadManifest(settings.manifest, settings.origins);
      signal?.throwIfAborted();
      const route = findRoute(manifest, from, to);
      if (!route) throw routeError(manifest, from, to);
      if (Reflect.get(options, GESTURE) === false && (await routeState(route)) === "downloadable")
        throw makeError(
          "NotAllowedError",
          "The model must be downloaded: call Translator.create() from a click or a key.",
        );
      models = route.map(({ model: { url, bytes, sha256 }, ...languages }) => ({
        source: { url },
        bytes: bytes ?? 0,
        sha256,
        languages,
      }));
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
      rules: RULES,
    });
    const urls = models.flatMap(({ source }) => ("url" in source ? [source.url] : []));
    for (const url of urls) downloading.add(url);
    try {
      report(0);
      /** @type {TranslatorInfo} */
      const info = await pool.start(threaded ? settings.pool : 1, {
        signal,
        onProgress: (done, total) => report(total ? Math.min(done / total, 65535 / 65536) : 0),
      });
      pair ??= { sourceLanguage: info.model.sourceLanguage, targetLanguage: info.model.targetLanguage };
      return await Translator.#finish({ pair, pool, info, asPlatform }, report, signal);
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
   * @param {LanguagePair & Pick<CreateOptions, "manifest" | "origins">} options
   * @returns {Promise<Availability>}
   */
  static async availability(options) {
    const { sourceLanguage, targetLanguage } = languagePair(options);
    const { manifest, origins } = given("create", options, true);
    const route = findRoute(await loadManifest(manifest, origins), sourceLanguage, targetLanguage);
    return route ? routeState(route) : "unavailable";
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

/**
 * Works through many items in groups, a group more at a time than there are workers, so that none of them waits. Items of
 * like length go together, for a batch takes as long as the longest sentence in it.
 * @param {number[]} lengths of the items
 * @param {number} workers
 * @param {(indices: number[], failed: AbortSignal) => Promise<void>} work `failed`: aborted when another group fails
 */
async function inGroups(lengths, workers, work) {
  const order = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a]);
  const failed = new AbortController();
  let next = 0;
  const lane = async () => {
    while (next < order.length) {
      const indices = order.slice(next, next + MESSAGE_TEXTS);
      next += MESSAGE_TEXTS;
      await work(indices, failed.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, workers) + 1 }, lane));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

/**
 * @param {LanguagePair} pair
 * @returns {TranslatorInfo} of a translator between two variants of one language, which has no model
 */
function identityInfo({ sourceLanguage, targetLanguage }) {
  const none = { encoderLayers: 0, decoderLayers: 0, heads: 0, width: 0, ffnWidth: 0 };
  const sizes = {
    sourceVocabulary: 0,
    targetVocabulary: 0,
    context: 0,
    parameters: 0,
    trainingLength: 0,
    tensorBytes: 0,
  };
  const languages = { sourceLanguages: [sourceLanguage], targetLanguages: [targetLanguage] };
  return {
    build: "simd128",
    kernels: "",
    version: "",
    wasmBytes: 0,
    modelBytes: 0,
    workingBytes: 0,
    workers: 0,
    noWorker: "",
    notKept: "",
    model: {
      name: "",
      sourceLanguage,
      targetLanguage,
      ...languages,
      ...none,
      ...sizes,
      mixer: "attention",
      alignmentHead: null,
    },
    models: [],
  };
}

/**
 * @template T
 * @param {ReadableStream<T>} stream
 * @returns {AsyncGenerator<T>}
 */
async function* iterate(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
