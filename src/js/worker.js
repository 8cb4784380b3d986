// A worker that hosts one engine: a web worker, or a worker thread in Node.

import { Host } from "./host.js";
import { wasmFiles } from "./own-files.js";
import { builtin, isNode } from "./platform.js";

/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {Pick<Worker, "postMessage"> & {onmessage: (event: MessageEvent<Message>) => void}} WorkerScope */

const how = { files: wasmFiles };
const port = isNode ? builtin("worker_threads").parentPort : null;

if (port) {
  const host = new Host((reply, transfer) => port.postMessage(reply, /** @type {any} */ (transfer ?? [])), how);
  port.on("message", (/** @type {Message} */ message) => host.receive(message));
} else {
  const scope = /** @type {WorkerScope} */ (/** @type {unknown} */ (globalThis));
  const host = new Host((reply, transfer) => scope.postMessage(reply, transfer ?? []), how);
  scope.onmessage = (event) => host.receive(event.data);
}
