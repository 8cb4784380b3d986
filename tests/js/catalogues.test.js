// Messages of real programs: every placeholder of every message comes through, whatever a model says. They are read from
// the catalogues (.mo) that lie on a Debian or Ubuntu machine, by msgunfmt; placeholders are counted by a counter of this
// test's own. GLOSSA_SOAK=1 (`npm run soak`) takes 300 catalogues and the real model on 20, else a tenth.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Translator } from "../../src/js/index.js";
import { workOptions } from "../../src/js/options.js";
import { RULES } from "../../src/js/text/rules.js";
import { useRules } from "../../src/js/text/use.js";
import { translateTexts } from "../../src/js/translation.js";
import { Turns } from "../../src/js/turns.js";
import { ANSWERS, stubEngine } from "./stub-engine.js";

const FULL = process.env.GLOSSA_SOAK === "1";
const [CATALOGUES, MODELLED] = FULL ? [300, 20] : [30, 2];
/** Messages of a catalogue that the real model gets. */
const MODELLED_MESSAGES = FULL ? 150 : 60;

/** Languages whose catalogues are read: those with rules of sentences, whose names are theirs. */
const LANGUAGES = ["de", "fr", "es", "it", "pt", "nl", "pl", "cs", "da", "fi", "ru", "ja", "zh_CN"];

useRules(RULES);

const LOCALES = "/usr/share/locale";
/** @type {[language: string, path: string][]} by name, then by language */
const found = LANGUAGES.flatMap((language) => {
  const folder = `${LOCALES}/${language}/LC_MESSAGES`;
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".mo") && !/^iso/.test(name));
  return names.map((name) => /** @type {[string, string]} */ ([language, `${folder}/${name}`]));
});
let msgunfmt = true;
try {
  execFileSync("msgunfmt", ["--version"], { stdio: "ignore" });
} catch {
  msgunfmt = false;
}
const skip =
  found.length >= CATALOGUES && msgunfmt
    ? false
    : `${found.length} catalogues (.mo) in ${LOCALES}, ${CATALOGUES} are wanted; ${msgunfmt ? "" : "msgunfmt is missing; "}see .ci/setup`;

/** Evenly spread. @template T @param {T[]} all @param {number} count @returns {T[]} */
const spread = (all, count) => Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);

/** @param {string} text of a string of a catalogue */
const unescaped = (text) =>
  text.replace(/\\([0-7]{1,3}|.)/g, (_, sign) => {
    if (/[0-7]/.test(sign)) return String.fromCharCode(Number.parseInt(sign, 8));
    return { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v", b: "\b", a: "\x07" }[/** @type {"n"} */ (sign)] ?? sign;
  });

/** Strings of a catalogue. @param {string} path @param {"msgid" | "msgstr"} key @returns {string[]} */
function strings(path, key) {
  const po = execFileSync("msgunfmt", ["--no-wrap", path], { encoding: "utf8", maxBuffer: 1 << 28 });
  /** @type {Set<string>} */
  const all = new Set();
  for (const entry of po.split(/\n\n/)) {
    if (/^msgid ""\nmsgstr/m.test(entry)) continue; // the header
    for (const [, quoted] of entry.matchAll(new RegExp(`^${key}(?:_plural|\\[\\d\\])? ((?:".*"\\n?)+)`, "gm"))) {
      const text = Array.from(quoted.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, part]) => unescaped(part)).join("");
      if (text) all.add(text);
    }
  }
  return [...all];
}

/** The counter: what programs put in place of, by their formats. Written from their manuals, not from our patterns. */
const COUNTED = [
  /%(?:%|(?:[0-9]+\$)?[-+#0']*(?:[0-9]+|\*)?(?:\.(?:[0-9]+|\*)?)?(?:hh|h|ll|l|L|q|j|z|t)?[diouxXeEfFgGcs](?![a-zA-Z]))/g, // printf(3)
  /%\([A-Za-z_]+\)[sdif]/g, // Python
  /\{[A-Za-z0-9_]*\}/g, // str.format, Fluent, ICU
  /%[0-9](?![0-9$])/g, // Qt
  /<\/?[a-z]+>/g, // Pango, HTML
];

/** @param {string} text @returns {string[]} in order of the alphabet */
const placeholders = (text) => COUNTED.flatMap((pattern) => text.match(pattern) ?? []).sort();

/** @param {string} path @param {string} text @param {string} translation @returns {number} how many there are */
function assertKept(path, text, translation) {
  const expected = placeholders(text);
  const got = placeholders(translation); // a model may say one twice, or make one up
  const kept = expected.filter((name) => {
    const at = got.indexOf(name);
    return at >= 0 && got.splice(at, 1);
  });
  assert.deepEqual(kept, expected, `${path}\n${text}\n${translation}`);
  return expected.length;
}

const options = workOptions({});

for (const [name, answer] of Object.entries(ANSWERS))
  test(`placeholders of ${CATALOGUES} catalogues: a model that answers ${name}`, { skip }, async (t) => {
    let [messages, kept] = [0, 0];
    for (const [language, path] of spread(found, name === "identity" ? CATALOGUES : Math.ceil(CATALOGUES / 10))) {
      const sourceLanguage = language.split("_")[0];
      const batcher = stubEngine(answer, { sourceLanguage, targetLanguage: "en" });
      const texts = strings(path, "msgstr");
      const translations = await translateTexts({ batcher, options, turns: new Turns() }, texts);
      for (const [i, text] of texts.entries()) {
        kept += assertKept(path, text, translations[i]);
        messages++;
      }
    }
    t.diagnostic(`${messages} messages with ${kept} placeholders`);
    assert.ok(kept > 100);
  });

test(`placeholders of ${MODELLED} catalogues by the shipped model`, { skip }, async (t) => {
  const model = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
  const translator = await Translator.create({ model, worker: false });
  const programs = [...new Map(found.map(([, path]) => [path.split("/").at(-1), path])).values()];
  let [messages, kept] = [0, 0];
  for (const path of spread(programs, MODELLED)) {
    const all = strings(path, "msgid").filter((text) => text.length < 400);
    const texts = all
      .filter((text) => placeholders(text).length)
      .concat(all)
      .slice(0, MODELLED_MESSAGES);
    const translations = await translator.translateBatch(texts);
    for (const [i, text] of texts.entries()) {
      kept += assertKept(path, text, translations[i]);
      messages++;
    }
  }
  translator.destroy();
  t.diagnostic(`${messages} messages with ${kept} placeholders`);
});
