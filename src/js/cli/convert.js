import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { convert } from "../convert/index.js";

const USAGE = `usage: glossa convert SOURCE -o MODEL.gguf [options]

SOURCE is a folder with a model, or one file of it:
  a recipe's export         config.json, model.safetensors, vocab.model

options:
  -o, --output FILE         the checkpoint to write
      --type i8|f32         of the matrices; int8 with a scale for each row, or float32 (default i8)
      --source LANGUAGE     BCP 47 tag, where the source does not tell (several: separate by commas)
      --target LANGUAGE
      --name TEXT           general.name of the checkpoint
      --license TEXT        general.license, an SPDX expression
      --url URL             general.url, where the model comes from
  -q, --quiet               no progress
`;

/** @typedef {{ stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream & { isTTY?: boolean } }} Io */

/**
 * `glossa convert`.
 * @param {string[]} argv arguments after the command's name
 * @param {Io} io
 * @returns {Promise<number>} exit status: 0, 1 (failed) or 2 (wrong usage)
 */
export async function run(argv, io) {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        output: { type: "string", short: "o" },
        type: { type: "string", default: "i8" },
        source: { type: "string" },
        target: { type: "string" },
        name: { type: "string" },
        license: { type: "string" },
        url: { type: "string" },
        quiet: { type: "boolean", short: "q", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return wrongUsage(io, /** @type {Error} */ (error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    io.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length !== 1) return wrongUsage(io, `one SOURCE is needed, not ${positionals.length}`);
  const output = values.output;
  if (!output) return wrongUsage(io, "-o MODEL.gguf is needed");
  const type = values.type;
  if (type !== "i8" && type !== "f32") return wrongUsage(io, `--type is ${type}, not i8 or f32`);

  /** @type {OpenFile[]} */
  let files = [];
  try {
    files = await openFiles(positionals[0]);
    /** @type {Record<string, string>} */
    const general = {};
    for (const key of /** @type {const} */ (["name", "license", "url"])) {
      const value = values[key];
      if (value !== undefined) general[key] = value;
    }
    const started = performance.now();
    const { bytes, warnings } = await writeFile(output, (write) =>
      convert(
        files.map((file) => [file.name, file]),
        {
          type,
          write,
          general,
          source: values.source?.split(","),
          target: values.target?.split(","),
          onProgress: values.quiet || !io.stderr.isTTY ? undefined : progress(io.stderr),
        },
      ),
    );
    for (const warning of warnings) io.stderr.write(`glossa convert: warning: ${warning}\n`);
    if (!values.quiet) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      io.stderr.write(`${output}: ${bytes.toLocaleString("en")} bytes, ${seconds} s\n`);
    }
    return 0;
  } catch (error) {
    io.stderr.write(`glossa convert: ${/** @type {Error} */ (error).message}\n`);
    return 1;
  } finally {
    for (const file of files) await file.close();
  }
}

/**
 * @param {Io} io
 * @param {string} message
 */
function wrongUsage(io, message) {
  io.stderr.write(`glossa convert: ${message}\n\n${USAGE}`);
  return 2;
}

/**
 * A bar on a terminal's line.
 * @param {NodeJS.WritableStream} stream
 * @returns {(done: number, total: number) => void}
 */
function progress(stream) {
  let shown = -1;
  return (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent === shown) return;
    shown = percent;
    const bar = "#".repeat(percent >> 2).padEnd(25);
    stream.write(`\r[${bar}] ${percent} %${done === total ? "\r\x1b[K" : ""}`);
  };
}

/**
 * A file on disk, read in ranges.
 * @typedef {import("../convert/file.js").RandomAccess & { name: string, close(): Promise<void> }} OpenFile
 */

/**
 * The files of a folder; for a file, it and those beside it that hold no weights.
 * @param {string} source
 * @returns {Promise<OpenFile[]>}
 */
async function openFiles(source) {
  const one = (await stat(source)).isFile();
  const folder = one ? dirname(resolve(source)) : source;
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => !one || name === basename(source) || !isModel(name));
  return Promise.all(names.map((name) => openFile(join(folder, name))));
}

/** @param {string} name */
function isModel(name) {
  return /\.(npz|safetensors|gguf|bin)(\.gz)?$/.test(name) && !/^lex\b/.test(name);
}

/**
 * @param {string} path
 * @returns {Promise<OpenFile>}
 */
async function openFile(path) {
  const handle = await open(path);
  return {
    name: basename(path),
    size: (await handle.stat()).size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let used = 0;
      while (used < length) {
        const { bytesRead } = await handle.read(bytes, used, length - used, offset + used);
        if (bytesRead === 0) break;
        used += bytesRead;
      }
      return bytes.subarray(0, used);
    },
    close: () => handle.close(),
  };
}

/**
 * Writes a file under a name of its own first, so that a failure leaves nothing half made.
 * @template T
 * @param {string} path
 * @param {(write: (bytes: Uint8Array) => Promise<void>) => Promise<T>} produce
 * @returns {Promise<T>}
 */
async function writeFile(path, produce) {
  const part = `${path}.part`;
  const handle = await open(part, "w");
  try {
    const result = await produce(async (bytes) => {
      await handle.writeFile(bytes);
    });
    await handle.close();
    await rename(part, path);
    return result;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = await run(process.argv.slice(2), process);
