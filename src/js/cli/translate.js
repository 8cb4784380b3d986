// `glossa translate`: one line out for each line in.

import { availableParallelism } from "node:os";
import {
  createTranslator,
  integer,
  MODEL_OPTIONS,
  MODEL_USAGE,
  modelOptions,
  parse,
  readGlossary,
  UsageError,
  withUsage,
} from "./arguments.js";
import { openInput, openOutput, ProgressBar, readLines } from "./lines.js";

const usage = `Usage: glossa translate --model M [options] [FILE] [-o FILE]

Translates standard input, or FILE, to standard output: each line is one segment and gives exactly one line.
${MODEL_USAGE}  --split        split lines into sentences first
  --jobs N       how many workers share the work (default 1; this machine has ${availableParallelism()} processors)
  --glossary F   terms with fixed translations: a term, a tab and its translation on each line
  --raw          the model's own text: keep no placeholders and addresses
  -o, --output F write to F
  --resume       go on with the output file where an earlier run was stopped
`;

/** Lines that one request carries at most: enough for full batches, few enough to flow. */
const CHUNK = 64;

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("translate", usage, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: {
        ...MODEL_OPTIONS,
        split: { type: "boolean", default: false },
        raw: { type: "boolean", default: false },
        jobs: { type: "string", short: "j", default: "1" },
        glossary: { type: "string" },
        output: { type: "string", short: "o" },
        resume: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    if (positionals.length > 1) throw new UsageError(`one input file, not ${positionals.length}`);
    if (values.resume && values.output === undefined) throw new UsageError("--resume needs --output");
    const beamSize = integer("beam", values.beam, 1, 16);
    const jobs = integer("jobs", values.jobs, 1, 16);
    const create = modelOptions(values);
    const options = {
      beamSize,
      split: values.split,
      preserve: values.raw ? false : undefined,
      glossary: readGlossary(values.glossary),
    };

    const input = await openInput(positionals[0], io.stdin);
    const translator = await createTranslator({ ...create, worker: jobs > 1, pool: jobs }, io.stderr);
    try {
      const output = await openOutput(values.output, io.stdout, values.resume, input.facts);
      try {
        await translateLines(translator, input, output, options, jobs, io);
        await output.close();
      } catch (error) {
        await output.abandon();
        throw error;
      }
    } finally {
      translator.destroy();
    }
    return 0;
  });
}

/**
 * @param {import("../index.js").Translator} translator
 * @param {Awaited<ReturnType<typeof openInput>>} input
 * @param {Awaited<ReturnType<typeof openOutput>>} output
 * @param {import("../types.js").TranslateOptions} options
 * @param {number} jobs
 * @param {import("./glossa.js").IO} io
 */
async function translateLines(translator, input, output, options, jobs, io) {
  const bar = new ProgressBar(io.stderr, input.bytes);
  let skip = output.lines;
  let written = 0;
  let bytes = 0;
  /**
   * Requests under way, oldest first: they are written in this order.
   * @type {{answer: Promise<string[]>, size: number, written: Promise<void>}[]}
   */
  const under = [];
  const writeOldest = async () => {
    const { answer, size } = under[0];
    const translations = await answer;
    under.shift();
    for (const text of translations) await output.write(`${text.replace(/\r?\n/g, " ")}\n`);
    written += translations.length;
    bytes += size;
    bar.update(written, bytes);
  };

  /** Writing goes on while reading waits for more input. */
  let writing = Promise.resolve();
  /** @type {unknown} */
  let failure = null;
  const submit = (/** @type {string[]} */ lines) => {
    const answer = translator.translateBatch(lines, options);
    answer.catch(() => {}); // its turn to be reported comes in writeOldest
    const size = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    writing = writing.then(writeOldest).catch((error) => {
      failure ??= error;
    });
    under.push({ answer, size, written: writing });
  };

  for await (const lines of readLines(input.stream, input.name)) {
    let start = Math.min(skip, lines.length);
    for (const line of lines.slice(0, start)) bytes += Buffer.byteLength(line) + 1;
    skip -= start;
    for (; start < lines.length; start += CHUNK) {
      while (under.length >= 2 * jobs && !failure) await under[0].written;
      if (failure) throw failure;
      submit(lines.slice(start, start + CHUNK));
    }
  }
  await writing;
  if (failure) throw failure;
  if (skip > 0) throw new Error(`the output has ${skip} lines more than the input: it belongs to another file`);
  bar.end(written, bytes);
}
