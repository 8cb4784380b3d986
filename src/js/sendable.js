// What the caller gave as a model and as WebAssembly files, in a form that can be sent to a worker.

import { makeError } from "./errors.js";
import { isURL, toURL } from "./platform.js";

/**
 * @param {import("./types.js").ModelSource} model
 * @returns {import("./model-source.js").PlainSource}
 */
export function plainSource(model) {
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
export async function sendable(source) {
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
export function sendableWasm(sources) {
  const entries = Object.entries(sources).map(([build, source]) => [
    build,
    typeof source === "string" || isURL(source) ? toURL(source).href : source,
  ]);
  return Object.fromEntries(entries);
}
