// Lines in and out of the command line: any size, constant memory, one line out for each line in.

import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";

const LF = 10;

/**
 * The lines of a stream, decoded; ill-formed bytes become U+FFFD. A last line without a line feed counts.
 * @param {AsyncIterable<Buffer | string>} stream
 * @returns {AsyncGenerator<string[]>} what has arrived, so that a slow writer is answered line by line
 */
export async function* readLines(stream) {
  /** @type {Buffer[]} */
  let held = [];
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
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

/** @param {string} file @param {NodeJS.ErrnoException} error */
function fileError(file, { code, message }) {
  const reasons = /** @type {Record<string, string>} */ ({
    ENOENT: "there is no such file or folder",
    EACCES: "access is denied",
    EISDIR: "it is a folder",
  });
  return new Error(`${file}: ${reasons[code ?? ""] ?? message}`);
}

/**
 * Opens what is to be translated.
 * @param {string | undefined} file
 * @param {NodeJS.ReadableStream} stdin
 * @returns {Promise<{stream: AsyncIterable<Buffer | string>, bytes: number}>} bytes: 0 where unknown
 */
export async function openInput(file, stdin) {
  if (file === undefined || file === "-") return { stream: stdin, bytes: 0 };
  const facts = await stat(file).catch((error) => {
    throw fileError(file, error);
  });
  if (facts.isDirectory()) throw new Error(`${file} is a folder`);
  const { size } = facts;
  return { stream: createReadStream(file), bytes: size };
}

/**
 * Opens what is written to. To go on with a file, its last line is cut off if it is not complete.
 * @param {string | undefined} file
 * @param {NodeJS.WritableStream} stdout
 * @param {boolean} resume
 * @returns {Promise<{write: (text: string) => Promise<void>, close: () => Promise<void>, lines: number}>} lines: those
 *     that are there already
 */
export async function openOutput(file, stdout, resume) {
  if (file === undefined) return { write: (text) => writeAll(stdout, text), close: async () => {}, lines: 0 };
  const lines = resume ? await cutToLines(file) : 0;
  const stream = createWriteStream(file, { flags: resume ? "a" : "w" });
  await once(stream, "open").catch((error) => {
    throw fileError(file, error);
  });
  return {
    write: (text) => writeAll(stream, text),
    lines,
    async close() {
      stream.end();
      await once(stream, "finish");
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
    throw error;
  }
  try {
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
