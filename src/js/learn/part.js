// Learning from corrections, a part of the package that is loaded on demand (chunks.js): the caller's side, and, in a worker
// of its own, the side that trains (learner.js). The file is the worker's script too.

import { shelve } from "../chunks.js";
import { abortError, errorData, errorFrom, makeError, shown } from "../errors.js";
import { deviceMemory } from "../memory.js";
import { batchOptions, explainOptions } from "../options.js";
import { builtin, importingWorker, isNode } from "../platform.js";
import { sendableWasm } from "../sendable.js";
import { nodeTransport, webTransport } from "../transport.js";
import { train } from "./learner.js";

/** @typedef {import("../types.js").Correction} Correction */
/** @typedef {import("../types.js").LearnOptions} LearnOptions */
/** @typedef {import("./learner.js").LearnJob} LearnJob */
/** @typedef {import("./learner.js").Learnt} Learnt */

/** What a translator lends. @typedef {{pool: import("../pool.js").Pool | null, info: import("../types.js").TranslatorInfo, life: AbortSignal, script: () => URL, wasmFiles: Record<"simd128" | "relaxed" | "lab", () => URL | null>}} School */

const NAME = "glossa-learn";
const STEPS = 24;
const MOST_STEPS = 1000;
const MOST_CORRECTIONS = 32;
const MOST_KEPT = 10_000;

/** WebAssembly has no more addresses. */
const WASM_BYTES = 2 ** 32;
/** Both engines without their models, and what JavaScript takes. */
const OTHER_BYTES = 48 * 2 ** 20;
/** Blocks of all parameters as floats: values and gradients. */
const BLOCKS = 2;
/** Copies of the checkpoint: the old, the new, and one in each of engine and lab. */
const COPIES = 4;
/** Bytes of text to a token, and floats that a token's way through a layer leaves, in widths and in inner widths. */
const TOKEN_BYTES = 3;
const WIDTHS = 24;
const INNER_WIDTHS = 6;

/** The learning that others wait for, by pool. @type {WeakMap<object, Promise<unknown>>} */
const queues = new WeakMap();

/** @param {unknown} corrections @returns {Correction[]} */
function checkCorrections(corrections) {
  if (!Array.isArray(corrections) || corrections.length === 0)
    throw makeError("TypeError", "learn() needs an array of corrections, each { source, target }.");
  if (corrections.length > MOST_CORRECTIONS)
    throw makeError(
      "RangeError",
      `learn() takes ${MOST_CORRECTIONS} corrections at a time, not ${corrections.length}: for more, use glossa/lab.`,
    );
  return corrections.map((correction, i) => {
    const { source, target } = Object(correction);
    for (const [name, text] of Object.entries({ source, target })) {
      if (typeof text !== "string")
        throw makeError("TypeError", `The ${name} of correction ${i} is ${shown(text)}; it must be a string.`);
      if (!text.trim()) throw makeError("TypeError", `The ${name} of correction ${i} is empty.`);
    }
    return { source, target: target.trim() };
  });
}

/** @param {unknown} keep @returns {string[]} */
function checkKept(keep = []) {
  if (!Array.isArray(keep) || keep.some((text) => typeof text !== "string" || !text.trim()))
    throw makeError("TypeError", `The option "keep" is ${shown(keep)}; it must be an array of sentences.`);
  if (keep.length > MOST_KEPT)
    throw makeError("RangeError", `The option "keep" has ${keep.length} sentences; it takes ${MOST_KEPT}.`);
  return keep;
}

/** @param {string} name @param {unknown} value @param {number} most @param {number} standard */
function count(name, value, most, standard) {
  if (value === undefined) return standard;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw makeError("TypeError", `The option "${name}" is ${shown(value)}; it takes a whole number from 1 to ${most}.`);
}

/**
 * Bytes that learning takes beside the translator, about, and rather too many.
 * @param {import("../types.js").TranslatorInfo} info
 * @param {Correction[]} corrections
 * @param {string[]} keep
 */
export function learningBytes({ model, modelBytes }, corrections, keep) {
  const lengths = keep.map((text) => 2 * text.length).sort((a, b) => b - a);
  for (const { source, target } of corrections) lengths.unshift(source.length + target.length);
  const bytes = lengths.slice(0, corrections.length + 8).reduce((sum, length) => sum + length, 0);
  const layers = model.encoderLayers + model.decoderLayers;
  const floats = 2 * model.targetVocabulary + layers * (WIDTHS * model.width + INNER_WIDTHS * model.ffnWidth);
  const pass = Math.ceil(bytes / TOKEN_BYTES) * 4 * floats;
  return BLOCKS * 4 * model.parameters + COPIES * modelBytes + pass + OTHER_BYTES;
}

/** @param {number} requested @param {number | undefined} allowed */
function checkMemory(requested, allowed) {
  const quota = Math.min(allowed ?? Infinity, deviceMemory(), WASM_BYTES);
  if (requested <= quota) return;
  const limit = quota === allowed ? `the option "memory" allows ${quota}` : `there are ${quota}`;
  throw makeError(
    "QuotaExceededError",
    `Learning takes some ${requested} bytes of memory with this model, and ${limit}. Nothing was begun.`,
    { requested, quota },
  );
}

/** The worker of this file. @param {URL} url @param {import("../transport.js").TransportEvents} events */
function startWorker(url, events) {
  if (isNode) return nodeTransport(new (builtin("worker_threads").Worker)(url, { workerData: NAME }), events);
  const foreign = /^https?:$/.test(url.protocol) && globalThis.location && url.origin !== globalThis.location.origin;
  const options = /** @type {const} */ ({ type: "module", name: NAME });
  return webTransport(foreign ? importingWorker(url.href, NAME) : new Worker(url, options), events);
}

/**
 * Trains in a worker that ends with the training, which gives all memory back.
 * @param {LearnJob} job
 * @param {URL} url of this file
 * @param {AbortSignal} signal
 * @returns {Promise<Learnt>}
 */
function trainInWorker(job, url, signal) {
  return new Promise((resolve, reject) => {
    /** @type {import("../transport.js").Transport | undefined} */
    let worker;
    const end = (/** @type {() => void} */ tell) => {
      signal.removeEventListener("abort", stop);
      worker?.close();
      tell();
    };
    const stop = () => end(() => reject(signal.reason));
    signal.addEventListener("abort", stop);
    try {
      worker = startWorker(url, {
        reply: ({ value, error }) => end(() => (error ? reject(errorFrom(error)) : resolve(value))),
        crash: (reason, name = "OperationError") =>
          end(() => reject(makeError(name, `The worker that learns has ended (${reason}); the model is as it was.`))),
      });
      worker.setBusy(true);
      worker.post({ learn: job }, [job.bytes.buffer]);
    } catch (error) {
      end(() => reject(error));
    }
  });
}

/**
 * @param {import("../pool.js").Pool} pool
 * @param {Correction[]} corrections
 * @param {{steps: number, keep: string[], signal: AbortSignal}} how
 * @param {School} school
 * @returns {Promise<import("../types.js").Lesson>}
 */
async function study(pool, corrections, { steps, keep, signal }, { info, life, script, wasmFiles }) {
  signal.throwIfAborted();
  const options = explainOptions({});
  const explained = () =>
    Promise.all(
      corrections.map(({ source }) => pool.run({ type: "explain", text: source, options }, { signals: [signal] })),
    );
  const before = await explained();
  const { models } = await pool.run({ type: "checkpoint" }, { signals: [signal] });
  /** @type {Uint8Array<ArrayBuffer>} */
  const old = models[0];
  const { build, wasm, rules, inPlace } = pool.made;
  const files = Object.entries(wasmFiles).flatMap(([name, place]) => {
    const url = place();
    return url ? [[name, url]] : [];
  });
  const { sourceLanguage, targetLanguage } = info.model;
  const job = {
    bytes: old.slice(),
    corrections,
    keep,
    steps,
    build,
    wasm: sendableWasm({ ...Object.fromEntries(files), ...wasm }),
    rules,
    languages: { sourceLanguage, targetLanguage },
    options: batchOptions({}),
  };
  const url = script();
  const here = inPlace || url.protocol === "glossa:"; // glossa/inline has no file that a worker could run
  const { bytes, ...report } = await (here ? train(job, signal) : trainInWorker(job, url, signal));
  signal.throwIfAborted();
  if (bytes) pool.replace(bytes);
  try {
    const after = await explained();
    const undo = async () => {
      life.throwIfAborted();
      if (bytes) pool.replace(old.slice());
    };
    return { ...report, before, after, undo };
  } catch (error) {
    if (bytes && !life.aborted) pool.replace(old);
    throw error;
  }
}

/**
 * @param {Correction[]} corrections
 * @param {LearnOptions} options
 * @param {School} school
 * @returns {Promise<import("../types.js").Lesson>}
 */
export async function learn(corrections, options, school) {
  const { pool, info, life } = school;
  const wanted = checkCorrections(corrections);
  const keep = checkKept(options.keep);
  const steps = count("steps", options.steps, MOST_STEPS, STEPS);
  const allowed = options.memory === undefined ? undefined : count("memory", options.memory, 2 ** 53 - 1, 0);
  if (!pool) throw makeError("NotSupportedError", "A translator into the same language has no model that could learn.");
  if (info.models.length > 1)
    throw makeError(
      "NotSupportedError",
      `This translator has two models, by way of ${info.models[0].targetLanguage}, and one correction cannot tell which to change: let a translator of one of them learn.`,
    );
  checkMemory(learningBytes(info, wanted, keep), allowed);
  const signal = eitherOf(life, options.signal);
  const before = queues.get(pool);
  const now = Promise.resolve(before)
    .catch(() => {})
    .then(() => study(pool, wanted, { steps, keep, signal }, school));
  queues.set(pool, now);
  return abortable(now, signal);
}

/** Aborted with the first of both. @param {AbortSignal} life @param {AbortSignal} [own] */
function eitherOf(life, own) {
  if (!own) return life;
  const both = new AbortController();
  for (const signal of [life, own]) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener("abort", () => both.abort(signal.reason), { signal: both.signal });
  }
  return both.signal;
}

/**
 * A promise that an abort rejects at once, also while it waits for its turn.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
function abortable(promise, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason ?? abortError());
    signal.addEventListener("abort", stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/**
 * Answers the one message that a worker of this file gets.
 * @param {any} message
 * @param {(answer: any, transfer: any[]) => void} post
 */
async function answer(message, post) {
  try {
    const value = await train(message.learn, null);
    post({ value }, value.bytes ? [value.bytes.buffer] : []);
  } catch (error) {
    post({ error: errorData(error) }, []);
  }
}

if (isNode) {
  const { parentPort, workerData } = builtin("worker_threads");
  if (parentPort && workerData === NAME)
    parentPort.on("message", (/** @type {any} */ message) =>
      answer(message, (value, transfer) => parentPort.postMessage(value, transfer)),
    );
} else {
  const scope = /** @type {Pick<Worker, "postMessage"> & {name?: string, onmessage: (event: MessageEvent) => void}} */ (
    /** @type {unknown} */ (globalThis)
  );
  if (scope.name === NAME && typeof document === "undefined")
    scope.onmessage = ({ data }) => answer(data, (value, transfer) => scope.postMessage(value, transfer));
}

shelve("learn", { learn, learningBytes });
