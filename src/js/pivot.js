// Through a third language, where no model goes directly: the sentences of the one model's translation are the other's sources,
// one for one.

import { INTERACTIVE_TOKENS, takeBatch } from "./batcher.js";
import { keepFixed } from "./preserve.js";
import { fitSentence, joinWorks, makeWork, runSentences } from "./sentences.js";
import { edges, isTranslatable } from "./split.js";

/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */
/** @typedef {import("./batcher.js").Job} Job */
/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./types.js").WordLink} WordLink */

/** Sentences that go through both models together, where throughput counts. */
const GROUP = 64;

/**
 * What each of the two models has to do. Lengths and token ids are those of the translation.
 * @template {WorkOptions} T
 * @param {import("./batcher.js").Job<T>} job
 * @returns {[import("./batcher.js").Job<T>, import("./batcher.js").Job<T>]}
 */
export function halves({ batcher, options, turns }) {
  const next = /** @type {import("./batcher.js").Batcher} */ (batcher.next);
  return [
    { batcher, turns, options: { ...options, maxLength: 0, banned: [] } },
    { batcher: next, turns, options: { ...options, preserve: [], glossary: {} } }, // what is fixed stands in the pivot already
  ];
}

/**
 * A sentence of the pivot language, ready for the second model.
 * @param {Job} job of the second one
 * @param {string} text
 * @param {import("./preserve.js").Fixed[]} fixed of the source
 * @returns {Promise<Work[]>} several where it is too long for one
 */
export async function planPivot(job, text, fixed) {
  const [, middle] = edges(text);
  if (!isTranslatable(middle)) return [makeWork(false, middle)];
  const works = await fitSentence(job, middle, 0);
  for (const work of works) if (work.sentence) work.fixed = keepFixed(work.text, fixed);
  return works;
}

/**
 * Word links from the source to the pivot and from there to the target, as links from the source to the target.
 * @param {WordLink[]} first
 * @param {WordLink[]} second
 * @returns {WordLink[]}
 */
function chainLinks(first, second) {
  return second.flatMap(({ source: [start, end], target, weight }) => {
    const through = first.filter((link) => link.target[0] < end && link.target[1] > start);
    if (!through.length) return [];
    const best = through.reduce((a, b) => (b.weight > a.weight ? b : a));
    return [{ source: /** @type {[number, number]} */ ([...best.source]), target, weight: best.weight * weight }];
  });
}

/**
 * runSentences() for two models.
 * @param {Job} job
 * @param {Work[]} sentences
 * @param {import("./sentences.js").How} how
 */
export async function runThrough(job, sentences, { bulk, onPartial, onDone }) {
  const [first, second] = halves(job);
  const queue = bulk ? sentences.toSorted((a, b) => b.tokens - a.tokens) : [...sentences];
  while (queue.length) {
    const group = bulk
      ? queue.splice(0, GROUP)
      : takeBatch(queue, job.options.beamSize, INTERACTIVE_TOKENS, queue[0].tokens);
    /** @type {Map<Work, WordLink[]>} */
    const links = new Map();
    const pivots = group.map((work) => {
      const half = { ...work };
      if (work.onLinks) half.onLinks = (found) => links.set(work, found);
      return half;
    });
    await runSentences(first, pivots, { bulk });

    /** @type {Map<Work, {work: Work, parts: Work[], left: number}>} by each of its parts */
    const owners = new Map();
    for (const [i, work] of group.entries()) {
      const parts = await planPivot(second, pivots[i].output ?? "", work.fixed);
      const inner = parts.filter((part) => part.sentence);
      const owner = { work, parts, left: inner.length };
      for (const part of inner) owners.set(part, owner);
      const known = links.get(work);
      if (known && parts.length === 1) parts[0].onLinks = (found) => work.onLinks?.(chainLinks(known, found));
      if (inner.length) continue;
      work.output = joinWorks(parts);
      onDone?.(work);
    }
    await runSentences(second, [...owners.keys()], {
      bulk,
      onPartial: (part, text) => {
        const owner = owners.get(part);
        if (owner?.parts.length === 1) onPartial?.(owner.work, text);
      },
      onDone: (part) => {
        const owner = owners.get(part);
        if (!owner || --owner.left > 0) return;
        owner.work.output = joinWorks(owner.parts);
        onDone?.(owner.work);
      },
    });
  }
}
