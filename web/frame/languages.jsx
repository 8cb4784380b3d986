// The menu of languages: a button that opens it, and the dialog that it stands in. What it holds comes with the first opening.

import { mozillaAddresses } from "glossa:site";
import { useEffect, useRef, useState } from "preact/hooks";
import { lazy } from "../lazy.jsx";
import { useApp, useKeys, useWords } from "../ui.jsx";

const Offers = lazy(() => import("./menu.jsx").then((one) => one.Offers));

/** Nothing where the page was built without a home to fetch from: its own languages stand beside it. */
export function MoreLanguages() {
  const { store } = useApp();
  const { t } = useWords();
  if (!mozillaAddresses) return null;
  return (
    <button
      type="button"
      class="quiet more-languages"
      aria-label={t("moreLanguages")}
      title={t("moreLanguages")}
      onClick={() => store.set({ menu: "" })}
    >
      <span class="in-words">{t("moreLanguages")}</span>
      <span class="as-mark" aria-hidden="true">
        ＋
      </span>
    </button>
  );
}

export function Languages() {
  const { store } = useApp();
  const { t } = useWords();
  const open = useKeys("menu").menu !== null && mozillaAddresses !== null;
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [opened, setOpened] = useState(false);
  const pressed = useRef(false); // beside the box: a text that is selected may be let go there too
  useEffect(() => {
    if (open) {
      setOpened(true);
      if (!box.current?.open) box.current?.showModal();
    } else box.current?.close();
  }, [open]);
  const close = () => store.set({ menu: null });
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, as every dialog
    <dialog
      class="languages"
      ref={box}
      aria-label={t("languagesTitle")}
      onClose={close}
      onPointerDown={(event) => {
        pressed.current = event.target === box.current;
      }}
      onClick={(event) => event.target === box.current && pressed.current && close()}
    >
      <div class="languages-box">
        <div class="drawer-head">
          <h2>{t("languagesTitle")}</h2>
          <button type="button" class="quiet" aria-label={t("close")} onClick={close}>
            ✕
          </button>
        </div>
        {opened && <Offers />}
      </div>
    </dialog>
  );
}
