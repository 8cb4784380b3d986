// Writes manifest.json: what Translator.create() finds by languages. Run it after a model came, went or changed:
//
//     node models/manifest.js
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { SourceFile } from "../src/js/convert/file.js";
import { GgufFile } from "../src/js/convert/gguf-reader.js";

const FOLDER = new URL("./", import.meta.url);

/** @param {string} name */
async function entry(name) {
  const bytes = await readFile(new URL(name, FOLDER));
  const gguf = await GgufFile.open(new SourceFile(name, bytes));
  const language = (/** @type {string} */ side) => {
    const value = gguf.get(`glossa.${side}_language`);
    if (typeof value !== "string") throw new Error(`${name}: glossa.${side}_language is not one language`);
    return value;
  };
  // "other" is what Hugging Face writes for a licence without an SPDX name; then a name or a note stands beside it.
  const license = gguf.get("general.license");
  const licence = license === "other" ? (gguf.get("general.license.name") ?? gguf.get("general.license.note") ?? license) : license;
  return {
    id: name.replace(/\.gguf$/, ""),
    source: language("source"),
    target: language("target"),
    url: name,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    licence: typeof licence === "string" ? licence : undefined,
    kind: gguf.get("glossa.decoder.mixer") === "ssru" ? "ssru" : "transformer",
  };
}

const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".gguf")).sort();
const models = [];
for (const name of names) models.push(await entry(name));
await writeFile(new URL("manifest.json", FOLDER), `${JSON.stringify({ version: 1, models }, null, 2)}\n`);
console.log(`manifest.json: ${names.join(", ")}`);
