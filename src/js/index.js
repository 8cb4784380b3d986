// Glossa: translates text in the browser and in Node, and shows how it did it.

export { modelCache } from "./model-cache.js";
export { huggingFace, mozilla } from "./registries.js";
export { Translator } from "./translator.js";
export * from "./types.js";
