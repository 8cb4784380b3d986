// The training room: a network learns in a worker, its curves rise and fall, and its attention forms.

import { useCallback, useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { download } from "../../draw/export.js";
import { learn } from "../../strings.js";
import { Choice, reducedMotion, Slider, useApp, useKeys } from "../../ui.jsx";
import { Curves } from "./curves.jsx";
import { experiments, figuresOf, verdict } from "./experiments.js";
import { Knobs } from "./knobs.jsx";
import { Forming } from "./map.jsx";
import { checkPairs } from "./pairs.js";
import { hasRule } from "./rules.js";
import { hasLength, isTranslator, lengths, readSettings, tasks, writeSettings } from "./settings.js";
import { Trainings } from "./trainings.js";
import { useTrainWords, words } from "./words.js";

learn(words);

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./run.js").Run} Run */

/** @type {Trainings | null} */
let trainings = null;

const CALM = 1000; // milliseconds between pictures where motion is unwanted

/** What trains, which lives on when the room is left. */
function useTrainings() {
  const { store } = useApp();
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  trainings ??= new Trainings(store);
  const all = trainings;
  useEffect(() => {
    let drawn = 0;
    return all.subscribe(() => {
      // Where motion is unwanted, a picture a second.
      const wait = reducedMotion() && all.running ? CALM : 0;
      if (store.get().room !== "train" || performance.now() - drawn < wait) return;
      drawn = performance.now();
      redraw(undefined);
    });
  }, [all]);
  return all;
}

export function Train() {
  const { store } = useApp();
  const { t } = useTrainWords();
  const { train } = useKeys("train", "room");
  const all = useTrainings();
  const settings = useMemo(() => readSettings(train), [train]);
  const clean = writeSettings(settings);
  const experiment = Object.keys(experiments).find((name) => writeSettings(experiments[name]) === clean) ?? "";
  const [head, setHead] = useState(0);
  const [at, setAt] = useState(-1); // place of the scrubber; -1: now
  useEffect(() => {
    if (train !== clean) store.set({ train: clean });
    all.set(settings);
  }, [train]);
  const change = useCallback((/** @type {Settings} */ next) => {
    setAt(-1);
    store.set({ train: writeSettings(next) });
  }, []);
  const { runs } = all;
  // A network without attention has no pictures; the other one's are gone through then.
  const frames = runs.map((run) => run.frames.items).reduce((a, b) => (b.length > a.length ? b : a), []);
  const place = at < 0 || at >= frames.length ? frames.length - 1 : at;
  const step = at < 0 ? null : (frames[place]?.step ?? null);
  return (
    <>
      <h1>{t("trainTitle")}</h1>
      <p class="help train-lead">{t("trainLead")}</p>
      <Offer {...{ all }} />
      <Experiments {...{ experiment }} onchoose={(name) => change(experiments[name])} />
      <Bar {...{ all, settings, change }} />
      {settings.task === "pairs" && <Pairs {...{ all }} />}
      {experiment && <Question {...{ experiment, runs }} />}
      <Status {...{ all }} />
      <div class="train">
        <section class="train-side" aria-label={t("curves")}>
          <Curves
            {...{ runs, steps: settings.steps, at: step }}
            pairs={settings.task === "pairs"}
            rule={hasRule(settings.task)}
          />
        </section>
        <section class="train-stage" aria-label={t("mapSection")}>
          <p class="help">
            {t("mapHelp")} {hasRule(settings.task) && t("mapFramed")}
          </p>
          <div class="train-scrub">
            <Slider
              label={t("scrub", { step: frames[place]?.step ?? 0 })}
              {...{ min: 0, max: Math.max(1, frames.length - 1), step: 1, value: Math.max(0, place) }}
              onchange={(value) => setAt(value >= frames.length - 1 ? -1 : value)}
            />
            <button type="button" disabled={at < 0} onClick={() => setAt(-1)}>
              {t("now")}
            </button>
          </div>
          <div class="train-maps">
            {runs.map((run, i) => (
              <One key={i} {...{ run, head, step }} name={runs.length > 1 ? "AB"[i] : ""} onhead={setHead} />
            ))}
          </div>
          <Own {...{ all }} />
        </section>
        <Knobs {...{ settings, change }} />
      </div>
    </>
  );
}

/** After a reload: the last training can go on. @param {{all: Trainings}} props */
function Offer({ all }) {
  const { store } = useApp();
  const { t } = useTrainWords();
  const { offer } = all;
  if (!offer) return null;
  const over = offer.runs.every((run) => run?.state === "done");
  return (
    <p class="notice" role="status">
      {t("goOnOffer", { task: t(`task-${readSettings(offer.query).task}`), step: offer.runs[0]?.step ?? 0 })}{" "}
      <button
        type="button"
        onClick={() => {
          all.goOn();
          store.set({ train: offer.query });
        }}
      >
        {t(over ? "showKept" : "goOn")}
      </button>{" "}
      <button type="button" class="quiet" onClick={() => all.decline()}>
        {t("forgetIt")}
      </button>
    </p>
  );
}

/** @param {{experiment: string, onchoose: (name: string) => void}} props */
function Experiments({ experiment, onchoose }) {
  const { t } = useTrainWords();
  return (
    <div class="train-experiments" role="group" aria-label={t("experiments")}>
      <span class="help" aria-hidden="true">
        {t("experiments")}
      </span>
      {Object.keys(experiments).map((name) => (
        <button key={name} type="button" aria-pressed={experiment === name} onClick={() => onchoose(name)}>
          {t(`${name}Name`)}
        </button>
      ))}
    </div>
  );
}

/** What an experiment asks, and what its own figures say. @param {{experiment: string, runs: Run[]}} props */
function Question({ experiment, runs }) {
  const { t } = useTrainWords();
  const over = runs.length === 2 && runs.every((run) => run.state === "done");
  const percent = (/** @type {number} */ share) => Math.round(share * 100);
  const [a, b] = runs.map(figuresOf);
  return (
    <div class="prose train-question">
      <p>{t(`${experiment}Question`)}</p>
      <p role="status">
        {over &&
          `${t("endFigures", { a: percent(a.exact), b: percent(b.exact) })} ${t(verdict(runs[0], runs[1]))} ${
            a.right !== null && b.right !== null ? t("endRight", { a: percent(a.right), b: percent(b.right) }) : ""
          }`}
      </p>
    </div>
  );
}

/** @param {{all: Trainings, settings: Settings, change: (settings: Settings) => void}} props */
function Bar({ all, settings, change }) {
  const { t } = useTrainWords();
  const ready = settings.task !== "pairs" || checkPairs(all.pairs).problem === null;
  return (
    <div class="train-bar">
      <label class="train-field">
        {t("task")}
        <select
          value={settings.task}
          onChange={(event) =>
            change({ ...settings, task: /** @type {Settings["task"]} */ (event.currentTarget.value) })
          }
        >
          {tasks.map((task) => (
            <option key={task} value={task}>
              {t(`task-${task}`)}
            </option>
          ))}
        </select>
      </label>
      {hasLength(settings.task) && (
        <label class="train-field">
          {t("longest")}
          <select
            value={settings.longest}
            onChange={(event) => change({ ...settings, longest: Number(event.currentTarget.value) })}
          >
            {lengths.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="train-field">
        {t("seed")}
        <input
          type="number"
          {...{ min: 0, max: 999999, value: settings.seed }}
          onChange={(event) => change({ ...settings, seed: Math.max(0, Number(event.currentTarget.value) || 0) })}
        />
      </label>
      <label class="train-field">
        {t("steps")}
        <input
          type="number"
          {...{ min: 100, max: 20000, step: 100, value: settings.steps }}
          onChange={(event) => change({ ...settings, steps: Number(event.currentTarget.value) || settings.steps })}
        />
      </label>
      <button
        type="button"
        class="play"
        disabled={!ready || all.done}
        onClick={() => (all.running ? all.pause() : all.play())}
      >
        {all.running ? `❚❚ ${t("pause")}` : `▶ ${t("play")}`}
      </button>
      <button type="button" disabled={!ready || all.done} onClick={() => all.one()}>
        {t("oneStep")}
      </button>
      <button type="button" disabled={!ready} onClick={() => all.restart()}>
        ↺ {t("restart")}
      </button>
      <Choice
        name="train-pace"
        label={t("pace")}
        value={all.slow ? "slow" : "fast"}
        options={[
          ["slow", t("paceSlow")],
          ["fast", t("paceFast")],
        ]}
        onchange={(value) => all.setPace(value === "slow")}
      />
      <Choice
        name="train-two"
        label={t("two")}
        value={settings.two ? "two" : "one"}
        options={[
          ["one", "A"],
          ["two", "A | B"],
        ]}
        onchange={(value) => change({ ...settings, two: value === "two" })}
      />
    </div>
  );
}

/** @param {{all: Trainings}} props */
function Pairs({ all }) {
  const { t } = useTrainWords();
  const [refused, setRefused] = useState(/** @type {ReturnType<typeof checkPairs>["problem"]} */ (null));
  const checked = checkPairs(all.pairs);
  const { count } = checked;
  const problem = refused ?? checked.problem;
  /** What is far too large does not even go in: what was there stays. @param {ClipboardEvent} event */
  const paste = (event) => {
    const found = checkPairs(event.clipboardData?.getData("text") ?? "").problem;
    const tooLarge = found?.word === "pairsLarge" ? found : null;
    setRefused(tooLarge);
    if (tooLarge) event.preventDefault();
  };
  return (
    <div class="train-pairs">
      <label for="train-pairs">{t("pairsLabel")}</label>
      <textarea
        id="train-pairs"
        aria-describedby="train-pairs-said"
        value={all.pairs}
        onPaste={paste}
        onInput={(event) => {
          setRefused(null);
          all.setPairs(event.currentTarget.value);
        }}
      />
      <p id="train-pairs-said" class={problem && (refused || all.pairs) ? "notice" : "help"} role="status">
        {problem ? t(problem.word, problem.with) : t("pairsCount", { count })}
      </p>
    </div>
  );
}

/** @param {{all: Trainings}} props */
function Status({ all }) {
  const { t } = useTrainWords();
  return (
    <div class="train-status">
      {all.runs.map((run, i) => (
        <p key={i} role={run.problem ? "alert" : undefined}>
          {all.runs.length > 1 && `${"AB"[i]} · `}
          {run.problem
            ? t("failed", { problem: run.problem })
            : t(`state-${run.state}`, { step: run.step, steps: run.steps })}
        </p>
      ))}
    </div>
  );
}

/** One run: its map, what it says, what can be done with it. @param {{run: Run, head: number, step: number | null, name: string, onhead: (head: number) => void}} props */
function One({ run, head, step, name, onhead }) {
  const { t } = useTrainWords();
  const { shape, live } = run;
  const frame = step === null ? live : (run.frames.items.findLast((one) => one.step <= step) ?? live);
  const right = frame ? run.rightOf(frame.data) : [];
  const chosen = Math.min(head, right.length - 1);
  return (
    <div class="train-run">
      {name && <h2>{name}</h2>}
      {shape && shape.names.length === 0 && <p class="help">{t("noMap")}</p>}
      {shape && frame && shape.names.length > 0 && <Forming {...{ run, frame, head, name, onhead }} />}
      {shape && (
        <p class="train-says">
          <span class="help">{t("heldOutExample")}</span> <code>{shape.text}</code> → <code>{run.says || "…"}</code>{" "}
          {run.says && (run.says === shape.wanted ? "✓" : t("wanted", { text: shape.wanted }))}
        </p>
      )}
      {shape && shape.names.length > 0 && (
        <p class="help train-right">
          {right.length > 0
            ? t("rightWeight", {
                share: Math.round(right[chosen] * 100),
                best: Math.round(Math.max(...right) * 100),
                head: right.indexOf(Math.max(...right)) + 1,
              })
            : t("noRule")}
        </p>
      )}
      <Keep {...{ run }} />
    </div>
  );
}

/** @param {{run: Run}} props */
function Keep({ run }) {
  const { store, engine } = useApp();
  const { t } = useTrainWords();
  if (run.step === 0) return null;
  const name = `${run.settings.task}-${run.settings.seed}.gguf`;
  const inside = async () => {
    const bytes = await run.model();
    await engine.openOwn([new File([bytes], name)], run.shape?.text);
    store.set({ room: "inside", story: "" });
  };
  const save = async () => download(new Blob([await run.model()]), name);
  const able = isTranslator(run.network);
  return (
    <p class="train-keep">
      <button type="button" disabled={!able} onClick={inside}>
        {t("openInside")}
      </button>{" "}
      <button type="button" onClick={save}>
        {t("saveModel")}
      </button>
      {!able && <span class="help"> {t("cannotOpen")}</span>}
    </p>
  );
}

/** The reader's own input. @param {{all: Trainings}} props */
function Own({ all }) {
  const { t } = useTrainWords();
  return (
    <div class="train-own">
      <label for="train-ask">{t("own")}</label>{" "}
      <input
        id="train-ask"
        class="train-ask"
        placeholder={all.runs[0]?.shape?.text}
        autocomplete="off"
        maxLength={60}
        value={all.ask}
        onInput={(event) => all.setAsk(event.currentTarget.value)}
      />
      <p role="status" class="train-says">
        {all.ask &&
          all.runs.map((run, i) => (
            <span key={i}>
              {all.runs.length > 1 && `${"AB"[i]}: `}
              <code>{run.answer || "…"}</code>{" "}
            </span>
          ))}
      </p>
    </div>
  );
}
