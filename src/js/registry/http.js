// Requests to the homes of models: redirects followed by hand where that is possible, tokens only for their own host,
// three tries, and nothing at all where the caller wants to be offline.

import { Broken, pieces, reasonOf } from "../body.js";
import { makeError } from "../errors.js";
import { isNode } from "../platform.js";
import { networkError } from "./errors.js";
import { VERSION } from "./version.js";

/** @typedef {import("./types.js").Context} Context */

const TRIES = 3;
const REDIRECTS = 8;
/** The longest pause that a server may ask for before a request fails, in milliseconds. */
const MOST_WAIT = 30_000;

/**
 * @typedef {object} Ask
 * @property {Record<string, string>} [headers]
 * @property {string} [token] goes to the origin of the address, and to no other
 * @property {boolean} [revalidate] asks the browser's own cache to compare versions
 */

/**
 * One request. 200, 206, 304 and 416 are answers, all else an error: Broken where another attempt may help.
 * @param {Context} context
 * @param {string} address
 * @param {Ask} [ask]
 * @returns {Promise<Response>}
 */
export async function request(context, address, { headers = {}, token, revalidate } = {}) {
  if (context.offline)
    throw networkError(`${address} is not asked: nothing may be loaded offline. Load the model once while online.`);
  const own = isNode ? { "user-agent": `glossa/${VERSION}`, ...headers } : headers;
  const { origin } = new URL(address);
  let url = new URL(address);
  for (let redirects = 0; ; redirects++) {
    checkAddress(url, address);
    const mine = token && url.origin === origin ? { ...own, authorization: `Bearer ${token}` } : own;
    const response = await once(context, url, {
      headers: mine,
      redirect: isNode ? "manual" : "follow",
      referrerPolicy: "no-referrer",
      // A browser's own cache would keep large files a second time, and give what was damaged on the way again.
      ...(!isNode && { cache: revalidate ? "no-cache" : "no-store" }),
    });
    const next = response.status >= 301 && response.status <= 308 ? response.headers.get("location") : null;
    if (next === null || response.status === 304) return checkStatus(response, address);
    await response.body?.cancel().catch(() => {});
    if (redirects === REDIRECTS)
      throw networkError(`${address} leads on more than ${REDIRECTS} times, last to ${next}.`);
    let to;
    try {
      to = new URL(next, url);
    } catch {
      throw networkError(`${address} leads on to ${JSON.stringify(next.slice(0, 200))}, which is no address.`);
    }
    if (url.protocol === "https:" && to.protocol !== "https:")
      throw networkError(`${address} leads on to ${to.href}, which is not encrypted: refused.`);
    url = to;
  }
}

/** @param {URL} url @param {string} asked */
function checkAddress({ protocol, href }, asked) {
  if (protocol === "https:" || protocol === "http:") return;
  throw networkError(`${asked} leads to ${href}: only http: and https: addresses are asked.`);
}

/**
 * @param {Context} context
 * @param {URL} url
 * @param {RequestInit} init
 */
async function once({ fetch, signal, stallTime }, url, init) {
  signal?.throwIfAborted();
  const watch = new AbortController();
  const timer = setTimeout(() => watch.abort(), stallTime);
  const all = signal ? AbortSignal.any([signal, watch.signal]) : watch.signal;
  try {
    return await fetch(url.href, { ...init, signal: all });
  } catch (error) {
    signal?.throwIfAborted();
    if (watch.signal.aborted) throw new Broken(`${url.host} does not answer`);
    const cors = isNode
      ? ""
      : ". It may not allow requests of other origins (CORS), or the page's policy (connect-src) lacks it";
    throw new Broken(`${url.host} cannot be reached (${reasonOf(error)})${cors}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Words for what servers say. @type {Record<number, string>} */
const STATUS = {
  401: "it wants a token, or the one given is not valid",
  403: "access is denied, from this network or without a token",
  404: "there is no such file any more",
  406: "it refuses this browser",
  429: "too many requests",
};

/**
 * @param {Response} response
 * @param {string} address
 */
async function checkStatus(response, address) {
  const { status } = response;
  if (status === 200 || status === 206 || status === 304 || status === 416) return response;
  await response.body?.cancel().catch(() => {});
  const told = `it answered ${status}${STATUS[status] ? `: ${STATUS[status]}` : ""}`;
  if (status === 429 || status === 408 || status >= 500) throw new Broken(told, waitOf(response));
  throw networkError(`${address} could not be loaded: ${told}.`, status);
}

/** Milliseconds that a server asks to wait, in seconds or as a date. @param {Response} response */
export function waitOf(response) {
  const text = response.headers.get("retry-after") ?? response.headers.get("backoff") ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isFinite(date) ? Math.max(0, date - Date.now()) : 0;
}

/**
 * Three tries of what may break.
 * @template T
 * @param {Context} context
 * @param {string} address for the message
 * @param {() => Promise<T>} attempt
 * @returns {Promise<T>}
 */
export async function retrying(context, address, attempt) {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      context.signal?.throwIfAborted();
      if (!(error instanceof Broken)) throw error;
      const asks = error.wait > MOST_WAIT ? `; it asks to come back in ${Math.ceil(error.wait / 1000)} seconds` : "";
      if (tries === TRIES || asks)
        throw networkError(
          `${address} could not be loaded: ${error.message} (${tries} ${tries === 1 ? "try" : "tries"})${asks}.`,
        );
      await pause(error.wait || context.pause * 2 ** (tries - 1), context.signal);
    }
  }
}

/**
 * @param {number} time milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(time, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, time);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * A body as a whole, of at most so many bytes.
 * @param {Context} context
 * @param {Response} response
 * @param {string} address
 * @param {number} most
 */
export async function whole(context, response, address, most) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for await (const piece of pieces(response, context)) {
    size += piece.length;
    if (size > most)
      throw makeError("QuotaExceededError", `${address} has more than ${most} bytes: it is refused.`, {
        quota: most,
        requested: size,
      });
    parts.push(piece);
  }
  return new Uint8Array(await new Blob(/** @type {Uint8Array<ArrayBuffer>[]} */ (parts)).arrayBuffer());
}
