// The page as `npm start` serves it, in a real browser: it loads, translates what is typed, and draws the attention.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serveFolders } from "../../src/js/cli/server.js";
import { launchChromium, noBrowser, openPage } from "./browser.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const noModel = existsSync(join(root, "models/en-de.gguf")) ? false : "models/en-de.gguf is not there";

describe("the page", { skip: noBrowser || noModel }, () => {
  /** @type {Awaited<ReturnType<typeof serveFolders>>} */
  let server;
  /** @type {import("playwright-core").Browser} */
  let browser;

  before(async () => {
    // under a sub-path, as static hosting may have it
    server = await serveFolders({
      mounts: { "/demo/": join(root, "dist/site"), "/demo/models/": join(root, "models") },
    });
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test("translates what is typed and draws its attention, without a fault", async () => {
    const { page, faults, close } = await openPage(browser);
    await page.goto(`${server.url}demo/`);
    await page.locator("#source").fill("A dog runs.");
    await page.locator("#target", { hasText: "Hund" }).waitFor();
    await page.locator(".threads .thread").first().waitFor();
    await page.locator("#source").fill("A cat sleeps.");
    await page.locator("#target", { hasText: "Katze" }).waitFor();
    assert.deepEqual(faults, []);
    await close();
  });
});
