// `glossa models export` and `import`: kept models as one file, for machines without a network. It is a tar archive of
// checkpoints and their manifest.json, and so, unpacked, a folder that `--manifest` takes too.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { modelCache, openEntry } from "../model-cache.js";
import { isKeptModel } from "../registry/kept.js";
import { UsageError } from "./arguments.js";
import { fileError, writeWhole } from "./files.js";
import { findKept } from "./models-kept.js";
import { readTar, TAR_END, tarHeader, tarPadding } from "./tar.js";
import { harmless } from "./terminal.js";

/** @typedef {import("./models-kept.js").Command} Command */
/** @typedef {import("../registry/kept.js").KeptRecord} KeptRecord */

const MOST_MANIFEST = 1 << 24;

/** @type {Command} */
export async function exportModels(args, { output }, io) {
  if (!output) throw new UsageError("export needs -o FILE");
  const all = args.length ? (await Promise.all(args.map(findKept))).flat() : await modelCache.list();
  const records = /** @type {KeptRecord[]} */ (
    [...new Map(all.map((record) => [record.url, record])).values()].filter(isKeptModel)
  );
  if (!records.length) throw new Error("no model is kept here that could be exported");
  const models = records.map(({ url, bytes, sha256, about }) => ({
    id: `${[about.source].flat().join("_")}-${[about.target].flat().join("_")}-${sha256.slice(0, 8)}`,
    source: about.source,
    target: about.target,
    url: `${[about.source].flat()[0]}-${[about.target].flat()[0]}-${sha256.slice(0, 8)}.gguf`,
    bytes,
    sha256,
    licence: about.licence,
    kept: { url, about },
  }));
  const manifest = Buffer.from(`${JSON.stringify({ version: 1, models }, null, 2)}\n`);
  await writeWhole(output, async (write) => {
    await write(tarHeader("manifest.json", manifest.length));
    await write(manifest);
    await write(tarPadding(manifest.length));
    for (const { url, bytes, sha256, kept } of models) {
      await write(tarHeader(url, bytes));
      const { entry, problem } = await openEntry(kept.url);
      if (!entry) throw new Error(`${kept.url} cannot be read: ${problem}`);
      const hash = createHash("sha256");
      try {
        for await (const chunk of entry.read()) {
          hash.update(chunk);
          await write(chunk);
        }
      } finally {
        await entry.close();
      }
      if (hash.digest("hex") !== sha256) throw new Error(`the kept model ${kept.url} is damaged: load it again`);
      await write(tarPadding(bytes));
    }
    await write(TAR_END);
  });
  for (const { id, licence } of models) io.stdout.write(harmless(`${id}  ${licence}\n`));
  return 0;
}

/** @type {Command} */
export async function importModels(args, _values, io) {
  if (args.length !== 1) throw new UsageError("import takes one file");
  const [name] = args;
  const file = await open(name).catch((error) => {
    throw fileError(name, error);
  });
  try {
    /** @type {any[] | null} */
    let models = null;
    for await (const member of readTar(file, name)) {
      if (!models) models = await readManifest(member, name);
      else {
        const model = models.find(({ url }) => url === member.name);
        if (!model || model.bytes !== member.size)
          throw new Error(`${name}: ${member.name} is not what its manifest.json says`);
        await keep(model, member, name);
        io.stdout.write(harmless(`${model.id}  ${model.kept.about.licence}\n`));
      }
    }
    if (!models) throw new Error(`${name} is empty`);
  } finally {
    await file.close();
  }
  return 0;
}

/**
 * @param {{name: string, size: number, read(): AsyncGenerator<Uint8Array>}} member
 * @param {string} file
 * @returns {Promise<any[]>}
 */
async function readManifest(member, file) {
  if (member.name !== "manifest.json" || member.size > MOST_MANIFEST)
    throw new Error(`${file} does not begin with a manifest.json: "glossa models export" did not make it`);
  const parts = [];
  for await (const part of member.read()) parts.push(Buffer.from(part));
  let document;
  try {
    document = JSON.parse(Buffer.concat(parts).toString());
  } catch (error) {
    throw new Error(`the manifest.json of ${file} is damaged: ${/** @type {Error} */ (error).message}`);
  }
  const { models } = Object(document);
  const right = (/** @type {any} */ model) =>
    [model?.id, model?.url, model?.sha256].every((text) => typeof text === "string") &&
    /^[\da-f]{64}$/.test(model.sha256) &&
    Number.isSafeInteger(model.bytes) &&
    isKeptModel({ ...model.kept, complete: true });
  for (const model of Array.isArray(models) ? models : [null])
    if (!right(model))
      throw new Error(
        `the manifest.json of ${file} has the model ${JSON.stringify(model?.id)}, which lacks what an export has`,
      );
  return models;
}

/**
 * @param {any} model
 * @param {{read(): AsyncGenerator<Uint8Array>}} member
 * @param {string} file
 */
async function keep({ kept: { url, about }, bytes, sha256 }, member, file) {
  const { entry, problem } = await openEntry(url);
  if (!entry) throw new Error(`${url} cannot be kept: ${problem}`);
  try {
    if (entry.record?.complete && entry.record.sha256 === sha256) return;
    if (!(await entry.claim())) throw new Error(`${url} is being loaded by somebody else`);
    await entry.remove();
    const hash = createHash("sha256");
    for await (const chunk of member.read()) {
      hash.update(chunk);
      await entry.append(chunk);
    }
    const sum = hash.digest("hex");
    if (sum !== sha256) {
      await entry.remove();
      throw new Error(`${file} is damaged: the checksum of ${about.id} is ${sum}, not ${sha256}`);
    }
    await entry.save({ url, bytes, etag: "", sha256, complete: true, about });
  } finally {
    await entry.close();
  }
}
