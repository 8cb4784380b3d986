// The npm package as users get it: packed, installed into a clean folder, imported, typed, and run from its command.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";

const root = fileURLToPath(new URL("../../", import.meta.url));
const model = join(root, "models/en-de.gguf");
const built = existsSync(join(root, "dist/glossa-simd128.wasm")) ? false : "dist is not built";
const noModel = existsSync(model) ? false : "models/en-de.gguf is not there";

describe("the npm package", { skip: built }, () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-npm-"));
  /** @type {string[]} */
  let packed;
  let tarballName = "";

  /** @param {string} command @param {string[]} args @param {object} [options] */
  const run = (command, args, options) =>
    execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: "pipe", ...options });

  before(() => {
    const [made] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root }));
    tarballName = made.filename;
    packed = made.files.map((/** @type {{ path: string }} */ file) => file.path);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
    run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(folder, made.filename)]);
  });
  after(() => rmSync(folder, { recursive: true }));

  test("holds the sources, both builds and the types, and neither models nor tests", () => {
    for (const path of [
      "src/js/index.js",
      "src/js/cli/glossa.js",
      "dist/glossa-simd128.wasm",
      "dist/glossa-relaxed.wasm",
      "dist/engine.js",
      "dist/glossa-inline.js",
      "dist/glossa-inline.cjs",
    ])
      assert.ok(packed.includes(path), `${path} is missing`);
    for (const path of ["dist/types/index.d.ts", "README.md", "LICENSE", "package.json"])
      assert.ok(packed.includes(path), `${path} is missing`);
    assert.deepEqual(
      packed.filter((path) => /\.gguf$|^tests\/|^\.|\.c$|tsconfig|\/inline\//.test(path)),
      [],
    );
  });

  test("publint and are-the-types-wrong, for ES modules, find nothing", async () => {
    const tarball = readFileSync(join(folder, tarballName));
    const buffer = new Uint8Array(tarball).buffer;
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    // "browser" and not "imports": a page that loads the modules as they are knows no "#names".
    assert.deepEqual(
      messages.filter(({ code }) => code !== "USE_EXPORTS_OR_IMPORTS_BROWSER"),
      [],
    );
    const problems = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
    assert.ok(problems.types);
    // of the four ways to resolve, the two of ES modules
    const found = problems.problems.filter(
      (problem) => !("resolutionKind" in problem) || /^(node16-esm|bundler)$/.test(problem.resolutionKind),
    );
    assert.deepEqual(found, []);
  });

  test("has no dependencies", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "node_modules/glossa/package.json"), "utf8"));
    assert.deepEqual(manifest.dependencies ?? {}, {});
    assert.deepEqual(run("npm", ["ls", "--all", "--parseable"]).trim().split("\n").slice(1), [
      join(folder, "node_modules/glossa"),
    ]);
  });

  test("translates when imported by its name", { skip: noModel }, () => {
    writeFileSync(
      join(folder, "use.js"),
      `import { Translator } from "glossa";
const translator = await Translator.create({ model: process.argv[2] });
console.log(await translator.translate("A dog runs."));
translator.destroy();
`,
    );
    assert.match(run(process.execPath, ["use.js", model]), /^Ein Hund/);
  });

  test("without a model at hand it says what to do; a folder of checkpoints, once indexed, is found by languages", {
    skip: noModel,
  }, () => {
    writeFileSync(
      join(folder, "languages.js"),
      `import { Translator } from "glossa";
const options = { sourceLanguage: "en", targetLanguage: "de", manifest: process.argv[2], offline: true };
console.log(await Translator.availability(options));
const translator = await Translator.create(options).catch((error) => console.log(error.name, error.message));
console.log(await translator?.translate("A dog runs."));
translator?.destroy();
`,
    );
    const [state, error] = run(process.execPath, ["languages.js"]).split("\n");
    assert.equal(state, "unavailable");
    assert.match(error, /^NotSupportedError There is no model from en to de on this machine, .*"model" or "manifest"/);
    mkdirSync(join(folder, "models"));
    copyFileSync(model, join(folder, "models/en-de.gguf"));
    run("node_modules/.bin/glossa", ["models", "--index", "models"]);
    assert.match(run(process.execPath, ["languages.js", "models/manifest.json"]), /^available\nEin Hund/);
  });

  test("its types check in a strict TypeScript program", () => {
    const types = join(root, "node_modules/@types");
    writeFileSync(
      join(folder, "use.ts"),
      `import { Translator } from "glossa";
import { convertToBlob } from "glossa/convert";
const { blob }: { blob: Blob } = await convertToBlob([["config.json", new Uint8Array(2)]], { type: "i8" });
// @ts-expect-error: there is no such type of weights
await convertToBlob([], { type: "i4" });
console.log(blob.size);
const translator = await Translator.create({ model: "m.gguf", build: "simd128" });
const text: string = await translator.translate("A dog runs.");
const { sentences } = await translator.explain(text, { topK: 3 });
const weights: Float32Array = sentences[0].cross.data;
// @ts-expect-error: there is no such build
await Translator.create({ model: "m.gguf", build: "turbo" });
console.log(weights.length);
`,
    );
    mkdirSync(join(folder, "types"), { recursive: true });
    const options = {
      strict: true,
      noEmit: true,
      module: "nodenext",
      target: "es2023",
      typeRoots: [types],
      types: ["node"],
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, lib: ["es2023", "esnext", "dom"] }, files: ["use.ts"] }),
    );
    run(join(root, "node_modules/.bin/tsc"), ["-p", "."]);
  });

  test("the command translates a line a segment", { skip: noModel }, () => {
    const input = "A dog runs.\n\nTwo men sit.\n";
    const lines = run("node_modules/.bin/glossa", ["translate", "--model", model], { input }).split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[0], /Hund/);
    assert.equal(lines[1], "");
    assert.match(lines[2], /Männer/);
  });

  test("a wrong command line is status 2, a missing model status 1, each with a message", () => {
    for (const [args, status] of /** @type {[string[], number][]} */ ([
      [["frobnicate"], 2],
      [["translate", "--model", "no-such.gguf"], 1],
    ]))
      assert.throws(
        () => run("node_modules/.bin/glossa", args, { input: "A dog runs.\n" }),
        (/** @type {any} */ error) => error.status === status && error.stderr.length > 0 && error.stdout === "",
      );
  });
});
