// The processor time of HTML grows with its length alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const FLAGS = ["--expose-gc", "--single-threaded-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];

const file = fileURLToPath(new URL("html-times.js", import.meta.url));
const lines = execFileSync(process.execPath, [...FLAGS, file], { encoding: "utf8" })
  .trim()
  .split("\n");

for (const { family, length, small, large, most } of lines.map((line) => JSON.parse(line)))
  test(`linear: ${family}, ${length} and ${4 * length} characters`, () => {
    assert.ok(large <= most, `${small} and ${large} µs`);
  });
