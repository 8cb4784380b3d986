// Text that is made to be slow: scanners of sentences, placeholders, messages, YAML and HTML take time that grows with the
// length alone. The one place where a test looks at time: processor time, the best of five, of 20,000 and of 80,000
// characters: four times the length may take eight times as long. Without GLOSSA_SOAK a family that is quick is let pass.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Batcher } from "../../src/js/batcher.js";
import { readYaml } from "../../src/js/convert/yaml.js";
import { readHTML } from "../../src/js/html-source.js";
import { workOptions } from "../../src/js/options.js";
import { findFixed } from "../../src/js/preserve.js";
import { splitText, unwrapped } from "../../src/js/split.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";
import { planText, translateTexts } from "../../src/js/translation.js";
import { Turns } from "../../src/js/turns.js";
import { openCore } from "./builds.js";
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

const { core } = await openCore("simd128");
const model = readFileSync(new URL("../../models/en-de.gguf", import.meta.url));
core.reserve(model.length);
core.write(0, model);
core.openModel();
const batcher = new Batcher(core);
/** A request that nobody interrupts. */
const alone = Object.assign(new Turns(), { due: () => false });

/** What is tried with each family. @type {Record<string, (text: string) => unknown>} */
const SCANNERS = {
  "tokens of a model that ships": (text) => core.tokenize(text).length,
  "the plan of a translation": (text) => planText({ batcher, options: workOptions({}), turns: alone }, text),
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

/** Processor time below which a measurement says nothing, in milliseconds: quick work is repeated up to here. */
const LEAST = 4;

/** Every family is judged, however quick it is: npm run soak. */
const EXACTLY = Boolean(process.env.GLOSSA_SOAK);
/** Milliseconds for 80,000 characters that need no second look: quadratic work takes seconds. */
const NOTHING = 40;

/** Milliseconds of processor time that the work takes, the mean of as many repetitions as it needs. @param {() => unknown} work */
async function timed(work) {
  const start = process.cpuUsage();
  for (let times = 1; ; times++) {
    await work();
    const { user, system } = process.cpuUsage(start);
    if (user + system >= LEAST * 1000) return (user + system) / 1000 / times;
  }
}

/**
 * The best of five of each, taken in turn; of fewer where that is enough.
 * @param {(best: number[]) => boolean} enough
 * @param {...() => unknown} works
 */
async function bestOfFive(enough, ...works) {
  const best = works.map(() => Infinity);
  for (let i = 0; i < 5 && (EXACTLY || i === 0 || !enough(best)); i++)
    for (const [n, work] of works.entries()) best[n] = Math.min(best[n], await timed(work));
  return best;
}

/** Scanners that take long: without GLOSSA_SOAK a part of the families. */
const SLOW = ["the plan of a translation"];

for (const [name, scan] of Object.entries(SCANNERS))
  test(`${Object.keys(FAMILIES).length} families: ${name}`, async () => {
    const families = Object.entries(FAMILIES).filter((_, i) => EXACTLY || !SLOW.includes(name) || i % 12 === 0);
    for (const [family, make] of families) {
      const [short, long] = [make(SHORT), make(LONG)];
      if (!EXACTLY && (await timed(() => scan(long))) < NOTHING) continue;
      const linear = (/** @type {number[]} */ [a, b]) => b <= MOST * a;
      const runs = [() => scan(short), () => scan(long)];
      let best = await bestOfFive(linear, ...runs);
      // The collector of garbage may fall into one of them: what is slow is slow again.
      for (let more = 0; more < 2 && !linear(best); more++) best = await bestOfFive(linear, ...runs);
      assert.ok(linear(best), `${family}: ${best[0].toFixed(1)} ms, then ${best[1].toFixed(1)} ms`);
    }
  });

test("a sentence is found before the text behind it is looked at, so that work on a long text stops within a step", async () => {
  let judged = 0;
  for (const [family, make] of Object.entries(FAMILIES)) {
    const text = make(LONG);
    const parts = [...splitText(text, "en")].length;
    if (parts < 100 || (!EXACTLY && judged >= 8)) continue; // one sentence is one step, and linear
    const [first, all] = await bestOfFive(
      ([first, all]) => 4 * first <= all,
      () => splitText(text, "en")[Symbol.iterator]().next(),
      () => [...splitText(text, "en")],
    );
    assert.ok(4 * first <= all, `${family}: ${first.toFixed(2)} of ${all.toFixed(2)} ms for the first of ${parts}`);
    judged++;
  }
  assert.ok(judged >= 8, `${judged} families have many sentences`);
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
