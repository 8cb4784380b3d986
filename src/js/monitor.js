// The progress of a download as the platform's monitor tells it.

import { makeError } from "./errors.js";

const KEY = Symbol("created by startMonitor");

/** An event as the platform's monitor fires it. */
class DownloadProgressEvent extends Event {
  lengthComputable = true;
  total = 1;

  /** @param {number} loaded */
  constructor(loaded) {
    super("downloadprogress");
    this.loaded = loaded;
  }
}

/** What a monitor callback gets, as the platform makes it; only here. */
export class CreateMonitor extends EventTarget {
  /** @type {((event: any) => void) | null} */
  #handler = null;

  /** @param {unknown[]} keys no parameter by name: the platform's has none */
  constructor(...keys) {
    if (keys[0] !== KEY) throw makeError("TypeError", "Illegal constructor.");
    super();
  }

  get ondownloadprogress() {
    return this.#handler;
  }

  set ondownloadprogress(handler) {
    if (this.#handler) this.removeEventListener("downloadprogress", this.#handler);
    this.#handler = typeof handler === "function" ? handler : null;
    if (this.#handler) this.addEventListener("downloadprogress", this.#handler);
  }

  get [Symbol.toStringTag]() {
    return "CreateMonitor";
  }
}

/**
 * Fires downloadprogress: `loaded` from 0 to 1 in steps of 1/65536, each larger than the last.
 * @param {import("./types.js").CreateOptions["monitor"]} monitor
 * @param {AbortSignal | undefined} signal
 * @returns {(fraction: number) => void}
 */
export function startMonitor(monitor, signal) {
  const target = new CreateMonitor(KEY);
  monitor?.(target);
  let last = -1;
  return (/** @type {number} */ fraction) => {
    const loaded = Math.floor(Math.min(1, fraction) * 65536) / 65536;
    if (loaded <= last || signal?.aborted) return;
    last = loaded;
    target.dispatchEvent(
      typeof ProgressEvent === "function"
        ? new ProgressEvent("downloadprogress", { loaded, total: 1, lengthComputable: true })
        : new DownloadProgressEvent(loaded),
    );
  };
}
