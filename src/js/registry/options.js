// Which registries there are, and how requests are made: from options, and in Node from the environment.

import { makeError, shown } from "../errors.js";
import { isNode, isOffline, isSet } from "../platform.js";
import { hubRegistry } from "./hub.js";
import { installedRegistry, listRegistry, packageRegistry } from "./list.js";
import { mozillaRegistry } from "./mozilla.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").Registry} Registry */

/**
 * What callers name a registry by: a name, the address or folder of a list, what mozilla() and its like give, or an
 * object of their own.
 * @typedef {string | ({registry: "mozilla"} & import("./mozilla.js").MozillaOptions)
 *   | ({registry: "huggingface"} & import("./hub.js").HubOptions)
 *   | ({registry: "list"} & import("./list.js").ListOptions) | Registry} RegistryChoice
 */

/** @type {NodeJS.ProcessEnv} */
const env = isNode ? /** @type {NodeJS.Process} */ (globalThis.process).env : {};

/** What the environment says of a registry's addresses. @type {Record<string, () => object>} */
const FROM_ENVIRONMENT = {
  mozilla: () => ({
    ...(env.GLOSSA_MOZILLA_CATALOGUE && { catalogue: env.GLOSSA_MOZILLA_CATALOGUE }),
    ...(env.GLOSSA_MOZILLA_FILES && { files: env.GLOSSA_MOZILLA_FILES, attachments: env.GLOSSA_MOZILLA_FILES }),
  }),
  huggingface: () => ({
    ...(env.HF_ENDPOINT && { endpoint: env.HF_ENDPOINT }),
    ...(env.HF_TOKEN && { token: env.HF_TOKEN }),
  }),
};

/** Where nobody names registries: in a page there are none. */
function standardChoices() {
  if (!isNode) return [];
  const named = env.GLOSSA_REGISTRY?.split(",").map((name) => name.trim());
  if (named) return named.filter((name) => name && name !== "none");
  return ["package", "installed", "mozilla", ...(isSet("HF_HUB_OFFLINE") ? [] : ["huggingface"])];
}

/**
 * @param {RegistryChoice[]} [choices]
 * @returns {Registry[]}
 */
export function registriesOf(choices = standardChoices()) {
  if (!Array.isArray(choices))
    throw makeError("TypeError", `The option "registries" is ${shown(choices)}; it must be an array.`);
  return choices.map(registryOf);
}

/**
 * @param {RegistryChoice} choice
 * @returns {Registry}
 */
export function registryOf(choice) {
  if (typeof choice === "object" && choice && "list" in choice && typeof choice.list === "function") return choice;
  const options = /** @type {any} */ (typeof choice === "string" ? undefined : choice);
  const kind = typeof choice === "string" ? choice : Reflect.get(Object(choice), "registry");
  try {
    switch (kind) {
      case "package":
        return packageRegistry();
      case "installed":
        return installedRegistry();
      case "mozilla":
        return mozillaRegistry({ ...FROM_ENVIRONMENT.mozilla(), ...options });
      case "huggingface":
        return hubRegistry({ ...FROM_ENVIRONMENT.huggingface(), ...options });
      case "list":
        return listRegistry(options);
    }
    if (typeof choice === "string" && /[/.:]/.test(choice)) return listRegistry({ address: choice });
  } catch (error) {
    throw makeError(
      "TypeError",
      `The registry ${shown(kind)} has a wrong option: ${/** @type {Error} */ (error).message}.`,
    );
  }
  throw makeError(
    "TypeError",
    `The registry ${shown(choice)} is not known; there are "mozilla", "huggingface", and lists of your own by their address.`,
  );
}

/**
 * @typedef {object} RequestOptions
 * @property {typeof fetch} [fetch]
 * @property {boolean} [offline]
 * @property {boolean} [cache]
 * @property {AbortSignal} [signal]
 */

/** Whether the environment names a proxy that Node itself does not look at. */
const hasProxy = () =>
  !isSet("NODE_USE_ENV_PROXY") &&
  ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].some((name) => env[name] || env[name.toLowerCase()]);

/**
 * @param {import("./types.js").Tools} tools
 * @returns {typeof fetch}
 */
function throughProxy(tools) {
  return async (input, init) => {
    const { proxyFetch } = /** @type {typeof import("./node.js")} */ (await tools.load("node"));
    return proxyFetch(env)(input, init);
  };
}

/**
 * @param {RequestOptions} options
 * @param {import("./types.js").Tools} tools
 * @returns {Context}
 */
export function contextOf({ fetch, offline, cache = true, signal }, tools) {
  return {
    tools,
    fetch: fetch ?? (hasProxy() ? throughProxy(tools) : globalThis.fetch.bind(globalThis)),
    offline: offline ?? isOffline(),
    cache,
    signal,
    stallTime: tools.stallTime ?? 20_000,
    pause: tools.pause ?? 1000,
    now: Date.now,
  };
}
