// The types of the public API. Nothing here runs.

/**
 * What a model can be given as: a URL, a path (Node), or its bytes in any form. Of a stream a copy is kept, for an
 * engine that crashes and is started anew.
 * @typedef {string | URL | Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>} ModelSource
 */

/** @typedef {"auto" | "simd128" | "relaxed"} BuildChoice */

/**
 * Where the WebAssembly files are, when they do not lie where the package put them.
 * @typedef {string | URL | ArrayBuffer | ArrayBufferView | WebAssembly.Module} WasmSource
 * @typedef {{simd128?: WasmSource, relaxed?: WasmSource, lab?: WasmSource}} WasmSources `lab`: for learn()
 */

/**
 * @typedef {"available" | "downloadable" | "downloading" | "unavailable"} Availability
 */

/**
 * @typedef {object} LanguagePair
 * @property {string} sourceLanguage a BCP 47 tag, such as "en"
 * @property {string} targetLanguage
 */

/**
 * @typedef {object} CreateOptions
 * @property {string} [sourceLanguage] a BCP 47 tag; may be left out where `model` is given
 * @property {string} [targetLanguage]
 * @property {ModelSource} [model] in place of a look-up in the manifest
 * @property {string} [sha256] of `model`, in hexadecimal, checked while it loads
 * @property {import("./manifest.js").Manifest[]} [models] lists in which the languages are looked for first: what packages of
 *     models export
 * @property {string | URL | import("./manifest.js").Manifest} [manifest] in place of the package's own
 * @property {string[]} [origins] such as "https://example.com": from where, beside its own origin, a manifest that comes
 *     from the network may name models
 * @property {import("./registry/options.js").RegistryChoice[]} [registries] where models are looked for that no list has, in
 *     this order; default: in Node the package's own, Mozilla's and the Hugging Face Hub, in a page none
 * @property {string} [variant] which of a registry's models of a pair: "smallest", "best" by its measures, or the name of an
 *     architecture, such as "tiny"; default: the one that the registry itself prefers
 * @property {boolean} [offline] load nothing: what is not on this machine is an error; default false
 * @property {typeof fetch} [fetch] how registries are asked; default the platform's
 * @property {(monitor: EventTarget & {ondownloadprogress: ((event: any) => void) | null}) => void} [monitor] gets a
 *     target that fires "downloadprogress" events
 * @property {AbortSignal} [signal] aborts the creation, and later the translator
 * @property {BuildChoice} [build] which WebAssembly build to run; default "auto"
 * @property {WasmSources} [wasm]
 * @property {boolean | string | URL | (() => Worker)} [worker] false: work in this thread; a URL or a function: where
 *     the worker comes from; default true
 * @property {number} [pool] how many workers share the work, each with its own copy of the model; default 1
 * @property {boolean} [cache] keep downloaded models; default true
 */

/**
 * @typedef {object} TranslateOptions
 * @property {AbortSignal} [signal]
 * @property {number} [beamSize] 1 (greedy, the default) to 16
 * @property {"glossa" | "huggingface" | "marian"} [search] whose rules the beam search follows
 * @property {number} [normalize] score = sum(log p) / length^normalize; default 1
 * @property {number} [maxLength] longest translation of a sentence in tokens; 0: by the source's length
 * @property {number} [noRepeatNgram] forbid repeating any n-gram of this size; 0: off
 * @property {number[]} [banned] token ids that are never produced
 * @property {boolean} [split] whether texts are split into sentences; default true
 * @property {boolean} [wrapped] whether sentences go on over the ends of lines, as in hard-wrapped text; default false
 * @property {boolean} [retry] whether a sentence in capitals, or in small letters without a full stop, or whose translation
 *     is far too short, is tried a second time, and the better translation taken; default true. It is not where `search`,
 *     `normalize`, `maxLength`, `noRepeatNgram`, `banned`, `prefix`, `headMask` or `without` is
 *     given
 * @property {boolean | (Preserve | RegExp)[]} [preserve] what goes through unchanged; default ["placeholders", "urls",
 *     "emails", "phones", "signs"]; patterns of your own beside these
 * @property {Record<string, string>} [glossary] source terms and their translations
 * @property {boolean} [latest] abort earlier requests that were made with `latest`
 */

/** @typedef {"placeholders" | "urls" | "emails" | "phones" | "signs" | "numbers"} Preserve */

/**
 * @typedef {object} BatchProgress
 * @property {number} done texts translated so far
 * @property {number} total
 */

/**
 * @typedef {TranslateOptions & {onProgress?: (progress: BatchProgress) => void}} BatchOptions
 */

/**
 * @typedef {TranslateOptions & {attributes?: string[]}} HTMLOptions `attributes`: names of attributes to translate too
 */

/**
 * @typedef {object} ExplainExtras
 * @property {number} [alternatives] how many hypotheses to return, up to the beam; default the beam
 * @property {number} [topK] candidates to return at each step, up to 64; default 5
 * @property {string | number[]} [prefix] text or token ids that the translation starts with (one sentence only)
 * @property {HeadMask} [headMask] heads to switch off
 * @property {"positions" | "causal"} [without] a part of the network to leave out: what tells tokens their places, or the mask
 *     that hides from every target token those behind it. The search has none behind it and finds the same without that
 *     mask; attention, hidden states, `topK` and log-probabilities of `targetTokens` are then of a pass that sees them
 * @property {boolean} [hidden] return the hidden states too
 * @property {boolean} [beams] return what the search saw at each step
 * @property {number} [cuts] ways to cut each word of the source to return, up to 16; default 0: none
 */

/** @typedef {TranslateOptions & ExplainExtras} ExplainOptions */

/**
 * Heads to switch off, as [layer, head] pairs.
 * @typedef {{encoder?: [number, number][], decoder?: [number, number][], cross?: [number, number][]}} HeadMask
 */

/**
 * A token and the part of its text that it stands for, in UTF-16 units, [start, end).
 * @typedef {object} Token
 * @property {number} id
 * @property {string} piece as in the vocabulary: U+2581 marks a space
 * @property {string} text
 * @property {number} start
 * @property {number} end
 */

/** @typedef {Token & {logProbability: number}} TargetToken */

/**
 * @typedef {object} Candidate
 * @property {number} id
 * @property {string} piece
 * @property {number} logProbability
 */

/**
 * One step of a hypothesis of the search: one of the step before with one more token.
 * @typedef {object} Branch
 * @property {number} parent its index in the step before; -1 at the first
 * @property {number} id of the token
 * @property {string} piece
 * @property {number} logProbability of the token, given those before it
 * @property {number} score of the hypothesis so far, as in Hypothesis
 * @property {"live" | "finished" | "dropped"} fate live ones go on, unless the search ends with this step
 */

/**
 * A word of the source, with what stands at it without a space, and the best ways to cut it.
 * @typedef {object} WordCuts
 * @property {[number, number]} tokens of `sourceTokens` that it is, [first, end)
 * @property {Cut[]} cuts best first; by a BPE vocabulary one, with the score 0
 */

/**
 * @typedef {object} Cut
 * @property {string[]} pieces
 * @property {number[]} ids
 * @property {number} score sum of the scores of the pieces, which are log-probabilities
 */

/**
 * Attention weights, `data` ordered [layer][head][row][col]: a row is a query, a column a key.
 * @typedef {object} Attention
 * @property {number} layers
 * @property {number} heads
 * @property {number} rows
 * @property {number} cols
 * @property {Float32Array} data
 */

/**
 * Hidden states, `data` ordered [layer][token][width]; layer 0 is the input of the first layer.
 * @typedef {object} Hidden
 * @property {number} layers
 * @property {number} tokens
 * @property {number} width
 * @property {Float32Array} data
 */

/**
 * @typedef {object} Hypothesis
 * @property {string} text
 * @property {number} score
 * @property {TargetToken[]} tokens
 */

/**
 * A word of the source and the word of the translation that came from it; spans in UTF-16 units, [start, end).
 * @typedef {object} WordLink
 * @property {[number, number]} source
 * @property {[number, number]} target
 * @property {number} weight 0 to 1: the attention that the one pays to the other
 */

/**
 * Milliseconds by stage.
 * @typedef {object} Timings
 * @property {number} tokenize
 * @property {number} encode
 * @property {number} decode
 * @property {number} output
 */

/**
 * What happened inside for one sentence. The last token of both sides is the end of the sentence (of the target only if
 * the translation did not run out of length). Row t of `decoder` and of `cross` is the query that emitted target token t.
 * @typedef {object} SentenceExplanation
 * @property {string} source
 * @property {number} start where the sentence lies in the text
 * @property {number} end
 * @property {string} translation
 * @property {Token[]} sourceTokens
 * @property {TargetToken[]} targetTokens
 * @property {Hypothesis[]} hypotheses best first; of those with the same text, which other tokens spell, only
 *     the best
 * @property {Candidate[][]} topK for each target token, best first
 * @property {WordLink[]} alignment
 * @property {Attention} encoder
 * @property {Attention | null} decoder null for a decoder without self-attention
 * @property {Attention} cross
 * @property {{encoder: Hidden, decoder: Hidden}} [hidden]
 * @property {Branch[][]} [beams] for each step of the search, best first: twice the beam's width at most
 * @property {WordCuts[]} [cuts]
 * @property {Timings} timings
 */

/**
 * @typedef {object} Explanation
 * @property {string} source
 * @property {string} translation
 * @property {SentenceExplanation[]} sentences empty where there are stages
 * @property {Explanation[]} stages where the text goes through a third language: how it came there, and how from there on
 */

/**
 * What a checkpoint says of itself to those who use it; what it does not say is empty or null.
 * @typedef {object} ModelNotes
 * @property {string} description
 * @property {string} licence an SPDX expression, or the name of another licence
 * @property {string} licenceNote
 * @property {{word: number | null, sentence: number | null}} confidence log-probabilities below which a word is unsure, and
 *     (the mean of its tokens) a sentence beyond the model
 * @property {Record<string, string>} limits a plain sentence by language, such as `en`
 * @property {string[]} examples first inputs that show something
 */

/**
 * A model, and where it comes from, which is not known of one that the caller gave.
 * @typedef {CheckpointInfo & Partial<ModelOrigin>} ModelInfo
 */

/**
 * What a checkpoint tells of itself.
 * @typedef {object} CheckpointInfo
 * @property {string} name
 * @property {string} sourceLanguage that it is used for
 * @property {string} targetLanguage
 * @property {string[]} sourceLanguages all that it reads; empty where the file names none
 * @property {string[]} targetLanguages all that it writes
 * @property {number} encoderLayers
 * @property {number} decoderLayers
 * @property {number} heads
 * @property {number} width
 * @property {number} ffnWidth
 * @property {number} sourceVocabulary
 * @property {number} targetVocabulary
 * @property {number} context longest text in tokens, the end included
 * @property {number} trainingLength tokens beyond which a sentence is cut at a clause; 0: not told
 * @property {"attention" | "ssru"} mixer
 * @property {[number, number] | null} alignmentHead the cross-attention [layer, head] that aligns words
 * @property {number} parameters
 * @property {number} tensorBytes
 * @property {ModelNotes} notes
 */

/**
 * Where a model comes from, as its registry tells it.
 * @typedef {object} ModelOrigin
 * @property {string} registry such as "mozilla"; "manifest" for a list
 * @property {string} id its name there
 * @property {string} version empty where none is told
 * @property {string} licence an SPDX expression or a sentence; empty where none is told
 * @property {string} origin an address to read about it, or its own
 */

/**
 * A model that a registry has.
 * @typedef {object} AvailableModel
 * @property {string} registry
 * @property {string} id
 * @property {string[]} sourceLanguages
 * @property {string[]} targetLanguages
 * @property {string} version
 * @property {string} variant the architecture
 * @property {string} licence
 * @property {string} origin
 * @property {number} downloadBytes about; 0 where nothing is to be loaded or the size is not told before
 * @property {number} diskBytes about
 * @property {Record<string, number>} quality by the registry's own measures, such as {bleu, comet}
 * @property {boolean} here whether it is on this machine already
 */

/** @typedef {{source: string, target: string}} Correction a sentence, and what its translation shall be */

/**
 * @typedef {object} LearnOptions
 * @property {number} [steps] at most; default 24
 * @property {string[]} [keep] sentences whose translations shall stay: at most eight of them are trained in each step, by
 *     turns, towards the translations that they have now
 * @property {number} [memory] bytes that learning may take; default what the device has
 * @property {AbortSignal} [signal] stops it, within a step too; the model stays as it is
 */

/**
 * What came of learn().
 * @typedef {object} Lesson
 * @property {boolean} learned whether all sources are translated as wanted now
 * @property {number} steps done
 * @property {number} loss mean over the target tokens, of the last step; 0 where none was needed
 * @property {Explanation[]} before one for each correction
 * @property {Explanation[]} after
 * @property {() => Promise<void>} undo gives the translator the weights that it had before; what it has learnt since then is
 *     gone too
 */

/**
 * @typedef {object} TranslatorInfo
 * @property {"simd128" | "relaxed"} build the WebAssembly build that runs
 * @property {string} kernels
 * @property {string} version of the engine
 * @property {number} wasmBytes size of the WebAssembly memory
 * @property {number} modelBytes size of the checkpoint, which the engine uses where it lies
 * @property {number} workingBytes what the engine holds beside the checkpoint
 * @property {number} workers 0 where the work is done in place
 * @property {string} noWorker why no worker could be started; empty where one was, or where none was asked for
 * @property {string} notKept why a downloaded model is not in the cache; empty where it is
 * @property {ModelInfo} model the one that reads the text
 * @property {ModelInfo[]} models in the order in which they work: two where a text goes through a third language
 */

export {};
