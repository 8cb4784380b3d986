import { Cursor, decodeUtf8 } from "./bytes.js";
import { ConvertError, ensure, show } from "./errors.js";

/**
 * A SentencePiece vocabulary, as it goes into the checkpoint. `unk`, `bos`, `eos` and `pad` are pieces, -1 where there
 * is none. `ids` maps pieces to model ids where the two differ (-1: the model does not know the piece).
 * @typedef {{
 *   kind: "unigram" | "bpe",
 *   tokens: string[],
 *   scores: Float32Array,
 *   types: Int32Array,
 *   charsmap: Uint8Array,
 *   addSpacePrefix: boolean,
 *   removeExtraWhitespaces: boolean,
 *   escapeWhitespaces: boolean,
 *   whitespaceSuffix: boolean,
 *   unk: number,
 *   bos: number,
 *   eos: number,
 *   pad: number,
 *   ids?: Int32Array,
 * }} Vocabulary
 */

/** Piece types, as in sentencepiece_model.proto. */
export const PIECE = { NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER_DEFINED: 4, UNUSED: 5, BYTE: 6 };

const MAX_PIECES = 1 << 22;
const KINDS = [undefined, "unigram", "bpe", "word", "char"];

/* Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Walks the fields of one protobuf message. A varint is cut to its lowest 32 bits, which is all that is used here. */
class Message {
  /** @param {Cursor} cursor at the message's start; it ends where the cursor does */
  constructor(cursor) {
    this.cursor = cursor;
    this.field = 0;
    this.wire = 0;
  }

  /** Moves to the next field; false at the end. */
  next() {
    const { cursor } = this;
    if (cursor.left === 0) return false;
    const key = this.varint();
    this.field = key >>> 3;
    this.wire = key & 7;
    ensure(this.field !== 0, () => `${cursor.what} is not a SentencePiece model: field 0 at byte ${cursor.at}`);
    return true;
  }

  varint() {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.cursor.u8();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new ConvertError(`${this.cursor.what} has an endless number at byte ${this.cursor.at}`);
  }

  /** @param {number} wire */
  expect(wire) {
    ensure(
      this.wire === wire,
      () => `${this.cursor.what} is damaged: field ${this.field} has wire type ${this.wire}, not ${wire}`,
    );
  }

  int() {
    this.expect(VARINT);
    return this.varint() | 0;
  }

  bool() {
    return this.int() !== 0;
  }

  float() {
    this.expect(FIXED32);
    return this.cursor.f32();
  }

  bytes() {
    this.expect(BYTES);
    return this.cursor.take(this.varint());
  }

  /**
   * What a function reads from a message in this one.
   * @template T
   * @param {(message: Message) => T} read to its end
   * @returns {T}
   */
  nested(read) {
    this.expect(BYTES);
    const { cursor } = this;
    const { end } = cursor;
    const at = cursor.skip(this.varint());
    cursor.end = cursor.at;
    cursor.at = at;
    const value = read(new Message(cursor));
    cursor.end = end;
    return value;
  }

  text() {
    return decodeUtf8(this.bytes(), `a piece of ${this.cursor.what}`);
  }

  skip() {
    if (this.wire === VARINT) this.varint();
    else if (this.wire === FIXED64) this.cursor.skip(8);
    else if (this.wire === BYTES) this.cursor.skip(this.varint());
    else if (this.wire === FIXED32) this.cursor.skip(4);
    else throw new ConvertError(`${this.cursor.what} has wire type ${this.wire} at byte ${this.cursor.at}`);
  }
}

/** @param {Message} message */
function readPiece(message) {
  const piece = { text: "", score: 0, type: PIECE.NORMAL };
  while (message.next()) {
    if (message.field === 1) piece.text = message.text();
    else if (message.field === 2) piece.score = message.float();
    else if (message.field === 3) piece.type = message.int();
    else message.skip();
  }
  return piece;
}

/** @param {Message} message */
function readTrainer(message) {
  const spec = { kind: 1, suffix: false, bos: "<s>", eos: "</s>", pad: "<pad>" };
  while (message.next()) {
    if (message.field === 3) spec.kind = message.int();
    else if (message.field === 24) spec.suffix = message.bool();
    else if (message.field === 46) spec.bos = message.text();
    else if (message.field === 47) spec.eos = message.text();
    else if (message.field === 48) spec.pad = message.text();
    else message.skip();
  }
  return spec;
}

/** @param {Message} message */
function readNormalizer(message) {
  /** @type {{ charsmap: Uint8Array, prefix: boolean, removeExtra: boolean, escape: boolean }} */
  const spec = { charsmap: new Uint8Array(0), prefix: true, removeExtra: true, escape: true };
  while (message.next()) {
    if (message.field === 2) spec.charsmap = message.bytes();
    else if (message.field === 3) spec.prefix = message.bool();
    else if (message.field === 4) spec.removeExtra = message.bool();
    else if (message.field === 5) spec.escape = message.bool();
    else message.skip();
  }
  return spec;
}

/**
 * Reads a SentencePiece `.model` / `.spm` file (a protobuf ModelProto).
 * @param {Uint8Array} bytes
 * @param {string} name of the file, for messages
 * @returns {Vocabulary}
 */
export function readSentencePiece(bytes, name) {
  const message = new Message(new Cursor(bytes, name));
  const nothing = new Message(new Cursor(new Uint8Array(0), name));
  /** @type {{ text: string, score: number, type: number }[]} */
  const pieces = [];
  let trainer = readTrainer(nothing);
  let normalizer = readNormalizer(nothing);
  while (message.next()) {
    if (message.field === 1) {
      ensure(pieces.length < MAX_PIECES, () => `${name} has more than ${MAX_PIECES} pieces`);
      pieces.push(message.nested(readPiece));
    } else if (message.field === 2) trainer = message.nested(readTrainer);
    else if (message.field === 3) normalizer = message.nested(readNormalizer);
    else if (message.field === 5) {
      const size = message.nested(readNormalizer).charsmap.length;
      ensure(size === 0, `${name} has a denormalizer of ${size} bytes, which is not supported`);
    } else message.skip();
  }
  ensure(pieces.length > 0, `${name} is not a SentencePiece model: it has no pieces`);
  const kind = KINDS[trainer.kind];
  ensure(
    kind === "unigram" || kind === "bpe",
    `${name} is a SentencePiece model of type ${kind ?? trainer.kind}; only unigram and bpe are supported`,
  );

  /** @type {Map<string, number>} */
  const byText = new Map();
  let unk = -1;
  pieces.forEach(({ text, score, type }, id) => {
    ensure(text !== "", () => `${name}: piece ${id} is empty`);
    ensure(!byText.has(text), () => `${name}: piece ${id} is ${show(text)} again, after ${byText.get(text)}`);
    ensure(type >= PIECE.NORMAL && type <= PIECE.BYTE, () => `${name}: piece ${id} has the type ${type}`);
    ensure(Number.isFinite(score), () => `${name}: piece ${id} (${show(text)}) has the score ${score}`);
    byText.set(text, id);
    if (type !== PIECE.UNKNOWN) return;
    ensure(unk < 0, `${name} has two unknown pieces, ${unk} and ${id}`);
    unk = id;
  });
  ensure(unk >= 0, `${name} has no unknown piece`);
  /** @param {string} text */
  const control = (text) => {
    const id = byText.get(text) ?? -1;
    return id >= 0 && pieces[id].type === PIECE.CONTROL ? id : -1;
  };
  return {
    kind,
    tokens: pieces.map((piece) => piece.text),
    scores: Float32Array.from(pieces, (piece) => piece.score),
    types: Int32Array.from(pieces, (piece) => piece.type),
    charsmap: normalizer.charsmap,
    addSpacePrefix: normalizer.prefix,
    removeExtraWhitespaces: normalizer.removeExtra,
    escapeWhitespaces: normalizer.escape,
    whitespaceSuffix: trainer.suffix,
    unk,
    bos: control(trainer.bos),
    eos: control(trainer.eos),
    pad: control(trainer.pad),
  };
}
