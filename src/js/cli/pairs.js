// What is learnt from as options of a command, or as a config names it: files of pairs, of texts or of images, read.

import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { UsageError } from "./arguments.js";
import { fileError } from "./files.js";

const unzip = promisify(gunzip);

const text = /** @type {const} */ ({ type: "string" });
const texts = /** @type {const} */ ({ type: "string", multiple: true });

export const PAIR_OPTIONS = {
  data: texts,
  valid: texts,
  source: text,
  target: text,
  "source-lines": text,
  "target-lines": text,
  "valid-source-lines": text,
  "valid-target-lines": text,
  images: text,
  labels: text,
  "valid-images": text,
  "valid-labels": text,
};

/** A file, unpacked if it is gzip. @param {string} path @returns {Promise<Uint8Array>} */
async function read(path) {
  try {
    const bytes = await readFile(path);
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? await unzip(bytes) : bytes;
  } catch (error) {
    throw fileError(path, /** @type {any} */ (error));
  }
}

/** @param {string | undefined} path */
export const readOptional = async (path) => (path === undefined ? undefined : read(path));

/** @param {Record<string, any>} values */
export const hasPairs = (values) =>
  Object.keys(PAIR_OPTIONS).some((name) => /data|valid|lines|images|labels/.test(name) && values[name]);

/** @typedef {{ settings: Record<string, any>, files: { train: string[][], valid: string[][] } }} Config */

/** Files of a folder of the recipes: one of these, or packed. @param {string} path */
async function readLines(path) {
  try {
    return await read(path);
  } catch (error) {
    return read(`${path}.gz`).catch(() => {
      throw error;
    });
  }
}

/**
 * The files that "train" or "valid" of a config names, tables or pairs of files of lines.
 * @param {unknown} value @param {string} split @param {string} path of the config
 * @param {Record<string, any>} settings @param {string | undefined} root
 */
function filesOf(value, split, path, settings, root) {
  if (value === undefined) return [];
  const names = typeof value === "string" ? [value] : Array.isArray(value) ? value : Object.keys(Object(value));
  const times = Array.isArray(value) || typeof value === "string" ? {} : Object(value);
  return names.flatMap((name) => {
    const count = times[name] ?? 1;
    if (typeof name !== "string") throw new UsageError(`${path}: "${split}" has ${JSON.stringify(name)}, need names`);
    if (!Number.isInteger(count) || count < 1 || count > 100)
      throw new UsageError(`${path}: pairs are seen a whole number of times from 1 to 100 in an epoch, not ${count}`);
    if (name.endsWith(".tsv")) return Array(count).fill([resolve(dirname(path), name)]);
    if (root === undefined) throw new UsageError(`${path}: name the folder that holds "${name}" with --data`);
    const { source, target, guided_alignment: guided } = settings;
    const sides = guided > 0 && split === "train" ? [source, target, "align"] : [source, target];
    return Array(count).fill(sides.map((side) => join(root, name, `${split}.${side}`)));
  });
}

/** @param {string} path @param {Record<string, any>} values @returns {Promise<Config>} */
export async function readConfig(path, values) {
  const bytes = await read(path);
  try {
    const settings = JSON.parse(new TextDecoder().decode(bytes));
    const root = values.data?.[0];
    const files = {
      train: filesOf(settings.train, "train", path, settings, root),
      valid: filesOf(settings.valid, "valid", path, settings, root),
    };
    values.every ??= settings.validate_every?.toString();
    values.scored ??= settings.bleu_lines?.toString();
    values["vocabulary-of"] ??= settings.vocabulary_of;
    values.from ??= settings.from;
    return { settings, files };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${path} is no JSON: ${error.message}`);
  }
}

/** Lines and the links of their words as one table. @param {string[]} paths @param {Uint8Array[]} files */
function joined(paths, files) {
  // As bytes, whatever they are: the lab tells which line is no UTF-8.
  const text = (/** @type {Uint8Array} */ file) =>
    Buffer.from(file)
      .toString("latin1")
      .replace(/^\xef\xbb\xbf/, "");
  const columns = files.map((file) => text(file).replace(/\n$/, "").split(/\r?\n/));
  const lines = Math.min(...columns.map(({ length }) => length));
  const longer = columns.findIndex(({ length }) => length > lines);
  if (longer >= 0) throw new UsageError(`${paths[longer]} has more than ${lines} lines, unlike the files beside it`);
  const cell = (/** @type {string} */ text) => text.replaceAll("\t", " ");
  const rows = columns[0].map((_, i) => columns.map((column) => cell(column[i])).join("\t"));
  return Buffer.from(`${rows.join("\n")}\n`, "latin1");
}

/** One table, or two files of lines, with its name. @param {string[]} paths @returns {Promise<import("../lab/types.js").PairFile>} */
async function readFiles(paths) {
  const files = await Promise.all(paths.map(paths.length > 1 ? readLines : read));
  if (files.length === 3) return { name: paths[0], table: joined(paths, files) };
  const [first, second] = files;
  return second ? { name: paths, source: first, target: second } : { name: paths[0], table: first };
}

/** @param {string | undefined} source @param {string | undefined} target @param {string} [what] @returns {string[][]} */
function sides(source, target, what = "the other side is missing of the lines of") {
  if (source === undefined && target === undefined) return [];
  if (source === undefined || target === undefined) throw new UsageError(`${what} ${source ?? target}`);
  return [[source, target]];
}

/** Two IDX files. @param {string | undefined} images @param {string | undefined} labels */
async function readImages(images, labels) {
  const [paths] = sides(images, labels, "images or labels are missing of");
  if (!paths) return undefined;
  const [first, second] = await Promise.all(paths.map(read));
  return { name: paths, images: first, labels: second };
}

/** @typedef {"pairs" | "texts" | "images"} DataKind */

/** What presets and architectures learn from, where that is no pairs. @type {Record<string, DataKind>} */
const LEARNT = { masked: "texts", causal: "texts", vit: "images", swin: "images" };

/** What is learnt from by options and a config, where there is no checkpoint. @param {Record<string, any>} values @param {Config | undefined} config @returns {DataKind} */
export function kindByOptions(values, config) {
  const { settings = {} } = config ?? {};
  const groups = [settings, settings.model, settings.network, settings.training];
  const own = groups.map((group) => Object(group).architecture).find(Boolean);
  return LEARNT[values.architecture ?? own ?? values.preset ?? settings.preset] ?? "pairs";
}

/**
 * What --data and its like, and a config, name.
 * @param {Record<string, any>} values @param {Config | undefined} config @param {DataKind} kind what the network learns from
 * @returns {Promise<{ pairs?: any, texts?: any, images?: any, valid?: any }>}
 */
export async function readData(values, config, kind) {
  const images = await readImages(values.images, values.labels);
  if (images) return { images, valid: await readImages(values["valid-images"], values["valid-labels"]) };
  const named = [...(config?.files.train ?? []), ...(config?.files.valid ?? [])];
  const isRoot = named.some(({ length }) => length > 1); // --data is the folder of folders
  const tables = (/** @type {string[] | undefined} */ list) => (list ?? []).map((path) => [path]);
  const train = [
    ...(config?.files.train ?? []),
    ...(isRoot ? [] : tables(values.data)),
    ...sides(values["source-lines"], values["target-lines"]),
  ];
  const valid = [
    ...(config?.files.valid ?? []),
    ...tables(values.valid),
    ...sides(values["valid-source-lines"], values["valid-target-lines"]),
  ];
  const [pairs, judged] = await Promise.all([train, valid].map((files) => Promise.all(files.map(readFiles))));
  const lines = (/** @type {any[]} */ files) => files.map(({ name, table }) => ({ name, lines: table }));
  if (kind === "texts" && [...pairs, ...judged].every((file) => "table" in file))
    return { ...(pairs.length && { texts: lines(pairs) }), ...(judged.length && { valid: lines(judged) }) };
  return { ...(pairs.length && { pairs }), ...(judged.length && { valid: judged }) };
}
