// The sentence in detail: the other translations that the search found, how sure the model was of each piece, and what
// else it might have written there.

import { useState } from "preact/hooks";
import { tokenLabels } from "../../attention.js";
import { bars, barsTable } from "../../draw/bars.js";
import { difference, wordsIn } from "../../draw/difference.js";
import { readable } from "../../draw/pieces.js";
import { sheet } from "../../draw/sheet.js";
import { chosenToken } from "../../heads.js";
import { typeset } from "../../languages.js";
import { litOf, unsureWords } from "../../selection.js";
import { isStale, shownExplanation } from "../../state.js";
import { learn, percent, signed } from "../../strings.js";
import { howSure } from "../../sureness.js";
import { Drawn, Figure, useApp, useKeys, useWidth, useWords } from "../../ui.jsx";
import { words } from "./words.js";

/** @typedef {import("../../../src/js/types.js").Hypothesis} Hypothesis */

learn(words);

const MOST_WORDS = 60; // of an alternative, before the reader asks for all

export function Others() {
  const { t } = useWords();
  const state = useKeys("sentences", "sentence", "models", "pair", "notes");
  const explanation = shownExplanation(state);
  const target = typeset(state.models.find((one) => one.id === state.pair)?.target ?? "");
  if (!explanation) return <p class="help">{t("threadsEmpty")}</p>;
  const [best, ...rest] = explanation.hypotheses;
  if (!best) return <p class="help">{t("onlyOne")}</p>;
  const all = [best, ...rest];
  const { word, sentence } = state.notes.confidence;
  const unsure = unsureWords(explanation, word).length;
  /** @param {Hypothesis} one */
  const score = (one) =>
    t("scoreIs", { sure: howSure(t, one.score, one === best ? unsure : 0, sentence), score: signed(one.score) });
  return (
    <div class={isStale(state) ? "stale" : ""}>
      <p class="help">{t(rest.length > 0 ? "othersHelp" : "onlyOne")}</p>
      <Figure
        name="glossa-translations"
        what={t("others")}
        json={() => ({ sentence: explanation.source, translations: all })}
        forExport={() =>
          sheet({
            label: t("others"),
            rows: all.map((one, i) => [String(i + 1), difference(best.text, one.text), score(one)]),
          })
        }
      >
        <ol class="hypotheses" lang={target} dir="auto">
          {all.map((one) => (
            <li key={one.text}>
              <Alternative text={one.text} best={one === best ? null : best.text} />
              <p class="help" lang={state.language}>
                {score(one)}
              </p>
            </li>
          ))}
        </ol>
      </Figure>
    </div>
  );
}

/** @param {{text: string, best: string | null}} props */
function Alternative({ text, best }) {
  const { t } = useWords();
  const [whole, setWhole] = useState(false);
  const words = best === null ? wordsIn(text).map((one) => ({ text: one, changed: false })) : difference(best, text);
  const shown = whole ? words : words.slice(0, MOST_WORDS);
  return (
    <p class="sentence">
      {shown.map(({ text: word, changed }, i) => {
        const bare = word.trimEnd();
        return changed ? [<mark key={i}>{bare}</mark>, word.slice(bare.length)] : word;
      })}
      {shown.length < words.length && (
        <>
          {"… "}
          <button type="button" class="quiet" onClick={() => setWhole(true)}>
            {t("showAll", { n: words.length })}
          </button>
        </>
      )}
    </p>
  );
}

export function Confidence() {
  const { store, engine } = useApp();
  const { t } = useWords();
  const state = useKeys("sentences", "sentence", "token", "models", "pair");
  const [box, width] = useWidth();
  const explanation = shownExplanation(state);
  if (!explanation) return <p class="help">{t("threadsEmpty")}</p>;
  const { targetTokens, topK } = explanation;
  const labels = tokenLabels(targetTokens, explanation.translation, "target");
  const token = chosenToken(state, explanation);
  const items = targetTokens.map(({ logProbability }, i) => ({
    name: labels[i].text,
    value: Math.exp(logProbability),
    number: percent(logProbability),
  }));
  const end = targetTokens.at(-1);
  const choices = (topK[token] ?? []).map((one) => {
    const ends = one.piece === "</s>" || (end !== undefined && end.start === end.end && one.id === end.id);
    return {
      name: readable(ends ? "</s>" : one.piece),
      value: Math.exp(one.logProbability),
      number: percent(one.logProbability),
      fixed: ends,
      label: t("candidate", { piece: readable(one.piece), share: percent(one.logProbability) }),
    };
  });
  const before = explanation.translation.slice(0, targetTokens[token]?.start ?? 0).trimEnd();
  const title = t("candidates", { n: token + 1 });
  const half = Math.min(520, width > 700 ? width / 2 - 20 : width);
  /** @param {number} at */
  const pick = (at) => {
    const lit = litOf(explanation, "target", at, state.sentence);
    store.set({ token: at, lit });
  };
  /** @param {number} at */
  const force = (at) => {
    const ids = targetTokens.slice(0, token).map((one) => one.id);
    engine.force(store.get().sentence, [...ids, topK[token][at].id]);
  };
  return (
    <div class={`columns${isStale(state) ? " stale" : ""}`} ref={box}>
      <section>
        <p class="help">{t("confidenceHelp")}</p>
        <Figure
          name="glossa-confidence"
          what={t("confidence")}
          table={() => barsTable(items, t("confidence"))}
          json={() => ({
            translation: explanation.translation,
            tokens: targetTokens.map(({ id, piece, logProbability }) => ({ id, piece, logProbability })),
          })}
        >
          <Drawn
            make={() =>
              bars({ label: t("confidence"), bars: items, width: half, largest: 1, chosen: token, onpick: pick })
            }
            of={[explanation, token, half, state.language]}
          />
        </Figure>
      </section>
      <section>
        <h3>{title}</h3>
        <p class="help">{t("candidatesHelp")}</p>
        <Figure
          name="glossa-candidates"
          what={title}
          table={() => barsTable(choices, title)}
          json={() => ({ after: before, candidates: topK[token] })}
        >
          <Drawn
            make={() =>
              bars({
                ...{ label: title, bars: choices, width: half, largest: 1, onpick: force },
                chosen: (topK[token] ?? []).findIndex((one) => one.id === targetTokens[token].id),
              })
            }
            of={[explanation, token, half, state.language]}
          />
        </Figure>
      </section>
    </div>
  );
}
