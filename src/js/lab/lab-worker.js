// A worker that hosts one instance of the lab: a web worker, or a worker thread in Node.

import { builtin, isNode } from "../platform.js";
import { Host } from "./host.js";

/** @typedef {Pick<Worker, "postMessage"> & {onmessage: (event: MessageEvent) => void}} WorkerScope */

const port = isNode ? builtin("worker_threads").parentPort : null;

if (port) {
  const host = new Host((answer, transfer) => port.postMessage(answer, /** @type {any} */ (transfer ?? [])));
  port.on("message", (call) => host.receive(call));
} else {
  const scope = /** @type {WorkerScope} */ (/** @type {unknown} */ (globalThis));
  const host = new Host((answer, transfer) => scope.postMessage(answer, transfer ?? []));
  scope.onmessage = ({ data }) => host.receive(data);
}
