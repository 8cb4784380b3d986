// A model with a shortlist writes only words that it lists for a sentence. What a correction wants is taken up before.

import { writeGguf } from "../convert/gguf-writer.js";

const OFFSETS = "shortlist.offsets";
const IDS = "shortlist.ids";

/**
 * Adds to the lists what the targets need: each token to the shortest list among its source, where the fewest other
 * sentences meet it.
 * @param {number} first tokens below are candidates everywhere
 * @param {number[][]} lists by source token; changed
 * @param {import("../lab/core.js").TokenPair[]} pairs
 * @returns {boolean} whether something was missing
 */
function widen(first, lists, pairs) {
  let isChanged = false;
  for (const [source, target] of pairs) {
    const listed = new Set(source.flatMap((id) => lists[id]));
    const missing = [...new Set(target)].filter((id) => id >= first && !listed.has(id));
    if (missing.length === 0) continue;
    const words = source.slice(0, -1);
    const at = words.reduce((best, id) => (lists[id].length < lists[best].length ? id : best), words[0]);
    lists[at] = [...lists[at], ...missing].sort((a, b) => a - b);
    isChanged = true;
  }
  return isChanged;
}

/**
 * The checkpoint with the targets of all pairs among the candidates of their sources.
 * @param {import("../convert/gguf-reader.js").GgufFile} gguf
 * @param {Uint8Array<ArrayBuffer>} bytes of that file
 * @param {import("../lab/core.js").TokenPair[]} pairs the end of a sentence is its last token
 * @returns {Promise<Uint8Array<ArrayBuffer>>} `bytes` itself where nothing is missing
 */
export async function withCandidates(gguf, bytes, pairs) {
  if (!gguf.tensors.has(IDS)) return bytes;
  const [offsets, ids] = [await gguf.read(OFFSETS), await gguf.read(IDS)];
  const lists = Array.from({ length: offsets.length - 1 }, (_, id) => [...ids.subarray(offsets[id], offsets[id + 1])]);
  if (!widen(gguf.number("glossa.shortlist.first"), lists, pairs)) return bytes;
  const wide = Int32Array.from(lists.flat());
  const ends = new Int32Array(offsets.length);
  for (const [id, list] of lists.entries()) ends[id + 1] = ends[id] + list.length;
  const keys = /** @type {import("../convert/gguf-writer.js").Metadata} */ (gguf.keys);
  const groups = [...gguf.tensors.values()].map((tensor) => ({
    tensors: [tensor.name === IDS ? { ...tensor, ne: [wide.length] } : tensor],
    read: async () => {
      if (tensor.name === IDS) return [wide];
      if (tensor.name === OFFSETS) return [ends];
      return [bytes.subarray(tensor.offset, tensor.offset + tensor.bytes)];
    },
  }));
  const parts = /** @type {Uint8Array<ArrayBuffer>[]} */ ([]);
  await writeGguf(keys, groups, (part) => parts.push(part.slice()));
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
