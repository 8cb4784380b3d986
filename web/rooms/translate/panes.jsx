// The two panes: text in, translation out, sentence by sentence, words linked across, other words on a click.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { roving } from "../../draw/dom.js";
import { held, wholeTranslation } from "../../engine.js";
import { copyString } from "../../frame/header.jsx";
import { MoreLanguages } from "../../frame/languages.jsx";
import { examplesOf, makerOf, namesOf, typeset } from "../../languages.js";
import { litness, shownWords, sureness, unsureWords } from "../../selection.js";
import { freshText, isBehind } from "../../state.js";
import { size } from "../../strings.js";
import { howSure } from "../../sureness.js";
import { memo, useApp, useKeys, useWords } from "../../ui.jsx";
import { Alternatives } from "./alternatives.jsx";

/** @typedef {import("../../state.js").Sentence} Sentence */
/** @typedef {import("../../state.js").State} State */
/** @typedef {import("../../state.js").Lit} Lit */
/** @typedef {"source" | "target"} Side */

const SHORT = 1000; // milliseconds after which work shows its progress

export function Panes() {
  return (
    <div id="panes">
      <Source />
      <Swap />
      <Target />
    </div>
  );
}

/** The pair that leads back. @param {State} state */
function pairBack(state) {
  const here = state.models.find((one) => one.id === state.pair);
  return state.models.find((one) => one.source === here?.target && one.target === here?.source);
}

function Swap() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys("models", "pair", "sentences", "text");
  const here = state.models.find((one) => one.id === state.pair);
  const back = pairBack(state);
  const [from, to] = here ? namesOf(here, language) : ["", ""];
  const label = here && !back ? t("swapNone", { from: to, to: from }) : t("swap");
  const [asked, setAsked] = useState("");
  return (
    <div class="swap">
      <button
        type="button"
        class="quiet"
        aria-label={label}
        title={label}
        aria-disabled={back ? undefined : "true"}
        onClick={() => (back ? engine.choose(back.id, wholeTranslation(state)) : setAsked(state.pair))}
        onBlur={() => setAsked("")}
      >
        ⇄
      </button>
      <p class="swap-note" role="status">
        {!back && asked === state.pair ? label : ""}
      </p>
    </div>
  );
}

// ---- the source ----

function Source() {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys("text", "models", "pair", "notes", "example");
  const input = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const mirror = useRef(/** @type {HTMLDivElement | null} */ (null));
  const here = state.models.find((one) => one.id === state.pair);
  const source = here?.source ?? "en";
  useLayoutEffect(() => {
    if (input.current && input.current.value !== state.text) input.current.value = state.text;
  }, [state.text]);
  const sources = [...new Map(state.models.map((one) => [one.source, one])).values()];

  /** @param {string} from */
  const chooseSource = (from) => {
    const fitting = state.models.filter((one) => one.source === from);
    const alone = fitting.filter((one) => !one.halves); // the pictures show one model
    const next = alone.find((one) => one.target === here?.target) ?? alone[0] ?? fitting[0];
    if (next) engine.use(next.id);
  };
  /** Takes the text away so that the browser's own undo brings it back. */
  const clear = () => {
    const box = /** @type {HTMLTextAreaElement} */ (input.current);
    box.focus();
    box.select();
    if (!document.execCommand("delete")) store.set({ ...freshText, text: "" });
  };
  /** @param {Lit | null} lit */
  const light = (lit) => {
    if (store.get().lit?.pinned && !lit?.pinned) return;
    store.set({ lit });
  };
  /** The word of the mirror under a pointer that is over the text area. @param {MouseEvent} event @param {boolean} pinned @returns {Lit | null} */
  const mirrored = (event, pinned) => {
    const all = document.elementsFromPoint(event.clientX, event.clientY);
    const word = all.find((one) => mirror.current?.contains(one) && one instanceof HTMLElement && one.dataset.at);
    if (!(word instanceof HTMLElement)) return null;
    return { side: "source", sentence: Number(word.dataset.sentence), at: Number(word.dataset.at), pinned };
  };
  return (
    <section class="pane source">
      <div class="pane-head">
        <label for="source" class="sr">
          {t("source")}
        </label>
        <select
          id="from"
          aria-label={t("from")}
          value={source}
          onChange={(event) => chooseSource(event.currentTarget.value)}
        >
          {sources.map((one) => (
            <option key={one.source} value={one.source} selected={one.source === source}>
              {namesOf(one, language)[0]}
            </option>
          ))}
        </select>
        <span class="push" />
        <button
          type="button"
          class="quiet"
          aria-label={t("clear")}
          title={t("clear")}
          hidden={state.text === ""}
          onClick={clear}
        >
          ✕
        </button>
      </div>
      <div class="stack">
        <Mirror box={mirror} lang={typeset(source)} />
        <textarea
          id="source"
          ref={input}
          lang={typeset(source)}
          placeholder={t("sourceHint")}
          spellcheck={false}
          dir="auto"
          rows={2}
          onInput={(event) => store.set({ ...freshText, text: event.currentTarget.value })}
          onFocus={(event) => {
            // The example is there to be written over.
            if (store.get().text === store.get().example && store.get().example) event.currentTarget.select();
          }}
          onPointerMove={(event) => light(mirrored(event, false))}
          onPointerLeave={() => light(null)}
          onClick={(event) => store.set({ lit: mirrored(event, true) })}
        />
      </div>
      <div class="pane-foot">
        <Examples source={source} />
        <Counts />
      </div>
    </section>
  );
}

/** @param {{source: string}} props */
function Examples({ source }) {
  const { store, engine } = useApp();
  const { t } = useWords();
  const { notes, text } = useKeys("notes", "text", "sentences");
  const all = notes.examples.length > 0 ? notes.examples : examplesOf(source);
  if (text !== "" && !engine.isExample(text)) return <span />;
  return (
    <div class="chips" role="group" aria-label={t("examples")}>
      <span class="help" aria-hidden="true">
        {t("examples")}
      </span>
      {all.map((one, i) => (
        <button
          key={one}
          type="button"
          class="chip"
          lang={typeset(source)}
          title={one}
          aria-pressed={one === text}
          aria-label={t("example", { n: i + 1, text: one })}
          onClick={() => store.set({ ...freshText, text: one })}
        >
          {one}
        </button>
      ))}
    </div>
  );
}

function Counts() {
  const { t } = useWords();
  const { text, sentences } = useKeys("text", "sentences");
  const { engine } = useApp();
  const letters = useMemo(() => [...text].length, [text]);
  const pieces = sentences.reduce((sum, one) => sum + (one.explanation?.sourceTokens.length ?? 0), 0);
  const whole = pieces > 0 && sentences.every((one) => one.explanation);
  if (letters === 0 || engine.isExample(text)) return null; // the examples stand there
  const parts = [t("characters", { n: letters }), whole ? t("pieces", { n: pieces }) : ""];
  return <p class="status counts">{parts.filter(Boolean).join(t("comma"))}</p>;
}

/** The text once more, under the text area, with its words as elements that can be lit. @param {{box: import("preact").RefObject<HTMLDivElement | null>, lang: string}} props */
function Mirror({ box, lang }) {
  const { text, sentences, sentence, lit } = useKeys("text", "sentences", "sentence", "lit");
  // While the text is ahead of the sentences, it stands there without words.
  const fits = sentences.every((one) => text.startsWith(one.text, one.start));
  let at = 0;
  const parts = fits
    ? sentences.flatMap((one, i) => {
        const gap = text.slice(at, one.start);
        at = one.start + one.text.length;
        const own = lit?.sentence === i ? lit : null;
        const chosen = sentences.length > 1 && i === sentence;
        return [gap, <Words key={i} sentence={one} index={i} side="source" lit={own} chosen={chosen} unsure={null} />];
      })
    : [];
  useEffect(() => {
    if (sentences.length < 2) return;
    const chosen = box.current?.querySelector(".line.chosen");
    const stack = box.current?.parentElement;
    if (chosen instanceof HTMLElement && stack) stack.scrollTop = chosen.offsetTop - stack.clientHeight / 3;
  }, [sentence, sentences.length]);
  return (
    <div class="mirror" aria-hidden="true" ref={box} lang={lang}>
      {parts}
      {`${text.slice(at)}\n`}
    </div>
  );
}

/**
 * A sentence, its words as elements.
 * @param {{sentence: Sentence, index: number, side: Side, lit: Lit | null, chosen: boolean, unsure: number | null, coming?: boolean}} props
 *     `coming`: whether what is not there yet comes next
 */
function SentenceWords({ sentence, index, side, lit, chosen, unsure, coming = true }) {
  const { t } = useWords();
  const { explanation, partial, translation, text: source, done, prefix } = sentence;
  const text = side === "source" ? source : translation;
  const names = ["line", chosen && "chosen", side === "target" && !done && "pending", prefix && "forced"];
  const name = names.filter(Boolean).join(" ");
  const reach = side === "target" ? { role: /** @type {const} */ ("button"), tabIndex: -1 } : {};
  if (!explanation) {
    const old = side === "target" && !done ? held(partial, translation) : text;
    const empty = side === "target" && !done && !old && !partial && !coming;
    return (
      <span class={name}>
        <span class="said" data-sentence={index} {...(empty ? {} : reach)}>
          {side === "target" && !done && partial}
          {side === "target" && !done ? <span class="held">{old || (partial || !coming ? "" : "…")}</span> : text}
        </span>
      </span>
    );
  }
  let at = 0;
  const parts = shownWords(explanation, side, text).map((word) => {
    const { start, end, shown } = word;
    const before = text.slice(at, shown);
    at = shown + end - start;
    const spelt = text.slice(shown, at);
    const how = litness(explanation, lit, side, word);
    const guessed = side === "target" && unsure !== null && sureness(explanation, word) < unsure;
    return [
      before,
      <span
        key={start}
        class={`word ${how}${guessed ? " unsure" : ""}`}
        data-sentence={index}
        data-at={start}
        data-token={word.token}
        {...reach}
        {...(side === "target" ? { "aria-pressed": how === "self" && lit?.pinned === true } : {})}
        {...(guessed
          ? { title: t("unsureWord", { word: spelt }), "aria-description": t("unsureWord", { word: spelt }) }
          : {})}
      >
        {spelt}
      </span>,
    ];
  });
  return (
    <span class={name}>
      <span class="said">
        {parts}
        {text.slice(at)}
      </span>
    </span>
  );
}

/** Drawn anew only where it may be another: a long text has hundreds. */
const Words = memo(SentenceWords);

// ---- the target ----

function Target() {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys("models", "pair", "sentences");
  const [copied, setCopied] = useState("");
  const here = state.models.find((one) => one.id === state.pair);
  const targets = state.models.filter((one) => one.source === here?.source);
  const twice = (/** @type {string} */ target) => targets.filter((one) => one.target === target).length > 1;
  const copy = async () => {
    setCopied(t((await copyString(wholeTranslation(store.get()))) ? "copied" : "copyByHand"));
    setTimeout(() => setCopied(""), 1500);
  };
  return (
    <section class="pane target">
      <div class="pane-head">
        <select
          id="to"
          aria-label={t("to")}
          value={state.pair}
          onChange={(event) => engine.use(event.currentTarget.value)}
        >
          {targets.map((one) => (
            <option key={one.id} value={one.id} selected={one.id === state.pair}>
              {namesOf(one, language)[1]}
              {twice(one.target) ? ` (${makerOf(one)})` : ""}
            </option>
          ))}
        </select>
        <span class="push" />
        <MoreLanguages />
        <button type="button" class="quiet" onClick={copy}>
          {copied || t("copy")}
        </button>
      </div>
      <Output lang={typeset(here?.target ?? "")} />
      <Progress />
      <Foot />
    </section>
  );
}

/** @param {{lang: string}} props */
function Output({ lang }) {
  const { store, engine } = useApp();
  const { t } = useWords();
  const state = useKeys("sentences", "sentence", "lit", "notes", "text", "status");
  const { sentences, lit } = state;
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => roving(/** @type {HTMLElement} */ (box.current), "[data-sentence][tabindex]"), []);
  useLayoutEffect(() => {
    if (!box.current?.querySelector('[tabindex="0"]'))
      box.current?.querySelector("[tabindex]")?.setAttribute("tabindex", "0");
  });
  useEffect(() => {
    const chosen = box.current?.querySelector(".line.chosen");
    if (sentences.length > 1 && chosen instanceof HTMLElement && box.current)
      box.current.scrollTop = chosen.offsetTop - box.current.clientHeight / 3;
  }, [state.sentence, sentences.length]);

  /** @param {EventTarget | null} target @param {boolean} pinned @returns {Lit | null} */
  const place = (target, pinned) =>
    target instanceof HTMLElement && target.dataset.at
      ? { side: "target", sentence: Number(target.dataset.sentence), at: Number(target.dataset.at), pinned }
      : null;
  /** @param {EventTarget | null} target */
  const light = (target) => {
    const word = place(target, false);
    if (!store.get().lit?.pinned) store.set({ lit: word });
  };
  /** @param {Event} event */
  const pick = (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const sentence = target.dataset.sentence === undefined ? -1 : Number(target.dataset.sentence);
    if (sentence >= 0 && sentence !== store.get().sentence) engine.select(sentence);
    const word = place(target, true);
    if (!word) return;
    const now = store.get().lit;
    const same = now?.pinned && now.side === "target" && now.sentence === word.sentence && now.at === word.at;
    store.set({ lit: same ? null : word, token: Number(target.dataset.token) });
  };
  const pinned = lit?.pinned && lit.side === "target" ? lit : null;
  const works = state.status === "loading" || state.status === "working";
  const next = works ? sentences.findIndex((one) => !one.done) : -1; // the one that is being written
  return (
    <div class="output-box">
      <div
        id="target"
        class="output"
        role="group"
        aria-busy={isBehind(state)}
        dir="auto"
        lang={lang}
        aria-label={t("target")}
        data-hint={state.text === "" ? t("private") : undefined}
        ref={box}
        onPointerOver={(event) => light(event.target)}
        onPointerLeave={() => light(null)}
        onFocusIn={(event) => light(event.target)}
        onFocusOut={() => light(null)}
        onClick={pick}
        onKeyDown={(event) => {
          if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            pick(event);
          }
          if (event.key === "Escape") store.set({ lit: null });
        }}
      >
        {sentences.map((one, i) => [
          one.lead,
          <Words
            key={i}
            sentence={one}
            index={i}
            side="target"
            lit={lit?.sentence === i ? lit : null}
            chosen={sentences.length > 1 && i === state.sentence}
            unsure={state.notes.confidence.word}
            coming={i === next}
          />,
          one.joint,
        ])}
      </div>
      {pinned && <Alternatives box={box} lit={pinned} />}
    </div>
  );
}

/** Whether the work on the text has taken a second by now. */
function useLong() {
  const { status, begun } = useKeys("status", "begun");
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (status !== "working") return;
    const timer = setTimeout(() => setLong(true), SHORT - (performance.now() - begun));
    return () => clearTimeout(timer);
  }, [status, begun]);
  return long && status === "working";
}

/**
 * How much of the text is translated. A sentence that is being written counts by its letters: one of many pieces may be
 * all that there is.
 * @param {Sentence[]} sentences
 */
export function shareDone(sentences) {
  const all = sentences.reduce((sum, one) => sum + one.text.length, 0);
  const done = sentences.reduce(
    (sum, one) => sum + (one.done ? one.text.length : Math.min(0.95 * one.text.length, one.partial.length)),
    0,
  );
  return all > 0 ? done / all : 0;
}

/** @param {State} state @param {boolean} long */
function shareOf({ status, loaded, sentences }, long) {
  if (status === "loading") return loaded;
  return status === "working" && (sentences.length > 3 || long) ? shareDone(sentences) : null;
}

function Progress() {
  const { t } = useWords();
  const state = useKeys("status", "loaded", "sentences");
  const share = shareOf(state, useLong());
  return (
    <div
      class={`progress${share === null ? " off" : ""}`}
      role="progressbar"
      aria-label={t("working")}
      aria-valuenow={Math.round((share ?? 0) * 100)}
      style={{ "--share": share ?? 0 }}
    />
  );
}

/** How far the work is, what may be done about it, how sure the model was, and what it is made for. */
function Foot() {
  const { engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys(
    "status",
    "problem",
    "detail",
    "models",
    "pair",
    "sentences",
    "sentence",
    "notes",
    "text",
    "begun",
  );
  const long = useLong();
  const { status, models, sentences, notes } = state;
  const model = models.find((one) => one.id === state.pair);
  const done = sentences.filter((one) => one.done).length;
  const explanation = sentences[state.sentence]?.explanation;
  const many = sentences.length > 1;
  let text = "";
  if (status === "loading") text = t("loading", { size: model ? size(model.bytes, language) : "" });
  else if (status === "failed") text = t("failed", { problem: state.problem });
  else if (status === "working" && many)
    text = t("progress", { done: Math.min(done + 1, sentences.length), total: sentences.length });
  else if (status === "working" && long) text = t("progressShare", { share: Math.round(shareDone(sentences) * 100) });
  else if (explanation?.hypotheses[0]) {
    const { word, sentence } = notes.confidence;
    text = howSure(t, explanation.hypotheses[0].score, unsureWords(explanation, word).length, sentence);
    if (many) text = t("ofSentence", { n: state.sentence + 1, said: text });
  }
  /** @type {[string, () => void] | null} */
  let offer = null;
  const host = model ? engine.foreignOrigin() : "";
  if (status === "idle" && host && model && !engine.current())
    offer = [t("loadFrom", { size: size(model.bytes, language), host: new URL(host).host }), () => engine.load()];
  if (status === "failed") offer = [t("retry"), () => (engine.current() ? engine.schedule(0) : engine.load())];
  if (status === "working" && (many || long)) offer = [t("stop"), () => engine.stop()];
  if (status === "ready" && done < sentences.length) offer = [t("resume"), () => engine.schedule(0)];
  const limits = notes.limits[language] ?? "";
  return (
    <div class="pane-foot">
      <p class="limits">{limits}</p>
      <p class={`status${status === "failed" ? " bad" : ""}`} role="status">
        {text}
      </p>
      {status === "failed" && state.detail && (
        <details class="help detail">
          <summary>{t("details")}</summary>
          {state.detail}
        </details>
      )}
      <button type="button" class="action" hidden={!offer} onClick={() => offer?.[1]()}>
        {offer?.[0]}
      </button>
    </div>
  );
}
