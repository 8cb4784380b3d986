// The page of scores: what is dragged, pressed, switched and addressed, against formulas in double.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { clamp, readSettings, start, startValues, writeSettings } from "../../web/rooms/zoo/settings.js";
import { exported, findings, launchChromium, openPage, PATIENCE, shot, Visitor } from "./browser.js";
import { freezable, lostInPrint } from "./print.js";
import { noSite, openSite } from "./site.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../web/rooms/zoo/settings.js").Settings} Settings */

const dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a[0] * b[0] + a[1] * b[1];

/** The formulas once more. @param {Settings} settings @param {number[]} k */
function scoreOf({ score, query: q, knob }, k) {
  const turn = (knob * Math.PI) / 180;
  const bent = () => [0, 1].reduce((sum, i) => sum + knob * Math.tanh(1.5 * q[i] + 1.5 * k[i]), 0);
  switch (score) {
    case "dot":
      return dot(q, k);
    case "general":
      return dot(q, [Math.cos(turn) * k[0] - Math.sin(turn) * k[1], Math.sin(turn) * k[0] + Math.cos(turn) * k[1]]);
    case "additive":
    case "concat":
      return bent();
    case "cosine":
      return (Math.min(100, Math.exp(knob)) * dot(q, k)) / (Math.hypot(...q) * Math.hypot(...k));
    default:
      return dot(q, k) / Math.SQRT2;
  }
}

/** @param {Settings} settings */
function expected(settings) {
  const scores = settings.keys.map((key) => scoreOf(settings, key));
  const best = Math.max(...scores);
  const exps = scores.map((one) => Math.exp(one - best));
  const sum = exps.reduce((total, one) => total + one);
  const weights = settings.hard ? scores.map((one) => Number(one === best)) : exps.map((one) => one / sum);
  return { scores, weights };
}

/** Waits until both rows of bars show what the settings come to. @param {Page} page @param {Settings} settings */
async function shows(page, settings) {
  const { scores, weights } = expected(settings);
  const wanted = { "zoo-scores": scores, "zoo-weights": weights };
  await page
    .waitForFunction((all) => {
      for (const [name, values] of Object.entries(all)) {
        const bars = [...document.querySelectorAll(`[data-figure="${name}"] .bar`)];
        if (bars.length !== values.length) return false;
        if (bars.some((bar, i) => Math.abs(Number(bar.getAttribute("data-value")) - values[i]) > 2e-4)) return false;
      }
      return true;
    }, wanted)
    .catch(async () => {
      const seen = await page
        .locator(".zoo .bar")
        .evaluateAll((all) => all.map((bar) => bar.getAttribute("data-value")));
      assert.fail(`${page.url()}: ${seen} is not ${JSON.stringify(wanted)}`);
    });
}

/** @param {Page} page */
const addressed = (page) => readSettings(new URL(page.url()).hash.split("?")[1] ?? "");

/** Waits until the address says it. @param {Page} page @param {(settings: Settings) => boolean} holds */
async function says(page, holds) {
  for (let tries = 0; tries < 100; tries++) {
    if (holds(addressed(page))) return addressed(page);
    await page.waitForTimeout(50);
  }
  return assert.fail(page.url());
}

test("what the address of the page of scores says is what was written, clamped", () => {
  const own = { ...start, score: /** @type {const} */ ("cosine"), hard: true, knob: 1.5, values: startValues };
  assert.deepEqual(readSettings(writeSettings(own)), own);
  assert.equal(writeSettings(start), "");
  assert.deepEqual(readSettings("f=additive&q=9_-0.129"), {
    ...start,
    score: "additive",
    knob: 2,
    query: [3, -0.13],
  });
  const bad = "f=softmax&hard=yes&q=1_2_3&k=1_2&v=NaN_1_2_3_4_5_6_7_8_9&p=-3&t=<b>&q=";
  assert.deepEqual(readSettings(bad), start);
  assert.deepEqual(readSettings("f=general&p=4000"), { ...start, score: "general", knob: 360 });
  assert.deepEqual(readSettings("f=general&p=1e9"), { ...start, score: "general", knob: 90 });
  assert.ok(Object.is(clamp(-0.001), 0));
});

test("whatever stands in the address, it is read, and once written anew it stays", () => {
  const parts = [
    "f",
    "hard",
    "q",
    "k",
    "v",
    "p",
    "=",
    "&",
    "_",
    "-",
    ".",
    "1",
    "0.5",
    "9e9",
    "NaN",
    "%",
    "additive",
    "cosine",
    "\0",
  ];
  let x = 7;
  const next = () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x / 2 ** 32;
  };
  for (let run = 0; run < 5000; run++) {
    const query = Array.from({ length: 1 + next() * 40 }, () => parts[Math.floor(next() * parts.length)]).join("");
    const settings = readSettings(query);
    const numbers = [settings.query, ...settings.keys, ...(settings.values ?? [])].flat();
    assert.ok(numbers.every((one) => Math.abs(one) <= 3) && Number.isFinite(settings.knob), query);
    assert.deepEqual(readSettings(writeSettings(settings)), settings, query);
  }
});

describe("the page of scores", { skip: noSite }, () => {
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

  test("it comes when it is asked for; every function, soft and hard, is its formula", async () => {
    const { page, faults, close } = await openPage(browser, { serviceWorkers: "block" });
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(site.url);
    await page.locator(".threads .thread").first().waitFor();
    assert.deepEqual(
      asked.filter((path) => /zoo|lab/.test(path)),
      [],
    );
    await page.getByRole("link", { name: "Zoo" }).click();
    await shows(page, start);
    assert.equal(new URL(page.url()).hash, "#/zoo/scores");
    assert.match(await page.title(), /scores of attention/);
    for (const [name, score] of /** @type {[string, Settings["score"]][]} */ ([
      ["Dot", "dot"],
      ["General", "general"],
      ["Additive", "additive"],
      ["Concat", "concat"],
      ["Cosine", "cosine"],
    ])) {
      await page.getByRole("radio", { name: new RegExp(`^${name}`) }).check();
      const settings = readSettings(`f=${score}`);
      await shows(page, settings);
      await page.getByRole("radio", { name: "Hard" }).check();
      await shows(page, { ...settings, hard: true });
      await page.getByRole("radio", { name: "Soft" }).check();
      assert.ok((await page.locator(".zoo-side math").count()) >= 3, name);
      await shot(page, `zoo-${score}`);
    }
    await page.getByLabel(/^s = /).fill("0");
    await shows(page, { ...readSettings("f=cosine"), knob: 0 });
    // The formulas follow when nothing moves: weights that are even, with the numbers put in.
    await page.waitForFunction(() => !document.querySelector(".zoo .stale"));
    const { scores } = expected({ ...readSettings("f=cosine"), knob: 0 });
    const said = await page.locator(".zoo .formula").first().textContent();
    assert.ok(said?.endsWith(`=${scores[0].toFixed(2)}`), `${said}`);
    assert.deepEqual(faults, []);
    await close();
  });

  test("points are dragged and moved by keys, stay in the plane, and the address has them", async () => {
    const { page, faults, close } = await visitor.open("#/zoo/scores?f=dot");
    await shows(page, readSettings("f=dot"));
    const query = page.locator('[data-handle="q"]');
    const box = await page.locator(".plane").boundingBox();
    const point = await query.locator(".point").boundingBox();
    assert.ok(box && point);
    await page.mouse.move(point.x + point.width / 2, point.y + point.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 3, box.y + box.height / 3, { steps: 4 });
    await page.mouse.up();
    const dragged = await says(page, ({ query: [x, y] }) => x < -1 && y > 1);
    assert.ok(Math.abs(dragged.query[0] + 1.12) < 0.1 && Math.abs(dragged.query[1] - 1.12) < 0.1, `${dragged.query}`);
    await shows(page, dragged);
    await page.locator('[data-handle="k₂"]').focus();
    for (const key of ["ArrowRight", "ArrowRight", "Shift+ArrowDown"]) await page.keyboard.press(key);
    const moved = await says(page, ({ keys }) => Math.abs(keys[1][1] - 1.4) < 1e-9);
    assert.deepEqual(moved.keys[1], [0.8, 1.4]);
    await shows(page, moved);
    assert.equal(await page.locator('[data-handle="k₂"]').getAttribute("aria-valuetext"), "0.80, 1.40");
    for (let i = 0; i < 7; i++) await page.keyboard.press("Shift+ArrowRight");
    assert.equal((await says(page, ({ keys }) => keys[1][0] === 3)).keys[1][0], 3);
    await page.getByRole("checkbox", { name: "divide by √d" }).check();
    await shows(page, { ...addressed(page), score: "scaled-dot" });
    // Values apart change what comes out, and no weight.
    const before = await page.locator(".plane .output path").getAttribute("d");
    await page.getByRole("checkbox", { name: "values apart from keys" }).check();
    await page.locator('[data-handle="v₅"]').waitFor();
    const apart = await says(page, ({ values }) => values !== null);
    await shows(page, apart);
    assert.notEqual(await page.locator(".plane .output path").getAttribute("d"), before);
    // The address leads back to all of it.
    const address = new URL(page.url()).hash;
    await page.getByRole("button", { name: "Start again" }).click();
    await shows(page, start);
    await page.evaluate((to) => location.assign(to), address);
    await shows(page, apart);
    assert.deepEqual(addressed(page), apart);
    // A place is gone to and come back from.
    await page.getByRole("link", { name: /Seen live/ }).click();
    await page.locator('[data-step="scores"]').waitFor();
    await page.goBack();
    await shows(page, apart);
    await page.getByRole("radio", { name: /^Cosine/ }).check();
    await page.getByRole("link", { name: /Seen live: Train/ }).click();
    assert.match(new URL(page.url()).hash, /^#\/train\?.*net=recurrent&score=cosine/);
    await page.locator("#train .map canvas").waitFor();
    await page.goBack();
    await shows(page, await says(page, ({ score }) => score === "cosine"));
    assert.deepEqual(faults, []);
    await close();
  });

  test("an address that makes no sense is the page at its start, and is written anew", async () => {
    const { page, close } = await visitor.open("#/zoo/scores?f=cosine&q=1_x&k=0&p=77&t=%3Cb%3E");
    await shows(page, { ...start, score: "cosine", knob: 5.5 });
    await page.waitForFunction(() => location.hash === "#/zoo/scores?f=cosine&p=5.5");
    await close();
  });

  test("where the lab's file does not come, that is said plainly, and asked for again; it prints whole", async () => {
    const { page, close } = await openPage(browser, {
      serviceWorkers: "block",
      viewport: { width: 1440, height: 900 },
    });
    page.setDefaultTimeout(PATIENCE);
    await freezable(page);
    await page.route("**/glossa-lab.wasm", (route) => route.abort());
    await page.goto(`${site.url}#/zoo/scores?f=cosine&v=1_1_1_1_1_1_1_1_1_1`);
    const alert = page.locator("#zoo [role=alert]");
    assert.match((await alert.textContent()) ?? "", /could not be fetched\. Is the device offline\?/);
    await page.unroute("**/glossa-lab.wasm");
    await alert.getByRole("button", { name: "Try again" }).click();
    await shows(page, readSettings("f=cosine"));
    assert.equal(await alert.count(), 0);
    const { numbers, ...lost } = await lostInPrint(page);
    assert.ok(numbers > 20, `${numbers} numbers`);
    assert.deepEqual(lost, { wide: false, cut: [], gone: [], unnamed: false, pale: [], controls: [] });
    await close();
  });

  test("a picture that is saved says what it shows, and no sentence", async () => {
    const { page, close } = await visitor.fresh("#/zoo/scores?ui=en");
    await shows(page, start);
    const figure = page.locator('[data-figure="zoo-weights"]');
    const svg = (await exported(page, figure, "SVG")).bytes.toString();
    assert.ok(svg.includes("Weights") && svg.includes(expected(start).weights[0].toFixed(3)) && !svg.includes("→"));
    const json = JSON.parse((await exported(page, figure, "JSON")).bytes.toString());
    assert.deepEqual(
      json.map((/** @type {any} */ one) => one.value.toFixed(4)),
      expected(start).weights.map((one) => one.toFixed(4)),
    );
    await close();
  });

  test("every control is reached by the keyboard, and points show that they are", async () => {
    const { page, close } = await visitor.open("#/zoo/scores?v=1_1_1_1_1_1_1_1_1_1");
    await shows(page, start);
    await page.locator('[name="zoo-score"]:checked').focus();
    await page.keyboard.press("ArrowDown");
    await shows(page, readSettings("f=dot"));
    for (const name of ["v₁", "v₂", "v₃", "v₄", "v₅", "k₁", "k₂", "k₃", "k₄", "k₅", "q"]) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const touch = document.activeElement?.querySelector(".touch");
        return [document.activeElement?.getAttribute("data-handle"), touch && getComputedStyle(touch).strokeWidth];
      });
      assert.deepEqual(seen, [name, "2px"]);
    }
    await close();
  });

  for (const [name, how] of /** @type {[string, Parameters<Visitor["open"]>[1]][]} */ ([
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 360, height: 740 }, reducedMotion: "reduce" }],
  ]))
    test(`axe finds nothing, and nothing is wider than the window: ${name}`, async () => {
      const { page, close } = await visitor.open("#/zoo/scores?f=additive&ui=zh", how);
      await shows(page, readSettings("f=additive"));
      assert.deepEqual(await findings(page), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      if (name === "phone") {
        // The names of rooms are whole, and the plane is in the first window but one.
        const rooms = await page
          .locator("#rooms a")
          .evaluateAll((all) => all.every((one) => one.scrollWidth <= one.clientWidth));
        assert.ok(rooms);
      }
      await shot(page, `zoo-zh-${name}`);
      await close();
    });

  test("a finger moves a point, and scrolls the page beside it", async () => {
    const { page, close } = await openPage(browser, { hasTouch: true, viewport: { width: 360, height: 740 } });
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${site.url}#/zoo/scores?f=dot&ui=en`);
    await shows(page, readSettings("f=dot"));
    const handle = page.locator('[data-handle="k₄"]');
    await handle.scrollIntoViewIfNeeded();
    const from = await handle.locator(".point").boundingBox();
    assert.ok(from);
    const session = await page.context().newCDPSession(page);
    const [x, y] = [from.x + 6, from.y + 6];
    /** @param {"touchStart" | "touchMove" | "touchEnd"} type @param {number} dx */
    const touch = (type, dx) =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: x + dx, y }] });
    const scrolled = await page.evaluate(() => scrollY);
    await touch("touchStart", 0);
    for (const dx of [10, 25, 40]) await touch("touchMove", dx);
    await touch("touchEnd", 40);
    const settings = await says(page, ({ keys }) => keys[3][0] > -0.4);
    await shows(page, settings);
    assert.equal(await page.evaluate(() => scrollY), scrolled);
    await close();
  });
});
