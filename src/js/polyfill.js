// `import "glossa/polyfill"`: the global Translator, where the platform has none. As the platform does, it asks for a
// user's gesture before it downloads a model.

import { makeError } from "./errors.js";
import { Translator } from "./translator.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */

/** @type {CreateOptions} */
let defaults = {};

class PlatformTranslator extends Translator {
  /**
   * @param {CreateOptions} options
   * @returns {Promise<Translator>}
   */
  static async create(options) {
    const settings = { ...defaults, ...options };
    const languages = /** @type {import("./types.js").LanguagePair} */ (settings);
    const known = settings.sourceLanguage !== undefined && settings.targetLanguage !== undefined;
    if (settings.model === undefined && known && !globalThis.navigator?.userActivation?.isActive) {
      const availability = await PlatformTranslator.availability(languages);
      if (availability === "downloadable" || availability === "downloading")
        throw makeError(
          "NotAllowedError",
          "The model must be downloaded: call Translator.create() from a click or a key.",
        );
    }
    return Translator.create(settings);
  }

  /** @param {Parameters<typeof Translator.availability>[0]} options */
  static availability(options) {
    return Translator.availability({ ...defaults, ...options });
  }
}

Object.defineProperty(PlatformTranslator, "name", { value: "Translator" });
Object.defineProperty(PlatformTranslator, Symbol.hasInstance, {
  value: (/** @type {unknown} */ o) => o instanceof Translator,
});

/**
 * Installs the global again with options that every create() starts from, such as `manifest`.
 * @param {CreateOptions & {force?: boolean}} [options] `force`: also where the platform has a Translator of its own
 * @returns {boolean} whether the global is Glossa's now
 */
export function install({ force = false, ...options } = {}) {
  defaults = options;
  if (!force && "Translator" in globalThis && Reflect.get(globalThis, "Translator") !== PlatformTranslator)
    return false;
  Object.defineProperty(globalThis, "Translator", { value: PlatformTranslator, writable: true, configurable: true });
  return true;
}

install();
