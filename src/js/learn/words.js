// The vectors of words that a correction trains, in the lab and in the checkpoint.

import { quantizeRows } from "../convert/quantize.js";

/** Share of the largest weight that a word needs to be chosen. */
const CHOSEN = 0.3;
/** How much rarer words are preferred: a common one is in every other sentence. */
const RARITY = 0.5;
/** How far all chosen vectors move together in a step, as a share of their mean length. */
const RATE = 0.3;

/**
 * A row as it was, and as it has become.
 * @typedef {{table: Table, row: number, rank: number, before: Float32Array, values: Float32Array}} Row
 */

/** @param {Float32Array} vector */
const lengthOf = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

/** A matrix that has a row for each token. */
class Table {
  /** @type {Map<number, Row>} the chosen ones */
  rows = new Map();

  /**
   * @param {import("../convert/gguf-reader.js").GgufFile} gguf
   * @param {import("../lab/core.js").LabCore} lab
   * @param {string} name
   */
  constructor(gguf, lab, name) {
    this.name = name;
    this.tensor = gguf.tensor(name);
    this.scale = gguf.tensors.get(name.replace(/weight$/, "scale"));
    this.width = this.tensor.ne[0];
    this.lab = lab;
  }

  /** @param {number} row */
  gradientOf(row) {
    return this.lab.row(`${this.name}.gradient`, row);
  }

  /** @param {number} row from now on chosen @param {number} rank */
  add(row, rank) {
    if (this.rows.has(row)) return;
    const before = this.lab.row(this.name, row);
    this.rows.set(row, { table: this, row, rank, before, values: before.slice() });
  }

  /** Moves the chosen rows against their gradients. @param {number} factor @param {Uint8Array<ArrayBuffer>} bytes */
  move(factor, bytes) {
    for (const [row, { values }] of this.rows) {
      const gradient = this.gradientOf(row);
      for (let i = 0; i < values.length; i++) values[i] -= factor * gradient[i];
      this.lab.write(this.name, row, values);
      this.#put(row, values, bytes);
    }
  }

  /** Puts a chosen row on its way in the checkpoint. @param {Row} row @param {number} share @param {Uint8Array<ArrayBuffer>} bytes */
  place({ row, before, values }, share, bytes) {
    const mixed = values.map((value, i) => before[i] + share * (value - before[i]));
    this.#put(row, mixed, bytes);
  }

  /** A row as the checkpoint has it. @param {number} row @param {Float32Array} values @param {Uint8Array<ArrayBuffer>} bytes */
  #put(row, values, bytes) {
    const { type, offset } = this.tensor;
    const at = bytes.byteOffset + offset;
    if (type === "F32") {
      new Float32Array(bytes.buffer, at + 4 * row * this.width, this.width).set(values);
      return;
    }
    const out = new Int8Array(bytes.buffer, at + row * this.width, this.width);
    const scale = /** @type {import("../convert/gguf-reader.js").Tensor} */ (this.scale);
    if (scale.ne[0] > 1) {
      const quantized = quantizeRows(values, 1, this.width, this.name, row);
      out.set(quantized.q);
      new Float32Array(bytes.buffer, bytes.byteOffset + scale.offset + 4 * row, 1).set(quantized.scale);
      return;
    }
    const [one] = new Float32Array(bytes.buffer, bytes.byteOffset + scale.offset, 1); // of all rows: it stays
    for (const [i, value] of values.entries()) out[i] = Math.max(-127, Math.min(127, Math.round(value / one)));
  }
}

/** The type of a token that stands for text, in a vocabulary's keys. */
const NORMAL = 1;

/**
 * How common tokens are, from the first on: by their scores, since Zipf's law does the rest.
 * @param {import("../convert/gguf-reader.js").GgufFile} gguf
 * @param {string} prefix of the vocabulary's keys
 */
function ranksOf(gguf, prefix) {
  const list = (/** @type {string} */ key) =>
    /** @type {ArrayLike<number> | undefined} */ (gguf.get(`${prefix}.${key}`));
  const [scores = [], types, ids] = ["scores", "token_type", "ids"].map(list);
  const order = Array.from(scores, (score, i) => ({ score, type: types?.[i] ?? NORMAL, id: ids?.[i] ?? i }))
    .filter(({ type }) => type === NORMAL)
    .sort((a, b) => b.score - a.score);
  return new Map(order.map(({ id }, rank) => [id, rank + 1]));
}

/** The words of both sides. */
export class Words {
  #source;
  /** @type {Table[]} where the vectors of target words are: what the decoder reads, and what the output compares with */
  #target;
  #sourceRanks;
  #targetRanks;
  #bytes;

  /**
   * @param {import("../convert/gguf-reader.js").GgufFile} gguf
   * @param {import("../lab/core.js").LabCore} lab
   * @param {Uint8Array<ArrayBuffer>} bytes the checkpoint, which is changed
   */
  constructor(gguf, lab, bytes) {
    this.#bytes = bytes;
    this.#source = new Table(gguf, lab, "token_embd.weight");
    const others = ["dec.token_embd.weight", "output.weight"].filter((name) => gguf.tensors.has(name));
    this.#target = others.map((name) => new Table(gguf, lab, name));
    if (!gguf.tensors.has("dec.token_embd.weight")) this.#target.unshift(this.#source);
    this.#sourceRanks = ranksOf(gguf, "tokenizer.ggml");
    const two = gguf.keys.has("glossa.target.tokenizer.scores");
    this.#targetRanks = two ? ranksOf(gguf, "glossa.target.tokenizer") : this.#sourceRanks;
  }

  get #tables() {
    return [...new Set([this.#source, ...this.#target])];
  }

  /**
   * Chooses words by the gradient of the step before: of those in the corrections the ones that change most and are rare.
   * @param {number[]} sources tokens without ends
   * @param {number[]} targets
   */
  choose(sources, targets) {
    /** @type {{table: Table, id: number, rank: number, weight: number}[]} */
    const all = [];
    const weigh = (
      /** @type {Table} */ table,
      /** @type {Map<number, number>} */ ranks,
      /** @type {number[]} */ ids,
    ) => {
      for (const id of new Set(ids)) {
        const rank = ranks.get(id) ?? ranks.size;
        all.push({ table, id, rank, weight: lengthOf(table.gradientOf(id)) * rank ** RARITY });
      }
    };
    weigh(this.#source, this.#sourceRanks, sources);
    for (const table of this.#target) weigh(table, this.#targetRanks, targets);
    const least = CHOSEN * Math.max(...all.map(({ weight }) => weight));
    for (const { table, id, rank, weight } of all) if (weight >= least) table.add(id, rank);
  }

  /** Moves what is chosen against the gradient of the step before, in the lab and, as it has them, in the checkpoint. */
  move() {
    let gradient = 0;
    let length = 0;
    let count = 0;
    for (const table of this.#tables) {
      for (const [row, { values }] of table.rows) {
        gradient += lengthOf(table.gradientOf(row)) ** 2;
        length += lengthOf(values);
        count++;
      }
    }
    if (gradient === 0) return;
    const factor = (RATE * length) / count / Math.sqrt(gradient);
    for (const table of this.#tables) table.move(factor, this.#bytes);
  }

  /** What is chosen, common words first. */
  get chosen() {
    return this.#tables.flatMap(({ rows }) => [...rows.values()]).sort((a, b) => a.rank - b.rank);
  }

  /** Puts rows on their way in the checkpoint, from what they were to what they have become. @param {Row[]} rows @param {number} share of the way */
  place(rows, share) {
    for (const row of rows) row.table.place(row, share, this.#bytes);
  }
}
