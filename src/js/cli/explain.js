// `glossa explain`: a translation and what happened inside, as text, JSON, SVG or a page.

import {
  createTranslator,
  integer,
  MODEL_OPTIONS,
  MODEL_USAGE,
  modelOptions,
  parse,
  UsageError,
  withUsage,
} from "./arguments.js";
import { drawPage, drawSentence, label } from "./picture.js";
import { harmless } from "./terminal.js";

const usage = `Usage: glossa explain --model M "text" [options]

Translates a text and shows the tokens, their probabilities, the alternatives and the word alignment.
${MODEL_USAGE}  --top-k N      candidates of each step, 0 to 64 (default 3)
  --prefix TEXT  what the translation starts with
  --json         everything, attention included, as JSON
  --svg          the cross-attention as a picture (one sentence)
  --html         picture, hypotheses and steps as a page that needs nothing beside itself
`;

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("explain", usage, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: {
        ...MODEL_OPTIONS,
        "top-k": { type: "string", default: "3" },
        prefix: { type: "string" },
        json: { type: "boolean", default: false },
        svg: { type: "boolean", default: false },
        html: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    if (positionals.length !== 1) throw new UsageError("one text is needed; put it in quotes");
    if (Number(values.json) + Number(values.svg) + Number(values.html) > 1)
      throw new UsageError("--json, --svg and --html exclude each other");
    const beamSize = integer("beam", values.beam, 1, 16);
    const topK = integer("top-k", values["top-k"], 0, 64);
    const translator = await createTranslator({ ...modelOptions(values), worker: false });
    const print = (/** @type {string} */ text) => io.stdout.write(harmless(text));
    try {
      const explanation = await translator.explain(positionals[0], { beamSize, topK, prefix: values.prefix });
      const { models } = translator.info;
      const stages = explanation.stages.length ? explanation.stages : [explanation];
      if (values.json) print(`${JSON.stringify(explanation, plainArrays)}\n`);
      else if (values.html) print(drawPage(explanation, models));
      else if (values.svg) {
        const sentences = stages.flatMap((stage) => stage.sentences);
        if (sentences.length !== 1)
          throw new Error(
            `--svg draws one sentence by one model; this text has ${sentences.length} (--html draws them all)`,
          );
        print(drawSentence(sentences[0], models[0].alignmentHead));
      } else print(stages.map(describe).join("\n"));
    } finally {
      translator.destroy();
    }
    return 0;
  });
}

/**
 * @param {string} _key
 * @param {unknown} value
 */
function plainArrays(_key, value) {
  return value instanceof Float32Array ? Array.from(value) : value;
}

/** @param {import("../types.js").Explanation} explanation */
function describe({ translation, sentences }) {
  const lines = [translation];
  const percent = (/** @type {number} */ logProbability) =>
    `${(100 * Math.exp(logProbability)).toFixed(1)} %`.padStart(8);
  for (const sentence of sentences) {
    const { source, sourceTokens, targetTokens, topK, hypotheses, alignment, timings } = sentence;
    lines.push("", `source: ${sourceTokens.map(label).join(" ")}`);
    for (const [t, token] of targetTokens.entries()) {
      const candidates = topK[t].map((c) => `${c.piece.replaceAll("\u2581", "\u00b7")}${percent(c.logProbability)}`);
      lines.push(`  ${label(token).padEnd(16)}${percent(token.logProbability)}   ${candidates.join("  ")}`);
    }
    for (const link of alignment)
      lines.push(
        `  ${sentence.translation.slice(...link.target)} ← ${source.slice(...link.source)} (${link.weight.toFixed(2)})`,
      );
    if (hypotheses.length > 1)
      for (const [i, { text, score }] of hypotheses.entries()) lines.push(`  ${i + 1}. ${score.toFixed(3)}  ${text}`);
    lines.push(`  encoder ${timings.encode.toFixed(1)} ms, decoder ${(timings.decode + timings.output).toFixed(1)} ms`);
  }
  return `${lines.join("\n")}\n`;
}
