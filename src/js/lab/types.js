// What callers of glossa/lab give and get.

/**
 * Settings by name, as `glossa train --help` lists them: `width`, `heads`, `encoderLayers`, `learningRate`, ...
 * @typedef {Record<string, string | number>} LabSettings
 */

/** @typedef {string | Uint8Array | ArrayBuffer} Text bytes are UTF-8 */

/**
 * A table, a source, a tab and a target in each line, or two files of lines; `name` is what messages call it. A third column
 * of links between their words, "0-0 1-2", serves the setting `guided`.
 * @typedef {{ name?: string, table: Text } | { name?: string | string[], source: Uint8Array, target: Uint8Array }} PairFile
 */

/**
 * Pairs of text: a table, two files of lines, several files, or an array of pairs.
 * @typedef {Text | { source: Text, target: Text } | PairFile[] | ([source: string, target: string] |
 *     { source: string, target: string, links?: string })[]} Pairs
 */

/**
 * Texts for a language model: lines of one file, several files, or an array of texts.
 * @typedef {Text | string[] | { name?: string, lines: Text }[]} Texts
 */

/**
 * Labelled images: two IDX files as MNIST has them, or each with its grey pixels, a byte each.
 * @typedef {{ name?: string | string[], images: Uint8Array | ArrayBuffer, labels: Uint8Array | ArrayBuffer } |
 *     { pixels: Uint8Array | Uint8ClampedArray, label: string | number }[]} Images
 */

/** @typedef {"model" | "state" | "int8"} SavedKind */

/**
 * What became of pairs: `train` and `heldOut`; left out because one side is `empty`, because held-out pairs `shared` a text,
 * or because they are `tooLong` for the context; tokens of those that are trained on; `batches` to an epoch; tokens of the
 * `vocabulary`.
 * @typedef {{ train: number, heldOut: number, empty: number, shared: number, tooLong: number, sourceTokens: number,
 *     targetTokens: number, batches: number, vocabulary: number }} PairFacts
 */

/**
 * A place of a training's curves; what was not measured is left out.
 * @typedef {{ step: number, loss: number, heldOutLoss?: number, bleu?: number, learningRate?: number }} Point
 */

/**
 * @typedef {object} LabOptions
 * @property {string} [task] copy, reverse, sort, addition, dates, roman or pig-latin
 * @property {number} [seed] of weights, strings and dropout (1)
 * @property {string} [preset] pairs, tutorial, tutorial-small, recurrent, classifier, masked, causal, vit or swin: many
 *     settings at once, which the others change
 * @property {LabSettings} [network] width, heads, feedForward, encoderLayers, norm, activation, ...
 * @property {LabSettings} [training] batch, steps, optimizer, learningRate, schedule, dropout, ...
 * @property {Pairs} [pairs] to learn from
 * @property {Texts} [texts] for a language model (presets masked and causal), instead of pairs
 * @property {Images} [images] for a network that sees (presets vit and swin), instead of pairs
 * @property {Pairs | Texts | Images} [valid] to judge by; without them some are set aside (the setting `setAside`)
 * @property {string} [sourceLanguage] of the pairs, by BCP 47 ("und")
 * @property {string} [targetLanguage]
 * @property {Uint8Array | ArrayBuffer} [vocabulary] a checkpoint whose vocabulary the pairs get, instead of one learnt from them
 * @property {Record<string, any> | string} [config] settings as the JSON of a recipe has them, which the other options change
 * @property {number} [threads] workers that share the parts of each batch (1); the result does not depend on it
 * @property {boolean} [worker] false: on the caller's thread, which then waits for each step (true)
 * @property {string | URL | Uint8Array<ArrayBuffer> | WebAssembly.Module} [wasm] where glossa-lab.wasm is, if not beside
 *     the package's other files
 */

/**
 * @typedef {object} LabReport
 * @property {number} step steps done
 * @property {number} loss mean over target tokens; of the steps since the last report
 * @property {number} norm of the gradient before clipping, in the last step
 * @property {number} learningRate of the last step
 * @property {number} tokens target tokens since the last report
 * @property {number} sequences pairs since the last report
 */

/**
 * @typedef {object} Evaluation
 * @property {number} loss mean over target tokens
 * @property {number} perplexity exp of the loss
 * @property {number} exact share of strings or pairs that greedy decoding gets right as a whole, 0 to 1; the accuracy of
 *     a network that classifies
 * @property {number} correct share of target tokens that are the most probable at their place, 0 to 1
 * @property {number} sequences strings or pairs
 * @property {number} [bleu] of pairs, decoded greedily: sacrebleu's
 */

/** @typedef {LabReport & { heldOut?: Evaluation, tokensPerSecond: number }} TrainReport */

/**
 * @typedef {object} TrainOptions
 * @property {number} [steps] how many more; without it up to the setting `steps`
 * @property {number} [every] steps between two reports (100)
 * @property {number} [heldOut] held-out strings that are evaluated for each report (256); 0: none. The schedule
 *     `plateau` follows their loss
 * @property {number} [scored] held-out pairs that are translated for BLEU (100); 0: none
 * @property {AbortSignal} [signal] ends the iteration with its reason; steps that were done stay done
 */

/**
 * An array of the network. `data` is a copy.
 * @typedef {object} LabArray
 * @property {string} name
 * @property {number[]} shape of an attention [heads, queries, keys], of hidden states and parameters [rows, width]; of an
 *     attention over several sequences [elements], one sequence after the other, each [heads, queries, keys]
 * @property {Float32Array<ArrayBuffer>} data row-major
 * @property {number} [heads]
 * @property {number[]} [queryStarts] where each sequence begins, and where the last ends
 * @property {number[]} [keyStarts]
 */

/**
 * @typedef {object} Inspection
 * @property {string[]} source tokens, the end included: what keys of cross-attention stand for
 * @property {string[]} target tokens, the end included; query i is what predicts target token i; of a classifier the label
 * @property {string} output what was predicted, or the target that was given
 * @property {Record<string, LabArray>} arrays by name
 */

/**
 * @typedef {object} Classification
 * @property {string} label the most probable one
 * @property {number} probability of it
 * @property {{ label: string, probability: number }[]} labels all of them, the most probable first
 */

/** @typedef {{ piece: string, probability: number }} Guess a token as it lies in the vocabulary, "▁" being a space */

/** @typedef {{ text: string, ended: boolean }} Continuation what was written, and whether it came to an end by itself */

/**
 * What a network makes of an image, and where it looked.
 * @typedef {object} SightFacts
 * @property {number} image pixels in a row
 * @property {boolean} hasToken whether the class is judged by a class token, whose attention the layers show
 * @property {import("./seeing.js").LayerSight[]} layers
 * @property {Float32Array | null} rollout attention through all layers, by patch (Abnar & Zuidema 2020); null for Swin
 */
/** @typedef {Classification & SightFacts} Sight */

/** @typedef {"scaled-dot" | "dot" | "general" | "additive" | "concat" | "cosine"} ScoreKind */

/**
 * What a score learns, d being the width of queries and keys. general: q · matrix k. additive: vector · tanh(query q +
 * key k + bias). concat: vector · tanh(matrix [q; k] + bias). cosine: the cosine times e to the sharpness, which counts
 * up to ln 100.
 * @typedef {object} ScoreParameters
 * @property {number[][]} [matrix] general (d, d); concat (d, 2 d)
 * @property {number[][]} [query] additive (d, d)
 * @property {number[][]} [key] additive (d, d)
 * @property {number[]} [bias] additive and concat (d)
 * @property {number[]} [vector] additive and concat (d)
 * @property {number} [sharpness] cosine
 */

/**
 * @typedef {object} AttendOptions
 * @property {ScoreKind} [score] ("scaled-dot")
 * @property {"soft" | "hard"} [selection] hard: the key of the largest weight alone, the first of equals ("soft")
 * @property {number[][]} queries rows of one width
 * @property {number[][]} keys rows of the same width
 * @property {number[][]} [values] a row for each key (the keys)
 * @property {ScoreParameters} [parameters] of a score that learns some
 * @property {LabOptions["wasm"]} [wasm]
 */

/**
 * @typedef {object} Attended
 * @property {number[][]} queries as the score meets them: projected where it projects
 * @property {number[][]} keys the same
 * @property {number[][]} scores a row for each query
 * @property {number[][]} weights what values are mixed with: softmax of the scores, or 1 for the choice
 * @property {number[][]} output values mixed, a row for each query
 */

/**
 * @typedef {object} LabInfo
 * @property {number} parameters
 * @property {number} bytes that the lab holds, in each worker
 * @property {number} steps done
 * @property {number} trainingSteps of the whole training: the setting `steps`
 * @property {string} kernels
 * @property {"pairs" | "texts" | "images"} learnsFrom what the network learns from
 * @property {PairFacts | null} pairs
 */

export {};
