// Medians and spreads.

/** @typedef {{ median: number, least: number, most: number }} Spread */

/** @param {number[]} values @param {number} share 0 to 1 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** @param {number[]} values @returns {Spread} */
export function spread(values) {
  return { median: quantile(values, 0.5), least: Math.min(...values), most: Math.max(...values) };
}
