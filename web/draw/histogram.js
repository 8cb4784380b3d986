// How often values occur.

import { scaleLinear } from "d3-scale";
import { s } from "./dom.js";

const TALL = 150;

/**
 * @param {{counts: number[], low: number, high: number, label: string, width: number}} options
 */
export function histogram({ counts, low, high, label, width }) {
  const wide = Math.min(560, width);
  const svg = s("svg", {
    width: wide,
    height: TALL + 24,
    viewBox: `0 0 ${wide} ${TALL + 24}`,
    class: "histogram",
    role: "img",
    "aria-label": label,
  });
  const y = scaleLinear([0, Math.max(1, ...counts)], [0, TALL - 4]);
  const step = (wide - 20) / counts.length;
  counts.forEach((n, i) => {
    const tall = y(n);
    svg.append(
      s("rect", {
        class: "value",
        x: 10 + i * step,
        y: TALL - tall,
        width: Math.max(0.5, step - 1),
        height: tall,
        "data-value": n,
      }),
    );
  });
  const x = scaleLinear([low, high], [10, wide - 10]);
  for (const tick of high > low ? x.ticks(5) : [low]) {
    svg.append(s("text", { class: "tick", x: x(tick), y: TALL + 16, "text-anchor": "middle" }, String(tick)));
  }
  svg.append(s("line", { class: "base", x1: 10, x2: wide - 10, y1: TALL + 0.5, y2: TALL + 0.5 }));
  return svg;
}
