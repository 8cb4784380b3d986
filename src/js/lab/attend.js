// Attention by itself, by the operation of the networks (src/lab/attend.c).

import { makeError, shown } from "../errors.js";
import { LabCore } from "./core.js";
import { moduleOf } from "./module.js";

/** @typedef {import("./types.js").AttendOptions} AttendOptions */
/** @typedef {import("./types.js").Attended} Attended */

/** As the config numbers them (src/lab/config.h). */
const scores = /** @type {const} */ (["scaled-dot", "dot", "general", "additive", "concat", "cosine"]);
const selections = ["soft", "hard"];

/** What a score learns, in its order: a name, and rows and columns for a width. No rows: a vector; no columns: a number. */
/** @type {Record<string, (d: number) => [name: string, rows: number, columns: number][]>} */
const LEARNT = {
  "scaled-dot": () => [],
  dot: () => [],
  general: (d) => [["matrix", d, d]],
  additive: (d) => [
    ["query", d, d],
    ["key", d, d],
    ["bias", 0, d],
    ["vector", 0, d],
  ],
  concat: (d) => [
    ["matrix", d, 2 * d],
    ["bias", 0, d],
    ["vector", 0, d],
  ],
  cosine: () => [["sharpness", 0, 0]],
};

/** One of several names. @param {string} name @param {unknown} value @param {readonly string[]} allowed */
function choice(name, value, allowed) {
  const at = allowed.indexOf(/** @type {string} */ (value));
  if (at >= 0) return at;
  throw makeError("TypeError", `The option "${name}" is ${shown(value)}; it takes ${allowed.join(", ")}.`);
}

/** @param {string} name @param {unknown} value @param {number} [size] @returns {number[]} */
function vector(name, value, size) {
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  const numbers = isList ? Array.from(/** @type {number[]} */ (value)) : [];
  if (numbers.length === 0 || (size !== undefined && numbers.length !== size))
    throw makeError(
      "TypeError",
      `${name} is ${isList ? `${numbers.length} numbers` : shown(value)}; it takes ${size ?? "one or more"} numbers.`,
    );
  const wrong = numbers.findIndex((one) => typeof one !== "number" || !Number.isFinite(Math.fround(one)));
  if (wrong >= 0) throw makeError("TypeError", `${name}[${wrong}] is ${shown(numbers[wrong])}; it takes a number.`);
  return numbers;
}

/** @param {string} name @param {unknown} value @param {number} [width] @param {number} [count] @returns {number[][]} */
function rows(name, value, width, count) {
  if (!Array.isArray(value) || value.length === 0 || (count !== undefined && value.length !== count))
    throw makeError(
      "TypeError",
      `${name} is ${Array.isArray(value) ? `${value.length} rows` : shown(value)}; it takes ${count ?? "one or more"} rows of numbers.`,
    );
  let wide = width;
  return value.map((one, i) => {
    const numbers = vector(`${name}[${i}]`, one, wide);
    wide ??= numbers.length;
    return numbers;
  });
}

/** @param {string} score @param {number} width @param {unknown} given */
function parametersOf(score, width, given) {
  const learnt = LEARNT[score](width);
  if (learnt.length === 0) return [];
  const own = /** @type {Record<string, unknown>} */ (Object(given));
  return learnt.flatMap(([name, count, columns]) => {
    const [full, value] = [`The parameter "${name}" of the score ${score}`, own[name]];
    if (count > 0) return rows(full, value, columns, count).flat();
    return columns > 0 ? vector(full, value, columns) : vector(full, [value], 1);
  });
}

/** @param {Float32Array} flat @param {number} width @returns {number[][]} */
const cut = (flat, width) =>
  Array.from({ length: flat.length / width }, (_, i) => [...flat.subarray(i * width, (i + 1) * width)]);

/** An instance for each module, which needs nothing between two calls. @type {WeakMap<WebAssembly.Module, Promise<LabCore>>} */
const cores = new WeakMap();

/** @param {WebAssembly.Module} module */
function coreOf(module) {
  const known = cores.get(module) ?? LabCore.instantiate(module);
  cores.set(module, known);
  return known;
}

/**
 * Attention of queries to keys, apart from a network: each key's score, the weights that follow, and the values mixed by
 * these.
 *
 *     const { weights, output } = await labAttend({ score: "dot", queries: [[1, 0]], keys: [[1, 0], [0, 1]] });
 *
 * @param {AttendOptions} options
 * @returns {Promise<Attended>}
 */
export async function labAttend({ score = "scaled-dot", selection = "soft", queries, keys, values = keys, ...rest }) {
  const kind = choice("score", score, scores);
  const chosen = choice("selection", selection, selections);
  const q = rows("queries", queries);
  const width = q[0].length;
  const k = rows("keys", keys, width);
  const v = rows("values", values, undefined, k.length);
  const numbers = [q.flat(), k.flat(), v.flat(), parametersOf(score, width, rest.parameters)];
  const core = await coreOf(await moduleOf(rest.wasm));
  const [a, b, c, d, e] = core.attend(
    ...[kind, chosen],
    [q.length, k.length, width, v[0].length],
    /** @type {[Float32Array, Float32Array, Float32Array, Float32Array]} */ (
      numbers.map((one) => new Float32Array(one))
    ),
  );
  const [queriesMet, keysMet] = [cut(a, width), cut(b, width)];
  const [scoresMet, weights] = [cut(c, k.length), cut(d, k.length)];
  return { queries: queriesMet, keys: keysMet, scores: scoresMet, weights, output: cut(e, v[0].length) };
}
