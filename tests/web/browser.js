// A browser for the tests of the page: Chromium, from GLOSSA_CHROMIUM or the PATH, driven by Playwright.

import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser's path, or undefined where the machine has none. */
export function findChromium() {
  if (process.env.GLOSSA_CHROMIUM) return process.env.GLOSSA_CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

/** Why tests of the page cannot run here, for the `skip` option of node:test; false where they can. */
export const noBrowser = findChromium() ? false : "no Chromium: set GLOSSA_CHROMIUM or install chromium";

/** @param {string[]} [args] more flags */
export function launchChromium(args = []) {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      "--no-sandbox", // continuous integration runs as root, where Chromium has no sandbox
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
}

/**
 * Collects what must not happen on a page: uncaught errors, errors on the console, failed requests.
 * @param {import("playwright-core").Page} page
 */
export function watchPage(page) {
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(`uncaught ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("requestfailed", (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.url()}: HTTP ${response.status()}`);
  });
  return faults;
}

/**
 * Opens a page in a context of its own, as a new visitor has it.
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  return { page, faults: watchPage(page), close: () => context.close() };
}

/**
 * What a button saves.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} button
 */
export async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/**
 * What the menu of a figure saves.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} figure
 * @param {"SVG" | "PNG" | "JSON"} kind
 */
export async function exported(page, figure, kind) {
  const menu = figure.locator(".figure-menu");
  if ((await menu.getAttribute("open")) === null) await menu.locator("summary").click();
  return saved(page, menu.getByRole("button", { name: `Export as ${kind}` }));
}

/** Opens a figure's table. @param {import("playwright-core").Locator} figure */
export async function openTable(figure) {
  if ((await figure.locator(".table-box td").count()) > 0) return;
  const menu = figure.locator(".figure-menu");
  if ((await menu.getAttribute("open")) === null) await menu.locator("summary").click();
  await menu.getByRole("button", { name: "Table" }).click();
  await figure.locator(".table-box td").first().waitFor();
}

/** Opens a part of the first room that is closed at first. @param {import("playwright-core").Page} page @param {string} name */
export async function openPart(page, name) {
  await page.locator(`[data-part="${name}"] > summary`).click();
}

/** Opens the drawer for model and engine. @param {import("playwright-core").Page} page */
export async function openDrawer(page) {
  await page.locator(".model-chip").click();
  await page.locator("#drawer #beam").waitFor();
}
