// The packed package in every JavaScript runtime that npm can install, in a server-side render, and in strict TypeScript
// without the types of Node.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MODEL, makeConsumer, ROOT, run, tool } from "./consumer.js";

const built = existsSync(join(ROOT, "dist/glossa-simd128.wasm")) ? false : "dist is not built";
const skip = built || (existsSync(MODEL) ? false : "models/en-de.gguf is not there");

const SCRIPT = `import { Translator } from "glossa";
const model = process.argv.at(-1);
const out = [];
for (const worker of [true, false]) {
  const translator = await Translator.create({ model, worker });
  let streamed = "";
  for await (const chunk of translator.translateStreaming("A dog runs.")) streamed += chunk;
  const abort = new AbortController();
  const long = translator.translate("A dog runs. ".repeat(500), { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  const aborted = await long.catch((error) => error.name);
  const { build, workers } = translator.info;
  out.push({ build, workers, streamed, aborted, translation: await translator.translate("A dog runs.") });
  if (worker) translator.destroy();
}
console.log(JSON.stringify(out)); // the one in place is not destroyed: nothing may keep the process alive
`;

/** @type {{name: string, tool: string | null, version: string, binary: (folder: string) => string, args: string[]}[]} */
const RUNTIMES = [
  { name: "this Node", tool: null, version: "", binary: () => process.execPath, args: [] },
  { name: "Node 22", tool: "node", version: "22", binary: (folder) => join(folder, "bin/node"), args: [] },
  { name: "Node 24", tool: "node", version: "24", binary: (folder) => join(folder, "bin/node"), args: [] },
  { name: "Bun", tool: "bun", version: "1", binary: (folder) => join(folder, "bin/bun.exe"), args: [] },
  {
    name: "Deno",
    tool: "deno",
    version: "2",
    binary: (folder) => join(folder, "deno"),
    args: ["run", "-A", "--no-lock"],
  },
];

describe("the package in other places", { skip }, () => {
  /** @type {Awaited<ReturnType<typeof makeConsumer>>} */
  let consumer;
  before(async () => {
    consumer = await makeConsumer();
    consumer.write("use.js", SCRIPT);
  });
  after(() => consumer?.remove());

  for (const runtime of RUNTIMES)
    test(runtime.name, async (t) => {
      const folder = runtime.tool ? await tool(runtime.tool, runtime.version) : "";
      if (folder === null) return t.skip(`npm cannot get ${runtime.tool}`);
      const binary = runtime.binary(folder);
      try {
        await run(binary, ["--version"]);
      } catch (error) {
        return t.skip(`it does not start here: ${/** @type {Error} */ (error).message.split("\n")[0]}`);
      }
      const results = JSON.parse(await run(binary, [...runtime.args, "use.js", MODEL], { cwd: consumer.folder }));
      assert.deepEqual(
        results.map((/** @type {{workers: number}} */ { workers }) => workers),
        [1, 0],
      );
      for (const { translation, streamed, aborted, build } of results) {
        assert.match(translation, /^Ein Hund/);
        assert.equal(streamed, translation);
        assert.equal(aborted, "AbortError");
        assert.match(build, /^(simd128|relaxed)$/);
      }
    });

  test("a server-side render: importing touches nothing of a page", async () => {
    consumer.write(
      "ssr.js",
      `for (const name of ["window", "document", "self", "navigator", "location", "localStorage", "caches", "Worker", "indexedDB"])
  Object.defineProperty(globalThis, name, { configurable: true, get() { throw new Error("touched " + name); } });
const { Translator, modelCache } = await import("glossa");
console.log(typeof Translator.create, typeof modelCache.list);`,
    );
    assert.equal(await run(process.execPath, ["ssr.js"], { cwd: consumer.folder }), "function function\n");
  });

  test("nothing but what exports names can be imported; the rest can", async () => {
    consumer.write(
      "exports.js",
      `for (const name of ["glossa/polyfill", "glossa/package.json", "glossa/glossa-simd128.wasm", "glossa/manifest.json", "glossa/worker", "glossa/engine"])
  import.meta.resolve(name);
await import("glossa/polyfill");
console.log(typeof globalThis.Translator, await import("glossa/src/js/core.js").catch((error) => error.code));`,
    );
    assert.equal(
      await run(process.execPath, ["exports.js"], { cwd: consumer.folder }),
      "function ERR_PACKAGE_PATH_NOT_EXPORTED\n",
    );
  });

  test("strict TypeScript that checks the declarations too and has no types of Node", async () => {
    consumer.write(
      "ts/use.ts",
      `import { Translator, modelCache, type Availability, type CreateOptions, type Explanation } from "glossa";
import { install } from "glossa/polyfill";
const options: CreateOptions = { sourceLanguage: "en", targetLanguage: "de", build: "simd128", pool: 2 };
const translator = await Translator.create(options);
const text: string = await translator.translate("A dog runs.", { beamSize: 4, preserve: ["urls"] });
for await (const chunk of translator.translateStreaming(text)) console.log(chunk.toUpperCase());
const explanation: Explanation = await translator.explain(text, { topK: 3, headMask: { cross: [[0, 1]] } });
const weights: Float32Array = explanation.sentences[0]!.cross.data;
const state: Availability = await Translator.availability({ sourceLanguage: "en", targetLanguage: "de" });
const batch: string[] = await translator.translateBatch(["a"], { onProgress: ({ done, total }) => console.log(done / total) });
console.log(weights.length, state, batch, translator.info.model.heads, await modelCache.list(), install({ force: true }));
translator[Symbol.dispose]();
// @ts-expect-error: a number is no text
translator.translate(3);
// @ts-expect-error: there is no such build
await Translator.create({ model: "m.gguf", build: "turbo" });
// @ts-expect-error: what is inside stays inside
translator.pool;
`,
    );
    for (const lib of [
      ["es2022", "dom", "dom.asynciterable"],
      ["esnext", "dom", "dom.asynciterable"],
    ]) {
      const compilerOptions = {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        module: "nodenext",
        target: "es2022",
        lib,
        types: [],
      };
      consumer.write("ts/tsconfig.json", JSON.stringify({ compilerOptions, files: ["use.ts"] }));
      await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", "ts"], { cwd: consumer.folder });
    }
  });
});
