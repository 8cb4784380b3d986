// The functions of the page in a real browser, over the built page. What the engine computes is compared with the same
// engine run in Node, so that no checkpoint's words are written here.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Translator } from "../../src/js/index.js";
import { launchChromium, openPage, saved, watchPage } from "./browser.js";
import { model, noSite, openSite } from "./site.js";

const SENTENCE = "A young girl in a red dress is jumping over a puddle.";
const PATIENCE = 60_000; // milliseconds that a busy machine may take
const shots = fileURLToPath(new URL("../../build/screenshots/", import.meta.url));

describe("the page", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {import("playwright-core").BrowserContext} of a visitor who has the model already */
  let visitor;
  /** @type {Translator} */
  let engine;
  /** @type {import("../../src/js/types.js").SentenceExplanation} */
  let expected;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
    visitor = await browser.newContext();
    visitor.setDefaultTimeout(PATIENCE);
    engine = await Translator.create({ model, worker: false, build: "simd128" });
    expected = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12 })).sentences[0];
    mkdirSync(shots, { recursive: true });
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
    const page = await visitor.newPage();
    const faults = watchPage(page);
    await page.goto(`${site.url}#${new URLSearchParams(state)}`);
    if (state.text) await page.locator(".output .word").first().waitFor();
    return { page, faults, close: () => page.close() };
  }

  test("says how large the model is before it loads it, and loads it when asked", async () => {
    const { page, faults, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(site.url);
    const load = page.getByRole("button", { name: /^Load the model, [\d.]+ MB$/ });
    await load.waitFor();
    assert.deepEqual(
      requests.filter((url) => url.endsWith(".gguf")),
      [],
    );
    await load.click();
    await page.locator("#source").fill("A dog runs.");
    await page.locator(".output .word").first().waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("translates what is typed; the newest text wins", async () => {
    const { page, faults, close } = await open({ text: SENTENCE });
    assert.equal((await page.locator("#target").textContent())?.trim(), expected.translation);
    await page.getByText(`${SENTENCE.length} characters, ${expected.sourceTokens.length} tokens`).waitFor();
    await page.getByText(/^\d+ ms, \d+ tokens\/s$/).waitFor();
    await page.locator("#beam").selectOption("1");
    const greedy = (await engine.explain(SENTENCE, { beamSize: 1 })).sentences[0];
    await page.locator(".hypotheses .sentence", { hasText: greedy.translation }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".hypotheses .sentence").length === 1);
    await page.locator("#beam").selectOption("4");
    const input = page.locator("#source");
    for (const text of ["A man", "A man is", "A man is riding", "A dog runs."]) await input.fill(text);
    const short = (await engine.explain("A dog runs.", { beamSize: 4 })).translation;
    await page.locator("#target", { hasText: short }).waitFor();
    await page.waitForTimeout(300);
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

  test("an example fills the empty page", async () => {
    const { page, close } = await open({});
    await page.locator(".chip").first().click();
    await page.locator(".output .word").first().waitFor();
    assert.equal(await page.locator("#source").inputValue(), SENTENCE);
    await close();
  });

  test("shows confidence, candidates and alternatives as explain has them", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "translate" });
    const sections = page.locator(".columns section");
    const json = await saved(page, sections.nth(0).getByRole("button", { name: "Export as JSON" }));
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
    await page.screenshot({ path: join(shots, "translate.png"), fullPage: true });

    await sections.nth(0).locator(".bar.open").nth(1).click();
    const choices = await saved(page, sections.nth(1).getByRole("button", { name: "Export as JSON" }));
    assert.deepEqual(JSON.parse(choices.bytes.toString()).candidates, expected.topK[1]);
    const other = expected.topK[1].findIndex((one) => one.id !== expected.targetTokens[1].id);
    await sections.nth(1).locator(".bar").nth(other).click();
    const prefix = [expected.targetTokens[0].id, expected.topK[1][other].id];
    const forced = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12, prefix })).sentences[0];
    assert.notEqual(forced.translation, expected.translation);
    await page.locator("#target", { hasText: forced.translation }).waitFor();
    await page.getByRole("button", { name: "Let the model choose" }).click();
    await page.locator("#target", { hasText: expected.translation }).waitFor();
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
    await page.locator("h1").hover();
    assert.equal(await page.locator(".word.linked").count(), 0);

    const box = await page.locator(`.mirror .word[data-at="${link.source[0]}"]`).boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.locator(`.output .word.linked[data-at="${link.target[0]}"]`).waitFor();

    await page.locator(`.output .word[data-at="${link.target[0]}"]`).click();
    await page.locator("h1").hover();
    await page.locator(`.output .word.self[aria-pressed="true"]`).waitFor();
    await close();
  });

  test("draws every layer and head, one of them with the engine's own numbers", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "attention", layer: "1", head: "2" });
    const { cross, encoder } = expected;
    assert.equal(await page.locator(".heads canvas").count(), cross.layers * cross.heads);
    const size = cross.rows * cross.cols;
    const at = (cross.heads + 2) * size;
    const own = [...cross.data.subarray(at, at + size)];
    const json = JSON.parse(
      (await saved(page, page.locator(".enlarged").getByRole("button", { name: "Export as JSON" }))).bytes.toString(),
    );
    assert.deepEqual(json.weights.flat(), own);
    const svg = (
      await saved(page, page.locator(".enlarged").getByRole("button", { name: "Export as SVG" }))
    ).bytes.toString();
    const values = await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      if (parsed.querySelector("parsererror")) throw new Error("the SVG does not parse");
      return [...parsed.querySelectorAll("rect[data-value]")].map((one) => Number(one.getAttribute("data-value")));
    }, svg);
    assert.deepEqual(values, own);
    assert.ok(!/var\(|class=/.test(svg), "the file needs no style sheet");
    const png = await saved(page, page.locator(".enlarged").getByRole("button", { name: "Export as PNG" }));
    assert.deepEqual(
      [...png.bytes.subarray(1, 4)],
      [..."PNG"].map((c) => c.charCodeAt(0)),
    );
    await page.screenshot({ path: join(shots, "attention.png"), fullPage: true });

    await page.locator(".enlarged summary").click();
    await page.locator(".numbers").waitFor();
    assert.equal(await page.locator(".numbers tbody td").count(), size);
    assert.equal(await page.locator(".numbers tbody td").first().textContent(), own[0].toFixed(3));

    await page.locator(".heads button").first().click();
    await page.locator('.heads button[aria-pressed="true"][data-layer="0"][data-head="0"]').waitFor();
    await page.getByRole("radio", { name: "Encoder" }).check();
    await page.waitForFunction(
      (n) => document.querySelectorAll(".heads canvas").length === n,
      encoder.layers * encoder.heads,
    );
    assert.deepEqual(faults, []);
    await close();
  });

  test("steps, masks, threshold, words and special tokens change what is drawn", async () => {
    const { page, close } = await open({ text: SENTENCE, view: "attention", kind: "decoder" });
    const { rows } = expected.decoder ?? assert.fail("no decoder attention");
    const count = (/** @type {string} */ selector) => page.locator(`.picture ${selector}`).count();
    assert.equal(await count("rect.masked"), (rows * (rows - 1)) / 2);
    await page.locator("#step").fill("2");
    assert.equal(await count("rect.later"), (rows - 3) * rows);
    await page.getByText("Start and end tokens").click();
    assert.equal(await count("rect[data-value]"), (rows - 1) ** 2);
    await page.getByRole("radio", { name: "Cross" }).check();
    await page.getByText("Whole words").click();
    const words = await page.locator(".picture text[data-row]").evaluateAll((all) => all.map((one) => one.textContent));
    assert.equal(words.slice(0, 3).join(" "), expected.translation.split(" ").slice(0, 3).join(" "));
    await page.locator(".range input").fill("0.5");
    assert.ok((await count("rect.faint")) > 0);
    await close();
  });

  test("a batch of sentences has padding, masked; the other numbers stay the engine's", async () => {
    const short = "A dog runs.";
    const text = `${short} ${SENTENCE}`;
    const [one, two] = (await engine.explain(text, { beamSize: 4 })).sentences;
    const { page, faults, close } = await open({ text, view: "attention", kind: "decoder", padding: "1" });
    const own = one.targetTokens.length;
    const longest = two.targetTokens.length;
    const count = (/** @type {string} */ name) => page.locator(`.picture rect.${name}`).count();
    const cells = page.locator(".picture .cells rect");
    await page.waitForFunction((n) => document.querySelectorAll(".picture .cells rect").length === n, longest ** 2);
    assert.equal(await count("masked"), (own * (own - 1)) / 2);
    assert.equal(await count("padding"), longest ** 2 - own ** 2);
    // Two steps after its end the short sentence is padding, while the long one is still being written.
    await page.locator("#step").fill(String(own + 1));
    assert.equal(await count("later"), (longest - own - 2) * longest);
    assert.equal(await count("padding"), own * (longest - own) + 2 * longest);
    const values = await cells.evaluateAll((all) => all.map((cell) => Number(cell.getAttribute("data-value"))));
    const { data } = one.decoder ?? assert.fail("no decoder attention");
    for (let r = 0; r < longest; r++) {
      for (let c = 0; c < longest; c++) {
        assert.equal(values[r * longest + c], r < own && c < own ? data[r * own + c] : 0);
      }
    }
    await page.screenshot({ path: join(shots, "padding.png"), fullPage: true });
    await page.getByRole("radio", { name: "Encoder" }).check();
    await page.waitForFunction(
      (n) => document.querySelectorAll(".picture .cells rect").length === n,
      two.sourceTokens.length ** 2,
    );
    await page.getByRole("button", { name: "Next sentence" }).click();
    await page.getByText("This is the longest of the 2 sentences").waitFor();
    assert.equal(await count("padding"), 0);
    await page.locator("#source").fill(short);
    await page.getByText("write a second sentence").waitFor();
    assert.deepEqual(faults, []);
    await close();
  });

  test("the line picture shows the heads that are switched on", async () => {
    const { page, close } = await open({ text: SENTENCE, view: "attention", picture: "lines", heads: "0" });
    const heads = () =>
      page.locator(".links path").evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute("data-head")))]);
    assert.deepEqual(await heads(), ["Head 1"]);
    await page.locator(".head-key").nth(1).click();
    assert.deepEqual(await heads(), ["Head 1", "Head 2"]);
    await page
      .locator(".head-key")
      .nth(1)
      .click({ modifiers: ["Shift"] });
    assert.deepEqual(await heads(), ["Head 2"]);
    await page.getByRole("button", { name: "All heads" }).click();
    assert.equal((await heads()).length, expected.cross.heads);
    await page.screenshot({ path: join(shots, "lines.png"), fullPage: true });
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
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), translation);
      await page.getByRole("button", { name: "Swap languages" }).click();
      await page.waitForFunction(() => location.hash.includes("pair=de-en"));
      assert.equal(await page.locator("#source").inputValue(), translation);
      await page.locator(".output .word").first().waitFor();
      await page.locator("#pair").selectOption("en-de");
      await page.waitForFunction(() => !location.hash.includes("pair=de-en"));
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
    const without = (await engine.explain(SENTENCE, { beamSize: 4, headMask: { cross: off } })).sentences[0];
    await page
      .locator(".side .sentence", { hasText: without.translation.slice(0, 10) })
      .last()
      .waitFor();
    await page.getByText(`Score ${without.hypotheses[0].score.toFixed(3)}`).waitFor();
    await page.waitForFunction(() => location.hash.includes("off=c1.0"));
    await page.getByRole("button", { name: "Switch all on" }).click();
    const total = expected.encoder.layers * expected.encoder.heads + 2 * expected.cross.layers * expected.cross.heads;
    await page.getByRole("button", { name: `Rank all ${total} heads` }).click();
    await page
      .locator(".bars .bar")
      .nth(total - 1)
      .waitFor();
    const values = await page
      .locator(".bars .bar")
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
    await page.screenshot({ path: join(shots, "effect.png"), fullPage: true });
    assert.deepEqual(faults, []);
    await close();
  });

  test("how it works: the engine's own numbers, and arithmetic that agrees with them", async () => {
    const { page, faults, close } = await open({ text: SENTENCE, view: "inside", layer: "2", head: "1" });
    await page.locator(".step-card .tree").waitFor();
    assert.equal(await page.locator(".step-card").count(), 10);
    assert.equal(await page.locator(".step-card math").count(), 10);
    const weights = page.locator(".shown", { has: page.getByText("Attention weights, as the engine has them") });
    const json = JSON.parse(
      (await saved(page, weights.getByRole("button", { name: "Export as JSON" }))).bytes.toString(),
    );
    const size = expected.encoder.rows ** 2;
    const at = (2 * expected.encoder.heads + 1) * size;
    assert.deepEqual(json.values, [...expected.encoder.data.subarray(at, at + size)]);
    // The page computes the layer in float32, the engine in int8: close, and never the same.
    const said = await page.locator(".step-card .help").allTextContents();
    const differences = said.map((text) => Number(/is ([\d.e+-]+)\.$/.exec(text)?.[1]));
    assert.equal(differences.length, 2);
    assert.ok(differences[0] > 0 && differences[0] < 0.1, `weights: ${differences[0]}`);
    assert.ok(differences[1] > 0 && differences[1] < 0.5, `states: ${differences[1]}`);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the address carries the state, and the page comes back from it", async () => {
    const first = await open({ text: "A dog runs." });
    const { page } = first;
    await page.getByRole("link", { name: "Attention" }).click();
    await page.getByRole("radio", { name: "Encoder" }).check();
    await page.locator(".heads button").nth(3).click();
    await page.getByText("Whole words").click();
    await page.waitForFunction(() => /head=3.*words=1/.test(location.hash));
    const address = page.url();
    await first.close();
    const again = await openPage(browser);
    again.page.setDefaultTimeout(PATIENCE);
    await again.page.goto(address);
    await again.page.locator('.heads button[aria-pressed="true"]').waitFor();
    assert.equal(await again.page.locator("#source").inputValue(), "A dog runs.");
    assert.equal(await again.page.locator('.heads button[aria-pressed="true"]').getAttribute("data-head"), "3");
    assert.ok(await again.page.getByRole("radio", { name: "Encoder" }).isChecked());
    assert.ok(await again.page.getByLabel("Whole words").isChecked());
    await again.close();
  });

  test("what looks like HTML stays text everywhere", async () => {
    const text = '<img src=x onerror="window.hurt=1"> <script>window.hurt=1</script> & a dog.';
    for (const view of ["translate", "attention", "effect"]) {
      const { page, faults, close } = await open({ text, view });
      await page.waitForTimeout(200);
      assert.equal(await page.evaluate(() => "hurt" in window), false);
      assert.equal(await page.locator("main img, main script").count(), 0);
      assert.deepEqual(faults, []);
      await close();
    }
  });

  test("a text of 2,000 words translates with progress, stops, goes on, and every sentence opens", async () => {
    const { text, sentences } = longText(2000);
    const { page, faults, close } = await open({ text: "A dog runs.", beam: "1" });
    const total = sentences.length;
    await page.locator("#source").fill(text);
    await page.getByText(new RegExp(`^Sentence \\d+ of ${total}$`)).waitFor();
    const progress = page.locator(".progress");
    assert.equal(await progress.getAttribute("role"), "progressbar");
    await page.waitForFunction(() => Number(document.querySelector(".progress")?.getAttribute("aria-valuenow")) > 1);
    await page.getByRole("button", { name: "Stop" }).click();
    const finished = page.locator(".line:not(.pending)");
    await page.getByRole("button", { name: "Go on" }).waitFor();
    const done = await finished.count();
    await page.waitForTimeout(300);
    assert.equal(await finished.count(), done);
    assert.ok(done >= 1 && done < total, `${done} of ${total} sentences`);

    await page.getByRole("link", { name: "Attention" }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForFunction((n) => document.querySelectorAll(".line:not(.pending)").length === n, total);
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
    assert.equal(await page.locator(".line").count(), total);
    // Paragraphs stay where they were.
    const paragraphs = (/** @type {string | null} */ all) => (all ?? "").split("\n\n").length;
    assert.equal(paragraphs(await page.locator("#target").textContent()), paragraphs(text));

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
        /** @type {HTMLElement} */ (document.querySelector('.turn [data-to="next"]')).click();
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
