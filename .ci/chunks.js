// Builds the parts of the package that are downloaded on demand: one file each in dist/, with the libraries that it needs
// and their licences.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} name of a package */
function notice(name) {
  const folder = join(root, "node_modules", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}`;
}

for (const name of ["html"]) {
  const options = /** @type {const} */ ({
    entryPoints: [join(root, `src/js/${name}.js`)],
    outfile: join(root, `dist/${name}.js`),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
  const { metafile } = await build({ ...options, metafile: true, write: false });
  const bundled = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const libraries = [...new Set(bundled.filter((library) => library !== undefined))];
  const banner = libraries.length ? `/*! This file contains:\n\n${libraries.map(notice).join("\n\n")}\n*/` : "";
  await build({ ...options, banner: { js: banner } });
}
