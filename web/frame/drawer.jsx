// The drawer for model and engine, beside whatever room is open. What it holds comes when it is first opened.

import { useEffect, useRef, useState } from "preact/hooks";
import { lazy } from "../lazy.jsx";
import { useApp, useKeys, useWords } from "../ui.jsx";

const Model = lazy(() => import("./model.jsx").then((one) => one.Model));

export function Drawer() {
  const { store } = useApp();
  const { t } = useWords();
  const { drawer } = useKeys("drawer");
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [opened, setOpened] = useState(drawer);
  useEffect(() => {
    if (!drawer) return;
    setOpened(true);
    box.current?.focus();
  }, [drawer]);
  const close = () => {
    store.set({ drawer: false });
    /** @type {HTMLElement | null} */ (document.querySelector(".model-chip"))?.focus();
  };
  return (
    <section
      id="drawer"
      ref={box}
      hidden={!drawer}
      tabIndex={-1}
      aria-label={t("model")}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <div class="drawer-head">
        <h2>{t("model")}</h2>
        <button type="button" class="quiet" aria-label={t("close")} onClick={close}>
          ✕
        </button>
      </div>
      {opened && <Model />}
    </section>
  );
}
