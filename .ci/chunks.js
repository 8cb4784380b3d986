// Builds the parts of the package that are downloaded on demand: one file each in dist/, with the libraries that it needs
// and their licences.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { keepReport, notices, packagesIn } from "./notices.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const name of ["engine", "html", "messages"]) {
  const options = /** @type {const} */ ({
    entryPoints: [join(root, `src/js/${name}.js`)],
    outfile: join(root, `dist/${name}.js`),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "neutral", // not "browser": Node has its folder of models
    mainFields: ["module", "main"],
    logLevel: "warning",
  });
  const { metafile } = await build({ ...options, metafile: true, write: false });
  keepReport(name, metafile);
  const libraries = packagesIn(metafile);
  const banner = libraries.length ? `/*! This file contains:\n\n${notices(libraries)}\n*/` : "";
  await build({ ...options, banner: { js: banner } });
}
