/**
 * Turns checkpoints of other makers, and those of the project's recipes, into Glossa's GGUF. Runs in browsers and in
 * Node alike: the files come as a map from names to Blobs or bytes.
 *
 *     const { blob, warnings } = await convertToBlob(new Map([...input.files].map((f) => [f.name, f])));
 */
import { writeCheckpoint } from "./checkpoint.js";
import { exportMarian } from "./export-marian.js";
import { exportSentencePiece } from "./export-vocabulary.js";
import { SourceFile } from "./file.js";
import { GgufFile } from "./gguf-reader.js";
import { writeShortlist } from "./shortlist.js";
import { openSource, SourceFiles } from "./sources.js";

export { ConvertError } from "./errors.js";
export { openCheckpoint } from "./open-checkpoint.js";

/**
 * @typedef {import("./gguf-reader.js").GgufFile} Checkpoint
 * @typedef {import("./file.js").FileLike} FileLike
 * @typedef {import("./sources.js").SourceOptions & {
 *   type?: "i8" | "f32",
 *   onProgress?: (done: number, total: number) => void,
 *   signal?: AbortSignal,
 * }} ConvertOptions `type`: of the matrices; `onProgress` counts bytes written
 */

/* Parts of a blob are gathered to this size, so that the page's heap holds no more. */
const PART_BYTES = 1 << 24;

/**
 * Converts and hands the checkpoint on piece by piece. Holds one tensor at a time, beside sources that are compressed.
 * @param {Iterable<[string, FileLike]>} files of one model folder, by name
 * @param {ConvertOptions & { write: (bytes: Uint8Array) => unknown }} options `write` is awaited and must not keep the bytes
 * @returns {Promise<{ bytes: number, warnings: string[] }>}
 */
export async function convert(files, options) {
  const model = await openSource(new SourceFiles(files, options.signal), options);
  const bytes = await writeCheckpoint(model, options);
  return { bytes, warnings: model.warnings };
}

/**
 * Converts into a Blob, which a page can store or load from.
 * @param {Iterable<[string, FileLike]>} files
 * @param {ConvertOptions} [options]
 * @returns {Promise<{ blob: Blob, warnings: string[] }>}
 */
export async function convertToBlob(files, options = {}) {
  /** @type {Blob[]} */
  const blobs = [];
  /** @type {BlobPart[]} */
  let parts = [];
  let size = 0;
  const flush = () => {
    blobs.push(new Blob(parts));
    parts = [];
    size = 0;
  };
  /** @param {Uint8Array} bytes */
  const write = (bytes) => {
    parts.push(bytes.slice());
    size += bytes.length;
    if (size >= PART_BYTES) flush();
  };
  const { warnings } = await convert(files, { ...options, write });
  flush();
  return { blob: new Blob(blobs), warnings };
}

/**
 * The way back, where there is one: a checkpoint as a Marian model with its vocabularies and its shortlist.
 * @param {string} name of the file, for messages
 * @param {FileLike} checkpoint
 * @param {{ format: "bin" | "npz", write: (bytes: Uint8Array) => unknown, onProgress?: (done: number, total: number) => void }} options
 * @returns {Promise<{
 *   bytes: number,
 *   vocabularies: { side: "source" | "target" | "both", bytes: Uint8Array }[],
 *   shortlist?: Uint8Array,
 * }>}
 */
export async function convertToMarian(name, checkpoint, options) {
  const gguf = await GgufFile.open(new SourceFile(name, checkpoint));
  const two = gguf.keys.has("glossa.target.tokenizer.model");
  const source = exportSentencePiece(gguf, "tokenizer.ggml");
  /** @type {{ side: "source" | "target" | "both", bytes: Uint8Array }[]} */
  const vocabularies = [{ side: two ? "source" : "both", bytes: source }];
  if (two) vocabularies.push({ side: "target", bytes: exportSentencePiece(gguf, "glossa.target.tokenizer") });
  /** @type {Uint8Array | undefined} */
  let shortlist;
  if (gguf.tensors.has("shortlist.ids")) {
    const [offsets, ids] = [await gguf.read("shortlist.offsets"), await gguf.read("shortlist.ids")];
    shortlist = writeShortlist({ first: gguf.number("glossa.shortlist.first"), offsets, ids });
  }
  return { bytes: await exportMarian(gguf, options), vocabularies, shortlist };
}
