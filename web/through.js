// Directions that no model goes, and two do in turn: into English, and on from it.

import { pairName } from "./languages.js";

/** @typedef {{source: string, target: string}} Pair */

const MIDDLE = "en";

/** @param {string} tag */
const languageOf = (tag) => tag.split("-")[0];

/**
 * @template {Pair} T
 * @param {T[]} pairs that models go directly, one for each direction
 * @returns {{source: string, target: string, halves: [T, T]}[]} none that a model goes directly
 */
export function throughEnglish(pairs) {
  const direct = new Set(pairs.map(({ source, target }) => `${source}-${target}`));
  const from = pairs.filter((one) => one.source === MIDDLE);
  return pairs
    .filter((one) => one.target === MIDDLE)
    .flatMap((first) =>
      from
        .filter(({ target }) => languageOf(target) !== languageOf(first.source))
        .filter(({ target }) => !direct.has(`${first.source}-${target}`))
        .map((second) => ({
          ...{ source: first.source, target: second.target },
          halves: /** @type {[T, T]} */ ([first, second]),
        })),
    );
}

/**
 * The models of a list that go by two of it.
 * @param {import("./state.js").Model[]} models
 * @param {(pair: Pair) => string} idOf
 * @returns {import("./state.js").Model[]}
 */
export function modelsThrough(models, idOf) {
  /** @type {Map<string, import("./state.js").Model>} */
  const first = new Map(); // of a direction, as the package takes it
  for (const one of models)
    if (!first.has(`${one.source}-${one.target}`)) first.set(`${one.source}-${one.target}`, one);
  return throughEnglish([...first.values()]).map(({ source, target, halves }) => ({
    ...{ id: idOf({ source, target }), source, target, url: "" },
    bytes: halves[0].bytes + halves[1].bytes,
    licence: [...new Set(halves.map(({ licence }) => licence ?? ""))].filter(Boolean).join("; "),
    ...(halves[0].registry && { registry: halves[0].registry }),
    halves: [halves[0].id, halves[1].id],
  }));
}

/**
 * What two models that take turns say of their limits: each under its own pair of languages.
 * @param {import("../src/js/types.js").ModelInfo[]} infos
 * @returns {Record<import("./strings.js").Language, string>}
 */
export function limitsOfAll(infos) {
  /** @param {import("./strings.js").Language} language */
  const said = (language) =>
    infos
      .filter(({ notes }) => notes.limits[language])
      .map(({ notes, sourceLanguage: source, targetLanguage: target }) => {
        const pair = pairName({ source, target }, language);
        return language === "zh" ? `${pair}：${notes.limits.zh}` : `${pair}: ${notes.limits.en}`;
      })
      .join(language === "zh" ? "" : " ");
  return { en: said("en"), zh: said("zh") };
}
