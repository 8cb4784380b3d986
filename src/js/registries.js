// Registries as callers name them in the option `registries`. What they are is in the part of the package that is loaded
// when one is used (registry/).

/** @typedef {import("./registry/mozilla.js").MozillaOptions} MozillaOptions */
/** @typedef {import("./registry/hub.js").HubOptions} HubOptions */

/**
 * Firefox's translation models.
 * @param {MozillaOptions} [options]
 */
export const mozilla = (options) => ({
  .../** @type {MozillaOptions} */ (options),
  registry: /** @type {const} */ ("mozilla"),
});

/**
 * The Hugging Face Hub: OPUS-MT, or repositories by their names.
 * @param {HubOptions} [options]
 */
export const huggingFace = (options) => ({
  .../** @type {HubOptions} */ (options),
  registry: /** @type {const} */ ("huggingface"),
});
