// What differs between Node (Deno and Bun included) and browsers. Built-in modules are asked for at run time, so that
// bundlers for browsers never see them.

/** @typedef {typeof import("node:fs")} Fs */

const nodeProcess = /** @type {NodeJS.Process | undefined} */ (globalThis.process);

/** Whether this is Node or something that has its modules. */
export const isNode = Boolean(nodeProcess?.versions?.node && typeof nodeProcess.getBuiltinModule === "function");

/** Whether the environment of Node says yes to something. @param {string} name */
export const isSet = (name) =>
  isNode && !["", "0", "false", "no"].includes((nodeProcess?.env[name] ?? "").toLowerCase());

/** Whether nothing may be loaded, where the caller does not say. */
export const isOffline = () => isSet("GLOSSA_OFFLINE");

/**
 * A built-in module of Node.
 * @template {keyof NodeModules} K
 * @param {K} name
 * @returns {NodeModules[K]}
 */
export function builtin(name) {
  const modules = /** @type {{getBuiltinModule(name: string): NodeModules[K]}} */ (
    /** @type {unknown} */ (nodeProcess)
  );
  return modules.getBuiltinModule(`node:${name}`);
}

/**
 * @typedef {object} NodeModules
 * @property {typeof import("node:fs")} fs
 * @property {typeof import("node:path")} path
 * @property {typeof import("node:os")} os
 * @property {typeof import("node:url")} url
 * @property {typeof import("node:util")} util
 * @property {typeof import("node:crypto")} crypto
 * @property {typeof import("node:zlib")} zlib
 * @property {typeof import("node:stream")} stream
 * @property {typeof import("node:http")} http
 * @property {typeof import("node:https")} https
 * @property {typeof import("node:tls")} tls
 * @property {typeof import("node:timers")} timers
 * @property {typeof import("node:worker_threads")} worker_threads
 */

/**
 * Whether something is a URL object, of this realm or another.
 * @param {unknown} value
 * @returns {value is URL}
 */
export const isURL = (value) => Object.prototype.toString.call(value) === "[object URL]";

/**
 * An absolute URL for a URL or, in Node, a path.
 * @param {string | URL} location
 * @returns {URL}
 */
export function toURL(location) {
  // The URL objects of some bundlers have a path for their href.
  if (!isNode)
    return new URL(
      isURL(location) ? location.href : location,
      globalThis.document?.baseURI ?? globalThis.location?.href,
    );
  if (isURL(location)) return new URL(location.href);
  if (/^[a-z][a-z0-9+.-]+:/i.test(location)) return new URL(location);
  return builtin("url").pathToFileURL(builtin("path").resolve(location));
}

/** @type {TextEncoder | undefined} */
let encoder;
/** @type {TextDecoder | undefined} */
let decoder;

// Made when they are first used: the environments of some test runners lack these globals, and importing must do no
// harm there.

/** @param {UnderlyingDefaultSource<string>} source @returns {ReadableStream<string>} */
export function newStream(source) {
  const web = /** @type {(name: string) => typeof globalThis} */ (/** @type {unknown} */ (builtin));
  return new (globalThis.ReadableStream ?? web("stream/web").ReadableStream)(source);
}

/**
 * A stream as it is iterated, where the platform cannot.
 * @template T
 * @param {ReadableStream<T>} stream
 * @returns {AsyncGenerator<T>}
 */
export async function* iterate(stream) {
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

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function toUTF8(text) {
  encoder ??= new (globalThis.TextEncoder ?? builtin("util").TextEncoder)();
  return encoder.encode(text);
}

/** @param {Uint8Array} bytes @returns {string} */
export function fromUTF8(bytes) {
  decoder ??= new (globalThis.TextDecoder ?? builtin("util").TextDecoder)("utf-8", { ignoreBOM: true });
  return decoder.decode(bytes);
}

/**
 * All bytes of a file or a resource.
 * @param {URL} url
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readAll(url) {
  if (isNode && url.protocol === "file:") return new Uint8Array(await builtin("fs").promises.readFile(url));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * A web worker from the text of its script.
 * @param {string} script
 * @param {WorkerOptions} [options]
 */
export function scriptWorker(script, options) {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    return new Worker(url, options);
  } finally {
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

/**
 * A web worker whose script another origin has.
 * @param {string} url
 * @param {string} [name]
 */
export const importingWorker = (url, name) => scriptWorker(`import ${JSON.stringify(url)};`, { type: "module", name });

const FILE_CACHE = "glossa-files";

/**
 * A small file of the package. What was loaded once is there without a network too.
 * @param {URL} url
 * @param {(bytes: Uint8Array) => unknown} check throws where it is not what it should be, and then it is not kept
 * @param {boolean} [offline] only what is kept
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readKept(url, check, offline = false) {
  let cache = null;
  try {
    if (!isNode && /^https?:$/.test(url.protocol)) cache = await caches.open(FILE_CACHE);
  } catch {
    // a page that may not store anything loads it each time
  }
  try {
    if (offline && url.protocol !== "file:") throw new Error("nothing may be loaded offline");
    const bytes = await readAll(url);
    check(bytes);
    await cache?.put(url, new Response(bytes)).catch(() => {});
    return bytes;
  } catch (error) {
    const kept = await cache?.match(url).catch(() => undefined);
    if (!kept) throw error;
    return new Uint8Array(await kept.arrayBuffer());
  }
}

/** @type {MessageChannel | null} */
let channel = null;
/** @type {(() => void)[]} */
const waiting = [];

/**
 * Gives everything that waits a turn: messages, timers, input.
 * @returns {Promise<void>}
 */
export function nextTurn() {
  // Not the global one alone: the environments of some test runners hide it, and MessageChannel too.
  const { setImmediate } = isNode ? builtin("timers") : globalThis;
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });
}
