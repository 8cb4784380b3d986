// `npm start`: makes sure that everything is built, translates a few sentences to show that it works, and serves the
// page. `npm start -- --once "A dog runs."` translates and ends.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { harmless } from "./terminal.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const USAGE = `usage: npm start -- [--once TEXT] [--model FILE] [--port N] [--host NAME]

  --once TEXT   translate TEXT and end, without serving the page
  --model FILE  the checkpoint to translate with (models/en-de.gguf; without --once, all that came with Glossa)
  --port N      where the page is served; 0 takes any free port (8080, or any that is free)
  --host NAME   the name or address to listen at (localhost)`;

/** Sentences to show it with, by the language of the source. @type {Record<string, string[]>} */
const SENTENCES = {
  en: [
    "Two dogs are playing in the snow.",
    "A young girl in a red dress is jumping over a puddle.",
    "An elderly couple is sitting on a bench by the lake.",
  ],
  zh: ["两只狗在雪地里玩耍。", "你觉得明天会下雪吗？"],
  lzh: ["鱼，我所欲也；熊掌，亦我所欲也。", "古之学者必有师。"],
};

/** The time of the latest change below a path. @param {string} path @returns {number} */
function latestChange(path) {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts) return 0;
  if (!facts.isDirectory()) return facts.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, latestChange(join(path, name))), facts.mtimeMs);
}

/** Whether anything that the build reads is newer than what it made. */
function isStale() {
  const stamp = statSync(join(ROOT, "build/stamp"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const results = ["dist/glossa-simd128.wasm", "dist/glossa-relaxed.wasm", "dist/site/index.html"].map((name) =>
    join(ROOT, name),
  );
  if (!results.every(existsSync)) return true;
  return ["src", "web", "models", ".ci", "CMakeLists.txt", "package-lock.json"].some(
    (name) => latestChange(join(ROOT, name)) > stamp,
  );
}

/** Runs a command of the project in sight of the user; ends with its status if it fails. @param {string[]} words */
function run([command, ...args]) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function build() {
  run([join(ROOT, ".ci/setup"), "build"]);
  if (!existsSync(join(ROOT, "node_modules/.package-lock.json"))) {
    console.error("start: installing the JavaScript tools");
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  }
  console.error("start: building");
  run([join(ROOT, ".ci/build")]);
}

/** @param {string | undefined} text */
function portFrom(text) {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new TypeError(`--port takes a number from 0 to 65535, not ${text}`);
  return port;
}

function parse() {
  const { values } = parseArgs({
    options: {
      once: { type: "string" },
      model: { type: "string" },
      port: { type: "string" },
      host: { type: "string", default: "localhost" },
      help: { type: "boolean", default: false },
    },
  });
  return { ...values, port: portFrom(values.port) };
}

/** @param {number | undefined} port @param {string} host */
async function serve(port, host) {
  const { serveFolders } = await import("./server.js");
  const mounts = { "/": join(ROOT, "dist/site"), "/models/": join(ROOT, "models") };
  try {
    return await serveFolders({ mounts, host, port: port ?? 8080 });
  } catch (error) {
    if (port !== undefined || /** @type {NodeJS.ErrnoException} */ (error).code !== "EADDRINUSE") throw error;
    return serveFolders({ mounts, host });
  }
}

/** Translates a few sentences with a model. @param {string} model */
async function show(model) {
  const { Translator } = await import("../index.js");
  const translator = await Translator.create({ model, worker: false });
  const { sourceLanguage, info } = translator;
  const size = `${(info.modelBytes / 1e6).toFixed(1)} MB`;
  console.log(`${harmless(info.model.name || basename(model))}, ${size}, WebAssembly build ${info.build}\n`);
  const sentences = SENTENCES[sourceLanguage] ?? [];
  await translator.translate(sentences[0] ?? ""); // the compiler of the JavaScript engine warms up
  for (const sentence of sentences) {
    const start = performance.now();
    const translation = await translator.translate(sentence);
    console.log(`  ${sentence}\n  ${harmless(translation)}   (${(performance.now() - start).toFixed(0)} ms)\n`);
  }
  translator.destroy();
}

async function main() {
  const options = parse();
  if (options.help) return console.log(USAGE);
  if (isStale()) build();

  const folder = join(ROOT, "models");
  if (options.once !== undefined) {
    const { Translator } = await import("../index.js");
    const translator = await Translator.create({ model: options.model ?? join(folder, "en-de.gguf"), worker: false });
    console.log(harmless(await translator.translate(options.once)));
    return translator.destroy();
  }

  /** @type {{ models: { url: string }[] }} */
  const { models } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  for (const model of options.model ? [options.model] : models.map(({ url }) => join(folder, url))) await show(model);
  const { url } = await serve(options.port, options.host);
  console.log(`The page: ${url}   (Ctrl+C ends)`);
}

try {
  await main();
} catch (error) {
  const { code = "", message } = /** @type {NodeJS.ErrnoException} */ (error);
  const wrongUse = String(code).startsWith("ERR_PARSE_ARGS") || error instanceof TypeError;
  console.error(`start: ${message}`);
  if (wrongUse) console.error(USAGE);
  process.exitCode = wrongUse ? 2 : 1;
}
