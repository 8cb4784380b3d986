// Messages in ICU MessageFormat: texts are translated, everything else is kept. What a message says is told by Intl, and by
// the parser that FormatJS formats messages with.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { isStructurallySame, parse } from "@formatjs/icu-messageformat-parser";
import { Translator } from "../../src/js/index.js";
import { readMessages } from "../../src/js/messages.js";

const MODEL = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
/** @type {Translator} */
let translator;
before(async () => {
  translator = await Translator.create({ model: MODEL, worker: false });
});
after(() => translator.destroy());

/** Messages with their texts changed. @param {string} source @param {(text: string) => string} change */
function rewritten(source, change = (text) => text) {
  const { texts, write } = readMessages([source]);
  return { texts, message: write(texts.map(change))[0] };
}

test("plurals, selects and ordinals by the shipped model", async () => {
  assert.equal(
    await translator.translate("{count, plural, one {# file} other {# files}}"),
    "{count, plural, one {# Datei} other {# Dateien}}",
  );
  const message =
    "You have {count, plural, =0 {no dogs} one {a dog} other {{count, number} dogs}}, {name}. {who, select, she {She runs.} other {They run.}}";
  const translation = await translator.translate(message);
  assert.ok(isStructurallySame(parse(message, { ignoreTag: true }), parse(translation, { ignoreTag: true })).success);
  assert.match(translation, /^\{count, plural, =0 \{\{who, select, she \{Du hast/);
  assert.match(translation, /Sie rennt|Sie läuft/);
  assert.deepEqual(await translator.translateBatch(["A dog runs.", message]), ["Ein Hund rennt.", translation]);
  let streamed = "";
  for await (const chunk of translator.translateStreaming(message)) streamed += chunk;
  assert.equal(streamed, translation);
  assert.match(
    await translator.translate("The {n, selectordinal, one {#st} two {#nd} other {#th}} dog runs."),
    /^\{n, selectordinal, one \{.*#st.*\} two \{.*#nd.*\} other \{.*#th.*\}\}$/,
  );
});

test("what is no message is a text", async () => {
  for (const text of ["A dog {a, plural, one {", "A {x, select, y z} dog.", "{a, plural, }"])
    assert.equal(typeof (await translator.translate(text)), "string");
  assert.deepEqual(readMessages(["{a, plural, one {"]).texts, ["{a, plural, one {"]);
  assert.equal(
    await translator.translate("{count, plural, one {# file} other {# files}}", { preserve: ["urls"], retry: false }),
    await translator.translate("{count, plural, one {# file} other {# files}}", { preserve: ["urls"], retry: false }),
  );
});

test("signs that mean something in a message are quoted again", () => {
  const source = "It''s '{'x'}' {n, plural, offset:1 one {'#' of # dog''s} other {# '{dogs}' <b>run</b>}} #1";
  const { texts, message } = rewritten(source);
  assert.deepEqual(
    texts,
    ["It's {x} # of {n} dog's #1", "It's {x} {n} {dogs} <b>run</b> #1"].map((text) =>
      text.replace("{n}", "{n0}").replace("{n0}", /** @type {string} */ (/\{n\d*\}/.exec(texts[0])?.[0])),
    ),
  );
  const options = { ignoreTag: true };
  assert.ok(isStructurallySame(parse(source, options), parse(message, options)).success, message);
  assert.deepEqual(rewritten(message).texts, texts, "read again, the texts are the same");
});

test("numbers of two plurals stay apart", () => {
  const source = "{a, plural, one {# dog} other {# dogs}} and {b, plural, one {# cat} other {# cats}}";
  const { message } = rewritten(source);
  assert.match(message, /^\{a, plural, one \{\{b, plural, one \{\{a, number\} dog and # cat\}/);
});

test("generated messages of every shape: the same structure", () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const literals = ["a dog", "It''s ", "'{'", " runs, ", "#", "<b>x</b>", "狗", "  \n", "'#'", "%s"];
  const message = (/** @type {number} */ depth) => {
    let out = "";
    for (let i = random(4); i >= 0; i--) {
      const kind = random(depth > 0 ? 6 : 4);
      if (kind < 2) out += literals[random(literals.length)];
      else if (kind === 2) out += `{name${random(3)}}`;
      else if (kind === 3) out += `{at, date, short}`;
      else if (kind === 4)
        out += `{n${random(3)}, plural, one {${message(depth - 1)}} other {# ${message(depth - 1)}}}`;
      else out += `{who, select, she {${message(depth - 1)}} other {${message(depth - 1)}}}`;
    }
    return out;
  };
  let [read, kept] = [0, 0];
  for (let i = 0; i < 400; i++) {
    const source = message(3);
    const options = { ignoreTag: true };
    let parsed;
    try {
      parsed = parse(source, options);
    } catch {
      continue;
    }
    read++;
    const { message: written } = rewritten(source, (text) => `${text.replaceAll("dog", "Hund")} `);
    let same;
    try {
      same = isStructurallySame(parsed, parse(written, options)).success;
    } catch {}
    assert.ok(same, `${source}\n=> ${written}`);
    if (written === source) kept++;
  }
  assert.ok(read > 250 && kept < read / 4, `${read} read, ${kept} kept as they were`);
});

test("a message with very many branches, and one that is very deep", () => {
  const wide = "{a, select, x {A dog} other {A cat}} ".repeat(40);
  assert.equal(rewritten(wide).message, wide);
  const deep = `${"{a, select, other {".repeat(1000)}A dog${"}}".repeat(1000)}`;
  assert.equal(rewritten(deep).texts.length, 1);
});

test("the part that reads messages takes at most 35 kB", () => {
  const file = readFileSync(new URL("../../dist/messages.js", import.meta.url));
  assert.ok(gzipSync(file, { level: 9 }).length <= 35_000);
  assert.match(
    file.toString("utf8"),
    /^\/\*![\s\S]*@formatjs\/icu-messageformat-parser[\s\S]*Permission is hereby granted/,
  );
});
