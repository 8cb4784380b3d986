// npm run bench: Glossa beside its peers, on the same weights and the same text. `npm run bench -- --help` tells how.

import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { chart } from "./chart.js";
import { measureLab } from "./lab.js";
import { measureLearning } from "./learn.js";
import { bergamot, ctranslate, glossaEntries, isBuilt, newNode, onnxruntime, root, tokenIds } from "./lineup.js";
import {
  measureColdStart,
  measureDownloads,
  measureGrowth,
  measurePool,
  measureProfile,
  measureRelease,
  measureSpeed,
} from "./measures.js";
import { checkpoint, student } from "./models.js";
import { npmPeer, pythonPeer } from "./peers.js";
import { markdown } from "./report.js";
import { SHAPES } from "./students.js";
import { countWords, sentences } from "./text.js";

const PARTS = [
  ...Object.keys(SHAPES),
  "checkpoint",
  "cold",
  "release",
  "download",
  "growth",
  "pool",
  "matmul",
  "lab",
  "learn",
  "profile",
  "page",
];

const USAGE = `usage: npm run bench -- [options]

Measures Glossa beside its peers, on the same weights and the same text, and prints tables.
  --quick          fewer sentences and rounds
  --only PARTS     some parts, with commas between: ${PARTS.slice(0, 6).join(", ")},
                   ${PARTS.slice(6).join(", ")}
  --profile        the same as --only profile
  --model FILE     the checkpoint (models/en-de.gguf)
  --rounds N       how often each measure is taken (5; 3 with --quick)
  --markdown FILE  write the report
  --svg FILE       write its picture
  --json           print JSON in place of tables

GLOSSA_DATA        a folder of test sets; without it the text is made by a grammar
GLOSSA_TORCH_PYTHON a Python with PyTorch, for the part "lab"
GLOSSA_BENCH_CACHE where peers and their models are kept (~/.cache/glossa/bench)`;

function parseFlags() {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        profile: { type: "boolean", default: false },
        model: { type: "string", default: join(root, "models/en-de.gguf") },
        rounds: { type: "string" },
        json: { type: "boolean", default: false },
        markdown: { type: "string" },
        svg: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    console.error(`bench: ${/** @type {Error} */ (error).message}\n${USAGE}`);
    return process.exit(2);
  }
}

const flags = parseFlags();
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}
const wanted = flags.only?.split(",") ?? (flags.profile ? ["profile"] : PARTS);
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(", ")}; parts: ${PARTS.join(", ")}`);
  process.exit(2);
}
if (!isBuilt()) {
  console.error("the engine is not built: run npm run build");
  process.exit(1);
}
const wants = (/** @type {string} */ part) => wanted.includes(part);
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 5));
const count = flags.quick ? 50 : 200;
const say = (/** @type {string} */ text) => process.stderr.write(`bench: ${text}\n`);

/** @type {import("./report.js").Result} */
const result = {
  date: new Date().toISOString().slice(0, 10),
  version: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
  commit: await promisify(execFile)("git", ["describe", "--always", "--dirty"], { cwd: root }).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  ),
  machine: {
    processor: cpus()[0]?.model ?? "unknown processor",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    loadBefore: loadavg()[0],
    loadAfter: 0,
  },
  rounds,
  speeds: [],
  skipped: [],
};
const skip = (/** @type {string} */ what, /** @type {string} */ why) => {
  if (result.skipped.some((other) => other.what === what)) return;
  result.skipped.push({ what, why });
  say(`${what} skipped: ${why}`);
};

// ---- peers and models ----

const cold = wants("cold");
const needsStudents =
  wanted.some((part) => part in SHAPES || ["release", "growth", "pool", "profile"].includes(part)) || cold;
const needsCheckpoint = wants("checkpoint") || cold || wants("profile");

say("preparing peers and models");
const marian = needsStudents || wants("download") ? await npmPeer("@browsermt/bergamot-translator") : null;
if (marian && "skipped" in marian) skip("bergamot", marian.skipped);

/** @param {string} name @returns {Promise<import("./models.js").Student | null>} */
const studentOrSkip = (name) =>
  student(name).catch((error) => {
    const missing = error.code === "ENOENT" && /spm_train/.test(error.path);
    skip(`${name} student`, missing ? "spm_train (Debian's package sentencepiece) is not here" : error.message);
    return null;
  });

/** The text of the students. */
const news = sentences(count, "newstest-en-de/test.en");
/** The text of the checkpoint, of the kind that it was trained on. */
const captions = sentences(count, "multi30k/test.en");

/** @param {import("./models.js").Student} made @param {boolean} everywhere */
const studentEntries = async (made, everywhere) => [
  ...(marian && "path" in marian ? [bergamot(marian.path, made, await tokenIds(made, news.sentences))] : []),
  ...(await glossaEntries(made, true, everywhere)),
];

const tiny = needsStudents ? await studentOrSkip("tiny") : null;
const tinyEntries = tiny ? await studentEntries(tiny, true) : [];
const best = tinyEntries.filter(({ peer, name }) => !peer && /Node/.test(name)).at(-1);

/** @type {import("./lineup.js").Entry[]} */
let checkpointEntries = [];
if (needsCheckpoint && !existsSync(flags.model)) skip("the trained checkpoint", `there is no ${flags.model}`);
else if (needsCheckpoint) {
  const python = await pythonPeer();
  if ("skipped" in python) skip("onnxruntime and CTranslate2", python.skipped);
  const made = await checkpoint(flags.model, "path" in python ? python.path : undefined);
  const ids = await tokenIds(made, captions.sentences);
  for (const name of /** @type {const} */ (["onnxruntime-web", "onnxruntime-node"])) {
    const peer = await npmPeer(name);
    if ("skipped" in peer) skip(name, peer.skipped);
    else if (made.graphs) checkpointEntries.push(onnxruntime(name, peer.path, made, ids));
  }
  if ("path" in python && made.ctranslate) checkpointEntries.push(ctranslate(python.path, made, ids));
  checkpointEntries = [...checkpointEntries, ...(await glossaEntries(made, false, true))];
  skip("the trained checkpoint in bergamot", "Marian's networks start their decoder and encode positions otherwise");
}

for (const part of PARTS.filter((part) => part !== "page" && !wants(part)))
  result.skipped.push({ what: part, why: "not asked for" });

/** Writes what is known so far, so that a long run that is stopped leaves something. */
function report() {
  result.machine.loadAfter = loadavg()[0];
  if (flags.svg) writeFileSync(flags.svg, chart(result));
  const { svg, markdown: page } = flags;
  const text = markdown(result, svg && page ? relative(dirname(resolve(page)), resolve(svg)) : svg);
  if (page) writeFileSync(page, text);
  return text;
}

// ---- the parts ----

/** @param {string} name */
async function measureStudent(name) {
  const made = name === "tiny" ? tiny : await studentOrSkip(name);
  if (!made) return;
  const { width, ffn, heads, encoder, decoder } = SHAPES[name];
  const entries = name === "tiny" ? tinyEntries : await studentEntries(made, false);
  result.speeds.push({
    part: `${name} student`,
    model: `Random weights: width ${width}, feed-forward ${ffn}, ${heads} heads, ${encoder} + ${decoder} layers, SSRU decoder, 32,000 pieces, shortlist; outputs as long as the source.`,
    forced: true,
    origin: news.origin,
    sentences: news.sentences.length,
    words: countWords(news.sentences),
    speeds: await measureSpeed(entries, news.sentences, rounds, skip),
  });
}

async function measureCheckpoint() {
  if (checkpointEntries.length === 0) return;
  const hash = createHash("sha256").update(readFileSync(flags.model)).digest("hex");
  result.speeds.push({
    part: basename(flags.model),
    model: `The trained model (SHA-256 ${hash.slice(0, 12)}...); greedy search.`,
    forced: false,
    origin: captions.origin,
    sentences: captions.sentences.length,
    words: countWords(captions.sentences),
    speeds: await measureSpeed(checkpointEntries, captions.sentences, rounds, skip),
  });
}

for (const name of ["tiny", "checkpoint", "base", "base-memory"].filter(wants)) {
  say(name);
  await (name === "checkpoint" ? measureCheckpoint() : measureStudent(name));
  report();
}
if (cold) {
  say("first translation");
  result.cold = [];
  for (const [model, entries] of /** @type {const} */ ([
    ["tiny student", tinyEntries],
    [basename(flags.model), checkpointEntries],
  ]))
    if (entries.length > 0) result.cold.push({ model, times: await measureColdStart(entries, rounds, skip) });
  report();
}
if (best && wants("release")) {
  say("memory after destroy()");
  result.release = { name: best.name, ...(await measureRelease(best)) };
  report();
}
if (wants("download")) {
  const web = await npmPeer("onnxruntime-web");
  result.downloads = await measureDownloads({
    bergamot: marian && "path" in marian ? marian.path : undefined,
    onnxruntimeWeb: "path" in web ? web.path : undefined,
  });
  report();
}
if (best && wants("growth")) {
  say("growth");
  result.growth = { name: best.name, ...(await measureGrowth(best, news.sentences, flags.quick)) };
  report();
}
if (best && wants("pool")) {
  const [load] = loadavg();
  if (availableParallelism() < 2) skip("two workers", "this machine has one core");
  else if (load > availableParallelism() - 0.5)
    skip("two workers", `other programs leave no second core: the load is ${load.toFixed(1)}`);
  else {
    say("two workers");
    result.pool = { name: best.name, ratio: await measurePool(best, news.sentences, rounds) };
  }
}
if (wants("matmul")) {
  say("matmul");
  try {
    const script = join(root, "tests/bench/matmul.js");
    const { stdout } = await promisify(execFile)(newNode, [script, "--quick", "--json"]);
    result.matmul = JSON.parse(stdout);
  } catch (error) {
    skip("matmul", /** @type {Error} */ (error).message.split("\n").slice(-1)[0]);
  }
}
if (wants("lab")) {
  say("lab");
  result.lab = await measureLab(rounds, flags.quick, skip);
  report();
}
if (wants("learn")) {
  say("learn");
  result.learn = await measureLearning(flags.model, flags.quick);
  report();
}
if (wants("profile")) {
  say("profile");
  result.profiles = [];
  const sets = /** @type {const} */ ([
    ["tiny student", tinyEntries, news.sentences, true],
    [basename(flags.model), checkpointEntries, captions.sentences, false],
  ]);
  for (const [model, entries, texts, forced] of sets)
    for (const entry of entries.filter(({ peer, name }) => !peer && /Node 2[2-9]/.test(name)))
      result.profiles.push({ name: entry.name, model, profiles: await measureProfile(entry, texts, forced) });
}
const text = report();
const withoutTexts = result.speeds.map(({ speeds, ...part }) => ({
  ...part,
  speeds: speeds.map(({ outputs: _, ...rest }) => rest),
}));
console.log(flags.json ? JSON.stringify({ ...result, speeds: withoutTexts }) : text);
if (wants("page") && !flags.json)
  spawnSync(process.execPath, [join(root, "tests/bench/page.js")], { stdio: "inherit" });
