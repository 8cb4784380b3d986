import { decodeUtf8 } from "./bytes.js";
import { tensorTable } from "./canonical.js";
import { ConvertError, ensure, show } from "./errors.js";
import { openMarianBin, openMarianNpz } from "./marian-items.js";
import { marianNames, readMarianOptions } from "./marian-options.js";
import { readShortlist } from "./shortlist.js";
import { transpose } from "./transpose.js";
import { applyPieceIds, modelId, openVocabularies } from "./vocabularies.js";
import { readYaml, readYamlVocabulary } from "./yaml.js";

/**
 * @typedef {import("./canonical.js").CanonicalModel} CanonicalModel
 * @typedef {import("./canonical.js").Config} Config
 * @typedef {import("./canonical.js").SourceTensor} SourceTensor
 * @typedef {import("./marian-items.js").Item} Item
 * @typedef {import("./sources.js").SourceFiles} SourceFiles
 * @typedef {import("./sources.js").SourceOptions} SourceOptions
 */

/* Marian's positions have no end; this is room enough for a sentence. */
const CONTEXT = 512;

/** Files of other kinds with the same ending: shortlists, models that judge translations, leftovers of trainings. */
const OTHERS = /^(lex\b|qualityModel|quality_model|pytorch_model|training_args|optimizer|scheduler)/i;

/** Names of files that may be Marian models. @param {SourceFiles} files */
export function marianModels(files) {
  return files.names(/\.(npz|bin)(\.gz)?$/).filter((name) => !OTHERS.test(name));
}

/**
 * A Marian model: one `.bin` or `.npz`, vocabularies, and maybe a shortlist.
 * @param {SourceFiles} files
 * @param {SourceOptions} options
 * @returns {Promise<CanonicalModel>}
 */
export async function openMarian(files, options) {
  const names = marianModels(files);
  ensure(names.length === 1, `which model? The folder has ${show(names)}: give one of the files`);
  const file = await files.need(names[0]);
  const { items, yaml } = await (/\.npz$/.test(file.name) ? openMarianNpz(file) : openMarianBin(file));
  ensure(yaml !== "", `${file.name} has no special:model.yml, so its architecture is not known`);
  const shape = readMarianOptions(readYaml(yaml, `special:model.yml of ${file.name}`), file.name);

  const sharedEmbedding = items.has("Wemb");
  const sourceVocabulary = rowsOf(items, sharedEmbedding ? "Wemb" : "encoder_Wemb", file.name);
  const targetVocabulary = sharedEmbedding ? sourceVocabulary : rowsOf(items, "decoder_Wemb", file.name);
  const { vocabulary, target } = await vocabularies(files, sourceVocabulary, targetVocabulary);
  const pair = languagesOf([...files.map.keys()]);
  const written = target ?? vocabulary;
  const banned = modelId(written, written.unk);
  /** @type {Config} */
  const config = {
    ...shape,
    sourceLanguages: options.source ?? pair.slice(0, 1),
    targetLanguages: options.target ?? pair.slice(1),
    context: CONTEXT,
    normEpsilon: 1e-6,
    position: "sinusoid-marian",
    decoderStart: "zero-vector",
    bannedIds: banned >= 0 ? [banned] : [],
    embeddingScale: Math.sqrt(shape.width),
    sharedEmbedding,
    sharedOutput: !items.has("decoder_ff_logit_out_Wt") && !items.has("decoder_ff_logit_out_W"),
    sourceVocabulary,
    targetVocabulary,
  };
  const lists = files.names(/^lex\b.*\.bin(\.gz)?$/);
  ensure(lists.length <= 1, `which shortlist? The folder has ${show(lists)}: leave one`);
  return {
    file: file.name,
    config,
    vocabulary,
    targetVocabulary: target,
    tensors: await mapTensors(items, config, file.name),
    shortlist:
      lists.length === 0
        ? undefined
        : await readShortlist(await files.need(lists[0]), sourceVocabulary, targetVocabulary),
    general: { name: file.name.replace(/\.(npz|bin)$/, "") },
    warnings: [],
  };
}

/**
 * @param {Map<string, Item>} items
 * @param {string} name
 * @param {string} file
 */
function rowsOf(items, name, file) {
  const item = items.get(name);
  if (!item) throw new ConvertError(`${file}: the embedding ${name} is missing`);
  return item.shape[0];
}

/**
 * The pair that file names tell: model.ende.intgemm.alphas.bin, vocab.deen.spm, lex.50.50.ende.s2t.bin.
 * @param {string[]} names
 * @returns {string[]}
 */
function languagesOf(names) {
  for (const name of names) {
    const match =
      /^(?:model|lex(?:\.\d+)*|(?:src|trg)?vocab)\.([a-z]{2}(?:_hans|_hant)?)([a-z]{2}(?:_hans|_hant)?)\./.exec(name);
    if (match) return [match[1], match[2]].map((language) => language.replace("_", "-"));
  }
  return [];
}

/**
 * @param {SourceFiles} files
 * @param {number} sourceRows
 * @param {number} targetRows
 */
async function vocabularies(files, sourceRows, targetRows) {
  const { source, target } = await openVocabularies(files);
  const ids = await readPieceIds(files);
  if (ids) {
    const second = ids.target ?? ids.source;
    return {
      vocabulary: applyPieceIds(source.vocabulary, ids.source, ids.name, false),
      target: applyPieceIds((target ?? source).vocabulary, second, ids.name, true),
    };
  }
  for (const [{ vocabulary, name }, rows] of /** @type {const} */ ([
    [source, sourceRows],
    [target ?? source, targetRows],
  ]))
    ensure(vocabulary.tokens.length === rows, () => {
      const hint = files.names(/\.vocab(\.gz)?$/).length ? ": the ids are in a vocab.yml, which is missing" : "";
      return `${name} has ${vocabulary.tokens.length} pieces, but the model's embedding has ${rows} rows${hint}`;
    });
  return { vocabulary: source.vocabulary, target: target?.vocabulary };
}

/**
 * Ids out of vocab.yml, one for both sides or one for each.
 * @param {SourceFiles} files
 */
async function readPieceIds(files) {
  const names = files.names(/vocab[^/]*\.ya?ml(\.gz)?$/);
  if (names.length === 0) return undefined;
  ensure(names.length <= 2, `which vocabulary? The folder has ${show(names)}`);
  const maps = [];
  for (const name of names) {
    const file = await files.need(name);
    maps.push(readYamlVocabulary(decodeUtf8(await file.read(), file.name), file.name));
  }
  if (maps.length === 1) return { source: maps[0], name: names[0] };
  const target = names.findIndex((name) => /^(trg|target)|\btrg\b|\btarget\b/.test(name));
  ensure(target >= 0, `${show(names)}: which is the target's? Name them source.vocab.yml and target.vocab.yml`);
  return { source: maps[1 - target], target: maps[target], name: names.join(" or ") };
}

/**
 * @param {Map<string, Item>} items
 * @param {Config} config
 * @param {string} file
 * @returns {Promise<Map<string, SourceTensor>>}
 */
async function mapTensors(items, config, file) {
  const left = new Set(items.keys());
  /** @type {Map<string, SourceTensor>} */
  const tensors = new Map();
  for (const entry of tensorTable(config)) {
    const choice = marianNames(entry.name).find(({ name }) => items.has(name));
    const item = choice && items.get(choice.name);
    if (!choice || !item) {
      const [first] = marianNames(entry.name);
      ensure(entry.optional, `${file}: item ${first?.name} is missing`);
      continue;
    }
    left.delete(choice.name);
    const what = `${file}: item ${choice.name}`;
    const shape = choice.transposed ? [...item.shape].reverse() : item.shape;
    const wanted = entry.matrix ? entry.shape : [1, ...entry.shape];
    ensure(
      shape.length === wanted.length && shape.every((n, i) => n === wanted[i]),
      `${what} has the shape ${show(item.shape)}, not ${show(choice.transposed ? [...wanted].reverse() : wanted)}`,
    );
    tensors.set(
      entry.name,
      item.quantized
        ? await quantizedTensor(items, item, choice, entry.shape, config, what)
        : floatTensor(item, choice.transposed, entry.shape),
    );
  }
  for (const name of left)
    ensure(name.endsWith("_QuantMultA"), `${file}: item ${show(name)} has no place in this model`);
  return tensors;
}

/**
 * @param {Extract<Item, { quantized: false }>} item
 * @param {boolean} transposed
 * @param {number[]} shape canonical, [out, in] or [n]
 * @returns {SourceTensor}
 */
function floatTensor(item, transposed, shape) {
  return {
    shape,
    read: async () => (transposed ? transpose(await item.read(), shape[0], shape[1], Float32Array) : item.read()),
  };
}

/**
 * Integers bit for bit, with one scale. Memory is [out][in] already, but for an output table of its own, which is
 * stored as its transpose.
 * @param {Map<string, Item>} items
 * @param {Extract<Item, { quantized: true }>} item
 * @param {{ name: string, transposed: boolean }} choice
 * @param {number[]} shape
 * @param {Config} config
 * @param {string} what
 * @returns {Promise<SourceTensor>}
 */
async function quantizedTensor(items, item, { name, transposed }, shape, config, what) {
  const alpha = await activationMultiplier(items, name, config, what);
  const turned = !transposed && !name.includes("Wemb");
  return {
    shape,
    quantized: true,
    hasActScale: alpha !== undefined,
    read: async () => {
      const { q, multiplier } = await item.read();
      return {
        q: turned ? transpose(q, shape[0], shape[1], Int8Array) : q,
        scale: Math.fround(1 / multiplier),
        actScale: alpha === undefined ? undefined : Math.fround(1 / alpha),
      };
    },
  };
}

/**
 * The stored multiplier of the activations that go into a matrix ("alpha"): qa = round(a * alpha).
 * @param {Map<string, Item>} items
 * @param {string} name
 * @param {Config} config
 * @param {string} what
 */
async function activationMultiplier(items, name, config, what) {
  const isOutput = name === (config.sharedEmbedding ? "Wemb" : "decoder_Wemb") && config.sharedOutput;
  const item = items.get(`${name}_QuantMultA`) ?? (isOutput ? items.get("none_QuantMultA") : undefined);
  if (!item) return undefined;
  const values = item.quantized
    ? await item.read().then(({ q, multiplier }) => Float32Array.of(q[0] / multiplier))
    : await item.read();
  const [alpha] = values;
  ensure(
    values.length === 1 && alpha > 0 && Number.isFinite(alpha),
    `${what} has the activation multiplier ${values.subarray(0, 4).join(", ")}`,
  );
  return alpha;
}
