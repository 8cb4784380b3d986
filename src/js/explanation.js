// What happened inside while a text was translated, sentence by sentence.

import { alignmentWeights } from "./alignment.js";
import { makeError } from "./errors.js";
import { coreOptions, joinWorks, planText } from "./translation.js";
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

/**
 * @param {import("./translation.js").Engine} engine
 * @param {string} text
 * @param {import("./protocol.js").ExplainRequest["options"]} options
 * @param {import("./translation.js").Turns} turns
 * @param {{sourceLanguage: string, targetLanguage: string}} languages
 * @returns {Promise<import("./types.js").Explanation>}
 */
export async function explainText(engine, text, options, turns, { sourceLanguage, targetLanguage }) {
  const { core } = engine;
  const plain = { ...options, preserve: [], glossary: {} };
  const works = await planText(engine, text, plain, turns, sourceLanguage, targetLanguage);
  const sentences = works.filter((work) => work.sentence);
  const prefix = prefixIds(core, options.prefix);
  if (prefix.length && sentences.length > 1)
    throw makeError("TypeError", `A prefix goes with one sentence; this text has ${sentences.length}.`);
  const settings = {
    ...coreOptions(plain),
    topK: Math.min(options.topK ?? 5, core.model.targetVocabulary),
    prefix,
    headMask: options.headMask ? maskBytes(options.headMask, core.model) : undefined,
  };
  engine.need(options.beamSize);

  /** @type {import("./types.js").SentenceExplanation[]} */
  const explained = [];
  for (const work of sentences) {
    core.begin([work.text], settings);
    while (!core.step()) if (turns.due) await turns.pause();
    work.output = core.resultText(0);
    explained.push(explainSentence(core, work, options));
    if (turns.due) await turns.pause();
  }
  return { source: text, translation: joinWorks(works), sentences: explained };
}

/**
 * Reads out the finished batch of one sentence.
 * @param {Core} core
 * @param {import("./translation.js").Work} work
 * @param {import("./types.js").ExplainExtras & {beamSize: number}} options
 * @returns {import("./types.js").SentenceExplanation}
 */
function explainSentence(core, work, options) {
  const { model } = core;
  const count = Math.min(options.alternatives ?? options.beamSize, core.resultCount(0));
  const hypotheses = Array.from({ length: Math.max(1, count) }, (_, rank) => {
    const { text, tokens, logProbability, score } = core.result(0, rank);
    const readable = readableTokens(core, true, tokens, text);
    return { text, score, tokens: readable.map((token, t) => ({ ...token, logProbability: logProbability[t] })) };
  });
  const timings = core.timings();
  const seen = core.explain(0, 0);
  const translation = hypotheses[0].text;
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
  /** @type {import("./types.js").SentenceExplanation} */
  const explanation = {
    source: work.text,
    start: work.start,
    end: work.start + work.text.length,
    translation,
    sourceTokens,
    targetTokens,
    hypotheses,
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
