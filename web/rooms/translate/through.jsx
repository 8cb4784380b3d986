// What is said of a translation by two models in turn, where the pictures of one would stand: what stood between them, and
// a way to each.

import { languageName, pairName, typeset } from "../../languages.js";
import { learn } from "../../strings.js";
import { useApp, useKeys, useWords } from "../../ui.jsx";
import { words } from "./words.js";

learn(words);

/** @param {{room: import("../../state.js").Room}} props `room`: in which either model is looked at */
export function Through({ room }) {
  const { store } = useApp();
  const { t, language } = useWords();
  const { models, pair, sentences, sentence } = useKeys("models", "pair", "sentences", "sentence", "status");
  const here = models.find((one) => one.id === pair);
  const halves = here?.halves?.map((id) => models.find((one) => one.id === id)) ?? [];
  const [first, second] = halves;
  if (!here || !first || !second) return null;
  const { text = store.get().text, middle = "" } = sentences[sentence] ?? {};
  const name = languageName(first.target, language);
  return (
    <section class="through" aria-label={t("through")}>
      <h2>{t("through")}</h2>
      <p class="help">{t("throughText", { first: pairName(first, language), second: pairName(second, language) })}</p>
      <p>
        <span class="help">{t("throughMiddle", { language: name })}</span>{" "}
        <span class="middle" lang={typeset(first.target)} dir="auto" aria-live="polite">
          {middle || "…"}
        </span>
      </p>
      <p class="ways">
        {way(first, text)}
        {middle && way(second, middle)}
      </p>
    </section>
  );

  /** In a tab of its own, so that the reader's text stays here. @param {import("../../state.js").Model} model @param {string} said */
  function way(model, said) {
    const address = `#/${room}?m=${model.id}&t=${encodeURIComponent(said)}`;
    return (
      <a class="way" href={address} target="_blank" rel="noopener" key={model.id}>
        {t("throughLook", { pair: pairName(model, language) })} <span aria-hidden="true">↗</span>
      </a>
    );
  }
}
