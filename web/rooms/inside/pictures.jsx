// Small pictures that many steps share.

import { bars, barsTable } from "../../draw/bars.js";
import { heatmap } from "../../draw/heatmap.js";
import { matrixTable } from "../../draw/labels.js";
import { Drawn, Figure, useDark, useWidth, useWords } from "../../ui.jsx";

/** @typedef {import("../../draw/bars.js").Bar} Bar */
/** @typedef {import("../../attention.js").Label} Label */

/**
 * Horizontal bars with their menu.
 * @param {object} props
 * @param {string} props.name of the files
 * @param {string} props.what
 * @param {Bar[]} props.items
 * @param {number} [props.largest] value of the longest bar
 * @param {number} [props.chosen]
 * @param {(at: number) => void} [props.onpick]
 * @param {"query" | "key" | "values" | "source" | "target"} [props.hue]
 */
export function BarsFigure({ name, what, items, largest, chosen, onpick, hue }) {
  const [box, width] = useWidth();
  const key = JSON.stringify(items.map((one) => [one.name, one.value, one.number, one.fixed]));
  return (
    <div ref={box} class={`bars-figure ${hue ?? ""}`}>
      <h3>{what}</h3>
      <Figure
        {...{ name, what }}
        table={() => barsTable(items, what)}
        json={() => items.map(({ name: of, value }) => ({ name: of, value }))}
      >
        <Drawn
          make={() => bars({ label: what, bars: items, width: Math.min(560, width), largest, chosen, onpick })}
          of={[key, width, chosen, largest, what]}
        />
      </Figure>
    </div>
  );
}

/**
 * A vector as thin bars, up and down.
 * @param {{name: string, what: string, values: ArrayLike<number>, hue?: string, most?: number, tall?: number}} props most: the value that fills half of the height
 */
export function Vector({ name, what, values, hue = "value", most, tall = 74 }) {
  const [box, width] = useWidth();
  const all = Array.from(values);
  const wide = Math.max(200, Math.min(640, width));
  const step = wide / Math.max(1, all.length);
  const high = most ?? Math.max(1e-9, ...all.map(Math.abs));
  return (
    <div ref={box} class="vector-figure">
      <h3>{what}</h3>
      <Figure
        {...{ name, what }}
        table={() =>
          barsTable(
            all.map((value, i) => ({ name: String(i + 1), value, number: value.toFixed(3) })),
            what,
          )
        }
        json={() => ({ what, values: all })}
      >
        <div class="picture">
          <svg
            width={wide}
            height={tall}
            viewBox={`0 0 ${wide} ${tall}`}
            role="img"
            aria-label={what}
            class={`vector ${hue}`}
          >
            <line class="base" x1={0} x2={wide} y1={tall / 2} y2={tall / 2} />
            {all.map((value, i) => {
              const height = Math.min(tall / 2, (Math.abs(value) / high) * (tall / 2 - 1));
              return (
                <rect
                  key={i}
                  class="value"
                  x={i * step}
                  y={value >= 0 ? tall / 2 - height : tall / 2}
                  width={Math.max(0.6, step - (step > 3 ? 1 : 0.2))}
                  height={height}
                  data-value={value}
                />
              );
            })}
          </svg>
        </div>
      </Figure>
    </div>
  );
}

/** Unnamed columns. @param {number} n @returns {Label[]} */
export const dimensions = (n) =>
  Array.from({ length: n }, (_, i) => ({
    .../** @type {const} */ ({ text: "", surface: "", special: false, side: "source", start: 0, end: 0, word: i }),
    token: i,
    last: i,
  }));

/**
 * A matrix with its menu.
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.what
 * @param {import("../../attention.js").Matrix} props.matrix
 * @param {import("../../draw/colour.js").ScaleName} [props.scale]
 * @param {number} [props.low]
 * @param {number} [props.high]
 * @param {number} [props.height]
 * @param {number} [props.tall] of a row
 * @param {(row: number, col: number) => void} [props.onpick]
 */
export function MatrixFigure({ name, what, matrix, scale = "weights", low = 0, high = 1, height, tall, onpick }) {
  const dark = useDark();
  const { language } = useWords();
  const [box, width] = useWidth();
  const { rows, cols, data } = matrix;
  /** @param {boolean} rectangles */
  const draw = (rectangles) =>
    heatmap(matrix, {
      ...{ label: what, width: width || 600, height, dark, scale, low, high, tall, rectangles, onpick },
    });
  return (
    <div ref={box}>
      <h3>{what}</h3>
      <Figure
        {...{ name, what }}
        forExport={() => draw(true)}
        table={() =>
          matrixTable({ ...matrix, cols: cols.map((one, i) => ({ ...one, text: one.text || String(i + 1) })) }, what)
        }
        json={() => ({ what, rows: rows.map((one) => one.text), columns: cols.length, values: data })}
      >
        <Drawn make={() => draw(false)} of={[matrix.data, width, dark, language, scale, low, high, height]} />
      </Figure>
    </div>
  );
}
