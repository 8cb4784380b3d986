// `glossa models add` and `update`: models from their homes.

import { modelCache } from "../index.js";
import { tools } from "../finding.js";
import { keptModels, keptURL, modelOfKept } from "../registry/kept.js";
import { newest, planRoute } from "../registry/index.js";
import { createTranslator, UsageError } from "./arguments.js";
import { findKept, megabytes, readPair, shortVersion } from "./models-kept.js";
import { harmless, percentBar } from "./terminal.js";

/** @typedef {import("./models-kept.js").Values} Values */
/** @typedef {import("./models-kept.js").Command} Command */

/**
 * @param {Pick<Values, "from" | "licence">} values
 * @returns {import("../registry/options.js").RegistryChoice[] | undefined}
 */
export function registriesFrom({ from, licence }) {
  if (from === undefined) return licence ? ["mozilla", { registry: "huggingface", licence }] : undefined;
  const repository = /^hf:(.+)$/.exec(from)?.[1];
  if (repository) return [{ registry: "huggingface", repositories: [repository], licence }];
  if (from === "huggingface" || from === "hf") return [{ registry: "huggingface", licence }];
  if (from !== "mozilla" && from !== "package" && !/[/.:]/.test(from))
    throw new UsageError(
      `--from is "${from}"; it takes mozilla, huggingface, hf:OWNER/NAME[@REVISION], or the address or folder of a list`,
    );
  return [from];
}

/** @type {Command} */
export async function add(args, values, io) {
  if (!args.length) throw new UsageError("add takes pairs of languages, such as en-fr");
  const pairs = args.map(readPair);
  const registries = registriesFrom(values);
  const { variant, offline } = values;
  for (const pair of pairs) {
    if (values["dry-run"]) await tellPlan(pair, { registries, variant, offline }, values, io);
    else await fetchPair(pair, { registries, variant, offline }, values, io);
  }
  return 0;
}

/**
 * @param {import("../types.js").LanguagePair} pair
 * @param {Pick<import("../types.js").CreateOptions, "registries" | "variant" | "offline">} options
 * @param {Values} values
 * @param {import("./glossa.js").IO} io
 */
async function tellPlan(pair, options, values, io) {
  const plan = await planRoute(pair, options, tools);
  const models = plan.map(({ model: { files, checkpoint, ...model }, here }) => ({ ...model, here }));
  if (values.json) io.stdout.write(`${JSON.stringify(models, null, 2)}\n`);
  else
    for (const { registry, id, version, licence, downloadBytes, diskBytes, here } of models)
      io.stdout.write(
        harmless(
          `${here ? "     here  " : megabytes(downloadBytes)}  ${registry} ${id.replace(/@.*/, "")} ${shortVersion(version)}  ${licence}  (on the disk about${megabytes(diskBytes).replace(/ +/, " ")})\n`,
        ),
      );
}

/** @type {typeof tellPlan} */
async function fetchPair(pair, options, values, io) {
  const translator = await createTranslator({ ...pair, ...options, worker: false }, io.stderr);
  const { models } = translator.info;
  translator.destroy();
  if (values.json) io.stdout.write(`${JSON.stringify(models, null, 2)}\n`);
  else
    for (const { sourceLanguage, targetLanguage, registry, id = "", version = "", licence } of models)
      io.stdout.write(
        harmless(
          `${sourceLanguage}-${targetLanguage}  ${registry} ${id.replace(/@.*/, "")} ${shortVersion(version)}  ${licence || "licence not told"}\n`,
        ),
      );
}

/** @type {Command} */
export async function update(args, values, io) {
  const named = (await Promise.all(args.map(findKept))).flat().map(({ url }) => url);
  const records = (await keptModels()).filter(({ url }) => !args.length || named.includes(url));
  if (!records.length) io.stderr.write("glossa models: no model is kept here that has a home\n");
  const bar = io.stderr.isTTY ? percentBar(io.stderr) : () => {};
  for (const record of records) {
    const old = modelOfKept(record);
    const pair = `${[old.source].flat()}-${[old.target].flat()}`;
    const { model, make } = await newest(
      record,
      { registries: registriesFrom(values), offline: values.offline },
      tools,
    );
    const now = `${model.registry} ${model.id.replace(/@.*/, "")} ${shortVersion(model.version)}`;
    if (keptURL(model) === record.url) io.stdout.write(harmless(`${pair}  ${now}  up to date\n`));
    else if (values["dry-run"])
      io.stdout.write(harmless(`${pair}  ${shortVersion(old.version)} -> ${now} ${megabytes(model.downloadBytes)}\n`));
    else {
      await make((fraction) => bar(fraction, 1));
      await modelCache.delete(record.url);
      io.stdout.write(harmless(`${pair}  ${shortVersion(old.version)} -> ${now}\n`));
    }
  }
  return 0;
}
