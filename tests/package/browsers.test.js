// The packed package in Chromium: from a plain script, through bundlers, from another origin, under a strict Content
// Security Policy, cross-origin isolated, offline, and in how many bytes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { findChromium, launchChromium, noBrowser } from "../web/browser.js";
import { bundleApart, MODEL, makeConsumer, ROOT, run, serve, tool } from "./consumer.js";

const built = existsSync(join(ROOT, "dist/glossa-simd128.wasm")) ? false : "dist is not built";
const skip = noBrowser || built || (existsSync(MODEL) ? false : "models/en-de.gguf is not there");

const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** The script of a page: translates, streams, explains, and tells what it saw. @param {string} from @param {string} [options] */
const app = (from, options = "") => `import { Translator } from ${JSON.stringify(from)};
globalThis.done = (async () => {
  let longest = 0, last = performance.now(), ticking = true;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (ticking) channel.port2.postMessage(0);
  };
  const translator = await Translator.create({ model: new URL("/model.gguf", location.href), ${options} });
  const translation = await translator.translate("A dog runs.");
  let streamed = "";
  for await (const chunk of translator.translateStreaming("A dog runs.")) streamed += chunk;
  const { sentences } = await translator.explain("A dog runs.");
  const { build, workers } = translator.info;
  const files = () => performance.getEntriesByType("resource").length;
  const text = files();
  const html = await translator.translateHTML("<p>A <b>dog</b> runs.</p>");
  const chunks = files() - text;
  translator.destroy();
  ticking = false;
  return { translation, html, chunks, streamed, cells: sentences[0].cross.data.length, build, workers, isolated: globalThis.crossOriginIsolated };
})();
globalThis.done.catch((error) => console.error(error.name + ": " + error.message));
`;

const page = (/** @type {string} */ script, base = "") =>
  `<!doctype html><html lang="en"><title>consumer</title>${base}<script type="module" src="${script}"></script></html>`;

/** A browser with a profile, which extensions want. @param {string} profile @param {string[]} args */
const launchProfile = (profile, args) =>
  chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    headless: false,
    ignoreDefaultArgs: ["--disable-extensions"],
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", ...args],
  });

describe("the package in Chromium", { skip }, () => {
  /** @type {Awaited<ReturnType<typeof makeConsumer>>} */
  let consumer;
  /** @type {import("playwright-core").Browser} */
  let browser;
  before(async () => {
    consumer = await makeConsumer();
    browser = await launchChromium(["--host-resolver-rules=MAP glossa.test 127.0.0.1"]);
  });
  after(async () => {
    await browser?.close();
    consumer?.remove();
  });

  /**
   * Opens a page and gives what its script made.
   * @param {string} url
   * @param {(page: import("playwright-core").Page) => Promise<any>} [use]
   * @param {RegExp} [expected] complaints of the browser that belong to the case
   */
  async function open(
    url,
    use = (opened) => opened.evaluate(() => /** @type {any} */ (globalThis).done),
    expected = /^$/,
  ) {
    const context = await browser.newContext();
    const opened = await context.newPage();
    /** @type {string[]} */
    const faults = [];
    opened.on(
      "console",
      (message) => message.type() === "error" && !expected.test(message.text()) && faults.push(message.text()),
    );
    opened.on("pageerror", (error) => faults.push(String(error)));
    try {
      await opened.goto(url);
      const result = await use(opened);
      assert.deepEqual(faults, []);
      return result;
    } catch (error) {
      throw new Error(`${/** @type {Error} */ (error).message}\n${faults.join("\n")}`);
    } finally {
      await context.close();
    }
  }

  /** @param {any} result @param {number} [workers] @param {number} [chunks] files that HTML is loaded with */
  function assertWorks(result, workers = 1, chunks = 1) {
    assert.match(result.translation, /^Ein Hund/);
    assert.match(result.html, /^<p>Ein <b>Hund<\/b> /);
    assert.equal(result.chunks, chunks);
    assert.equal(result.streamed, result.translation);
    assert.ok(result.cells > 0);
    assert.equal(result.workers, workers);
    assert.equal(result.build, "relaxed");
  }

  test("a plain module script, under a strict Content Security Policy", async () => {
    consumer.write("plain.js", app("/node_modules/glossa/src/js/index.js"));
    const site = await serve(consumer.folder, { "content-security-policy": CSP }, { "/": page("/plain.js") });
    assertWorks(await open(site.url));
    await site.close();
  });

  test("cross-origin isolated, under a sub-path", async () => {
    consumer.write("deep/down/plain.js", app("../../node_modules/glossa/src/js/index.js"));
    const site = await serve(consumer.folder, ISOLATED, { "/deep/down/": page("plain.js") });
    const result = await open(`${site.url}/deep/down/`);
    assertWorks(result);
    assert.equal(result.isolated, true);
    await site.close();
  });

  test("from another origin, as from a CDN", async () => {
    const cdn = await serve(consumer.folder, { "access-control-allow-origin": "*" });
    consumer.write("cdn.js", app(`${cdn.url}/node_modules/glossa/src/js/index.js`));
    const site = await serve(consumer.folder, {}, { "/": page("/cdn.js") });
    assertWorks(await open(site.url));
    await site.close();
    await cdn.close();
  });

  test("in place; and in place by itself where no worker may start", async () => {
    consumer.write("inplace.js", app("/node_modules/glossa/src/js/index.js", "worker: false"));
    consumer.write("noworker.js", app("/node_modules/glossa/src/js/index.js"));
    const pages = { "/": page("/inplace.js") };
    const site = await serve(consumer.folder, {}, pages);
    assertWorks(await open(site.url), 0);
    await site.close();
    const strict = await serve(
      consumer.folder,
      { "content-security-policy": `${CSP}; worker-src 'none'` },
      { "/": page("/noworker.js") },
    );
    assertWorks(await open(strict.url, undefined, /Content Security Policy/), 0);
    await strict.close();
  });

  test("the cache: offline after the first load, listed and deleted", async () => {
    consumer.write(
      "cache.js",
      `import { modelCache, Translator } from "/node_modules/glossa/src/js/index.js";
const model = new URL("/model.gguf", location.href).href;
globalThis.load = async (where) => {
  const worker = where === "worker";
  const seen = [];
  const monitor = (m) => m.addEventListener("downloadprogress", (e) => seen.push(e.loaded));
  const translator = await Translator.create({ model, worker, monitor });
  const translation = await translator.translate("A dog runs.");
  translator.destroy();
  return { translation, first: seen[0], last: seen.at(-1), count: seen.length };
};
globalThis.list = () => modelCache.list();
globalThis.clear = () => modelCache.clear();
globalThis.done = Promise.resolve();
`,
    );
    const site = await serve(consumer.folder, {}, { "/": page("/cache.js") });
    await open(
      site.url,
      async (opened) => {
        const call = (/** @type {string} */ name, argument = "") =>
          opened.evaluate(([key, value]) => /** @type {any} */ (globalThis)[key](value), [name, argument]);
        let downloads = 0;
        opened.context().on("request", (request) => {
          if (request.url().endsWith(".gguf") && request.method() === "GET") downloads++;
        });
        const first = await call("load");
        assert.match(first.translation, /^Ein Hund/);
        assert.deepEqual([first.first, first.last], [0, 1]);
        assert.ok(first.count > 2);
        const [record] = await call("list");
        assert.equal(record.complete, true);
        assert.equal(record.bytes, readFileSync(MODEL).length);
        await call("load", "worker");
        assert.equal(downloads, 1, "the second load is from the cache");
        await site.close();
        assert.match((await call("load")).translation, /^Ein Hund/);
        await call("clear");
        assert.deepEqual(await call("list"), []);
      },
      /ERR_CONNECTION_REFUSED/,
    );
  });

  test("a service worker: no workers in there, so in place; the engine and HTML by imports of their own", async () => {
    consumer.write(
      "sw.js",
      `import { Translator } from "/node_modules/glossa/src/js/index.js";
import "/node_modules/glossa/dist/engine.js";
import "/node_modules/glossa/dist/html.js";
addEventListener("message", (event) => event.waitUntil((async () => {
  const translator = await Translator.create({ model: new URL("/model.gguf", location.href) });
  const html = await translator.translateHTML("<p>A <b>dog</b> runs.</p>");
  const translation = await translator.translate("A dog runs.");
  event.ports[0].postMessage({ translation, html, workers: translator.info.workers });
})()));`,
    );
    consumer.write(
      "register.js",
      `globalThis.done = (async () => {
  await navigator.serviceWorker.register("/sw.js", { type: "module" });
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  active.postMessage(0, [port2]);
  return new Promise((resolve) => { port1.onmessage = (event) => resolve(event.data); });
})();`,
    );
    const site = await serve(consumer.folder, {}, { "/": page("/register.js") });
    const { translation, html, workers } = await open(site.url);
    assert.match(translation, /^Ein Hund/);
    assert.match(html, /^<p>Ein <b>Hund<\/b> /);
    assert.equal(workers, 0);
    await site.close();
  });

  test("a page of a browser extension", async () => {
    const manifest = {
      manifest_version: 3,
      name: "consumer",
      version: "1",
      content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'" },
    };
    consumer.write("extension/manifest.json", JSON.stringify(manifest));
    consumer.write("extension/page.html", page("page.js"));
    consumer.write("extension/page.js", app("./glossa/src/js/index.js"));
    cpSync(consumer.path("node_modules/glossa"), consumer.path("extension/glossa"), {
      recursive: true,
      filter: (name) => !name.includes("dist/site"),
    });
    cpSync(MODEL, consumer.path("extension/model.gguf"));
    const folder = consumer.path("extension");
    // An extension's id is a digest of its path: half a SHA-256 in the letters a to p.
    const digest = createHash("sha256").update(folder).digest("hex").slice(0, 32);
    const id = digest.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
    const context = await launchProfile(consumer.path("profile"), [
      `--load-extension=${folder}`,
      `--disable-extensions-except=${folder}`,
    ]);
    try {
      const opened = await context.newPage();
      await opened.goto(`chrome-extension://${id}/page.html`);
      // the browser does not list what an extension loads
      assertWorks(await opened.evaluate(() => /** @type {any} */ (globalThis).done), 1, 0);
    } finally {
      await context.close();
    }
  });

  test("plain HTTP from another machine, where nothing may be stored", async () => {
    consumer.write(
      "http.js",
      app("/node_modules/glossa/src/js/index.js").replace(
        "const { build, workers }",
        "globalThis.secure = [isSecureContext, translator.info.notKept];\n  const { build, workers }",
      ),
    );
    const site = await serve(consumer.folder, {}, { "/": page("/http.js") });
    await open(site.url.replace("localhost", "glossa.test"), async (opened) => {
      assertWorks(await opened.evaluate(() => /** @type {any} */ (globalThis).done));
      const [secure, notKept] = await opened.evaluate(() => /** @type {any} */ (globalThis).secure);
      assert.equal(secure, false);
      assert.match(notKept, /HTTPS/);
    });
    await site.close();
  });

  test("the page never waits long for the engine, even in place", async () => {
    consumer.write(
      "responsive.js",
      `import { Translator } from "/node_modules/glossa/src/js/index.js";
globalThis.done = (async () => {
  const translator = await Translator.create({ model: new URL("/model.gguf", location.href), worker: false });
  await translator.translate("A dog runs through the grass.");
  let turns = 0, ticking = true;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { turns++; if (ticking) setTimeout(() => channel.port2.postMessage(0)); };
  channel.port2.postMessage(0);
  const start = performance.now();
  await translator.translate("A dog runs through the green grass. ".repeat(60));
  ticking = false;
  return { turns, time: performance.now() - start };
})();`,
    );
    const site = await serve(consumer.folder, {}, { "/": page("/responsive.js") });
    const { turns, time } = await open(site.url);
    assert.ok(turns > 10, `${turns} turns of the page's own in ${time} ms`);
    await site.close();
  });

  test("bundled and minified by esbuild: what is downloaded for texts, gzipped, and what comes on demand", async (t) => {
    const wasm = 'wasm: { simd128: "/wasm/glossa-simd128.wasm", relaxed: "/wasm/glossa-relaxed.wasm" }';
    consumer.write("es/app.js", app("glossa", wasm));
    consumer.write("es/inplace.js", app("glossa", `worker: false, ${wasm}`));
    // Each in one file, as where nothing tells esbuild to share: this is the most that is downloaded.
    await bundleApart(consumer, { app: "es/app.js", inplace: "es/inplace.js", worker: "glossa/worker" });
    const parts = ["engine.js", "html.js", "messages.js", "registry.js", "converter.js", "catalogue.js", "learn.js"];
    for (const name of ["glossa-simd128.wasm", "glossa-relaxed.wasm"])
      cpSync(consumer.path("node_modules/glossa/dist", name), consumer.path("es/dist/wasm", name));
    for (const name of parts)
      cpSync(consumer.path("node_modules/glossa/dist", name), consumer.path("es/dist/dist", name));
    const gzipped = (/** @type {string} */ name) =>
      gzipSync(readFileSync(consumer.path("es/dist", name)), { level: 9 }).length;
    const sizes = {
      scripts: gzipped("js/app.js") + gzipped("js/worker.js"),
      wasm: Math.max(gzipped("wasm/glossa-simd128.wasm"), gzipped("wasm/glossa-relaxed.wasm")),
      engine: gzipped("dist/engine.js"),
      html: gzipped("dist/html.js"),
      messages: gzipped("dist/messages.js"),
      registry: gzipped("dist/registry.js"),
      converter: gzipped("dist/converter.js"),
      catalogue: gzipped("dist/catalogue.js"),
      learn: gzipped("dist/learn.js"),
    };
    t.diagnostic(`gzipped: ${JSON.stringify(sizes)}`);
    const texts = { scripts: 46_000, wasm: 54_000, engine: 30_000, html: 60_000, messages: 35_000 };
    const most = { ...texts, registry: 15_000, converter: 35_000, catalogue: 12_000, learn: 30_000 };
    for (const [name, limit] of Object.entries(most))
      assert.ok(sizes[/** @type {keyof typeof sizes} */ (name)] <= limit, `${name}: ${JSON.stringify(sizes)}`);
    for (const [script, workers] of /** @type {const} */ ([
      ["app", 1],
      ["inplace", 0],
    ])) {
      const pages = { "/": page(`/js/${script}.js`) };
      const site = await serve(consumer.path("es/dist"), { "content-security-policy": CSP }, pages);
      assertWorks(await open(site.url), workers);
      await site.close();
    }
  });

  test("bundled by Vite", async (t) => {
    const vite = await tool("vite", "7");
    if (!vite) return t.skip("npm cannot get vite");
    consumer.write("vite/app.js", app("glossa"));
    consumer.write("vite/index.html", page("./app.js"));
    await run(process.execPath, [join(vite, "bin/vite.js"), "build", "--logLevel", "warn", "--base", "./"], {
      cwd: consumer.path("vite"),
    });
    const site = await serve(consumer.path("vite/dist"));
    assertWorks(await open(`${site.url}/index.html`));
    await site.close();
  });

  test("bundled by Vite into a worker of the page's own, which must be one file", async (t) => {
    const vite = await tool("vite", "7");
    if (!vite) return t.skip("npm cannot get vite");
    consumer.write("vite-worker/task.js", `${app("glossa")}globalThis.done.then((result) => postMessage(result));\n`);
    consumer.write(
      "vite-worker/app.js",
      `const worker = new Worker(new URL("./task.js", import.meta.url), { type: "module" });
globalThis.done = new Promise((resolve) => { worker.onmessage = (event) => resolve(event.data); });`,
    );
    consumer.write("vite-worker/index.html", page("./app.js"));
    await run(process.execPath, [join(vite, "bin/vite.js"), "build", "--logLevel", "warn", "--base", "./"], {
      cwd: consumer.path("vite-worker"),
    });
    const site = await serve(consumer.path("vite-worker/dist"));
    assertWorks(await open(`${site.url}/index.html`));
    await site.close();
  });

  test("bundled by webpack", async (t) => {
    const webpack = await tool("webpack", "5");
    if (!webpack) return t.skip("npm cannot get webpack");
    consumer.write("webpack/app.js", app("glossa"));
    consumer.write(
      "webpack/build.cjs",
      `const webpack = require(${JSON.stringify(webpack)});
webpack({ mode: "production", context: __dirname, entry: "./app.js", output: { path: __dirname + "/dist", publicPath: "auto" } }, (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) {
    console.error(error ?? stats.toString());
    process.exit(1);
  }
});`,
    );
    await run(process.execPath, [consumer.path("webpack/build.cjs")], { cwd: consumer.path("webpack") });
    assert.ok(readdirSync(consumer.path("webpack/dist")).some((name) => name.endsWith(".wasm")));
    const site = await serve(consumer.path("webpack/dist"), {}, { "/": page("/main.js") });
    assertWorks(await open(site.url));
    await site.close();
  });
});
