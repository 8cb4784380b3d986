// Texts of any length: split, translated sentence by sentence, and put together again.

import { runThrough } from "./pivot.js";
import { fitSentence, isNoLanguage, joinWorks, makeWork, runSentences } from "./sentences.js";
import { joiner, splitText, unwrapped } from "./split.js";

/** @typedef {import("./batcher.js").Job} Job */
/** @typedef {import("./sentences.js").How} How */
/** @typedef {import("./sentences.js").Work} Work */

/** @param {Work[]} works @param {string} targetLanguage */
function spaceSentences(works, targetLanguage) {
  /** @type {Work[]} */
  const out = [];
  for (let i = 0; i < works.length; i++) {
    const work = works[i];
    const next = works[i + 1];
    out.push(work);
    if (!work.sentence || !next) continue;
    if (next.sentence) {
      const between = joiner("", targetLanguage);
      if (between) out.push(makeWork(false, between, next.start));
    } else if (works[i + 2]?.sentence) {
      next.output = joiner(next.text, targetLanguage);
    }
  }
  return out;
}

/**
 * Splits a text into the sentences that the model can take.
 * @param {Job} job
 * @param {string} text
 * @param {string} [targetLanguage] whose spaces stand between the sentences
 * @returns {Promise<Work[]>}
 */
export async function planText(job, text, targetLanguage = job.batcher.targetLanguage) {
  const { options, turns } = job;
  const { sourceLanguage } = job.batcher;
  /** @type {Work[]} */
  const works = [];
  if (isNoLanguage(sourceLanguage)) return text.trim() ? fitSentence(job, text, 0) : [makeWork(false, text)];
  for (const part of splitText(
    options.wrapped ? unwrapped(text, sourceLanguage) : text,
    sourceLanguage,
    options.split,
  )) {
    if (turns.due()) await turns.pause();
    if (!part.sentence) works.push(makeWork(false, part.text, part.start));
    else works.push(...(await fitSentence(job, part.text, part.start)));
  }
  return spaceSentences(works, targetLanguage);
}

/**
 * Translates sentences, by one model or by two.
 * @param {Job} job
 * @param {Work[]} sentences
 * @param {How} how
 */
export async function translateSentences(job, sentences, how) {
  await (job.batcher.next ? runThrough : runSentences)(job, sentences, how);
}

/**
 * Translates whole texts.
 * @param {Job} job
 * @param {string[]} texts
 * @param {(done: number, total: number) => void} [onProgress]
 * @returns {Promise<string[]>}
 */
export async function translateTexts(job, texts, onProgress) {
  /** @type {Work[][]} */
  const plans = [];
  for (const text of texts) plans.push(await planText(job, text));
  /** @type {Map<Work, number>} */
  const owners = new Map();
  const left = plans.map((plan, i) => {
    const sentences = plan.filter((work) => work.sentence);
    for (const sentence of sentences) owners.set(sentence, i);
    return sentences.length;
  });
  let done = left.filter((count) => count === 0).length;
  const onDone = (/** @type {Work} */ work) => {
    const owner = /** @type {number} */ (owners.get(work));
    if (--left[owner] === 0) onProgress?.(++done, texts.length);
  };
  await translateSentences(job, [...owners.keys()], { bulk: texts.length > 1, onDone });
  return plans.map(joinWorks);
}

/**
 * Translates one text and gives its translation in chunks as it becomes certain.
 * @param {Job} job
 * @param {string} text
 * @param {(text: string) => void} onChunk
 * @returns {Promise<string>}
 */
export async function streamText(job, text, onChunk) {
  const works = await planText(job, text);
  let next = 0; // the first part that is not given out whole
  let given = ""; // what of it is given out
  const give = (/** @type {string} */ piece) => {
    if (piece) onChunk(piece);
  };
  const flush = () => {
    for (; next < works.length && works[next].output !== null; next++) {
      give(/** @type {string} */ (works[next].output).slice(given.length));
      given = "";
    }
  };
  flush();
  await translateSentences(
    job,
    works.filter((work) => work.sentence),
    {
      bulk: false,
      onDone: flush,
      onPartial(work, text) {
        if (work !== works[next]) return;
        const certain = text();
        if (!certain.startsWith(given)) return;
        give(certain.slice(given.length));
        given = certain;
      },
    },
  );
  return joinWorks(works);
}
