// Builds the page into dist/site: static files that any host can serve, at any path. `--help` says what can be chosen.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { keepReport, notices, packagesIn } from "../.ci/notices.js";
import { Translator } from "../src/js/index.js";
import { mozillaAddresses, mozillaSources } from "../src/js/registry/facts.js";
import { firstHead } from "./heads.js";
import { examplesOf, firstModel } from "./languages.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * @param {string} folder
 * @returns {AsyncGenerator<string>}
 */
async function* filesIn(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

const SITE = join(root, "dist/site");

const HELP = `usage: node web/build.js [FOLDER] [options]      (npm run build -- [options])

Builds the page into FOLDER, default dist/site. What FOLDER holds is deleted first: it may be new, empty, or an older build.
Readers may fetch more languages from where they are published, each on their own choice; the page's policy names these
addresses and no other.

  --registries mozilla|none   where languages may be fetched from; default mozilla. With none the page has the models
                              that lie beside it, and its policy no origin but its own
  --mozilla-catalogue URL     in place of Mozilla's server of records, such as a mirror
  --mozilla-files URL         in place of Mozilla's bucket
  --mozilla-attachments URL   in place of Mozilla's server of packed files
`;

/** Where a page finds Firefox's models. @typedef {typeof mozillaAddresses} Addresses */

/**
 * @param {object} [options]
 * @param {string} [options.out] folder that is emptied and filled
 * @param {string} [options.models] folder with manifest.json and the models that it names
 * @param {Addresses | null} [options.mozilla] null: no language is fetched from elsewhere
 */
export async function buildSite({ out = SITE, models = join(root, "models"), mozilla = mozillaAddresses } = {}) {
  if (out !== SITE) await refuseOthers(out);
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, "models"), { recursive: true });
  /** @type {import("esbuild").BuildOptions & {metafile: true}} */
  const options = {
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: false,
    outdir: out,
    external: ["node:*"],
    legalComments: "none", // licenses.txt has them all
    metafile: true,
    logLevel: "warning",
  };
  const { metafile } = await build({
    ...options,
    entryPoints: {
      app: join(root, "web/app.jsx"),
      worker: join(root, "src/js/worker.js"),
      "lab-worker": join(root, "src/js/lab/lab-worker.js"),
      convert: join(root, "web/convert-worker.js"),
      detector: join(root, "web/detector.js"),
    },
    jsx: "automatic",
    jsxImportSource: "preact",
    plugins: [
      madeHere({
        ...(await makeExamples(models)),
        "glossa:site": `export const mozillaAddresses = ${JSON.stringify(mozilla)};
          export const sourceAddress = ${JSON.stringify(sourceAddress(JSON.parse(await readFile(join(root, "package.json"), "utf8"))))};`,
      }),
      fewLanguages(await languagesOf(models)),
      besideThePage,
    ],
    chunkNames: "part-[hash]",
  });
  // Apart from the rest, so that nothing of the rest falls into more files for their sake.
  const parts = await build({
    ...options,
    entryPoints: mozilla ? PARTS : {},
    plugins: [besideThePage],
    chunkNames: "registry-[hash]",
  });
  Object.assign(metafile.inputs, parts.metafile.inputs);
  Object.assign(metafile.outputs, parts.metafile.outputs);
  if (out === SITE) keepReport("site", metafile);
  const text = `Glossa, the page and what it computes with:\n\n${await readFile(join(root, "LICENSE"), "utf8")}`;
  await writeFile(join(out, "licenses.txt"), `${text}\n\nIt contains:\n\n${notices(packagesIn(metafile))}\n`);
  const html = await readFile(join(root, "web/index.html"), "utf8");
  await writeFile(join(out, "index.html"), withSources(html, mozilla));
  for (const name of ["icon.svg", "card.svg"]) await cp(join(root, "web", name), join(out, name));
  await writeFile(join(out, "style.css"), withDarkTheme(await readFile(join(root, "web/style.css"), "utf8")));
  for (const room of ["train", "zoo"]) await cp(join(root, `web/rooms/${room}/${room}.css`), join(out, `${room}.css`));
  for (const name of ["simd128", "relaxed", "lab"]) {
    await cp(join(root, `dist/glossa-${name}.wasm`), join(out, `glossa-${name}.wasm`));
  }
  await copyModels(models, join(out, "models"));
  const later = [
    "detector.js",
    "glossa-lab.wasm",
    ...Object.keys(parts.metafile.outputs).map((path) => basename(path)),
  ];
  await buildServiceWorker(out, new Set(later));
}

/** What is deleted is an older build and nothing else. @param {string} out */
async function refuseOthers(out) {
  const inside = relative(resolve(out), root);
  if (!inside.startsWith("..") && !isAbsolute(inside))
    throw new Error(`${out} holds the repository; it would be deleted`);
  const found = existsSync(out) ? await readdir(out) : [];
  // Both, for the folder of the page's sources has a file of the first name.
  if (found.length > 0 && !["offline.js", "app.js"].every((name) => found.includes(name)))
    throw new Error(`${out} holds what is no older build of the page; it would be deleted`);
}

/**
 * Where people can read the source: the repository, or the home page where that has no address of a page.
 * @param {{repository?: string | {url?: string}, homepage?: string}} manifest package.json
 * @returns {string} empty where neither has one
 */
export function sourceAddress({ repository, homepage }) {
  const url = String((typeof repository === "object" ? repository.url : repository) ?? "");
  const short = /^(?:github:)?([\w-]+\/[\w.-]+)$/.exec(url);
  if (short) return `https://github.com/${short[1]}`;
  const pages = [/^(?:git\+)?(https?:\/\/[^?#]+?)(?:\.git)?$/.exec(url), /^(https?:\/\/.+)$/.exec(homepage ?? "")];
  return pages.find((found) => found !== null)?.[1] ?? "";
}

/** What of the package knows registries; each comes when it is first wanted. */
const PARTS = Object.fromEntries(
  Object.entries({ registry: "part", converter: "converter", catalogue: "facts", zstd: "zstd" }).map(([name, file]) => [
    name,
    join(root, `src/js/registry/${file}.js`),
  ]),
);

/** What the package finds beside itself lies beside the page. @type {import("esbuild").Plugin} */
const besideThePage = {
  name: "beside-the-page",
  setup({ onLoad }) {
    onLoad({ filter: /src[\\/]js[\\/](own-files|lab[\\/]files)\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/"(\.\.\/)+dist\//g, '"./'),
    }));
  },
};

/** The policy of the page with the addresses that it may ask. @param {string} html @param {Addresses | null} addresses */
function withSources(html, addresses) {
  const sources = addresses ? mozillaSources(addresses) : [];
  const policy =
    sources.length > 0 ? `default-src 'self'; connect-src 'self' ${sources.join(" ")};` : "default-src 'self';";
  if (!html.includes("default-src 'self';")) throw new Error("web/index.html has no policy");
  return html.replace("default-src 'self';", () => policy);
}

/** The dark palette of the system's wish once more, for readers who choose it here. @param {string} css */
function withDarkTheme(css) {
  const dark = /@media \(prefers-color-scheme: dark\) \{\s*:root:not\(\[data-theme="light"\]\) (\{[^}]*\})\s*\}/.exec(
    css,
  );
  if (!dark) throw new Error("web/style.css has no dark palette");
  const end = dark.index + dark[0].length;
  return `${css.slice(0, end)}\n\n:root[data-theme="dark"] ${dark[1]}${css.slice(end)}`;
}

/** @param {string} folder @returns {Promise<{id: string, source: string | string[], target: string | string[], url: string}[]>} models of the manifest */
const modelsIn = async (folder) => JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")).models;

/** Modules that the build writes, by name. @param {Record<string, string>} made @returns {import("esbuild").Plugin} */
const madeHere = (made) => ({
  name: "made-here",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^glossa:/ }, ({ path }) => ({ path, namespace: "made-here" }));
    onLoad({ filter: /.*/, namespace: "made-here" }, ({ path }) => ({ contents: made[path], loader: "js" }));
  },
});

const SCALE = 1000; // weights of an example are kept in thousandths

/**
 * What the page shows before a model is there: for each language of the interface the first pair that suits it, with the
 * first example of its source language, explained.
 * @param {string} folder
 * @returns {Promise<Record<string, string>>} the modules; only the first example comes with the page itself
 */
async function makeExamples(folder) {
  const models = await modelsIn(folder);
  /** @type {{language: string, pair: string, scale: number, explanation: object}[]} */
  const examples = [];
  for (const language of /** @type {const} */ (["en", "zh"])) {
    const model = firstModel(models, language);
    const { source, target } = model ?? {};
    const text = typeof source === "string" ? examplesOf(source)[0] : undefined;
    const path = join(folder, model?.url ?? "");
    if (!model || !text || typeof target !== "string" || !existsSync(path)) continue;
    if (!examples.some((one) => one.pair === model.id)) {
      examples.push({ language, pair: model.id, scale: SCALE, explanation: await explainExample(path, text) });
    }
  }
  const [first = null, ...others] = examples;
  const made = { "glossa:examples": `export const first = ${JSON.stringify(first)};\nexport const others = [` };
  for (const one of others) {
    const name = `glossa:example-${one.language}`;
    Object.assign(made, { [name]: `export const example = ${JSON.stringify(one)};` });
    const { language, pair } = one;
    made["glossa:examples"] += `{ ...${JSON.stringify({ language, pair })}, load: () => import("${name}") },`;
  }
  made["glossa:examples"] += "];";
  return made;
}

/** @param {string} path of a checkpoint @param {string} text */
async function explainExample(path, text) {
  const translator = await Translator.create({ model: path, worker: false, build: "simd128" });
  try {
    const {
      encoder,
      decoder,
      cross,
      timings: _,
      ...rest
    } = (await translator.explain(text, { beamSize: 4, topK: 12 })).sentences[0];
    /** @param {import("../src/js/types.js").Attention | null} one */
    const small = (one) => one && { ...one, data: Array.from(one.data, (value) => Math.round(value * SCALE)) };
    const attention = { encoder: small(encoder), decoder: small(decoder), cross: small(cross) };
    // Without the model nobody tells which head aligns: it is the first that the page would choose.
    const [layer, head] = firstHead(
      { ...rest, encoder, decoder, cross, timings: _ },
      "cross",
      translator.info.model.alignmentHead,
    );
    const { confidence, limits, examples } = translator.info.model.notes;
    return { ...rest, attention, aligning: [layer, head], notes: { confidence, limits, examples } };
  } finally {
    translator.destroy();
  }
}

/** Languages that people write where a model reads another one in the same letters. */
const LIKELY = ["en", "de", "es", "fr", "it", "nl", "pt"];

/** @param {string} folder @returns {Promise<string[]>} that the detector must tell apart */
async function languagesOf(folder) {
  const named = (await modelsIn(folder)).flatMap(({ source }) => source);
  return [...new Set([...named.map((tag) => tag.split("-")[0]), ...LIKELY])];
}

/** The detector of languages with the data of a few. @param {string[]} languages @returns {import("esbuild").Plugin} */
const fewLanguages = (languages) => ({
  name: "few-languages",
  setup({ onLoad }) {
    onLoad({ filter: /eld[\\/]src[\\/]ngrams[\\/]extrasmall\.js$/ }, async ({ path }) => {
      const { ngramsData } = await import(pathToFileURL(path).href);
      const kept = Object.entries(ngramsData.languages).filter(([, language]) => languages.includes(language));
      const ids = new Map(kept.map(([id], i) => [id, i]));
      /** @type {Record<string, Record<string, number>>} */
      const ngrams = {};
      for (const [ngram, scores] of Object.entries(ngramsData.ngrams)) {
        const few = Object.entries(/** @type {Record<string, number>} */ (scores)).filter(([id]) => ids.has(id));
        if (few.length > 0) ngrams[ngram] = Object.fromEntries(few.map(([id, score]) => [ids.get(id), score]));
      }
      const data = {
        ...ngramsData,
        isSubset: true,
        languages: Object.fromEntries(kept.map(([, name], i) => [i, name])),
        ngrams,
      };
      return { contents: `export const ngramsData = ${JSON.stringify(data)};`, loader: "js" };
    });
  },
});

/**
 * The manifest and those of its models that are files beside it.
 * @param {string} folder
 * @param {string} out
 */
async function copyModels(folder, out) {
  const text = await readFile(join(folder, "manifest.json"), "utf8");
  await writeFile(join(out, "manifest.json"), text);
  for (const { url } of JSON.parse(text).models) {
    if (!/^\w+:/.test(url)) await cp(join(folder, url), join(out, url));
  }
}

/**
 * The service worker keeps the page's own files for use without a network. Its version is a hash of them all, so a new
 * page replaces the old one as a whole. Models are kept by the translator's own cache.
 * @param {string} out
 * @param {Set<string>} wanted large files that are kept only when they have been wanted; the npm package has no detector
 */
async function buildServiceWorker(out, wanted) {
  const hash = createHash("sha256");
  /** @type {string[]} */
  const files = [];
  /** @type {string[]} */
  const later = [];
  for await (const path of filesIn(out)) {
    const name = relative(out, path).split("\\").join("/");
    if (name.endsWith(".gguf")) continue;
    hash.update(name).update(await readFile(path));
    (wanted.has(name) ? later : files).push(name);
  }
  const result = await build({
    entryPoints: [join(root, "web/offline.js")],
    bundle: true,
    minify: true,
    write: false,
    define: {
      FILES: JSON.stringify(files.sort()),
      LATER: JSON.stringify(later.sort()),
      VERSION: JSON.stringify(hash.digest("hex").slice(0, 16)),
    },
  });
  await writeFile(join(out, "offline.js"), result.outputFiles[0].text);
}

/** @param {string[]} argv */
async function run(argv) {
  /** @type {Record<string, {type: "string" | "boolean"}>} */
  const options = { registries: { type: "string" }, help: { type: "boolean" } };
  for (const name of Object.keys(mozillaAddresses)) options[`mozilla-${name}`] = { type: "string" };
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
  if (values.help) return process.stdout.write(HELP);
  const { registries = "mozilla" } = values;
  if (registries !== "mozilla" && registries !== "none")
    throw new Error(`--registries is "${registries}"; it takes mozilla or none`);
  if (positionals.length > 1) throw new Error(`there is one folder to build into, not ${positionals.join(" and ")}`);
  const addresses = { ...mozillaAddresses };
  for (const name of /** @type {(keyof Addresses)[]} */ (Object.keys(addresses))) {
    const given = values[`mozilla-${name}`];
    if (given === undefined) continue;
    if (registries === "none") throw new Error(`--mozilla-${name} says where, and --registries none says nowhere`);
    if (!URL.canParse(String(given)) || !/^https?:/.test(String(given)))
      throw new Error(`--mozilla-${name} is "${given}"; it takes an http(s) address`);
    addresses[name] = String(given);
  }
  await buildSite({ out: positionals[0] ?? SITE, mozilla: registries === "none" ? null : addresses });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Error) || Object.hasOwn(error, "errors")) throw error; // esbuild tells its own
    console.error(`web/build.js: ${error.message}; --help says what there is`);
    process.exitCode = 2;
  }
}
