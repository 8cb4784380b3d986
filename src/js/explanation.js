// What happened inside while a text was translated, sentence by sentence.

import { alignmentWeights } from "./alignment.js";
import { coreOptions } from "./batcher.js";
import { makeError } from "./errors.js";
import { halves, planPivot } from "./pivot.js";
import { shifted } from "./preserve.js";
import { inverse, isTooShort, written } from "./reading.js";
import { betterOf, inPieces, isNoLanguage, joinWorks, mayRetry, totalScore, triesOf } from "./sentences.js";
import { edges } from "./split.js";
import { planText } from "./translation.js";
import { alignWords, linkWords, readableTokens } from "./words.js";

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./types.js").ModelInfo} ModelInfo */
/** @typedef {import("./types.js").HeadMask} HeadMask */

const LONGEST_WORD = 1024; // letters of a word that is cut in other ways: glossa_cuts takes 4096 bytes
/** glossa_options.without. @type {Record<string, number>} */
const WITHOUT = { positions: 1, causal: 2 };

/**
 * The bytes of glossa_options.head_mask.
 * @param {HeadMask} mask
 * @param {ModelInfo} model
 */
function maskBytes(mask, { encoderLayers, decoderLayers, heads }) {
  const bytes = new Uint8Array((encoderLayers + 2 * decoderLayers) * heads);
  const blocks = /** @type {const} */ ([
    ["encoder", 0, encoderLayers],
    ["decoder", encoderLayers, decoderLayers],
    ["cross", encoderLayers + decoderLayers, decoderLayers],
  ]);
  for (const [name, first, layers] of blocks)
    for (const [layer, head] of mask[name] ?? []) {
      if (!(layer >= 0 && layer < layers && head >= 0 && head < heads))
        throw makeError(
          "TypeError",
          `headMask.${name} names layer ${layer}, head ${head}; the model has ${layers} layers of ${heads} heads.`,
        );
      bytes[(first + layer) * heads + head] = 1;
    }
  return bytes;
}

/**
 * Target ids of a prefix.
 * @param {Core} core
 * @param {string | number[] | undefined} prefix
 * @returns {number[]}
 */
function prefixIds(core, prefix) {
  if (prefix === undefined || typeof prefix !== "string") return prefix ?? [];
  if (prefix === "") return [];
  const ids = core.tokenize(prefix).map((token) => token.id);
  ids.pop();
  if (ids.some((id) => core.piece(false, id) !== core.piece(true, id)))
    throw makeError(
      "NotSupportedError",
      "This model has another vocabulary for its translations; pass the prefix as token ids.",
    );
  return ids;
}

/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./batcher.js").Job<import("./protocol.js").ExplainRequest["options"]>} Job */
/** @typedef {import("./types.js").Explanation} Explanation */
/** @typedef {import("./types.js").SentenceExplanation} SentenceExplanation */

/**
 * @param {Job} job
 * @param {string} text
 * @returns {Promise<Explanation>}
 */
export async function explainText(job, text) {
  const plain = { ...job, options: { ...job.options, preserve: [], glossary: {} } };
  const works = await planText(plain, text);
  if (job.batcher.next) {
    const firsts = await planText(plain, text, job.batcher.core.model.targetLanguage);
    return explainThrough(plain, text, firsts, works);
  }
  const sentences = await explainSentences(plain, works);
  return { source: text, translation: joinWorks(works), sentences, stages: [] };
}

/**
 * Explains what either model did.
 * @param {Job} job
 * @param {string} text
 * @param {Work[]} firsts the text, spaced as the pivot language does
 * @param {Work[]} works the same, spaced as the target language does
 * @returns {Promise<Explanation>}
 */
async function explainThrough(job, text, firsts, works) {
  if (job.options.headMask)
    throw makeError(
      "NotSupportedError",
      `A headMask names the heads of one model; this text goes through ${job.batcher.core.model.targetLanguage} by two. Make a translator of each.`,
    );
  const [first, second] = halves(job);
  first.options.prefix = undefined;
  const sentences = await explainSentences(first, firsts);
  const pivot = joinWorks(firsts);

  /** @type {Work[][]} */
  const parts = [];
  let at = 0;
  for (const { sentence, output } of firsts) {
    const said = output ?? "";
    if (sentence) {
      const planned = await planPivot(second, said, []);
      for (const part of planned) part.start += at + edges(said)[0].length;
      parts.push(planned);
    }
    at += said.length;
  }
  const seconds = await explainSentences(second, parts.flat());
  for (const [i, work] of works.filter(({ sentence }) => sentence).entries()) work.output = joinWorks(parts[i]);
  const translation = joinWorks(works);
  const stages = [
    { source: text, translation: pivot, sentences, stages: [] },
    { source: pivot, translation, sentences: seconds, stages: [] },
  ];
  return { source: text, translation, sentences: [], stages };
}

/**
 * @param {Job} job
 * @param {Work[]} works
 * @returns {Promise<SentenceExplanation[]>} of those that are sentences; their outputs are known then
 */
async function explainSentences(job, works) {
  const { batcher, options, turns } = job;
  const { core } = batcher;
  const sentences = works.filter((work) => work.sentence);
  const prefix = prefixIds(core, options.prefix);
  if (prefix.length && sentences.length > 1)
    throw makeError("TypeError", `A prefix goes with one sentence; this text has ${sentences.length}.`);
  const settings = {
    ...coreOptions(options),
    topK: Math.min(options.topK ?? 5, core.model.targetVocabulary),
    prefix,
    headMask: options.headMask ? maskBytes(options.headMask, core.model) : undefined,
    without: WITHOUT[options.without ?? ""],
  };
  batcher.need(options.beamSize);

  const scored = mayRetry(options) && !isNoLanguage(core.model.sourceLanguage);

  /** @type {SentenceExplanation[]} */
  const explained = [];
  /** @type {import("./types.js").Branch[][]} of the last search */
  let beams = [];
  const queue = sentences.map((work) => ({ work, once: false }));
  for (const { work, once } of queue) {
    const tries = triesOf(core, work, scored && !once);
    const run = async (/** @type {import("./sentences.js").Try} */ one) => {
      core.begin([one.reading.text], settings);
      beams = [];
      for (let done = false; !done; ) {
        done = core.step();
        if (options.beams) grow(beams, core);
        if (turns.due()) await turns.pause();
      }
      one.answer = core.resultText(0);
      if (scored) one.score = totalScore(core, 0);
    };
    for (const one of tries) await run(one);
    const best = betterOf(tries);
    if (best !== tries[tries.length - 1]) await run(best);
    const first = tries[0].answer ?? "";
    const answer = best.answer ?? "";
    // Marks of the writing direction have their place by words; without, they are left out.
    const seen = best.reading.marks.length ? linkWords(core, core.explain(0, 0), best.reading.text, answer) : null;
    const result =
      written(best.reading, answer, seen, first) ?? written({ ...best.reading, marks: [] }, answer, null, first);
    work.output = result?.text ?? answer;
    if (scored && !once && tries.length === 1 && isTooShort(work.text, work.output)) {
      Object.assign(work, { score: best.score });
      const pieces = await inPieces(job, work);
      if (pieces) {
        works.splice(works.indexOf(work), 1, ...pieces);
        const parts = pieces.filter((piece) => piece.sentence);
        queue.splice(
          queue.findIndex((item) => item.work === work) + 1,
          0,
          ...parts.map((part) => ({ work: part, once: true })),
        );
        continue;
      }
      await run(best);
    }
    const explanation = explainSentence(core, work, best.reading, result?.placed ?? [], options);
    if (options.beams) explanation.beams = beams;
    explained.push(explanation);
    if (turns.due()) await turns.pause();
  }
  return explained;
}

/**
 * Adds what the search saw in its last step.
 * @param {import("./types.js").Branch[][]} beams
 * @param {Core} core
 */
function grow(beams, core) {
  const branches = core.branches(0);
  if (branches.length === 0) return; // the encoder's
  /** @type {number[]} */
  const live = [];
  for (const [i, { fate }] of (beams.at(-1) ?? []).entries()) if (fate === "live") live.push(i);
  beams.push(branches.map((one) => ({ ...one, parent: live[one.parent] ?? -1, piece: core.piece(true, one.id) })));
}

/**
 * The best ways to cut each word, with what stands at it without a space.
 * @param {Core} core
 * @param {import("./types.js").Token[]} tokens of the text as the model reads it, the end included
 * @param {string} text
 * @param {number} most
 * @returns {import("./types.js").WordCuts[]}
 */
function cutWords(core, tokens, text, most) {
  /** @type {[number, number][]} */
  const words = [];
  for (const [i, { piece, start, end }] of tokens.slice(0, -1).entries()) {
    const last = words.at(-1);
    if (last && !piece.startsWith("\u2581")) last[1] = i + 1;
    else if (piece.startsWith("\u2581") || end > start) words.push([i, i + 1]);
  }
  return words.map(([first, end]) => {
    const word = text.slice(tokens[first].start, tokens[end - 1].end);
    const cuts = word.length > LONGEST_WORD ? [] : core.cuts(word, most);
    return {
      tokens: [first, end],
      cuts: cuts.map(({ ids, score }) => ({ pieces: ids.map((id) => core.piece(false, id)), ids, score })),
    };
  });
}

/**
 * Reads out the finished batch of one sentence.
 * @param {Core} core
 * @param {Work} work with its output
 * @param {import("./reading.js").Reading} reading what the model was given for it
 * @param {import("./preserve.js").Edit[]} placed marks that were put into the output
 * @param {import("./types.js").ExplainExtras & {beamSize: number}} options
 * @returns {SentenceExplanation}
 */
function explainSentence(core, work, reading, placed, options) {
  const { model } = core;
  const most = options.alternatives ?? options.beamSize;
  /** @type {Map<string, import("./types.js").Hypothesis>} best first; of two segmentations of a text the better one */
  const hypotheses = new Map();
  for (let rank = 0; rank < core.resultCount(0) && hypotheses.size < most; rank++) {
    const { text, tokens, logProbability, score } = core.result(0, rank);
    if (hypotheses.has(text)) continue;
    const readable = readableTokens(core, true, tokens, text);
    const scored = readable.map((token, t) => ({ ...token, logProbability: logProbability[t] }));
    hypotheses.set(text, { text, score, tokens: scored });
  }
  const timings = core.timings();
  const seen = core.explain(0, 0);
  const translation = work.output ?? "";
  const back = inverse(reading.edits);
  const within = (
    /** @type {import("./types.js").Token[]} */ tokens,
    /** @type {string} */ text,
    /** @type {import("./preserve.js").Edit[]} */ edits,
  ) =>
    tokens.map((token) => {
      const [start, end] = [token.start, token.end].map((at) => Math.min(shifted(at, edits), text.length));
      return { ...token, text: text.slice(start, end), start, end };
    });
  const read = readableTokens(core, false, seen.source, reading.text);
  const sourceTokens = within(read, work.text, back);
  const readable = readableTokens(core, true, seen.target, core.resultText(0));
  const targetTokens = within(readable, translation, placed).map((token, t) => ({
    ...token,
    logProbability: seen.logProbability[t],
  }));
  const [sources, targets] = [sourceTokens.length, targetTokens.length];
  const { encoderLayers, decoderLayers, heads, width } = model;
  const topK = targetTokens.map((_, t) =>
    Array.from({ length: seen.topK }, (_, k) => {
      const id = seen.topIds[t * seen.topK + k];
      return { id, piece: core.piece(true, id), logProbability: seen.topLogProbability[t * seen.topK + k] };
    }),
  );
  const weights = alignmentWeights(
    { data: seen.crossAttention, layers: decoderLayers, heads, targets, sources },
    model.alignmentHead,
  );
  /** @type {SentenceExplanation} */
  const explanation = {
    source: work.text,
    start: work.start,
    end: work.start + work.text.length,
    translation,
    sourceTokens,
    targetTokens,
    hypotheses: [...hypotheses.values()],
    topK,
    alignment: alignWords(sourceTokens, targetTokens, weights),
    encoder: { layers: encoderLayers, heads, rows: sources, cols: sources, data: seen.encoderAttention },
    decoder: seen.decoderAttention && {
      layers: decoderLayers,
      heads,
      rows: targets,
      cols: targets,
      data: seen.decoderAttention,
    },
    cross: { layers: decoderLayers, heads, rows: targets, cols: sources, data: seen.crossAttention },
    timings,
  };
  if (options.cuts) explanation.cuts = cutWords(core, read, reading.text, options.cuts);
  if (options.hidden)
    explanation.hidden = {
      encoder: { layers: encoderLayers + 1, tokens: sources, width, data: seen.encoderHidden },
      decoder: { layers: decoderLayers + 1, tokens: targets, width, data: seen.decoderHidden },
    };
  return explanation;
}
