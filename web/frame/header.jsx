// The bar above every room: where you are, which model works and how far it has come, sharing, language, light and dark.

import { useEffect, useRef, useState } from "preact/hooks";
import { hasText, packedText, pathOf, writeAddress } from "../address.js";
import { messageOf } from "../engine.js";
import { pairName } from "../languages.js";
import { size } from "../strings.js";
import { Choice, Menu, Tick, useApp, useKeys, useWords } from "../ui.jsx";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../state.js").Room} Room */

/** @param {{prepare: (room: Room) => void, goTo: (place: {room: Room, story: string}) => void}} props */
export function Header({ prepare, goTo }) {
  const { store } = useApp();
  const { t, language } = useWords();
  const state = useKeys("room", "story", "theme", "training");
  /** @type {{room: Room, story: string}[]} */
  const places = [
    { room: "translate", story: "" },
    { room: "inside", story: state.story },
    { room: "train", story: "" },
    { room: "zoo", story: "" },
  ];
  return (
    <header class="top">
      <p class="brand">
        <img src="icon.svg" alt="" width="24" height="24" />
        Glossa
      </p>
      <nav id="rooms" aria-label={t("rooms")}>
        {places.map((place) => (
          <a
            key={place.room}
            href={pathOf(place)}
            aria-current={state.room === place.room ? "page" : undefined}
            onPointerEnter={() => prepare(place.room)}
            onFocus={() => prepare(place.room)}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              goTo(place);
            }}
          >
            {t(place.room)}
            {place.room === "train" && state.training && (
              <span class="training-chip">
                {t(state.training.runs ? "trainingChip" : "pausedChip", {
                  share: Math.floor(state.training.share * 100),
                })}
              </span>
            )}
          </a>
        ))}
      </nav>
      <ModelChip />
      <Share />
      <div id="language">
        <Choice
          name="ui"
          label={t("language")}
          value={language}
          options={[
            ["en", "EN"],
            ["zh", "中"],
          ]}
          onchange={(value) => store.set({ language: /** @type {"en" | "zh"} */ (value) })}
        />
      </div>
      <button type="button" class="quiet theme" aria-label={t("theme")} title={t("theme")} onClick={() => flip(store)}>
        ◐
      </button>
    </header>
  );
}

/** @param {import("../state.js").Store} store */
export function flip(store) {
  const { theme } = store.get();
  const dark = theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
  store.set({ theme: dark ? "light" : "dark" });
}

/** The model's name, and how much of it, or of one that is fetched, is there; opens the drawer. */
function ModelChip() {
  const { store, engine } = useApp();
  const { t, language } = useWords();
  const state = useKeys("models", "pair", "status", "loaded", "drawer", "fetching");
  const { models, pair, status, drawer } = state;
  const fetching = state.fetching?.problem ? null : state.fetching;
  const model = fetching ?? models.find((one) => one.id === pair);
  const name = model ? pairName(model, language) : t("model");
  const loading = fetching !== null || status === "loading";
  const loaded = fetching ? fetching.share : state.loaded;
  return (
    <>
      <button
        type="button"
        class={`model-chip ${status}`}
        aria-expanded={drawer}
        aria-controls="drawer"
        aria-label={t("openModel", { name })}
        title={t("openModel", { name })}
        style={{ "--share": loading ? loaded : 0 }}
        onClick={() => store.set({ drawer: !drawer })}
      >
        <span class="model-name">
          <span class="in-words">{name}</span>
          <span class="as-mark">{model ? `${model.source} → ${model.target}` : name}</span>
        </span>
        <span class="model-size">
          {loading
            ? t("loadingChip", { share: Math.round(loaded * 100) })
            : status === "failed"
              ? "!"
              : model && "bytes" in model
                ? size(model.bytes, language)
                : ""}
        </span>
      </button>
      {fetching && (
        <button
          type="button"
          class="quiet"
          aria-label={t("stopFetching", { pair: name })}
          title={t("stopFetching", { pair: name })}
          onClick={() => engine.fetching.stop()}
        >
          ✕
        </button>
      )}
    </>
  );
}

/** The address of what is seen now. */
function Share() {
  const { store } = useApp();
  const { t } = useWords();
  const [withLanguage, setWithLanguage] = useState(false);
  const [address, setAddress] = useState("");
  const [said, setSaid] = useState("");
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const state = useKeys("text", "room", "story", "pair");
  const packed = address === "" || !hasText(state) || state.text.length <= 1500 || address.includes("&z=");
  const find = async () => {
    const now = store.get();
    const written = writeAddress(now);
    const more = `${hasText(now) ? await packedText(now.text) : ""}${withLanguage ? `&ui=${now.language}` : ""}`;
    const joined = written.includes("?") ? `${written}${more}` : `${written}${more.replace("&", "?")}`;
    // An example is what the page shows by itself; to share it is to name it.
    const text =
      hasText(now) && now.text === now.example && now.text
        ? `${/\?/.test(joined) ? "&" : "?"}t=${encodeURIComponent(now.text)}`
        : "";
    setAddress(new URL(joined + text, location.href).href);
  };
  useEffect(() => {
    if (address) find();
  }, [withLanguage]);
  return (
    <Menu
      label={t("share")}
      text={
        <>
          <span class="in-words">{t("share")}</span>
          <span class="as-mark" aria-hidden="true">
            ↗
          </span>
        </>
      }
      class="share"
    >
      <div onMouseEnter={find} onFocusCapture={() => address || find()}>
        <p class="help">{t("shareHelp")}</p>
        <input
          ref={input}
          class="address"
          readOnly
          aria-label={t("address")}
          value={address}
          onFocus={(event) => event.currentTarget.select()}
        />
        {!packed && <p class="help">{t("shareLong")}</p>}
        <Tick label={t("shareLanguage")} checked={withLanguage} onchange={setWithLanguage} />
        <button
          type="button"
          onClick={async () => {
            await find();
            setSaid(t((await copyText(input.current)) ? "copied" : "copyByHand"));
          }}
        >
          {said || t("copy")}
        </button>
      </div>
    </Menu>
  );
}

/**
 * Copies what a field holds; where the page may not, selects it for the reader to copy.
 * @param {HTMLInputElement | HTMLTextAreaElement | null} field
 * @returns {Promise<boolean>} whether it is on the clipboard
 */
async function copyText(field) {
  field?.select();
  return field ? copyString(field.value) : false;
}

/** @param {string} text @returns {Promise<boolean>} whether it is on the clipboard */
export async function copyString(text) {
  try {
    await navigator.clipboard.writeText(text); // undefined where the page is not served securely
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "aside";
    document.body.append(field);
    field.select();
    try {
      return document.execCommand("copy");
    } catch (error) {
      console.warn(messageOf(error));
      return false;
    } finally {
      field.remove();
    }
  }
}
