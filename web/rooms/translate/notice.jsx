// What a reader should know before trusting a translation: that the text is in another language than the model reads,
// that the model is out of its depth, that some words are guesses, that a beginning was chosen by hand.

import { useEffect, useState } from "preact/hooks";
import { languageName, namesOf, pairName } from "../../languages.js";
import { unsureWords } from "../../selection.js";
import { shownExplanation } from "../../state.js";
import { useApp, useKeys, useWords } from "../../ui.jsx";
import { otherLanguage, pairFor } from "./language.js";

/** @returns {Promise<import("./language.js").Detect>} */
const detector = async () => (await import(new URL("detector.js", document.baseURI).href)).detect;
const PAUSE = 300; // milliseconds after the last key

export function Notice() {
  const { engine, store } = useApp();
  const { t, language } = useWords();
  const state = useKeys("text", "pair", "models", "sentences", "sentence", "notes");
  const [other, setOther] = useState("");
  const model = state.models.find((one) => one.id === state.pair);
  useEffect(() => {
    if (!model || engine.isExample(state.text)) {
      setOther("");
      return;
    }
    let late = false;
    const timer = setTimeout(() => {
      otherLanguage(state.text, model.source, detector)
        .then((found) => late || setOther(found))
        .catch(() => {}); // without a network there is no detector, and no notice
    }, PAUSE);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [state.text, model?.source]);

  const { word: unsure, sentence: depth } = state.notes.confidence;
  const explanation = state.sentences[state.sentence]?.explanation;
  const lost = depth !== null && explanation && (explanation.hypotheses[0]?.score ?? 0) < depth;
  const dotted = state.sentences.some((one) => one.explanation && unsureWords(one.explanation, unsure).length > 0);
  const better = other && model ? pairFor(state.models, other, model) : undefined;
  const prefix = state.sentences[state.sentence]?.prefix;
  const shown = shownExplanation(state);
  const fixed = prefix && shown ? shown.targetTokens[Math.min(prefix.length, shown.targetTokens.length) - 1] : null;
  return (
    <div class="notices" role="status">
      {other && model && (
        <p class="warning">
          {t("otherScript", { language: languageName(other, language), source: namesOf(model, language)[0] })}
          {better && (
            <button type="button" onClick={() => engine.choose(better.id, state.text)}>
              {t("switchTo", { pair: pairName(better, language) })}
            </button>
          )}
        </p>
      )}
      {lost && <p class="warning depth">{t("outOfDepth")}</p>}
      {dotted && !lost && <p class="help">{t("unsureKey")}</p>}
      {fixed && shown && (
        <p class="help forced-note">
          {t("forced", { text: shown.translation.slice(0, fixed.end) })}{" "}
          <button type="button" onClick={() => engine.force(store.get().sentence, null)}>
            {t("free")}
          </button>
        </p>
      )}
    </div>
  );
}
