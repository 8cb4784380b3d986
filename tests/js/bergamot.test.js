// Converted students against the engine behind Firefox Translations: in float32 the same words and the same scores; in
// int8 each engine is what its own arithmetic says, in one reference where only that arithmetic differs. It is the
// development dependency @browsermt/bergamot-translator; without it these tests are skipped.
//
//     GLOSSA_STUDENTS=full node --test tests/js/bergamot.test.js       students of the sizes of Firefox
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { convertToBlob, convertToMarian } from "../../src/js/convert/index.js";
import { Translator } from "../../src/js/index.js";
import { goldenCheckpoint, references } from "./golden-model.js";
import { bergamot, candidatesOf, forcedLogProbabilities, glossa } from "./marian-reference.js";
import { concat, int8Of, makeStudent, random, writeBin, writeShortlist, writeSpm } from "./marian-student.js";

/* It prints scores with six digits. */
const TOLERANCE = 1e-3;

/* Of ties that only two together explain a score, so many are tried. */
const NEAREST = 8;

const folder = fileURLToPath(new URL("../../node_modules/@browsermt/bergamot-translator", import.meta.url));
const installed = process.env.BERGAMOT ?? folder;
const skip = existsSync(installed) ? false : "no @browsermt/bergamot-translator; its folder can be given as BERGAMOT";
const scratch = mkdtempSync(join(tmpdir(), "glossa-bergamot-"));
after(() => rmSync(scratch, { recursive: true }));

/* The layers and heads of Firefox's students, in its own sizes or narrow. */
const full = process.env.GLOSSA_STUDENTS === "full";
const VOCABULARY = full ? 32000 : 96;
const SENTENCES = full ? 2 : 3;
const [SHORTLIST, WORDS] = full ? [{ first: 50, best: 50 }, 5] : [{ first: 8, best: 12 }, 8];
const TINY = { encoder: 6, decoder: 2, heads: 8, width: full ? 256 : 64, ffn: full ? 1536 : 384 };
const BASE_MEMORY = { encoder: 6, decoder: 4, heads: 8, width: full ? 384 : 64, ffn: full ? 1536 : 256 };
const BASE = { encoder: 6, decoder: 2, heads: 8, width: full ? 512 : 128, ffn: full ? 2048 : 512 };

/** @typedef {import("./marian-student.js").Shape} Shape */
/** @type {[string, Shape, boolean][]} the last: with a shortlist */
const STUDENTS = [
  ["tiny", { ...TINY, seed: 1 }, false],
  ["tiny", { ...TINY, seed: 2 }, true],
  ["base-memory", { ...BASE_MEMORY, seed: 3 }, false],
  ["base-memory", { ...BASE_MEMORY, seed: 4 }, true],
  ["base", { ...BASE, seed: 5 }, false],
  ["base", { ...BASE, seed: 6 }, true],
];
/** @type {[string, Shape, boolean][]} */
const OTHERS = [
  ["a self-attention decoder", { seed: 7, autoreg: "self-attention", activation: "swish" }, false],
  ["swish", { seed: 8, activation: "swish" }, true],
];

const SPM = writeSpm(VOCABULARY, { words: true });
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const piece = (/** @type {number} */ id) => `${LETTERS[id % 26]}${LETTERS[Math.floor(id / 26) % 26]}${id}`;
const idOf = (/** @type {string} */ word) => Number(word.replace(/^\D+/, ""));

/** Sentences of words that the vocabulary has. @param {number} seed */
function sentences(seed) {
  const next = random(seed);
  const word = () => piece(2 + Math.floor(next() * (VOCABULARY - 2)));
  return Array.from({ length: SENTENCES }, () =>
    Array.from({ length: 1 + Math.floor(next() * WORDS) }, word).join(" "),
  );
}

/* As Marian's own files have them, near enough for activations that leave a norm. */
const alpha = (/** @type {string} */ name) => (name.endsWith("_Wo") ? 127 / 3 : 127 / 6);

/**
 * One student as one of the engines' jobs.
 * @param {[string, Shape, boolean]} student
 * @param {"float32" | "int8"} precision
 */
function caseOf([name, given, withShortlist], precision) {
  const shape = { autoreg: /** @type {const} */ ("rnn"), activation: "relu", width: 64, ffn: 128, heads: 4, ...given };
  const sized = { encoder: 2, decoder: 2, ...shape, vocabulary: VOCABULARY, eosBias: -0.5 };
  const student = makeStudent(sized);
  const shortlist = withShortlist ? writeShortlist(VOCABULARY, VOCABULARY, SHORTLIST) : undefined;
  /** @type {Record<string, Uint8Array>} */
  const files = {
    "model.bin": writeBin(student, precision === "int8" ? "alphas" : "float32", alpha),
    "vocab.spm": SPM,
  };
  if (shortlist) files["lex.bin"] = shortlist.file;
  return {
    title: `${name}, seed ${shape.seed}${withShortlist ? ", with a shortlist" : ""}, ${precision}`,
    shape: sized,
    student,
    shortlist,
    files,
    precision,
    texts: sentences(shape.seed ?? 1),
  };
}

/** @typedef {ReturnType<typeof caseOf>} Case */

const CASES = skip
  ? []
  : [
      ...[...STUDENTS, ...OTHERS].map((student) => caseOf(student, "float32")),
      ...STUDENTS.map((student) => caseOf(student, "int8")),
    ];

/** A checkpoint as files for bergamot. @param {Uint8Array} checkpoint @returns {Promise<Record<string, Uint8Array>>} */
async function exported(checkpoint) {
  /** @type {Uint8Array[]} */
  const parts = [];
  const write = (/** @type {Uint8Array} */ bytes) => parts.push(bytes.slice());
  const { vocabularies, shortlist } = await convertToMarian("m.gguf", checkpoint, { format: "bin", write });
  return {
    "model.bin": concat(...parts),
    "vocab.spm": vocabularies[0].bytes,
    ...(shortlist && { "lex.bin": shortlist }),
  };
}

/* A model that PyTorch built as the recipes do, in the form that Marian has. */
const RECIPE = references().find(({ variant }) => variant === "post-relu-marian-zero-vector");

/** One case of each precision, with a shortlist. */
const returning = /** @type {const} */ (["float32", "int8"]).flatMap(
  (precision) => CASES.find((work) => work.shortlist && work.precision === precision) ?? [],
);

/**
 * What bergamot made of each case, of what two of them become through a checkpoint and back, and of the recipe's model.
 * @type {string[][]}
 */
let theirs = [];
before(async () => {
  if (skip) return;
  /** @type {Pick<Case, "files" | "precision" | "texts">[]} */
  const work = [...CASES];
  for (const { files, precision, texts } of returning) {
    const type = precision === "int8" ? "i8" : "f32";
    const { blob } = await convertToBlob(Object.entries(files), { type, source: ["en"], target: ["de"] });
    work.push({ files: await exported(new Uint8Array(await blob.arrayBuffer())), precision, texts });
  }
  const checkpoint = new Uint8Array(await goldenCheckpoint(RECIPE, "f32"));
  const texts = RECIPE.cases.map((/** @type {any} */ { text }) => text);
  work.push({ files: await exported(checkpoint), precision: "float32", texts });
  const jobs = work.map(({ files, precision, texts }, i) => {
    const path = (/** @type {string} */ name) => {
      writeFileSync(join(scratch, `${i}.${name}`), files[name]);
      return join(scratch, `${i}.${name}`);
    };
    return {
      model: path("model.bin"),
      vocabularies: [path("vocab.spm")],
      shortlist: files["lex.bin"] && path("lex.bin"),
      precision: precision === "int8" ? "int8shiftAlphaAll" : precision,
      texts,
    };
  });
  const path = join(scratch, "jobs.json");
  writeFileSync(path, JSON.stringify({ package: installed, jobs }));
  const script = fileURLToPath(new URL("bergamot.js", import.meta.url));
  const out = execFileSync(process.execPath, [script, path], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  theirs = JSON.parse(out);
});

test("a student through a checkpoint and back is the same to bergamot", { skip }, () => {
  for (const [i, work] of returning.entries())
    assert.deepEqual(theirs[CASES.length + i], theirs[CASES.indexOf(work)], work.title);
});

test("a recipe's model, exported: bergamot gives PyTorch's words and scores", { skip }, () => {
  let compared = 0;
  for (const [i, { greedy }] of RECIPE.cases.entries()) {
    const { ids, log_probability: scores } = greedy;
    if (ids.at(-1) !== RECIPE.config.eos) continue; // bergamot has another limit
    const word = scores.slice(0, -1).reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
    const html = /** @type {string} */ (theirs.at(-1)?.[i]);
    const [, score] = /** @type {RegExpMatchArray} */ (html.match(/x-bergamot-word-score="([^"]*)"/));
    const text = ids.slice(0, -1).map((/** @type {number} */ id) => RECIPE.pieces[id]);
    assert.equal(html.replace(/<[^>]*>/g, ""), text.join(""));
    assert.ok(Math.abs(Number(score) - word / text.length) < TOLERANCE, `${score}, ${word / text.length}`);
    compared++;
  }
  assert.equal(compared, 2);
});

/** @param {string} html what the engine gives with scores turned on */
function words(html) {
  const list = [...html.matchAll(/x-bergamot-word-score="([^"]*)">([^<]*)</g)];
  return list.map(([, score, text]) => ({ id: idOf(text), score: Number(score) }));
}

/** @param {Case} work */
async function ours({ files, texts, precision }) {
  const type = precision === "int8" ? "i8" : "f32";
  const { blob } = await convertToBlob(Object.entries(files), { type, source: ["en"], target: ["de"] });
  const translator = await Translator.create({ model: await blob.arrayBuffer(), worker: false });
  const results = [];
  for (const text of texts) {
    const length = text.split(" ").length + 1;
    /** @type {any} */
    const options = { split: false, preserve: false, search: "marian", maxLength: 2 * length };
    const { translation, sentences: parts } = /** @type {any} */ (await translator.explain(text, options));
    const tokens = parts[0].targetTokens.map((/** @type {any} */ t) => ({ id: t.id, score: t.logProbability }));
    results.push({ translation, tokens });
  }
  translator.destroy();
  return results;
}

for (const [number, work] of CASES.entries())
  if (work.precision === "float32")
    test(`${work.title}: bergamot's words and scores`, { skip }, async (t) => {
      const got = await ours(work);
      let [compared, furthest] = [0, 0];
      for (const [i, html] of theirs[number].entries()) {
        assert.equal(got[i].translation, html.replace(/<[^>]*>/g, ""), work.texts[i]);
        for (const [step, { score }] of words(html).entries()) {
          furthest = Math.max(furthest, Math.abs(got[i].tokens[step].score - score));
          compared++;
        }
      }
      t.diagnostic(`${work.title}: ${compared} scores, the furthest ${furthest.toExponential(1)} apart`);
      assert.ok(compared >= work.texts.length, `${compared} scores`);
      assert.ok(furthest < TOLERANCE, `a score is ${furthest} away`);
    });

/**
 * Finds the ties of rounding (see marian-reference.js) that make the reference give `wanted`. Bergamot adds floats in an
 * order of its own, so a few in a hundred thousand activations round to the other neighbour, and move what comes after.
 * @param {(ties: import("./marian-reference.js").Ties) => number[]} reference
 * @param {number[]} wanted
 */
function settleTies(reference, wanted) {
  /** @param {number[]} turned */
  const attempt = (turned) => {
    const ties = { met: /** @type {Map<number, number>} */ (new Map()), turned: new Set(turned) };
    const scores = reference(ties);
    const wrong = wanted.findIndex((score, step) => !(Math.abs(score - scores[step]) < TOLERANCE));
    const open = [...ties.met].filter(([tie]) => !ties.turned.has(tie)).sort(([, a], [, b]) => a - b);
    return { turned, right: wrong < 0 ? wanted.length : wrong, open: open.map(([tie]) => tie) };
  };
  /** One more tie turned, or two: the nearest to the middle first. @param {ReturnType<typeof attempt>} from */
  const further = (from) => {
    const tried = [];
    for (const tie of from.open) {
      const next = attempt([...from.turned, tie]);
      if (next.right > from.right) return next;
      tried.push(next);
    }
    for (const one of tried.slice(0, NEAREST))
      for (const tie of one.open.slice(0, NEAREST)) {
        const next = attempt([...one.turned, tie]);
        if (next.right > from.right) return next;
      }
    return undefined;
  };
  let best = attempt([]);
  while (best.right < wanted.length) {
    const next = further(best);
    if (!next) break;
    best = next;
  }
  return best;
}

const away = { bergamot: 0, glossa: 0 };
let compared = 0;

for (const [number, work] of CASES.entries())
  if (work.precision === "int8")
    test(`${work.title}: each engine is what its own arithmetic says, Glossa to the bit`, { skip }, async (t) => {
      const { shape, student, texts, shortlist } = work;
      const matrix = int8Of(student);
      const got = await ours(work);
      let [scores, ties] = [0, 0];
      for (const [i, text] of texts.entries()) {
        const source = [...text.split(" ").map(idOf), 0];
        const candidates = shortlist && candidatesOf(shortlist, source, VOCABULARY);
        /** @param {{ id: number }[]} said @param {import("./marian-reference.js").Arithmetic} [arithmetic] */
        const reference = (said, arithmetic) => {
          const target = said.map(({ id }) => id);
          return forcedLogProbabilities(student.parameters, shape, source, target, arithmetic, candidates);
        };
        const { tokens } = got[i];
        const expected = reference(tokens, glossa(matrix, shape.width));
        for (const [step, { score }] of tokens.entries())
          assert.equal(score, expected[step], `Glossa, "${text}", word ${step}`);

        const heard = words(theirs[number][i]);
        const settled = settleTies(
          (open) => reference(heard, bergamot(matrix, shape.width, alpha, open)),
          heard.map(({ score }) => score),
        );
        assert.equal(settled.right, heard.length, `bergamot, "${text}": the score of word ${settled.right}`);
        ties += settled.turned.length;
        scores += tokens.length + heard.length;

        for (const [engine, said] of /** @type {const} */ ([
          ["bergamot", heard],
          ["glossa", tokens],
        ])) {
          const exact = reference(said);
          for (const [step, { score }] of said.entries()) away[engine] += Math.abs(score - exact[step]) / said.length;
        }
        compared++;
      }
      t.diagnostic(`${work.title}: ${scores} scores, ${ties} ties`);
    });

test("int8: Glossa is nearer to the float32 model", { skip }, (t) => {
  const mean = { bergamot: away.bergamot / compared, glossa: away.glossa / compared };
  t.diagnostic(`mean distance of a log-probability to float32, ${compared} sentences: ${JSON.stringify(mean)}`);
  assert.ok(mean.glossa < mean.bergamot);
});
