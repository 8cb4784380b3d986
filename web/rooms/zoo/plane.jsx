// The plane: a query, five keys and, where they are apart, five values, which the reader drags; and what comes of them.

import { useRef } from "preact/hooks";
import { signed } from "../../strings.js";
import { useWidth, useWords } from "../../ui.jsx";
import { clamp, FAR } from "./settings.js";

/** @typedef {import("./settings.js").Point} Point */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("../../../src/js/lab/index.js").Attended} Attended */
/** @typedef {{kind: "query" | "key" | "value", at: number, point: Point}} Handle */

const ROOM = 0.35; // of the plane beyond FAR, for names at its edge
const STEP = 0.1;
const BIG_STEP = 0.5;
const MOST_WIDE = 480; // pixels

/** @type {Record<string, Point>} */
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @param {Settings} settings @returns {Handle[]} the query last, so that it lies above */
const handlesOf = ({ query, keys, values }) => [
  ...(values ?? []).map((point, at) => ({ kind: /** @type {const} */ ("value"), at, point })),
  ...keys.map((point, at) => ({ kind: /** @type {const} */ ("key"), at, point })),
  { kind: "query", at: 0, point: query },
];

/** Settings with a handle elsewhere. @param {Settings} settings @param {Handle} handle @param {Point} to @returns {Settings} */
function moved(settings, { kind, at }, to) {
  const point = /** @type {Point} */ (to.map(clamp));
  if (kind === "query") return { ...settings, query: point };
  const put = (/** @type {Point[]} */ list) => list.map((one, i) => (i === at ? point : one));
  return kind === "key"
    ? { ...settings, keys: put(settings.keys) }
    : { ...settings, values: put(settings.values ?? []) };
}

/** @param {Handle} handle */
const nameOf = ({ kind, at }) => (kind === "query" ? "q" : `${kind === "key" ? "k" : "v"}${"₁₂₃₄₅"[at]}`);

/** The axes, and a line for each whole number. @param {{place: (value: Point) => Point, to: number}} props */
function Grid({ place, to }) {
  const lines = Array.from({ length: 2 * FAR + 1 }, (_, i) => i - FAR);
  return (
    <g class="grid" aria-hidden="true">
      {lines.map((at) => {
        const [x, y] = place([at, at]);
        const name = at === 0 ? "axis" : "";
        return (
          <g key={at}>
            <line class={name} x1={x} x2={x} y1={0} y2={to} />
            <line class={name} x1={0} x2={to} y1={y} y2={y} />
          </g>
        );
      })}
    </g>
  );
}

/**
 * @param {object} props
 * @param {Settings} props.settings
 * @param {Attended | null} props.found
 * @param {number} props.chosen a key
 * @param {(settings: Settings) => void} props.onmove
 * @param {(key: number) => void} props.onchoose
 */
export function Plane({ settings, found, chosen, onmove, onchoose }) {
  const { t } = useWords();
  const [box, width] = useWidth();
  const held = useRef(/** @type {{id: number, off: Point} | null} */ (null));
  const side = Math.max(200, Math.min(MOST_WIDE, width));
  const unit = side / (2 * (FAR + ROOM));
  /** @param {Point} point @returns {Point} */
  const place = ([x, y]) => [side / 2 + x * unit, side / 2 - y * unit];
  const [cx, cy] = place([0, 0]);
  const mixed = settings.values ?? settings.keys;
  const weights = found?.weights[0] ?? [];
  const output = found && place(/** @type {Point} */ (found.output[0]));
  /** Where the pointer is, in the plane. @param {PointerEvent} event @returns {Point} */
  const at = (event) => {
    const frame = /** @type {Element} */ (event.currentTarget).closest("svg")?.getBoundingClientRect() ?? new DOMRect();
    return [(event.clientX - frame.left - cx) / unit, (cy - (event.clientY - frame.top)) / unit];
  };
  /** @param {Handle} handle @param {PointerEvent} event */
  const take = (handle, event) => {
    if (event.button !== 0) return;
    const [x, y] = at(event);
    held.current = { id: event.pointerId, off: [handle.point[0] - x, handle.point[1] - y] };
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    if (handle.kind !== "query") onchoose(handle.at);
  };
  /** @param {Handle} handle @param {PointerEvent} event */
  const drag = (handle, event) => {
    if (held.current?.id !== event.pointerId) return;
    const [[x, y], { off }] = [at(event), held.current];
    onmove(moved(settings, handle, [x + off[0], y + off[1]]));
  };
  const drop = () => {
    held.current = null;
  };
  /** @param {Handle} handle @param {KeyboardEvent} event */
  const press = (handle, event) => {
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const step = event.shiftKey ? BIG_STEP : STEP;
    onmove(moved(settings, handle, [handle.point[0] + way[0] * step, handle.point[1] + way[1] * step]));
  };
  return (
    <div ref={box} class="plane-box">
      <svg
        class="plane"
        width={side}
        height={side}
        viewBox={`0 0 ${side} ${side}`}
        role="group"
        aria-label={t("plane")}
      >
        <rect class="paper" width={side} height={side} />
        <Grid {...{ place }} to={side} />
        {output &&
          mixed.map((point, i) => {
            const [x, y] = place(point);
            return (
              <line
                key={i}
                class="share"
                x1={x}
                y1={y}
                x2={output[0]}
                y2={output[1]}
                stroke-width={8 * weights[i]}
                visibility={weights[i] > 0.005 ? "visible" : "hidden"}
              />
            );
          })}
        {handlesOf(settings).map((handle) => {
          const { kind, at: i, point } = handle;
          const [x, y] = place(point);
          const name = nameOf(handle);
          const weight = kind === "key" ? (weights[i] ?? 0) : 0;
          return (
            <g
              key={name}
              class={`handle ${kind}${kind === "key" && i === chosen ? " chosen" : ""}`}
              role="slider"
              tabIndex={0}
              aria-label={t(kind === "query" ? "queryHandle" : kind === "key" ? "keyHandle" : "valueHandle", {
                n: i + 1,
              })}
              aria-roledescription={t("handleIs")}
              aria-valuemin={-FAR}
              aria-valuemax={FAR}
              aria-valuenow={point[0]}
              aria-valuetext={`${signed(point[0], 2)}, ${signed(point[1], 2)}`}
              data-handle={name}
              onPointerDown={(event) => take(handle, event)}
              onPointerMove={(event) => drag(handle, event)}
              onPointerUp={drop}
              onPointerCancel={drop}
              onFocus={() => kind !== "query" && onchoose(i)}
              onKeyDown={(event) => press(handle, event)}
            >
              {kind !== "value" && <line class="shaft" x1={cx} y1={cy} x2={x} y2={y} />}
              <circle class="touch" cx={x} cy={y} r={20} />
              {kind === "key" && <circle class="halo" cx={x} cy={y} r={6 + 22 * Math.sqrt(weight)} />}
              {kind === "value" ? (
                <rect class="point" x={x - 6} y={y - 6} width={12} height={12} />
              ) : (
                <circle class="point" cx={x} cy={y} r={kind === "query" ? 8 : 6} />
              )}
              <text x={x + 11} y={y - 9}>
                {name}
              </text>
            </g>
          );
        })}
        {output && (
          <g class="output" aria-hidden="true">
            <path d={`M${output[0]} ${output[1] - 9}l9 9-9 9-9-9z`} />
            <text x={output[0] + 12} y={output[1] + 16}>
              c
            </text>
          </g>
        )}
      </svg>
    </div>
  );
}
