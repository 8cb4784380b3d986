// Adds to a checkpoint what it says of itself: when a word or a sentence is unsure, its limits in plain words, and first
// inputs that show something. Everything else in the file stays as it is, so the translations are the same to the bit.
// `export.py` gives a new checkpoint the `hints` of its recipe; this is for one that was made before they were written.
//
// Usage: node models/recipes/hints.js FROM.gguf TO.gguf RECIPE.json

import { openAsBlob } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { addHints } from "../../src/js/convert/checkpoint.js";
import { SourceFile } from "../../src/js/convert/file.js";
import { GgufFile } from "../../src/js/convert/gguf-reader.js";
import { writeGguf } from "../../src/js/convert/gguf-writer.js";

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
const { training_length: trainingLength, ...others } = hints;
const file = new SourceFile(from, await openAsBlob(from));
const gguf = await GgufFile.open(file);
/** @type {import("../../src/js/convert/gguf-writer.js").Metadata} */
const metadata = new Map(/** @type {any} */ (gguf.keys));
addHints(metadata, { trainingLength, ...others });
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
