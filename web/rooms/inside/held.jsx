// Pictures that stay until the next ones are there.

import { useRef } from "preact/hooks";
import { useKeys, useWords } from "../../ui.jsx";

/** While the model is on its way. */
export function Waiting() {
  const { t } = useWords();
  const { status, loaded } = useKeys("status", "loaded");
  return (
    <p class="help waiting" role="status">
      {t("needsModel")} {status === "loading" ? `${Math.round(loaded * 100)} %` : ""}
    </p>
  );
}

/**
 * Holds what was drawn last while there is nothing new to draw.
 * @returns {(drawn: import("preact").VNode | null) => import("preact").VNode} null: the numbers are not there yet
 */
export function useHeld() {
  const last = useRef(/** @type {import("preact").VNode | null} */ (null));
  return (drawn) => {
    last.current = drawn ?? last.current;
    return last.current ?? <Waiting />;
  };
}
