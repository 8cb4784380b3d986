import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { convert, convertToMarian } from "../convert/index.js";
import { openFile } from "../convert/open-file.js";
import { parse, UsageError, withUsage } from "./arguments.js";
import { fileError, writeWhole } from "./files.js";
import { harmless, percentBar } from "./terminal.js";

const USAGE = `Usage: glossa convert SOURCE -o MODEL.gguf [options]
       glossa convert MODEL.gguf -o MODEL.npz|MODEL.bin

SOURCE is a folder with a model, or the model's file in it:
  Marian, Firefox           model.*.bin or *.npz, *.spm (one, or srcvocab and trgvocab), lex.*.bin; also gzipped
  OPUS-MT                   *.npz, vocab.yml, source.spm, target.spm
  Hugging Face MarianMT     config.json, model.safetensors or pytorch_model.bin, source.spm, target.spm, vocab.json
  a recipe's export         config.json, model.safetensors, vocab.model

The second form writes a Marian model and, beside it, its vocabularies and its shortlist; it takes what Marian can run,
such as imported models. In a .bin, matrices that came quantized from Marian stay so.

options:
  -o, --output FILE         what to write
      --type i8|f32         of the matrices; int8 with a scale for each row, or float32 (default i8)
      --source LANGUAGE     BCP 47 tag, where the source does not tell (several: separate by commas)
      --target LANGUAGE
      --name TEXT           general.name of the checkpoint
      --license TEXT        general.license, an SPDX expression
      --url URL             general.url, where the model comes from
  -q, --quiet               no progress
`;

/**
 * `glossa convert`.
 * @param {string[]} argv
 * @param {Pick<import("./glossa.js").IO, "stdout" | "stderr">} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("convert", USAGE, io, async () => {
    const { values, positionals } = parse({
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
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      io.stdout.write(USAGE);
      return 0;
    }
    if (positionals.length !== 1) throw new UsageError(`one SOURCE is needed, not ${positionals.length}`);
    const { output, type } = values;
    if (!output) throw new UsageError("-o MODEL.gguf is missing");
    if (type !== "i8" && type !== "f32") throw new UsageError(`--type is "${type}"; it takes i8 or f32`);
    const [source] = positionals;
    const format = /\.(npz|bin)$/.exec(output)?.[1];
    if (source.endsWith(".gguf")) {
      if (format !== "npz" && format !== "bin")
        throw new UsageError(`a checkpoint becomes a .npz or a .bin, not "${basename(output)}"`);
      await exportFile(source, output, format, values.quiet, io);
    } else await convertFiles(source, output, { ...values, type }, io);
    return 0;
  });
}

/** Language tags, separated by commas; also as locales write them. @param {string | undefined} text */
const tags = (text) => text?.replaceAll("_", "-").split(",");

/**
 * @param {string} source
 * @param {string} output
 * @param {{ type: "i8" | "f32", source?: string, target?: string, name?: string, license?: string, url?: string, quiet?: boolean }} values
 * @param {Pick<import("./glossa.js").IO, "stderr">} io
 */
async function convertFiles(source, output, values, io) {
  /** @type {OpenFile[]} */
  let files = [];
  try {
    files = await openFiles(source);
    /** @type {Record<string, string>} */
    const general = {};
    for (const key of /** @type {const} */ (["name", "license", "url"])) {
      const value = values[key];
      if (value !== undefined) general[key] = value;
    }
    const started = performance.now();
    const { bytes, warnings } = await writeWhole(output, (write) =>
      convert(
        files.map((file) => [file.name, file]),
        {
          type: values.type,
          write,
          general,
          source: tags(values.source),
          target: tags(values.target),
          onProgress: values.quiet || !io.stderr.isTTY ? undefined : percentBar(io.stderr),
        },
      ),
    );
    for (const warning of warnings) io.stderr.write(harmless(`glossa convert: warning: ${warning}\n`));
    if (!values.quiet) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      io.stderr.write(`${output}: ${bytes.toLocaleString("en")} bytes, ${seconds} s\n`);
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/**
 * @param {string} source
 * @param {string} output
 * @param {"npz" | "bin"} format
 * @param {boolean} quiet
 * @param {Pick<import("./glossa.js").IO, "stderr">} io
 */
async function exportFile(source, output, format, quiet, io) {
  const file = await openNamed(source);
  try {
    const onProgress = quiet || !io.stderr.isTTY ? undefined : percentBar(io.stderr);
    const result = await writeWhole(output, (write) => convertToMarian(file.name, file, { format, write, onProgress }));
    const names = { both: "vocab", source: "srcvocab", target: "trgvocab" };
    const stem = basename(output, `.${format}`);
    const written = [output];
    /** @param {string} name @param {Uint8Array} bytes */
    const beside = async (name, bytes) => {
      written.push(join(dirname(output), name));
      await writeWhole(join(dirname(output), name), (write) => write(bytes));
    };
    for (const { side, bytes } of result.vocabularies) await beside(`${names[side]}.${stem}.spm`, bytes);
    if (result.shortlist) await beside(`lex.${stem}.bin`, result.shortlist);
    if (!quiet) io.stderr.write(`${written.join(", ")}: ${result.bytes.toLocaleString("en")} bytes of model\n`);
  } finally {
    await file.close();
  }
}

/** @typedef {import("../convert/open-file.js").OpenFile} OpenFile */

/** @param {string} path */
const openNamed = (path) =>
  openFile(path).catch((error) => {
    throw fileError(path, error);
  });

/**
 * The files of a folder; for a file, it and those beside it that hold no weights.
 * @param {string} source
 * @returns {Promise<OpenFile[]>}
 */
async function openFiles(source) {
  const facts = await stat(source).catch((error) => {
    throw fileError(source, error);
  });
  const one = facts.isFile();
  const folder = one ? dirname(resolve(source)) : source;
  const names = (await readdir(folder)).filter((name) => !one || name === basename(source) || !isModel(name));
  const found = await Promise.all(
    names.map(async (name) => {
      // A link that leads nowhere, as a hub's cache has for what is not loaded yet, is missed only where it is needed.
      const facts = await stat(join(folder, name)).catch(() => null);
      return facts?.isFile() ? [name] : [];
    }),
  );
  return Promise.all(found.flat().map((name) => openNamed(join(folder, name))));
}

/** @param {string} name */
function isModel(name) {
  return /\.(npz|safetensors|gguf|bin)(\.gz)?$/.test(name) && !/^lex\b/.test(name);
}
