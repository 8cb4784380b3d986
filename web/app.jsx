// Puts the page together: state, engine, rooms, and the address that carries the state.

import { render } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import {
  addressKeys,
  hasText,
  packedText,
  placeOf,
  readAddress,
  steps,
  unpackedText,
  writeAddress,
} from "./address.js";
import { createEngine } from "./engine.js";
import { firstExample } from "./example.js";
import { isFetched } from "./fetching.js";
import { Drawer } from "./frame/drawer.jsx";
import { Footer } from "./frame/footer.jsx";
import { Header } from "./frame/header.jsx";
import { Languages } from "./frame/languages.jsx";
import { chosenHead } from "./heads.js";
import { Translate } from "./rooms/translate/room.jsx";
import { lazy, styled } from "./lazy.jsx";
import { createStore, initialState, shownExplanation } from "./state.js";
import { AppContext, useKeys, useWords } from "./ui.jsx";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Room} Room */

/** What this browser keeps of the reader's wishes. @type {("language" | "theme")[]} */
const wishes = ["language", "theme"];

/** @returns {Partial<State>} */
function readWishes() {
  try {
    const kept = JSON.parse(localStorage.getItem("glossa") ?? "{}");
    return {
      ...(kept.language === "en" || kept.language === "zh" ? { language: kept.language } : {}),
      ...(kept.theme === "light" || kept.theme === "dark" ? { theme: kept.theme } : {}),
    };
  } catch {
    return {}; // a browser that keeps nothing, or what somebody else wrote
  }
}

const store = createStore({
  ...initialState,
  language: navigator.language.startsWith("zh") ? "zh" : "en",
  ...readWishes(),
  ...readAddress(location.hash),
});
const engine = createEngine(store, "models/manifest.json");

/** Rooms other than the first are fetched when somebody comes near them. */
const fetchInside = () => import("./rooms/inside/room.jsx").then((one) => one.Inside);
const Inside = lazy(fetchInside);
const fetchZoo = () => styled("zoo.css", import("./rooms/zoo/room.jsx")).then((one) => one.Zoo);
const Zoo = lazy(fetchZoo);
const fetchTrain = () => styled("train.css", import("./rooms/train/room.jsx")).then((one) => one.Train);
const Train = lazy(fetchTrain);

/**
 * After an update of the page its old parts are gone. The new page comes with a reload, once; the address has the text.
 */
function reloadOnce() {
  const key = "glossa-reloaded";
  try {
    if (sessionStorage.getItem(key)) return;
    sessionStorage.setItem(key, "1");
  } catch {
    return; // nothing can be remembered: better an error than a page that reloads for ever
  }
  writeState(false).then(() => location.reload());
}

/** @param {Room} room */
function prepare(room) {
  const fetches = { translate: null, inside: fetchInside, train: fetchTrain, zoo: fetchZoo };
  fetches[room]?.().catch(() => {});
}

/** @param {Pick<State, "room" | "story">} place */
const goTo = (place) => store.set(place);

function App() {
  const { t, language } = useWords();
  const { room, story, theme } = useKeys("room", "story", "theme");
  const [seen, setSeen] = useState({ inside: room === "inside", train: room === "train", zoo: room === "zoo" });
  useLayoutEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  }, [language]);
  useLayoutEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  // Each room is found as it was left; a step of the story begins at its top.
  useLayoutEffect(() => scrollTo(0, scrolled[room]), [room]);
  useLayoutEffect(() => {
    if (room === "inside" && story) scrollTo(0, 0);
  }, [story]);
  useEffect(() => {
    setSeen((before) => (room === "translate" ? before : { ...before, [room]: true }));
    const step = room === "inside" && story ? `${steps.indexOf(story) + 1} · ` : "";
    document.title = `${step}${t({ translate: "titleTranslate", inside: "titleInside", train: "titleTrain", zoo: "titleZoo" }[room])}`;
  }, [room, story, language]);
  return (
    <>
      <a
        class="skip"
        href="#source"
        id="skip"
        onClick={(event) => {
          event.preventDefault();
          goTo({ room: "translate", story });
          requestAnimationFrame(() => document.querySelector("textarea")?.focus());
        }}
      >
        {t("skip")}
      </a>
      <Header prepare={prepare} goTo={goTo} />
      <main>
        <section id="translate" class="room" hidden={room !== "translate"}>
          <Translate prepare={prepare} goTo={goTo} />
        </section>
        <section id="inside" class="room" hidden={room !== "inside"}>
          {seen.inside && <Inside />}
        </section>
        <section id="train" class="room" hidden={room !== "train"}>
          {seen.train && <Train />}
        </section>
        <section id="zoo" class="room" hidden={room !== "zoo"}>
          {seen.zoo && <Zoo />}
        </section>
      </main>
      <Drawer />
      <Languages />
      <Footer />
    </>
  );
}

// ---- the address ----

let written = "";
let writing = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

/** @param {boolean} newEntry whether the reader can go back to what was before */
async function writeState(newEntry) {
  clearTimeout(writing);
  const state = store.get();
  const short = writeAddress(state);
  // What can be said at once is said at once, so that the order of history is that of what happened.
  if (newEntry) history.pushState({ glossa: true }, "", short);
  const packed = hasText(state) ? await packedText(state.text) : "";
  const next = packed ? `${short}${short.includes("?") ? packed : packed.replace("&", "?")}` : short;
  if (next === written && !newEntry && history.state?.glossa) return;
  if (store.get().room !== state.room || store.get().story !== state.story) return;
  written = next;
  history.replaceState({ glossa: true }, "", next);
}

/** Everything that a link says. @param {string} hash */
async function follow(hash) {
  /** @type {Record<string, unknown>} */
  const fresh = {};
  for (const key of addressKeys) fresh[key] = initialState[/** @type {keyof State} */ (key)];
  const patch = /** @type {Partial<State>} */ ({ ...fresh, drawer: false, lit: null, ...readAddress(hash) });
  patch.text = (await unpackedText(hash)) ?? patch.text;
  const asked = patch.pair ?? "";
  const isKnown = () => store.get().models.some((one) => one.id === asked);
  if (isFetched(asked) && !isKnown()) await engine.readKept().catch(() => {}); // where nothing may be kept
  const before = store.get();
  const known = isKnown();
  if (!known) patch.pair = before.pair;
  // A link without a text is a link to a place: the text stays.
  if (!patch.text) patch.text = before.text;
  // A beginning that was chosen before is no longer asked for.
  const sentences = before.sentences.map((one) => (one.prefix ? { ...one, prefix: null, done: false } : one));
  store.set({ ...patch, sentences });
  if (patch.pair !== before.pair) engine.choose(/** @type {string} */ (patch.pair));
  else engine.schedule(0);
  if (!known) engine.offerMissing(asked);
}

addEventListener("popstate", (event) => {
  written = location.hash;
  if (!event.state?.glossa) {
    follow(location.hash).then(() => writeState(false));
    return;
  }
  // Back and Forward change the place; the text, the model and what is chosen stay the reader's.
  const place = placeOf(location.hash);
  following = true;
  store.set(/** @type {Partial<State>} */ (place));
  following = false;
  writeState(false);
});

/** Whether the place changes because the reader went back or forward. */
let following = false;

/** Where each room is scrolled to. @type {Record<Room, number>} */
const scrolled = { translate: 0, inside: 0, train: 0, zoo: 0 };
let lastRoom = store.get().room;
history.scrollRestoration = "manual"; // what a browser would restore belongs to another room

/** An address may name a layer or a head that the model has not. @param {State} state */
function clamp(state) {
  const explanation = shownExplanation(state);
  if (!explanation || state.layer < 0) return;
  const { kind, layer, head } = chosenHead(state, explanation);
  if (kind !== state.kind || layer !== state.layer || head !== state.head) store.set({ kind, layer, head });
}

store.subscribe((state, changed) => {
  if (changed.has("room")) {
    scrolled[lastRoom] = scrollY;
    lastRoom = state.room;
  }
  if (["sentences", "kind", "layer", "head"].some((key) => changed.has(key))) clamp(state);
  if (changed.has("text") || changed.has("beam")) engine.schedule();
  if ((changed.has("room") || changed.has("story")) && !following) writeState(true);
  else if ([...changed].some((key) => addressKeys.has(key))) {
    clearTimeout(writing);
    writing = setTimeout(writeState, 250, false);
  }
  if (wishes.some((key) => changed.has(key))) {
    try {
      localStorage.setItem("glossa", JSON.stringify({ language: state.language, theme: state.theme }));
    } catch {
      // a browser that keeps nothing
    }
  }
});

// ---- the beginning ----

/** Where nobody minds the bytes, the model comes while the reader looks at the example. */
function loadWhenIdle() {
  const { connection } = /** @type {{connection?: {saveData?: boolean, effectiveType?: string}}} */ (navigator);
  if (connection?.saveData || /2g/.test(connection?.effectiveType ?? "")) return;
  const idle = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 1500));
  idle(() => engine.wake(), { timeout: 4000 });
}

async function begin() {
  const text = await unpackedText(location.hash);
  if (text) store.set({ text });
  const asked = store.get();
  const example = asked.text ? null : await firstExample(asked.language, asked.pair).catch(() => null);
  if (example) {
    engine.showExample(example.pair, example.explanation, example.aligning, example.notes);
    // What the address says of the sentence holds for the example too.
    const { word, token, fix } = asked;
    store.set({ word, token, fix });
  }
  history.replaceState({ glossa: true }, "");
  render(
    <AppContext.Provider value={{ store, engine, reloadOnce }}>
      <App />
    </AppContext.Provider>,
    /** @type {HTMLElement} */ (document.getElementById("app")),
  );
  try {
    await engine.readManifest();
    if (store.get().text !== store.get().example) engine.schedule(0);
    if (document.readyState === "complete") loadWhenIdle();
    else addEventListener("load", loadWhenIdle, { once: true });
  } catch (error) {
    store.set({ status: "failed", problem: error instanceof Error ? error.message : String(error) });
  }
}

begin();
// Not where a browser refuses it, such as in a page that is not served securely.
navigator.serviceWorker?.register("offline.js").catch(() => {});
