// The lab and what learns from corrections, from the packed package: in plain Chromium under a strict policy, from another
// origin, through Vite and esbuild, in Firefox, in WebKit and in Node. A network learns for some steps in a worker; a translator is corrected.
import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launchChromium, noBrowser } from "../web/browser.js";
import { bundleApart, MODEL, makeConsumer, ROOT, run, serve, tool } from "./consumer.js";
import { launchFirefox, noFirefox } from "./firefox.js";
import { ANSWER, noWebKit, openWebKit } from "./webkit.js";

const built = existsSync(join(ROOT, "dist/glossa-lab.wasm")) ? false : "dist is not built";
const skip = built || (existsSync(MODEL) ? false : "models/en-de.gguf is not there");
const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** @param {string[]} from where the package and its lab are @param {string} model @param {{ engine?: string, lab?: string }} [wasm] as options */
const app = ([glossa, lab], model, wasm = {}) => `import { Translator } from "${glossa}";
import { Lab } from "${lab}";
globalThis.done = (async () => {
  const lab = await Lab.create({ task: "reverse", seed: 7, network: { width: 32, heads: 2, feedForward: 64 }, training: { batch: 8 }, threads: 2${wasm.lab ?? ""} });
  const losses = [];
  for await (const { loss } of lab.train({ steps: 20, every: 10, heldOut: 0 })) losses.push(loss);
  const { arrays } = await lab.inspect("4815");
  const small = await Translator.create({ model: await lab.save()${wasm.engine ?? ""} });
  const written = [await small.translate("4815"), await lab.predict("4815")];
  lab.destroy();
  small.destroy();
  const translator = await Translator.create({ model: ${model}${wasm.engine ?? ""} });
  const source = "The bottle is almost empty.";
  const before = await translator.translate(source);
  const target = before.replace("Flasche", "Kanne");
  const lesson = await translator.learn([{ source, target }]);
  const learned = (await translator.translate(source)) === target;
  await lesson.undo();
  const undone = (await translator.translate(source)) === before;
  const { workers } = translator.info;
  translator.destroy();
  return { losses, names: Object.keys(arrays), written, changed: before !== target, learned, undone, workers };
})();
globalThis.done.catch((error) => console.error(error.name + ": " + error.message));
`;
const IMPORTED = ["glossa", "glossa/lab"];

const page = (/** @type {string} */ script) =>
  `<!doctype html><html lang="en"><title>lab</title><script type="module" src="${script}"></script></html>`;

/** @param {any} result */
function assertWorks(result) {
  const { losses, names, written, ...facts } = result;
  assert.ok(losses.length === 2 && losses[1] < losses[0], `${losses}`);
  assert.ok(names.includes("dec.blk.0.cross_attn"), `${names}`);
  assert.match(written[0], /^[0-9]+$/);
  assert.equal(written[1], written[0], "the lab decodes as the engine does, though it has hardly learnt");
  assert.deepEqual(facts, { changed: true, learned: true, undone: true, workers: 1 });
}

describe("the lab from the package", { skip }, () => {
  /** @type {Awaited<ReturnType<typeof makeConsumer>>} */
  let consumer;
  /** @type {import("playwright-core").Browser | undefined} */
  let browser;
  before(async () => {
    consumer = await makeConsumer();
    if (!noBrowser) browser = await launchChromium(["--host-resolver-rules=MAP glossa.test 127.0.0.1"]);
  });
  after(async () => {
    await browser?.close();
    consumer?.remove();
  });

  /** @param {string} url */
  async function open(url) {
    const context = await /** @type {import("playwright-core").Browser} */ (browser).newContext();
    try {
      const opened = await context.newPage();
      /** @type {string[]} */
      const faults = [];
      opened.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      opened.on("pageerror", (error) => faults.push(String(error)));
      await opened.goto(url);
      const result = await opened
        .evaluate(() => /** @type {any} */ (globalThis).done)
        .catch((error) => assert.fail(`${error}\n${faults.join("\n")}`));
      assert.deepEqual(faults, []);
      return result;
    } finally {
      await context.close();
    }
  }

  const PLAIN = ["/node_modules/glossa/src/js/index.js", "/node_modules/glossa/src/js/lab/index.js"];
  const IN_PAGE = 'new URL("/model.gguf", location.href)';

  test("in Node", async () => {
    const print = "console.log(JSON.stringify(await globalThis.done));\n";
    consumer.write("node.js", app(IMPORTED, JSON.stringify(MODEL)) + print);
    const out = await run(process.execPath, ["node.js"], { cwd: consumer.folder });
    assertWorks(JSON.parse(out.trim().split("\n").at(-1) ?? ""));
  });

  test("in Chromium under a strict Content Security Policy", { skip: noBrowser }, async () => {
    consumer.write("plain.js", app(PLAIN, IN_PAGE));
    const site = await serve(consumer.folder, { "content-security-policy": CSP }, { "/": page("/plain.js") });
    assertWorks(await open(site.url));
    await site.close();
  });

  test("from another origin, as from a CDN", { skip: noBrowser }, async () => {
    const cdn = await serve(consumer.folder, { "access-control-allow-origin": "*" });
    consumer.write(
      "foreign.js",
      app(
        PLAIN.map((path) => `${cdn.url}${path}`),
        IN_PAGE,
      ),
    );
    const site = await serve(consumer.folder, {}, { "/": page("/foreign.js") });
    assertWorks(await open(site.url));
    await site.close();
    await cdn.close();
  });

  test("bundled by Vite", { skip: noBrowser }, async (t) => {
    const vite = await tool("vite", "7");
    if (!vite) return t.skip("npm cannot get vite");
    consumer.write("vite/app.js", app(IMPORTED, IN_PAGE));
    consumer.write("vite/index.html", page("./app.js"));
    const args = [join(vite, "bin/vite.js"), "build", "--logLevel", "warn", "--base", "./"];
    await run(process.execPath, args, { cwd: consumer.path("vite") });
    const site = await serve(consumer.path("vite/dist"));
    assertWorks(await open(`${site.url}/index.html`));
    await site.close();
  });

  test("bundled by esbuild", { skip: noBrowser }, async () => {
    const file = (/** @type {string} */ name) => `new URL("../wasm/glossa-${name}.wasm", import.meta.url)`;
    const engine = `, wasm: { simd128: ${file("simd128")}, relaxed: ${file("relaxed")}, lab: ${file("lab")} }`;
    consumer.write("es/app.js", app(IMPORTED, IN_PAGE, { engine, lab: `, wasm: ${file("lab")}` }));
    const workers = { worker: "glossa/worker", "lab-worker": "glossa/lab/worker" };
    await bundleApart(consumer, { app: "es/app.js", ...workers });
    const dist = consumer.path("node_modules/glossa/dist");
    for (const name of ["simd128", "relaxed", "lab"])
      cpSync(join(dist, `glossa-${name}.wasm`), consumer.path(`es/dist/wasm/glossa-${name}.wasm`));
    for (const name of ["learn.js", "engine.js"]) cpSync(join(dist, name), consumer.path("es/dist/dist", name));
    cpSync(MODEL, consumer.path("es/dist/model.gguf"));
    const site = await serve(consumer.path("es/dist"), {}, { "/": page("/js/app.js") });
    assertWorks(await open(site.url));
    await site.close();
  });

  test("in Firefox", { skip: noFirefox }, async (t) => {
    const firefox = await launchFirefox();
    if (!firefox) return t.skip("npm cannot get puppeteer-core");
    consumer.write("firefox.js", app(PLAIN, IN_PAGE));
    const site = await serve(consumer.folder, { "content-security-policy": CSP }, { "/": page("/firefox.js") });
    try {
      const opened = await firefox.newPage();
      await opened.goto(site.url);
      await opened.waitForFunction("globalThis.done !== undefined");
      assertWorks(await opened.evaluate(() => /** @type {any} */ (globalThis).done));
    } finally {
      await firefox.close();
      await site.close();
    }
  });

  test("in WebKit", { skip: noWebKit }, async () => {
    consumer.write("webkit.js", app(PLAIN, IN_PAGE));
    const site = await serve(consumer.folder, { "content-security-policy": CSP }, { "/": page("/webkit.js") });
    const webkit = await openWebKit();
    try {
      await webkit.goto(site.url);
      assertWorks(JSON.parse(await webkit.ask(ANSWER)));
    } finally {
      await webkit.close();
      await site.close();
    }
  });
});
