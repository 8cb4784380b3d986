// Messages in ICU MessageFormat: the texts of their plurals and selects are translated, their keywords, arguments and
// formats are kept. A text around a plural goes into each of its branches, for a translation needs whole sentences.
//
// This is a part of the package that is loaded on demand (chunks.js), on the caller's side.

import { isStructurallySame, parse, TYPE } from "@formatjs/icu-messageformat-parser";
import { shelve } from "./chunks.js";

/** @import { MessageFormatElement as Element, PluralElement, SelectElement } from "@formatjs/icu-messageformat-parser" */

/** A message on its way back: gets the translations of its texts in order. @typedef {(next: () => string) => string} Writer */

/** Branches of one message, all its selectors together; a message with more keeps what stands around them outside. */
const MOST_BRANCHES = 48;

/** @param {Element} element @returns {element is PluralElement | SelectElement} */
const isSelector = (element) => element.type === TYPE.plural || element.type === TYPE.select;

/** @param {Element[]} elements @returns {number} branches when all selectors stand outside */
function branches(elements) {
  let count = 1;
  for (const element of elements)
    if (isSelector(element))
      count *= Object.values(element.options).reduce((sum, { value }) => sum + branches(value), 0);
  return count;
}

/** @param {string} text @param {boolean} plural whether "#" means the number @returns {string} as a literal of a message */
function quoted(text, plural) {
  const safe = text.replaceAll("'", "''");
  return safe.replace(plural ? /[{}#]+/g : /[{}]+/g, (signs) => `'${signs}'`);
}

/** One message. */
class Message {
  /** @type {string[]} */
  texts = [];

  /** @param {string} source */
  constructor(source) {
    this.source = source;
    this.elements = parse(source, { ignoreTag: true, captureLocation: true, requiresOtherClause: false });
    // What stands for the number of a plural, so that it is kept as an argument is.
    this.number = "{n}";
    for (let i = 0; source.includes(this.number); i++) this.number = `{n${i}}`;
    this.hoisted = branches(this.elements) <= MOST_BRANCHES;
    this.write = this.#read(this.elements, this.hoisted, null);
  }

  /** @type {Map<Element, PluralElement>} which plural's number a "#" is */
  #numbers = new Map();

  /** @param {Element} element @returns {string} as it stands in the message */
  #raw({ location }) {
    return location ? this.source.slice(location.start.offset, location.end.offset) : "";
  }

  /**
   * @param {Element[]} elements
   * @param {boolean} hoist whether texts around a selector go into its branches
   * @param {PluralElement | null} plural whose branch it is
   * @returns {Writer}
   */
  #read(elements, hoist, plural) {
    const at = elements.findIndex(isSelector);
    if (at < 0) return this.#text(elements, plural);
    const selector = /** @type {PluralElement | SelectElement} */ (elements[at]);
    const [before, behind] = [elements.slice(0, at), elements.slice(at + 1)];
    if (!hoist) {
      const writers = [
        this.#text(before, plural),
        this.#selector(selector, (value, inside) => this.#read(value, false, inside)),
        this.#read(behind, false, plural),
      ];
      return (next) => writers.map((write) => write(next)).join("");
    }
    return this.#selector(selector, (value, inside) => this.#read([...before, ...value, ...behind], true, inside));
  }

  /**
   * @param {PluralElement | SelectElement} selector
   * @param {(value: Element[], plural: PluralElement | null) => Writer} read
   * @returns {Writer}
   */
  #selector(selector, read) {
    const isPlural = selector.type === TYPE.plural;
    const kind = !isPlural ? "select" : selector.pluralType === "ordinal" ? "selectordinal" : "plural";
    const offset = isPlural && selector.offset ? ` offset:${selector.offset}` : "";
    const inner = isPlural ? selector : null; // within a select "#" is a sign
    const options = Object.entries(selector.options).map(([key, { value }]) => {
      if (inner)
        for (const element of value)
          if (element.type === TYPE.pound && !this.#numbers.has(element)) this.#numbers.set(element, inner);
      return { key, write: read(value, inner) };
    });
    return (next) =>
      `{${selector.value}, ${kind},${offset} ${options.map(({ key, write }) => `${key} {${write(next)}}`).join(" ")}}`;
  }

  /**
   * @param {Element[]} elements without selectors
   * @param {PluralElement | null} plural whose branch it is
   * @returns {Writer}
   */
  #text(elements, plural) {
    /** @type {Map<string, string>} what is kept, as the model gets it, and as the message has it */
    const kept = new Map();
    let text = "";
    for (const element of elements) {
      if (element.type === TYPE.literal) text += element.value;
      else {
        const raw = this.#same(element, plural);
        const shown = raw === "#" ? this.number : raw;
        kept.set(shown, raw);
        text += shown;
      }
    }
    if (!/\p{L}/u.test(text)) return () => elements.map((element) => this.#same(element, plural)).join("");
    this.texts.push(text);
    const names = [...kept.keys()].sort((a, b) => b.length - a.length).map(escaped);
    const pattern = names.length ? new RegExp(`(${names.join("|")})`, "u") : /(?!)/;
    return (next) =>
      next()
        .split(pattern)
        .map((part) => kept.get(part) ?? quoted(part, plural !== null))
        .join("");
  }

  /** @param {Element} element @param {PluralElement | null} plural @returns {string} as it must stand there */
  #same(element, plural) {
    if (element.type === TYPE.literal) return quoted(element.value, plural !== null);
    const own = element.type === TYPE.pound ? this.#numbers.get(element) : undefined;
    if (!own || own.value === plural?.value) return this.#raw(element);
    if (own.offset) throw new RangeError("the number of a plural with an offset has no other name");
    return `{${own.value}, number}`; // it has come into another plural
  }

  /** @param {() => string} next @returns {string} the message itself where its translation would not be one */
  translated(next) {
    const translation = this.write(next);
    try {
      const options = { ignoreTag: true, requiresOtherClause: false };
      const elements = parse(translation, options);
      // Comparing makes every branch, of which there may be very many.
      if (!this.hoisted || isStructurallySame(this.elements, elements).success) return translation;
    } catch {}
    return this.source;
  }
}

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/**
 * The texts to translate of messages; one that cannot be read is a text.
 * @param {string[]} sources
 * @returns {{texts: string[], write: (translations: string[]) => string[]}} `write` makes messages of the translations again
 */
export function readMessages(sources) {
  const messages = sources.map((source) => {
    try {
      return new Message(source);
    } catch {
      return null;
    }
  });
  return {
    texts: messages.flatMap((message, i) => message?.texts ?? [sources[i]]),
    write(translations) {
      let at = 0;
      const next = () => translations[at++];
      return messages.map((message) => (message ? message.translated(next) : next()));
    },
  };
}

shelve("messages", { readMessages });
