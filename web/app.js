// Puts the page together: state, engine, views, and the address that carries the state.

import { choice, h, set } from "./draw/dom.js";
import { createEngine } from "./engine.js";
import { addressKeys, createStore, initialState, readAddress, writeAddress } from "./state.js";
import { speak } from "./strings.js";
import { panes } from "./views/panes.js";
import { translateView } from "./views/translate.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").ViewName} ViewName */

/**
 * What a view gets. It draws into its element when it is made, and again when it is told what changed.
 * @typedef {object} Context
 * @property {HTMLElement} element
 * @property {import("./state.js").Store} store
 * @property {import("./engine.js").Engine} engine
 * @property {import("./strings.js").Say} t
 */

/** @typedef {(context: Context) => {update(state: State, changed: Set<string>): void, close?(): void}} View */

/** The first view is there at once, the others are fetched when they are opened. @type {[ViewName, () => View | Promise<View>][]} */
const views = [
  ["translate", () => translateView],
  ["attention", () => import("./views/attention.js").then((one) => one.attentionView)],
  ["effect", () => import("./views/effect.js").then((one) => one.effectView)],
  ["inside", () => import("./views/inside.js").then((one) => one.insideView)],
  ["model", () => import("./views/model.js").then((one) => one.modelView)],
];

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const store = createStore({
  ...initialState,
  language: navigator.language.startsWith("zh") ? "zh" : "en",
  ...readAddress(location.hash),
});
const engine = createEngine(store, "models/manifest.json");

/** @type {{update(state: State, changed: Set<string>): void, close?(): void}[]} */
let shown = [];

function frame() {
  const { language } = store.get();
  const t = speak(language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  part("tagline").textContent = t("tagline");
  part("skip").textContent = t("skip");
  set(
    part("language"),
    choice({
      name: "ui",
      label: t("language"),
      value: language,
      options: [
        ["en", "English"],
        ["zh", "中文"],
      ],
      onchange: (value) => store.set({ language: /** @type {"en" | "zh"} */ (value) }),
    }),
  );
  for (const view of shown) view.close?.();
  shown = [panes({ element: part("panes"), store, engine, t })];
  openView();
}

/** Which sentence the views show, with buttons to turn to its neighbours. */
const turn = h("div", { class: "turn", role: "group" });

let turned = "";

/** @param {State} state */
function drawTurn(state) {
  const total = state.sentences.length;
  const now = `${state.language} ${state.sentence} ${total}`;
  if (now === turned) return;
  turned = now;
  const t = speak(state.language);
  turn.hidden = total < 2;
  if (turn.hidden) return;
  const back = turn.contains(document.activeElement) ? document.activeElement?.getAttribute("data-to") : null;
  /** @param {string} key @param {string} mark @param {number} to */
  const button = (key, mark, to) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        "data-to": key,
        "aria-label": t(key),
        "aria-disabled": to < 0 || to >= total ? "true" : null,
        onclick: () => to >= 0 && to < total && engine.select(to),
      },
      mark,
    );
  turn.setAttribute("aria-label", t("sentence"));
  set(
    turn,
    button("previous", "‹", state.sentence - 1),
    t("sentenceOf", { n: state.sentence + 1, total }),
    button("next", "›", state.sentence + 1),
  );
  if (back) /** @type {HTMLElement | null} */ (turn.querySelector(`[data-to="${back}"]`))?.focus();
}

let openings = 0;

function openView() {
  const state = store.get();
  const t = speak(state.language);
  const [name, fetchView] = views.find(([one]) => one === state.view) ?? views[0];
  const nav = part("views");
  nav.setAttribute("aria-label", t("views"));
  nav.hidden = views.length < 2;
  set(
    nav,
    ...views.map(([one]) =>
      h(
        "a",
        {
          href: writeAddress({ ...state, view: one }),
          "aria-current": one === name ? "page" : null,
          onclick: (/** @type {MouseEvent} */ event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            store.set({ view: one });
          },
        },
        t(one),
      ),
    ),
  );
  nav.append(turn);
  drawTurn(state);
  const element = part("view");
  for (const old of shown.splice(1)) old.close?.();
  set(element);
  element.className = `view ${name}`;
  const opened = ++openings;
  const open = (/** @type {View} */ view) => {
    if (opened === openings) shown.push(view({ element, store, engine, t }));
  };
  const view = fetchView();
  if (view instanceof Promise) view.then(open).catch((error) => set(element, h("p", { role: "alert" }, error.message)));
  else open(view);
}

let written = "";
let writing = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

/** @param {boolean} newEntry whether the reader can go back to what was before */
function writeState(newEntry) {
  clearTimeout(writing);
  const next = writeAddress(store.get());
  if (next === written) return;
  written = next;
  if (newEntry) history.pushState(null, "", next);
  else history.replaceState(null, "", next);
}

store.subscribe((state, changed) => {
  if (changed.has("language")) frame();
  else if (changed.has("view")) {
    openView();
    const current = part("views").querySelector("[aria-current]");
    if (current instanceof HTMLElement && part("views").contains(document.activeElement)) current.focus();
  } else {
    if (changed.has("sentences") || changed.has("sentence")) drawTurn(state);
    for (const view of shown) view.update(state, changed);
  }
  if (changed.has("text") || changed.has("beam")) engine.schedule();
  if (changed.has("view")) writeState(true);
  else if ([...changed].some((key) => addressKeys.has(key))) {
    clearTimeout(writing);
    writing = setTimeout(writeState, 250, false);
  }
});

addEventListener("popstate", () => {
  written = location.hash;
  const before = store.get();
  /** @type {Record<string, unknown>} */
  const fresh = {};
  for (const key of addressKeys) fresh[key] = initialState[/** @type {keyof State} */ (key)];
  store.set({ ...fresh, language: before.language, pair: before.pair, ...readAddress(location.hash) });
});

part("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("textarea")?.focus();
});

frame();
engine
  .readManifest()
  .then(() => (store.get().text ? engine.load() : undefined))
  .catch((error) => store.set({ status: "failed", problem: error.message }));
// Not where a browser refuses it, such as in a page that is not served securely.
navigator.serviceWorker?.register("offline.js").catch(() => {});
