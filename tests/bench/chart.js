// The chart of a result: words a second of every engine, one group of bars a model.

import { spread } from "./statistics.js";

const LEFT = 210;
const WIDTH = 760;
const BAR = 18;
const GAP = 6;

const escaped = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** @param {import("./report.js").Result} result @returns {string} */
export function chart({ speeds, date }) {
  /** @type {string[]} */
  const shapes = [];
  let y = 34;
  for (const { part, speeds: entries } of speeds) {
    const all = entries.map(({ name, peer, rates }) => ({ name, peer, ...spread(rates) }));
    const largest = Math.max(...all.map(({ most }) => most));
    const scale = (/** @type {number} */ rate) => (rate / largest) * (WIDTH - LEFT - 60);
    shapes.push(`<text x="8" y="${y + 14}" class="group">${escaped(part)}</text>`);
    y += 24;
    for (const { name, peer, median, least, most } of all.sort((a, b) => b.median - a.median)) {
      const [middle, end] = [y + BAR / 2, LEFT + scale(median)];
      shapes.push(
        `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${scale(median).toFixed(1)}" height="${BAR}" class="${peer ? "peer" : "own"}"/>`,
        `<path d="M${(LEFT + scale(least)).toFixed(1)} ${middle}H${(LEFT + scale(most)).toFixed(1)}" class="range"/>`,
        `<text x="${Math.max(end, LEFT + scale(most)) + 6}" y="${middle + 4}">${median.toFixed(0)}</text>`,
      );
      y += BAR + GAP;
    }
    y += 14;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="Words a second by engine">
<style>
  text { font: 12px system-ui, sans-serif; fill: #222 }
  .group { font-weight: 600 }
  .own { fill: #2f6f9f }
  .peer { fill: #b3aca1 }
  .range { stroke: #222; stroke-width: 1.5 }
</style>
<rect width="${WIDTH}" height="${y}" fill="#fff"/>
<text x="8" y="20" class="group">Words a second, one thread, in batches; median, least and most (${escaped(date)})</text>
${shapes.join("\n")}
</svg>
`;
}
