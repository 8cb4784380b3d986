// What the menu of languages offers: directions, not files; found by any name that a reader may type.

import { offeredId, throughId } from "../fetching.js";
import { throughEnglish } from "../through.js";

/** @typedef {import("../../src/js/types.js").AvailableModel} AvailableModel */
/** @typedef {import("../fetching.js").Plan} Plan */

/**
 * A direction that a registry has models for.
 * @typedef {object} Offer
 * @property {string} id the tags, such as "en-fr"
 * @property {string} source
 * @property {string} target
 * @property {Plan[]} plans what may be fetched for it: that which the registry prefers first
 */

/** @typedef {Pick<Offer, "source" | "target">} Pair */

/**
 * @param {AvailableModel[]} models
 * @returns {Offer[]}
 */
export function offersOf(models) {
  /** @type {Map<string, Offer>} */
  const offers = new Map();
  for (const model of models)
    for (const source of model.sourceLanguages)
      for (const target of model.targetLanguages) {
        const id = `${source}-${target}`;
        const offer = offers.get(id) ?? { id, source, target, plans: [] };
        offer.plans.push({ id: offeredId(model), source, target, parts: [model], variant: model.variant });
        offers.set(id, offer);
      }
  return [...offers.values()];
}

/** The directions that two of these models go in turn. @param {Offer[]} offers @returns {Offer[]} */
export const offersThrough = (offers) =>
  throughEnglish(offers).map(({ source, target, halves }) => {
    const pair = { source, target };
    const parts = halves.flatMap(({ plans }) => plans[0].parts);
    return { id: `${source}-${target}`, ...pair, plans: [{ id: throughId(pair), ...pair, parts }] };
  });

/** What would still come of a plan's models. @param {Plan} plan */
export const missingOf = ({ parts }) => (parts.length > 1 ? parts.filter((one) => !one.here) : parts);

/** @param {AvailableModel[]} models @param {"downloadBytes" | "diskBytes"} what */
export const sumOf = (models, what) => models.reduce((sum, one) => sum + one[what], 0);

/**
 * Offers under three headings, each sorted by the name of the language that is not English.
 * @param {Offer[]} offers
 * @param {string} language of the interface
 * @returns {{title: "fromEnglish" | "intoEnglish" | "betweenOthers", offers: Offer[]}[]} no empty ones
 */
export function grouped(offers, language) {
  const { compare } = new Intl.Collator(language);
  /** @param {(pair: Pair) => boolean} fits @param {(pair: Pair) => string} name */
  const sorted = (fits, name) => offers.filter(fits).sort((a, b) => compare(name(a), name(b)));
  const [from, to] = [(/** @type {Pair} */ { source }) => source, (/** @type {Pair} */ { target }) => target];
  const named = (/** @type {(pair: Pair) => string} */ side) => (/** @type {Pair} */ pair) =>
    nameIn(language, side(pair));
  return [
    { title: /** @type {const} */ ("fromEnglish"), offers: sorted((one) => from(one) === "en", named(to)) },
    {
      title: /** @type {const} */ ("intoEnglish"),
      offers: sorted((one) => to(one) === "en" && from(one) !== "en", named(from)),
    },
    {
      title: /** @type {const} */ ("betweenOthers"),
      offers: sorted((one) => ![from(one), to(one)].includes("en"), named(from)),
    },
  ].filter((group) => group.offers.length > 0);
}

/** @param {string} language @param {string} tag */
function nameIn(language, tag) {
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Without accents and capitals. @param {string} text */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** What stands between two names, and says nothing about either. */
const BETWEEN = /[\s,;→>()/]+|到|译成/;
const PASSED = new Set(["", "to", "into", "from", "-"]);

/** @type {Map<string, string[]>} */
const known = new Map();

/** All that a language may be called: in the languages of the interface, in its own, by its tag. @param {string} tag */
function namesOfTag(tag) {
  const names = known.get(tag) ?? ["en", "zh", tag].map((language) => plain(nameIn(language, tag)));
  known.set(tag, names);
  return [...names, plain(tag)];
}

/**
 * @template {Pair} T
 * @param {T[]} pairs
 * @param {string} query names or tags of one or two languages, or the first letters of them
 * @returns {T[]} those that each word of the query fits; of two words that name two languages, in that order first
 */
export function found(pairs, query) {
  const asked = plain(query.trim());
  const words = asked.split(BETWEEN).filter((word) => !PASSED.has(word));
  const wanted = words.length > 0 || asked === "" ? words : [asked];
  /** @param {string} tag @param {string} word */
  const names = (tag, word) =>
    namesOfTag(tag).some((name) => name.split(BETWEEN).some((part) => part.startsWith(word)) || name.startsWith(word));
  /** @param {T} pair @param {string} word */
  const fits = ({ source, target }, word) =>
    names(source, word) || names(target, word) || plain(`${source}-${target}`).startsWith(word);
  const fitting = pairs.filter((pair) => wanted.every((word) => fits(pair, word)));
  if (wanted.length < 2) return fitting;
  const inOrder = (/** @type {T} */ { source, target }) => names(source, wanted[0]) && names(target, wanted[1]);
  return [...fitting.filter(inOrder), ...fitting.filter((pair) => !inOrder(pair))];
}

/** The measure that models are compared by, for people. @param {Record<string, number>} quality */
export function qualityOf({ comet22, comet = comet22, bleu }) {
  const parts = [];
  if (comet) parts.push(`COMET ${(100 * comet).toFixed(1)}`);
  if (bleu) parts.push(`BLEU ${bleu.toFixed(1)}`);
  return parts.join(", ");
}

/** @type {Record<string, string>} */
const PROBLEMS = {
  NetworkError: "problemNetwork",
  DataError: "problemData",
  QuotaExceededError: "problemRoom",
  NotSupportedError: "problemNone",
};

/** What an error of the package means to a reader: the key of the words. @param {string} name @param {boolean} online */
export const problemOf = (name, online) =>
  name === "NetworkError" && !online ? "problemOffline" : (PROBLEMS[name] ?? "problemOther");
