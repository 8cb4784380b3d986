#!/usr/bin/env node
// What cannot be tried without the internet, tried: `npm run check-homes`, before a release. It loads about 60 MB into a
// folder of its own, says what it saw, and fails where something is not as REGISTRIES.md has it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { huggingFace, mozilla, Translator } from "../index.js";
import { parseVersion, readListing, readRecords } from "./mozilla.js";
import { VERSION } from "./version.js";

const SETTINGS = "https://firefox.settings.services.mozilla.com/v1/";
const RECORDS = `${SETTINGS}buckets/main/collections/translations-models-v2/changeset?_expected=0`;
const BUCKET = "moz-fx-translations-data--303e-prod-translations-data";
const FILES = `https://storage.googleapis.com/${BUCKET}/`;
const MEDIA = `https://storage.googleapis.com/storage/v1/b/${BUCKET}/o/`;
const ORIGIN = "https://page.example";
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

let failures = 0;

/** @param {string} name @param {() => Promise<string>} body what it saw, in words */
async function check(name, body) {
  try {
    console.log(`ok    ${name}: ${await body()}`);
  } catch (error) {
    failures++;
    console.log(`FAIL  ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {unknown} right @param {string} message @returns {asserts right} */
function must(right, message) {
  if (!right) throw new Error(message);
}

/** @param {string} url @param {Record<string, string>} [headers] */
async function facts(url, headers = {}) {
  const response = await fetch(url, { headers: { "user-agent": `glossa/${VERSION}`, origin: ORIGIN, ...headers } });
  const seen = [
    "access-control-allow-origin",
    "content-encoding",
    "content-length",
    "content-range",
    "accept-ranges",
    "etag",
  ];
  const told = seen.flatMap((name) => (response.headers.has(name) ? [`${name}: ${response.headers.get(name)}`] : []));
  return { response, told: `${response.status}, ${told.join(", ")}` };
}

/** @param {string} url @param {{cors?: boolean, range?: boolean, headers?: Record<string, string>}} [wanted] */
async function probe(url, { cors = false, range = false, headers } = {}) {
  const { response, told } = await facts(url, {
    ...headers,
    ...(range && { range: "bytes=100-199", "accept-encoding": "identity" }),
  });
  await response.body?.cancel();
  must(response.ok, told);
  must(!range || response.status === 206, `no ranges: ${told}`);
  must(
    !cors || /^(\*|https:\/\/page\.example)$/.test(response.headers.get("access-control-allow-origin") ?? ""),
    `no CORS: ${told}`,
  );
  return told;
}

/** @type {any} */
let records;
/** @type {any} */
let listing;
await check("Mozilla's catalogue, for pages too", async () => {
  const { response, told } = await facts(RECORDS);
  records = await response.json();
  const { rows, problems } = readRecords(records);
  must(!problems.length, problems.join("; "));
  must(response.headers.get("access-control-allow-origin") === "*", `no CORS: ${told}`);
  return `${rows.length} records; ${told}`;
});
await check("filters and versions that are known", async () => {
  const all = records.changes ?? records.data;
  const known = [
    "",
    "env.appinfo.OS != 'Android'",
    "env.appinfo.OS == 'Android'",
    "env.channel == 'default' || env.channel == 'nightly'",
  ];
  const filters = new Set(all.map((/** @type {any} */ { filter_expression }) => filter_expression ?? ""));
  const versions = new Set(all.map((/** @type {any} */ { version }) => version));
  const strange = [...filters].filter((filter) => !known.includes(filter));
  const later = [...versions].filter((version) => !parseVersion(version) && Number.parseInt(version, 10) > 3);
  must(!strange.length && !later.length, `filters ${JSON.stringify(strange)}, versions ${JSON.stringify(later)}`);
  return `versions ${[...versions].sort().join(", ")}`;
});
await check("the bucket's list", async () => {
  const { response, told } = await facts(`${FILES}db/models.json`);
  listing = readListing(await response.json());
  return `${listing.size} models; ${told}`;
});
await check("the bucket's list for pages", () =>
  probe(`${MEDIA}${encodeURIComponent("db/models.json")}?alt=media`, { cors: true }),
);
const path = [...(listing?.values() ?? [])].find(({ paths }) => paths.model?.includes("enfr"))?.paths.model ?? "";
await check("a file of the bucket, with ranges", () => probe(`${FILES}${path}`, { range: true }));
await check("a file of the bucket for pages, with ranges", () =>
  probe(`${MEDIA}${encodeURIComponent(path)}?alt=media`, { range: true, cors: true }),
);
const attachment = () => {
  const [record] = (records.changes ?? records.data).filter((/** @type {any} */ { fileType }) => fileType === "vocab");
  return `https://firefox-settings-attachments.cdn.mozilla.net/${record.attachment.location}`;
};
await check("a packed file of the other server", () => probe(attachment(), { range: true }));
await check("the same for Chrome, which it is known to refuse", async () => {
  const { response, told } = await facts(attachment(), { "user-agent": CHROME });
  await response.body?.cancel();
  return told;
});
await check("the Hub, for pages, with ranges", () =>
  probe("https://huggingface.co/Helsinki-NLP/opus-mt_tiny_deu-eng/resolve/main/model.safetensors", {
    range: true,
    cors: true,
  }),
);

const cache = mkdtempSync(join(tmpdir(), "glossa-homes-"));
process.env.GLOSSA_CACHE = cache;
try {
  for (const [name, registry, sourceLanguage, targetLanguage, text] of /** @type {const} */ ([
    ["Mozilla", mozilla(), "en", "fr", "A dog runs."],
    ["Mozilla, vocabularies split", mozilla(), "en", "ja", "A dog runs."],
    ["the Hub, a tiny OPUS-MT", huggingFace(), "de", "en", "Ein Hund läuft."],
  ]))
    await check(`from two tags to a translation: ${name}`, async () => {
      const translator = await Translator.create({ sourceLanguage, targetLanguage, registries: [registry] });
      const translation = await translator.translate(text);
      const { id, version, licence } = translator.info.model;
      translator.destroy();
      must(translation && translation !== text, `"${text}" gives "${translation}"`);
      return `"${translation}" by ${id} ${version} (${licence})`;
    });
} finally {
  rmSync(cache, { recursive: true });
}
console.log(
  failures ? `${failures} failed` : "all as expected: registries of other origins are no longer experimental",
);
process.exitCode = failures ? 1 : 0;
