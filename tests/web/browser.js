// A browser for the tests of the page: Chromium, from GLOSSA_CHROMIUM or the PATH, driven by Playwright.
//
// GLOSSA_SHOTS  a folder for pictures of every room and step, to be looked at; none are taken without it

import { AxeBuilder } from "@axe-core/playwright";
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** @typedef {import("playwright-core").Page} Page */

export const PATIENCE = 60_000; // milliseconds that a busy machine may take

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
 * @param {Page} page
 */
export function watchPage(page) {
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(`uncaught ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("requestfailed", (request) => {
    const { errorText } = request.failure() ?? {};
    // The browser fetches the icon by itself, and gives it up where the page is left meanwhile.
    if (errorText === "net::ERR_ABORTED" && request.url().endsWith("/icon.svg")) return;
    faults.push(`${request.url()}: ${errorText}`);
  });
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
 * Waits until the page's work on the text is done.
 * @param {Page} page
 */
export const settled = (page) => page.locator('#target[aria-busy="false"]').waitFor({ state: "attached" });

/**
 * Waits until nothing more happens by itself: everything is loaded, and what waits for an idle moment has had two.
 * Chromium may owe the idle moment for ever where it has nothing to draw and other processes keep the machine busy, so
 * the wait ends by itself, later than the page's own (4 s).
 * @param {Page} page
 */
export async function idle(page) {
  await page.waitForLoadState("networkidle");
  await page.evaluate(
    () =>
      new Promise((done) => {
        const wait = { timeout: 5000 };
        requestIdleCallback(() => requestIdleCallback(done, wait), wait);
      }),
  );
}

/**
 * A visitor who has the model: a page that a test gives back is led on to the address of the next test, as by a link
 * pasted into the open tab. A test that leaves behind what no address resets asks for a `fresh` page and closes it.
 */
export class Visitor {
  /** @type {{page: Page, faults: string[]}[]} */
  #free = [];
  #context;
  #url;

  /** @param {import("playwright-core").BrowserContext} context @param {string} url */
  constructor(context, url) {
    context.setDefaultTimeout(PATIENCE);
    this.#context = context;
    this.#url = url;
  }

  /** A new page. @param {string} hash */
  async fresh(hash) {
    const page = await this.#context.newPage();
    const faults = watchPage(page);
    await page.goto(`${this.#url}${hash}`);
    return { page, faults, close: () => page.close() };
  }

  /**
   * @param {string} hash
   * @param {{viewport?: {width: number, height: number}} & Parameters<Page["emulateMedia"]>[0]} [how]
   */
  async open(hash, { viewport = { width: 1280, height: 720 }, ...media } = {}) {
    const { page, faults } = this.#free.pop() ?? (await this.fresh("#/translate"));
    await page.mouse.move(0, 0);
    await page.setViewportSize(viewport);
    await page.emulateMedia({ media: null, colorScheme: null, reducedMotion: null, forcedColors: null, ...media });
    await page.locator(".model-chip.ready").waitFor();
    const address = /[?&]ui=/.test(hash) ? hash : `${hash}${/[?&=]/.test(hash) ? "&" : "?"}ui=en`;
    await page.evaluate((to) => {
      history.replaceState(null, "", "#/");
      location.assign(to);
    }, address);
    await page.waitForFunction(() => history.state?.glossa);
    await settled(page);
    const close = async () => {
      this.#free.push({ page, faults });
    };
    return { page, faults, close };
  }
}

/**
 * What axe finds.
 * @param {Page} page
 * @param {string[]} parts none: the whole page
 */
export async function findings(page, ...parts) {
  // The page has no frames, so there is nothing for axe's second page to do.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  for (const part of parts) axe.include(part);
  const { violations } = await axe.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((one) => one.html.slice(0, 160)).join(" | ")}`);
}

/** A picture of the page, where somebody wants to look at it. @param {Page} page @param {string} name @param {boolean} [fullPage] */
export async function shot(page, name, fullPage = true) {
  const folder = process.env.GLOSSA_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}

const FILES = 10; // that Chromium lets a page save in a second; the next it drops without a word
/** When each page saved its last files. @type {WeakMap<Page, number[]>} */
const savedAt = new WeakMap();

/**
 * What a button saves.
 * @param {Page} page
 * @param {import("playwright-core").Locator} button
 */
export async function saved(page, button) {
  const times = savedAt.get(page) ?? [];
  if (times.length === FILES) await page.waitForTimeout(Math.max(0, times[0] + 1100 - Date.now()));
  savedAt.set(page, [...times, Date.now()].slice(-FILES));
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/**
 * What the menu of a figure saves.
 * @param {Page} page
 * @param {import("playwright-core").Locator} figure
 * @param {"SVG" | "PNG" | "JSON"} kind
 */
export async function exported(page, figure, kind) {
  const menu = figure.locator(".figure-menu");
  await unfold(menu);
  return saved(page, menu.getByRole("button", { name: `Export as ${kind}` }));
}

/** Opens a figure's table. @param {import("playwright-core").Locator} figure */
export async function openTable(figure) {
  if ((await figure.locator(".table-box td").count()) > 0) return;
  const menu = figure.locator(".figure-menu");
  await unfold(menu);
  await menu.getByRole("button", { name: "Table" }).click();
  await figure.locator(".table-box td").first().waitFor();
}

/** Opens what can be folded. @param {import("playwright-core").Locator} details */
async function unfold(details) {
  if ((await details.getAttribute("open")) === null) await details.locator("> summary").click();
}

/** Opens a part of the first room that is closed at first. @param {Page} page @param {string} name */
export const openPart = (page, name) => unfold(page.locator(`[data-part="${name}"]`));

/** Opens the options of the attention. @param {Page} page */
export const openOptions = (page) => unfold(page.locator(".options"));

/** Opens the drawer for model and engine. @param {Page} page */
export async function openDrawer(page) {
  await page.locator(".model-chip").click();
  await page.locator("#drawer #beam").waitFor();
}
