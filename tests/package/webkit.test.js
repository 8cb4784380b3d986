// The package in WebKit, Safari's engine.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { MODEL, makeConsumer, ROOT, run, serve } from "./consumer.js";
import { ANSWER, noWebKit, onPath, openWebKit } from "./webkit.js";

const built = existsSync(join(ROOT, "dist/html.js")) && existsSync(MODEL);
const skip = !built ? "dist or the model is missing" : noWebKit || (onPath("openssl") ? false : "no openssl");

const APP = `import { modelCache, Translator } from "/node_modules/glossa/src/js/index.js";
import { install } from "/node_modules/glossa/src/js/polyfill.js";
const model = new URL("/model.gguf", location.href).href;
globalThis.done = (async () => {
  // The driver's sessions are private ones, whose caches go with the last who holds them: here that would be the worker.
  const held = await caches.open("glossa-models");
  const out = [];
  for (const worker of [true, false]) {
    const translator = await Translator.create({ model, worker });
    let streamed = "";
    for await (const chunk of translator.translateStreaming("A dog runs.")) streamed += chunk;
    const translation = await translator.translate("A dog runs.");
    const html = await translator.translateHTML("<p>A <b>dog</b> runs.</p>");
    const { sentences } = await translator.explain("A dog runs.");
    const scores = sentences[0].targetTokens.map(({ logProbability }) => logProbability);
    const cross = Array.from(sentences[0].cross.data);
    const abort = new AbortController();
    const long = translator.translate("A dog runs. ".repeat(300), { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    const aborted = await long.catch((error) => error.name);
    const { build, workers, notKept, noWorker } = translator.info;
    out.push({ build, workers, notKept, noWorker, streamed, translation, html, scores, cross, aborted });
    translator.destroy();
  }
  const kept = await modelCache.list();
  install({ force: true, manifest: { version: 1, models: [{ id: "en-de", source: "en", target: "de", url: model }] } });
  const pair = { sourceLanguage: "en", targetLanguage: "de" };
  const polyfill = [await globalThis.Translator.availability(pair)];
  const translator = await globalThis.Translator.create(pair);
  polyfill.push(await translator.translate("A dog runs."), translator instanceof globalThis.Translator);
  translator.destroy();
  await modelCache.clear();
  polyfill.push(await globalThis.Translator.availability(pair));
  return { out, kept, polyfill, left: (await held.keys()).length + (await modelCache.list()).length };
})();
globalThis.done.catch(() => {});
`;

test("the package in WebKit", { skip }, async () => {
  const home = mkdtempSync(join(tmpdir(), "glossa-webkit-"));
  const consumer = await makeConsumer();
  consumer.write("app.js", APP);
  const page = '<!doctype html><html lang="en"><title>x</title><script type="module" src="/app.js"></script></html>';
  const csp = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  // WebKitGTK takes no plain HTTP for secure, localhost's neither, and then has no cache for pages.
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", join(home, "key.pem"), "-out", join(home, "cert.pem")];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files]);
  const tls = { key: readFileSync(join(home, "key.pem")), cert: readFileSync(join(home, "cert.pem")) };
  const site = await serve(consumer.folder, { "content-security-policy": csp }, { "/": page }, tls);
  const browser = await openWebKit();
  try {
    await browser.goto(site.url);
    const answer = await browser.ask(ANSWER);
    assert.match(answer, /^\{/);
    const { out, kept, polyfill, left } = JSON.parse(answer);

    // The same bits as Node's simd128 build: WebKit has no relaxed SIMD.
    const translator = await Translator.create({ model: MODEL, build: "simd128", worker: false });
    const { sentences } = await translator.explain("A dog runs.");
    for (const [i, result] of out.entries()) {
      assert.equal(result.build, "simd128");
      assert.equal(result.workers, i === 0 ? 1 : 0, result.noWorker);
      assert.equal(result.notKept, "");
      assert.match(result.translation, /^Ein Hund/);
      assert.equal(result.streamed, result.translation);
      assert.equal(result.html, await translator.translateHTML("<p>A <b>dog</b> runs.</p>"));
      assert.deepEqual(
        result.scores,
        sentences[0].targetTokens.map(({ logProbability }) => logProbability),
      );
      assert.deepEqual(result.cross, Array.from(sentences[0].cross.data));
      assert.equal(result.aborted, "AbortError");
    }
    translator.destroy();
    assert.deepEqual([kept.length, kept[0].complete, left], [1, true, 0]);
    assert.deepEqual(polyfill, ["available", out[0].translation, true, "downloadable"]);
  } finally {
    await browser.close();
    await site.close();
    consumer.remove();
    rmSync(home, { recursive: true, force: true });
  }
});
