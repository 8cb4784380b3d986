// The way of a model on demand: a part of the package, and the script of the worker in which the converter runs.

import { shelve } from "../chunks.js";
import { errorData } from "../errors.js";
import { builtin, isNode } from "../platform.js";
import { runConversion } from "./conversion.js";
import { obtain } from "./obtain.js";
import { WORKER } from "./version.js";

/**
 * @param {(message: unknown, transfer?: Transferable[]) => void} post
 * @returns {(message: any) => void} takes what comes
 */
function serve(post) {
  /** @type {() => void} */
  let more = () => {};
  post({ type: "ready" });
  return (message) => {
    if (message?.type === "more") more();
    if (message?.type !== "convert") return;
    const write = (/** @type {Uint8Array} */ bytes) => {
      const copy = bytes.slice();
      /** @type {Promise<void>} */
      const taken = new Promise((resolve) => {
        more = resolve;
      });
      post({ type: "bytes", bytes: copy }, [copy.buffer]);
      return taken;
    };
    const onProgress = (/** @type {number} */ done, /** @type {number} */ total) =>
      post({ type: "progress", done, total });
    runConversion(message.job, { write, onProgress }).then(
      () => post({ type: "done" }),
      (error) => post({ type: "error", error: errorData(error) }),
    );
  };
}

if (isNode) {
  const { parentPort, workerData } = builtin("worker_threads");
  if (parentPort && workerData === WORKER)
    parentPort.on(
      "message",
      serve((message, transfer) => parentPort.postMessage(message, /** @type {any} */ (transfer ?? []))),
    );
} else if (Reflect.get(globalThis, "name") === WORKER && typeof globalThis.document === "undefined") {
  const scope = /** @type {any} */ (globalThis);
  const take = serve((message, transfer) => scope.postMessage(message, transfer ?? []));
  scope.onmessage = (/** @type {MessageEvent} */ event) => take(event.data);
}

export { obtain };

shelve("converter", { obtain });
