// What the pictures of this room are made of: hidden states from the engine, matrices from the checkpoint, and what
// follows from both. It comes when somebody looks, and what is shown stays until the new numbers are there.

import { useEffect, useState } from "preact/hooks";
import { layerParts, shapeOf, stackEnd } from "../../network.js";
import { shownExplanation } from "../../state.js";
import { useApp, useKeys } from "../../ui.jsx";

/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */
/** @typedef {import("../../../src/js/convert/index.js").Checkpoint} Checkpoint */
/** @typedef {import("../../network.js").LayerParts} LayerParts */

/**
 * A sentence as far as anybody can look into it.
 * @typedef {object} Depth
 * @property {SentenceExplanation} explanation with its hidden states
 * @property {Checkpoint} gguf
 * @property {import("../../network.js").Shape} shape
 * @property {(stack: "encoder" | "decoder", layer: number) => Float32Array} state what goes into a layer; the last is what comes out of all
 * @property {Map<string, Promise<LayerParts>>} parts those that were computed
 */

const CUTS = 5; // ways to cut a word that are shown

/** @type {{key: string, gguf: Promise<Checkpoint>} | null} */
let opened = null;

/**
 * What a promise gives; while the next one is on its way, what the last one gave.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T> | null} start
 * @param {unknown[]} of
 * @returns {{value: T | null, late: boolean, problem: string}}
 */
export function usePromised(start, of) {
  const [found, setFound] = useState(/** @type {{value: T, of: unknown[]} | null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const work = new AbortController();
    setProblem("");
    start(work.signal)?.then(
      (value) => work.signal.aborted || setFound({ value, of }),
      (error) => work.signal.aborted || setProblem(error.message),
    );
    return () => work.abort();
  }, of);
  const late = !found || found.of.some((one, i) => !Object.is(one, of[i]));
  return { value: found?.value ?? null, late, problem };
}

/** The depth of the sentence that is shown. */
export function useDepth() {
  const { engine } = useApp();
  const state = useKeys("sentences", "sentence", "info");
  const explanation = state.sentences[state.sentence]?.explanation ?? null;
  return usePromised(
    (signal) => {
      if (!explanation) return null;
      return (async () => {
        const prefix = state.sentences[state.sentence]?.prefix ?? undefined;
        const full = await engine.ask(explanation.source, { hidden: true, cuts: CUTS, prefix, signal });
        const model = engine.currentModel();
        const key = `${model?.id} ${model?.bytes}`;
        if (opened?.key !== key) {
          opened = { key, gguf: engine.checkpoint() };
          opened.gguf.catch(() => {
            opened = null;
          });
        }
        const gguf = await opened.gguf;
        return depthOf(full, gguf);
      })();
    },
    [explanation],
  );
}

/** @param {SentenceExplanation} explanation @param {Checkpoint} gguf @returns {Depth} */
export function depthOf(explanation, gguf) {
  const { hidden } = explanation;
  if (!hidden) throw new Error("the engine gave no hidden states");
  return {
    ...{ explanation, gguf, shape: shapeOf(gguf), parts: new Map() },
    state(stack, layer) {
      const { tokens, width, data } = hidden[stack];
      return data.subarray(layer * tokens * width, (layer + 1) * tokens * width);
    },
  };
}

/**
 * One layer computed again.
 * @param {Depth} depth
 * @param {"encoder" | "decoder"} stack
 * @param {number} layer
 * @param {AbortSignal} [signal]
 * @returns {Promise<LayerParts>}
 */
export function partsOf(depth, stack, layer, signal) {
  const key = `${stack} ${layer}`;
  const known = depth.parts.get(key);
  if (known) return known;
  const last = depth.explanation.encoder.layers;
  const made = (async () => {
    const memory = stack === "decoder" ? await stackEnd(depth.gguf, "enc", depth.state("encoder", last)) : undefined;
    const name = stack === "encoder" ? "enc" : "dec";
    return layerParts(depth.gguf, name, layer, depth.state(stack, layer), { memory, signal });
  })();
  depth.parts.set(key, made);
  made.catch(() => depth.parts.delete(key));
  return made;
}

/** @param {Depth | null} depth @param {"encoder" | "decoder"} stack @param {number} layer */
export function useParts(depth, stack, layer) {
  return usePromised(
    (signal) => depth && partsOf(depth, stack, layer, signal).then((parts) => ({ parts, layer, depth })),
    [depth, stack, layer],
  );
}

/** The sentence of the pictures, and whether it is behind the text. */
export function useExplanation() {
  const state = useKeys("sentences", "sentence");
  return { state, explanation: shownExplanation(state) };
}
