import { ConvertError, ensure, show } from "./errors.js";

/**
 * The small part of YAML that Marian writes: one mapping of scalars and lists of scalars. Values stay text, but the
 * words true and false, and numbers.
 * @typedef {string | number | boolean | null} Value
 */

const ESCAPES = /** @type {Record<string, string>} */ ({
  0: "\0",
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  e: "\x1b",
  '"': '"',
  "/": "/",
  "\\": "\\",
  N: "\x85",
  _: "\xa0",
  L: "\u2028",
  P: "\u2029",
});

/**
 * Text from a plain, 'single' or "double" quoted scalar.
 * @param {string} raw
 * @param {string} what
 */
function unquote(raw, what) {
  if (raw.startsWith("'")) {
    ensure(raw.length >= 2 && raw.endsWith("'"), `${what}: ${show(raw)} has no closing quote`);
    return raw.slice(1, -1).replaceAll("''", "'");
  }
  if (!raw.startsWith('"')) return raw;
  ensure(raw.length >= 2 && raw.endsWith('"'), `${what}: ${show(raw)} has no closing quote`);
  return raw
    .slice(1, -1)
    .replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|.)/gsu, (all, /** @type {string} */ code) => {
      if (code.length > 1) {
        const point = Number.parseInt(code.slice(1), 16);
        ensure(point <= 0x10ffff, `${what}: ${all} is not a character`);
        return String.fromCodePoint(point);
      }
      const character = ESCAPES[code];
      ensure(character !== undefined, `${what}: unknown escape ${all}`);
      return character;
    });
}

/**
 * @param {string} raw
 * @param {string} what
 * @returns {Value}
 */
function scalar(raw, what) {
  if (/^["']/.test(raw)) return unquote(raw, what);
  if (raw === "true" || raw === "false") return raw === "true";
  if (raw === "" || raw === "~" || raw === "null") return null;
  return /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(raw) ? Number(raw) : raw;
}

/**
 * Where a quoted scalar at the beginning of a line closes; -1 where it does not.
 * @param {string} line
 */
function closingQuote(line) {
  const double = line[0] === '"';
  for (let i = 1; i < line.length; i++) {
    if (double && line[i] === "\\") i++;
    else if (line[i] === line[0]) {
      if (double || line[i + 1] !== "'") return i;
      i++; // two are one within
    }
  }
  return -1;
}

/**
 * The two sides of "key: value", the key as it is written.
 * @param {string} line
 * @returns {[string, string] | null}
 */
function keyAndValue(line) {
  const end = /^["']/.test(line) ? closingQuote(line) + 1 : 0;
  const colon = line.indexOf(":", end);
  if (colon < 1 || (end && line.slice(end, colon).trim() !== "") || /\S/.test(line[colon + 1] ?? "")) return null;
  return [line.slice(0, colon).trimEnd(), line.slice(colon + 1).trim()];
}

/**
 * Options of a Marian model.
 * @param {string} text
 * @param {string} what
 * @returns {Map<string, Value | Value[]>}
 */
export function readYaml(text, what) {
  /** @type {Map<string, Value | Value[]>} */
  const map = new Map();
  let key = "";
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const place = `${what}, line ${i + 1}`;
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed === "---" || trimmed === "...") continue;
    const value = map.get(key);
    if (trimmed === "-" || trimmed.startsWith("- ")) {
      ensure(key !== "" && (value === null || Array.isArray(value)), `${place}: a list item without a list`);
      const items = Array.isArray(value) ? value : [];
      items.push(scalar(trimmed.slice(1).trim(), place));
      map.set(key, items);
    } else if (/^\s/.test(line)) {
      ensure(key !== "" && value === null, `${place}: ${show(trimmed)} has no place`);
      map.set(key, flow(trimmed, place));
    } else {
      const entry = keyAndValue(line);
      if (!entry) throw new ConvertError(`${place}: ${show(trimmed)} is not "key: value"`);
      key = unquote(entry[0], place);
      ensure(!map.has(key), `${place}: ${show(key)} appears twice`);
      map.set(key, flow(entry[1], place));
    }
  }
  return map;
}

/**
 * A scalar or a [list, on, one, line].
 * @param {string} raw
 * @param {string} what
 * @returns {Value | Value[]}
 */
function flow(raw, what) {
  if (!raw.startsWith("[")) return scalar(raw, what);
  ensure(raw.endsWith("]"), `${what}: the list ${show(raw)} does not end`);
  const inner = raw.slice(1, -1).trim();
  return inner === "" ? [] : inner.split(",").map((item) => scalar(item.trim(), what));
}

/**
 * A vocabulary: "piece: id" on each line. Pieces may hold anything, colons too.
 * @param {string} text
 * @param {string} what
 * @returns {Map<string, number>}
 */
export function readYamlVocabulary(text, what) {
  /** @type {Map<string, number>} */
  const map = new Map();
  let long = ""; // the piece of "? piece", whose id follows as ": id"
  for (const [i, line] of text.split("\n").entries()) {
    const place = `${what}, line ${i + 1}`;
    const trimmed = line.replace(/\r$/, "");
    if (trimmed.trim() === "" || trimmed === "---" || trimmed === "...") continue;
    const complex = /^\? (.*)$/.exec(trimmed);
    if (complex) {
      long = complex[1];
      continue;
    }
    const entry = trimmed.startsWith(": ") && long !== "" ? `${long}${trimmed}` : trimmed;
    const colon = entry.lastIndexOf(":");
    const id = /^\s+(\d+)\s*$/.exec(entry.slice(colon + 1))?.[1];
    if (colon < 0 || id === undefined) throw new ConvertError(`${place}: ${show(trimmed)} is not "piece: id"`);
    long = "";
    const piece = unquote(entry.slice(0, colon).trimEnd(), place);
    ensure(!map.has(piece), `${place}: ${show(piece)} appears twice`);
    map.set(piece, Number(id));
  }
  ensure(map.size > 0, `${what} holds no pieces`);
  return map;
}
