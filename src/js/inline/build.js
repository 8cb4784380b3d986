// Builds glossa/inline: dist/glossa-inline.js and .cjs, each one file with the worker and the simd128 build inside.

import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { keepReport } from "../../../.ci/notices.js";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "../../../dist");

/** @type {import("esbuild").Plugin} */
const inlineFiles = {
  name: "inline-files",
  setup({ onResolve }) {
    onResolve({ filter: /\/own-files\.js$/ }, () => ({ path: join(here, "files.js") }));
  },
};

/** @param {string} entry @param {import("esbuild").BuildOptions} options */
async function bundle(entry, options) {
  const { outputFiles = [], metafile } = await build({
    entryPoints: [join(here, entry)],
    plugins: [inlineFiles],
    bundle: true,
    minify: true,
    target: "es2022",
    external: ["node:*"],
    platform: "neutral", // not "browser": Node has its folder of models
    legalComments: "inline",
    logLevel: "warning",
    metafile: true,
    write: false,
    ...options,
  });
  keepReport(
    `inline-${basename(entry, ".js")}-${options.format}`,
    /** @type {import("esbuild").Metafile} */ (metafile),
  );
  return outputFiles[0].text;
}

const nothing = { GLOSSA_SIMD128: '""', GLOSSA_WORKER: '""' };
const worker = await bundle("../worker.js", { format: "iife", define: nothing });
const simd128 = await readFile(join(dist, "glossa-simd128.wasm"), "base64");
const define = { GLOSSA_SIMD128: JSON.stringify(simd128), GLOSSA_WORKER: JSON.stringify(worker.trim()) };
await writeFile(join(dist, "glossa-inline.js"), await bundle("../edge.js", { format: "esm", define }));
await writeFile(join(dist, "glossa-inline.cjs"), await bundle("../edge.js", { format: "cjs", define }));

// TypeScript's view of them: that of the package itself, for CommonJS through an import type; and of what has no
// declarations by itself.
const types = join(dist, "types");
await writeFile(join(types, "inline.d.ts"), 'export * from "./index.js";\n');
await writeFile(
  join(types, "inline.d.cts"),
  'declare const glossa: typeof import("./index.js", { with: { "resolution-mode": "import" } });\nexport = glossa;\n',
);
await writeFile(
  join(types, "wasm.d.ts"),
  "/** As the runtimes of servers import it. */\ndeclare const module: WebAssembly.Module;\nexport default module;\n",
);
for (const name of ["engine", "worker"]) await writeFile(join(types, `${name}.d.ts`), "export {};\n");
