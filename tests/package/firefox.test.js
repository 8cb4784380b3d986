// The basics in Firefox.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MODEL, makeConsumer, ROOT, serve } from "./consumer.js";
import { launchFirefox, noFirefox } from "./firefox.js";

const built = existsSync(join(ROOT, "dist/glossa-simd128.wasm")) && existsSync(MODEL);
const skip = built ? noFirefox : "dist or the model is missing";

test("the package in Firefox", { skip }, async (t) => {
  const browser = await launchFirefox();
  if (!browser) return t.skip("npm cannot get puppeteer-core");
  const consumer = await makeConsumer();
  consumer.write(
    "app.js",
    `import { modelCache, Translator } from "/node_modules/glossa/src/js/index.js";
globalThis.done = (async () => {
  const out = [];
  for (const worker of [true, false]) {
    const translator = await Translator.create({ model: new URL("/model.gguf", location.href), worker });
    let streamed = "";
    for await (const chunk of translator.translateStreaming("A dog runs.")) streamed += chunk;
    const translation = await translator.translate("A dog runs.");
    const abort = new AbortController();
    const long = translator.translate("A dog runs. ".repeat(500), { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    const aborted = await long.catch((error) => error.name);
    const { build, workers, notKept } = translator.info;
    out.push({ build, workers, notKept, streamed, translation, aborted });
    translator.destroy();
  }
  return { out, kept: (await modelCache.list()).length };
})();`,
  );
  const page = '<!doctype html><html lang="en"><title>x</title><script type="module" src="/app.js"></script></html>';
  const csp = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  const site = await serve(consumer.folder, { "content-security-policy": csp }, { "/": page });
  try {
    const opened = await browser.newPage();
    await opened.goto(site.url);
    await opened.waitForFunction("globalThis.done !== undefined");
    const { out, kept } = await opened.evaluate(() => /** @type {any} */ (globalThis).done);
    assert.equal(kept, 1);
    assert.deepEqual(
      out.map((/** @type {{workers: number}} */ { workers }) => workers),
      [1, 0],
    );
    for (const { translation, streamed, aborted, notKept, build } of out) {
      assert.match(translation, /^Ein Hund/);
      assert.equal(streamed, translation);
      assert.equal(aborted, "AbortError");
      assert.equal(notKept, "");
      assert.match(build, /^(simd128|relaxed)$/);
    }
  } finally {
    await browser.close();
    await site.close();
    consumer.remove();
  }
});
