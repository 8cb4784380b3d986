// Steps 1 and 2: a sentence becomes pieces, and pieces become vectors with their positions.

import { useState } from "preact/hooks";
import { barsTable } from "../../../draw/bars.js";
import { sheet } from "../../../draw/sheet.js";
import { cosine, dot, encode, positionsOf, sinusoids, tensor } from "../../../network.js";
import { signed } from "../../../strings.js";
import { Figure, Tick, useApp, useKeys, useWidth, useWords } from "../../../ui.jsx";
import { usePromised } from "../data.js";
import { useHeld } from "../held.jsx";
import { BarsFigure } from "../pictures.jsx";
import { cutting, embedding } from "./formulas.js";
import { numberOf } from "./types.js";

/** @typedef {import("./types.js").Data} Data */
/** @typedef {import("./types.js").Step} Step */

/** @type {Step} */
export const tokens = {
  values: ({ state }) => ({
    n: state.info?.model.sourceVocabulary ?? 6000,
  }),
  formula: ({ depth }) => cutting(depth),
  quiz({ explanation, t }) {
    const n = explanation.sourceTokens.length;
    return numberOf(t("tokensAsk"), n, [n - 2, n + 1, n + 4]);
  },
  Stage({ data }) {
    const { explanation, word, labels, depth, t } = data;
    const { store } = useApp();
    const { lit } = useKeys("lit");
    const own = depth?.explanation.cuts?.find(({ tokens }) => word >= tokens[0] && word < tokens[1]);
    const cuts = own?.cuts ?? [];
    const spelt = cuts[0]?.pieces.join("").replaceAll("\u2581", "") ?? "";
    const items = explanation.sourceTokens.map(({ piece, id }) => ({ name: piece, value: id, number: String(id) }));
    return (
      <>
        <Figure
          name="glossa-tokens"
          what={t("tokensTitle")}
          forExport={() => tokenSvg(explanation)}
          table={() => barsTable(items, t("tokensTitle"))}
          json={() => ({ sentence: explanation.source, tokens: explanation.sourceTokens })}
        >
          <div class="token-boxes">
            {explanation.sourceTokens.map(({ id, start, end }, i) => (
              <button
                key={i}
                type="button"
                class={`token-box${lit?.side === "source" && lit.at >= start && lit.at < end ? " self" : ""}`}
                aria-pressed={i === word}
                onClick={() => store.set({ word: i })}
              >
                {labels.source[i].text}
                <output class={i === word ? "number" : ""} data-number={i === word ? id : undefined}>
                  {id}
                </output>
              </button>
            ))}
          </div>
        </Figure>
        {cuts.length > 1 ? (
          <BarsFigure
            name="glossa-cuts"
            what={t("otherCuts", { word: spelt })}
            items={cuts.map((one) => ({
              name: one.pieces.map((piece) => piece.replace("\u2581", "")).join(" · "),
              value: Math.exp((one.score - cuts[0].score) / 4),
              number: signed(one.score, 2),
            }))}
            largest={1}
          />
        ) : (
          cuts.length === 1 && <p class="help">{t("oneCut", { word: spelt })}</p>
        )}
      </>
    );
  },
};

/** The pieces as a picture that can be saved. @param {import("../../../../src/js/types.js").SentenceExplanation} explanation */
function tokenSvg({ sourceTokens }) {
  return sheet({ label: "", rows: sourceTokens.map(({ piece, id }) => [piece, String(id)]) });
}

const NEIGHBOURS = 6;

/** @type {Step} */
export const vectors = {
  values: ({ explanation, depth }) => ({ n: depth?.shape.width ?? explanation.hidden?.encoder.width ?? 256 }),
  words: ({ depth }) => (depth?.gguf.get("glossa.position") === "learned" ? { text: "vectorsTextLearned" } : {}),
  formula: ({ depth }) => embedding(depth),
  quiz: ({ labels, word, t }) => ({
    question: t("vectorsAsk", { word: labels.source[word].text }),
    options: ["0 %", t("half"), "100 %"],
    correct: 0,
  }),
  Stage({ data }) {
    const { depth, word, labels, t } = data;
    const [order, setOrder] = useState(0);
    const [positions, setPositions] = useState(true);
    const name = labels.source[word].text;
    const near = usePromised((signal) => depth && neighboursOf(depth, word, signal), [depth, word]);
    const change = usePromised(
      (signal) => depth && (order === 0 ? Promise.resolve(0) : shuffleChange(depth, word, order, positions, signal)),
      [depth, word, order, positions],
    );
    const { engine } = useApp();
    const bare = usePromised(
      (signal) => (positions ? null : engine.ask(data.explanation.source, { without: "positions", signal })),
      [data.explanation, positions],
    );
    const hold = useHeld();
    if (!depth) return hold(null);
    const first = depth.state("encoder", 0)[word * depth.shape.width];
    return hold(
      <>
        <p>
          {t("vectorNumber", { n: depth.shape.width, value: signed(first) })}
          <output class="sr number" data-number={first} />
        </p>
        {near.value && (
          <BarsFigure
            name="glossa-neighbours"
            what={t("neighbours", { word: near.value.name, n: near.value.total })}
            items={near.value.found.map((one) => ({
              name: one.piece,
              value: one.likeness,
              number: one.likeness.toFixed(2),
            }))}
            largest={1}
            hue="source"
          />
        )}
        <PositionCurve width={depth.shape.width} layout={depth.gguf.string("glossa.position")} />
        <p class="actions">
          <button type="button" onClick={() => setOrder(order + 1)}>
            {t("shuffle")}
          </button>
          <Tick label={t("usePositions")} checked={positions} onchange={setPositions} />
          <span class={`status${change.late ? " stale" : ""}`} role="status">
            {order > 0 &&
              change.value !== null &&
              t("shuffleChange", { word: name, value: `${(100 * change.value).toFixed(positions ? 0 : 1)} %` })}
          </span>
        </p>
        {!positions && bare.value && (
          <p class={`help${bare.late ? " stale" : ""}`} role="status">
            {t("noPositions")} <span class="sentence">{bare.value.translation}</span>
          </p>
        )}
      </>,
    );
  },
};

/**
 * Pieces whose rows point most alike.
 * @param {import("../data.js").Depth} depth
 * @param {number} word
 * @param {AbortSignal} signal
 */
async function neighboursOf({ explanation, gguf, shape }, word, signal) {
  const table = await tensor(gguf, "token_embd.weight");
  const pieces = /** @type {string[]} */ (gguf.get("tokenizer.ggml.tokens"));
  const { id } = explanation.sourceTokens[word];
  /** @param {number} at */
  const of = (at) => table.subarray(at * shape.width, (at + 1) * shape.width);
  const all = [];
  for (let other = 0; other < pieces.length; other++) {
    if (other % 512 === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
    if (other !== id && /\p{L}/u.test(pieces[other]) && !pieces[other].startsWith("<")) {
      all.push({ piece: pieces[other].replace("\u2581", ""), likeness: cosine(of(id), of(other)) });
    }
  }
  const found = all.sort((a, b) => b.likeness - a.likeness).slice(0, NEIGHBOURS);
  return { name: pieces[id].replace("\u2581", ""), total: pieces.length, found };
}

/**
 * How far the encoder's vector of a word moves when the other words stand in another order, as a share of its length.
 * @param {import("../data.js").Depth} depth
 * @param {number} word
 * @param {number} order which shuffle
 * @param {boolean} positions whether positions are added
 * @param {AbortSignal} signal
 */
export async function shuffleChange({ explanation, gguf, shape, state }, word, order, positions, signal) {
  const { width } = shape;
  const layers = explanation.encoder.layers;
  const whole = state("encoder", 0);
  const n = whole.length / width;
  const waves = await positionsOf(gguf, n);
  const bare = whole.map((value, i) => value - waves[i]);
  // Words turn in a ring, the word itself stays; the mark of the end keeps its place.
  const movable = Array.from({ length: n - 1 }, (_, i) => i).filter((i) => i !== word);
  const turn = 1 + (order % Math.max(1, movable.length - 1));
  const from = Array.from({ length: n }, (_, i) => i);
  movable.forEach((at, i) => {
    from[at] = movable[(i + turn) % movable.length];
  });
  /** @param {number[]} places */
  const inputOf = (places) => {
    const out = new Float32Array(whole.length);
    places.forEach((source, at) => {
      for (let i = 0; i < width; i++)
        out[at * width + i] = bare[source * width + i] + (positions ? waves[at * width + i] : 0);
    });
    return out;
  };
  const before = await encode(gguf, layers, inputOf(from.map((_, i) => i)), signal);
  const after = await encode(gguf, layers, inputOf(from), signal);
  const own = before.subarray(word * width, (word + 1) * width);
  const other = after.subarray(word * width, (word + 1) * width);
  const difference = own.map((value, i) => value - other[i]);
  return Math.sqrt(dot(difference, difference) / dot(own, own));
}

const FAR = 100;

/** The product of two positions by their distance, and some of the waves. @param {{width: number, layout: string}} props */
function PositionCurve({ width: d, layout }) {
  const { t } = useWords();
  const [box, room] = useWidth();
  if (layout === "learned") return null;
  const table = sinusoids(layout, FAR + 1, d);
  const curve = Array.from(
    { length: FAR + 1 },
    (_, p) => dot(table.subarray(0, d), table.subarray(p * d, (p + 1) * d)) / (d / 2),
  );
  const wide = Math.max(240, Math.min(560, room));
  const x = (/** @type {number} */ p) => 30 + (p / FAR) * (wide - 48);
  const low = Math.min(0, ...curve);
  const y = (/** @type {number} */ value) => 8 + ((1 - value) / (1 - low)) * 70;
  const path = curve.map((value, p) => `${p ? "L" : "M"}${x(p).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const interleaved = layout === "sinusoid-interleaved";
  // Six waves from short to long.
  const waves = Array.from({ length: 6 }, (_, i) => Math.floor((i * d) / 24)).map((j) => {
    const column = interleaved ? 2 * j : j;
    const pace = Math.asin(table[d + column]); // per position; drawn between positions too, so that a wave is round
    return Array.from({ length: 4 * FAR + 1 }, (_, i) => {
      const at = 108 + (1 - Math.sin((pace * i) / 4)) * 16;
      return `${i ? "L" : "M"}${x(i / 4).toFixed(1)} ${at.toFixed(1)}`;
    }).join("");
  });
  return (
    <div ref={box}>
      <h3>{t("positionCurve")}</h3>
      <Figure
        name="glossa-positions"
        what={t("positionCurve")}
        table={() =>
          barsTable(
            curve.map((value, p) => ({ name: String(p), value, number: value.toFixed(3) })),
            t("positionCurve"),
          )
        }
        json={() => ({ distance: curve.map((_, p) => p), product: curve })}
      >
        <div class="picture">
          <svg
            width={wide}
            height={168}
            viewBox={`0 0 ${wide} 168`}
            role="img"
            aria-label={t("positionCurve")}
            class="curve"
          >
            <line class="base" x1={x(0)} x2={x(FAR)} y1={y(0)} y2={y(0)} />
            <path class="curve-line" fill="none" d={path} />
            {[0, 25, 50, 75, 100].map((p) => (
              <text key={p} class="tick" x={x(p)} y={92} text-anchor="middle">
                {p}
              </text>
            ))}
            {waves.map((d_, i) => (
              <path key={i} class="wave" fill="none" d={d_} opacity={1 - i * 0.12} />
            ))}
            <text class="tick" x={x(0)} y={162}>
              {t("waves")}
            </text>
          </svg>
        </div>
      </Figure>
    </div>
  );
}
