// Errors of the web platform, each with a message that says what to do.

/** Error names by glossa_status (glossa.h). */
const STATUS_NAMES = [
  "",
  "TypeError",
  "InvalidStateError",
  "QuotaExceededError",
  "DataError",
  "NotSupportedError",
  "QuotaExceededError",
];

/**
 * An error by its platform name: TypeError and RangeError are the language's, all others DOMExceptions.
 * @param {string} name
 * @param {string} message
 * @param {{quota?: number, requested?: number}} [details] of a QuotaExceededError
 * @returns {Error}
 */
export function makeError(name, message, { quota, requested } = {}) {
  if (name === "TypeError") return new TypeError(message);
  if (name === "RangeError") return new RangeError(message);
  const Quota = /** @type {any} */ (globalThis).QuotaExceededError;
  if (name === "QuotaExceededError" && Quota) return new Quota(message, quotaOptions({ quota, requested }));
  const error = new DOMException(message, name);
  return quota === undefined ? error : Object.assign(error, { quota, requested });
}

/**
 * What the class of the newer platforms takes: no more quota than was asked for.
 * @param {{quota?: number, requested?: number}} [details]
 */
function quotaOptions({ quota, requested } = {}) {
  return quota !== undefined && requested !== undefined && quota > requested ? { requested } : { quota, requested };
}

/**
 * A value in a message. What it holds is not looked at: it may be without end.
 * @param {unknown} value
 */
export function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  return Object(value) === value ? Object.prototype.toString.call(value) : String(value);
}

/**
 * @param {number} status a glossa_status other than 0
 * @param {string} message
 */
export function statusError(status, message) {
  return makeError(STATUS_NAMES[status] ?? "OperationError", message);
}

/**
 * @typedef {{name: string, message: string, quota?: number, requested?: number}} ErrorData an error on its way between
 *     threads
 */

/**
 * @param {unknown} error
 * @returns {ErrorData}
 */
export function errorData(error) {
  if (!(error instanceof Error)) return { name: "OperationError", message: String(error) };
  const { quota, requested } = /** @type {{quota?: number, requested?: number}} */ (/** @type {unknown} */ (error));
  const data = { name: error.name, message: error.message };
  // the class has null for what is not known
  return { ...data, ...(typeof quota === "number" && { quota }), ...(typeof requested === "number" && { requested }) };
}

/** @param {ErrorData} data */
export function errorFrom(data) {
  return makeError(data.name, data.message, data);
}

/** The error of a signal without a reason of its own. */
export function abortError(message = "The operation was aborted.") {
  return makeError("AbortError", message);
}

/**
 * True for the traps of WebAssembly: the instance they come from may be in any state and is not to be used again.
 * @param {unknown} error
 */
export function isFatal(error) {
  return (
    error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /call stack/i.test(error.message))
  );
}

/** How JavaScript engines say that an array, a string or a WebAssembly memory found no place. */
const NO_MEMORY = /alloc|out of memory|invalid (array buffer|typed array|array|string) length|array size/i;

/**
 * An error as callers get it: whatever ran out of memory is the platform's QuotaExceededError.
 * @param {unknown} error
 * @param {string} what was to be done, for the message
 */
export function shownError(error, what) {
  if (!(error instanceof RangeError && NO_MEMORY.test(error.message))) return error;
  return makeError(
    "QuotaExceededError",
    `There is no memory to ${what} (${error.message}); close other tabs, give less at a time, or use a smaller model.`,
  );
}
