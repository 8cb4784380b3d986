// What a model is given to read for a sentence, and how its answer becomes the translation. It reads no tags and no
// characters that are not seen: where they belong in the translation the word alignment tells. Words in capitals, or in
// small letters without a full stop, are read a second time as a sentence is written, and the better answer counts.

import { hasWords, keepFixed, lettersBefore, lettersBehind, shifted } from "./preserve.js";
import { base } from "./text/use.js";

/** @typedef {import("./preserve.js").Edit} Edit */
/** @typedef {import("./preserve.js").Fixed} Fixed */
/** @typedef {import("./types.js").WordLink} WordLink */

/**
 * A pair around words of a reading: tags, or marks of the writing direction.
 * @typedef {{start: number, end: number, open: string, close: string}} Mark
 */

/**
 * @typedef {object} Reading
 * @property {string} text what the model is given
 * @property {"plain" | "small" | "capitals"} kind small: words in small letters, read as a sentence; capitals: read in small
 *     letters, and given back in capitals
 * @property {(Fixed & {glued: [boolean, boolean]})[]} fixed parts of it; `glued`: a space was put before it, or behind it
 * @property {Mark[]} marks
 * @property {Edit[]} edits that made `text` of the sentence
 */

/**
 * The translation, and the marks that were put into it.
 * @typedef {{text: string, links: WordLink[] | null, placed: Edit[]}} Written
 */

/** Marks that open or close a direction, and others that are not seen. Those that join or part letters stay. */
const UNSEEN = /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
const OPENS = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/;
const CLOSES = /[\u202c\u2069]/;

/** @param {string} tag @returns {[boolean, string] | null} whether it ends an element, and the element; null: it stands alone */
function tagParts(tag) {
  const [, slash, name, alone] = /^<(\/?)([\w:.-]+)[\s\S]*?(\/?)>$/.exec(tag) ?? [];
  return name && !alone ? [slash === "/", name] : null;
}

/**
 * Pairs up what stands around words.
 * @param {{start: number, end: number, text: string}[]} signs tags and marks of direction, in order
 * @param {number} length of the sentence
 */
function pairUp(signs, length) {
  /** @type {{open: {start: number, end: number, text: string}, close: {start: number, end: number, text: string}}[]} */
  const pairs = [];
  /** @type {typeof signs} */
  const open = [];
  for (const sign of signs) {
    const [closes, name] = tagParts(sign.text) ?? [CLOSES.test(sign.text), ""];
    if (sign.text.endsWith("/>")) continue;
    if (!closes) {
      open.push(sign);
      continue;
    }
    const at = open.findLastIndex(({ text }) => (tagParts(text)?.[1] ?? "") === name);
    if (at >= 0) {
      pairs.push({ open: open[at], close: sign });
      open.length = at; // those within it stand alone
    } else if (name === "") pairs.push({ open: { start: 0, end: 0, text: "" }, close: sign });
  }
  for (const sign of open)
    if (OPENS.test(sign.text)) pairs.push({ open: sign, close: { start: length, end: length, text: "" } });
  return pairs;
}

/**
 * The sentence as it stands, without tags and unseen characters.
 * @param {string} sentence
 * @param {Fixed[]} fixed in order
 * @returns {Reading}
 */
export function plainReading(sentence, fixed) {
  if (!fixed.length && sentence.search(UNSEEN) < 0)
    return { text: sentence, kind: "plain", fixed: [], marks: [], edits: [] };
  const unseen = Array.from(sentence.matchAll(UNSEEN), ({ index, 0: text }) => ({
    start: index,
    end: index + 1,
    text,
  }));
  let part = 0;
  const free = unseen.filter(({ start }) => {
    while (part < fixed.length && fixed[part].end <= start) part++;
    return !(fixed[part]?.start <= start);
  });
  const signs = [
    ...free.filter(({ text }) => OPENS.test(text) || CLOSES.test(text)),
    ...fixed.flatMap(({ start, end, replacement, tag }) => (tag ? [{ start, end, text: replacement }] : [])),
  ].sort((a, b) => a.start - b.start);
  const pairs = pairUp(signs, sentence.length);
  const marked = new Set(pairs.flatMap(({ open, close }) => [open.start, close.start]));
  const kept = fixed.filter(({ start, tag }) => !tag || !marked.has(start));

  /** @type {Edit[]} */
  const edits = [
    ...free.map(({ start, end }) => ({ start, end, replacement: "" })),
    ...fixed.flatMap(({ start, end, tag }) => (tag && marked.has(start) ? [{ start, end, replacement: "" }] : [])),
  ];
  const glued = kept.map(({ start, end }, i) => {
    const sides = /** @type {[boolean, boolean]} */ ([
      lettersBefore(sentence, start, kept[i - 1]?.end) !== "",
      lettersBehind(sentence, end, kept[i + 1]?.start) !== "",
    ]);
    if (sides[0]) edits.push({ start, end: start, replacement: " " });
    if (sides[1]) edits.push({ start: end, end, replacement: " " });
    return sides;
  });
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  const text = applied(sentence, edits);
  const place = (/** @type {number} */ at) => shifted(at, edits);
  return {
    text,
    kind: "plain",
    edits,
    fixed: kept.map((part, i) => {
      const start = place(part.start) + (glued[i][0] ? 1 : 0);
      return { ...part, start, end: start + part.end - part.start, glued: glued[i] };
    }),
    marks: pairs
      .map(({ open, close }) => ({
        start: place(open.start),
        end: place(close.start),
        open: open.text,
        close: close.text,
      }))
      .sort((a, b) => a.start - b.start || b.end - a.end),
  };
}

/** @param {string} text @param {Edit[]} edits in order */
function applied(text, edits) {
  let out = "";
  let from = 0;
  for (const { start, end, replacement } of edits) {
    out += text.slice(from, start) + replacement;
    from = end;
  }
  return out + text.slice(from);
}

/**
 * What is not fixed, changed letter by letter.
 * @param {string} text
 * @param {{start: number, end: number}[]} fixed in order
 * @param {(text: string) => string} change
 */
function outside(text, fixed, change) {
  let out = "";
  let from = 0;
  for (const { start, end } of fixed) {
    out += change(text.slice(from, start)) + text.slice(start, end);
    from = end;
  }
  return out + change(text.slice(from));
}

/** Each letter by itself, so that the length stays. @param {string} text @param {"toLowerCase" | "toUpperCase"} how */
const recased = (text, how) =>
  text.replace(/\p{L}/gu, (letter) => {
    if (letter === "ß" && how === "toUpperCase") return "ẞ";
    const other = letter[how]();
    return other.length === letter.length ? other : letter;
  });

/** @param {string} text its first letter made a capital */
const capitalised = (text) => text.replace(/\p{L}/u, (letter) => recased(letter, "toUpperCase"));

/**
 * Another way to read a sentence that is not written as sentences are.
 * @param {Reading} plain
 * @param {string} language of it
 * @returns {Reading | null} null where it is written as sentences are
 */
export function secondReading(plain, language) {
  const { text, fixed } = plain;
  const bare = blank(text, fixed);
  const letters = bare.match(/\p{L}/gu) ?? [];
  if (/\p{Lu}/u.test(bare) && !/\p{Ll}/u.test(bare) && letters.length > TOO_FEW_CAPITALS) {
    let small = outside(text, fixed, (part) => recased(part, "toLowerCase"));
    if (base(language) === "en") small = outside(small, fixed, (part) => part.replace(/\bi\b/g, "I"));
    return { ...plain, kind: "capitals", text: capitalisedOutside(small, fixed) };
  }
  if (/^[^\p{L}]*\p{Ll}/u.test(bare) && !/\p{Lu}/u.test(bare) && !/[.!?…:;,。！？]["'”’»)]*$/.test(text))
    return { ...plain, kind: "small", text: `${capitalisedOutside(text, fixed)}.` };
  return null;
}

/** An acronym alone is no text in capitals. */
const TOO_FEW_CAPITALS = 4;

/** @param {string} text @param {{start: number, end: number}[]} fixed */
function blank(text, fixed) {
  let out = "";
  let from = 0;
  for (const { start, end } of fixed) {
    out += text.slice(from, start) + " ".repeat(end - start);
    from = end;
  }
  return out + text.slice(from);
}

/** @param {string} text @param {{start: number, end: number}[]} fixed */
function capitalisedOutside(text, fixed) {
  const at = blank(text, fixed).search(/\p{L}/u);
  return at < 0 ? text : text.slice(0, at) + capitalised(text.slice(at));
}

/**
 * The translation of a sentence, from the translation of what was read.
 * @param {Reading} reading
 * @param {string} answer what is fixed stands in it
 * @param {WordLink[] | null} links from `reading.text` to the answer; needed where there are marks
 * @param {string} first the answer to the plain reading, where this is the second
 * @returns {Written | null} null where a mark has no place
 */
export function written(reading, answer, links, first) {
  const { kind, fixed, marks, edits: made } = reading;
  let text = answer;
  const at = keepFixed(text, fixed);
  if (kind === "capitals") text = outside(text, at, (part) => recased(part, "toUpperCase"));
  /** @type {Edit[]} */
  const edits = [];
  if (kind === "small") {
    if (/^\p{Ll}/u.test(first) && at[0]?.start !== 0)
      text = text.replace(/^\p{L}/u, (letter) => recased(letter, "toLowerCase"));
    const stop = /[.。]$/.exec(text);
    if (stop && !first.endsWith(stop[0])) edits.push({ start: text.length - 1, end: text.length, replacement: "" });
  }
  /** @type {Map<string, Fixed[]>} */
  const places = new Map();
  for (const place of at) places.set(place.replacement, [...(places.get(place.replacement) ?? []), place]);
  for (const { replacement, glued } of fixed) {
    const place = places.get(replacement)?.shift();
    if (!place) continue;
    const { start, end } = place;
    if (glued[0] && text[start - 1] === " ") edits.push({ start: start - 1, end: start, replacement: "" });
    if (glued[1] && text[end] === " ") edits.push({ start: end, end: end + 1, replacement: "" });
  }
  edits.sort((a, b) => a.start - b.start);
  const undone = inverse(made);
  const limit = applied(reading.text, undone).length - (kind === "small" ? 1 : 0);
  let moved = links?.map(({ source, target, weight }) => ({
    source: /** @type {[number, number]} */ (source),
    target: /** @type {[number, number]} */ (target.map((position) => shifted(position, edits))),
    weight,
  }));
  text = applied(text, edits);
  /** @type {Edit[]} */
  let placed = [];
  if (marks.length) {
    const found = placeMarks(marks, text, moved ?? []);
    if (!found) return null;
    placed = found;
    text = applied(text, placed);
    moved = moved?.map(({ source, target: [start, end], weight }) => ({
      source,
      target: [shifted(start, placed), shifted(end, placed)],
      weight,
    }));
  }
  return {
    text,
    placed,
    links:
      moved
        ?.map(({ source: [start, end], target, weight }) => ({
          source: /** @type {[number, number]} */ ([
            Math.min(shifted(start, undone), limit),
            Math.min(shifted(end, undone), limit),
          ]),
          target,
          weight,
        }))
        .filter(({ source, target }) => source[0] < source[1] && target[0] < target[1]) ?? null,
  };
}

/**
 * The edits that undo others.
 * @param {Edit[]} edits in order
 * @returns {Edit[]} whose replacements have the right length
 */
export function inverse(edits) {
  let shift = 0;
  return edits.map(({ start, end, replacement }) => {
    const undone = {
      start: start + shift,
      end: start + shift + replacement.length,
      replacement: " ".repeat(end - start),
    };
    shift += replacement.length - (end - start);
    return undone;
  });
}

/**
 * Where the pairs around words go.
 * @param {Mark[]} marks outer ones first
 * @param {string} text
 * @param {WordLink[]} links
 * @returns {Edit[] | null} null where the words of one are scattered, or pairs would cross
 */
function placeMarks(marks, text, links) {
  /** @type {{start: number, end: number, mark: Mark}[]} */
  const spans = [];
  for (const mark of marks) {
    const inside = links.map(({ source }) => source[0] < mark.end && source[1] > mark.start);
    const first = inside.indexOf(true);
    const last = inside.lastIndexOf(true);
    if (first < 0 || inside.slice(first, last + 1).filter((hit) => !hit).length > inside.filter(Boolean).length)
      return null;
    const start = mark.open ? links[first].target[0] : 0;
    const end = mark.close ? links[last].target[1] : text.length;
    spans.push({ start, end, mark });
  }
  for (const [i, a] of spans.entries())
    for (const b of spans.slice(i + 1)) {
      const within = b.mark.end <= a.mark.end;
      if (within ? b.start < a.start || b.end > a.end : b.start < a.end && b.end > a.start) return null;
    }
  const opens = spans.map(({ start, mark }, i) => ({
    start,
    end: start,
    replacement: mark.open,
    rank: i + spans.length,
  }));
  const closes = spans.map(({ end, mark }, i) => ({
    start: end,
    end,
    replacement: mark.close,
    rank: spans.length - 1 - i,
  }));
  return [...closes, ...opens].sort((a, b) => a.start - b.start || a.rank - b.rank);
}

/**
 * A sentence without words, which no model need read.
 * @param {string} text
 * @param {Fixed[]} fixed
 * @returns {string | null} null where it has words
 */
export function copied(text, fixed) {
  return hasWords(text, fixed) ? null : applied(text, fixed);
}

/** A letter of these scripts says as much as three of others. */
const DENSE = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/gu;
/** Shorter sentences are not held to be too short. */
const LEAST_LETTERS = 60;

/** @param {string} text */
const lettersOf = (text) => (text.match(/\p{L}/gu)?.length ?? 0) + 2 * (text.match(DENSE)?.length ?? 0);

/**
 * Whether a translation is far too short for its source: something was left out.
 * @param {string} source
 * @param {string} translation
 */
export function isTooShort(source, translation) {
  const letters = lettersOf(source);
  return letters >= LEAST_LETTERS && 3 * lettersOf(translation) < letters;
}
