// The first room: text in, translation out, and threads between their words.

import { useState } from "preact/hooks";
import { lazy } from "../../lazy.jsx";
import { Notice } from "./notice.jsx";
import { Panes } from "./panes.jsx";
import { ThreadsFigure } from "./threads.jsx";
import { useApp, useKeys, useWords } from "../../ui.jsx";

/** @typedef {import("../../state.js").Room} Room */

const Others = lazy(() => import("./details.jsx").then((one) => one.Others));
const Through = lazy(() => import("./through.jsx").then((one) => () => <one.Through room="translate" />));
const Confidence = lazy(() => import("./details.jsx").then((one) => one.Confidence));

/** @param {{prepare: (room: Room) => void, goTo: (place: {room: Room, story: string}) => void}} props */
export function Translate({ prepare, goTo }) {
  const { t } = useWords();
  const { models, pair } = useKeys("models", "pair");
  const byTwo = models.some((one) => one.id === pair && one.halves);
  /** @param {string} story @param {string} label */
  const way = (story, label) => (
    <button
      type="button"
      class="way"
      onPointerEnter={() => prepare("inside")}
      onFocus={() => prepare("inside")}
      onClick={() => goTo({ room: "inside", story })}
    >
      {label} <span aria-hidden="true">→</span>
    </button>
  );
  return (
    <>
      <h1 id="tagline">{t("tagline")}</h1>
      <Panes />
      <Notice />
      <Turn />
      {byTwo ? (
        <Through />
      ) : (
        <>
          <ThreadsFigure />
          <p class="ways">
            {way("tokens", t("how"))}
            {way("break", t("whatIf"))}
          </p>
          <Part name="others" title={t("others")} Body={Others} />
          <Part name="confidence" title={t("confidence")} Body={Confidence} />
        </>
      )}
    </>
  );
}

/**
 * A part that is drawn when it is first opened.
 * @param {{name: string, title: string, Body: () => import("preact").VNode | null}} props
 */
function Part({ name, title, Body }) {
  const [opened, setOpened] = useState(false);
  return (
    <details class="part" data-part={name} onToggle={(event) => event.currentTarget.open && setOpened(true)}>
      <summary>{title}</summary>
      {opened && <Body />}
    </details>
  );
}

/** Which sentence the pictures show, with buttons to turn to its neighbours. */
export function Turn() {
  const { engine } = useApp();
  const { t } = useWords();
  const { sentence, sentences } = useKeys("sentence", "sentences");
  const total = sentences.length;
  if (total < 2) return null;
  /** @param {string} key @param {string} mark @param {number} to */
  const button = (key, mark, to) => (
    <button
      type="button"
      class="quiet"
      data-to={key}
      aria-label={t(key)}
      aria-disabled={to < 0 || to >= total ? "true" : undefined}
      onClick={() => to >= 0 && to < total && engine.select(to)}
    >
      {mark}
    </button>
  );
  return (
    <div class="turn" role="group" aria-label={t("sentence")}>
      {button("previous", "‹", sentence - 1)}
      {t("sentenceOf", { n: sentence + 1, total })}
      {button("next", "›", sentence + 1)}
    </div>
  );
}
