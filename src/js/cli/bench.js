// `glossa bench`: how fast this machine translates, with each build.

import { createTranslator, integer, MODEL_OPTIONS, MODEL_USAGE, modelOptions, parse, withUsage } from "./arguments.js";
import { openInput, readLines } from "./lines.js";

const usage = `Usage: glossa bench --model M [options] [FILE]

Translates a few sentences, or the lines of FILE, again and again and prints the medians.
${MODEL_USAGE}  --runs N       how often (default 5)
`;

const SENTENCES = [
  "A dog runs across the wet grass.",
  "Two women in red coats are waiting for the bus in the rain.",
  "A boy jumps into the lake while his friends watch from the shore.",
  "An old man reads a newspaper on a bench near the station.",
  "Children play football in the street between parked cars.",
  "A cook cuts vegetables in a small kitchen.",
  "Several people are sitting around a table and talking.",
  "A cyclist climbs a steep hill under a grey sky.",
];

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("bench", usage, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: { ...MODEL_OPTIONS, runs: { type: "string", default: "5" } },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    const beamSize = integer("beam", values.beam, 1, 16);
    const runs = integer("runs", values.runs, 1, 1000);
    let sentences = SENTENCES;
    if (positionals.length) {
      sentences = [];
      const { stream } = await openInput(positionals[0], io.stdin);
      for await (const lines of readLines(stream)) sentences.push(...lines);
    }
    const builds = values.build === "auto" ? ["simd128", "relaxed"] : [values.build];
    io.stdout.write(`${sentences.length} sentences, beam ${beamSize}, median of ${runs} runs\n`);
    for (const build of builds) {
      let translator;
      try {
        translator = await createTranslator({ ...modelOptions({ ...values, build }), worker: false });
      } catch (error) {
        if (values.build !== "auto" || /** @type {Error} */ (error).name !== "NotSupportedError") throw error;
        io.stdout.write(`${build}: this machine does not have it\n`);
        continue;
      }
      await translator.translateBatch(sentences, { beamSize }); // the compiler of the JavaScript engine warms up
      const alone = [];
      const together = [];
      for (let i = 0; i < runs; i++) {
        const start = performance.now();
        for (const sentence of sentences) await translator.translate(sentence, { beamSize });
        const middle = performance.now();
        await translator.translateBatch(sentences, { beamSize });
        alone.push((middle - start) / sentences.length);
        together.push((performance.now() - middle) / sentences.length);
      }
      const { kernels, workingBytes } = translator.info;
      io.stdout.write(
        `${build} (${kernels}): ${median(alone).toFixed(1)} ms a sentence one by one, ${(1000 / median(together)).toFixed(0)} sentences/s in batches, ${(workingBytes / 1e6).toFixed(1)} MB beside the model\n`,
      );
      translator.destroy();
    }
    return 0;
  });
}
