// What a browser makes of a document before and after its translation: the same elements and attributes in the same
// places, nothing new, no text lost, with scripts and without, whatever the engine answers.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { translateHTML } from "../../src/js/html.js";
import { Translator } from "../../src/js/index.js";
import { launchChromium, noBrowser } from "../web/browser.js";
import { ANSWERS, isDocument, makeDocument, numbered, realPages, standIn } from "./html-documents.js";

const FULL = process.env.GLOSSA_SOAK === "1";
const GENERATED = FULL ? 10_000 : 500;
const PAGES = FULL ? 2000 : 100;
const MODEL_PAGES = FULL ? 100 : 5;
const ATTRIBUTES = ["title", "alt", "placeholder", "aria-label"];

/** Runs in the browser: compares what it reads before and after, with scripting and without. @param {{before: string, afters: {html: string, same: boolean}[], whole: boolean}[]} documents */
function compareInBrowser(documents) {
  const TRANSLATED = ["title", "alt", "placeholder", "aria-label"];
  const SEALED = "script style template noscript textarea svg math iframe xmp noembed noframes plaintext";
  const sealed = new Set(SEALED.split(" "));
  // A form's own property may be one of its controls.
  const childNodes = /** @type {() => any} */ (Object.getOwnPropertyDescriptor(Node.prototype, "childNodes")?.get);
  const attributesOf = /** @type {() => any} */ (Object.getOwnPropertyDescriptor(Element.prototype, "attributes")?.get);
  const off = new DOMParser().parseFromString("", "text/html");
  /** @param {string} html @param {boolean} whole @param {boolean} scripting */
  const read = (html, whole, scripting) => {
    const maker = scripting ? document : off;
    if (!whole) {
      const template = maker.createElement("template");
      template.innerHTML = html;
      return template.content;
    }
    if (!scripting) return new DOMParser().parseFromString(html, "text/html");
    const root = maker.createElement("html");
    root.innerHTML = html;
    return root;
  };
  /** @param {Node} root */
  const survey = (root) => {
    /** @type {string[]} */
    const elements = [];
    /** @type {Record<string, boolean>} */
    const written = {};
    let comments = 0;
    /** @type {{node: any, key: string}[]} */
    const stack = [{ node: root, key: "" }];
    for (let item = stack.pop(); item; item = stack.pop()) {
      const { node, key } = item;
      for (const child of childNodes.call(node)) {
        if (child.nodeType === 8) comments++;
        if (child.nodeType === 3 && /\S/.test(child.data)) written[key] = true;
        if (child.nodeType !== 1) continue;
        const name = child.localName;
        const own = `${name} ${child.getAttribute("data-g") ?? ""}`;
        const attributes = [];
        for (const { name, value } of attributesOf.call(child))
          attributes.push(TRANSLATED.includes(name) ? `${name}${value ? " set" : ""}` : `${name}=${value}`);
        const raw = sealed.has(name) ? (name === "template" ? child.innerHTML : child.textContent) : "";
        elements.push(`${key} / ${own} [${attributes.sort().join("|")}] ${raw}`);
        stack.push({ node: child, key: own });
        if (child instanceof HTMLTemplateElement) stack.push({ node: child.content, key: `${own} content` });
      }
    }
    return { elements: elements.sort(), written: Object.keys(written).sort(), comments };
  };
  /** @type {{i: number, k: number, scripting: boolean, key: string, before: string[], after: string[]}[]} */
  const faults = [];
  for (const [i, { before, afters, whole }] of documents.entries())
    for (const scripting of [true, false]) {
      const one = read(before, whole, scripting);
      const a = survey(one);
      for (const [k, { html, same }] of afters.entries()) {
        const two = read(html, whole, scripting);
        const b = survey(two);
        const compare = (/** @type {string} */ key, /** @type {string[]} */ x, /** @type {string[]} */ y) => {
          const [xs, ys] = [new Set(x), new Set(y)];
          const lost = x.filter((item) => !ys.has(item)).slice(0, 3);
          // Text may come to stand in an element that had none, but none may lose its own.
          const made = key === "written" ? [] : y.filter((item) => !xs.has(item)).slice(0, 3);
          if (lost.length || made.length || (key !== "written" && x.length !== y.length))
            faults.push({ i, k, scripting, key, before: lost, after: made });
        };
        compare("elements", a.elements, b.elements);
        compare("written", a.written, b.written);
        compare("comments", [`${a.comments}`], [`${b.comments}`]);
        // In a language that puts spaces between words, scripts that have none may get some.
        const texts = [one, two].map((root) => [
          (root.textContent ?? "")
            .replace(/\s+/g, " ")
            .replace(/ ?([\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]) ?/gu, "$1"),
        ]);
        if (same) compare("text", texts[0], texts[1]);
      }
    }
  return faults;
}

describe("what a browser makes of it", { skip: noBrowser }, () => {
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {import("playwright-core").Page} */
  let page;
  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.route("**/*", (route) => route.abort());
    await page.setContent(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>x</title>`);
  });
  after(() => browser?.close());

  /**
   * @param {{name: string, html: string}[]} documents
   * @param {(i: number) => {name: string, translate: (html: string) => Promise<string>}[]} ways to translate the i-th
   */
  async function check(documents, ways) {
    for (let at = 0; at < documents.length; at += 20) {
      /** @type {{name: string, before: string, afters: {way: string, html: string, same: boolean}[], whole: boolean}[]} */
      const some = [];
      for (const [i, { name, html }] of documents.slice(at, at + 20).entries()) {
        const afters = [];
        for (const way of ways(at + i))
          afters.push({ way: way.name, html: await way.translate(html), same: way.name === "same" });
        some.push({ name, before: html, afters, whole: isDocument(html) });
      }
      const faults = await page.evaluate(compareInBrowser, some);
      const shown = faults.slice(0, 3).map((fault) => {
        const { name, before, afters } = some[fault.i];
        const after = afters[fault.k];
        return `${name}, ${after.way}: ${JSON.stringify(fault)}\n${before.slice(0, 3000)}\n→\n${after.html.slice(0, 3000)}`;
      });
      assert.equal(faults.length, 0, shown.join("\n\n"));
    }
  }

  const ways = Object.entries(ANSWERS).map(([name, answer]) => ({
    name,
    translate: (/** @type {string} */ html) =>
      translateHTML(html, {
        attributes: ATTRIBUTES,
        sourceLanguage: "en",
        targetLanguage: "de",
        check() {},
        align: standIn(answer),
      }),
  }));

  for (const broken of [false, true])
    test(`${GENERATED / 2} generated documents, ${broken ? "broken" : "clean"}, each with ${ways.length} engines`, async () => {
      const documents = Array.from({ length: GENERATED / 2 }, (_, i) => ({
        name: `document ${i}`,
        html: numbered(makeDocument(i, broken)),
      }));
      await check(documents, () => ways);
    });

  test(`${PAGES} real pages`, async (t) => {
    const found = realPages(PAGES, FULL ? Infinity : 40_000);
    if (!found) return t.skip("apt cannot get the documentation packages");
    const pages = found.map(({ name, html }) => ({ name, html: numbered(html) }));
    await check(pages, (i) => (FULL ? ways : [ways[0], ways[1 + (i % (ways.length - 1))]]));
  });

  const model = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
  const noModel = existsSync(model) ? false : "models/en-de.gguf is not there";
  test(`${MODEL_PAGES} real pages through the model`, { skip: noModel }, async (t) => {
    const pages = realPages(MODEL_PAGES, FULL ? 40_000 : 6000);
    if (!pages) return t.skip("apt cannot get the documentation packages");
    const translator = await Translator.create({ model });
    const translate = (/** @type {string} */ html) =>
      translator.translateHTML(html, { attributes: ATTRIBUTES, maxLength: 60 });
    const documents = pages.map(({ name, html }) => ({ name, html: numbered(html) }));
    await check(documents, () => [{ name: "en-de", translate }]);
    translator.destroy();
  });
});
