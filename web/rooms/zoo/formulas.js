// Formulas of the page of scores, in letters and with the numbers of one key.

import { formulas, frac, matrix, root, row, sub, sup } from "../../draw/formula.js";

/** @typedef {import("../../draw/formula.js").Part} Part */
/** @typedef {import("../../../src/js/lab/index.js").Attended} Attended */
/** @typedef {import("./settings.js").Settings} Settings */

/** @param {number} value */
const positive = (value) => Math.abs(value).toFixed(2);

/** A number that may stand behind a sign. @param {number} value @returns {Part} */
const inner = (value) => (Number(value.toFixed(2)) < 0 ? row("(", row("−", positive(value)), ")") : positive(value));

/** A row of its own, so that the minus is a sign. @param {number} value @returns {Part} */
const outer = (value) => (Number(value.toFixed(2)) < 0 ? row("−", positive(value)) : positive(value));

/** @param {number[]} a @param {number[]} b @returns {Part[]} */
const product = (a, b) => [inner(a[0]), "·", inner(b[0]), "+", inner(a[1]), "·", inner(b[1])];

/** @param {number[]} values @returns {Part[]} */
const pair = (values) => ["(", outer(values[0]), ",", outer(values[1]), ")"];

/** The number of a key, as an index. @param {number} key */
const index = (key) => String(key + 1);

/** @param {Settings} settings @param {number} key @returns {Part[]} the right side */
function inLetters({ score }, key) {
  const [q, k] = ["q", sub("k", index(key))];
  const dot = [q, "·", k];
  switch (score) {
    case "dot":
      return dot;
    case "general":
      return [q, "·", "W", k];
    case "additive":
      return ["v", "·", "tanh", "(", "U", q, "+", "W", k, ")"];
    case "concat":
      return ["v", "·", "tanh", "(", "W", matrix([[q], [k]]), ")"];
    case "cosine":
      return [sup("e", "s"), frac(row(...dot), row("|", q, "|", "·", "|", k, "|"))];
    default:
      return [frac(row(...dot), root("d"))];
  }
}

/** @param {Settings} settings @param {Attended} found @param {number} key @returns {Part[][]} lines */
function inNumbers({ score, knob, query, keys }, found, key) {
  const [q, k] = [found.queries[0], found.keys[key]];
  const lengths = [Math.hypot(...query), Math.hypot(...keys[key])];
  /** @param {0 | 1} i */
  const bent = (i) => [inner(knob), "·", "tanh", "(", outer(q[i]), "+", inner(k[i]), ")"];
  switch (score) {
    case "dot":
    case "general":
      return [["=", ...product(q, k)]];
    case "additive":
    case "concat":
      return [
        ["=", ...bent(0)],
        ["+", ...bent(1)],
      ];
    case "cosine": {
      const cosine = frac(row(...product(q, k)), row(positive(lengths[0]), "·", positive(lengths[1])));
      return [["=", sup("e", positive(Math.min(knob, Math.log(100)))), cosine]];
    }
    default:
      return [["=", frac(row(...product(q, k)), root("2"))]];
  }
}

/** What the score learns, as it is now. @param {Settings} settings @param {{matrix?: number[][], query?: number[][], key?: number[][]}} learnt @returns {Part[][]} */
function learntLines({ score, knob }, learnt) {
  const shown = (/** @type {number[][]} */ one) => matrix(one.map((line) => line.map((value) => outer(value))));
  const v = ["v", "=", ...pair([knob, knob])];
  switch (score) {
    case "general":
      return [["W", "=", shown(learnt.matrix ?? [])]];
    case "additive":
      return [["U", "=", "W", "=", shown(learnt.query ?? [])], v];
    case "concat":
      return [["W", "=", shown(learnt.matrix ?? [])], v];
    default:
      return [];
  }
}

/** The score of a key. @param {Settings} settings @param {Attended} found @param {number} key @param {object} learnt */
export function scoreFormula(settings, found, key, learnt) {
  const s = sub("s", index(key));
  return formulas(
    [s, "=", ...inLetters(settings, key)],
    ...learntLines(settings, learnt),
    ...inNumbers(settings, found, key),
    ["=", outer(found.scores[0][key])],
  );
}

/** Its weight. @param {Settings} settings @param {Attended} found @param {number} key */
export function weightFormula({ hard }, found, key) {
  const [scores, weight] = [found.scores[0], found.weights[0][key]];
  const a = sub("α", index(key));
  if (hard) {
    const best = found.weights[0].indexOf(1);
    const cases = row(sub("argmax", "j"), sub("s", "j"), "=", index(best));
    return formulas([cases], [a, "=", weight === 1 ? "1" : "0"]);
  }
  const sum = scores.flatMap((one, i) => [...(i ? ["+"] : []), sup("e", outer(one))]);
  return formulas(
    [a, "=", frac(sup("e", sub("s", index(key))), row(sub("∑", "j"), sup("e", sub("s", "j"))))],
    ["=", frac(sup("e", outer(scores[key])), row(...sum))],
    ["=", weight.toFixed(3)],
  );
}

/** The values mixed. @param {Attended} found @param {number[][]} values @param {boolean} apart */
export function mixFormula(found, values, apart) {
  const weights = found.weights[0];
  const letter = apart ? "v" : "k";
  const first = ["c", "=", sub("∑", "j"), sub("α", "j"), sub(letter, "j")];
  const terms = weights.map((weight, i) => [i ? "+" : "=", weight.toFixed(2), ...pair(values[i])]);
  return formulas(first, ...terms, ["=", ...pair(found.output[0])]);
}
