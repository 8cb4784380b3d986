// Texts into sentences: paragraphs, line breaks and the space between sentences go through as they are.

/**
 * A part of a text: kept as it is, or a sentence to be translated. All parts together are the text.
 * @typedef {{sentence: boolean, text: string, start: number}} Part
 */

/** Words whose full stop ends no sentence; lower case, without the stop. */
const ABBREVIATIONS = new Set(
  "mr mrs ms dr prof st sr jr rev gen col capt lt sgt hon vs etc cf e.g i.e no vol fig pp approx dept inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec hr fr frau bzw z.b d.h u.a usw ca nr str tel abs vgl evtl ggf inkl".split(
    " ",
  ),
);

/** Languages that put no space between sentences. */
const UNSPACED = new Set(["zh", "lzh", "ja", "th", "lo", "km", "my", "yue"]);

/** @type {Map<string, Intl.Segmenter | null>} */
const segmenters = new Map();

/**
 * The first one takes browsers some 10 ms, which nobody can split.
 * @param {string} language
 * @returns {Intl.Segmenter | null} null where the platform has none
 */
export function segmenter(language) {
  let found = segmenters.get(language);
  if (found === undefined) {
    found = null;
    if (typeof Intl.Segmenter === "function") {
      try {
        found = new Intl.Segmenter(language || undefined, { granularity: "sentence" });
      } catch {
        found = new Intl.Segmenter(undefined, { granularity: "sentence" });
      }
    }
    segmenters.set(language, found);
  }
  return found;
}

/**
 * Whether there is anything to translate: a letter, a digit or a symbol that words can go with.
 * @param {string} text
 */
export function isTranslatable(text) {
  return /[\p{L}\p{N}]/u.test(text);
}

const EDGE = /[\s\p{Cc}]/u;

/**
 * @param {string} text
 * @returns {[string, string, string]} white space and control characters, the rest, and the same again
 */
export function edges(text) {
  let start = 0;
  let end = text.length;
  while (start < end && EDGE.test(text[start])) start++;
  while (end > start && EDGE.test(text[end - 1])) end--;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

/** @param {string} tag */
const base = (tag) => tag.toLowerCase().split(/[-_]/)[0];

/**
 * What stands between two sentences of the translation where `between` stood in the source: the same (the platform keeps
 * a space in Japanese too), or a space where the source needs none and the target does.
 * @param {string} between
 * @param {string} targetLanguage
 */
export function joiner(between, targetLanguage) {
  return between === "" && !UNSPACED.has(base(targetLanguage)) ? " " : between;
}

/** Words and their end: one sentence by every rule, so that the segmenter, which is slow to start, need not be asked. */
const ONE_SENTENCE = /^[\p{L}\p{M}\p{N} ,'’-]*(?:[.!?。！？]+ *)?$/u;

/**
 * Borders of the sentences of one line.
 * @param {string} line
 * @param {string} language
 * @returns {Iterable<string>} all together are the line
 */
function* sentencesOf(line, language) {
  const found = ONE_SENTENCE.test(line) ? undefined : segmenter(language);
  const pieces = found ? segments(found, line) : found === null ? line.split(/(?<=[.!?]["')\]]*\s+)/) : [line];
  let sentence = "";
  for (const piece of pieces) {
    if (sentence && endsSentence(sentence, piece)) {
      yield sentence;
      sentence = "";
    }
    sentence += piece;
  }
  yield sentence;
}

/** @param {Intl.Segmenter} segmenter @param {string} line */
function* segments(segmenter, line) {
  for (const { segment } of segmenter.segment(line)) yield segment;
}

/**
 * @param {string} before
 * @param {string} after
 */
function endsSentence(before, after) {
  if (!isTranslatable(before) || /^\p{Ll}/u.test(after)) return false;
  const word = /([\p{L}\p{N}.]+)\.\s*$/u.exec(before)?.[1];
  if (word === undefined) return true;
  if (ABBREVIATIONS.has(word.toLowerCase())) return false;
  return !(/^\p{Lu}$/u.test(word) && /^\p{Lu}/u.test(after)); // the initial of a name
}

/**
 * The parts one by one, so that a long text need not be split in one go.
 * @param {string} text
 * @param {string} language of the text
 * @param {boolean} [split] whether lines are cut into sentences; else the whole text is one
 * @returns {Iterable<Part>}
 */
export function* splitText(text, language, split = true) {
  let start = 0;
  let kept = ""; // what has come since the last sentence
  const lines = split ? text.split(/((?:\r\n|[\n\r\v\f\u0085\u2028\u2029])+)/) : [text];
  for (const line of lines) {
    for (const piece of split ? sentencesOf(line, language) : [line]) {
      const [before, middle, after] = isTranslatable(piece) ? edges(piece) : [piece, "", ""];
      kept += before;
      if (!middle) continue;
      if (kept) yield { sentence: false, text: kept, start };
      start += kept.length;
      yield { sentence: true, text: middle, start };
      start += middle.length;
      kept = after;
    }
  }
  if (kept) yield { sentence: false, text: kept, start };
}

/**
 * Cuts a sentence that has more than `limit` tokens at sensible places.
 * @param {string} text
 * @param {number[]} ends where each token ends, in UTF-16 units
 * @param {number} limit
 * @returns {string[]} all together are the text
 */
export function cutSentence(text, ends, limit) {
  /** @type {string[]} */
  const pieces = [];
  let start = 0;
  let token = 0;
  while (ends.length - token > limit) {
    const latest = Math.max(ends[token + limit - 1], start + 1);
    const earliest = ends[token + (limit >> 1)] ?? start + 1;
    const cut = bestCut(text, Math.max(earliest, start + 1), latest);
    pieces.push(text.slice(start, cut));
    start = cut;
    while (token < ends.length && ends[token] <= cut) token++;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

/**
 * The last good place for a cut in [earliest, latest].
 * @param {string} text
 * @param {number} earliest
 * @param {number} latest
 */
function bestCut(text, earliest, latest) {
  const part = text.slice(earliest, latest);
  for (const pattern of [/[;:!?。！？；：]["'”’)\]]*\s*/gu, /[,，、—–]\s*/gu, /\s+/gu]) {
    let cut = -1;
    for (const match of part.matchAll(pattern)) cut = earliest + match.index + match[0].length;
    if (cut > 0) return cut;
  }
  const high = text.charCodeAt(latest - 1);
  return high >= 0xd800 && high <= 0xdbff && latest - 1 > earliest ? latest - 1 : latest;
}
