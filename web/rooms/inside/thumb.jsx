// A head as a small picture of its weights.

import { useLayoutEffect, useRef } from "preact/hooks";
import { headWeights } from "../../attention.js";
import { paint } from "../../draw/colour.js";
import { useDark } from "../../ui.jsx";

/** @param {{explanation: import("../../../src/js/types.js").SentenceExplanation, stretch?: boolean} & import("../../heads.js").Head} props */
export function Thumb({ explanation, kind, layer, head, stretch = false }) {
  const dark = useDark();
  const box = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    const attention = explanation[kind];
    if (!attention || !box.current) return;
    const weights = headWeights(attention, layer, head);
    // What is masked has no colour: the shape of the mask is seen, not a field of zeros.
    const shown = kind === "decoder" ? (/** @type {number} */ r, /** @type {number} */ c) => c <= r : undefined;
    const high = stretch ? Math.max(...weights) : 1;
    paint(box.current, weights, attention.rows, attention.cols, { high, dark, shown });
  }, [explanation, kind, layer, head, dark, stretch]);
  return <canvas ref={box} data-head={head} aria-hidden="true" />;
}
