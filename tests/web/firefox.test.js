// The page in Firefox: GLOSSA_FIREFOX or firefox-esr on the PATH, driven by puppeteer-core.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { tool } from "../package/consumer.js";
import { noSite, openSite } from "./site.js";

const folders = (process.env.PATH ?? "").split(delimiter);
const names = ["firefox-esr", "firefox"];
const firefox =
  process.env.GLOSSA_FIREFOX ?? folders.flatMap((at) => names.map((name) => join(at, name))).find(existsSync);
const skip = noSite || (firefox ? false : "no Firefox: set GLOSSA_FIREFOX or install it");

test("the page in Firefox", { skip }, async (t) => {
  const folder = await tool("puppeteer-core", "24");
  if (!folder) return t.skip("npm cannot get puppeteer-core");
  const { default: puppeteer } = await import(pathToFileURL(join(folder, "lib/esm/puppeteer/puppeteer-core.js")).href);
  const site = await openSite();
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (/** @type {unknown} */ error) => faults.push(String(error)));
    for (const [view, selector] of [
      ["translate", ".threads .thread"],
      ["attention", ".large svg rect[data-value]"],
      ["effect", ".switches .switch"],
      ["inside", ".token-box"],
      ["model", ".facts dd"],
    ]) {
      await page.goto(`${site.url}#view=${view}&text=A+dog+runs.`); // the first loads the page, the others lead it on
      await page.waitForSelector(".output .word");
      await page.waitForSelector(selector);
    }
    await page.keyboard.press("Escape");
    await page.click("#rooms a");
    await page.type("#source", " A cat sleeps.");
    await page.waitForFunction("document.querySelectorAll('.output .line:not(.pending)').length === 2");
    for (const step of ["4-scores", "9-forward", "14-beam"]) {
      await page.goto(`${site.url}#/inside/${step}?t=A+dog+runs.`);
      await page.waitForSelector(".stage .number");
    }
    await page.goto(`${site.url}#/zoo/scores?f=additive`);
    await page.waitForSelector(".zoo .bar");
    await page.goto(`${site.url}#/train?steps=100&ui=en`);
    await page.waitForSelector(".map canvas");
    await page.waitForSelector(".train-bar .play:not([disabled])");
    await page.click(".train-bar .play");
    await page.waitForFunction("/Done after 100 steps/.test(document.querySelector('.train-status').textContent)");
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
    await site.close();
  }
});
