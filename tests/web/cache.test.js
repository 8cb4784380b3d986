// Downloads and the cache in a browser, by the package's own modules: memory that runs out, login pages, new versions.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serveFolders } from "../../src/js/cli/server.js";
import { serveModel } from "../js/model-server.js";
import { launchChromium, noBrowser } from "./browser.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bytes = readFileSync(join(root, "models/en-de.gguf"));

describe("in Chromium", { skip: noBrowser }, () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-browser-cache-"));
  /** @type {Awaited<ReturnType<typeof serveFolders>>} */
  let site;
  /** @type {Awaited<ReturnType<typeof serveModel>>} */
  let models;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {import("playwright-core").Page} */
  let page;
  /** @type {string[]} */
  const faults = [];

  before(async () => {
    writeFileSync(join(folder, "index.html"), "<!doctype html><title>blank</title>");
    const mounts = { "/": folder, "/src/": join(root, "src"), "/dist/": join(root, "dist") };
    site = await serveFolders({ mounts });
    models = await serveModel(bytes);
    browser = await launchChromium();
    page = await browser.newPage();
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(site.url);
  });
  afterEach(() => Object.assign(models.state, { portal: false, version: "" }));
  after(async () => {
    await browser?.close();
    await site?.close();
    await models?.close();
    rmSync(folder, { recursive: true });
  });

  /** What a translator of a model says, or how it could not be made. @param {string} model @param {object} [options] */
  const tried = (model, options) =>
    page.evaluate(
      async ({ model, options }) => {
        const { Translator, modelCache } = await import(/** @type {any} */ ("/src/js/index.js"));
        const kept = async () => {
          /** @type {import("../../src/js/cache-entry.js").CacheRecord[]} */
          const records = await modelCache.list();
          return records.map(({ etag, complete }) => `${etag} ${complete}`);
        };
        try {
          const translator = await Translator.create({ model, ...options });
          const text = await translator.translate("A dog runs.");
          const { notKept } = translator.info;
          translator.destroy();
          return { text, notKept, kept: await kept() };
        } catch (error) {
          const { name, message, requested } = /** @type {any} */ (error);
          return { name, message, requested, kept: await kept() };
        }
      },
      { model, options },
    );

  test("a model that does not fit is a QuotaExceededError, and the next one is loaded", async () => {
    for (const worker of [true, false]) {
      const large = await tried(`${models.url}?length=5368709120`, { worker });
      assert.deepEqual([large.name, large.requested, large.kept], ["QuotaExceededError", 5 * 2 ** 30, []]);
      assert.match((await tried(models.url, { worker, cache: false })).text, /Hund/);
    }
  });

  test("a login page is not kept and takes nothing of what is; a new version takes the place of the old one", async () => {
    models.state.portal = true;
    const page = await tried(models.url);
    assert.match(`${page.name} ${page.message}`, /DataError .*it is an HTML page/);
    assert.deepEqual(page.kept, []);
    Object.assign(models.state, { portal: false, version: "1" });
    assert.deepEqual((await tried(models.url)).kept, ['"1" true']);
    models.state.portal = true;
    assert.match((await tried(models.url)).text, /Hund/);
    Object.assign(models.state, { portal: false, version: "2" });
    const second = await tried(models.url);
    assert.deepEqual([second.notKept, second.kept], ["", ['"2" true']]);
    models.requests.length = 0;
    assert.match((await tried(models.url)).text, /Hund/);
    assert.deepEqual(
      models.requests.map(({ method }) => method),
      ["HEAD"],
      "from the cache",
    );
  });

  test("what a closed page left whole is completed, and not asked for again", async () => {
    models.state.version = "1";
    await tried(models.url);
    const undone = await page.evaluate(async () => {
      const cache = await caches.open("glossa-models");
      const records = (await cache.keys()).filter(({ url }) => url.endsWith("/record"));
      for (const request of records) {
        const record = await (await cache.match(request))?.json();
        await cache.put(request, new Response(JSON.stringify({ ...record, complete: false, sha256: "" })));
      }
      return records.length;
    });
    assert.equal(undone, 1);
    models.requests.length = 0;
    const { text, kept } = await tried(models.url);
    assert.match(text, /Hund/);
    assert.deepEqual(kept, ['"1" true']);
    assert.deepEqual(
      models.requests.map(({ method }) => method),
      ["HEAD"],
    );
  });

  test("a worker passes over messages that are not ours", async () => {
    const name = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const worker = new Worker("/src/js/worker.js", { type: "module" });
          worker.onmessage = ({ data }) => resolve(data.error.name);
          worker.onerror = ({ message }) => resolve(message);
          for (const message of [null, 3, {}, { id: 1 }, { id: 2, type: "measure", texts: ["a"] }])
            worker.postMessage(message);
        }),
    );
    assert.equal(name, "InvalidStateError");
  });

  test("nothing was thrown into the page", () => assert.deepEqual(faults, []));
});
