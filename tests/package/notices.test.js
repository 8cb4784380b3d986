// The licences of the code of others, in the package and on the page, against what esbuild says is in the files.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const reports = join(root, "build/bundles");
const skip = !existsSync(reports) && "nothing is built: run npm run build";
const text = (/** @type {string} */ path) => readFileSync(join(root, path), "utf8");
/** Without what differs by the way in which lines are broken. @param {string} from */
const words = (from) => from.replace(/\s+/g, " ").trim();

/** @type {Record<string, import("esbuild").Metafile>} */
const bundles = skip
  ? {}
  : Object.fromEntries(readdirSync(reports).map((name) => [name, JSON.parse(text(`build/bundles/${name}`))]));

/** Folders of the packages with bytes in a bundle. @param {import("esbuild").Metafile} bundle */
const foldersIn = ({ outputs }) =>
  new Set(
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.keys(inputs)
        .filter((path) => inputs[path].bytesInOutput > 0 && path.includes("node_modules/"))
        .map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? ""),
    ),
  );

/** @param {Iterable<string>} folders of packages @param {string} file that must have their licences */
function assertNotices(folders, file) {
  const all = words(text(file));
  for (const folder of folders) {
    const name = folder.replace(/^.*node_modules\//, "");
    assert.ok(all.includes(name), `${file} does not name ${name}`);
    const licence = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    assert.ok(licence && all.includes(words(text(`${folder}/${licence}`))), `${file} has not the licence of ${name}`);
  }
}

describe("notices", { skip }, () => {
  test("the package has those of all that is bundled in it, and of the C library", () => {
    const folders = new Set(Object.values(bundles).flatMap((bundle) => [...foldersIn(bundle)]));
    assert.ok(folders.size > 5, "there are some");
    assertNotices(folders, "dist/THIRD_PARTY_NOTICES.txt");
    assert.match(text("dist/THIRD_PARTY_NOTICES.txt"), /musl[\s\S]*Rich Felker[\s\S]*Emscripten/);
    const [{ files }] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: root, encoding: "utf8" }),
    );
    const packed = files.map((/** @type {{ path: string }} */ file) => file.path);
    assert.ok(packed.includes("dist/THIRD_PARTY_NOTICES.txt"));
    // What esbuild writes to memory, and what has no import, is told apart by name.
    const told = new Set([
      ...Object.values(bundles).flatMap(({ outputs }) => Object.keys(outputs)),
      ...["js", "cjs"].map((end) => `dist/glossa-inline.${end}`),
      "dist/site/offline.js",
    ]);
    const scripts = packed.filter((/** @type {string} */ path) => /^dist\/.*\.(c|m)?js$/.test(path));
    for (const path of scripts) assert.ok(told.has(path), `nobody tells what is bundled in ${path}`);
  });

  test("the page has those of all that is bundled in it, and leads to them", () => {
    assertNotices(foldersIn(bundles["site.json"]), "dist/site/licenses.txt");
    assert.ok(words(text("dist/site/licenses.txt")).includes(words(text("LICENSE"))));
    assert.match(text("dist/site/index.html"), /<link rel="license" href="licenses\.txt">/);
  });

  test("a file that is loaded by itself has those of what is in it", () => {
    assertNotices(foldersIn(bundles["html.json"]), "dist/html.js");
  });
});
