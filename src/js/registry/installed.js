// Packages of models that are installed with npm: glossa-model-en-de and its like, each a checkpoint with its manifest.json.
// They are found as Node finds packages, from the folder that the process works in upwards.

import { loadManifest } from "../manifest.js";
import { builtin } from "../platform.js";

const NAME = /^glossa-model-[\w.-]+$/;

/** @returns {Promise<import("../manifest.js").ManifestModel[]>} */
export async function installedModels() {
  const path = builtin("path");
  const fs = builtin("fs").promises;
  const found = new Map();
  const start = /** @type {NodeJS.Process} */ (globalThis.process).cwd();
  for (let folder = start; ; folder = path.dirname(folder)) {
    const packages = path.join(folder, "node_modules");
    for (const name of (await fs.readdir(packages).catch(() => [])).filter((entry) => NAME.test(entry)))
      if (!found.has(name)) found.set(name, path.join(packages, name, "manifest.json")); // the nearest one counts
    if (path.dirname(folder) === folder) break;
  }
  const lists = [...found.values()].map((file) => loadManifest(file).catch(() => null)); // a package of another kind
  const models = (await Promise.all(lists)).flatMap((list) => list?.models ?? []);
  return models.filter(({ url }) => url.startsWith("file:") && builtin("fs").existsSync(new URL(url)));
}
