// `glossa models`: what the cache of downloaded models holds, and lists of models to look languages up in.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SourceFile } from "../convert/file.js";
import { GgufFile } from "../convert/gguf-reader.js";
import { modelCache } from "../index.js";
import { parse, UsageError, withUsage } from "./arguments.js";
import { writeWhole } from "./files.js";
import { harmless } from "./terminal.js";

const usage = `Usage: glossa models [--delete URL | --clear | --index FOLDER]

Lists the models that were downloaded and kept on this machine, or
  --delete URL   deletes one of them
  --clear        deletes all of them
  --index FOLDER writes FOLDER/manifest.json, a list of the checkpoints in FOLDER; with it (--manifest, or the option
                 "manifest" in JavaScript) models are found by their languages
`;

/** The fields of a manifest's entry. @param {string} folder @param {string} name */
async function describe(folder, name) {
  const bytes = await readFile(join(folder, name));
  const gguf = await GgufFile.open(new SourceFile(name, bytes));
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
  /** @type {Awaited<ReturnType<typeof describe>>[]} */
  const models = [];
  for (const name of names) models.push(await describe(folder, name));
  const file = join(folder, "manifest.json");
  await writeWhole(file, (write) => write(Buffer.from(`${JSON.stringify({ version: 1, models }, null, 2)}\n`)));
  return `${file}: ${names.join(", ")}`;
}

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("models", usage, io, async () => {
    const { values } = parse({
      args: argv,
      options: {
        delete: { type: "string" },
        clear: { type: "boolean", default: false },
        index: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    if (Number(values.delete !== undefined) + Number(values.clear) + Number(values.index !== undefined) > 1)
      throw new UsageError("--delete, --clear and --index exclude each other");
    if (values.clear) await modelCache.clear();
    else if (values.index !== undefined) io.stdout.write(`${await writeManifest(values.index)}\n`);
    else if (values.delete !== undefined) {
      if (!(await modelCache.delete(values.delete))) throw new Error(`there is no ${values.delete} in the cache`);
    } else {
      const records = await modelCache.list();
      if (!records.length) io.stderr.write("glossa models: no downloaded model is kept here\n");
      for (const { url, bytes, complete } of records)
        io.stdout.write(
          harmless(`${(bytes / 1e6).toFixed(1).padStart(8)} MB  ${complete ? "complete  " : "incomplete"}  ${url}\n`),
        );
    }
    return 0;
  });
}
