// Names of the three attentions in the words of the languages at hand.

import { namesOf } from "../../languages.js";

/** @typedef {import("../../state.js").Kind} Kind */
/** @typedef {import("../../state.js").Model} Model */

/**
 * @param {Kind} kind
 * @param {Model | undefined} model
 * @param {import("../../strings.js").Language} language
 * @param {import("../../strings.js").Say} t
 */
export function kindName(kind, model, language, t) {
  const [source, target] = model ? namesOf(model, language) : ["", ""];
  return t(kind, { source, target }).trim();
}

/**
 * @param {import("../../heads.js").Head} head
 * @param {Model | undefined} model
 * @param {import("../../strings.js").Language} language
 * @param {import("../../strings.js").Say} t
 */
export const headName = ({ kind, layer, head }, model, language, t) =>
  `${kindName(kind, model, language, t)}, ${t("layerHead", { layer: layer + 1, head: head + 1 })}`;
