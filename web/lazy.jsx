// A component whose code is fetched when it is first drawn.

import { useEffect, useState } from "preact/hooks";
import { useApp, useWords } from "./ui.jsx";

/** @typedef {() => import("preact").VNode | null} Component */

/**
 * @param {() => Promise<Component>} fetchIt
 * @returns {Component}
 */
export function lazy(fetchIt) {
  /** @type {Component | null} */
  let known = null;
  return function Lazy() {
    const { reloadOnce } = useApp();
    const { t } = useWords();
    const [Body, setBody] = useState(() => known);
    const [problem, setProblem] = useState("");
    useEffect(() => {
      if (Body) return;
      fetchIt()
        .then((one) => {
          known = one;
          setBody(() => one);
        })
        .catch((error) => {
          setProblem(error.message);
          reloadOnce();
        });
    }, []);
    if (problem) return <p role="alert">{t("failed", { problem })}</p>;
    return Body ? <Body /> : <p class="help">{t("working")}</p>;
  };
}
