/** A source that cannot be converted: the message names the file, the thing in it and the value. */
export class ConvertError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "ConvertError";
  }
}

/** A source that ends before what it announces. */
export class CutShortError extends ConvertError {}

/**
 * Throws a ConvertError unless `condition` holds.
 * @param {unknown} condition
 * @param {string | (() => string)} message
 * @returns {asserts condition}
 */
export function ensure(condition, message) {
  if (!condition) throw new ConvertError(typeof message === "string" ? message : message());
}

const LENGTH = 80;
const DEPTH = 3;

/**
 * A value as it should stand in a message: short, on one line. Whatever a file made of it, cyclic or endless, only its
 * beginning is looked at.
 * @param {unknown} value
 */
export function show(value) {
  const text = written(value, DEPTH);
  return text.length > LENGTH ? `${text.slice(0, LENGTH - 3)}...` : text;
}

/**
 * @param {unknown} value
 * @param {number} depth how many levels are written
 * @returns {string} in the manner of JSON, and not much longer than is wanted
 */
function written(value, depth) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, LENGTH));
  if (typeof value === "function") return "a function";
  if (value === null || typeof value !== "object") return String(value);
  const list = Array.isArray(value) || ArrayBuffer.isView(value);
  if (depth === 0) return list ? "[...]" : "{...}";
  const items = list ? /** @type {ArrayLike<unknown>} */ (value) : Object.keys(value);
  let text = list ? "[" : "{";
  for (let i = 0; i < items.length && text.length <= LENGTH; i++) {
    const item = items[i];
    const shown = list ? written(item, depth - 1) : written(Reflect.get(value, String(item)), depth - 1);
    text += `${i ? "," : ""}${list ? "" : `${written(item, 0)}:`}${shown}`;
  }
  return text + (list ? "]" : "}");
}

/**
 * An entry of a table by a name that comes from a file; undefined where the table has none.
 * @template T
 * @param {Record<string, T>} table
 * @param {unknown} name
 * @returns {T | undefined}
 */
export function lookUp(table, name) {
  return typeof name === "string" && Object.hasOwn(table, name) ? table[name] : undefined;
}
