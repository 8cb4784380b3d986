// What callers of glossa/lab give and get.

/**
 * Settings by name, as `glossa train --help` lists them: `width`, `heads`, `encoderLayers`, `learningRate`, ...
 * @typedef {Record<string, string | number>} LabSettings
 */

/**
 * @typedef {object} LabOptions
 * @property {string} [task] copy, reverse, sort, addition, dates, roman or pig-latin
 * @property {number} [seed] of weights, strings and dropout (1)
 * @property {string} [preset] tutorial or tutorial-small: many settings at once, which the others change
 * @property {LabSettings} [network] width, heads, feedForward, encoderLayers, norm, activation, ...
 * @property {LabSettings} [training] batch, steps, optimizer, learningRate, schedule, dropout, ...
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
 * @property {number} exact share of strings that greedy decoding gets right as a whole, 0 to 1
 * @property {number} sequences strings
 */

/** @typedef {LabReport & { heldOut?: Evaluation, tokensPerSecond: number }} TrainReport */

/**
 * @typedef {object} TrainOptions
 * @property {number} [steps] how many more; without it up to the setting `steps`
 * @property {number} [every] steps between two reports (100)
 * @property {number} [heldOut] held-out strings that are evaluated for each report (256); 0: none. The schedule
 *     `plateau` follows their loss
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
 * @property {string[]} target tokens, the end included; query i is what predicts target token i
 * @property {string} output
 * @property {Record<string, LabArray>} arrays by name
 */

/**
 * @typedef {object} LabInfo
 * @property {number} parameters
 * @property {number} bytes that the lab holds, in each worker
 * @property {number} steps done
 * @property {number} trainingSteps of the whole training: the setting `steps`
 * @property {string} kernels
 */

export {};
