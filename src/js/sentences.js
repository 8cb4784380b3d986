// Sentences through one model: batched, stepped, and their fixed parts put in place.

import { unitSpans } from "./alignment.js";
import { coreOptions, INTERACTIVE_TOKENS, takeBatch } from "./batcher.js";
import { makeError } from "./errors.js";
import { findFixed, hasFixed, hasWords, keepFixed, placeFixed, shifted } from "./preserve.js";
import { copied, isTooShort, plainReading, secondReading, written } from "./reading.js";
import { cutSentence, edges, isTranslatable, joiner } from "./split.js";
import { base } from "./text/use.js";
import { linkWords } from "./words.js";

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./batcher.js").Job} Job */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */
/** @typedef {import("./types.js").WordLink} WordLink */

/** The language of models for what is no language; whatever they read they read as it is. @param {string} language */
export const isNoLanguage = (language) => base(language) === "zxx";

/**
 * Whether a sentence may be tried a second time: only where nothing of the search is the caller's.
 * @param {WorkOptions & {prefix?: unknown, headMask?: unknown, without?: unknown}} options
 */
export function mayRetry({ retry, search, normalize, maxLength, noRepeatNgram, banned, ...extras }) {
  const usual = search === "glossa" && normalize === undefined && maxLength === 0 && noRepeatNgram === 0;
  const whole = [extras.prefix, extras.headMask, extras.without].every((one) => one === undefined);
  return retry && usual && whole && banned.length === 0;
}

/**
 * A part of a text on its way: kept as it is, or a sentence.
 * @typedef {object} Work
 * @property {boolean} sentence
 * @property {string} text
 * @property {number} start in its text
 * @property {number} tokens of a sentence
 * @property {import("./preserve.js").Fixed[]} fixed
 * @property {string | null} output null until it is known
 * @property {number} [score] of the translation
 * @property {(links: import("./types.js").WordLink[]) => void} [onLinks] gets the word alignment, unless the sentence
 *     had to be cut around its fixed parts
 */

/**
 * @param {boolean} sentence
 * @param {string} text
 * @param {number} [start]
 * @returns {Work}
 */
export function makeWork(sentence, text, start = 0) {
  return { sentence, text, start, tokens: 0, fixed: [], output: sentence ? null : text };
}

/**
 * @param {Job} job
 * @param {string} text
 * @param {number} start
 * @param {number} [limit]
 * @returns {Promise<Work[]>}
 */
export async function fitSentence(job, text, start, limit = job.batcher.sentenceTokens) {
  const { batcher, options } = job;
  const { core } = batcher;
  const work = makeWork(true, text, start);
  work.tokens = core.countTokens(text);
  const find = () => findFixed(text, options.preserve, options.glossary, () => core.tokenize(text));
  work.fixed = isNoLanguage(core.model.sourceLanguage) ? [] : find();
  if (work.tokens <= batcher.sentenceTokens) return [work];
  if (limit < 4)
    throw makeError("QuotaExceededError", `${work.tokens} tokens in ${text.length} characters do not fit.`);
  const ends = unitSpans(core.tokenize(text), text).map((span) => span.end);
  ends.pop();
  // A piece may have a token more than its share of the whole; where it still does not fit, it is cut shorter. Pieces of
  // like length are better than long ones and a rest.
  const most = limit - (limit >> 3) - 2;
  const share = Math.ceil(ends.length / Math.ceil(ends.length / most));
  return planPieces(job, work, ends, Math.max(1, Math.min(most, share + (share >> 2))), limit - (limit >> 2));
}

/**
 * Cuts a sentence at good places.
 * @param {Job} job
 * @param {Work} work
 * @param {number[]} ends of its tokens
 * @param {number} limit tokens of a piece
 * @param {number} [next] the limit for a piece that does not fit
 */
async function planPieces(job, { text, start, fixed }, ends, limit, next) {
  const { turns } = job;
  /** @type {Work[]} */
  const works = [];
  for (const piece of cutSentence(text, ends, limit, fixed)) {
    if (turns.due()) await turns.pause();
    const [before, middle, after] = edges(piece);
    if (before) works.push(makeWork(false, before, start));
    if (middle && !isTranslatable(middle)) works.push(makeWork(false, middle, start + before.length));
    else if (middle) works.push(...(await fitSentence(job, middle, start + before.length, next)));
    if (after) works.push(makeWork(false, after, start + piece.length - after.length));
    start += piece.length;
  }
  return works;
}

/**
 * How sentences are translated. `bulk`: throughput before order. `once`: without second tries.
 * @typedef {{bulk: boolean, once?: boolean, onPartial?: (work: Work, text: () => string) => void, onDone?: (work: Work) => void}} How
 */

/**
 * A sentence as a model reads it once.
 * @typedef {object} Try
 * @property {Work} work
 * @property {import("./reading.js").Reading} reading
 * @property {number} tokens of the reading
 * @property {Try[]} all tries of the sentence
 * @property {string | null} answer what the model said; null until it is known
 * @property {{text: string, links: import("./types.js").WordLink[] | null} | null} placed the answer with what is fixed in it;
 *   null where something has no place
 * @property {number} score
 */

/**
 * @param {Core} core
 * @param {Work} work
 * @param {boolean} twice whether it may be tried a second time
 * @returns {Try[]} none where it has no words
 */
export function triesOf(core, work, twice) {
  const { sourceLanguage } = core.model;
  const plain = isNoLanguage(sourceLanguage)
    ? { ...plainReading("", []), text: work.text }
    : plainReading(work.text, work.fixed);
  if (!isNoLanguage(sourceLanguage)) work.output = copied(work.text, work.fixed);
  if (work.output !== null) return [];
  const second = twice ? secondReading(plain, sourceLanguage) : null;
  /** @type {Try[]} */
  const all = [];
  for (const reading of second ? [plain, second] : [plain]) {
    const tokens = reading.text === work.text ? work.tokens : core.countTokens(reading.text);
    all.push({ work, reading, tokens, all, answer: null, placed: null, score: -Infinity });
  }
  return all;
}

/**
 * @param {Job} job
 * @param {Work[]} sentences
 * @param {How} how
 */
export async function runSentences(job, sentences, { bulk, once, onPartial, onDone }) {
  const { batcher, options, turns } = job;
  const { core } = batcher;
  const settings = coreOptions(options);
  const scored = mayRetry(options) && !isNoLanguage(core.model.sourceLanguage);
  const twice = scored && !once;
  batcher.need(options.beamSize);
  /** @type {Try[]} */
  const queue = [];
  for (const work of sentences) {
    const tries = triesOf(core, work, twice);
    if (!tries.length) onDone?.(work);
    queue.push(...tries);
    if (turns.due()) await turns.pause();
  }
  if (bulk) queue.sort((a, b) => b.tokens - a.tokens);
  while (queue.length) {
    const batch = takeBatch(queue, options.beamSize, bulk ? batcher.bulkTokens : INTERACTIVE_TOKENS, queue[0].tokens);
    core.begin(
      batch.map(({ reading }) => reading.text),
      settings,
    );
    for (let done = false; !done; ) {
      done = core.step();
      if (done || !turns.due()) continue;
      if (onPartial)
        for (const [i, { work, reading, all }] of batch.entries()) {
          if (all.length > 1 || reading.fixed.length || reading.marks.length) continue;
          // What may be too short in the end is not certain yet.
          const certain = () => (twice && isTooShort(work.text, core.partial(i)) ? "" : core.partial(i));
          onPartial(work, certain);
        }
      await turns.pause();
    }
    for (const [i, one] of batch.entries()) finishTry(core, i, one, scored);
    for (const { work, all } of batch) {
      if (work.output !== null || all.some(({ answer }) => answer === null)) continue;
      await conclude(job, work, all, twice);
      onDone?.(work);
    }
    if (queue.length && turns.due()) await turns.pause();
  }
}

/** A sign over and over. */
const LOOP = /(\S)\1{5}/u;

/**
 * Takes a try's translation out of the finished batch.
 * @param {Core} core
 * @param {number} index in the batch
 * @param {Try} one
 * @param {boolean} scored
 */
function finishTry(core, index, one, scored) {
  const { work, reading } = one;
  const answer = core.resultText(index);
  one.answer = answer;
  if (scored) {
    one.score = totalScore(core, index);
  }
  if (reading.fixed.length && LOOP.test(answer) && !LOOP.test(reading.text)) return; // lost its way over what it cannot read
  if (isWordless(reading, answer)) return;
  const complete = hasFixed(answer, reading.fixed);
  const linked = work.onLinks !== undefined || reading.marks.length > 0;
  const seen = complete && !linked ? null : core.explain(index, 0);
  const placed = complete
    ? { text: answer, edits: [] }
    : placeFixed(reading.text, answer, reading.fixed, /** @type {any} */ (seen), core.model);
  if (!placed) return;
  const links = linked && seen ? linkWords(core, seen, reading.text, answer) : null;
  for (const { target } of links ?? []) {
    target[0] = shifted(target[0], placed.edits);
    target[1] = shifted(target[1], placed.edits);
  }
  one.placed = { text: placed.text, links };
}

/**
 * A try as its sentence is written, once the other is known too: that says how the sentence ends.
 * @param {Try} one
 * @returns {import("./reading.js").Written | null} null where something has no place in it
 */
function writtenTry({ work, reading, placed, all }) {
  if (!placed) return null;
  const { text, links } = placed;
  const first = all[0].answer ?? "";
  const result = written(reading, text, links, first);
  // Nothing to cut the sentence at: marks of the writing direction are left out.
  return result || work.fixed.length ? result : written({ ...reading, marks: [] }, text, links, first);
}

/**
 * Whether a model said again what is fixed, and nothing of the words beside it.
 * @param {import("./reading.js").Reading} reading
 * @param {string} answer
 */
function isWordless({ text, fixed }, answer) {
  return fixed.length > 0 && hasWords(text, fixed) && !hasWords(answer, keepFixed(answer, fixed));
}

/**
 * Log-probability of a whole translation. Its mean would not do: of a word that a model spells piece by piece it is sure of
 * most pieces.
 * @param {Core} core
 * @param {number} index in the finished batch
 */
export function totalScore(core, index) {
  const { score, tokens } = core.result(index, 0);
  return score * tokens.length;
}

/** The better of two tries; the first of equals. @param {Try[]} tries @returns {Try} */
export const betterOf = (tries) => tries.reduce((best, one) => (one.score > best.score ? one : best));

/**
 * Gives a sentence the translation of its better try.
 * @param {Job} job
 * @param {Work} work
 * @param {Try[]} all
 * @param {boolean} twice
 */
async function conclude(job, work, all, twice) {
  const results = new Map(all.map((one) => [one, writtenTry(one)]));
  const whole = all.filter((one) => results.get(one));
  if (!whole.length) return translateAround(job, work);
  const best = betterOf(whole);
  const { score } = best;
  const { text, links } = /** @type {import("./reading.js").Written} */ (results.get(best));
  Object.assign(work, { output: text, score });
  if (twice && all.length === 1 && isTooShort(work.text, text)) {
    const pieces = await inPieces(job, work);
    if (pieces) {
      work.output = joinWorks(pieces);
      return;
    }
  }
  if (links) work.onLinks?.(links);
}

/**
 * Tries a sentence clause by clause.
 * @param {Job} job
 * @param {Work} work with the translation of the whole
 * @returns {Promise<Work[] | null>} null where that is no better
 */
export async function inPieces(job, work) {
  const ends = unitSpans(job.batcher.core.tokenize(work.text), work.text).map((span) => span.end);
  ends.pop();
  const pieces = await planPieces(job, work, ends, Math.max(8, ends.length >> 2));
  const sentences = pieces.filter(({ sentence }) => sentence);
  if (sentences.length < 2) return null;
  await runSentences(job, sentences, { bulk: false, once: true });
  const text = joinWorks(pieces);
  const sum = sentences.reduce((all, { score = 0 }) => all + score, 0);
  const complete = !isTooShort(work.text, text);
  return complete || sum > (work.score ?? 0) ? pieces : null;
}

/**
 * Translates what stands between the fixed parts of a sentence.
 * @param {Job} job
 * @param {Work} work
 */
async function translateAround(job, work) {
  const { core } = job.batcher;
  /** @type {Work[]} */
  const parts = [];
  const between = (/** @type {number} */ start, /** @type {number} */ end) => {
    const text = work.text.slice(start, end);
    const first = text.search(/[\p{L}\p{N}]/u);
    const before = first < 0 ? text : text.slice(0, first);
    let last = text.length;
    while (last > before.length && /[\s\p{Ps}\p{Pi}]/u.test(text[last - 1])) last--;
    const middle = text.slice(before.length, last);
    const after = text.slice(last);
    if (before) parts.push(makeWork(false, narrow(before)));
    if (middle) {
      const sentence = makeWork(isTranslatable(middle), middle);
      if (sentence.sentence) sentence.tokens = core.countTokens(middle);
      parts.push(sentence);
    }
    if (after) parts.push(makeWork(false, narrow(after)));
  };
  // Punctuation as wide as a Chinese character, where the translation has none.
  const { sourceLanguage, targetLanguage } = core.model;
  const wide = joiner("", sourceLanguage) !== "" || joiner("", targetLanguage) === "";
  const narrow = (/** @type {string} */ signs) => (wide ? signs : signs.normalize("NFKC"));
  let start = 0;
  for (const fixed of work.fixed) {
    between(start, fixed.start);
    parts.push(makeWork(false, fixed.replacement));
    start = fixed.end;
  }
  between(start, work.text.length);
  const sentences = parts.filter((part) => part.sentence);
  await runSentences(job, sentences, { bulk: false, once: true });
  work.output = parts.reduce((text, { output }) => {
    const next = output ?? "";
    return text + (needsSpace(text, next, core.model) ? " " : "") + next;
  }, "");
}

/**
 * Whether a space parts what stood together without one in a script that has none.
 * @param {string} before
 * @param {string} after
 * @param {import("./types.js").ModelInfo} model
 */
function needsSpace(before, after, { sourceLanguage, targetLanguage }) {
  if (joiner("", sourceLanguage) || !joiner("", targetLanguage)) return false;
  return /[\p{L}\p{N}}\]]$/u.test(before) && /^[\p{L}\p{N}{[$%]/u.test(after);
}

/**
 * @param {Work[]} works
 * @returns {string}
 */
export function joinWorks(works) {
  return works.map((work) => work.output ?? "").join("");
}
