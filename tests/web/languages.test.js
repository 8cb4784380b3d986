// The menu of languages: from opening it to a translation by a model from its home, under the page's own policy, and
// again without a server; what is asked of whom, and when.

import assert from "node:assert/strict";
import { openAsBlob, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { convertToBlob, openCheckpoint } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { steps } from "../../web/address.js";
import { fileName, startHomes, studentFiles } from "../js/registry-homes.js";
import { findings, idle, launchChromium, openPage, PATIENCE, settled, shot } from "./browser.js";
import { models, noSite, openSite } from "./site.js";

const PARTS = /\/(registry|converter|catalogue|zstd)\.js$/;
const FOREIGN = /mozilla|googleapis/;
const TEXT = "ab cd ef gh ba dc";

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const openMenu = async (page) => {
  await page.locator(".pane.target .more-languages").click();
  await page.locator("dialog.languages[open] .offer").first().waitFor();
};

describe("the menu of languages", { skip: noSite }, () => {
  /** @type {import("playwright-core").Browser} */
  let browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  /**
   * A page whose models come from homes of the test's own. Homes that are closed refuse, and what is left is given up;
   * nothing else may go wrong.
   * @param {(at: {homes: Awaited<ReturnType<typeof startHomes>>, site: Awaited<ReturnType<typeof openSite>>, page: Page}) => Promise<void>} body
   */
  async function withHomes(body) {
    const homes = await startHomes();
    const site = await openSite(undefined, homes.mozilla);
    const { page, faults, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    try {
      await body({ homes, site, page });
      const expected = /ERR_ABORTED|ERR_CONNECTION_REFUSED/;
      assert.deepEqual(
        faults.filter((one) => !expected.test(one)),
        [],
      );
    } finally {
      await close();
      await site.close();
      await homes.close().catch(() => {});
    }
  }

  describe("as the page is built", () => {
    /** @type {Awaited<ReturnType<typeof openSite>>} */
    let site;
    before(async () => {
      site = await openSite();
    });
    after(() => site?.close());

    /** @param {import("playwright-core").BrowserContextOptions} [options] @param {string} [hash] */
    async function visit(options, hash = "") {
      const opened = await openPage(browser, options);
      opened.page.setDefaultTimeout(PATIENCE);
      /** @type {string[]} */
      const requests = [];
      opened.page.context().on("request", (request) => requests.push(request.url()));
      await opened.page.goto(`${site.url}${hash}`);
      await opened.page.locator(".model-chip.ready").waitFor();
      return { ...opened, requests };
    }

    test("nothing of it comes before it is opened; then it lists what came with the page, and asks nobody", async () => {
      const { page, faults, requests, close } = await visit();
      await page.locator("#source").fill("Two dogs run.");
      await settled(page);
      await page.locator("#to").selectOption("en-zh");
      await settled(page);
      await idle(page);
      assert.deepEqual(
        requests.filter((url) => PARTS.test(url)),
        [],
      );
      await openMenu(page);
      assert.deepEqual(
        [...new Set(requests.filter((url) => PARTS.test(url)).map((url) => url.split("/").at(-1)))].sort(),
        ["catalogue.js", "registry.js"],
      );
      assert.ok((await page.locator(".offer").count()) > 90);
      assert.match(
        (await page.locator("dialog.languages").textContent()) ?? "",
        /The list is of \w+ 20\d\d and came with/,
      );
      // What is here says under which terms.
      const german = page.locator(".offer-here", { hasText: "English → German" });
      const size = (statSync(join(models, "en-de.gguf")).size / 1e6).toFixed(2);
      assert.ok((await german.textContent())?.includes(`${size} MB · non-commercial use only`));
      await page.getByRole("searchbox").fill("english to french");
      await page.locator('.offer[data-offer="en-fr"]').click();
      const told = (await page.locator(".offer-choices").textContent()) ?? "";
      assert.match(
        told,
        /request to other servers than this page's: firefox\.settings\.services\.mozilla\.com.*storage\.googleapis\.com/,
      );
      assert.match(told, /Licence: MPL-2\.0/);
      assert.match(told, /Fetch [\d.]+ MB from storage\.googleapis\.com/);
      await page.waitForLoadState("networkidle");
      assert.deepEqual(
        requests.filter((url) => FOREIGN.test(url)),
        [],
      );
      assert.deepEqual(faults, []);
      await close();
    });

    test("without a network the list is there, and what cannot come is told in plain words", async () => {
      const { page, close } = await visit({ locale: "zh-CN" });
      await page.context().route(FOREIGN, (route) => route.abort("internetdisconnected"));
      await openMenu(page);
      await page.getByRole("searchbox").fill("法语");
      await page.locator('.offer[data-offer="en-fr"]').click();
      await page.getByRole("button", { name: /^从 storage\.googleapis\.com 下载/ }).click();
      const note = page.locator(".offer-choices .warning");
      await note.waitFor();
      assert.match((await note.textContent()) ?? "", /无法连接 storage\.googleapis\.com，或连接中断。请重试/);
      assert.match((await note.locator("details").textContent()) ?? "", /firefox\.settings\.services\.mozilla\.com/);
      await page.getByRole("button", { name: /询问最新列表/ }).click();
      await page.locator("dialog.languages .warning", { hasText: "无法连接 firefox.settings" }).waitFor();
      // Whatever went on in the menu, the page works.
      await page.keyboard.press("Escape");
      await page.locator("dialog.languages").waitFor({ state: "hidden" });
      assert.equal(await page.locator(".model-chip.ready").count(), 1);
      await close();
    });

    test("who has opened it once has its list without any network", async () => {
      const { page, close } = await visit();
      await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await openMenu(page);
      await page.waitForFunction(
        async () => (await caches.match("registry.js")) && (await caches.match("catalogue.js")),
      );
      await page.context().setOffline(true);
      await page.reload();
      await openMenu(page);
      assert.ok((await page.locator(".offer").count()) > 90);
      await close();
    });

    test("what an older page had kept of it comes with the new one", async () => {
      const { page, close } = await openPage(browser);
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`${site.url}licenses.txt`);
      await page.evaluate(async () => {
        const before = await caches.open("glossa-page-before");
        for (const name of ["registry.js", "registry-AAAAAAAA.js", "catalogue.js"])
          await before.put(name, new Response("old"));
      });
      await page.goto(site.url);
      await page.locator(".model-chip.ready").waitFor();
      await page.waitForFunction(
        async () => navigator.serviceWorker.controller !== null && !(await caches.has("glossa-page-before")),
      );
      await page.context().setOffline(true);
      await page.reload();
      await openMenu(page);
      assert.ok((await page.locator(".offer").count()) > 90);
      await close();
    });

    test("by keyboard: in at the button, through the list by arrows, out to the button", async () => {
      const { page, faults, close } = await visit();
      await page.locator(".pane.target .more-languages").focus();
      await page.keyboard.press("Enter");
      await page.locator(".offer").first().waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
      await page.keyboard.type("german");
      await page.waitForFunction(() => document.querySelectorAll(".offer").length < 10);
      const at = () => page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).dataset.offer ?? "");
      for (let i = 0; i < 10 && (await at()) === ""; i++) await page.keyboard.press("Tab");
      assert.equal(await at(), "en-de");
      await page.keyboard.press("Enter");
      assert.equal(await page.locator('[data-offer="en-de"]').getAttribute("aria-expanded"), "true");
      await page.keyboard.press("Tab"); // into what it opened
      assert.equal(await page.evaluate(() => document.activeElement?.closest(".offer-choices") !== null), true);
      await page.keyboard.press("Escape");
      await page.locator("dialog.languages").waitFor({ state: "hidden" });
      assert.ok(await page.evaluate(() => document.activeElement?.matches(".more-languages")));
      assert.deepEqual(faults, []);
      await close();
    });

    test("however often the list is drawn anew, an arrow goes one row on", async () => {
      const { page, faults, close } = await visit();
      await openMenu(page);
      await page.getByRole("searchbox").pressSequentially("engl");
      const list = page.locator("ul.offers:has(.offer)").first();
      const rows = await list.locator(".offer").evaluateAll((all) => all.map((one) => one.getAttribute("data-offer")));
      await list.locator(".offer").first().focus();
      for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown"]) await page.keyboard.press(key);
      const at = await page.evaluate(() => document.activeElement?.getAttribute("data-offer"));
      assert.equal(rows.indexOf(at ?? ""), 2);
      assert.deepEqual(faults, []);
      await close();
    });

    for (const [name, options] of /** @type {[string, import("playwright-core").BrowserContextOptions][]} */ ([
      ["light", {}],
      ["dark", { colorScheme: "dark" }],
      ["phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
      ["forced", { forcedColors: "active" }],
    ]))
      test(`axe finds nothing in it, and it fits: ${name}`, async () => {
        const { page, faults, close } = await visit(options);
        await openMenu(page);
        await page.locator('.offer[data-offer="en-fr"]').click();
        await page.locator(".offer-choices").waitFor();
        assert.deepEqual(await findings(page, "dialog.languages"), []);
        const { wide, inside } = await page.evaluate(() => {
          const box = /** @type {HTMLElement} */ (document.querySelector(".languages-box"));
          return {
            wide: document.documentElement.scrollWidth <= innerWidth,
            inside: box.scrollWidth <= box.clientWidth,
          };
        });
        assert.ok(wide && inside, `${wide} ${inside}`);
        await shot(page, `languages-${name}`, false);
        assert.deepEqual(faults, []);
        await close();
      });

    test("models that lie beside the page take turns too: from Chinese to German nothing is fetched from elsewhere", async () => {
      const text = "今天的天气很好。";
      const [first, second] = await Promise.all(
        ["zh-en", "en-de"].map((id) =>
          Translator.create({ model: join(models, `${id}.gguf`), worker: false, build: "simd128" }),
        ),
      );
      const middle = await first.translate(text, { beamSize: 4 });
      const translation = await second.translate(middle, { beamSize: 4 });
      for (const one of [first, second]) one.destroy();
      const { page, faults, requests, close } = await visit();
      await page.locator("#from").selectOption("zh");
      assert.equal(await page.locator("#to").inputValue(), "zh-en"); // one model, with its pictures, comes first
      await page.locator("#to").selectOption("zh-de.through-en");
      await page.locator("#source").fill(text);
      await page.waitForFunction(
        (said) => document.querySelector("#target")?.textContent?.trim() === said,
        translation,
      );
      await page.locator(".through .middle", { hasText: middle }).waitFor();
      assert.match((await page.locator(".through").textContent()) ?? "", /Chinese → English and English → German/);
      await page.waitForFunction(() => location.hash.includes("m=zh-de.through-en"));
      await page.locator(".model-chip").click();
      const facts = (await page.locator(".facts").textContent()) ?? "";
      const licences =
        "share-alike and copyleft sources, none non-commercial: see the note; non-commercial (research and education only)";
      assert.ok(facts.includes(licences), facts);
      await page.keyboard.press("Escape");
      // Each of the two has its limits, under its own languages.
      const said = (await page.locator(".limits").textContent()) ?? "";
      for (const [name, id] of [
        ["Chinese → English", "zh-en"],
        ["English → German", "en-de"],
      ]) {
        const limits = (await openCheckpoint(await openAsBlob(join(models, `${id}.gguf`)))).string("glossa.limits.en");
        assert.ok(said.includes(`${name}: ${limits}`), said);
      }
      const foot = (await page.locator("footer").textContent()) ?? "";
      assert.ok(foot.includes(`model: ${licences}`), foot);
      await page.reload();
      await page.locator(".through .middle", { hasText: middle }).waitFor();
      assert.deepEqual(await findings(page), []);
      await shot(page, "through");
      const own = new URL(site.url).origin;
      assert.deepEqual(
        requests.filter((url) => new URL(url).origin !== own),
        [],
      );
      assert.deepEqual(
        faults.filter((one) => !/ERR_ABORTED/.test(one)), // what a reload gives up
        [],
      );
      await close();
    });

    test("a link to a language that is not here opens the menu on it", async () => {
      const { page, requests, close } = await visit({}, "#/translate?m=mozilla.en-fr.base-memory&t=A+dog.");
      await page.locator('.offer[data-offer="en-fr"][aria-expanded="true"]').waitFor();
      assert.equal(await page.locator("#to").inputValue(), "en-de");
      assert.deepEqual(
        requests.filter((url) => FOREIGN.test(url)),
        [],
      );
      await close();
    });
  });

  test("from the menu to a translation, and again when nobody answers", async () => {
    const files = studentFiles({ seed: 41, width: 64, ffn: 128 });
    await withHomes(async ({ homes, site, page }) => {
      homes.addMozilla("en", "fr", files, { quality: { comet: 0.86, bleu: 38.3 } });
      homes.addMozilla("en", "it", studentFiles({ seed: 44 }));
      /** @type {string[]} */
      const asked = [];
      page.on("request", (request) => asked.push(new URL(request.url()).origin));
      const policy = /content="(default-src[^"]*)"/.exec(readFileSync(join(site.out, "index.html"), "utf8"))?.[1] ?? "";
      const { catalogue, files: bucket, attachments } = homes.mozilla;
      assert.match(policy, new RegExp(`connect-src 'self' ${catalogue} ${bucket} ${attachments};`));
      await page.goto(site.url);
      await page.locator(".model-chip.ready").waitFor();
      await page.locator("#source").fill(TEXT);
      await settled(page);
      await page.locator(".pane.target .more-languages").click();
      await page.getByText("There is no list yet.").waitFor();
      assert.deepEqual(homes.take(), []);
      await page.getByRole("button", { name: /^Ask 127\.0\.0\.1:\d+ for the newest list/ }).click();
      await page.locator('.offer[data-offer="en-fr"]').click();
      assert.match((await page.locator(".offer-choices").textContent()) ?? "", /base-memory .*COMET 86\.0, BLEU 38\.3/);
      homes.take();

      // Stopped on its way, and gone on with: what has come is not asked for again.
      homes.rule(/model\.enfr/, (answer) => ({ ...answer, hang: true }));
      await page.getByRole("button", { name: /^Fetch .* from 127/ }).click();
      await page.locator(".model-chip", { hasText: "English → French" }).waitFor();
      for (let i = 0; i < 500 && !homes.requests.some(({ path }) => /model\.enfr/.test(path)); i++)
        await page.waitForTimeout(20);
      // The button that was pressed is the one that stops, and has the focus still.
      const focused = () => page.evaluate(() => document.activeElement?.textContent);
      assert.equal(await focused(), "Stop");
      await page.locator('.offer-choices [role="status"]', { hasText: "Fetching English → French" }).waitFor();
      await page.keyboard.press("Enter");
      await page.locator('.offer-choices [role="status"]', { hasText: "Stopped." }).waitFor();
      assert.match((await focused()) ?? "", /^Fetch .* from 127/);
      await page.locator(".model-chip", { hasText: "English → German" }).waitFor();
      homes.rules.length = 0;

      // A damaged file is told of, and nothing of it stays.
      homes.rule(/model\.enfr/, (answer) => ({ ...answer, body: Buffer.from(answer.body).fill(0, 900, 920) }));
      const fetchIt = page.getByRole("button", { name: /^Fetch .* from 127/ });
      await fetchIt.click();
      const damaged = page.locator(".offer-choices .warning", { hasText: /is damaged, or not what the list says/ });
      await damaged.waitFor();
      // Its row can be closed, and what was told is not told again.
      await page.locator('.offer[data-offer="en-fr"]').click();
      await damaged.waitFor({ state: "detached" });
      await page.locator('.offer[data-offer="en-fr"]').click();
      await page.locator(".offer-choices").waitFor();
      assert.equal(await damaged.count(), 0);
      homes.rules.length = 0;

      const byHand = await translatorOf("enfr", files);
      const { translation } = await byHand.explain(TEXT, { beamSize: 4 });
      byHand.destroy();
      await fetchIt.click();
      await page.locator("dialog.languages").waitFor({ state: "hidden" });
      const shows = async () => {
        await page.waitForFunction(
          (text) => document.querySelector("#target")?.textContent?.trim() === text,
          translation,
        );
        assert.equal(await page.locator("#to").inputValue(), "mozilla.en-fr.base-memory");
        assert.equal(await page.locator("#source").inputValue(), TEXT);
      };
      await shows();
      // A fetch that begins after it, and one that is stopped, leave the translator in use as it is.
      await page.locator(".pane.target .more-languages").click();
      homes.rule(/model\.enit/, (answer) => ({ ...answer, hang: true }));
      await page.locator('.offer[data-offer="en-it"]').click();
      await fetchIt.click();
      await page.locator(".offer-choices").getByRole("button", { name: "Stop" }).waitFor();
      // Meanwhile no other begins, and what is here is used, not fetched.
      await page.locator('.offer[data-offer="en-fr"]').click();
      await page.locator('li:has([data-offer="en-fr"])').getByRole("button", { name: "In use", exact: true }).waitFor();
      await page.locator('li:has([data-offer="en-it"])').getByRole("button", { name: "Stop" }).click();
      homes.rules.length = 0;
      await page.keyboard.press("Escape");
      await page.locator("dialog.languages").waitFor({ state: "hidden" });
      await page.locator("#source").fill("ab cd");
      await settled(page);
      await page.locator("#source").fill(TEXT);
      await shows();
      assert.equal(await page.locator(".status.bad").count(), 0);
      await page.locator(".threads .thread").first().waitFor({ state: "attached" });
      await page.waitForFunction(() => location.hash.includes("m=mozilla.en-fr.base-memory"));
      // The story is told of it too, by the weights that are kept; its decoder has no self-attention.
      for (const [i, step] of steps.entries()) {
        await page.evaluate((hash) => location.assign(hash), `#/inside/${i + 1}-${step}`);
        const stage = page.locator(`.story-stage[data-step="${step}"]`);
        if (step === "decoder") await stage.getByText("no self-attention").waitFor();
        else await stage.locator(".number").first().waitFor({ state: "attached" });
      }
      await page.getByRole("link", { name: "Translate" }).click();
      await page.waitForFunction(() => location.hash.startsWith("#/translate?m=mozilla.en-fr.base-memory"));
      const own = new URL(site.url).origin;
      assert.deepEqual([...new Set(asked)].sort(), [own, homes.origins.one].sort());

      await homes.close();
      await page.reload();
      await shows();
      const other = await page.context().newPage();
      other.setDefaultTimeout(PATIENCE);
      await other.goto(`${site.url}#/translate?m=mozilla.en-fr.base-memory&t=ab`);
      await other.locator(".model-chip.ready", { hasText: "English → French" }).waitFor();
      await openDrawerOf(page, "English → French");
      await page.getByRole("button", { name: "Delete English → French" }).click();
      await page.getByRole("button", { name: "Use English → German" }).click();
      await page.waitForFunction(() => !document.querySelector("#to")?.textContent?.includes("French"));
      // In another tab it is gone too: as it is opened again, the menu offers it, and another translates.
      await other.locator(".model-chip").click();
      await other.locator('input[name="build"][value="simd128"]').check();
      await other.locator('.offer[data-offer="en-fr"][aria-expanded="true"]').waitFor();
      await other.locator(".model-chip.ready", { hasText: "English → German" }).waitFor();
    });
  });

  test("a language through English is two models: told, fetched, kept and looked at as two", async () => {
    const halves = { fren: studentFiles({ seed: 46 }), enit: studentFiles({ seed: 44 }) };
    await withHomes(async ({ homes, site, page }) => {
      homes.addMozilla("fr", "en", halves.fren);
      homes.addMozilla("en", "it", halves.enit);
      await page.goto(site.url);
      await page.locator(".model-chip.ready").waitFor();
      await page.locator("#source").fill(TEXT);
      await settled(page);
      await page.locator(".pane.target .more-languages").click();
      await page.getByRole("button", { name: /^Ask 127\.0\.0\.1:\d+ for the newest list/ }).click();
      await page.locator('.offer[data-offer="fr-en"]').waitFor();
      assert.equal(await page.locator('.offer[data-offer="fr-it"]').count(), 0);
      await page.getByText("Pairs without English go through it").waitFor();
      await page.getByRole("searchbox").fill("french italian");
      await page.locator('.offer[data-offer="fr-it"]').click();
      const told = (await page.locator(".offer-choices").textContent()) ?? "";
      assert.match(told, /No model goes from one to the other \(French → Italian\)/);
      assert.match(told, /French → English: Licence: MPL-2\.0/);
      assert.match(told, /English → Italian: Licence: MPL-2\.0/);
      const kilobytes = [...told.matchAll(/base-memory ([\d.]+) kB/g)].map((found) => Number(found[1]));
      assert.equal(kilobytes.length, 2);
      const sum = Number(/Fetch ([\d.]+) kB from/.exec(told)?.[1]);
      assert.ok(Math.abs(sum - kilobytes[0] - kilobytes[1]) <= 1, `${sum} of ${kilobytes.join(" and ")}`);

      const byHand = [await translatorOf("fren", halves.fren), await translatorOf("enit", halves.enit)];
      const middle = await byHand[0].translate(TEXT, { beamSize: 4 });
      const translation = await byHand[1].translate(middle, { beamSize: 4 });
      for (const one of byHand) one.destroy();
      homes.take();
      await page.getByRole("button", { name: /^Fetch .* from 127/ }).click();
      await page.locator("dialog.languages").waitFor({ state: "hidden" });
      const shows = async () => {
        await page.waitForFunction(
          (text) => document.querySelector("#target")?.textContent?.trim() === text,
          translation.trim(),
        );
        await page.locator(".through .middle", { hasText: middle.trim() }).waitFor();
        assert.equal(await page.locator("#to").inputValue(), "mozilla.fr-it.through-en");
      };
      await shows();
      for (const pair of ["fren", "enit"]) {
        const model = new RegExp(`/model\\.${pair}`);
        assert.equal(homes.requests.filter(({ path }) => model.test(path)).length, 1, pair);
      }
      assert.equal(await page.locator(".threads-box").count(), 0);
      assert.deepEqual(await findings(page), []);
      await page.getByRole("link", { name: "Look inside" }).click();
      await page.locator(".through:visible").waitFor();
      await page.getByRole("link", { name: "Translate" }).click();

      // Again when nobody answers; and each of the two, in a tab of its own, with its own words.
      await homes.close();
      await page.reload();
      await shows();
      const [tab] = await Promise.all([
        page.context().waitForEvent("page"),
        page.getByRole("link", { name: "Look at English → Italian" }).click(),
      ]);
      tab.setDefaultTimeout(PATIENCE);
      await tab.locator(".model-chip.ready", { hasText: "English → Italian" }).waitFor();
      assert.equal(await tab.locator("#source").inputValue(), middle);
      await tab.locator(".threads .thread").first().waitFor({ state: "attached" });

      // One half is deleted in that tab: to compare with it is to be told so in the page's words, and how it comes back.
      await page.locator("#from").selectOption("en");
      await page.locator("#to").selectOption("en-de");
      await page.locator(".model-chip.ready", { hasText: "English → German" }).waitFor();
      await settled(page);
      await openDrawerOf(tab, "English → Italian");
      await tab.getByRole("button", { name: "Delete English → Italian" }).click();
      await page.getByRole("link", { name: "Look inside" }).click();
      await page.locator('[data-part="heads-off"] > summary').click();
      await page.locator("#other").selectOption("model mozilla.en-it.base-memory");
      const note = page.locator(".status.bad", { hasText: "This model is no longer kept in this browser." });
      await note.getByRole("button", { name: "More languages…" }).click();
      await page.locator('.offer[data-offer="en-it"][aria-expanded="true"]').waitFor();
      assert.doesNotMatch((await note.textContent()) ?? "", /glossa models/);
    });
  });

  test("built without homes there is no menu, and no origin in the policy", async () => {
    const site = await openSite(undefined, null);
    const { page, faults, close } = await openPage(browser);
    page.setDefaultTimeout(PATIENCE);
    try {
      assert.match(readFileSync(join(site.out, "index.html"), "utf8"), /content="default-src 'self'; script-src/);
      await page.goto(`${site.url}#/translate?m=mozilla.en-fr.base-memory`);
      await page.locator(".model-chip.ready").waitFor();
      assert.equal(await page.locator(".more-languages").count(), 0);
      assert.equal(await page.locator("dialog[open]").count(), 0);
      assert.deepEqual(faults, []);
    } finally {
      await close();
      await site.close();
    }
  });
});

/** @param {Page} page @param {string} row */
async function openDrawerOf(page, row) {
  await page.locator(".model-chip").click();
  await page.locator("#drawer .kept tr", { hasText: row }).getByText("on this device").waitFor();
}

/** @param {string} pair @param {Record<string, Uint8Array>} files */
async function translatorOf(pair, files) {
  const named = Object.entries(files).map(
    ([type, bytes]) => /** @type {[string, Uint8Array]} */ ([fileName(type, pair), bytes]),
  );
  const { blob } = await convertToBlob(named);
  return Translator.create({ model: blob, worker: false, build: "simd128" });
}
