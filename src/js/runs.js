// Runs of text and the elements around them, as an abstract row: where its sentences are, and where the elements go when
// the sentences have been translated. Where the row comes from, a document's source or a live page, is not known here.
//
// Borders stay where they are and cut the row into lines. Within a line an element may move, but never out of the element
// that it is in, and never so that a text would be lost: where the word alignment would empty an element, the sentence
// is translated run by run instead.

import { isTranslatable, joiner } from "./split.js";

/** @typedef {import("./protocol.js").AlignedPart} AlignedPart */
/** @typedef {import("./protocol.js").BorderedText} BorderedText */
/** @typedef {import("./types.js").WordLink} WordLink */

/**
 * One thing of the row.
 * @typedef {object} Run
 * @property {"text" | "open" | "close" | "point" | "break" | "border"} kind point: something without text, such as a
 *     comment or an image; break: the end of a line, which may or may not end a sentence
 * @property {string} [text] of a text; one of white space alone is a run of its own where an element begins or ends
 * @property {boolean} [kept] a text goes through unchanged
 * @property {boolean} [pre] white space in it counts
 * @property {"" | "kept" | "silent" | "raised" | "separate"} [role] of what opens. kept: its text is read but not
 *     changed; silent: its text is not even read; raised: may be the mark of a footnote; separate: one of a menu
 * @property {boolean} [matched] what opens is closed
 * @property {boolean} [implied] what closes has no form of its own: the end of what is around it closes
 */

/** A text, or the runs of the row from one to another as they were. @typedef {string | [number, number]} Piece */

/**
 * An element or a point in a line.
 * @typedef {object} Mark
 * @property {number} start in the line's text
 * @property {number} end
 * @property {[number, number]} open runs of the start tag; of a point or kept text, all of it
 * @property {[number, number] | null} close null: of a point or kept text
 * @property {boolean} outer the line begins inside it, or ends inside it: an end of it is not in the line
 * @property {boolean} text whether text stands in it that is in no mark inside it
 * @property {boolean} [spaced] a point with white space on both sides, of which the line's text has one
 * @property {boolean} [trail] a point with white space behind it that the line's text has not
 * @property {boolean} [last] a point that nothing may follow in its element
 * @property {boolean} [tight] a point without white space, for which the line's text has a space
 * @property {Mark[]} inner
 */

/**
 * @typedef {object} Line
 * @property {number} from its first run
 * @property {number} to behind its last run
 * @property {string} text
 * @property {Mark} root
 * @property {BorderedText} request
 */

/** A folded run: several runs that stay together. @typedef {{kind: Run["kind"], from: number, to: number, run: Run, text: string, last?: boolean}} Fold */

const WORD = /[\p{L}\p{N}]/u;

/** What a raised mark says that is no word: an exponent, or the sign of a footnote. */
const NOTE = /^(?:[^\p{L}]+|\s*\[\p{L}{1,2}\]\s*)$/u;

/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** The end of a sentence. */
const STOP = /[.!?…。！？:：;；][\p{Pe}\p{Pf}"'”’]*\s*$/u;

/** Languages that write nouns with capitals. */
const CAPITALS = /^(?:de|lb)\b/i;

/** Characters of a word that are looked at. */
const LONGEST_WORD = 100;

/** Text that a kept element may have for the model to read it. */
const READABLE = 80;

/** @param {string} text */
const isBlank = (text) => !/\S/.test(text);

/**
 * The lines of a row that have something to translate.
 * @param {Run[]} runs
 * @param {string} sourceLanguage
 * @returns {Generator<void, Line[]>}
 */
export function* linesOf(runs, sourceLanguage) {
  const { closes, borders, prose, texts } = surveyed(runs);
  /** @type {Line[]} */
  const lines = [];
  /** @type {Fold[]} */
  let folds = [];
  let words = false;
  const flush = () => {
    if (words) for (const part of cutLine(folds, closes, sourceLanguage)) addLine(lines, part, closes);
    folds = [];
    words = false;
  };
  for (let i = 0; i < runs.length; i++) {
    if ((i & 255) === 0) yield;
    const run = runs[i];
    if (run.kind === "border" || (run.kind === "text" && run.kept)) {
      flush();
      continue;
    }
    const close = closes[i];
    if (run.kind === "open" && close >= 0) {
      const whole = borders[close] === borders[i];
      /** @type {string | null} */
      let text = null;
      if (run.role === "silent") text = "";
      else if (run.role === "kept") {
        if (!whole || prose[close] !== prose[i]) {
          flush();
          continue;
        }
        text = textOf(runs, i, close);
        if (text.length > READABLE) text = "";
      } else if (whole && texts[close] === texts[i]) text = isBlank(textOf(runs, i, close)) ? " " : "";
      else if (run.role === "raised" && whole && isNote(runs, i, close)) text = "";
      if (text === " " && !textOf(runs, i, close)) text = "";
      if (text !== null) {
        folds.push({ kind: "point", from: i, to: close + 1, run, text, last: runs[close].implied });
        i = close;
        continue;
      }
    }
    words ||= run.kind === "text" && isTranslatable(run.text ?? "");
    folds.push({ kind: run.kind, from: i, to: i + 1, run, text: run.text ?? "" });
  }
  flush();
  return lines;
}

/**
 * What closes each run that opens (-1: nothing), and before each run how many borders there are, texts to translate, and
 * texts at all that are not blank.
 * @param {Run[]} runs
 */
function surveyed(runs) {
  const closes = new Int32Array(runs.length).fill(-1);
  const [borders, prose, texts] = [0, 1, 2].map(() => new Int32Array(runs.length + 1));
  /** @type {number[]} */
  const open = [];
  for (const [i, run] of runs.entries()) {
    if (run.kind === "open") open.push(i);
    else if (run.kind === "close") {
      const at = open.pop();
      if (at !== undefined) closes[at] = i;
    }
    const written = run.kind === "text" && !isBlank(run.text ?? "");
    borders[i + 1] = borders[i] + (run.kind === "border" ? 1 : 0);
    prose[i + 1] = prose[i] + (run.kind === "text" && !run.kept ? 1 : 0);
    texts[i + 1] = texts[i] + (written ? 1 : 0);
  }
  return { closes, borders, prose, texts };
}

/** @param {Run[]} runs @param {number} from @param {number} to */
function textOf(runs, from, to) {
  let text = "";
  for (let i = from; i < to; i++) text += runs[i].text ?? "";
  return text;
}

/**
 * Whether a raised element holds no word, and none goes on behind it.
 * @param {Run[]} runs
 * @param {number} open
 * @param {number} close
 */
function isNote(runs, open, close) {
  if (close - open > 16 || !NOTE.test(textOf(runs, open, close))) return false;
  let before = open - 1;
  while (before >= 0 && runs[before].kind !== "text" && runs[before].kind !== "border") before--;
  if (STOP.test(runs[before]?.text ?? "")) return true;
  let after = close + 1;
  if (runs[after]?.role === "raised") return true;
  while (after < runs.length && runs[after].kind !== "text" && runs[after].kind !== "border") after++;
  const next = runs[after]?.text ?? "";
  return !WORD.test(firstOf(next)) || UNSPACED.test(firstOf(next));
}

/** @param {string} text */
const firstOf = (text) => String.fromCodePoint(text.codePointAt(0) ?? 32);
/** @param {string} text */
const lastOf = (text) => /[\s\S]$/u.exec(text.slice(-2))?.[0] ?? " ";

/**
 * Cuts a line where a sentence can hardly go on: at breaks, between elements that touch, in a menu.
 * @param {Fold[]} folds
 * @param {Int32Array} closes
 * @param {string} language
 * @returns {Fold[][]}
 */
function cutLine(folds, closes, language) {
  /** @type {Set<number>} folds that a new line begins at */
  const cuts = new Set();
  cutAtBreaks(folds, language, cuts);
  cutMenu(folds, closes, cuts);
  cutNeighbours(folds, cuts);
  /** @type {Fold[][]} */
  const lines = [];
  let start = 0;
  for (const at of [...cuts].sort((a, b) => a - b)) {
    if (at > start) lines.push(folds.slice(start, at));
    start = at;
  }
  lines.push(folds.slice(start));
  return lines;
}

/**
 * @param {Fold[]} folds
 * @param {string} language
 * @param {Set<number>} cuts
 */
function cutAtBreaks(folds, language, cuts) {
  if (!folds.some(({ kind }) => kind === "break")) return;
  const ends = STOP.test(folds.findLast(({ kind, text }) => kind === "text" && !isBlank(text))?.text ?? "");
  let before = "";
  let lone = true; // nothing since the last break
  /** @type {number[]} */
  let breaks = [];
  for (const [i, { kind, text }] of folds.entries()) {
    if (kind === "break") breaks.push(i);
    else if ((kind === "text" || kind === "point") && !isBlank(text)) {
      if (breaks.length) {
        const next = text.trimStart();
        const small = /^[\p{Pi}\p{Ps}"'„]*\p{Ll}/u.test(next);
        const large = /^[\p{Pi}\p{Ps}"'„]*(?:\p{Lo}|\p{Lu})/u.test(next);
        const may = /^[\p{Pi}\p{Ps}"'„]*\p{Lo}/u.test(next) || CAPITALS.test(language);
        const goesOn = breaks.length === 1 && !STOP.test(before) && (small || (large && may && ends));
        if (!goesOn || lone) for (const at of breaks) cuts.add(at).add(at + 1);
      }
      breaks = [];
      before = text;
      lone = false;
    }
  }
  for (const at of breaks) cuts.add(at).add(at + 1);
}

/**
 * Links, buttons and labels that hold all words of a line are a menu, each with a text of its own.
 * @param {Fold[]} folds
 * @param {Int32Array} closes
 * @param {Set<number>} cuts
 */
function cutMenu(folds, closes, cuts) {
  /** @type {[number, number][]} */
  const items = [];
  /** @type {number[]} separate elements that are open, by fold */
  const open = [];
  let close = -1;
  let written = false;
  for (const [i, { kind, from, run, text }] of folds.entries()) {
    if (open.length && from === close) {
      const [start] = open.splice(0);
      if (written) items.push([start, i + 1]);
      written = false;
    } else if (!open.length && kind === "open" && run.role === "separate" && closes[from] >= 0) {
      open.push(i);
      close = closes[from];
    } else if (kind === "text" && isTranslatable(text)) {
      if (!open.length) return;
      written = true;
    }
  }
  if (items.length > 1) for (const [start, end] of items) cuts.add(start).add(end);
}

/**
 * Two elements that touch, without white space between their words, are no one word and hardly one sentence.
 * @param {Fold[]} folds
 * @param {Set<number>} cuts
 */
function cutNeighbours(folds, cuts) {
  let before = "";
  for (let i = 0; i < folds.length; i++) {
    const { kind, text } = folds[i];
    if (kind === "text" || (kind === "point" && text)) before = text;
    if (kind !== "close") continue;
    let end = i;
    while (folds[end]?.kind === "close") end++;
    let next = end;
    while (folds[next]?.kind === "open") next++;
    const after = folds[next];
    if (next > end && after?.kind === "text" && [...before.trim()].length > 1) {
      const sides = [lastOf(before), firstOf(after.text)];
      const separate = folds.slice(end, next).some(({ run }) => run.role === "separate");
      if (sides.every((side) => WORD.test(side)) && (separate || !sides.every((side) => UNSPACED.test(side))))
        cuts.add(end);
    }
    i = Math.max(i, end - 1);
  }
}

/**
 * Adds a line, if there is something to translate in it. What stands around its words is no part of it.
 * @param {Line[]} lines
 * @param {Fold[]} folds
 * @param {Int32Array} closes
 */
function addLine(lines, folds, closes) {
  const closed = new Set(); // what closes something that opens here
  for (const { kind, from } of folds) if (kind === "open") closed.add(closes[from]);
  const here = new Set(folds.map(({ from }) => from));
  const isEdge = (/** @type {Fold} */ { kind, from, text }) =>
    kind === "open" ? !here.has(closes[from]) : kind === "close" ? !closed.has(from) : isBlank(text);
  let start = 0;
  let end = folds.length;
  while (start < end && isEdge(folds[start])) start++;
  while (end > start && isEdge(folds[end - 1])) end--;
  const core = folds.slice(start, end);
  if (core.some(({ kind, text }) => kind === "text" && isTranslatable(text))) lines.push(makeLine(core));
}

/**
 * @param {Fold[]} folds
 * @returns {Line}
 */
function makeLine(folds) {
  let text = "";
  let tail = ""; // the last two units of `text`, which is not read before it is whole: reading copies all of it
  /** @type {Mark} */
  const root = { start: 0, end: 0, open: [0, 0], close: null, outer: true, text: false, inner: [] };
  let open = [root];
  /** @type {[number, number][]} */
  const keep = [];
  const add = (/** @type {string} */ more, /** @type {boolean} */ pre) => {
    let added = pre ? more : more.replace(/[ \t\r\n\f]+/g, " ");
    const { inner } = open[open.length - 1];
    const beside = inner.length > 0 && !inner[inner.length - 1].close && inner[inner.length - 1].end === text.length;
    if (!pre && added.startsWith(" ") && (tail.endsWith(" ") || (beside && !text))) {
      const points = inner.slice(inner.findLastIndex((mark) => mark.close || mark.start < text.length) + 1);
      if (text && points.length) points[0].spaced = true;
      else if (points.length) points[points.length - 1].trail = true;
      added = added.slice(1);
    }
    text += added;
    tail = (tail + added).slice(-2);
  };
  for (const { kind, from, to, run, text: own, last } of folds) {
    const mark = open[open.length - 1];
    if (kind === "text") {
      add(own, Boolean(run.pre));
      mark.text ||= !isBlank(own);
    } else if (kind === "open") {
      const start = text.length;
      const made = { start, end: start, open: pair(from, to), close: null, outer: false, text: false };
      mark.inner.push({ ...made, inner: [] });
      open.push(mark.inner[mark.inner.length - 1]);
    } else if (kind === "close") {
      if (open.length > 1) {
        mark.end = text.length;
        mark.close = pair(from, to);
        open.pop();
      } else {
        // It began before the line did: all so far is in it.
        const { inner, text: direct } = root;
        const wrap = { start: 0, end: text.length, open: pair(0, 0), close: pair(from, to), outer: true };
        root.inner = [{ ...wrap, text: direct, inner }];
        root.text = false;
        open = [root];
      }
    } else {
      const tight = kind === "break" && !/\s$/.test(tail);
      if (tight && !UNSPACED.test(lastOf(tail))) add(" ", false);
      if (own === " ") add(" ", false);
      const start = text.length;
      if (own !== " ") add(own, Boolean(run.pre));
      const point = { start, end: text.length, open: pair(from, to), close: null, outer: false, text: false };
      mark.inner.push({ ...point, tight, last, inner: [] });
      if (text.length > start) keep.push([start, text.length]);
    }
  }
  for (const mark of open) mark.end = text.length;
  for (const mark of open.slice(1)) mark.outer = true;
  // What looks like a reference is none that is known, or a text about one.
  const marked = keep.length;
  let next = 0;
  for (const { index, 0: reference } of text.matchAll(/&[a-z][a-z\d]*;/gi)) {
    while (next < marked && keep[next][1] <= index) next++;
    if (next === marked || keep[next][0] >= index + reference.length) keep.push([index, index + reference.length]);
  }
  keep.sort((a, b) => a[0] - b[0]);
  /** @type {Set<number>} */
  const borders = new Set(keep.flat());
  forEachMark(root, ({ start, end }) => borders.add(start).add(end));
  const request = { text, keep, borders: [...borders].sort((a, b) => a - b) };
  return { from: folds[0].from, to: folds[folds.length - 1].to, text, root, request };
}

/** @param {number} from @param {number} to @returns {[number, number]} */
const pair = (from, to) => [from, to];

/** All marks in a mark, however deep. @param {Mark} root @param {(mark: Mark) => void} visit */
function forEachMark(root, visit) {
  const stack = [...root.inner];
  for (let mark = stack.pop(); mark; mark = stack.pop()) {
    visit(mark);
    for (const inner of mark.inner) stack.push(inner);
  }
}

// ---- into the translation ----

/**
 * A part of a line and what stands for it.
 * @typedef {object} Part
 * @property {number} start in the line's text
 * @property {number} end
 * @property {string} output
 * @property {number} at where the output begins in the line's
 * @property {boolean} exact every character stands for itself
 * @property {WordLink[] | null} links
 */

/**
 * @param {Line} line
 * @param {AlignedPart[]} aligned
 * @returns {Part[]}
 */
export function partsOf({ text }, aligned) {
  const parts = aligned.map(({ start, sentence, output, links }, i) => {
    const end = aligned[i + 1]?.start ?? text.length;
    const source = text.slice(start, end);
    // Nothing for something: what stands there stays.
    const lost = isBlank(output) && !isBlank(source);
    const exact = lost || (!sentence && output === source);
    return { start, end, output: lost ? source : output, at: 0, exact, links };
  });
  return positioned(parts);
}

/**
 * Whether a border lies inside a part.
 * @param {Line} line
 * @param {Part} part
 */
function isCut({ request: { borders } }, { start, end, exact }) {
  const next = borders[lowerBound(borders, start + 1)];
  return !exact && next !== undefined && next < end;
}

/** @param {Line} line @param {Part[]} parts */
export const cutParts = (line, parts) => new Set(parts.filter((part) => isCut(line, part)));

/** @param {Part[]} parts */
function positioned(parts) {
  let at = 0;
  for (const part of parts) {
    part.at = at;
    at += part.output.length;
  }
  return parts;
}

/**
 * The texts between the borders of some parts of a line, to be translated each for itself.
 * @param {Line} line
 * @param {Part[]} parts
 * @param {Set<Part>} torn
 * @returns {string[]}
 */
export function tornTexts(line, parts, torn) {
  /** @type {string[]} */
  const texts = [];
  for (const part of parts)
    if (torn.has(part))
      for (const { text, kept } of between(line, part)) if (!kept && isTranslatable(text)) texts.push(text);
  return texts;
}

/**
 * @param {Line} line
 * @param {Part} part
 * @returns {{start: number, text: string, kept: boolean}[]}
 */
function between({ text, request }, { start, end }) {
  const { borders, keep } = request;
  const first = lowerBound(borders, start + 1);
  const inner = borders.slice(first, lowerBound(borders, end));
  let next = 0;
  return [start, ...inner].map((from, i) => {
    while (next < keep.length && keep[next][1] <= from) next++;
    return { start: from, text: text.slice(from, inner[i] ?? end), kept: next < keep.length && keep[next][0] <= from };
  });
}

/**
 * @param {Line} line
 * @param {Part[]} parts
 * @param {Set<Part>} torn
 * @param {AlignedPart[][]} translations of tornTexts()
 * @param {string} targetLanguage
 * @returns {Part[]}
 */
export function mendParts(line, parts, torn, translations, targetLanguage) {
  let next = 0;
  const mended = parts.flatMap((part) => {
    if (!torn.has(part)) return [part];
    return between(line, part).map(({ start, text, kept }) => {
      let output = text;
      if (!kept && isTranslatable(text)) output = translations[next++].map((found) => found.output).join("");
      if (isBlank(output)) output = text;
      const end = start + text.length;
      // A language with spaces between words gets them where one without had none.
      const [before, after] = [lastOf(text), firstOf(line.text.slice(end, end + 2))];
      if (UNSPACED.test(before) && UNSPACED.test(after) && end < part.end) output += joiner("", targetLanguage);
      return { start, end, output, at: 0, exact: output === text, links: null };
    });
  });
  return positioned(mended);
}

/** The first index whose value is not below `value`. @param {number[]} sorted @param {number} value */
function lowerBound(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Puts the marks of a line into its translation.
 * @param {Line} line
 * @param {Part[]} parts
 * @returns {Generator<void, {pieces: Piece[], torn: Set<Part>}>} torn: parts in which a text would be lost
 */
export function* placeMarks(line, parts) {
  const output = parts.map((part) => part.output).join("");
  const placer = new Placer(line, parts, output);
  /** @type {Piece[]} */
  const pieces = [];
  const emit = (/** @type {string} */ text) => {
    if (!text) return;
    if (typeof pieces[pieces.length - 1] === "string") pieces[pieces.length - 1] += text;
    else pieces.push(text);
  };
  /** @typedef {{mark: Mark, placed: Place[], next: number, cursor: number, end: number, written: boolean}} Frame */
  /** @type {(mark: Mark, start: number, end: number) => Frame} */
  const enter = (mark, start, end) => {
    if (mark !== line.root && mark.open[1] > mark.open[0]) pieces.push(mark.open);
    return { mark, placed: placer.place(mark, start, end), next: 0, cursor: start, end, written: false };
  };
  const stack = [enter(line.root, 0, output.length)];
  for (let count = 0; stack.length; count++) {
    if ((count & 63) === 63) yield;
    const frame = stack[stack.length - 1];
    const write = (/** @type {number} */ to) => {
      const text = output.slice(frame.cursor, to);
      frame.written ||= !isBlank(text);
      emit(text);
      frame.cursor = to;
    };
    if (frame.next === frame.placed.length) {
      write(frame.end);
      if (frame.mark.text && !frame.written) placer.tear(frame.mark);
      if (frame.mark.close) pieces.push(frame.mark.close);
      stack.pop();
      continue;
    }
    const { mark, at, end } = frame.placed[frame.next++];
    const begin = Math.min(Math.max(at, frame.cursor), frame.end);
    const stop = Math.min(Math.max(end, begin), frame.end);
    const before = output[begin - 1] ?? " ";
    const after = output[stop] ?? " ";
    write(mark.tight && before === " " && begin > frame.cursor ? begin - 1 : begin);
    frame.cursor = stop;
    if (mark.close || mark.outer) {
      stack.push(enter(mark, begin, stop));
      continue;
    }
    if (mark.spaced && /\S/.test(before)) emit(" ");
    pieces.push(mark.open);
    if (mark.trail || (mark.spaced && (/\S/.test(after) || /\s/.test(before)))) emit(" ");
    if (mark.tight && after === " " && stop < frame.end) frame.cursor++;
  }
  return { pieces, torn: placer.torn };
}

/** Where a mark goes in the line's translation. @typedef {{mark: Mark, at: number, end: number}} Place */

class Placer {
  /** @type {Set<Part>} */
  torn = new Set();
  /** @type {Map<string, [number, number]>} what was asked before */
  #known = new Map();
  /** Places in the output that kept texts have taken. @type {Set<number>} */
  #copies = new Set();
  /** @type {Line} */
  #line;
  /** @type {Part[]} */
  #parts;
  /** @type {number[]} */
  #starts;

  #output;
  /** @type {Map<Part, {order: number[], starts: number[]}>} */
  #sorted = new Map();

  /** @param {Line} line @param {Part[]} parts @param {string} output */
  constructor(line, parts, output) {
    this.#line = line;
    this.#output = output;
    this.#parts = parts;
    this.#starts = parts.map(({ start }) => start);
    // Where the words could not be followed there is nothing to place by.
    for (const part of parts) if (part.links === null && isCut(line, part)) this.torn.add(part);
  }

  /** @param {number} index of a character @returns {Part} */
  #partAt(index) {
    let i = lowerBound(this.#starts, index + 1) - 1;
    while (i > 0 && this.#parts[i].start === this.#parts[i].end) i--;
    return this.#parts[Math.max(i, 0)];
  }

  /** @param {Mark} mark whose text has no place */
  tear({ start, end }) {
    for (let i = Math.max(0, lowerBound(this.#starts, start + 1) - 1); i < this.#parts.length; i++) {
      const part = this.#parts[i];
      if (part.start >= end) break;
      if (part.end > start && isCut(this.#line, part)) this.torn.add(part);
    }
  }

  /**
   * @param {Mark} mark
   * @param {number} from of the place where its inner marks go
   * @param {number} to
   * @returns {Place[]} in order
   */
  place({ inner, text }, from, to) {
    /** @type {Set<WordLink>} */
    const taken = new Set();
    const places = inner.map((mark) => ({ mark, at: -1, end: -1 }));
    for (const place of places) {
      const { mark } = place;
      /** @type {[number, number] | null} */
      let found;
      if (mark.start === mark.end) found = this.#pointAt(mark.start);
      else found = this.#rangeOf(mark, from, to, taken);
      if (found) [place.at, place.end] = found;
    }
    for (const place of places) if (place.at < 0) [place.at, place.end] = this.#spare(place.mark, from, to, taken);
    this.#bound(places, from, to);
    places.sort((a, b) => a.at - b.at || a.end - b.end);
    if (!text) this.#share(places, from, to);
    for (let i = 1; i < places.length; i++) this.#space(places[i - 1], places[i]);
    return places;
  }

  /**
   * Keeps an element that began before the line at its beginning, and one that goes on behind it at its end.
   * @param {Place[]} places in the order of the source
   * @param {number} from
   * @param {number} to
   */
  #bound(places, from, to) {
    const first = places[0]?.mark.outer && places[0].mark.close ? places[0] : null;
    const last = places.length && isOpenEnded(places[places.length - 1].mark) ? places[places.length - 1] : null;
    if (first) first.at = from;
    if (last) last.end = to;
    if (first && last) last.at = Math.max(last.at, first.end);
    const [low, high] = [first ? first.end : from, last ? last.at : to];
    for (const place of places) {
      if (place === first || place === last) continue;
      if (place.mark.last) place.at = to;
      place.at = Math.min(Math.max(place.at, low), high);
      place.end = Math.min(Math.max(place.end, place.at), high);
    }
  }

  /**
   * Where all text of an element is in others inside it, so it is in the translation.
   * @param {Place[]} places
   * @param {number} from
   * @param {number} to
   */
  #share(places, from, to) {
    const elements = places.filter(({ mark }) => mark.close || mark.outer);
    if (!elements.length) return;
    const inked = (/** @type {number} */ a, /** @type {number} */ b) => {
      const text = this.#output.slice(a, b);
      const lead = text.length - text.trimStart().length;
      return lead === text.length ? null : [a + lead, a + text.trimEnd().length];
    };
    let cursor = from;
    for (const [i, place] of elements.entries()) {
      const before = i ? null : inked(cursor, Math.max(cursor, place.at));
      if (before) place.at = before[0];
      const next = elements[i + 1]?.at ?? to;
      const after = inked(Math.max(place.end, cursor), Math.max(next, place.end));
      if (after) place.end = after[1];
      cursor = Math.max(cursor, place.end);
    }
  }

  /**
   * White space between two elements that touch stays in the one that has it.
   * @param {Place} one
   * @param {Place} next
   */
  #space(one, next) {
    if (one.mark.end !== next.mark.start || next.at !== one.end + 1 || !/\s/.test(this.#output[one.end])) return;
    const { text } = this.#line;
    if (/\s/.test(text[one.mark.end - 1])) one.end++;
    else if (/\s/.test(text[next.mark.start])) next.at--;
  }

  /**
   * Where a text without white space around it is in the translation.
   * @param {Mark} mark
   * @param {number} from
   * @param {number} to
   * @param {Set<WordLink>} taken words that have a mark
   * @returns {[number, number] | null}
   */
  #rangeOf(mark, from, to, taken) {
    const { text } = this.#line;
    let { start, end } = mark;
    while (start < end && text[start] === " ") start++;
    while (end > start && text[end - 1] === " ") end--;
    if (start === end) return null;
    const first = this.#partAt(start);
    const last = this.#partAt(end - 1);
    if (start <= first.start && end >= last.end) {
      // Whole sentences keep their white space.
      const [lead, trail] = [this.#partAt(mark.start), this.#partAt(mark.end - 1)];
      return [
        lead.exact ? lead.at + mark.start - lead.start : first.at,
        trail.exact ? trail.at + mark.end - trail.start : last.at + last.output.length,
      ];
    }
    if (first === last) {
      const direct = this.#direct(first, start, end);
      if (mark.close || mark.outer) return direct ?? this.#words(first, start, end, from, to, taken);
      const found = direct ?? this.#copied(first, start, end, from, to);
      return found && this.#withSpace(found, text[mark.start] === " ", text[mark.end - 1] === " ");
    }
    const head = this.#direct(first, start, first.end) ?? this.#words(first, start, first.end, from, to, taken);
    const tail = this.#direct(last, last.start, end) ?? this.#words(last, last.start, end, from, to, taken);
    return [head?.[0] ?? first.at + first.output.length, tail?.[1] ?? last.at];
  }

  /**
   * The place of a kept text, which brings its own white space: with the space there, so that it does not come twice.
   * @param {[number, number]} place
   * @param {boolean} lead whether white space begins the text
   * @param {boolean} trail whether it ends it
   * @returns {[number, number]}
   */
  #withSpace([at, end], lead, trail) {
    const output = this.#output;
    return [lead && output[at - 1] === " " ? at - 1 : at, trail && output[end] === " " ? end + 1 : end];
  }

  /** @param {Part} part @param {number} start @param {number} end @returns {[number, number] | null} where no words are needed to tell */
  #direct(part, start, end) {
    if (part.exact) return [part.at + start - part.start, part.at + end - part.start];
    const { text } = this.#line;
    const all = start <= part.start && end >= part.end;
    const blank = isBlank(text.slice(part.start, start)) && isBlank(text.slice(end, part.end));
    if (!all && !blank) return null;
    const lead = part.output.length - part.output.trimStart().length;
    return [part.at + lead, part.at + Math.max(lead, part.output.trimEnd().length)];
  }

  /**
   * @param {Part} part
   * @param {number} start
   * @param {number} end
   * @param {number} from
   * @param {number} to
   * @param {Set<WordLink>} taken
   * @returns {[number, number] | null}
   */
  #words(part, start, end, from, to, taken) {
    const links = part.links ?? [];
    const [a, b] = [start - part.start, end - part.start];
    const inWord = this.#inWord(part, links, a, b);
    if (inWord) return inWord;
    const free = this.#linked(part, a, b).filter(
      (i) => part.at + links[i].target[0] >= from && part.at + links[i].target[1] <= to && !taken.has(links[i]),
    );
    const chosen = longestRun(free.sort((i, j) => i - j));
    if (!chosen) return null;
    for (let i = chosen[0]; i <= chosen[1]; i++) taken.add(links[i]);
    const [x, y] = [links[chosen[0]].target[0], links[chosen[1]].target[1]];
    return this.#withMarks(part, start, end, x, y);
  }

  /**
   * Links of a part by the words that they come from.
   * @param {Part} part
   * @returns {{order: number[], starts: number[]}} indices of links, and where their words begin
   */
  #bySource(part) {
    let known = this.#sorted.get(part);
    if (!known) {
      const links = part.links ?? [];
      const order = [...links.keys()].sort((i, j) => links[i].source[0] - links[j].source[0] || i - j);
      known = { order, starts: order.map((i) => links[i].source[0]) };
      this.#sorted.set(part, known);
    }
    return known;
  }

  /**
   * The links from words that reach into a range.
   * @param {Part} part
   * @param {number} a in the part's text
   * @param {number} b
   * @returns {number[]} indices
   */
  #linked(part, a, b) {
    const { order, starts } = this.#bySource(part);
    const links = part.links ?? [];
    let first = lowerBound(starts, a);
    while (first > 0 && links[order[first - 1]].source[1] > a) first--;
    return order.slice(first, lowerBound(starts, b));
  }

  /**
   * A part of a word: where the word, or the part, is found again as it is.
   * @param {Part} part
   * @param {WordLink[]} links
   * @param {number} a in the part's text
   * @param {number} b
   * @returns {[number, number] | null}
   */
  #inWord(part, links, a, b) {
    const source = this.#line.text.slice(part.start, part.end);
    if (b - a > LONGEST_WORD) return null;
    const joined = (/** @type {number} */ at) => WORD.test(source[at - 1] ?? " ") && WORD.test(source[at] ?? " ");
    if (!joined(a) && !joined(b)) return null;
    if (UNSPACED.test(source.slice(a, b))) return null;
    let [x, y] = [a, b];
    while (x > 0 && a - x < LONGEST_WORD && WORD.test(source[x - 1])) x--;
    while (y < source.length && y - b < LONGEST_WORD && WORD.test(source[y])) y++;
    const word = source.slice(x, y);
    const near = this.#linked(part, x, y).map((i) => links[i]);
    for (const { target } of near) {
      const [p, q] = [wordStart(part.output, target[0]), wordEnd(part.output, target[1])];
      const whole = part.output.slice(p, q).indexOf(word);
      if (whole >= 0) return [part.at + p + whole + a - x, part.at + p + whole + b - x];
    }
    for (const { target } of near) {
      const piece = source.slice(a, b);
      const at = part.output.indexOf(piece, target[0]);
      if (at >= 0 && at + piece.length <= target[1]) return [part.at + at, part.at + at + piece.length];
    }
    return null;
  }

  /**
   * A range of a translation, with the marks of punctuation at its ends that the source has there, and no others.
   * @param {Part} part
   * @param {number} start in the line's text
   * @param {number} end
   * @param {number} x in the part's output
   * @param {number} y
   * @returns {[number, number]}
   */
  #withMarks({ output, at }, start, end, x, y) {
    const source = this.#line.text.slice(start, end);
    const sign = (/** @type {string | undefined} */ c) => c !== undefined && /[\p{P}\s]/u.test(c);
    const bare = !sign(source[0]);
    const closed = sign(source[source.length - 1]);
    let [from, to] = [x, y];
    if (bare) while (from < to && sign(output[from])) from++;
    else while (from > 0 && /[\p{Ps}\p{Pi}"'¿¡]/u.test(output[from - 1])) from--;
    if (!closed) while (to > from && sign(output[to - 1])) to--;
    else while (to < output.length && /[\p{Pe}\p{Pf}\p{Po}]/u.test(output[to])) to++;
    return from < to ? [at + from, at + to] : [at + x, at + y];
  }

  /**
   * Where a text that is kept stands again.
   * @param {Part} part
   * @param {number} start
   * @param {number} end
   * @param {number} from
   * @param {number} to
   * @returns {[number, number] | null}
   */
  #copied(part, start, end, from, to) {
    const { output, at, links } = part;
    const kept = this.#line.text.slice(start, end);
    const [link] = this.#linked(part, start - part.start, end - part.start);
    // As far into the translation of the word, or of the whole, as it is into the source.
    const { source, target } = links?.[link] ?? { source: [0, part.end - part.start], target: [0, output.length] };
    const share = (start - part.start - source[0]) / (source[1] - source[0]);
    const near = target[0] + Math.round(Math.max(0, share) * (target[1] - target[0]));
    const fits = (/** @type {number} */ k) =>
      !(WORD.test(output[k - 1] ?? " ") && WORD.test(firstOf(kept))) &&
      !(WORD.test(output[k + kept.length] ?? " ") && WORD.test(lastOf(kept))) &&
      at + k >= from &&
      at + k + kept.length <= to &&
      !this.#isCopied(at + k, at + k + kept.length);
    let behind = output.indexOf(kept, near);
    while (behind >= 0 && !fits(behind)) behind = output.indexOf(kept, behind + 1);
    let before = near > 0 ? output.lastIndexOf(kept, near - 1) : -1;
    while (before >= 0 && !fits(before)) before = before > 0 ? output.lastIndexOf(kept, before - 1) : -1;
    const best = before < 0 || (behind >= 0 && behind - near < near - before) ? behind : before;
    if (best < 0) {
      this.tear({ ...this.#line.root, start, end });
      return null;
    }
    for (let i = 0; i < kept.length; i++) this.#copies.add(at + best + i);
    return [at + best, at + best + kept.length];
  }

  /** Whether a kept text has a place between `from` and `to`. @param {number} from @param {number} to */
  #isCopied(from, to) {
    for (let i = from; i < to; i++) if (this.#copies.has(i)) return true;
    return false;
  }

  /**
   * The place of a point: with what it touches, and that is first of all what stands before it.
   * @param {number} index
   * @returns {[number, number]}
   */
  #pointAt(index) {
    const key = `point ${index}`;
    const known = this.#known.get(key);
    if (known) return known;
    const at = this.#findPoint(index);
    this.#known.set(key, [at, at]);
    return [at, at];
  }

  /** @param {number} index */
  #findPoint(index) {
    const { text } = this.#line;
    if (index === 0) return 0;
    const touches = /\S/.test(text[index - 1]);
    const part = this.#partAt(touches ? index - 1 : index);
    const { output, at, links, start, end, exact } = part;
    if (exact) return at + Math.min(index - start, output.length);
    if (index >= end) return at + output.length;
    if (index <= start) return at;
    const own = index - start;
    const { order, starts } = this.#bySource(part);
    const all = links ?? [];
    if (touches) {
      let bare = own; // where the word before ends
      while (bare > 0 && /\p{P}/u.test(text[start + bare - 1])) bare--;
      // Of the words that came from it, the last one.
      let k = lowerBound(starts, bare) - 1;
      const word = k < 0 ? -1 : starts[k];
      let last = k < 0 ? null : all[order[k]];
      for (; k >= 0 && starts[k] === word; k--)
        if (all[order[k]].target[1] > (last?.target[1] ?? 0)) last = all[order[k]];
      if (last) {
        let to = last.target[1];
        if (own === bare) while (to > last.target[0] + 1 && /\p{P}/u.test(output[to - 1])) to--;
        else for (let signs = own - bare; signs > 0 && /\p{P}/u.test(output[to] ?? ""); signs--) to++;
        return at + to;
      }
    }
    const [next] = this.#linked(part, own, end - start);
    return next === undefined ? at + output.length : at + all[next].target[0];
  }

  /**
   * A word for a mark whose own words have no counterpart: one that no other mark has.
   * @param {Mark} mark
   * @param {number} from
   * @param {number} to
   * @param {Set<WordLink>} taken
   * @returns {[number, number]}
   */
  #spare(mark, from, to, taken) {
    const part = this.#partAt(mark.start);
    const [near] = this.#pointAt(mark.start);
    const own = mark.close || mark.outer;
    /** @type {WordLink | null} */
    let best = null;
    const distance = (/** @type {WordLink} */ { target }) => Math.abs(part.at + (target[0] + target[1]) / 2 - near);
    for (const link of own ? (part.links ?? []) : []) {
      if (taken.has(link) || part.at + link.target[0] < from || part.at + link.target[1] > to) continue;
      if (WORD.test(part.output.slice(...link.target)) && (!best || distance(link) < distance(best))) best = link;
    }
    if (!best) return [near, near];
    taken.add(best);
    return this.#withMarks(part, mark.start, mark.end, best.target[0], best.target[1]);
  }
}

/** @param {Mark} mark */
const isOpenEnded = (mark) => mark.outer && !mark.close;

/** Where the word begins that has the character before `at`, or begins there. @param {string} text @param {number} at */
function wordStart(text, at) {
  for (let i = 0; at > 0 && i < LONGEST_WORD && WORD.test(text[at - 1]); i++) at--;
  return at;
}

/** @param {string} text @param {number} at */
function wordEnd(text, at) {
  for (let i = 0; at < text.length && i < LONGEST_WORD && WORD.test(text[at]); i++) at++;
  return at;
}

/**
 * The longest run of consecutive numbers, across single gaps.
 * @param {number[]} sorted
 * @returns {[number, number] | null} its first and its last number
 */
function longestRun(sorted) {
  /** @type {[number, number] | null} */
  let best = null;
  let most = 0;
  let start = 0;
  for (let i = 1; i <= sorted.length; i++) {
    if (i < sorted.length && sorted[i] - sorted[i - 1] <= 2) continue;
    if (i - start > most) {
      most = i - start;
      best = [sorted[start], sorted[i - 1]];
    }
    start = i;
  }
  return best;
}
