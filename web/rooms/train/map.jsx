// The attention of one held-out example: a picture of the chosen head, and all heads in small.

import { useLayoutEffect, useRef } from "preact/hooks";
import { paint } from "../../draw/colour.js";
import { useDark, useRoving } from "../../ui.jsx";
import { rightColumns } from "./rules.js";
import { useTrainWords } from "./words.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./history.js").Frame} Frame */

/** @param {string} token */
const shown = (token) => (token === "</s>" ? "■" : token.replace("▁", "␣"));

/** One head of a picture. @param {Run} run @param {Frame} frame @param {number} head of all layers */
function weightsOf({ shape }, { data }, head) {
  const size = (shape?.target.length ?? 0) * (shape?.source.length ?? 0);
  return Float32Array.from(data.subarray(head * size, (head + 1) * size), (one) => one / 255);
}

/** @param {{run: Run, frame: Frame, head: number, class: string}} props */
function Painted({ run, frame, head, class: name }) {
  const dark = useDark();
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    const { shape } = run;
    if (!canvas.current || !shape) return;
    paint(canvas.current, weightsOf(run, frame, head), shape.target.length, shape.source.length, { dark });
  }, [frame, head, dark, run]);
  return <canvas ref={canvas} class={name} aria-hidden="true" />;
}

/** @param {{run: Run, frame: Frame, head: number, name: string, onhead: (head: number) => void}} props */
export function Forming({ run, frame, head, name, onhead }) {
  const { t } = useTrainWords();
  const roving = useRoving("button");
  const { shape } = run;
  if (!shape) return null;
  const { source, target, names, heads } = shape;
  const chosen = Math.min(head, names.length * heads - 1);
  const cell = Math.max(6, Math.min(28, Math.floor((name ? 238 : 336) / Math.max(source.length, target.length))));
  const weights = weightsOf(run, frame, chosen);
  const [from, to] = [source.slice(0, -1), target.slice(0, -1)];
  const best = (/** @type {number} */ row) => {
    const one = weights.subarray(row * source.length, (row + 1) * source.length);
    return one.indexOf(Math.max(...one));
  };
  const where = { layer: Math.floor(chosen / heads) + 1, head: (chosen % heads) + 1 };
  return (
    <div class="forming">
      <div
        class="map"
        role="img"
        aria-label={`${t("mapOf", { name, ...where, step: frame.step })} ${to
          .map((one, row) => `${shown(one)} → ${shown(source[best(row)])}`)
          .join(", ")}`}
        style={{ "--cell": `${cell}px`, "--rows": target.length, "--columns": source.length }}
      >
        <div class="map-columns" aria-hidden="true">
          {source.map((one, i) => (
            <span key={i}>{shown(one)}</span>
          ))}
        </div>
        <div class="map-rows" aria-hidden="true">
          {target.map((one, i) => (
            <span key={i}>{shown(one)}</span>
          ))}
        </div>
        <Painted {...{ run, frame }} head={chosen} class="map-cells" />
        <svg
          class="map-right"
          aria-hidden="true"
          viewBox={`0 0 ${source.length} ${target.length}`}
          preserveAspectRatio="none"
        >
          {to.flatMap((_, row) =>
            rightColumns(run.settings.task, from, to, row).map((column) => (
              <rect key={`${row}-${column}`} x={column + 0.06} y={row + 0.06} width={0.88} height={0.88} />
            )),
          )}
        </svg>
      </div>
      <div class="train-heads" role="group" aria-label={t("headsOf", { name })} ref={roving} data-columns={heads}>
        {Array.from({ length: names.length * heads }, (_, i) => (
          <button
            key={i}
            type="button"
            aria-pressed={i === chosen}
            aria-label={t("headName", { layer: Math.floor(i / heads) + 1, head: (i % heads) + 1 })}
            title={t("headName", { layer: Math.floor(i / heads) + 1, head: (i % heads) + 1 })}
            tabIndex={i === chosen ? 0 : -1}
            onClick={() => onhead(i)}
          >
            <Painted {...{ run, frame }} head={i} class="thumb" />
          </button>
        ))}
      </div>
    </div>
  );
}
