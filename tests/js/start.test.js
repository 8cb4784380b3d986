// `npm start`, where everything is built already.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const start = fileURLToPath(new URL("../../src/js/cli/start.js", import.meta.url));
const model = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
const skip = existsSync(model) ? false : "models/en-de.gguf is not there";

test("--once prints the translation and nothing else on standard output", { skip }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [start, "--once", "A dog runs."], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[^\n]*Hund[^\n]*\n$/);
});

test("without --once it translates, then serves the page", { skip }, async () => {
  const child = spawn(process.execPath, [start, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let output = "";
    const url = await new Promise((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text) => {
        output += text;
        const match = /http:\S+/.exec(output);
        if (match) resolve(match[0]);
      });
      child.once("exit", (status) => reject(new Error(`npm start ended with ${status}: ${output}`)));
    });
    assert.match(output, /Hund/);
    assert.match(await (await fetch(url)).text(), /<title>Glossa/);
  } finally {
    child.kill();
  }
});

test("wrong options are status 2 with the usage, a missing model status 1", () => {
  for (const [args, status] of /** @type {[string[], number][]} */ ([
    [["--frobnicate"], 2],
    [["--port", "eighty"], 2],
    [["--port", "70000"], 2],
    [["--once", "A dog runs.", "--model", "no-such.gguf"], 1],
  ])) {
    const ended = spawnSync(process.execPath, [start, ...args], { encoding: "utf8" });
    assert.equal(ended.status, status, `${args.join(" ")}: ${ended.stderr}`);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, status === 2 ? /usage:/ : /no-such\.gguf/);
  }
});
