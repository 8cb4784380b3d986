// Glossa in Chromium: this process drives the browser and passes requests on to the page.

import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { serveFolders } from "../../../src/js/cli/server.js";
import { launchChromium } from "../../web/browser.js";
import { serve } from "./serve.js";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** @type {import("playwright-core").Browser | undefined} */
let browser;
/** @type {import("playwright-core").Page | undefined} */
let page;
/** @type {Awaited<ReturnType<typeof serveFolders>> | undefined} */
let server;

/** @param {string} models the folder of the models */
async function open(models) {
  server ??= await serveFolders({ mounts: { "/": root, "/models/": models } });
  browser ??= await launchChromium();
  if (page) return page;
  page = await browser.newPage();
  await page.goto(`${server.url}tests/bench/contenders/page.html`);
  await page.waitForFunction(() => "bench" in globalThis);
  return page;
}

/** @param {keyof import("./page.js").PageBench} verb @param {any} options */
const pass = async (verb, options) =>
  /** @type {import("playwright-core").Page} */ (page).evaluate(
    ([name, argument]) => /** @type {any} */ (globalThis).bench[name](argument),
    [verb, options],
  );

/** @param {{ model: string, wasm?: string }} options paths become URLs */
const located = ({ model, wasm, ...rest }) => ({
  ...rest,
  model: `/models/${basename(model)}`,
  ...(wasm ? { wasm: `/dist/${basename(wasm)}` } : {}),
});

await serve({
  async about() {
    browser ??= await launchChromium();
    return { runtime: `Chromium ${browser.version()}` };
  },
  async load(options) {
    await open(dirname(options.model));
    return pass("load", located(options));
  },
  async cold(options) {
    await open(dirname(options.model));
    return pass("cold", located(options));
  },
  batch: (options) => pass("batch", options),
  singles: (options) => pass("singles", options),
  async close() {
    await browser?.close();
    await server?.close();
  },
});
