// The sentence and its translation in pieces, always in sight: what is chosen here is chosen in every picture.

import { useCallback, useState } from "preact/hooks";
import { tokenLabels } from "../../attention.js";
import { chosenToken, chosenWord } from "../../heads.js";
import { typeset } from "../../languages.js";
import { litOf, litTokens } from "../../selection.js";
import { freshText, isStale, shownExplanation } from "../../state.js";
import { useApp, useKeys, useRoving, useWords } from "../../ui.jsx";
import { Turn } from "../translate/room.jsx";

/** @typedef {"source" | "target"} Side */

export function Strip() {
  const { store, engine } = useApp();
  const { t } = useWords();
  const state = useKeys(
    "sentences",
    "sentence",
    "lit",
    "word",
    "token",
    "aligning",
    "text",
    "status",
    "problem",
    "models",
    "pair",
  );
  const [editing, setEditing] = useState(false);
  const [sources, targets] = [useRoving("button"), useRoving("button")];
  const close = () => setEditing(false);
  const focus = useCallback((/** @type {HTMLInputElement | null} */ one) => one?.focus(), []);
  const explanation = shownExplanation(state);
  const model = state.models.find((one) => one.id === state.pair);
  const lit = litTokens(state);

  /** @param {Side} side */
  const row = (side) => {
    if (!explanation) return null;
    const text = side === "source" ? explanation.source : explanation.translation;
    const labels = tokenLabels(explanation[`${side}Tokens`], text, side);
    const chosen = side === "source" ? chosenWord(state, explanation) : chosenToken(state, explanation);
    const point = (/** @type {number} */ token) => {
      const now = store.get().lit;
      if (!now?.pinned) store.set({ lit: litOf(explanation, side, token, state.sentence) });
    };
    const leave = () => store.get().lit?.pinned || store.set({ lit: null });
    return (
      <span
        class={`strip-row ${side}`}
        role="group"
        lang={typeset((side === "source" ? model?.source : model?.target) ?? "")}
        aria-label={t(side)}
        ref={side === "source" ? sources : targets}
      >
        {labels.map((label, i) => (
          <button
            key={i}
            type="button"
            class={`piece${lit[side].has(i) ? (lit.side === side ? " self" : " linked") : ""}${label.word !== labels[i - 1]?.word ? " first" : ""}`}
            aria-pressed={i === chosen}
            tabIndex={i === chosen ? 0 : -1}
            onPointerEnter={() => point(i)}
            onPointerLeave={leave}
            onFocus={() => point(i)}
            onBlur={leave}
            onClick={() => store.set(side === "source" ? { word: i } : { token: i })}
          >
            {label.text}
          </button>
        ))}
      </span>
    );
  };
  const failed = state.status === "failed";
  return (
    <div class={`strip${isStale(state) ? " stale" : ""}`} role="region" aria-label={t("strip")}>
      <div class="strip-line">
        {editing ? (
          <input
            class="strip-edit"
            aria-label={t("source")}
            value={state.text}
            ref={focus}
            onInput={(event) => store.set({ ...freshText, text: event.currentTarget.value })}
            onKeyDown={(event) => (event.key === "Enter" || event.key === "Escape") && close()}
            onBlur={() => {
              // Nothing may move under a press before it has landed.
              if (document.querySelector(":active"))
                addEventListener("pointerup", () => setTimeout(close), { once: true });
              else close();
            }}
          />
        ) : (
          row("source")
        )}
        <button
          type="button"
          class="quiet"
          aria-label={t("edit")}
          title={t("edit")}
          onClick={() => setEditing(!editing)}
        >
          ✎
        </button>
        <span aria-hidden="true" class="strip-arrow">
          →
        </span>
        {row("target")}
        <Turn />
      </div>
      {failed && (
        <p class="status bad" role="status">
          {t("failed", { problem: state.problem })}{" "}
          <button type="button" onClick={() => (engine.current() ? engine.schedule(0) : engine.load())}>
            {t("retry")}
          </button>
        </p>
      )}
    </div>
  );
}
