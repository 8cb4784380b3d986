// The beam search once more, one step at a time, from the engine's own candidates: which beginnings were kept at each step,
// which were dropped, and which were complete. The rules are those of src/search/beam.c.

/** @typedef {import("../../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../../../src/js/types.js").ExplainOptions} ExplainOptions */

/**
 * A beginning of a translation: one more piece on another beginning.
 * @typedef {object} Beginning
 * @property {number} parent index among those kept at the step before; -1 at the first
 * @property {number} id
 * @property {string} piece
 * @property {number} logProbability of its last piece
 * @property {number} sum of all log-probabilities
 * @property {"kept" | "ended" | "dropped"} fate
 * @property {number} place among those kept; -1 for others
 */

/** @typedef {{text: string, score: number, ids: number[]}} Finished */
/** @typedef {{width: number, steps: Beginning[][], finished: Finished[]}} BeamRun steps: the candidates of each, best first */

const SHOWN_DROPPED = 3; // candidates of a step that are shown though nothing became of them

/**
 * @param {(options: ExplainOptions) => Promise<SentenceExplanation>} explain
 * @param {number} width
 * @param {SentenceExplanation} explanation tells the mark of the end, and how long a translation may become
 * @returns {Promise<BeamRun>}
 */
export async function beamSteps(explain, width, explanation) {
  const limit = 2 * explanation.sourceTokens.length + 10;
  const end = explanation.targetTokens.at(-1);
  const eos = end && end.start === end.end ? end.id : -1;
  /** @type {{ids: number[], sum: number}[]} */
  let live = [{ ids: [], sum: 0 }];
  /** @type {Finished[]} */
  const finished = [];
  /** @type {Beginning[][]} */
  const steps = [];
  /** @param {number[]} ids @param {number} sum @param {number} length */
  const finish = (ids, sum, length) => {
    finished.push({ text: "", score: sum / length, ids });
    finished.sort((a, b) => b.score - a.score).splice(width);
  };
  while (live.length > 0 && steps.length < limit) {
    /** @type {Omit<Beginning, "fate" | "place">[]} */
    const all = [];
    for (const [parent, { ids, sum }] of live.entries()) {
      const options = { prefix: ids, beamSize: 1, topK: 2 * width + SHOWN_DROPPED, maxLength: ids.length + 2 };
      const { topK } = await explain(options);
      for (const { id, piece, logProbability } of topK[ids.length] ?? []) {
        all.push({ parent: steps.length > 0 ? parent : -1, id, piece, logProbability, sum: sum + logProbability });
      }
    }
    // An equal sum stands behind the earlier one: sorting is stable.
    all.sort((a, b) => b.sum - a.sum);
    const from = live;
    /** @type {typeof live} */
    const next = [];
    const most = width === 1 ? 1 : 2 * width;
    const found = all.slice(0, most + SHOWN_DROPPED).map((one, i) => {
      const { ids } = from[Math.max(0, one.parent)];
      if (i >= most || next.length >= width) return { ...one, fate: /** @type {const} */ ("dropped"), place: -1 };
      if (one.id !== eos) {
        next.push({ ids: [...ids, one.id], sum: one.sum });
        return { ...one, fate: /** @type {const} */ ("kept"), place: next.length - 1 };
      }
      if (i >= width) return { ...one, fate: /** @type {const} */ ("dropped"), place: -1 };
      finish([...ids, one.id], one.sum, ids.length + 1);
      return { ...one, fate: /** @type {const} */ ("ended"), place: -1 };
    });
    steps.push(found.filter((one, i) => one.fate !== "dropped" || i < width + SHOWN_DROPPED));
    live = next;
    if (width === 1 && finished.length > 0) break;
    // The best that a live one can reach is its present sum over the kindest length.
    const hope = live.length > 0 ? Math.max(live[0].sum / (steps.length + 1), live[0].sum / limit) : -Infinity;
    if (finished.length >= width && hope <= finished[0].score) break;
  }
  for (const { ids, sum } of live) if (steps.length >= limit) finish(ids, sum, ids.length);
  const best = finished[0];
  if (best) {
    const ids = best.ids.at(-1) === eos ? best.ids.slice(0, -1) : best.ids;
    const spelt = await explain({ prefix: ids, beamSize: 1, topK: 1, maxLength: ids.length + 1 });
    best.text = spelt.translation;
  }
  return { width, steps, finished };
}
