// Steps 3 to 7: queries, keys and values; scores; shares; the mix; several heads.

import { useEffect, useState } from "preact/hooks";
import { headWeights } from "../../../attention.js";
import { headColour } from "../../../draw/colour.js";
import { habitOf, idOf } from "../../../heads.js";
import { dot, largestDifference, slice, softmax } from "../../../network.js";
import { percent, signed } from "../../../strings.js";
import { Slider, Tick, useApp, useKeys, useWidth } from "../../../ui.jsx";
import { usePromised, useParts } from "../data.js";
import { withoutHeads } from "../heads.jsx";
import { useHeld } from "../held.jsx";
import { BarsFigure, Vector } from "../pictures.jsx";
import { Player } from "../player.jsx";
import { joining, mixing, projecting, scoring, sharing } from "./formulas.js";
import { choiceOf, largest, numberOf } from "./types.js";

/** @typedef {import("./types.js").Data} Data */
/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("../../../network.js").AttentionParts} AttentionParts */

/** The row of a word in one head of the encoder, as the engine has it. @param {Data} data */
function engineRow({ explanation, word, head }) {
  const { cols } = explanation.encoder;
  return headWeights(explanation.encoder, head.layer, head.head).subarray(word * cols, (word + 1) * cols);
}

/** Scores of a word in one head. @param {Data} data @param {AttentionParts} self */
function scoreRow({ explanation, word, head }, self) {
  const n = explanation.sourceTokens.length;
  const at = (head.head * n + word) * n;
  return self.scores.subarray(at, at + n);
}

/** @param {Data} data */
function useSelf(data) {
  const { value } = useParts(data.depth, "encoder", data.head.layer);
  return value && value.depth === data.depth && value.layer === data.head.layer
    ? { self: /** @type {AttentionParts} */ (value.parts.self), parts: value.parts, shape: value.depth.shape }
    : null;
}

/** Where the page's own arithmetic ends up beside the engine. @param {{value: number, t: Data["t"]}} props */
export const Sceptic = ({ value, t }) => <p class="help sceptic">{t("differs", { value: value.toExponential(1) })}</p>;

/** @type {Step} */
export const projections = {
  formula: ({ depth }) => projecting(depth),
  quiz: ({ depth, t }) =>
    depth &&
    numberOf(t("projectionsAsk"), depth.shape.headWidth, [
      depth.shape.headWidth / 4,
      depth.shape.width,
      depth.shape.ffn,
    ]),
  Stage({ data }) {
    const found = useSelf(data);
    const hold = useHeld();
    if (!found) return hold(null);
    const { self, shape } = found;
    const { word, head, labels, t } = data;
    const name = labels.source[word].text;
    const vectors = [self.query, self.key, self.value].map((one) => slice(one, shape, word, head.head));
    const most = Math.max(...vectors.map((one) => Math.max(...Array.from(one, Math.abs))));
    // What these three are for: the share that this query gives to its best key.
    const shares = softmax(scoreRow(data, self), labels.source.length);
    const best = largest(shares);
    return hold(
      <>
        <Vector name="glossa-query" what={t("query", { word: name })} values={vectors[0]} hue="query" most={most} />
        <Vector name="glossa-key" what={t("key", { word: name })} values={vectors[1]} hue="key" most={most} />
        <Vector name="glossa-value" what={t("valueOf", { word: name })} values={vectors[2]} hue="values" />
        <output class="sr number" data-number={shares[best]} data-at={best} />
      </>,
    );
  },
};

/** @type {Step} */
export const scores = {
  values: ({ depth }) => ({ d: depth?.shape.headWidth ?? 64 }),
  formula: ({ depth }) => scoring(depth),
  quiz(data) {
    const names = data.labels.source.map((one) => one.text);
    const best = largest(engineRow(data));
    return choiceOf(
      data.t("scoresAsk", { word: names[data.word] }),
      names,
      best,
      names.map((_, i) => i),
    );
  },
  Stage({ data }) {
    const { word, head, labels, t } = data;
    const [divided, setDivided] = useState(true);
    const [other, setOther] = useState(-1);
    const found = useSelf(data);
    useEffect(() => setOther(-1), [word, head.layer, head.head, data.explanation]);
    const hold = useHeld();
    if (!found) return hold(null);
    const { self, shape } = found;
    const scaled = scoreRow(data, self);
    const factor = divided ? 1 : Math.sqrt(shape.headWidth);
    const best = largest(scaled);
    const with_ = other >= 0 && other < labels.source.length ? other : best;
    const query = slice(self.query, shape, word, head.head);
    const key = slice(self.key, shape, with_, head.head);
    const products = query.map((value, i) => value * key[i]);
    const shares = softmax(
      scaled.map((value) => value * factor),
      scaled.length,
    );
    const second = largest(scaled, (i) => i !== best);
    return hold(
      <>
        <BarsFigure
          name="glossa-scores"
          what={t("scoresOf", { word: labels.source[word].text })}
          items={labels.source.map((one, i) => ({
            name: one.text,
            value: scaled[i] * factor,
            number: `${signed(scaled[i] * factor, 2)} → ${percent(Math.log(shares[i]))}`,
          }))}
          chosen={with_}
          onpick={setOther}
        />
        <p class="actions">
          <Tick label={t("divide", { d: shape.headWidth })} checked={divided} onchange={setDivided} />
        </p>
        <Vector
          name="glossa-products"
          what={t("productOf", {
            ...{ word: labels.source[word].text, other: labels.source[with_].text },
            ...{ n: products.length, sum: signed(dot(query, key), 1) },
          })}
          values={products}
          hue="query"
        />
        <output class="sr number" data-number={scaled[best] - scaled[second]} data-at={`${best} ${second}`} />
      </>,
    );
  },
};

const SHARES = 2; // the last of the softmax's stages

/** @type {Step} */
export const softmaxStep = {
  formula: sharing,
  quiz: ({ t }) => ({ question: t("softmaxAsk"), options: ["25 %", t("half"), t("everything")], correct: 2 }),
  Stage({ data }) {
    const { word, labels, t } = data;
    const [temperature, setTemperature] = useState(1);
    const [masked, setMasked] = useState(/** @type {number[]} */ ([]));
    const [stage, setStage] = useState(SHARES);
    const found = useSelf(data);
    useEffect(() => {
      setMasked([]);
      setStage(SHARES);
    }, [data.explanation]);
    const own = engineRow(data);
    const plain = temperature === 1 && masked.length === 0;
    const row_ = found ? scoreRow(data, found.self) : null;
    // The engine's own shares, until somebody turns something.
    const shares =
      plain || !row_
        ? own
        : softmax(
            row_.map((value, i) => (masked.includes(i) ? Number.NEGATIVE_INFINITY : value)),
            row_.length,
            temperature,
          );
    const best = largest(shares);
    const sum = shares.reduce((a, b) => a + b, 0);
    // On the way there: the scores, and e to each of them, with 1 for the largest.
    const at = row_ ? stage : SHARES;
    const raised = row_ ? row_.map((value) => Math.exp((value - row_[best]) / temperature)) : shares;
    const values = [row_ ?? shares, raised, shares][at];
    /** @param {number} i */
    const numberAt = (i) => (at === SHARES ? percent(Math.log(shares[i])) : signed(values[i], 2));
    const what = ["scoresOf", "powersOf", "sharesOf"][at];
    return (
      <>
        <Player label={`${at + 1} / 3`} at={at} last={SHARES} id="softmax-stage" onchange={setStage} />
        <BarsFigure
          name="glossa-weights"
          what={t(what, { word: labels.source[word].text })}
          items={labels.source.map((one, i) => ({
            name: one.text,
            value: masked.includes(i) ? 0 : values[i],
            number: masked.includes(i) ? t("maskHint") : numberAt(i),
          }))}
          largest={at === 0 ? undefined : 1}
          onpick={(i) => {
            const next = masked.includes(i) ? masked.filter((one) => one !== i) : [...masked, i];
            if (next.length < labels.source.length) setMasked(next);
          }}
        />
        <Slider
          label={t("temperature", { value: temperature.toFixed(2) })}
          {...{ min: 0.05, max: 3, step: 0.05, value: temperature, id: "temperature" }}
          onchange={setTemperature}
        />
        <p>
          {t("softmaxSum", { sum: sum.toFixed(3), value: shares[best].toFixed(3) })}
          <output class="sr number" data-number={own[largest(own)]} />
        </p>
        {found && <Sceptic value={largestDifference(own, softmax(scoreRow(data, found.self), own.length))} t={t} />}
      </>
    );
  },
};

/** @type {Step} */
export const mix = {
  formula: mixing,
  quiz(data) {
    const names = data.labels.source.map((one) => one.text);
    const best = largest(engineRow(data));
    return choiceOf(
      data.t("mixAsk", { word: names[data.word] }),
      names,
      best,
      names.map((_, i) => i),
    );
  },
  Stage({ data }) {
    const { word, head, labels, t } = data;
    const [hard, setHard] = useState(false);
    const [upTo, setUpTo] = useState(-1); // all of them
    const found = useSelf(data);
    useEffect(() => setUpTo(-1), [data.explanation]);
    const hold = useHeld();
    if (!found) return hold(null);
    const { self, shape } = found;
    const own = engineRow(data);
    const best = largest(own);
    const n = labels.source.length;
    const last = upTo < 0 ? n - 1 : Math.min(upTo, n - 1);
    const shares = (hard ? own.map((_, i) => (i === best ? 1 : 0)) : own).map((one, i) => (i <= last ? one : 0));
    const values = labels.source.map((_, i) => slice(self.value, shape, i, head.head));
    /** @param {ArrayLike<number>} weights */
    const mixOf = (weights) => {
      const out = new Float32Array(shape.headWidth);
      values.forEach((value, i) => {
        for (let l = 0; l < out.length; l++) out[l] += weights[i] * value[l];
      });
      return out;
    };
    const mixed = mixOf(shares);
    const most = Math.max(1e-6, ...values.map((one) => Math.max(...Array.from(one, Math.abs))));
    const soft = mixOf(own);
    const apart = soft.map((value, i) => value - values[best][i]);
    return hold(
      <>
        <Player
          label={t("mixedSoFar", { n: last + 1, total: n })}
          at={last}
          last={n - 1}
          id="mix-step"
          onchange={(at) => setUpTo(at >= n - 1 ? -1 : at)}
        />
        <MixPicture {...{ values, shares, last, labels: labels.source, most }} />
        <p class="actions">
          <Tick label={t("hard")} checked={hard} onchange={setHard} />
        </p>
        <Vector
          name="glossa-mixed"
          what={t("mixed", { word: labels.source[word].text })}
          values={mixed}
          hue="values"
          most={most}
        />
        <p class="help">
          {t("mixDistance", {
            value: `${(100 * Math.sqrt(dot(apart, apart) / Math.max(1e-9, dot(soft, soft)))).toFixed(0)} %`,
          })}
        </p>
        <output class="sr number" data-number={own[best]} data-at={best} />
      </>,
    );
  },
};

/**
 * Values flow into one vector along lines as thick as the shares.
 * @param {{values: Float32Array[], shares: ArrayLike<number>, last: number, labels: import("../../../attention.js").Label[], most: number}} props
 *     `last`: of those that are added so far
 */
function MixPicture({ values, shares, last, labels, most }) {
  const [box, room] = useWidth();
  const line = 26;
  const edge = 9; // half of the thickest flow, which may begin at the first line
  const tall = Math.max(values.length * line, 120) + 2 * edge;
  const wide = Math.max(280, Math.min(520, room));
  const bars = Math.round(0.42 * (wide - 100));
  const begin = 142 + bars; // behind the shares
  const end = wide - 20;
  const bend = (end - begin) / 2;
  return (
    <div class="picture" ref={box}>
      <svg
        width={wide}
        height={tall}
        viewBox={`0 0 ${wide} ${tall}`}
        role="img"
        aria-label={labels.map((one, i) => `${one.text} ${(100 * shares[i]).toFixed(0)} %`).join(", ")}
        class="mix"
      >
        {values.map((value, i) => {
          const y = edge + (i + 0.5) * line;
          const share = shares[i];
          return (
            <g key={i}>
              <path
                class="flow"
                fill="none"
                stroke-width={Math.max(0.3, 16 * share)}
                stroke-opacity={0.15 + 0.75 * share}
                d={`M${begin} ${y}C${begin + bend} ${y} ${end - bend} ${tall / 2} ${end} ${tall / 2}`}
                data-value={share}
              />
              <text x={90} y={y} dy="0.35em" text-anchor="end">
                {labels[i].text}
              </text>
              {Array.from(value, (one, l) => (
                <rect
                  key={l}
                  class="value"
                  x={100 + (l * bars) / value.length}
                  y={one >= 0 ? y - (one / most) * 11 : y}
                  width={Math.max(0.6, bars / value.length - 0.4)}
                  height={(Math.abs(one) / most) * 11}
                  opacity={0.25 + 0.75 * share}
                />
              ))}
              <text class="tick" x={104 + bars} y={y} dy="0.35em">
                {i <= last ? `${(100 * share).toFixed(0)} %` : ""}
              </text>
            </g>
          );
        })}
        <circle class="sum-end" cx={end + 8} cy={tall / 2} r={9} />
        <text x={end + 8} y={tall / 2} dy="0.35em" text-anchor="middle" class="sum-sign">
          +
        </text>
      </svg>
    </div>
  );
}

/** @type {Step} */
export const heads = {
  formula: ({ depth }) => joining(depth),
  quiz(data) {
    const { explanation, word, head, labels, t } = data;
    const { heads: count, cols } = explanation.encoder;
    const sharp = Array.from({ length: count }, (_, h) =>
      Math.max(...headWeights(explanation.encoder, head.layer, h).subarray(word * cols, (word + 1) * cols)),
    );
    const question = t("headsAsk", { layer: head.layer + 1, word: labels.source[word].text });
    return { question, options: sharp.map((_, h) => t("head", { n: h + 1 })), correct: largest(sharp) };
  },
  Stage({ data }) {
    const { explanation, word, head, labels, state, t } = data;
    const { store, engine } = useApp();
    const { off } = useKeys("off");
    const { heads: count, cols } = explanation.encoder;
    const names = new Set(off ? off.split(",") : []);
    const own = state.sentences[state.sentence]?.explanation;
    const { value: changed, late } = usePromised(
      (signal) =>
        own && off ? engine.ablate(own.source, signal).then((one) => ({ off, text: one.translation })) : null,
      [own, off],
    );
    const without = off ? changed : null;
    const rows = Array.from({ length: count }, (_, h) =>
      headWeights(explanation.encoder, head.layer, h).subarray(word * cols, (word + 1) * cols),
    );
    return (
      <>
        <div class="head-columns">
          {rows.map((weights, h) => {
            const id = idOf({ kind: "encoder", layer: head.layer, head: h });
            const out = names.has(id);
            const habit = habitOf(explanation, { kind: "encoder", layer: head.layer, head: h }, null);
            return (
              <div key={h} class={`head-column${out ? " off" : ""}`} style={{ "--colour": headColour(h) }}>
                <p>
                  <span class="swatch" style={{ background: headColour(h) }} /> {t("head", { n: h + 1 })}
                </p>
                <p class={out ? "is-off" : "help"}>{t(out ? "switchedOff" : `habit_${habit}`)}</p>
                <ul class="mini-bars">
                  {labels.source.map((one, i) => (
                    <li key={i} style={{ "--share": out ? 0 : weights[i] }}>
                      <span>{one.text}</span>
                      <span class="help">{out ? "" : (100 * weights[i]).toFixed(0)}</span>
                    </li>
                  ))}
                </ul>
                <button
                  type="button"
                  class="head-toggle"
                  aria-pressed={out}
                  onClick={() => {
                    const next = new Set(names);
                    if (!next.delete(id)) next.add(id);
                    store.set({ off: [...next].sort().join(",") });
                  }}
                >
                  {t(out ? "switchOn" : "switchOff")}
                </button>
                <output class="sr number" data-number={Math.max(...weights)} />
              </div>
            );
          })}
        </div>
        <div class={late && off ? "stale" : ""} role="status">
          <h3>{without ? withoutHeads(t, without.off) : t("original")}</h3>
          <p class="sentence">{without ? without.text : explanation.translation}</p>
        </div>
      </>
    );
  },
};
