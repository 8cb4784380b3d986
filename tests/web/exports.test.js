// Every view can be saved as SVG, PNG and JSON, with the numbers of `explain`, and every picture has its table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Translator } from "../../src/js/index.js";
import { reduced } from "../../web/attention.js";
import { parseGguf } from "../js/gguf-parse.js";
import { exported, launchChromium, openOptions, openPart, openTable, Visitor } from "./browser.js";
import { model, noSite, openSite } from "./site.js";

const SENTENCE = "Two men are sitting on a bench.";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../src/js/types.js").Attention} Attention */

/** Rows of every head. @param {Attention} attention */
const rowsOf = ({ layers, heads, rows, cols, data }) =>
  Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (_, head) =>
      Array.from({ length: rows }, (_, row) => {
        const at = ((layer * heads + head) * rows + row) * cols;
        return [...data.subarray(at, at + cols)];
      }),
    ),
  );

/** The mean of all heads, rounded: it is summed in another order here. @param {Attention} attention */
const meanOf = (attention) => {
  const all = rowsOf(attention).flat();
  return all[0].map((row, r) =>
    row.map((_, c) => (all.reduce((sum, head) => sum + head[r][c], 0) / all.length).toFixed(5)),
  );
};

describe("exports", { skip: noSite }, () => {
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

  /** @param {string} view @param {string} [more] */
  async function open(view, more = "") {
    const opened = await visitor.fresh(`#view=${view}&text=${encodeURIComponent(SENTENCE)}${more}`);
    await opened.page.locator(".output .word").first().waitFor({ state: "attached" });
    return opened;
  }

  /** Texts and values of an SVG that is a file of its own. @param {Page} page @param {Buffer} bytes */
  const read = (page, bytes) =>
    page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      if (parsed.querySelector("parsererror")) throw new Error(parsed.documentElement.textContent ?? "");
      return {
        texts: [...parsed.querySelectorAll("text")].map((one) => one.textContent ?? ""),
        values: [...parsed.querySelectorAll("[data-value]")].map((one) => Number(one.getAttribute("data-value"))),
        shapes: parsed.querySelectorAll("text, path, rect").length,
      };
    }, bytes.toString());

  /**
   * Saves every figure in every form, opens its table, and returns what came, by the name of the file.
   * @param {Page} page
   * @param {string} selector which ones
   */
  async function saveAll(page, selector) {
    /** @type {Record<string, {json: any, texts: string[], values: number[]}>} */
    const found = {};
    for (const figure of await page.locator(selector).all()) {
      const svg = await exported(page, figure, "SVG");
      assert.doesNotMatch(svg.bytes.toString(), /var\(|class=/, "the file needs no style sheet");
      const { texts, values, shapes } = await read(page, svg.bytes);
      assert.ok(shapes > 3, `${svg.name}: ${shapes} shapes`);
      assert.ok(texts.join(" ").includes(SENTENCE.split(" ").slice(0, 3).join(" ")), `${svg.name}: of which sentence`);
      const png = (await exported(page, figure, "PNG")).bytes;
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.ok(png.readUInt32BE(16) > 50 && png.readUInt32BE(20) > 20, "width and height");
      const json = await exported(page, figure, "JSON");
      const name = json.name.replace(".json", "");
      assert.equal(svg.name, `${name}.svg`);
      found[name] = { json: JSON.parse(json.bytes.toString()), texts, values };
      // A picture has a table; a text or a table is one.
      if ((await figure.locator(".picture").count()) > 0) await openTable(figure);
    }
    const outside = await page.evaluate(() =>
      [...document.querySelectorAll(".room:not([hidden]) :is(svg, canvas, ol.hypotheses)")]
        .filter((one) => one.checkVisibility() && !one.closest(".figure, .mask-keys, .map, .switch, .pair"))
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(outside, [], "pictures that cannot be saved");
    return found;
  }

  test("translate: confidence, candidates, other translations", async () => {
    const { page, faults } = await open("translate");
    await openPart(page, "others");
    await openPart(page, "confidence");
    await page.locator('[data-figure="glossa-candidates"]').waitFor();
    const found = await saveAll(page, "#translate .figure");
    assert.deepEqual(Object.keys(found), [
      "glossa-threads",
      "glossa-translations",
      "glossa-confidence",
      "glossa-candidates",
    ]);
    assert.equal(found["glossa-threads"].json.weights.length, found["glossa-threads"].json.rows.length);
    const unique = expected.hypotheses.filter((one, i, all) => all.findIndex((other) => other.text === one.text) === i);
    const { json, texts } = found["glossa-translations"];
    assert.deepEqual(
      json.translations.map((/** @type {any} */ one) => [one.text, one.score, one.tokens.length]),
      unique.map((one) => [one.text, one.score, one.tokens.length]),
    );
    for (const { text, score } of unique) {
      assert.ok(texts.join(" ").includes(text), text);
      assert.ok(texts.some((one) => one.includes((-score).toFixed(3))));
    }
    // The browser's exponential may differ from Node's in the last digit.
    const logs = (/** @type {number[]} */ all) => all.map((one) => Math.log(one).toFixed(9));
    const probabilities = expected.targetTokens.map((one) => Math.exp(one.logProbability));
    assert.deepEqual(logs(found["glossa-confidence"].values), logs(probabilities));
    assert.ok(expected.topK.some((one) => isDeepStrictEqual(one, found["glossa-candidates"].json.candidates)));
    assert.deepEqual(faults, []);
    await page.close();
  });

  test("attention: every head at once, and one of them; lines too", async () => {
    const { page, faults } = await open("attention", "&layer=1&head=3");
    await page.locator(".large svg").waitFor();
    const { "glossa-overview": all, "glossa-cross": one } = await saveAll(page, ".stage .attention .figure");
    assert.deepEqual(all.json.layers, rowsOf(expected.cross));
    assert.deepEqual(one.json.weights, rowsOf(expected.cross)[1][3]);
    assert.deepEqual(one.values, one.json.weights.flat());
    await page.getByRole("radio", { name: "Lines" }).check();
    await page.locator("svg.lines").waitFor();
    // The overview was saved above.
    const lines = (await saveAll(page, ".stage .figure:has(svg.lines)"))["glossa-cross"];
    assert.deepEqual(
      lines.values,
      one.json.weights.flat().filter((/** @type {number} */ value) => value >= 0.02),
    );
    assert.deepEqual(faults, []);
    await page.close();
  });

  test("attention: averages, maximum and rollout", async () => {
    const { page, faults } = await open("attention", "&layer=1&head=0");
    await page.locator(".large svg").waitFor();
    /** @type {Map<string, string>} */
    const seen = new Map();
    for (const kind of /** @type {const} */ (["encoder", "decoder", "cross"])) {
      await page.locator(`input[name="kind"][value="${kind}"]`).check();
      // The second layer, whatever the page shows first.
      await page.locator(`.heads button[data-kind="${kind}"][data-layer="1"][data-head="0"]`).click();
      for (const reduce of /** @type {const} */ (["layer", "mean", "max", "rollout"])) {
        await openOptions(page);
        await page.locator(`input[name="reduce"][value="${reduce}"]`).check();
        const { weights } = JSON.parse((await exported(page, page.locator(".large .figure"), "JSON")).bytes.toString());
        assert.deepEqual(weights.flat(), [...reduced(expected, kind, reduce, 1, 0)], `${kind}, ${reduce}`);
        seen.set(JSON.stringify(weights), reduce);
      }
    }
    assert.equal(seen.size, 12, "no two are the same");
    assert.deepEqual(faults, []);
    await page.close();
  });

  test("cause and effect: heads off, the ranking, side by side", async () => {
    const { page, faults } = await open("effect", "&off=c0.1,c1.0");
    await page.locator('[data-figure="glossa-heads-off"]').waitFor();
    await page.locator("#other").selectOption("beam 1");
    await page.locator(".spaced .side").nth(1).waitFor();
    await page.locator(".ranking .bar").nth(31).waitFor();
    const found = await saveAll(page, ".stage .figure");
    const off = found["glossa-heads-off"];
    const headMask = {
      cross: /** @type {[number, number][]} */ ([
        [0, 1],
        [1, 0],
      ]),
    };
    const without = (await engine.explain(SENTENCE, { beamSize: 4, headMask })).sentences[0];
    assert.deepEqual(off.json.without, { translation: without.translation, score: without.hypotheses[0].score });
    assert.equal(off.json.original.translation, expected.translation);
    assert.equal(off.json.original.score, expected.hypotheses[0].score);
    assert.deepEqual(off.json.headsOff, [
      { kind: "cross", layer: 0, head: 1 },
      { kind: "cross", layer: 1, head: 0 },
    ]);
    assert.ok(off.texts.join(" ").includes(without.translation));

    const greedy = (await engine.explain(SENTENCE, { beamSize: 1 })).sentences[0];
    const { json, values } = found["glossa-side-by-side"];
    for (const [i, one] of [expected, greedy].entries()) {
      assert.equal(json.sides[i].translation, one.translation);
      assert.equal(json.sides[i].score, one.hypotheses[0].score);
      const weights = json.sides[i].weights.map((/** @type {number[]} */ row) => row.map((value) => value.toFixed(5)));
      assert.deepEqual(weights, meanOf(one.cross));
    }
    assert.deepEqual(
      values,
      json.sides.flatMap((/** @type {any} */ side) => side.weights.flat()),
    );
    assert.ok("glossa-heads" in found);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test("the story: a picture of each kind", async () => {
    /** @type {Awaited<ReturnType<typeof saveAll>>} */
    const found = {};
    const kinds = [["1-tokens", "3-projections", "5-softmax"], ["9-forward", "10-stack", "11-decoder"], ["14-beam"]];
    for (const few of kinds) {
      const { page, faults, close } = await open("inside");
      for (const step of few) {
        const place = `#/inside/${step}?t=${encodeURIComponent(SENTENCE)}&kind=encoder&layer=1&head=2&w=1`;
        await page.evaluate((to) => location.assign(to), place);
        await page
          .locator(`.story-stage[data-step="${step.split("-")[1]}"] .number`)
          .first()
          .waitFor({ state: "attached" });
        Object.assign(found, await saveAll(page, ".stage .figure >> nth=0"));
      }
      assert.deepEqual(faults, []);
      await close();
    }
    assert.deepEqual(Object.keys(found), [
      ...["glossa-tokens", "glossa-query", "glossa-weights", "glossa-forward", "glossa-stack"],
      ...["glossa-decoder-step", "glossa-beam"],
    ]);
    const row = rowsOf(expected.encoder)[1][2][1];
    assert.deepEqual(
      found["glossa-weights"].json.map((/** @type {any} */ one) => one.value),
      row,
    );
    assert.deepEqual(
      found["glossa-tokens"].json.tokens.map((/** @type {any} */ one) => one.id),
      expected.sourceTokens.map((one) => one.id),
    );
    assert.ok(Math.abs(found["glossa-beam"].json.translations[0].score - expected.hypotheses[0].score) < 1e-4);
  });

  test("model: what it is, its speed, metadata, tensors and the histogram of a tensor", async () => {
    const { page, faults } = await open("model");
    await page.getByRole("button", { name: "Measure" }).click();
    const speed = await page.getByText(/ms a text; \d+ source pieces\/s/).textContent();
    await page.getByRole("button", { name: "Look inside the checkpoint" }).click();
    await page.locator(".histogram").waitFor();
    const found = await saveAll(page, "#drawer .figure");
    const parsed = parseGguf(readFileSync(model));
    const facts = found["glossa-model"];
    assert.equal(facts.json.entry.bytes, readFileSync(model).length);
    assert.equal(facts.json.model.parameters, engine.info.model.parameters);
    assert.ok(facts.texts.includes(engine.info.model.name), facts.texts.join("; "));
    const { tokens, texts, milliseconds } = found["glossa-speed"].json;
    const middle = milliseconds.oneByOne.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b)[2];
    assert.ok(speed?.startsWith(`${(middle / texts).toFixed(1)} ms a text; ${Math.round((tokens * 1000) / middle)} `));
    assert.ok(found["glossa-speed"].texts.join("").includes("ms a text"), found["glossa-speed"].texts.join("; "));
    const metadata = found["glossa-metadata"].json;
    assert.deepEqual(Object.keys(metadata).sort(), [...parsed.keys.keys()].sort());
    assert.equal(metadata["glossa.embedding_length"], parsed.keys.get("glossa.embedding_length"));
    assert.deepEqual(
      found["glossa-tensors"].json.map((/** @type {any} */ one) => [one.name, one.ne]),
      [...parsed.tensors].map(([name, one]) => [name, one.ne]),
    );
    assert.ok(found["glossa-tensors"].texts.includes("enc.blk.0.attn_q.weight"));
    assert.deepEqual(faults, []);
    await page.close();
  });
});
