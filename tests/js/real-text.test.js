// Real text, by the kinds of faults that users of tools like this one report. Every expected value is what such a user would
// write down.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Translator } from "../../src/js/index.js";
import { findFixed } from "../../src/js/preserve.js";
import { workOptions } from "../../src/js/options.js";
import { splitText } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";
import { translateTexts } from "../../src/js/translation.js";
import { Turns } from "../../src/js/turns.js";
import { ANSWERS, stubEngine } from "./stub-engine.js";

useRules(RULES);

/** @param {string} language @param {string} text */
const sentences = (language, text) =>
  [...splitText(text, language)].filter(({ sentence }) => sentence).map((part) => part.text);

/** @param {string} language @param {string[]} expected joined by `between` */
function assertSentences(language, expected, between = " ") {
  assert.deepEqual(sentences(language, expected.join(between)), expected);
}

/** What is kept of a text by default. @param {string} text */
const fixedIn = (text) =>
  findFixed(text, ["placeholders", "urls", "emails", "phones"], {}, () => []).map(({ replacement }) => replacement);

describe("where sentences end", () => {
  test("dialogue and brackets in Chinese and Japanese", () => {
    assertSentences("zh", ["他走了。", "“你好吗？”", "她问。"], "");
    assertSentences("zh", ["他走了！", "（笑）我也走了。"], "");
    assertSentences("zh", ["看《狗！猫》吧。", "好！"], "");
    assertSentences("zh-Hant", ["他走了。", "「你好嗎？」", "「好。」"], "");
    assertSentences("lzh", ["子曰：“学而时习之，不亦说乎？", "有朋自远方来，不亦乐乎？”"], "");
    assertSentences(
      "ja",
      ["彼は行った。", "「元気？」と言った。", "「はい。」", "「いいえ。」", "終わり（本当に？）。"],
      "",
    );
    assertSentences("zh", ["他走了（我也走了。他没看见）。", "好！"], "");
    assertSentences("zh", ["版本是3.14。", "Mr. Smith说了。", "好吗?", "好。"], "");
  });

  test("ordinals and dates", () => {
    assertSentences("de", [
      "Am 3. Oktober 2020 war es.",
      "Der 2. Weltkrieg endete.",
      "1. FC Köln gewann.",
      "Friedrich II. kam.",
    ]);
    assertSentences("de", ["Vom 15. bis 18. September.", "Es steht 2:0.", "Das war 2010.", "Er kam."]);
    assertSentences("pl", ["Dnia 3. Maja 2020 r. była wojna.", "To był 2. Dom."]);
    assertSentences("fi", ["Se oli 3. Päivä.", "Hän tuli."]);
    assertSentences("da", ["Den 5. Juni er en dag.", "Han kom."]);
    assertSentences("cs", ["Narodil se 5. Května.", "Byl klid."]);
    assertSentences("en", ["He was number 3.", "Then he left."]);
  });

  test("abbreviations and initials", () => {
    assertSentences("en", [
      "The U.S. Army came.",
      "He lives in the U.S.",
      "He is fine.",
      "See p. 5.",
      "By Eq. 4 it holds.",
    ]);
    assertSentences("en", [
      "Did he say no?",
      "No.",
      "Did he go?",
      "No. 5 is alive.",
      "J. R. R. Tolkien and Dr. J. Doe came.",
    ]);
    assertSentences("en", [
      "Smith & Co. Ltd. of London.",
      "It opens at 9 a.m. on Jan. 5.",
      "He came in Aug.",
      "The town is calm.",
    ]);
    assertSentences("de", ["Er ist z. B. nett.", "Dr. med. Müller u. a. kamen.", "Wir haben Hunde usw.", "Er ging."]);
    assertSentences("de", ["Er mag z. B. Hunde.", "Das ist d. h. Gutes, s. S. 5."]);
    assertSentences("fr", ["Mme. Dupont est là.", "M. Durand part."]);
    assertSentences("es", ["La Sra. López vino.", "El Dr. Ruiz, en EE. UU., no."]);
    assertSentences("it", ["Il dott. Rossi arriva.", "La sig.ra Bianchi no."]);
    assertSentences("pt", ["O Sr. Silva chegou.", "A Dra. Costa não."]);
    assertSentences("nl", ["Dhr. Jansen en mevr. De Vries.", "Dat is d.w.z. Goed."]);
    assertSentences("ru", ["А. С. Пушкин жил на ул. Ленина.", "Это было в 2010 г.", "Потом он ушёл, т. е. там."]);
  });

  test("small letters, quotation marks, dashes and ellipses", () => {
    assertSentences("en", ["Order now!", "iPhone is here.", "Yahoo! is a company.", "“Stop!” she cried.", "He did."]);
    assertSentences("en", [
      'He said "Go."',
      "Then he left.",
      "Wait... what?",
      "Wait...",
      "Then he went.",
      "Next.[1]",
      "More.",
    ]);
    assertSentences("fr", ["« Bonjour ! » dit-il.", "« Au revoir ! »", "– Pourquoi ?", "- Parce que."]);
    assertSentences("de", ["„Halt!“ rief er.", "„Wer da?“", "»Ich.«", "Gut."]);
    assertSentences("en", ["See https://a.b/c?D=1 and 3.14 now.", "E!News said so."]);
  });

  test("a language without rules has the platform's borders, and none before a small letter or within an opening mark", () => {
    assertSentences("sv", ["Hej där.", "Vad gör du? sade han.", "(Du.)"]);
    assert.deepEqual(sentences("ko", "안녕! 잘 가."), ["안녕!", "잘 가."]);
  });
});

describe("what stands beside sentences stays there", () => {
  test("marks of lists, headings, quotations; check boxes; cells", () => {
    const text =
      "- A dog\n* A dog\n+ A dog\n# A dog\n### A dog\n> A dog\n> > A dog\n[ ] A dog\n- [x] A dog\n• A dog\n– A dog\n1. A dog\n12) A dog\n(3) A dog\n\n| A dog | A dog |\n|---|---|\nA dog | A dog • A dog\n☑ A dog";
    const parts = [...splitText(text, "en")];
    assert.equal(parts.map((part) => part.text).join(""), text);
    assert.deepEqual([...new Set(parts.filter(({ sentence }) => sentence).map((part) => part.text))], ["A dog"]);
    assert.deepEqual(sentences("zh", "1、狗在跑。\n（2） 狗在跑。\n3. 狗在跑。"), Array(3).fill("狗在跑。"));
    assert.deepEqual(sentences("de", "- 1. FC Köln"), ["1. FC Köln"]);
    assert.deepEqual(sentences("en", "-5 degrees\n#tag here\n*bold* text"), ["-5 degrees", "#tag here", "*bold* text"]);
  });

  test("characters that are not seen", () => {
    for (const [open, close] of ["\u202a\u202c", "\u2066\u2069", "\u200e\u200f", "\u061c\ufeff", "\u200b\u200b"]) {
      const parts = [...splitText(`${open}A dog runs.${close}`, "en")];
      assert.deepEqual(
        parts.map((part) => [part.sentence, part.text]),
        [
          [false, open],
          [true, "A dog runs."],
          [false, close],
        ],
      );
    }
  });

  test("texts without a letter", () => {
    for (const text of ["123", "12:30", "2024-01-31", "1,234.56 €", "+49 30 1234", "½ – ¾", "①②", "…", "٣٤"])
      assert.deepEqual(sentences("en", text), []);
  });
});

describe("the shipped models", () => {
  /** @type {Record<string, Translator>} */
  const open = {};
  after(() => {
    for (const translator of Object.values(open)) translator.destroy();
  });
  /** @param {string} model */
  const translator = async (model) =>
    (open[model] ??= await Translator.create({
      model: fileURLToPath(new URL(`../../models/${model}.gguf`, import.meta.url)),
      worker: false,
    }));

  /**
   * @param {string} model
   * @param {[source: string, expected: string | RegExp][]} cases
   * @param {import("../../src/js/types.js").TranslateOptions} [options]
   */
  async function assertTranslations(model, cases, options) {
    const it = await translator(model);
    for (const [source, expected] of cases) {
      const got = await it.translate(source, options);
      if (typeof expected === "string") assert.equal(got, expected, source);
      else assert.match(got, expected, source);
    }
  }

  test("what is no language is copied", async () => {
    const same = [
      ["123", "12:30", "2024-01-31", "3 + 4 = 7", "½", "…"],
      ["https://example.com/a_(b)?c=1,2", "www.example.com", "user@example.com", "example.com", "+49 30 123456"],
      ["😀 🇩🇪", "{name}", "%s", "<br/>", "{% x %}"],
    ].flat();
    for (const model of ["en-de", "zh-en", "lzh-zh"])
      await assertTranslations(
        model,
        same.map((text) => [text, text]),
      );
  });

  test("addresses end where they do", async () => {
    await assertTranslations("zh-en", [
      ["请访问https://example.com，谢谢。", /https:\/\/example\.com(?![\p{L}\p{N}/])[^\p{sc=Han}]*$/u],
      ["狗（https://example.com）在跑。", /\bdog.*https:\/\/example\.com(?![\p{L}\p{N}/]).*run/iu],
      ["邮箱user@example.com，谢谢。", /mail.*user@example\.com(?![\p{L}\p{N}])/iu],
    ]);
    await assertTranslations("en-de", [
      ["See https://example.com/a_(b) now.", /https:\/\/example\.com\/a_\(b\)/],
      ["A dog (https://example.com) runs.", /https:\/\/example\.com\)/],
      ["Write to user@example.com now.", /\buser@example\.com\b/],
      ["A dog runs at example.com.", /Hund.*\bexample\.com\.?$/],
      ["Call +49 30 123456 now.", /\+49 30 123456/],
    ]);
    assert.deepEqual(fixedIn("end.Next do.it to.be e.g. Mr.X 3.14 file.txt"), []);
    assert.deepEqual(fixedIn("a@b.de, müller@example.de; (555) 123-4567; 13812345678; example.co.uk/x."), [
      "a@b.de",
      "müller@example.de",
      "(555) 123-4567",
      "13812345678",
      "example.co.uk/x",
    ]);
  });

  test("placeholders of every kind", async () => {
    const kinds =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
      "%s %d %ld %lld %zu %5.2f %-10s %1$s %*d %@ %% %1 %H %(name)s %(n)d %{x} %<x>d %NAME% ${price} #{x} {} {0} {name} {x!r} {x:>10.2f} {n, number} {{x}} {{ x|f }} {{{x}}} {% if x %} {# x #} <%= x %> <?= $x ?> [[x]] __x__ $t(key) @:key :name $1 $HOME $NAME$ \\n &amp; &#39;";
    // Each of them is found, alone and as a whole: the tokens of a list that a person has divided by spaces.
    const found = fixedIn(kinds);
    assert.equal(found.join(" "), kinds);
    assert.deepEqual(fixedIn("semget(%lu, 0%o) at 0x%02x%%0A %%(then) x of %(else) useful %(n) d 2.5{unit}"), [
      "%lu",
      "0%o",
      "0x%02x",
      "%%0A",
      "%%(then)",
      "%(n) d",
      "{unit}",
    ]);
    assert.deepEqual(fixedIn("50% of 100%de 5 %ige 20 % discount $50 12:30 a:b {A dog} a < b > c"), []);
    await assertTranslations("en-de", [
      ["You have %ld dogs.", "Sie haben %ld Hunde."],
      ["%lld dogs run.", "%lld Hunde laufen."],
      ["%zu cats run.", /^%zu \p{L}/u],
      ["Hello %@!", "Hallo %@!"],
      ["Hello {name}, you have {count} dogs.", "Hallo {name}, du hast {count} Hunde."],
      ["A dog {% if x %} runs.", /Hund.*\{% if x %\}/],
    ]);
  });

  test("letters that touch a placeholder survive", async () => {
    await assertTranslations("en-de", [
      ["I have {count}dogs.", "Ich habe {count}Hunde."],
      ["The file{n} is red.", /^Die \p{L}+\{n\} ist rot\.$/u],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
      ["${price}USD", "${price}USD"],
      ["{count}x children", "{count}x Kinder"],
      ["A dog is %dpx%s high.", /%dpx%s/],
    ]);
  });

  test("tags of messages go in pairs, around the words that they were around", async () => {
    await assertTranslations("en-de", [
      ["<b>A dog</b> runs.", "<b>Ein Hund</b> rennt."],
      ["Look at <0>the dog</0>, please.", /^Schau[^<]*<0>den Hund<\/0>[^<]*$/],
      ['<a href="x">A <b>dog</b></a> runs.', /^<a href="x">Ein <b>Hund<\/b><\/a> \p{L}+\.$/u],
      ["A dog<br/>A cat", /Hund.*<br\/>.*Katze/],
      ["\u2066A dog\u2069 runs.", /^\u2066Ein Hund\u2069 \p{L}+\.$/u],
      ["\u202aA dog runs.\u202c", /^\u202aEin Hund \p{L}+\.\u202c$/u],
      ["\u061cA dog\u200b runs.", /^\u061cEin Hund \p{L}+\.$/u],
    ]);
    await assertTranslations("zh-en", [["<b>狗</b>在跑。", "<b>The dog</b> is running."]]);
  });

  test("patterns of your own", async () => {
    await assertTranslations("en-de", [["The dog QX-7 and the cat QX-12 run.", /QX-7.*QX-12/]], {
      preserve: ["placeholders", /\bQX-\d+\b/],
    });
    const it = await translator("en-de");
    await assert.rejects(it.translate("A dog.", { preserve: /** @type {any} */ (["links"]) }), { name: "TypeError" });
  });

  test("capitals and small letters are tried again; retry: false has it as before", async () => {
    await assertTranslations("en-de", [
      ["THE DOG RUNS.", "DER HUND RENNT."],
      ["TWO MEN ARE SITTING ON A BENCH.", "ZWEI MÄNNER SITZEN AUF EINER BANK."],
      ["TWO MEN SEE {NAME} ON A BENCH.", /^[^\p{Ll}]*\{NAME\}[^\p{Ll}]*$/u],
      ["two dogs are playing", /^Zwei Hunde spielen\.?$/],
    ]);
    const it = await translator("en-de");
    assert.notEqual(await it.translate("THE DOG RUNS.", { retry: false }), "DER HUND RENNT.");
    const texts = ["THE DOG RUNS.", "two dogs are playing", "A dog runs.", "TWO MEN ARE SITTING ON A BENCH."];
    const alone = [];
    for (const text of texts) alone.push(await it.translate(text));
    assert.deepEqual(await it.translateBatch(texts), alone);
    for (const [i, text] of texts.entries()) {
      let streamed = "";
      for await (const chunk of it.translateStreaming(text)) streamed += chunk;
      assert.equal(streamed, alone[i]);
      const { translation, sentences } = await it.explain(text);
      assert.equal(translation, alone[i]);
      assert.equal(sentences[0].source, text);
      for (const { text: said, start, end } of sentences[0].sourceTokens) assert.equal(said, text.slice(start, end));
      for (const { text: said, start, end } of sentences[0].targetTokens)
        assert.equal(said, alone[i].slice(start, end));
    }
  });

  test("hard-wrapped text", async () => {
    const text = "Two men are\nsitting on\na bench.\n\n- A dog\nruns.\n- A cat\nsleeps.";
    const it = await translator("en-de");
    assert.equal(
      await it.translate(text, { wrapped: true }),
      `${await it.translate("Two men are sitting on a bench.")}\n\n- ${await it.translate("A dog runs.")}\n- ${await it.translate("A cat sleeps.")}`,
    );
    const zh = await translator("zh-en");
    assert.equal(await zh.translate("一只狗\n在跑。", { wrapped: true }), await zh.translate("一只狗在跑。"));
  });
});

describe("what a checkpoint says", () => {
  /**
   * @param {ReturnType<typeof stubEngine>} batcher
   * @param {string} text
   * @param {import("../../src/js/types.js").TranslateOptions} [options]
   */
  async function translated(batcher, text, options = {}) {
    const job = { batcher, options: workOptions(options), turns: new Turns() };
    const [translation] = await translateTexts(job, [text]);
    return translation;
  }

  test("what is no language is read as it is, whole", async () => {
    const engine = stubEngine(ANSWERS.identity, { sourceLanguage: "zxx", targetLanguage: "zxx" });
    for (const text of ["3 1 2", "A DOG. A cat. - {x} https://example.com\n- \u2066b", "123", "ab cd"])
      assert.equal(await translated(engine, text), text);
    assert.deepEqual(engine.read, ["3 1 2", "A DOG. A cat. - {x} https://example.com\n- \u2066b", "123", "ab cd"]);
    assert.equal(await translated(engine, " \n"), " \n");
  });

  test("sentences longer than the training's are cut at clauses, and never within what is kept", async () => {
    const text = `${"A dog runs in the grass, ".repeat(12)}and see https://example.com/a,b,c,d,e,f,g,h,i for more.`;
    const engine = stubEngine(ANSWERS.identity, { trainingLength: 40 });
    assert.equal(await translated(engine, text), text);
    assert.ok(engine.read.length > 3);
    for (const piece of engine.read.slice(0, -1)) assert.match(piece, /,$|and see$/);
    for (const piece of engine.read) assert.ok(engine.core.countTokens(piece) <= 40, piece);
    assert.ok(engine.read.some((piece) => piece.includes("https://example.com/a,b,c,d,e,f,g,h,i")));
    const whole = stubEngine();
    await translated(whole, text);
    assert.deepEqual(whole.read, [text]);
  });

  test("a translation far too short is tried clause by clause", async () => {
    const text = "A dog runs in the green grass, a man throws a red ball, and two women sit on an old bench.";
    const engine = stubEngine((source) => (source === text ? "A dog." : source));
    assert.equal(await translated(engine, text), text);
    assert.equal(await translated(engine, text, { retry: false }), "A dog.");
    assert.equal(await translated(engine, text, { maxLength: 50 }), "A dog.");
  });
});
