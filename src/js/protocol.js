// The messages between a translator and its engine, the same in place and in a worker. What comes from elsewhere, since
// a worker's port may carry messages of others, is told apart by its form.

/** @typedef {import("./types.js").WasmSources} WasmSources */

/**
 * @typedef {object} LoadRequest
 * @property {number} id
 * @property {"load"} type
 * @property {ModelLoad[]} models one, or two that work one after the other
 * @property {import("./types.js").BuildChoice} build
 * @property {WasmSources} wasm
 * @property {boolean} cache
 * @property {boolean} [offline]
 * @property {{engines: number, memory: number}} device how many engines share how many bytes of memory
 * @property {import("./text/use.js").TextRules} rules text/rules.js
 */

/**
 * @typedef {object} ModelLoad
 * @property {import("./model-source.js").PlainSource} source
 * @property {number} bytes as far as they are known; 0: not at all
 * @property {string} [sha256]
 * @property {import("./types.js").LanguagePair | null} languages to use it for; null: its own
 */

/**
 * What a translation of texts is asked to follow; all of it can be cloned.
 * @typedef {object} WorkOptions
 * @property {number} beamSize
 * @property {"glossa" | "huggingface" | "marian"} search
 * @property {number} [normalize]
 * @property {number} maxLength
 * @property {number} noRepeatNgram
 * @property {number[]} banned
 * @property {boolean} split
 * @property {boolean} wrapped
 * @property {boolean} retry
 * @property {(import("./types.js").Preserve | RegExp)[]} preserve
 * @property {Record<string, string>} glossary
 */

/**
 * @typedef {object} TranslateRequest
 * @property {number} id
 * @property {"translate"} type
 * @property {string[]} texts
 * @property {boolean} progress tell how many texts are done
 * @property {boolean} stream send the text in chunks as it becomes certain (one text)
 * @property {WorkOptions} options
 */

/**
 * A text with places in it whose counterparts in the translation are asked for, in UTF-16 units and in order.
 * @typedef {object} BorderedText
 * @property {string} text
 * @property {[number, number][]} keep spans that go through unchanged
 * @property {number[]} borders where something begins or ends
 */

/**
 * A part of a translation: a sentence, or what stands between two.
 * @typedef {object} AlignedPart
 * @property {number} start where it lies in the text; it ends where the next one starts
 * @property {boolean} sentence
 * @property {string} output
 * @property {import("./types.js").WordLink[] | null} links from the part to its output, where a border lies inside it;
 *     null where they are not known
 */

/**
 * Replies the parts of each text.
 * @typedef {object} AlignRequest
 * @property {number} id
 * @property {"align"} type
 * @property {BorderedText[]} texts
 * @property {WorkOptions} options
 */

/**
 * @typedef {object} ExplainRequest
 * @property {number} id
 * @property {"explain"} type
 * @property {string} text
 * @property {WorkOptions & import("./types.js").ExplainExtras} options
 */

/** @typedef {{id: number, type: "measure", texts: string[]}} MeasureRequest replies the tokens of each text */
/** @typedef {{id: number, type: "greet"}} GreetRequest replies null */
/** @typedef {{id: number, type: "checkpoint"}} CheckpointRequest replies {models}: copies of their bytes */
/** @typedef {{id: number, type: "abort", target: number}} AbortMessage no reply of its own; ends request `target` */
/** @typedef {{id: number, type: "close"}} CloseMessage no reply */

/**
 * @typedef {LoadRequest | TranslateRequest | AlignRequest | ExplainRequest | MeasureRequest | GreetRequest | CheckpointRequest} Request
 * @typedef {Request | AbortMessage | CloseMessage} Message
 */

/** @typedef {{wasmBytes: number, workingBytes: number}} Memory what the engine holds now */
/** @typedef {{id: number, type: "result", value: any, memory: Memory}} ResultReply */
/** @typedef {{id: number, type: "error", error: import("./errors.js").ErrorData, fatal: boolean}} ErrorReply */
/** @typedef {{id: number, type: "progress", done: number, total: number}} ProgressReply */
/** @typedef {{id: number, type: "chunk", text: string}} ChunkReply */

/** @typedef {ResultReply | ErrorReply | ProgressReply | ChunkReply} Reply */

const MESSAGES = new Set(["load", "translate", "align", "explain", "measure", "greet", "checkpoint", "abort", "close"]);
const REPLIES = new Set(["result", "error", "progress", "chunk"]);

/**
 * @param {unknown} value
 * @param {Set<string>} types
 */
function isOurs(value, types) {
  const { id, type } = /** @type {Partial<Message>} */ (value ?? {});
  return typeof id === "number" && types.has(String(type));
}

/** @param {unknown} value @returns {value is Message} */
export function isMessage(value) {
  return isOurs(value, MESSAGES);
}

/** @param {unknown} value @returns {value is Reply} */
export function isReply(value) {
  return isOurs(value, REPLIES);
}
