// The built page on a plain static server, under a sub-path, for the tests of the page.
//
// GLOSSA_MODELS  a folder with manifest.json and models, in place of the project's own

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveFolders } from "../../src/js/cli/server.js";
import { buildSite } from "../../web/build.js";
import { noBrowser } from "./browser.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const own = join(root, "models");
export const models = process.env.GLOSSA_MODELS ?? own;
export const model = join(models, "en-de.gguf");

/** Why tests of the page cannot run here; false where they can. */
export const noSite =
  noBrowser || (existsSync(model) && existsSync(join(models, "manifest.json")) ? false : `no ${model}`);

/**
 * Serves the page: as .ci/build made it, or with other models, or other homes of languages to fetch.
 * @param {string} [folder] of models
 * @param {import("../../web/build.js").Addresses | null} [mozilla]
 */
export async function openSite(folder = models, mozilla = undefined) {
  const made = folder === own && mozilla === undefined;
  const out = made ? join(root, "dist/site") : mkdtempSync(join(tmpdir(), "glossa-site-"));
  if (!made) await buildSite({ out, models: folder, mozilla });
  const server = await serveFolders({ mounts: { "/demo/": out } });
  return {
    url: `${server.url}demo/`,
    out,
    async close() {
      await server.close();
      if (!made) rmSync(out, { recursive: true, force: true });
    },
  };
}
