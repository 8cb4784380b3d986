// A picture with what every picture has: its numbers as a table, and its exports. What the page shows as text or as a
// table needs none, and is drawn as a picture where it is saved.

import { h } from "./dom.js";
import { download, jsonText, pngBlob, svgText } from "./export.js";

/**
 * @typedef {object} FigureOptions
 * @property {string} name of the files
 * @property {string} [what] the picture's name for those who do not see where its buttons stand
 * @property {Element} picture holds one svg, unless there is `forExport`
 * @property {() => Element} [table]
 * @property {() => unknown} json what the picture shows, as numbers
 * @property {() => Element} [forExport] the picture drawn so that the svg holds all of it
 * @property {(key: string) => string} t
 */

/** @param {FigureOptions} options */
export function figure({ name, what, picture, table, json, forExport, t }) {
  const shown = () => {
    if (!forExport) return { svg: picture.querySelector("svg"), done: () => {} };
    const aside = h("div", { class: "aside", "aria-hidden": "true" }, forExport());
    picture.append(aside);
    return { svg: aside.querySelector("svg"), done: () => aside.remove() };
  };
  /** @param {(svg: SVGSVGElement) => Blob | Promise<Blob>} make @param {string} ending */
  const save = async (make, ending) => {
    const { svg, done } = shown();
    try {
      if (svg) download(await make(/** @type {SVGSVGElement} */ (svg)), `${name}.${ending}`);
    } finally {
      done();
    }
  };
  /** @param {string} kind @param {() => void} onclick */
  const button = (kind, onclick) =>
    h("button", { type: "button", class: "quiet", "aria-label": `${t("export")} ${kind}`, onclick }, kind);
  const bar = h(
    "div",
    { class: "exports", role: "group", "aria-label": what ? `${t("export")}: ${what}` : t("export") },
    button("SVG", () => save((svg) => new Blob([svgText(svg)], { type: "image/svg+xml" }), "svg")),
    button("PNG", () => save((svg) => pngBlob(svg), "png")),
    button("JSON", () => download(new Blob([jsonText(json())], { type: "application/json" }), `${name}.json`)),
  );
  return h(
    "div",
    { class: "figure" },
    picture,
    h("div", { class: "figure-foot" }, table ? opened(table, t) : null, bar),
  );
}

/** The table, made when it is first opened. @param {() => Element} table @param {(key: string) => string} t */
function opened(table, t) {
  const body = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": t("table") });
  const details = h("details", {}, h("summary", {}, t("table")), body);
  details.addEventListener("toggle", () => {
    if (details.open && !body.firstChild) body.append(table());
  });
  return details;
}
