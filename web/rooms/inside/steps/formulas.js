// The formulas of the story, as the open model computes: where its norms stand, which positions, scales and biases it
// has. Until the model is there, those of the models that come with the page.

import { formula, formulas, frac, root, row, sub, sup } from "../../../draw/formula.js";

/** @typedef {import("../data.js").Depth | null} Depth */

/** @param {Depth} depth @param {string} tensor @param {...import("../../../draw/formula.js").Part} letter */
const plus = (depth, tensor, ...letter) => (!depth || depth.gguf.tensors.has(tensor) ? ["+", ...letter] : []);

/** BPE joins the pair that is most worth it, again and again. @param {Depth} depth */
export const cutting = (depth) =>
  depth?.gguf.get("tokenizer.ggml.model") === "llama"
    ? formula(sup(row("a", "b"), "*"), "=", sub("argmax", row("a", "b")), "s", "(", "a", "b", ")")
    : formula(
        ...[sup("t", "*"), "=", sub("argmax", row(sub("t", "1"), "…", sub("t", "n")))],
        ...["∑", "log", "p", "(", sub("t", "i"), ")"],
      );

/** @param {Depth} depth */
export function embedding(depth) {
  const scale = depth ? Number(depth.gguf.get("glossa.embedding.scale") ?? 1) : 0;
  const wide = !depth || Math.abs(scale - Math.sqrt(depth.shape.width)) < 1e-3;
  const scaled = wide ? [root("D"), "·"] : scale === 1 ? [] : [String(Number(scale.toPrecision(4))), "·"];
  const first = [sub("x", "p"), "=", ...scaled, sub("E", sub("t", "p")), "+", sub("P", "p")];
  const layout = depth?.gguf.string("glossa.position") ?? "sinusoid-interleaved";
  if (layout === "learned") return formula(...first); // the rows of P are learned too
  const column = layout === "sinusoid-interleaved" ? row("2", "j") : "j";
  const range = layout === "sinusoid-marian" ? row("D", "−", "2") : "D";
  const angle = frac("p", sup("10000", frac(row("2", "j"), range)));
  return formulas(first, [sub("P", row("p", ",", column)), "=", "sin", "(", angle, ")"]);
}

/** @param {Depth} depth */
export function projecting(depth) {
  const input = depth?.shape.pre ? "N" : "X";
  /** @param {string} one */
  const line = (one) => [
    ...[one, "=", input, sub("W", one)],
    ...plus(depth, `enc.blk.0.attn_${one.toLowerCase()}.bias`, sub("b", one)),
  ];
  const norm = depth?.shape.pre ? [["N", "=", "LayerNorm", "(", "X", ")"]] : [];
  return formulas(...norm, line("Q"), line("K"), line("V"));
}

/** @param {Depth} depth */
export const scoring = (depth) =>
  formula("S", "=", frac(row("Q", sup("K", "⊤")), root(String(depth?.shape.headWidth ?? "d"))));

export const sharing = () =>
  formula(
    ...[sub("A", row("i", "j")), "="],
    frac(sup("e", sub("S", row("i", "j"))), row(sub("∑", "k"), sup("e", sub("S", row("i", "k"))))),
  );

export const mixing = () => formula("Z", "=", "A", "V");

/** @param {Depth} depth */
export const joining = (depth) =>
  formula(
    ...["Y", "=", "[", sub("Z", "1"), ";", "…", ";", sub("Z", "H"), "]", sub("W", "O")],
    ...plus(depth, "enc.blk.0.attn_o.bias", sub("b", "O")),
  );

/** @param {Depth} depth */
export function adding(depth) {
  const lines = depth?.shape.pre
    ? [
        ["N", "=", "LayerNorm", "(", "X", ")"],
        ["Y", "=", "X", "+", "Attention", "(", "N", ")"],
      ]
    : [
        ["Z", "=", "X", "+", "Attention", "(", "X", ")"],
        ["Y", "=", "LayerNorm", "(", "Z", ")"],
      ];
  return formulas(...lines, ["LayerNorm", "(", "z", ")", "=", frac(row("z", "−", "μ"), "σ"), "⊙", "g", "+", "b"]);
}

/** @param {Depth} depth */
export function forwarding(depth) {
  const pre = depth?.shape.pre;
  const up = [pre ? "N" : "Y", sub("W", "1"), ...plus(depth, "enc.blk.0.ffn_up.bias", sub("b", "1"))];
  const hidden = ["H", "=", depth?.shape.activation ?? "relu", "(", ...up, ")"];
  const down = ["Z", "=", "H", sub("W", "2"), ...plus(depth, "enc.blk.0.ffn_down.bias", sub("b", "2"))];
  const next = sup("X", "′");
  return pre
    ? formulas(["N", "=", "LayerNorm", "(", "Y", ")"], hidden, down, [next, "=", "Y", "+", "Z"])
    : formulas(hidden, down, [next, "=", "LayerNorm", "(", "Y", "+", "Z", ")"]);
}

export const masking = () =>
  formulas(
    ["A", "=", "softmax", "(", frac(row("Q", sup("K", "⊤")), root("d")), "+", "M", ")"],
    [sub("M", row("i", "j")), "=", "−∞", "  ", "j", ">", "i"],
  );

export const crossing = () =>
  formulas(
    ["A", "=", "softmax", "(", frac(row(sub("Q", "target"), sup(sub("K", "source"), "⊤")), root("d")), ")"],
    ["Z", "=", "A", sub("V", "source")],
  );

/** @param {Depth} depth */
export function choosing(depth) {
  const own = depth?.gguf.tensors.has("output.weight") ?? false; // a table of its own, which is not that of the pieces
  const bias = plus(depth, "output.bias", "b");
  const ends = depth?.gguf.tensors.has("dec.output_norm.weight") ?? false;
  const state = () => sub(ends ? "n" : "h", "t");
  const last = ["p", "(", "w", ")", "=", "softmax", "(", state(), sup(own ? "U" : "E", "⊤"), ...bias, ")"];
  return ends ? formulas([state(), "=", "LayerNorm", "(", sub("h", "t"), ")"], last) : formula(...last);
}

export const racing = () =>
  formula(
    "score",
    "=",
    frac(
      row(sub("∑", "t"), "log", "p", "(", sub("y", "t"), "|", sub("y", row("<", "t")), ",", "x", ")"),
      row("|", "y", "|"),
    ),
  );
