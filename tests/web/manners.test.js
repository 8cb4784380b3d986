// How the page behaves: for screen readers and keyboards, on small screens, in the dark, without a network, and when a
// download goes wrong.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeStudent, writeBin, writeSpm } from "../js/marian-student.js";
import { findings, launchChromium, openPage, PATIENCE, shot, Visitor } from "./browser.js";
import { models, noSite, openSite } from "./site.js";

const VIEWS = ["translate", "attention", "effect", "inside", "model"];

describe("the manners of the page", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Visitor} */
  let visitor;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
    visitor = new Visitor(await browser.newContext(), site.url);
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  /** @param {string} view */
  const ready = {
    translate: ".threads .thread",
    attention: ".large svg",
    effect: ".ranking:not(:has(.status)) .bar",
    inside: ".stage .bars-figure .bar",
    model: ".facts dd",
  };

  /** @param {string} view */
  const addressOf = (view) => `#view=${view}&pair=en-de&text=A+dog+runs+in+the+snow.`;

  /** @template {{page: import("playwright-core").Page}} T @param {T} opened @param {string} view @returns {Promise<T>} */
  async function shown(opened, view) {
    await opened.page.locator(".output .word").first().waitFor({ state: "attached" });
    await opened.page
      .locator(ready[/** @type {keyof typeof ready} */ (view)])
      .first()
      .waitFor();
    return opened;
  }

  /** @param {string} view @param {Parameters<Visitor["open"]>[1]} [how] @param {string} [more] */
  const open = async (view, how, more = "") => shown(await visitor.open(addressOf(view) + more, how), view);

  /** A page that the test leaves changed. @param {string} view */
  const openFresh = async (view) => shown(await visitor.fresh(addressOf(view)), view);

  for (const view of VIEWS) {
    test(`axe finds nothing in the view ${view}, light and dark`, async () => {
      const { page, faults, close } = await open(view, { reducedMotion: "reduce" });
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findings(page), [], colorScheme);
        await shot(page, `${view}-${colorScheme}`);
      }
      assert.deepEqual(faults, []);
      await close();
    });

    test(`the view ${view} fits a phone of 360 pixels, in Chinese and in forced colours`, async () => {
      const { page, close } = await open(
        view,
        { viewport: { width: 360, height: 720 }, forcedColors: "active" },
        "&ui=zh",
      );
      const { scroll, client } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
      }));
      assert.ok(scroll <= client, `${scroll} pixels wide in ${client}`);
      await shot(page, `${view}-360`);
      await close();
    });

    test(`every control of the view ${view} can be reached by keyboard, and focus can be seen`, async () => {
      const { page, close } = await open(view);
      // One stop stands for a group of radio buttons or of roving controls; its members answer to the arrow keys.
      const wanted = await page.evaluate(() => {
        const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
        let n = 0;
        const groups = new Set();
        for (const one of /** @type {NodeListOf<HTMLElement>} */ (all)) {
          if (one.matches('[tabindex="-1"], [disabled]') || !one.checkVisibility()) continue;
          if (one instanceof HTMLInputElement && one.type === "radio") {
            if (groups.has(one.name)) continue;
            groups.add(one.name);
          }
          n++;
        }
        return n;
      });
      await page.locator("body").evaluate((body) => {
        body.tabIndex = -1;
        body.focus();
        body.removeAttribute("tabindex");
      });
      const seen = await page.evaluateHandle(() => new Set());
      for (let i = 0; i < wanted + 5; i++) {
        await page.keyboard.press("Tab");
        const outlined = await page.evaluate((set) => {
          const at = document.activeElement;
          if (!at || at === document.body) return true;
          set.add(at);
          const style = getComputedStyle(at);
          const near = [at.nextElementSibling, at.querySelector(".row, .plate")].filter((one) => one !== null);
          const marks = near.map((one) => getComputedStyle(one));
          return (
            style.outlineStyle !== "none" ||
            at.closest(".pane") !== null ||
            marks.some((one) => one.outlineStyle !== "none" || one.stroke !== "none")
          );
        }, seen);
        assert.ok(outlined, await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200)));
      }
      assert.equal(await seen.evaluate((set) => set.size), wanted);
      await close();
    });
  }

  test("groups of controls answer to the arrow keys", async () => {
    const { page, close } = await open("attention");
    await page.locator('.heads button[tabindex="0"]').focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page
      .locator('.heads button[data-kind="decoder"][data-layer="1"][data-head="1"][aria-pressed="true"]')
      .waitFor();
    await page.locator(".large .heatmap").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    assert.match((await page.locator(".readout").textContent()) ?? "", /→ .*: [\d.]+$/);
    await page.locator('input[name="kind"]:checked').focus();
    await page.keyboard.press("ArrowLeft");
    assert.ok(await page.locator('input[name="kind"][value="encoder"]').isChecked());
    await page.locator('.strip-row.source [tabindex="0"]').focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.locator('.strip-row.source .piece:nth-child(2)[aria-pressed="true"]').waitFor();
    await page.getByRole("link", { name: "Translate" }).click();
    await page.locator('.output [tabindex="0"]').focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.locator('.output .word[aria-pressed="true"]').waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".threads .thread-word[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator('.threads .thread-word.target[aria-pressed="true"]').waitFor();
    await close();
  });

  test("moves nothing where motion is unwanted", async () => {
    const { page, close } = await open("translate");
    const word = page.locator(".output .word").first();
    for (const [reducedMotion, seconds] of /** @type {const} */ ([
      ["reduce", "0s"],
      ["no-preference", "0.08s, 0.08s, 0.2s, 0.2s"],
    ])) {
      await page.emulateMedia({ reducedMotion });
      assert.equal(await word.evaluate((one) => getComputedStyle(one).transitionDuration), seconds);
    }
    await close();
  });

  test("in forced colours, choices can be told apart and pictures keep their scale", async () => {
    const { page, close } = await open("attention", { forcedColors: "active" });
    const colour = (/** @type {string} */ selector, /** @type {"backgroundColor" | "fill"} */ what) =>
      page
        .locator(selector)
        .first()
        .evaluate((one, name) => getComputedStyle(one)[/** @type {"fill"} */ (name)], what);
    const outline = (/** @type {string} */ selector) =>
      page
        .locator(selector)
        .first()
        .evaluate((one) => getComputedStyle(one).outlineStyle);
    assert.equal(await outline('.head-thumb[aria-pressed="true"]'), "solid");
    assert.equal(await outline('.head-thumb[aria-pressed="false"]'), "none");
    const tick = await colour(".large svg text.tick", "fill");
    assert.equal(tick, await colour(".large svg text.axis", "fill"));
    const chosen = await colour('input[name="kind"]:checked + span', "backgroundColor");
    assert.notEqual(chosen, await colour('input[name="kind"]:not(:checked) + span', "backgroundColor"));
    const cells = await page
      .locator(".large rect[data-value]")
      .evaluateAll((all) => new Set(all.map((one) => getComputedStyle(one).fill)).size);
    assert.ok(cells > 8, `${cells} colours`);
    await page.getByRole("link", { name: "Translate" }).click();
    await page.locator(".output .word").first().hover();
    await page.locator(".mirror .word.linked").first().waitFor();
    assert.notEqual(await colour(".mirror .word.linked", "backgroundColor"), await colour(".pane", "backgroundColor"));
    await close();
  });

  /** @type {[string, (route: import("playwright-core").Route) => Promise<void>, RegExp][]} */
  const missing = [
    [
      "not there",
      (route) => route.fulfill({ status: 404, body: "no" }),
      /could not be fetched from localhost:\d+\. Your text stays/,
    ],
    [
      "not to be reached",
      (route) => route.abort("connectionrefused"),
      /could not be fetched from localhost:\d+\. Your text stays/,
    ],
    [
      "a page instead",
      (route) => route.fulfill({ body: "<!DOCTYPE html><title>Log in</title>" }),
      /is no model, or a damaged one/,
    ],
  ];
  for (const [what, answer, told] of missing)
    test(`a model that is ${what} is told in plain words, without an address that nobody typed, and can be asked again`, async () => {
      const { page, close } = await openPage(browser, { serviceWorkers: "block" });
      page.setDefaultTimeout(PATIENCE);
      await page.route("**/*.gguf", answer);
      await page.goto(`${site.url}#/translate?t=A+dog+runs.`);
      const foot = page.locator(".pane.target .pane-foot");
      await foot.locator(".status.bad").waitFor();
      const said = (await foot.locator(".status.bad").textContent()) ?? "";
      assert.match(said, told);
      assert.doesNotMatch(said, /https?:|\.gguf|Check the/);
      assert.match((await foot.locator("details").textContent()) ?? "", /en-de\.gguf/); // for those who know
      assert.doesNotMatch((await page.locator("#target").textContent()) ?? "", /…/);
      assert.deepEqual(await findings(page), []);
      await page.unroute("**/*.gguf");
      await foot.getByRole("button", { name: "Try again" }).click();
      await page.locator("#target .word").first().waitFor();
      assert.equal(await page.locator("#source").inputValue(), "A dog runs.");
      await close();
    });

  test("prints the texts and the pictures, whole, without what only a screen can do", async () => {
    for (const view of ["attention", "effect"]) {
      const { page, close } = await open(view);
      await page.emulateMedia({ media: "print" });
      // The width of a sheet: a picture and every number of it must stay inside.
      await page.setViewportSize({ width: 700, height: 1000 });
      for (const gone of ["#rooms", ".controls", ".figure-menu", ".presets", "#language", ".player button"]) {
        const all = await page.locator(`#inside ${gone}, .top ${gone}`).all();
        for (const one of all) assert.equal(await one.isVisible(), false, gone);
      }
      const there = view === "attention" ? ".large svg" : ".ranking svg";
      assert.equal(await page.locator(there).first().isVisible(), true);
      const cut = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const texts = [...document.querySelectorAll(".room:not([hidden]) :is(svg text, .piece, .sentence)")];
        return texts
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > width + 1)
          .map((one) => one.textContent);
      });
      assert.deepEqual(cut, []);
      assert.equal((await page.pdf()).subarray(0, 5).toString(), "%PDF-");
      await close();
    }
    const { page, close } = await open("translate");
    await page.emulateMedia({ media: "print" });
    for (const one of [".pane-head", "#rooms", ".chips", ".ways"]) {
      for (const part of await page.locator(one).all()) assert.equal(await part.isVisible(), false, one);
    }
    for (const one of ["#source", ".output .word", ".threads"]) {
      assert.equal(await page.locator(one).first().isVisible(), true, one);
    }
    const { scrollHeight, clientHeight } = await page.locator(".output").evaluate((one) => ({
      scrollHeight: one.scrollHeight,
      clientHeight: one.clientHeight,
    }));
    assert.ok(scrollHeight <= clientHeight + 1, "nothing is cut off");
    await close();
  });

  test("asks no other origin for anything, under its own strict policy", async () => {
    const { page, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const foreign = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) foreign.push(request.url());
    });
    await page.goto(`${site.url}#/inside/4-scores?t=A+dog+runs.`);
    await page.locator(".stage .number").waitFor({ state: "attached" });
    assert.deepEqual(foreign, []);
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
    const connect = [
      "connect-src 'self' https://firefox.settings.services.mozilla.com/v1/",
      "https://storage.googleapis.com/storage/v1/b/moz-fx-translations-data--303e-prod-translations-data/o/",
      "https://firefox-settings-attachments.cdn.mozilla.net/",
    ].join(" ");
    assert.ok(
      policy?.startsWith(`default-src 'self'; ${connect}; script-src 'self' 'wasm-unsafe-eval'; base-uri`),
      String(policy),
    );
    await close();
  });

  test("works without a network after the first load", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#text=A+dog+runs.`);
    await page.locator(".output .word").first().waitFor();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await context.setOffline(true);
    await page.goto("about:blank");
    await page.goto(`${site.url}#text=A+dog+runs.&view=attention`);
    await page.locator(".large svg").waitFor();
    await context.close();
  });

  test("a list of models that does not come, or is damaged, is asked for again", async () => {
    const { page, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    const answers = [{ status: 500 }, { body: '{"models": [' }, { body: "{}" }];
    let asked = 0;
    await page.route("**/manifest.json", (route) =>
      asked < answers.length ? route.fulfill(answers[asked++]) : route.continue(),
    );
    await page.goto(`${site.url}#view=attention&text=A+dog+runs.`);
    const strip = page.locator(".strip");
    for (let i = 1; i <= answers.length; i++) {
      await strip.locator(".status.bad", { hasText: "The list of models" }).waitFor();
      await page.getByText("Type a sentence to look inside").first().waitFor();
      assert.equal(asked, i);
      await strip.getByRole("button", { name: "Try again" }).click();
    }
    await page.locator(".large svg").waitFor();
    await close();
  });

  test("a download that breaks off goes on when tried again", async () => {
    const { page, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    let broken = 0;
    await page.context().route("**/*.gguf", (route) => (broken++ < 8 ? route.abort() : route.continue()));
    await page.goto(`${site.url}#text=A+dog+runs.`);
    await page.getByRole("button", { name: "Try again" }).waitFor();
    broken = 100;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".output .word").first().waitFor();
    await close();
  });

  test("a damaged download is refused, and a good one taken afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "glossa-models-"));
    const damaged = await (async () => {
      cpSync(join(models, "manifest.json"), join(folder, "manifest.json"));
      const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
      for (const { url } of manifest.models) cpSync(join(models, url), join(folder, url));
      const bytes = readFileSync(join(models, "en-de.gguf"));
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(join(folder, "en-de.gguf"), bytes);
      return openSite(folder);
    })();
    try {
      const { page, close } = await openPage(browser);
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`${damaged.url}#text=A+dog+runs.`);
      await page.locator(".pane .status.bad").waitFor();
      cpSync(join(models, "en-de.gguf"), join(damaged.out, "models/en-de.gguf"));
      await page.getByRole("button", { name: "Try again" }).click();
      await page.locator(".output .word").first().waitFor();
      await close();
    } finally {
      await damaged.close();
      rmSync(folder, { recursive: true });
    }
  });

  test("takes a checkpoint of the reader's own, and says what is wrong with one that is none", async () => {
    const { page, close } = await openFresh("model");
    await page
      .locator("#own")
      .setInputFiles({ name: "no.gguf", mimeType: "", buffer: Buffer.from("not a checkpoint") });
    await page.locator(".pane .status.bad", { hasText: "no.gguf" }).waitFor();
    await page.locator("#own").setInputFiles(join(models, "en-de.gguf"));
    await page.waitForFunction(() => /** @type {HTMLSelectElement} */ (document.querySelector("#to")).value === "own");
    await page.locator(".output .word").first().waitFor();
    await close();
  });

  test("takes a checkpoint that is dropped", async () => {
    const { page, faults, close } = await openFresh("model");
    const bytes = readFileSync(join(models, "en-de.gguf")).toString("base64");
    await page.locator(".drop").evaluate(async (box, text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "mine.gguf"));
      box.dispatchEvent(new DragEvent("dragover", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      if (!box.classList.contains("over")) throw new Error("the place to drop does not show it");
      box.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }, bytes);
    await page.waitForFunction(() => /** @type {HTMLSelectElement} */ (document.querySelector("#to")).value === "own");
    await page.locator(".output .word").first().waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("a finger can do what a pointer can", async () => {
    const { page, faults, close } = await openPage(browser, {
      hasTouch: true,
      viewport: { width: 390, height: 800 },
    });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(site.url + addressOf("attention"));
    await shown({ page }, "attention");
    await page.locator('.heads button[data-kind="cross"][data-head="2"]').first().tap();
    await page.locator('.heads button[aria-pressed="true"][data-head="2"]').waitFor();
    await page.locator(".large rect[data-value]").nth(3).tap();
    await page.locator(".readout", { hasText: /→ .*: [\d.]+$/ }).waitFor();
    // The story is a sheet with three heights, and a swipe turns its pages.
    await page.getByRole("button", { name: "Tell me the story" }).tap();
    const sheet = page.locator(".story");
    const tall = () => sheet.evaluate((one) => one.clientHeight);
    await page.locator(".question:not(.waiting)").waitFor();
    const half = await tall();
    const handle = page.getByRole("button", { name: "Another height" });
    await handle.tap();
    await page.locator('.story[data-height="2"]').waitFor();
    assert.ok((await tall()) > half);
    await handle.tap();
    await page.locator('.story[data-height="0"]').waitFor();
    assert.ok((await tall()) < half);
    await handle.tap();
    const finger = (/** @type {string} */ type, /** @type {number} */ x) =>
      sheet.dispatchEvent(type, { pointerType: "touch", clientX: x, clientY: 500, bubbles: true });
    await finger("pointerdown", 300);
    await finger("pointerup", 100);
    await page.locator('.story-stage[data-step="vectors"]').waitFor();
    await finger("pointerdown", 100);
    await finger("pointerup", 300);
    await page.locator('.story-stage[data-step="tokens"]').waitFor();
    await page.getByRole("link", { name: "Translate" }).tap();
    await page.locator(".output .word").nth(1).tap();
    await page.locator('.output .word.self[aria-pressed="true"]').waitFor();
    await page.locator(".mirror .word.linked").first().waitFor();
    await page.getByRole("dialog", { name: /Instead of/ }).waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("fills a screen of 3840 pixels without leaving it", async () => {
    const { page, close } = await open("attention", { viewport: { width: 3840, height: 2160 } });
    const { scroll, client, text } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
      text: document.querySelector(".strip .piece")?.getBoundingClientRect().height ?? 0,
    }));
    assert.ok(scroll <= client);
    assert.ok(text > 26, `letters of ${text} pixels`);
    const picture = (await page.locator(".large svg").boundingBox())?.height ?? 0;
    assert.ok(picture > 800 && picture < 2160, `a picture of ${picture} pixels`);
    await shot(page, "attention-4k", false);
    await close();
  });

  test("converts a Marian folder; a decoder without self-attention is shown as what it is", async () => {
    const { page, faults, close } = await openFresh("model");
    const files = [
      { name: "model.ende.intgemm.alphas.bin", mimeType: "", buffer: Buffer.from(writeBin(makeStudent(), "alphas")) },
      { name: "vocab.ende.spm", mimeType: "", buffer: Buffer.from(writeSpm(40)) },
    ];
    await page.locator("#own").setInputFiles(files);
    await page.locator(".facts dd", { hasText: "2 encoder, 2 decoder, 4 heads" }).waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator(".large svg").first().waitFor();
    await page.locator('input[name="kind"][value="encoder"]').waitFor();
    assert.equal(await page.locator('input[name="kind"][value="decoder"]').count(), 0);
    await page.getByRole("button", { name: "Tell me the story" }).click();
    const shown = page.locator(".story-head .help");
    for (let n = 1; n < 15; n++) {
      await shown.filter({ hasText: `${n} / 15` }).waitFor();
      await page.getByRole("button", { name: "Next" }).click();
    }
    await page.locator(".switches .switch").first().waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("two checkpoints stand side by side", async () => {
    const { page, faults, close } = await openFresh("effect");
    await page.locator("#other").selectOption("file");
    await page.getByLabel("Choose a GGUF file").setInputFiles(join(models, "en-de.gguf"));
    await page.locator(".spaced .side").nth(1).waitFor();
    const [now, other] = await page.locator(".spaced .side").all();
    assert.equal(await other.locator(".sentence").textContent(), await now.locator(".sentence").textContent());
    const values = (/** @type {import("playwright-core").Locator} */ side) =>
      side.locator("rect[data-value]").evaluateAll((all) => all.map((one) => one.getAttribute("data-value")));
    assert.deepEqual(await values(other), await values(now));
    assert.deepEqual(faults, []);
    await close();
  });

  test("the model can be inspected, measured, rebuilt, deleted", async () => {
    const { page, faults, close } = await openFresh("model");
    await page.getByRole("button", { name: "Look inside the checkpoint" }).click();
    await page.locator("#tensor").selectOption("enc.blk.0.attn_q.weight");
    await page.locator('.histogram[aria-label*="attn_q.weight"]').waitFor();
    const counts = await page
      .locator(".histogram .value")
      .evaluateAll((all) => all.map((one) => Number(one.getAttribute("data-value"))));
    const shape = await page.locator("tr", { hasText: "enc.blk.0.attn_q.weight" }).locator("td").nth(1).textContent();
    const [wide, tall] = (shape ?? "").split(" × ").map(Number);
    assert.equal(
      counts.reduce((a, b) => a + b, 0),
      wide * tall,
    );
    await page.locator('input[name="build"][value="simd128"]').check();
    await page.locator(".facts dd", { hasText: /simd128$/ }).waitFor();
    await page.getByRole("button", { name: "Measure" }).click();
    await page.getByText(/ms a text; \d+ source pieces\/s/).waitFor();
    await page.getByRole("button", { name: "Delete English → German" }).click();
    await page.locator("tr", { hasText: "English → German" }).getByText("not downloaded").waitFor();
    assert.deepEqual(faults, []);
    await close();
  });
});
