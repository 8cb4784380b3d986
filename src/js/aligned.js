// Texts with borders inside them, such as those of the elements of a page: translated, with the word links that tell
// where the borders belong in the translation.

import { planText, translateSentences } from "./translation.js";

/** @typedef {import("./batcher.js").Batcher} Batcher */
/** @typedef {import("./protocol.js").BorderedText} BorderedText */
/** @typedef {import("./protocol.js").AlignedPart} AlignedPart */
/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./types.js").WordLink} WordLink */

/**
 * A text in which what is kept is letters, so that no sentence ends in there.
 * @param {BorderedText} text
 */
function masked({ text, keep }) {
  let out = "";
  let from = 0;
  for (const [start, end] of keep) {
    out += text.slice(from, start) + text.slice(start, end).replace(/[^a-z0-9]/gi, "x");
    from = end;
  }
  return out + text.slice(from);
}

/**
 * @param {import("./batcher.js").Job} job
 * @param {BorderedText[]} texts
 * @returns {Promise<AlignedPart[][]>} the parts of each text in order; their outputs together are its translation
 */
export async function translateAligned(job, texts) {
  /** @type {Work[]} */
  const sentences = [];
  /** @type {{work: Work, links: WordLink[] | null}[][]} */
  const plans = [];
  for (const bordered of texts) {
    const { text, keep, borders } = bordered;
    const works = await planText(job, masked(bordered));
    let kept = 0;
    let border = 0;
    plans.push(
      works.map((work, i) => {
        const part = { work, links: /** @type {WordLink[] | null} */ ([]) };
        const end = works[i + 1]?.start ?? text.length;
        const start = work.start;
        while (kept < keep.length && keep[kept][1] <= start) kept++;
        if (kept < keep.length && keep[kept][0] < end) unmask(job.batcher, work, text.slice(start, end));
        if (!work.sentence) return part;
        for (let k = kept; k < keep.length && keep[k][0] < end; k++)
          fix(work, Math.max(keep[k][0] - start, 0), Math.min(keep[k][1], end) - start);
        while (border < borders.length && borders[border] <= start) border++;
        if (border < borders.length && borders[border] < end) {
          part.links = null;
          work.onLinks = (links) => {
            part.links = links;
          };
        }
        sentences.push(work);
        return part;
      }),
    );
  }
  await translateSentences(job, sentences, { bulk: true });
  return plans.map((plan) =>
    plan.map(({ work: { start, sentence, output }, links }) => ({ start, sentence, output: output ?? "", links })),
  );
}

/**
 * Gives a part of a masked text its own characters again.
 * @param {Batcher} batcher
 * @param {Work} work
 * @param {string} text
 */
function unmask(batcher, work, text) {
  if (work.output === work.text) work.output = text;
  work.text = text;
  if (!work.sentence) return;
  work.tokens = batcher.core.countTokens(text);
  if (work.tokens <= batcher.maxTokens) return;
  work.sentence = false; // longer than it looked: left to the caller, who can translate it border by border
  work.output = text;
}

/**
 * Keeps a part of a sentence as it is.
 * @param {Work} work
 * @param {number} start
 * @param {number} end
 */
function fix(work, start, end) {
  work.fixed = work.fixed.filter((other) => other.end <= start || other.start >= end);
  work.fixed.push({ start, end, replacement: work.text.slice(start, end) });
  work.fixed.sort((a, b) => a.start - b.start);
}
