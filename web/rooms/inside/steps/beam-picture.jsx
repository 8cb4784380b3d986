// Beginnings as they race: a column a step, those that were kept joined to where they came from, the dropped ones faint.

import { linkHorizontal } from "d3-shape";
import { readable } from "../../../draw/pieces.js";
import { shorten, textWidth } from "../../../draw/labels.js";
import { signed } from "../../../strings.js";
import { Figure, useWords } from "../../../ui.jsx";
import { h } from "../../../draw/dom.js";

/** @typedef {import("./beam.js").BeamRun} BeamRun */

const LINE = 24;
const GAP = 34;
const link = linkHorizontal();

/** @param {{run: BeamRun, shown: number}} props shown: how many steps */
export function BeamPicture({ run, shown }) {
  const { t } = useWords();
  const steps = run.steps.slice(0, shown);
  /** @type {number[]} */
  const lefts = [];
  let x = 8;
  for (const found of run.steps) {
    lefts.push(x);
    x += Math.max(...found.map((one) => textWidth(shorten(readable(one.piece))))) + 16 + GAP;
  }
  const wide = x;
  const most = Math.max(1, ...run.steps.map((found) => found.length));
  const tall = most * LINE + 30;
  /** Which beginnings the best translation goes through. */
  const best = new Set();
  run.finished[0]?.ids.forEach((_, depth) => {
    const ids = /** @type {number[]} */ (run.finished[0].ids).slice(0, depth + 1);
    let parent = -1;
    for (const [k, id] of ids.entries()) {
      const at = run.steps[k]?.findIndex((one) => one.id === id && (k === 0 || one.parent === parent));
      if (at === undefined || at < 0) return;
      if (k === depth) best.add(`${k} ${at}`);
      parent = run.steps[k][at].place;
    }
  });
  const what = t("beamTitle");
  const table = () =>
    h(
      "table",
      {},
      h("caption", {}, what),
      h(
        "tbody",
        {},
        ...run.steps.flatMap((found, k) =>
          found.map((one) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, `${k + 1} ${readable(one.piece)}`),
              h("td", {}, signed(one.sum / (k + 1))),
              h("td", {}, one.fate === "ended" ? t("endsHere") : one.fate === "dropped" ? t("dropped") : ""),
            ),
          ),
        ),
      ),
    );
  return (
    <Figure name="glossa-beam" what={what} table={table} json={() => run}>
      <div class="picture beam-scroll" tabIndex={0} role="region" aria-label={what}>
        <svg width={wide} height={tall} viewBox={`0 0 ${wide} ${tall}`} role="img" aria-label={what} class="tree beam">
          {steps.map((found, k) => (
            <g key={k}>
              <text class="tick" x={lefts[k]} y={14}>
                {k + 1}
              </text>
              {found.map((one, i) => {
                const y = 30 + (i + 0.5) * LINE;
                const before = run.steps[k - 1] ?? [];
                const from = before.findIndex((other) => other.fate === "kept" && other.place === one.parent);
                const name = shorten(readable(one.piece));
                const on = best.has(`${k} ${i}`);
                const start = from >= 0 ? lefts[k - 1] + textWidth(shorten(readable(before[from].piece))) + 8 : 0;
                return (
                  <g key={i} class={`beginning ${one.fate}${on ? " best" : ""}`}>
                    {from >= 0 && (
                      <path
                        class={on ? "branch best" : "branch"}
                        d={link({ source: [start, 30 + (from + 0.5) * LINE], target: [lefts[k] - 4, y] }) ?? ""}
                        stroke-width={0.7 + 2.3 * Math.exp(one.logProbability)}
                        data-value={one.logProbability}
                      />
                    )}
                    <text class={on ? "best" : ""} x={lefts[k]} y={y} dy="0.35em">
                      {name}
                      <title>{`${signed(one.sum / (k + 1))}${one.fate === "dropped" ? `, ${t("dropped")}` : ""}`}</title>
                    </text>
                  </g>
                );
              })}
            </g>
          ))}
        </svg>
      </div>
    </Figure>
  );
}
