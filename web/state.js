// The one place where the page keeps what it knows: a plain store. The address carries a part of it (address.js).

/** @typedef {import("../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../src/js/types.js").TranslatorInfo} TranslatorInfo */
/** @typedef {import("../src/js/types.js").HeadMask} HeadMask */

/** @typedef {"translate" | "inside" | "train" | "zoo"} Room */
/** @typedef {"encoder" | "decoder" | "cross"} Kind which attention */
/** @typedef {"head" | "layer" | "mean" | "max" | "rollout"} Reduce how layers and heads become one matrix */
/** @typedef {"light" | "dark" | "auto"} Theme */

/**
 * A sentence of the text and what became of it.
 * @typedef {object} Sentence
 * @property {string} text
 * @property {number} start in the whole text
 * @property {string} lead what stands before the first one
 * @property {string} gap what stands between it and the next
 * @property {string} joint the same between their translations
 * @property {string} translation while it is not done, what stood in its place
 * @property {string} partial the translation that is being written, as far as it goes
 * @property {boolean} done
 * @property {number} milliseconds that the translation took
 * @property {number[] | null} prefix target ids that the reader has fixed
 * @property {SentenceExplanation | null} explanation
 * @property {SentenceExplanation | null} previous what is shown, dimmed, until the explanation comes
 * @property {string} [middle] what the first of two models made of it, once that is asked for
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
 * @property {string} [registry] of a model that the reader fetched from there
 * @property {string} [variant] its architecture
 * @property {[string, string]} [halves] ids of the two models that go this way in turn, through English
 */

/**
 * A model on its way here from its home.
 * @typedef {object} Fetching
 * @property {string} id
 * @property {string} source
 * @property {string} target
 * @property {number} share of it that has come, 0 to 1
 * @property {{name: string, message: string} | null} problem why it did not come
 */

/** What a checkpoint says about itself; what it does not say is off. @typedef {Pick<import("../src/js/types.js").ModelNotes, "confidence" | "limits" | "examples">} Notes */

/**
 * @typedef {object} Lit the word pointed at
 * @property {"source" | "target"} side
 * @property {number} sentence
 * @property {number} at position in its sentence
 * @property {boolean} pinned
 */

/**
 * @typedef {object} State
 * @property {"en" | "zh"} language of the interface
 * @property {Theme} theme
 * @property {Room} room
 * @property {string} story the step of the story in Look inside; empty: closed
 * @property {string} zoo what the page of scores shows, as its address says it; empty: as at its start
 * @property {string} train what the training room is set to, as its address says it; empty: as at its start
 * @property {{share: number, runs: boolean} | null} training how far a training has come, and whether it is at work
 * @property {boolean} drawer whether model and engine are shown
 * @property {string | null} menu what the menu of languages is opened for; empty: all of them; null: it is closed
 * @property {Fetching | null} fetching
 * @property {string} text
 * @property {string} pair id of a model
 * @property {number} beam
 * @property {number} sentence index of the one that the pictures show
 * @property {Kind} kind
 * @property {number} layer -1: the one that shows most
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
 * @property {number} word source token that the story follows; -1: one that shows something
 * @property {number} token target token whose candidates are shown; -1: the least sure
 * @property {number[]} fix target ids that the address says the chosen sentence begins with
 * @property {"auto" | "simd128" | "relaxed"} build WebAssembly build that is asked for
 * @property {"idle" | "loading" | "working" | "ready" | "failed"} status
 * @property {string} problem message of the last failure
 * @property {string} detail what the engine said of it, where the message is the page's own
 * @property {number} loaded share of the model that has arrived, 0 to 1
 * @property {number} begun when the work on the text began, in milliseconds of performance.now()
 * @property {Model[]} models
 * @property {TranslatorInfo | null} info
 * @property {[number, number] | null} aligning layer and head of the cross-attention that aligns words
 * @property {Notes} notes
 * @property {Sentence[]} sentences
 * @property {string} example the text of the precomputed example, while it is what the page shows
 * @property {Lit | null} lit
 */

/** @typedef {{get(): State, set(patch: Partial<State>): void, subscribe(listener: (state: State, changed: Set<string>) => void): () => void}} Store */

/** @type {Notes} */
export const noNotes = { confidence: { word: null, sentence: null }, limits: {}, examples: [] };

/** @type {State} */
export const initialState = {
  language: "en",
  theme: "auto",
  room: "translate",
  story: "",
  zoo: "",
  train: "",
  training: null,
  drawer: false,
  menu: null,
  fetching: null,
  text: "",
  pair: "",
  beam: 4,
  sentence: 0,
  kind: "cross",
  layer: -1,
  head: -1,
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
  word: -1,
  token: -1,
  fix: [],
  build: "auto",
  status: "idle",
  problem: "",
  detail: "",
  loaded: 0,
  begun: 0,
  models: [],
  info: null,
  aligning: null,
  notes: noNotes,
  sentences: [],
  example: "",
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

/** What another text makes meaningless. @type {Partial<State>} */
export const freshText = { sentence: 0, step: -1, token: -1, word: -1, fix: [], lit: null };

/**
 * What the pictures show of a sentence: its explanation, or the last one in its place until that comes.
 * @param {State} state
 * @param {number} [sentence]
 * @returns {SentenceExplanation | null}
 */
export function shownExplanation({ sentences, sentence: chosen }, sentence = chosen) {
  const one = sentences[sentence];
  return one?.explanation ?? one?.previous ?? null;
}

/** Whether the translation is behind the text. @param {State} state */
export const isBehind = ({ text, sentences }) =>
  sentences.length === 0
    ? text.trim() !== ""
    : sentences.some((one) => !one.done) || sentences.map((one) => one.lead + one.text + one.gap).join("") !== text;

/** Whether the chosen sentence's pictures are behind its text. @param {State} state */
export const isStale = ({ sentences, sentence }) => sentences.length > 0 && !sentences[sentence]?.explanation;

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
