// Three guided experiments: what each sets, and what is said at its end from the figures of its own run.

import { plain, start } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./run.js").Run} Run */

/** @type {Record<string, Settings>} */
export const experiments = {
  positions: { ...start, steps: 1000, two: true, b: { ...plain, positions: false } },
  heads: { ...start, task: "sort", steps: 1500, two: true, a: { ...plain, heads: 1 } },
  recurrent: {
    ...start,
    longest: 16,
    steps: 1500,
    two: true,
    a: { ...plain, kind: "recurrent" },
    b: { ...plain, kind: "bare" },
  },
};

/** The last figures of a run. @param {Run} run */
export function figuresOf(run) {
  const last = run.points.items.findLast((point) => point.exact !== undefined);
  const right = run.right.length > 0 ? Math.max(...run.right) : null;
  return { exact: last?.exact ?? 0, loss: last?.heldOut ?? Number.NaN, right };
}

const NEAR = 0.05; // shares that differ by less are called alike

/** Which run is right more often. @param {Run} a @param {Run} b @returns {"endA" | "endB" | "endAlike"} */
export function verdict(a, b) {
  const difference = figuresOf(a).exact - figuresOf(b).exact;
  return Math.abs(difference) < NEAR ? "endAlike" : difference > 0 ? "endA" : "endB";
}
