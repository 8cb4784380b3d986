// Real text, by the kinds of faults that users of tools like this one report. Every expected value is what such a user would
// write down.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { splitText, useRules } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";

useRules(RULES);

/** @param {string} language @param {string} text */
const sentences = (language, text) =>
  [...splitText(text, language)].filter(({ sentence }) => sentence).map((part) => part.text);

/** @param {string} language @param {string[]} expected joined by `between` */
function assertSentences(language, expected, between = " ") {
  assert.deepEqual(sentences(language, expected.join(between)), expected);
}

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
