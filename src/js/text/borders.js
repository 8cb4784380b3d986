// Where sentences end, by the rules of a language (languages/*.json). One pass over a line: every place where a mark of the
// end stands is judged by what stands a few characters before it and behind it.

/**
 * The rules of a language. Lists of words are divided by spaces, in lower case, without the full stop at their end.
 * @typedef {object} SentenceRules
 * @property {string[]} languages the primary subtags that they are for
 * @property {string} abbreviations words whose full stop ends no sentence
 * @property {string} [beforeNumber] those that are abbreviations only where a number follows
 * @property {string} [mayEnd] abbreviations that a sentence can end with: a small letter or a number goes on
 * @property {string} [starters] words that begin sentences, as they are written there: where they are given, no other
 *     word begins one behind an abbreviation of `mayEnd`, or behind letters with full stops, such as "U.S."
 * @property {boolean} [ordinals] whether "3." is how the third is written
 * @property {boolean} [unspaced] whether sentences follow each other without a space
 * @property {string} [whole] pairs of quotation marks within which no sentence ends
 * @property {string} [goesOn] a pattern: what begins so behind a closing mark goes on
 */

/** SentenceRules ready for use. */
class Rules {
  /** @param {SentenceRules} rules */
  constructor({ abbreviations, beforeNumber, mayEnd, starters, ordinals, unspaced, whole, goesOn }) {
    const words = (/** @type {string | undefined} */ list) => new Set(list?.split(" "));
    this.abbreviations = words(abbreviations);
    this.beforeNumber = words(beforeNumber);
    this.mayEnd = words(mayEnd);
    this.starters = starters ? words(starters) : null;
    this.ordinals = ordinals === true;
    this.unspaced = unspaced === true;
    this.pairs = `()（）[]【】《》〈〉${whole ?? ""}`;
    this.goesOn = goesOn ? new RegExp(`^${goesOn}`, "u") : null;
  }
}

/** @type {WeakMap<SentenceRules, Rules>} */
const ready = new WeakMap();

/** @param {SentenceRules} rules */
function prepared(rules) {
  const found = ready.get(rules) ?? new Rules(rules);
  ready.set(rules, found);
  return found;
}

/** Marks of the end of a sentence, as many as stand together. */
const ENDS = /[.!?…。！？｡．‼⁇⁈⁉]+/g;
/** What belongs to the sentence that it closes; and the reference of a footnote. */
const CLOSING = /(?:["'”’»›)\]}」』）】》〉〕］｝]|\[\d{1,3}\])*/y;
/** In these languages the same mark opens elsewhere. */
const CLOSING_LOW = /(?:["'”’»›«‹)\]}“‘]|\[\d{1,3}\])*/y;
/** A closing mark that has a space before it, as in French. */
const SPACED_CLOSING = /[ \u00a0\u202f]»(?![\p{L}\p{N}])/uy;
const SPACE = /\s*/y;
const LETTER = /\p{L}/gu;

/** Characters that an abbreviation, or the words before it, may take. */
const LOOK_BACK = 24;
/** Longer brackets hold sentences of their own. */
const LONGEST_BRACKET = 200;

/**
 * For each position the depth of brackets that are closed again soon.
 * @param {string} line
 * @param {string} pairs opening and closing marks in turn
 * @returns {Int32Array | null} null where there are none
 */
function bracketDepths(line, pairs) {
  /** @type {Int32Array | null} */
  let depths = null;
  /** @type {number[][]} by pair */
  const open = [];
  for (let at = 0; at < line.length; at++) {
    const kind = pairs.indexOf(line[at]);
    if (kind < 0) continue;
    const stack = (open[kind >> 1] ??= []);
    if (kind % 2 === 0) stack.push(at);
    else {
      const start = stack.pop();
      if (start === undefined || at - start > LONGEST_BRACKET) continue;
      depths ??= new Int32Array(line.length + 1);
      depths[start + 1]++;
      depths[at + 1]--;
    }
  }
  if (depths) for (let at = 1; at < depths.length; at++) depths[at] += depths[at - 1];
  return depths;
}

/**
 * @param {RegExp} pattern sticky
 * @param {string} text
 * @param {number} at
 * @returns {number} where the match ends; `at` where there is none
 */
export function past(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * Where the sentences of a line end.
 * @param {string} line
 * @param {SentenceRules} sentenceRules
 * @returns {Iterable<number>} offsets in order, the white space behind a sentence included; not the end of the line
 */
export function* sentenceBorders(line, sentenceRules) {
  const rules = prepared(sentenceRules);
  /** @type {Int32Array | null | undefined} */
  let depths;
  let letter = -1; // the first one of the sentence, once it is known
  let start = 0;
  for (const { index, 0: mark } of line.matchAll(ENDS)) {
    if (index < start) continue;
    if (letter < start) {
      LETTER.lastIndex = start;
      letter = LETTER.exec(line)?.index ?? line.length;
    }
    if (letter > index) continue; // nothing said yet
    const end = index + mark.length;
    let closed = past(rules.ordinals ? CLOSING_LOW : CLOSING, line, end);
    closed = past(SPACED_CLOSING, line, closed);
    const next = past(SPACE, line, closed);
    if (next === line.length) return;
    if (depths === undefined) depths = bracketDepths(line, rules.pairs);
    if (depths?.[closed]) continue;
    if (!isBorder(line, index, mark, closed, next, rules)) continue;
    yield next;
    start = next;
  }
}

/**
 * @param {string} line
 * @param {number} at where the mark of the end stands
 * @param {string} mark
 * @param {number} closed behind the closing marks
 * @param {number} next where the text goes on
 * @param {Rules} rules
 */
function isBorder(line, at, mark, closed, next, rules) {
  const behind = line.slice(next, next + LOOK_BACK);
  const quoted = closed > at + mark.length;
  if (/^[,;:，、；：.!?…。！？]/.test(behind)) return false;
  if (/[。！？｡‼⁇⁈⁉]/.test(mark) || (rules.unspaced && next === closed)) {
    if (quoted && rules.goesOn?.test(behind)) return false;
    if (/[。！？｡‼⁇⁈⁉]/.test(mark)) return true;
    // ASCII marks in a text without spaces
    if (/^[!?]+$/.test(mark) || /\p{Lo}$/u.test(line.slice(Math.max(0, at - 2), at)))
      return /^[\p{Lo}\p{Ps}\p{Pi}]/u.test(behind);
    return false;
  }
  if (next === closed) return false;
  const word = /^(?:[-–—] )?[\p{P}\p{S}]*([\p{L}\p{N}]+)/u.exec(behind)?.[1] ?? "";
  if (/^(?:[-–—] )?[\p{Ps}\p{Pi}"'„«»¿¡]*\p{Ll}/u.test(behind) && !(/^\p{Ll}{1,2}\p{Lu}/u.test(behind) && !quoted))
    return false;
  if (mark !== ".") return true;
  if (/^\p{L}\./u.test(behind) && /(?:^|[^\p{L}\p{N}])\p{L}$/u.test(line.slice(Math.max(0, at - 3), at))) return false; // z. B.
  return !isAbbreviation(line.slice(Math.max(0, at - LOOK_BACK), at), behind[0] === "(" ? "" : word, rules);
}

/**
 * Whether a full stop belongs to the word before it.
 * @param {string} before
 * @param {string} next the word behind it
 * @param {Rules} rules
 */
function isAbbreviation(before, next, { abbreviations, beforeNumber, mayEnd, starters, ordinals }) {
  const word = /[\p{L}\p{N}.'’/-]*$/u.exec(before)?.[0] ?? "";
  if (word === "") return false;
  if (ordinals && /(?:^|[^:,.\d]|\d\.[-–/]?)(?:\d{1,2}|[IVXL]+)$/.test(before)) return true;
  // The initial of a name.
  if (/^\p{Lu}$/u.test(word) && /^\p{Lu}/u.test(next) && !/[°\d]\s*$/.test(before.slice(0, -1))) return true;
  const small = word.toLowerCase().replace(/^['’-]+/, "");
  const pair = /(?:\p{L}+\. ?)+$/u
    .exec(before.slice(0, before.length - word.length))?.[0]
    .replace(/ /g, "")
    .toLowerCase();
  const known = (/** @type {Set<string>} */ list) => list.has(small) || (pair !== undefined && list.has(pair + small));
  if (known(abbreviations)) return true;
  if (known(beforeNumber)) return /^\p{N}/u.test(next);
  const dotted = /^(?:\p{L}\.)+\p{L}$/u.test(word);
  if (known(mayEnd) || dotted)
    return /^\p{N}/u.test(next) || (starters ? !starters.has(next) : dotted && !known(mayEnd));
  // The initial of a name.
  return /^\p{Lu}$/u.test(word) && !/[°\d]\s*$/.test(before.slice(0, -1)) && /^\p{Lu}/u.test(next);
}
