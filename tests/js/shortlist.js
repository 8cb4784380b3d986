/**
 * What a model with a shortlist may write for a sentence, by its file alone.
 * @param {import("../../src/js/convert/gguf-reader.js").GgufFile} gguf
 * @param {{id: number}[]} tokens of the source
 */
export async function candidatesOf(gguf, tokens) {
  const [offsets, ids] = [await gguf.read("shortlist.offsets"), await gguf.read("shortlist.ids")];
  const listed = tokens.flatMap(({ id }) => [id, ...ids.subarray(offsets[id], offsets[id + 1])]);
  return new Set([...Array(gguf.number("glossa.shortlist.first")).keys(), ...listed]);
}
