// The address, the store, the sentences of a text, and the words of the interface.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { difference } from "../../web/draw/difference.js";
import { pairsOf } from "../../web/engine.js";
import { pairName } from "../../web/languages.js";
import { createStore, headMask, initialState, readAddress, writeAddress } from "../../web/state.js";
import { allStrings } from "../../web/strings.js";

test("what the address says is what was written", () => {
  const state = {
    ...initialState,
    text: "A #hash & a = sign, 你好 <b>\n50 %",
    view: /** @type {const} */ ("attention"),
    kind: /** @type {const} */ ("decoder"),
    layer: 3,
    head: 1,
    heads: [0, 2],
    words: true,
    special: false,
    threshold: 0.25,
    off: "c0.1,e2.3",
  };
  assert.deepEqual({ ...initialState, ...readAddress(writeAddress(state)) }, state);
  assert.equal(writeAddress(initialState), "#");
});

test("an address that makes no sense is left aside", () => {
  const wrong = "#view=<script>&layer=x&head=1e9&off=q1.1&threshold=7&beam=99&words=yes&heads=1,2&kind=";
  assert.deepEqual(readAddress(wrong), { beam: 16 });
});

test("heads are switched off by their names", () => {
  assert.deepEqual(headMask("c0.1,e2.3"), { encoder: [[2, 3]], decoder: [], cross: [[0, 1]] });
  assert.deepEqual(headMask(""), { encoder: [], decoder: [], cross: [] });
});

test("the store tells what changed, once", () => {
  const store = createStore(initialState);
  /** @type {string[][]} */
  const told = [];
  store.subscribe((_, changed) => told.push([...changed]));
  store.set({ text: "a", layer: 0 });
  store.set({ text: "a" });
  assert.deepEqual(told, [["text"]]);
});

test("differences are found word by word", () => {
  const changed = (/** @type {string} */ a, /** @type {string} */ b) =>
    difference(a, b)
      .filter((one) => one.changed)
      .map((one) => one.text.trim());
  assert.deepEqual(changed("Ein Hund rennt schnell.", "Ein großer Hund rennt."), ["großer", "rennt."]);
  assert.deepEqual(changed("Ein Hund.", "Ein Hund."), []);
  assert.deepEqual(changed("我是人", "我不是人"), ["不"]);
});

test("a multilingual model is a pair for each two languages; names are in the language of the page", () => {
  const model = { id: "m", url: "m.gguf", bytes: 1 };
  const pairs = pairsOf({
    models: [
      { ...model, id: "a", source: "lzh", target: "zh" },
      { ...model, source: ["en", "de"], target: ["de", "zh"] },
    ],
  });
  assert.deepEqual(
    pairs.map(({ id, source, target, multilingual }) => [id, source, target, multilingual ?? false]),
    [
      ["a", "lzh", "zh", false],
      ["m.en.de", "en", "de", true],
      ["m.en.zh", "en", "zh", true],
      ["m.de.zh", "de", "zh", true],
    ],
  );
  assert.equal(pairName(pairs[0], "en"), "Classical Chinese → Modern Chinese");
  assert.equal(pairName(pairs[0], "zh"), "文言文 → 现代汉语");
  assert.equal(pairName(pairs[2], "zh"), "英语 → 中文");
  assert.equal(pairName({ source: "not a tag", target: "en" }, "en"), "not a tag → English");
});

test("both languages say everything, and nothing is said that the page does not use", () => {
  const { en, zh } = allStrings;
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  const names = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(en)) assert.deepEqual(names(zh[key]), names(text), key);

  const folder = fileURLToPath(new URL("../../web/", import.meta.url));
  const code = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js") && !name.endsWith("strings.js"))
    .map((name) => readFileSync(folder + name, "utf8"))
    .join("\n");
  // Some keys are put together: "encoder" + "Help", "score" + "Title".
  const used = (/** @type {string} */ key) =>
    code.includes(`"${key}"`) ||
    ["Help", "Title", "Text"].some(
      (ending) => key.endsWith(ending) && code.includes(`"${key.slice(0, -ending.length)}"`),
    );
  assert.deepEqual(
    Object.keys(en).filter((key) => !used(key)),
    [],
  );
});
