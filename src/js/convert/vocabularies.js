import { ConvertError, ensure, show } from "./errors.js";
import { PIECE, readSentencePiece } from "./sentencepiece.js";

/**
 * @typedef {import("./sentencepiece.js").Vocabulary} Vocabulary
 * @typedef {import("./sources.js").SourceFiles} SourceFiles
 * @typedef {{ vocabulary: Vocabulary, name: string }} NamedVocabulary
 */

const TARGET_TAG = /^>>(.+)<<$/;
const UNK = "<unk>";
const EOS = "</s>";
const PAD = "<pad>";

/**
 * The SentencePiece models of a folder: one for both sides, or two, whose names start with src/source and trg/target.
 * @param {SourceFiles} files
 * @returns {Promise<{ source: NamedVocabulary, target?: NamedVocabulary }>}
 */
export async function openVocabularies(files) {
  const names = files.names(/\.spm(\.gz)?$/);
  const refused = files.names(/\.(fsv|bpe)(\.gz)?$/);
  if (refused.length > 0 && names.length === 0)
    throw new ConvertError(`vocabularies of the kind of ${refused[0]} (factored or subword-nmt) are not supported`);
  ensure(names.length > 0, `no vocabulary found: a *.spm is needed; the folder has ${show([...files.map.keys()])}`);
  ensure(names.length <= 2, `which vocabularies? The folder has ${show(names)}`);
  /** @param {string} name */
  const openOne = async (name) => {
    const file = await files.need(name);
    return { vocabulary: readSentencePiece(await file.read(), file.name), name: file.name };
  };
  if (names.length === 1) return { source: await openOne(names[0]) };
  const target = names.findIndex((name) => /^(trg|target)/.test(name));
  ensure(
    target >= 0 && /^(src|source)/.test(names[1 - target]),
    `${show(names)}: which is the target's? Name them source.spm and target.spm`,
  );
  return { source: await openOne(names[1 - target]), target: await openOne(names[target]) };
}

/**
 * A vocabulary whose pieces have other ids in the model. Tokens of the model that the SentencePiece model does not have
 * are added: `all` of them as unused pieces, which text never becomes but which can be read back, else only those that
 * choose a target language (>>deu<<), as control pieces.
 * @param {Vocabulary} vocabulary
 * @param {Map<string, number>} ids
 * @param {string} file the ids come from, for messages
 * @param {boolean} all
 * @returns {Vocabulary}
 */
export function applyPieceIds(vocabulary, ids, file, all) {
  /** @type {Map<number, string>} */
  const owners = new Map();
  for (const [piece, id] of ids) {
    ensure(Number.isInteger(id) && id >= 0 && id < 2 ** 31, `${file}: the id of ${show(piece)} is ${show(id)}`);
    ensure(!owners.has(id), `${file}: ${show(owners.get(id))} and ${show(piece)} both have the id ${id}`);
    owners.set(id, piece);
  }
  for (const piece of [UNK, EOS]) ensure(ids.has(piece), `${file} has no ${piece}`);
  const { eos, unk } = vocabulary;
  // The two pieces that must have an id may go by other names in the SentencePiece model.
  const names = vocabulary.tokens.map((piece, i) => (i === unk ? UNK : i === eos ? EOS : piece));
  const known = new Set(names);
  const added = [...ids.keys()].filter(
    (piece) => !known.has(piece) && piece !== "" && (all || TARGET_TAG.test(piece) || piece === EOS),
  );
  const tokens = [...vocabulary.tokens, ...added];
  const scores = new Float32Array(tokens.length);
  scores.set(vocabulary.scores);
  const types = new Int32Array(tokens.length);
  types.set(vocabulary.types);
  added.forEach((piece, i) => {
    const special = TARGET_TAG.test(piece) || piece === PAD || piece === EOS;
    types[names.length + i] = special ? PIECE.CONTROL : PIECE.UNUSED;
  });
  names.push(...added);
  return {
    ...vocabulary,
    tokens,
    scores,
    types,
    ids: Int32Array.from(names, (piece) => ids.get(piece) ?? -1),
    eos: names.indexOf(EOS),
    pad: names.indexOf(PAD),
  };
}

/**
 * The model's id of a piece; -1 where there is none.
 * @param {Vocabulary} vocabulary
 * @param {number} piece
 */
export function modelId({ ids }, piece) {
  return ids && piece >= 0 ? ids[piece] : piece;
}

/**
 * The tokens that choose a target language, and their languages as BCP 47 tags.
 * @param {Map<string, number>} ids
 * @param {string[]} warnings
 */
export function targetTags(ids, warnings) {
  /** @type {{ language: string, id: number }[]} */
  const tags = [];
  for (const [piece, id] of ids) {
    const code = TARGET_TAG.exec(piece)?.[1];
    if (code === undefined) continue;
    try {
      tags.push({ language: Intl.getCanonicalLocales(code.replaceAll("_", "-"))[0], id });
    } catch {
      warnings.push(`the target token ${piece} names no language and is left out`);
    }
  }
  return tags;
}
