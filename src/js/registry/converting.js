// The caller's side of the converter: in a worker, so that a page goes on; in place where none may start.

import { errorFrom, makeError } from "../errors.js";
import { builtin, importingWorker, isNode } from "../platform.js";
import { nodeTransport, webTransport } from "../transport.js";
import { runConversion } from "./conversion.js";
import { WORKER } from "./version.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("../cache-entry.js").Content} Content */
/** @typedef {import("./conversion.js").ConvertJob} ConvertJob */

/**
 * Converts, and hands the checkpoint on piece by piece.
 * @param {Context} context
 * @param {ConvertJob} job
 * @param {(bytes: Uint8Array) => Promise<void>} write is awaited
 * @param {(done: number, total: number) => void} onProgress in bytes written
 */
export async function convertFiles(context, job, write, onProgress) {
  const { tools, signal } = context;
  const script = tools.converter();
  if (script && (isNode || typeof Worker === "function")) {
    try {
      return await inWorker(script, job, write, onProgress, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof NotStarted)) throw error;
    }
  }
  await runConversion(job, { write, onProgress, signal });
}

class NotStarted extends Error {}

/**
 * @param {URL} script
 * @param {ConvertJob} job
 * @param {(bytes: Uint8Array) => Promise<void>} write
 * @param {(done: number, total: number) => void} onProgress
 * @param {AbortSignal} [signal]
 */
function inWorker(script, job, write, onProgress, signal) {
  return new Promise((resolve, reject) => {
    let started = false;
    /** @type {import("../transport.js").Transport | null} */
    let line = null;
    const end = () => {
      signal?.removeEventListener("abort", stop);
      line?.close();
    };
    const fail = (/** @type {unknown} */ error) => {
      end();
      reject(error);
    };
    const stop = () => fail(signal?.reason);
    const crash = (/** @type {string} */ reason) =>
      fail(started ? makeError("OperationError", `The converter crashed (${reason}).`) : new NotStarted(reason));
    const receive = async (/** @type {any} */ message) => {
      started = true;
      if (message.type === "ready") line?.post({ type: "convert", job });
      else if (message.type === "progress") onProgress(message.done, message.total);
      else if (message.type === "done") {
        end();
        resolve(undefined);
      } else if (message.type === "error") fail(errorFrom(message.error));
      else if (message.type === "bytes")
        try {
          await write(message.bytes);
          line?.post({ type: "more" });
        } catch (error) {
          fail(error);
        }
    };
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      const events = { reply: receive, crash };
      line = isNode ? nodeTransport(threadOf(script), events) : webTransport(workerOf(script), events);
      line.setBusy(true);
    } catch (error) {
      crash(error instanceof Error ? error.message : String(error));
    }
  });
}

/** @param {URL} script */
const threadOf = (script) => new (builtin("worker_threads").Worker)(script, { workerData: WORKER });

/** @param {URL} script */
function workerOf(script) {
  const near = globalThis.location && script.origin === globalThis.location.origin;
  return near ? new Worker(script, { type: "module", name: WORKER }) : importingWorker(script.href, WORKER);
}
