// How sure the model was of a translation, in words that agree with the marks at its words.

import { percent } from "./strings.js";

/**
 * @param {import("./strings.js").Say} t
 * @param {number} score mean log-probability of a piece
 * @param {number} [unsure] how many of its words are marked as unsure
 * @param {number | null} [depth] score below which the model is said to be out of its depth
 */
export function howSure(t, score, unsure = 0, depth = null) {
  const share = percent(score);
  if (score <= -0.5 || (depth !== null && score < depth)) return t("notSure", { share });
  if (unsure > 0) return t(unsure === 1 ? "sureButOne" : "sureBut", { share, n: unsure });
  return t(score > -0.2 ? "verySure" : "fairlySure", { share });
}
