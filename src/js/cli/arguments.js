// What the subcommands that translate have in common on their command lines.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Translator } from "../index.js";
import { fileError } from "./files.js";
import { harmless, percentBar } from "./terminal.js";

/** A wrong command line: the message and the usage go to stderr, and the status is 2. */
export class UsageError extends Error {}

/**
 * @template {import("node:util").ParseArgsConfig} T
 * @param {T} config
 */
export function parse(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** @satisfies {import("node:util").ParseArgsConfig["options"]} */
export const MODEL_OPTIONS = /** @type {const} */ ({
  model: { type: "string", short: "m" },
  source: { type: "string" },
  target: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  variant: { type: "string" },
  offline: { type: "boolean" },
  "cache-dir": { type: "string" },
  manifest: { type: "string" },
  origins: { type: "string" },
  build: { type: "string", default: "auto" },
  beam: { type: "string", default: "1" },
  help: { type: "boolean", short: "h" },
});

export const MODEL_USAGE = `  --model M      the checkpoint: a path or a URL; or
  --from TAG --to TAG (or --source and --target) [--manifest M] [--origins O]
                 languages, such as en and de, looked up in the list of models, else in registries
                 ("glossa models --help"), from which the model is fetched once; with --model,
                 which of its languages a multilingual model uses; O are origins, separated by commas,
                 from which a list that comes from the network may name models, beside its own
  --variant V    of a registry's models: smallest, best, or an architecture such as tiny
  --offline      load nothing (also GLOSSA_OFFLINE=1)
  --cache-dir D  where models are kept (also GLOSSA_CACHE)
  --build B      auto (default), simd128 or relaxed
  --beam N       width of the beam search, 1 to 16 (default 1: greedy)
`;

/**
 * A number among options.
 * @param {string} name
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
export function number(name, text, least, most) {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most))
    throw new UsageError(`--${name} is "${text}"; it takes a number from ${least} to ${most}`);
  return value;
}

/**
 * A whole number among options.
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
export function integer(name, text, least, most) {
  const value = Number(text);
  if (!/^\d+$/.test(text ?? "") || value < least || value > most)
    throw new UsageError(`--${name} is "${text}"; it takes a whole number from ${least} to ${most}`);
  return value;
}

/**
 * @typedef {object} ModelValues
 * @property {string} [model]
 * @property {string} [source]
 * @property {string} [target]
 * @property {string} [from]
 * @property {string} [to]
 * @property {string} [manifest]
 * @property {string} [origins]
 * @property {string} [variant]
 * @property {boolean} [offline]
 * @property {string} [cache-dir]
 * @property {string} [build]
 */

/**
 * @param {ModelValues} values
 * @returns {import("../types.js").CreateOptions}
 */
export function modelOptions({ model, manifest, origins, variant, offline, build, ...values }) {
  const { source = values.from, target = values.to } = values;
  if (!model && !(source && target)) throw new UsageError("--model is missing, or --from and --to");
  if (values["cache-dir"] !== undefined) process.env.GLOSSA_CACHE = values["cache-dir"];
  if (!["auto", "simd128", "relaxed"].includes(build ?? ""))
    throw new UsageError(`--build is "${build}"; it takes auto, simd128 or relaxed`);
  return {
    ...(model ? { model } : { manifest, origins: origins?.split(","), variant }),
    offline,
    // as in the names of locales, en_US
    sourceLanguage: source?.replaceAll("_", "-"),
    targetLanguage: target?.replaceAll("_", "-"),
    build: /** @type {import("../types.js").BuildChoice} */ (build),
  };
}

/**
 * Translator.create(), whose messages name the model where they are about what is in it.
 * @param {import("../types.js").CreateOptions} options
 * @param {NodeJS.WritableStream & {isTTY?: boolean}} [stderr] where, on a terminal, a bar shows what is loaded
 */
export async function createTranslator(options, stderr) {
  const bar = stderr?.isTTY ? percentBar(stderr) : () => {};
  try {
    return await Translator.create({
      ...options,
      monitor: (m) => m.addEventListener("downloadprogress", (event) => bar(Reflect.get(event, "loaded"), 1)),
    });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    if (name !== "DataError" || options.model === undefined) throw error;
    const named = message.includes(String(options.model));
    throw named ? error : new Error(`${options.model}: ${message}`, { cause: error });
  }
}

/**
 * A glossary file: a term, a tab and its translation on each line.
 * @param {string | undefined} file
 * @returns {Record<string, string>}
 */
export function readGlossary(file) {
  if (file === undefined) return {};
  /** @type {Record<string, string>} */
  const terms = {};
  let text;
  try {
    text = readFileSync(file, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    throw fileError(file, /** @type {NodeJS.ErrnoException} */ (error));
  }
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const [term, translation, ...rest] = line.replace(/\r$/, "").split("\t");
    if (translation === undefined || rest.length)
      throw new UsageError(`${file}:${i + 1}: a line is a term, a tab and its translation`);
    terms[term] = translation;
  }
  return terms;
}

/**
 * Runs a subcommand; a wrong command line ends it with status 2.
 * @param {string} name
 * @param {string} usage
 * @param {{stderr: {write(text: string): unknown}}} io
 * @param {() => Promise<number>} body
 */
export async function withUsage(name, usage, io, body) {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`glossa ${name}: ${harmless(error.message)}\n${usage}`);
    return 2;
  }
}
