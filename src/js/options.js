// Options, checked and with their defaults, before anything else happens.

import { SEARCHES } from "./batcher.js";
import { makeError, shown } from "./errors.js";
import { canonicalTag } from "./manifest.js";
import { isOffline } from "./platform.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */
/** @typedef {import("./types.js").TranslateOptions} TranslateOptions */
/** @typedef {import("./types.js").Preserve} Preserve */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */

const MAX_BEAM = 16;
const MAX_TOP_K = 64;
const MAX_CUTS = 16;
const MAX_POOL = 16;

/** @type {Preserve[]} */
const PRESERVES = ["placeholders", "urls", "emails", "phones", "signs", "numbers"];

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
      `The option "${name}" is ${shown(value)}; it must be a whole number from ${least} to ${most}.`,
    );
  return Number(value);
}

const TRANSLATE = [
  "signal",
  "beamSize",
  "search",
  "normalize",
  "maxLength",
  "noRepeatNgram",
  "banned",
  "split",
  "wrapped",
  "retry",
  "preserve",
  "glossary",
  "latest",
];

/** Where models are found. */
const FINDING = ["models", "manifest", "origins", "registries", "variant", "offline", "fetch"];

/** What each method takes, in the order in which it is read: the platform's members of create() come first. */
const KNOWN = {
  create: [
    "sourceLanguage",
    "targetLanguage",
    "monitor",
    "signal",
    "model",
    "sha256",
    ...FINDING,
    "build",
    "wasm",
    "worker",
    "pool",
    "cache",
  ],
  models: ["sourceLanguage", "targetLanguage", ...FINDING, "signal"],
  translate: TRANSLATE,
  translateBatch: [...TRANSLATE, "onProgress"],
  translateHTML: [...TRANSLATE, "attributes"],
  explain: [...TRANSLATE, "alternatives", "topK", "prefix", "headMask", "without", "hidden", "beams", "cuts"],
  learn: ["steps", "keep", "memory", "signal"],
};

/** The platform's dictionaries, for which null is no absent member: as Web IDL has it, and so in the polyfill. */
const PLATFORM_MEMBERS = ["signal", "monitor"];

/**
 * The options of a call as the rest works with them: none is null, and all are known. As the platform has it, in the
 * polyfill, unknown ones are passed over.
 * @template {object} T
 * @param {keyof typeof KNOWN} method
 * @param {T | null | undefined} options
 * @param {boolean} [asPlatform]
 * @returns {T}
 */
export function given(method, options, asPlatform = false) {
  if (options === undefined || options === null) return /** @type {T} */ ({});
  if (typeof options !== "object")
    throw makeError("TypeError", `The options are ${shown(options)}; they must be an object.`);
  const known = KNOWN[method];
  for (const name of asPlatform ? [] : Object.keys(options))
    if (!known.includes(name))
      throw makeError("TypeError", `${method}() has no option "${name}"; it has ${known.join(", ")}.`);
  /** @type {Record<string, unknown>} */
  const taken = {};
  for (const name of known) {
    const value = Reflect.get(options, name);
    const absent = value === undefined || (value === null && !(asPlatform && PLATFORM_MEMBERS.includes(name)));
    if (!absent) taken[name] = value;
  }
  const { signal, origins } = taken;
  if (origins !== undefined) taken.origins = strings("origins", origins).map(originOf);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw makeError("TypeError", 'The option "signal" must be an AbortSignal.');
  return /** @type {T} */ (taken);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function functionOrNone(name, value) {
  if (value !== undefined && typeof value !== "function")
    throw makeError("TypeError", `The option "${name}" must be a function.`);
}

/**
 * The elements of an option that is a list.
 * @param {string} name
 * @param {unknown} value
 * @returns {unknown[]}
 */
function listOf(name, value) {
  if (value !== null && typeof value === "object" && Symbol.iterator in value)
    return Array.from(/** @type {Iterable<unknown>} */ (value));
  throw makeError("TypeError", `The option "${name}" is ${shown(value)}; it must be an array.`);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string[]}
 */
export function strings(name, value) {
  return listOf(name, value).map((item) => {
    if (typeof item === "string") return item;
    throw makeError("TypeError", `The option "${name}" has ${shown(item)}; it can have strings.`);
  });
}

/**
 * @param {CreateOptions | null | undefined} options
 * @param {boolean} asPlatform
 * @returns {CreateOptions & Required<Pick<CreateOptions, "build" | "wasm" | "worker" | "pool" | "cache" | "offline">>}
 */
export function createOptions(options, asPlatform) {
  if (options === undefined || options === null)
    throw makeError("TypeError", "Translator.create() needs options: sourceLanguage and targetLanguage, or model.");
  const taken = given("create", options, asPlatform);
  functionOrNone("monitor", taken.monitor);
  functionOrNone("fetch", taken.fetch);
  const { sha256 } = taken;
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256))
    throw makeError("TypeError", `The option "sha256" is ${shown(sha256)}; it must be 64 hexadecimal digits.`);
  return {
    ...taken,
    build: taken.build ?? "auto",
    wasm: taken.wasm ?? {},
    worker: taken.worker ?? true,
    pool: integer("pool", taken.pool, 1, MAX_POOL, 1),
    cache: taken.cache ?? true,
    offline: taken.offline ?? isOffline(),
  };
}

/** @param {string} text */
function originOf(text) {
  try {
    return new URL(text).origin;
  } catch {
    throw makeError("TypeError", `The option "origins" has ${shown(text)}; an origin is like "https://example.com".`);
  }
}

/** @param {TranslateOptions["preserve"]} preserve @returns {(Preserve | RegExp)[]} */
function preserves(preserve = true) {
  if (preserve === true) return PRESERVES.filter((kind) => kind !== "numbers");
  if (preserve === false) return [];
  const kinds = /** @type {(Preserve | RegExp)[]} */ (listOf("preserve", preserve));
  for (const kind of kinds)
    if (!(kind instanceof RegExp) && !PRESERVES.includes(kind))
      throw makeError(
        "TypeError",
        `The option "preserve" has ${shown(kind)}; it can have ${PRESERVES.join(", ")} and regular expressions.`,
      );
  return kinds;
}

/** @param {TranslateOptions["glossary"]} glossary */
function glossaryOf(glossary = {}) {
  if (typeof glossary !== "object")
    throw makeError("TypeError", `The option "glossary" is ${shown(glossary)}; it must be an object.`);
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
 * @param {TranslateOptions} options as given() makes them
 * @returns {WorkOptions}
 */
export function workOptions(options) {
  const { search = "glossa", normalize, banned = [] } = options;
  if (!SEARCHES.includes(search))
    throw makeError("TypeError", `The option "search" is ${shown(search)}; it can be ${SEARCHES.join(", ")}.`);
  if (normalize !== undefined && !Number.isFinite(normalize))
    throw makeError("TypeError", `The option "normalize" is ${shown(normalize)}; it must be a finite number.`);
  return {
    beamSize: integer("beamSize", options.beamSize, 1, MAX_BEAM, 1),
    search,
    normalize,
    maxLength: integer("maxLength", options.maxLength, 0, 2 ** 31 - 1, 0),
    noRepeatNgram: integer("noRepeatNgram", options.noRepeatNgram, 0, 2 ** 31 - 1, 0),
    banned: listOf("banned", banned).map((id) => integer("banned", id, 0, 2 ** 31 - 1, 0)),
    split: options.split ?? true,
    wrapped: options.wrapped ?? false,
    retry: options.retry ?? true,
    preserve: preserves(options.preserve),
    glossary: glossaryOf(options.glossary),
  };
}

/**
 * @param {import("./types.js").BatchOptions} options
 * @returns {WorkOptions}
 */
export function batchOptions(options) {
  functionOrNone("onProgress", options.onProgress);
  return workOptions(options);
}

/**
 * @param {import("./types.js").ExplainOptions} options
 * @returns {import("./protocol.js").ExplainRequest["options"]}
 */
export function explainOptions(options) {
  const work = workOptions(options);
  const { prefix, headMask, hidden, without, beams } = options;
  if (without !== undefined && without !== "positions" && without !== "causal")
    throw makeError("TypeError", `The option "without" is ${shown(without)}; it must be "positions" or "causal".`);
  return {
    ...work,
    alternatives: integer("alternatives", options.alternatives, 1, MAX_BEAM, work.beamSize),
    topK: integer("topK", options.topK, 0, MAX_TOP_K, 5),
    prefix:
      typeof prefix === "object"
        ? listOf("prefix", prefix).map((id) => integer("prefix", id, 0, 2 ** 31 - 1, 0))
        : prefix,
    headMask,
    without,
    hidden: Boolean(hidden),
    beams: Boolean(beams),
    cuts: integer("cuts", options.cuts, 0, MAX_CUTS, 0),
  };
}

/**
 * @param {Partial<import("./types.js").LanguagePair>} options
 * @returns {import("./types.js").LanguagePair} canonical
 */
export function languagePair(options) {
  const tag = (/** @type {"sourceLanguage" | "targetLanguage"} */ key) => {
    const value = options?.[key];
    if (value === undefined)
      throw makeError("TypeError", `The option "${key}" is missing; give a BCP 47 tag, such as "en".`);
    return canonicalTag(`${value}`); // a TypeError for a Symbol, as on the platform
  };
  return { sourceLanguage: tag("sourceLanguage"), targetLanguage: tag("targetLanguage") };
}
