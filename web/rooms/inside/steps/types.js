// What a step of the story is made of.

/** @typedef {import("../../../state.js").State} State */
/** @typedef {import("../../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../../attention.js").Label} Label */

/**
 * What every step may look at. Where the model is still on its way, `depth` is null and the explanation is all there is.
 * @typedef {object} Data
 * @property {State} state
 * @property {SentenceExplanation} explanation
 * @property {import("../data.js").Depth | null} depth of the same sentence
 * @property {number} word source token that the story follows
 * @property {number} token target token that the story follows
 * @property {{source: Label[], target: Label[]}} labels
 * @property {{layer: number, head: number}} head of the attention that the step is about
 * @property {boolean} stale whether all this is of the sentence before
 * @property {import("../../../engine.js").Engine} engine
 * @property {import("../../../strings.js").Say} t
 */

/** @typedef {{question: string, options: string[], correct: number}} Quiz */

/**
 * @typedef {object} Step
 * @property {(props: {data: Data}) => import("preact").VNode | null} Stage
 * @property {(data: Data) => Quiz | null | Promise<Quiz | null>} quiz null while the numbers are not there
 * @property {(data: Data) => Element} [formula]
 * @property {(data: Data) => Record<string, string | number>} [values] for the texts
 * @property {(data: Data) => {title?: string, text?: string}} [words] keys of other texts, where the model works otherwise
 */

/**
 * A question about which of many: the answer among some others, in the order in which they stand.
 * @param {string} question
 * @param {string[]} names of all
 * @param {number} answer
 * @param {number[]} among indices that may be asked
 * @param {number} [most] options
 * @returns {Quiz}
 */
export function choiceOf(question, names, answer, among, most = 4) {
  const others = among.filter((i) => i !== answer && names[i] !== names[answer]);
  // Evenly from those at hand, so that the same sentence always asks the same.
  const few = Array.from(
    { length: Math.min(most - 1, others.length) },
    (_, i) => others[Math.floor((i * others.length) / Math.min(most - 1, others.length))],
  );
  const chosen = [...new Set([...few, answer])].sort((a, b) => a - b);
  return { question, options: chosen.map((i) => names[i]), correct: chosen.indexOf(answer) };
}

/**
 * A question whose answer is a number: the right one among others, smallest first.
 * @param {string} question
 * @param {number} answer
 * @param {number[]} others
 * @param {(value: number) => string} [format]
 * @returns {Quiz}
 */
export function numberOf(question, answer, others, format = String) {
  const all = [...new Set([answer, ...others.filter((one) => one >= 0)])].sort((a, b) => a - b);
  return { question, options: all.map(format), correct: all.indexOf(answer) };
}

/** Where the largest value stands. @param {ArrayLike<number>} values @param {(i: number) => boolean} [may] */
export function largest(values, may = () => true) {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (may(i) && (best < 0 || values[i] > values[best])) best = i;
  return best;
}
