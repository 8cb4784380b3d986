// `glossa lab`: runs what the lab has trained and the translator is not for.

import { readFile } from "node:fs/promises";
import { Lab } from "../lab/index.js";
import { parse, UsageError, withUsage } from "./arguments.js";
import { fileError } from "./files.js";
import { openInput, readLines } from "./lines.js";
import { harmless } from "./terminal.js";

/**
 * @typedef {object} Use
 * @property {string} about
 * @property {(lab: Lab, line: string) => Promise<string>} text the answer to a line
 * @property {(lab: Lab, line: string) => Promise<object>} facts what --json tells of it
 */

/** What every answer can show: tokens, and attention by its name in the network. @param {Lab} lab @param {string} line */
async function attention(lab, line) {
  const { source, target, output, arrays } = await lab.inspect(line);
  const weights = Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
  );
  return { source, target, output, attention: weights };
}

/** @type {Record<string, Use>} */
const USES = {
  classify: {
    about: "the label of each line, and its probability",
    async text(lab, line) {
      const { label, probability } = await lab.classify(line);
      return `${label}\t${probability.toFixed(4)}`;
    },
    async facts(lab, line) {
      const { label, probability, labels } = await lab.classify(line);
      const { source, attention: weights } = await attention(lab, line);
      return { text: line, label, probability, labels, tokens: source, attention: weights };
    },
  },
  "convert-dates": {
    about: "what a network trained on dates makes of each line",
    text: (lab, line) => lab.predict(line),
    async facts(lab, line) {
      const { source, target, output, attention: weights } = await attention(lab, line);
      return { source: line, output, sourceTokens: source, targetTokens: target, attention: weights };
    },
  },
};

const usage = `Usage: glossa lab COMMAND --model M [--json] [FILE]

Runs a network that \`glossa train\` made and that translates no text. Each line of standard input, or of FILE, gives one line.

${Object.entries(USES)
  .map(([name, { about }]) => `  ${name.padEnd(14)} ${about}`)
  .join("\n")}

  --model M      the checkpoint
  --json         a line of JSON: everything, the weights of attention included

  glossa train --preset classifier --data reviews.tsv -o reviews.gguf     a text, a tab and its label in each line
  echo "What a wonderful film" | glossa lab classify --model reviews.gguf --json
  glossa train --preset recurrent --task dates -o dates.gguf
  echo "Monday, 3 March 1975" | glossa lab convert-dates --model dates.gguf
`;

/**
 * @param {string[]} argv
 * @param {import("./glossa.js").IO} io
 * @returns {Promise<number>}
 */
export function run(argv, io) {
  return withUsage("lab", usage, io, async () => {
    const { values, positionals } = parse({
      args: argv,
      allowPositionals: true,
      options: {
        model: { type: "string", short: "m" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    const [name, file, ...more] = positionals;
    if (name === undefined) throw new UsageError(`a command is missing: ${Object.keys(USES).join(" or ")}`);
    if (!Object.hasOwn(USES, name)) throw new UsageError(`there is no command "${harmless(name)}"`);
    if (more.length) throw new UsageError("one input file at most");
    if (values.model === undefined) throw new UsageError("--model is missing");
    await answerLines(USES[name], values.model, file, values.json, io);
    return 0;
  });
}

/**
 * @param {Use} use
 * @param {string} model
 * @param {string | undefined} file
 * @param {boolean} json
 * @param {import("./glossa.js").IO} io
 */
async function answerLines(use, model, file, json, io) {
  const bytes = await readFile(model).catch((error) => Promise.reject(fileError(model, error)));
  const input = await openInput(file, io.stdin);
  const lab = await Lab.open(bytes, { worker: false });
  let number = 0;
  try {
    for await (const lines of readLines(input.stream, input.name)) {
      for (const line of lines) {
        number++;
        const answer = json
          ? use.facts(lab, line).then((facts) => JSON.stringify(facts))
          : use.text(lab, line).then(harmless);
        const said = await answer.catch((error) => {
          throw new Error(`${input.name}, line ${number}: ${error.message}`);
        });
        io.stdout.write(`${said}\n`);
      }
    }
  } finally {
    lab.destroy();
  }
}
