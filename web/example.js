// What the page shows before any model is there: explanations that the build computed (web/build.js).

import { first, others } from "glossa:examples";

/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */

/**
 * @param {"en" | "zh"} language of the interface
 * @param {string} pair that the address names; empty: any
 * @returns {Promise<{pair: string, explanation: SentenceExplanation, aligning: [number, number], notes: import("./state.js").Notes} | null>}
 */
export async function firstExample(language, pair) {
  /** @param {{language: string, pair: string}} one */
  const fits = (one) => (pair ? one.pair === pair : one.language === language);
  if (first && fits(first)) return revived(first);
  const other = others.find(fits);
  if (other) return revived((await other.load()).example);
  return first && !pair ? revived(first) : null;
}

/** @param {import("glossa:examples").Example} example */
function revived({ pair, scale, explanation: { attention, aligning, notes, ...rest } }) {
  /** @type {any} */
  const explanation = { ...rest };
  for (const [kind, one] of Object.entries(attention)) {
    explanation[kind] = one && { ...one, data: Float32Array.from(one.data, (value) => value / scale) };
  }
  return { pair, explanation, aligning, notes };
}
