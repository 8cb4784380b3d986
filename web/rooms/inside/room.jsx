// The second room: the network at the left, one picture in the middle, the story at the right.

import { useState } from "preact/hooks";
import { learn } from "../../strings.js";
import { useApp, useKeys, useWords } from "../../ui.jsx";
import { Through } from "../translate/through.jsx";
import { AttentionStage } from "./attention.jsx";
import { HeadsOff, Ranking, SideBySide, useRanking } from "./heads.jsx";
import { NetworkMap } from "./map.jsx";
import { Story, StoryStage, useStoryData } from "./story.jsx";
import { Strip } from "./strip.jsx";
import { words } from "./words.js";

learn(words);

export function Inside() {
  const { store } = useApp();
  const { t } = useWords();
  const { story, models, pair } = useKeys("story", "models", "pair");
  if (models.some((one) => one.id === pair && one.halves))
    return (
      <>
        <h1 class="sr">{t("inside")}</h1>
        <Through room="inside" />
      </>
    );
  return (
    <>
      <h1 class="sr">{t("inside")}</h1>
      <Strip />
      <div class={`inside${story ? " told" : ""}`}>
        <details class="map-box-outer" open>
          <summary>{t("map")}</summary>
          <NetworkMap />
        </details>
        {story ? (
          <Told />
        ) : (
          <section class="stage" aria-label={t("stage")}>
            <p class="actions">
              <button type="button" class="way" onClick={() => store.set({ story: "tokens" })}>
                {t("openStory")} <span aria-hidden="true">→</span>
              </button>
            </p>
            <AttentionStage />
            <Off />
          </section>
        )}
      </div>
    </>
  );
}

/** Stage and story share what they are about. */
function Told() {
  const { t } = useWords();
  const data = useStoryData();
  return (
    <>
      <section class="stage" aria-label={t("stage")}>
        <h2 class="sr">{t("stage")}</h2>
        <StoryStage data={data} />
      </section>
      <Story data={data} />
    </>
  );
}

/** Heads may be switched off without the story too. */
function Off() {
  const { t } = useWords();
  const { off } = useKeys("off");
  const [opened, setOpened] = useState(off !== "");
  return (
    <details
      class="part"
      data-part="heads-off"
      open={opened}
      onToggle={(event) => event.currentTarget.open && setOpened(true)}
    >
      <summary>{t("headsOff")}</summary>
      {opened && <OffBody />}
    </details>
  );
}

function OffBody() {
  const ranking = useRanking();
  return (
    <>
      <HeadsOff ranking={ranking} />
      <Ranking ranking={ranking} />
      <SideBySide />
    </>
  );
}
