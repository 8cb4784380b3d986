// What registries say, looked at before it is believed.

import { shown } from "../errors.js";
import { canonicalTag } from "../manifest.js";

/** The largest file that a model may have, in bytes. */
const MOST = 2 ** 32 - 1;

/** @param {unknown} value @param {string} what */
export function textOf(value, what) {
  if (typeof value === "string" && value.length <= 2000) return value;
  throw new Error(`${what} is ${shown(value)}, and must be a text`);
}

/** @param {unknown} value @param {string} what */
export function sizeOf(value, what) {
  if (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= MOST) return Number(value);
  throw new Error(`${what} is ${shown(value)}, and must be a size from 1 to ${MOST} bytes`);
}

/** @param {unknown} value @param {string} what */
export function sha256Of(value, what) {
  if (typeof value === "string" && /^[\da-f]{64}$/i.test(value)) return value.toLowerCase();
  throw new Error(`${what} is ${shown(value)}, and must be a SHA-256 of 64 hexadecimal digits`);
}

/** A name without a path. @param {unknown} value @param {string} what */
export function nameOf(value, what) {
  if (typeof value === "string" && /^[\w@+-][\w.@+-]*$/.test(value) && value.length <= 200) return value;
  throw new Error(`${what} is ${shown(value)}, and must be the name of a file, without a folder`);
}

/** A path below an address: no way up, no other address. @param {unknown} value @param {string} what */
export function pathOf(value, what) {
  const right =
    typeof value === "string" && value.length <= 1000 && /^[\w@+-][\w.@+-]*(\/[\w@+-][\w.@+-]*)*$/.test(value);
  if (right) return /** @type {string} */ (value);
  throw new Error(`${what} is ${shown(value)}, and must be a path below the registry's address`);
}

/** @param {unknown} value @param {string} what */
export function tagOf(value, what) {
  try {
    return canonicalTag(/** @type {string} */ (value).replaceAll("_", "-"));
  } catch {
    throw new Error(`${what} is ${shown(value)}, and must be a language tag of BCP 47`);
  }
}

/** A list of at most so many. @param {unknown} value @param {string} what @param {number} most */
export function listOf(value, what, most) {
  if (!Array.isArray(value)) throw new Error(`${what} is ${shown(value)}, and must be a list`);
  if (value.length > most) throw new Error(`${what} has ${value.length} entries; more than ${most} are refused`);
  return value;
}

/** Measures of quality: numbers by name. @param {unknown} value @returns {Record<string, number>} */
export function qualityOf(value) {
  const entries = Object.entries(Object(value)).filter(
    ([name, number]) => /^\w{1,20}$/.test(name) && typeof number === "number" && Number.isFinite(number) && number > 0,
  );
  return Object.fromEntries(entries.slice(0, 10));
}

/** An address of https, or of http on this machine or where the caller says so himself. @param {string} address */
export function addressOf(address) {
  const url = new URL(address);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new Error(`${address} is no http: or https: address`);
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}
