// The licences of others whose code stands in what is built: packages of npm in the bundles, as esbuild tells them, and the
// C library in the WebAssembly files. Each build keeps esbuild's report in build/bundles; from these, at the end,
//
//     node .ci/notices.js EMSCRIPTEN
//
// writes dist/THIRD_PARTY_NOTICES.txt.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = join(root, "build/bundles");

/** The packages whose code is in a bundle. @param {import("esbuild").Metafile} metafile */
export function packagesIn({ outputs }) {
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput ? [path] : [])),
  );
  const names = paths.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** What a package asks to be kept in every copy. @param {string} name */
function notice(name) {
  const folder = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file));
  if (!files.length) throw new Error(`${name} has no licence file: its code may not be bundled`);
  const texts = files.sort().map((file) => readFileSync(join(folder, file), "utf8").trim());
  return `${name} ${version} (${license})\n\n${texts.join("\n\n")}`;
}

/** The notices of packages as one text. @param {string[]} names */
export const notices = (names) => names.map(notice).join(`\n\n${"-".repeat(80)}\n\n`);

/**
 * Keeps what esbuild tells of a build.
 * @param {string} name
 * @param {import("esbuild").Metafile} metafile
 */
export function keepReport(name, metafile) {
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, `${name}.json`), JSON.stringify(metafile));
}

/** The C library. @param {string} emscripten its folder */
function libraries(emscripten) {
  const musl = readFileSync(join(emscripten, "system/lib/libc/musl/COPYRIGHT"), "utf8").trim();
  const mit = readFileSync(join(root, "LICENSE"), "utf8").replace(/Copyright.*/, "Copyright (c) Emscripten authors");
  return [
    "In glossa-simd128.wasm and glossa-relaxed.wasm, and in what holds them:",
    `musl, as Emscripten has it\n\n${musl}`,
    `Emscripten's allocator\n\n${mit.trim()}`,
  ];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const bundles = readdirSync(reports).map((name) => JSON.parse(readFileSync(join(reports, name), "utf8")));
  const names = [...new Set(bundles.flatMap(packagesIn))].sort();
  const parts = ["Glossa contains code of others. It is used under these licences.", notices(names)];
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  writeFileSync(
    join(root, "dist/THIRD_PARTY_NOTICES.txt"),
    `${[...parts, ...libraries(process.argv[2])].join(rule)}\n`,
  );
}
