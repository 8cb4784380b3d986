// Models from their homes in browsers: in a page of another origin than the homes, under a strict policy, by the package's
// own modules and parts.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { folder as marianFolder } from "../js/marianmt-folder.js";
import { fileName, startHomes, studentFiles } from "../js/registry-homes.js";
import { ROOT, serve, tool } from "../package/consumer.js";
import { launchChromium, noBrowser } from "./browser.js";

const TEXT = "ab cd ef gh ba dc";
const MODEL = /\/bucket\/.*\/model\./;
const built = existsSync(join(ROOT, "dist/registry.js")) ? false : "dist is not built";

/** @typedef {{evaluate: (work: any, argument?: any) => Promise<any>, goto: (url: string) => Promise<any>}} BrowserPage */

/** Runs in the page. @param {{pair: object, registries: any[], options?: object}} wanted */
async function translateInPage({ pair, registries, options = {} }) {
  const { Translator, modelCache, mozilla, huggingFace } = await import(/** @type {any} */ ("/src/js/index.js"));
  const named = registries.map(({ kind, ...addresses }) => (kind === "mozilla" ? mozilla : huggingFace)(addresses));
  const state = await Translator.availability({ ...pair, registries: named });
  try {
    /** @type {number[]} */
    const loaded = [];
    const monitor = (/** @type {EventTarget} */ m) =>
      m.addEventListener("downloadprogress", (/** @type {any} */ event) => loaded.push(event.loaded));
    const translator = await Translator.create({ ...pair, registries: named, monitor, ...options });
    const text = await translator.translate("ab cd ef gh ba dc");
    const { licence, id } = translator.info.model;
    const { workers } = translator.info;
    translator.destroy();
    const sorted = loaded.every((value, i) => i === 0 || value > loaded[i - 1]);
    const kept = (await modelCache.list()).map(
      (/** @type {any} */ { about, complete }) => `${about?.part} ${complete}`,
    );
    const after = await Translator.availability({ ...pair, registries: named });
    return { state, after, text, licence, id, workers, sorted, kept };
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    return { state, error: `${name}: ${message}` };
  }
}

/** What a conversion by hand gives. @param {Record<string, Uint8Array>} files @param {object} [languages] */
async function byHand(files, languages) {
  const { blob } = await convertToBlob(Object.entries(files), languages);
  const translator = await Translator.create({ model: blob, worker: false });
  const text = await translator.translate(TEXT);
  translator.destroy();
  return text;
}

/**
 * @param {BrowserPage} page
 * @param {BrowserPage} second a tab of the same origin
 * @param {(origin: string, bytes?: number) => Promise<unknown>} [limit] what a site may keep, where the browser can be told
 */
async function story(page, second, limit) {
  const homes = await startHomes();
  const connect = `connect-src 'self' ${homes.origins.one} ${homes.origins.other}`;
  const policy = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; ${connect}`;
  const blank = '<!doctype html><html lang="en"><title>x</title></html>';
  const site = await serve(ROOT, { "content-security-policy": policy }, { "/": blank });
  const registries = [
    { kind: "mozilla", ...homes.mozilla },
    { kind: "hub", ...homes.hub, repositories: ["Some-Body/opus-mt-en-de"] },
  ];
  const run = (/** @type {object} */ pair, options = {}, tab = page) =>
    tab.evaluate(translateInPage, { pair, registries, options });
  const [french, split, packed] = [
    studentFiles({ seed: 41, width: 64, ffn: 128 }),
    studentFiles({ seed: 42, vocabulary: 40, targetVocabulary: 56 }),
    studentFiles({ seed: 43 }),
  ];
  try {
    homes.addMozilla("en", "fr", french);
    homes.addMozilla("en", "zh-Hans", split, { architecture: "base" });
    homes.addMozilla("en", "es", packed, { bucket: false });
    homes.addHub("Some-Body/opus-mt-en-de", marianFolder());
    await page.goto(site.url);
    const none = await page.evaluate(translateInPage, {
      pair: { sourceLanguage: "en", targetLanguage: "fr" },
      registries: [],
    });
    assert.equal(none.state, "unavailable");
    assert.match(none.error, /^NotSupportedError: .*registries: \[mozilla\(\)\]/);
    assert.equal(homes.take().length, 0);

    const pair = { sourceLanguage: "en", targetLanguage: "fr" };
    const named = Object.fromEntries(Object.entries(french).map(([type, bytes]) => [fileName(type, "enfr"), bytes]));
    const expected = await byHand(named);
    const first = await run(pair);
    assert.deepEqual(
      { ...first, text: first.text === expected },
      {
        state: "unavailable", // nothing is known of these homes, and nobody was asked
        after: "available",
        text: true,
        licence: "MPL-2.0",
        id: "en-fr/base-memory",
        workers: 1,
        sorted: true,
        kept: ["model true"],
      },
      first.error,
    );
    const chinese = await run({ sourceLanguage: "en", targetLanguage: "zh-CN" }, { worker: false });
    assert.equal(chinese.licence, "MPL-2.0", chinese.error);
    const spanish = await run({ sourceLanguage: "en", targetLanguage: "es" });
    assert.equal(spanish.after, "available", spanish.error);
    const german = await run({ sourceLanguage: "en", targetLanguage: "de" });
    assert.equal(german.text, await byHand(marianFolder(), { source: ["en"], target: ["de"] }), german.error);

    // a damaged file is refused, and the next attempt is right
    homes.addMozilla("en", "it", studentFiles({ seed: 44 }));
    await page.evaluate(() => caches.delete("glossa-files"));
    const italian = { sourceLanguage: "en", targetLanguage: "it" };
    homes.rule(/en-it.*model\./, (answer) => ({ ...answer, body: Buffer.from(answer.body).fill(0, 900, 920) }));
    assert.match((await run(italian)).error, /^DataError: .*\/model\.enit\..*damaged/);
    homes.rules.length = 0;
    const mended = await run(italian);
    assert.equal(mended.after, "available", mended.error);

    if (limit) {
      await limit(site.url, 40_000);
      const full = await run({ sourceLanguage: "en", targetLanguage: "it" }, { variant: "smallest", cache: true });
      assert.equal(full.after, "available", full.error); // it is here already
      homes.addMozilla("en", "nl", studentFiles({ seed: 46, width: 64, ffn: 128 }));
      await page.evaluate(() => caches.delete("glossa-files"));
      const dutch = { sourceLanguage: "en", targetLanguage: "nl" };
      assert.match(
        (await run(dutch)).error,
        /^QuotaExceededError: .*(needs \d+ bytes while it is made|no room for http)/,
      );
      await limit(site.url);
      assert.equal((await run(dutch)).after, "available");
    }

    // two tabs load it once
    homes.addMozilla("en", "pt", studentFiles({ seed: 45, width: 64, ffn: 128 }));
    await page.evaluate(() => caches.delete("glossa-files"));
    await second.goto(site.url);
    homes.take();
    const portuguese = { sourceLanguage: "en", targetLanguage: "pt" };
    const both = await Promise.all([run(portuguese), run(portuguese, {}, second)]);
    assert.equal(both[0].text, both[1].text, `${both[0].error} ${both[1].error}`);
    assert.equal(homes.take(MODEL).length, 1);

    await homes.close();
    await page.goto(site.url);
    assert.equal((await run(pair)).text, expected, "without a server");
    assert.equal((await run(pair, { offline: true })).text, expected);
    assert.match((await run({ sourceLanguage: "ja", targetLanguage: "en" }, { offline: true })).error, /offline/);
  } finally {
    await homes.close().catch(() => {});
    await site.close();
  }
}

test("models from their homes in Chromium", { skip: noBrowser || built }, async () => {
  const browser = await launchChromium();
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    const session = await context.newCDPSession(page);
    const limit = (/** @type {string} */ origin, /** @type {number | undefined} */ quotaSize) =>
      session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
    await story(/** @type {any} */ (page), /** @type {any} */ (await context.newPage()), limit);
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
});

const folders = (process.env.PATH ?? "").split(delimiter);
const firefox =
  process.env.GLOSSA_FIREFOX ??
  folders.flatMap((at) => ["firefox-esr", "firefox"].map((name) => join(at, name))).find(existsSync);

test("models from their homes in Firefox", {
  skip: built || (firefox ? false : "no Firefox: set GLOSSA_FIREFOX or install it"),
}, async (t) => {
  const folder = await tool("puppeteer-core", "24");
  if (!folder) return t.skip("npm cannot get puppeteer-core");
  const { default: puppeteer } = await import(pathToFileURL(join(folder, "lib/esm/puppeteer/puppeteer-core.js")).href);
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
  try {
    await story(await browser.newPage(), await browser.newPage());
  } finally {
    await browser.close();
  }
});
