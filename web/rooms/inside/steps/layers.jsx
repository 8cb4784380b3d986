// Steps 8 to 10: residual and norm, the feed-forward network, and one layer upon the other.

import { useEffect, useState } from "preact/hooks";
import { barsTable } from "../../../draw/bars.js";
import { batchNorm, cosine, largestDifference, layerNorm, moments } from "../../../network.js";
import { signed } from "../../../strings.js";
import { Choice, Figure, useWidth, useWords } from "../../../ui.jsx";
import { partsOf, useParts } from "../data.js";
import { useHeld } from "../held.jsx";
import { Vector } from "../pictures.jsx";
import { Sceptic } from "./attend.jsx";
import { adding, forwarding } from "./formulas.js";
import { choiceOf, largest, numberOf } from "./types.js";

/** @typedef {import("./types.js").Data} Data */
/** @typedef {import("./types.js").Step} Step */

/** @param {Float32Array} x (n, width) @param {number} at @param {number} width */
const rowOf = (x, at, width) => x.subarray(at * width, (at + 1) * width);

/** @type {Step} */
export const norm = {
  words: ({ depth }) => (depth?.shape.pre ? { title: "normTitleBefore", text: "normTextBefore" } : {}),
  formula: ({ depth }) => adding(depth),
  quiz: ({ t }) => numberOf(t("normAsk"), 1, [0, 16, 64]),
  Stage({ data }) {
    const { word, head, labels, depth, t } = data;
    const [how, setHow] = useState("layer");
    const { value } = useParts(depth, "encoder", head.layer);
    const hold = useHeld();
    if (!value || value.depth !== depth || !value.parts.self) return hold(null);
    const { width, epsilon, pre } = value.depth.shape;
    const { input, self } = value.parts;
    const at = Math.min(word, input.length / width - 1);
    const into = pre ? input : self.joined; // what the norm gets
    const normed = how === "layer" ? layerNorm(into, width, null, null, epsilon) : batchNorm(into, width, epsilon);
    const name = labels.source[word].text;
    /** @param {Float32Array} x */
    const about = (x) => {
      const { mean, spread } = moments(rowOf(x, at, width), width, 0)[0];
      return { mean, spread, text: t("meanSpread", { mean: signed(mean, 2), spread: spread.toFixed(2) }) };
    };
    const before = about(input);
    /** @param {string} key of its files @param {string} said @param {Float32Array} x */
    const vector = (key, said, x) => (
      <Vector
        name={`glossa-${key}`}
        what={t("vectorIs", { name, said, moments: about(x).text })}
        values={rowOf(x, at, width)}
        most={3}
        tall={56}
      />
    );
    const added = vector("added", t("added"), self.joined);
    return hold(
      <>
        {vector("before", t("before"), input)}
        {!pre && added}
        <Choice
          name="norm"
          label={t("normalised")}
          value={how}
          options={[
            ["layer", t("layerNorm")],
            ["batch", t("batchNorm")],
          ]}
          onchange={setHow}
        />
        {vector("normalised", t("normalised"), normed)}
        {pre && added}
        <output class="sr number" data-number={before.spread} />
      </>,
    );
  },
};

const CELLS = 64; // in a row

/** @type {Step} */
export const forward = {
  values: ({ depth }) => ({ n: depth?.shape.ffn ?? 1024 }),
  words: ({ depth }) => (depth && depth.shape.activation !== "relu" ? { text: "forwardTextSmooth" } : {}),
  formula: ({ depth }) => forwarding(depth),
  async quiz({ depth, word, head, labels, t }) {
    if (!depth) return null;
    const { hidden } = await partsOf(depth, "encoder", head.layer);
    const { ffn } = depth.shape;
    const lit = rowOf(hidden, word, ffn).filter((value) => value > 0).length;
    const question = t("forwardAsk", { n: ffn, word: labels.source[word].text });
    return numberOf(
      question,
      lit,
      [Math.round(ffn / 3), Math.round(ffn / 2), ffn].filter((one) => Math.abs(one - lit) > 40),
    );
  },
  Stage({ data }) {
    const { word, head, labels, depth, t } = data;
    const [cell, setCell] = useState(-1);
    const { value } = useParts(depth, "encoder", head.layer);
    useEffect(() => setCell(-1), [word, head.layer, data.explanation]);
    const hold = useHeld();
    if (!value || value.depth !== depth) return hold(null);
    const { ffn, width } = value.depth.shape;
    const n = value.parts.hidden.length / ffn;
    const at = Math.min(word, n - 1);
    const own = rowOf(value.parts.hidden, at, ffn);
    const most = own.reduce((a, b) => Math.max(a, b), 1e-6);
    const lit = own.filter((one) => one > 0).length;
    const side = 9;
    const rows = Math.ceil(ffn / CELLS);
    const name = labels.source[word].text;
    const what = t("litCells", { word: name, lit, n: ffn });
    const sharing = labels.source
      .filter((_, i) => i !== at && i < n && value.parts.hidden[i * ffn + cell] > 0)
      .map((one) => one.text);
    const out = value.depth.state("encoder", head.layer + 1);
    return hold(
      <>
        <h3>{what}</h3>
        <Figure
          name="glossa-forward"
          what={what}
          table={() =>
            barsTable(
              Array.from(own, (one, i) => ({ name: String(i + 1), value: one, number: one.toFixed(3) })).filter(
                (one) => one.value > 0,
              ),
              what,
            )
          }
          json={() => ({ word: name, cells: own })}
        >
          <div class="picture">
            {/* One tab stop: arrow keys go from lit cell to lit cell. */}
            <svg
              width={CELLS * side + 2}
              height={rows * side + 2}
              viewBox={`0 0 ${CELLS * side + 2} ${rows * side + 2}`}
              role="application"
              aria-label={what}
              tabindex={0}
              class="cells-figure"
              onKeyDown={(event) => {
                const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
                if (!step) return;
                event.preventDefault();
                for (let i = cell + step; i >= 0 && i < ffn; i += step) if (own[i] > 0) return setCell(i);
              }}
            >
              {Array.from(own, (one, i) => (
                <rect
                  key={i}
                  class={`cell${one > 0 ? " lit" : ""}${i === cell ? " chosen" : ""}`}
                  x={1 + (i % CELLS) * side}
                  y={1 + Math.floor(i / CELLS) * side}
                  width={side - 1}
                  height={side - 1}
                  fill-opacity={one > 0 ? 0.35 + 0.65 * Math.sqrt(one / most) : undefined}
                  data-value={one}
                  onClick={() => one > 0 && setCell(i)}
                />
              ))}
            </svg>
          </div>
        </Figure>
        <p class="readout" aria-live="polite">
          {cell >= 0 ? t("cellOf", { n: cell + 1, list: [name, ...sharing].join(", ") || t("nobody") }) : ""}
        </p>
        <output class="sr number" data-number={value.parts.out[at * width]} />
        <Sceptic value={largestDifference(out, value.parts.out)} t={t} />
      </>,
    );
  },
};

/**
 * How alike two tokens are after every layer.
 * @param {import("../data.js").Depth} depth
 * @param {number} word
 * @returns {number[][]} for each token, the cosine at each layer
 */
export function likenesses({ explanation, shape, state }, word) {
  const { layers } = explanation.encoder;
  return explanation.sourceTokens.map((_, i) =>
    Array.from({ length: layers + 1 }, (__, layer) => {
      const x = state("encoder", layer);
      return cosine(rowOf(x, word, shape.width), rowOf(x, i, shape.width));
    }),
  );
}

/** @type {Step} */
export const stack = {
  values: ({ explanation }) => ({ n: explanation.encoder.layers }),
  quiz({ depth, word, labels, t }) {
    if (!depth) return null;
    const names = labels.source.map((one) => one.text);
    const last = likenesses(depth, word).map((one) => one[one.length - 1]);
    const best = largest(last, (i) => i !== word);
    return choiceOf(
      t("stackAsk", { word: names[word] }),
      names,
      best,
      names.map((_, i) => i).filter((i) => i !== word),
    );
  },
  Stage({ data }) {
    const { word, labels, depth, t } = data;
    const [box, room] = useWidth();
    const { language } = useWords();
    const hold = useHeld();
    if (!depth) return hold(null);
    const all = likenesses(depth, Math.min(word, depth.explanation.sourceTokens.length - 1));
    const names = labels.source.map((one) => one.text);
    const what = t("likeness", { word: names[word] });
    const layers = all[0].length;
    const wide = Math.max(280, Math.min(620, room));
    const tall = 330;
    const low = Math.min(...all.flat());
    const x = (/** @type {number} */ layer) => 36 + (layer / (layers - 1)) * (wide - 150);
    const y = (/** @type {number} */ value) => 12 + ((1 - value) / Math.max(0.1, 1 - low)) * (tall - 50);
    const last = all.map((one) => one[layers - 1]);
    const best = largest(last, (i) => i !== word);
    // Names at the right end keep apart from each other.
    const order = last.map((value, i) => ({ i, at: y(value) })).sort((a, b) => a.at - b.at);
    order.forEach((one, k) => {
      if (k > 0) one.at = Math.max(one.at, order[k - 1].at + 13);
    });
    for (const [k, one] of order.entries()) one.at = Math.min(one.at, tall - 36 - 13 * (order.length - 1 - k));
    const place = new Map(order.map((one) => [one.i, one.at]));
    return hold(
      <div ref={box}>
        <h3>{what}</h3>
        <Figure
          name="glossa-stack"
          what={what}
          table={() =>
            barsTable(
              names.map((name, i) => ({ name, value: last[i], number: all[i].map((one) => signed(one, 2)).join(" ") })),
              what,
            )
          }
          json={() => ({ word: names[word], tokens: names, cosine: all })}
        >
          <div class="picture">
            <svg
              width={wide}
              height={Math.max(tall, (order.at(-1)?.at ?? 0) + 30)}
              viewBox={`0 0 ${wide} ${Math.max(tall, (order.at(-1)?.at ?? 0) + 30)}`}
              role="img"
              aria-label={what}
              class="stack-figure"
              lang={language}
            >
              {Array.from({ length: layers }, (_, layer) => (
                <g key={layer}>
                  <line class="grid" x1={x(layer)} x2={x(layer)} y1={8} y2={tall - 34} />
                  <text class="tick" x={x(layer)} y={tall - 16} text-anchor="middle">
                    {layer === 0 ? t("embedding") : layer}
                  </text>
                </g>
              ))}
              {all.map((one, i) => (
                <g key={i} class={i === word ? "own" : i === best ? "best" : ""}>
                  <path
                    fill="none"
                    class="stack-line"
                    d={one
                      .map((value, layer) => `${layer ? "L" : "M"}${x(layer).toFixed(1)} ${y(value).toFixed(1)}`)
                      .join("")}
                    data-value={one[layers - 1]}
                  />
                  <text x={x(layers - 1) + 8} y={place.get(i)} dy="0.35em">
                    {names[i]} {signed(one[layers - 1], 2)}
                  </text>
                </g>
              ))}
            </svg>
          </div>
        </Figure>
        <output class="sr number" data-number={last[best]} data-at={best} />
      </div>,
    );
  },
};
