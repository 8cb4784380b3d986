// The way of the best translation through what the search saw.

/** @typedef {import("../../../../src/js/types.js").SentenceExplanation} SentenceExplanation */

/**
 * The branches that the best translation went through, as places in their steps.
 * @param {SentenceExplanation} explanation
 * @returns {number[]}
 */
export function bestWay({ beams = [], hypotheses: [best] }) {
  const last = best.tokens.length - 1;
  const end = beams[last]?.findIndex((one) => one.id === best.tokens[last].id && one.score === best.score) ?? -1;
  const way = [];
  for (let t = last, at = end; t >= 0 && at >= 0; at = beams[t--][at].parent) way.unshift(at);
  return way;
}
