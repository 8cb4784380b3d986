#!/usr/bin/env node
// Makes snapshot.js, the list of Firefox's models that ships for lists and answers without a network:
//
//     node src/js/registry/make-snapshot.js DATE FILE...
//
// FILE is what the catalogue answered (…/collections/translations-models-v2/changeset?_expected=0), with the bucket's
// db/models.json beside it for the scores, or a list of the archived repository with {models: [{architecture, files, model}]}.

import { readFileSync, writeFileSync } from "node:fs";
import { tagOf } from "./check.js";
import { mozillaRegistry, readListing } from "./mozilla.js";

/** @typedef {import("./snapshot.js").SnapshotModel} SnapshotModel */

/** Languages as the archived repository writes them. */
const tag = (/** @type {string} */ text) => tagOf(text === "zh" ? "zh-Hans" : text.replace("_", "-"), "a language");

/** @param {any} document @returns {SnapshotModel[]} of the archived repository's list */
function fromArchive({ models }) {
  const sum = (/** @type {number[]} */ sizes) => sizes.reduce((total, size) => total + size, 0);
  return models.map((/** @type {any} */ { architecture, files, model }) => {
    const beside = files.filter((/** @type {any} */ { name }) => !name.startsWith("model."));
    return [
      tag(model.source),
      tag(model.target),
      architecture,
      sum(files.map((/** @type {any} */ { bytes }) => bytes)),
      model.bytes + 2 * sum(beside.map((/** @type {any} */ { bytes }) => bytes)), // what vocabularies and lists unpack to, about
      model.flores?.bleu ?? 0,
      model.flores?.comet ?? 0,
    ];
  });
}

/** @param {any} records @param {any} listing @returns {Promise<SnapshotModel[]>} of the live catalogue */
async function fromCatalogue(records, listing) {
  const answers = [records, listing ?? { models: {} }];
  const fetch = async () => new Response(JSON.stringify(answers.shift()));
  const context = /** @type {any} */ ({
    fetch,
    cache: false,
    offline: false,
    stallTime: 1000,
    pause: 1,
    now: Date.now,
  });
  const models = await mozillaRegistry().list(context, { asked: true });
  return models.map(({ source, target, variant, downloadBytes, diskBytes, quality }) => [
    String(source),
    String(target),
    variant,
    downloadBytes,
    diskBytes,
    quality.bleu ?? 0,
    quality.comet22 ?? quality.comet ?? 0,
  ]);
}

const [date, ...files] = process.argv.slice(2);
if (!/^\d{4}-\d{2}(-\d{2})?$/.test(date ?? "") || !files.length) {
  process.stderr.write("usage: node src/js/registry/make-snapshot.js DATE FILE...\n");
  process.exit(2);
}
const documents = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const records = documents.find((document) => document.changes ?? document.data);
const listing = documents.find((document) => document.models && !Array.isArray(document.models));
if (listing) readListing(listing);
const archive = documents.find((document) => Array.isArray(document.models));
const models = records ? await fromCatalogue(records, listing) : fromArchive(archive);
// the newer architectures first, as the catalogue's own order has it
const order = ["base", "base-memory", "tiny"];
models.sort((a, b) =>
  `${a[0]} ${a[1]}` < `${b[0]} ${b[1]}`
    ? -1
    : `${a[0]} ${a[1]}` > `${b[0]} ${b[1]}`
      ? 1
      : order.indexOf(a[2]) - order.indexOf(b[2]),
);
const lines = models.map((model) => `    ${JSON.stringify(model).replaceAll(",", ", ")},`);
writeFileSync(
  new URL("./snapshot.js", import.meta.url),
  `// The list of Firefox's models as it was at \`date\`, made by make-snapshot.js: for lists and answers where nothing was
// asked yet. What is loaded comes from the catalogue itself, which has the sums.

/**
 * Source, target, architecture, bytes to load and bytes on the disk (about), BLEU and COMET on FLORES (0: not told).
 * @typedef {[string, string, string, number, number, number, number]} SnapshotModel
 * @typedef {{date: string, models: SnapshotModel[]}} Snapshot
 */

/** @type {Snapshot} */
export const snapshot = {
  date: ${JSON.stringify(date)},
  models: [
${lines.join("\n")}
  ],
};
`,
);
