// Through a third language, where no model goes directly: the sentences of the one model's translation are the other's sources,
// one for one.

import { keepFixed } from "./preserve.js";
import { fitSentence, INTERACTIVE_TOKENS, joinWorks, makeWork, runSentences, takeBatch } from "./sentences.js";
import { edges, isTranslatable } from "./split.js";

/** @typedef {import("./protocol.js").WorkOptions} WorkOptions */
/** @typedef {import("./sentences.js").Engine} Engine */
/** @typedef {import("./sentences.js").Turns} Turns */
/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./types.js").WordLink} WordLink */

/** Sentences that go through both models together, where throughput counts. */
const GROUP = 64;

/**
 * What of the options is for which model: lengths and token ids are those of the translation.
 * @template {WorkOptions} T
 * @param {T} options
 * @returns {[T, T]}
 */
export function halfOptions(options) {
  return [
    { ...options, maxLength: 0, banned: [] },
    { ...options, preserve: [], glossary: {} }, // what is fixed already stands in the pivot
  ];
}

/**
 * A sentence of the pivot language, ready for the second model.
 * @param {Engine} engine the second one
 * @param {string} text
 * @param {import("./preserve.js").Fixed[]} fixed of the source
 * @param {WorkOptions} options
 * @param {Turns} turns
 * @returns {Promise<Work[]>} several where it is too long for one
 */
export async function planPivot(engine, text, fixed, options, turns) {
  const [, middle] = edges(text);
  if (!isTranslatable(middle)) return [makeWork(false, middle)];
  const works = await fitSentence(engine, middle, 0, options, turns);
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
 * runSentences() for an engine that has a next one.
 * @param {Engine} engine
 * @param {Work[]} sentences
 * @param {WorkOptions} options
 * @param {Turns} turns
 * @param {import("./sentences.js").How} how
 */
export async function runThrough(engine, sentences, options, turns, { bulk, onPartial, onDone }) {
  const second = /** @type {Engine} */ (engine.next);
  const [firstOptions, secondOptions] = halfOptions(options);
  const queue = bulk ? sentences.toSorted((a, b) => b.tokens - a.tokens) : [...sentences];
  while (queue.length) {
    const group = bulk
      ? queue.splice(0, GROUP)
      : takeBatch(queue, options.beamSize, INTERACTIVE_TOKENS, queue[0].tokens);
    /** @type {Map<Work, WordLink[]>} */
    const links = new Map();
    const halves = group.map((work) => {
      const half = { ...work };
      if (work.onLinks) half.onLinks = (found) => links.set(work, found);
      return half;
    });
    await runSentences(engine, halves, firstOptions, turns, { bulk });

    /** @type {Map<Work, {work: Work, parts: Work[], left: number}>} by each of its parts */
    const owners = new Map();
    for (const [i, work] of group.entries()) {
      const parts = await planPivot(second, halves[i].output ?? "", work.fixed, secondOptions, turns);
      const inner = parts.filter((part) => part.sentence);
      const owner = { work, parts, left: inner.length };
      for (const part of inner) owners.set(part, owner);
      const first = links.get(work);
      if (first && parts.length === 1) parts[0].onLinks = (found) => work.onLinks?.(chainLinks(first, found));
      if (inner.length) continue;
      work.output = joinWorks(parts);
      onDone?.(work);
    }
    await runSentences(second, [...owners.keys()], secondOptions, turns, {
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
