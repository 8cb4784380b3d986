// The checkpoint itself, for those who want to look inside: its directory, and its matrices as float32.

import { SourceFile } from "../src/js/convert/file.js";
import { GgufFile } from "../src/js/convert/gguf-reader.js";
import { openEntry } from "../src/js/model-cache.js";

/**
 * The bytes of a model from where the translator keeps it.
 * @param {string} url
 * @returns {Promise<Blob | null>}
 */
export async function keptBlob(url) {
  const { entry } = await openEntry(url);
  try {
    if (!entry?.record?.complete) return null;
    /** @type {BlobPart[]} */
    const parts = [];
    for await (const part of entry.read()) parts.push(/** @type {Uint8Array<ArrayBuffer>} */ (part));
    return new Blob(parts);
  } finally {
    await entry?.close();
  }
}

/**
 * The bytes of a model that was loaded from a URL: from where the translator keeps it, else from the network.
 * @param {string} url
 * @returns {Promise<Blob>}
 */
export async function modelBlob(url) {
  const kept = await keptBlob(url);
  if (kept) return kept;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The model did not come: ${answer.status} ${url}`);
  return answer.blob();
}

/** @param {Blob} blob @param {string} name */
export const openCheckpoint = (blob, name) => GgufFile.open(new SourceFile(name, blob));

/**
 * A matrix as float32, (out, in), with its scales applied; a vector as it is.
 * @param {GgufFile} gguf
 * @param {string} name
 * @returns {Promise<Float32Array>}
 */
export async function floats(gguf, name) {
  const values = await gguf.read(name);
  if (values instanceof Float32Array) return values;
  const out = Float32Array.from(values);
  const scaleName = name.replace(/\.weight$/, ".scale");
  if (!gguf.tensors.has(scaleName)) return out;
  const scale = await gguf.read(scaleName);
  const width = gguf.tensor(name).ne[0];
  for (let i = 0; i < out.length; i++) out[i] *= scale[scale.length > 1 ? Math.floor(i / width) : 0];
  return out;
}

/**
 * What a checkpoint says about itself for its readers.
 * @param {Blob} blob
 * @returns {Promise<import("./state.js").Notes>}
 */
export async function readNotes(blob) {
  const gguf = await openCheckpoint(blob, "the model");
  /** @param {string} key */
  const logProbability = (key) => {
    const value = gguf.get(`glossa.${key}`);
    return typeof value === "number" && value < 0 ? value : null;
  };
  /** @type {Record<string, string>} */
  const limits = {};
  for (const language of ["en", "zh"]) {
    const text = gguf.get(`glossa.limits.${language}`);
    if (typeof text === "string" && text) limits[language] = text;
  }
  const examples = gguf.get("glossa.examples");
  return {
    word: logProbability("confidence.word"),
    sentence: logProbability("confidence.sentence"),
    limits,
    examples: Array.isArray(examples) ? examples.filter((one) => typeof one === "string" && one !== "") : [],
  };
}
