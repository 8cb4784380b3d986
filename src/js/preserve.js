// What goes through a translation unchanged (placeholders, addresses, numbers), and terms with a fixed translation. The
// patterns are in text/patterns.json; every scan of a text is linear.
//
// A model may copy such text by itself. Where it did not, the word alignment tells which part of the translation stands
// for it, and that part is replaced. Where the alignment does not tell either, the sentence is cut around it.

import { alignmentWeights, strongest, unitOffsets, unitSpans } from "./alignment.js";
import { patternsOf } from "./text/use.js";

/** @typedef {import("./types.js").Preserve} Preserve */

/**
 * A part of the source, and what must stand for it in the translation. `tag`: it need not be read, as it marks words;
 * `touched`: letters may belong to it.
 * @typedef {{start: number, end: number, replacement: string, tag?: boolean, touched?: boolean}} Fixed
 */

/** A replacement in a translation. @typedef {{start: number, end: number, replacement: string}} Edit */

/** A character that a space stands behind, or before, where the source has one: none of a script without spaces. */
const CLOSED = /[^\s\p{Ps}\p{Pi}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u;

/** What a space goes with in the translation: a space, or a character of a script without spaces. */
const APART = /[\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u;

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** @param {string} text */
const isWordy = (text) => /[\p{L}\p{N}]/u.test(text) && !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(text);

/**
 * A pattern that finds a text where it stands for itself: no letter goes on with a word, and no sign is doubled, which makes
 * another placeholder of it ("%%s").
 * @param {string} text
 */
function bounded(text) {
  const edge = (/** @type {string} */ character) =>
    !/[\p{L}\p{N}]/u.test(character) ? escaped(character) : isWordy(character) ? "[\\p{L}\\p{N}]" : "[^\\s\\S]";
  const characters = [...text];
  return `(?<!${edge(characters[0])})${escaped(text)}(?!${edge(characters[characters.length - 1])})`;
}

/**
 * An address without what stands behind it: punctuation, and brackets that it closes but does not open.
 * @param {string} address
 */
function trimAddress(address) {
  const extra = { ")": 0, "]": 0 };
  for (const character of address) {
    if (character === ")" || character === "]") extra[character]++;
    else if (character === "(") extra[")"]--;
    else if (character === "[") extra["]"]--;
  }
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1];
    if ((last === ")" || last === "]") && extra[last] > 0) extra[last]--;
    else if (!/[.,;:!?*_~]/.test(last)) break;
  }
  return address.slice(0, end);
}

/** Letters that stay with a placeholder that they touch: a unit, an ending; longer ones are words. */
const TOUCHING = 3;

/** @param {string} letters @returns {number} how many of them belong to the placeholder that they touch */
const touching = (letters) => (letters.length <= TOUCHING || !/\p{Ll}/u.test(letters) ? letters.length : 0);

/** Runs of letters at the ends of a text, of scripts with spaces, and the "0x" in front of "%02x". */
const LETTERS_BEFORE =
  /(?:(?<![\p{L}\p{N}.,])0[xX]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])\p{L})+)$/u;
const LETTERS_BEHIND = /^(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])\p{L})+/u;
/** No longer runs are looked for. */
const LETTERS = 24;

/** @param {string} text @param {number} at @param {number} [from] where something else ends */
export const lettersBefore = (text, at, from = 0) =>
  LETTERS_BEFORE.exec(text.slice(Math.max(from, at - LETTERS), at))?.[0] ?? "";
/** @param {string} text @param {number} at @param {number} [to] where something else begins */
export const lettersBehind = (text, at, to = text.length) =>
  LETTERS_BEHIND.exec(text.slice(at, Math.min(to, at + LETTERS)))?.[0] ?? "";

/**
 * @param {string} text
 * @param {Preserve | RegExp} kind
 * @returns {Iterable<Fixed>}
 */
function* matchesOf(text, kind) {
  const fixed = (/** @type {number} */ start, /** @type {number} */ end) => ({
    start,
    end,
    replacement: text.slice(start, end),
  });
  if (kind === "placeholders") {
    if (!/[%{$<[_@:\\#&]/.test(text)) return;
    for (const pattern of patternsOf("tags"))
      for (const { index, 0: tag } of text.matchAll(pattern)) yield { ...fixed(index, index + tag.length), tag: true };
  }
  const own = kind instanceof RegExp && (kind.global ? kind : new RegExp(kind, `${kind.flags}g`));
  for (const pattern of own ? [own] : patternsOf(/** @type {Preserve} */ (kind)))
    for (const { index, 0: found } of text.matchAll(pattern)) {
      if (!found) continue;
      const length = kind === "urls" ? trimAddress(found).length : found.length;
      yield { ...fixed(index, index + length), touched: kind === "placeholders" };
    }
}

/**
 * Of signs those with a character that the model reads byte by byte, for want of a piece of its own.
 * @param {string} text
 * @param {Fixed[]} signs
 * @param {import("./core.js").ByteToken[]} tokens of the text
 */
function spelledOf(text, signs, tokens) {
  const offsets = unitOffsets(text);
  const spelled = new Uint8Array(text.length + 1);
  // Of the bytes of a character the last one has its span.
  for (const { begin, end } of tokens) if (begin === end && begin < offsets.length) spelled[offsets[begin]] = 1;
  return signs.filter(({ start, end }) => spelled.subarray(start, end).includes(1));
}

/**
 * Of several that overlap the longest, and of these the first.
 * @param {Fixed[]} found
 * @param {number} length of the text
 * @returns {Fixed[]} in order
 */
function longestOf(found, length) {
  found.sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
  const taken = new Uint8Array(length);
  const kept = found.filter(({ start, end }) => {
    if (taken[start] || taken[end - 1]) return false; // one as long or longer, which reaches over an end
    taken.fill(1, start, end);
    return true;
  });
  return kept.sort((a, b) => a.start - b.start);
}

/**
 * Finds what is fixed in a sentence; the longest wins where two overlap.
 * @param {string} text
 * @param {(Preserve | RegExp)[]} kinds
 * @param {Record<string, string>} glossary
 * @param {() => import("./core.js").ByteToken[]} tokenize the text; asked only where it has signs
 * @returns {Fixed[]} in order, none overlapping
 */
export function findFixed(text, kinds, glossary, tokenize) {
  /** @type {Fixed[]} */
  let found = [];
  for (const kind of kinds) {
    const matches = [...matchesOf(text, kind)];
    found = found.concat(kind === "signs" && matches.length ? spelledOf(text, matches, tokenize()) : matches);
  }
  for (const [term, replacement] of Object.entries(glossary)) {
    if (!term) continue;
    for (const match of text.matchAll(new RegExp(bounded(term), "giu")))
      found.push({ start: match.index, end: match.index + match[0].length, replacement });
  }
  const kept = longestOf(found, text.length);
  for (const [i, part] of kept.entries()) {
    if (!part.touched) continue;
    part.start -= touching(lettersBefore(text, part.start, kept[i - 1]?.end));
    part.end += touching(lettersBehind(text, part.end, kept[i + 1]?.start));
    part.replacement = text.slice(part.start, part.end);
  }
  return kept;
}

/**
 * Whether a sentence has words beside what is fixed in it.
 * @param {string} text
 * @param {Fixed[]} fixed
 */
export function hasWords(text, fixed) {
  let from = 0;
  for (const { start, end } of fixed) {
    if (/\p{L}/u.test(text.slice(from, start))) return true;
    from = end;
  }
  return /\p{L}/u.test(text.slice(from));
}

/**
 * Finds in a translation what was fixed in its source, to keep it in a further one.
 * @param {string} translation
 * @param {Fixed[]} fixed
 * @returns {Fixed[]} in order, none overlapping
 */
export function keepFixed(translation, fixed) {
  /** @type {Fixed[]} */
  const found = [];
  for (const [replacement, { tag }] of new Map(fixed.map((part) => [part.replacement, part]))) {
    if (!replacement) continue;
    for (const { index: start } of translation.matchAll(new RegExp(bounded(replacement), "gu")))
      found.push({ start, end: start + replacement.length, replacement, tag });
  }
  return longestOf(found, translation.length);
}

/**
 * Whether every replacement occurs in the translation, as often as it must.
 * @param {string} translation
 * @param {Fixed[]} fixed
 */
export function hasFixed(translation, fixed) {
  /** @type {Map<string, number>} */
  const needed = new Map();
  for (const { replacement } of fixed) if (replacement) needed.set(replacement, (needed.get(replacement) ?? 0) + 1);
  if (!needed.size) return true;
  for (const { replacement } of keepFixed(translation, fixed))
    needed.set(replacement, (needed.get(replacement) ?? 0) - 1);
  return [...needed.values()].every((count) => count === 0);
}

/**
 * Puts what is fixed where the alignment says that it belongs.
 * @param {string} source
 * @param {string} translation
 * @param {Fixed[]} fixed
 * @param {ReturnType<import("./core.js").Core["explain"]>} seen
 * @param {import("./types.js").ModelInfo} model
 * @returns {{text: string, edits: Edit[]} | null} null where the alignment does not tell
 */
export function placeFixed(source, translation, fixed, seen, model) {
  const sources = seen.source.length;
  const cross = {
    data: seen.crossAttention,
    layers: model.decoderLayers,
    heads: model.heads,
    targets: seen.target.length,
    sources,
  };
  const best = strongest(alignmentWeights(cross, model.alignmentHead), sources);
  const sourceSpans = unitSpans(seen.source, source);
  const targetSpans = unitSpans(seen.target, translation);
  const taken = new Uint8Array(translation.length); // by words that are not fixed
  for (const [t, { start, end }] of targetSpans.entries()) {
    const from = sourceSpans[best[t]];
    if (!from || !/\p{L}/u.test(source.slice(from.start, from.end))) continue;
    if (!fixed.some((part) => part.start < from.end && part.end > from.start)) taken.fill(1, start, end);
  }
  /** @type {Edit[]} */
  const edits = [];
  for (const { start, end, replacement } of fixed) {
    const inside = (/** @type {number} */ token) =>
      token >= 0 && sourceSpans[token].start < end && sourceSpans[token].end > start;
    const aligned = best.flatMap((token, t) => (inside(token) && targetSpans[t].end > targetSpans[t].start ? [t] : []));
    if (aligned.length === 0) return null;
    const first = aligned[0];
    const last = /** @type {number} */ (aligned.at(-1));
    if (last - first + 1 > 2 * aligned.length) return null; // scattered: it stands in no one place
    for (let t = first; t <= last; t++) if (taken[targetSpans[t].start]) return null; // a word stands among it
    let { start: from } = targetSpans[first];
    let { end: to } = targetSpans[last];
    while (from < to && /\s/.test(translation[from])) from++;
    while (from < to && /[\s.,;:!?。，！？]/.test(translation[to - 1]) && !replacement.endsWith(translation[to - 1]))
      to--;
    // What is left of a word goes with it, but nothing that came from another word.
    const free = (/** @type {number} */ at) => /[\p{L}\p{N}]/u.test(translation[at] ?? "") && !taken[at];
    while (free(from - 1)) from--;
    while (free(to)) to++;
    if (from >= to || edits.some((edit) => from < edit.end && to > edit.start)) return null;
    const lead = APART.test(source[start - 1] ?? "") && CLOSED.test(translation[from - 1] ?? "") ? " " : "";
    const trail =
      APART.test(source[end] ?? "") && CLOSED.test(translation[to] ?? "") && !/\p{P}/u.test(translation[to]) ? " " : "";
    edits.push({ start: from, end: to, replacement: lead + replacement + trail });
  }
  edits.sort((a, b) => a.start - b.start);
  const text = edits.reduceRight(
    (whole, e) => whole.slice(0, e.start) + e.replacement + whole.slice(e.end),
    translation,
  );
  return hasFixed(text, fixed) ? { text, edits } : null;
}

/**
 * Where a position of a text is after its edits; one inside an edit goes to the nearer end of the replacement.
 * @param {number} position
 * @param {Edit[]} edits in order
 */
export function shifted(position, edits) {
  let shift = 0;
  for (const { start, end, replacement } of edits) {
    if (position <= start) break;
    if (position < end) return start + shift + (position - start < end - position ? 0 : replacement.length);
    shift += replacement.length - (end - start);
  }
  return position + shift;
}
