// `glossa models`: what there is, what is kept on this machine, and lists of models to look languages up in.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SourceFile } from "../convert/file.js";
import { GgufFile } from "../convert/gguf-reader.js";
import { modelCache } from "../index.js";
import { parse, UsageError, withUsage } from "./arguments.js";
import { writeWhole } from "./files.js";

const usage = `Usage: glossa models [COMMAND] [options]

  list [PAIR]        the models on this machine (the default); with --available those that could be had
  add PAIR...        fetches models, such as en-fr, converts them and keeps them
  info PAIR|ID       what is known of a kept model, its licence first
  remove PAIR|ID...  removes kept models
  update [PAIR...]   fetches newer versions of what is kept
  verify             compares every kept model with its checksum
  export PAIR... -o FILE
                     one file of kept models, for machines without a network
  import FILE        takes them from there

options:
  --from HOME        where from: mozilla, huggingface, hf:OWNER/NAME[@REVISION], or the address or folder of a list of
                     your own (default: GLOSSA_REGISTRY, or mozilla and then huggingface)
  --variant V        smallest, best, or an architecture such as tiny
  --licence TEXT     the licence of a repository that tells none; you have made sure of it
  --dry-run          tells what would be fetched, and how large it is
  --json             for programs
  --offline          asks nobody (also GLOSSA_OFFLINE=1)
  --cache-dir DIR    where models are kept (also GLOSSA_CACHE)
  -o, --output FILE
or one of
  --index FOLDER     writes FOLDER/manifest.json, a list of the checkpoints in FOLDER; with it (--manifest, or the option
                     "manifest" in JavaScript) models are found by their languages
  --delete URL       removes a download by its address
  --clear            removes everything
`;

/** @type {Record<string, () => Promise<import("./models-kept.js").Command>>} */
const COMMANDS = {
  list: async () => (await import("./models-kept.js")).list,
  info: async () => (await import("./models-kept.js")).info,
  remove: async () => (await import("./models-kept.js")).remove,
  verify: async () => (await import("./models-kept.js")).verify,
  add: async () => (await import("./models-homes.js")).add,
  update: async () => (await import("./models-homes.js")).update,
  export: async () => (await import("./models-archive.js")).exportModels,
  import: async () => (await import("./models-archive.js")).importModels,
};

/** The fields of a manifest's entry; null for a model of another task, which `glossa lab` is for. @param {string} folder @param {string} name */
async function describe(folder, name) {
  const bytes = await readFile(join(folder, name));
  const gguf = await GgufFile.open(new SourceFile(name, bytes));
  if ((gguf.get("glossa.task") ?? "translation") !== "translation") return null;
  const language = (/** @type {string} */ side) => {
    const value = gguf.get(`glossa.${side}_language`);
    if (typeof value !== "string") throw new Error(`${name}: glossa.${side}_language is not one language`);
    return value;
  };
  // "other" is what Hugging Face writes for a licence without an SPDX name; then a name or a note stands beside it.
  const license = gguf.get("general.license");
  const licence =
    license === "other" ? (gguf.get("general.license.name") ?? gguf.get("general.license.note") ?? license) : license;
  return {
    id: name.replace(/\.gguf$/, ""),
    source: language("source"),
    target: language("target"),
    url: name,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    licence: typeof licence === "string" ? licence : undefined,
    kind: gguf.get("glossa.decoder.mixer") === "ssru" ? "ssru" : "transformer",
  };
}

/**
 * Writes manifest.json for the checkpoints of a folder.
 * @param {string} folder
 * @returns {Promise<string>} what it wrote, in words
 */
export async function writeManifest(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".gguf")).sort();
  if (!names.length) throw new Error(`${folder} has no checkpoint (*.gguf)`);
  /** @type {NonNullable<Awaited<ReturnType<typeof describe>>>[]} */
  const models = [];
  for (const name of names) {
    const entry = await describe(folder, name);
    if (entry) models.push(entry);
  }
  if (!models.length) throw new Error(`${folder} has no checkpoint that translates`);
  const file = join(folder, "manifest.json");
  await writeWhole(file, (write) => write(Buffer.from(`${JSON.stringify({ version: 1, models }, null, 2)}\n`)));
  return `${file}: ${models.map(({ url }) => url).join(", ")}`;
}

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("models", usage, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: {
        delete: { type: "string" },
        clear: { type: "boolean", default: false },
        index: { type: "string" },
        available: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        from: { type: "string" },
        variant: { type: "string" },
        licence: { type: "string" },
        "dry-run": { type: "boolean", default: false },
        offline: { type: "boolean" },
        "cache-dir": { type: "string" },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    if (values["cache-dir"] !== undefined) process.env.GLOSSA_CACHE = values["cache-dir"];
    const [name = "list", ...args] = positionals;
    if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(`there is no command "${name}"`);
    const old = [values.delete, values.clear || undefined, values.index].filter((value) => value !== undefined);
    if (old.length > 1) throw new UsageError("--delete, --clear and --index exclude each other");
    if (old.length && positionals.length) throw new UsageError(`${name} takes neither --delete, --clear nor --index`);
    if (values.clear) await modelCache.clear();
    else if (values.index !== undefined) io.stdout.write(`${await writeManifest(values.index)}\n`);
    else if (values.delete !== undefined) {
      if (!(await modelCache.delete(values.delete))) throw new Error(`there is no ${values.delete} in the cache`);
    } else return (await COMMANDS[name]())(args, values, io);
    return 0;
  });
}
