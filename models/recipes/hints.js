// Adds to a checkpoint what it says of itself: when a word or a sentence is unsure, its limits in plain words, and first
// inputs that show something. Everything else in the file stays as it is, so the translations are the same to the bit.
// `export.py` gives a new checkpoint the `hints` of its recipe; this is for one that was made before they were written.
//
// Usage: node models/recipes/hints.js FROM.gguf TO.gguf RECIPE.json

import { openAsBlob } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import { f32, string, strings, u32, writeGguf } from "../../src/js/convert/gguf-writer.js";

/**
 * @typedef {object} Hints
 * @property {number} [training_length] tokens beyond which a sentence is cut at a clause
 * @property {{word: number, sentence: number}} [confidence] log-probabilities
 * @property {Record<string, string>} [limits] by the language of the page
 * @property {string[]} [examples]
 */

/**
 * @param {string} from
 * @param {string} to
 * @param {Hints} hints
 */
export async function addHints(from, to, hints) {
  const file = new SourceFile(from, await openAsBlob(from));
  const gguf = await GgufFile.open(file);
  /** @type {import("../../src/js/convert/gguf-writer.js").Metadata} */
  const metadata = new Map(/** @type {any} */ (gguf.keys));
  if (hints.training_length) metadata.set("glossa.training_length", u32(hints.training_length));
  for (const [of, value] of Object.entries(hints.confidence ?? {})) metadata.set(`glossa.confidence.${of}`, f32(value));
  for (const [language, text] of Object.entries(hints.limits ?? {})) metadata.set(`glossa.limits.${language}`, string(text));
  if (hints.examples) metadata.set("glossa.examples", strings(hints.examples));
  const groups = [...gguf.tensors.values()].map((tensor) => ({
    tensors: [tensor],
    read: async () => [await file.read(tensor.offset, tensor.bytes)],
  }));
  const out = await open(to, "w");
  try {
    await writeGguf(metadata, groups, (bytes) => out.writeFile(bytes));
  } finally {
    await out.close();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [from, to, recipe] = process.argv.slice(2);
  if (!from || !to || !recipe) {
    console.error("usage: node models/recipes/hints.js FROM.gguf TO.gguf RECIPE.json");
    process.exit(2);
  }
  const { hints } = JSON.parse(await readFile(recipe, "utf8"));
  if (!hints) {
    console.error(`${recipe} has no "hints"`);
    process.exit(1);
  }
  await addHints(from, to, hints);
}
