import { ByteWriter, encodeUtf8 } from "./bytes.js";
import { ensure } from "./errors.js";
import { PIECE } from "./sentencepiece.js";

/** @typedef {import("./gguf-reader.js").GgufFile} GgufFile */

/** @param {Uint8Array[]} parts */
function concat(parts) {
  const out = new ByteWriter(parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) out.raw(part);
  return out.done();
}

/** @param {number} value not negative */
function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return Uint8Array.from([...bytes, value]);
}

/** A field of protobuf. @param {number} field @param {number | boolean | Uint8Array} value */
function proto(field, value) {
  if (value instanceof Uint8Array) return concat([varint(field * 8 + 2), varint(value.length), value]);
  return concat([varint(field * 8), varint(Number(value))]);
}

/** @param {number} field @param {number} value */
function float(field, value) {
  return concat([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);
}

/**
 * The SentencePiece model that a checkpoint's keys under `prefix` came from, as far as encoding and decoding go.
 * @param {GgufFile} gguf
 * @param {string} prefix
 * @returns {Uint8Array}
 */
export function exportSentencePiece(gguf, prefix) {
  ensure(
    !gguf.keys.has(`${prefix}.ids`),
    `${gguf.file.name}: the vocabulary has ids of its own (${prefix}.ids), which a SentencePiece model cannot hold`,
  );
  const list = (/** @type {string} */ name) => /** @type {ArrayLike<any>} */ (gguf.get(`${prefix}.${name}`) ?? []);
  const flag = (/** @type {string} */ name) => gguf.get(`${prefix}.${name}`) === true;
  const [tokens, scores, types] = [list("tokens"), list("scores"), list("token_type")];
  const pieces = Array.from(tokens, (piece, i) => {
    const type = types[i] === PIECE.NORMAL ? [] : [proto(3, types[i])];
    return proto(1, concat([proto(1, encodeUtf8(piece)), float(2, scores[i]), ...type]));
  });
  const trainer = [
    proto(3, gguf.string(`${prefix}.model`) === "bpe" ? 2 : 1),
    proto(4, tokens.length),
    proto(24, flag("treat_whitespace_as_suffix")),
    proto(35, Array.from(types).includes(PIECE.BYTE)),
  ];
  for (const [name, idField, pieceField] of /** @type {const} */ ([
    ["unknown", 40, 45],
    ["bos", 41, 46],
    ["eos", 42, 47],
    ["padding", 43, 48],
  ])) {
    const id = gguf.get(`${prefix}.${name}_token_id`);
    // -1, "none", is written as two's complement in ten bytes.
    if (typeof id !== "number")
      trainer.push(concat([varint(idField * 8), new Uint8Array(9).fill(255), Uint8Array.of(1)]));
    else trainer.push(proto(idField, id), proto(pieceField, encodeUtf8(tokens[id])));
  }
  const charsmap = Uint8Array.from(list("precompiled_charsmap"));
  const normalizer = [
    ...(charsmap.length > 0 ? [proto(2, charsmap)] : []),
    proto(3, flag("add_space_prefix")),
    proto(4, flag("remove_extra_whitespaces")),
    proto(5, flag("escape_whitespaces")),
  ];
  return concat([...pieces, proto(2, concat(trainer)), proto(3, concat(normalizer))]);
}
