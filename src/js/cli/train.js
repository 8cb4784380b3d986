// `glossa train`: trains a network on pairs of text or on a seeded task, and writes a checkpoint that `glossa translate` takes.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Lab, labSettings } from "../lab/index.js";
import { integer, parse, UsageError, withUsage } from "./arguments.js";
import { Curves } from "./curves.js";
import { fileError, writeWhole } from "./files.js";
import { hasPairs, kindByOptions, PAIR_OPTIONS, readConfig, readData, readOptional } from "./pairs.js";

/** Parts that a batch is cut into where nothing else is asked for: more workers than that have nothing to do. */
const PARTS = 4;

const usage = `Usage: glossa train --data PAIRS.tsv --source LANGUAGE --target LANGUAGE -o MODEL [options]
       glossa train CONFIG.json [--data FOLDER] -o MODEL [options]
       glossa train --task NAME -o MODEL [options]

Trains a small translator on pairs of text, or a network on strings made by a seed, and writes a checkpoint.

  glossa train --data pairs.tsv --source en --target de -o en-de.gguf
  glossa train --task reverse --seed 7 -o reverse.gguf
  echo 48151623 | glossa translate --model reverse.gguf

  --data F         a source, a tab and a target in each line; more than one may be given, and gzip is read
  --source-lines F, --target-lines F    two files of lines instead
  --valid F, --valid-source-lines F, --valid-target-lines F
                   pairs to judge by; else some are set aside
                   a language model (--preset masked, causal) has a text in each line of --data and --valid
  --images F, --labels F, --valid-images F, --valid-labels F
                   for --preset vit or swin: IDX files, as MNIST has them
  --source L, --target L    languages by BCP 47 (und)
  --vocabulary-of M   its vocabulary, instead of one learnt from the pairs
  --from M         goes on from a model, int8 or float32: its network, vocabulary and weights
  -o, --output F   the model, written at the end; after Ctrl-C too
  --state F        everything that going on needs, written at each report
  --resume         goes on from the state where that file is; pairs are given again, of settings --steps alone counts
  --every N        steps between two reports (default 100); for the schedule "plateau" an epoch
  --held-out N     held-out strings or pairs that a report is about (default 256)
  --scored N       pairs of it that are translated for BLEU (default 100)
  --log F          the curves as lines of JSON
  --chart F        the curves as a picture, in SVG
  --threads N      workers that share the work (default: the processors of this machine, at most ${PARTS})
  --int8           the model's matrices as int8, with a scale for each row
  -q, --quiet      the last line alone
  --SETTING VALUE  what to train and how; glossa train --help lists them all
`;

/** A setting as an option; "output" is the file's, as with every command. */
const dashed = (/** @type {string} */ name) =>
  name === "output" ? "output-layer" : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;

/** @param {Uint8Array} bytes @param {string} path */
const save = (bytes, path) => writeWhole(path, (write) => write(bytes));

/** @param {import("../lab/types.js").Evaluation} evaluation */
const judged = ({ loss, perplexity, exact, correct, bleu }) =>
  `loss ${loss.toFixed(4)}, perplexity ${perplexity.toFixed(2)}, tokens ${percent(correct)}, exact ${percent(exact)}` +
  (bleu === undefined ? "" : `, BLEU ${bleu.toFixed(2)}`);

/** @param {import("../lab/types.js").TrainReport} report */
function line({ step, loss, heldOut, norm, learningRate, tokensPerSecond }) {
  return (
    `step ${String(step).padEnd(6)} loss ${loss.toFixed(4)}${heldOut ? `  held out: ${judged(heldOut)}` : ""}` +
    `  norm ${norm.toFixed(2)}  rate ${learningRate.toExponential(2)}  ${tokensPerSecond.toFixed(0)} tokens/s\n`
  );
}

/** What became of the pairs. @param {import("../lab/types.js").LabInfo} info */
function facts({ parameters, bytes, pairs }) {
  const number = (/** @type {number} */ n) => n.toLocaleString("en");
  const lines = [`${number(parameters)} parameters, ${(bytes / 1e6).toFixed(1)} MB`];
  if (!pairs) return lines;
  const { train, heldOut, empty, shared, tooLong, batches, vocabulary } = pairs;
  lines.push(
    `${number(train)} pairs to train on, ${number(heldOut)} held out; ${number(vocabulary)} tokens in the vocabulary, ${number(batches)} batches to an epoch`,
  );
  if (empty + shared + tooLong > 0)
    lines.push(
      `left out: ${empty} without one side, ${shared} that share a text with the held-out ones, ${tooLong} too long`,
    );
  return lines;
}

/** What the network of a checkpoint learns from. @param {Uint8Array} checkpoint */
async function kindOf(checkpoint) {
  const lab = await Lab.open(checkpoint, { worker: false });
  const { learnsFrom } = lab.info;
  lab.destroy();
  return learnsFrom;
}

/**
 * @param {Record<string, any>} values of the command line
 * @param {import("./pairs.js").Config | undefined} config
 * @param {{ name: string }[]} settings
 * @returns {Promise<Lab>}
 */
async function openLab(values, config, settings) {
  const { task, seed, preset, state, resume } = values;
  const threads =
    values.threads === undefined ? Math.min(PARTS, availableParallelism()) : integer("threads", values.threads, 1, 16);
  const training = Object.fromEntries(
    settings.filter(({ name }) => values[dashed(name)] !== undefined).map(({ name }) => [name, values[dashed(name)]]),
  );
  const kept = resume
    ? await readFile(state).catch((error) => {
        if (error.code === "ENOENT") return null;
        throw fileError(state, error);
      })
    : null;
  const checkpoint = kept ?? (await readOptional(values.from));
  if (!checkpoint && task === undefined && config === undefined && !hasPairs(values))
    throw new UsageError("name --data or a --task; --help lists them");
  const options = {
    preset,
    config: config?.settings,
    training: { ...(task !== undefined && { task }), ...(seed !== undefined && { seed }), ...training },
    threads,
    sourceLanguage: values.source,
    targetLanguage: values.target,
    vocabulary: checkpoint ? undefined : await readOptional(values["vocabulary-of"]),
    ...(await readData(values, config, checkpoint ? await kindOf(checkpoint) : kindByOptions(values, config))),
  };
  if (!checkpoint) return Lab.create(options);
  const lab = await Lab.open(checkpoint, options);
  if (kept && values.steps !== undefined) await lab.set({ steps: values.steps });
  return lab;
}

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("train", usage, io, async () => {
    const settings = (await labSettings()).filter(({ name }) => name !== "threads");
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: {
        ...Object.fromEntries(settings.map(({ name }) => [dashed(name), { type: /** @type {const} */ ("string") }])),
        preset: { type: "string" },
        output: { type: "string", short: "o" },
        state: { type: "string" },
        resume: { type: "boolean", default: false },
        every: { type: "string" },
        "held-out": { type: "string" },
        scored: { type: "string" },
        log: { type: "string" },
        chart: { type: "string" },
        from: { type: "string" },
        "vocabulary-of": { type: "string" },
        ...PAIR_OPTIONS,
        threads: { type: "string" },
        int8: { type: "boolean", default: false },
        quiet: { type: "boolean", short: "q", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      const lines = settings.map(({ name, takes }) => `  --${dashed(name).padEnd(24)} ${takes}\n`);
      io.stdout.write(
        `${usage}\nsettings (--preset pairs, tutorial, tutorial-small, recurrent, classifier, masked, causal, vit or swin sets many at once):\n${lines.join("")}`,
      );
      return 0;
    }
    const { output, state, resume, quiet, int8 } = /** @type {Record<string, any>} */ (values);
    const heldOut = integer("held-out", values["held-out"]?.toString() ?? "256", 1, 1_000_000);
    if (output === undefined && state === undefined) throw new UsageError("-o MODEL is missing, or --state");
    if (resume && state === undefined) throw new UsageError("--resume needs --state");
    if (positionals.length > 1) throw new UsageError(`what is ${positionals[1]}`);
    const config = positionals.length ? await readConfig(positionals[0], values) : undefined;
    const every = integer("every", values.every?.toString() ?? "100", 1, 1_000_000_000);
    const scored = integer("scored", values.scored?.toString() ?? "100", 0, 1_000_000);
    const lab = await openLab(values, config, settings);
    try {
      const curves = await Curves.open(values, lab.info.steps);
      return await train(lab, { output, state, every, heldOut, scored, quiet, int8 }, curves, io);
    } finally {
      lab.destroy();
    }
  });
}

/**
 * @param {Lab} lab
 * @param {{ output?: string, state?: string, every: number, heldOut: number, scored: number, quiet: boolean, int8: boolean }} how
 * @param {Curves} curves
 * @param {import("./glossa.js").IO} io
 */
async function train(lab, { output, state, every, heldOut, scored, quiet, int8 }, curves, io) {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  if (!quiet) for (const fact of facts(lab.info)) io.stderr.write(`${fact}\n`);
  let status = 0;
  process.once("SIGINT", onInterrupt);
  try {
    for await (const report of lab.train({ every, heldOut, scored, signal: interrupt.signal })) {
      if (!quiet) io.stderr.write(line(report));
      await curves.add(report);
      if (state !== undefined) await save(await lab.save("state"), state);
    }
    const { pairs } = lab.info;
    if (pairs?.heldOut !== 0) {
      const count = pairs?.heldOut ?? 10 * heldOut;
      const all = await lab.evaluate(count, { scored: scored && count });
      io.stderr.write(`held out: ${judged(all)} of ${all.sequences}\n`);
    }
  } catch (error) {
    // Whatever ended it, the weights are those of the last steps that went well: they are kept.
    status = interrupt.signal.aborted ? 130 : 1;
    const { message } = /** @type {Error} */ (error);
    io.stderr.write(status === 130 ? "glossa train: stopped\n" : `glossa train: ${message}\n`);
    if (status === 130 && state !== undefined) await save(await lab.save("state"), state);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
  if (output !== undefined) await save(await lab.save(int8 ? "int8" : "model"), output);
  return status;
}
