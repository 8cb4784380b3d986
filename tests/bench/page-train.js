// How the training room does at its default task: steps and pictures a second, when the map begins to show something,
// the longest task of the main thread, and what the room takes of memory.

import { readFileSync } from "node:fs";
import { longestOf, mainThreadTasks } from "./page-trace.js";

const WATCHED = 20_000; // milliseconds of a training
const STRUCTURE = 0.3; // of a row's weight on the right place: three times what even weights give of nine places
const PATIENCE = 120_000;
const SETTLED = 5000; // milliseconds after which a page that was opened takes no more memory by itself

/** @typedef {import("playwright-core").Browser} Browser */

/**
 * Counts pictures (another step in the map's label) and notes when the weight on the right place, of the best head,
 * is first above a share.
 * @param {number} share
 */
function watch(share) {
  const seen = Object.assign(window, { pictures: 0, structure: 0, begun: performance.now() });
  let last = "";
  new MutationObserver(() => {
    const label = document.querySelector(".train-run .map")?.getAttribute("aria-label") ?? "";
    if (label !== last) seen.pictures++;
    last = label;
    const shares = document.querySelector(".train-right")?.textContent?.match(/\d+(?= %)/g) ?? [];
    if (Number(shares[1]) >= share * 100) seen.structure ||= performance.now() - seen.begun;
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

const stepOf = () => Number(/\d+/.exec(document.querySelector(".train-status")?.textContent ?? "")?.[0]);

/**
 * A training from its first step on, as the reader watches it.
 * @param {Browser} browser @param {string} url of the page @param {number} rate times that the main thread is slower
 */
export async function measureTraining(browser, url, rate) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const devtools = await page.context().newCDPSession(page);
  await page.goto(`${url}#/train?ui=en`);
  await page.locator(".map canvas").waitFor();
  await devtools.send("Emulation.setCPUThrottlingRate", { rate });
  await page.evaluate(watch, STRUCTURE);
  await browser.startTracing(page, { categories: ["toplevel"] });
  await page.locator(".train-bar .play").click();
  await page.waitForFunction(() => Number(Reflect.get(window, "pictures")) > 1);
  const begun = await page.evaluate(() => ({ at: performance.now(), pictures: Reflect.get(window, "pictures") }));
  const first = await page.evaluate(stepOf);
  await page.waitForTimeout(WATCHED);
  const end = await page.evaluate(() => ({
    at: performance.now(),
    pictures: Reflect.get(window, "pictures"),
    structure: Reflect.get(window, "structure"),
  }));
  const steps = (await page.evaluate(stepOf)) - first;
  const longest = longestOf(mainThreadTasks(JSON.parse((await browser.stopTracing()).toString())));
  const seconds = (end.at - begun.at) / 1000;
  await page.close();
  const { structure } = end;
  return { steps: steps / seconds, pictures: (end.pictures - begun.pictures) / seconds, structure, longest };
}

/**
 * Bytes that processes of pages have to themselves, workers and WebAssembly included; of Linux alone.
 * @param {Browser} browser
 */
async function ownMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const pages = processInfo.filter(({ type }) => type === "renderer");
  const anonymous = pages.map(({ id }) => /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]);
  return anonymous.reduce((sum, kilobytes) => sum + Number(kilobytes) * 1024, 0);
}

/**
 * Bytes that the room adds while 1000 steps are trained in it, at most, to those of the page with its model.
 * @param {Browser} browser @param {string} url
 */
export async function measureMemory(browser, url) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${url}#/translate?ui=en`);
  await page.locator(".model-chip.ready").waitFor();
  await page.waitForTimeout(SETTLED);
  const before = await ownMemory(browser);
  await page.evaluate(() => location.assign("#/train?steps=1000"));
  await page.locator(".map canvas").waitFor();
  await page.locator(".train-bar .play").click();
  let most = 0;
  while (await page.evaluate(() => !document.querySelector(".train-status")?.textContent?.includes("Done"))) {
    await page.waitForTimeout(500);
    most = Math.max(most, await ownMemory(browser));
  }
  await page.close();
  return { before, room: most - before };
}
