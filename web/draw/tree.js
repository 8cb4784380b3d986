// Hypotheses as a tree: what they have in common is drawn once.

import { linkHorizontal } from "d3-shape";
import { s } from "./dom.js";
import { shorten, textWidth } from "./labels.js";

/** @typedef {{text: string, id: number, logProbability: number}} TreeToken */
/** @typedef {{token: TreeToken, children: Node_[], x: number, y: number, best: boolean}} Node_ */

const STEP = 26;
const link = linkHorizontal();

/** Room for a token in bold. @param {{text: string}} token */
const widthOf = ({ text }) => 1.12 * textWidth(shorten(text));

/**
 * @param {{hypotheses: TreeToken[][], label: string}} options best first
 */
export function tree({ hypotheses, label }) {
  /** @type {Node_} */
  const top = { token: { text: "‹s›", id: -1, logProbability: 0 }, children: [], x: 0, y: 0, best: true };
  hypotheses.forEach((tokens, rank) => {
    let at = top;
    for (const token of tokens) {
      let next = at.children.find((one) => one.token.id === token.id);
      if (!next) {
        next = { token, children: [], x: 0, y: 0, best: rank === 0 };
        at.children.push(next);
      }
      at = next;
    }
  });
  let leaf = 0;
  let far = 0;
  /** @param {Node_} node @param {number} x */
  const place = (node, x) => {
    node.x = x;
    const wide = widthOf(node.token) + 28;
    far = Math.max(far, x + wide);
    for (const child of node.children) place(child, x + wide);
    node.y = node.children.length > 0 ? node.children[0].y : (leaf++ + 0.5) * STEP;
  };
  place(top, 6);
  const tall = leaf * STEP + 4;
  const svg = s("svg", {
    width: far,
    height: tall,
    viewBox: `0 0 ${far} ${tall}`,
    class: "tree",
    role: "img",
    "aria-label": label,
  });
  /** @param {Node_} node */
  const draw = (node) => {
    for (const child of node.children) {
      const from = /** @type {[number, number]} */ ([node.x + widthOf(node.token) + 4, node.y]);
      const strength = 0.7 + 2.3 * Math.exp(child.token.logProbability);
      svg.append(
        s("path", {
          d: link({ source: from, target: [child.x - 4, child.y] }),
          class: child.best ? "branch best" : "branch",
          "stroke-width": strength,
          "data-value": child.token.logProbability,
        }),
      );
      draw(child);
    }
    svg.append(
      s("text", { x: node.x, y: node.y, dy: "0.35em", class: node.best ? "best" : "" }, shorten(node.token.text)),
    );
  };
  draw(top);
  return svg;
}
