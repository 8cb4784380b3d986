// What the page must never lose again: alive at first sight, calm while typing, honest about itself, and an address that
// agrees with what is seen.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Translator } from "../../src/js/index.js";
import { serveFolders } from "../../src/js/cli/server.js";
import { idle, launchChromium, openDrawer, openPage, openPart, PATIENCE, settled, shot, Visitor } from "./browser.js";
import { steps } from "../../web/address.js";
import { freezable, lostInPrint } from "./print.js";
import { model, models, noSite, openSite } from "./site.js";

const SHELL = 60_000; // bytes, gzipped, of what comes before the first paint

/** A browser that says it wants to save data. */
function saveData() {
  Object.defineProperty(navigator, "connection", { value: { saveData: true, effectiveType: "4g" } });
}

describe("the gates of the page", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Visitor} */
  let visitor;
  /** @type {Translator} */
  let engine;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
    engine = await Translator.create({ model, worker: false, build: "simd128" });
    visitor = new Visitor(await browser.newContext(), site.url);
  });
  after(async () => {
    engine?.destroy();
    await browser?.close();
    await site?.close();
  });

  test("the first paint is alive without a model, within 60 kB", async () => {
    const { page, faults, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    /** @type {Map<string, Promise<Buffer>>} */
    const bodies = new Map();
    page.on("response", (response) => bodies.set(response.url(), response.body()));
    await page.addInitScript(saveData);
    await page.goto(site.url);
    await page.locator(".threads .thread").first().waitFor();
    await idle(page);
    const loaded = [...bodies.keys()];
    assert.deepEqual(
      loaded.filter((url) => /\.(gguf|wasm)$/.test(url)),
      [],
      "no model, no engine",
    );
    let total = 0;
    for (const body of bodies.values()) total += gzipSync(await body).length;
    assert.ok(total <= SHELL, `${total} bytes: ${loaded.join(", ")}`);
    const text = await page.locator("#source").inputValue();
    const expected = (await engine.explain(text, { beamSize: 4 })).translation;
    assert.equal((await page.locator("#target").textContent())?.trim(), expected);
    assert.ok((await page.locator(".threads .thread-word.target").count()) > 4);
    await page.locator(".threads .thread-word.target").nth(1).hover();
    await page.locator(".threads .thread.on").first().waitFor();
    await page.locator("#target .word.self").waitFor();
    // The second room lives on the same example.
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator(".large svg.heatmap").waitFor();
    const { encoder, cross, decoder } = (await engine.explain("A dog runs.")).sentences[0];
    const heads = [encoder, cross, decoder].reduce((sum, stack) => sum + (stack ? stack.layers * stack.heads : 0), 0);
    assert.equal(await page.locator(".heads canvas").count(), heads);
    await page.getByRole("link", { name: "Translate" }).click();
    await shot(page, "first-paint", false);
    // The first key brings the model.
    await page.locator("#source").fill("A dog runs.");
    await page.locator("#target", { hasText: "Hund" }).waitFor();
    assert.ok([...bodies.keys()].some((url) => url.endsWith(".gguf")));
    assert.deepEqual(faults, []);
    await close();
  });

  /** @type {[string, string, import("playwright-core").BrowserContextOptions][]} */
  const arrivals = [
    ["", "the example", {}],
    ["#/inside/4-scores", "a step of the story", {}],
    ["#/translate?t=Two+dogs+run.", "a text, on a phone", { viewport: { width: 360, height: 740 } }],
    ["#/inside", "a Chinese visitor, on a phone", { viewport: { width: 360, height: 740 }, locale: "zh-CN" }],
  ];
  for (const [place, what, options] of arrivals) {
    test(`the model comes by itself while the reader looks; nothing jumps: ${what}`, async () => {
      const { page, close } = await openPage(browser, options);
      page.setDefaultTimeout(PATIENCE);
      await page.addInitScript(() => {
        const seen = Object.assign(window, { shifts: 0 });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (!(/** @type {any} */ (entry).hadRecentInput)) seen.shifts += /** @type {any} */ (entry).value;
          }
        }).observe({ type: "layout-shift", buffered: true });
      });
      await page.goto(`${site.url}${place}`);
      await page.locator(".model-chip.ready").waitFor();
      if (place === "") assert.equal(await page.locator("#target .line.pending").count(), 0, "the same model's work");
      await settled(page);
      await idle(page);
      const shifts = await page.evaluate(() => /** @type {any} */ (window).shifts);
      assert.ok(shifts < 0.02, `layout shift ${shifts}`);
      await close();
    });
  }

  test("a model on another origin comes only after a click", async () => {
    const folder = mkdtempSync(join(tmpdir(), "glossa-models-"));
    const far = await serveFolders({ mounts: { "/": models } });
    const manifest = JSON.parse(readFileSync(join(models, "manifest.json"), "utf8"));
    const entry = manifest.models.find((/** @type {{id: string}} */ one) => one.id === "en-de");
    const url = `${far.url.replace("127.0.0.1", "localhost")}en-de.gguf`;
    writeFileSync(join(folder, "manifest.json"), JSON.stringify({ version: 1, models: [{ ...entry, url }] }));
    const other = await openSite(folder);
    const { page, close } = await openPage(browser, { bypassCSP: true });
    page.setDefaultTimeout(PATIENCE);
    try {
      /** @type {string[]} */
      const foreign = [];
      page.on("request", (request) => request.url().endsWith(".gguf") && foreign.push(request.url()));
      await page.goto(other.url);
      await page.locator("#source").fill("A dog runs.");
      const ask = page.getByRole("button", { name: /^Load the model, [\d.]+ MB, from localhost/ });
      await ask.waitFor();
      await idle(page);
      assert.deepEqual(foreign, []);
      await ask.click();
      await page.waitForFunction(() => document.querySelector(".model-chip")?.matches(".loading, .ready, .failed"));
    } finally {
      await close();
      await other.close();
      await far.close();
      rmSync(folder, { recursive: true });
    }
  });

  for (const place of ["#/translate", "#/inside", "#/inside/4-scores"]) {
    test(`no frame is empty while somebody types: ${place}`, async () => {
      const { page, faults, close } = await visitor.open(`${place}?t=A+man+walks.`);
      const inside = place.includes("inside");
      const picture = place.includes("scores") ? ".stage .bars" : inside ? ".large svg" : ".threads";
      await page.locator(picture).first().waitFor();
      if (inside) await page.getByRole("button", { name: "Edit the text" }).click();
      const input = page.locator(inside ? ".strip-edit" : "#source");
      await input.fill("A dog");
      await page.evaluate((selector) => {
        const seen = { frames: 0, empty: 0, short: 0 };
        Object.assign(window, { seen });
        const tall = document.documentElement.scrollHeight;
        const look = () => {
          seen.frames++;
          const target = document.querySelector("#target")?.textContent ?? "";
          if (!document.querySelector(selector) || target.trim() === "" || target.trim() === "…") seen.empty++;
          if (document.documentElement.scrollHeight < 0.7 * tall) seen.short++;
          if (/** @type {any} */ (window).seen === seen) requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }, picture);
      await input.focus();
      await page.keyboard.press("End");
      await page.keyboard.type(" is running in the garden.", { delay: 60 });
      const expected = (await engine.explain("A dog is running in the garden.", { beamSize: 4 })).translation;
      await page.waitForFunction((text) => document.querySelector("#target")?.textContent?.trim() === text, expected);
      const { frames, empty, short } = await page.evaluate(() => {
        const { seen } = /** @type {any} */ (window);
        Object.assign(window, { seen: null });
        return seen;
      });
      if (inside) await input.press("Enter");
      assert.ok(frames > 5);
      assert.deepEqual({ empty, short }, { empty: 0, short: 0 }, `${frames} frames`);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("after any walk through the history, address, text, pair, translation and model agree; Back keeps the text", async () => {
    const { page, faults, close } = await visitor.open("#/translate?t=A+man+walks.");
    await page.locator("#target .word").first().waitFor();
    const input = page.locator("#source");
    const agrees = async () => {
      await page.waitForFunction(() => {
        const to = /** @type {HTMLSelectElement | null} */ (document.querySelector("#to"));
        const address = new URLSearchParams(location.hash.split("?")[1]);
        const box = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#source"));
        return address.get("m") === to?.value && address.get("t") === box?.value;
      });
      await page.waitForFunction(() => document.querySelectorAll("#target .line.pending").length === 0);
    };
    /** @param {string} text @param {string} pair */
    const shows = async (text, pair) => {
      await agrees();
      assert.equal(await input.inputValue(), text);
      assert.equal(await page.locator("#to").inputValue(), pair);
      const [source, target] = pair.split("-");
      const translator = await Translator.create({
        model: join(models, `${pair}.gguf`),
        worker: false,
        build: "simd128",
      });
      const expected = (await translator.explain(text, { beamSize: 4 })).translation;
      translator.destroy();
      await page.waitForFunction((said) => document.querySelector("#target")?.textContent?.trim() === said, expected);
      assert.equal(await page.locator("#from").inputValue(), source);
      assert.ok(target);
    };
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator(".large svg").waitFor();
    await page.getByRole("link", { name: "Translate" }).click();
    await input.fill("Two women wait.");
    await agrees();
    await page.goBack();
    assert.equal(await input.inputValue(), "Two women wait.");
    await page.locator(".large svg").waitFor();
    await shows("Two women wait.", "en-de");
    await page.goBack();
    assert.ok(await input.isVisible());
    await shows("Two women wait.", "en-de");
    await page.locator("#to").selectOption("en-zh");
    await agrees();
    await page.goForward();
    await shows("Two women wait.", "en-zh");
    await page.goBack();
    await shows("Two women wait.", "en-zh");
    // A link that is pasted into the open tab says everything.
    await page.evaluate(() => location.assign("#/translate?m=en-de&t=A+dog+runs."));
    await shows("A dog runs.", "en-de");
    // What is written after a link was followed is the reader's own, wherever Back leads.
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.getByRole("button", { name: "Edit the text" }).click();
    await page.locator(".strip-edit").fill("Two women wait.");
    await page.goBack();
    await shows("Two women wait.", "en-de");
    await openDrawer(page);
    assert.match((await page.locator(".facts").textContent()) ?? "", /English to German.*English → German/s);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the focus stays where it is when the room changes", async () => {
    const { page, close } = await visitor.open("#/translate");
    await page.getByRole("link", { name: "Look inside" }).focus();
    await page.keyboard.press("Enter");
    await page.locator(".large svg").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Look inside");
    await page.getByRole("button", { name: "Tell me the story" }).press("Enter");
    await page.locator(".token-box").first().waitFor();
    await page.getByRole("button", { name: "Next" }).press("Enter");
    await page.waitForFunction(() => document.activeElement?.tagName === "H2");
    await close();
  });

  test("no page is wider than the window, with a word of 400 letters", async () => {
    for (const width of [1280, 360]) {
      for (const place of ["#/translate", "#/inside"]) {
        const how = { viewport: { width, height: 740 } };
        const { page, close } = await visitor.open(`${place}?t=${"a".repeat(400)}`, how);
        await page.locator(place === "#/translate" ? ".threads" : ".large svg").waitFor();
        if (place === "#/translate") await openPart(page, "others");
        const { scroll, client } = await page.evaluate(() => ({
          scroll: document.documentElement.scrollWidth,
          client: document.documentElement.clientWidth,
        }));
        assert.ok(scroll <= client, `${place}: ${scroll} pixels wide in ${client}`);
        await close();
      }
    }
  });

  test("print shows every number and word that the screen shows, on the sheet, with its colours and no controls", async () => {
    const { page, close } = await openPage(browser, { viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(PATIENCE);
    await freezable(page);
    await page.goto(site.url);
    await page.locator(".model-chip.ready").waitFor();
    const text = "t=The+children+have+eaten+all+the+apples.";
    const stories = steps.map((step, i) => `#/inside/${i + 1}-${step}?`);
    for (const place of [
      "#/translate?",
      "#/inside?",
      "#/inside?picture=lines&kind=encoder&",
      "#/inside?off=c0.1&",
      "#/inside/7-heads?kind=encoder&layer=1&head=0&off=e1.0&",
      ...stories,
    ]) {
      await page.evaluate(() => Object.assign(window, { frozen: false }));
      await page.emulateMedia({ media: null });
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.evaluate((hash) => location.assign(hash), place + text);
      await settled(page);
      await page.locator(".threads .thread, .large svg, .story-stage .number, .story-stage svg").first().waitFor();
      const step = /\/\d+-(\w+)/.exec(place)?.[1];
      if (step) await page.locator(`.story-stage[data-step="${step}"] .number`).first().waitFor({ state: "attached" });
      if (place.includes("off=e1.0")) await page.locator(".is-off").waitFor();
      // What a control says of the picture belongs to the picture.
      if (step === "vectors") await page.getByRole("button", { name: "Shuffle the words" }).click();
      if (step === "decoder") await page.getByLabel("lift the mask").check();
      if (step === "vectors" || step === "decoder")
        await page.waitForFunction(() => document.querySelector(".stage .actions .status")?.textContent);
      await page.evaluate(() => {
        for (const part of document.querySelectorAll("details.part")) part.setAttribute("open", "");
      });
      if (place.startsWith("#/translate")) await page.locator(".hypotheses:visible").waitFor();
      else if (!step) await page.locator(".switch:visible").first().waitFor();
      const { numbers, ...lost } = await lostInPrint(page);
      assert.ok(numbers > 10, `${place}: ${numbers} numbers and words`);
      const nothing = { wide: false, cut: [], gone: [], unnamed: false, pale: [], controls: [] };
      assert.deepEqual(lost, nothing, place);
    }
    await close();
  });

  test("on a phone the picture comes soon: below the sentence and what chooses it stand in lines of their own", async () => {
    const how = { viewport: { width: 360, height: 740 } };
    const { page, close } = await visitor.open("#/inside?t=The+children+have+eaten+all+the+apples.", how);
    await page.locator(".large svg").waitFor();
    const { y = 0, height = 0 } = (await page.locator(".large svg").boundingBox()) ?? {};
    assert.ok(height > 200 && y < 0.6 * 740, `it begins at ${y} of 740 pixels`);
    const kinds = page.locator('.controls .choice:has([name="kind"]) label');
    const boxes = await kinds.evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
    assert.equal(new Set(boxes).size, 1, "one line");
    await close();
  });

  test("on a phone the pair can be read, it can be made dark, and no menu lies over a picture", async () => {
    const { page, close } = await openPage(browser, { viewport: { width: 360, height: 740 } });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#/inside/9-forward?t=A+dog+runs.`);
    const name = page.locator(".model-chip .model-name");
    assert.equal(await name.innerText(), "en → de");
    assert.ok(await name.evaluate((one) => one.scrollWidth <= one.clientWidth), "none of it is cut off");
    await page.locator(".cells-figure .cell").first().waitFor();
    const apart = await page.evaluate(() => {
      const menu = document.querySelector(".story-stage .figure-menu summary")?.getBoundingClientRect();
      const picture = document.querySelector(".cells-figure")?.getBoundingClientRect();
      return menu && picture ? picture.top - menu.bottom : -1;
    });
    assert.ok(apart >= 0, `${apart} pixels`);
    await page.setViewportSize({ width: 820, height: 740 });
    const tops = await page
      .locator("#language label")
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
    assert.equal(new Set(tops).size, 1, "both languages on one line");
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole("contentinfo").getByRole("button", { name: "Light or dark" }).click();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await close();
  });

  test("one long sentence has progress and Stop", async () => {
    const { page, close } = await visitor.open("#/translate?t=A+dog+runs.");
    const long = Array.from({ length: 1200 }, (_, i) => `word${i % 7} in the red house`).join(" ");
    await page.locator("#source").fill(long);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Go on" }).waitFor();
    await close();
  });

  test("copying works where the clipboard is not there, and Clear can be undone", async () => {
    const { page, faults, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.goto(`${site.url}#/translate?t=A+dog+runs.`);
    await page.locator("#target .word").first().waitFor();
    await page.locator(".pane.target").getByRole("button", { name: "Copy" }).click();
    await page
      .locator(".pane.target")
      .getByRole("button", { name: /Copied|Ctrl/ })
      .waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    assert.equal(await page.locator("#source").inputValue(), "");
    await page.keyboard.press("Control+z");
    assert.equal(await page.locator("#source").inputValue(), "A dog runs.");
    assert.deepEqual(faults, []);
    await close();
  });

  test("an old page whose parts are gone reloads once, and keeps the text", async () => {
    const { page, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    let gone = true;
    let loads = 0;
    page.on("framenavigated", () => loads++);
    await page.goto(`${site.url}#/translate?t=A+dog+runs.`);
    await page.locator("#target .word").first().waitFor();
    await page.route("**/part-*.js", (route) => (gone ? route.fulfill({ status: 404 }) : route.continue()));
    await page.locator("#source").fill("Two women wait.");
    await page.waitForFunction(() => location.hash.includes("Two"));
    page.once("framenavigated", () => {});
    await page.route("**/app.js", (route) => {
      gone = false; // the new page has all its parts
      return route.continue();
    });
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator(".large svg").waitFor();
    assert.equal(await page.locator("#source").inputValue(), "Two women wait.");
    assert.ok(loads >= 2, `${loads} loads`);
    await close();
  });

  /** @type {[string, [string, string[]][]][]} what people type first, and what may stand there without a warning */
  const firstInputs = [
    [
      "en-zh",
      [
        ["Hello world", ["你好，世界", "世界你好"]],
        ["What time is it?", ["几点了？", "现在几点了？"]],
        ["dog", ["狗"]],
        ["Angela Merkel", ["安格拉·默克尔", "默克尔"]],
        ["Stock markets fell sharply after the announcement.", []],
      ],
    ],
    [
      "zh-en",
      [
        ["你好", ["Hello", "Hello.", "Hi"]],
        ["你好吗？", ["How are you?"]],
        ["狗", ["Dog", "dog", "A dog"]],
        ["王小明", ["Wang Xiaoming", "Xiaoming Wang"]],
        ["股市在公告发布后大幅下跌。", []],
      ],
    ],
    [
      "lzh-zh",
      [
        ["你好", ["你好"]],
        ["今何时矣？", ["现在是什么时候了？", "现在什么时候了？"]],
        ["犬", ["狗"]],
        ["孔子", ["孔子"]],
        ["上遣使告天下，赦死罪以下。", []],
      ],
    ],
  ];
  for (const [pair, inputs] of firstInputs) {
    test(`what people type first, in Chinese or into it, gets a good translation or a warning: ${pair}`, async () => {
      const own = await Translator.create({ model: join(models, `${pair}.gguf`), worker: false, build: "simd128" });
      const { page, faults, close } = await visitor.open(`#/translate?m=${pair}&t=${encodeURIComponent(inputs[0][0])}`);
      for (const [text, good] of inputs) {
        const expected = (await own.explain(text, { beamSize: 4 })).translation;
        await page.locator("#source").fill(text);
        await page.waitForFunction((said) => document.querySelector("#target")?.textContent?.trim() === said, expected);
        await page.waitForFunction(() => document.querySelectorAll("#target .word").length > 0);
        const warned = await page.locator(".warning.depth, .output .word.unsure").count();
        assert.ok(warned > 0 || good.includes(expected), `${text} → ${expected}, without a warning`);
        const status = (await page.locator(".pane.target .pane-foot [role=status]").textContent()) ?? "";
        if (warned > 0) assert.match(status, /^not sure|^sure, but for/, `${text} → ${expected}`);
      }
      own.destroy();
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("what is offered at a word that is marked unsure tells the doubt that marked it", async () => {
    const { page, close } = await visitor.open("#/translate?m=en-de&t=Happy+birthday!");
    const { hints } = JSON.parse(readFileSync(join(models, "recipes/en-de.json"), "utf8"));
    const word = page.locator("#target .word.unsure").first();
    await word.click();
    const { targetTokens } = (await engine.explain("Happy birthday!", { beamSize: 4 })).sentences[0];
    const spelt = (await word.textContent()) ?? "";
    const least = Math.min(
      ...targetTokens.filter((one) => one.end > one.start && one.end <= spelt.length).map((one) => one.logProbability),
    );
    const share = await page.locator(".popover .candidate.chosen .share-of").textContent();
    assert.equal(share, `${(100 * Math.exp(least)).toFixed(0)} %`);
    assert.ok(least < hints.confidence.word, "the word is marked");
    await page.keyboard.press("Escape");
    await close();
  });

  test("what people type first gets a good translation or a warning; limits and examples come from the checkpoint", async () => {
    const { hints } = JSON.parse(readFileSync(join(models, "recipes/en-de.json"), "utf8"));
    const { page, faults, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    try {
      await page.goto(site.url);
      await page.locator(".limits", { hasText: hints.limits.en }).waitFor();
      assert.equal(await page.locator(".chip").count(), hints.examples.length);
      /** @type {[string, string[]][]} what may stand there without a warning */
      const first = [
        ["Hello world", ["Hallo Welt", "Hallo, Welt"]],
        ["what time is it", ["Wie spät ist es", "Wie spät ist es?", "Um wie viel Uhr ist es?"]],
        ["water", ["Wasser"]],
        ["Good morning", ["Guten Morgen"]],
        ["Angela Merkel", ["Angela Merkel"]],
        ["Stock markets fell sharply after the announcement.", []],
      ];
      for (const [text, good] of first) {
        const expected = (await engine.explain(text, { beamSize: 4 })).translation;
        await page.locator("#source").fill(text);
        await page.waitForFunction((said) => document.querySelector("#target")?.textContent?.trim() === said, expected);
        await page.waitForFunction(() => document.querySelectorAll("#target .word").length > 0);
        const warned = await page.locator(".warning.depth, .output .word.unsure").count();
        assert.ok(warned > 0 || good.includes(expected), `${text} → ${expected}, without a warning`);
      }
      await page.locator("#source").fill("The children have eaten all the apples.");
      await page.locator("#target .word", { hasText: "gegessen" }).waitFor();
      assert.equal(await page.locator(".warning.depth").count(), 0);
      await page.locator("#source").fill("Happy birthday!"); // a word of it is unsure, the whole is not out of its depth
      await page.locator("#target", { hasText: "Geburtstag" }).locator(".word.unsure").first().waitFor();
      assert.equal(await page.locator(".warning.depth").count(), 0);
      // Of several sentences it is said which one is meant: words of another may be marked.
      await page.locator("#source").fill("The children have eaten all the apples. Happy birthday!");
      await page.locator(".pane-foot [role=status]", { hasText: /^sentence 1: / }).waitFor();
      await page.locator("#target .word.unsure").first().waitFor();
      await page.getByText("Dotted words: the model was not sure.").waitFor();
      // Another language in the same letters: the detector comes when it is first wanted.
      await page.locator("#source").fill("Der Hund läuft mit einem Ball durch den Park.");
      await page.getByText("This looks like German. The model reads English.").waitFor();
      await page.locator("#source").fill("床前明月光，疑是地上霜。");
      await page.getByText("This looks like Chinese. The model reads English.").waitFor();
      assert.deepEqual(faults, []);
    } finally {
      await close();
    }
  });
});
