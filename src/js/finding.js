// The models of a pair of languages: from lists, else from registries. What knows registries is a part of the package that
// is loaded when one is asked.

import { chunkFiles } from "./own-files.js";
import { loadChunk } from "./chunks.js";
import { makeError } from "./errors.js";
import { findRoute, loadManifest, routeError } from "./manifest.js";
import { isNode, isOffline } from "./platform.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */
/** @typedef {import("./types.js").LanguagePair} LanguagePair */
/** @typedef {import("./types.js").ModelOrigin} ModelOrigin */
/** @typedef {Pick<CreateOptions, "models" | "manifest" | "origins" | "registries" | "variant" | "offline" | "fetch" | "cache" | "signal">} Where */
/** @typedef {import("./protocol.js").ModelLoad & {origin: ModelOrigin}} Found */

/** What the part about registries is lent. @type {import("./registry/types.js").Tools} */
export const tools = {
  load: loadChunk,
  converter() {
    const url = chunkFiles.converter();
    return url.protocol === "glossa:" ? null : url; // in the one file there is no such script
  },
};

/**
 * The part about registries, where one is asked for what no list has: in Node by default, in a page where the caller names
 * some.
 * @param {Where} where
 */
async function partOf({ registries, manifest, models }) {
  if (registries) return registries.length ? loadChunk("registry") : null;
  if (!isNode || manifest !== undefined || models !== undefined) return null;
  return loadChunk("registry").catch(() => null); // in one file, or at the edge: nobody has asked for it
}

/**
 * The way in the list that is given or, where no registries are, the package's own.
 * @param {LanguagePair} pair
 * @param {Where} where
 */
async function inLists({ sourceLanguage, targetLanguage }, { models, manifest, origins, registries, offline }) {
  const look = async (/** @type {string | URL | import("./manifest.js").Manifest | undefined} */ place) => {
    const list = await loadManifest(place, origins, offline ?? isOffline());
    return { list, route: findRoute(list, sourceLanguage, targetLanguage) };
  };
  if (models) {
    const own = await look({ version: 1, models: models.flatMap((list) => list.models) });
    if (own.route || manifest === undefined) return own;
  }
  if (registries?.length && manifest === undefined) return { list: null, route: null };
  return look(manifest);
}

/**
 * @param {LanguagePair} pair canonical
 * @param {Where} where
 * @param {{onProgress: (fraction: number) => void, mayLoad: (route: import("./manifest.js").Leg[] | null) => Promise<void>}} how
 *     `onProgress`: of what is loaded before an engine starts; `mayLoad`: rejects where nothing may be loaded now; null: it
 *     would be loaded
 * @returns {Promise<Found[]>} none between two variants of one language
 */
export async function findModels(pair, where, { onProgress, mayLoad }) {
  const { list, route } = await inLists(pair, where);
  where.signal?.throwIfAborted();
  if (route) {
    await mayLoad(route);
    return route.map(({ model, ...languages }) => {
      const { id, url, bytes, sha256, licence = "" } = model;
      const origin = { registry: "manifest", id, version: "", licence, origin: url };
      return { source: { url }, bytes: bytes ?? 0, sha256, languages, origin };
    });
  }
  const part = await partOf(where);
  if (!part)
    throw routeError(/** @type {import("./manifest.js").Manifest} */ (list), pair.sourceLanguage, pair.targetLanguage);
  return part.provide(pair, { ...where, onProgress, mayLoad: () => mayLoad(null) }, tools);
}

/**
 * @param {LanguagePair} pair canonical
 * @param {Where} where
 * @param {(route: import("./manifest.js").Leg[]) => Promise<import("./types.js").Availability>} stateOfRoute
 * @returns {Promise<import("./types.js").Availability>}
 */
export async function findState(pair, where, stateOfRoute) {
  const { route } = await inLists(pair, where);
  if (route) {
    const state = await stateOfRoute(route);
    return state === "downloadable" && (where.offline ?? isOffline()) ? "unavailable" : state;
  }
  const part = await partOf(where);
  return part ? part.stateOf(pair, where, tools) : "unavailable";
}

/**
 * @param {Partial<LanguagePair> & Where} options
 * @returns {Promise<import("./types.js").AvailableModel[]>}
 */
export async function findAll({ models = [], manifest, origins, ...options }) {
  const { listModels } = await loadChunk("registry");
  const given = manifest === undefined ? models : [...models, manifest];
  const lists = given.map((list) => ({ registry: /** @type {const} */ ("list"), manifest: list, origins }));
  const registries = options.registries || lists.length ? [...lists, ...(options.registries ?? [])] : undefined;
  return listModels(options, { ...options, registries }, tools);
}

/**
 * @param {import("./types.js").TranslatorInfo} info
 * @param {ModelOrigin[]} origins of its models; none where the caller gave the model
 */
export function withOrigins(info, origins) {
  const models = info.models.map((model, i) => {
    const origin = origins[i];
    return { ...model, ...origin, licence: origin?.licence || model.notes.licence };
  });
  return { ...info, models, model: models[0] ?? info.model };
}

/** @returns {never} */
export function noGesture() {
  throw makeError("NotAllowedError", "The model must be downloaded: call Translator.create() from a click or a key.");
}
