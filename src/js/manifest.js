// The manifest: which models there are, for which languages, and where.

import { makeError, shown } from "./errors.js";
import { kindOf } from "./file-kind.js";
import { modelCache } from "./model-cache.js";
import { ownManifestPlace } from "./own-files.js";
import { builtin, isNode, isURL, readKept, toURL } from "./platform.js";

/**
 * @typedef {object} ManifestModel
 * @property {string} id
 * @property {string | string[]} source a BCP 47 tag, or those of a multilingual model
 * @property {string | string[]} target
 * @property {string} url relative to the manifest
 * @property {number} bytes
 * @property {string} sha256 hexadecimal
 * @property {string} [licence]
 * @property {string} [kind]
 */

/** @typedef {import("./types.js").Availability} Availability */
/** @typedef {{version: 1, models: ManifestModel[], baseURL?: string}} Manifest `baseURL`: what urls are relative to */

/** What helps where the package has no model of its own to offer. */
const ADVICE =
  'The package brings no models: add  registries: [mozilla()]  (import { mozilla } from "glossa") to fetch one from its home, or pass the option "model" (a URL, a path or bytes), or "manifest" (a list of your own, which "glossa models --index FOLDER" writes).';

/** @returns {Promise<Manifest>} what lies beside the package: in an installation no model, in the repository those of it */
async function ownManifest() {
  try {
    const place = isNode && ownManifestPlace();
    if (place) {
      const { models } = await loadManifest(place);
      return { version: 1, models: models.filter(({ url }) => builtin("fs").existsSync(new URL(url))) };
    }
  } catch {
    // bundled away from its files
  }
  return { version: 1, models: [] };
}

/**
 * @param {string | URL | Manifest} [source]
 * @param {string[]} [origins] beside its own, where it comes from the network, from which it may name models
 * @param {boolean} [offline] only what is on this machine
 * @returns {Promise<Manifest>} with absolute urls
 */
export async function loadManifest(source, origins = [], offline = false) {
  if (source === undefined) return ownManifest();
  if (typeof source === "object" && !isURL(source)) return resolveURLs(source, source.baseURL);
  const url = toURL(source);
  /** @param {Uint8Array} bytes */
  const read = (bytes) => {
    const head = bytes.subarray(0, 64);
    try {
      return resolveURLs(JSON.parse(new TextDecoder().decode(bytes)), url.href);
    } catch (error) {
      const page = error instanceof SyntaxError && bytes.length ? `${kindOf(head)}; ` : "";
      throw makeError(
        "DataError",
        `The list of models at ${url.href} is damaged: ${page}${/** @type {Error} */ (error).message}`,
      );
    }
  };
  let manifest;
  try {
    manifest = read(await readKept(url, read, offline));
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    if (name === "DataError") throw error;
    throw makeError(
      "NetworkError",
      `The list of models could not be loaded from ${url.href} (${message}). Pass the option "manifest" or "model".`,
    );
  }
  if (/^https?:$/.test(url.protocol)) for (const model of manifest.models) checkOrigin(model, url, origins);
  return manifest;
}

/**
 * A list from the network may name models of its own origin, and of those that the caller trusts.
 * @param {ManifestModel} model
 * @param {URL} manifest
 * @param {string[]} origins
 */
export function checkOrigin({ id, url }, manifest, origins) {
  const { origin } = new URL(url);
  if (origin === manifest.origin || origins.includes(origin)) return;
  const named = `The list of models at ${manifest.href} names ${url} for the model "${id}"`;
  throw makeError(
    "SecurityError",
    origin === "null"
      ? `${named}: a list from the network may name nothing but http: and https: addresses.`
      : `${named}, which is another origin than its own. If you trust it, add the option  origins: ["${origin}"]  (glossa: --origins ${origin}).`,
  );
}

/**
 * @param {Manifest} manifest
 * @param {string} [base]
 * @returns {Manifest}
 */
function resolveURLs(manifest, base) {
  if (manifest?.version !== 1 || !Array.isArray(manifest.models))
    throw makeError("DataError", `the manifest has version ${shown(manifest?.version)}; this release reads version 1`);
  const models = manifest.models.map((model, i) => {
    const name = `the model ${typeof model?.id === "string" ? `"${model.id}"` : i + 1} of the manifest`;
    const wrong = (/** @type {"id" | "url" | "source" | "target"} */ key, /** @type {string} */ must) =>
      makeError("DataError", `${name} has the ${key} ${shown(model?.[key])}; ${must}`);
    for (const key of /** @type {const} */ (["id", "url"]))
      if (typeof model?.[key] !== "string") throw wrong(key, "it must be a string");
    const tags = (/** @type {"source" | "target"} */ key) => {
      const value = model[key];
      try {
        if ([value].flat().length) return Array.isArray(value) ? value.map(writtenTag) : writtenTag(value);
      } catch {
        // told below
      }
      throw wrong(key, "it must be a language tag of BCP 47, or a list of them");
    };
    let url;
    try {
      url = base ? new URL(model.url, toURL(base)).href : toURL(model.url).href;
    } catch {
      throw wrong("url", "it must be an address");
    }
    return { ...model, source: tags("source"), target: tags("target"), url };
  });
  return { version: 1, models };
}

/**
 * A tag as files and commands write it: "en_US" is "en-US".
 * @param {unknown} tag
 */
export function writtenTag(tag) {
  if (typeof tag !== "string") throw new TypeError("a tag is a string");
  return canonicalTag(tag.replaceAll("_", "-"));
}

/**
 * A canonical tag, or the language's RangeError for one that is not well-formed.
 * @param {string} tag
 * @returns {string}
 */
export function canonicalTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    const meant = /^[a-z]+(_[a-z0-9]+)+$/i.test(tag) ? tag.replaceAll("_", "-") : "en"; // of other conventions
    throw makeError(
      "RangeError",
      `"${tag}" is no language tag; it takes one of BCP 47, such as "${meant}" or "zh-Hant".`,
    );
  }
}

/** @param {string} tag language and script, as likely subtags give them: zh, zh-CN and zh-Hans are one */
function languageOf(tag) {
  let locale;
  try {
    locale = new Intl.Locale(tag.replace(/^no\b/i, "nb")); // the same, if not a dialect is meant
  } catch {
    return tag; // in a checkpoint may stand anything
  }
  if (!locale.language || locale.language === "und") return tag; // the likely one would be English
  const { language, script } = locale.maximize();
  return `${language}-${script ?? ""}`;
}

/**
 * @param {string} a
 * @param {string} b
 */
export function sameLanguage(a, b) {
  return languageOf(a) === languageOf(b);
}

/**
 * The language of a list that a tag means: the very tag, else the first that is the same language.
 * @param {string | string[]} languages
 * @param {string} tag
 * @returns {string | undefined}
 */
export function pickLanguage(languages, tag) {
  const all = [languages].flat();
  return all.find((language) => language === tag) ?? all.find((language) => sameLanguage(language, tag));
}

/** Where there is no direct model, a text goes through this language if it can. */
const PIVOT = "en";

/**
 * A model of a route, and what it is used for.
 * @typedef {{model: ManifestModel, sourceLanguage: string, targetLanguage: string}} Leg
 */

/**
 * The models that take a text from one language to another: a direct one, else one to English and one from there, else
 * two through the first other language that leads on.
 * @param {Manifest} manifest
 * @param {string} source
 * @param {string} target
 * @returns {Leg[] | null} none between two variants of one language; null where there is no way
 */
export function findRoute(manifest, source, target) {
  const leg = (/** @type {string} */ sourceLanguage, /** @type {string} */ targetLanguage) => {
    const model = manifest.models.find(
      (candidate) => pickLanguage(candidate.source, sourceLanguage) && pickLanguage(candidate.target, targetLanguage),
    );
    return model ? [{ model, sourceLanguage, targetLanguage }] : [];
  };
  const direct = leg(source, target);
  if (direct.length || sameLanguage(source, target)) return direct;
  const written = manifest.models
    .filter((model) => pickLanguage(model.source, source))
    .flatMap((model) => model.target);
  for (const pivot of [PIVOT, ...written]) {
    if ([source, target].some((end) => sameLanguage(end, pivot))) continue;
    const legs = [...leg(source, pivot), ...leg(pivot, target)];
    if (legs.length === 2) return legs;
  }
  return null;
}

/**
 * @param {Manifest} manifest
 * @param {string} source
 * @param {string} target
 */
export function routeError({ models }, source, target) {
  if (!models.length) return makeError("NotSupportedError", `There is no model from ${source} to ${target}. ${ADVICE}`);
  const pairs = models.map((model) => `${[model.source].flat().join("/")} to ${[model.target].flat().join("/")}`);
  return makeError(
    "NotSupportedError",
    `There is no model from ${source} to ${target}, nor a way by two; the manifest has ${pairs.join(", ")}. Choose from these, or pass the option "model".`,
  );
}

/** Downloads under way, by URL. @type {Set<string>} */
export const downloading = new Set();

/**
 * The worst state of the models on a route.
 * @param {Leg[]} route
 * @returns {Promise<Availability>}
 */
export async function routeState(route) {
  const states = await Promise.all(route.map(({ model }) => stateOf(model)));
  const worst = /** @type {const} */ (["unavailable", "downloadable", "downloading"]);
  return worst.find((state) => states.includes(state)) ?? "available";
}

/** Whether an address is a file of this machine. @param {string} url */
export const isFile = (url) => isNode && url.startsWith("file:");

/**
 * What is kept of a model, all of it and the version that is wanted.
 * @param {Pick<ManifestModel, "url" | "sha256">} model
 * @param {import("./cache-entry.js").CacheRecord[]} records
 */
export const recordOf = ({ url, sha256 }, records) =>
  records.find((kept) => kept.complete && kept.url === url && (!sha256 || kept.sha256 === sha256.toLowerCase()));

/**
 * @param {ManifestModel} model
 * @returns {Promise<Availability>}
 */
async function stateOf(model) {
  const { url } = model;
  if (isFile(url)) return builtin("fs").existsSync(new URL(url)) ? "available" : "unavailable";
  if (recordOf(model, await modelCache.list())) return "available";
  return downloading.has(url) ? "downloading" : "downloadable";
}
