// What a training is set to, and how the address says it.

/** @typedef {"reverse" | "copy" | "sort" | "dates" | "addition" | "pig-latin" | "pairs"} Task */

/** @typedef {"additive" | "concat" | "dot" | "general" | "cosine"} Score */

/**
 * One of the two networks.
 * @typedef {object} Network
 * @property {"transformer" | "recurrent" | "bare"} kind bare: recurrent, without attention
 * @property {"s" | "m"} size
 * @property {number} heads
 * @property {number} layers of the encoder, and of the decoder
 * @property {boolean} positions
 * @property {boolean} residuals
 * @property {"layer" | "batch" | "none"} norm
 * @property {boolean} divided whether scores are divided by the root of the head's width
 * @property {Score} score of a recurrent network with attention
 */

/**
 * @typedef {object} Settings
 * @property {Task} task
 * @property {number} longest of the strings that are reversed, copied or sorted
 * @property {number} seed
 * @property {number} steps
 * @property {"constant" | "cosine" | "plateau"} schedule
 * @property {number} rate place of the learning rate in `rates`
 * @property {boolean} two whether B runs beside A
 * @property {Network} a
 * @property {Network} b
 */

/** @type {Task[]} */
export const tasks = ["reverse", "copy", "sort", "dates", "addition", "pig-latin", "pairs"];
/** Learning rates, a slider's places. */
export const rates = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05];
export const lengths = [6, 8, 12, 16, 24];
/** @type {Score[]} */
export const scores = ["additive", "concat", "dot", "general", "cosine"];
export const headCounts = [1, 2, 4, 8];

/** @type {Network} */
export const plain = {
  kind: "transformer",
  size: "s",
  heads: 4,
  layers: 1,
  positions: true,
  residuals: true,
  norm: "layer",
  divided: true,
  score: "additive",
};

/** @type {Settings} */
export const start = {
  task: "reverse",
  longest: 8,
  seed: 1,
  steps: 2000,
  schedule: "cosine",
  rate: 6,
  two: false,
  a: plain,
  b: plain,
};

/** @template T @param {readonly T[]} allowed @param {string | null} given @param {T} other */
const oneOf = (allowed, given, other) => allowed.find((one) => String(one) === given) ?? other;
/** @param {string | null} given @param {boolean} other */
const flag = (given, other) => (given === "1" ? true : given === "0" ? false : other);
/** @param {string | null} given @param {number} least @param {number} most @param {number} other */
const whole = (given, least, most, other) =>
  given && /^\d{1,6}$/.test(given) ? Math.max(least, Math.min(most, Number(given))) : other;

/** @param {URLSearchParams} given @param {string} before its names @returns {Network} */
const networkIn = (given, before) => ({
  kind: oneOf(/** @type {const} */ (["transformer", "recurrent", "bare"]), given.get(`${before}net`), plain.kind),
  size: oneOf(/** @type {const} */ (["s", "m"]), given.get(`${before}size`), plain.size),
  heads: oneOf(headCounts, given.get(`${before}h`), plain.heads),
  layers: whole(given.get(`${before}layers`), 1, 3, plain.layers),
  positions: flag(given.get(`${before}pos`), plain.positions),
  residuals: flag(given.get(`${before}res`), plain.residuals),
  norm: oneOf(/** @type {const} */ (["layer", "batch", "none"]), given.get(`${before}norm`), plain.norm),
  divided: flag(given.get(`${before}div`), plain.divided),
  score: oneOf(scores, given.get(`${before}score`), plain.score),
});

/** What cannot be read is as at the start: an address is somebody else's text. @param {string} query @returns {Settings} */
export function readSettings(query) {
  const given = new URLSearchParams(query);
  return {
    task: oneOf(tasks, given.get("task"), start.task),
    longest: oneOf(lengths, given.get("len"), start.longest),
    seed: whole(given.get("seed"), 0, 999999, start.seed),
    steps: whole(given.get("steps"), 100, 20000, start.steps),
    schedule: oneOf(/** @type {const} */ (["constant", "cosine", "plateau"]), given.get("fall"), start.schedule),
    rate: whole(given.get("lr"), 0, rates.length - 1, start.rate),
    two: flag(given.get("two"), start.two),
    a: networkIn(given, ""),
    b: networkIn(given, "b."),
  };
}

/** What differs from the start. @param {Settings} settings */
export function writeSettings(settings) {
  const parts = new URLSearchParams();
  /** @param {string} name @param {string | number | boolean} value @param {string | number | boolean} usual */
  const put = (name, value, usual) =>
    value !== usual && parts.set(name, typeof value === "boolean" ? String(Number(value)) : String(value));
  put("task", settings.task, start.task);
  put("len", settings.longest, start.longest);
  put("seed", settings.seed, start.seed);
  put("steps", settings.steps, start.steps);
  put("fall", settings.schedule, start.schedule);
  put("lr", settings.rate, start.rate);
  put("two", settings.two, start.two);
  for (const [before, one] of /** @type {[string, Network][]} */ ([
    ["", settings.a],
    ["b.", settings.b],
  ])) {
    put(`${before}net`, one.kind, plain.kind);
    put(`${before}size`, one.size, plain.size);
    put(`${before}h`, one.heads, plain.heads);
    put(`${before}layers`, one.layers, plain.layers);
    put(`${before}pos`, one.positions, plain.positions);
    put(`${before}res`, one.residuals, plain.residuals);
    put(`${before}norm`, one.norm, plain.norm);
    put(`${before}div`, one.divided, plain.divided);
    put(`${before}score`, one.score, plain.score);
  }
  return String(parts);
}

/** Whether strings of a length that can be chosen are learnt. @param {Task} task */
export const hasLength = (task) => task === "reverse" || task === "copy" || task === "sort";

/** Whether the engine translates with what comes of it. @param {Network} one */
export const isTranslator = (one) =>
  one.kind === "transformer" && one.positions && one.residuals && one.divided && one.norm === "layer";

const sizes = { s: { width: 32, feedForward: 64 }, m: { width: 64, feedForward: 256 } };

/**
 * What the lab is created with.
 * @param {Settings} settings @param {Network} one @param {string} pairs pasted ones
 * @returns {import("../../../src/js/lab/index.js").LabOptions}
 */
export function labOptions(settings, one, pairs) {
  const recurrent = one.kind !== "transformer";
  const network = recurrent
    ? { ...sizes[one.size], heads: 1, score: one.kind === "bare" ? "none" : one.score }
    : {
        ...sizes[one.size],
        heads: one.heads,
        normalise: one.norm,
        residual: one.residuals ? "yes" : "no",
        score: one.divided ? "scaled-dot" : "dot",
        ...(one.positions ? {} : { position: "none" }),
      };
  const { task, seed, steps, schedule, longest } = settings;
  const patience = { plateauFactor: 0.5, plateauPatience: 3, plateauWarmup: 4 };
  /** @type {import("../../../src/js/lab/index.js").LabSettings} */
  const training = { steps, schedule, warmup: 50, learningRate: rates[settings.rate], ...patience };
  return {
    seed,
    ...(recurrent ? { preset: "recurrent" } : task === "pairs" ? { preset: "pairs" } : {}),
    ...(task === "pairs"
      ? { pairs, sourceLanguage: "zxx", targetLanguage: "zxx" }
      : { task, training: { ...training, batch: 16, ...(hasLength(task) ? { longest } : {}) } }),
    ...(task === "pairs"
      ? { training: { ...training, batchTokens: 512, cooldown: 0, labelSmoothing: 0, tokens: "characters" } }
      : {}),
    network: { ...network, encoderLayers: one.layers, decoderLayers: one.layers },
  };
}
