// The address, the store, the sentences of a text, and the words of the interface.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { difference } from "../../web/draw/difference.js";
import { held, pairsOf } from "../../web/engine.js";
import { pairName } from "../../web/languages.js";
import { packedText, placeOf, readAddress, steps, unpackedText, writeAddress } from "../../web/address.js";
import { words as menuWords } from "../../web/frame/menu-words.js";
import { words as drawerWords } from "../../web/frame/words.js";
import { words as insideWords } from "../../web/rooms/inside/words.js";
import { words as detailWords } from "../../web/rooms/translate/words.js";
import { words as zooWords } from "../../web/rooms/zoo/words.js";
import { createStore, headMask, initialState } from "../../web/state.js";
import { allStrings, signed, speak } from "../../web/strings.js";
import { howSure } from "../../web/sureness.js";

test("what the address says is what was written", () => {
  const state = {
    ...initialState,
    text: "A #hash & a = sign?, 你好 <b>\n50 %",
    room: /** @type {const} */ ("inside"),
    story: "scores",
    kind: /** @type {const} */ ("decoder"),
    layer: 3,
    head: 1,
    heads: [0, 2],
    words: true,
    special: false,
    threshold: 0.25,
    off: "c0.1,e2.3",
    fix: [5, 77, 1234],
  };
  assert.deepEqual({ ...initialState, ...readAddress(writeAddress(state)) }, state);
  assert.match(writeAddress(state), /^#\/inside\/4-scores\?/);
  assert.equal(writeAddress(initialState), "#/translate");
});

test("every step of the story is a place, and a wrong one is the room", () => {
  steps.forEach((story, i) => {
    assert.equal(writeAddress({ ...initialState, room: "inside", story }), `#/inside/${i + 1}-${story}`);
    assert.deepEqual(placeOf(`#/inside/${i + 1}-${story}?w=3`), { room: "inside", story });
  });
  assert.deepEqual(placeOf("#/inside/99-nothing"), { room: "inside", story: "" });
  assert.equal(writeAddress({ ...initialState, room: "zoo", zoo: "f=dot", text: "A dog." }), "#/zoo/scores?f=dot");
  assert.deepEqual(readAddress("#/zoo/scores?f=dot&ui=zh&t=A+dog."), {
    ...{ room: "zoo", story: "", language: "zh" },
    zoo: "f=dot&ui=zh&t=A+dog.", // the room reads what is its own
  });
  assert.deepEqual(placeOf("#/nowhere"), { room: "translate", story: "" });
  assert.deepEqual(placeOf(""), { room: "translate", story: "" });
});

test("addresses of 0.1 lead where they led", () => {
  assert.deepEqual(readAddress("#view=attention&pair=en-de&kind=encoder&layer=2&head=1&text=A+dog."), {
    room: "inside",
    pair: "en-de",
    kind: "encoder",
    layer: 2,
    head: 1,
    text: "A dog.",
  });
  assert.deepEqual(readAddress("#view=effect&off=c0.1"), { room: "inside", story: "break", off: "c0.1" });
  assert.deepEqual(readAddress("#view=inside"), { room: "inside", story: "tokens" });
  assert.deepEqual(readAddress("#view=model"), { room: "translate", drawer: true });
  assert.deepEqual(readAddress("#text=A+dog.&sentence=2&step=3&token=4&ui=zh"), {
    text: "A dog.",
    sentence: 2,
    step: 3,
    token: 4,
    language: "zh",
  });
});

test("an address that makes no sense is left aside", () => {
  const wrong = "view=<script>&layer=x&head=1e9&off=q1.1&threshold=7&beam=99&words=yes&heads=1,2&kind=&fix=1,2";
  assert.deepEqual(readAddress(`#${wrong}`), { beam: 16 });
  assert.deepEqual(readAddress(`#/inside/4-scores?${wrong}`), { room: "inside", story: "scores", beam: 16 });
});

test("a long text is packed, a very long one stays out of the address", async () => {
  const long = Array.from({ length: 300 }, (_, i) => `Sentence number ${i} is about 你好 and ${i * 7}.`).join(" ");
  const address = `${writeAddress({ ...initialState, text: long })}?${(await packedText(long)).slice(1)}`;
  assert.ok(!address.includes("t=Sentence"));
  assert.ok(address.length < 8100, `${address.length} characters`);
  assert.equal(await unpackedText(address), long);
  assert.equal(await packedText("short"), "");
  let noise = "";
  for (let i = 0, x = 1; i < 9000; i++, x = (x * 48271) % 2147483647)
    noise += String.fromCharCode(0x4e00 + (x % 20000));
  assert.equal(await packedText(noise), "");
  for (const wrong of ["#/translate?z=!!", "#/translate?z=abcd", "#/translate"])
    assert.equal(await unpackedText(wrong), undefined);
});

test("while a translation is written, the old one goes on behind it", () => {
  const old = "Die Kinder haben alle Äpfel gegessen.";
  assert.equal(held("", old), old);
  assert.equal("Die Kin" + held("Die Kin", old), "Die Kin haben alle Äpfel gegessen.");
  assert.equal(held(old, old), "");
  assert.equal(held(`${old} Und mehr`, old), "");
});

test("a minus is a minus, and nothing is less than zero that is not", () => {
  assert.equal(signed(-0.1234), "−0.123");
  assert.equal(signed(-0.0001), "0.000");
  assert.equal(signed(2, 1), "2.0");
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
  store.set({ text: "a", layer: -1 });
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
  assert.equal(pairName({ source: "zxx", target: "zxx" }, "en"), "Input → Output");
  assert.equal(pairName({ source: "not a tag", target: "en" }, "en"), "not a tag → English");
});

test("nothing is called sure beside a mark or a warning that says otherwise", () => {
  const t = speak("en");
  assert.equal(howSure(t, -0.16), "very sure (85 % a piece)");
  assert.equal(howSure(t, -0.16, 1), "sure, but for one word (85 %)");
  assert.equal(howSure(t, -0.16, 2, -0.8), "sure, but for 2 words (85 %)");
  assert.equal(howSure(t, -0.3, 0, -0.8), "fairly sure (74 % a piece)");
  assert.equal(howSure(t, -0.3, 0, -0.25), "not sure (74 % a piece)");
});

test("both languages say everything, and nothing is said that the page does not use", () => {
  const all = [allStrings, drawerWords, menuWords, insideWords, detailWords, zooWords];
  // They are one table once they have come: a word of one room must not become another's.
  const keys = all.flatMap((one) => Object.keys(one.en));
  assert.deepEqual(
    keys.filter((key, i) => keys.indexOf(key) !== i),
    [],
  );
  const en = Object.assign({}, ...all.map((one) => one.en));
  const zh = Object.assign({}, ...all.map((one) => one.zh));
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  const names = (/** @type {string} */ text) => [...new Set([...text.matchAll(/\{\w+\}/g)].map(String))].sort();
  for (const [key, text] of Object.entries(en)) assert.deepEqual(names(zh[key]), names(text), key);

  const folder = fileURLToPath(new URL("../../web/", import.meta.url));
  const code = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.jsx?$/.test(name) && !/(strings|words)\.js$/.test(name))
    .map((name) => readFileSync(folder + name, "utf8"))
    .join("\n");
  // Some keys are put together: a step with "Title", a kind with "Help", "habit_" with what a head does.
  const endings = ["Help", "Title", "Text", "Try", "Ask", "Term", "Short"];
  endings.push("Name", "By", "Paper", "What", "Expect", "Knob", "Live");
  const used = (/** @type {string} */ key) =>
    code.includes(`"${key}"`) ||
    (key.startsWith("habit_") && code.includes(`"${key.slice(6)}"`)) ||
    [...endings].some((ending) => key.endsWith(ending) && code.includes(`"${key.slice(0, -ending.length)}"`));
  assert.deepEqual(
    Object.keys(en).filter((key) => !used(key)),
    [],
  );
  for (const step of steps) for (const part of ["Title", "Text", "Try", "Ask"]) assert.ok(en[step + part], step + part);
  for (const step of steps) {
    const sentences = en[`${step}Text`].split(/[.?!](?:\s|$)/).filter(Boolean).length;
    assert.ok(sentences <= 3, `${step}: ${sentences} sentences`);
  }
});

test("the page uses what everybody can use of the package, and nothing else of it", () => {
  const root = new URL("../../", import.meta.url);
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const open = new Set(Object.values(exports).map((/** @type {any} */ one) => new URL(one.default ?? one, root).href));
  open.add(new URL("src/js/types.js", root).href); // the main entry has all of its types
  for (const { types } of Object.values(exports)) // what is a part in dist/ lies here as it was written
    if (types) open.add(new URL(types.replace("./dist/types/", "src/js/").replace(/\.d\.c?ts$/, ".js"), root).href);
  const folder = new URL("web/", root);
  let uses = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.jsx?$/.test(name)) continue;
    const file = new URL(name, folder);
    for (const [, from] of readFileSync(file, "utf8").matchAll(/(?:from |import\(|import )"(\.[^"]+)"/g)) {
      const { href } = new URL(from, file);
      if (!href.startsWith(new URL("src/", root).href)) continue;
      assert.ok(open.has(href), `${name} imports ${from}`);
      uses++;
    }
  }
  assert.ok(uses > 20, `${uses} imports`);
});
