// Bodies of answers: what their headers tell, and the bytes in pieces, until the connection breaks or nothing comes.

/** A break that another attempt may mend. */
export class Broken extends Error {
  /**
   * @param {string} message
   * @param {number} [wait] milliseconds that the server asks for
   */
  constructor(message, wait = 0) {
    super(message);
    this.wait = wait;
  }
}

/** What went wrong, with its cause. @param {unknown} error */
export function reasonOf(error) {
  const { message, cause } = /** @type {Error} */ (error);
  return cause instanceof Error
    ? `${message}: ${cause.message || /** @type {NodeJS.ErrnoException} */ (cause).code}`
    : message;
}

/** The version that a server names, or "". @param {Response} response */
export const versionOf = (response) => response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";

/** Whether it is of the version that was begun, as far as both are named. @param {Response} response @param {string} etag */
export const isSameVersion = (response, etag) => !etag || !versionOf(response) || versionOf(response) === etag;

/** Bytes of the body; undefined where the headers do not tell, or tell those of its compressed form. @param {Response} response */
export function lengthOf(response) {
  const encoding = response.headers.get("content-encoding");
  const length = response.headers.get("content-length") ?? "";
  const told = /^\d+$/.test(length) && (!encoding || encoding === "identity") && Number.isSafeInteger(Number(length));
  return told ? Number(length) : undefined;
}

/**
 * The next chunk of a body. An abort ends the wait by itself: Node's stream does not tell of one that comes
 * behind the last byte.
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {number} time milliseconds without a byte after which it is given up
 * @param {AbortSignal} [signal]
 * @returns {Promise<ReadableStreamReadResult<Uint8Array>>}
 */
async function readWithin(reader, time, signal) {
  signal?.throwIfAborted();
  /** @type {(reason: unknown) => void} */
  let giveUp = () => {};
  const given = new Promise((_, reject) => {
    giveUp = reject;
  });
  const stop = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", stop);
  const timer = setTimeout(() => giveUp(new Broken("the connection stalled")), time);
  try {
    return /** @type {ReadableStreamReadResult<Uint8Array>} */ (await Promise.race([reader.read(), given]));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * The body in pieces. Broken where the connection breaks, or where nothing comes for too long.
 * @param {Response} response
 * @param {{ signal?: AbortSignal, stallTime: number }} context milliseconds without a byte after which it is given up
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* pieces(response, { signal, stallTime }) {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      /** @type {ReadableStreamReadResult<Uint8Array>} */
      let result;
      try {
        result = await readWithin(reader, stallTime, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw error instanceof Broken ? error : new Broken(`the connection broke (${reasonOf(error)})`);
      }
      signal?.throwIfAborted();
      if (result.done) return;
      yield result.value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
