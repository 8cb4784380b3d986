// `glossa train`: trains a network on a seeded task and writes a checkpoint that `glossa translate` takes.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Lab, labSettings } from "../lab/index.js";
import { integer, parse, UsageError, withUsage } from "./arguments.js";
import { fileError, writeWhole } from "./files.js";

/** Parts that a batch is cut into where nothing else is asked for: more workers than that have nothing to do. */
const PARTS = 4;

const usage = `Usage: glossa train --task NAME -o MODEL [options]

Trains a small network on strings made by a seed, and writes a checkpoint.

  glossa train --task reverse --seed 7 -o reverse.gguf
  echo 48151623 | glossa translate --model reverse.gguf

  -o, --output F   the model, written at the end; after Ctrl-C too
  --state F        everything that going on needs, written at each report
  --resume         go on from the state where that file is
  --every N        steps between two reports (default 100); for the schedule "plateau" an epoch
  --held-out N     held-out strings that a report is about (default 256)
  --threads N      workers that share the work (default: the processors of this machine, at most ${PARTS})
  -q, --quiet      the last line alone
  --SETTING VALUE  what to train and how; glossa train --help lists them all
`;

/** A setting as an option; "output" is the file's, as with every command. */
const dashed = (/** @type {string} */ name) =>
  name === "output" ? "output-layer" : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;

/** @param {Uint8Array} bytes @param {string} path */
const save = (bytes, path) => writeWhole(path, (write) => write(bytes));

/** @param {import("../lab/types.js").TrainReport} report */
function line({ step, loss, heldOut, norm, learningRate, tokensPerSecond }) {
  const judged = heldOut ? `  held out: loss ${heldOut.loss.toFixed(4)}, exact ${percent(heldOut.exact)}` : "";
  return (
    `step ${String(step).padEnd(6)} loss ${loss.toFixed(4)}${judged}` +
    `  norm ${norm.toFixed(2)}  rate ${learningRate.toExponential(2)}  ${tokensPerSecond.toFixed(0)} tokens/s\n`
  );
}

/**
 * @param {Record<string, any>} values of the command line
 * @param {{ name: string }[]} settings
 * @returns {Promise<Lab>}
 */
async function openLab(values, settings) {
  const { task, seed, preset, state, resume } = values;
  const threads =
    values.threads === undefined ? Math.min(PARTS, availableParallelism()) : integer("threads", values.threads, 1, 16);
  const training = Object.fromEntries(
    settings.filter(({ name }) => values[dashed(name)] !== undefined).map(({ name }) => [name, values[dashed(name)]]),
  );
  const options = {
    preset,
    training: { ...(task !== undefined && { task }), ...(seed !== undefined && { seed }), ...training },
    threads,
  };
  const checkpoint = resume
    ? await readFile(state).catch((error) => {
        if (error.code === "ENOENT") return null;
        throw fileError(state, error);
      })
    : null;
  if (!checkpoint && task === undefined) throw new UsageError("name a --task; --help lists them");
  return checkpoint ? Lab.open(checkpoint, { threads }) : Lab.create(options);
}

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("train", usage, io, async () => {
    const settings = (await labSettings()).filter(({ name }) => name !== "threads");
    const { values } = parse({
      args: argv,
      options: {
        ...Object.fromEntries(settings.map(({ name }) => [dashed(name), { type: /** @type {const} */ ("string") }])),
        preset: { type: "string" },
        output: { type: "string", short: "o" },
        state: { type: "string" },
        resume: { type: "boolean", default: false },
        every: { type: "string", default: "100" },
        "held-out": { type: "string", default: "256" },
        threads: { type: "string" },
        quiet: { type: "boolean", short: "q", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      const lines = settings.map(({ name, takes }) => `  --${dashed(name).padEnd(24)} ${takes}\n`);
      io.stdout.write(`${usage}\nsettings (--preset tutorial or tutorial-small sets many at once):\n${lines.join("")}`);
      return 0;
    }
    const { output, state, resume, quiet } = /** @type {Record<string, any>} */ (values);
    const every = integer("every", String(values.every), 1, 1_000_000_000);
    const heldOut = integer("held-out", String(values["held-out"]), 1, 1_000_000);
    if (output === undefined && state === undefined) throw new UsageError("-o MODEL is missing, or --state");
    if (resume && state === undefined) throw new UsageError("--resume needs --state");
    const lab = await openLab(values, settings);
    try {
      return await train(lab, { output, state, every, heldOut, quiet }, io);
    } finally {
      lab.destroy();
    }
  });
}

/**
 * @param {Lab} lab
 * @param {{ output?: string, state?: string, every: number, heldOut: number, quiet: boolean }} how
 * @param {import("./glossa.js").IO} io
 */
async function train(lab, { output, state, every, heldOut, quiet }, io) {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  const { parameters, bytes } = lab.info;
  if (!quiet) io.stderr.write(`${parameters.toLocaleString("en")} parameters, ${(bytes / 1e6).toFixed(1)} MB\n`);
  let status = 0;
  process.once("SIGINT", onInterrupt);
  try {
    for await (const report of lab.train({ every, heldOut, signal: interrupt.signal })) {
      if (!quiet) io.stderr.write(line(report));
      if (state !== undefined) await save(await lab.save("state"), state);
    }
    const { exact, sequences } = await lab.evaluate(10 * heldOut);
    io.stderr.write(`held out: exact ${percent(exact)} of ${sequences}\n`);
  } catch (error) {
    // Whatever ended it, the weights are those of the last steps that went well: they are kept.
    status = interrupt.signal.aborted ? 130 : 1;
    const { message } = /** @type {Error} */ (error);
    io.stderr.write(status === 130 ? "glossa train: stopped\n" : `glossa train: ${message}\n`);
    if (status === 130 && state !== undefined) await save(await lab.save("state"), state);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
  if (output !== undefined) await save(await lab.save("model"), output);
  return status;
}
