// The rules of languages as JavaScript has them are those of the JSON files, which other languages read.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { RULES } from "../../src/js/text/rules.js";

const folder = new URL("../../src/js/text/languages/", import.meta.url);

test("rules.js is what .ci/text-rules.js writes from languages/*.json and patterns.json", () => {
  const files = readdirSync(folder).sort();
  const read = (/** @type {string} */ name) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  assert.deepEqual(RULES, { languages: files.map(read), patterns: read("../patterns.json") });
  assert.ok(files.length >= 14);
});
