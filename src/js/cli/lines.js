// Lines in and out of the command line: any size, constant memory, one line out for each line in.

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { fileError, isSameFile, openReplacement } from "./files.js";
import { harmless } from "./terminal.js";

const LF = 10;

/** How a text begins in encodings other than UTF-8: a byte order mark, or the zeros of ASCII in UTF-16. */
const BEGINNINGS = /** @type {[RegExp, string, boolean][]} */ ([
  [/^\xff\xfe\0\0/, "UTF-32LE", false],
  [/^\0\0\xfe\xff/, "UTF-32BE", false],
  [/^\xff\xfe(?!\n)/, "UTF-16LE", true],
  [/^\xfe\xff/, "UTF-16BE", true],
  [/^[^\0]\0[^\0]\0/, "UTF-16LE without a byte order mark", false],
  [/^\0[^\0]\0[^\0]/, "UTF-16BE without a byte order mark", false],
  [/^\x84\x31\x95\x33/, "GB18030", false],
  [/^\+\/v[89+/]/, "UTF-7", false],
]);

/**
 * A stream in UTF-8, whatever of Unicode's encodings it comes in with a byte order mark, which is dropped.
 * @param {AsyncIterable<Buffer | string>} stream
 * @param {string} name for messages
 * @returns {AsyncGenerator<Buffer>}
 */
async function* inUtf8(stream, name) {
  /** @type {Buffer | null} */
  let head = Buffer.alloc(0);
  /** @type {TextDecoder | null} */
  let decoder = null;
  for await (const chunk of stream) {
    let bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (head) {
      head = Buffer.concat([head, bytes]);
      if (head.length < 4 && !head.includes(LF)) continue;
      const start = head.toString("latin1", 0, 4);
      const [, encoding, read] = BEGINNINGS.find(([pattern]) => pattern.test(start)) ?? [];
      if (encoding && !read)
        throw new Error(
          `${name} is in ${encoding}: make UTF-8 of it first (iconv -f ${encoding.split(" ")[0]} -t UTF-8)`,
        );
      if (encoding) decoder = new TextDecoder(encoding);
      bytes = !encoding && start.startsWith("\xef\xbb\xbf") ? head.subarray(3) : head;
      head = null;
    }
    yield decoder ? Buffer.from(decoder.decode(bytes, { stream: true })) : bytes;
  }
  if (head?.length) yield head;
  if (decoder) yield Buffer.from(decoder.decode());
}

/**
 * The lines of a stream, decoded; ill-formed bytes become U+FFFD. A last line without a line feed counts.
 * @param {AsyncIterable<Buffer | string>} input
 * @param {string} [name] for messages
 * @returns {AsyncGenerator<string[]>} what has arrived, so that a slow writer is answered line by line
 */
export async function* readLines(input, name = "the input") {
  const stream = inUtf8(input, name);
  /** @type {Buffer[]} */
  let held = [];
  for await (const bytes of stream) {
    /** @type {string[]} */
    const lines = [];
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      held.push(bytes.subarray(start, end));
      lines.push(Buffer.concat(held).toString("utf8"));
      held = [];
      start = end + 1;
    }
    if (start < bytes.length) held.push(bytes.subarray(start));
    if (lines.length) yield lines;
  }
  if (held.length) yield [Buffer.concat(held).toString("utf8")];
}

/**
 * Opens what is to be translated.
 * @param {string | undefined} file
 * @param {NodeJS.ReadableStream} stdin
 * @returns {Promise<{stream: AsyncIterable<Buffer | string>, bytes: number, facts: import("node:fs").Stats | null, name: string}>}
 *     bytes: 0 where unknown; name: for messages
 */
export async function openInput(file, stdin) {
  if (file === undefined || file === "-") return { stream: stdin, bytes: 0, facts: null, name: "the input" };
  try {
    const handle = await open(file);
    const facts = await handle.stat();
    if (!facts.isDirectory()) return { stream: handle.createReadStream(), bytes: facts.size, facts, name: file };
    await handle.close();
  } catch (error) {
    throw fileError(file, /** @type {NodeJS.ErrnoException} */ (error));
  }
  throw new Error(`${file} is a folder`);
}

/**
 * Opens what is written to. To go on with a file, its last line is cut off if it is not complete. The input itself is
 * replaced when all is done.
 * @param {string | undefined} file
 * @param {NodeJS.WritableStream & {isTTY?: boolean}} stdout
 * @param {boolean} resume
 * @param {import("node:fs").Stats | null} input
 * @returns {Promise<{write: (text: string) => Promise<void>, close: () => Promise<void>, abandon: () => Promise<void>, lines: number}>}
 *     lines: those that are there already; close or abandon, when it failed
 */
export async function openOutput(file, stdout, resume, input) {
  const abandon = async () => {};
  if (file === undefined) {
    const shown = (/** @type {string} */ text) => (stdout.isTTY ? harmless(text) : text);
    return { write: (text) => writeAll(stdout, shown(text)), close: abandon, abandon, lines: 0 };
  }
  if (input && (await isSameFile(input, file))) {
    if (resume) throw new Error(`${file} is the input: there is nothing to go on with`);
    if (input.isFile()) {
      const { handle, commit, discard } = await openReplacement(file);
      const write = async (/** @type {string} */ text) => void (await handle.writeFile(text));
      return { write, close: commit, abandon: discard, lines: 0 };
    }
  }
  const lines = resume ? await cutToLines(file) : 0;
  const stream = createWriteStream(file, { flags: resume ? "a" : "w" });
  /** A full disk, at whatever moment it is told. @type {Promise<never>} */
  const failed = new Promise((_, reject) => stream.on("error", (error) => reject(fileError(file, error))));
  failed.catch(() => {});
  await Promise.race([failed, once(stream, "open")]);
  return {
    write: (text) => Promise.race([failed, writeAll(stream, text)]),
    abandon,
    lines,
    async close() {
      stream.end();
      await Promise.race([failed, once(stream, "finish")]);
    },
  };
}

/**
 * @param {NodeJS.WritableStream} stream
 * @param {string} text
 */
async function writeAll(stream, text) {
  if (!stream.write(text)) await once(stream, "drain");
}

/**
 * @param {string} file
 * @returns {Promise<number>} complete lines that are left; 0 where there is no file
 */
async function cutToLines(file) {
  let handle;
  try {
    handle = await open(file, "r+");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return 0;
    throw fileError(file, /** @type {NodeJS.ErrnoException} */ (error));
  }
  try {
    if (!(await handle.stat()).isFile()) throw new Error(`${file} is no regular file: there is nothing to go on with`);
    const buffer = Buffer.alloc(1 << 16);
    let at = 0;
    let end = 0;
    let lines = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      for (let i = buffer.indexOf(LF); i >= 0 && i < bytesRead; i = buffer.indexOf(LF, i + 1)) {
        lines++;
        end = at + i + 1;
      }
      at += bytesRead;
    }
    await handle.truncate(end);
    return lines;
  } finally {
    await handle.close();
  }
}

/** A progress bar on a terminal, redrawn a few times a second; silent elsewhere. */
export class ProgressBar {
  #start = performance.now();
  #drawn = 0;

  /**
   * @param {{write(text: string): unknown, isTTY?: boolean, columns?: number}} stream
   * @param {number} total bytes of the input; 0 where unknown
   */
  constructor(stream, total) {
    this.stream = stream;
    this.total = total;
  }

  /**
   * @param {number} lines written
   * @param {number} bytes of the input that are done
   */
  update(lines, bytes, force = false) {
    const now = performance.now();
    if (!this.stream.isTTY || (!force && now - this.#drawn < 200)) return;
    this.#drawn = now;
    const seconds = (now - this.#start) / 1000;
    const rate = `${lines} lines, ${(lines / seconds).toFixed(1)} lines/s`;
    if (!this.total) {
      this.stream.write(`\r\x1b[K${rate}`);
      return;
    }
    const part = Math.min(1, bytes / this.total);
    const left = part > 0 ? ` ${Math.ceil((seconds / part) * (1 - part))} s left` : "";
    const width = Math.max(10, Math.min(40, (this.stream.columns ?? 80) - rate.length - 24));
    const filled = Math.round(width * part);
    const bar = "█".repeat(filled) + "░".repeat(width - filled);
    this.stream.write(`\r\x1b[K${bar} ${(100 * part).toFixed(0)} % ${rate}${left}`);
  }

  /** @param {number} lines @param {number} bytes */
  end(lines, bytes) {
    if (!this.stream.isTTY) return;
    this.update(lines, bytes, true);
    this.stream.write("\n");
  }
}
