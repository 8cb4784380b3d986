// The manifest: which models there are, for which languages, and where.

import { makeError } from "./errors.js";
import { isNode, isURL, readKept, toURL } from "./platform.js";

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

/** @typedef {{version: 1, models: ManifestModel[], baseURL?: string}} Manifest `baseURL`: what urls are relative to */

/** The repository's own list, for Node. No literal within `new URL`: bundlers shall not bring it to pages. */
const OWN = "../../models/manifest.json";

/** What helps where the package has no model of its own to offer. */
export const ADVICE =
  'The package brings no models: get a file and pass the option "model" (a URL, a path or bytes), or "manifest" (a list of your own, which "glossa models --index FOLDER" writes).';

/** @returns {Promise<Manifest>} what stands beside the package: in an installation nothing, so that there is no model */
async function ownManifest() {
  try {
    if (isNode) return await loadManifest(new URL(OWN, import.meta.url));
  } catch {
    // bundled away from its files
  }
  return { version: 1, models: [] };
}

/**
 * @param {string | URL | Manifest} [source]
 * @returns {Promise<Manifest>} with absolute urls
 */
export async function loadManifest(source) {
  if (source === undefined) return ownManifest();
  if (typeof source === "object" && !isURL(source)) return resolveURLs(source, source.baseURL);
  const url = toURL(source);
  let text;
  try {
    text = new TextDecoder().decode(await readKept(url));
  } catch (error) {
    throw makeError(
      "NetworkError",
      `The list of models could not be loaded from ${url.href} (${/** @type {Error} */ (error).message}). Pass the option "manifest" or "model".`,
    );
  }
  try {
    return resolveURLs(JSON.parse(text), url.href);
  } catch (error) {
    throw makeError(
      "DataError",
      `The list of models at ${url.href} is damaged: ${/** @type {Error} */ (error).message}`,
    );
  }
}

/**
 * @param {Manifest} manifest
 * @param {string} [base]
 * @returns {Manifest}
 */
function resolveURLs(manifest, base) {
  if (manifest.version !== 1 || !Array.isArray(manifest.models))
    throw makeError("DataError", `the manifest has version ${manifest.version}; this release reads version 1`);
  const models = manifest.models.map((model) => {
    for (const key of /** @type {const} */ (["id", "source", "target", "url"]))
      if (typeof model[key] !== "string" && !(Array.isArray(model[key]) && /source|target/.test(key)))
        throw makeError("DataError", `a model of the manifest lacks "${key}"`);
    return { ...model, url: base ? new URL(model.url, toURL(base)).href : toURL(model.url).href };
  });
  return { version: 1, models };
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
    throw makeError("RangeError", `"${tag}" is no language tag; it takes one of BCP 47, such as "en" or "zh-Hant".`);
  }
}

/** @param {string} tag language and script, as likely subtags give them: zh, zh-CN and zh-Hans are one */
function languageOf(tag) {
  const locale = new Intl.Locale(tag);
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
