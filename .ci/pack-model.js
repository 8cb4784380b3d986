// Makes an npm package of a checkpoint: the file, its card and its licence, found by its languages.
//
//     node .ci/pack-model.js models/en-de.gguf FOLDER
//
// writes FOLDER/glossa-model-en-de. It is used by its import, or by its name alone where it is installed (Node):
//
//     import model from "glossa-model-en-de";
//     await Translator.create({ models: [model], sourceLanguage: "en", targetLanguage: "de" });

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeManifest } from "../src/js/cli/models.js";
import { SourceFile } from "../src/js/convert/file.js";
import { GgufFile } from "../src/js/convert/gguf-reader.js";

/** Licences that package.json may name by themselves: SPDX expressions. */
const SPDX = /^[A-Za-z0-9][\w.+-]*( (AND|OR|WITH) [\w.+-]+)*$/;

/**
 * What README.md beside a checkpoint says of it, as `models/recipes/score.py` writes it: data, scores, samples, weaknesses.
 * @param {string} file
 * @returns {string} without its heading, description and picture; empty where there is none
 */
function cardOf(file) {
  const page = join(dirname(file), "README.md");
  const cards = existsSync(page) ? readFileSync(page, "utf8").split(/^## /m) : [];
  const card = cards.find((text) => text.startsWith(`${basename(file, ".gguf")}: `)) ?? "";
  return card
    .replace(/^.*\n+.*\n/, "")
    .replace(/^!\[.*\n\n/m, "")
    .trim();
}

/**
 * @param {string} file
 * @param {string} folder
 * @returns {Promise<string>} the package's folder
 */
export async function packModel(file, folder) {
  const gguf = await GgufFile.open(new SourceFile(basename(file), readFileSync(file)));
  const text = (/** @type {string} */ key) => {
    const value = gguf.get(key);
    return typeof value === "string" ? value : "";
  };
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const checkpoint = basename(file);
  const name = `glossa-model-${checkpoint.replace(/\.gguf$/, "").toLowerCase()}`;
  const target = join(folder, name);
  mkdirSync(target, { recursive: true });
  copyFileSync(file, join(target, checkpoint));
  await writeManifest(target);
  const { models } = JSON.parse(readFileSync(join(target, "manifest.json"), "utf8"));
  const [model] = models;
  const write = (/** @type {string} */ path, /** @type {string} */ content) =>
    writeFileSync(join(target, path), content);

  const { url, ...facts } = model;
  write(
    "index.js",
    `// The literal is found by bundlers, which bring the file along.
export default {
  version: 1,
  models: [
    { ...${JSON.stringify(facts)}, url: new URL(${JSON.stringify(`./${url}`)}, import.meta.url).href },
  ],
};
`,
  );
  write(
    "index.d.ts",
    `declare const list: NonNullable<import("glossa").CreateOptions["models"]>[number];
export default list;
`,
  );
  const licence = model.licence ?? "";
  if (!licence) throw new Error(`${file} names no licence: it cannot be given to others`);
  const license = SPDX.test(licence) && licence !== "other" ? licence : "SEE LICENSE IN LICENSE.txt";
  const json = {
    name,
    version,
    description: text("general.description") || `A model of Glossa from ${model.source} to ${model.target}`,
    license,
    type: "module",
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./manifest.json": "./manifest.json",
      [`./${url}`]: `./${url}`,
    },
    files: ["index.js", "index.d.ts", "manifest.json", url, "LICENSE.txt"],
    peerDependencies: { glossa: `>=${version}` },
  };
  write("package.json", `${JSON.stringify(json, null, 2)}\n`);
  write(
    "LICENSE.txt",
    `${[licence, text("general.license.note"), text("general.license.link")].filter(Boolean).join("\n\n")}\n`,
  );
  const card = cardOf(file);
  write(
    "README.md",
    `# ${name}

${json.description}

From \`${model.source}\` to \`${model.target}\`, ${(model.bytes / 1e6).toFixed(1)} MB, for [Glossa](https://www.npmjs.com/package/glossa). Licence: ${licence}

${text("glossa.limits.en")}

\`\`\`js
import { Translator } from "glossa";
import model from "${name}";

const translator = await Translator.create({
  models: [model],
  sourceLanguage: "${model.source}",
  targetLanguage: "${model.target}",
});
\`\`\`
${card && `\n## The model\n\n${card}\n`}`,
  );
  return target;
}

if (process.argv[1] && import.meta.url.endsWith(basename(process.argv[1]))) {
  const [file, folder] = process.argv.slice(2);
  if (!folder) {
    process.stderr.write("usage: node .ci/pack-model.js MODEL.gguf FOLDER\n");
    process.exit(2);
  }
  console.log(await packModel(file, folder));
}
