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

/**
 * A value as it should stand in a message: short, on one line.
 * @param {unknown} value
 */
export function show(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
