// Beginnings as they race: a column a step, those that were kept joined to where they came from, the dropped ones faint.

import { linkHorizontal } from "d3-shape";
import { useLayoutEffect, useRef } from "preact/hooks";
import { readable } from "../../../draw/pieces.js";
import { shorten, textWidth } from "../../../draw/labels.js";
import { signed } from "../../../strings.js";
import { Figure, useWords } from "../../../ui.jsx";
import { h } from "../../../draw/dom.js";
import { bestWay } from "./beam.js";

/** @typedef {import("../../../../src/js/types.js").SentenceExplanation} SentenceExplanation */

const LINE = 24;
const GAP = 34;
const DROPPED = 3; // branches of a step that are shown though nothing became of them
const link = linkHorizontal();

/** @param {{explanation: SentenceExplanation, width: number, shown: number}} props shown: how many steps */
export function BeamPicture({ explanation, width, shown }) {
  const { t } = useWords();
  const all = (explanation.beams ?? []).map((found) =>
    found.map((one, at) => ({ ...one, at })).filter(({ at, fate }) => fate !== "dropped" || at < width + DROPPED),
  );
  const steps = all.slice(0, shown);
  /** @type {number[]} */
  const lefts = [];
  let x = 8;
  for (const found of all) {
    lefts.push(x);
    x += Math.max(...found.map((one) => textWidth(shorten(readable(one.piece))))) + 16 + GAP;
  }
  const wide = x;
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  // The step that is shown last is in sight.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box) box.scrollLeft = (lefts[steps.length] ?? wide) - box.clientWidth;
  }, [shown, explanation]);
  const most = Math.max(1, ...all.map((found) => found.length));
  const tall = most * LINE + 30;
  const way = bestWay(explanation);
  const what = t("beamTitle");
  const table = () =>
    h(
      "table",
      {},
      h("caption", {}, what),
      h(
        "tbody",
        {},
        ...all.flatMap((found, k) =>
          found.map((one) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, `${k + 1} ${readable(one.piece)}`),
              h("td", {}, signed(one.score)),
              h("td", {}, one.fate === "finished" ? t("endsHere") : one.fate === "dropped" ? t("dropped") : ""),
            ),
          ),
        ),
      ),
    );
  return (
    <Figure
      name="glossa-beam"
      what={what}
      table={table}
      json={() => ({ width, steps: explanation.beams, translations: explanation.hypotheses })}
    >
      <div class="picture beam-scroll" ref={scroller} tabIndex={0} role="region" aria-label={what}>
        <svg width={wide} height={tall} viewBox={`0 0 ${wide} ${tall}`} role="img" aria-label={what} class="tree beam">
          {steps.map((found, k) => (
            <g key={k}>
              <text class="tick" x={lefts[k]} y={14}>
                {k + 1}
              </text>
              {found.map((one, i) => {
                const y = 30 + (i + 0.5) * LINE;
                const before = all[k - 1] ?? [];
                const from = before.findIndex((other) => other.at === one.parent);
                const name = shorten(readable(one.piece));
                const on = way[k] === one.at;
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
                      <title>{`${signed(one.score)}${one.fate === "dropped" ? `, ${t("dropped")}` : ""}`}</title>
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
