// HTML through the engine: each run of text between block elements is translated as plain text, and the tags inside it
// go where the words went that they enclosed. Every tag comes out once, and balanced if it was.

import { decodeText, encodeText, isInline, mapAttributes, REFERENCE, tokenizeHTML } from "./html-tokens.js";
import { joinWorks } from "./sentences.js";
import { isTranslatable, splitText } from "./split.js";
import { planText, translateSentences, translateTexts } from "./translation.js";

/** @typedef {import("./html-tokens.js").HTMLToken} HTMLToken */
/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./types.js").WordLink} WordLink */

/**
 * An inline element, or a tag that stands alone, in the plain text of its segment.
 * @typedef {object} Mark
 * @property {number} start
 * @property {number} end
 * @property {string} open the start tag; all of it for a tag that stands alone
 * @property {string} close
 * @property {boolean} opaque nothing in it is translated: `open` is all of it
 * @property {Mark[]} children
 */

/**
 * What is translated in one piece: a sentence, or more where an element reaches across their border.
 * @typedef {object} Unit
 * @property {number} start
 * @property {number} end
 * @property {Work | null} work null where it is too long for one piece
 * @property {Mark[]} inner marks that cover a part of it
 * @property {WordLink[] | null} links
 * @property {(string | Work[])[] | null} runs tags and the texts between them, where its words could not be followed
 */

/**
 * A run of text with the inline elements in it.
 * @typedef {object} Segment
 * @property {string} plain
 * @property {Mark[]} marks
 * @property {Unit[]} units
 */

const SPACE = /[ \t\r\n\f]+/g;

/** What a raised mark says that is no word: an exponent, or the sign of a footnote. */
const NOTE = /^(?:[^\p{L}]+|\s*\[\p{L}{1,2}\]\s*)$/u;

/**
 * Cuts a document into segments and what is between them.
 * @param {HTMLToken[]} tokens
 * @returns {(string | Segment)[]} all in order
 */
function cutSegments(tokens) {
  const alone = unmatchedTags(tokens);
  /** @type {(string | Segment)[]} */
  const parts = [];
  /** @type {HTMLToken[]} */
  let run = [];
  const flush = () => {
    if (run.length) parts.push(...makeSegment(run));
    run = [];
  };
  for (const [i, token] of tokens.entries()) {
    const inside = token.type === "text" || (isInline(token.name) && !alone.has(i));
    if (inside) run.push(token);
    else {
      flush();
      parts.push(token.raw);
    }
  }
  flush();
  return parts;
}

/**
 * Inline tags without their other half in the same segment. Each of them ends a segment itself, which may part others.
 * @param {HTMLToken[]} tokens
 */
function unmatchedTags(tokens) {
  /** @type {Set<number>} */
  const alone = new Set();
  for (let before = -1; before < alone.size; ) {
    before = alone.size;
    /** @type {number[]} */
    let open = [];
    const lose = (/** @type {number[]} */ indices) => {
      for (const index of indices) alone.add(index);
    };
    for (const [i, { type, name }] of tokens.entries()) {
      if (type === "text") continue;
      if (!isInline(name) || alone.has(i)) {
        lose(open);
        open = [];
      } else if (type === "open") open.push(i);
      else if (type === "close") {
        const at = open.findLastIndex((index) => tokens[index].name === name);
        if (at < 0) lose([i]);
        else lose(open.splice(at).slice(1));
      }
    }
    lose(open);
  }
  return alone;
}

/**
 * Makes one token of a footnote's mark with all that is in it: it belongs to a word, but the model need not read it.
 * @param {HTMLToken[]} tokens text and inline tags
 */
function foldNotes(tokens) {
  /** @type {HTMLToken[]} */
  const folded = [];
  for (let i = 0; i < tokens.length; i++) {
    const end = tokens[i].name === "sup" && tokens[i].type === "open" ? endOf(tokens, i) : i;
    if (end <= i || !isNote(tokens, i, end)) folded.push(tokens[i]);
    else {
      const raw = tokens.slice(i, end + 1).map((token) => token.raw);
      folded.push({ type: "void", raw: raw.join(""), name: "sup" });
      i = end;
    }
  }
  return folded;
}

/**
 * Whether a raised element holds no word, and none goes on behind it.
 * @param {HTMLToken[]} tokens
 * @param {number} start of the element
 * @param {number} end its end tag
 */
function isNote(tokens, start, end) {
  const inside = tokens.slice(start, end).map(({ type, raw }) => (type === "text" ? decodeText(raw) : ""));
  if (!NOTE.test(inside.join(""))) return false;
  if (tokens[end + 1]?.name === "sup") return true;
  const next = tokens.find(({ type }, i) => i > end && type === "text");
  return !next || !/^[\p{L}\p{N}]/u.test(decodeText(next.raw));
}

/** The end tag of the element that begins at `start`. @param {HTMLToken[]} tokens @param {number} start */
function endOf(tokens, start) {
  let depth = 0;
  return tokens.findIndex(({ type, name }, i) => {
    if (i < start || name !== tokens[start].name) return false;
    depth += type === "open" ? 1 : type === "close" ? -1 : 0;
    return depth === 0;
  });
}

/**
 * @param {HTMLToken[]} all text and inline tags
 * @returns {(string | Segment)[]} the white space around it stays as it is
 */
function makeSegment(all) {
  const tokens = foldNotes(all);
  const raw = () => tokens.map((token) => token.raw).join("");
  if (!tokens.some((token) => token.type === "text" && isTranslatable(decodeText(token.raw)))) return [raw()];
  const [first, last] = [tokens[0], tokens[tokens.length - 1]];
  const before = first.type === "text" ? (/^[ \t\r\n\f]+/.exec(first.raw)?.[0] ?? "") : "";
  const after = last.type === "text" ? (/[ \t\r\n\f]+$/.exec(last.raw)?.[0] ?? "") : "";
  let plain = "";
  /** @type {Mark} */
  const root = { start: 0, end: 0, open: "", close: "", opaque: false, children: [] };
  const open = [root];
  for (const token of tokens) {
    let text = token.raw;
    if (token === first) text = text.slice(before.length);
    if (token === last) text = text.slice(0, text.length - after.length);
    const start = plain.length;
    const { children } = open[open.length - 1];
    if (token.type === "text") {
      const spaced = decodeText(text).replace(SPACE, " ");
      if (plain.endsWith(" ") && spaced.startsWith(" ")) {
        // Of the spaces on both sides of what is no text, the one before goes with it.
        const between = children.filter((mark) => mark.opaque && mark.start === plain.length);
        if (between.length) between[0].open = ` ${between[0].open}`;
        for (const mark of between) mark.start = mark.end = plain.length - 1;
        plain += spaced.slice(1);
      } else plain += spaced;
    } else if (token.type === "open") {
      const mark = { start, end: start, open: token.raw, close: "", opaque: false, children: [] };
      children.push(mark);
      open.push(mark);
    } else if (token.type === "close") {
      const mark = /** @type {Mark} */ (open.pop());
      mark.close = token.raw;
      mark.end = start;
    } else {
      if (token.type === "verbatim")
        plain += decodeText(token.raw.replace(/<[^>]*>/g, ""))
          .replace(SPACE, " ")
          .trim();
      children.push({ start, end: plain.length, open: token.raw, close: "", opaque: true, children: [] });
    }
  }
  return [before, { plain, marks: root.children, units: [] }, after];
}

/** @param {Mark[]} marks @returns {Mark[]} with all that they enclose */
const flat = (marks) => marks.flatMap((mark) => [mark, ...flat(mark.children)]);

/**
 * @param {Mark} mark
 * @param {{start: number, end: number}} unit
 * @returns {boolean} whether its place in the unit depends on the words
 */
function isInner({ start, end }, unit) {
  if (start === end) return unit.start < start && start < unit.end;
  return unit.start <= start && end <= unit.end && (unit.start < start || end < unit.end);
}

/** @param {Mark[]} marks @param {{start: number, end: number}} unit @returns {Mark[]} */
const innerOf = (marks, unit) => marks.flatMap((mark) => (isInner(mark, unit) ? [mark] : innerOf(mark.children, unit)));

/** Whether one reaches out of the other. @param {{start: number, end: number}} a @param {{start: number, end: number}} b */
const crosses = (a, b) => (a.start < b.start && a.end < b.end) || (a.start > b.start && a.end > b.end);

/** @param {Mark} mark @param {number} start @param {number} end */
function clip(mark, start, end) {
  mark.start = Math.min(Math.max(mark.start, start), end);
  mark.end = Math.min(Math.max(mark.end, start), end);
  for (const child of mark.children) clip(child, start, end);
}

/**
 * The units of a segment: its sentences, joined where a mark reaches across their border.
 * @param {Segment} segment
 * @param {string} language
 * @param {boolean} split
 * @returns {Unit[]}
 */
function unitsOf({ plain, marks }, language, split) {
  /** @type {{start: number, end: number}[]} */
  const spans = [];
  for (const { sentence, start, text } of splitText(plain, language, split))
    if (sentence) spans.push({ start, end: start + text.length });
  const all = flat(marks);
  for (const { start, end } of all) {
    const touched = spans.filter((span) => span.start < end && span.end > start);
    const reaches = touched.some(
      (span) => (span.start < start && start < span.end) || (span.start < end && end < span.end),
    );
    if (touched.length < 2 || !reaches) continue;
    const joined = { start: touched[0].start, end: touched[touched.length - 1].end };
    spans.splice(spans.indexOf(touched[0]), touched.length, joined);
  }
  for (const mark of all) {
    const span = spans.find(({ start, end }) => mark.start < end && mark.end > start);
    if (!span || !crosses(mark, span)) continue;
    const [start, end] = [Math.max(mark.start, span.start), Math.min(mark.end, span.end)];
    const outside = plain.slice(mark.start, start) + plain.slice(end, mark.end);
    if (outside.trim())
      Object.assign(span, { start: Math.min(mark.start, span.start), end: Math.max(mark.end, span.end) });
    else clip(mark, start, end); // its white space goes beside it
  }
  return spans
    .filter((span) => !all.some(({ opaque, start, end }) => opaque && start <= span.start && span.end <= end))
    .map((span) => ({ ...span, work: null, inner: innerOf(marks, span), links: null, runs: null }));
}

/**
 * Puts the tags of a unit into its translation.
 * @param {Unit} unit
 * @returns {string} HTML
 */
function placeTags({ start: base, work, inner, links }) {
  const { text: source, output } = /** @type {Work} */ (work);
  const text = /** @type {string} */ (output);
  /**
   * @param {Mark[]} marks
   * @param {number} from
   * @param {number} to
   * @param {WordLink[]} words those in [from, to)
   * @returns {string}
   */
  const render = (marks, from, to, words) => {
    /** @type {Set<WordLink>} */
    const taken = new Set();
    const placed = marks.map((mark) => {
      const [start, end] = [mark.start - base, mark.end - base];
      if (mark.opaque && end > start) {
        const at = text.indexOf(source.slice(start, end), from);
        if (at >= 0 && at + end - start <= to) return { mark, at, end: at + end - start };
      }
      const run = longestRun(words.map((w) => !taken.has(w) && w.source[0] < end && w.source[1] > start));
      if (start === end || !run) {
        // What follows a word at once belongs to it, else to the word after it.
        const before = /\S/.test(source[start - 1] ?? " ") && words.findLast((word) => word.source[1] <= start);
        const at = before ? before.target[1] : (words.find((word) => word.source[0] >= start)?.target[0] ?? to);
        return { mark, at, end: at };
      }
      const chosen = words.slice(run[0], run[1]);
      for (const word of chosen) taken.add(word);
      return { mark, at: chosen[0].target[0], end: chosen[chosen.length - 1].target[1] };
    });
    placed.sort((a, b) => a.at - b.at || a.end - b.end);
    let out = "";
    let cursor = from;
    for (const { mark, at, end } of placed) {
      const begin = Math.min(Math.max(at, cursor), to);
      const stop = Math.min(Math.max(end, begin), to);
      out += encodeText(text.slice(cursor, begin)) + mark.open;
      const within = words.filter((word) => word.target[0] >= begin && word.target[1] <= stop);
      if (!mark.opaque) out += render(mark.children, begin, stop, within) + mark.close;
      cursor = stop;
    }
    return out + encodeText(text.slice(cursor, to));
  };
  return render(inner, 0, text.length, /** @type {WordLink[]} */ (links));
}

/**
 * The longest run of true, across single gaps.
 * @param {boolean[]} hits
 * @returns {[number, number] | null}
 */
function longestRun(hits) {
  /** @type {[number, number] | null} */
  let best = null;
  let most = 0;
  for (let i = 0; i < hits.length; i++) {
    let count = 0;
    let end = i;
    for (let j = i; hits[j] || (j > i && hits[j + 1]); j++)
      if (hits[j]) {
        count++;
        end = j + 1;
      }
    if (count > most) {
      most = count;
      best = [i, end];
    }
    i = Math.max(i, end - 1);
  }
  return best;
}

/**
 * Tags and texts of a part of a unit, for a translation text by text.
 * @param {string} plain
 * @param {Mark[]} marks
 * @param {number} start
 * @param {number} end
 * @returns {(string | {text: string})[]}
 */
function runsOf(plain, marks, start, end) {
  /** @type {(string | {text: string})[]} */
  const runs = [];
  for (const mark of marks) {
    runs.push({ text: plain.slice(start, mark.start) }, mark.open);
    if (!mark.opaque) runs.push(...runsOf(plain, mark.children, mark.start, mark.end), mark.close);
    start = mark.end;
  }
  runs.push({ text: plain.slice(start, end) });
  return runs;
}

/** @param {Unit} unit @returns {string} HTML */
function renderUnit(unit) {
  if (unit.runs) return unit.runs.map((run) => (typeof run === "string" ? run : encodeText(joinWorks(run)))).join("");
  return placeTags(unit);
}

/**
 * @param {Segment} segment
 * @returns {string} HTML
 */
function renderSegment({ plain, marks, units }) {
  const text = (/** @type {number} */ from, /** @type {number} */ to) => {
    let out = "";
    for (const unit of units) {
      if (unit.start < from || unit.end > to || unit.start === unit.end) continue;
      out += encodeText(plain.slice(from, unit.start)) + renderUnit(unit);
      from = unit.end;
    }
    return out + encodeText(plain.slice(from, to));
  };
  /**
   * @param {Mark[]} within
   * @param {number} from
   * @param {number} to
   * @returns {string}
   */
  const render = (within, from, to) => {
    let out = "";
    for (const mark of within) {
      if (units.some((unit) => isInner(mark, unit))) continue; // its unit has it
      out += text(from, mark.start) + mark.open;
      if (!mark.opaque) out += render(mark.children, mark.start, mark.end) + mark.close;
      from = mark.end;
    }
    return out + text(from, to);
  };
  return render(marks, 0, plain.length);
}

/**
 * @param {import("./sentences.js").Engine} engine
 * @param {string} html
 * @param {import("./protocol.js").WorkOptions} options
 * @param {import("./sentences.js").Turns} turns
 * @param {{sourceLanguage: string, targetLanguage: string, attributes: string[]}} how
 * @returns {Promise<string>}
 */
export async function translateHTML(engine, html, options, turns, { sourceLanguage, targetLanguage, attributes }) {
  const tokens = await translateAttributes(engine, tokenizeHTML(html), options, turns, {
    sourceLanguage,
    targetLanguage,
    names: attributes.map((name) => name.toLowerCase()),
  });
  const parts = cutSegments(tokens);
  const segments = parts.filter((part) => typeof part !== "string");

  /** @type {Work[]} */
  const works = [];
  for (const segment of segments) {
    segment.units = unitsOf(segment, sourceLanguage, options.split);
    for (const unit of segment.units) {
      if (turns.due()) await turns.pause();
      const text = segment.plain.slice(unit.start, unit.end);
      const [work, ...more] = await planText(
        engine,
        text,
        { ...options, split: false },
        turns,
        sourceLanguage,
        targetLanguage,
      );
      if (more.length || !work?.sentence) continue; // too long for one piece
      unit.work = work;
      unit.links = unit.inner.length ? null : [];
      for (const { opaque, start, end } of unit.inner)
        if (opaque && end > start) fix(work, start - unit.start, end - unit.start);
      for (const { index, 0: reference } of text.matchAll(REFERENCE)) fix(work, index, index + reference.length);
      if (unit.inner.length)
        work.onLinks = (links) => {
          unit.links = links;
        };
      works.push(work);
    }
  }
  await translateSentences(engine, works, options, turns, { bulk: true });

  /** @type {Work[]} */
  const rest = [];
  for (const { plain, units } of segments)
    for (const unit of units) {
      if (unit.links) continue;
      unit.runs = [];
      for (const run of runsOf(plain, unit.inner, unit.start, unit.end)) {
        const planned =
          typeof run === "string"
            ? run
            : await planText(engine, run.text, options, turns, sourceLanguage, targetLanguage);
        unit.runs.push(planned);
        if (typeof planned !== "string") rest.push(...planned.filter((work) => work.sentence));
      }
    }
  await translateSentences(engine, rest, options, turns, { bulk: true });
  return parts.map((part) => (typeof part === "string" ? part : renderSegment(part))).join("");
}

/**
 * Keeps a part of a sentence as it is.
 * @param {Work} work
 * @param {number} start
 * @param {number} end
 */
function fix(work, start, end) {
  work.fixed = work.fixed.filter((other) => other.end <= start || other.start >= end);
  work.fixed.push({ start, end, replacement: work.text.slice(start, end) });
  work.fixed.sort((a, b) => a.start - b.start);
}

/**
 * @param {import("./sentences.js").Engine} engine
 * @param {HTMLToken[]} tokens
 * @param {import("./protocol.js").WorkOptions} options
 * @param {import("./sentences.js").Turns} turns
 * @param {{sourceLanguage: string, targetLanguage: string, names: string[]}} how
 * @returns {Promise<HTMLToken[]>}
 */
async function translateAttributes(engine, tokens, options, turns, { names, ...languages }) {
  if (!names.length) return tokens;
  const isTag = (/** @type {HTMLToken} */ { type }) => type === "open" || type === "void";
  /** @type {Set<string>} */
  const values = new Set();
  for (const token of tokens)
    if (isTag(token))
      mapAttributes(token.raw, names, (value) => {
        values.add(value);
        return value;
      });
  const texts = [...values];
  const translations = await translateTexts(engine, texts, options, turns, languages);
  const known = new Map(texts.map((text, i) => [text, translations[i]]));
  return tokens.map((token) =>
    isTag(token) ? { ...token, raw: mapAttributes(token.raw, names, (value) => known.get(value) ?? value) } : token,
  );
}
