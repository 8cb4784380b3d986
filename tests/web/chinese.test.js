// Several pairs of languages, Chinese without spaces, and scripts that run in other directions.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  exported,
  findings,
  launchChromium,
  openDrawer,
  openOptions,
  openPage,
  openPart,
  PATIENCE,
  shot,
  Visitor,
} from "./browser.js";
import { model, noSite, openSite } from "./site.js";
import { modern, standIn } from "./stand-in.js";

const LINES = ["学而时习之，不亦说乎？", "有朋自远方来，不亦乐乎？"];

/** In the page. */
function sizes() {
  const { scrollWidth, clientWidth } = document.documentElement;
  return { scrollWidth, clientWidth };
}

describe("pairs of languages", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Visitor} */
  let visitor;
  const folder = mkdtempSync(join(tmpdir(), "glossa-models-"));

  before(async () => {
    const manifest = JSON.parse(readFileSync(join(model, "../manifest.json"), "utf8"));
    const english = manifest.models.find((/** @type {{id: string}} */ one) => one.id === "en-de");
    const checkpoint = await standIn();
    cpSync(model, join(folder, "en-de.gguf"));
    writeFileSync(join(folder, "lzh-zh.gguf"), checkpoint);
    const sha256 = createHash("sha256").update(checkpoint).digest("hex");
    const chinese = { id: "lzh-zh", source: "lzh", target: "zh", url: "lzh-zh.gguf", bytes: checkpoint.length, sha256 };
    const columns = { ...chinese, id: "lzh-mn", target: "mn-Mong" };
    const many = { ...chinese, id: "many", source: ["lzh", "zh"], target: ["zh", "en"] };
    writeFileSync(
      join(folder, "manifest.json"),
      JSON.stringify({ version: 1, models: [english, chinese, columns, many] }),
    );
    site = await openSite(folder);
    browser = await launchChromium();
    visitor = new Visitor(await browser.newContext(), site.url);
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    rmSync(folder, { recursive: true });
  });

  /** @param {Record<string, string>} state @param {Parameters<Visitor["open"]>[1]} [how] */
  async function open(state, how) {
    const opened = await visitor.open(`#${new URLSearchParams(state)}`, how);
    if (state.text) await opened.page.locator(".output .word").first().waitFor({ state: "attached" });
    return opened;
  }

  test("the menus name all languages, in both languages; swapping says why it cannot", async () => {
    const { page, faults, close } = await visitor.fresh("");
    await page.locator("#from option").nth(2).waitFor({ state: "attached" });
    const options = (/** @type {string} */ menu) => page.locator(`${menu} option`).allTextContents();
    assert.deepEqual(await options("#from"), ["English", "Classical Chinese", "Chinese"]);
    assert.deepEqual(await options("#to"), ["German"]);
    const swap = page.getByRole("button", { name: "There is no model from German to English" });
    assert.equal(await swap.getAttribute("aria-disabled"), "true");
    await swap.click({ force: true });
    assert.equal(await page.locator("#to").inputValue(), "en-de");
    await page.getByRole("status").filter({ hasText: "There is no model from German to English" }).waitFor();
    await page.locator("#from").selectOption("lzh");
    await page.waitForFunction(() => document.querySelectorAll("#to option").length === 5);
    assert.deepEqual(await options("#to"), [
      "Modern Chinese (lzh-zh)",
      "Mongolian (Mongolian)",
      "Modern Chinese (many.lzh.zh)",
      "English",
      "German", // through English, by two
    ]);
    await page.getByRole("radio", { name: "中" }).check();
    assert.deepEqual((await options("#from")).slice(0, 2), ["英语", "文言文"]);
    assert.equal(await page.locator("html").getAttribute("lang"), "zh-Hans");
    assert.equal(await page.locator("#source").getAttribute("lang"), "lzh-Hans");
    assert.deepEqual(faults, []);
    await close();
  });

  test("a Chinese visitor begins with a Chinese pair; examples go with the pair", async () => {
    const { page, faults, close } = await openPage(browser, { locale: "zh-CN" });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(site.url);
    await page.locator(".chip", { hasText: LINES[0] }).click();
    await page.locator("#target", { hasText: modern(LINES.join("")) }).waitFor();
    assert.equal(await page.locator(".output .line").count(), 2);
    // An example of one language makes room for one of the other.
    await page.locator("#from").selectOption("en");
    await page.waitForFunction(() => /apples/.test(document.querySelector("textarea")?.value ?? ""));
    await page.locator("#target", { hasText: "Äpfel" }).waitFor();
    await page.locator("#source").fill("三人行。");
    // What is in another script than the model reads is noticed, and one press leads to a model that reads it.
    await page.getByRole("button", { name: "切换到中文 → 英语" }).waitFor();
    await page.locator("#from").selectOption("lzh");
    await page.locator("#to").selectOption("many.lzh.zh");
    await page.locator("#target", { hasText: modern("三人行。") }).waitFor();
    assert.equal(await page.locator("#source").inputValue(), "三人行。");
    assert.deepEqual(faults, []);
    await close();
  });

  test("characters light up one by one, also where a dictionary makes words of them", async () => {
    const { page, close } = await open({ pair: "lzh-zh", text: LINES.join("") });
    const second = page.locator(".output .line").nth(1).locator(".word");
    await second.nth([...modern(LINES[1])].length - 1).waitFor();
    assert.deepEqual(await second.allTextContents(), [...modern(LINES[1])]);
    await second.nth(3).hover();
    await page.locator(".mirror .word.linked").waitFor();
    assert.deepEqual(await page.locator(".mirror .word.linked").allTextContents(), ["远"]);
    await close();
  });

  test("full-width glyphs stand upright over their columns, in every view and in the exports", async () => {
    const { page, faults, close } = await open({ pair: "lzh-zh", text: LINES[1], view: "attention", layer: "1" });
    await page.locator(".large svg").waitFor();
    const columns = page.locator(".large text[data-col]");
    assert.deepEqual(await columns.allTextContents(), ["␣", ...LINES[1], "‹/s›"]);
    const rotated = await columns.evaluateAll((all) => all.map((one) => one.hasAttribute("transform")));
    assert.deepEqual(rotated, [true, ...[...LINES[1]].map(() => false), true]);
    await openOptions(page);
    await page.getByText("Whole words").click();
    await page.locator(".large text[data-col]", { hasText: "远方" }).waitFor();
    // 远方 and 不亦乐乎 are words of the platform's dictionary; the glyphs of one stand below each other.
    const merged = (await columns.allTextContents()).filter((one) => [...one].length > 1);
    assert.ok(merged.includes("远方"), merged.join());
    const glyphs = await page
      .locator(".large text[data-col]", { hasText: "远方" })
      .locator("tspan")
      .evaluateAll((all) => all.map((one) => [Number(one.getAttribute("x")), Number(one.getAttribute("y"))]));
    assert.equal(glyphs[0][0], glyphs[1][0]);
    assert.ok(glyphs[0][1] < glyphs[1][1]);
    const svg = await exported(page, page.locator(".large .figure"), "SVG");
    assert.match(svg.bytes.toString(), />远<\/tspan>.*>方<\/tspan>/);
    await exported(page, page.locator(".large .figure"), "PNG");
    await shot(page, "chinese-attention");
    await page.getByRole("radio", { name: "Lines" }).check();
    await page.locator("svg.lines .token", { hasText: "远方" }).first().waitFor();
    await page.getByRole("button", { name: "Tell me the story" }).click();
    await page.locator(".token-box").first().waitFor();
    await openDrawer(page);
    await page.locator(".facts dd").first().waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Translate" }).click();
    await openPart(page, "others");
    await page.locator(".hypotheses .sentence").first().waitFor();
    // The changes to the best translation are marked, and nothing is put between characters.
    const others = await page.locator(".hypotheses .sentence").allTextContents();
    for (const one of others) assert.doesNotMatch(one, /\s/);
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(faults, []);
    await close();
  });

  test("a phone holds the Chinese page without scrolling sideways", async () => {
    for (const view of ["translate", "attention", "model"]) {
      const state = { pair: "lzh-zh", text: LINES[1], view, ui: "zh" };
      const { page, close } = await open(state, { viewport: { width: 360, height: 720 } });
      await page
        .locator({ translate: ".threads", attention: ".large svg", model: ".facts dd" }[view] ?? "")
        .first()
        .waitFor();
      const { scrollWidth, clientWidth } = await page.evaluate(sizes);
      assert.ok(scrollWidth <= clientWidth, `${view}: ${scrollWidth} pixels wide in ${clientWidth}`);
      await shot(page, `chinese-${view}-360`);
      await close();
    }
  });

  test("a script that runs in columns does, and its words light up where they stand", async () => {
    const { page, close } = await open({ pair: "lzh-mn", text: LINES[0] });
    assert.equal(await page.locator("#target").evaluate((one) => getComputedStyle(one).writingMode), "vertical-lr");
    const word = page.locator(".output .word");
    const [first, second] = [await word.nth(0).boundingBox(), await word.nth(1).boundingBox()];
    assert.ok(first && second && second.y > first.y && Math.abs(second.x - first.x) < 2, "one below the other");
    await word.nth(2).hover();
    await page.locator(".mirror .word.linked", { hasText: LINES[0][2] }).waitFor();
    const { scrollWidth, clientWidth } = await page.evaluate(sizes);
    assert.ok(scrollWidth <= clientWidth);
    await shot(page, "vertical", false);
    await close();
  });

  test("text from right to left stands on the right, and its words light up where they stand", async () => {
    const { page, close } = await open({ pair: "en-de", text: "ילד וילדה." });
    const input = await page.locator("#source").boundingBox();
    const word = await page.locator(".mirror .word").first().boundingBox();
    assert.ok(input && word && word.x > input.x + input.width / 2, "the first word is on the right");
    assert.equal(await page.locator("#source").evaluate((one) => getComputedStyle(one).direction), "rtl");
    await page.mouse.move(word.x + word.width / 2, word.y + word.height / 2);
    await page.locator(".mirror .word.self").waitFor();
    await close();
  });
});
