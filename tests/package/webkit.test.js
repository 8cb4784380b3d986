// The package in WebKit, Safari's engine: WebKitGTK through its WebDriver (Debian: webkit2gtk-driver, xvfb), spoken to
// directly, for it takes three commands.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { Translator } from "../../src/js/index.js";
import { freePort, MODEL, makeConsumer, ROOT, run, serve, startServer } from "./consumer.js";

const folders = (process.env.PATH ?? "").split(delimiter);
const onPath = (/** @type {string} */ name) => folders.map((folder) => join(folder, name)).find(existsSync);
const driver = onPath("WebKitWebDriver");
const screen = onPath("Xvfb");
const built = existsSync(join(ROOT, "dist/html.js")) && existsSync(MODEL);
const tools = driver && screen && onPath("openssl");
const skip = !built ? "dist or the model is missing" : tools ? false : "no WebKitWebDriver, Xvfb or openssl";

/** The plain browser that comes with the engine's library. */
function miniBrowser() {
  const libraries = readdirSync("/usr/lib").map((name) => join("/usr/lib", name));
  const places = libraries.flatMap((folder) => ["4.1", "4.0"].map((v) => join(folder, `webkit2gtk-${v}/MiniBrowser`)));
  return places.find(existsSync);
}

/** @returns {Promise<{display: string, stop: () => void}>} a screen that nobody sees */
async function openScreen() {
  const child = spawn(String(screen), ["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [number] = await new Promise((resolve) =>
    child.stdout.once("data", (/** @type {Buffer} */ text) => resolve(String(text).split("\n"))),
  );
  return { display: `:${number}`, stop: () => child.kill() };
}

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

test("the package in WebKit", { skip }, async (t) => {
  const binary = miniBrowser();
  if (!binary) return t.skip("webkit2gtk has no MiniBrowser here");
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
  const display = await openScreen();
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    ...{ DISPLAY: display.display, HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home },
    ...{ LIBGL_ALWAYS_SOFTWARE: "1", GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" },
  };
  const server = await startServer(String(driver), [`--port=${port}`], `${base}/status`, { env });
  /** @param {string} path @param {unknown} body */
  const command = async (path, body) => {
    const response = await fetch(`${base}/session${path}`, { method: "POST", body: JSON.stringify(body) });
    const { value } = /** @type {{value: any}} */ (await response.json());
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  try {
    const browserOptions = { binary, args: ["--automation"] };
    const timeouts = { script: 240_000 };
    const { sessionId } = await command("", {
      capabilities: {
        alwaysMatch: { "webkitgtk:browserOptions": browserOptions, acceptInsecureCerts: true, timeouts },
      },
    });
    await command(`/${sessionId}/url`, { url: site.url });
    const script = `const reply = arguments[0];
const wait = () => globalThis.done
  ? globalThis.done.then((result) => reply(JSON.stringify(result)), (error) => reply(error.name + ": " + error.message))
  : setTimeout(wait, 50);
wait();`;
    const answer = await command(`/${sessionId}/execute/async`, { script, args: [] });
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
    await server.stop();
    display.stop();
    await site.close();
    consumer.remove();
    rmSync(home, { recursive: true, force: true });
  }
});
