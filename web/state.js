// The one place where the page keeps what it knows: a plain store, and the part of it that the address carries.

/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../src/js/types.js").TranslatorInfo} TranslatorInfo */
/** @typedef {import("../src/js/types.js").HeadMask} HeadMask */

/** @typedef {"translate" | "attention" | "effect" | "inside" | "model"} ViewName */
/** @typedef {"encoder" | "decoder" | "cross"} Kind which attention */
/** @typedef {"head" | "layer" | "mean" | "max" | "rollout"} Reduce how layers and heads become one matrix */

/**
 * A sentence of the text and what became of it.
 * @typedef {object} Sentence
 * @property {string} text
 * @property {number} start in the whole text
 * @property {string} lead what stands before the first one
 * @property {string} gap what stands between it and the next
 * @property {string} translation as far as it is known
 * @property {boolean} done
 * @property {number} milliseconds that the translation took
 * @property {number[] | null} prefix target ids that the reader has fixed
 * @property {SentenceExplanation | null} explanation
 */

/**
 * @typedef {object} Model a pair of languages of an entry of the manifest
 * @property {string} id
 * @property {boolean} [multilingual] whether the model must be told the languages
 * @property {string} source
 * @property {string} target
 * @property {string} url
 * @property {number} bytes
 * @property {string} [sha256]
 * @property {string} [licence]
 * @property {string} [kind]
 */

/**
 * @typedef {object} State
 * @property {"en" | "zh"} language of the interface
 * @property {string} text
 * @property {string} pair id of a model
 * @property {ViewName} view
 * @property {number} beam
 * @property {number} sentence index of the one that the views show
 * @property {Kind} kind
 * @property {number} layer
 * @property {number} head
 * @property {number[]} heads those that the line picture shows, of the layer; empty: `head` alone
 * @property {Reduce} reduce
 * @property {"heatmap" | "lines"} picture
 * @property {boolean} words whether tokens are gathered into words
 * @property {boolean} special whether the ends of sentences are shown
 * @property {boolean} padding whether the sentence is filled up to the longest of its batch
 * @property {boolean} stretch whether colours span the matrix's own range rather than 0 to 1
 * @property {number} threshold weights below it are not drawn
 * @property {number} step last decoding step shown; -1: all
 * @property {string} off heads switched off, such as "c0.1,e2.3"
 * @property {number} token target token whose candidates are shown
 * @property {"auto" | "simd128" | "relaxed"} build WebAssembly build that is asked for
 * @property {"idle" | "loading" | "working" | "ready" | "failed"} status
 * @property {string} problem message of the last failure
 * @property {number} loaded share of the model that has arrived, 0 to 1
 * @property {Model[]} models
 * @property {TranslatorInfo | null} info
 * @property {Sentence[]} sentences
 * @property {{side: "source" | "target", sentence: number, at: number, pinned: boolean} | null} lit the word pointed at, by position in its sentence
 */

/** @typedef {{get(): State, set(patch: Partial<State>): void, subscribe(listener: (state: State, changed: Set<string>) => void): () => void}} Store */

/** @type {State} */
export const initialState = {
  language: "en",
  text: "",
  pair: "",
  view: "translate",
  beam: 4,
  sentence: 0,
  kind: "cross",
  layer: 0,
  head: 0,
  heads: [],
  reduce: "head",
  picture: "heatmap",
  words: false,
  special: true,
  padding: false,
  stretch: false,
  threshold: 0,
  step: -1,
  off: "",
  token: 0,
  build: "auto",
  status: "idle",
  problem: "",
  loaded: 0,
  models: [],
  info: null,
  sentences: [],
  lit: null,
};

/**
 * @param {State} initial
 * @returns {Store}
 */
export function createStore(initial) {
  let state = initial;
  /** @type {Set<(state: State, changed: Set<string>) => void>} */
  const listeners = new Set();
  return {
    get: () => state,
    set(patch) {
      /** @type {Set<string>} */
      const changed = new Set();
      for (const key of /** @type {(keyof State)[]} */ (Object.keys(patch))) {
        if (!Object.is(state[key], patch[key])) changed.add(key);
      }
      if (changed.size === 0) return;
      state = { ...state, ...patch };
      for (const listener of listeners) listener(state, changed);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** @param {(string | number)[]} allowed @returns {(value: string) => string | number | undefined} */
const oneOf = (allowed) => (value) => allowed.find((one) => String(one) === value);
/** @param {number} low @param {number} high @returns {(value: string) => number | undefined} */
const whole = (low, high) => (value) =>
  /^-?\d{1,6}$/.test(value) ? Math.min(high, Math.max(low, Number(value))) : undefined;
/** @param {string} value */
const flag = (value) => (value === "1" ? true : value === "0" ? false : undefined);

/**
 * What the address carries: the key in the address, the key in the state, and how it is read. What cannot be read is
 * left at its default: an address is somebody else's text.
 * @type {[string, keyof State, (value: string) => unknown][]}
 */
const fields = [
  ["view", "view", oneOf(["translate", "attention", "effect", "inside", "model"])],
  ["pair", "pair", (value) => (/^[\w.-]{1,64}$/.test(value) ? value : undefined)],
  ["kind", "kind", oneOf(["encoder", "decoder", "cross"])],
  ["layer", "layer", whole(0, 99)],
  ["head", "head", whole(0, 99)],
  ["heads", "heads", (value) => (/^\d{1,2}(\.\d{1,2})*$/.test(value) ? value.split(".").map(Number) : undefined)],
  ["reduce", "reduce", oneOf(["head", "layer", "mean", "max", "rollout"])],
  ["picture", "picture", oneOf(["heatmap", "lines"])],
  ["words", "words", flag],
  ["special", "special", flag],
  ["padding", "padding", flag],
  ["stretch", "stretch", flag],
  ["threshold", "threshold", (value) => (/^0(\.\d{1,3})?$/.test(value) ? Number(value) : undefined)],
  ["step", "step", whole(-1, 9999)],
  ["off", "off", (value) => (/^[edc]\d{1,2}\.\d{1,2}(,[edc]\d{1,2}\.\d{1,2})*$/.test(value) ? value : undefined)],
  ["sentence", "sentence", whole(0, 99999)],
  ["token", "token", whole(0, 9999)],
  ["beam", "beam", whole(1, 16)],
  ["ui", "language", oneOf(["en", "zh"])],
  ["text", "text", (value) => value.slice(0, 20000)],
];

/** Keys of the state that the address carries. */
export const addressKeys = new Set(fields.map(([, key]) => /** @type {string} */ (key)));

/**
 * @param {string} hash as in location.hash
 * @returns {Partial<State>}
 */
export function readAddress(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Record<string, unknown>} */
  const patch = {};
  for (const [name, key, read] of fields) {
    const value = parameters.get(name);
    const meant = value === null ? undefined : read(value);
    if (meant !== undefined) patch[key] = meant;
  }
  return patch;
}

/**
 * @param {State} state
 * @returns {string} what differs from the initial state, as "#name=value&..."
 */
export function writeAddress(state) {
  const parameters = new URLSearchParams();
  for (const [name, key] of fields) {
    const value = state[key];
    if (Array.isArray(value) ? value.length === 0 : value === initialState[key]) continue;
    parameters.set(
      name,
      typeof value === "boolean" ? String(Number(value)) : Array.isArray(value) ? value.join(".") : String(value),
    );
  }
  return `#${parameters}`;
}

/**
 * Heads switched off, as the API takes them.
 * @param {string} off such as "c0.1,e2.3"
 * @returns {HeadMask}
 */
export function headMask(off) {
  /** @type {Record<Kind, [number, number][]>} */
  const mask = { encoder: [], decoder: [], cross: [] };
  const kinds = /** @type {const} */ ({ e: "encoder", d: "decoder", c: "cross" });
  for (const one of off ? off.split(",") : []) {
    const [layer, head] = one.slice(1).split(".").map(Number);
    mask[kinds[/** @type {"e" | "d" | "c"} */ (one[0])]].push([layer, head]);
  }
  return mask;
}
