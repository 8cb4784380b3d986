// Text that is made to be slow: scanners of sentences, placeholders, messages, YAML and HTML take time that grows with the
// length alone. The one place where a test looks at time: processor time, the best of five, of 20,000 and of 80,000
// characters: four times the length may take eight times as long.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readYaml } from "../../src/js/convert/yaml.js";
import { readHTML } from "../../src/js/html-source.js";
import { workOptions } from "../../src/js/options.js";
import { findFixed } from "../../src/js/preserve.js";
import { splitText, unwrapped } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";
import { translateTexts } from "../../src/js/translation.js";
import { Turns } from "../../src/js/turns.js";
import { ANSWERS, stubEngine } from "./stub-engine.js";

useRules(RULES);

const [SHORT, LONG, MOST] = [20_000, 80_000, 8];

/** Repeated up to a length, between two ends. @param {string} unit @param {string} [before] @param {string} [behind] */
const many =
  (unit, before = "", behind = "") =>
  (/** @type {number} */ length) =>
    before + unit.repeat(Math.ceil(length / unit.length)).slice(0, length) + behind;

/** Families of text, by what they attack. @type {Record<string, (length: number) => string>} */
const FAMILIES = {};
for (const unit of [
  // ends of sentences, and what stands about them
  ".",
  "!",
  "…",
  "。",
  ". ",
  "! ",
  "。\u3000",
  ".)",
  '."',
  ".]",
  "。”",
  ".[1]",
  ". [1] ",
  "(",
  ")",
  "()",
  "（",
  "（）",
  "《",
  "《。",
  "「",
  "「」",
  "[",
  "((.))",
  "a.",
  "a. ",
  "A. ",
  "A.B.",
  "Mr. ",
  "e.g. ",
  "e.g. A",
  "z. B. ",
  "U.S. ",
  "No. 5 ",
  "p. ",
  "3. ",
  "3.",
  "XIV. ",
  "No. No. ",
  "Sentence. ",
  "sentence. ",
  "狗。",
  "“狗。”",
  "- ",
  "– A. ",
  "« a ! » ",
  "¿a? ",
  // blanks, lines, what is not seen
  " ",
  "\n",
  "\r\n",
  "\n ",
  "a\n",
  "- \n",
  "- a\n",
  "* ",
  "> ",
  "# ",
  "[ ] ",
  "1. ",
  "1) ",
  "1、",
  "|",
  " | ",
  "| a ",
  "•",
  " • ",
  "\u200b",
  "\u202a",
  "\u202a\u202c",
  "\u2066a\u2069",
  "\u00ad",
  "\u0000",
  "a\u00a0",
  // placeholders
  "%",
  "%0",
  "%s",
  "%%",
  "%d ",
  "%1$",
  "%(",
  "%(a",
  "%{",
  "%<",
  "%A_",
  "{",
  "{{",
  "{}",
  "{a",
  "{a}",
  "{{a}}",
  "{%",
  "{% %}",
  "{#",
  "<%",
  "${",
  "${a",
  "[[",
  "[[a]]",
  "__",
  "__a",
  "__a__",
  "$t(",
  "@:",
  "@:a",
  ":a",
  ":a ",
  "$A",
  "$1",
  "\\n",
  "&a",
  "&amp;",
  "{a,",
  "{ a , plural , ",
  // tags and signs
  "<",
  "<a",
  "<a ",
  "<a>",
  "</a>",
  "<a></a>",
  "<a b=",
  "<a b='",
  "<a-",
  "<b>a",
  "😀",
  "😀 ",
  "👨‍👩‍👧",
  "🇩🇪",
  "🏴",
  "\ufe0f",
  // addresses and numbers
  "http://",
  "https://a.b/",
  "www.",
  "www.a",
  "a.b.",
  "a@",
  "@a",
  "a@b.c ",
  "a@a.",
  "a.",
  "a-",
  "+1 ",
  "+1",
  "0 1 ",
  "1-",
  "(1) ",
  "1.1",
  "١",
  // letters and small letters
  "a",
  "A",
  "狗",
  "aA",
  "ab ",
  "AB ",
  "a,",
  "a, ",
])
  FAMILIES[JSON.stringify(unit)] = many(unit);
Object.assign(FAMILIES, {
  "a row of letters, then sentences": many("a", "", "! Next."),
  "a row of blanks, then a letter": many(" ", "a", "b"),
  "a row of newlines": many("\n", "a", "b"),
  "many kinds of brackets open": many("(（[《「"),
  "an address with brackets": many("(", "https://a.b/", ")"),
  "an address with stops": many(".", "https://a.b/", " a"),
  "a tag with attributes": many("a=b ", "<a ", ">"),
  "a tag that does not end": many("a=b ", "<a "),
  base64: (/** @type {number} */ length) =>
    Array.from({ length }, (_, i) => "abcdefghijklmnopqrstuvwxyz0123456789+/"[(i * 7919) % 38]).join(""),
});

/** What is tried with each family. @type {Record<string, (text: string) => unknown>} */
const SCANNERS = {
  "sentences of languages with and without spaces": (text) =>
    [...splitText(text, "en")].length + [...splitText(text, "zh")].length,
  "placeholders, addresses, signs": (text) => {
    findFixed(text, ["placeholders", "urls", "emails", "phones", "signs", "numbers"], { a: "b" }, () => []);
    return unwrapped(text, "en");
  },
  HTML: (text) => [...readHTML(text, [])].length,
  YAML: (text) => {
    try {
      readYaml(text, "a test");
    } catch {} // most are no YAML
  },
};

/** Milliseconds of processor time. @param {() => unknown} work */
function timed(work) {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Work of the long text that takes less is not quadratic: it would take seconds. */
const NOTHING = 30;

for (const [name, scan] of Object.entries(SCANNERS))
  test(`${Object.keys(FAMILIES).length} families: ${name}`, () => {
    for (const [family, make] of Object.entries(FAMILIES)) {
      const [short, long] = [make(SHORT), make(LONG)];
      let [a, b] = [Infinity, timed(() => scan(long))];
      if (b < NOTHING) continue;
      // The best of five, or fewer where that is enough.
      for (let i = 0; i < 5 && !(b <= MOST * a); i++) {
        a = Math.min(
          a,
          timed(() => scan(short)),
        );
        b = Math.min(
          b,
          timed(() => scan(long)),
        );
      }
      assert.ok(b <= MOST * a, `${family}: ${a.toFixed(1)} ms, then ${b.toFixed(1)} ms`);
    }
  });

test("whole texts through a translation, whatever the model says", async () => {
  for (const answer of [ANSWERS.identity, ANSWERS["letters only"]])
    for (const [family, make] of Object.entries(FAMILIES)) {
      const text = make(2000);
      const job = { batcher: stubEngine(answer), options: workOptions({}), turns: new Turns() };
      const [translation] = await translateTexts(job, [text]);
      if (answer === ANSWERS.identity) assert.equal(typeof translation, "string", family);
    }
});
