// Languages by name, and sentences to try in them.

/** @typedef {import("./strings.js").Language} Language */
/** @typedef {import("./state.js").Model} Model */

/**
 * Examples by the language of the source. The first of each shows words that change their places; the last one is more
 * than these models can do. The classical lines are from Mencius, Han Yu and the Analects.
 * @type {Record<string, string[]>}
 */
const examples = {
  en: [
    "The children have eaten all the apples.",
    "The animal didn't cross the street because it was too tired.",
    "Two men are sitting on a bench. A dog is sleeping under it.",
    "Stock markets fell sharply after the announcement.",
  ],
  de: ["Zwei Kinder spielen im Garten.", "Eine Frau verkauft Obst auf dem Markt. Es ist noch früh."],
  zh: ["我每天早上在公园里跑步。", "我昨天在学校看见了他。", "今天的天气很好，我们去爬山吧。"],
  lzh: [
    "鱼，我所欲也；熊掌，亦我所欲也。",
    "古之学者必有师。师者，所以传道受业解惑也。",
    "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？",
  ],
};

/** @param {string} tag */
export const examplesOf = (tag) => examples[tag] ?? examples[tag.split("-")[0]] ?? [];

/** Whether a text was not written by the reader. @param {string} text */
export const isExample = (text) => Object.values(examples).some((all) => all.includes(text));

/**
 * The model that a reader begins with: one that reads the language of the interface, or in Chinese has it on either side;
 * the first of all where none does.
 * @template {{source: string | string[], target: string | string[]}} T
 * @param {T[]} models
 * @param {Language} language
 * @returns {T | undefined}
 */
export function firstModel(models, language) {
  return (
    models.find(({ source, target }) => [source, language === "zh" ? target : []].flat().includes(language)) ??
    models[0]
  );
}

/** Names that browsers lack. @type {Record<Language, Record<string, string>>} */
const names = {
  en: { lzh: "Classical Chinese" },
  zh: { lzh: "文言文" },
};

/**
 * @param {string} tag
 * @param {Language} language of the interface
 */
export function languageName(tag, language) {
  if (names[language][tag]) return names[language][tag];
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Beside Classical Chinese, Chinese is modern. @type {Record<Language, string>} */
const modern = { en: "Modern Chinese", zh: "现代汉语" };

const NO_LANGUAGE = "zxx"; // what is learnt in the training room is of none
/** @type {Record<Language, [string, string]>} */
const sides = { en: ["Input", "Output"], zh: ["输入", "输出"] };

/**
 * @param {Pick<Model, "source" | "target">} pair
 * @param {Language} language of the interface
 * @returns {[string, string]}
 */
export function namesOf({ source, target }, language) {
  if (source === NO_LANGUAGE && target === NO_LANGUAGE) return sides[language];
  /** @param {string} tag @param {string} other */
  const name = (tag, other) => (tag === "zh" && other === "lzh" ? modern[language] : languageName(tag, language));
  return [name(source, target), name(target, source)];
}

/**
 * @param {Pick<Model, "source" | "target">} pair
 * @param {Language} language of the interface
 */
export const pairName = (pair, language) => namesOf(pair, language).join(" → ");

/** What tells models of one pair apart. @param {Pick<Model, "id" | "registry" | "variant">} model */
export const makerOf = ({ id, registry, variant }) => (registry === "mozilla" && variant ? `Firefox, ${variant}` : id);

/** Whether a licence keeps a model from being used for money. @param {string} [licence] */
export const isNonCommercial = (licence = "") => /non-?commercial|(^|[-\s])NC([-\s]|$)/i.test(licence);

/** Simplified characters, where the language alone would be set in traditional ones. @param {string} tag */
export const typeset = (tag) => (tag === "lzh" ? "lzh-Hans" : tag === "zh" ? "zh-Hans" : tag);
