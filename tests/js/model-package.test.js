// Packages of models: a checkpoint as an npm package, by its import and by its name alone.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { packModel } from "../../.ci/pack-model.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const model = join(root, "models/en-zh.gguf");
const LICENCE = "share-alike and copyleft sources, none non-commercial: see the note";
const skip =
  existsSync(model) && existsSync(join(root, "dist/registry.js")) ? false : "the model, or dist, is not there";
const folder = mkdtempSync(join(tmpdir(), "glossa-model-package-"));
after(() => rmSync(folder, { recursive: true }));

test("a checkpoint is packed with its card and licence, and found by its import or by its name", { skip }, async () => {
  const packages = join(folder, "node_modules");
  mkdirSync(packages);
  const made = await packModel(model, packages);
  assert.equal(made, join(packages, "glossa-model-en-zh"));
  const json = JSON.parse(readFileSync(join(made, "package.json"), "utf8"));
  const { name, license, files, peerDependencies } = json;
  const seeLicense = "SEE LICENSE IN LICENSE.txt"; // several sources, each with its own
  assert.deepEqual([name, license, Object.keys(peerDependencies)], ["glossa-model-en-zh", seeLicense, ["glossa"]]);
  const packed = spawnSync("npm", ["pack", "--dry-run", "--json"], { cwd: made, encoding: "utf8" });
  const [{ files: listed }] = JSON.parse(packed.stdout);
  const paths = listed.map((/** @type {{path: string}} */ { path }) => path).sort();
  assert.deepEqual(paths, [...files, "README.md", "package.json"].sort());
  assert.ok(readFileSync(join(made, "LICENSE.txt"), "utf8").startsWith(`${LICENCE}\n\nNo source is non-commercial;`));
  const readme = readFileSync(join(made, "README.md"), "utf8");
  const card = readFileSync(join(root, "models/README.md"), "utf8").split("## en-zh: ")[1].split("\n## ")[0];
  const scores = card.split("\n").filter((line) => line.startsWith("| "));
  assert.ok(scores.length > 20 && scores.every((line) => readme.includes(line)), "its scores and samples");
  assert.equal(readme.split(json.description).length, 2, "its description, once");
  assert.doesNotMatch(readme, /^## (?!The model$)|!\[/m); // no other model's card, no picture that is not in the package

  // in a folder of its own, as an installation: a copy of the package without models
  const installed = join(packages, "glossa");
  mkdirSync(join(installed, "src"), { recursive: true });
  copyFileSync(join(root, "package.json"), join(installed, "package.json"));
  for (const part of ["src/js", "dist"]) symlinkSync(join(root, part), join(installed, part));
  writeFileSync(
    join(folder, "use.js"),
    `import { Translator } from "glossa";
import model from "glossa-model-en-zh";
const pair = { sourceLanguage: "en", targetLanguage: "zh", worker: false };
const said = [];
for (const options of [{ models: [model] }, { registries: ["installed"], offline: true }]) {
  said.push(await Translator.availability({ ...pair, ...options }));
  const translator = await Translator.create({ ...pair, ...options });
  said.push(await translator.translate("A dog runs."), translator.info.model.licence, translator.info.model.registry);
  translator.destroy();
}
const none = await Translator.create({ ...pair, sourceLanguage: "fr", models: [model] }).catch((error) => error);
console.log(JSON.stringify([...said, none.name]));`,
  );
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const flags = ["--preserve-symlinks", "--preserve-symlinks-main"];
  const env = { ...process.env, GLOSSA_CACHE: join(folder, "cache"), NODE_NO_WARNINGS: "1" };
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, "use.js"], { cwd: folder, env, encoding: "utf8" });
  assert.equal(stderr, "");
  const [first, text, licence, registry, second, again, licence2, registry2, none] = JSON.parse(stdout);
  assert.deepEqual([first, second, none], ["available", "available", "NotSupportedError"]);
  assert.match(text, /狗/);
  assert.equal(again, text);
  assert.deepEqual([licence, licence2], [LICENCE, LICENCE]);
  assert.deepEqual([registry, registry2], ["manifest", "installed"]);
});

test("a licence that has a name of its own is named in package.json", async () => {
  const made = await packModel(join(root, "tests/golden/hello/en-ja.gguf"), folder);
  assert.equal(JSON.parse(readFileSync(join(made, "package.json"), "utf8")).license, "mit");
});
