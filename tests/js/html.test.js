// HTML: every tag comes out once and balanced, blocks keep their order, and text is what plain translation gives.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseFragment, serializeOuter } from "parse5";
import { Translator } from "../../src/js/index.js";

/** @type {Translator} */
let translator;
before(async () => {
  const model = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
  translator = await Translator.create({ model, worker: false });
});
after(() => translator.destroy());

/** @param {string} text */
const encodeText = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * The tags and comments of a fragment as they are written, by a parser that is not ours.
 * @param {string} html
 * @returns {{raw: string, name: string}[]}
 */
function tags(html) {
  /** @type {{start: number, raw: string, name: string}[]} */
  const found = [];
  const add = (/** @type {any} */ { startOffset, endOffset }, /** @type {string} */ name) =>
    found.push({ start: startOffset, raw: html.slice(startOffset, endOffset), name });
  const visit = (/** @type {any} */ node) => {
    for (const child of (node.content ?? node).childNodes ?? []) {
      const place = child.sourceCodeLocation;
      if (child.nodeName === "#comment") add(place, "");
      if (place?.startTag) add(place.startTag, child.tagName);
      if (place?.endTag) add(place.endTag, child.tagName);
      visit(child);
    }
  };
  visit(parseFragment(html, { sourceCodeLocationInfo: true }));
  return found.sort((a, b) => a.start - b.start);
}

// Written for this test in the manner of pages as they are found: lists, links, tables, forms, mails, old tags, entities,
// scripts, languages from the right, and tags that are wrong in every common way.
const FRAGMENTS = readFileSync(new URL("../golden/fragments.html", import.meta.url), "utf8").split(/^%%\n/m);

const INLINE = new Set(
  "a abbr b bdi bdo big cite code data del dfn em font i img input ins kbd mark math mi mo q rp rt ruby s samp script small span strike strong style sub sup svg circle text textarea time tt u var wbr br".split(
    " ",
  ),
);
const UNTOUCHED = new Set("code iframe kbd math noscript pre samp script style svg template textarea title".split(" "));

/**
 * What an HTML parser that is not ours makes of a fragment.
 * @param {string} html
 */
function parsed(html) {
  let errors = 0;
  const tree = parseFragment(html, { scriptingEnabled: false, onParseError: () => errors++ });
  /** @type {string[]} elements that are no part of a sentence, in order, each with those around it */
  const outline = [];
  /** @type {string[]} elements in sentences, sorted */
  const inline = [];
  /** @type {(string | null)[]} text of every element of the outline that has nothing but text; null: not to be translated */
  const texts = [];
  const visit = (/** @type {any} */ node, /** @type {string} */ path, touched = true) => {
    for (const child of (node.content ?? node).childNodes ?? []) {
      const name = child.tagName;
      if (!name) continue;
      const attributes = child.attrs.map((/** @type {any} */ { name, value }) => ` ${name}=${value}`).join("");
      const own = `${name}${attributes}`;
      const kept = touched && !UNTOUCHED.has(name) && !/ (translate=no|class=\S*\bnotranslate\b)/.test(attributes);
      if (INLINE.has(name)) inline.push(own);
      else {
        outline.push(`${path}/${own}`);
        const text = child.childNodes.every((/** @type {any} */ { nodeName }) => nodeName === "#text");
        if (text && child.childNodes.length) texts.push(kept ? child.childNodes[0].value : null);
      }
      visit(child, INLINE.has(name) ? path : `${path}/${own}`, kept);
    }
  };
  visit(tree, "");
  return { errors, outline, inline: inline.toSorted(), texts };
}

/**
 * Fails where a tag is lost, made or out of order, or where a text that no tag interrupts is not translated plainly.
 * @param {string} html
 * @returns {Promise<{sound: boolean, plain: number}>} whether the fragment has no parse errors; how many plain texts
 */
async function check(html) {
  const translation = await translator.translateHTML(html, { maxLength: 40 });
  const shown = `${html}\n${translation}`;
  const names = (/** @type {string} */ text) => tags(text).map(({ raw }) => raw);
  assert.deepEqual(names(translation).toSorted(), names(html).toSorted(), shown);
  const blocks = (/** @type {string} */ text) => tags(text).flatMap(({ raw, name }) => (INLINE.has(name) ? [] : [raw]));
  assert.deepEqual(blocks(translation), blocks(html), shown);
  const [before, after] = [parsed(html), parsed(translation)];
  // How a browser repairs a broken one can depend on the text between its tags.
  if (before.errors) return { sound: false, plain: 0 };
  assert.equal(after.errors, 0, shown);
  assert.deepEqual(after.outline, before.outline, shown);
  assert.deepEqual(after.inline, before.inline, shown);
  const space = (/** @type {string} */ text) => text.replace(/[ \t\r\n\f]+/g, " ").trim();
  let plain = 0;
  for (const [i, text] of before.texts.entries()) {
    if (text === null) continue;
    plain++;
    const plainly = await translator.translate(space(text), { maxLength: 40 });
    assert.equal(space(after.texts[i] ?? ""), space(plainly), shown);
  }
  return { sound: true, plain };
}

test("200 fragments of pages: the same tags, balanced, blocks in order, plain text translated plainly", async () => {
  assert.ok(FRAGMENTS.length >= 200);
  let sound = 0;
  let plain = 0;
  for (const html of FRAGMENTS) {
    const found = await check(html);
    if (found.sound) sound++;
    plain += found.plain;
  }
  assert.ok(sound > 180 && plain > 150, `${sound} without parse errors, ${plain} texts`);
});

const folder = process.env.GLOSSA_HTML;
const noPages = folder ? false : "GLOSSA_HTML names no folder of HTML pages";
test("200 fragments of the pages of a folder, as they were found", { skip: noPages }, async () => {
  /** @type {string[]} */
  const blocks = [];
  const wanted = new Set("blockquote dl h1 h2 h3 ol p table ul".split(" "));
  for (const entry of readdirSync(folder ?? "", { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".html")) continue;
    const visit = (/** @type {any} */ node) => {
      for (const child of node.childNodes ?? []) {
        const html = wanted.has(child.tagName) ? serializeOuter(child) : "";
        if (html.length > 60 && html.length < 1200) blocks.push(html);
        else visit(child);
      }
    };
    visit(parseFragment(readFileSync(join(entry.parentPath, entry.name), "utf8")));
  }
  assert.ok(blocks.length >= 200, `${folder} has ${blocks.length} fragments`);
  for (let i = 0; i < 200; i++) await check(blocks[Math.floor((i * blocks.length) / 200)]);
});

test("without tags inside sentences the text is the plain translation", async () => {
  const sentences = ["A dog runs through the grass.", "Two men & a woman sit on a bench!", "Is a cat < a dog?"];
  const html = sentences.map((text) => `<li><b>${encodeText(text)}</b></li>`).join("\n");
  const expected = [];
  for (const text of sentences) expected.push(`<li><b>${encodeText(await translator.translate(text))}</b></li>`);
  assert.equal(await translator.translateHTML(`<ul>${html}</ul>`), `<ul>${expected.join("\n")}</ul>`);
  const [a, b] = sentences;
  assert.equal(
    await translator.translateHTML(`<p>${a}\n   ${encodeText(b)}</p>`),
    `<p>${await translator.translate(a)} ${encodeText(await translator.translate(b))}</p>`,
  );
});

test("tags go where their words went", async () => {
  assert.match(await translator.translateHTML("A <b>dog</b> runs."), /^Ein <b>Hund<\/b> /);
  assert.match(await translator.translateHTML('Two <a href="#">men</a> sit.'), /^Zwei <a href="#">Männer<\/a> /);
});

test("a footnote's mark is not read by the model and stays with its word", async () => {
  const plain = (/** @type {string} */ html) => html.replace(/<sup.*?<\/sup>|<\/?i>/g, "").replace(/ +/g, " ");
  for (const html of [
    "A dog<sup>[1]</sup> runs.",
    'A dog<sup id="c"><a href="#n">[12]</a></sup> runs.',
    "A dog <sup>1</sup><sup>*</sup> runs.",
    "A <i>dog<sup>[a]</sup></i> runs.",
    "A dog runs.<sup>[1]</sup> A cat<sup>2</sup> sleeps.<sup>3</sup>",
  ]) {
    const translation = await translator.translateHTML(html);
    const marks = (/** @type {string} */ text) => text.match(/<sup.*?<\/sup>/g);
    assert.deepEqual(marks(translation), marks(html), translation);
    assert.equal(plain(translation), await translator.translate(plain(html)));
    assert.match(translation, /[\p{L}.] ?<sup/u);
  }
  // What goes on as a word is one, and a raised word is translated.
  for (const html of ["The H<sup>2</sup>O is cold.", "The dog <sup>runs away</sup>."])
    assert.match(await translator.translateHTML(html), /<sup>/);
});

test("an element that ends in white space at the end of a sentence; labels beside each other", async () => {
  assert.match(
    await translator.translateHTML("A <b>dog runs. </b>Two men sit."),
    /^Ein <b>Hund [^<]*\.<\/b> Zwei Männer /,
  );
  assert.match(await translator.translateHTML("<b> A dog</b> runs."), /^ <b>Ein Hund<\/b> /);
  assert.match(
    await translator.translateHTML("<label><input> A dog</label><label><input> Two men</label>"),
    /^<label><input> Ein Hund<\/label><label><input> Zwei Männer<\/label>$/,
  );
});

test("scripts, code, comments and protected elements are left alone", async () => {
  for (const html of [
    '<script>if (a < b) "A dog runs";</script>',
    "<style>p > a { color: red }</style>",
    "<!-- A dog runs. --><!doctype html>",
    "<pre>A dog\n  runs</pre><code>A dog</code><textarea>A <b>dog</textarea>",
    '<p translate="no">A dog <b>runs</b>.</p><div class="x notranslate">A <div>dog</div></div>',
    "<svg><text>A dog</text></svg>",
    "  \n<br>123 &nbsp;<hr>",
  ]) {
    const left = await translator.translateHTML(html);
    if (!/123/.test(html)) assert.equal(left, html);
    else assert.match(left, /<br>[\s\S]*<hr>$/);
  }
  const mixed = await translator.translateHTML("<p>Press <code>Ctrl+C</code> to stop the dog.</p>");
  assert.equal(mixed.split("<code>Ctrl+C</code>").length, 2, mixed);
  assert.equal(mixed.split("Ctrl").length, 2, mixed);
});

test("entities survive, known or not; attributes are translated on request", async () => {
  assert.match(await translator.translateHTML("<p>A dog &unknown; runs</p>"), /&unknown;/);
  const html = '<p title="A dog runs."><img alt=\'Two men sit.\' src="A dog"></p>';
  assert.equal(await translator.translateHTML(html), html);
  const translated = await translator.translateHTML(html, { attributes: ["alt", "title"] });
  assert.match(translated, /^<p title="Ein Hund[^"]*"><img alt="Zwei Männer[^"]*" src="A dog"><\/p>$/);
});

test("broken HTML is translated, never thrown at", async () => {
  for (const html of [
    "</b><p>A dog <i>runs<p>Two men</i> sit",
    "<b><i>A dog</b> runs</i>",
    "A dog < a cat <",
    "<a href='x>A dog",
    "<!-- A dog",
    "<script>A dog",
    "<code>A dog",
    "<>A dog</>< /b>",
    "&#0;&#xffffff;&#55296; A dog",
    "<b>".repeat(500),
    `${"<i>".repeat(50)}A dog${"</i>".repeat(50)}`,
    "\u0000<b\u0000>A dog",
  ]) {
    const translation = await translator.translateHTML(html);
    assert.deepEqual(tags(translation).length, tags(html).length, `${html}\n${translation}`);
  }
});

test("a paragraph of many sentences under one element, and a sentence longer than the model takes", async () => {
  const long = `<p><b>${"A dog runs. ".repeat(30)}</b><i>${"word ".repeat(700)}</i> ends.</p>`;
  const translation = await translator.translateHTML(long, { maxLength: 6 });
  assert.match(translation, /^<p><b>[^<]+<\/b><i>[^<]+<\/i>[^<]*<\/p>$/);
});
