// The functions of the page in a real browser, over the built page. What the engine computes is compared with the same
// engine run in Node, so that no checkpoint's words are written here.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Translator } from "../../src/js/index.js";
import {
  exported,
  idle,
  launchChromium,
  openDrawer,
  openOptions,
  openPage,
  openPart,
  openTable,
  PATIENCE,
  shot,
  Visitor,
} from "./browser.js";
import { model, noSite, openSite } from "./site.js";

const SENTENCE = "A young girl in a red dress is jumping over a puddle.";

describe("the page", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Visitor} */
  let visitor;
  /** @type {Translator} */
  let engine;
  /** @type {import("../../src/js/types.js").SentenceExplanation} */
  let expected;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
    visitor = new Visitor(await browser.newContext(), site.url);
    engine = await Translator.create({ model, worker: false, build: "simd128" });
    expected = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12 })).sentences[0];
  });
  after(async () => {
    engine?.destroy();
    await browser?.close();
    await site?.close();
  });

  /**
   * Opens the page at some state and waits until the sentence is explained.
   * @param {Record<string, string>} state
   */
  async function open(state) {
    const opened = await visitor.open(`#${new URLSearchParams(state)}`);
    if (state.text) await opened.page.locator(".output .word").first().waitFor({ state: "attached" });
    return opened;
  }

  test("translates what is typed; the newest text wins", async () => {
    const { page, faults, close } = await open({ text: SENTENCE });
    assert.equal((await page.locator("#target").textContent())?.trim(), expected.translation);
    await page.getByText(`${SENTENCE.length} characters, ${expected.sourceTokens.length} pieces`).waitFor();
    await page.getByText(/sure.* \(\d+ %( a piece)?\)$/).waitFor();
    await openPart(page, "others");
    await openDrawer(page);
    await page.locator("#beam").selectOption("1");
    const greedy = (await engine.explain(SENTENCE, { beamSize: 1 })).sentences[0];
    await page.locator(".hypotheses .sentence", { hasText: greedy.translation }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".hypotheses .sentence").length === 1);
    await page.locator("#beam").selectOption("4");
    await page.keyboard.press("Escape");
    const input = page.locator("#source");
    for (const text of ["A man", "A man is", "A man is riding", "A dog runs."]) await input.fill(text);
    const short = (await engine.explain("A dog runs.", { beamSize: 4 })).translation;
    await page.locator("#target", { hasText: short }).waitFor();
    await idle(page);
    assert.equal((await page.locator("#target").textContent())?.trim(), short);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.locator("#target:empty").waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("a sign that the model cannot say stays in the translation, whose words are still linked", async () => {
    const text = "I ❤️ your dog.";
    const { page, faults, close } = await open({ text });
    const whole = await engine.translate(text, { beamSize: 4 });
    assert.match(whole, /❤️/u);
    assert.notEqual((await engine.explain(text, { beamSize: 4 })).translation, whole);
    assert.equal((await page.locator("#target").textContent())?.trim(), whole);
    await page.locator("#target .word", { hasText: /^Hund$/ }).hover();
    assert.deepEqual(await page.locator(".mirror .word.linked").allTextContents(), ["dog"]);
    assert.deepEqual(faults, []);
    await close();
  });

  test("a translation streams in: its beginning stands there before its end is known", async () => {
    const { text } = longText(50);
    const { page, faults, close } = await open({ beam: "1" });
    await page.locator("#source").fill("");
    await page.locator("#target:empty").waitFor();
    await page.evaluate(() => {
      const target = /** @type {HTMLElement} */ (document.querySelector("#target"));
      /** @type {string[]} */
      const states = [];
      Object.assign(globalThis, { states });
      const note = () => states.push(target.textContent ?? "");
      new MutationObserver(note).observe(target, { childList: true, characterData: true, subtree: true });
    });
    await page.locator("#source").fill(text);
    const whole = (await engine.translate(text)).trim();
    await page.locator("#target", { hasText: whole }).waitFor();
    const states = await page.evaluate(() => /** @type {string[]} */ (Reflect.get(globalThis, "states")));
    const beginnings = new Set(states.map((one) => one.replace(/[\s…]+$/, "")));
    for (const other of ["", whole]) beginnings.delete(other);
    assert.ok(beginnings.size > 0, `${states.length} states, none of them a beginning`);
    for (const beginning of beginnings) assert.ok(whole.startsWith(beginning), beginning);
    assert.deepEqual(faults, []);
    await close();
  });

  test("an example is one press away, and gives way to what is typed", async () => {
    const { page, close } = await visitor.fresh("");
    const first = await page.locator("#source").inputValue();
    await page.locator(".chip").nth(1).click();
    const second = await page.locator(".chip").nth(1).textContent();
    assert.notEqual(second, first);
    assert.equal(await page.locator("#source").inputValue(), second);
    await page.locator("#target .word").first().waitFor();
    await page.locator(".chip").first().click();
    await page.locator("#source").focus();
    await page.keyboard.type("A dog runs.");
    assert.equal(await page.locator("#source").inputValue(), "A dog runs.");
    await page.locator("#target", { hasText: "Hund" }).waitFor();
    await close();
  });

  test("shows confidence, candidates and alternatives as explain has them", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "translate" });
    await openPart(page, "confidence");
    await openPart(page, "others");
    const figure = (/** @type {string} */ name) => page.locator(`[data-figure="glossa-${name}"]`);
    const json = await exported(page, figure("confidence"), "JSON");
    /** @type {{id: number, logProbability: number}[]} */
    const tokens = JSON.parse(json.bytes.toString()).tokens;
    assert.deepEqual(
      tokens.map(({ id, logProbability }) => [id, logProbability]),
      expected.targetTokens.map(({ id, logProbability }) => [id, logProbability]),
    );
    assert.deepEqual(
      await page.locator(".hypotheses .sentence").evaluateAll((all) => all.map((one) => one.textContent?.trim())),
      [...new Set(expected.hypotheses.map((one) => one.text.trim()))],
    );
    // It opens on the least sure word, not on the first.
    const letters = expected.targetTokens.filter((one) => /\p{L}/u.test(one.text));
    const least = letters.reduce((a, b) => (b.logProbability < a.logProbability ? b : a));
    const at = expected.targetTokens.indexOf(least);
    await shot(page, "translate");
    const first = JSON.parse((await exported(page, figure("candidates"), "JSON")).bytes.toString());
    assert.deepEqual(first.candidates, expected.topK[at]);

    await figure("confidence").locator(".bar.open").nth(1).click();
    await page.getByText("What might have stood at piece 2").waitFor();
    const choices = await exported(page, figure("candidates"), "JSON");
    assert.deepEqual(JSON.parse(choices.bytes.toString()).candidates, expected.topK[1]);
    await page.locator("#tagline").click();
    const other = expected.topK[1].findIndex((one) => one.id !== expected.targetTokens[1].id);
    await figure("candidates").locator(".bar").nth(other).click();
    const prefix = [expected.targetTokens[0].id, expected.topK[1][other].id];
    const forced = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12, prefix })).sentences[0];
    assert.notEqual(forced.translation, expected.translation);
    await page.locator("#target", { hasText: forced.translation }).waitFor();
    await page.waitForFunction((fix) => location.hash.includes(`fix=${fix}`), prefix.join("."));
    await page.getByRole("button", { name: "Let the model choose" }).click();
    await page.locator("#target", { hasText: expected.translation }).waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("alternatives open at the word, and the translation goes on from the chosen one", async () => {
    const { page, faults, close } = await open({ text: SENTENCE });
    const word = page.locator("#target .word").nth(1);
    await word.click();
    const popover = page.getByRole("dialog", { name: /Instead of/ });
    const places = [await word.boundingBox(), await popover.boundingBox()];
    assert.ok(places[0] && places[1] && places[1].y >= places[0].y && places[1].y < places[0].y + 60, "at the word");
    const token = Number(await word.getAttribute("data-token"));
    const names = await popover.locator(".candidate .share-of").count();
    assert.ok(names > 3);
    const other = expected.topK[token].findIndex((one) => one.id !== expected.targetTokens[token].id);
    await popover.locator(".candidate").nth(other).click();
    const prefix = [...expected.targetTokens.slice(0, token).map((one) => one.id), expected.topK[token][other].id];
    const forced = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12, prefix })).sentences[0];
    await page.locator("#target", { hasText: forced.translation }).waitFor();
    await page.getByText("You chose the beginning").waitFor();
    // A choice stands in the address: it is there again after a reload.
    await page.waitForFunction((fix) => location.hash.includes(`fix=${fix}`), prefix.join("."));
    await page.reload();
    await page.locator("#target .word").first().waitFor();
    assert.equal((await page.locator("#target").textContent())?.trim(), forced.translation);
    await page.locator("#target .word").first().click();
    await page.keyboard.press("Escape");
    await popover.waitFor({ state: "hidden" });
    assert.deepEqual(faults, []);
    await close();
  });

  test("a word lights the words aligned with it, in both directions, and a click pins it", async () => {
    const { page, close } = await open({ text: SENTENCE });
    const link = expected.alignment[2];
    await page.locator(`.output .word[data-at="${link.target[0]}"]`).hover();
    const lit = page.locator(".mirror .word.linked");
    await lit.first().waitFor();
    assert.equal(await lit.first().textContent(), SENTENCE.slice(...link.source));
    await page.locator("#tagline").hover();
    assert.equal(await page.locator(".word.linked").count(), 0);

    const box = await page.locator(`.mirror .word[data-at="${link.source[0]}"]`).boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.locator(`.output .word.linked[data-at="${link.target[0]}"]`).waitFor();

    await page.locator(`.output .word[data-at="${link.target[0]}"]`).click();
    await page.locator("#tagline").hover();
    await page.locator(`.output .word.self[aria-pressed="true"]`).waitFor();
    await close();
  });

  test("draws every layer and head, one of them with the engine's own numbers", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "attention", layer: "1", head: "2" });
    const { cross, encoder } = expected;
    const large = page.locator(".large .figure");
    await large.locator("svg.heatmap").waitFor();
    const all = (encoder.layers + 2 * cross.layers) * cross.heads;
    assert.equal(await page.locator(".heads canvas").count(), all);
    const size = cross.rows * cross.cols;
    const at = (cross.heads + 2) * size;
    const own = [...cross.data.subarray(at, at + size)];
    const json = JSON.parse((await exported(page, large, "JSON")).bytes.toString());
    assert.deepEqual(json.weights.flat(), own);
    const svg = (await exported(page, large, "SVG")).bytes.toString();
    const values = await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      if (parsed.querySelector("parsererror")) throw new Error("the SVG does not parse");
      return [...parsed.querySelectorAll("rect[data-value]")].map((one) => Number(one.getAttribute("data-value")));
    }, svg);
    assert.deepEqual(values, own);
    assert.ok(!/var\(|class=/.test(svg), "the file needs no style sheet");
    assert.ok(svg.includes("German looks at English, layer 2, head 3"), "it has a title");
    const png = await exported(page, large, "PNG");
    assert.deepEqual(
      [...png.bytes.subarray(1, 4)],
      [..."PNG"].map((c) => c.charCodeAt(0)),
    );
    await shot(page, "attention");

    await openTable(large);
    assert.equal(await page.locator(".numbers tbody td").count(), size);
    assert.equal(await page.locator(".numbers tbody td").first().textContent(), own[0].toFixed(3));

    await page.locator('.heads button[data-kind="encoder"][data-layer="0"][data-head="0"]').click();
    await page.locator('.heads button[aria-pressed="true"][data-kind="encoder"]').waitFor();
    await page.getByRole("heading", { name: "English looks at itself, layer 1, head 1" }).waitFor();
    assert.ok(await page.locator('input[name="kind"][value="encoder"]').isChecked());
    assert.deepEqual(faults, []);
    await close();
  });

  test("attention opens on the head that aligns, and a layer that is not there is none that is shown", async () => {
    const { page, close } = await open({ text: SENTENCE, view: "attention" });
    const [layer, head] = engine.info.model.alignmentHead ?? assert.fail("no aligning head");
    const name = (/** @type {number} */ l, /** @type {number} */ h) => `layer ${l + 1}, head ${h + 1}`;
    await page.getByRole("heading", { name: name(layer, head) }).waitFor();
    await close();
    const wrong = await open({ text: SENTENCE, view: "attention", layer: "77", head: "88" });
    const { cross } = expected;
    await wrong.page.getByRole("heading", { name: name(cross.layers - 1, cross.heads - 1) }).waitFor();
    assert.equal(await wrong.page.locator('.heads button[aria-pressed="true"]').count(), 1);
    await wrong.page.waitForFunction((l) => location.hash.includes(`layer=${l}`), cross.layers - 1);
    await wrong.close();
  });

  test("steps, masks, threshold, words and special tokens change what is drawn", async () => {
    const { page, close } = await open({ text: SENTENCE, view: "attention", kind: "decoder" });
    const { rows } = expected.decoder ?? assert.fail("no decoder attention");
    const count = (/** @type {string} */ selector) => page.locator(`.large .picture ${selector}`).count();
    assert.equal(await count("rect.masked"), (rows * (rows - 1)) / 2);
    await page.locator("#step").fill("2");
    await page.waitForFunction(
      (n) => document.querySelectorAll(".large .picture rect.later").length === n,
      (rows - 3) * rows,
    );
    await openOptions(page);
    await page.getByText("Start and end marks").click();
    await page.waitForFunction(
      (n) => document.querySelectorAll(".large rect[data-value]").length === n,
      (rows - 1) ** 2,
    );
    await page.locator('input[name="kind"][value="cross"]').check();
    await openOptions(page);
    await page.getByText("Whole words").click();
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".large text[data-row]")].some((one) => one.textContent?.includes("springt")),
    );
    const words = await page
      .locator(".large .picture text[data-row]")
      .evaluateAll((all) => all.map((one) => one.textContent));
    assert.equal(words.slice(0, 3).join(" "), expected.translation.split(" ").slice(0, 3).join(" "));
    await page.locator("#threshold").fill("0.5");
    await page.locator(".large rect.faint").first().waitFor({ state: "attached" });
    await close();
  });

  test("a batch of sentences has padding, masked; the other numbers stay the engine's", async () => {
    const short = "A dog runs.";
    const text = `${short} ${SENTENCE}`;
    const [one, two] = (await engine.explain(text, { beamSize: 4 })).sentences;
    const { page, faults, close } = await open({
      text,
      view: "attention",
      kind: "decoder",
      layer: "0",
      head: "0",
      padding: "1",
    });
    const own = one.targetTokens.length;
    const longest = two.targetTokens.length;
    const count = (/** @type {string} */ name) => page.locator(`.large .picture rect.${name}`).count();
    const cells = page.locator(".large .cells rect");
    await page.waitForFunction((n) => document.querySelectorAll(".large .cells rect").length === n, longest ** 2);
    assert.equal(await count("masked"), (own * (own - 1)) / 2);
    assert.equal(await count("padding"), longest ** 2 - own ** 2);
    // Two steps after its end the short sentence is padding, while the long one is still being written.
    await page.locator("#step").fill(String(own + 1));
    await page.waitForFunction(
      (n) => document.querySelectorAll(".large .picture rect.later").length === n,
      (longest - own - 2) * longest,
    );
    assert.equal(await count("later"), (longest - own - 2) * longest);
    assert.equal(await count("padding"), own * (longest - own) + 2 * longest);
    const values = await cells.evaluateAll((all) => all.map((cell) => Number(cell.getAttribute("data-value"))));
    const { data } = one.decoder ?? assert.fail("no decoder attention");
    for (let r = 0; r < longest; r++) {
      for (let c = 0; c < longest; c++) {
        assert.equal(values[r * longest + c], r < own && c < own ? data[r * own + c] : 0);
      }
    }
    await shot(page, "padding");
    await page.locator('input[name="kind"][value="encoder"]').check();
    await page.waitForFunction(
      (n) => document.querySelectorAll(".large .cells rect").length === n,
      two.sourceTokens.length ** 2,
    );
    await page.locator(".strip .turn [data-to=next]").click();
    await page.getByText("This is the longest of the 2 sentences").waitFor();
    assert.equal(await count("padding"), 0);
    await page.getByRole("button", { name: "Edit the text" }).click();
    await page.locator(".strip-edit").fill(short);
    await page.getByText("write a second sentence").waitFor();
    // Pieces come back in place of the text when something else is pressed, which does not move away from the pointer.
    await page.locator('input[name="kind"][value="cross"]').check();
    await page.locator(".strip-row.source").waitFor();
    assert.ok(await page.locator('input[name="kind"][value="cross"]').isChecked());
    assert.deepEqual(faults, []);
    await close();
  });

  test("the line picture shows the heads that are switched on", async () => {
    const { page, close } = await open({ text: SENTENCE, view: "attention", picture: "lines", heads: "0" });
    const heads = () =>
      page
        .locator(".large .links path")
        .evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute("data-head")))]);
    assert.deepEqual(await heads(), ["Head 1"]);
    await page.locator(".head-key").nth(1).click();
    await page.waitForFunction(() => document.querySelectorAll('.large .links path[data-head="Head 2"]').length > 0);
    assert.deepEqual(await heads(), ["Head 1", "Head 2"]);
    await page
      .locator(".head-key")
      .nth(1)
      .click({ modifiers: ["Shift"] });
    await page.waitForFunction(() => document.querySelectorAll('.large .links path[data-head="Head 1"]').length === 0);
    assert.deepEqual(await heads(), ["Head 2"]);
    await page.getByRole("button", { name: "All heads" }).click();
    await page.waitForFunction(() => document.querySelectorAll('.large .links path[data-head="Head 4"]').length > 0);
    assert.equal((await heads()).length, expected.cross.heads);
    await shot(page, "lines");
    await close();
  });

  test("copies, swaps and changes the pair of languages", async () => {
    // The same checkpoint under two names: what is tested is the menu, not the German.
    const folder = mkdtempSync(join(tmpdir(), "glossa-models-"));
    const { models } = JSON.parse(readFileSync(join(model, "../manifest.json"), "utf8"));
    const entry = models.find((/** @type {{id: string}} */ one) => one.id === "en-de");
    cpSync(model, join(folder, "en-de.gguf"));
    const back = { ...entry, id: "de-en", source: "de", target: "en" };
    writeFileSync(join(folder, "manifest.json"), JSON.stringify({ version: 1, models: [entry, back] }));
    const two = await openSite(folder);
    const { page, faults, close } = await openPage(browser, { permissions: ["clipboard-read", "clipboard-write"] });
    page.setDefaultTimeout(PATIENCE);
    try {
      await page.goto(`${two.url}#text=A+dog+runs.`);
      await page.locator(".output .word").first().waitFor();
      const translation = await page.locator("#target").textContent();
      await page.locator(".pane.target").getByRole("button", { name: "Copy" }).click();
      await page.locator(".pane.target").getByRole("button", { name: "Copied" }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), translation);
      await page.getByRole("button", { name: "Swap languages" }).click();
      await page.waitForFunction(() => location.hash.includes("m=de-en"));
      assert.equal(await page.locator("#source").inputValue(), translation);
      await page.locator(".output .word").first().waitFor();
      await page.locator("#from").selectOption("en");
      await page.waitForFunction(() => !location.hash.includes("m=de-en"));
      await page.locator(".output .word").first().waitFor();
      assert.deepEqual(faults, []);
    } finally {
      await close();
      await two.close();
      rmSync(folder, { recursive: true });
    }
  });

  test("heads switched off change the translation as headMask does, and can be ranked", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "effect" });
    /** @type {[number, number][]} */
    const off = Array.from({ length: expected.cross.heads }, (_, head) => [1, head]);
    for (const [layer, head] of off) await page.locator(`.switch[data-name="c${layer}.${head}"]`).click();
    // Each switch has its head's picture, and says what the head does.
    assert.equal(await page.locator(".switch canvas").count(), await page.locator(".switch").count());
    await page.locator(".heads-off .readout", { hasText: /^German looks at English, layer 2, head \d+, / }).waitFor();
    const without = (await engine.explain(SENTENCE, { beamSize: 4, headMask: { cross: off } })).sentences[0];
    await page
      .locator(".side .sentence", { hasText: without.translation.slice(0, 10) })
      .last()
      .waitFor();
    await page.getByText(`Score −${(-without.hypotheses[0].score).toFixed(3)}`).waitFor();
    await page.waitForFunction(() => location.hash.includes("off=c1.0"));
    await page.getByRole("button", { name: "Switch all on" }).click();
    assert.equal(await page.locator('.switch[aria-pressed="true"]').count(), 0);
    const total = expected.encoder.layers * expected.encoder.heads + 2 * expected.cross.layers * expected.cross.heads;
    await page
      .locator(".ranking .bar")
      .nth(total - 1)
      .waitFor();
    const values = await page
      .locator(".ranking .bar")
      .evaluateAll((all) => all.map((one) => Number(one.getAttribute("data-value"))));
    assert.deepEqual(
      values,
      values.toSorted((a, b) => b - a),
    );
    assert.ok(values[0] > 0);
    await page.locator("#other").selectOption("beam 1");
    const greedy = (await engine.explain(SENTENCE, { beamSize: 1 })).translation;
    await page.locator(".spaced .side .sentence").nth(1).waitFor();
    assert.equal((await page.locator(".spaced .side .sentence").nth(1).textContent())?.trim(), greedy);
    await shot(page, "effect");
    assert.deepEqual(faults, []);
    await close();
  });

  test("the story leaves out positions and the mask as the engine does, and cuts words as its tokenizer", async () => {
    const sentence = "The children have eaten all the apples.";
    const place = (/** @type {string} */ step) => `#/inside/${step}?m=en-de&t=${encodeURIComponent(sentence)}`;
    const { page, faults, close } = await visitor.open(place("2-vectors"));
    await page.getByRole("checkbox", { name: "positions" }).uncheck();
    const { sentences } = await engine.explain(sentence, { beamSize: 4, without: "positions", cuts: 5 });
    await page.locator(".help .sentence", { hasText: sentences[0].translation }).waitFor();
    assert.notEqual(sentences[0].translation, await engine.translate(sentence, { beamSize: 4 }));

    await page.evaluate((to) => location.assign(to), place("11-decoder"));
    await page.getByRole("checkbox", { name: "lift the mask" }).check();
    await page.getByText(/^Without the mask, [1-9]\d* % of the attention/).waitFor();
    const figure = page.locator('[data-figure="glossa-decoder-step"]');
    const values = await figure
      .locator("rect[data-value]")
      .evaluateAll((rects) => rects.map((one) => Number(one.getAttribute("data-value"))));
    const { decoder } = (await engine.explain(sentence, { beamSize: 4, without: "causal" })).sentences[0];
    const { rows, data, layers, heads } = decoder ?? assert.fail("no decoder attention");
    const all = Array.from({ length: layers * heads }, (_, i) => [
      ...data.subarray(i * rows ** 2, (i + 1) * rows ** 2),
    ]);
    assert.ok(all.some((one) => one.every((value, i) => value === values[i])));

    await page.evaluate((to) => location.assign(to), `${place("1-tokens")}&w=1`);
    const { cuts } =
      (sentences[0].cuts ?? []).find(({ tokens }) => tokens[0] <= 1 && tokens[1] > 1) ?? assert.fail("no cuts");
    const bars = page.locator('[data-figure="glossa-cuts"]');
    await bars.waitFor();
    const shown = JSON.parse((await exported(page, bars, "JSON")).bytes.toString());
    assert.equal(shown.length, cuts.length);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the address carries the state, and the page comes back from it", async () => {
    const first = await open({ text: "A dog runs." });
    const { page } = first;
    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator('.heads button[data-kind="encoder"][data-layer="0"][data-head="3"]').click();
    await openOptions(page);
    await page.getByText("Whole words").click();
    await page.waitForFunction(() => /head=3.*words=1/.test(location.hash));
    assert.match(new URL(page.url()).hash, /^#\/inside\?/);
    assert.equal(await page.title(), "Look inside a Transformer · Glossa");
    const address = page.url();
    await first.close();
    const again = await visitor.fresh(new URL(address).hash);
    await again.page.locator('.heads button[aria-pressed="true"][data-kind="encoder"]').waitFor();
    assert.equal(await again.page.locator("#source").inputValue(), "A dog runs.");
    assert.equal(await again.page.locator('.heads button[aria-pressed="true"]').getAttribute("data-head"), "3");
    assert.ok(await again.page.locator('input[name="kind"][value="encoder"]').isChecked());
    await openOptions(again.page);
    assert.ok(await again.page.getByLabel("Whole words").isChecked());
    await again.close();
  });

  test("what looks like HTML stays text everywhere", async () => {
    const text = '<img src=x onerror="window.hurt=1"> <script>window.hurt=1</script> & a dog.';
    for (const view of ["translate", "attention", "effect"]) {
      const { page, faults, close } = await open({ text, view });
      await idle(page);
      assert.equal(await page.evaluate(() => "hurt" in window), false);
      assert.equal(await page.locator("main img, main script").count(), 0);
      assert.deepEqual(faults, []);
      await close();
    }
  });

  test("a long text translates with progress, stops, goes on, and every sentence opens", async () => {
    const { text, sentences } = longText(process.env.GLOSSA_SOAK ? 2000 : 500);
    const { page, faults, close } = await open({ text: "A dog runs.", beam: "1" });
    const total = sentences.length;
    await page.locator("#source").fill(text);
    await page.locator(".pane .status", { hasText: new RegExp(`^Sentence \\d+ of ${total}$`) }).waitFor();
    const progress = page.locator(".progress");
    assert.equal(await progress.getAttribute("role"), "progressbar");
    await page.waitForFunction(() => Number(document.querySelector(".progress")?.getAttribute("aria-valuenow")) > 1);
    await page.getByRole("button", { name: "Stop" }).click();
    const finished = page.locator(".output .line:not(.pending)");
    await page.getByRole("button", { name: "Go on" }).waitFor();
    const done = await finished.count();
    await idle(page);
    assert.equal(await finished.count(), done);
    assert.ok(done >= 1 && done < total, `${done} of ${total} sentences`);
    // No sign promises what does not come; and where a text is longer than its box, the box scrolls, with the text in it.
    assert.doesNotMatch((await page.locator("#target").textContent()) ?? "", /…/);
    const { hidden, scrolls } = await page.evaluate(() => {
      const box = /** @type {HTMLTextAreaElement} */ (document.querySelector("#source"));
      const stack = /** @type {HTMLElement} */ (box.parentElement);
      return { hidden: box.scrollHeight - box.clientHeight, scrolls: stack.scrollHeight - stack.clientHeight };
    });
    assert.ok(
      hidden <= 8 && scrolls > 200,
      `${hidden} pixels of the text cannot be seen, ${scrolls} can be scrolled to`,
    );

    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForFunction(() => /…/.test(document.querySelector("#target")?.textContent ?? ""));
    assert.equal((await page.locator("#target").textContent())?.match(/…/g)?.length ?? 1, 1, "only what comes next");
    await page.waitForFunction((n) => document.querySelectorAll(".output .line:not(.pending)").length === n, total);
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
    assert.equal(await page.locator(".output .line").count(), total);
    // Paragraphs stay where they were.
    const paragraphs = (/** @type {string | null} */ all) => (all ?? "").split("\n\n").length;
    assert.equal(paragraphs(await page.locator("#target").textContent()), paragraphs(text));

    await page.getByRole("link", { name: "Look inside" }).click();
    await page.locator(".large text[data-col]").first().waitFor();
    // Every sentence, by the button that turns to the next: its columns are its own tokens.
    const shown = await page.evaluate(async (n) => {
      const letters = () =>
        [...document.querySelectorAll(".large text[data-col]")].map((one) => one.textContent).join("");
      const texts = [];
      for (let i = 0; i < n; i++) {
        const before = texts.at(-1);
        const end = performance.now() + 20_000;
        while ((letters() === before || letters() === "") && performance.now() < end) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        texts.push(letters());
        /** @type {HTMLElement} */ (document.querySelector('.strip .turn [data-to="next"]')).click();
      }
      return texts;
    }, total);
    assert.deepEqual(
      shown,
      sentences.map((one) => `${one.replaceAll(" ", "")}‹/s›`),
    );
    assert.deepEqual(faults, []);
    await close();
  });
});

/**
 * Paragraphs of unlike sentences, short and long ones.
 * @param {number} words at least
 */
function longText(words) {
  const people = ["A man", "The old woman", "A small boy", "Two girls", "My brother", "The teacher", "A tall player"];
  const deeds = [
    "walks",
    "waits",
    "sings a song",
    "reads a book",
    "eats an apple",
    "looks at the sky",
    "plays with a dog",
  ];
  const places = ["in the park", "near the river", "on a bench", "at the station", "behind a red house"];
  const more = [
    "while the sun is shining and the children are playing in the snow",
    "because it is raining",
    "and laughs",
  ];
  /** @type {string[]} */
  const sentences = [];
  let text = "";
  for (let i = 0, n = 0; n < words; i++) {
    const parts = [people[i % 7], deeds[(i + Math.floor(i / 7)) % 7]];
    if (i % 3 > 0) parts.push(places[(i + Math.floor(i / 35)) % 5]);
    if (i % 4 > 1) parts.push(more[(i + Math.floor(i / 12)) % 3]);
    const sentence = `${parts.join(" ")}.`;
    n += sentence.split(" ").length;
    if (text) text += i % 9 === 0 ? "\n\n" : " ";
    text += sentence;
    sentences.push(sentence);
  }
  return { text, sentences };
}
