// Errors of homes: each names the address and the cause.

import { makeError } from "../errors.js";

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

/**
 * @param {string} message
 * @param {number} [status] that the server answered
 */
export const networkError = (message, status = 0) => Object.assign(makeError("NetworkError", message), { status });

/** @param {string} message */
export const dataError = (message) => makeError("DataError", message);

/** @param {unknown} error */
export const statusOf = (error) => Number(Reflect.get(Object(error), "status") ?? 0);

/** @param {unknown} error */
export function reasonOf(error) {
  const { message, cause } = /** @type {Error} */ (error);
  return cause instanceof Error
    ? `${message}: ${cause.message || /** @type {NodeJS.ErrnoException} */ (cause).code}`
    : message;
}
