// The packed package where people work: bundlers, frameworks, test runners and runtimes, each as a clean project with
// the real tool. Those that take long to install are in `npm run soak` only.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { launchChromium, noBrowser } from "../web/browser.js";
import { freePort, MODEL, makeConsumer, ROOT, run, serve, startServer } from "./consumer.js";

/** @typedef {Awaited<ReturnType<typeof makeConsumer>>} Project */

const built = existsSync(join(ROOT, "dist/glossa-inline.js")) ? false : "dist is not built";
const skip = built || (existsSync(MODEL) ? false : "models/en-de.gguf is not there");
const long = process.env.GLOSSA_SOAK ? false : "it installs for long: npm run soak";
const CORS = { "access-control-allow-origin": "*" };
const NODE = process.execPath;

/** What every page and program does. @param {string} model @param {{options?: string, html?: boolean}} [how] */
const work = (model, { options = "", html = true } = {}) => `(async () => {
  const translator = await Translator.create({ model: ${model}, ${options} });
  let streamed = "";
  for await (const chunk of translator.translateStreaming("A dog runs.")) streamed += chunk;
  const translation = await translator.translate("A dog runs.");
  const html = ${html ? 'await translator.translateHTML("<p>A <b>dog</b> runs.</p>")' : undefined};
  const { build, workers, noWorker } = translator.info;
  translator.destroy();
  return { translation, streamed, html, build, workers, noWorker };
})()`;

/** How the package is imported: the one in one file gets its part for HTML by hand. @param {string} from */
const importing = (from) =>
  `import { Translator } from "${from}";${from === "glossa/inline" ? '\nimport "glossa/html";' : ""}\n`;

const PRINT = "then((result) => console.log(JSON.stringify(result)));\n";

/** A program for Node and its like, which is given the model's path. @param {string} from */
const program = (from) => `${importing(from)}${work("process.argv.at(-1)")}.${PRINT}`;

/** The same in CommonJS, for texts. */
const required = `const { Translator } = require("glossa/inline");\n${work("process.argv.at(-1)", { html: false })}.${PRINT}`;

const page = (/** @type {string} */ script, type = "module") =>
  `<!doctype html><html lang="en"><title>x</title><script type="${type}" src="${script}"></script></html>`;

/** @param {any} result @param {number} [workers] */
function assertWorks(result, workers = 1) {
  assert.match(result.translation, /^Ein Hund/);
  assert.equal(result.streamed, result.translation);
  if (result.html !== undefined) assert.match(result.html, /^<p>Ein <b>Hund<\/b> /);
  assert.equal(result.workers, workers, result.noWorker);
}

/** Runs a program with the model's path. @param {Project} project @param {string} command @param {string[]} args */
const outcome = async (project, command, args) =>
  JSON.parse((await run(command, [...args, MODEL], { cwd: project.folder })).trim().split("\n").at(-1) ?? "");

describe("the package where people work", { skip }, () => {
  /** @type {Awaited<ReturnType<typeof serve>>} has the model for pages of any origin */
  let models;
  /** @type {import("playwright-core").Browser | undefined} */
  let browser;
  before(async () => {
    models = await serve(ROOT, CORS);
    if (!noBrowser) browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await models?.close();
  });

  /** The script of a page, which works in its own thread where the address ends in "?here". @param {string} from */
  const app = (from, html = true) =>
    `${importing(from)}globalThis.done = ${work(`"${models.url}/model.gguf"`, { options: 'worker: location.search !== "?here"', html })};\n`;

  /** Opens a page and gives what its script made, or the error that it met. @param {string} url */
  async function open(url) {
    const context = await /** @type {import("playwright-core").Browser} */ (browser).newContext();
    try {
      const opened = await context.newPage();
      /** @type {string[]} */
      const seen = [];
      opened.on("console", (message) => seen.push(message.text()));
      opened.on("pageerror", (error) => seen.push(String(error)));
      await opened.goto(url);
      await opened
        .waitForFunction(() => "done" in globalThis, undefined, { timeout: 60_000 })
        .catch((error) => assert.fail(`${error}\n${seen.join("\n")}`));
      const result = await opened.evaluate(() =>
        /** @type {any} */ (globalThis).done.catch((/** @type {Error} */ error) => `${error.name}: ${error.message}`),
      );
      return { result, seen: seen.join("\n") };
    } finally {
      await context.close();
    }
  }

  /** Texts and HTML, in a worker and in place. @param {string} url */
  async function assertPage(url) {
    for (const [place, workers] of /** @type {[string, number][]} */ ([
      ["", 1],
      ["?here", 0],
    ])) {
      const { result, seen } = await open(`${url}${place}`);
      assert.equal(typeof result, "object", `${place} ${result}\n${seen}`);
      assertWorks(result, workers);
    }
  }

  /** @param {string} folder @param {string} script @param {Record<string, string>} [headers] */
  async function assertServed(folder, script, headers, type = "module") {
    const site = await serve(folder, headers, { "/": page(script, type) });
    await assertPage(site.url).finally(site.close);
  }

  /** @typedef {(project: Project, t: import("node:test").TestContext) => Promise<unknown>} Use */

  /**
   * A test in a project of its own.
   * @param {string} name
   * @param {string[]} packages from npm
   * @param {Use} use
   * @param {{skip?: string | false}} [options]
   */
  const inProject = (name, packages, use, options = {}) =>
    test(name, options, async (t) => {
      /** @type {Project} */
      let project;
      try {
        project = await makeConsumer(packages);
      } catch (error) {
        if (!packages.length) throw error;
        return t.skip(`npm cannot get ${packages.join(", ")}: ${/** @type {Error} */ (error).message.split("\n")[0]}`);
      }
      try {
        await use(project, t);
      } finally {
        project.remove();
      }
    });

  /** @param {Project} project @param {string} command @param {string[]} args with PORT in place of the port */
  async function withServer(project, command, args, use = assertPage, path = "/") {
    const port = await freePort();
    const filled = args.map((word) => word.replace("PORT", String(port)));
    const env = { ...process.env, PORT: String(port), NITRO_PORT: String(port), NEXT_TELEMETRY_DISABLED: "1" };
    const server = await startServer(command, filled, `http://localhost:${port}${path}`, { cwd: project.folder, env });
    try {
      await use(server.url);
    } catch (error) {
      throw new Error(`${/** @type {Error} */ (error).message}\n${server.output()}`);
    } finally {
      await server.stop();
    }
  }

  for (const version of ["7", "6", "5", "8"])
    inProject(
      `Vite ${version}, the dev server, with optimizeDeps.exclude`,
      [`vite@${version}`],
      async (project) => {
        project.write("index.html", page("/app.js"));
        project.write("app.js", app("glossa"));
        const vite = [
          project.path("node_modules/vite/bin/vite.js"),
          "--port",
          "PORT",
          "--strictPort",
          "--host",
          "localhost",
        ];
        if (version === "8") return withServer(project, NODE, vite); // needs no recipe
        await withServer(project, NODE, vite, async (url) =>
          assert.match(String((await open(url)).result), /optimizeDeps: \{ exclude: \["glossa"\] \}/),
        );
        project.write("vite.config.js", 'export default { optimizeDeps: { exclude: ["glossa"] } };');
        await withServer(project, NODE, vite);
      },
      { skip: noBrowser || (version === "7" ? false : long) },
    );

  inProject(
    "Vite, an SSR build that bundles everything, with glossa/inline",
    ["vite@8"],
    async (project) => {
      project.write("server.js", program("glossa/inline"));
      project.write("vite.config.js", "export default { ssr: { noExternal: true } };");
      await run(NODE, ["node_modules/vite/bin/vite.js", "build", "--ssr", "server.js"], { cwd: project.folder });
      assertWorks(await outcome(project, NODE, ["dist/server.js"]));
    },
    { skip: long },
  );

  for (const plugins of [
    [["resolve", "@rollup/plugin-node-resolve"]],
    [
      ["resolve", "@rollup/plugin-node-resolve"],
      ["{ importMetaAssets }", "@web/rollup-plugin-import-meta-assets"],
    ],
    [
      ["resolve", "@rollup/plugin-node-resolve"],
      ["{ importMetaAssets }", "@web/rollup-plugin-import-meta-assets"],
      ["offMainThread", "@surma/rollup-plugin-off-main-thread"],
    ],
  ])
    inProject(
      `Rollup, with glossa/inline and ${plugins.map(([, name]) => name).join(", ")}`,
      ["rollup@4", ...plugins.map(([, name]) => name)],
      async (project) => {
        const imports = plugins.map(([what, name]) => `import ${what} from "${name}";\n`).join("");
        const calls = plugins.map(([what]) => `${what.replace(/\W/g, "")}()`);
        const format = plugins.length < 3 ? "es" : "amd";
        project.write("app.js", app("glossa/inline"));
        project.write(
          "rollup.config.js",
          `${imports}export default { input: "app.js", output: { dir: "dist", format: "${format}" }, plugins: [${calls}] };`,
        );
        await run(NODE, ["node_modules/rollup/dist/bin/rollup", "-c"], { cwd: project.folder });
        const type = format === "es" ? "module" : "text/javascript";
        await assertServed(project.path("dist"), "/app.js", {}, type);
      },
      { skip: noBrowser || (plugins.length === 1 ? false : long) },
    );

  inProject(
    "Parcel as it is",
    ["parcel@2"],
    async (project) => {
      project.write("index.html", page("./app.js"));
      project.write("app.js", app("glossa"));
      const parcel = ["node_modules/parcel/lib/bin.js", "build", "index.html", "--no-cache", "--no-source-maps"];
      await run(NODE, parcel, { cwd: project.folder });
      const script = readdirSync(project.path("dist")).find((name) => /\.js$/.test(name));
      assert.ok(script);
      const site = await serve(project.path("dist"));
      await assertPage(`${site.url}/index.html`).finally(site.close);
    },
    { skip: noBrowser },
  );

  inProject(
    "Bun: bundles for browsers, its dev server, bundles for servers, executables, with glossa/inline",
    ["bun@1"],
    async (project) => {
      const bun = project.path("node_modules/bun/bin/bun.exe");
      project.write("server.js", program("glossa/inline"));
      await run(bun, ["build", "--target", "node", "--outdir", "out", "server.js"], { cwd: project.folder });
      assertWorks(await outcome(project, NODE, ["out/server.js"]));
      await run(bun, ["build", "--compile", "--outfile", "out/program", "server.js"], { cwd: project.folder });
      assertWorks(await outcome(project, project.path("out/program"), []));
      if (noBrowser) return;
      project.write("page/app.js", app("glossa/inline"));
      project.write("page/index.html", page("./app.js"));
      await run(bun, ["build", "--target", "browser", "--outdir", "dist", "page/app.js"], { cwd: project.folder });
      await assertServed(project.path("dist"), "/app.js");
      await withServer(project, bun, ["page/index.html", "--port=PORT"]);
    },
  );

  inProject("Deno from an address, with glossa/inline", ["deno@2"], async (project) => {
    const site = await serve(project.path("node_modules/glossa"));
    project.write(
      "remote.js",
      `import { Translator } from "${site.url}/dist/glossa-inline.js";\nimport "${site.url}/dist/html.js";\n${work("Deno.args[0]")}.${PRINT}`,
    );
    try {
      assertWorks(
        await outcome(project, project.path("node_modules/deno/deno"), ["run", "-A", "--no-lock", "remote.js"]),
      );
    } finally {
      await site.close();
    }
  });

  inProject("esbuild for Node, both formats, and a CDN that bundles, with glossa/inline", [], async (project) => {
    for (const [format, file] of /** @type {const} */ ([
      ["esm", "out.mjs"],
      ["cjs", "out.cjs"],
    ])) {
      const stdin = { contents: program("glossa/inline"), resolveDir: project.folder };
      await build({ stdin, bundle: true, platform: "node", format, outfile: project.path(file), logLevel: "error" });
      assertWorks(await outcome(project, NODE, [file]));
    }
    if (noBrowser) return;
    const contents = 'export * from "glossa/inline";\nimport "glossa/html";';
    await build({
      stdin: { contents, resolveDir: project.folder },
      bundle: true,
      format: "esm",
      minify: true,
      outfile: project.path("cdn/glossa.js"),
      logLevel: "error",
    });
    const cdn = await serve(project.path("cdn"), CORS);
    project.write("site/app.js", app(`${cdn.url}/glossa.js`));
    await assertServed(project.path("site"), "/app.js").finally(cdn.close);
  });

  inProject(
    "policies: no wasm-unsafe-eval, another origin's worker, glossa/inline",
    [],
    async (project) => {
      project.write("app.js", app("/node_modules/glossa/src/js/index.js"));
      const strict = await serve(
        project.folder,
        { "content-security-policy": `default-src 'self'; connect-src 'self' ${models.url}` },
        { "/": page("/app.js") },
      );
      for (const place of ["", "?here"]) {
        const { result } = await open(`${strict.url}/${place}`);
        assert.match(String(result), /^NotSupportedError: .*'wasm-unsafe-eval' to script-src/);
      }
      await strict.close();

      const cdn = await serve(project.folder, CORS);
      project.write("cdn.js", app(`${cdn.url}/node_modules/glossa/src/js/index.js`));
      const policy = (/** @type {string} */ workers) => ({
        "content-security-policy": `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' ${cdn.url}; connect-src 'self' ${cdn.url} ${models.url}; worker-src ${workers}`,
      });
      await assertServed(project.folder, "/cdn.js", policy(`blob: ${cdn.url}`));
      const half = await serve(project.folder, policy("blob:"), { "/": page("/cdn.js") });
      const { result, seen } = await open(half.url);
      assert.equal(result.workers, 0);
      assert.match(result.noWorker, /^No worker could be started/);
      assert.match(seen, /Glossa works in this thread\. No worker could be started/);
      await half.close();
      await cdn.close();

      project.write("inline.js", app("/node_modules/glossa/dist/glossa-inline.js", false));
      await assertServed(project.folder, "/inline.js", {
        "content-security-policy": `script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src ${models.url}`,
      });
    },
    { skip: noBrowser },
  );

  inProject(
    "the polyfill in Node downloads; without a list there is nothing to translate with",
    [],
    async (project) => {
      project.write(
        "use.js",
        `import { install } from "glossa/polyfill";
const pair = { sourceLanguage: "en", targetLanguage: "de" };
const out = [await Translator.availability(pair), await Translator.create(pair).catch((error) => error.name)];
const url = process.argv[2];
install({ manifest: { version: 1, models: [{ id: "x", source: "en", target: "de", url }] } });
out.push(await Translator.availability(pair));
const translator = await Translator.create(pair);
console.log(JSON.stringify([...out, await translator.translate("A dog runs.")]));
translator.destroy();`,
      );
      const env = { ...process.env, GLOSSA_CACHE: project.path("cache") };
      const said = await run(NODE, ["use.js", `${models.url}/model.gguf`], { cwd: project.folder, env });
      assert.deepEqual(JSON.parse(said).slice(0, 3), ["unavailable", "NotSupportedError", "downloadable"]);
      assert.match(said, /Ein Hund/);
    },
  );

  inProject("workerd, the runtime of Cloudflare Workers, with modules", ["workerd"], async (project) => {
    project.write(
      "worker.js",
      `import { Translator } from "glossa";
import simd128 from "glossa/glossa-simd128.wasm";
import relaxed from "glossa/glossa-relaxed.wasm";
let translator;
export default { async fetch(request) {
  try {
    const model = await (await fetch(new URL(request.url).searchParams.get("model"))).arrayBuffer();
    translator ??= await Translator.create({ model, wasm: { simd128, relaxed } });
    return Response.json({ translation: await translator.translate("A dog runs."), ...translator.info });
  } catch (error) {
    return new Response(error.name + ": " + error.message, { status: 500 });
  }
} };`,
    );
    // as wrangler does: the script in one piece, the .wasm files as modules beside it
    await build({
      entryPoints: [project.path("worker.js")],
      bundle: true,
      format: "esm",
      conditions: ["workerd", "worker", "browser"],
      outfile: project.path("bundle/worker.js"),
      external: ["*.wasm"],
      logLevel: "error",
    });
    const port = await freePort();
    const wasm = ["simd128", "relaxed"].map(
      (name) => `(name = "glossa/glossa-${name}.wasm", wasm = embed "node_modules/glossa/dist/glossa-${name}.wasm")`,
    );
    project.write(
      "config.capnp",
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["private", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "bundle/worker.js"), ${wasm.join(", ")}],
  compatibilityDate = "2026-05-01"
);`,
    );
    const binary = project.path("node_modules/workerd/bin/workerd");
    const url = `http://127.0.0.1:${port}/?model=${encodeURIComponent(`${models.url}/model.gguf`)}`;
    const server = await startServer(binary, ["serve", "config.capnp"], url, { cwd: project.folder });
    try {
      const text = await (await fetch(url)).text();
      assert.match(text, /"translation":"Ein Hund/);
      assert.equal(JSON.parse(text).build, "relaxed");
    } finally {
      await server.stop();
    }
  });

  inProject(
    "the README's detector, with eld",
    ["eld@2"],
    async (project) => {
      const readme = readFileSync(join(ROOT, "src/js/README.md"), "utf8");
      const code = /```js\n(import \{ eld \}.*?)```/s.exec(readme)?.[1];
      assert.ok(code);
      project.write(
        "detect.js",
        `${code}
const detector = await globalThis.LanguageDetector.create();
const results = [];
for (const text of ["Ein Hund läuft durch den Park.", "你好,世界", "123"]) results.push(await detector.detect(text));
console.log(JSON.stringify(results));`,
      );
      const results = JSON.parse(await run(NODE, ["detect.js"], { cwd: project.folder }));
      const first = results.map((/** @type {any} */ [{ detectedLanguage }]) => detectedLanguage);
      assert.deepEqual(first, ["de", "zh", "und"]);
      for (const result of results) {
        const confidences = result.map((/** @type {any} */ { confidence }) => confidence);
        assert.deepEqual(
          confidences,
          confidences.toSorted((/** @type {number} */ a, /** @type {number} */ b) => b - a),
        );
        assert.equal(result.at(-1).detectedLanguage, "und");
      }
    },
    { skip: long },
  );

  for (const bundler of ["webpack", "turbopack"])
    inProject(
      `Next 16 with ${bundler}: client components as they are; server components and route handlers with serverExternalPackages`,
      ["next@16", "react", "react-dom"],
      async (project) => {
        const client = `"use client";
import { useEffect, useState } from "react";
${app("glossa").replace("globalThis.done =", "const start = () =>")}
export default function Page() {
  useEffect(() => { globalThis.done ??= start(); }, []);
  return <p>client</p>;
}`;
        const onServer = (/** @type {string} */ body) => `import { Translator } from "glossa";
const translate = () => ${work(JSON.stringify(MODEL))};
export const dynamic = "force-dynamic";
${body}`;
        project.write(
          "app/layout.jsx",
          "export default ({ children }) => <html lang='en'><body>{children}</body></html>;",
        );
        project.write("app/page.jsx", client);
        project.write(
          "app/route/route.js",
          onServer("export const GET = async () => Response.json(await translate());"),
        );
        project.write(
          "app/server/page.jsx",
          onServer("export default async function Page() { return <pre>{JSON.stringify(await translate())}</pre>; }"),
        );
        project.write(
          "next.config.mjs",
          'export default { serverExternalPackages: ["glossa"], turbopack: { root: import.meta.dirname } };',
        );
        const next = project.path("node_modules/next/dist/bin/next");
        const all = async (/** @type {string} */ url) => {
          await assertPage(url);
          assertWorks(await (await fetch(`${url}route`)).json());
          const html = await (await fetch(`${url}server`)).text();
          assert.match(html, /&quot;translation&quot;:&quot;Ein Hund.*&quot;workers&quot;:1/);
        };
        await withServer(project, NODE, [next, "dev", `--${bundler}`, "-p", "PORT"], all);
        await run(NODE, [next, "build", `--${bundler}`], {
          cwd: project.folder,
          env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
          timeout: 600_000, // some machines never get to the end of Turbopack's, with or without this package
        });
        await withServer(project, NODE, [next, "start", "-p", "PORT"], all);
      },
      { skip: noBrowser || long },
    );

  inProject(
    "Nuxt 4, client and server, as it is",
    ["nuxt@4"],
    async (project) => {
      project.write(
        "nuxt.config.ts",
        "export default defineNuxtConfig({ telemetry: false, compatibilityDate: '2026-05-01' });",
      );
      project.write(
        "app/app.vue",
        `<script setup>\n${app("glossa").replace("globalThis.done =", "if (import.meta.client) globalThis.done =")}</script>\n<template><p>client</p></template>`,
      );
      project.write(
        "server/api/translate.ts",
        `import { Translator } from "glossa";\nexport default defineEventHandler(() => ${work(JSON.stringify(MODEL))});`,
      );
      await run(NODE, ["node_modules/nuxt/bin/nuxt.mjs", "build"], { cwd: project.folder });
      await withServer(project, NODE, [".output/server/index.mjs"], async (url) => {
        await assertPage(url);
        assertWorks(await (await fetch(`${url}api/translate`)).json());
      });
    },
    { skip: noBrowser || long },
  );

  inProject(
    "webpack for Node, with glossa/inline",
    ["webpack@5"],
    async (project) => {
      project.write("server.js", program("glossa/inline"));
      project.write(
        "build.cjs",
        `require("webpack")({ mode: "production", target: "node20", context: __dirname, entry: "./server.js", output: { path: __dirname + "/dist", filename: "server.cjs" } }, (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) {
    console.error(error ?? stats.toString());
    process.exit(1);
  }
});`,
      );
      await run(NODE, ["build.cjs"], { cwd: project.folder });
      assertWorks(await outcome(project, NODE, ["dist/server.cjs"]));
    },
    { skip: long },
  );

  inProject(
    "Jest: as it is for ES modules, in jsdom too; CommonJS and Babel with glossa/inline",
    ["jest@30", "jest-environment-jsdom@30", "babel-jest@30", "@babel/core@7", "@babel/preset-env@7"],
    async (project) => {
      const jest = project.path("node_modules/jest/bin/jest.js");
      const suite = (/** @type {string} */ load, html = true) => `${load}
for (const worker of [true, false])
  test(worker ? "translates" : "translates in place", async () => {
    const result = await ${work(JSON.stringify(MODEL), { options: "worker", html })};
    expect(result.translation).toMatch(/^Ein Hund/);
    if (${html}) expect(result.html).toMatch(/^<p>Ein <b>Hund<[/]b> /);
    expect(result.noWorker).toBe("");
    expect(result.workers).toBe(worker ? 1 : 0);
  }, 60000);`;
      const load = importing("glossa");
      project.write("esm/node.test.js", suite(load));
      project.write("esm/dom.test.js", suite(`/** @jest-environment jsdom */\n${load}`));
      project.write("cjs/node.test.cjs", suite('const { Translator } = require("glossa/inline");', false));
      project.write("babel/package.json", '{"type": "commonjs"}');
      project.write(
        "babel/babel.config.cjs",
        'module.exports = { presets: [["@babel/preset-env", { targets: { node: "current" } }]] };',
      );
      project.write("babel/node.test.js", suite('import { Translator } from "glossa/inline";', false));
      for (const [folder, flags] of /** @type {[string, string[]][]} */ ([
        ["esm", ["--experimental-vm-modules"]],
        ["cjs", []],
        ["babel", []],
      ])) {
        const config = { testMatch: ["**/*.test.{js,cjs}"], ...(folder === "babel" ? {} : { transform: {} }) };
        project.write(`${folder}/jest.config.json`, JSON.stringify(config));
        await run(NODE, [...flags, jest, "--rootDir", folder, "-c", `${folder}/jest.config.json`], {
          cwd: project.folder,
        });
      }
    },
    { skip: long },
  );

  for (const version of ["20.16.0", "22.11.0"])
    inProject(
      `Node ${version}: require("glossa/inline"), and import() of the package`,
      [`node@${version}`],
      async (project) => {
        const node = project.path("node_modules/node/bin/node");
        project.write("use.cjs", required);
        assertWorks(await outcome(project, node, ["use.cjs"]));
        project.write(
          "later.cjs",
          `import("glossa").then(({ Translator }) => ${work("process.argv.at(-1)")}).${PRINT}`,
        );
        assertWorks(await outcome(project, node, ["later.cjs"]));
      },
      { skip: long },
    );
});
