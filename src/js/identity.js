// A translator between two variants of one language: it has no model, and gives texts back as they are.

import { NO_NOTES } from "./notes.js";

/**
 * @param {import("./types.js").LanguagePair} pair
 * @returns {import("./types.js").TranslatorInfo}
 */
export function identityInfo({ sourceLanguage, targetLanguage }) {
  const none = { encoderLayers: 0, decoderLayers: 0, heads: 0, width: 0, ffnWidth: 0 };
  const sizes = {
    sourceVocabulary: 0,
    targetVocabulary: 0,
    context: 0,
    parameters: 0,
    trainingLength: 0,
    tensorBytes: 0,
  };
  const languages = { sourceLanguages: [sourceLanguage], targetLanguages: [targetLanguage] };
  return {
    build: "simd128",
    kernels: "",
    version: "",
    wasmBytes: 0,
    modelBytes: 0,
    workingBytes: 0,
    workers: 0,
    noWorker: "",
    notKept: "",
    model: {
      name: "",
      sourceLanguage,
      targetLanguage,
      ...languages,
      ...none,
      ...sizes,
      mixer: "attention",
      alignmentHead: null,
      notes: NO_NOTES,
    },
    models: [],
  };
}
