// Text for the tokenizer tests: a corpus to train on, and lines of every kind that a tokenizer may stumble over.

/**
 * Numbers in [0, 1) that are the same in every run (mulberry32).
 * @param {number} seed
 */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const SYLLABLES = [
  "an ber da der el en er es fa ge ha in ker li mo na or pa qui ra schen ta ung ver wei xo ye zen",
  "äh ße über ön ña ção œu île šč łó ğı ðr þá ått őű",
  "при вет мир го да ло не ни по ра ст то ча шь",
  "κα λη μέ ρα το ν οι σ ται ων",
  "سلا م عا لم كتا ب في من",
  "של ום עו לם ספ ר",
  "नम स्ते दु नि या कि ताब",
  "สวั สดี ชา ว โลก หนัง สือ",
  "中 文 天地 玄黃 宇宙 洪荒 日月 学生 你好 世界",
  "こん にち は 世 界 カタ カナ ひら がな",
  "안녕 하세 요 세계 한국 어",
].map((line) => line.split(" "));

const PUNCTUATION = [".", ",", "!", "?", ";", ":", "-", "…", "“", "”", "„", "«", "»", "。", "、", "(", ")", "'", '"'];

/** Whole strings that are easy to get wrong. */
const ODDITIES = [
  ..."😀 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🇨🇳🇯🇵 👍🏽 1️⃣ ☃️ 🧑‍🚀 ❤️‍🔥".split(" "),
  ..."Ｈｅｌｌｏ ＡＢＣ１２３ ！？ ① ㍿ ﬁ ﬀ ﷺ Ⅷ ½ ² ﾊﾝｶｸ ㎏ ℃ ™ ㈱ ㋿ Ǆ ŉ ﬅ".split(" "),
  ..."é é ẛ̣ ḍ̇ Å Å 가 각 ᄀ각 Z̸̢͎a̵l̷g̶o क्ष ก็ आँ".split(" "),
  ..."<unk> <s> </s> <pad> <0x41> <0x0A> <2de> ★ <br> <b> b ra <br><br>b ra ▁ ▁▁ ▁a a▁ ⁇".split(" "),
  ..."https://example.org/a?b=c#d user@example.com 3.14159 1,000,000 {0} %s $HOME C++ #tag @name AT&T".split(" "),
  ..."\u0000 \u0001 \u001b[0m \u007f \u0085 \ufeff \u200b \u200d \u2028 \u2029 \u00ad \ufffd \uffff \u202e".split(" "),
  "\r",
  "\u{10ffff}\u{e0001}\u{1f1e6}",
];

const SPACES = [
  " ",
  " ",
  " ",
  "  ",
  "   ",
  "\t",
  "\u00a0",
  "\u3000",
  "\u2003",
  "\u2009\u2009",
  " \t ",
  "\u200b",
  "\v\f",
];

/** Ill-formed UTF-8: lone and missing continuation bytes, overlong forms, surrogates, beyond U+10FFFF, cut short. */
const ILL_FORMED = [
  [0x80],
  [0xff, 0xfe],
  [0xc0, 0xaf],
  [0xc3],
  [0xe2, 0x96],
  [0xe2, 0x28, 0xa1],
  [0xe0, 0x80, 0x80],
  [0xed, 0xa0, 0x80],
  [0xed, 0xb0, 0x80],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xe2, 0x96, 0xe2, 0x96, 0x81],
].map((bytes) => Buffer.from(bytes));

/** @template T @param {() => number} next @param {T[]} list */
const pick = (next, list) => list[Math.floor(next() * list.length)];

/** @param {() => number} next */
function word(next) {
  const syllables = pick(next, next() < 0.6 ? SYLLABLES.slice(0, 1) : SYLLABLES);
  let text = "";
  // Squared, so that some syllables are common, as in real text.
  for (let n = 1 + Math.floor(next() * 3); n > 0; n--) text += syllables[Math.floor(next() ** 2 * syllables.length)];
  return next() < 0.1 ? text[0].toUpperCase() + text.slice(1) : text;
}

/**
 * Text to train on.
 * @param {number} lines
 */
export function generatedCorpus(lines) {
  const next = random(1);
  let text = "";
  for (let i = 0; i < lines; i++) {
    for (let n = 3 + Math.floor(next() * 12); n > 0; n--) text += `${word(next)}${next() < 0.1 ? "," : ""} `;
    text += `${next() < 0.05 ? `${Math.floor(next() * 1e6)} ` : ""}${pick(next, PUNCTUATION)}\n`;
  }
  return text;
}

/** @param {() => number} next @returns {string | Buffer} */
function fragment(next) {
  const kind = next();
  if (kind < 0.45) return word(next);
  if (kind < 0.55) return pick(next, PUNCTUATION);
  if (kind < 0.75) return pick(next, ODDITIES);
  if (kind < 0.8) return pick(next, SPACES);
  if (kind < 0.87) return pick(next, ILL_FORMED);
  if (kind < 0.9) return Buffer.from(Array.from({ length: 8 }, () => 11 + Math.floor(next() * 245)));
  if (kind < 0.92) return pick(next, [...ODDITIES, ...PUNCTUATION]).repeat(1 + Math.floor(next() * 40));
  let code = Math.floor(next() * (next() < 0.7 ? 0x3000 : 0x110000));
  if (code === 10 || (code >= 0xd800 && code < 0xe000)) code = 0x20;
  return String.fromCodePoint(code).repeat(next() < 0.9 ? 1 : 3);
}

/**
 * Lines to compare, as bytes without their ends.
 * @param {number} count
 */
export function generatedLines(count) {
  const next = random(2);
  const lines = ["", " ", "   ", "\u3000", "\t", "▁", "a", " a", "a ", "\r", "a\r", "\ufeff"].map((x) =>
    Buffer.from(x),
  );
  lines.push(
    ...ILL_FORMED,
    Buffer.from("a".repeat(5000)),
    Buffer.from("ver ".repeat(2000)),
    Buffer.from("中".repeat(999)),
  );
  while (lines.length < count) {
    /** @type {Buffer[]} */
    const parts = [];
    for (let n = Math.floor(next() * 20); n >= 0; n--) {
      parts.push(Buffer.from(fragment(next)));
      if (next() < 0.6) parts.push(Buffer.from(pick(next, SPACES)));
    }
    lines.push(Buffer.concat(parts));
  }
  return lines;
}
