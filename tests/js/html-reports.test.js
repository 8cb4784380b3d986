// HTML as users and attackers have found it wrong: each input stands for its kind, with its right value.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { translateHTML } from "../../src/js/html.js";
import { Translator } from "../../src/js/index.js";
import { ANSWERS, standIn } from "./html-documents.js";

/** @type {Record<string, Translator>} */
const translators = {};
before(async () => {
  for (const pair of ["en-de", "zh-en"]) {
    const model = fileURLToPath(new URL(`../../models/${pair}.gguf`, import.meta.url));
    translators[pair] = await Translator.create({ model, worker: false });
  }
});
after(() => {
  for (const translator of Object.values(translators)) translator.destroy();
});

const de = (/** @type {string} */ html, options = {}) => translators["en-de"].translateHTML(html, options);
const en = (/** @type {string} */ html) => translators["zh-en"].translateHTML(html);

/** @param {string} html @param {string[]} [attributes] what it is with an engine that repeats the text */
const same = (html, attributes = []) =>
  translateHTML(html, {
    attributes,
    sourceLanguage: "en",
    targetLanguage: "de",
    check() {},
    align: standIn(ANSWERS.same),
  });

/** The same with words that are turned around, each in brackets. @param {string} html @param {string[]} [attributes] */
const turned = (html, attributes = []) =>
  translateHTML(html, {
    attributes,
    sourceLanguage: "en",
    targetLanguage: "de",
    check() {},
    align: standIn((words) => ({
      words: words.map((word) => word.toUpperCase()).reverse(),
      from: [...words.keys()].reverse(),
    })),
  });

/** @param {(html: string) => Promise<string>} translate @param {Record<string, string | RegExp>} cases */
async function check(translate, cases) {
  for (const [html, expected] of Object.entries(cases)) {
    const translation = await translate(html);
    if (typeof expected === "string") assert.equal(translation, expected, html);
    else assert.match(translation, expected, html);
  }
}

describe("spaces and neighbours", () => {
  test("sentences of a language without spaces get them", () =>
    check(en, { "<p>一只狗在跑。一只猫在睡觉。</p>": "<p>A dog is running. A cat is sleeping.</p>" }));

  test("numbers alone are the same in every language", () =>
    check(en, {
      "<td>123</td>": "<td>123</td>",
      "<td>12:30</td>": "<td>12:30</td>",
      "<b>2024-01-31</b>": "<b>2024-01-31</b>",
    }));

  test("elements side by side each keep a text", async () => {
    await check(de, {
      "<a>Home</a><a>Dogs</a><a>Women</a>": /^<a>[^<]+<\/a><a>Hunde<\/a><a>Frauen<\/a>$/,
      "<li><a>Home</a> | <a>Dogs</a> | <a>Women</a></li>":
        /^<li><a>[^<]+<\/a> \| <a>Hunde<\/a> \| <a>Frauen<\/a><\/li>$/,
      "<button>Dogs</button> <button>Women</button>": "<button>Hunde</button> <button>Frauen</button>",
      "<span>Dogs</span><span>Women</span>": "<span>Hunde</span><span>Frauen</span>",
    });
    await check(en, { "<a>狗</a><a>猫</a>": /^<a>dogs?<\/a><a>cats?<\/a>$/i });
  });

  test("a first letter with a look of its own is still part of its word", () =>
    check(same, { "<p><b>A</b><i>nimals</i> run.</p>": "<p><b>A</b><i>nimals</i> run.</p>" }));

  test("a footnote in front of a script without spaces, and behind a sentence", async () => {
    await check(en, {
      "<p>一只狗在跑。<sup>[1]</sup>一只猫在睡觉。</p>": "<p>A dog is running.<sup>[1]</sup> A cat is sleeping.</p>",
    });
    await check(de, { "A dog runs.<sup>[1]</sup>Two men sit.": /^Ein Hund [^<]*\.<sup>\[1\]<\/sup> ?\S+ Männer / });
  });
});

describe("what does not cut a sentence", () => {
  test("comments, scripts and empty elements keep their place", () =>
    check(de, {
      "<p>A dog<!-- --> runs.</p>": "<p>Ein Hund<!-- --> rennt.</p>",
      "<p>A <!-- --> dog<!-- --> runs.</p>": "<p>Ein <!-- --> Hund<!-- --> rennt.</p>",
      "A dog <script>x()</script> runs.": "Ein Hund <script>x()</script> rennt.",
      "A black dog<o:p></o:p> runs.": "Ein schwarzer Hund<o:p></o:p> rennt.",
      'Two <i class="fa"></i> dogs run.': /^Zwei <i class="fa"><\/i> Hunde /,
    }));

  test("elements are inline unless HTML says otherwise", () =>
    check(de, {
      "A <nobr>black dog</nobr> runs.": "Ein <nobr>schwarzer Hund</nobr> rennt.",
      "A <my-tip>black dog</my-tip> runs.": "Ein <my-tip>schwarzer Hund</my-tip> rennt.",
      "A <label>black dog</label> runs.": "Ein <label>schwarzer Hund</label> rennt.",
      "A <button>black dog</button> runs.": "Ein <button>schwarzer Hund</button> rennt.",
    }));

  test("an unquoted value that ends in a slash", () =>
    check(de, {
      "See <a href=https://example.com/docs/>the dog</a> now.":
        /^[^<]*<a href=https:\/\/example\.com\/docs\/>[^<]*Hund[^<]*<\/a>[^<]*$/,
    }));

  test("the end of a line, where the sentence goes on", async () => {
    await check(de, {
      "A dog<br>runs.": "Ein Hund<br>rennt.",
      "A dog runs.<br>Two men sit.": /^Ein Hund rennt\.<br>Zwei Männer sitzen\.$/,
      "Dogs<br>Women": "Hunde<br>Frauen",
      "A dog<br><br>runs.": /^Ein Hund<br><br>[^<]+$/,
    });
    await check(en, { "一只狗<br>在跑。": /^[^<]*dog[^<]*<br>[^<]+\.$/ });
  });
});

describe("places", () => {
  test("brackets, lowered digits and quotes stay on their side", () =>
    check(de, {
      "The man (<a>the dog</a>) sleeps.": /^Der Mann \(<a>[^(<]*Hund<\/a>/,
      "CO<sub>2</sub> is a gas.": /^CO<sub>2<\/sub> /,
      "H<sub>2</sub>O": "H<sub>2</sub>O",
      'A "<b>dog</b>" runs.': /["“„]<b>[^<"]+<\/b>["”“]/,
    }));

  test("readings are not read and stay with their word", () =>
    check(en, {
      "<ruby>狗<rt>gǒu</rt></ruby>在跑。": /^<ruby>[^<]*dog<rt>gǒu<\/rt><\/ruby>[^<]*run/i,
      "<ruby>狗<rp>(</rp><rt>gǒu</rt><rp>)</rp></ruby>在跑。":
        /^<ruby>[^<]*dog<rp>\(<\/rp><rt>gǒu<\/rt><rp>\)<\/rp><\/ruby>[^<]*run/i,
      "<ruby>狗<rt>gǒu</ruby>在跑。": /^<ruby>[^<]*dog<rt>gǒu<\/ruby>[^<]*run/i,
    }));

  test("white space that counts", () =>
    check(same, {
      '<div style="white-space:pre">A dog    runs.\n  A cat\tsleeps.</div>':
        '<div style="white-space:pre">A dog    runs.\n  A cat\tsleeps.</div>',
      "<p>A dog\r\n runs.</p>\r\n": "<p>A dog\r\n runs.</p>\r\n",
    }));

  test("and what stands beside it is translated", () =>
    check(de, {
      '<div style="white-space: pre-wrap">A dog runs.\n  Two men sit.</div>':
        /">Ein Hund rennt\.\n {2}Zwei Männer sitzen\.</,
    }));
});

describe("what is left alone", () => {
  const LEFT = [
    "<script/>A dog runs; a && b < c</script>",
    "<script src=https://a.b/>A && b</script>",
    "<style/>p > a { }</style>",
    "<textarea/>A <b>dog</textarea>",
    "<script><!--<script></script>A dog && x--></script>",
    "<plaintext>A dog <b>runs",
    "<xmp>A <b>dog</b></xmp>",
    "<noscript><p>A dog</p></noscript>",
    "<template><p>A dog</p></template>",
    "<p translate=\"no\" title='</p>A dog runs. & x'>A dog runs. <b>x</b></p>",
    "<svg><text>A dog</text></svg>",
    "<iframe>A dog</iframe>",
    "A dog runs <b title='",
    "<p translate=no>A dog &amp runs",
  ];
  test("raw text, comments, templates and what is cut off by the end", async () => {
    for (const html of LEFT.slice(0, -2)) assert.equal(await turned(html, ["title"]), html);
    assert.equal(await turned("A dog runs <b title='A cat"), "RUNS DOG A <b title='A cat");
    assert.equal(await turned("A dog runs</p"), "RUNS DOG A</p");
    assert.equal(await turned("<p translate=no>A dog &amp runs"), "<p translate=no>A dog &amp runs");
  });

  test("only the attribute translate and the class notranslate protect, and yes takes it back", () =>
    check(turned, {
      '<p title="set translate = no here">A dog</p>': '<p title="set translate = no here">DOG A</p>',
      '<p class="skip-notranslate-toggle">A dog</p>': '<p class="skip-notranslate-toggle">DOG A</p>',
      '<p class="a notranslate">A dog</p>': '<p class="a notranslate">A dog</p>',
      "<div translate=no>A dog<p translate=yes>A dog</p>A dog</div>":
        "<div translate=no>A dog<p translate=yes>DOG A</p>A dog</div>",
      '<div translate="no">A dog<p translate="">A dog</p></div>':
        '<div translate="no">A dog<p translate="">DOG A</p></div>',
      "<code translate=yes>A dog</code>": "<code translate=yes>DOG A</code>",
    }));

  test("code for a server", () =>
    check(turned, { "<?php if ($dog > 0) echo 'a dog'; ?>A dog": "<?php if ($dog > 0) echo 'a dog'; ?>DOG A" }));
});

describe("references", () => {
  test("as browsers read them; what is none stays as it is", async () => {
    await check(same, {
      "A &copy 2024 dog": "A &copy 2024 dog",
      "A &unknown; dog": "A &unknown; dog",
      "A &amp;amp; dog": "A &amp;amp; dog",
    });
    await check(turned, {
      "A dog&nbspruns": /^DOG&nbsp;RUNS A$|^RUNS DOG A$/,
      "S&atilde;o Paulo": "PAULO SÃO",
      "A dog&#146;s": "DOG’S A",
      "&unknown; dog": /&UNKNOWN;|&unknown;/,
      "A &amp;lt; dog": /&amp;LT;|&amp;lt;/,
    });
    await check(de, { "S&atilde;o Paulo is a city.": /^São Paulo /, "A dog&nbspruns": /^Ein Hund/ });
  });
});

describe("attributes", () => {
  test("of every element, however they are written", async () => {
    const names = ["placeholder", "title", "aria-label", "alt"];
    for (const [html, expected] of [
      ['<textarea placeholder="A dog">x</textarea>', '<textarea placeholder="DOG A">x</textarea>'],
      ["<input placeholder=Dogs>", '<input placeholder="DOGS">'],
      ['<iframe title="A dog"></iframe>', '<iframe title="DOG A"></iframe>'],
      ["<svg aria-label='A dog'><g aria-label=Cats /></svg>", '<svg aria-label="DOG A"><g aria-label="CATS" /></svg>'],
      [
        "<p translate=no title='A dog'><b title='A dog'>x</b></p>",
        "<p translate=no title='A dog'><b title='A dog'>x</b></p>",
      ],
      ["A <b title='A dog'>dog</b> runs", 'RUNS <b title="DOG A">DOG</b> A'],
      ["<img alt='A \"dog\"'>", '<img alt="&quot;DOG&quot; A">'],
      ["<img alt = 'A dog' alt='A cat'>", "<img alt = \"DOG A\" alt='A cat'>"],
      ['<template><p title="A dog"></p></template>', '<template><p title="A dog"></p></template>'],
    ])
      assert.equal(await turned(html, names), expected);
  });

  test("their text never becomes markup", async () => {
    const hit = "<img src=x onerror=hit()>";
    for (const html of [
      `<p class=it's title="${hit}">A dog runs.</p>`,
      `<a href=/q?it's title="${hit}">A dog runs.</a>`,
      `<p a'b="" title="${hit}">A dog runs.</p>`,
      `<p "a" title="${hit}">A dog runs.</p>`,
      `<p title=a"b data-x="${hit}">A dog runs.</p>`,
    ])
      assert.equal(await turned(html), html.replace("A dog runs.", "RUNS. DOG A"));
    assert.equal(await turned(`A dog runs. <p title="${hit}`), `RUNS. DOG A <p title="${hit}`);
    for (const html of ["<!-->", "<!--->", "<!--x--!>", "<![CDATA[x]]>"])
      assert.equal(
        await turned(`${html}<p title="&quot;${hit}">A dog</p>`),
        `${html}<p title="&quot;${hit}">DOG A</p>`,
      );
    const injected = `<img src="x"b=" alt='$\{ onerror=hit() }' ">`;
    assert.equal(await turned(injected, ["alt"]), injected);
  });
});

test("depth costs no stack, and a document in slices is the document", async () => {
  for (const name of ["b", "span", "div", "my-tip"]) {
    const [open, close] = [`<${name}>`.repeat(20_000), `</${name}>`.repeat(20_000)];
    assert.equal(await turned(`${open}A dog${close}`), `${open}DOG A${close}`);
    await turned(open);
    await turned(close);
    await turned(`${`<${name}>A dog `.repeat(3000)}`);
  }
  const html = `<p title="A dog">A &eacute;t&eacute; 😀\r\n<b>dog</b> runs. <!-- x --></p>`.repeat(500);
  assert.equal(await same(html, ["title"]), html);
});

describe("found by generated documents in a browser", () => {
  test("an element without content stays in what the text before it has opened again", () =>
    check(turned, {
      "<b><i>one</b><p>two three <script>x</script> four</p>": "<b><i>ONE</b><p>THREE TWO <script>x</script> FOUR</p>",
      "<b>one</b><p>two three <script>x</script> four</p>": "<b>ONE</b><p><script>x</script> FOUR THREE TWO</p>",
    }));

  test("a kept text that is a part of another one has a place of its own", () =>
    check(same, {
      "<p>上级目录叫<code>..</code>（两个点），当前目录为<code>.</code>（一个点）。":
        "<p>上级目录叫<code>..</code>（两个点），当前目录为<code>.</code>（一个点）。",
    }));

  test("a kept element brings the white space at its end, and no more comes behind it", () =>
    check(same, {
      "<p>一只猫<samp>一只狗 </samp>old men": "<p>一只猫 <samp>一只狗 </samp>old men",
    }));
});
