// The menu of languages, what it offers and finds: without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { sourceAddress } from "../../web/build.js";
import { fetchedModels } from "../../web/fetching.js";
import { found, grouped, offersOf, offersThrough, problemOf, qualityOf } from "../../web/frame/offers.js";
import { isNonCommercial } from "../../web/languages.js";

/** @param {string} source @param {string} target @param {string} variant @returns {any} */
const model = (source, target, variant = "tiny") => ({
  ...{ registry: "mozilla", id: `${source}-${target}/${variant}`, variant, version: "", licence: "MPL-2.0" },
  ...{ origin: "https://example.org", sourceLanguages: [source], targetLanguages: [target], quality: {} },
  ...{ downloadBytes: 15e6, diskBytes: 22e6, here: false },
});

const offers = offersOf([
  model("en", "fr", "base"),
  model("fr", "en"),
  model("en", "fr", "tiny"),
  model("sl", "en"),
  model("en", "zh-Hans"),
  model("nb", "en"),
  model("en", "cs"),
  model("ja", "ko"),
]);
const ids = (/** @type {{id: string}[]} */ all) => all.map(({ id }) => id);

test("a direction is offered once, with its models in the registry's order", () => {
  assert.deepEqual(ids(offers), ["en-fr", "fr-en", "sl-en", "en-zh-Hans", "nb-en", "en-cs", "ja-ko"]);
  assert.deepEqual(
    offers[0].plans.map(({ variant }) => variant),
    ["base", "tiny"],
  );
});

test("directions stand under where English is, by the names of the reader's language", () => {
  const in_ = (/** @type {string} */ language) =>
    grouped(offers, language).map((group) => [group.title, ids(group.offers)]);
  assert.deepEqual(in_("en"), [
    ["fromEnglish", ["en-cs", "en-fr", "en-zh-Hans"]], // Czech, French, Simplified Chinese
    ["intoEnglish", ["fr-en", "nb-en", "sl-en"]], // French, Norwegian, Slovenian
    ["betweenOthers", ["ja-ko"]],
  ]);
  // 法语, 简体中文, 捷克语: by pinyin, as Chinese lists are sorted
  assert.deepEqual(in_("zh")[0], ["fromEnglish", ["en-fr", "en-zh-Hans", "en-cs"]]);
  assert.deepEqual(grouped([], "en"), []);
});

for (const [query, expected] of /** @type {[string, string[]][]} */ ([
  ["", ["en-fr", "fr-en", "sl-en", "en-zh-Hans", "nb-en", "en-cs", "ja-ko"]],
  ["French", ["en-fr", "fr-en"]],
  ["  fRén", ["en-fr", "fr-en"]],
  ["français", ["en-fr", "fr-en"]],
  ["法语", ["en-fr", "fr-en"]],
  ["英语到法语", ["en-fr", "fr-en"]],
  ["French to English", ["fr-en", "en-fr"]],
  ["english → french", ["en-fr", "fr-en"]],
  ["slov", ["sl-en"]],
  ["en-zh", ["en-zh-Hans"]],
  ["简体", ["en-zh-Hans"]],
  ["chinese", ["en-zh-Hans"]],
  ["bokmal", ["nb-en"]],
  ["日本語", ["ja-ko"]],
  ["klingon", []],
  ["to", []],
  ["(", []],
]))
  test(`a search for "${query}" finds ${expected.join(", ") || "nothing"}`, () => {
    assert.deepEqual(ids(found(offers, query)), expected);
  });

test("what is told of a model, and of what went wrong", () => {
  assert.equal(qualityOf({ comet: 0.8649, bleu: 39.6 }), "COMET 86.5, BLEU 39.6");
  assert.equal(qualityOf({}), "");
  assert.equal(problemOf("NetworkError", true), "problemNetwork");
  assert.equal(problemOf("NetworkError", false), "problemOffline");
  assert.equal(problemOf("QuotaExceededError", false), "problemRoom");
  assert.equal(problemOf("RangeError", true), "problemOther");
  for (const licence of ["CC-BY-NC-4.0", "non-commercial (research and education only)", "NonCommercial use"])
    assert.ok(isNonCommercial(licence), licence);
  for (const licence of ["MPL-2.0", "CC-BY-SA-3.0", "NCSA", "", undefined])
    assert.ok(!isNonCommercial(licence), licence);
});

test("what was fetched before is found among what is kept", () => {
  const about = { part: "model", registry: "mozilla", source: "en", target: "fr", variant: "tiny", licence: "MPL-2.0" };
  const record = { url: "glossa:mozilla/en-fr/tiny/1-1", bytes: 5, etag: "", sha256: "", complete: true, about };
  const [one, ...others] = fetchedModels([
    record,
    { ...record, url: "glossa:mozilla/en-fr/tiny/2-1" },
    { ...record, complete: false },
    { ...record, about: undefined, url: "https://example.org/en-de.gguf" },
    { ...record, about: { ...about, registry: "huggingface" } },
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual(one, {
    ...{ id: "mozilla.en-fr.tiny", source: "en", target: "fr", url: record.url, bytes: 5, licence: "MPL-2.0" },
    ...{ registry: "mozilla", variant: "tiny" },
  });
});

test("two that were fetched to go together are a pair of their own; those that were fetched by name are not", () => {
  /** @param {string} source @param {string} target @param {string[]} chosen */
  const record = (source, target, chosen) => ({
    ...{ url: `glossa:mozilla/${source}-${target}`, bytes: 5, etag: "", sha256: "", complete: true },
    about: { part: "model", registry: "mozilla", variant: "tiny", licence: "MPL-2.0", source, target, chosen },
  });
  const both = [record("fr", "en", [""]), record("en", "it", ["tiny", ""])];
  assert.deepEqual(fetchedModels([...both, record("en", "cs", ["tiny"])]).slice(3), [
    {
      ...{ id: "mozilla.fr-it.through-en", source: "fr", target: "it", url: "", bytes: 10, licence: "MPL-2.0" },
      ...{ registry: "mozilla", halves: ["mozilla.fr-en.tiny", "mozilla.en-it.tiny"] },
    },
  ]);
});

test("every one of Firefox's models, as this release knows them, has its place in the menu", async () => {
  const models = await Translator.models({ registries: [{ registry: "mozilla" }], offline: true });
  assert.ok(models.length > 100);
  const all = offersOf(models);
  const groups = grouped(all, "en");
  assert.equal(groups.flatMap((group) => group.offers).length, all.length);
  assert.equal(all.flatMap((one) => one.plans).length, models.length);
  for (const { source, target } of all) assert.ok(found(all, `${source}-${target}`).length > 0);
});

test("a direction through English is two models, those that the package would take; none that goes directly", async () => {
  assert.deepEqual(ids(offersThrough(offers)), [
    "fr-zh-Hans",
    "fr-cs",
    "sl-fr",
    "sl-zh-Hans",
    "sl-cs",
    "nb-fr",
    "nb-zh-Hans",
    "nb-cs",
  ]);
  assert.deepEqual(ids(offersThrough(offersOf([model("fr", "en"), model("en", "it"), model("fr", "it")]))), []);
  const registries = [{ registry: /** @type {const} */ ("mozilla") }];
  const through = offersThrough(offersOf(await Translator.models({ registries, offline: true })));
  assert.ok(through.length > 1000, `${through.length}`);
  for (const { source, target, plans } of through.filter((_, i) => i % 40 === 0)) {
    const taken = await Translator.models({
      sourceLanguage: source,
      targetLanguage: target,
      registries,
      offline: true,
    });
    assert.deepEqual(ids(plans[0].parts), ids(taken), `${source}-${target}`);
  }
});

test("the footer's link to the source is package.json's, or there is none", () => {
  for (const [given, address] of /** @type {[any, string][]} */ ([
    [undefined, ""],
    ["owner/name", "https://github.com/owner/name"],
    ["github:owner/name", "https://github.com/owner/name"],
    ["https://git.example.org/name", "https://git.example.org/name"],
    [{ type: "git", url: "git+https://github.com/owner/name.git" }, "https://github.com/owner/name"],
    [{ url: "git@example.org:name.git" }, ""],
    [{}, ""],
    ["javascript:alert(1)", ""],
  ])) {
    assert.equal(sourceAddress({ repository: given }), address);
    const homepage = "https://example.org/glossa#readme";
    assert.equal(sourceAddress({ repository: given, homepage }), address || homepage);
    assert.equal(sourceAddress({ repository: given, homepage: "javascript:alert(1)" }), address);
  }
});
