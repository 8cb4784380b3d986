// Errors of homes: each names the address and the cause.

import { makeError } from "../errors.js";

/**
 * @param {string} message
 * @param {number} [status] that the server answered
 */
export const networkError = (message, status = 0) => Object.assign(makeError("NetworkError", message), { status });

/** @param {string} message */
export const dataError = (message) => makeError("DataError", message);

/** @param {unknown} error */
export const statusOf = (error) => Number(Reflect.get(Object(error), "status") ?? 0);
