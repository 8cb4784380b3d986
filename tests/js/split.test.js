// Texts into sentences and back: nothing is lost, and only sentences are translated.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutSentence, isTranslatable, joiner, splitText } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";

useRules(RULES);

const sentences = (/** @type {string} */ text, language = "en") =>
  [...splitText(text, language)].filter((part) => part.sentence).map((part) => part.text);

const TEXTS = [
  "",
  " ",
  "\r\n\t\f",
  "One.",
  "  One. Two!  Three?\n\n\tFour…\r\nfive",
  "He said “Go!” and left. “Why?”\u2028Next\u2029Last",
  "\u0000\u0001 mixed \u0002",
  "日本語。二つ目！",
  "🙂🙂 🙂",
  "a".repeat(5000),
  `${" ".repeat(50_000)}x${" ".repeat(50_000)}`,
];

test("the parts of a text are the text, in order", () => {
  for (const text of TEXTS)
    for (const split of [true, false]) {
      const parts = [...splitText(text, "en", split)];
      assert.equal(parts.map((part) => part.text).join(""), text);
      let at = 0;
      for (const part of parts) {
        assert.equal(part.start, at);
        at += part.text.length;
        if (part.sentence) assert.equal(part.text, part.text.trim());
        else assert.ok(!isTranslatable(part.text), part.text);
      }
    }
});

test("sentences end where they do", () => {
  assert.deepEqual(sentences("A dog runs. Two men sit!\nA cat?"), ["A dog runs.", "Two men sit!", "A cat?"]);
  assert.deepEqual(sentences("Mr. Smith met Dr. J. R. Jones, e.g. here. They left."), [
    "Mr. Smith met Dr. J. R. Jones, e.g. here.",
    "They left.",
  ]);
  assert.deepEqual(sentences("Pi is 3.14 today. Good."), ["Pi is 3.14 today.", "Good."]);
  assert.deepEqual(sentences("“Stop!” she cried. He did."), ["“Stop!” she cried.", "He did."]);
  assert.deepEqual(sentences("你好。你是谁？", "zh"), ["你好。", "你是谁？"]);
  assert.deepEqual(sentences("not-a-language", "x-y-z!"), ["not-a-language"]);
});

test("without splitting a line is one segment", () => {
  const parts = [...splitText(" A. B.\nC. ", "en", false)].filter((part) => part.sentence);
  assert.deepEqual(
    parts.map((part) => part.text),
    ["A. B.\nC."],
  );
});

test("between sentences stands what the target language wants", () => {
  assert.equal(joiner(" ", "de"), " ");
  assert.equal(joiner("", "en-US"), " ");
  assert.equal(joiner(" ", "zh-Hans"), " ");
  assert.equal(joiner("\n", "zh"), "\n");
});

test("a long sentence is cut at the best place that is left", () => {
  const words = Array.from({ length: 40 }, (_, i) => `word${i}${i === 17 ? ";" : i % 5 === 4 ? "," : ""}`);
  const text = words.join(" ");
  let at = 0;
  const ends = words.map((word) => {
    at += word.length + 1;
    return at - 1;
  });
  for (const limit of [4, 7, 20, 39]) {
    const pieces = cutSentence(text, ends, limit);
    assert.equal(pieces.join(""), text);
    for (const piece of pieces) assert.ok(piece.trim().split(" ").length <= limit, `${limit}: ${piece}`);
  }
  assert.match(cutSentence(text, ends, 20)[0], /;\s$/);
  const solid = "😀".repeat(30);
  const pieces = cutSentence(
    solid,
    Array.from({ length: 60 }, (_, i) => i + 1),
    7,
  );
  assert.equal(pieces.join(""), solid);
  for (const piece of pieces) assert.ok(!/[\ud800-\udbff]$|^[\udc00-\udfff]/.test(piece));
  assert.deepEqual(cutSentence("short", [5], 7), ["short"]);
});

test("a line that is plainly one sentence is one to the platform's segmenter too, in every language", () => {
  const letters = [..."aZé ß,'’- 1٣日本ไก่한नि"];
  let state = 1;
  const next = (/** @type {number} */ below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (const language of ["en", "de", "el", "fr", "ja", "th"]) {
    const segmenter = new Intl.Segmenter(language, { granularity: "sentence" });
    for (let round = 0; round < 300; round++) {
      const words = Array.from({ length: 1 + next(12) }, () => letters[next(letters.length)]).join("");
      const ends = [..."..!?。！？"];
      const line = `a${words}${Array.from({ length: next(4) }, () => ends[next(ends.length)]).join("")}${" ".repeat(next(3))}`;
      assert.equal([...segmenter.segment(line)].length, 1, `${language}: ${line}`);
      const sentences = [...splitText(line, language)].filter(({ sentence }) => sentence);
      assert.deepEqual(
        sentences.map(({ text }) => text),
        [line.trim()],
      );
    }
  }
});
