// The models that are measured, in the format of every engine: made on demand, in the cache folder.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { convertToBlob } from "../../src/js/convert/index.js";
import { openCheckpoint, writeExport } from "./checkpoint.js";
import { cache } from "./peers.js";
import { SHAPES, VOCABULARY, writeStudent } from "./students.js";
import { vocabularyText } from "./text.js";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));

/**
 * A SentencePiece vocabulary as Marian's students have it: end 0, unknown 1, nothing else special.
 * @param {string} folder
 */
async function trainVocabulary(folder) {
  const file = join(folder, "vocab.spm");
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const text = join(folder, "vocabulary.txt");
  writeFileSync(text, `${vocabularyText(VOCABULARY).join("\n")}\n`);
  const settings = { vocab_size: VOCABULARY, bos_id: -1, eos_id: 0, unk_id: 1, num_threads: 1, minloglevel: 1 };
  await run("spm_train", [
    `--input=${text}`,
    `--model_prefix=${join(folder, "trained")}`,
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ]);
  copyFileSync(join(folder, "trained.model"), file);
  return file;
}

/** @typedef {{ gguf: string, model: string, shortlist: string, vocabulary: string }} Student */

/**
 * A student of random weights, for Marian's engines and as a Glossa checkpoint.
 * @param {string} name tiny, base-memory or base
 * @returns {Promise<Student>}
 */
export async function student(name) {
  const home = join(cache, process.env.GLOSSA_DATA ? "students" : "students-made");
  const vocabulary = await trainVocabulary(home);
  const folder = join(home, name);
  const model = join(folder, "model.benchmark.intgemm.alphas.bin");
  if (!existsSync(model)) writeStudent(folder, SHAPES[name]);
  copyFileSync(vocabulary, join(folder, "vocab.spm"));
  const files = readdirSync(folder).map((file) => /** @type {const} */ ([file, readFileSync(join(folder, file))]));
  const { blob } = await convertToBlob(
    files.map(([file, bytes]) => [file, new Uint8Array(bytes)]),
    { source: ["en"], target: ["de"] },
  );
  const gguf = join(home, `${name}.gguf`);
  writeFileSync(gguf, new Uint8Array(await blob.arrayBuffer()));
  return { gguf, model, shortlist: join(folder, "lex.benchmark.s2t.bin"), vocabulary };
}

/** @typedef {{ gguf: string, graphs?: string, ctranslate?: string, pieces: string[], eos: number }} Checkpoint */

/**
 * A trained checkpoint; for other engines if there is a Python to export with.
 * @param {string} gguf
 * @param {string} [python]
 * @returns {Promise<Checkpoint>}
 */
export async function checkpoint(gguf, python) {
  const exporters = ["contenders/ctranslate.py", "../../models/recipes/export_onnx.py"].map((name) => join(here, name));
  const hash = createHash("sha256");
  for (const file of [gguf, ...exporters]) hash.update(readFileSync(file));
  const folder = join(cache, "checkpoints", hash.digest("hex").slice(0, 16));
  const file = await openCheckpoint(gguf);
  const pieces = /** @type {string[]} */ (file.get("tokenizer.ggml.tokens"));
  const made = { gguf, pieces, eos: file.number("tokenizer.ggml.eos_token_id") };
  if (!python || file.string("glossa.decoder.mixer") !== "attention") return made;
  const [graphs, ctranslate] = [join(folder, "onnx"), join(folder, "ctranslate2")];
  if (!existsSync(join(folder, "complete"))) {
    await writeExport(file, folder);
    await run(python, [exporters[1], folder, graphs]);
    await run(python, [exporters[0], "convert", folder, ctranslate]);
    for (const to of [graphs, ctranslate])
      for (const name of ["pieces.json", ...(to === graphs ? ["config.json"] : [])])
        copyFileSync(join(folder, name), join(to, name));
    writeFileSync(join(folder, "complete"), "");
  }
  return { ...made, graphs, ctranslate };
}
