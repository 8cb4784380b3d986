// labAttend of glossa/lab: every score against its formula in double, soft and hard; what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { labAttend } from "../../src/js/lab/index.js";

/** @typedef {import("../../src/js/lab/types.js").ScoreKind} ScoreKind */

const query = [0.9, -0.4];
const keys = [
  [1.2, 0.5],
  [-0.7, 1.1],
  [0.3, -1.6],
  [-1.3, -0.2],
  [0.8, 0.8],
];
const values = keys.map((_, i) => [i, i * i, 1 - i]);
const bias = [0.2, -0.3];
const vector = [1.5, -0.8];
const [a, b] = [
  [
    [0.5, -1],
    [2, 0.25],
  ],
  [
    [-0.6, 0.7],
    [1.1, 0.4],
  ],
];
/** @type {Record<ScoreKind, import("../../src/js/lab/types.js").ScoreParameters>} */
const parameters = {
  "scaled-dot": {},
  dot: {},
  general: { matrix: a },
  additive: { query: a, key: b, bias, vector },
  concat: { matrix: a.map((row, i) => [...row, ...b[i]]), bias, vector },
  cosine: { sharpness: 1.2 },
};

const dot = (/** @type {number[]} */ x, /** @type {number[]} */ y) => x.reduce((sum, one, i) => sum + one * y[i], 0);
const times = (/** @type {number[][]} */ m, /** @type {number[]} */ x) => m.map((row) => dot(row, x));
/** @param {number[]} k */
const added = (k) => {
  const [left, right] = [times(a, query), times(b, k)];
  return dot(
    vector,
    [0, 1].map((i) => Math.tanh(left[i] + right[i] + bias[i])),
  );
};
/** @type {Record<ScoreKind, (k: number[]) => number>} */
const formulas = {
  "scaled-dot": (k) => dot(query, k) / Math.SQRT2,
  dot: (k) => dot(query, k),
  general: (k) => dot(query, times(a, k)),
  additive: added,
  concat: added,
  cosine: (k) => (Math.exp(1.2) * dot(query, k)) / (Math.hypot(...query) * Math.hypot(...k)),
};

/** @param {number[]} actual @param {number[]} expected */
function near(actual, expected) {
  for (const [i, one] of actual.entries())
    assert.ok(Math.abs(one - expected[i]) < 1e-5, `${actual} is not ${expected}`);
}

for (const score of /** @type {ScoreKind[]} */ (Object.keys(formulas)))
  test(`the score ${score} is its formula, soft and hard`, async () => {
    const expected = keys.map(formulas[score]);
    const exps = expected.map(Math.exp);
    const sum = exps.reduce((total, one) => total + one);
    const best = expected.indexOf(Math.max(...expected));
    for (const selection of /** @type {const} */ (["soft", "hard"])) {
      const found = await labAttend({
        score,
        selection,
        queries: [query, query],
        keys,
        values,
        parameters: parameters[score],
      });
      const weights = selection === "soft" ? exps.map((one) => one / sum) : keys.map((_, i) => Number(i === best));
      const output = [0, 1, 2].map((e) =>
        dot(
          weights,
          values.map((row) => row[e]),
        ),
      );
      for (const row of [0, 1]) {
        near(found.scores[row], expected);
        near(found.weights[row], weights);
        near(found.output[row], output);
      }
    }
  });

test("of equal keys the first is chosen; without values the keys are mixed", async () => {
  const found = await labAttend({
    score: "dot",
    selection: "hard",
    queries: [[1, 0]],
    keys: [
      [1, 9],
      [2, 3],
      [2, -3],
    ],
  });
  assert.deepEqual(found.weights, [[0, 1, 0]]);
  assert.deepEqual(found.output, [[2, 3]]);
  assert.deepEqual(found.scores, [[1, 2, 2]]);
});

test("what does not fit is refused by its name and its value", async () => {
  const good = { queries: [query], keys };
  /** @type {[any, RegExp][]} */
  const cases = [
    [{ ...good, score: "none" }, /"score" is "none"; it takes scaled-dot, dot/],
    [{ ...good, selection: 1 }, /"selection" is 1; it takes soft, hard/],
    [{ keys }, /queries is undefined; it takes one or more rows/],
    [{ ...good, keys: [] }, /keys is 0 rows/],
    [{ ...good, keys: [[1, 2, 3]] }, /keys\[0\] is 3 numbers; it takes 2 numbers/],
    [{ ...good, values: [[1]] }, /values is 1 rows; it takes 5 rows/],
    [{ ...good, queries: [[1, Number.NaN]] }, /queries\[0\]\[1\] is NaN/],
    [{ ...good, queries: [[1, 1e300]] }, /queries\[0\]\[1\] is 1e\+300/],
    [{ ...good, score: "general" }, /"matrix" of the score general is undefined; it takes 2 rows/],
    [{ ...good, score: "cosine", parameters: { sharpness: "1" } }, /"sharpness" of the score cosine\[0\] is "1"/],
    [
      { ...good, queries: [new Array(5000).fill(0)], keys: [new Array(5000).fill(0)] },
      /'width' is 5000, need 1 to 4096/,
    ],
  ];
  for (const [options, message] of cases) await assert.rejects(labAttend(options), { name: "TypeError", message });
});
