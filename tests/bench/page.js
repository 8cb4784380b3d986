// How fast the page answers: types a sentence key by key in Chromium and prints what the reader would feel. Then a page
// of anybody's translates a long text through the package, and what it would feel is printed too. Last, the training room.
// Usage: node tests/bench/page.js [train]    (train: nothing but the training room)

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { serveFolders } from "../../src/js/cli/server.js";
import { launchChromium, noBrowser } from "../web/browser.js";
import { model, openSite } from "../web/site.js";
import { longestOf, mainThreadTasks } from "./page-trace.js";
import { measureMemory, measureTraining } from "./page-train.js";

// A colour for each run: a sentence that was translated before is remembered by the page.
const COLOURS = ["red", "blue", "green", "white", "black", "yellow", "pink", "purple", "brown", "gray"];
const DEBOUNCE = 80; // as web/engine.js has it
const SLOWER = 4; // times, of a phone beside this machine: the main thread has a quarter of its speed, the worker all of it

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * The longest task of the main thread while a text of 300 sentences is translated.
 * @param {import("playwright-core").Browser} browser
 * @param {boolean} worker
 */
async function longestTask(browser, worker) {
  const server = await serveFolders({ mounts: { "/": fileURLToPath(new URL("../../", import.meta.url)) } });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}web/icon.svg`);
    await page.evaluate(
      async ({ base, model, worker }) => {
        const { Translator } = await import(`${base}src/js/index.js`);
        Object.assign(globalThis, { made: await Translator.create({ model: base + model, worker }) });
        await Reflect.get(globalThis, "made").translate("A dog runs.");
      },
      { base: server.url, model: `models/${basename(model)}`, worker },
    );
    await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
    await page.evaluate(async () => {
      const all = Array.from(
        { length: 150 },
        (_, i) => `A man in shirt number ${i} is walking his brown dog along the river in the morning. Two women wait.`,
      );
      await Reflect.get(globalThis, "made").translate(all.join(" "));
    });
    const tasks = mainThreadTasks(JSON.parse((await browser.stopTracing()).toString()));
    await page.close();
    return longestOf(tasks);
  } finally {
    await server.close();
  }
}

/**
 * Types sentences key by key and waits for each.
 * @param {import("playwright-core").Page} page
 * @param {number} rate how many times slower the main thread is made
 */
async function measureTyping(page, rate) {
  await page.locator("#source").fill("");
  await page.locator("#target:empty").waitFor({ state: "attached" });
  await page.evaluate(() => void Object.assign(window, { shift: 0 }));
  const browser = /** @type {import("playwright-core").Browser} */ (page.context().browser());
  const first = [];
  const whole = [];
  const tasks = [];
  for (const colour of COLOURS) {
    const sentence = `A young girl in a ${colour} ${rate > 1 ? "skirt" : "dress"} is jumping over a puddle.`;
    await page.locator("#source").focus();
    await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
    await page.keyboard.type(sentence.slice(0, -1), { delay: 30 });
    await page.waitForTimeout(500 * rate);
    await page.keyboard.type(sentence.slice(-1));
    await page.waitForFunction(() => /** @type {any} */ (window).explained > /** @type {any} */ (window).key);
    const times = await page.evaluate(() => {
      const { key, changed, explained } = /** @type {any} */ (window);
      // The old words stay until there are others: a full stop may change none.
      return { early: (changed || explained) - key, late: explained - key };
    });
    first.push(times.early - DEBOUNCE);
    whole.push(times.late - DEBOUNCE);
    tasks.push(...mainThreadTasks(JSON.parse((await browser.stopTracing()).toString())));
    await page.locator("#source").fill("");
    await page.waitForTimeout(200);
  }
  const shift = await page.evaluate(() => /** @type {any} */ (window).shift);
  return { first: median(first), whole: median(whole), longest: longestOf(tasks), shift };
}

/** @param {string} what @param {string} value */
const print = (what, value) => console.log(`${what.padEnd(66)} ${value}`);

const SPEEDS = /** @type {[number, string][]} */ ([
  [1, ""],
  [SLOWER, `, main thread at 1/${SLOWER} of its speed`],
]);

/** @typedef {Awaited<ReturnType<typeof openSite>>} Site */

/** The first room. @param {import("playwright-core").Browser} browser @param {Site} site */
async function printTranslating(browser, site) {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    /** @type {any} */
    const seen = Object.assign(window, {
      shift: 0,
      key: 0,
      changed: 0,
      explained: 0,
    });
    // The time of the last key, of the first change of the output after it, and of the whole answer.
    document.addEventListener("input", () => {
      const before = document.querySelector("#target")?.textContent ?? "";
      Object.assign(seen, { key: performance.now(), changed: 0, explained: 0, before });
    });
    document.addEventListener("DOMContentLoaded", () => {
      new MutationObserver(() => {
        const output = document.querySelector("#target");
        if (!seen.changed && output?.textContent !== seen.before) seen.changed = performance.now();
        if (!output?.querySelector(".pending") && output?.querySelector(".word")) seen.explained ||= performance.now();
      }).observe(document.body, { childList: true, characterData: true, subtree: true });
    });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput } = /** @type {PerformanceEntry & {value: number, hadRecentInput: boolean}} */ (
          entry
        );
        if (!hadRecentInput) seen.shift += value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(`${site.url}#text=A+dog+runs.`);
  await page.locator(".output .word").first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  for (const [rate, how] of SPEEDS) {
    await devtools.send("Emulation.setCPUThrottlingRate", { rate });
    const { first, whole, longest, shift } = await measureTyping(page, rate);
    print(`first target text after the debounce, median of ${COLOURS.length}${how}`, `${first.toFixed(0)} ms`);
    print(`whole sentence, with attention, after the debounce${how}`, `${whole.toFixed(0)} ms`);
    const { cpu, wall } = longest;
    print(`longest main-thread task while typing${how}`, `${cpu.toFixed(0)} ms of CPU, ${wall.toFixed(0)} ms in all`);
    print(`layout shift not caused by input${how}`, shift.toFixed(4));
  }
  await page.close();
}

/** @param {import("playwright-core").Browser} browser @param {Site} site */
async function printCode(browser, site) {
  const code = readdirSync(site.out).filter((name) => /\.(js|css|html|svg)$/.test(name));
  const zipped = (/** @type {string[]} */ names) =>
    names.reduce((sum, name) => sum + gzipSync(readFileSync(join(site.out, name))).length, 0);
  print("page code, gzipped", `${(zipped(code) / 1000).toFixed(1)} kB`);
  print(
    "page code with both WebAssembly builds, gzipped",
    `${((zipped(code) + zipped(["glossa-simd128.wasm", "glossa-relaxed.wasm"])) / 1000).toFixed(1)} kB`,
  );
  for (const worker of [true, false]) {
    const { cpu, wall } = await longestTask(browser, worker);
    const where = worker ? "in a worker" : "in place";
    print(
      `longest main-thread task, 300 sentences ${where}`,
      `${cpu.toFixed(1)} ms of CPU, ${wall.toFixed(1)} ms in all`,
    );
  }
}

/** @param {import("playwright-core").Browser} browser @param {Site} site */
async function printTraining(browser, site) {
  for (const [rate, how] of SPEEDS) {
    const { steps, pictures, structure, longest } = await measureTraining(browser, site.url, rate);
    print(`training at batch 16, as it is watched${how}`, `${steps.toFixed(1)} steps/s`);
    print(`pictures of its attention${how}`, `${pictures.toFixed(1)} a second`);
    print(`first structure in the map${how}`, structure ? `${(structure / 1000).toFixed(1)} s` : "none");
    const { cpu, wall } = longest;
    print(`longest main-thread task while training${how}`, `${cpu.toFixed(0)} ms of CPU, ${wall.toFixed(0)} ms in all`);
  }
  const { before, room } = await measureMemory(browser, site.url);
  print("memory of the training room, at most, in 1000 steps", `${(room / 1e6).toFixed(1)} MB`);
  print("memory of the page before, with its model", `${(before / 1e6).toFixed(1)} MB`);
}

if (noBrowser) throw new Error(noBrowser);
const site = await openSite();
const browser = await launchChromium();
try {
  if (process.argv[2] !== "train") {
    await printTranslating(browser, site);
    await printCode(browser, site);
  }
  await printTraining(browser, site);
} finally {
  await browser.close();
  await site.close();
}
