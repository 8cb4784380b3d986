// Horizontal bars with a name on the left and a number on the right; each may be chosen.

import { h, roving, s } from "./dom.js";
import { shorten, textWidth } from "./labels.js";

/**
 * @typedef {object} Bar
 * @property {string} name
 * @property {number} value
 * @property {string} number as it is written
 * @property {boolean} [fixed] cannot be chosen
 * @property {string} [label] for screen readers, in place of name and number
 */

/**
 * @typedef {object} BarsOptions
 * @property {string} label
 * @property {Bar[]} bars
 * @property {number} width pixels at hand
 * @property {number} [largest] value of the longest bar; default the largest there is
 * @property {number} [chosen]
 * @property {(at: number) => void} [onpick]
 */

const STEP = 25;
const MENU = 34; // pixels at the right end, where the figure has its menu

/** @param {BarsOptions} options */
export function bars({ label, bars: items, width, largest, chosen = -1, onpick }) {
  const longest = largest ?? Math.max(1e-9, ...items.map((one) => Math.abs(one.value)));
  const left = Math.ceil(Math.max(30, ...items.map((one) => textWidth(shorten(one.name)))) + 16);
  const right = Math.ceil(Math.max(30, ...items.map((one) => textWidth(one.number))) + 10);
  const most = Math.max(60, Math.min(width - left - right - MENU, 420));
  const all = left + most + right;
  const tall = items.length * STEP + 2;
  const svg = s("svg", {
    width: all,
    height: tall,
    viewBox: `0 0 ${all} ${tall}`,
    class: "bars",
    role: "group",
    "aria-label": label,
  });
  items.forEach((one, i) => {
    const y = i * STEP + 1;
    const long = Math.max(1, (most * Math.abs(one.value)) / longest);
    const pick = onpick && !one.fixed ? () => onpick(i) : null;
    svg.append(
      s(
        "g",
        {
          class: `bar${i === chosen ? " chosen" : ""}${one.value < 0 ? " negative" : ""}${pick ? " open" : ""}`,
          role: pick ? "button" : "img",
          tabindex: pick ? (i === Math.max(0, chosen) ? "0" : "-1") : null,
          "aria-pressed": pick ? String(i === chosen) : null,
          "aria-label": one.label ?? `${one.name} ${one.number}`,
          "data-at": i,
          "data-value": one.value,
          onclick: pick,
          onkeydown: pick
            ? (/** @type {KeyboardEvent} */ event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                pick();
              }
            : null,
        },
        s("rect", { class: "row", x: 0, y, width: all, height: STEP - 1, rx: 3 }),
        s("text", { x: left - 8, y: y + STEP / 2, dy: "0.35em", "text-anchor": "end" }, shorten(one.name)),
        s("rect", { class: "value", x: left, y: y + 5, width: long, height: STEP - 11, rx: 1 }),
        s("text", { x: left + long + 7, y: y + STEP / 2, dy: "0.35em", class: "tick" }, one.number),
      ),
    );
  });
  if (onpick) roving(svg, ".bar.open");
  return svg;
}

/**
 * @param {Bar[]} items
 * @param {string} caption
 */
export function barsTable(items, caption) {
  return h(
    "table",
    {},
    h("caption", {}, caption),
    h("tbody", {}, ...items.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, one.number)))),
  );
}
