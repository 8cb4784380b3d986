// `glossa serve`.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run, serve } from "../../src/js/cli/serve.js";

/** Where a command writes, and its interruption. */
function recorder() {
  const abort = new AbortController();
  const io = { out: "", error: "" };
  return {
    io,
    abort,
    streams: {
      stdout: { write: (/** @type {string} */ text) => (io.out += text) },
      stderr: { write: (/** @type {string} */ text) => (io.error += text) },
      signal: abort.signal,
    },
  };
}

test("glossa serve serves a folder until it is interrupted, and says what is wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-serve-"));
  try {
    writeFileSync(join(folder, "index.html"), "<!doctype html>");
    const good = recorder();
    const running = run(["--root", folder, "--port", "0"], good.streams);
    while (!good.io.out) await new Promise((resolve) => setTimeout(resolve, 5));
    const answer = await fetch(good.io.out.trim());
    assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(await answer.text(), "<!doctype html>");
    good.abort.abort();
    assert.equal(await running, 0);

    const models = join(folder, "mine");
    mkdirSync(models);
    const bare = recorder();
    assert.equal(await run(["--root", folder, "--models", models], bare.streams), 1);
    assert.match(bare.io.error, /mine has no manifest\.json with a model; "glossa models --index/);
    writeFileSync(join(models, "manifest.json"), '{"version":1,"models":[{"url":"a.gguf"}]}');
    writeFileSync(join(models, "a.gguf"), "GGUF");
    const own = recorder();
    const serving = run(["--root", folder, "--models", models, "--port", "0"], own.streams);
    while (!own.io.out) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await (await fetch(new URL("/models/a.gguf", own.io.out.trim()))).text(), "GGUF");
    own.abort.abort();
    assert.equal(await serving, 0);

    const first = await serve({ root: folder });
    const taken = recorder();
    assert.equal(await run(["--root", folder, "--port", new URL(first.url).port], taken.streams), 1);
    assert.match(taken.io.error, /port \d+ is in use/);
    await first.close();

    for (const [argv, status, message] of /** @type {[string[], number, RegExp][]} */ ([
      [["--root", join(folder, "none")], 1, /no page in .*none/],
      [["--port", "x"], 2, /--port x is not a port/],
      [["--colour"], 2, /Unknown option '--colour'/],
    ])) {
      const wrong = recorder();
      assert.equal(await run(argv, wrong.streams), status);
      assert.match(wrong.io.error, message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
