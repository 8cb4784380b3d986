// The pieces of a checkpoint's vocabulary, and every way to cut a word into them.

/** @typedef {import("../src/js/convert/gguf-reader.js").GgufFile} GgufFile */
/** @typedef {{pieces: string[], score: number}} Cut */

/**
 * @param {GgufFile} gguf
 * @returns {{pieces: string[], scores: Float32Array | null, model: string}} scores: of unigram models, log-probabilities
 */
export function vocabularyOf(gguf) {
  const model = String(gguf.get("tokenizer.ggml.model") ?? "");
  const scores = /** @type {ArrayLike<number> | undefined} */ (gguf.get("tokenizer.ggml.scores"));
  return {
    pieces: /** @type {string[]} */ (gguf.get("tokenizer.ggml.tokens")),
    scores: scores && /unigram|t5/.test(model) ? Float32Array.from(scores) : null,
    model,
  };
}

/**
 * The best ways to cut a text into pieces by a unigram model: the sum of the scores of the pieces, highest first. Bytes
 * and other special pieces take no part.
 * @param {string} text with U+2581 in place of spaces
 * @param {Map<string, number>} scores of ordinary pieces
 * @param {number} count
 * @returns {Cut[]}
 */
export function bestCuts(text, scores, count) {
  const letters = [...text];
  /** The best cuts of every beginning. @type {Cut[][]} */
  const table = [[{ pieces: [], score: 0 }]];
  const longest = 24;
  for (let end = 1; end <= letters.length; end++) {
    /** @type {Cut[]} */
    const found = [];
    for (let start = Math.max(0, end - longest); start < end; start++) {
      const piece = letters.slice(start, end).join("");
      const score = scores.get(piece);
      if (score === undefined) continue;
      for (const before of table[start]) found.push({ pieces: [...before.pieces, piece], score: before.score + score });
    }
    table.push(found.sort((a, b) => b.score - a.score).slice(0, count));
  }
  return table[letters.length];
}

/** Scores of ordinary pieces, by piece. @param {GgufFile} gguf @returns {Map<string, number> | null} null where the vocabulary is no unigram model */
export function ordinaryScores(gguf) {
  const { pieces, scores } = vocabularyOf(gguf);
  if (!scores) return null;
  const types = /** @type {ArrayLike<number>} */ (gguf.get("tokenizer.ggml.token_type") ?? []);
  const NORMAL = 1;
  /** @type {Map<string, number>} */
  const out = new Map();
  pieces.forEach((piece, id) => {
    if ((types[id] ?? NORMAL) === NORMAL) out.set(piece, scores[id]);
  });
  return out;
}
