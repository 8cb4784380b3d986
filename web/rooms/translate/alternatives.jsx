// What else the model might have written in a word's place, at the word; the translation goes on from what is chosen.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { readable } from "../../draw/pieces.js";
import { turningPoint, wordsOf } from "../../selection.js";
import { percent } from "../../strings.js";
import { useApp, useKeys, useWords } from "../../ui.jsx";

const MOST = 8;

/** @param {{box: import("preact").RefObject<HTMLDivElement | null>, lit: import("../../state.js").Lit}} props */
export function Alternatives({ box, lit }) {
  const { store, engine } = useApp();
  const { t } = useWords();
  const { sentences, notes } = useKeys("sentences", "notes");
  const self = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [place, setPlace] = useState({ left: 0, top: 0 });
  const sentence = sentences[lit.sentence];
  const explanation = sentence?.explanation;
  const word = explanation && wordsOf(explanation, "target").find((one) => lit.at >= one.start && lit.at < one.end);
  useLayoutEffect(() => {
    const output = box.current;
    const selector = `.word[data-sentence="${lit.sentence}"][data-at="${word?.start}"]`;
    const element = /** @type {HTMLElement | null} */ (output?.querySelector(selector));
    if (!output || !element || !self.current) return;
    const [outer, inner] = [output.getBoundingClientRect(), element.getBoundingClientRect()];
    const most = Math.max(0, outer.width - self.current.offsetWidth - 8);
    setPlace({ left: Math.max(8, Math.min(most, inner.left - outer.left)), top: inner.bottom - outer.top + 6 });
  }, [lit, explanation]);
  if (!explanation || !word) return null;
  const { targetTokens, topK, translation } = explanation;
  const end = targetTokens.at(-1);
  const at = turningPoint(explanation, word, notes.confidence.word);
  const ids = targetTokens.slice(0, at).map((one) => one.id);
  const spelt = translation.slice(word.start, word.end);
  // Within a word, its beginning stays.
  const before = at > word.token ? translation.slice(word.start, targetTokens[at].start) : "";
  const written = translation.slice(word.start + before.length, Math.min(targetTokens[at].end, word.end));
  return (
    <div
      class="popover"
      ref={self}
      role="dialog"
      aria-label={t("alternativesAt", { word: spelt })}
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        store.set({ lit: null });
        /** @type {HTMLElement | null} */ (box.current?.querySelector('[tabindex="0"]'))?.focus();
      }}
    >
      <p class="popover-head">
        {t("alternativesAt", { word: spelt })}
        <button type="button" class="quiet" aria-label={t("close")} onClick={() => store.set({ lit: null })}>
          ✕
        </button>
      </p>
      <ul>
        {(topK[at] ?? []).slice(0, MOST).map((one) => {
          const ends = one.piece === "</s>" || (end !== undefined && end.start === end.end && one.id === end.id);
          const chosen = one.id === targetTokens[at].id;
          const share = percent(one.logProbability);
          const name = chosen ? before + (before ? written : spelt) : ends ? t("endsHere") : joined(before, one.piece);
          return (
            <li key={one.id}>
              <button
                type="button"
                class={`candidate${chosen ? " chosen" : ""}`}
                disabled={ends}
                aria-label={t("candidate", { piece: name, share })}
                aria-current={chosen ? "true" : undefined}
                style={{ "--share": Math.exp(one.logProbability) }}
                onClick={() => {
                  store.set({ lit: null });
                  if (!chosen) engine.force(lit.sentence, [...ids, one.id]);
                }}
              >
                <span>{name}</span>
                <span class="share-of">{share}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** A piece behind the beginning of its word. @param {string} before @param {string} piece */
function joined(before, piece) {
  if (!before) return readable(piece);
  return piece.startsWith("\u2581") ? `${before} ${readable(piece)}` : before + readable(piece).replace(/^‑/, "");
}
