// Documents for the tests of HTML: generated ones, clean and broken, and real pages; and stand-ins for the engine.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseFragment } from "parse5";

/** @typedef {import("../../src/js/protocol.js").AlignedPart} AlignedPart */
/** @typedef {import("../../src/js/protocol.js").BorderedText} BorderedText */
/** @typedef {(texts: BorderedText[]) => Promise<AlignedPart[][]>} Align */

/** @param {number} seed */
export function generator(seed) {
  return (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
}

// ---- stand-ins for the engine ----

/**
 * What a stand-in makes of a sentence: its words and, for each, which word of the source it came from.
 * @typedef {(words: string[], random: (n: number) => number) => {words: string[], from: number[]} | null} Answer null: the
 *     alignment is not known
 */

const MARKUP = [
  '<img src=x onerror="hit()">',
  "</p></title></textarea>",
  "<script>hit()</script>",
  "<!--",
  "]]>",
  "&lt;b&gt;",
];
const QUOTES = [`"`, `'`, `" onclick="hit()`, `' onclick='hit()`, "` onclick=hit() ", `x="y`];

/** @type {Record<string, Answer>} */
export const ANSWERS = {
  same: (words) => ({ words, from: [...words.keys()] }),
  nothing: () => ({ words: [], from: [] }),
  markup: (words, random) => ({ words: words.map(() => MARKUP[random(MARKUP.length)]), from: [...words.keys()] }),
  quotes: (words, random) => ({ words: words.map(() => QUOTES[random(QUOTES.length)]), from: [...words.keys()] }),
  turned: (words) => ({ words: words.toReversed(), from: [...words.keys()].reverse() }),
  "one word": (words) => ({ words: [`${words[0]}x`], from: [words.length - 1] }),
  unknown: (words) => (words.length % 2 ? null : { words: words.map((word) => `${word}x`), from: [...words.keys()] }),
  scattered: (words, random) => ({
    words: words.flatMap((word) => [word, `${word}y`]),
    from: words.flatMap(() => [random(words.length), random(words.length)]),
  }),
};

/**
 * An engine that answers as it is told: a sentence ends at a stop or after 200 words, a word at white space.
 * @param {Answer} answer
 * @param {number} seed
 * @returns {Align}
 */
export function standIn(answer, seed = 1) {
  const random = generator(seed);
  return async (texts) =>
    texts.map(({ text, keep, borders }) => {
      /** @type {AlignedPart[]} */
      const parts = [];
      const pieces = [];
      let from = 0;
      for (const [start, end] of keep) {
        pieces.push(text.slice(from, start), "x".repeat(end - start));
        from = end;
      }
      const masked = pieces.join("") + text.slice(from);
      let border = 0;
      for (const { index, 0: piece } of masked.matchAll(
        /\s+|[^\s.!?。]+(?:\s+[^\s.!?。]+){0,199}[.!?。]*|[.!?。]+/gu,
      )) {
        const source = text.slice(index, index + piece.length);
        const sentence = /\p{L}/u.test(piece);
        while (borders[border] <= index) border++;
        const cut = sentence && borders[border] < index + piece.length;
        const said = sentence ? answered(source, piece, answer, random) : null;
        if (!said) parts.push({ start: index, sentence, output: source, links: sentence && cut ? null : [] });
        else parts.push({ start: index, sentence, output: said.output, links: cut ? said.links : [] });
      }
      return parts;
    });
}

/**
 * @param {string} sentence
 * @param {string} masked the same with what is to be kept as letters
 * @param {Answer} answer
 * @param {(n: number) => number} random
 */
function answered(sentence, masked, answer, random) {
  const words = [...masked.matchAll(/\S+/g)];
  const texts = words.map(({ index, 0: word }) => sentence.slice(index, index + word.length));
  const given = answer(texts, random);
  if (!given) return null;
  let output = "";
  /** @type {import("../../src/js/types.js").WordLink[]} */
  const links = [];
  for (const [i, word] of given.words.entries()) {
    const source = words[given.from[i]];
    const before = words[given.from[i - 1]];
    // Words that still follow each other have between them what they had.
    const follows = before && given.from[i] === given.from[i - 1] + 1;
    if (output) output += follows ? sentence.slice(before.index + before[0].length, source.index) : " ";
    const target = /** @type {[number, number]} */ ([output.length, output.length + word.length]);
    links.push({ source: [source.index, source.index + source[0].length], target, weight: 1 });
    output += word;
  }
  return { output, links };
}

// ---- generated documents ----

const WORDS = "A dog runs through the green grass while two men sit on an old bench and laugh 12 times".split(" ");
const INLINE =
  "a b i em span strong code kbd sup sub small u font label button nobr my-tip q cite var samp ruby abbr mark".split(
    " ",
  );
const BLOCK =
  "p div ul li ol table tr td th h1 blockquote section dl dt dd pre form fieldset details summary center address".split(
    " ",
  );
const VOID = [
  "<br>",
  "<img src=x alt='A dog'>",
  "<hr>",
  "<input placeholder=Dogs>",
  "<wbr>",
  "<i class=fa></i>",
  "<!-- A dog -->",
  "<sup>[1]</sup>",
  "<br/>",
];
const RAW = [
  '<script>if (a < b && c) "A dog runs"</script>',
  "<style>p > a { color: red }</style>",
  "<textarea placeholder='A dog'>A <b>dog</textarea>",
  "<svg aria-label='A dog'><text>A dog</text><title>x</title></svg>",
  "<math><mi>x</mi></math>",
  "<template><p>A dog</p></template>",
  '<noscript><img src="a.png"></noscript>',
  "<select><option>A dog</option><option>cats</select>",
  "<iframe title='A dog'></iframe>",
  "<ruby>dog<rt>dawg</rt></ruby>",
  "<p translate=no>A <b>dog</b></p>",
  "<span class='x notranslate'>A dog</span>",
  "<title>A dog</title>",
];
/** What clean documents do not have. */
const BROKEN = [
  "</b>",
  "</p>",
  "</i>",
  "<b>",
  "<p>",
  "<i>",
  "</div>",
  "<table>",
  "</table>",
  "<td>",
  "<tr>",
  "<a>",
  "<form>",
  "</form>",
  "<",
  ">",
  "&",
  "&amp",
  "&copy 2024",
  "&#0;",
  "&#146;",
  "&nbspx",
  "&unknown;",
  "&notit;",
  "\0",
  "\r\n",
  "\r",
  "<!-->",
  "<!--->",
  "<!--x--!>",
  "<![CDATA[ A dog ]]>",
  "<!-- A --> dog -->",
  "<? A dog ?>",
  "<?php if (1 > 0) ?>",
  "</ x>",
  "<!x>",
  '<p class=it\'s title="<img src=x onerror=hit()>">',
  '<a href=/q?it\'s title="<img src=x onerror=hit()>">',
  '<p a\'b="" title="<img src=x onerror=hit()>">',
  `<img src="x"b=" alt='$\{ onerror=hit() }' ">`,
  "<script/>",
  "<style/>",
  "<textarea/>",
  "<script src=https://a.b/>",
  "<script><!--<script></script>",
  "<svg><style><!--</style>",
  "<svg><![CDATA[<p>",
  "<math><mtext><p>",
  "<select><b>",
  "<select><style>",
  "</select>",
  '<noscript><p title="</noscript><img src=x onerror=hit()>">',
  "<noscript><!--</noscript>-->",
  "<noscript><style></noscript>",
  "<b title='x",
  '<i title="',
  "<a <b>",
  "<p/>",
  "<br/a=1>",
  "<b =a=b>",
  "<div title=a&amp;b'c\"d>",
  "<nobr>",
  "<h1>",
  "<h2>",
  "<li>",
  "<option>",
  "<rt>",
  "</br>",
  "<frameset>",
  "<body title='A dog'>",
  "<html>",
  "<head>",
  "<button>",
  "<plaintext>",
  "<xmp>",
  "</xmp>",
  "<listing>\n",
  "<pre>\n",
  "<image>",
  "<isindex>",
  "<caption>",
  "<col>",
];
const ATTRIBUTES = [
  " title='A dog'",
  ' title="Two &quot;dogs&quot;"',
  " class=x",
  " id=a",
  ' title="a<b>c"',
  ' onclick="go()"',
  ' style="white-space: pre"',
  ' data-x="A dog\'s"',
  " translate=yes",
  " hidden",
  ' alt="x > y"',
];

/**
 * @param {number} seed
 * @param {boolean} broken
 */
export function makeDocument(seed, broken) {
  const random = generator(seed * 2 + (broken ? 1 : 0));
  for (let i = 0; i < 5; i++) random(2);
  const pick = (/** @type {string[]} */ list) => list[random(list.length)];
  const text = () => {
    let out = Array.from({ length: 1 + random(5) }, () => pick(WORDS)).join(" ");
    if (random(8) === 0)
      out += pick([" &amp; ", " &lt; ", "&nbsp;", " &quot;x&quot;", " &eacute;t&eacute;", " (", ") "]);
    if (random(3) === 0) out += pick([".", "!", ",", ". "]);
    return random(12) === 0 ? "一只狗在跑。一只猫" : out;
  };
  const attributes = () => (random(4) === 0 ? pick(ATTRIBUTES) : "");
  const space = () => pick(["", "", " ", " ", "\n  ", "  "]);
  /** @type {(depth: number) => string} */
  const inline = (depth) => {
    let out = "";
    for (let i = 1 + random(4); i > 0; i--) {
      const kind = random(10);
      if (broken && random(9) === 0) out += pick(BROKEN);
      if (kind < 5 || depth <= 0) out += text() + space();
      else if (kind < 8) {
        const name = pick(INLINE);
        out += `<${name}${attributes()}>${inline(depth - 1)}</${name}>${space()}`;
      } else if (kind === 8) out += pick(VOID) + space();
      else out += pick(RAW.slice(0, 7)) + space();
    }
    return out;
  };
  /** @type {(depth: number) => string} */
  const block = (depth) => {
    let out = "";
    for (let i = 1 + random(3); i > 0; i--) {
      if (broken && random(5) === 0) out += pick(BROKEN);
      const kind = random(8);
      if (kind === 0) out += pick(RAW);
      else if (kind < 3 && depth > 0) {
        const name = broken ? pick(BLOCK) : pick(["div", "ul", "section", "blockquote"]);
        out +=
          name === "ul"
            ? `<ul><li>${block(depth - 1)}</li><li>${inline(2)}</li></ul>`
            : `<${name}${attributes()}>${block(depth - 1)}</${name}>`;
      } else if (kind === 3) out += `<table><tr><td>${inline(2)}</td><th>${inline(1)}</th></tr></table>`;
      else out += `<p${attributes()}>${inline(3)}</p>`;
      out += space();
    }
    return out;
  };
  const body = random(3) === 0 ? inline(3) : block(3);
  const whole =
    random(4) === 0 ? `<!DOCTYPE html><html><head><title>${text()}</title></head><body>${body}</body></html>` : body;
  return broken && random(6) === 0 ? whole.slice(0, random(whole.length)) : whole;
}

/**
 * The same document with a number in each start tag, by which the elements are known again.
 * @param {string} html
 */
export function numbered(html) {
  /** @type {Set<number>} */
  const places = new Set();
  const visit = (/** @type {any} */ root) => {
    const stack = [root];
    for (let node = stack.pop(); node; node = stack.pop()) {
      const place = node.sourceCodeLocation?.startTag ?? (node.tagName ? node.sourceCodeLocation : undefined);
      const name = place ? /^<[^\s/>]*/.exec(html.slice(place.startOffset, place.startOffset + 100)) : null;
      if (name) places.add(place.startOffset + name[0].length);
      for (const child of node.childNodes ?? []) stack.push(child);
      if (node.content) stack.push(node.content);
    }
  };
  visit(
    isDocument(html)
      ? parse(html, { sourceCodeLocationInfo: true })
      : parseFragment(html, { sourceCodeLocationInfo: true }),
  );
  let out = "";
  let from = 0;
  let count = 0;
  for (const place of [...places].sort((a, b) => a - b)) {
    out += `${html.slice(from, place)} data-g=${++count} `;
    from = place;
  }
  return out + html.slice(from);
}

/** @param {string} html */
export const isDocument = (html) => /<(?:!doctype|html|head|body)[\s/>]/i.test(html);

// ---- real pages ----

/** Packages of Debian with documentation as HTML; the newest that apt knows is taken. */
const PACKAGES = ["sqlite3-doc", "git-doc", "postgresql-doc-15", "debian-handbook"];

/**
 * Real pages from documentation packages, which apt downloads once, without being installed.
 * @param {number} count
 * @param {number} [longest] bytes
 * @returns {{name: string, html: string}[] | null} null where there is no apt
 */
export function realPages(count, longest = Infinity) {
  const folder = fileURLToPath(new URL("../../build/pages", import.meta.url));
  /** @type {string[]} */
  const files = [];
  for (const name of count > 200 ? PACKAGES : PACKAGES.slice(0, 2)) {
    const place = join(folder, name);
    if (!existsSync(place)) {
      const fresh = join(folder, `${name}.new`);
      try {
        mkdirSync(fresh, { recursive: true });
        execFileSync("apt-get", ["download", name], { cwd: fresh, stdio: "pipe" });
        for (const file of readdirSync(fresh))
          execFileSync("dpkg-deb", ["-x", file, "."], { cwd: fresh, stdio: "pipe" });
        renameSync(fresh, place);
      } catch {
        continue;
      }
    }
    for (const file of readdirSync(place, { recursive: true, encoding: "utf8" }).sort())
      if (/\.html?$/.test(file)) {
        const about = statSync(join(place, file));
        if (about.isFile() && about.size <= longest) files.push(join(place, file));
      }
  }
  if (!files.length) return null;
  const step = Math.max(1, files.length / count);
  const chosen = Array.from({ length: Math.min(count, files.length) }, (_, i) => files[Math.floor(i * step)]);
  return chosen.map((name) => ({ name: name.slice(folder.length + 1), html: readFileSync(name, "utf8") }));
}
