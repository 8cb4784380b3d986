// A component whose code, and whose style, is fetched when it is first drawn.

import { useEffect, useState } from "preact/hooks";
import { useApp, useWords } from "./ui.jsx";

/** @typedef {() => import("preact").VNode | null} Component */

/** @type {Map<string, Promise<unknown>>} */
const styles = new Map();

/** @param {string} href */
function fetchStyle(href) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  const come = new Promise((done, fail) => {
    link.onload = done;
    link.onerror = () => {
      link.remove();
      styles.delete(href);
      fail(new Error(href));
    };
  });
  document.head.append(link);
  styles.set(href, come);
  return come;
}

/**
 * What is fetched, once the style that it needs is there too.
 * @template T
 * @param {string} href
 * @param {Promise<T>} fetched
 * @returns {Promise<T>}
 */
export const styled = (href, fetched) =>
  Promise.all([fetched, styles.get(href) ?? fetchStyle(href)]).then(([one]) => one);

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
