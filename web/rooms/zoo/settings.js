// What the page of scores shows, and how the address says it.

/** @typedef {import("../../../src/js/lab/index.js").ScoreKind} ScoreKind */
/** @typedef {[number, number]} Point */

/**
 * @typedef {object} Settings
 * @property {ScoreKind} score
 * @property {boolean} hard
 * @property {Point} query
 * @property {Point[]} keys
 * @property {Point[] | null} values null: the keys are the values too
 * @property {number} knob of what the score learns, the one number that can be moved here
 */

export const FAR = 3; // the plane goes from -FAR to FAR in both directions

/** In the order in which they stand. @type {ScoreKind[]} */
export const kinds = ["scaled-dot", "dot", "general", "additive", "concat", "cosine"];

/** What can be moved of a score. @type {Record<ScoreKind, {min: number, max: number, step: number, start: number} | null>} */
export const knobs = {
  "scaled-dot": null,
  dot: null,
  general: { min: 0, max: 360, step: 5, start: 90 },
  additive: { min: 0, max: 6, step: 0.1, start: 2 },
  concat: { min: 0, max: 6, step: 0.1, start: 2 },
  cosine: { min: 0, max: 5.5, step: 0.1, start: 2.3 },
};

/** @type {Settings} */
export const start = {
  score: "scaled-dot",
  hard: false,
  query: [1.6, 0.8],
  keys: [
    [2.1, 1.5],
    [0.6, 1.9],
    [-1.7, 0.9],
    [-0.8, -1.6],
    [1.5, -1.2],
  ],
  values: null,
  knob: 0,
};

/** Where values begin once they are apart from the keys. @type {Point[]} */
export const startValues = [
  [-2.4, 2.3],
  [2.5, 2.5],
  [2.6, -0.2],
  [0.4, -2.5],
  [-2.4, -1.0],
];

/** @param {number} value */
export const clamp = (value) => Math.max(-FAR, Math.min(FAR, Math.round(value * 100) / 100)) || 0; // no -0

/** @param {string | null} text "1.2_-0.4_..." @param {number} count @returns {Point[] | null} */
function points(text, count) {
  const parts = text?.split("_") ?? [];
  if (parts.length !== 2 * count || !parts.every((one) => /^-?\d{1,4}(\.\d{1,6})?$/.test(one))) return null;
  const numbers = parts.map((one) => clamp(Number(one)));
  return Array.from({ length: count }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

/** @param {Point[]} list */
const written = (list) => list.flat().join("_");

/** What cannot be read is as at the start: an address is somebody else's text. @param {string} query @returns {Settings} */
export function readSettings(query) {
  const given = new URLSearchParams(query);
  const score = kinds.find((one) => one === given.get("f")) ?? start.score;
  const knob = knobs[score];
  const said = given.get("p") ?? "";
  const moved = knob && /^\d{1,4}(\.\d{1,4})?$/.test(said) ? Number(said) : knob?.start;
  return {
    score,
    hard: given.get("hard") === "1",
    query: points(given.get("q"), 1)?.[0] ?? start.query,
    keys: points(given.get("k"), start.keys.length) ?? start.keys,
    values: points(given.get("v"), start.keys.length),
    knob: knob && moved !== undefined ? Math.max(knob.min, Math.min(knob.max, moved)) : 0,
  };
}

/** What differs from the start. @param {Settings} settings */
export function writeSettings({ score, hard, query, keys, values, knob }) {
  const parts = [
    score !== start.score && `f=${score}`,
    hard && "hard=1",
    written([query]) !== written([start.query]) && `q=${written([query])}`,
    written(keys) !== written(start.keys) && `k=${written(keys)}`,
    values && `v=${written(values)}`,
    knobs[score] && knob !== knobs[score].start && `p=${knob}`,
  ];
  return parts.filter(Boolean).join("&");
}

/** Another score; what it shares with the last one stays. @param {Settings} settings @param {ScoreKind} score @returns {Settings} */
export function withScore(settings, score) {
  const same = new Set([settings.score, score, "additive", "concat"]).size === 2;
  return { ...settings, score, knob: same ? settings.knob : (knobs[score]?.start ?? 0) };
}

const STRETCH = 1.5; // of the projections of the additive scores

/** What the score learns, as labAttend takes it. @param {Settings} settings */
export function parametersOf({ score, knob }) {
  const [cos, sin] = [Math.cos((knob * Math.PI) / 180), Math.sin((knob * Math.PI) / 180)];
  const [bias, vector] = [
    [0, 0],
    [knob, knob],
  ];
  switch (score) {
    case "general":
      return {
        matrix: [
          [cos, -sin],
          [sin, cos],
        ],
      };
    case "additive":
      return {
        ...{ bias, vector },
        query: [
          [STRETCH, 0],
          [0, STRETCH],
        ],
        key: [
          [STRETCH, 0],
          [0, STRETCH],
        ],
      };
    case "concat":
      return {
        ...{ bias, vector },
        matrix: [
          [STRETCH, 0, STRETCH, 0],
          [0, STRETCH, 0, STRETCH],
        ],
      };
    case "cosine":
      return { sharpness: knob };
    default:
      return {};
  }
}
