// The caller's side of the messages: engines in workers or in place, a queue before them, and what happens when one of
// them crashes.

import { loadChunk } from "./chunks.js";
import { abortError, errorFrom, makeError, shownError } from "./errors.js";
import { checkRoom, deviceMemory } from "./memory.js";
import { ownThread, ownWorker, wasmFiles } from "./own-files.js";
import { builtin, importingWorker, isNode, toURL } from "./platform.js";
import { isReply } from "./protocol.js";
import { nodeTransport, webTransport } from "./transport.js";

/** @typedef {import("./protocol.js").Request} Request */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").Reply} Reply */
/** @typedef {import("./protocol.js").LoadRequest} LoadRequest */

/**
 * A request without its id, which the connection gives.
 * @template T
 * @typedef {T extends unknown ? Omit<T, "id"> : never} Unnumbered
 */

/** @typedef {import("./transport.js").Transport} Transport */
/** @typedef {import("./transport.js").TransportEvents} TransportEvents */

/** @typedef {(events: TransportEvents) => Transport} TransportMaker */

/** @typedef {boolean | string | URL | (() => Worker)} WorkerChoice where an engine works: the option "worker" */

/**
 * Loads the engine, which is a part of its own, since most callers have it in a worker.
 * @returns {Promise<TransportMaker>}
 */
async function inPlace() {
  const { Host } = await loadChunk("engine");
  return ({ reply }) => {
    const host = new Host((answer) => queueMicrotask(() => reply(answer)), { gentle: !isNode, files: wasmFiles });
    return {
      post: (message) => host.receive(message),
      setBusy() {},
      close: () => host.receive({ id: 0, type: "close" }),
    };
  };
}

/**
 * @param {Exclude<WorkerChoice, false>} choice
 * @returns {TransportMaker}
 */
function inWorker(choice) {
  if (isNode && typeof choice !== "function") return (events) => nodeTransport(threadOf(choice), events);
  return (events) => webTransport(typeof choice === "function" ? choice() : workerOf(choice), events);
}

/** @param {boolean | string | URL} choice */
const threadOf = (choice) =>
  typeof choice === "boolean" ? ownThread() : new (builtin("worker_threads").Worker)(toURL(choice));

/** @param {boolean | string | URL} choice */
const workerOf = (choice) => (typeof choice === "boolean" ? ownWorker() : originWorker(choice));

/** Whether this place can have workers: a service worker cannot. */
export const hasWorkers = isNode || typeof Worker === "function";

/** @param {string | URL} location */
function originWorker(location) {
  const url = new URL(location, globalThis.document?.baseURI ?? globalThis.location?.href);
  if (globalThis.location && url.origin !== globalThis.location.origin) return importingWorker(url.href);
  return new Worker(url, { type: "module" });
}

/**
 * A request on its way.
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {(done: number, total: number) => void} [onProgress]
 * @property {(text: string) => void} [onChunk]
 */

/** One engine and the requests that wait for its answers. */
class Connection {
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #nextId = 1;
  #transport;
  alive = true;
  /** Whether anything ever came back. */
  answered = false;
  /** @type {import("./protocol.js").Memory | null} */
  memory = null;

  /** @param {TransportMaker} maker */
  constructor(maker) {
    this.#transport = maker({
      reply: (reply) => isReply(reply) && this.#receive(reply),
      crash: (reason, name) => this.#crash(reason, name),
    });
  }

  /** @param {Reply} reply */
  #receive(reply) {
    this.answered = true;
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if (reply.type === "progress") pending.onProgress?.(reply.done, reply.total);
    else if (reply.type === "chunk") pending.onChunk?.(reply.text);
    else {
      this.#pending.delete(reply.id);
      if (this.#pending.size === 0) this.#transport.setBusy(false);
      if (reply.type === "result") {
        this.memory = reply.memory;
        return pending.resolve(reply.value);
      }
      if (reply.fatal) this.alive = false;
      pending.reject(errorFrom(reply.error));
    }
  }

  /**
   * @param {string} reason
   * @param {string} [name]
   */
  #crash(reason, name = "OperationError") {
    this.alive = false;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting)
      reject(makeError(name, `The worker crashed (${reason}); the request is lost, the next one gets a new worker.`));
    this.#transport.close();
  }

  /**
   * @param {Unnumbered<Request>} request
   * @param {{onProgress?: Pending["onProgress"], onChunk?: Pending["onChunk"], transfer?: Transferable[], onId?: (id: number) => void}} [how]
   * @returns {Promise<any>}
   */
  request(request, { onProgress, onChunk, transfer, onId } = {}) {
    const id = this.#nextId++;
    onId?.(id);
    return new Promise((resolve, reject) => {
      this.#transport.setBusy(true);
      this.#pending.set(id, { resolve, reject, onProgress, onChunk });
      try {
        this.#transport.post(/** @type {Request} */ ({ ...request, id }), transfer);
      } catch (error) {
        this.#pending.delete(id);
        if (this.#pending.size === 0) this.#transport.setBusy(false);
        reject(error);
      }
    });
  }

  /** @param {number} target */
  abort(target) {
    if (this.alive) this.#transport.post({ id: 0, type: "abort", target });
  }

  close() {
    this.alive = false;
    for (const { reject } of this.#pending.values()) reject(abortError());
    this.#pending.clear();
    this.#transport.close();
  }
}

/**
 * A place for an engine in the pool.
 * @typedef {object} Slot
 * @property {Connection | null} connection null until it has a model
 * @property {boolean} busy
 * @property {number} weights which of the pool's models, in the order in which they came, the engine has
 */

/**
 * A request and who waits for it.
 * @typedef {object} Task
 * @property {Unnumbered<Request>} request
 * @property {Pick<Pending, "onProgress" | "onChunk">} how
 * @property {number} weights the pool's model when it was asked
 * @property {boolean} ended before it was done
 * @property {(() => void) | null} onStop tells the engine that has it
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {(reason: unknown) => void} end before it is done
 */

/** Engines with the same model, and the queue of requests that they share. */
export class Pool {
  /** @type {Slot[]} */
  #slots = [];
  /** @type {Task[]} */
  #queue = [];
  /** @type {Set<Task>} queued and running ones: closing ends them all */
  #tasks = new Set();
  #closed = false;
  #choice;
  /** @type {TransportMaker | undefined} */
  #maker;
  #load;
  /** How many models took the place of the one before. */
  #weights = 0;

  /**
   * @param {WorkerChoice} choice false: in place
   * @param {Omit<Unnumbered<LoadRequest>, "type" | "device">} load
   */
  constructor(choice, load) {
    this.#choice = choice;
    this.#load = load;
  }

  /**
   * Starts engines and loads the model into each. Where no worker of the package's own starts, one works in place.
   * @param {number} size
   * @param {{signal?: AbortSignal, onProgress?: Pending["onProgress"]}} how
   */
  async start(size, { signal, onProgress }) {
    const known = this.#load.models.reduce((sum, model) => sum + knownBytes(model), 0);
    checkRoom(known, { engines: size, memory: deviceMemory() });
    this.#maker = this.#choice === false ? await inPlace() : inWorker(this.#choice);
    signal?.throwIfAborted();
    this.#slots = Array.from({ length: size }, () => ({ connection: null, busy: true, weights: 0 }));
    const [first, ...others] = this.#slots;
    let info;
    let noWorker = "";
    try {
      info = await this.#connect(first, { signal, onProgress });
    } catch (error) {
      if (!(this.#choice === true && error instanceof WorkerStartError)) throw error;
      noWorker = error.message;
      this.#maker = await inPlace().catch((/** @type {Error} */ { message }) => {
        throw makeError("OperationError", `${noWorker} Nor could the work be done in this thread. ${message}`);
      });
      warnOnce(`Glossa works in this thread. ${noWorker}`);
      this.#choice = false;
      this.#slots = [first];
      info = await this.#connect(first, { signal, onProgress });
      others.length = 0;
    }
    for (const slot of others) await this.#connect(slot, { signal });
    for (const slot of this.#slots) slot.busy = false;
    return { ...info, noWorker, workers: this.#choice === false ? 0 : this.#slots.length };
  }

  /**
   * Gives a slot an engine with the model: from another engine that has it, else from the source.
   * @param {Slot} slot
   * @param {{signal?: AbortSignal, onProgress?: Pending["onProgress"]}} [how]
   */
  async #connect(slot, { signal, onProgress } = {}) {
    const weights = this.#weights;
    const donor = this.#slots.find((other) => other.connection?.alive && other.weights === weights)?.connection;
    let connection;
    try {
      connection = new Connection(/** @type {TransportMaker} */ (this.#maker));
    } catch (error) {
      throw new WorkerStartError(error instanceof Error ? error.message : String(error));
    }
    const stop = () => connection.close();
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      let { models } = this.#load;
      for (const { source } of models) if (wasChanged(source)) throw lostModel();
      /** @type {Transferable[]} */
      const transfer = [];
      if (donor) {
        const copies = /** @type {{models: Uint8Array<ArrayBuffer>[]}} */ (await donor.request({ type: "checkpoint" }));
        models = models.map((model, i) => ({ ...model, source: { bytes: copies.models[i] } }));
        transfer.push(...copies.models.map(({ buffer }) => buffer));
      } else if (this.#choice !== false) {
        // Bytes go over as a copy of our own: the caller keeps his, and cloning would copy them twice.
        models = models.map((model) =>
          "bytes" in model.source ? { ...model, source: { bytes: model.source.bytes.slice() } } : model,
        );
        // A stream that goes to a worker which never starts is lost, so the worker has to answer first.
        if (models.some(({ source }) => "stream" in source)) await connection.request({ type: "greet" });
        for (const { source } of models)
          if ("stream" in source) transfer.push(/** @type {Transferable} */ (/** @type {unknown} */ (source.stream)));
          else if ("bytes" in source) transfer.push(/** @type {ArrayBuffer} */ (source.bytes.buffer));
      }
      const device = { engines: this.#slots.length, memory: deviceMemory() };
      const load = /** @type {const} */ ({ ...this.#load, type: "load", models, device });
      const { streamed, ...info } = await connection.request(load, { onProgress, transfer });
      if (this.#closed) throw abortError();
      slot.connection = connection;
      slot.weights = weights;
      this.#keep(streamed);
      return info;
    } catch (error) {
      const started = connection.answered;
      connection.close();
      signal?.throwIfAborted();
      const failure = /** @type {Error} */ (shownError(error, "copy the model"));
      if (!started && failure.name === "OperationError") throw new WorkerStartError(failure.message);
      throw failure;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * A stream can be read only once, so what came from one takes its place: an engine that crashes is given it again.
   * @param {(Blob | null)[]} streamed by model
   */
  #keep(streamed) {
    const models = this.#load.models.map((model, i) => {
      const { source } = model;
      const blob = streamed[i];
      if (blob) return { ...model, source: { blob } };
      return "bytes" in source ? { ...model, source: { ...source, length: source.bytes.length } } : model;
    });
    this.#load = { ...this.#load, models };
  }

  /**
   * Queues a request.
   * @param {Unnumbered<Request>} request
   * @param {{signals?: (AbortSignal | undefined)[], onProgress?: Pending["onProgress"], onChunk?: Pending["onChunk"]}} [how]
   * @returns {Promise<any>}
   */
  run(request, { signals = [], onProgress, onChunk } = {}) {
    const given = signals.filter((signal) => signal !== undefined);
    return new Promise((resolve, reject) => {
      const aborted = given.find((signal) => signal.aborted);
      if (aborted) return reject(aborted.reason);
      const settle = () => {
        this.#tasks.delete(task);
        for (const signal of given) signal.removeEventListener("abort", stop);
      };
      const stop = (/** @type {Event} */ event) => task.end(/** @type {AbortSignal} */ (event.target).reason);
      /** @type {Task} */
      const task = {
        request,
        how: { onProgress, onChunk },
        weights: this.#weights,
        ended: false,
        onStop: null,
        resolve(value) {
          settle();
          resolve(value);
        },
        reject(error) {
          settle();
          reject(error);
        },
        end: (reason) => {
          task.ended = true;
          const queued = this.#queue.indexOf(task);
          if (queued >= 0) this.#queue.splice(queued, 1);
          task.onStop?.();
          task.reject(reason);
        },
      };
      for (const signal of given) signal.addEventListener("abort", stop);
      this.#tasks.add(task);
      this.#queue.push(task);
      this.#dispatch();
    });
  }

  /** What engines load, and whether they work in this thread. */
  get made() {
    return { ...this.#load, inPlace: this.#choice === false };
  }

  /**
   * Puts another checkpoint in the place of the model. What was asked before is answered by the old one.
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  replace(bytes) {
    const [model] = this.#load.models;
    const source = { bytes, length: bytes.length };
    this.#load = { ...this.#load, models: [{ ...model, source, bytes: bytes.length, sha256: undefined }] };
    this.#weights++;
  }

  /** What the engines hold now, all together. */
  get memory() {
    const total = { wasmBytes: 0, workingBytes: 0 };
    for (const { connection } of this.#slots) {
      total.wasmBytes += connection?.memory?.wasmBytes ?? 0;
      total.workingBytes += connection?.memory?.workingBytes ?? 0;
    }
    return total;
  }

  #dispatch() {
    while (this.#queue.length && !this.#closed) {
      const slot = this.#slots.find(({ busy }) => !busy);
      if (!slot) return;
      this.#serve(slot, /** @type {Task} */ (this.#queue.shift()));
    }
  }

  /**
   * @param {Slot} slot
   * @param {Task} task
   */
  async #serve(slot, task) {
    slot.busy = true;
    try {
      if (!slot.connection?.alive || slot.weights < task.weights) {
        slot.connection?.close();
        slot.connection = null;
        await this.#connect(slot);
      }
      const connection = /** @type {Connection | null} */ (slot.connection);
      if (!connection || task.ended) return;
      /** What a caller's function throws ends its request. @param {(() => void)} tell */
      const telling = (tell) => {
        if (task.ended) return;
        try {
          tell();
        } catch (error) {
          task.end(error);
        }
      };
      const { onProgress, onChunk } = task.how;
      const value = await connection.request(task.request, {
        onProgress: (done, total) => telling(() => onProgress?.(done, total)),
        onChunk: (text) => telling(() => onChunk?.(text)),
        onId: (id) => {
          task.onStop = () => connection.abort(id);
        },
      });
      task.resolve(value);
    } catch (error) {
      task.reject(error);
    } finally {
      slot.busy = false;
      this.#dispatch();
    }
  }

  /**
   * Ends every engine.
   * @param {unknown} reason what queued and running requests fail with
   */
  close(reason) {
    this.#closed = true;
    for (const task of [...this.#tasks]) task.end(reason);
    for (const { connection } of this.#slots) connection?.close();
    this.#slots = [];
  }
}

let warned = false;

/** @param {string} message the first one is shown, for the others have the same reason */
function warnOnce(message) {
  if (!warned) console.warn(message);
  warned = true;
}

/** @param {import("./protocol.js").ModelLoad} model @returns {number} 0: not known yet */
const knownBytes = ({ source, bytes }) =>
  "bytes" in source ? source.bytes.length : "blob" in source ? source.blob.size : bytes;

/** Whether the caller gave the bytes of a model away after it was loaded. @param {import("./model-source.js").PlainSource} source */
const wasChanged = (source) =>
  "bytes" in source && source.length !== undefined && source.length !== source.bytes.length;

const lostModel = () =>
  makeError(
    "InvalidStateError",
    'The engine crashed, and the bytes of its model are no longer there: they were transferred. Create another translator; a Blob or a URL as "model" can be loaded again.',
  );

/** No worker started: its script is missing, or a policy forbids it. */
class WorkerStartError extends DOMException {
  /** @param {string} reason */
  constructor(reason) {
    super(
      `No worker could be started (${reason}). Serve the package's worker.js, or pass the option "worker": its URL, or false to work without one.`,
      "OperationError",
    );
  }
}
