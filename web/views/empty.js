// What a view says while it has no sentence to show.

import { h, set } from "../draw/dom.js";

/**
 * @param {HTMLElement} box
 * @param {string} about key of what the view shows
 * @param {import("../state.js").State} state
 * @param {Pick<import("../app.js").Context, "engine" | "t">} context
 */
export function drawEmpty(box, about, state, { engine, t }) {
  const busy = state.text.trim() !== "" && /loading|working/.test(state.status);
  const next = busy ? "working" : state.status === "failed" ? "unable" : "waiting";
  set(box, h("p", {}, t(about)), h("p", { class: "help" }, t(next)));
  // A sentence of a long text is explained when somebody wants to see it.
  if (state.sentences[state.sentence]?.done && state.status === "ready") engine.select(state.sentence);
}
