// A figure as a file: its picture with a title above it, or its numbers.

import { h } from "./dom.js";
import { download, jsonText, pngBlob, svgText } from "./export.js";
import { collage, sheet } from "./sheet.js";

/**
 * @param {object} options
 * @param {HTMLElement} options.figure stands in the document: its style is that of the file
 * @param {string} options.name of the file
 * @param {string} options.what
 * @param {"svg" | "png" | "json"} options.kind
 * @param {() => Element} options.drawn the picture, or what holds it
 * @param {() => unknown} options.json
 * @param {import("../../src/js/types.js").SentenceExplanation | null} options.explanation that it shows
 */
export async function saveFigure({ figure, name, what, kind, drawn, json, explanation }) {
  if (kind === "json") return download(new Blob([jsonText(json())], { type: "application/json" }), `${name}.json`);
  const found = drawn();
  const svg = found instanceof SVGSVGElement ? found : found?.querySelector("svg");
  if (!svg) return;
  // A picture by itself says what it shows, of which sentence.
  const about = explanation ? [[`${explanation.source} → ${explanation.translation}`]] : [];
  const head = sheet({ label: what, rows: [[[{ text: what, changed: true }]], ...about] });
  const aside = h("div", { class: "aside", "aria-hidden": "true" }, collage(what, [[head, svg]]));
  figure.append(aside);
  try {
    const whole = /** @type {SVGSVGElement} */ (aside.querySelector("svg"));
    const blob = kind === "svg" ? new Blob([svgText(whole)], { type: "image/svg+xml" }) : await pngBlob(whole);
    download(blob, `${name}.${kind}`);
  } finally {
    aside.remove();
  }
}
