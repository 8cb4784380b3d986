// The training room: a real network learns in the browser, is stopped, kept, switched and opened in Look inside.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { framesOf, Thinned } from "../../web/rooms/train/history.js";
import { checkPairs } from "../../web/rooms/train/pairs.js";
import { rightColumns, rightWeights } from "../../web/rooms/train/rules.js";
import { plain, readSettings, start, writeSettings } from "../../web/rooms/train/settings.js";
import { findings, idle, launchChromium, openPage, PATIENCE, shot } from "./browser.js";
import { noSite, openSite } from "./site.js";

test("what the address of the training room says is what was written; what cannot be read is as at the start", () => {
  const own = {
    ...start,
    task: /** @type {const} */ ("sort"),
    longest: 16,
    seed: 7,
    schedule: /** @type {const} */ ("plateau"),
    rate: 2,
    two: true,
    b: {
      ...{ ...plain, kind: /** @type {const} */ ("recurrent"), score: /** @type {const} */ ("cosine") },
      ...{ heads: 1, positions: false, norm: /** @type {const} */ ("batch") },
    },
  };
  assert.deepEqual(readSettings(writeSettings(own)), own);
  assert.equal(writeSettings(start), "");
  assert.deepEqual(readSettings("task=fly&len=9&seed=-1&h=3&norm=<b>&two=yes&lr=1e3"), start);
  assert.equal(readSettings("steps=999999").steps, 20000);
});

test("pasted pairs: what is wrong is named with its line", () => {
  const wordOf = (/** @type {string} */ text) => checkPairs(text).problem?.word;
  assert.equal(wordOf(""), "pairsNone");
  assert.equal(wordOf("a\tb"), "pairsOne");
  assert.equal(wordOf("a\tb\n\nc d"), "pairsNoTab");
  assert.deepEqual(checkPairs("a\tb\n\nc d").problem?.with, { line: 3, text: "c d" });
  assert.equal(wordOf("a\tb\n \tc"), "pairsEmpty");
  assert.equal(wordOf("ab\tcd\n".repeat(200_000)), "pairsLarge");
  assert.equal(wordOf("a\tb\nc\td"), "pairsFew");
  assert.deepEqual(checkPairs("a\tb\r\n".repeat(10)), { count: 10, problem: null });
});

test("the right place by task, and the weight on it", () => {
  const source = [..."3121"];
  assert.deepEqual(rightColumns("reverse", source, [..."1213"], 0), [3]);
  assert.deepEqual(rightColumns("copy", source, source, 2), [2]);
  assert.deepEqual(rightColumns("sort", source, [..."1123"], 1), [1, 3]);
  assert.deepEqual(rightColumns("dates", source, source, 1), []);
  // Two heads over "ab" and its end: one looks where reversing wants it, the other to the end.
  const data = [0, 1, 0, 1, 0, 0, 0, 0, 1, ...[0, 0, 1, 0, 0, 1, 0, 0, 1]];
  const map = { source: ["a", "b", "</s>"], target: ["b", "a", "</s>"], heads: 2, data, most: 1 };
  assert.deepEqual(rightWeights("reverse", map), [1, 0]);
});

test("a history is thinned evenly and is bounded", () => {
  const history = new Thinned(20);
  for (let step = 0; step <= 10_000; step++) history.add({ step });
  const steps = history.items.map((one) => one.step);
  assert.ok(steps.length > 10 && steps.length <= 20, String(steps.length));
  assert.equal(steps[0], 0);
  const gaps = new Set(steps.slice(1).map((step, i) => step - steps[i]));
  assert.equal(gaps.size, 1, steps.join(" "));
  const frames = framesOf(100_000);
  for (let step = 0; step < 1000; step++) frames.add({ step, data: new Uint8Array(0) });
  assert.ok(frames.items.length <= 60);
});

describe("the training room", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test("a network learns to reverse, is paused, resumed, kept over a reload, and translates in Look inside", async () => {
    const { page, faults, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#/train?ui=en&steps=1500`);
    const status = page.locator(".train-status");
    await page.locator(".map canvas").waitFor();
    assert.match(String(await status.textContent()), /Not begun: 1500 steps/);
    await shot(page, "train-start");
    await page.getByRole("button", { name: "One step" }).click();
    await status.getByText("Step 1 of 1500, paused.").waitFor();
    await page.getByRole("radio", { name: "Full speed" }).check();
    await page.getByRole("button", { name: "Play" }).click();
    await status.getByText("training.").waitFor();
    await page.getByRole("link", { name: "Zoo" }).click();
    await page.getByRole("link", { name: /Train.*training \d+ %/ }).click();
    await page.waitForFunction(() =>
      /Step (?:[1-9]\d\d|1\d\d\d) /.test(document.querySelector(".train-status")?.textContent ?? ""),
    );
    await page.getByRole("button", { name: "Pause" }).click();
    await status.getByText("paused.").waitFor();
    const at = Number(/Step (\d+)/.exec(String(await status.textContent()))?.[1]);
    await page.reload();
    await page.getByRole("button", { name: "Go on with it" }).click();
    await page.waitForFunction(
      (before) => Number(/(\d+)/.exec(document.querySelector(".train-status")?.textContent ?? "")?.[1]) > before,
      at,
    );
    await page.getByRole("radio", { name: "Full speed" }).check();
    await status.getByText("Done after 1500 steps.").waitFor();
    await page.locator(".train-says").first().getByText("✓").waitFor();
    const right = String(await page.locator(".curve-legend").getByText("exactly right").textContent());
    assert.ok(Number(/(\d+) %/.exec(right)?.[1]) >= 99, right);
    const said = await page.locator(".train-says code").allTextContents();
    assert.equal(said[1], [...said[0]].reverse().join(""));
    await page.getByLabel("What does it say now to").fill("1234");
    await page.locator(".train-own").getByText("4321").waitFor();
    const scrubber = page.getByRole("slider", { name: /^Step/ });
    await scrubber.focus();
    await page.keyboard.press("Home");
    await page.getByRole("slider", { name: "Step 0" }).waitFor();
    await shot(page, "train-done");
    assert.deepEqual(await findings(page), []);
    await page.getByRole("button", { name: "Open in Look inside" }).click();
    await page.waitForFunction(
      (wanted) =>
        location.hash.startsWith("#/inside") && document.querySelector("#inside")?.textContent?.includes(wanted[0]),
      said,
    );
    await page.getByRole("link", { name: "Translate" }).click();
    await page.locator("#target").getByText(said[1]).waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("two networks run side by side in an experiment; switches, pairs and the address go together", async () => {
    const { page, faults, close } = await openPage(browser, {
      serviceWorkers: "block",
      viewport: { width: 360, height: 740 },
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#/train?ui=en`);
    await page.locator(".map canvas").waitFor();
    await page.getByRole("button", { name: "Without positions" }).click();
    await page.locator(".train-run").nth(1).locator(".map canvas").waitFor();
    assert.equal(await page.locator("p", { hasText: "Can a network reverse" }).count(), 1);
    await page.waitForFunction(() => location.hash.includes("b.pos=0"));
    await page.getByRole("radio", { name: "Full speed" }).check();
    await page.getByRole("button", { name: "Play" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText(/^At the end A has \d+ %/).waitFor();
    const [, a, b] = /A has (\d+) %.*B (\d+) %/.exec(String(await page.locator(".train-question").textContent())) ?? [];
    assert.ok(Number(a) > Number(b) + 20, `${a} ${b}`);
    await shot(page, "train-experiment");
    assert.deepEqual(await findings(page), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, String(wide));

    // The rate acts without beginning anew, a switch begins anew.
    await page.getByRole("slider", { name: /Learning rate/ }).fill("3");
    await page.waitForFunction(() => location.hash.includes("lr=3"));
    assert.match(String(await page.locator(".train-status").textContent()), /Done after 1000/);
    await page.getByRole("radio", { name: "batch" }).check();
    await page.waitForFunction(() => location.hash.includes("norm=batch"));
    await page.locator(".train-status").getByText("A · Not begun").waitFor();

    await page.getByLabel("Task").selectOption("pairs");
    const area = page.getByLabel(/^Your pairs/);
    for (const [text, said] of [
      ["one line", /Line 1 has no tab/],
      ["a\tb", /This is one pair/],
    ]) {
      await area.fill(String(text));
      await page.locator("#train-pairs-said").getByText(said).waitFor();
      assert.ok(await page.getByRole("button", { name: "Play" }).isDisabled());
    }
    await area.evaluate((field) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text", "ab\tcd\n".repeat(200_000));
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    });
    await page.locator("#train-pairs-said").getByText("This is 1.2 MB").waitFor();
    assert.equal(await area.inputValue(), "a\tb");
    await page.getByRole("radio", { name: "A", exact: true }).first().check();
    const pairs = Array.from({ length: 60 }, (_, i) => `word ${i}\tWort ${i}`).join("\n");
    await area.fill(pairs);
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByText(/Step \d+ of 1000, training/).waitFor();
    await page.locator(".train-run .map canvas").waitFor();
    await page.waitForFunction(() => (document.querySelector(".line.bleu")?.getAttribute("points") ?? "") !== "");
    await page.getByRole("button", { name: "Pause" }).click();
    assert.deepEqual(faults, []);
    await close();
  });

  test("it is loaded when it is opened, stands still while nobody looks, and the plateau is marked where it acts", async () => {
    const { page, faults, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${site.url}#/translate?ui=en`);
    await page.locator(".model-chip.ready").waitFor();
    await idle(page);
    const lab = () => asked.filter((url) => /\/(?:lab-worker|glossa-lab|train)[.-]/.test(url)).length;
    assert.equal(lab(), 0);
    await page.evaluate(() => location.assign("#/train?ui=en&task=copy&fall=plateau&steps=1500"));
    await page.locator(".map canvas").waitFor();
    assert.ok(lab() >= 3, String(asked));
    await page.getByRole("radio", { name: "Full speed" }).check();
    await page.getByRole("button", { name: "Play" }).click();
    const status = page.locator(".train-status");
    await status.getByText(/Step [1-9]\d* of/).waitFor();
    const look = (/** @type {boolean} */ hidden) =>
      page.evaluate((now) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await look(true);
    await page.waitForTimeout(500); // what was under way ends
    const still = await status.textContent();
    await page.waitForTimeout(500);
    assert.equal(await status.textContent(), still);
    await look(false);
    await status.getByText("Done after 1500 steps.").waitFor();
    const [, step] = /step (\d+) → 0\.0025/.exec(String(await page.locator(".falls").textContent())) ?? [];
    assert.ok(Number(step) > 200, step);
    assert.ok((await page.locator("line.fall").count()) >= 2, "in both pictures");
    // What is done is kept too, and shown again with its history.
    await page.waitForTimeout(500);
    await page.reload();
    await page.getByRole("button", { name: "Show it" }).click();
    await status.getByText("Done after 1500 steps.").waitFor();
    assert.ok((await page.locator("line.fall").count()) >= 2);
    assert.deepEqual(faults, []);
    await close();
  });
});
