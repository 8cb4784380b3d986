// The small models of the lab as they lie in models/: each does what its card says, and the translator refuses it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Translator } from "../../src/js/index.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const recipes = JSON.parse(readFileSync(path("models/recipes/small.json"), "utf8"));
const file = (/** @type {string} */ name) => path(`models/${name}.gguf`);
const names = Object.keys(recipes).filter((name) => existsSync(file(name)));
const folder = mkdtempSync(join(tmpdir(), "glossa-small-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} words @param {string} [input] */
function lab(words, input = "") {
  const { stdout, stderr } = spawnSync(process.execPath, [path("src/js/cli/glossa.js"), "lab", ...words], {
    input,
    encoding: "utf8",
  });
  assert.equal(stderr, "", words.join(" "));
  return stdout;
}

test("small models in six megabytes, each with a recipe and a card, apart from those that translate", () => {
  assert.equal(names.length, 8);
  const bytes = names.reduce((sum, name) => sum + statSync(file(name)).size, 0);
  assert.ok(bytes <= 6e6, `${bytes}`);
  const { models } = JSON.parse(readFileSync(path("models/manifest.json"), "utf8"));
  const all = readdirSync(path("models")).filter((name) => name.endsWith(".gguf"));
  const translating = models.map((/** @type {any} */ model) => model.url);
  assert.deepEqual([...names.map((name) => `${name}.gguf`), ...translating].sort(), all.sort());
  const cards = readFileSync(path("models/SMALL.md"), "utf8");
  for (const name of names) assert.match(cards, new RegExp(`^## ${name}$`, "m"));
});

test("the translator names the task of each, and the lab", async () => {
  for (const name of names)
    await assert.rejects(
      Translator.create({ sourceLanguage: "en", targetLanguage: "en", model: readFileSync(file(name)), worker: false }),
      /'glossa\.task' is '[a-z-]+'.*glossa lab/,
      name,
    );
});

test("feelings in English and Chinese", () => {
  const english = "a wonderful film , funny and moving .\na boring and lifeless mess .\n";
  assert.match(lab(["classify", "--model", file("sentiment-en")], english), /^positive\t0\.\d+\nnegative\t0\.\d+\n$/);
  const chinese = "质量非常差劲，千万不要买了！\n非常喜欢，质量很好，下次还会再来\n";
  assert.match(
    lab(["classify", "--model", file("sentiment-zh")], chinese),
    /^negative\t[01]\.\d+\npositive\t[01]\.\d+\n$/,
  );
  const { label, tokens, attention } = JSON.parse(
    lab(["classify", "--model", file("sentiment-en"), "--json"], "What a wonderful film\n"),
  );
  assert.equal(label, "positive");
  assert.deepEqual(attention["enc.blk.0.attn"].shape.slice(1), [tokens.length, tokens.length]);
});

test("sentences are continued in both languages", () => {
  const [first, second] = lab(["continue", "--model", file("continue")], "I would like to\n我不\n").split("\n");
  assert.match(first, /^I would like to [a-z' ]+\.$/);
  assert.match(second, /^我不.*。$/);
});

test("what stands at a mask, in both languages", () => {
  const texts = "She is reading a <mask>.\nI don't <mask> what to say.\n今天天气很<mask>。\n";
  const [book, know, cold] = lab(["fill", "--model", file("fill")], texts).split("\n");
  assert.match(book, /^book [4-9]\d\.\d %, /);
  assert.match(know, /^know [4-9]\d\.\d %, /);
  assert.match(cold, /[冷热好]/);
});

/** A one, drawn by hand. */
function one() {
  const pixels = new Uint8Array(784);
  for (let row = 5; row < 23; row++) for (let column = 13; column < 16; column++) pixels[row * 28 + column] = 240;
  return pixels;
}

/** A ring. */
function zero() {
  return Uint8Array.from({ length: 784 }, (_, i) => {
    const distance = Math.hypot((Math.floor(i / 28) - 13.5) / 9, ((i % 28) - 13.5) / 6.5);
    return Math.abs(distance - 1) < 0.2 ? 240 : 0;
  });
}

test("digits are read, and drawn with where each head looked", () => {
  for (const [digit, pixels] of [
    ["0", zero()],
    ["1", one()],
  ]) {
    const image = join(folder, `${digit}.pgm`);
    writeFileSync(image, Buffer.concat([Buffer.from("P5 28 28 255\n"), /** @type {Uint8Array} */ (pixels)]));
    for (const model of ["digits-vit", "digits-swin"])
      assert.match(lab(["see", "--model", file(model), image]), new RegExp(`^${digit}\t[01]\\.\\d+\n$`), model);
  }
  const svg = lab(["see", "--model", file("digits-vit"), "--svg", join(folder, "0.pgm")]);
  assert.equal(svg.match(/<title>/g)?.length, (4 * 4 + 1) * 49);
});

test("dates: what attention is for", () => {
  const dates = ["3 March 1975", "Dec 31, 2020", "1.2.1999", "2001/07/14"];
  const written = ["1975-03-03", "2020-12-31", "1999-02-01", "2001-07-14"];
  const convert = (/** @type {string} */ name) =>
    lab(["convert-dates", "--model", file(name)], `${dates.join("\n")}\n`)
      .trim()
      .split("\n");
  assert.deepEqual(convert("dates-rnn-attention"), written);
  const without = convert("dates-rnn");
  assert.ok(without.every((date) => /^\d{4}-\d\d-\d\d$/.test(date))); // well-formed, and mostly wrong
  assert.notDeepEqual(without, written);
});
