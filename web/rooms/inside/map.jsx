// The network at a glance: its two stacks, layer by layer, every head as a small picture that can be chosen.

import { habitOf, idOf, storyHead } from "../../heads.js";
import { isStale, shownExplanation } from "../../state.js";
import { useApp, useKeys, useRoving, useWords } from "../../ui.jsx";
import { kindName } from "./names.js";
import { Thumb } from "./thumb.jsx";

/** @typedef {import("../../state.js").Kind} Kind */
/** @typedef {import("../../../src/js/types.js").SentenceExplanation} SentenceExplanation */

/** Parts of the map that a step of the story is about. @type {Record<string, string[]>} */
const lights = {
  tokens: ["pieces"],
  vectors: ["table"],
  projections: ["encoder"],
  scores: ["encoder"],
  softmax: ["encoder"],
  mix: ["encoder"],
  heads: ["encoder"],
  norm: ["encoder"],
  forward: ["encoder-forward"],
  stack: ["encoder-forward"],
  decoder: ["decoder"],
  cross: ["cross"],
  vocabulary: ["shares"],
  beam: ["shares"],
  break: ["encoder", "decoder", "cross"],
};

export function NetworkMap() {
  const { t, language } = useWords();
  const state = useKeys(
    "sentences",
    "sentence",
    "story",
    "models",
    "pair",
    "kind",
    "layer",
    "head",
    "heads",
    "word",
    "token",
    "aligning",
  );
  const explanation = shownExplanation(state);
  const box = useRoving("button");
  const heads = explanation?.cross.heads ?? 1;
  const model = state.models.find((one) => one.id === state.pair);
  if (!explanation) return <p class="help">{t("needsSentence")}</p>;
  const lit = new Set(lights[state.story] ?? []);
  const about = storyHead(state, explanation);
  /** @param {string} part @param {string} text */
  const block = (part, text) => <p class={`map-box${lit.has(part) ? " lit" : ""}`}>{text}</p>;
  /** @param {Kind} kind */
  const name = (kind) => kindName(kind, model, language, t);
  const { encoder, decoder, cross } = explanation;
  return (
    <div
      class={`map${isStale(state) ? " stale" : ""}`}
      ref={box}
      data-columns={heads}
      role="group"
      aria-label={t("overview")}
      style={{ "--heads": heads }}
    >
      {block("shares", t("mapShares"))}
      <div class="map-stack">
        {Array.from({ length: cross.layers }, (_, i) => cross.layers - 1 - i).map((layer) => (
          <div key={layer} class="map-layer">
            <Row
              {...{
                explanation,
                layer,
                kind: /** @type {Kind} */ ("cross"),
                name: name("cross"),
                lit: lit.has("cross"),
              }}
            />
            {decoder && (
              <Row
                {...{
                  explanation,
                  layer,
                  kind: /** @type {Kind} */ ("decoder"),
                  name: name("decoder"),
                  lit: lit.has("decoder"),
                }}
              />
            )}
          </div>
        ))}
      </div>
      <p class="map-flow" aria-hidden="true">
        ▲
      </p>
      <div class="map-stack">
        {Array.from({ length: encoder.layers }, (_, i) => encoder.layers - 1 - i).map((layer) => (
          <div
            key={layer}
            class={`map-layer${lit.has("encoder-forward") && (state.story === "stack" || layer === about.layer) ? " lit" : ""}`}
          >
            <Row
              {...{
                explanation,
                layer,
                kind: /** @type {Kind} */ ("encoder"),
                name: name("encoder"),
                lit: lit.has("encoder"),
              }}
            />
          </div>
        ))}
      </div>
      {block("table", t("mapTable"))}
      {block(
        "pieces",
        explanation.sourceTokens
          .map((one) => one.piece.replace("\u2581", "") || "␣")
          .slice(0, 5)
          .join(" · "),
      )}
      <p class="help">{t("mapHelp")}</p>
    </div>
  );
}

/** The heads of one attention of one layer. @param {{explanation: SentenceExplanation, kind: Kind, layer: number, name: string, lit: boolean}} props */
function Row({ explanation, kind, layer, name, lit }) {
  const { store } = useApp();
  const { t } = useWords();
  const state = useKeys("kind", "layer", "head", "reduce", "off", "aligning", "stretch", "story", "word", "token");
  const attention = /** @type {import("../../../src/js/types.js").Attention} */ (explanation[kind]);
  const chosen = storyHead(state, explanation);
  const one = state.story !== "break"; // other steps are about one layer
  const off = new Set(state.off ? state.off.split(",") : []);
  return (
    <div class={`map-row${lit && (!one || layer === chosen.layer) ? " lit" : ""}`} title={name}>
      <span class="map-name">
        {layer + 1} <span class="map-kind">{name}</span>
      </span>
      <div class="heads">
        {Array.from({ length: attention.heads }, (_, head) => {
          const here = chosen.kind === kind && chosen.layer === layer && chosen.head === head;
          const habit = t(`habit_${habitOf(explanation, { kind, layer, head }, state.aligning)}`);
          const label = `${name}, ${t("layerHead", { layer: layer + 1, head: head + 1 })}, ${habit}`;
          return (
            <button
              key={head}
              type="button"
              class={`head-thumb${off.has(idOf({ kind, layer, head })) ? " off" : ""}`}
              data-kind={kind}
              data-layer={layer}
              data-head={head}
              tabIndex={here ? 0 : -1}
              aria-pressed={here && state.reduce === "head"}
              aria-label={label}
              title={label}
              onClick={() => store.set({ kind, layer, head, heads: [], reduce: "head", step: -1 })}
              onFocus={(event) =>
                event.currentTarget.matches(":focus-visible") &&
                store.set({ kind, layer, head, heads: [], reduce: "head" })
              }
            >
              <Thumb {...{ explanation, kind, layer, head, stretch: state.stretch }} />
            </button>
          );
        })}
      </div>
    </div>
  );
}
