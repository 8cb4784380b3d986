// The story, walked by keyboard alone: every step shows a number that is checked against `explain`, and axe finds
// nothing in it, light or dark.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { steps } from "../../web/address.js";
import { headWeights } from "../../web/attention.js";
import { headMask, initialState } from "../../web/state.js";
import { chosenToken, chosenWord, storyHead } from "../../web/heads.js";
import { cosine, moments } from "../../web/network.js";
import { goldenCheckpoint, references } from "../js/golden-model.js";
import { findings, launchChromium, openPage, PATIENCE, shot } from "./browser.js";
import { model, noSite, openSite } from "./site.js";

const SENTENCE = "A young girl is reading an old book in the garden.";

describe("the story", { skip: noSite }, () => {
  /** @type {Awaited<ReturnType<typeof openSite>>} */
  let site;
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {Translator} */
  let engine;

  before(async () => {
    site = await openSite();
    browser = await launchChromium();
    engine = await Translator.create({ model, worker: false, build: "simd128" });
  });
  after(async () => {
    engine?.destroy();
    await browser?.close();
    await site?.close();
  });

  test("fifteen steps by keyboard alone, each with the engine's own number and an answered question", async () => {
    const seen = (await engine.explain(SENTENCE, { beamSize: 4, topK: 12, hidden: true })).sentences[0];
    const { hidden } = seen;
    if (!hidden) assert.fail("no hidden states");
    const { width, tokens: n } = hidden.encoder;
    const state = (/** @type {string} */ story) => ({
      ...initialState,
      story,
      aligning: engine.info.model.alignmentHead,
    });
    const word = chosenWord(state(""), seen);
    const token = chosenToken(state(""), seen);
    /** @param {"encoder" | "decoder" | "cross"} kind @param {string} story @param {number} at */
    const row = (kind, story, at) => {
      const attention = seen[kind] ?? assert.fail(kind);
      const { layer, head } = storyHead(state(story), seen);
      return [...headWeights(attention, layer, head).subarray(at * attention.cols, (at + 1) * attention.cols)];
    };
    const layerOf = (/** @type {string} */ story) => storyHead(state(story), seen).layer;
    const hiddenRow = (/** @type {number} */ layer, /** @type {number} */ at) =>
      hidden.encoder.data.subarray((layer * n + at) * width, (layer * n + at + 1) * width);
    const most = (/** @type {number[]} */ values) => Math.max(...values);
    /** What each step must show, and how near. @type {Record<string, () => Promise<[number, number]> | [number, number]>} */
    const expected = {
      tokens: () => [seen.sourceTokens[word].id, 0],
      vectors: () => [hiddenRow(0, word)[0], 1e-6],
      projections: () => [most(row("encoder", "projections", word)), 0.05],
      scores: () => {
        const [a, b] = row("encoder", "scores", word).toSorted((x, y) => y - x);
        return [Math.log(a / b), 0.3];
      },
      softmax: () => [most(row("encoder", "softmax", word)), 1e-6],
      mix: () => [most(row("encoder", "mix", word)), 1e-6],
      heads: () => {
        const { layer } = storyHead(state("heads"), seen);
        const { cols } = seen.encoder;
        const first = headWeights(seen.encoder, layer, 0).subarray(word * cols, (word + 1) * cols);
        return [most([...first]), 1e-6];
      },
      norm: () => [moments(hiddenRow(layerOf("norm"), word).slice(), width, 0)[0].spread, 1e-5],
      forward: () => [hiddenRow(layerOf("forward") + 1, word)[0], 0.15],
      stack: () => {
        const last = seen.encoder.layers;
        const others = Array.from({ length: n }, (_, i) => i).filter((i) => i !== word);
        return [most(others.map((i) => cosine(hiddenRow(last, word), hiddenRow(last, i)))), 1e-5];
      },
      decoder: () => [most(row("decoder", "decoder", token)), 1e-6],
      cross: () => [most(row("cross", "cross", token)), 1e-6],
      vocabulary: () => [Math.exp(seen.targetTokens[token].logProbability), 1e-6],
      beam: () => [seen.hypotheses[0].score, 1e-4],
      break: async () => [await loss("c1.0"), 10],
    };
    /** What the sentence loses without a head: at least this much is lost without the one it needs most. @param {string} off */
    const loss = async (off) => {
      const ids = seen.targetTokens.slice(0, -1).map((one) => one.id);
      const options = { prefix: ids, beamSize: 1, topK: 64, maxLength: ids.length + 1 };
      const score = async (/** @type {object} */ more) => {
        const { targetTokens, topK } = (await engine.explain(SENTENCE, { ...options, ...more })).sentences[0];
        const end = topK[ids.length].find((one) => one.id === seen.targetTokens.at(-1)?.id)?.logProbability ?? 0;
        const all = [...targetTokens.slice(0, ids.length).map((one) => one.logProbability), end];
        return all.reduce((a, b) => a + b, 0) / all.length;
      };
      return (await score({})) - (await score({ headMask: headMask(off) }));
    };

    const { page, faults, close } = await openPage(browser, { reducedMotion: "reduce" });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#/translate?t=${encodeURIComponent(SENTENCE)}`);
    await page.locator("#target .word").first().waitFor();
    /** Goes on with Tab until the focus is on what is wanted. @param {string} selector */
    const tabTo = async (selector) => {
      for (let i = 0; i < 120; i++) {
        if (await page.evaluate((one) => document.activeElement?.matches(one) ?? false, selector)) return;
        await page.keyboard.press("Tab");
      }
      assert.fail(`no way to ${selector} by keyboard`);
    };
    await tabTo(".way");
    await page.keyboard.press("Enter");
    for (const [i, story] of steps.entries()) {
      await page.locator(`.story-stage[data-step="${story}"]`).waitFor();
      const number = page.locator(`.story-stage[data-step="${story}"] .number`).first();
      await number.waitFor({ state: "attached" });
      const [value, near] = await expected[story]();
      const shown = Number(await number.getAttribute("data-number"));
      if (story === "break") assert.ok(shown >= value - 1e-4, `${story}: ${shown} is less than ${value}`);
      else assert.ok(Math.abs(shown - value) <= near, `${story}: ${shown}, explain says ${value}`);
      assert.equal(new URL(page.url()).hash.split("?")[0], `#/inside/${i + 1}-${story}`);
      assert.match(await page.title(), new RegExp(`^${i + 1} · `));

      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findings(page, ".story-stage", ".story"), [], `${story}, ${colorScheme}`);
        await shot(page, `step-${i + 1}-${story}-${colorScheme}`);
      }

      // The map shows the part that the step is about: one layer of it, unless it is about all.
      const lit = page.locator(".map .lit");
      const { encoder, decoder: back } = seen;
      const all = encoder.layers + seen.cross.layers + (back?.layers ?? 0);
      assert.equal(await lit.count(), story === "stack" ? encoder.layers : story === "break" ? all : 1, story);
      if (story === "vocabulary") assert.equal(await lit.textContent(), "share of each piece: p");
      if (story === "softmax") {
        assert.match((await page.locator(".story-stage h3").first().textContent()) ?? "", /^Shares of/);
        assert.doesNotMatch((await page.locator(".story-stage .bars").textContent()) ?? "", /(^|[^.\d])0(\.0)? %/);
      }

      // The question is answered with the keyboard, and the answer is judged.
      await page.locator(".question").waitFor();
      const correct = Number(await page.locator(".question").getAttribute("data-correct"));
      await tabTo(".answers button");
      for (let k = 0; k < correct; k++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.locator(".verdict", { hasText: "Yes." }).waitFor();
      if (i === steps.length - 1) break;
      await tabTo(".story-nav .action");
      await page.keyboard.press("Enter");
      await page.waitForFunction(
        (n) => document.querySelector(".story-head .help")?.textContent === `${n} / 15`,
        i + 2,
      );
    }
    // Back goes through the steps, and keeps the text.
    await page.goBack();
    await page.locator('.story-stage[data-step="beam"]').waitFor();
    assert.equal(await page.locator("#source").inputValue(), SENTENCE);
    assert.deepEqual(faults, []);
    await close();
  });

  test("formulas fit a phone, multiply rows by matrices throughout, and set one letter as a variable", async () => {
    const { page, close } = await openPage(browser, { viewport: { width: 360, height: 740 } });
    page.setDefaultTimeout(PATIENCE);
    const functions = new Set(["argmax", "log", "sin", "cos", "softmax", "relu", "LayerNorm", "Attention", "score"]);
    /** @type {Record<string, string>} */
    const said = {};
    await page.goto(site.url);
    for (const [i, step] of steps.entries()) {
      await page.evaluate((hash) => location.assign(hash), `#/inside/${i + 1}-${step}?t=A+dog+runs.`);
      await page.locator(`.story-stage[data-step="${step}"] .number`).first().waitFor({ state: "attached" });
      const found = await page.evaluate(() => {
        const box = document.querySelector(".formula-box");
        box?.setAttribute("open", "");
        const one = box?.querySelector(".formula");
        return one
          ? {
              wide: one.scrollWidth - one.clientWidth,
              text: one.textContent ?? "",
              names: [...one.querySelectorAll("mi")].map((name) => name.textContent ?? ""),
            }
          : null;
      });
      if (!found) continue;
      said[step] = found.text;
      assert.ok(found.wide <= 0, `${step}: ${found.text} is cut by ${found.wide} pixels`);
      const upright = found.names.filter(
        (name) => name.length > 1 && !functions.has(name) && !/^(source|target)$/.test(name),
      );
      assert.deepEqual(upright, [], step);
    }
    assert.ok(Object.keys(said).length > 8, Object.keys(said).join());
    for (const [step, text] of Object.entries(said)) assert.doesNotMatch(text, /[WE]\d?⊤?[hXY](?!′)/, step);
    await close();
  });

  /** Of each step, what its formula says of a model. @type {[string, Record<string, string[]>, string[]][]} */
  const variants = [
    [
      "pre-gelu-tanh-learned-untied",
      {
        vectors: ["xp=D·Etp+Pp"],
        projections: ["N=LayerNorm(X)", "Q=NWQ+bQ", "K=NWK+bK", "V=NWV+bV"],
        norm: ["N=LayerNorm(X)", "Y=X+Attention(N)", "LayerNorm(z)=z−μσ⊙g+b"],
        forward: ["N=LayerNorm(Y)", "H=gelu-tanh(NW1+b1)", "Z=HW2+b2", "X′=Y+Z"],
        vocabulary: ["nt=LayerNorm(ht)", "p(w)=softmax(ntU⊤+b)"],
      },
      ["glossa-before", "glossa-normalised", "glossa-added"],
    ],
    [
      "post-relu-marian-zero-vector",
      {
        vectors: ["xp=D·Etp+Pp", "Pp,j=sin(p100002jD−2)"],
        projections: ["Q=XWQ+bQ", "K=XWK+bK", "V=XWV+bV"],
        norm: ["Z=X+Attention(X)", "Y=LayerNorm(Z)", "LayerNorm(z)=z−μσ⊙g+b"],
        forward: ["H=relu(YW1+b1)", "Z=HW2+b2", "X′=LayerNorm(Y+Z)"],
        vocabulary: ["p(w)=softmax(htE⊤+b)"],
      },
      ["glossa-before", "glossa-added", "glossa-normalised"],
    ],
  ];
  for (const [variant, formulas, order] of variants) {
    test(`formulas, pictures and words follow the open model: ${variant}`, async () => {
      const { page, faults, close } = await openPage(browser);
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`${site.url}#/translate?t=A+dog+runs.`);
      await page.locator(".model-chip.ready").waitFor();
      const reference = references().find((one) => one.variant === variant);
      const buffer = await goldenCheckpoint(reference, "i8");
      await page.locator(".model-chip").click();
      await page.locator("#own").setInputFiles({ name: "own.gguf", mimeType: "", buffer });
      await page.locator(".facts dd", { hasText: "2 encoder, 2 decoder, 4 heads" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "Look inside" }).click();
      await page.getByRole("button", { name: "Tell me the story" }).click();
      for (const step of [...Object.keys(formulas), "cross"]) {
        await page.getByRole("combobox", { name: "All steps" }).selectOption(step);
        await page.locator(`.story-stage[data-step="${step}"] .number`).first().waitFor({ state: "attached" });
        if (step === "cross") {
          // The page computes the same from the same states: attention over what the encoder ends with.
          const said = (await page.locator(".sceptic").textContent()) ?? "";
          assert.ok(Number(/difference: ([\d.e-]+?)\.?$/.exec(said)?.[1]) < 0.1, said);
          continue;
        }
        const said = await page.evaluate(() => {
          const math = document.querySelector(".formula-box math");
          const rows = [...(math?.querySelectorAll(":scope > mtable > mtr") ?? [])];
          return (rows.length > 0 ? rows : [math]).map((one) => one?.textContent);
        });
        assert.deepEqual(said, formulas[step], step);
        if (step !== "norm") continue;
        const drawn = page.locator(".story-stage .figure");
        assert.deepEqual(await drawn.evaluateAll((all) => all.map((one) => one.getAttribute("data-figure"))), order);
        const before = order.indexOf("glossa-normalised") === 1;
        const title = page.locator(".story h2");
        assert.equal(
          await title.textContent(),
          before ? "Brought to scale, then added" : "Added, then brought back to scale",
        );
      }
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("time can be played where it is the meaning: scores become shares, values are added one by one", async () => {
    const seen = (await engine.explain(SENTENCE, { beamSize: 4 })).sentences[0];
    const { page, faults, close } = await openPage(browser, { reducedMotion: "reduce" });
    page.setDefaultTimeout(PATIENCE);
    const open = (/** @type {string} */ step) =>
      page.goto(`${site.url}#/inside/${step}?t=${encodeURIComponent(SENTENCE)}`);
    const stage = page.locator(".story-stage");
    const values = () =>
      stage.locator(".bar").evaluateAll((all) => all.map((one) => Number(one.getAttribute("data-value"))));
    const play = stage.getByRole("button", { name: "Play" }); // a press is a step where motion is unwanted
    await open("5-softmax");
    await stage.locator(".sceptic").waitFor();
    const state = { ...initialState, story: "softmax", aligning: engine.info.model.alignmentHead };
    const word = chosenWord(state, seen);
    const { layer, head } = storyHead(state, seen);
    const { cols } = seen.encoder;
    const shares = [...headWeights(seen.encoder, layer, head).subarray(word * cols, (word + 1) * cols)];
    const near = (/** @type {number[]} */ got, /** @type {number[]} */ wanted, /** @type {number} */ by) =>
      assert.ok(got.length === wanted.length && got.every((one, i) => Math.abs(one - wanted[i]) <= by), `${got}`);
    near(await values(), shares, 1e-6);
    await play.click();
    const scores = await values();
    await stage.getByRole("heading", { name: /^Scores of/ }).waitFor();
    await play.click();
    await stage.getByRole("heading", { name: /^e to the scores of/ }).waitFor();
    const most = Math.max(...scores);
    const raised = scores.map((one) => Math.exp(one - most));
    near(await values(), raised, 1e-4);
    const sum = raised.reduce((a, b) => a + b, 0);
    near(
      raised.map((one) => one / sum),
      shares,
      0.05,
    );
    await play.click();
    await stage.getByRole("heading", { name: /^Shares of/ }).waitFor();
    near(await values(), shares, 1e-6);

    await page.evaluate(() => location.assign(`#/inside/6-mix${location.hash.replace(/^[^?]*/, "")}`));
    const flows = () =>
      stage.locator(".flow").evaluateAll((all) => all.map((one) => Number(one.getAttribute("data-value"))));
    await stage.locator(".flow").first().waitFor();
    near(await flows(), shares, 1e-6);
    await play.click();
    await stage.getByText(`1 of ${cols} pieces added`).waitFor();
    near(
      await flows(),
      shares.map((one, i) => (i === 0 ? one : 0)),
      1e-6,
    );
    assert.deepEqual(faults, []);
    await close();
  });
});
