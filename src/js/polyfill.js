// `import "glossa/polyfill"`: the global Translator, where the platform has none. As the platform does, it asks for a
// user's gesture before it downloads a model.

import { makeError } from "./errors.js";
import { CreateMonitor } from "./monitor.js";
import { given } from "./options.js";
import { GESTURE, Translator as Glossa } from "./translator.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */
/** @typedef {import("./types.js").Availability} Availability */
/** @typedef {Pick<typeof Glossa, "create" | "availability">} TranslatorFactory */

/** What every create() and availability() starts from. @type {CreateOptions} */
let defaults = {};

/** The platform's own, for the pairs that it has; null where Glossa does everything. @type {TranslatorFactory | null} */
let native = null;

/**
 * The options of a call on top of the defaults.
 * @param {CreateOptions} options
 * @returns {CreateOptions}
 */
function complete(options) {
  // Unlike the package itself, in Node too it fetches nothing from registries that nobody has named.
  return { registries: [], ...defaults, ...given("create", options, true) };
}

/**
 * The platform's own where it is to do a pair: it can at once, or Glossa cannot at all.
 * @param {CreateOptions} options
 * @returns {Promise<TranslatorFactory | null>}
 */
async function nativeFor(options) {
  const { sourceLanguage, targetLanguage, model } = options;
  if (!native || model !== undefined || sourceLanguage === undefined || targetLanguage === undefined) return null;
  const state = await native.availability({ sourceLanguage, targetLanguage }).catch(() => "unavailable");
  if (state === "available") return native;
  return state !== "unavailable" && (await glossaState(options)) === "unavailable" ? native : null;
}

/**
 * @param {CreateOptions} options
 * @returns {Promise<Availability>} Glossa's
 */
async function glossaState(options) {
  try {
    return await Glossa.availability(/** @type {any} */ (options));
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    // the platform's availability() has no other word for it
    throw name === "NetworkError" || name === "DataError" ? makeError("UnknownError", message) : error;
  }
}

/** A translator of the package with the global's interface. @param {CreateOptions} options */
async function createGlossa(options) {
  // Where the place knows no gestures (a worker, Node), none is asked for.
  const gesture = globalThis.navigator?.userActivation?.isActive ?? true;
  const translator = await Glossa.create(/** @type {CreateOptions} */ ({ ...options, [GESTURE]: gesture }));
  return Object.setPrototypeOf(translator, Translator.prototype);
}

/** The interface object. A function, not a class: the platform's has no class behind it. */
function Translator() {
  throw makeError("TypeError", "Illegal constructor: use Translator.create().");
}

const statics = {
  /**
   * @param {CreateOptions} options
   * @returns {Promise<Glossa>}
   */
  async create(options) {
    const settings = complete(options);
    if (!native) return createGlossa(settings); // at once: the monitor is called before create() returns
    const other = await nativeFor(settings);
    return other ? other.create(options) : createGlossa(settings);
  },

  /**
   * @param {import("./types.js").LanguagePair} options
   * @returns {Promise<Availability>}
   */
  async availability(options) {
    const settings = complete(options);
    const other = native && (await nativeFor(settings));
    return other ? other.availability(options) : glossaState(settings);
  },
};

/**
 * The members of a class as Web IDL has them on an interface's prototype: enumerable, with a tag that is a value.
 * @param {object} prototype
 * @param {string} name
 */
function interfaceMembers(prototype, name) {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype);
  for (const key of Object.keys(members)) members[key].enumerable = true;
  return { ...members, [Symbol.toStringTag]: { value: name, configurable: true } };
}

Object.defineProperties(Translator, {
  prototype: {
    writable: false,
    value: Object.create(Object.prototype, {
      ...interfaceMembers(Glossa.prototype, "Translator"),
      constructor: { value: Translator, writable: true, configurable: true },
    }),
  },
  ...Object.getOwnPropertyDescriptors(statics),
  [Symbol.hasInstance]: {
    value: (/** @type {unknown} */ o) =>
      Object.prototype.isPrototypeOf.call(Translator.prototype, Object(o)) ||
      o instanceof Glossa ||
      (native !== null && o instanceof /** @type {any} */ (native)),
  },
});
Object.defineProperties(CreateMonitor.prototype, interfaceMembers(CreateMonitor.prototype, "CreateMonitor"));

/** @param {string} name @param {unknown} value */
const define = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

/**
 * Installs the global again with options that every create() starts from, such as `manifest`.
 * @param {CreateOptions & {force?: boolean, fallback?: boolean, detector?: Function}} [options] where the platform has a
 *     Translator of its own: `force` takes its place; `fallback` leaves it the pairs for which it has a model here
 *     already. `detector`: a class of your own in the shape of LanguageDetector, for where the platform has none
 * @returns {boolean} whether the global is Glossa's now
 */
export function install({ force = false, fallback = false, detector, ...options } = {}) {
  const present = Reflect.get(globalThis, "Translator");
  const own = present === Translator;
  if (fallback && !own && typeof present?.availability === "function") native = present;
  else if (!fallback && (own || force)) native = null;
  defaults = options;
  if (detector !== undefined && typeof detector !== "function")
    throw makeError("TypeError", 'The option "detector" must be a class in the shape of LanguageDetector.');
  if (detector && (force || !("LanguageDetector" in globalThis))) define("LanguageDetector", detector);
  if (!force && !fallback && present !== undefined && !own) return false;
  define("Translator", Translator);
  if (!native) define("CreateMonitor", CreateMonitor);
  return true;
}

install();
