// Builds the page into dist/site: static files that any host can serve, at any path.
// Usage: node web/build.js [folder]

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { keepReport, notices, packagesIn } from "../.ci/notices.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * @param {string} folder
 * @returns {AsyncGenerator<string>}
 */
async function* filesIn(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/**
 * @param {object} [options]
 * @param {string} [options.out] folder that is emptied and filled
 * @param {string} [options.models] folder with manifest.json and the models that it names
 */
export async function buildSite({ out = join(root, "dist/site"), models = join(root, "models") } = {}) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, "models"), { recursive: true });
  const { metafile } = await build({
    entryPoints: {
      app: join(root, "web/app.js"),
      worker: join(root, "src/js/worker.js"),
      convert: join(root, "web/convert-worker.js"),
    },
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: false,
    outdir: out,
    chunkNames: "part-[hash]",
    external: ["node:*"],
    legalComments: "none", // licenses.txt has them all
    metafile: true,
    logLevel: "warning",
  });
  keepReport("site", metafile);
  const text = `Glossa, the page and what it computes with:\n\n${await readFile(join(root, "LICENSE"), "utf8")}`;
  await writeFile(join(out, "licenses.txt"), `${text}\n\nIt contains:\n\n${notices(packagesIn(metafile))}\n`);
  for (const name of ["index.html", "style.css", "icon.svg"]) await cp(join(root, "web", name), join(out, name));
  for (const name of ["simd128", "relaxed"]) {
    await cp(join(root, `dist/glossa-${name}.wasm`), join(out, `glossa-${name}.wasm`));
  }
  await copyModels(models, join(out, "models"));
  await buildServiceWorker(out);
}

/**
 * The manifest and those of its models that are files beside it.
 * @param {string} folder
 * @param {string} out
 */
async function copyModels(folder, out) {
  const text = await readFile(join(folder, "manifest.json"), "utf8");
  await writeFile(join(out, "manifest.json"), text);
  for (const { url } of JSON.parse(text).models) {
    if (!/^\w+:/.test(url)) await cp(join(folder, url), join(out, url));
  }
}

/**
 * The service worker keeps the page's own files for use without a network. Its version is a hash of them all, so a new
 * page replaces the old one as a whole. Models are kept by the translator's own cache.
 * @param {string} out
 */
async function buildServiceWorker(out) {
  const hash = createHash("sha256");
  const files = [];
  for await (const path of filesIn(out)) {
    const name = relative(out, path).split("\\").join("/");
    if (name.endsWith(".gguf")) continue;
    hash.update(name).update(await readFile(path));
    files.push(name);
  }
  const result = await build({
    entryPoints: [join(root, "web/offline.js")],
    bundle: true,
    minify: true,
    write: false,
    define: { FILES: JSON.stringify(files.sort()), VERSION: JSON.stringify(hash.digest("hex").slice(0, 16)) },
  });
  await writeFile(join(out, "offline.js"), result.outputFiles[0].text);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildSite(process.argv[2] ? { out: process.argv[2] } : {});
}
