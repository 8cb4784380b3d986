// What a file is that was given for a model and is none, told by how it begins.

/** What stands in a file's place where a server or Git has it elsewhere. @type {[RegExp, string][]} */
const STRAYS = [
  [/^version https:\/\/git-lfs/, "only a pointer of Git LFS: fetch the file itself (git lfs pull)"],
  [/^\s*<(!doctype html|html|head|body|meta|script)/i, "an HTML page, which servers send where they lack a file"],
];

/** @type {[RegExp, string][]} */
const KINDS = [
  [/^\s*<(!|\?xml|[a-z])/i, "a page or another text in XML"],
  [/^\s*[{[]/, "JSON"],
  [/^\x1f\x8b/, "compressed by gzip: decompress it first (gunzip)"],
  [/^\x28\xb5\x2f\xfd/, "compressed by zstd: decompress it first (zstd -d)"],
  [/^PK\x03\x04/, "a zip archive"],
  [/^[\x01-\xff]\0{7}\{"/, "safetensors: convert it first (glossa convert)"],
];

/** @param {Uint8Array} head */
const textOf = (head) => String.fromCharCode(...head.subarray(0, 64)).replace(/^\xef\xbb\xbf/, "");

/**
 * What stands in the place of a file.
 * @param {Uint8Array} head its first bytes, of which 64 are looked at
 * @returns {string | undefined} in words; undefined where it may be the file itself
 */
export function strayOf(head) {
  const text = textOf(head);
  return STRAYS.find(([pattern]) => pattern.test(text))?.[1];
}

/**
 * @param {Uint8Array} head the first bytes, of which 64 are looked at
 * @returns {string} in words; the bytes themselves where they tell nothing
 */
export function kindOf(head) {
  const text = textOf(head);
  const known = strayOf(head) ?? KINDS.find(([pattern]) => pattern.test(text))?.[1];
  if (known) return `it is ${known}`;
  const bytes = Array.from(head.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
  return `it starts with the bytes ${bytes.join(" ")}`;
}
