// A model that works on several sentences at once: how many, how long ones, and with what of the search.

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */

/**
 * What is asked of a model, or of two that work one after the other: the first argument of whatever translates.
 * @template {WorkOptions} [T=WorkOptions]
 * @typedef {object} Job
 * @property {Batcher} batcher
 * @property {T} options
 * @property {import("./turns.js").Turns} turns
 */

/** Tokens of a batch: a small one is ready soon, a large one is cheaper by the token, up to here; then it only takes memory. */
export const INTERACTIVE_TOKENS = 256;
const BULK_TOKENS = 512;
/** Tokens of the longest sentence. */
const MAX_TOKENS = 1024;
/** Shorter pieces of a sentence say nothing. */
const LEAST_TOKENS = 16;
const MAX_SENTENCES = 16;
const MAX_ROWS = 32;

export const SEARCHES = /** @type {const} */ (["glossa", "huggingface", "marian"]);

/** One model: its core with a session that is as large as the work asks for, and how large its batches are. */
export class Batcher {
  #beam = 5;
  /** The longest sentence in tokens, the end included. */
  maxTokens = 0;

  /**
   * @param {Core} core with an open model
   * @param {boolean} gentle keep every step short, for a page that works in this thread
   * @param {Batcher | null} next the one that translates on from the pivot language
   */
  constructor(core, gentle = false, next = null) {
    this.core = core;
    this.next = next;
    this.bulkTokens = gentle ? INTERACTIVE_TOKENS : BULK_TOKENS;
    this.maxTokens = Math.min(core.model.context, MAX_TOKENS);
    /** Tokens beyond which a sentence is cut: of longer ones the model's training had none. */
    this.sentenceTokens = Math.min(this.maxTokens, Math.max(core.model.trainingLength || Infinity, LEAST_TOKENS));
    core.setTimed(true);
    this.#open();
  }

  #open() {
    const limits = { sentences: MAX_SENTENCES, sourceTokens: MAX_TOKENS, beam: this.#beam, rows: MAX_ROWS };
    this.core.openSession(limits);
  }

  get sourceLanguage() {
    return this.core.model.sourceLanguage;
  }

  /** Of the whole way, where it goes on from here. @returns {string} */
  get targetLanguage() {
    return this.next ? this.next.targetLanguage : this.core.model.targetLanguage;
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
 * Takes from the front of `queue` what fits into one batch.
 * @template {{tokens: number}} T
 * @param {T[]} queue
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
