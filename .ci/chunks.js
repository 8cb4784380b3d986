// Builds the parts of the package that are downloaded on demand: one file each in dist/, with the libraries that it needs
// and their licences.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { keepReport, notices, packagesIn } from "./notices.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const chunks = {
  engine: "engine.js",
  html: "html.js",
  messages: "messages.js",
  registry: "registry/part.js",
  converter: "registry/converter.js",
  catalogue: "registry/facts.js",
  learn: "learn/part.js",
  zstd: "registry/zstd.js",
  node: "registry/node.js",
  png: "cli/png.js",
};

/** Parts take the cache's folder from the package, which has it in Node. @type {import("esbuild").Plugin} */
const lentFolder = {
  name: "lent-folder",
  setup({ onResolve }) {
    onResolve({ filter: /\/cache-folder\.js$/ }, () => ({ path: join(root, "src/js/registry/lent-folder.js") }));
  },
};

for (const [name, entry] of Object.entries(chunks)) {
  const options = /** @type {const} */ ({
    entryPoints: [join(root, "src/js", entry)],
    outfile: join(root, `dist/${name}.js`),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "neutral", // not "browser": Node has its folder of models
    mainFields: ["module", "main"],
    plugins: /^(registry|converter)$/.test(name) ? [lentFolder] : [],
    logLevel: "warning",
  });
  const { metafile } = await build({ ...options, metafile: true, write: false });
  keepReport(name, metafile);
  const libraries = packagesIn(metafile);
  const banner = libraries.length ? `/*! This file contains:\n\n${notices(libraries)}\n*/` : "";
  await build({ ...options, banner: { js: banner } });
}
