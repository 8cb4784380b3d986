// What becomes of the translation when heads are switched off, which head matters, and two translations side by side.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { axes, reduced } from "../../attention.js";
import { bars, barsTable } from "../../draw/bars.js";
import { difference } from "../../draw/difference.js";
import { h } from "../../draw/dom.js";
import { heatmap } from "../../draw/heatmap.js";
import { matrixTable } from "../../draw/labels.js";
import { collage, sheet } from "../../draw/sheet.js";
import { Comparison } from "../../engine.js";
import { firstHead, habitOf, headOf, headsOf, idOf, kinds } from "../../heads.js";
import { pairName } from "../../languages.js";
import { headMask, isStale, shownExplanation } from "../../state.js";
import { percent, signed } from "../../strings.js";
import { Drawn, Figure, useApp, useDark, useKeys, useRoving, useWidth, useWords } from "../../ui.jsx";
import { headName, kindName } from "./names.js";
import { Thumb } from "./thumb.jsx";
import { usePromised } from "./data.js";

/** @typedef {import("../../state.js").State} State */
/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../attention.js").Matrix} Matrix */
/** @typedef {import("../../heads.js").Head} Head */
/** @typedef {{head: Head, lost: number}} Loss */

/** Mean log-probability of the tokens. @param {{logProbability: number}[]} tokens */
const meanOf = (tokens) => tokens.reduce((sum, one) => sum + one.logProbability, 0) / Math.max(1, tokens.length);

/**
 * Mean log-probability that the model without some heads gives to the translation it made with all of them.
 * @param {import("../../engine.js").Engine} engine
 * @param {SentenceExplanation} explanation
 * @param {string} off
 * @param {AbortSignal} signal
 */
export async function scoreWithout(engine, explanation, off, signal) {
  const tokens = explanation.targetTokens;
  const last = tokens.at(-1);
  const ended = last !== undefined && last.start === last.end;
  const prefix = tokens.slice(0, ended ? -1 : undefined).map((one) => one.id);
  const options = { prefix, headMask: headMask(off), beamSize: 1, topK: 64, maxLength: prefix.length + 1, signal };
  const { targetTokens, topK } = await engine.ask(explanation.source, options);
  const scored = targetTokens.slice(0, prefix.length);
  if (!ended) return meanOf(scored);
  // The end is not forced: its log-probability is among the candidates, unless it has become very unlikely.
  const candidates = topK[prefix.length] ?? [];
  const end = candidates.find((one) => one.id === last.id)?.logProbability ?? candidates.at(-1)?.logProbability ?? 0;
  return meanOf([...scored, { logProbability: end }]);
}

/** What every head is worth to the sentence, as it becomes known. */
export function useRanking() {
  const { engine } = useApp();
  const state = useKeys("sentences", "sentence", "info");
  const explanation = state.sentences[state.sentence]?.explanation ?? null;
  const [found, setFound] = useState(
    /** @type {{of: SentenceExplanation | null, losses: Loss[], total: number}} */ ({ of: null, losses: [], total: 0 }),
  );
  useEffect(() => {
    if (!explanation) return;
    const work = new AbortController();
    const { signal } = work;
    const heads = headsOf(explanation);
    (async () => {
      const whole = await scoreWithout(engine, explanation, "", signal);
      /** @type {Loss[]} */
      const losses = [];
      for (const head of heads) {
        losses.push({ head, lost: whole - (await scoreWithout(engine, explanation, idOf(head), signal)) });
        if (signal.aborted) return;
        setFound({ of: explanation, losses: [...losses], total: heads.length });
      }
    })().catch(() => {}); // the page says elsewhere what is wrong with the model
    return () => work.abort();
  }, [explanation]);
  const done = found.of === explanation && found.losses.length === found.total && found.total > 0;
  return { ...found, done };
}

/** @param {{ranking: ReturnType<typeof useRanking>}} props */
export function HeadsOff({ ranking }) {
  const { store } = useApp();
  const { t, language } = useWords();
  const state = useKeys("sentences", "sentence", "off", "models", "pair", "aligning");
  const explanation = shownExplanation(state);
  const grid = useRoving("button");
  const [pointed, setPointed] = useState("");
  if (!explanation) return <p class="help">{t("needsSentence")}</p>;
  const model = state.models.find((one) => one.id === state.pair);
  const off = new Set(state.off ? state.off.split(",") : []);
  const all = headsOf(explanation);
  const most = Math.max(1e-6, ...ranking.losses.map((one) => one.lost));
  const worth = new Map(ranking.losses.map(({ head, lost }) => [idOf(head), Math.max(0, lost / most)]));
  /** @param {Iterable<string>} ids */
  const set = (ids) => store.set({ off: [...ids].sort().join(",") });
  /** @param {string} id */
  const toggle = (id) => {
    const next = new Set(off);
    if (!next.delete(id)) next.add(id);
    set(next);
  };
  const [layer, head] = firstHead(explanation, "cross", state.aligning);
  const aligning = idOf({ kind: "cross", layer, head });
  const crosses = all.filter((one) => one.kind === "cross").map(idOf);
  /** @type {[string, string[]][]} */
  const presets = [
    [t("presetAligning"), [aligning]],
    [t("presetCross"), crosses],
    [t("presetLayer", { n: 2 }), all.filter((one) => one.kind === "encoder" && one.layer === 1).map(idOf)],
    [t("presetButOne"), crosses.filter((one) => one !== aligning)],
  ];
  return (
    <div class={`heads-off${isStale(state) ? " stale" : ""}`}>
      <p class="help">{t("headsOffHelp")}</p>
      <div class="switches">
        {kinds
          .filter((kind) => explanation[kind])
          .map((kind) => {
            const heads = all.filter((one) => one.kind === kind);
            const columns = heads.filter((one) => one.layer === 0).length;
            return (
              <div key={kind}>
                <h3>{kindName(kind, model, language, t)}</h3>
                <div
                  class="switch-grid"
                  ref={grid}
                  data-columns={columns}
                  role="group"
                  aria-label={t(`${kind}Term`)}
                  style={{ "--heads": columns }}
                >
                  {heads.map((one, i) => {
                    const id = idOf(one);
                    const habit = t(`habit_${habitOf(explanation, one, state.aligning)}`);
                    const label = `${headName(one, model, language, t)}, ${habit}`;
                    return (
                      <button
                        key={id}
                        type="button"
                        class="switch"
                        tabIndex={i === 0 ? 0 : -1}
                        data-name={id}
                        title={label}
                        aria-pressed={off.has(id)}
                        aria-label={`${label}, ${t(off.has(id) ? "offWord" : "on")}`}
                        style={{ "--worth": worth.get(id) ?? 0 }}
                        onClick={() => toggle(id)}
                        onPointerEnter={() => setPointed(label)}
                        onFocus={() => setPointed(label)}
                      >
                        <Thumb {...{ explanation, ...one }} />
                        {one.layer + 1}.{one.head + 1}
                      </button>
                    );
                  })}
                </div>
              </div>
            );
          })}
      </div>
      <p class="readout">{pointed}</p>
      <p class="actions presets">
        <span class="help">{t("presets")}</span>
        {presets.map(([name, ids]) => (
          <button key={name} type="button" onClick={() => set(ids)}>
            {name}
          </button>
        ))}
        <button type="button" id="all-on" disabled={off.size === 0} onClick={() => set([])}>
          {t("allOn")}
        </button>
      </p>
      <Result />
    </div>
  );
}

/** @param {{name: string, text: string, before: string | null, children?: import("preact").ComponentChildren}} props */
function Side({ name, text, before, children }) {
  const words = before === null ? [{ text, changed: false }] : difference(before, text);
  return (
    <div class="side">
      <h3>{name}</h3>
      <p class="sentence">
        {words.map((one, i) => {
          const bare = one.text.trimEnd();
          return one.changed ? [<mark key={i}>{bare}</mark>, one.text.slice(bare.length)] : one.text;
        })}
      </p>
      {children}
    </div>
  );
}

/** @param {import("../../strings.js").Say} t @param {string} off as the state has them */
export function withoutHeads(t, off) {
  const n = off.split(",").length;
  return n === 1 ? t("withoutOne") : t("without", { n });
}

/** The sentence without the heads that are off, beside the original. */
function Result() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys("sentences", "sentence", "off", "models", "pair");
  const explanation = state.sentences[state.sentence]?.explanation ?? null;
  const model = state.models.find((one) => one.id === state.pair);
  const { value, late, problem } = usePromised(
    (signal) => {
      if (!explanation || !state.off) return null;
      const { off } = state;
      return (async () => {
        const changed = await engine.ablate(explanation.source, signal);
        return { of: explanation, off, changed, again: await scoreWithout(engine, explanation, off, signal) };
      })();
    },
    [explanation, state.off],
  );
  const shown = value?.of ?? shownExplanation(state);
  if (!shown) return null;
  const score = shown.hypotheses[0]?.score ?? 0;
  const before = t("scoreNow", { score: signed(score), share: percent(score) });
  const original = (
    <Side name={t("original")} text={shown.translation} before={null}>
      <p class="help">{before}</p>
    </Side>
  );
  if (problem) return <p class="status bad">{t("failed", { problem })}</p>;
  if (!state.off || !value) return <div class="pair">{original}</div>;
  const names = value.off.split(",");
  const now = value.changed.hypotheses[0]?.score ?? 0;
  const change = `${now >= score ? "+" : "−"}${Math.abs(now - score).toFixed(3)}`;
  const title = withoutHeads(t, value.off);
  const after = t("scoreChange", { score: signed(now), change });
  const forced = t("originalScore", { score: signed(value.again) });
  return (
    <div class={late ? "stale" : ""} aria-live="polite">
      <Figure
        name="glossa-heads-off"
        what={t("headsOff")}
        forExport={() =>
          sheet({
            label: t("headsOff"),
            rows: [
              [t("original"), shown.translation, before],
              [title, difference(shown.translation, value.changed.translation), after],
              [t("headsOff"), names.map((one) => headName(headOf(one), model, language, t)).join("; "), forced],
            ],
          })
        }
        json={() => ({
          sentence: shown.source,
          headsOff: names.map(headOf),
          original: { translation: shown.translation, score, scoreWithout: value.again },
          without: { translation: value.changed.translation, score: now },
        })}
      >
        <div class="pair">
          {original}
          <Side name={title} text={value.changed.translation} before={shown.translation}>
            <p class="help">{after}</p>
            {value.changed.translation === shown.translation && <p class="help">{t("noChange")}</p>}
            <p class="help">{forced}</p>
          </Side>
        </div>
      </Figure>
    </div>
  );
}

/** @param {{ranking: ReturnType<typeof useRanking>}} props */
export function Ranking({ ranking }) {
  const { store } = useApp();
  const { t, language } = useWords();
  const state = useKeys("models", "pair");
  const [box, width] = useWidth();
  const model = state.models.find((one) => one.id === state.pair);
  const { losses, total, of, done } = ranking;
  const ranked = useMemo(() => losses.toSorted((a, b) => b.lost - a.lost), [losses]);
  const items = ranked.map(({ head, lost }) => ({
    name: `${t(`${head.kind}Short`)} ${head.layer + 1}.${head.head + 1}`,
    value: lost,
    number: signed(lost),
    label: `${headName(head, model, language, t)}: ${signed(lost)}`,
  }));
  /** @param {number} at */
  const pick = (at) => {
    const { off } = store.get();
    const names = new Set(off ? off.split(",") : []);
    const id = idOf(ranked[at].head);
    if (!names.delete(id)) names.add(id);
    store.set({ off: [...names].sort().join(",") });
  };
  return (
    <div class="ranking" ref={box}>
      <h3>{t("ranking")}</h3>
      <p class="help">{t("rankingHelp")}</p>
      {!done && (
        <p class="status" role="status">
          {total > 0 ? t("ranked", { done: losses.length, total }) : t("working")}
        </p>
      )}
      {of && items.length > 0 && (
        <Figure
          name="glossa-heads"
          what={t("ranking")}
          table={() => barsTable(items, t("ranking"))}
          json={() => ({
            ...{ sentence: of.source, translation: of.translation },
            loss: ranked.map(({ head, lost }) => ({ ...head, lost })),
          })}
        >
          <Drawn
            make={() => bars({ label: t("ranking"), bars: items, width: Math.max(240, width), onpick: pick })}
            of={[ranked, width, language]}
          />
        </Figure>
      )}
    </div>
  );
}

/** @typedef {{name: string, explanation: SentenceExplanation}} Compared */

/** @param {Compared} one @returns {Matrix} */
const averageOf = ({ explanation }) => ({
  ...axes(explanation, "cross"),
  data: reduced(explanation, "cross", "mean", 0, 0),
});

export function SideBySide() {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const dark = useDark();
  const state = useKeys("sentences", "sentence", "models", "pair");
  const [box, width] = useWidth();
  const [other, setOther] = useState("");
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const comparison = useMemo(() => new Comparison(store), []);
  useEffect(() => () => comparison.close(), []);
  const here = state.models.find((one) => one.id === state.pair);
  const models = state.models.filter((one) => one.id !== state.pair && one.source === here?.source && !one.halves);
  const explanation = state.sentences[state.sentence]?.explanation ?? null;
  const [what, which] = other.split(" ");
  const select = useRef(/** @type {HTMLSelectElement | null} */ (null));
  const { value, late, problem } = usePromised(
    (signal) => {
      if (!what || !explanation || (what === "file" && !file)) return null;
      const name = select.current?.selectedOptions[0]?.textContent ?? "";
      const second =
        what === "beam"
          ? engine.ask(explanation.source, { beamSize: Number(which), signal })
          : comparison.ask(explanation.source, what === "file" ? /** @type {File} */ (file) : which, signal);
      const target = what === "model" ? models.find((one) => one.id === which)?.target : here?.target;
      return second.then((found) => ({ of: explanation, name, found, same: target === here?.target }));
    },
    [explanation, other, file],
  );
  return (
    <section class="spaced" ref={box}>
      <h3>{t("compare")}</h3>
      <p class="help">{t("compareHelp")}</p>
      <p class="actions">
        <label for="other">{t("compareWith")}</label>
        <select id="other" ref={select} value={other} onChange={(event) => setOther(event.currentTarget.value)}>
          <option value="">{t("nothing")}</option>
          <option value="beam 1">{t("greedySearch")}</option>
          {[2, 4, 8].map((n) => (
            <option key={n} value={`beam ${n}`}>
              {t("beamSearch", { n })}
            </option>
          ))}
          {models.map((one) => (
            <option key={one.id} value={`model ${one.id}`}>
              {`${pairName(one, language)} (${one.id})`}
            </option>
          ))}
          <option value="file">{t("ownFile")}</option>
        </select>
        {what === "file" && (
          <input
            type="file"
            accept=".gguf"
            aria-label={t("chooseFile")}
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
        )}
      </p>
      {problem && (
        <p class="status bad" role="status">
          {t("failed", { problem })}{" "}
          {problem === t("gone") && (
            <button type="button" onClick={() => engine.offerMissing(which)}>
              {t("moreLanguages")}
            </button>
          )}
        </p>
      )}
      {what && value && (
        <div class={late ? "stale" : ""}>
          <Sides
            both={[
              { name: t("now"), explanation: value.of },
              { name: value.name, explanation: value.found },
            ]}
            {...{ width, dark, same: value.same }}
          />
        </div>
      )}
      {what && !value && !problem && (what !== "file" || file) && <p class="help">{t("working")}</p>}
    </section>
  );
}

/** @param {{both: Compared[], width: number, dark: boolean, same: boolean}} props same: whether both are in one language */
function Sides({ both, width, dark, same }) {
  const { t, language } = useWords();
  const first = both[0].explanation.translation;
  const scores = both.map(({ explanation }) => explanation.hypotheses[0]?.score ?? 0);
  const notes = scores.map((score) => t("scoreNow", { score: signed(score), share: percent(score) }));
  const room = Math.max(260, width > 700 ? width / 2 - 24 : width);
  /** @param {Compared} one @param {number} wide @param {boolean} [rectangles] */
  const picture = (one, wide, rectangles) => {
    const matrix = averageOf(one);
    const high = matrix.data.reduce((a, b) => Math.max(a, b), 1e-6);
    const label = `${one.name}: ${t("crossAverage")}`;
    return heatmap(matrix, { label, width: wide, high, dark, largest: 26, rectangles });
  };
  return (
    <Figure
      name="glossa-side-by-side"
      what={t("compare")}
      forExport={() =>
        collage(
          t("compare"),
          both.map((one, i) => [
            sheet({
              label: one.name,
              rows: [
                [one.name],
                [same ? difference(first, one.explanation.translation) : one.explanation.translation],
                [notes[i]],
                [t("crossAverage")],
              ],
            }),
            /** @type {SVGSVGElement} */ (picture(one, 420, true).querySelector("svg")),
          ]),
        )
      }
      table={() => h("div", {}, ...both.map((one) => matrixTable(averageOf(one), `${one.name}: ${t("crossAverage")}`)))}
      json={() => ({
        sentence: both[0].explanation.source,
        sides: both.map((one, i) => {
          const { rows, cols, data } = averageOf(one);
          return {
            ...{ name: one.name, translation: one.explanation.translation, score: scores[i] },
            rows: rows.map(({ text }) => text),
            columns: cols.map(({ text }) => text),
            weights: rows.map((_, r) => data.slice(r * cols.length, (r + 1) * cols.length)),
          };
        }),
      })}
    >
      {same && both[1].explanation.translation === first && <p class="help">{t("same")}</p>}
      <div class="pair">
        {both.map((one, i) => (
          <Side key={i} name={one.name} text={one.explanation.translation} before={i === 0 || !same ? null : first}>
            <p class="help">{notes[i]}</p>
            <p class="help">{t("crossAverage")}</p>
            <Drawn make={() => picture(one, room)} of={[one.explanation, room, dark, language]} />
          </Side>
        ))}
      </div>
    </Figure>
  );
}
