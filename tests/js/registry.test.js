// Models from their homes, imitated on this machine: from two language tags to a translation.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { loadChunk } from "../../src/js/chunks.js";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { chunkFiles } from "../../src/js/own-files.js";
import { mozillaAddresses, mozillaSources } from "../../src/js/registry/facts.js";
import { listModels, provide, stateOf } from "../../src/js/registry/index.js";
import { folder as marianFolder, makeModel, torchLegacy, torchZip } from "./marianmt-folder.js";
import { concat } from "./marian-student.js";
import { fileName, startHomes, studentFiles } from "./registry-homes.js";

const TEXT = "ab cd ef gh ba dc. fe hg!";

/** @type {import("./registry-homes.js").Homes} */
let homes;
let cache = "";
const caches = mkdtempSync(join(tmpdir(), "glossa-registry-"));

before(async () => {
  homes = await startHomes();
});
after(async () => {
  await homes.close();
  rmSync(caches, { recursive: true });
});
beforeEach(() => {
  cache = mkdtempSync(join(caches, "cache-"));
  process.env.GLOSSA_CACHE = cache;
  homes.rules.length = 0;
  homes.requests.length = 0;
});

/** @type {import("../../src/js/registry/types.js").Tools} */
const tools = { load: loadChunk, converter: chunkFiles.converter, pause: 1, stallTime: 5000 };
const mozilla = () => ({ registry: /** @type {const} */ ("mozilla"), ...homes.mozilla });
const hub = (options = {}) => ({ registry: /** @type {const} */ ("huggingface"), ...homes.hub, ...options });

/**
 * What `glossa convert` makes of the files by hand, and how that translates.
 * @param {Record<string, Uint8Array>} files by the names of the converter
 * @param {{source?: string[], target?: string[]}} [languages]
 */
async function byHand(files, languages = {}) {
  const { blob } = await convertToBlob(Object.entries(files), languages);
  return translateBy({ model: blob });
}

/** @param {import("../../src/js/types.js").CreateOptions} options */
async function translateBy(options) {
  const translator = await Translator.create({ worker: false, ...options });
  try {
    return await translator.translate(TEXT);
  } finally {
    translator.destroy();
  }
}

/** @param {Record<string, Uint8Array>} parts @param {string} pair */
const named = (parts, pair) =>
  Object.fromEntries(Object.entries(parts).map(([type, bytes]) => [fileName(type, pair), bytes]));

/**
 * @param {string} source
 * @param {string} target
 * @param {any} [options]
 */
const way = (source, target, options = {}) =>
  provide({ sourceLanguage: source, targetLanguage: target }, { registries: [mozilla()], ...options }, tools);

/** @param {Awaited<ReturnType<typeof provide>>} provided */
const translateProvided = ([{ source }]) =>
  translateBy({ model: "url" in source ? source.url : /** @type {any} */ (source).blob });

for (const [language, what, shape, how] of /** @type {const} */ ([
  ["fr", "tiny", { seed: 2, decoder: 2 }, { architecture: "tiny" }],
  ["it", "base-memory", { seed: 3, decoder: 4 }, { architecture: "base-memory" }],
  [
    "es",
    "base, with its vocabularies split",
    { seed: 4, vocabulary: 40, targetVocabulary: 56 },
    { architecture: "base" },
  ],
  ["pt", "one that only the packed files have", { seed: 5 }, { bucket: false }],
  ["da", "one with an output table of its own", { seed: 7, untied: "Wt" }, {}],
  ["nl", "one that is unpacked on the way", { seed: 6 }, { encoding: true }],
]))
  test(`Mozilla: ${what} translates as after a conversion by hand, and the second time asks nobody`, async () => {
    const parts = studentFiles(shape);
    homes.addMozilla("en", language, parts, how);
    const expected = await byHand(named(parts, "enxx"));
    const provided = await way("en", language);
    assert.equal(await translateProvided(provided), expected);
    assert.notEqual(expected, TEXT);
    assert.equal(provided[0].origin.licence, "MPL-2.0");
    const asked = homes.take().map(({ path }) => path);
    assert.equal(asked.length, 2 + Object.keys(parts).length); // the catalogue, the bucket's list, and each file once
    assert.equal(new Set(asked).size, asked.length);
    const again = await way("en", language);
    assert.equal(await translateProvided(again), expected);
    assert.deepEqual(homes.take(), []);
    assert.deepEqual(
      readdirSync(cache)
        .map((name) => name.replace(/^.*\./, ""))
        .sort(),
      ["catalogue", "catalogue", "gguf", "json"],
    );
  });

/** A safetensors file in half precision: values that it has exactly, so that nothing is rounded. */
function halfSafetensors() {
  const state = makeModel();
  /** @type {Record<string, unknown>} */
  const header = {};
  /** @type {Uint8Array[]} */
  const parts = [];
  let at = 0;
  for (const [name, { shape, data }] of state) {
    const halves = Uint16Array.from(data, (value) => {
      const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
      const exponent = ((bits >> 23) & 255) - 112; // of numbers between 2^-14 and 2^15; smaller ones become 0
      return exponent <= 0 ? 0 : ((bits >> 16) & 0x8000) | (exponent << 10) | ((bits >> 13) & 0x3ff);
    });
    header[name] = { dtype: "F16", shape, data_offsets: [at, at + halves.byteLength] };
    parts.push(new Uint8Array(halves.buffer));
    at += halves.byteLength;
  }
  const head = new TextEncoder().encode(JSON.stringify(header));
  return concat(new Uint8Array(BigUint64Array.of(BigInt(head.length)).buffer), head, ...parts);
}

for (const [what, files] of /** @type {[string, Record<string, Uint8Array>][]} */ ([
  ["safetensors", marianFolder()],
  ["safetensors in half precision", marianFolder({}, { "model.safetensors": halfSafetensors() })],
  ["pickled weights", marianFolder({}, { "pytorch_model.bin": torchZip(makeModel()) })],
  ["weights of PyTorch before 1.6", marianFolder({}, { "pytorch_model.bin": torchLegacy(makeModel()) })],
]))
  test(`the Hub: a model with ${what} translates as after a conversion by hand`, async () => {
    const name = `Helsinki-NLP/opus-mt-${what[0]}-${what.length}`;
    const commit = homes.addHub(name, files, { pages: 2 });
    const registries = [hub({ repositories: [`${name}`], token: "secret" })];
    const provided = await way("en", "de", { registries });
    const expected = await byHand(files, { source: ["en"], target: ["de"] });
    assert.equal(await translateProvided(provided), expected);
    assert.equal(provided[0].origin.version, commit);
    assert.equal(provided[0].origin.licence, "apache-2.0");
    const asked = homes.take();
    assert.ok(asked.some(({ host }) => host === "other"));
    for (const { host, headers } of asked)
      assert.equal(headers.authorization, host === "one" ? "Bearer secret" : undefined);
    assert.ok(asked.every(({ headers }) => /^glossa\/\d/.test(String(headers["user-agent"]))));
    assert.equal(await translateProvided(await way("en", "de", { registries })), expected);
    assert.deepEqual(homes.take(), []);
  });

test("availability and lists ask nobody before they may", async () => {
  homes.addMozilla("en", "sv", studentFiles({ seed: 8 }));
  const state = () => stateOf({ sourceLanguage: "en", targetLanguage: "sv" }, { registries: [mozilla()] }, tools);
  assert.equal(await state(), "unavailable");
  assert.deepEqual(homes.take(), []);
  const [model] = await listModels({ sourceLanguage: "en", targetLanguage: "sv" }, { registries: [mozilla()] }, tools);
  assert.equal(model.here, false);
  assert.equal(homes.take().length, 2);
  assert.equal(await state(), "downloadable");
  await way("en", "sv");
  assert.equal(await state(), "available");
});

/** @param {any} options */
const create = (options) => Translator.create({ worker: false, registries: [mozilla()], ...options });

test("create(): from two tags to a translation, by two models, with progress that never goes back, then offline", async () => {
  const [first, second] = [studentFiles({ seed: 11 }), studentFiles({ seed: 12 })];
  homes.addMozilla("pl", "en", first);
  homes.addMozilla("en", "cs", second);
  /** @type {number[]} */
  const fractions = [];
  const pair = { sourceLanguage: "pl", targetLanguage: "cs" };
  const monitor = (/** @type {EventTarget} */ m) =>
    m.addEventListener("downloadprogress", (/** @type {any} */ { loaded }) => fractions.push(loaded));
  const translator = await create({ ...pair, monitor });
  const translated = await translator.translate(TEXT);
  translator.destroy();
  assert.deepEqual(
    translator.info.models.map(({ registry, id, version, licence }) => [registry, id, version, licence]),
    [
      ["mozilla", "pl-en/base-memory", "3.0", "MPL-2.0"],
      ["mozilla", "en-cs/base-memory", "3.0", "MPL-2.0"],
    ],
  );
  assert.equal(translator.info.model.id, "pl-en/base-memory");
  assert.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  );
  assert.deepEqual([fractions[0], fractions.at(-1)], [0, 1]);
  assert.ok(fractions.length > 6);
  homes.take();
  const again = await create({ ...pair, offline: true });
  assert.equal(await again.translate(TEXT), translated);
  again.destroy();
  await assert.rejects(create({ sourceLanguage: "pl", targetLanguage: "de", offline: true }), {
    name: "NotSupportedError",
    message: /nothing may be loaded offline/,
  });
  assert.deepEqual(homes.take(), []);
});

const real = join(process.env.GLOSSA_DATA ?? "", "../registries/firefox-models.json");
const noReal =
  process.env.GLOSSA_DATA && existsSync(real) ? false : "GLOSSA_DATA has no list of Firefox's models beside it";

test("the catalogue with Firefox's real entries: all are listed, and bytes that are not theirs are refused", {
  skip: noReal,
}, async () => {
  const own = await startHomes();
  try {
    const { models } = JSON.parse(readFileSync(real, "utf8"));
    const hash = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");
    /** @type {Record<string, string>} */
    const types = {
      "model.": "model",
      "lex.": "lex",
      "vocab.": "vocab",
      "srcvocab.": "srcvocab",
      "trgvocab.": "trgvocab",
    };
    for (const { architecture, pair, files, model } of models)
      for (const { name, bytes, sha256 } of files) {
        const type = types[Object.keys(types).find((start) => name.startsWith(start)) ?? ""];
        if (!type) continue; // models that judge translations
        own.records.push({
          id: hash(name + architecture).slice(0, 36),
          name: name.replace(/\.gz$/, ""),
          fileType: type,
          sourceLanguage: model.source.replace("_", "-"),
          targetLanguage: model.target.replace("_", "-"),
          architecture,
          version: "3.0",
          decompressedSize: type === "model" ? model.bytes : 2 * bytes,
          decompressedHash: type === "model" ? model.sha256 : hash(sha256),
          attachment: {
            filename: name,
            size: bytes,
            hash: sha256,
            location: `main-workspace/${pair}/${architecture}/${name}`,
          },
        });
        own.put(`one/attachments/main-workspace/${pair}/${architecture}/${name}`, Buffer.alloc(1000, 7));
      }
    own.publish();
    const registries = [{ registry: /** @type {const} */ ("mozilla"), ...own.mozilla }];
    const listed = await listModels({}, { registries }, tools);
    assert.equal(listed.length, 137);
    const { snapshot } = await import("../../src/js/registry/snapshot.js");
    assert.deepEqual(
      new Set(
        snapshot.models.map(([source, target, variant]) => `${source}-${target}/${variant}`.replace("zh-Hans", "zh")),
      ),
      new Set(listed.map(({ id }) => id.replace("zh-Hans", "zh"))),
    );
    const options = { registries, variant: "tiny" };
    const refused = provide({ sourceLanguage: "en", targetLanguage: "et" }, options, tools);
    await assert.rejects(refused, {
      name: "DataError",
      message: /attachments\/main-workspace\/enet\/tiny\/.* damaged/,
    });
  } finally {
    await own.close();
  }
});

test("what a page's policy has to name for Mozilla: paths, not origins; those of a mirror in their place", () => {
  assert.deepEqual(mozillaSources(), [
    "https://firefox.settings.services.mozilla.com/v1/",
    "https://storage.googleapis.com/storage/v1/b/moz-fx-translations-data--303e-prod-translations-data/o/",
    "https://firefox-settings-attachments.cdn.mozilla.net/",
  ]);
  const mirror = "https://mirror.example/models;a,b";
  assert.deepEqual(mozillaSources({ files: mirror, attachments: `${mirror}/` }), [
    mozillaAddresses.catalogue,
    "https://mirror.example/models%3Ba%2Cb/",
  ]);
});
