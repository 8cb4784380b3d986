// The arithmetic behind the pictures, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { axes, padded, reduced, rollout, shape, tokenLabels } from "../../web/attention.js";

/** @param {number[]} data @param {number} rows @param {number} cols @param {number} layers @param {number} heads */
const attention = (data, rows, cols, layers, heads) => ({ layers, heads, rows, cols, data: Float32Array.from(data) });

/** @param {string} text @param {[string, number, number][]} pieces */
const tokens = (text, pieces) =>
  pieces.map(([piece, start, end], id) => ({
    id,
    piece,
    text: text.slice(start, end),
    start,
    end,
    logProbability: -1,
  }));

// "ab c" in pieces a, b, c, end; "x." in x, ., end.
const explanation = /** @type {import("../../src/js/types.js").SentenceExplanation} */ (
  /** @type {unknown} */ ({
    source: "ab c",
    translation: "x.",
    sourceTokens: tokens("ab c", [
      ["\u2581a", 0, 1],
      ["b", 1, 2],
      ["\u2581c", 2, 4],
      ["</s>", 4, 4],
    ]),
    targetTokens: tokens("x.", [
      ["\u2581x", 0, 1],
      [".", 1, 2],
      ["</s>", 2, 2],
    ]),
    encoder: attention([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 4, 4, 1, 1),
    decoder: attention([1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5], 3, 3, 1, 1),
    // two heads: one looks at a, the other half at b and half at c
    cross: attention([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0], 3, 4, 1, 2),
  })
);

/** @param {Float32Array} data */
const numbers = (data) => [...data].map((value) => Math.round(value * 1e6) / 1e6);

test("one head, the mean and the maximum of heads", () => {
  assert.deepEqual(numbers(reduced(explanation, "cross", "head", 0, 1)).slice(0, 4), [0, 0.5, 0.5, 0]);
  assert.deepEqual(numbers(reduced(explanation, "cross", "layer", 0, 0)).slice(0, 4), [0.5, 0.25, 0.25, 0]);
  assert.deepEqual(numbers(reduced(explanation, "cross", "mean", 0, 0)).slice(0, 4), [0.5, 0.25, 0.25, 0]);
  assert.deepEqual(numbers(reduced(explanation, "cross", "max", 0, 0)).slice(0, 4), [1, 0.5, 0.5, 0]);
});

test("rollout multiplies the layers, each half residual", () => {
  // A = I/2 + [[0, 1], [1, 0]]/2 in both layers: A A = [[.5, .5], [.5, .5]]
  const two = { ...explanation, encoder: attention([0, 1, 1, 0, 0, 1, 1, 0], 2, 2, 2, 1) };
  assert.deepEqual(numbers(rollout(two, "encoder")), [0.5, 0.5, 0.5, 0.5]);
  // the identity, then B = [[1, 0], [1, 0]]: (I + B) / 2 = [[1, 0], [.5, .5]]
  const uneven = { ...explanation, encoder: attention([1, 0, 0, 1, 1, 0, 1, 0], 2, 2, 2, 1) };
  assert.deepEqual(numbers(rollout(uneven, "encoder")), [1, 0, 0.5, 0.5]);
  // cross: its mean times the encoder's rollout, here the identity
  assert.deepEqual(numbers(rollout(explanation, "cross")).slice(0, 4), [0.5, 0.25, 0.25, 0]);
});

test("the keys of the decoder are its inputs: the start, then the tokens before", () => {
  const { rows, cols } = axes(explanation, "decoder");
  assert.deepEqual(
    rows.map((one) => one.text),
    ["x", ".", "‹/s›"],
  );
  assert.deepEqual(
    cols.map((one) => one.text),
    ["‹s›", "x", "."],
  );
  assert.deepEqual(
    cols.map((one) => one.token),
    [-1, 0, 1],
  );
});

test("words add their keys and average their queries; hidden ends are left out", () => {
  const data = reduced(explanation, "cross", "layer", 0, 0);
  const words = shape(axes(explanation, "cross"), data, { words: true, special: true });
  assert.deepEqual(
    words.cols.map((one) => one.text),
    ["ab", "c", "‹/s›"],
  );
  assert.deepEqual(
    words.rows.map((one) => one.text),
    ["x", ".", "‹/s›"],
  );
  assert.deepEqual(numbers(words.data).slice(0, 3), [0.75, 0.25, 0]);
  const encoder = shape(axes(explanation, "encoder"), explanation.encoder.data, { words: true, special: false });
  assert.deepEqual(numbers(encoder.data), [1, 0, 0, 1]);
  assert.deepEqual(
    encoder.rows.map((one) => one.last),
    [1, 2],
  );
});

test("the bytes of a character and the space before it are one word with what follows", () => {
  const labels = tokenLabels(
    tokens("alle Äpfel (rot).", [
      ["\u2581alle", 0, 4],
      ["\u2581", 4, 5],
      ["<0xC3>", 5, 5],
      ["<0x84>", 5, 6],
      ["pfel", 6, 10],
      ["\u2581", 10, 11],
      ["<0x28>", 11, 12],
      ["rot", 12, 15],
      ["<0x29>", 15, 16],
      [".", 16, 17],
      ["</s>", 17, 17],
    ]),
    "alle Äpfel (rot).",
    "target",
  );
  assert.deepEqual(
    labels.map((one) => [one.text, one.word]),
    [
      ["alle", 0],
      ["␣", 1],
      ["0xC3", 1],
      ["Ä", 1],
      ["pfel", 1],
      ["␣", 2],
      ["(", 2],
      ["rot", 3],
      [")", 4],
      [".", 5],
      ["‹/s›", 6],
    ],
  );
});

test("padding has the weight 0 and comes after the last token", () => {
  const { rows, cols } = axes(explanation, "decoder");
  const full = padded({ rows, cols, data: explanation.decoder?.data ?? new Float32Array() }, 1, 2);
  assert.deepEqual(
    full.cols.map((one) => one.text),
    ["‹s›", "x", ".", "‹pad›", "‹pad›"],
  );
  assert.deepEqual(
    full.rows.map((one) => one.token),
    [0, 1, 2, 3],
  );
  assert.deepEqual(
    numbers(full.data),
    [
      [1, 0, 0, 0, 0],
      [0.5, 0.5, 0, 0, 0],
      [0.25, 0.25, 0.5, 0, 0],
      [0, 0, 0, 0, 0],
    ].flat(),
  );
});

test("Chinese characters make words where the dictionary has one; punctuation stands alone", () => {
  const text = "我们去公园。";
  const pieces = /** @type {[string, number, number][]} */ ([...text].map((one, i) => [one, i, i + 1]));
  const words = tokenLabels(tokens(text, [...pieces, ["</s>", 6, 6]]), text, "source").map((one) => one.word);
  assert.deepEqual(words, [0, 0, 1, 2, 2, 3, 4]);
});
