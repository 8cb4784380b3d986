// HTML: every tag comes out once and balanced, blocks keep their order, and text is what plain translation gives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { decodeText, encodeText, tokenizeHTML } from "../../src/js/html-tokens.js";
import { Translator } from "../../src/js/index.js";

/** @type {Translator} */
let translator;
before(async () => {
  const model = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
  translator = await Translator.create({ model, worker: false });
});
after(() => translator.destroy());

/** @param {string} html */
const tags = (html) => tokenizeHTML(html).filter(({ type }) => type !== "text");

/** Fails unless every start tag has its end tag, in order. @param {string} html */
function assertBalanced(html) {
  /** @type {string[]} */
  const open = [];
  for (const { type, name } of tags(html))
    if (type === "open") open.push(name);
    else if (type === "close") assert.equal(open.pop(), name, html);
  assert.deepEqual(open, [], html);
}

const INLINE = ["a href='/x?a=1&amp;b=2'", "b", 'em class="c d"', "span", "u", "sup"];
const WORDS = "a dog runs through the green grass while two men in red shirts sit on an old bench".split(" ");

/** A generator of the same fragments each time. @param {number} seed */
function fragments(seed) {
  const random = (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const pick = (/** @type {string[]} */ from) => from[random(from.length)];
  const words = () => {
    const first = random(8);
    return WORDS.slice(first, first + 2 + random(6)).join(" ");
  };
  /** @param {number} depth @returns {string} */
  const inline = (depth) => {
    const kind = random(9);
    if (kind < 4 || depth > 3) return words();
    if (kind === 4) return `${words()} &amp; ${words()}`;
    if (kind === 5) return "<br>";
    if (kind === 6) return `<code>x = ${random(100)}</code>`;
    const tag = pick(INLINE);
    return `<${tag}>${inline(depth + 1)}${random(3) ? "" : `, ${inline(depth + 1)}`}</${tag.split(" ")[0]}>`;
  };
  const sentence = () => `${Array.from({ length: 1 + random(3) }, () => inline(0)).join(" ")}${pick([".", "!", ""])}`;
  /** @param {number} depth @returns {string} */
  const block = (depth) => {
    const content = () => `${sentence()} ${random(2) ? sentence() : ""}`;
    const kind = depth > 2 ? 0 : random(5);
    if (kind <= 1) return `<p>${content()}</p>`;
    if (kind === 2) return `<ul>\n  <li>${content()}</li>\n  <li>${block(depth + 1)}</li>\n</ul>`;
    if (kind === 3) return `<table><tr><td>${sentence()}</td><td>${sentence()}</td></tr></table>`;
    return `<div id="d${random(9)}">${block(depth + 1)}<h2>${words()}</h2></div>`;
  };
  return () => block(0);
}

test("200 fragments: the same tags, balanced, blocks in order", async () => {
  const next = fragments(7);
  for (let i = 0; i < 200; i++) {
    const html = next();
    const translation = await translator.translateHTML(html, { maxLength: 24 });
    const names = (/** @type {string} */ text) => tags(text).map(({ raw }) => raw);
    assertBalanced(html);
    assertBalanced(translation);
    assert.deepEqual(names(translation).toSorted(), names(html).toSorted(), `${html}\n${translation}`);
    const blocks = (/** @type {string} */ text) =>
      names(text).filter((tag) => /^<\/?(p|ul|li|table|tr|td|div|h2)[\s>]/.test(tag));
    assert.deepEqual(blocks(translation), blocks(html));
  }
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
  assert.equal(decodeText("&lt;&#65;&#x42;&auml;&unknown;&amp;&amp;lt;"), "<ABä&unknown;&&amp;lt;");
  for (const text of ["&lt;b&gt;", "a &amp; b", "&unknown; x", "&amp;lt;", "x&nbsp;y"])
    assert.equal(encodeText(decodeText(text)), text);
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
    assert.equal(
      tokenizeHTML(html)
        .map(({ raw }) => raw)
        .join(""),
      html,
    );
    const translation = await translator.translateHTML(html);
    assert.deepEqual(tags(translation).length, tags(html).length, `${html}\n${translation}`);
  }
});

test("a paragraph of many sentences under one element, and a sentence longer than the model takes", async () => {
  const long = `<p><b>${"A dog runs. ".repeat(30)}</b><i>${"word ".repeat(700)}</i> ends.</p>`;
  const translation = await translator.translateHTML(long, { maxLength: 6 });
  assert.match(translation, /^<p><b>[^<]+<\/b><i>[^<]+<\/i>[^<]*<\/p>$/);
});
