// The sentence in detail: how sure the model was of each token, what else it might have written there, and the other
// translations that the search found.

import { tokenLabels } from "../attention.js";
import { bars, barsTable } from "../draw/bars.js";
import { difference, marked } from "../draw/difference.js";
import { h, set } from "../draw/dom.js";
import { figure } from "../draw/figure.js";
import { sheet } from "../draw/sheet.js";
import { drawEmpty } from "./empty.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").State} State */
/** @typedef {import("../../src/js/types.js").SentenceExplanation} SentenceExplanation */

/** A piece as people read it: a mark stands where it goes on with a word. @param {string} piece @param {string} [end] */
export function readable(piece, end = "‹/s›") {
  if (piece === "</s>") return end;
  if (piece === "\u2581") return "␣";
  if (piece.startsWith("\u2581")) return piece.slice(1);
  return /^[\p{P}\p{S}\p{Script=Han}]/u.test(piece) ? piece : `‑${piece}`;
}

/** @param {number} logProbability */
export const percent = (logProbability) => {
  const value = Math.exp(logProbability) * 100;
  if (value < 0.05) return "< 0.1 %";
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
};

/** @param {Context} context */
export function translateView({ element, store, engine, t }) {
  const empty = h("div", { class: "empty" });
  const tokens = h("div", {});
  const candidates = h("div", {});
  const others = h("div", {});
  const candidatesTitle = h("h2", {});
  const forced = h("p", { class: "notice" });
  const body = h(
    "div",
    { class: "columns" },
    h("section", {}, h("h2", {}, t("confidence")), h("p", { class: "help" }, t("confidenceHelp")), tokens),
    h("section", {}, candidatesTitle, h("p", { class: "help" }, t("candidatesHelp")), forced, candidates),
    h("section", {}, h("h2", {}, t("alternatives")), h("p", { class: "help" }, t("alternativesHelp")), others),
  );
  set(element, empty, body);

  /** @param {State} state @returns {SentenceExplanation | null} */
  const explanationOf = (state) => state.sentences[state.sentence]?.explanation ?? null;
  const target = () => store.get().models.find((one) => one.id === store.get().pair)?.target ?? null;
  const room = () => Math.max(200, body.clientWidth ? tokens.clientWidth : 380);

  /** Draws, and gives the focus back to where it was. @param {HTMLElement} box @param {() => void} draw */
  function keepingFocus(box, draw) {
    const at = box.contains(document.activeElement) ? document.activeElement?.getAttribute("data-at") : null;
    draw();
    if (at) /** @type {SVGElement | null} */ (box.querySelector(`[data-at="${at}"]`))?.focus();
  }

  /** @param {State} state @param {SentenceExplanation} explanation */
  function drawTokens(state, explanation) {
    const labels = tokenLabels(explanation.targetTokens, explanation.translation, "target");
    const items = explanation.targetTokens.map(({ logProbability }, i) => ({
      name: labels[i].text,
      value: Math.exp(logProbability),
      number: percent(logProbability),
    }));
    const chosen = Math.min(state.token, items.length - 1);
    const draw = () =>
      bars({ label: t("confidence"), bars: items, width: room(), largest: 1, chosen, onpick: (token) => pick(token) });
    keepingFocus(tokens, () =>
      set(
        tokens,
        figure({
          name: "glossa-confidence",
          what: t("confidence"),
          picture: h("div", { class: "picture" }, draw()),
          table: () => barsTable(items, t("confidence")),
          json: () => ({
            translation: explanation.translation,
            tokens: explanation.targetTokens.map(({ id, piece, logProbability }) => ({ id, piece, logProbability })),
          }),
          t,
        }),
      ),
    );
  }

  /** @param {number} token */
  function pick(token) {
    const { sentence, sentences } = store.get();
    const span = sentences[sentence]?.explanation?.targetTokens[token];
    const lit =
      span && span.end > span.start
        ? { side: /** @type {const} */ ("target"), sentence, at: span.end - 1, pinned: true }
        : null;
    store.set({ token, lit });
  }

  /** @param {State} state @param {SentenceExplanation} explanation */
  function drawCandidates(state, explanation) {
    const { targetTokens, topK } = explanation;
    const token = Math.min(state.token, targetTokens.length - 1);
    const before = explanation.translation.slice(0, targetTokens[token].start).trimEnd();
    candidatesTitle.textContent = t("candidates", { n: token + 1 });
    const end = targetTokens.at(-1);
    const items = (topK[token] ?? []).map((one) => {
      const ends = one.piece === "</s>" || (end !== undefined && end.start === end.end && one.id === end.id);
      return {
        name: ends ? "‹/s›" : readable(one.piece),
        value: Math.exp(one.logProbability),
        number: percent(one.logProbability),
        fixed: ends,
        label: t("continueWith", { piece: readable(one.piece), share: percent(one.logProbability) }),
      };
    });
    const chosen = (topK[token] ?? []).findIndex((one) => one.id === targetTokens[token].id);
    const onpick = (/** @type {number} */ at) => {
      const ids = targetTokens.slice(0, token).map((one) => one.id);
      engine.force(state.sentence, [...ids, topK[token][at].id]);
    };
    keepingFocus(candidates, () =>
      set(
        candidates,
        figure({
          name: "glossa-candidates",
          what: candidatesTitle.textContent ?? "",
          picture: h(
            "div",
            { class: "picture" },
            bars({ label: candidatesTitle.textContent ?? "", bars: items, width: room(), largest: 1, chosen, onpick }),
          ),
          table: () => barsTable(items, candidatesTitle.textContent ?? ""),
          json: () => ({ after: before, candidates: topK[token] }),
          t,
        }),
      ),
    );
    const { prefix } = state.sentences[state.sentence];
    forced.hidden = prefix === null;
    if (prefix) {
      const fixed = targetTokens[Math.min(prefix.length, targetTokens.length) - 1];
      set(
        forced,
        `${t("forced", { text: explanation.translation.slice(0, fixed?.end ?? 0) })} `,
        h("button", { type: "button", onclick: () => engine.force(store.get().sentence, null) }, t("free")),
      );
    }
  }

  /** @param {SentenceExplanation} explanation */
  function drawOthers(explanation) {
    // Two hypotheses may be the same text in other tokens; the better one stands for both.
    const texts = new Set();
    const [best, ...rest] = explanation.hypotheses.filter((one) => !texts.has(one.text) && texts.add(one.text));
    if (!best) return set(others);
    const all = [best, ...rest];
    /** @param {typeof best} one */
    const score = (one) => t("scoreIs", { score: one.score.toFixed(3), share: percent(one.score) });
    const list = h(
      "ol",
      { class: "hypotheses", lang: target(), dir: "auto" },
      ...all.map((one) =>
        h(
          "li",
          {},
          h("p", { class: "sentence" }, ...(one === best ? [one.text] : marked(best.text, one.text))),
          h("p", { class: "help", lang: store.get().language }, score(one)),
        ),
      ),
    );
    set(
      others,
      figure({
        name: "glossa-translations",
        what: t("alternatives"),
        picture: list,
        forExport: () =>
          sheet({
            label: t("alternatives"),
            rows: [
              [t("source"), explanation.source],
              ...all.map((one, i) => [String(i + 1), difference(best.text, one.text), score(one)]),
            ],
          }),
        json: () => ({ sentence: explanation.source, translations: all }),
        t,
      }),
    );
  }

  let drawnFor = /** @type {SentenceExplanation | null} */ (null);
  /** @param {State} state */
  function draw(state) {
    const explanation = explanationOf(state);
    body.hidden = !explanation;
    empty.hidden = explanation !== null;
    if (!explanation) {
      drawEmpty(empty, "translateEmpty", state, { engine, t });
      drawnFor = null;
      return;
    }
    drawTokens(state, explanation);
    drawCandidates(state, explanation);
    if (explanation !== drawnFor) drawOthers(explanation);
    drawnFor = explanation;
  }
  draw(store.get());
  return {
    /** @param {State} state @param {Set<string>} changed */
    update(state, changed) {
      const fresh = explanationOf(state) !== drawnFor;
      if (fresh || changed.has("token") || changed.has("sentence") || changed.has("status")) draw(state);
    },
  };
}
