// Messages to a worker and back, as both platforms have it: a web worker, or a worker thread of Node.

/**
 * Carries messages to a host and back.
 * @typedef {object} Transport
 * @property {(message: any, transfer?: Transferable[]) => void} post
 * @property {(busy: boolean) => void} setBusy whether answers are awaited: only then the process is kept alive
 * @property {() => void} close
 */

/**
 * @typedef {object} TransportEvents
 * @property {(reply: any) => void} reply
 * @property {(reason: string, name?: string) => void} crash it will not answer any more; `name`: of the error
 */

/**
 * @param {import("node:worker_threads").Worker} worker
 * @param {TransportEvents} events
 * @returns {Transport}
 */
export function nodeTransport(worker, { reply, crash }) {
  let ended = false;
  const end = (/** @type {string} */ reason, /** @type {string} */ name = "OperationError") => {
    if (!ended) crash(reason, name);
    ended = true;
  };
  worker.on("message", reply);
  worker.on("error", (error) => {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error instanceof Error ? error : Error(`${error}`));
    end(message, code === "ERR_WORKER_OUT_OF_MEMORY" ? "QuotaExceededError" : undefined);
  });
  worker.on("exit", (code) => end(`it ended with code ${code}`));
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, /** @type {any} */ (transfer ?? [])),
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    close() {
      ended = true;
      worker.terminate();
    },
  };
}

/**
 * @param {Worker} worker
 * @param {TransportEvents} events
 * @returns {Transport}
 */
export function webTransport(worker, { reply, crash }) {
  worker.addEventListener("message", (event) => reply(event.data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    crash(event.message || "its script could not be loaded");
  });
  worker.addEventListener("messageerror", () => crash("a message could not be read"));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer ?? []),
    setBusy() {},
    close: () => worker.terminate(),
  };
}
