// Trains a model on for some steps until it translates corrected sentences as wanted. What is trained are the vectors of
// the words that matter most to the corrections (words.js), and nothing else: whatever does not read or write one of
// them is translated as before, to the bit. The lab computes gradients in float32; the engine, given the new weights in
// int8 after each step, tells whether the translations are right.

import { Batcher } from "../batcher.js";
import { compile, openCore } from "../build.js";
import { SourceFile } from "../convert/file.js";
import { GgufFile } from "../convert/gguf-reader.js";
import { makeError } from "../errors.js";
import { LabCore } from "../lab/core.js";
import { nextTurn } from "../platform.js";
import { triesOf } from "../sentences.js";
import { splitText } from "../split.js";
import { useRules } from "../text/use.js";
import { planText, translateTexts } from "../translation.js";
import { Turns } from "../turns.js";
import { withCandidates } from "./shortlist.js";
import { Words } from "./words.js";

/** @typedef {import("../types.js").Correction} Correction */
/** @typedef {import("../lab/core.js").TokenPair} TokenPair */

/**
 * @typedef {object} LearnJob
 * @property {Uint8Array<ArrayBuffer>} bytes the checkpoint, which becomes the trainer's and changes
 * @property {Correction[]} corrections
 * @property {string[]} keep
 * @property {number} steps at most
 * @property {import("../types.js").BuildChoice} build
 * @property {import("../types.js").WasmSources} wasm
 * @property {import("../text/use.js").TextRules} rules
 * @property {import("../types.js").LanguagePair} languages that the model is used for
 * @property {import("../protocol.js").WorkOptions} options of a usual translation
 */

/** @typedef {{learned: boolean, steps: number, loss: number, bytes: Uint8Array<ArrayBuffer> | null}} Learnt `bytes`: null where nothing had to change */

/** Kept sentences in a step. */
const KEPT = 8;
/** How often the way that was gone is halved. */
const HALVINGS = 5;
/** Steps until more words are chosen: first of the source alone, later also new ones of the target. */
const CHOICE_STEPS = 6;

/** Of the lab nothing is wanted but gradients: no step of its own, nothing drawn. */
const SETTINGS = {
  optimizer: "none",
  dropout: 0,
  labelSmoothing: 0,
  shards: 1,
  threads: 1,
};

/** An engine without a model. @param {LearnJob} job */
async function openEngine({ build, wasm }) {
  const { core } = await openCore({ simd128: () => null, relaxed: () => null }, build, wasm);
  return core;
}

/** Gives the engine the model as it is now. @param {import("../core.js").Core} core @param {LearnJob} job */
function loadModel(core, { bytes, languages, options }) {
  core.reserve(bytes.length);
  core.write(0, bytes);
  core.openModel();
  core.chooseLanguages(languages.sourceLanguage, languages.targetLanguage);
  return { batcher: new Batcher(core), options, turns: new Turns() };
}

/** @param {LearnJob} job */
async function openLab({ bytes, wasm }) {
  if (!wasm.lab)
    throw makeError(
      "NetworkError",
      'The lab is not at hand, which learning needs: name the place of glossa-lab.wasm with the option "wasm" of create(), as { lab }.',
    );
  const lab = await LabCore.instantiate(await compile(wasm.lab));
  for (const [name, value] of Object.entries(SETTINGS)) lab.set(name, value);
  lab.load(bytes);
  return lab;
}

/** The text of tokens, without their end. @param {LabCore} lab @param {number[]} ids */
function spelled(lab, ids) {
  /** @type {number[]} */
  const bytes = [];
  const encoder = new TextEncoder();
  for (const id of ids.slice(0, -1)) {
    const piece = lab.piece(id, true);
    const byte = /^<0x([\dA-F]{2})>$/.exec(piece);
    if (byte) bytes.push(Number.parseInt(byte[1], 16));
    else bytes.push(...encoder.encode(piece.replaceAll("\u2581", " ")));
  }
  return new TextDecoder().decode(new Uint8Array(bytes)).trim();
}

/** A correction, or what is to stay, as pairs of sentences in tokens. */
class Reader {
  /** @param {import("../batcher.js").Job} job @param {LabCore} lab */
  constructor(job, lab) {
    this.job = job;
    this.lab = lab;
  }

  /** @param {string} reading @param {string} target @param {string} what for messages @returns {TokenPair} */
  #pair(reading, target, what) {
    const { lab, job } = this;
    const { core, maxTokens } = job.batcher;
    const source = [...core.sourcePrefix, ...lab.encode(reading, false)];
    const ids = lab.encode(target, true);
    const own = spelled(lab, ids);
    if (own !== target)
      throw makeError(
        "TypeError",
        `The model cannot write ${what}, ${JSON.stringify(target)}: its vocabulary makes ${JSON.stringify(own)} of it.`,
      );
    if (ids.length > maxTokens)
      throw makeError("RangeError", `${what} has ${ids.length} tokens; the model writes ${maxTokens} at most.`);
    return [source, ids];
  }

  /** @param {Correction} correction @param {string} what for messages @returns {Promise<TokenPair[]>} */
  async read({ source, target }, what) {
    const { core, targetLanguage } = this.job.batcher;
    const works = (await planText(this.job, source)).filter(({ sentence }) => sentence);
    const readings = works.flatMap((work) => triesOf(core, work, false).map(({ reading }) => reading.text));
    if (readings.length === 0)
      throw makeError("TypeError", `The source of ${what}, ${JSON.stringify(source)}, has no words to translate.`);
    if (readings.length === 1) return [this.#pair(readings[0], target, `the target of ${what}`)];
    const targets = [...splitText(target, targetLanguage, true)].filter(({ sentence }) => sentence);
    if (targets.length !== readings.length)
      throw makeError(
        "TypeError",
        `The source of ${what} is translated in ${readings.length} parts, and its target has ${targets.length} sentences: give one sentence at a time.`,
      );
    return readings.map((reading, i) => this.#pair(reading, targets[i].text, `the target of ${what}`));
  }

  /** Sentences with their translations of now; those that cannot be trained are left out. @param {string[]} keep */
  async readKept(keep) {
    const targets = await translateTexts(this.job, keep);
    /** @type {TokenPair[]} */
    const pairs = [];
    for (const [i, source] of keep.entries()) {
      try {
        pairs.push(...(await this.read({ source, target: targets[i] }, `kept sentence ${i}`)));
      } catch {
        // nothing to translate, or a translation that its own vocabulary spells otherwise
      }
    }
    return pairs;
  }
}

/**
 * Takes back what is not needed: of all shares of the way that was gone, halved and halved again, the least with which the
 * translations are still right; then words that need not have moved at all, common ones first. What was in the balance
 * elsewhere tips over less often so.
 * @param {Words} words
 * @param {() => Promise<boolean>} isRight
 */
async function settle(words, isRight) {
  const rows = words.chosen;
  let [least, most] = [0, 1];
  for (let turn = 0; turn < HALVINGS; turn++) {
    const share = (least + most) / 2;
    words.place(rows, share);
    if (await isRight()) most = share;
    else least = share;
  }
  words.place(rows, most);
  for (const row of rows) {
    words.place([row], 0);
    if (!(await isRight())) words.place([row], most);
  }
}

/**
 * @param {LearnJob} job
 * @param {AbortSignal | null} signal
 * @returns {Promise<Learnt>}
 */
export async function train(job, signal) {
  useRules(job.rules);
  const { corrections, keep, steps } = job;
  const sources = corrections.map(({ source }) => source);
  const isLearnt = (/** @type {string[]} */ translations) =>
    corrections.every(({ target }, i) => translations[i] === target);
  const core = await openEngine(job);
  /** @type {LabCore | null} */
  let lab = null;
  try {
    const work = loadModel(core, job);
    const translations = await translateTexts(work, sources);
    if (isLearnt(translations)) return { learned: true, steps: 0, loss: 0, bytes: null };
    lab = await openLab(job);
    const reader = new Reader(work, lab);
    /** @type {TokenPair[]} */
    const pairs = [];
    for (const [i, correction] of corrections.entries())
      pairs.push(...(await reader.read(correction, `correction ${i}`)));
    const kept = await reader.readKept(keep);
    const open = () => GgufFile.open(new SourceFile("the model", job.bytes));
    let gguf = await open();
    const bytes = await withCandidates(gguf, job.bytes, pairs);
    if (bytes !== job.bytes) {
      job.bytes = bytes;
      gguf = await open();
    }
    const words = new Words(gguf, lab, bytes);
    const written = new Set(translations.flatMap((text) => lab?.encode(text, true) ?? []));
    const read = pairs.flatMap(([source]) => source.slice(0, -1));
    const fresh = pairs.flatMap(([, target]) => target.filter((id) => !written.has(id)));
    const isRight = async () => {
      await nextTurn();
      signal?.throwIfAborted();
      return isLearnt(await translateTexts(loadModel(core, job), sources));
    };
    for (let step = 1; ; step++) {
      const first = (step - 1) * KEPT;
      const some = kept.slice(0, KEPT).map((_, i) => kept[(first + i) % kept.length]);
      const { loss } = lab.step([...pairs, ...some]);
      if (step % CHOICE_STEPS === 1) words.choose(read, step > CHOICE_STEPS ? fresh : []);
      words.move();
      const learned = await isRight();
      if (learned) await settle(words, isRight);
      if (learned || step >= steps) return { learned, steps: step, loss, bytes };
    }
  } finally {
    lab?.close();
    core.close();
  }
}
