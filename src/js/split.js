// Texts into sentences: paragraphs, line breaks and the space between sentences go through as they are.

import { past, sentenceBorders } from "./text/borders.js";
import { base, rulesOf } from "./text/use.js";

/**
 * A part of a text: kept as it is, or a sentence to be translated. All parts together are the text.
 * @typedef {{sentence: boolean, text: string, start: number}} Part
 */

/** Languages that put no space between sentences. */
const UNSPACED = new Set(["zh", "lzh", "ja", "th", "lo", "km", "my", "yue"]);

/** For languages without rules, where the platform cannot tell sentences apart either. */
const NO_RULES = { languages: [], abbreviations: "" };

/** @type {Map<string, Intl.Segmenter | null>} */
const segmenters = new Map();

/**
 * The platform's own segmenter, for a language without rules. The first one takes browsers some 10 ms, which nobody can
 * split.
 * @param {string} language
 * @returns {Intl.Segmenter | null} null where there are rules, or the platform has none
 */
export function segmenter(language) {
  let found = segmenters.get(language);
  if (found === undefined) {
    found = null;
    if (!rulesOf(language) && typeof Intl.Segmenter === "function") {
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
 * Whether there is anything to translate: a letter. Numbers and signs alone are the same in every language.
 * @param {string} text
 */
export function isTranslatable(text) {
  return /\p{L}/u.test(text);
}

/** White space, control characters, and those that are not seen: marks of the writing direction and the like. */
const EDGE = /[\s\p{Cc}\p{Cf}]/u;

/** What stands before the first sentence of a line: marks of a list, a heading, a quotation; check boxes; numbers. */
const LEAD = /(?:(?:>+|#{1,6}|[-*+–—•‣◦▪●○■□☐☑☒✓✔]|\[[ xX]\]|[(（]?\d{1,3}[)）])\s+|\d{1,3}、\s*)*/uy;
const LEAD_NUMBER = /\d{1,3}\.\s+(?!\p{Ll})/uy;

/**
 * @param {string} text
 * @param {string} [language] of a text that may begin with the mark of a list and the like, which then count as space
 * @returns {[string, string, string]} white space and control characters, the rest, and the same again
 */
export function edges(text, language) {
  let start = 0;
  let end = text.length;
  while (start < end && EDGE.test(text[start])) start++;
  while (end > start && EDGE.test(text[end - 1])) end--;
  if (language !== undefined) {
    start = past(LEAD, text, start);
    if (!rulesOf(language)?.ordinals) start = past(LEAD_NUMBER, text, start);
    if (start > end) end = start;
  }
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

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

/** A bar or a bullet between blanks, and the bars of a table's row: what is on both sides is no one sentence. */
const CELL = /(?:^|\s)[|•·▪]+(?=\s|$)/gu;

/**
 * The sentences of one line.
 * @param {string} line
 * @param {string} language
 * @returns {Iterable<string>} all together are the line
 */
function* sentencesOf(line, language) {
  let start = 0;
  for (const { index, 0: mark } of line.matchAll(CELL)) {
    yield* sentencesOfCell(line.slice(start, index), language);
    yield mark;
    start = index + mark.length;
  }
  yield* sentencesOfCell(start ? line.slice(start) : line, language);
}

/**
 * @param {string} line
 * @param {string} language
 * @returns {Iterable<string>} all together are the line
 */
function* sentencesOfCell(line, language) {
  if (ONE_SENTENCE.test(line)) return yield line;
  const found = segmenter(language);
  let start = 0;
  const borders = found ? segmentBorders(found, line) : sentenceBorders(line, rulesOf(language) ?? NO_RULES);
  for (const border of borders) {
    yield line.slice(start, border);
    start = border;
  }
  yield line.slice(start);
}

/**
 * The platform's borders, but not before a small letter, and what opens stands with what it opens.
 * @param {Intl.Segmenter} segmenter
 * @param {string} line
 */
function* segmentBorders(segmenter, line) {
  let letters = false;
  let before = "";
  for (const { segment, index } of segmenter.segment(line)) {
    if (letters && index > 0 && !/^\p{Ll}/u.test(segment)) {
      const opening = /[\p{Ps}\p{Pi}]+$/u.exec(before.slice(-4))?.[0].length ?? 0;
      yield index - opening;
      letters = false;
    }
    letters ||= isTranslatable(segment);
    before = segment;
  }
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
  for (const line of split ? linesOf(text) : [text]) {
    let first = true; // of the line
    for (const piece of split ? sentencesOf(line, language) : [line]) {
      const [before, middle, after] = edges(piece, first ? language : undefined);
      first &&= !isTranslatable(piece);
      if (!isTranslatable(middle)) {
        kept += piece;
        continue;
      }
      kept += before;
      if (kept) yield { sentence: false, text: kept, start };
      start += kept.length;
      yield { sentence: true, text: middle, start };
      start += middle.length;
      kept = after;
    }
  }
  if (kept) yield { sentence: false, text: kept, start };
}

const LINE_ENDS = /(?:\r\n|[\n\r\v\f\u0085\u2028\u2029])+/g;

/** Lines and what is between them, in turn. @param {string} text @returns {Iterable<string>} */
function* linesOf(text) {
  let start = 0;
  for (const { index, 0: ends } of text.matchAll(LINE_ENDS)) {
    yield text.slice(start, index);
    yield ends;
    start = index + ends.length;
  }
  yield text.slice(start);
}

/**
 * Cuts a sentence that has more than `limit` tokens at sensible places.
 * @param {string} text
 * @param {number[]} ends where each token ends, in UTF-16 units
 * @param {number} limit
 * @param {{start: number, end: number}[]} [whole] parts in order that are not cut
 * @returns {string[]} all together are the text
 */
export function cutSentence(text, ends, limit, whole = []) {
  /** @type {string[]} */
  const pieces = [];
  let start = 0;
  let token = 0;
  let part = 0; // the first of `whole` that ends behind the last cut
  while (ends.length - token > limit) {
    const latest = Math.max(ends[token + limit - 1], start + 1);
    const earliest = ends[token + (limit >> 1)] ?? start + 1;
    let cut = bestCut(text, Math.max(earliest, start + 1), latest);
    while (part < whole.length && whole[part].end <= cut) part++;
    const around = whole[part]?.start < cut ? whole[part] : undefined;
    if (around && around.start > start) cut = around.start;
    else if (around && ends[token + limit] >= around.end) cut = around.end;
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

/**
 * Hard-wrapped text with its paragraphs as lines: the same length, with a blank where a line ends that the next one goes on
 * with. Empty lines, marks of lists and the like, and indented lines begin something new.
 * @param {string} text
 * @param {string} language
 */
export function unwrapped(text, language) {
  const blank = rulesOf(language)?.unspaced ? "\u200b" : " "; // nothing, between characters
  let joined = "";
  let start = 0;
  for (const { index, 0: ends } of text.matchAll(/\r\n|\n/g)) {
    const next = index + ends.length;
    const goesOn = /\S/.test(text[index - 1] ?? "") && /\S/.test(text[next] ?? "") && past(LEAD, text, next) === next;
    joined += text.slice(start, index) + (goesOn ? blank.repeat(ends.length) : ends);
    start = next;
  }
  return joined + text.slice(start);
}
