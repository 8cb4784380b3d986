// Firefox's translation models: the catalogue that Firefox itself reads (Remote Settings), which has the version, the size
// and the SHA-256 of every file, joined by that sum with the list of the public bucket, where the files lie packed by gzip.

import { shown } from "../errors.js";
import { isNode } from "../platform.js";
import { ATTACHMENTS, FILES, MEDIA, SETTINGS } from "./addresses.js";
import { readCatalogue } from "./catalogue.js";
import { addressOf, listOf, nameOf, pathOf, qualityOf, sha256Of, sizeOf, tagOf, textOf } from "./check.js";

/** @typedef {import("./types.js").Context} Context */
/** @typedef {import("./types.js").RegistryModel} RegistryModel */
/** @typedef {import("./types.js").RemoteFile} RemoteFile */

const RECORDS = "buckets/main/collections/translations-models-v2/changeset?_expected=0";
const LISTING = "db/models.json";
const LICENCE = "MPL-2.0";

const MOST_RECORDS = 20_000;
/** The versions that have the formats which Glossa reads, as Firefox has it: 3.0a to below 4.0a. */
const MAJOR = 3;

/** What the catalogue's filter expressions mean. A record with any other is left out. @type {Record<string, Channel>} */
const FILTERS = {
  "": "release",
  "env.appinfo.OS != 'Android'": "release",
  "env.appinfo.OS == 'Android'": "android",
  "env.channel == 'default' || env.channel == 'nightly'": "nightly",
};

/** @typedef {"release" | "android" | "nightly"} Channel */

/** The files of a model, by what the catalogue calls them: what the converter knows them by. @type {Record<string, string>} */
const NAMES = {
  model: "model.bin",
  lex: "lex.bin",
  vocab: "vocab.spm",
  srcvocab: "srcvocab.spm",
  trgvocab: "trgvocab.spm",
};

/** The same in the bucket's list. @type {Record<string, string>} */
const LISTED = { model: "model", lex: "lexicalShortlist", vocab: "vocab", srcvocab: "srcVocab", trgvocab: "trgVocab" };

/**
 * @typedef {object} Row a record, checked
 * @property {string} type
 * @property {string} source
 * @property {string} target
 * @property {string} architecture
 * @property {string} version
 * @property {Channel} channel
 * @property {number} size
 * @property {string} sha256
 * @property {{size: number, hash: string, location: string}} attachment
 * @property {number} modified
 */

/**
 * @typedef {object} MozillaOptions
 * @property {string} [catalogue] in place of Mozilla's server of records
 * @property {string} [files] in place of its bucket: a copy with the same paths
 * @property {string} [attachments] in place of its server of packed files
 * @property {"release" | "nightly"} [channel] default "release"
 */

/**
 * @param {MozillaOptions} [options]
 * @returns {import("./types.js").Registry}
 */
export function mozillaRegistry({
  catalogue = SETTINGS,
  files = FILES,
  attachments = ATTACHMENTS,
  channel = "release",
} = {}) {
  const homes = { catalogue: addressOf(catalogue), files: addressOf(files), attachments: addressOf(attachments) };
  /** @type {(path: string) => string} */
  const fileURL =
    homes.files === FILES && !isNode
      ? (path) => `${MEDIA}${encodeURIComponent(path)}?alt=media`
      : (path) => `${homes.files}${path}`;
  const custom = homes.catalogue !== SETTINGS;
  return {
    id: "mozilla",
    advice: `mozilla({ catalogue, files }) names other addresses, such as a mirror's (GLOSSA_MOZILLA_CATALOGUE, GLOSSA_MOZILLA_FILES).`,
    async list(context, { asked }) {
      const records = await readCatalogue(context, {
        url: `${homes.catalogue}${RECORDS}`,
        read: readRecords,
        ask: asked,
      });
      this.problems = records?.problems;
      if (!records) return custom ? [] : snapshotModels(context);
      // Without the bucket's list the packed files of the other server do.
      const listing = await readCatalogue(context, { url: fileURL(LISTING), read: readListing, ask: asked }).catch(
        (error) => {
          context.signal?.throwIfAborted();
          if (!/^(NetworkError|DataError)$/.test(error.name)) throw error;
          return null;
        },
      );
      return groupRows(records.rows, channel).map((rows) => modelOf(rows, listing, homes.attachments, fileURL));
    },
    async resolve(context, model) {
      if (model.files) return model;
      const found = (await this.list(context, { asked: true })).find(({ id }) => id === model.id);
      if (!found?.files) throw new Error(`Mozilla's catalogue has no ${model.id} any more`);
      return found;
    },
  };
}

/**
 * @param {any} document
 * @returns {{rows: Row[], problems: string[]}} `problems`: records that were left out, and why
 */
export function readRecords(document) {
  const list = listOf(document?.changes ?? document?.data, "its list of records", MOST_RECORDS);
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  const problems = [];
  for (const record of list) {
    try {
      const row = readRecord(record);
      if (row) rows.push(row);
    } catch (error) {
      problems.push(`the record ${shown(record?.id)}: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (!rows.length && problems.length) throw new Error(`it has no good record; ${problems[0]}`);
  return { rows, problems };
}

/**
 * @param {any} record
 * @returns {Row | null} null where it is not meant for us
 */
function readRecord(record) {
  if (record?.deleted === true) return null;
  const filter = record?.filter_expression ?? "";
  if (typeof filter !== "string" || !Object.hasOwn(FILTERS, filter)) return null;
  const type = textOf(record.fileType, "its fileType");
  if (!Object.hasOwn(NAMES, type)) return null; // models that judge translations
  const version = textOf(record.version, "its version");
  if (!parseVersion(version)) return null;
  nameOf(record.name, "its name");
  const { attachment } = record;
  return {
    type,
    version,
    channel: FILTERS[filter],
    source: tagOf(record.sourceLanguage, "its sourceLanguage"),
    target: tagOf(record.targetLanguage, "its targetLanguage"),
    architecture: nameOf(record.architecture, "its architecture"),
    size: sizeOf(record.decompressedSize, "its decompressedSize"),
    sha256: sha256Of(record.decompressedHash, "its decompressedHash"),
    attachment: {
      size: sizeOf(attachment?.size, "its attachment's size"),
      hash: sha256Of(attachment?.hash, "its attachment's hash"),
      location: pathOf(attachment?.location, "its attachment's location"),
    },
    modified: Number(record.last_modified) || 0,
  };
}

/**
 * @param {string} text such as "3.0" or "3.0a1"
 * @returns {(number | string)[] | null} parts that compare; null for what is no version of the ones that are read
 */
export function parseVersion(text) {
  const match = /^(\d{1,4})\.(\d{1,6})(?:([ab])(\d{1,4}))?$/.exec(text);
  if (!match || Number(match[1]) !== MAJOR) return null;
  return [Number(match[1]), Number(match[2]), match[3] ?? "~", Number(match[4] ?? 0)];
}

/** @param {string} a @param {string} b */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((text) => /** @type {(number | string)[]} */ (parseVersion(text)));
  for (const [i, part] of left.entries()) if (part !== right[i]) return part < right[i] ? -1 : 1;
  return 0;
}

/**
 * The rows of each model: its newest version of an architecture, and the files of that very version. What Firefox would
 * take on a desktop comes first.
 * @param {Row[]} rows
 * @param {"release" | "nightly"} channel
 * @returns {Row[][]}
 */
function groupRows(rows, channel) {
  /** @type {Map<string, Row[]>} */
  const models = new Map();
  for (const row of rows) {
    if (row.channel === "nightly" && channel !== "nightly") continue;
    const key = [row.source, row.target, row.architecture].join(" ");
    const group = models.get(key);
    if (group) group.push(row);
    else models.set(key, [row]);
  }
  const order = ["nightly", "release", "android"];
  const groups = [...models.values()].flatMap((group) => {
    const [model] = group
      .filter(({ type }) => type === "model")
      .sort((a, b) => compareVersions(b.version, a.version) || order.indexOf(a.channel) - order.indexOf(b.channel));
    if (!model) return [];
    /** @type {Row[]} */
    const chosen = [model];
    for (const type of ["srcvocab", "trgvocab", "vocab", "lex"]) {
      const [file] = group
        .filter((row) => row.type === type && row.version === model.version)
        .sort(
          (a, b) =>
            Number(b.channel === model.channel) - Number(a.channel === model.channel) || b.modified - a.modified,
        );
      if (file) chosen.push(file);
    }
    const has = (/** @type {string} */ type) => chosen.some((row) => row.type === type);
    const split = has("srcvocab") && has("trgvocab");
    if (!split && !has("vocab")) return []; // not all of it is there yet
    return [chosen.filter(({ type }) => (split ? type !== "vocab" : !type.endsWith("gvocab") && type !== "srcvocab"))];
  });
  return groups.sort(
    ([a], [b]) => order.indexOf(a.channel) - order.indexOf(b.channel) || compareVersions(b.version, a.version),
  );
}

/**
 * The bucket's list, by the sum of the model.
 * @typedef {Map<string, {paths: Record<string, string>, quality: Record<string, number>}>} Listing
 * @param {any} document
 * @returns {Listing}
 */
export function readListing(document) {
  const pairs = document?.models;
  if (pairs === null || typeof pairs !== "object") throw new Error(`its models are ${shown(pairs)}`);
  /** @type {Listing} */
  const listing = new Map();
  const entries = listOf(Object.values(pairs).flat(), "its list of models", MOST_RECORDS);
  for (const entry of entries) {
    try {
      const sum = sha256Of(entry.files.model.uncompressedHash, "uncompressedHash");
      /** @type {Record<string, string>} */
      const paths = {};
      for (const [type, key] of Object.entries(LISTED))
        if (entry.files[key]) paths[type] = pathOf(entry.files[key].path, `the path of its ${key}`);
      const flores = Object(entry.metrics)["flores200-plus"];
      listing.set(sum, { paths, quality: qualityOf(flores) });
    } catch {
      // the other server has this model, with sums that can be relied on
    }
  }
  return listing;
}

/**
 * @param {Row[]} rows of one model, itself first
 * @param {Listing | null} listing
 * @param {string} attachments
 * @param {(path: string) => string} fileURL
 * @returns {RegistryModel}
 */
function modelOf(rows, listing, attachments, fileURL) {
  const [model] = rows;
  const listed = listing?.get(model.sha256);
  const files = rows.map(({ type, size, sha256, attachment }) => {
    /** @type {RemoteFile} */
    const zstd = {
      name: NAMES[type],
      url: `${attachments}${attachment.location}`,
      bytes: attachment.size,
      exact: true,
      sha256: attachment.hash,
      size,
      unpackedSha256: sha256,
    };
    const path = listed?.paths[type];
    if (!path) return zstd;
    const { name, bytes, unpackedSha256 } = zstd;
    return { name, url: fileURL(path), bytes, exact: false, size, unpackedSha256, or: zstd };
  });
  return {
    ...facts(model.source, model.target, model.architecture, model.version),
    downloadBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    diskBytes: files.reduce((sum, { size }) => sum + (size ?? 0), 0),
    quality: listed?.quality ?? {},
    files,
  };
}

/**
 * @param {string} source
 * @param {string} target
 * @param {string} variant
 * @param {string} version
 */
const facts = (source, target, variant, version) => ({
  id: `${source}-${target}/${variant}`,
  registry: "mozilla",
  source,
  target,
  version,
  variant,
  licence: LICENCE,
  origin: "https://github.com/mozilla/translations",
});

/**
 * What there was when this release was made: for lists and answers where nothing was asked yet.
 * @param {Context} context
 * @returns {Promise<RegistryModel[]>}
 */
async function snapshotModels({ tools }) {
  const { models } = /** @type {typeof import("./facts.js")} */ (await tools.load("catalogue")).snapshot;
  return models.map(([source, target, variant, downloadBytes, diskBytes, bleu, comet]) => ({
    ...facts(source, target, variant, ""),
    downloadBytes,
    diskBytes,
    quality: qualityOf({ bleu, comet }),
  }));
}
