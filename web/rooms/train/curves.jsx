// Curves of a training: losses, and what is right, of one run or of two.

import { useWidth } from "../../ui.jsx";
import { useTrainWords } from "./words.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./run.js").Point} Point */

const TALL = 150;
const LEFT = 46;
const BELOW = 20;
const ABOVE = 8;

/** @typedef {{key: keyof Point, name: string, of?: number}} Line */

/**
 * @param {object} props
 * @param {string} props.label
 * @param {Run[]} props.runs
 * @param {Line[]} props.lines
 * @param {number} props.most at the top
 * @param {boolean} [props.shares] whether they are percentages
 * @param {number} props.steps
 * @param {number | null} [props.at] the step that the scrubber is at
 */
function Curve({ label, runs, lines, most, shares = false, steps, at }) {
  const [box, width] = useWidth();
  const wide = Math.max(200, width);
  /** @param {number} step */
  const x = (step) => LEFT + (step / steps) * (wide - LEFT - 8);
  /** @param {number} value */
  const y = (value) => ABOVE + (1 - Math.min(1, value / most)) * (TALL - ABOVE - BELOW);
  /** @param {Run} run @param {Line} line */
  const path = (run, { key, of = 1 }) =>
    run.points.items
      .filter((point) => point[key] !== undefined)
      .map((point) => `${x(point.step).toFixed(1)},${y(Number(point[key]) / of).toFixed(1)}`)
      .join(" ");
  return (
    <div ref={box} class="curve-box">
      <svg class="curve" width={wide} height={TALL} viewBox={`0 0 ${wide} ${TALL}`} role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={LEFT} x2={wide - 8} y1={y(share * most)} y2={y(share * most)} />
            <text class="tick" x={LEFT - 6} y={y(share * most) + 4} text-anchor="end">
              {shares ? `${share * 100} %` : (share * most).toFixed(1)}
            </text>
          </g>
        ))}
        {[0, 0.5, 1].map((share) => (
          <text key={share} class="tick" x={x(share * steps)} y={TALL - 4} text-anchor={share === 1 ? "end" : "middle"}>
            {Math.round(share * steps)}
          </text>
        ))}
        {runs.flatMap((run, i) =>
          run.falls.map(({ step, rate }) => (
            <line key={`${i}-${step}`} class="fall" x1={x(step)} x2={x(step)} y1={ABOVE} y2={TALL - BELOW}>
              <title>{`${step}: ${rate}`}</title>
            </line>
          )),
        )}
        {at !== null && at !== undefined && <line class="now" x1={x(at)} x2={x(at)} y1={ABOVE} y2={TALL - BELOW} />}
        {runs.map((run, i) =>
          lines.map((line) => (
            <polyline key={`${i}-${line.key}`} class={`line ${line.key} run-${i}`} points={path(run, line)} />
          )),
        )}
      </svg>
    </div>
  );
}

/**
 * The lines with what they say now, or where the scrubber is.
 * @param {{runs: Run[], lines: Line[], shares?: boolean, at: number | null}} props
 */
function Legend({ runs, lines, shares = false, at }) {
  const two = runs.length > 1;
  /** @param {Run} run @param {Line} line */
  const value = (run, { key, of = 1 }) => {
    const point = run.points.items.findLast((one) => one[key] !== undefined && (at === null || one.step <= at));
    const number = point ? Number(point[key]) / of : null;
    return number === null ? "–" : shares ? `${Math.round(number * 100)} %` : number.toFixed(3);
  };
  return (
    <ul class="curve-legend">
      {lines.map((line) => (
        <li key={line.key}>
          <svg width="22" height="8" aria-hidden="true">
            <line class={`line ${line.key}`} x1="0" x2="22" y1="4" y2="4" />
          </svg>
          {line.name} <span class="value">{runs.map((run) => value(run, line)).join(" | ")}</span>
        </li>
      ))}
      {two && <li>A —— &nbsp; B - -</li>}
    </ul>
  );
}

/** @param {{runs: Run[], steps: number, at: number | null, pairs: boolean, rule: boolean}} props */
export function Curves({ runs, steps, at, pairs, rule }) {
  const { t } = useTrainWords();
  const losses = runs.flatMap((run) => run.points.items.slice(0, 4).map((point) => point.loss));
  const most = Math.max(1, Math.ceil(Math.max(0, ...losses)));
  /** @type {Line[]} */
  const shares = [
    { key: "exact", name: t("exactLine") },
    ...(pairs ? [{ key: /** @type {const} */ ("bleu"), name: "BLEU", of: 100 }] : []),
    ...(rule ? [{ key: /** @type {const} */ ("right"), name: t("rightLine") }] : []),
  ];
  /** @type {Line[]} */
  const lossLines = [
    { key: "loss", name: t("lossLine") },
    { key: "heldOut", name: t("heldOutLine") },
  ];
  const falls = runs.flatMap((run) => run.falls);
  return (
    <div class="curves">
      <Curve label={t("lossCurve")} lines={lossLines} {...{ runs, most, steps, at }} />
      <Legend lines={lossLines} {...{ runs, at }} />
      <Curve label={t("shareCurve")} lines={shares} most={1} shares {...{ runs, steps, at }} />
      <Legend lines={shares} shares {...{ runs, at }} />
      {falls.length > 0 && (
        <p class="help falls">
          {t("fell", { steps: falls.map(({ step, rate }) => `${step} → ${Number(rate.toPrecision(2))}`).join(", ") })}
        </p>
      )}
    </div>
  );
}
