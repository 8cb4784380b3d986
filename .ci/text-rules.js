#!/usr/bin/env node
// Writes src/js/text/rules.js from the JSON files beside it (then format it: biome format --write src/js/text). A browser cannot import JSON, nor can every bundler; other
// languages than JavaScript read the JSON. A test compares the two.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("../src/js/text/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const languages = readdirSync(new URL("languages/", folder))
  .sort()
  .map((name) => read(`languages/${name}`));
const rules = { languages, patterns: read("patterns.json") };
writeFileSync(
  new URL("rules.js", folder),
  `// Written by .ci/text-rules.js from languages/*.json and patterns.json: change those.

/** @type {import("./use.js").TextRules} */
export const RULES = ${JSON.stringify(rules, null, 2).replace(/^( *)"(\w+)":/gm, "$1$2:")};
`,
);
