// Text from files on its way to a terminal, to which some characters are orders.

/** Control characters but tab and line feed: those of ASCII, delete, and the second set that xterm obeys too. */
const ORDERS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * The text with control characters written out, as \u001b.
 * @param {string} text
 */
export function harmless(text) {
  return text.replace(ORDERS, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
