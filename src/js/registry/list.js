// A list of models of one's own: manifest.json, which `glossa models --index` writes, in a folder or at an address. What
// it names are checkpoints, loaded as they are.

import { checkOrigin, loadManifest } from "../manifest.js";
import { isNode, isURL, toURL } from "../platform.js";
import { readCatalogue } from "./catalogue.js";

/** @typedef {import("./types.js").RegistryModel} RegistryModel */

/**
 * @typedef {object} ListOptions
 * @property {string} [address] of the list, or of the folder that has manifest.json in it
 * @property {string | URL | import("../manifest.js").Manifest} [manifest] in place of an address: as create() takes it
 * @property {string[]} [origins] beside its own, from which it may name models
 */

/**
 * @param {ListOptions} options
 * @returns {import("./types.js").Registry}
 */
export function listRegistry({ address = "", manifest, origins = [] }) {
  if (typeof manifest === "object" && !isURL(manifest))
    return {
      id: "manifest",
      advice: "",
      list: async () => (await loadManifest(manifest)).models.map((model) => modelOf(model, "manifest")),
    };
  if (manifest !== undefined) return listRegistry({ address: toURL(manifest).href, origins });
  const url = toURL(/\.json([?#]|$)/.test(address) ? address : `${address.replace(/\/$/, "")}/manifest.json`);
  const local = isNode && url.protocol === "file:";
  /** @param {any} document */
  const check = async (document) => {
    const { models } = await loadManifest({ ...document, baseURL: url.href });
    if (!local) for (const model of models) checkOrigin(model, url, origins);
    return models.map((model) => modelOf(model, url.href));
  };
  return {
    id: url.href,
    advice: 'Check the address of the list; "glossa models --index FOLDER" writes one.',
    async list(context, { asked }) {
      if (local) return check(await loadManifest(url));
      const document = await readCatalogue(context, { url: url.href, read: (value) => Object(value), ask: asked });
      return document ? check(document) : [];
    },
  };
}

/**
 * @param {import("../manifest.js").ManifestModel} checkpoint
 * @param {string} registry
 * @returns {RegistryModel}
 */
export function modelOf(checkpoint, registry) {
  const { id, source, target, bytes = 0, licence = "", kind = "", url } = checkpoint;
  return {
    id,
    registry,
    source,
    target,
    version: "",
    variant: kind,
    licence,
    origin: url,
    downloadBytes: url.startsWith("file:") ? 0 : bytes,
    diskBytes: bytes,
    quality: {},
    checkpoint,
  };
}

/**
 * What lies beside the package: in an installation nothing, in the repository its own models.
 * @returns {import("./types.js").Registry}
 */
export const packageRegistry = () => ({
  id: "package",
  advice: "",
  list: async () => (await loadManifest()).models.map((model) => modelOf(model, "package")),
});

/**
 * Packages of models that are installed, in Node.
 * @returns {import("./types.js").Registry}
 */
export const installedRegistry = () => ({
  id: "installed",
  advice: "",
  async list({ tools }) {
    // where everything is in one file, there is no such part
    const part = /** @type {typeof import("./node.js") | null} */ (await tools.load("node").catch(() => null));
    return ((await part?.installedModels()) ?? []).map((model) => modelOf(model, "installed"));
  },
});
