// HTML: what a browser would show as text is translated, everything else stays byte for byte. html-source.js says what
// is text, runs.js where the sentences are and where the tags go in their translation; what is written is escaped for its
// place. HTML.md says what is promised.
//
// This is the part of the package that is loaded on demand (chunks.js). It runs on the caller's side, in turns of a few
// milliseconds.

import { Tokenizer } from "parse5";
import { shelve } from "./chunks.js";
import { readHTML } from "./html-source.js";
import { nextTurn } from "./platform.js";
import { cutParts, linesOf, mendParts, partsOf, placeMarks, tornTexts } from "./runs.js";
import { isTranslatable } from "./split.js";

/** @typedef {import("./html-source.js").Source} Source */
/** @typedef {import("./protocol.js").AlignedPart} AlignedPart */
/** @typedef {import("./protocol.js").BorderedText} BorderedText */
/** @typedef {import("./runs.js").Piece} Piece */

/**
 * What translating HTML needs of a translator.
 * @typedef {object} HTMLWork
 * @property {string[]} attributes names of those to translate, in lower case
 * @property {string} sourceLanguage
 * @property {string} targetLanguage
 * @property {() => void} check throws where the work was aborted
 * @property {(texts: BorderedText[]) => Promise<AlignedPart[][]>} align
 */

/** Milliseconds of work between two turns of others. */
const TURN_TIME = 8;

/** @param {AlignedPart[]} parts */
const joined = (parts) => parts.map(({ output }) => output).join("");

/** A text without borders. @param {string} text @returns {BorderedText} */
const plain = (text) => ({ text, keep: [], borders: [] });

/**
 * @param {string} html
 * @param {HTMLWork} work
 * @returns {Promise<string>}
 */
export async function translateHTML(html, { attributes, sourceLanguage, targetLanguage, check, align }) {
  let began = performance.now();
  const turn = async () => {
    if (performance.now() - began < TURN_TIME) return;
    await nextTurn();
    check();
    began = performance.now();
  };
  /** @template T @param {Generator<void, T>} steps @returns {Promise<T>} */
  const inTurns = async (steps) => {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      await turn();
    }
  };

  const source = await inTurns(readHTML(html, attributes));
  const lines = await inTurns(linesOf(source.runs, sourceLanguage));
  const values = source.attributes.filter(({ value }) => isTranslatable(value));
  const texts = [...new Set(values.map(({ value }) => value))];
  const found = await align([...lines.map(({ request }) => request), ...texts.map(plain)]);
  began = performance.now();

  const results = lines.map((line, i) => ({
    line,
    parts: partsOf(line, found[i]),
    pieces: /** @type {Piece[]} */ ([]),
  }));
  // Sentences in which a text would be lost are translated run by run, and their line is put together again.
  for (let left = results, round = 0; left.length; round++) {
    const torn = [];
    for (const result of left) {
      const placed = await inTurns(placeMarks(result.line, result.parts));
      result.pieces = placed.pieces;
      // What helped one sentence may have cost another its text: then all of the line goes run by run.
      const lost = placed.torn.size && round ? cutParts(result.line, result.parts) : placed.torn;
      if (lost.size) torn.push({ result, lost, texts: tornTexts(result.line, result.parts, lost) });
      await turn();
    }
    if (!torn.length || round === 2) break;
    const again = await align(torn.flatMap(({ texts }) => texts.map(plain)));
    began = performance.now();
    let next = 0;
    for (const { result, lost, texts } of torn) {
      const translations = again.slice(next, (next += texts.length));
      result.parts = mendParts(result.line, result.parts, lost, translations, targetLanguage);
    }
    left = torn.map(({ result }) => result);
  }

  const known = new Map(texts.map((text, i) => [text, joined(found[lines.length + i])]));
  const written = new Writer(html, values, known);
  const { runs } = source;
  let out = "";
  let from = 0;
  for (const { line, parts, pieces } of results) {
    await turn();
    // What came back as it was stands as it stood.
    if (parts.map(({ output }) => output).join("") === line.text) continue;
    out += written.slice(from, runs[line.from].start);
    for (const piece of pieces)
      out +=
        typeof piece === "string" ? escapeText(piece) : written.slice(runs[piece[0]].start, runs[piece[1] - 1].end);
    from = runs[line.to - 1].end;
  }
  return out + written.slice(from, html.length);
}

/** The document with the values of its attributes translated, by ranges of the document as it was. */
class Writer {
  #html;
  /** @type {{start: number, end: number, text: string}[]} in order */
  #edits = [];

  /**
   * @param {string} html
   * @param {Source["attributes"]} values
   * @param {Map<string, string>} translations
   */
  constructor(html, values, translations) {
    this.#html = html;
    for (const { start, end, value } of values) {
      const translation = translations.get(value) ?? "";
      if (translation === value || !translation.trim()) continue;
      this.#edits.push({ start, end, text: `"${escapeText(translation).replaceAll('"', "&quot;")}"` });
    }
    this.#edits.sort((a, b) => a.start - b.start);
  }

  /** @param {number} from @param {number} to neither of them in the middle of a tag */
  slice(from, to) {
    let out = "";
    for (let i = this.#first(from); i < this.#edits.length && this.#edits[i].end <= to; i++) {
      const { start, end, text } = this.#edits[i];
      out += this.#html.slice(from, start) + text;
      from = end;
    }
    return out + this.#html.slice(from, to);
  }

  /** The first edit that does not begin before a place. @param {number} place */
  #first(place) {
    let [low, high] = [0, this.#edits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#edits[middle].start < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * A text as it is written in HTML, outside of tags or in a quoted value, where its quotes are escaped too.
 * @param {string} text
 */
function escapeText(text) {
  return text
    .replace(/[\0\r]/g, "")
    .replace(/&(?:([a-z][a-z\d]*);)?/gi, (whole, name) =>
      name && !isReference(name) ? whole : `&amp;${whole.slice(1)}`,
    )
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\u00a0", "&nbsp;");
}

/** @type {Map<string, boolean>} */
const references = new Map();

/** Whether `&name;` stands for a character, all of it or its beginning. @param {string} name */
function isReference(name) {
  let known = references.get(name);
  if (known === undefined) {
    const written = `&${name};`;
    let read = "";
    const gather = (/** @type {import("parse5").Token.CharacterToken} */ { chars }) => {
      read += chars;
    };
    const nothing = () => {};
    const handler = { onCharacter: gather, onWhitespaceCharacter: gather, onNullCharacter: gather };
    const others = { onComment: nothing, onDoctype: nothing, onStartTag: nothing, onEndTag: nothing, onEof: nothing };
    new Tokenizer({}, { ...handler, ...others, onParseError: null }).write(written, true);
    known = read !== written;
    if (references.size < 1000) references.set(name, known);
  }
  return known;
}

shelve("html", { translateHTML });
