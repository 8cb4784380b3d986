// `glossa models list`, `info`, `remove`, `verify`: what is kept on this machine.

import { createHash } from "node:crypto";
import { Translator } from "../index.js";
import { pickLanguage, writtenTag } from "../manifest.js";
import { modelCache, openEntry } from "../model-cache.js";
import { isKeptModel } from "../registry/kept.js";
import { UsageError } from "./arguments.js";
import { registriesFrom } from "./models-homes.js";
import { harmless } from "./terminal.js";

/** @typedef {import("../cache-entry.js").CacheRecord} CacheRecord */
/** @typedef {import("../registry/types.js").About} About */

/**
 * What the subcommands of `glossa models` share on their command lines.
 * @typedef {object} Values
 * @property {boolean} available
 * @property {boolean} json
 * @property {string} [from]
 * @property {string} [variant]
 * @property {string} [licence]
 * @property {boolean} dry-run
 * @property {boolean} [offline]
 * @property {string} [output]
 */

/** @typedef {(args: string[], values: Values, io: import("./glossa.js").IO) => Promise<number>} Command */

/**
 * Two languages of a command line: "en-fr", "zh-Hans-en", "en:pt-BR".
 * @param {string} text
 * @returns {{sourceLanguage: string, targetLanguage: string}}
 */
export function readPair(text) {
  const parts = text.split(text.includes(":") ? ":" : "-");
  for (let at = 1; at < parts.length; at++)
    try {
      const [source, target] = [parts.slice(0, at), parts.slice(at)].map((half) => writtenTag(half.join("-")));
      return { sourceLanguage: source, targetLanguage: target };
    } catch {
      // the border is another hyphen
    }
  throw new UsageError(`"${text}" is no pair of languages: it takes two tags, such as en-fr or zh-Hans:en`);
}

/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;

/** @param {string | string[]} tags */
const tagsOf = (tags) => [tags].flat().join(",");

/** A short name of a kept model. @param {About} about */
const pairOf = (about) => `${tagsOf(about.source)}-${tagsOf(about.target)}`;

/** The first letters of a long version, such as a commit's. @param {string} version */
export const shortVersion = (version) => (/^[\da-f]{40}$/.test(version) ? version.slice(0, 8) : version);

/** @param {CacheRecord} record */
function describe(record) {
  const { url, bytes, complete, about } = record;
  if (!isKeptModel(record)) return `${megabytes(bytes)}  ${complete ? "complete  " : "incomplete"}  ${url}`;
  const { registry, id, version, licence } = /** @type {About} */ (about);
  return `${megabytes(bytes)}  ${pairOf(about).padEnd(10)}  ${registry} ${id.replace(/@.*/, "")} ${shortVersion(version)}  ${licence}`;
}

/**
 * The records that a name means: a pair of languages, an id at its registry, or an address.
 * @param {string} name
 * @returns {Promise<CacheRecord[]>}
 */
export async function findKept(name) {
  const records = await modelCache.list();
  const named = records.filter(
    ({ url, about }) => url === name || about?.id === name || about?.id?.split("@")[0] === name,
  );
  if (named.length) return named;
  if (/^[a-z]{2,3}([-_:]\w+)+$/i.test(name)) {
    const { sourceLanguage, targetLanguage } = readPair(name);
    const found = records.filter(
      (record) =>
        isKeptModel(record) &&
        pickLanguage(record.about.source, sourceLanguage) &&
        pickLanguage(record.about.target, targetLanguage),
    );
    if (found.length) return found;
  }
  throw new Error(`no model ${name} is kept here; "glossa models list" tells which are`);
}

/** @type {Command} */
export async function list(args, values, io) {
  if (args.length > 1) throw new UsageError("list takes one pair at most");
  const pair = args.length ? readPair(args[0]) : {};
  if (values.available) return listAvailable(pair, values, io);
  const records = args.length ? await findKept(args[0]) : await modelCache.list();
  if (values.json) io.stdout.write(`${JSON.stringify(records, null, 2)}\n`);
  else if (!records.length) io.stderr.write("glossa models: no downloaded model is kept here\n");
  else for (const record of records) io.stdout.write(`${harmless(describe(record))}\n`);
  return 0;
}

/**
 * @param {Partial<import("../types.js").LanguagePair>} pair
 * @param {Values} values
 * @param {import("./glossa.js").IO} io
 */
async function listAvailable(pair, values, io) {
  const models = await Translator.models({
    ...pair,
    registries: registriesFrom(values),
    variant: values.variant,
    offline: values.offline,
  });
  if (values.json) io.stdout.write(`${JSON.stringify(models, null, 2)}\n`);
  for (const model of values.json ? [] : models) {
    const scores = Object.entries(model.quality).map(([name, score]) => `${name} ${score}`);
    const { registry, id, version, licence, here } = model;
    const size = here ? "     here  " : `${megabytes(model.downloadBytes)} `;
    const languages = `${tagsOf(model.sourceLanguages)}-${tagsOf(model.targetLanguages)}`.padEnd(10);
    io.stdout.write(
      `${harmless([size, languages, `${registry} ${id} ${shortVersion(version)}`.trim(), licence, scores.join(", ")].filter(Boolean).join("  "))}\n`,
    );
  }
  return 0;
}

/** @type {Command} */
export async function info(args, values, io) {
  if (args.length !== 1) throw new UsageError("info takes one model");
  const records = await findKept(args[0]);
  if (values.json) {
    io.stdout.write(`${JSON.stringify(records, null, 2)}\n`);
    return 0;
  }
  for (const { url, bytes, sha256, complete, about } of records) {
    const scores = Object.entries(about?.quality ?? {}).map(([name, score]) => `${name} ${score}`);
    const lines = [
      ["licence", about?.licence || "not told"],
      ["model", about ? `${about.registry} ${about.id}` : url],
      ["languages", about?.source && pairOf(about)],
      ["version", about?.version],
      ["variant", about?.variant],
      ["quality", scores.join(", ")],
      ["origin", about?.origin],
      ["fetched", about?.fetched],
      ["size", complete ? `${bytes} bytes` : `${bytes} bytes, not all of it loaded`],
      ["sha256", sha256],
      ["kept as", url],
    ];
    for (const [key, value] of lines) if (value) io.stdout.write(harmless(`${key.padEnd(10)} ${value}\n`));
  }
  return 0;
}

/** @type {Command} */
export async function remove(args, _values, io) {
  if (!args.length) throw new UsageError("remove takes the models to remove");
  for (const name of args)
    for (const record of await findKept(name)) {
      await modelCache.delete(record.url);
      io.stdout.write(`${harmless(describe(record))}\n`);
    }
  return 0;
}

/** @type {Command} */
export async function verify(args, _values, io) {
  if (args.length) throw new UsageError("verify takes no models: it looks at all of them");
  let bad = 0;
  for (const record of await modelCache.list()) {
    if (!record.complete) continue;
    const fault = await faultOf(record);
    if (fault) bad++;
    io.stdout.write(harmless(`${fault ? `DAMAGED (${fault})` : "ok"}  ${describe(record)}\n`));
  }
  if (bad) io.stderr.write(`glossa models: ${bad} damaged; what is damaged is loaded again when it is next used\n`);
  return bad ? 1 : 0;
}

/** What is wrong with a kept model; empty where nothing is. @param {CacheRecord} record */
async function faultOf({ url, bytes, sha256 }) {
  const { entry, problem } = await openEntry(url);
  if (!entry) return problem;
  try {
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of entry.read()) {
      hash.update(chunk);
      size += chunk.length;
    }
    if (size !== bytes) return `${size} bytes, not ${bytes}`;
    return hash.digest("hex") === sha256 ? "" : "another checksum";
  } finally {
    await entry.close();
  }
}
