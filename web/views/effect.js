// Cause and effect: the sentence without some heads, what each head is worth to it, and two translations side by side.

import { axes, reduced } from "../attention.js";
import { bars, barsTable } from "../draw/bars.js";
import { difference, marked } from "../draw/difference.js";
import { h, roving, set } from "../draw/dom.js";
import { figure } from "../draw/figure.js";
import { heatmap, matrixTable } from "../draw/heatmap.js";
import { collage, sheet } from "../draw/sheet.js";
import { Comparison } from "../engine.js";
import { pairName } from "../languages.js";
import { headMask } from "../state.js";
import { percent } from "./translate.js";
import { drawEmpty } from "./empty.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").State} State */
/** @typedef {import("../state.js").Kind} Kind */
/** @typedef {import("../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../attention.js").Matrix} Matrix */
/** @typedef {{kind: Kind, layer: number, head: number}} Head */

const kinds = /** @type {const} */ (["encoder", "decoder", "cross"]);

/** @param {SentenceExplanation} explanation @returns {Head[]} */
export function headsOf(explanation) {
  return kinds.flatMap((kind) => {
    const attention = explanation[kind];
    if (!attention) return [];
    return Array.from({ length: attention.layers * attention.heads }, (_, i) => ({
      kind,
      layer: Math.floor(i / attention.heads),
      head: i % attention.heads,
    }));
  });
}

/** As the address has it: "c0.1". @param {Head} head */
const nameOf = ({ kind, layer, head }) => `${kind[0]}${layer}.${head}`;

/** @param {string} name @returns {Head} */
const fromName = (name) => {
  const [layer, head] = name.slice(1).split(".").map(Number);
  return { kind: kinds.find((kind) => kind[0] === name[0]) ?? "cross", layer, head };
};

/** Mean log-probability of the tokens. @param {{logProbability: number}[]} tokens */
const meanOf = (tokens) => tokens.reduce((sum, one) => sum + one.logProbability, 0) / Math.max(1, tokens.length);

/** @param {Context} context */
export function effectView({ element, store, engine, t }) {
  const empty = h("div", { class: "empty" });
  const switches = h("div", { class: "switches" });
  const result = h("div", { "aria-live": "polite" });
  const ranking = h("div", {});
  const rankButton = h("button", { type: "button" });
  const rankStatus = h("span", { class: "status", role: "status" });
  const other = h("select", { id: "other" });
  const file = h("input", { type: "file", accept: ".gguf", "aria-label": t("chooseFile"), hidden: true });
  const sides = h("div", {});
  const body = h(
    "div",
    {},
    h(
      "div",
      { class: "columns wide" },
      h("section", {}, h("h2", {}, t("headsOff")), h("p", { class: "help" }, t("headsOffHelp")), switches, result),
      h(
        "section",
        {},
        h("h2", {}, t("ranking")),
        h("p", { class: "help" }, t("rankingHelp")),
        h("p", { class: "actions" }, rankButton, rankStatus),
        ranking,
      ),
    ),
    h(
      "section",
      { class: "spaced" },
      h("h2", {}, t("compare")),
      h("p", { class: "help" }, t("compareHelp")),
      h("p", { class: "actions" }, h("label", { for: "other" }, t("compareWith")), other, file),
      sides,
    ),
  );
  set(element, empty, body);
  const comparison = new Comparison(store);
  let ablation = new AbortController();
  let rankingRun = new AbortController();
  let comparing = new AbortController();

  /** @param {State} state @returns {SentenceExplanation | null} */
  const explanationOf = (state) => state.sentences[state.sentence]?.explanation ?? null;
  /** @param {Head} one */
  const headName = ({ kind, layer, head }) => `${t(kind)}, ${t("layerHead", { layer: layer + 1, head: head + 1 })}`;
  /** @param {State} state */
  const offSet = (state) => new Set(state.off ? state.off.split(",") : []);

  /** @param {SentenceExplanation} explanation */
  function drawSwitches(explanation) {
    const all = headsOf(explanation);
    set(
      switches,
      ...kinds
        .filter((kind) => explanation[kind])
        .map((kind) => {
          const heads = all.filter((one) => one.kind === kind);
          const columns = heads.filter((one) => one.layer === 0).length;
          const grid = h(
            "div",
            { class: "switch-grid", role: "group", "aria-label": t(kind) },
            ...heads.map((one) =>
              h(
                "button",
                {
                  type: "button",
                  class: "switch",
                  tabindex: one === heads[0] ? "0" : "-1",
                  "data-name": nameOf(one),
                  title: headName(one),
                  onclick: () => toggle(nameOf(one)),
                },
                `${one.layer + 1}.${one.head + 1}`,
              ),
            ),
          );
          grid.style.setProperty("--heads", String(columns));
          roving(grid, "button", () => columns);
          return h("div", {}, h("h3", {}, t(kind)), grid);
        }),
      h(
        "p",
        { class: "actions" },
        h("button", { type: "button", id: "all-on", onclick: () => store.set({ off: "" }) }, t("allOn")),
      ),
    );
    markSwitches(store.get());
  }

  /** @param {string} name */
  function toggle(name) {
    const off = offSet(store.get());
    if (!off.delete(name)) off.add(name);
    store.set({ off: [...off].sort().join(",") });
  }

  /** @param {State} state */
  function markSwitches(state) {
    const off = offSet(state);
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (switches.querySelectorAll(".switch"))) {
      const isOff = off.has(button.dataset.name ?? "");
      button.setAttribute("aria-pressed", String(isOff));
      button.setAttribute("aria-label", `${button.title}, ${t(isOff ? "offWord" : "on")}`);
    }
    /** @type {HTMLButtonElement | null} */ (switches.querySelector("#all-on"))?.toggleAttribute(
      "disabled",
      off.size === 0,
    );
  }

  /** @param {string} name @param {string} text @param {string | null} before @param {string} note */
  const side = (name, text, before, note) =>
    h(
      "div",
      { class: "side" },
      h("h3", {}, name),
      h("p", { class: "sentence" }, ...(before === null ? [text] : marked(before, text))),
      h("p", { class: "help" }, note),
    );

  /** The sentence without the heads that are off, beside the original. @param {State} state @param {SentenceExplanation} explanation */
  async function drawAblation(state, explanation) {
    ablation.abort();
    ablation = new AbortController();
    const { signal } = ablation;
    const off = offSet(state);
    const score = explanation.hypotheses[0]?.score ?? 0;
    const before = t("scoreIs", { score: score.toFixed(3), share: percent(score) });
    const original = side(t("original"), explanation.translation, null, before);
    if (off.size === 0) return set(result, original);
    try {
      const changed = await engine.ablate(explanation.source, signal);
      const again = await scoreWithout(explanation, state.off, signal);
      if (signal.aborted) return;
      const now = changed.hypotheses[0]?.score ?? 0;
      const change = `${now >= score ? "+" : "−"}${Math.abs(now - score).toFixed(3)}`;
      const title = t("without", { n: off.size });
      const after = t("scoreChange", { score: now.toFixed(3), change });
      const forced = t("originalScore", { score: again.toFixed(3) });
      const without = side(title, changed.translation, explanation.translation, after);
      if (changed.translation === explanation.translation) without.append(h("p", { class: "help" }, t("noChange")));
      without.append(h("p", { class: "help" }, forced));
      set(
        result,
        figure({
          name: "glossa-heads-off",
          what: t("headsOff"),
          picture: h("div", { class: "pair" }, original, without),
          forExport: () =>
            sheet({
              label: t("headsOff"),
              rows: [
                [t("source"), explanation.source],
                [t("original"), explanation.translation, before],
                [title, difference(explanation.translation, changed.translation), after],
                [t("headsOff"), [...off].map(fromName).map(headName).join("; "), forced],
              ],
            }),
          json: () => ({
            sentence: explanation.source,
            headsOff: [...off].map(fromName),
            original: { translation: explanation.translation, score, scoreWithout: again },
            without: { translation: changed.translation, score: now },
          }),
          t,
        }),
      );
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) set(result, original, h("p", { class: "status bad" }, t("failed", { problem })));
    }
  }

  /**
   * Mean log-probability that the model without some heads gives to the translation it made with all of them.
   * @param {SentenceExplanation} explanation
   * @param {string} off
   * @param {AbortSignal} signal
   */
  async function scoreWithout(explanation, off, signal) {
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

  /** @param {SentenceExplanation} explanation */
  async function rank(explanation) {
    rankingRun.abort();
    rankingRun = new AbortController();
    const { signal } = rankingRun;
    const heads = headsOf(explanation);
    rankButton.textContent = t("stop");
    rankButton.onclick = () => stopRanking(explanation);
    /** @type {{head: Head, lost: number}[]} */
    const losses = [];
    try {
      const whole = await scoreWithout(explanation, "", signal);
      for (const head of heads) {
        losses.push({ head, lost: whole - (await scoreWithout(explanation, nameOf(head), signal)) });
        if (signal.aborted) return;
        rankStatus.textContent = t("ranked", { done: losses.length, total: heads.length });
      }
      drawRanking(explanation, losses);
    } catch (error) {
      if (!signal.aborted) rankStatus.textContent = t("failed", { problem: String(error) });
    }
    if (!signal.aborted) stopRanking(explanation);
  }

  /** @param {SentenceExplanation} explanation */
  function stopRanking(explanation) {
    rankingRun.abort();
    rankButton.textContent = t("rank", { n: headsOf(explanation).length });
    rankButton.onclick = () => rank(explanation);
  }

  /** @param {SentenceExplanation} explanation @param {{head: Head, lost: number}[]} losses */
  function drawRanking(explanation, losses) {
    const ranked = losses.toSorted((a, b) => b.lost - a.lost);
    const items = ranked.map(({ head, lost }) => ({
      name: `${t(head.kind)} ${head.layer + 1}.${head.head + 1}`,
      value: lost,
      number: lost.toFixed(3),
      label: `${headName(head)}: ${lost.toFixed(3)}`,
    }));
    const onpick = (/** @type {number} */ at) => toggle(nameOf(ranked[at].head));
    const width = Math.max(240, ranking.clientWidth);
    set(
      ranking,
      figure({
        name: "glossa-heads",
        what: t("ranking"),
        picture: h("div", { class: "picture" }, bars({ label: t("ranking"), bars: items, width, onpick })),
        table: () => barsTable(items, t("ranking")),
        json: () => ({
          sentence: explanation.source,
          translation: explanation.translation,
          loss: ranked.map(({ head, lost }) => ({ ...head, lost })),
        }),
        t,
      }),
    );
  }

  /** @param {State} state */
  function drawOthers(state) {
    const here = state.models.find((one) => one.id === state.pair);
    const { language } = state;
    const models = state.models.filter((one) => one.id !== state.pair && one.source === here?.source);
    const value = other.value;
    set(
      other,
      h("option", { value: "" }, t("nothing")),
      h("option", { value: "beam 1" }, t("greedySearch")),
      ...[2, 4, 8].map((n) => h("option", { value: `beam ${n}` }, t("beamSearch", { n }))),
      ...models.map((one) => h("option", { value: `model ${one.id}` }, `${pairName(one, language)} (${one.id})`)),
      h("option", { value: "file" }, t("ownFile")),
    );
    other.value = value;
  }

  async function compare() {
    comparing.abort();
    comparing = new AbortController();
    const { signal } = comparing;
    const explanation = explanationOf(store.get());
    const [what, which] = other.value.split(" ");
    file.hidden = what !== "file";
    if (!what || !explanation || (what === "file" && !file.files?.[0])) return set(sides);
    set(sides, h("p", { class: "help" }, t("working")));
    try {
      const second =
        what === "beam"
          ? await engine.ask(explanation.source, { beamSize: Number(which), signal })
          : await comparison.ask(
              explanation.source,
              what === "file" ? /** @type {File} */ (file.files?.[0]) : which,
              signal,
            );
      if (signal.aborted) return;
      drawSides(
        { name: t("now"), explanation },
        { name: other.selectedOptions[0].textContent ?? "", explanation: second },
      );
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) set(sides, h("p", { class: "status bad" }, t("failed", { problem })));
    }
  }

  /** @typedef {{name: string, explanation: SentenceExplanation}} Side */

  /** @param {Side} one @returns {Matrix} */
  const averageOf = ({ explanation }) => ({
    ...axes(explanation, "cross"),
    data: reduced(explanation, "cross", "mean", 0, 0),
  });

  /** @param {Side} one @param {number} width @param {boolean} [rectangles] */
  function crossPicture(one, width, rectangles) {
    const matrix = averageOf(one);
    const high = matrix.data.reduce((a, b) => Math.max(a, b), 1e-6);
    return heatmap(matrix, { label: `${one.name}: ${t("crossAverage")}`, width, high, largest: 26, rectangles });
  }

  /** @param {Side[]} both the one in use, and what it is compared with */
  function drawSides(...both) {
    const first = both[0].explanation.translation;
    const scores = both.map(({ explanation }) => explanation.hypotheses[0]?.score ?? 0);
    const notes = scores.map((score) => t("scoreIs", { score: score.toFixed(3), share: percent(score) }));
    const width = Math.max(260, sides.clientWidth / 2 - 24);
    const columns = both.map((one, i) => {
      const box = side(one.name, one.explanation.translation, i === 0 ? null : first, notes[i]);
      box.append(
        h("p", { class: "help" }, t("crossAverage")),
        h("div", { class: "picture" }, crossPicture(one, width)),
      );
      return box;
    });
    const forExport = () =>
      collage(
        t("compare"),
        both.map((one, i) => [
          sheet({
            label: one.name,
            rows: [[one.name], [difference(first, one.explanation.translation)], [notes[i]], [t("crossAverage")]],
          }),
          /** @type {SVGSVGElement} */ (crossPicture(one, 420, true).querySelector("svg")),
        ]),
      );
    set(
      sides,
      figure({
        name: "glossa-side-by-side",
        what: t("compare"),
        picture: h("div", { class: "pair" }, ...columns),
        forExport,
        table: () =>
          h("div", {}, ...both.map((one) => matrixTable(averageOf(one), `${one.name}: ${t("crossAverage")}`))),
        json: () => ({
          sentence: both[0].explanation.source,
          sides: both.map((one, i) => {
            const { rows, cols, data } = averageOf(one);
            return {
              name: one.name,
              translation: one.explanation.translation,
              score: scores[i],
              rows: rows.map(({ text }) => text),
              columns: cols.map(({ text }) => text),
              weights: rows.map((_, r) => data.slice(r * cols.length, (r + 1) * cols.length)),
            };
          }),
        }),
        t,
      }),
    );
  }
  other.addEventListener("change", compare);
  file.addEventListener("change", compare);

  let drawnFor = /** @type {SentenceExplanation | null} */ (null);
  let drawnOff = "";
  /** @param {State} state */
  function draw(state) {
    const explanation = explanationOf(state);
    body.hidden = !explanation;
    empty.hidden = explanation !== null;
    if (!explanation) {
      drawEmpty(empty, "effectEmpty", state, { engine, t });
      return;
    }
    if (explanation !== drawnFor) {
      const shape = (/** @type {SentenceExplanation | null} */ one) => (one ? headsOf(one).map(nameOf).join() : "");
      if (shape(drawnFor) !== shape(explanation)) drawSwitches(explanation);
      stopRanking(explanation);
      rankStatus.textContent = "";
      set(ranking);
      drawnFor = explanation;
      drawAblation(state, explanation);
      compare();
    } else if (drawnOff !== state.off) drawAblation(state, explanation);
    drawnOff = state.off;
    markSwitches(state);
  }
  drawOthers(store.get());
  draw(store.get());
  return {
    /** @param {State} state @param {Set<string>} changed */
    update(state, changed) {
      if (changed.has("models") || changed.has("pair")) drawOthers(state);
      draw(state);
    },
    close() {
      for (const one of [ablation, rankingRun, comparing]) one.abort();
      comparison.close();
    },
  };
}
