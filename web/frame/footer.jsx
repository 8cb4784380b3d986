// What the page is, for whom, and under which terms: quiet, at the end.

import { sourceAddress } from "glossa:site";
import { useApp, useKeys, useWords } from "../ui.jsx";
import { flip } from "./header.jsx";

export function Footer() {
  const { store } = useApp();
  const { t } = useWords();
  const { models, pair } = useKeys("models", "pair");
  const licence = models.find((one) => one.id === pair)?.licence;
  return (
    <footer class="foot">
      <p>
        <span>{t("onDevice")}</span> · <span>{t("offline")}</span>
        {licence && <span> · {t("licenceOf", { licence: licence.split(/\.(?:\s|$)/)[0] })}</span>}
      </p>
      {/* On a phone the bar above has no room for it. */}
      <button type="button" class="link as-mark" onClick={() => flip(store)}>
        ◐ {t("theme")}
      </button>
      <details>
        <summary>{t("about")}</summary>
        <div class="about">
          <section>
            <h2>{t("limitsTitle")}</h2>
            <p>{t("limitsText")}</p>
          </section>
          <section>
            <h2>{t("embedTitle")}</h2>
            <p>{t("embedText")}</p>
            <pre tabIndex={0}>
              <code>{`npm install glossa

import { Translator } from "glossa";
const translator = await Translator.create({ sourceLanguage: "en", targetLanguage: "de" });
await translator.translate("A dog runs.");`}</code>
            </pre>
          </section>
          <p>
            {t("sourceCode")} ·{" "}
            {sourceAddress && (
              <>
                <a href={sourceAddress}>{t("sourceLink")}</a> ·{" "}
              </>
            )}
            <a href="licenses.txt">{t("licences")}</a>
          </p>
        </div>
      </details>
    </footer>
  );
}
