// `glossa lab`: runs what the lab has trained and the translator is not for.

import { readFile } from "node:fs/promises";
import { Lab } from "../lab/index.js";
import { integer, number, parse, UsageError, withUsage } from "./arguments.js";
import { fileError, writeWhole } from "./files.js";
import { readImage } from "./images.js";
import { openInput, readLines } from "./lines.js";
import { drawSight } from "./sight-picture.js";
import { harmless } from "./terminal.js";

/**
 * @typedef {object} Use
 * @property {string} about
 * @property {(lab: Lab, line: string, how: How) => Promise<string>} text the answer to a line
 * @property {(lab: Lab, line: string, how: How) => Promise<object>} facts what --json tells of it
 */

/** @typedef {{ most: number, temperature: number, topK: number, tokens: number, seed: number }} How options of some commands */

/** A piece of the vocabulary as a reader wants it. */
const shownPiece = (/** @type {string} */ piece) => piece.replaceAll("\u2581", " ").trim() || piece;

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
  fill: {
    about: "what may stand at each <mask> of each line",
    async text(lab, line, { most }) {
      const masks = await lab.fill(line, { most });
      return masks
        .map((guesses) =>
          guesses
            .map(({ piece, probability }) => `${shownPiece(piece)} ${(100 * probability).toFixed(1)} %`)
            .join(", "),
        )
        .join("\t");
    },
    async facts(lab, line, { most }) {
      const masks = await lab.fill(line, { most });
      return {
        text: line,
        masks: masks.map((guesses) => guesses.map((guess) => ({ ...guess, text: shownPiece(guess.piece) }))),
      };
    },
  },
  continue: {
    about: "each line, and what a language model writes behind it",
    text: async (lab, line, how) => line + (await lab.continue(line, how)).text,
    facts: async (lab, line, how) => ({ prompt: line, ...(await lab.continue(line, how)) }),
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
       glossa lab see --model M [--json | --svg] [-o OUT] IMAGE

Runs a network that \`glossa train\` made and that translates no text. Each line of standard input, or of FILE, gives one line.

${Object.entries(USES)
  .map(([name, { about }]) => `  ${name.padEnd(14)} ${about}`)
  .join("\n")}

  see            what an image shows (PNG or PGM, as large as the network's), and where the network looked

  --model M      the checkpoint
  --json         a line of JSON: everything, the weights of attention included
  --most N       fill: guesses at each mask (5)
  --tokens N     continue: at most so many (up to the end of the text)
  --temperature T    continue: 0, the default, writes the most probable token; 1 draws as the network says
  --top-k N      continue: draws among so many of the most probable tokens
  --seed N       continue: of the draw (1)
  --svg          see: a picture of the attention of every head, and of its rollout
  -o, --output F see: a file for it, instead of standard output

  glossa train --preset classifier --data reviews.tsv -o reviews.gguf     a text, a tab and its label in each line
  echo "What a wonderful film" | glossa lab classify --model reviews.gguf --json
  glossa train --preset recurrent --task dates -o dates.gguf
  echo "Monday, 3 March 1975" | glossa lab convert-dates --model dates.gguf
  glossa train --preset masked --data lines.txt -o fill.gguf              a text in each line
  echo "The weather is <mask> today." | glossa lab fill --model fill.gguf
  glossa train --preset vit --images train-images-idx3-ubyte --labels train-labels-idx1-ubyte -o digits.gguf
  glossa lab see --model digits.gguf --svg -o seven.svg seven.png
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
        most: { type: "string", default: "5" },
        tokens: { type: "string", default: "0" },
        temperature: { type: "string", default: "0" },
        "top-k": { type: "string", default: "0" },
        seed: { type: "string", default: "1" },
        svg: { type: "boolean", default: false },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      io.stdout.write(usage);
      return 0;
    }
    const [name, file, ...more] = positionals;
    if (name === undefined) throw new UsageError(`a command is missing: ${[...Object.keys(USES), "see"].join(" or ")}`);
    if (name !== "see" && !Object.hasOwn(USES, name)) throw new UsageError(`there is no command "${harmless(name)}"`);
    if (more.length) throw new UsageError("one input file at most");
    if (values.model === undefined) throw new UsageError("--model is missing");
    if (name === "see") {
      if (file === undefined) throw new UsageError("an image is missing");
      if (values.json && values.svg) throw new UsageError("--json and --svg exclude each other");
      await see(values.model, file, values, io);
      return 0;
    }
    const how = {
      most: integer("most", values.most, 1, 1000),
      tokens: integer("tokens", values.tokens, 0, 65536),
      topK: integer("top-k", values["top-k"], 0, 1_000_000),
      seed: integer("seed", values.seed, 0, 2 ** 32 - 1),
      temperature: number("temperature", values.temperature, 0, 100),
    };
    await answerLines(USES[name], values.model, file, values.json, how, io);
    return 0;
  });
}

/**
 * @param {string} model
 * @param {string} path of the image
 * @param {{ json: boolean, svg: boolean, output?: string }} values
 * @param {import("./glossa.js").IO} io
 */
async function see(model, path, { json, svg, output }, io) {
  const bytes = await readFile(model).catch((error) => Promise.reject(fileError(model, error)));
  const { width, height, pixels } = await readImage(path);
  const lab = await Lab.open(bytes, { worker: false });
  try {
    const side = await lab.get("image");
    if (side !== 0 && (width !== side || height !== side))
      throw new Error(`${path} is ${width} x ${height} pixels, the network sees ${side} x ${side}`);
    const sight = await lab.see(pixels);
    const { label, probability, layers, rollout } = sight;
    const plain = {
      ...sight,
      layers: layers.map(({ name, side: across, heads }) => ({
        name,
        side: across,
        heads: heads.map((head) => [...head]),
      })),
      rollout: rollout && [...rollout],
    };
    const lines = svg
      ? drawSight(sight, pixels)
      : json
        ? `${JSON.stringify(plain)}\n`
        : `${harmless(label)}\t${probability.toFixed(4)}\n`;
    if (output === undefined) io.stdout.write(lines);
    else await writeWhole(output, (write) => write(Buffer.from(lines)));
  } finally {
    lab.destroy();
  }
}

/**
 * @param {Use} use
 * @param {string} model
 * @param {string | undefined} file
 * @param {boolean} json
 * @param {How} how
 * @param {import("./glossa.js").IO} io
 */
async function answerLines(use, model, file, json, how, io) {
  const bytes = await readFile(model).catch((error) => Promise.reject(fileError(model, error)));
  const input = await openInput(file, io.stdin);
  const lab = await Lab.open(bytes, { worker: false });
  let number = 0;
  try {
    for await (const lines of readLines(input.stream, input.name)) {
      for (const line of lines) {
        number++;
        const answer = json
          ? use.facts(lab, line, how).then((facts) => JSON.stringify(facts))
          : use.text(lab, line, how).then(harmless);
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
