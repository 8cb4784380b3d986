// The two panes: text in, translation out, sentence by sentence, words linked across.

import { tokenLabels, UNSPACED } from "../attention.js";
import { h, roving, set } from "../draw/dom.js";
import { wholeTranslation } from "../engine.js";
import { joiner } from "../../src/js/split.js";
import { examplesOf, isExample, namesOf, pairName } from "../languages.js";
import { size } from "../strings.js";

/** @typedef {import("../app.js").Context} Context */
/** @typedef {import("../state.js").Sentence} Sentence */
/** @typedef {import("../state.js").State} State */
/** @typedef {import("../attention.js").Label} Label */

/**
 * Words of one side: neighbouring tokens of a word as one span of text; in scripts without spaces, each token.
 * @param {Sentence} sentence
 * @param {"source" | "target"} side
 * @returns {{start: number, end: number, token: number}[]}
 */
export function wordsOf(sentence, side) {
  const { explanation } = sentence;
  if (!explanation) return [];
  const labels =
    side === "source"
      ? tokenLabels(explanation.sourceTokens, explanation.source, side)
      : tokenLabels(explanation.targetTokens, explanation.translation, side);
  /** @type {{start: number, end: number, token: number, word: number}[]} */
  const words = [];
  for (const { special, start, end, word, token, text } of labels) {
    if (special || start === end) continue;
    const last = words.at(-1);
    if (last && last.word === word && !UNSPACED.test(text)) last.end = end;
    else words.push({ start, end, token, word });
  }
  const text = side === "source" ? explanation.source : explanation.translation;
  for (const word of words) {
    while (word.start < word.end && /\s/.test(text[word.start])) word.start++;
    while (word.end > word.start && /\s/.test(text[word.end - 1])) word.end--;
  }
  return words.filter((word) => word.end > word.start);
}

/**
 * Words of one side and where they begin in the text that is shown: a translation may have signs in place of what the
 * model said.
 * @param {Sentence} sentence
 * @param {"source" | "target"} side
 * @param {string} text
 * @returns {{start: number, end: number, shown: number}[]} without those that the text lacks
 */
function shownWords(sentence, side, text) {
  const said = sentence.explanation?.[side === "source" ? "source" : "translation"] ?? "";
  const out = [];
  let at = 0;
  for (const { start, end } of wordsOf(sentence, side)) {
    const word = said.slice(start, end);
    const shown = text.indexOf(word, at);
    if (shown < 0) continue;
    out.push({ start, end, shown });
    at = shown + word.length;
  }
  return out;
}

/**
 * Words that light up with a word: itself, and those aligned with it on the other side.
 * @param {State} state
 * @param {"source" | "target"} side
 * @param {number} sentence
 * @param {{start: number, end: number}} word
 * @returns {"" | "self" | "linked"}
 */
export function litness(state, side, sentence, word) {
  const { lit, sentences } = state;
  const explanation = sentences[sentence]?.explanation;
  if (!lit || lit.sentence !== sentence || !explanation) return "";
  if (lit.side === side) return lit.at >= word.start && lit.at < word.end ? "self" : "";
  /** @param {[number, number]} span @param {number} start @param {number} end */
  const meets = (span, start, end) => span[0] < end && span[1] > start;
  const self = wordsOf(sentences[sentence], lit.side).find((one) => lit.at >= one.start && lit.at < one.end);
  if (!self) return "";
  const linked = explanation.alignment.some(
    (link) => meets(link[lit.side], self.start, self.end) && meets(link[side], word.start, word.end),
  );
  return linked ? "linked" : "";
}

/** @param {Context} context */
export function panes({ element, store, engine, t }) {
  const { language } = store.get();
  const mirror = h("div", { class: "mirror", "aria-hidden": "true" });
  const input = h("textarea", {
    id: "source",
    placeholder: t("sourceHint"),
    spellcheck: "false",
    dir: "auto",
    rows: "3",
    oninput: () => store.set({ text: input.value, sentence: 0, step: -1, token: 0 }),
  });
  input.value = store.get().text;
  const output = h("div", {
    id: "target",
    class: "output",
    role: "group",
    dir: "auto",
    "aria-label": t("target"),
    "data-hint": t("private"),
  });
  const status = h("p", { class: "status", role: "status" });
  const counts = h("p", { class: "status" });
  const pair = h("select", { id: "pair", "aria-label": t("pair"), onchange: () => choosePair(pair.value) });
  const swap = h("button", { type: "button", class: "quiet", "aria-label": t("swap"), title: t("swap") }, "⇄");
  const clear = h("button", { type: "button", class: "quiet" }, t("clear"));
  const copy = h("button", { type: "button", class: "quiet" }, t("copy"));
  const action = h("button", { type: "button", class: "action", hidden: true });
  const bar = h("div", {
    class: "progress off",
    role: "progressbar",
    "aria-label": t("loading", { size: "" }),
  });
  const beam = h(
    "select",
    { id: "beam", onchange: () => store.set({ beam: Number(beam.value) }) },
    ...[1, 2, 4, 8].map((n) => h("option", { value: n }, n === 1 ? t("greedy") : n)),
  );
  const chips = h("div", { class: "chips", role: "group", "aria-label": t("examples") });
  set(
    element,
    h(
      "section",
      { class: "pane" },
      h("div", { class: "pane-head" }, h("label", { for: "source", class: "sr" }, t("source")), pair, swap, clear),
      h("div", { class: "stack" }, mirror, input, chips),
      h("div", { class: "pane-foot" }, counts),
    ),
    h(
      "section",
      { class: "pane" },
      h(
        "div",
        { class: "pane-head" },
        h("label", { for: "beam" }, t("beam")),
        beam,
        h("span", { class: "push" }),
        copy,
      ),
      output,
      bar,
      h("div", { class: "pane-foot" }, status, action),
    ),
  );

  /** @param {string} id */
  function choosePair(id) {
    const { text, models } = store.get();
    const source = models.find((one) => one.id === id)?.source ?? "";
    // An example gives way to one in the other language; what the reader wrote stays.
    const other = isExample(text) && !examplesOf(source).includes(text) ? (examplesOf(source)[0] ?? "") : text;
    store.set({ pair: id, text: other, sentences: [], sentence: 0, token: 0, step: -1, lit: null, off: "" });
    if (other || engine.current()) engine.open();
  }
  /** The pair that leads back. @param {State} state */
  const back = (state) => {
    const here = state.models.find((one) => one.id === state.pair);
    return state.models.find((one) => one.source === here?.target && one.target === here?.source);
  };
  swap.addEventListener("click", () => {
    const state = store.get();
    const other = back(state);
    if (!other) return;
    input.value = wholeTranslation(state);
    store.set({ text: input.value });
    choosePair(other.id);
  });
  clear.addEventListener("click", () => {
    input.value = "";
    store.set({ text: "", sentence: 0 });
    input.focus();
  });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(wholeTranslation(store.get()));
    copy.textContent = t("copied");
    setTimeout(() => {
      copy.textContent = t("copy");
    }, 1500);
  });
  input.addEventListener("focus", () => {
    if (store.get().status === "idle" && store.get().models.length > 0 && store.get().text) engine.load();
  });

  /** Lights a word. @param {"source" | "target"} side @param {number} sentence @param {number} at @param {boolean} pin */
  function light(side, sentence, at, pin) {
    const { lit } = store.get();
    if (lit?.pinned && !pin) return;
    const same = lit?.pinned && lit.side === side && lit.sentence === sentence && lit.at === at;
    store.set({ lit: pin && same ? null : { side, sentence, at, pinned: pin } });
  }
  function dim() {
    if (store.get().lit && !store.get().lit?.pinned) store.set({ lit: null });
  }
  /** @param {EventTarget | null} target @returns {{sentence: number, at: number} | null} */
  const place = (target) =>
    target instanceof HTMLElement && target.dataset.at
      ? { sentence: Number(target.dataset.sentence), at: Number(target.dataset.at) }
      : null;
  /** The word of the mirror under a pointer that is over the text area. @param {MouseEvent} event */
  const mirrored = (event) =>
    place(document.elementsFromPoint(event.clientX, event.clientY).find((one) => mirror.contains(one)) ?? null);
  input.addEventListener("pointermove", (event) => {
    const word = mirrored(event);
    if (word) light("source", word.sentence, word.at, false);
    else dim();
  });
  input.addEventListener("click", (event) => {
    const word = mirrored(event);
    if (word) light("source", word.sentence, word.at, true);
    else if (store.get().lit) store.set({ lit: null });
  });
  input.addEventListener("pointerleave", dim);
  output.addEventListener("pointerover", (event) => {
    const word = place(event.target);
    if (word) light("target", word.sentence, word.at, false);
  });
  output.addEventListener("pointerleave", dim);
  output.addEventListener("focusin", (event) => {
    const word = place(event.target);
    if (word) light("target", word.sentence, word.at, false);
  });
  output.addEventListener("focusout", dim);
  /** @param {Event} event */
  const pick = (event) => {
    const word = place(event.target);
    const sentence = Number(/** @type {HTMLElement} */ (event.target).dataset.sentence);
    if (!Number.isNaN(sentence) && sentence !== store.get().sentence) engine.select(sentence);
    if (!word) return;
    light("target", word.sentence, word.at, true);
    const token = wordsOf(store.get().sentences[word.sentence], "target").find((one) => one.start === word.at)?.token;
    if (token !== undefined) store.set({ token });
  };
  output.addEventListener("click", pick);
  output.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(event);
    }
    if (event.key === "Escape") store.set({ lit: null });
  });
  roving(output, "[data-sentence][tabindex]");

  /** @type {{sentence: Sentence | null, element: HTMLElement}[]} */
  const lines = [];

  /** Words as elements, other text between them. @param {string} text @param {Sentence} sentence @param {number} index @param {"source" | "target"} side */
  function withWords(text, sentence, index, side) {
    const out = [];
    let at = 0;
    for (const { start, end, shown } of shownWords(sentence, side, text)) {
      if (shown > at) out.push(text.slice(at, shown));
      const attributes = { class: "word", "data-sentence": index, "data-at": start, "data-end": end };
      const reach = side === "target" ? { role: "button", tabindex: "-1" } : {};
      at = shown + end - start;
      out.push(h("span", { ...attributes, ...reach }, text.slice(shown, at)));
    }
    out.push(text.slice(at));
    return out;
  }

  /** @param {State} state */
  function drawOutput(state) {
    const { sentences } = state;
    while (lines.length > sentences.length) lines.pop()?.element.remove();
    sentences.forEach((sentence, i) => {
      lines[i] ??= { sentence: null, element: output.appendChild(h("span", { class: "line" })) };
      if (lines[i].sentence === sentence) return;
      lines[i].sentence = sentence;
      const plain = h("span", { "data-sentence": i, role: "button", tabindex: "-1" }, sentence.translation || "…");
      const body = sentence.explanation ? withWords(sentence.translation, sentence, i, "target") : [plain];
      const gap = i < sentences.length - 1 ? joiner(sentence.gap, output.lang) : sentence.gap;
      set(lines[i].element, sentence.lead, h("span", { class: "said" }, ...body), gap);
      lines[i].element.classList.toggle("pending", !sentence.done);
      lines[i].element.classList.toggle("forced", sentence.prefix !== null);
    });
    lines.forEach(({ element: line }, i) => {
      line.classList.toggle("chosen", sentences.length > 1 && i === state.sentence);
    });
    if (!output.querySelector('[tabindex="0"]')) output.querySelector("[tabindex]")?.setAttribute("tabindex", "0");
  }

  /** The sentences of the mirror: only those that became others are drawn anew. @type {{sentence: Sentence, element: HTMLElement}[]} */
  let copies = [];
  let copiedText = "";

  /** @param {State} state */
  function drawMirror(state) {
    const { text, sentences } = state;
    const same =
      text === copiedText &&
      sentences.length === copies.length &&
      sentences.every((one, i) => one.text === copies[i].sentence.text && one.start === copies[i].sentence.start);
    if (!same) {
      copiedText = text;
      // While the text is ahead of the sentences, it stands there without words.
      const fits = sentences.every((one) => text.startsWith(one.text, one.start));
      copies = fits
        ? sentences.map((sentence) => ({ sentence: { ...sentence, explanation: null }, element: h("span") }))
        : [];
      let at = 0;
      const parts = copies.flatMap(({ sentence, element }) => {
        const gap = text.slice(at, sentence.start);
        at = sentence.start + sentence.text.length;
        set(element, sentence.text);
        return [gap, element];
      });
      set(mirror, ...parts, `${text.slice(at)}\n`);
    }
    copies.forEach((line, i) => {
      const sentence = sentences[i];
      if (sentence.explanation !== line.sentence.explanation) {
        set(line.element, ...withWords(sentence.text, sentence, i, "source"));
      }
      line.sentence = sentence;
    });
  }

  /** @param {State} state */
  function drawLight(state) {
    for (const [box, side] of /** @type {const} */ ([
      [mirror, "source"],
      [output, "target"],
    ])) {
      const here = state.lit ? `, .word[data-sentence="${state.lit.sentence}"]` : "";
      const words = /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll(`.word:is(.self, .linked)${here}`));
      for (const word of words) {
        const { sentence, at, end } = word.dataset;
        const how = litness(state, side, Number(sentence), { start: Number(at), end: Number(end) });
        word.classList.toggle("self", how === "self");
        word.classList.toggle("linked", how === "linked");
        if (side === "target") word.setAttribute("aria-pressed", String(how === "self" && state.lit?.pinned === true));
      }
    }
  }

  let counted = { text: "", letters: 0 };

  /** @param {State} state */
  function drawStatus(state) {
    const { status: what, models, sentences } = state;
    const model = models.find((one) => one.id === state.pair);
    const bytes = model ? size(model.bytes, language) : "";
    const done = sentences.filter((one) => one.done).length;
    const current = sentences[state.sentence];
    let text = "";
    if (what === "loading") text = t("loading", { size: bytes });
    if (what === "failed") text = t("failed", { problem: state.problem });
    if (what === "working" && sentences.length > 1) {
      text = t("progress", { done: Math.min(done + 1, sentences.length), total: sentences.length });
    }
    if (what === "ready" && current?.explanation && current.milliseconds > 0) {
      const rate = Math.round((current.explanation.targetTokens.length * 1000) / current.milliseconds);
      text = t("speed", { ms: current.milliseconds.toFixed(0), rate });
    }
    status.textContent = text;
    status.classList.toggle("bad", what === "failed");
    bar.classList.toggle("off", what !== "loading" && !(what === "working" && sentences.length > 3));
    const share = what === "loading" ? state.loaded : done / Math.max(1, sentences.length);
    bar.style.setProperty("--share", String(share));
    bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    action.hidden = true;
    /** @param {string} label @param {() => void} run */
    const offer = (label, run) => {
      action.hidden = false;
      action.textContent = label;
      action.onclick = run;
    };
    if (what === "idle" && model && !engine.current()) offer(t("load", { size: bytes }), () => engine.load());
    if (what === "failed") offer(t("retry"), () => (engine.current() ? engine.schedule(0) : engine.load()));
    if (what === "working" && sentences.length > 1) offer(t("stop"), () => engine.stop());
    if (what === "ready" && done < sentences.length) offer(t("resume"), () => engine.schedule(0));
    const tokens = sentences.reduce((sum, one) => sum + (one.explanation?.sourceTokens.length ?? 0), 0);
    const whole = tokens > 0 && sentences.every((one) => one.explanation);
    if (state.text !== counted.text) counted = { text: state.text, letters: [...state.text].length };
    const { letters } = counted;
    counts.textContent = letters
      ? [t("characters", { n: letters }), whole ? t("tokens", { n: tokens }) : ""].filter(Boolean).join(t("comma"))
      : "";
  }

  /** @param {State} state */
  function drawPairs(state) {
    const { models } = state;
    set(pair, ...models.map((one) => h("option", { value: one.id }, pairName(one, language))));
    pair.value = state.pair;
    const here = models.find((one) => one.id === state.pair);
    const there = back(state);
    swap.setAttribute("aria-disabled", String(!there));
    if (here) {
      const [from, to] = namesOf(here, language);
      swap.title = there ? t("swap") : t("swapNone", { from: to, to: from });
      swap.setAttribute("aria-label", swap.title);
    }
    const source = here?.source ?? "en";
    for (const box of [input, mirror]) box.lang = source;
    output.lang = here?.target ?? "";
    drawExamples(state, source);
  }

  /** @param {State} state @param {string} source */
  function drawExamples(state, source) {
    chips.hidden = state.text !== "";
    set(
      chips,
      ...examplesOf(source).map((text) =>
        h(
          "button",
          {
            type: "button",
            class: "chip",
            lang: source,
            title: text,
            onclick: () => {
              input.value = text;
              store.set({ text, sentence: 0, step: -1, token: 0 });
              input.focus();
            },
          },
          text,
        ),
      ),
    );
  }

  /** @type {(object | null)[]} explanations that the words were drawn from */
  let known = [];

  /** @param {State} state @param {Set<string>} changed */
  function update(state, changed) {
    if (changed.has("text") && input.value !== state.text) input.value = state.text;
    if (changed.has("models") || changed.has("pair")) drawPairs(state);
    if (changed.has("text")) chips.hidden = state.text !== "";
    if (changed.has("sentences") || changed.has("sentence")) drawOutput(state);
    // Words are drawn anew only where they may be others: not for every piece of a translation that streams in.
    const explained = state.sentences.map((one) => one.explanation);
    const others = explained.length !== known.length || explained.some((one, i) => one !== known[i]);
    known = explained;
    if (changed.has("text") || others) drawMirror(state);
    if (changed.has("lit") || others) drawLight(state);
    for (const key of ["status", "loaded", "problem", "models", "pair", "sentences", "sentence", "text"]) {
      if (changed.has(key)) {
        drawStatus(state);
        break;
      }
    }
  }
  beam.value = String(store.get().beam);
  update(store.get(), new Set(["models", "sentences", "text", "status"]));
  return { update };
}
