// Pasted pairs: what is wrong with them, in plain words.

const MOST_BYTES = 1_000_000;
const FEWEST = 10; // a tenth is set aside to judge by

/**
 * @param {string} text a source, a tab and a target in each line
 * @returns {{count: number, problem: null | {word: string, with: Record<string, string | number>}}}
 */
export function checkPairs(text) {
  const { size } = new Blob([text]);
  if (size > MOST_BYTES)
    return {
      count: 0,
      problem: { word: "pairsLarge", with: { size: (size / 1e6).toFixed(1), most: MOST_BYTES / 1e6 } },
    };
  let count = 0;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [source, target] = line.split("\t");
    const where = { line: i + 1, text: line.length > 40 ? `${line.slice(0, 40)}…` : line };
    if (target === undefined) return { count, problem: { word: "pairsNoTab", with: where } };
    if (source.trim() === "" || target.trim() === "") return { count, problem: { word: "pairsEmpty", with: where } };
    count++;
  }
  if (count < 2) return { count, problem: { word: count === 1 ? "pairsOne" : "pairsNone", with: {} } };
  if (count < FEWEST) return { count, problem: { word: "pairsFew", with: { count, fewest: FEWEST } } };
  return { count, problem: null };
}
