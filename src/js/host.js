// The engine's side of the messages: one instance of the engine, one request after the other. It runs in a worker or
// in place; only who carries the messages differs.

import { translateAligned } from "./aligned.js";
import { Batcher } from "./batcher.js";
import { openCore } from "./build.js";
import { errorData, isFatal, makeError, shownError } from "./errors.js";
import { explainText } from "./explanation.js";
import { pickLanguage } from "./manifest.js";
import { checkRoom } from "./memory.js";
import { readModel } from "./model-source.js";
import { isNode, nextTurn } from "./platform.js";
import { isMessage } from "./protocol.js";
import { digestOf } from "./sha256.js";
import { segmenter } from "./split.js";
import { useRules } from "./text/use.js";
import { streamText, translateTexts } from "./translation.js";
import { Turns } from "./turns.js";

/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./protocol.js").Reply} Reply */

export class Host {
  /** @type {Batcher | null} */
  #batcher = null;
  /** @type {"simd128" | "relaxed"} */
  #build = "simd128";
  /** @type {Map<number, {turns: Turns, abort: AbortController}>} */
  #running = new Map();
  #tail = Promise.resolve();
  #reply;
  #files;
  #gentle;

  /**
   * @param {(reply: Reply, transfer?: Transferable[]) => void} reply
   * @param {{files: import("./build.js").WasmFiles, gentle?: boolean}} how `gentle`: others work in this thread too
   */
  constructor(reply, { files, gentle = false }) {
    this.#reply = reply;
    this.#files = files;
    this.#gentle = gentle;
  }

  /** @param {unknown} message one that is not for an engine is not answered */
  receive(message) {
    if (!isMessage(message)) return;
    if (message.type === "close") {
      this.#tail = this.#tail.then(() => this.#close());
      for (const { turns, abort } of this.#running.values()) {
        turns.abort();
        abort.abort();
      }
    } else if (message.type === "abort") {
      const job = this.#running.get(message.target);
      job?.turns.abort();
      job?.abort.abort();
    } else {
      const job = { turns: new Turns(), abort: new AbortController() };
      this.#running.set(message.id, job);
      this.#tail = this.#tail.then(() => this.#answer(message, job));
    }
  }

  /** @returns {import("./core.js").Core[]} of the model, or of both where it goes through a pivot */
  get #cores() {
    const { core, next } = this.#ready;
    return next ? [core, next.core] : [core];
  }

  #close() {
    if (this.#batcher) for (const core of this.#cores) core.close();
    this.#batcher = null;
  }

  /**
   * @param {Request} request
   * @param {{turns: Turns, abort: AbortController}} job
   */
  async #answer(request, { turns, abort }) {
    const { id } = request;
    try {
      abort.signal.throwIfAborted();
      const value = await this.#work(request, turns, abort.signal);
      const { wasmBytes, workingBytes } = this.#memory;
      this.#reply({ id, type: "result", value, memory: { wasmBytes, workingBytes } }, transferables(value));
    } catch (error) {
      const fatal = isFatal(error);
      const shown = fatal
        ? makeError(
            "OperationError",
            `The engine crashed (${/** @type {Error} */ (error).message}); it is started anew.`,
          )
        : shownError(error, request.type === "load" ? "load the model" : "do this");
      if (fatal) this.#batcher = null;
      this.#reply({ id, type: "error", error: errorData(shown), fatal });
    } finally {
      this.#running.delete(id);
    }
  }

  get #ready() {
    if (!this.#batcher) throw makeError("InvalidStateError", "No model is loaded.");
    return this.#batcher;
  }

  /**
   * @param {Request} request
   * @param {Turns} turns
   * @param {AbortSignal} signal
   * @returns {Promise<unknown>}
   */
  async #work(request, turns, signal) {
    const { id } = request;
    if (request.type === "load") return this.#load(request, signal);
    if (request.type === "greet") return null;
    const batcher = this.#ready;
    switch (request.type) {
      case "translate": {
        const { texts, options, progress, stream } = request;
        const job = { batcher, options, turns };
        if (stream) return [await streamText(job, texts[0], (text) => this.#reply({ id, type: "chunk", text }))];
        const onProgress = (/** @type {number} */ done, /** @type {number} */ total) =>
          this.#reply({ id, type: "progress", done, total });
        return translateTexts(job, texts, progress ? onProgress : undefined);
      }
      case "align":
        return translateAligned({ batcher, options: request.options, turns }, request.texts);
      case "explain":
        return explainText({ batcher, options: request.options, turns }, request.text);
      case "measure":
        return Promise.all(request.texts.map((text) => batcher.core.countTokens(text)));
      case "checkpoint":
        return { models: this.#cores.map((core) => core.checkpoint()) };
    }
  }

  /**
   * @param {import("./protocol.js").LoadRequest} request
   * @param {AbortSignal} signal
   */
  async #load({ id, models, build, wasm, cache, device, offline, rules }, signal) {
    useRules(rules);
    this.#close();
    const opened = await openCore(this.#files, build, wasm);
    const cores = models.map((_, i) => (i ? opened.core.sibling() : opened.core));
    try {
      const sizes = models.map(({ bytes }) => bytes);
      /** @type {Set<string>} */
      const notKept = new Set();
      /** @type {(Blob | null)[]} */
      const streamed = [];
      for (const [i, { source, sha256, languages }] of models.entries()) {
        const before = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
        const onProgress = (/** @type {number} */ done, /** @type {number | undefined} */ total) => {
          sizes[i] = total ?? Math.max(sizes[i], done);
          this.#reply({ id, type: "progress", done: before + done, total: sizes.reduce((sum, size) => sum + size, 0) });
        };
        const onSize = (/** @type {number} */ size) => {
          sizes[i] = size;
          const all = sizes.reduce((sum, each) => sum + each, 0);
          checkRoom(all, device);
        };
        const read = await readInto(cores[i], source, {
          cache,
          offline,
          sha256,
          bytes: sizes[i],
          signal,
          onProgress,
          onSize,
        });
        if (read.notKept) notKept.add(read.notKept);
        streamed.push(read.streamed);
        if (languages) chooseLanguages(cores[i], languages);
      }
      const [core, second] = cores;
      this.#batcher = new Batcher(core, this.#gentle, second ? new Batcher(second, this.#gentle) : null);
      this.#build = opened.build;
      if (this.#gentle) {
        await nextTurn();
        segmenter(core.model.sourceLanguage); // now, so that no translation is the first to ask for one
      }
      return { ...this.#info(), notKept: [...notKept].join("; "), streamed };
    } catch (error) {
      if (!isFatal(error)) for (const core of cores) core.close();
      throw error;
    }
  }

  get #memory() {
    if (!this.#batcher) return { wasmBytes: 0, modelBytes: 0, workingBytes: 0 };
    const cores = this.#cores;
    const sum = (/** @type {"modelBytes" | "workingBytes"} */ key) =>
      cores.reduce((total, core) => total + core[key], 0);
    return { wasmBytes: cores[0].heapBytes, modelBytes: sum("modelBytes"), workingBytes: sum("workingBytes") };
  }

  #info() {
    const models = this.#cores.map(({ model }) => model);
    const { kernels, version } = this.#ready.core;
    return { build: this.#build, kernels, version, ...this.#memory, model: models[0], models };
  }
}

/**
 * Reads a model to its end into the heap, and opens it.
 * @param {import("./core.js").Core} core
 * @param {import("./model-source.js").PlainSource} source
 * @param {import("./model-source.js").ReadOptions & {onSize: (bytes: number) => void}} options `onSize`: before it is read
 */
async function readInto(core, source, options) {
  // Of unknown size, the model is gathered first: the heap takes it in one piece.
  /** @type {Uint8Array<ArrayBuffer>[] | null} */
  let gathered = null;
  /** @type {Blob | null} */
  let streamed = null;
  let known = 0;
  const sink = {
    begin(/** @type {number | undefined} */ total) {
      gathered = total === undefined ? [] : null;
      known = total ?? 0;
      if (total === undefined) return;
      core.reserve(total);
      options.onSize(total);
    },
    write(/** @type {number} */ offset, /** @type {Uint8Array} */ chunk) {
      known = Math.max(known, offset + chunk.length);
      if (gathered) gathered.push(/** @type {Uint8Array<ArrayBuffer>} */ (chunk.slice()));
      else core.write(offset, chunk);
    },
    // A browser's own digest is many times faster than ours, but takes a whole; Node's takes pieces.
    digest:
      isNode || !globalThis.crypto?.subtle
        ? undefined
        : async () => (gathered ? digestOf(await new Blob(gathered).arrayBuffer()) : core.digest()),
    open() {
      options.signal?.throwIfAborted();
      if (gathered) {
        core.reserve(known);
        let offset = 0;
        for (const chunk of gathered) {
          core.write(offset, chunk);
          offset += chunk.length;
        }
        if ("stream" in source) streamed = new Blob(gathered);
        gathered = null;
      }
      core.openModel();
    },
  };
  const notKept = await readModel(source, sink, options);
  return { notKept, streamed };
}

/**
 * @param {import("./core.js").Core} core
 * @param {import("./types.js").LanguagePair} wanted
 */
function chooseLanguages(core, { sourceLanguage, targetLanguage }) {
  const { sourceLanguages, targetLanguages } = core.model;
  const pick = (/** @type {string[]} */ all, /** @type {string} */ tag) => (all.length ? pickLanguage(all, tag) : tag); // a file that names none may be anything
  // "mul" is BCP 47's word for several languages that nobody lists
  const source =
    pick(sourceLanguages, sourceLanguage) ?? (sourceLanguages.includes("mul") ? sourceLanguage : undefined);
  const target = pick(targetLanguages, targetLanguage);
  if (source === undefined || target === undefined)
    throw makeError(
      "NotSupportedError",
      `The model translates from ${sourceLanguages.join(", ")} to ${targetLanguages.join(", ")}, not from ${sourceLanguage} to ${targetLanguage}.`,
    );
  core.chooseLanguages(source, target);
}

/**
 * The buffers of an answer, which go over without a copy.
 * @param {unknown} value
 * @returns {Transferable[]}
 */
function transferables(value) {
  /** @type {Set<Transferable>} */
  const found = new Set();
  const visit = (/** @type {unknown} */ item) => {
    if (ArrayBuffer.isView(item)) found.add(/** @type {ArrayBuffer} */ (item.buffer));
    else if (item && typeof item === "object") for (const part of Object.values(item)) visit(part);
  };
  if (value && typeof value === "object" && !Array.isArray(value)) visit(value);
  return [...found];
}
