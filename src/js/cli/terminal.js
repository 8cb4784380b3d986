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

/**
 * A bar on a terminal's line.
 * @param {NodeJS.WritableStream} stream
 * @returns {(done: number, total: number) => void}
 */
export function percentBar(stream) {
  let shown = -1;
  return (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent === shown) return;
    shown = percent;
    const bar = "#".repeat(percent >> 2).padEnd(25);
    stream.write(`\r[${bar}] ${percent} %${done === total ? "\r\x1b[K" : ""}`);
  };
}
