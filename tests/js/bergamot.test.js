// Converted students against the engine behind Firefox Translations, in float32: the same words and the same scores. It
// is the development dependency @browsermt/bergamot-translator; without it these tests are skipped.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { convertToBlob } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { bergamotProduct, forcedLogProbabilities, glossaProduct } from "./marian-reference.js";
import { intgemm8, isMatrix, makeStudent, random, writeBin, writeShortlist, writeSpm } from "./marian-student.js";

/* It prints scores with six digits. */
const TOLERANCE = 1e-3;

const folder = fileURLToPath(new URL("../../node_modules/@browsermt/bergamot-translator", import.meta.url));
const bergamot = process.env.BERGAMOT ?? folder;
const skip = existsSync(bergamot) ? false : "no @browsermt/bergamot-translator; its folder can be given as BERGAMOT";
const scratch = mkdtempSync(join(tmpdir(), "glossa-bergamot-"));
after(() => rmSync(scratch, { recursive: true }));

const VOCABULARY = 96;
const SPM = writeSpm(VOCABULARY, { words: true });
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const piece = (/** @type {number} */ id) => `${LETTERS[id % 26]}${LETTERS[Math.floor(id / 26)]}${id}`;

/** Sentences of words that the vocabulary has. @param {number} seed */
function sentences(seed) {
  const next = random(seed);
  const word = () => piece(2 + Math.floor(next() * (VOCABULARY - 2)));
  return Array.from({ length: 8 }, () => Array.from({ length: 1 + Math.floor(next() * 12) }, word).join(" "));
}

/** @param {string} html what the engine gives with scores turned on */
function words(html) {
  const list = [...html.matchAll(/x-bergamot-word-score="([^"]*)">([^<]*)</g)];
  return list.map(([, score, text]) => ({ text, score: Number(score) }));
}

/** @param {Record<string, Uint8Array>} files @param {string} precision @param {string[]} texts @returns {string[]} */
function theirs(files, precision, texts) {
  const path = (/** @type {string} */ name) => {
    writeFileSync(join(scratch, name), files[name]);
    return join(scratch, name);
  };
  const job = {
    package: bergamot,
    model: path("model.bin"),
    vocabularies: [path("vocab.spm")],
    shortlist: files["lex.bin"] && path("lex.bin"),
    precision,
    texts,
  };
  writeFileSync(join(scratch, "job.json"), JSON.stringify(job));
  const script = fileURLToPath(new URL("bergamot.js", import.meta.url));
  return JSON.parse(
    execFileSync(process.execPath, [script, join(scratch, "job.json")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
}

/** @param {Record<string, Uint8Array>} files @param {string[]} texts */
async function ours(files, texts, type = /** @type {"f32" | "i8"} */ ("f32")) {
  const { blob } = await convertToBlob(Object.entries(files), { type, source: ["en"], target: ["de"] });
  const translator = await Translator.create({ model: await blob.arrayBuffer(), worker: false });
  const results = [];
  for (const text of texts) {
    const length = text.split(" ").length + 1;
    /** @type {any} */
    const options = { split: false, preserve: false, search: "marian", maxLength: 2 * length };
    const { translation, sentences: parts } = /** @type {any} */ (await translator.explain(text, options));
    results.push({ translation, tokens: parts[0].targetTokens });
  }
  translator.destroy();
  return results;
}

/** @type {[string, import("./marian-student.js").Shape, boolean][]} */
const CASES = [
  ["a student", { seed: 1 }, false],
  ["a student with a shortlist", { seed: 2 }, true],
  ["a deeper and wider student", { seed: 3, width: 128, ffn: 256, heads: 8, encoder: 3, decoder: 3 }, true],
  ["a self-attention decoder", { seed: 4, autoreg: "self-attention", activation: "swish" }, false],
  ["a student with swish", { seed: 5, activation: "swish" }, true],
];
for (const [title, shape, withShortlist] of CASES)
  test(`${title}: bergamot's words and scores`, { skip }, async () => {
    const student = makeStudent({ width: 64, ffn: 128, heads: 4, vocabulary: VOCABULARY, eosBias: -0.5, ...shape });
    /** @type {Record<string, Uint8Array>} */
    const files = { "model.bin": writeBin(student, "float32"), "vocab.spm": SPM };
    if (withShortlist) files["lex.bin"] = writeShortlist(VOCABULARY, VOCABULARY, { first: 8, best: 12 }).file;
    const texts = sentences(shape.seed ?? 1);
    const [wanted, got] = [theirs(files, "float32", texts), await ours(files, texts)];
    let compared = 0;
    for (const [i, html] of wanted.entries()) {
      assert.equal(got[i].translation, html.replace(/<[^>]*>/g, ""), texts[i]);
      for (const [t, { score }] of words(html).entries()) {
        const token = got[i].tokens[t];
        assert.ok(
          Math.abs(token.logProbability - score) < TOLERANCE,
          `${texts[i]}: word ${t}: ${token.logProbability}, ${score}`,
        );
        compared++;
      }
    }
    assert.ok(compared >= texts.length, `${compared} scores`);
  });

test("int8: each engine is what its own arithmetic says, and Glossa's is nearer to float32", { skip }, async (t) => {
  const shape = { width: 64, ffn: 128, heads: 4, vocabulary: VOCABULARY, eosBias: -0.5, seed: 6 };
  const student = makeStudent(shape);
  const alpha = (/** @type {string} */ name) => (name.endsWith("_Wo") ? 127 / 3 : 127 / 6);
  const files = { "model.bin": writeBin(student, "alphas", alpha), "vocab.spm": SPM };
  const quantized = new Map(
    [...student.parameters].filter(([name]) => isMatrix(name)).map(([name, p]) => [name, intgemm8(name, p)]),
  );
  const matrix = (/** @type {string} */ name) => /** @type {ReturnType<typeof intgemm8>} */ (quantized.get(name));
  // Embeddings are read from the quantized table.
  const parameters = new Map(student.parameters);
  const { q, multiplier } = matrix("Wemb");
  parameters.set("Wemb", { shape: [VOCABULARY, 64], data: Float32Array.from(q, (value) => value / multiplier) });
  const sizes = { heads: 4, encoder: 2, decoder: 2, autoreg: "rnn", activation: "relu" };

  const texts = sentences(6);
  const wanted = theirs(files, "int8shiftAlphaAll", texts);
  const got = await ours(files, texts, "i8");
  const away = { bergamot: 0, glossa: 0 };
  const count = { bergamot: 0, glossa: 0 };
  for (const [i, text] of texts.entries()) {
    const id = (/** @type {string} */ word) => Number(word.replace(/^\D+/, ""));
    const source = [...text.split(" ").map(id), 0];
    const heard = words(wanted[i]);
    const said = got[i].tokens.map((/** @type {any} */ token) => ({ id: token.id, score: token.logProbability }));
    for (const [engine, list, product] of /** @type {const} */ ([
      ["bergamot", heard.map(({ text: word, score }) => ({ id: id(word), score })), bergamotProduct(matrix, alpha)],
      ["glossa", said, glossaProduct(matrix)],
    ])) {
      const target = list.map((/** @type {any} */ token) => token.id);
      const reference = forcedLogProbabilities(parameters, sizes, source, target, product);
      const exact = forcedLogProbabilities(student.parameters, sizes, source, target);
      for (const [step, { score }] of list.entries()) {
        assert.ok(
          Math.abs(score - reference[step]) < TOLERANCE,
          `${engine}, "${text}", word ${step}: ${score}, ${reference[step]}`,
        );
        away[engine] += Math.abs(score - exact[step]);
        count[engine]++;
      }
    }
  }
  const mean = { bergamot: away.bergamot / count.bergamot, glossa: away.glossa / count.glossa };
  t.diagnostic(`mean distance of a log-probability to float32: ${JSON.stringify(mean)}`);
  assert.ok(mean.glossa < mean.bergamot, "Glossa is nearer to the float32 model");
});
