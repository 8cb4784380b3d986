// The address: which part of the state it carries, how it is read, and what addresses of version 0.1 meant.

import { initialState } from "./state.js";

/** @typedef {import("./state.js").State} State */

/** The steps of the story, in order; their names stand in addresses. */
export const steps = [
  "tokens",
  "vectors",
  "projections",
  "scores",
  "softmax",
  "mix",
  "heads",
  "norm",
  "forward",
  "stack",
  "decoder",
  "cross",
  "vocabulary",
  "beam",
  "break",
];

/** Letters of a text that the address carries as it is; up to PACKED, packed, it carries longer ones. */
const PLAIN = 1500;
const PACKED = 8000;
const LONGEST_QUERY = 1000; // of a room that reads its own
export const LONGEST_TEXT = 20000;

/** @param {(string | number)[]} allowed @returns {(value: string) => string | number | undefined} */
const oneOf = (allowed) => (value) => allowed.find((one) => String(one) === value);
/** @param {number} low @param {number} high @returns {(value: string) => number | undefined} */
const whole = (low, high) => (value) =>
  /^-?\d{1,6}$/.test(value) ? Math.min(high, Math.max(low, Number(value))) : undefined;
/** @param {string} value */
const flag = (value) => (value === "1" ? true : value === "0" ? false : undefined);
/** @param {RegExp} pattern @returns {(value: string) => number[] | undefined} */
const numbers = (pattern) => (value) => (pattern.test(value) ? value.split(".").map(Number) : undefined);

/**
 * The name in the address, the key of the state, and how it is read. What cannot be read is left at its default: an
 * address is somebody else's text.
 * @type {[string, keyof State, (value: string) => unknown][]}
 */
const fields = [
  ["m", "pair", (value) => (/^[\w.-]{1,64}$/.test(value) ? value : undefined)],
  ["s", "sentence", whole(0, 99999)],
  ["kind", "kind", oneOf(["encoder", "decoder", "cross"])],
  ["layer", "layer", whole(-1, 99)],
  ["head", "head", whole(-1, 99)],
  ["heads", "heads", numbers(/^\d{1,2}(\.\d{1,2})*$/)],
  ["reduce", "reduce", oneOf(["head", "layer", "mean", "max", "rollout"])],
  ["picture", "picture", oneOf(["heatmap", "lines"])],
  ["words", "words", flag],
  ["special", "special", flag],
  ["padding", "padding", flag],
  ["stretch", "stretch", flag],
  ["threshold", "threshold", (value) => (/^0(\.\d{1,3})?$/.test(value) ? Number(value) : undefined)],
  ["upto", "step", whole(-1, 9999)],
  ["off", "off", (value) => (/^[edc]\d{1,2}\.\d{1,2}(,[edc]\d{1,2}\.\d{1,2})*$/.test(value) ? value : undefined)],
  ["w", "word", whole(-1, 9999)],
  ["k", "token", whole(-1, 9999)],
  ["fix", "fix", numbers(/^\d{1,6}(\.\d{1,6}){0,511}$/)],
  ["beam", "beam", whole(1, 16)],
  ["t", "text", (value) => value.slice(0, LONGEST_TEXT)],
];

/** Keys of the state that the address carries. */
export const addressKeys = new Set([
  ...fields.map(([, key]) => /** @type {string} */ (key)),
  "room",
  "story",
  "zoo",
  "train",
]);

/** Names that addresses of 0.1 had for the same. @type {Record<string, string>} */
const oldNames = { pair: "m", text: "t", sentence: "s", token: "k", step: "upto" };

/** The views of 0.1, as places. @type {Record<string, Partial<State>>} */
const oldViews = {
  translate: { room: "translate" },
  attention: { room: "inside" },
  effect: { room: "inside", story: "break" },
  inside: { room: "inside", story: "tokens" },
  model: { room: "translate", drawer: true },
};

/** @param {URLSearchParams} parameters @param {Record<string, string>} [names] @returns {Partial<State>} */
function readFields(parameters, names = {}) {
  /** @type {Record<string, unknown>} */
  const patch = {};
  for (const [name, given] of parameters) {
    const field = fields.find(([one]) => one === (names[name] ?? name));
    const value = field?.[2](given);
    if (field && value !== undefined) patch[field[1]] = value;
  }
  const language = parameters.get("ui");
  if (language === "en" || language === "zh") patch.language = language;
  return patch;
}

/** The room and the step of an address. @param {string} path as "inside/4-scores" @returns {Partial<State>} */
function readPlace(path) {
  const [room, step = ""] = path.split("/");
  if (room === "zoo" || room === "train") return { room, story: "" };
  if (room !== "inside") return { room: "translate", story: "" };
  const name = step.replace(/^\d+-/, "");
  return { room: "inside", story: steps.includes(name) ? name : "" };
}

/**
 * @param {string} hash as in location.hash
 * @returns {Partial<State>}
 */
export function readAddress(hash) {
  const text = hash.replace(/^#/, "");
  if (!text.startsWith("/")) {
    const parameters = new URLSearchParams(text);
    const view = oldViews[parameters.get("view") ?? ""] ?? {};
    return { ...view, ...readFields(parameters, oldNames) };
  }
  const [path, query = ""] = text.slice(1).split(/\?(.*)/s);
  const place = readPlace(path);
  const { room } = place;
  if (room !== "zoo" && room !== "train") return { ...place, ...readFields(new URLSearchParams(query)) };
  const { language } = readFields(new URLSearchParams(query));
  return { ...place, ...(language && { language }), [room]: query.slice(0, LONGEST_QUERY) };
}

/** The room and the step that an address names, and nothing else. @param {string} hash */
export function placeOf(hash) {
  const { room = "translate", story = "" } = readAddress(hash);
  return { room, story };
}

/** @param {Pick<State, "room" | "story">} place @returns {string} the path of its address */
export function pathOf({ room, story }) {
  if (room === "zoo") return "#/zoo/scores";
  return room === "inside" && story ? `#/inside/${steps.indexOf(story) + 1}-${story}` : `#/${room}`;
}

/**
 * @param {State} state
 * @returns {string} the place, and what differs from the initial state
 */
export function writeAddress(state) {
  const { room } = state;
  if (room === "zoo" || room === "train") return `${pathOf(state)}${state[room] ? `?${state[room]}` : ""}`;
  const parameters = new URLSearchParams();
  const { text } = state;
  for (const [name, key] of fields) {
    const value = state[key];
    if (Array.isArray(value) ? value.length === 0 : value === initialState[key]) continue;
    if (key === "text" && (text === state.example || text.length > PLAIN)) continue;
    parameters.set(
      name,
      typeof value === "boolean" ? String(Number(value)) : Array.isArray(value) ? value.join(".") : String(value),
    );
  }
  return `${pathOf(state)}${parameters.size > 0 ? `?${parameters}` : ""}`;
}

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** @param {string} text */
const fromBase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

/** @param {Uint8Array<ArrayBuffer>} bytes @param {ReadableWritablePair<any, any>} through */
async function piped(bytes, through) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(through)).arrayBuffer());
}

/** Whether a room is about the text, so that its address has it. @param {Pick<State, "room">} place */
export const hasText = ({ room }) => room !== "zoo" && room !== "train";

/**
 * What carries a text that is too long to stand in the address as it is.
 * @param {string} text
 * @returns {Promise<string>} "&z=..."; empty where none is needed, or where the text is too long even so
 */
export async function packedText(text) {
  if (text.length <= PLAIN) return "";
  const packed = toBase64(await piped(new TextEncoder().encode(text), new CompressionStream("deflate-raw")));
  return packed.length > PACKED ? "" : `&z=${packed}`;
}

/**
 * The text that an address carries packed.
 * @param {string} hash
 * @returns {Promise<string | undefined>}
 */
export async function unpackedText(hash) {
  const packed = new URLSearchParams(hash.split(/\?(.*)/s)[1] ?? "").get("z");
  if (!packed) return undefined;
  try {
    const bytes = await piped(fromBase64(packed), new DecompressionStream("deflate-raw"));
    return new TextDecoder().decode(bytes).slice(0, LONGEST_TEXT);
  } catch {
    return undefined; // cut off on its way, or never ours
  }
}
