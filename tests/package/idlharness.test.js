// The polyfill's interfaces against their Web IDL, by the Web Platform Tests' own idlharness.js, in Chromium.
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launchChromium, noBrowser } from "../web/browser.js";
import { makeConsumer, ROOT, serve, tool } from "./consumer.js";

const built = existsSync(join(ROOT, "dist/glossa-simd128.wasm")) ? false : "dist is not built";

test("idlharness: Translator and CreateMonitor", { skip: noBrowser || built }, async (t) => {
  const runner = await tool("wpt-runner", "5");
  const idl = await tool("@webref/idl", "3");
  if (!runner || !idl) return t.skip("npm cannot get wpt-runner and @webref/idl");
  const consumer = await makeConsumer();
  const harness = join(runner, "testharness");
  const scripts = ["testharness.js", "webidl2/lib/webidl2.js", "idlharness.js"];
  cpSync(harness, consumer.path("harness"), { recursive: true });
  cpSync(join(ROOT, "tests/golden/hello/en-ja.gguf"), consumer.path("en-ja.gguf"));
  const read = (/** @type {string} */ name) => JSON.stringify(readFileSync(join(idl, name), "utf8"));
  consumer.write(
    "idl.js",
    `import { install } from "/node_modules/glossa/src/js/polyfill.js";
setup({ explicit_done: true });
const results = [];
add_result_callback(({ name, status, message }) => results.push({ name, status, message }));
globalThis.ended = new Promise((resolve) => add_completion_callback(() => resolve(results)));
const url = new URL("/en-ja.gguf", location.href).href;
install({ force: true, manifest: { version: 1, models: [{ id: "hello", source: "en", target: "ja", url }] } });
globalThis.start = async () => {
  globalThis.translator = await Translator.create({
    sourceLanguage: "en",
    targetLanguage: "ja",
    monitor: (monitor) => { globalThis.createMonitor = monitor; },
  });
  const idl = new IdlArray();
  idl.add_idls(${read("translation-api.idl")}, { only: ["Translator", "TranslatorCreateCoreOptions", "TranslatorCreateOptions", "TranslatorTranslateOptions"] });
  idl.add_idls(${read("writing-assistance-apis.idl")}, { only: ["CreateMonitor", "CreateMonitorCallback", "Availability", "DestroyableModel"] });
  idl.add_untested_idls("[Exposed=*] interface EventTarget {}; [Exposed=*] interface AbortSignal : EventTarget {}; [Exposed=*] interface ReadableStream {}; [LegacyTreatNonObjectAsNull] callback EventHandlerNonNull = any (any event); typedef EventHandlerNonNull? EventHandler;");
  idl.add_objects({ Translator: ["translator"], CreateMonitor: ["createMonitor"] });
  idl.test();
  done();
};
globalThis.ready = true;`,
  );
  const tags = scripts.map((name) => `<script src="/harness/${name}"></script>`).join("");
  const site = await serve(
    consumer.folder,
    {},
    {
      "/": `<!doctype html><html lang="en"><title>idl</title>${tags}<script type="module" src="/idl.js"></script><button>start</button></html>`,
    },
  );
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => "ready" in globalThis);
    // a click's gesture is there, for evaluate() grants one
    const results = await page.evaluate(async () => {
      const realm = /** @type {any} */ (globalThis);
      await realm.start();
      return /** @type {{name: string, status: number, message: string}[]} */ (await realm.ended);
    });
    t.diagnostic(`${results.length} subtests`);
    assert.ok(results.length > 35, JSON.stringify(results));
    assert.deepEqual(
      results.filter(({ status }) => status !== 0),
      [],
    );
  } finally {
    await browser.close();
    await site.close();
    consumer.remove();
  }
});
