// `import "glossa/polyfill"`: the global Translator, where the platform has none. As the platform does, it asks for a
// user's gesture before it downloads a model.

import { GESTURE, Translator } from "./translator.js";

/** @typedef {import("./types.js").CreateOptions} CreateOptions */

/** @type {CreateOptions} */
let defaults = {};

class PlatformTranslator extends Translator {
  /**
   * @param {CreateOptions} options
   * @returns {Promise<Translator>}
   */
  static async create(options) {
    const gesture = Boolean(globalThis.navigator?.userActivation?.isActive);
    return Translator.create(/** @type {CreateOptions} */ ({ ...defaults, ...options, [GESTURE]: gesture }));
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
