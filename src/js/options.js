// Options, checked and with their defaults, before anything else happens.

import { makeError } from "./errors.js";
import { SEARCHES } from "./sentences.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */
/** @typedef {import("./types.js").TranslateOptions} TranslateOptions */
/** @typedef {import("./types.js").Preserve} Preserve */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */

const MAX_BEAM = 16;
const MAX_TOP_K = 64;
const MAX_POOL = 16;

/** @type {Preserve[]} */
const PRESERVES = ["placeholders", "urls", "signs", "emails", "numbers"];

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 * @param {number} standard
 * @returns {number}
 */
function integer(name, value, least, most, standard) {
  if (value === undefined) return standard;
  if (!Number.isInteger(value) || Number(value) < least || Number(value) > most)
    throw makeError(
      "TypeError",
      `The option "${name}" is ${String(value)}; it must be a whole number from ${least} to ${most}.`,
    );
  return Number(value);
}

/**
 * @param {unknown} options
 * @returns {Record<string, unknown>}
 */
function record(options) {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object")
    throw makeError("TypeError", `The options are ${String(options)}; they must be an object.`);
  if ("signal" in options && options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw makeError("TypeError", 'The option "signal" must be an AbortSignal.');
  return /** @type {Record<string, unknown>} */ (options);
}

/**
 * The signal of calls that have no other option.
 * @param {unknown} options
 * @returns {AbortSignal | undefined}
 */
export const signalOf = (options) => /** @type {AbortSignal | undefined} */ (record(options).signal);

/** The platform's in the order in which it reads them, then Glossa's. @type {(keyof CreateOptions)[]} */
const CREATE_MEMBERS = [
  "sourceLanguage",
  "targetLanguage",
  "monitor",
  "signal",
  "build",
  "cache",
  "manifest",
  "model",
  "pool",
  "sha256",
  "wasm",
  "worker",
];

/**
 * The members of options, each read once; inherited ones and accessors count too, as on the platform.
 * @template {object} T
 * @param {T} options
 * @returns {T}
 */
export function createMembers(options) {
  if (typeof options !== "object" || options === null) return options;
  const names = new Set([...CREATE_MEMBERS, ...Object.keys(options)]);
  const members = [...names].map((name) => [name, Reflect.get(options, name)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/**
 * @param {CreateOptions} options
 * @returns {CreateOptions & Required<Pick<CreateOptions, "build" | "wasm" | "worker" | "pool" | "cache">>}
 */
export function createOptions(options) {
  if (options === undefined || options === null)
    throw makeError("TypeError", "Translator.create() needs options: sourceLanguage and targetLanguage, or model.");
  const members = createMembers(options);
  record(members);
  const { monitor } = members;
  if (monitor !== undefined && typeof monitor !== "function")
    throw makeError("TypeError", 'The option "monitor" must be a function.');
  return {
    ...members,
    build: members.build ?? "auto",
    wasm: members.wasm ?? {},
    worker: members.worker ?? true,
    pool: integer("pool", members.pool, 1, MAX_POOL, 1),
    cache: members.cache ?? true,
  };
}

/** @param {TranslateOptions["preserve"]} preserve @returns {Preserve[]} */
function preserves(preserve = true) {
  if (preserve === true) return ["placeholders", "urls", "signs"];
  if (preserve === false) return [];
  for (const kind of preserve)
    if (!PRESERVES.includes(kind))
      throw makeError("TypeError", `The option "preserve" has "${String(kind)}"; it can have ${PRESERVES.join(", ")}.`);
  return [...preserve];
}

/** @param {TranslateOptions["glossary"]} glossary */
function glossaryOf(glossary = {}) {
  for (const [term, translation] of Object.entries(glossary))
    if (typeof translation !== "string")
      throw makeError("TypeError", `The glossary's translation of "${term}" must be a string.`);
  return { ...glossary };
}

/**
 * What a call without a text gets, in place of a translation of "undefined".
 * @param {string} method
 * @returns {never}
 */
export function noText(method) {
  throw new TypeError(`${method}() needs a text`);
}

/**
 * @param {TranslateOptions} [options]
 * @returns {WorkOptions}
 */
export function workOptions(options) {
  record(options);
  const { search = "glossa", normalize, banned = [] } = options ?? {};
  if (!SEARCHES.includes(search))
    throw makeError("TypeError", `The option "search" is "${String(search)}"; it can be ${SEARCHES.join(", ")}.`);
  if (normalize !== undefined && !Number.isFinite(normalize))
    throw makeError("TypeError", `The option "normalize" is ${String(normalize)}; it must be a finite number.`);
  return {
    beamSize: integer("beamSize", options?.beamSize, 1, MAX_BEAM, 1),
    search,
    normalize,
    maxLength: integer("maxLength", options?.maxLength, 0, 2 ** 31 - 1, 0),
    noRepeatNgram: integer("noRepeatNgram", options?.noRepeatNgram, 0, 2 ** 31 - 1, 0),
    banned: Array.from(banned, (id) => integer("banned", id, 0, 2 ** 31 - 1, 0)),
    split: options?.split ?? true,
    preserve: preserves(options?.preserve),
    glossary: glossaryOf(options?.glossary),
  };
}

/**
 * @param {import("./types.js").BatchOptions} options
 * @returns {WorkOptions}
 */
export function batchOptions(options) {
  if (options?.onProgress !== undefined && typeof options.onProgress !== "function")
    throw makeError("TypeError", 'The option "onProgress" must be a function.');
  return workOptions(options);
}

/**
 * @param {import("./types.js").HTMLOptions} [options]
 * @returns {WorkOptions & {attributes: string[]}} names of attributes in lower case
 */
export function htmlOptions(options) {
  const { attributes = [] } = options ?? {};
  if (!Array.isArray(attributes) || attributes.some((name) => typeof name !== "string"))
    throw makeError("TypeError", `The option "attributes" must be an array of names, such as ["alt", "title"].`);
  return { ...workOptions(options), attributes: attributes.map((name) => name.toLowerCase()) };
}

/**
 * @param {import("./types.js").ExplainOptions} options
 * @returns {import("./protocol.js").ExplainRequest["options"]}
 */
export function explainOptions(options) {
  const work = workOptions(options);
  const { prefix, headMask, hidden } = options ?? {};
  return {
    ...work,
    alternatives: integer("alternatives", options?.alternatives, 1, MAX_BEAM, work.beamSize),
    topK: integer("topK", options?.topK, 0, MAX_TOP_K, 5),
    prefix: typeof prefix === "object" ? Array.from(prefix, (id) => integer("prefix", id, 0, 2 ** 31 - 1, 0)) : prefix,
    headMask,
    hidden: Boolean(hidden),
  };
}
