// Sentences through one engine: batched, stepped, and their fixed parts put in place.

import { unitSpans } from "./alignment.js";
import { abortError, makeError } from "./errors.js";
import { nextTurn } from "./platform.js";
import { findFixed, hasFixed, placeFixed, shifted } from "./preserve.js";
import { cutSentence, edges, isTranslatable } from "./split.js";
import { linkWords } from "./words.js";

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */

/** Milliseconds of work between two turns of the message queue, so that a turn with all around it stays below 8. */
const TURN_TIME = 6;

/** Tokens of a batch: a small one is ready soon, a large one is cheaper by the token, up to here; then it only takes memory. */
export const INTERACTIVE_TOKENS = 256;
const BULK_TOKENS = 512;
/** Tokens of the longest sentence. */
const MAX_TOKENS = 1024;
const MAX_SENTENCES = 16;
const MAX_ROWS = 32;

export const SEARCHES = /** @type {const} */ (["glossa", "huggingface", "marian"]);

/** The turns of one request: whoever works for long asks here, and stops when the request is aborted. */
export class Turns {
  #began = performance.now();
  #asked = this.#began;
  #aborted = false;

  abort() {
    this.#aborted = true;
  }

  /** Asked after every step: whether to let others have a turn, because two more like this one would take too long. */
  due() {
    const now = performance.now();
    const step = now - this.#asked;
    this.#asked = now;
    return now + 2 * step - this.#began >= TURN_TIME;
  }

  async pause() {
    await nextTurn();
    this.#began = this.#asked = performance.now();
    if (this.#aborted) throw abortError();
  }
}

/** A core with a session that is as large as the work asks for. */
export class Engine {
  #beam = 5;
  /** The longest sentence in tokens, the end included. */
  maxTokens = 0;

  /**
   * @param {Core} core with an open model
   * @param {boolean} gentle keep every step short, for a page that works in this thread
   * @param {Engine | null} next the engine that translates on from the pivot language
   */
  constructor(core, gentle = false, next = null) {
    this.core = core;
    this.next = next;
    this.bulkTokens = gentle ? INTERACTIVE_TOKENS : BULK_TOKENS;
    this.maxTokens = Math.min(core.model.context, MAX_TOKENS);
    core.setTimed(true);
    this.#open();
  }

  #open() {
    const limits = { sentences: MAX_SENTENCES, sourceTokens: MAX_TOKENS, beam: this.#beam, rows: MAX_ROWS };
    this.core.openSession(limits);
  }

  /** @param {number} beam */
  need(beam) {
    if (beam <= this.#beam) return;
    this.#beam = beam;
    this.#open();
  }
}

/**
 * @param {WorkOptions} options
 * @returns {import("./core.js").CoreOptions}
 */
export function coreOptions({ beamSize, search, normalize, maxLength, noRepeatNgram, banned }) {
  return { beam: beamSize, search: SEARCHES.indexOf(search), normalize, maxLength, noRepeatNgram, banned };
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
 * @param {Engine} engine
 * @param {string} text
 * @param {number} start
 * @param {WorkOptions} options
 * @param {Turns} turns
 * @param {number} [limit]
 * @returns {Promise<Work[]>}
 */
export async function fitSentence(engine, text, start, options, turns, limit = engine.maxTokens) {
  const work = makeWork(true, text, start);
  work.tokens = engine.core.countTokens(text);
  if (work.tokens <= engine.maxTokens) {
    if (options.preserve.length || Object.keys(options.glossary).length)
      work.fixed = findFixed(text, options.preserve, options.glossary, () => engine.core.tokenize(text));
    return [work];
  }
  if (limit < 4)
    throw makeError("QuotaExceededError", `${work.tokens} tokens in ${text.length} characters do not fit.`);
  const ends = unitSpans(engine.core.tokenize(text), text).map((span) => span.end);
  ends.pop();
  /** @type {Work[]} */
  const works = [];
  // A piece may have a token more than its share of the whole; where it still does not fit, it is cut shorter.
  for (const piece of cutSentence(text, ends, limit - (limit >> 3) - 2)) {
    if (turns.due()) await turns.pause();
    const [before, middle, after] = edges(piece);
    if (before) works.push(makeWork(false, before, start));
    if (middle && !isTranslatable(middle)) works.push(makeWork(false, middle, start + before.length));
    else if (middle)
      works.push(...(await fitSentence(engine, middle, start + before.length, options, turns, limit - (limit >> 2))));
    if (after) works.push(makeWork(false, after, start + piece.length - after.length));
    start += piece.length;
  }
  return works;
}

/**
 * Takes from the front of `queue` what fits into one batch.
 * @param {Work[]} queue
 * @param {number} beam
 * @param {number} budget tokens
 * @param {number} longest tokens of the longest sentence
 */
export function takeBatch(queue, beam, budget, longest) {
  const most = Math.max(1, Math.min(MAX_SENTENCES, Math.floor(MAX_ROWS / beam)));
  let tokens = 0;
  let count = 0;
  while (
    count < queue.length &&
    count < most &&
    (count === 0 || tokens + queue[count].tokens <= Math.max(budget, longest))
  )
    tokens += queue[count++].tokens;
  return queue.splice(0, count);
}

/**
 * How sentences are translated. `bulk`: throughput before order.
 * @typedef {{bulk: boolean, onPartial?: (work: Work, text: () => string) => void, onDone?: (work: Work) => void}} How
 */

/**
 * @param {Engine} engine
 * @param {Work[]} sentences
 * @param {WorkOptions} options
 * @param {Turns} turns
 * @param {How} how
 */
export async function runSentences(engine, sentences, options, turns, { bulk, onPartial, onDone }) {
  const { core } = engine;
  const settings = coreOptions(options);
  engine.need(options.beamSize);
  const queue = bulk ? sentences.toSorted((a, b) => b.tokens - a.tokens) : [...sentences];
  while (queue.length) {
    const batch = takeBatch(queue, options.beamSize, bulk ? engine.bulkTokens : INTERACTIVE_TOKENS, queue[0].tokens);
    core.begin(
      batch.map((work) => work.text),
      settings,
    );
    for (let done = false; !done; ) {
      done = core.step();
      if (done || !turns.due()) continue;
      if (onPartial)
        for (const [i, work] of batch.entries()) if (!work.fixed.length) onPartial(work, () => core.partial(i));
      await turns.pause();
    }
    /** @type {Work[]} */
    const cut = [];
    for (const [i, work] of batch.entries()) {
      finishSentence(core, i, work);
      if (work.output === null) cut.push(work);
      else onDone?.(work);
    }
    for (const work of cut) {
      await translateAround(engine, work, options, turns);
      onDone?.(work);
    }
    if (queue.length && turns.due()) await turns.pause();
  }
}

/**
 * Takes a sentence's translation out of the finished batch; its output stays null if a fixed part has no place in it.
 * @param {Core} core
 * @param {number} index in the batch
 * @param {Work} work
 */
function finishSentence(core, index, work) {
  const text = core.resultText(index);
  const complete = hasFixed(text, work.fixed);
  const seen = complete && !work.onLinks ? null : core.explain(index, 0);
  const placed = complete
    ? { text, edits: [] }
    : placeFixed(work.text, text, work.fixed, /** @type {any} */ (seen), core.model);
  work.output = placed?.text ?? null;
  if (!seen || !placed || !work.onLinks) return;
  const links = linkWords(core, seen, work.text, text);
  for (const { target } of links) {
    target[0] = shifted(target[0], placed.edits);
    target[1] = shifted(target[1], placed.edits);
  }
  work.onLinks(links);
}

/**
 * Translates what stands between the fixed parts of a sentence.
 * @param {Engine} engine
 * @param {Work} work
 * @param {WorkOptions} options
 * @param {Turns} turns
 */
async function translateAround(engine, work, options, turns) {
  /** @type {Work[]} */
  const parts = [];
  const between = (/** @type {number} */ start, /** @type {number} */ end) => {
    const text = work.text.slice(start, end);
    const first = text.search(/[\p{L}\p{N}]/u);
    const before = first < 0 ? text : text.slice(0, first);
    const middle = text.slice(before.length).trimEnd();
    const after = text.slice(before.length + middle.length);
    if (before) parts.push(makeWork(false, before));
    if (middle) {
      const sentence = makeWork(true, middle);
      sentence.tokens = engine.core.countTokens(middle);
      parts.push(sentence);
    }
    if (after) parts.push(makeWork(false, after));
  };
  let start = 0;
  for (const fixed of work.fixed) {
    between(start, fixed.start);
    parts.push(makeWork(false, fixed.replacement));
    start = fixed.end;
  }
  between(start, work.text.length);
  const sentences = parts.filter((part) => part.sentence);
  await runSentences(engine, sentences, options, turns, { bulk: false });
  work.output = parts.map((part) => part.output).join("");
}

/**
 * @param {Work[]} works
 * @returns {string}
 */
export function joinWorks(works) {
  return works.map((work) => work.output ?? "").join("");
}
