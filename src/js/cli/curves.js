// The curves of a training as files: lines of JSON that grow with every report, and a picture of them.

import { appendFile, readFile, writeFile } from "node:fs/promises";
import { labChart } from "../lab/index.js";
import { fileError, writeWhole } from "./files.js";

/** @typedef {import("../lab/types.js").Point} Point */

/** @param {number} number six digits that count */
const short = (number) => Number(number.toPrecision(6));

/** @param {import("../lab/types.js").TrainReport} report in the log's words, as glossa-native has them */
const entryOf = ({ step, loss, norm, learningRate, tokensPerSecond, heldOut }) => ({
  step,
  loss: short(loss),
  perplexity: short(Math.exp(loss)),
  norm: short(norm),
  learning_rate: short(learningRate),
  tokens_per_second: Math.round(tokensPerSecond),
  ...(heldOut && {
    held_out_loss: short(heldOut.loss),
    held_out_perplexity: short(heldOut.perplexity),
    exact: short(heldOut.exact),
  }),
  ...(heldOut?.bleu !== undefined && { bleu: short(heldOut.bleu) }),
});

/** @param {Record<string, number>} entry @returns {Point} */
const pointOf = (entry) => ({
  step: entry.step,
  loss: entry.loss,
  heldOutLoss: entry.held_out_loss,
  bleu: entry.bleu,
  learningRate: entry.learning_rate,
});

/** The entries of a log up to a step; what is none is left out. @param {string} path @param {number} step */
async function entriesUpTo(path, step) {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      const entry = JSON.parse(line);
      return entry.step <= step ? [entry] : [];
    } catch {
      return [];
    }
  });
}

export class Curves {
  #log;
  #chart;
  #points;

  /** @param {string | undefined} log @param {string | undefined} chart @param {Point[]} points */
  constructor(log, chart, points) {
    this.#log = log;
    this.#chart = chart;
    this.#points = points;
  }

  /**
   * Begins the files anew; where a training goes on from a step, it takes up what the log holds up to that.
   * @param {Record<string, any>} values log and chart, paths if they are wanted @param {number} step
   */
  static async open({ log, chart }, step) {
    if (log === undefined) return new Curves(log, chart, []);
    const entries = step > 0 ? await entriesUpTo(log, step) : [];
    const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    await writeFile(log, lines).catch((error) => {
      throw fileError(log, error);
    });
    return new Curves(log, chart, entries.map(pointOf));
  }

  /** @param {import("../lab/types.js").TrainReport} report */
  async add(report) {
    const entry = entryOf(report);
    this.#points.push(pointOf(entry));
    if (this.#log !== undefined) await appendFile(this.#log, `${JSON.stringify(entry)}\n`);
    if (this.#chart === undefined) return;
    const picture = await labChart(this.#points);
    await writeWhole(this.#chart, (write) => write(new TextEncoder().encode(picture)));
  }
}
