// What goes through a translation unchanged (placeholders, addresses, numbers), and terms with a fixed translation.
//
// A model may copy such text by itself. Where it did not, the word alignment tells which part of the translation stands
// for it, and that part is replaced. Where the alignment does not tell either, the sentence is cut around it.

import { alignmentWeights, strongest, unitSpans } from "./alignment.js";
import { toUTF8 } from "./platform.js";

/** @typedef {import("./types.js").Preserve} Preserve */

/**
 * A part of the source, and what must stand for it in the translation.
 * @typedef {{start: number, end: number, replacement: string}} Fixed
 */

/** A replacement in a translation. @typedef {{start: number, end: number, replacement: string}} Edit */

/** @type {Record<Preserve, RegExp>} */
const PATTERNS = {
  urls: /\b(?:https?|ftp|file):\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]|\bwww\.[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]/giu,
  emails: /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu,
  placeholders:
    /\$\{[^{}\n]*\}|\{\{[^{}\n]*\}\}|\{[\p{L}\p{N}_.:,# -]*\}|%\([\p{L}\p{N}_]+\)[a-z]|%(?:\d+\$)?[-+0#]*(?:\d+)?(?:\.\d+)?[sdifuxXeEgGc@](?![\p{L}\p{N}])|<[A-Za-z][\w-]*\/?>/gu,
  numbers: /\p{N}+(?:[.,:/-]\p{N}+)*/gu,
  signs:
    /(?:\p{RI}\p{RI}|(?![\0-\x7f])[\p{S}\p{ExtPict}](?:\ufe0f|\u20e3|\p{EMod}|\u200d\p{ExtPict}|[\u{e0020}-\u{e007f}])*)+/gu,
};

/** A character that a space stands behind, or before, where the source has one: none of a script without spaces. */
const CLOSED = /[^\s\p{Ps}\p{Pi}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u;

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** @param {string} text */
const isWordy = (text) => /[\p{L}\p{N}]/u.test(text) && !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(text);

/** @param {string} text @returns {string} a pattern that finds it as a word of its own, if it is one */
const bounded = (text) => (isWordy(text) ? `(?<![\\p{L}\\p{N}])${escaped(text)}(?![\\p{L}\\p{N}])` : escaped(text));

/**
 * Whether a part of a text has a character that the model reads byte by byte, for want of a piece of its own.
 * @param {string} text
 * @param {number} start
 * @param {string} part
 * @param {import("./core.js").ByteToken[]} tokens of the text
 */
function isSpelled(text, start, part, tokens) {
  const from = toUTF8(text.slice(0, start)).length;
  const to = from + toUTF8(part).length;
  return tokens.some(({ begin, end }) => begin === end && from <= begin && begin < to); // the last byte has the span
}

/**
 * Finds what is fixed in a sentence; the longest wins where two overlap.
 * @param {string} text
 * @param {Preserve[]} kinds
 * @param {Record<string, string>} glossary
 * @param {() => import("./core.js").ByteToken[]} tokenize the text; asked only where it has signs
 * @returns {Fixed[]} in order, none overlapping
 */
export function findFixed(text, kinds, glossary, tokenize) {
  /** @type {Fixed[]} */
  const found = [];
  /** @type {import("./core.js").ByteToken[] | undefined} */
  let tokens;
  for (const kind of kinds)
    for (const { index: start, 0: replacement } of text.matchAll(PATTERNS[kind]))
      if (kind !== "signs" || isSpelled(text, start, replacement, (tokens ??= tokenize())))
        found.push({ start, end: start + replacement.length, replacement });
  for (const [term, replacement] of Object.entries(glossary)) {
    if (!term) continue;
    for (const match of text.matchAll(new RegExp(bounded(term), "giu")))
      found.push({ start: match.index, end: match.index + match[0].length, replacement });
  }
  found.sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
  /** @type {Fixed[]} */
  const kept = [];
  for (const fixed of found)
    if (kept.every((other) => fixed.end <= other.start || fixed.start >= other.end)) kept.push(fixed);
  return kept.sort((a, b) => a.start - b.start);
}

/**
 * Finds in a translation what was fixed in its source, to keep it in a further one.
 * @param {string} translation
 * @param {Fixed[]} fixed
 * @returns {Fixed[]} in order, none overlapping
 */
export function keepFixed(translation, fixed) {
  const texts = [...new Set(fixed.map(({ replacement }) => replacement))].filter(Boolean);
  if (!texts.length) return [];
  const longestFirst = texts.sort((a, b) => b.length - a.length).map(bounded);
  return Array.from(translation.matchAll(new RegExp(longestFirst.join("|"), "gu")), ({ index, 0: replacement }) => ({
    start: index,
    end: index + replacement.length,
    replacement,
  }));
}

/**
 * Whether every replacement occurs in the translation, as often as it must.
 * @param {string} translation
 * @param {Fixed[]} fixed
 */
export function hasFixed(translation, fixed) {
  /** @type {Map<string, number>} */
  const needed = new Map();
  for (const { replacement } of fixed) needed.set(replacement, (needed.get(replacement) ?? 0) + 1);
  for (const [text, count] of needed) {
    if ((translation.match(new RegExp(bounded(text), "gu"))?.length ?? 0) !== count) return false;
  }
  return true;
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
    let { start: from } = targetSpans[first];
    let { end: to } = targetSpans[last];
    while (from < to && /\s/.test(translation[from])) from++;
    while (from < to && /[\s.,;:!?。，！？]/.test(translation[to - 1])) to--;
    while (from > 0 && /[\p{L}\p{N}]/u.test(translation[from - 1])) from--;
    while (to < translation.length && /[\p{L}\p{N}]/u.test(translation[to])) to++;
    if (from >= to || edits.some((edit) => from < edit.end && to > edit.start)) return null;
    const lead = /\s/.test(source[start - 1] ?? "") && CLOSED.test(translation[from - 1] ?? "") ? " " : "";
    const trail =
      /\s/.test(source[end] ?? "") && CLOSED.test(translation[to] ?? "") && !/\p{P}/u.test(translation[to]) ? " " : "";
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
