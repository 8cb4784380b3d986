// Which models take a text from one language to another: the first registry that has a way gives it, directly or through
// English; else a way through models of several.

import { findRoute, pickLanguage, sameLanguage } from "../manifest.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").Registry} Registry */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */
/** @typedef {{model: RegistryModel, sourceLanguage: string, targetLanguage: string}} Leg */

/** Measures of quality, the one that is believed most first. */
const MEASURES = ["comet22", "comet", "chrf", "bleu"];

/**
 * Models in the order of a wish: "smallest", "best", or an architecture, whose models come first.
 * @param {RegistryModel[]} models in the registry's own order
 * @param {string} variant empty: as the registry has it
 */
export function ordered(models, variant) {
  if (variant === "smallest") return models.toSorted((a, b) => a.downloadBytes - b.downloadBytes);
  if (variant === "best") return models.toSorted((a, b) => compareQuality(b, a));
  return variant ? models.filter((model) => model.variant === variant) : models;
}

/** By the first measure that both have; who has none is below. @param {RegistryModel} a @param {RegistryModel} b */
function compareQuality(a, b) {
  const measure = MEASURES.find((name) => name in a.quality && name in b.quality);
  if (measure) return a.quality[measure] - b.quality[measure];
  return Object.keys(a.quality).length - Object.keys(b.quality).length;
}

/**
 * findRoute() over models of registries.
 * @param {RegistryModel[]} models
 * @param {string} source
 * @param {string} target
 * @returns {Leg[] | null}
 */
export function routeOf(models, source, target) {
  const entries = models.map((model) => ({
    id: "",
    url: "",
    bytes: 0,
    sha256: "",
    source: model.source,
    target: model.target,
    model,
  }));
  const route = findRoute({ version: 1, models: entries }, source, target);
  return (
    route?.map(({ model, ...languages }) => ({
      model: /** @type {typeof entries[0]} */ (model).model,
      ...languages,
    })) ?? null
  );
}

/** @param {RegistryModel} model @param {string} [source] @param {string} [target] */
export const serves = (model, source, target) =>
  (source === undefined || pickLanguage(model.source, source) !== undefined) &&
  (target === undefined || pickLanguage(model.target, target) !== undefined);

/**
 * @param {Context} context
 * @param {Registry[]} registries in order
 * @param {{source: string, target: string, variant: string, asked: boolean}} wanted
 * @returns {Promise<{route: Leg[] | null, models: RegistryModel[]}>} `models`: all that were looked at
 */
export async function chooseRoute(context, registries, { source, target, variant, asked }) {
  /** @type {RegistryModel[]} */
  const all = [];
  for (const registry of registries) {
    try {
      const listed = await registry.list(context, { asked });
      let models = ordered(listed, variant);
      let route = routeOf(models, source, target);
      if (!route && asked && registry.find && !sameLanguage(source, target)) {
        models = [...ordered(await registry.find(context, source, target), variant), ...models];
        route = routeOf(models, source, target);
      }
      if (route) return { route, models };
      all.push(...models);
    } catch (error) {
      context.signal?.throwIfAborted();
      // The next one is not asked in its place: what it has may be many times as large.
      if (asked) throw withAdvice(error, registry);
    }
  }
  return { route: routeOf(all, source, target), models: all };
}

/** @param {unknown} error @param {Registry} registry */
export function withAdvice(error, { advice }) {
  const { name, message } = /** @type {Error} */ (error);
  if (name !== "NetworkError" || !advice || message.includes(advice) || !(error instanceof DOMException)) return error;
  const advised = new DOMException(`${message} ${advice}`, name);
  return Object.assign(advised, { status: Reflect.get(error, "status") });
}
