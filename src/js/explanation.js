// What happened inside while a text was translated, sentence by sentence.

import { alignmentWeights } from "./alignment.js";
import { makeError } from "./errors.js";
import { halfOptions, planPivot } from "./pivot.js";
import { coreOptions, joinWorks } from "./sentences.js";
import { edges } from "./split.js";
import { planText } from "./translation.js";
import { alignWords, readableTokens } from "./words.js";

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./types.js").ModelInfo} ModelInfo */
/** @typedef {import("./types.js").HeadMask} HeadMask */

/**
 * The bytes of glossa_options.head_mask.
 * @param {HeadMask} mask
 * @param {ModelInfo} model
 */
export function maskBytes(mask, { encoderLayers, decoderLayers, heads }) {
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

/** @typedef {import("./sentences.js").Engine} Engine */
/** @typedef {import("./sentences.js").Turns} Turns */
/** @typedef {import("./sentences.js").Work} Work */
/** @typedef {import("./protocol.js").ExplainRequest["options"]} ExplainWork */
/** @typedef {import("./types.js").Explanation} Explanation */
/** @typedef {import("./types.js").SentenceExplanation} SentenceExplanation */

/**
 * @param {Engine} engine
 * @param {string} text
 * @param {ExplainWork} options
 * @param {Turns} turns
 * @param {{sourceLanguage: string, targetLanguage: string}} languages
 * @returns {Promise<Explanation>}
 */
export async function explainText(engine, text, options, turns, { sourceLanguage, targetLanguage }) {
  const plain = { ...options, preserve: [], glossary: {} };
  const works = await planText(engine, text, plain, turns, sourceLanguage, targetLanguage);
  if (engine.next) {
    const between = engine.core.model.targetLanguage;
    const firsts = await planText(engine, text, plain, turns, sourceLanguage, between);
    return explainThrough(engine, text, plain, turns, firsts, works);
  }
  const sentences = await explainSentences(engine, works, plain, turns);
  return { source: text, translation: joinWorks(works), sentences, stages: [] };
}

/**
 * Explains what either model did.
 * @param {Engine} engine
 * @param {string} text
 * @param {ExplainWork} options
 * @param {Turns} turns
 * @param {Work[]} firsts the text, spaced as the pivot language does
 * @param {Work[]} works the same, spaced as the target language does
 * @returns {Promise<Explanation>}
 */
async function explainThrough(engine, text, options, turns, firsts, works) {
  const second = /** @type {Engine} */ (engine.next);
  if (options.headMask)
    throw makeError(
      "NotSupportedError",
      `A headMask names the heads of one model; this text goes through ${engine.core.model.targetLanguage} by two. Make a translator of each.`,
    );
  const [firstOptions, secondOptions] = halfOptions(options);
  const sentences = await explainSentences(engine, firsts, { ...firstOptions, prefix: undefined }, turns);
  const pivot = joinWorks(firsts);

  /** @type {Work[][]} */
  const parts = [];
  let at = 0;
  for (const { sentence, output } of firsts) {
    const said = output ?? "";
    if (sentence) {
      const planned = await planPivot(second, said, [], secondOptions, turns);
      for (const part of planned) part.start += at + edges(said)[0].length;
      parts.push(planned);
    }
    at += said.length;
  }
  const seconds = await explainSentences(second, parts.flat(), secondOptions, turns);
  for (const [i, work] of works.filter(({ sentence }) => sentence).entries()) work.output = joinWorks(parts[i]);
  const translation = joinWorks(works);
  const stages = [
    { source: text, translation: pivot, sentences, stages: [] },
    { source: pivot, translation, sentences: seconds, stages: [] },
  ];
  return { source: text, translation, sentences: [], stages };
}

/**
 * @param {Engine} engine
 * @param {Work[]} works
 * @param {ExplainWork} options
 * @param {Turns} turns
 * @returns {Promise<SentenceExplanation[]>} of those that are sentences; their outputs are known then
 */
async function explainSentences(engine, works, options, turns) {
  const { core } = engine;
  const sentences = works.filter((work) => work.sentence);
  const prefix = prefixIds(core, options.prefix);
  if (prefix.length && sentences.length > 1)
    throw makeError("TypeError", `A prefix goes with one sentence; this text has ${sentences.length}.`);
  const settings = {
    ...coreOptions(options),
    topK: Math.min(options.topK ?? 5, core.model.targetVocabulary),
    prefix,
    headMask: options.headMask ? maskBytes(options.headMask, core.model) : undefined,
  };
  engine.need(options.beamSize);

  /** @type {SentenceExplanation[]} */
  const explained = [];
  for (const work of sentences) {
    core.begin([work.text], settings);
    while (!core.step()) if (turns.due()) await turns.pause();
    work.output = core.resultText(0);
    explained.push(explainSentence(core, work, options));
    if (turns.due()) await turns.pause();
  }
  return explained;
}

/**
 * Reads out the finished batch of one sentence.
 * @param {Core} core
 * @param {Work} work
 * @param {import("./types.js").ExplainExtras & {beamSize: number}} options
 * @returns {SentenceExplanation}
 */
function explainSentence(core, work, options) {
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
  const translation = core.resultText(0);
  const sourceTokens = readableTokens(core, false, seen.source, work.text);
  const targetTokens = readableTokens(core, true, seen.target, translation).map((token, t) => ({
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
  if (options.hidden)
    explanation.hidden = {
      encoder: { layers: encoderLayers + 1, tokens: sources, width, data: seen.encoderHidden },
      decoder: { layers: decoderLayers + 1, tokens: targets, width, data: seen.decoderHidden },
    };
  return explanation;
}
