// The caller's side of the messages: calls to a host in a worker or in place, and what happens when it crashes.

import { errorFrom, makeError } from "../errors.js";
import { isNode } from "../platform.js";
import { nodeTransport, webTransport } from "../transport.js";
import { labThread, labWorker } from "./files.js";
import { Host } from "./host.js";

/** @typedef {import("../transport.js").Transport} Transport */

/** @param {(answer: import("./host.js").Answer) => void} receive @returns {Transport} */
function inPlace(receive) {
  const host = new Host((answer) => queueMicrotask(() => receive(answer)));
  return { post: (message) => host.receive(message), setBusy() {}, close() {} };
}

/** One host and what it is asked. */
export class Link {
  #way;
  #next = 1;
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #open = new Map();
  /** @type {Error | null} */
  #ended = null;

  /** @param {boolean} worker */
  constructor(worker) {
    const receive = (/** @type {import("./host.js").Answer} */ answer) => this.#receive(answer);
    const crash = (/** @type {string} */ reason) =>
      this.end(makeError("OperationError", `The lab's worker has ended: ${reason}`));
    const events = { reply: receive, crash };
    if (!worker) this.#way = inPlace(receive);
    else this.#way = isNode ? nodeTransport(labThread(), events) : webTransport(labWorker(), events);
  }

  /** @param {import("./host.js").Answer} answer */
  #receive({ id, value, error }) {
    const call = this.#open.get(id);
    this.#open.delete(id);
    if (this.#open.size === 0) this.#way.setBusy(false);
    if (error) call?.reject(errorFrom(error));
    else call?.resolve(value);
  }

  /**
   * @param {string} verb
   * @param {any[]} args
   * @param {any[]} [transfer]
   * @returns {Promise<any>}
   */
  call(verb, args, transfer = []) {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#open.set(id, { resolve, reject });
      this.#way.setBusy(true);
      this.#way.post({ id, verb, args }, transfer);
    });
  }

  /** Ends the host; what was asked is rejected. @param {Error} reason */
  end(reason) {
    if (this.#ended) return;
    this.#ended = reason;
    this.#way.close();
    for (const { reject } of this.#open.values()) reject(reason);
    this.#open.clear();
  }
}
