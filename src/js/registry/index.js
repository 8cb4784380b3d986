// Models from their homes: what there is, which of it takes a text from one language to another, and how it comes here.
// REGISTRIES.md says more.

import { makeError } from "../errors.js";
import { canonicalTag, isFile, recordOf, sameLanguage } from "../manifest.js";
import { listRecords, noteBeside } from "../model-cache.js";
import { builtin } from "../platform.js";
import { chooseRoute, ordered, routeOf, serves, withAdvice } from "./choose.js";
import { dataError } from "./errors.js";
import { forgetSources, isKeptModel, keptModels, keptURL, modelOfKept, openKept } from "./kept.js";
import { contextOf, registriesOf, registryOf } from "./options.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").Registry} Registry */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */
/** @typedef {import("./types.js").Tools} Tools */
/** @typedef {import("./choose.js").Leg} Leg */
/** @typedef {import("./kept.js").KeptRecord} KeptRecord */
/** @typedef {import("./options.js").RegistryChoice} RegistryChoice */
/** @typedef {import("../types.js").Availability} Availability */
/** @typedef {import("../types.js").LanguagePair} LanguagePair */

/**
 * @typedef {import("./options.js").RequestOptions & {registries?: RegistryChoice[], variant?: string}} WayOptions
 */

/**
 * A model that can be opened, and where it comes from.
 * @typedef {object} Provided
 * @property {import("../model-source.js").PlainSource} source
 * @property {number} bytes
 * @property {string} [sha256]
 * @property {LanguagePair} languages
 * @property {import("../types.js").ModelOrigin} origin
 */

/** Models that are being made, by their kept address, for availability(). @type {Set<string>} */
const making = new Set();

/** @param {unknown} variant */
function checkVariant(variant = "") {
  if (typeof variant === "string" && /^[\w-]*$/.test(variant)) return variant;
  throw makeError(
    "TypeError",
    `The option "variant" is ${JSON.stringify(variant)}; it takes "smallest", "best", or the name of an architecture.`,
  );
}

/**
 * The kept models of registries, as a registry in front of them.
 * @param {Registry[]} registries
 * @param {string} variant
 * @returns {Registry}
 */
function keptRegistry(registries, variant) {
  return {
    id: "kept",
    advice: "",
    list: async () => {
      const fits = (/** @type {KeptRecord} */ { about }) =>
        registries.some(({ id, owns }) => id === about.registry && (!owns || owns(about))) &&
        (about.chosen.includes(variant) || about.variant === variant);
      // in the order of the registries, so that the first one's models come first
      const order = (/** @type {RegistryModel} */ model) => registries.findIndex(({ id }) => id === model.registry);
      const models = (await keptModels()).filter(fits).map((record) => ({ ...modelOfKept(record), variant }));
      return models.sort((a, b) => order(a) - order(b));
    },
  };
}

/**
 * @param {Registry[]} registries
 * @param {string} variant
 */
function withKept(registries, variant) {
  const own = registries.filter(({ id }) => id === "package");
  const others = registries.filter(({ id }) => id !== "package");
  return [...own, keptRegistry(others, variant), ...others];
}

/**
 * @param {RegistryModel} model
 * @param {import("../cache-entry.js").CacheRecord[]} records
 * @returns {KeptRecord | undefined}
 */
function keptOf(model, records) {
  if ("record" in model) return /** @type {KeptRecord} */ (model.record);
  if (!model.files) return undefined;
  const url = keptURL(model);
  return /** @type {KeptRecord | undefined} */ (records.find((record) => record.url === url && isKeptModel(record)));
}

/**
 * Whether a checkpoint that is loaded as it is lies here already.
 * @param {import("../manifest.js").ManifestModel} checkpoint
 * @param {import("../cache-entry.js").CacheRecord[]} records
 */
const isCheckpointHere = (checkpoint, records) =>
  isFile(checkpoint.url)
    ? builtin("fs").existsSync(new URL(checkpoint.url))
    : recordOf(checkpoint, records) !== undefined;

/** @param {RegistryModel} model */
async function isHere(model) {
  const records = await listRecords();
  return model.checkpoint ? isCheckpointHere(model.checkpoint, records) : keptOf(model, records) !== undefined;
}

/**
 * What an address to read about a model is, and its licence.
 * @param {RegistryModel} model
 * @returns {import("../types.js").ModelOrigin}
 */
const originOf = ({ registry, id, version, licence, origin }) => ({ registry, id, version, licence, origin });

/**
 * What provide() would take, with its files: for a look before anything is loaded.
 * @param {LanguagePair} pair canonical
 * @param {WayOptions} options
 * @param {Tools} tools
 * @returns {Promise<{model: RegistryModel, here: boolean}[]>}
 */
export async function planRoute({ sourceLanguage, targetLanguage }, options, tools) {
  const context = contextOf(options, tools);
  const variant = checkVariant(options.variant);
  const registries = registriesOf(options.registries);
  const wanted = { source: sourceLanguage, target: targetLanguage, variant, asked: !context.offline };
  const { route, models } = await chooseRoute(context, registries, wanted);
  if (!route) throw noRoute(wanted, registries, models);
  return Promise.all(
    route.map(async ({ model }) => {
      const registry = registries.find(({ id }) => id === model.registry);
      const resolved = registry?.resolve && !context.offline ? await registry.resolve(context, model) : model;
      return { model: resolved, here: await isHere(resolved) };
    }),
  );
}

/**
 * The models for a pair, each loaded, converted and kept; what is here already asks nobody.
 * @param {LanguagePair} pair canonical
 * @param {WayOptions & {onProgress?: (fraction: number) => void, mayLoad?: () => void}} options `mayLoad` throws where
 *     nothing may be loaded now
 * @param {Tools} tools
 * @returns {Promise<Provided[]>} empty between two variants of one language
 */
export async function provide({ sourceLanguage, targetLanguage }, options, tools) {
  const context = contextOf(options, tools);
  const variant = checkVariant(options.variant);
  const registries = registriesOf(options.registries);
  const wanted = { source: sourceLanguage, target: targetLanguage, variant };
  const all = withKept(registries, variant);
  for (const asked of [false, true]) {
    if (asked && context.offline) break;
    const { route } = await chooseRoute(context, all, { ...wanted, asked });
    if (!route) continue;
    const here = await Promise.all(route.map(({ model }) => isHere(model)));
    if (!asked && here.includes(false)) continue;
    if (here.includes(false)) options.mayLoad?.();
    const provided = await provideRoute(context, registries, route, variant, options.onProgress ?? (() => {}));
    if (provided) return provided;
  }
  throw context.offline
    ? makeError(
        "NotSupportedError",
        `There is no model from ${sourceLanguage} to ${targetLanguage} on this machine, and nothing may be loaded offline: load it once online ("glossa models add ${sourceLanguage}-${targetLanguage}"), bring it ("glossa models import"), or pass the option "model" or "manifest".`,
      )
    : noRoute(wanted, registries, (await chooseRoute(context, registries, { ...wanted, asked: false })).models);
}

/**
 * @param {Context} context
 * @param {Registry[]} registries
 * @param {Leg[]} route
 * @param {string} variant
 * @param {(fraction: number) => void} onProgress
 * @returns {Promise<Provided[] | null>} null where what was kept is damaged
 */
async function provideRoute(context, registries, route, variant, onProgress) {
  /** @type {Provided[]} */
  const provided = [];
  for (const [i, { model, ...languages }] of route.entries()) {
    const report = (/** @type {number} */ fraction) => onProgress((i + fraction) / route.length);
    if (model.checkpoint) {
      const { url, bytes } = model.checkpoint;
      const sha256 = model.checkpoint.sha256 ?? recordOf(model.checkpoint, await listRecords())?.sha256;
      provided.push({ source: { url }, bytes: bytes ?? 0, sha256, languages, origin: originOf(model) });
      continue;
    }
    const records = await listRecords();
    const kept = keptOf(model, records);
    const content = kept && (await openKept(kept));
    if (kept && content) {
      await addChoice(kept, variant);
      await forgetSources(kept.url, records);
      provided.push({ source: sourceOf(content), bytes: kept.bytes, languages, origin: originOf(model) });
      report(1);
      continue;
    }
    if (!model.files && "record" in model) return null; // it is to be chosen anew
    report(0);
    const made = await obtainFrom(context, registries, model, variant, report);
    provided.push({ source: sourceOf(made.content), bytes: made.bytes, languages, origin: originOf(made.model) });
  }
  return provided;
}

/**
 * @param {Context} context
 * @param {Registry[]} registries
 * @param {RegistryModel} model
 * @param {string} variant
 * @param {(fraction: number) => void} onProgress
 */
export async function obtainFrom(context, registries, model, variant, onProgress) {
  const registry = registries.find(({ id }) => id === model.registry);
  try {
    const resolved = registry?.resolve ? await registry.resolve(context, model) : model;
    if (!resolved.files?.length) throw dataError(`The registry ${model.registry} tells no files of ${model.id}.`);
    const url = keptURL(resolved);
    making.add(url);
    try {
      const { obtain } = /** @type {typeof import("./converter.js")} */ (await context.tools.load("converter"));
      const made = await obtain(context, resolved, { token: registry?.token, variant, onProgress });
      return { ...made, model: resolved };
    } finally {
      making.delete(url);
    }
  } catch (error) {
    throw registry ? withAdvice(error, registry) : error;
  }
}

/** @param {import("../cache-entry.js").Content} content */
const sourceOf = (content) =>
  "path" in content ? { url: builtin("url").pathToFileURL(content.path).href } : { blob: content };

/**
 * Notes that a kept model is the choice for a wish, so that the next time nobody has to be asked.
 * @param {KeptRecord} record
 * @param {string} variant
 */
async function addChoice(record, variant) {
  if (record.about.chosen.includes(variant)) return;
  await noteBeside(record.url, { ...record.about, chosen: [...record.about.chosen, variant] }).catch(() => {});
}

/**
 * @param {{source: string, target: string, variant: string}} wanted
 * @param {Registry[]} registries
 * @param {RegistryModel[]} models
 */
function noRoute({ source, target, variant }, registries, models) {
  const names = registries.map(({ id }) => id).join(", ");
  const near = [...new Set(models.filter((m) => serves(m, source) || serves(m, undefined, target)).map(pairOf))];
  const some = near.length ? ` Near it there is ${near.slice(0, 12).join(", ")}${near.length > 12 ? ", …" : ""}.` : "";
  const bad = registries.flatMap(({ problems = [] }) => problems);
  const refused = bad.length ? ` ${bad.length} entries are refused, such as ${bad[0]}.` : "";
  const wish = variant ? ` of the variant "${variant}"` : "";
  return makeError(
    "NotSupportedError",
    registries.length
      ? `There is no model${wish} from ${source} to ${target}, nor a way by two, in ${names}.${some}${refused}`
      : `There is no model from ${source} to ${target}: no registry is named. Add the option  registries: [mozilla()]  with  import { mozilla } from "glossa",  or pass the option "model" or "manifest".`,
  );
}

/** @param {RegistryModel} model */
const pairOf = ({ source, target }) => `${[source].flat().join("/")} to ${[target].flat().join("/")}`;

/**
 * Whether there is a way, and whether it is here: without asking anybody.
 * @param {LanguagePair} pair canonical
 * @param {WayOptions} options
 * @param {Tools} tools
 * @returns {Promise<Availability>}
 */
export async function stateOf({ sourceLanguage, targetLanguage }, options, tools) {
  const context = contextOf(options, tools);
  const variant = checkVariant(options.variant);
  const registries = withKept(registriesOf(options.registries), variant);
  const { route } = await chooseRoute(context, registries, {
    source: sourceLanguage,
    target: targetLanguage,
    variant,
    asked: false,
  });
  if (!route) return "unavailable";
  const here = await Promise.all(route.map(({ model }) => isHere(model)));
  if (!here.includes(false)) return "available";
  if (context.offline) return "unavailable";
  const busy = route.some(({ model }) => model.files && making.has(keptURL(model)));
  return busy ? "downloading" : "downloadable";
}

/**
 * What there is: everything, or what serves a language or a pair; for a pair without a direct model, those of a way by two.
 * @param {Partial<LanguagePair>} pair
 * @param {WayOptions} options
 * @param {Tools} tools
 * @returns {Promise<import("../types.js").AvailableModel[]>}
 */
export async function listModels({ sourceLanguage, targetLanguage }, options, tools) {
  const context = contextOf(options, tools);
  const variant = checkVariant(options.variant);
  const [source, target] = [sourceLanguage, targetLanguage].map((tag) => tag && canonicalTag(tag));
  /** @type {RegistryModel[]} */
  const models = [];
  for (const registry of registriesOf(options.registries)) {
    try {
      models.push(...ordered(await registry.list(context, { asked: !context.offline }), variant));
    } catch (error) {
      throw withAdvice(error, registry);
    }
  }
  const records = await listRecords();
  let fit = models.filter((model) => serves(model, source, target));
  if (!fit.length && source && target && !sameLanguage(source, target))
    fit = (routeOf(models, source, target) ?? []).map(({ model }) => model);
  const nameOf = (/** @type {{registry: string, id: string}} */ { registry, id }) => `${registry} ${id.split("@")[0]}`;
  const kept = new Set(records.filter(isKeptModel).map(({ about }) => nameOf(about)));
  return fit.map((model) => {
    const { files: _, checkpoint, source, target, ...facts } = model;
    const here = checkpoint ? isCheckpointHere(checkpoint, records) : kept.has(nameOf(model));
    return { ...facts, sourceLanguages: [source].flat(), targetLanguages: [target].flat(), here };
  });
}

/**
 * What the home of a kept model has now in its place.
 * @param {KeptRecord} kept
 * @param {WayOptions} options
 * @param {Tools} tools
 * @returns {Promise<{model: RegistryModel, make: (onProgress: (fraction: number) => void) => Promise<unknown>}>} `make`
 *     loads it
 */
export async function newest(kept, options, tools) {
  const context = contextOf(options, tools);
  const { about } = kept;
  const registries = registriesOf(options.registries);
  const registry = registries.find(({ id }) => id === about.registry) ?? registryOf(about.registry);
  const [variant = ""] = about.chosen;
  const [source, target] = [[about.source].flat()[0], [about.target].flat()[0]];
  try {
    const listed = await registry.list(context, { asked: true });
    const same = listed.filter((model) => serves(model, source, target));
    const repository = about.id.split("@")[0];
    let [model] = ordered(same, variant);
    if (!model && registry.open)
      model = { ...(await registry.open(context, repository)), source: about.source, target: about.target };
    if (!model) throw dataError(`${registry.id} has no model from ${source} to ${target} any more.`);
    const resolved = registry.resolve ? await registry.resolve(context, model) : model;
    const all = [registry];
    return { model: resolved, make: (onProgress) => obtainFrom(context, all, resolved, variant, onProgress) };
  } catch (error) {
    throw withAdvice(error, registry);
  }
}
