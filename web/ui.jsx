// What every part of the page is made with: the store and the words at hand, choices, figures with their menu.

import { Component, createContext } from "preact";
import { useCallback, useContext, useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { hasText } from "./address.js";
import { roving } from "./draw/dom.js";
import { speak } from "./strings.js";
import { shownExplanation } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("preact").ComponentChildren} Children */

/**
 * @typedef {object} App
 * @property {import("./state.js").Store} store
 * @property {import("./engine.js").Engine} engine
 * @property {() => void} reloadOnce for parts of the page that are gone
 */

export const AppContext = createContext(/** @type {App} */ (/** @type {unknown} */ (null)));

export const useApp = () => useContext(AppContext);

/**
 * The state; the component is drawn again when one of these keys changes.
 * @param {...(keyof State)} keys
 * @returns {State}
 */
export function useKeys(...keys) {
  const { store } = useApp();
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useLayoutEffect(
    () => store.subscribe((_, changed) => keys.some((key) => changed.has(key)) && redraw(undefined)),
    [store],
  );
  return store.get();
}

/** The words of the page, and its language. */
export function useWords() {
  const { language } = useKeys("language");
  return { t: speak(language), language };
}

/**
 * A component that is drawn anew only when one of its properties is another.
 * @template {object} P
 * @param {(props: P) => import("preact").VNode | null} Body
 * @returns {import("preact").ComponentClass<P>}
 */
export function memo(Body) {
  return class extends Component {
    /** @param {P} next */
    shouldComponentUpdate(next) {
      const now = /** @type {Record<string, unknown>} */ (this.props);
      return Object.entries(next).some(([key, value]) => !Object.is(value, now[key]));
    }
    render() {
      return <Body {/** @type {P} */ ...this.props} />;
    }
  };
}

/** Whether the page is dark: pictures have their colours in them. */
export function useDark() {
  const { theme } = useKeys("theme");
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const note = () => setDark(query.matches);
    query.addEventListener("change", note);
    return () => query.removeEventListener("change", note);
  }, []);
  return theme === "auto" ? dark : theme === "dark";
}

/** Whether motion is unwanted. */
export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * The width of an element, and a ref for it, which may come later than the component.
 * @returns {[(element: HTMLElement | null) => void, number]} width in pixels, 0 before it is known
 */
export function useWidth() {
  const [width, setWidth] = useState(0);
  const sized = useRef(/** @type {ResizeObserver | null} */ (null));
  const ref = useCallback((/** @type {HTMLElement | null} */ box) => {
    sized.current?.disconnect();
    if (!box) return;
    setWidth(Math.floor(box.clientWidth));
    sized.current = new ResizeObserver(() => setWidth(Math.floor(box.clientWidth)));
    sized.current.observe(box);
  }, []);
  return [ref, width];
}

/**
 * A ref that makes one tab stop of many controls; `data-columns` of the element says how many stand in a row.
 * @param {string} selector
 */
export const useRoving = (selector) =>
  useCallback((/** @type {HTMLElement | null} */ element) => {
    if (element) roving(element, selector, () => Number(element.dataset.columns ?? 0));
  }, []);

/**
 * What a function of the folder draw/ makes, made anew when one of `of` changes.
 * @param {{make: () => Element, of: unknown[], class?: string}} props
 */
export function Drawn({ make, of, class: name }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scrolled = useRef(0); // to ask the element would be to lay the page out
  useLayoutEffect(() => {
    const element = /** @type {HTMLDivElement} */ (box.current);
    // The focus stays where it was, on the part with the same name.
    const focused = element.contains(document.activeElement) ? document.activeElement?.getAttribute("data-at") : null;
    element.replaceChildren(make());
    if (scrolled.current > 0) element.scrollLeft = scrolled.current;
    if (focused !== null && focused !== undefined)
      /** @type {HTMLElement | null} */ (element.querySelector(`[data-at="${focused}"]`))?.focus();
  }, of);
  return (
    <div
      class={name ?? "picture"}
      ref={box}
      onScroll={(event) => {
        scrolled.current = event.currentTarget.scrollLeft;
      }}
    />
  );
}

/**
 * A row of choices of which one holds, as radio buttons drawn as one strip.
 * @param {{name: string, label: string, options: [string, string][], value: string, onchange: (value: string) => void}} props
 */
export function Choice({ name, label, options, value, onchange }) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map(([key, text]) => (
        <label key={key}>
          <input type="radio" name={name} value={key} checked={key === value} onChange={() => onchange(key)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** @param {{label: string, checked: boolean, onchange: (checked: boolean) => void}} props */
export function Tick({ label, checked, onchange }) {
  return (
    <label class="tick">
      <input type="checkbox" checked={checked} onChange={(event) => onchange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** @param {{label: string, min: number, max: number, step: number, value: number, id?: string, onchange: (value: number) => void}} props */
export function Slider({ label, min, max, step, value, id, onchange }) {
  return (
    <label class="range">
      <span>{label}</span>
      <input
        {...{ type: "range", id, min, max, step, value }}
        onInput={(event) => onchange(Number(event.currentTarget.value))}
      />
    </label>
  );
}

/**
 * A button that opens what stands beside it; Escape, and a click elsewhere, close it.
 * @param {{label: string, text: Children, class?: string, children: Children}} props
 */
export function Menu({ label, text, class: name = "", children }) {
  const box = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  useEffect(() => {
    const close = (/** @type {Event} */ event) => {
      if (box.current?.open && !box.current.contains(/** @type {Node} */ (event.target))) box.current.open = false;
    };
    document.addEventListener("pointerdown", close);
    return () => document.removeEventListener("pointerdown", close);
  }, []);
  return (
    <details
      class={`menu ${name}`}
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !box.current?.open) return;
        box.current.open = false;
        box.current.querySelector("summary")?.focus();
        event.stopPropagation();
      }}
    >
      <summary aria-label={label} title={label}>
        {text}
      </summary>
      <div class="menu-box">{children}</div>
    </details>
  );
}

/**
 * A picture with what every picture has behind one menu: its numbers as a table, and its exports.
 * @param {object} props
 * @param {string} props.name of the files
 * @param {string} props.what what it shows
 * @param {Children} props.children holds one svg, unless there is `forExport`
 * @param {() => Element} [props.table]
 * @param {() => unknown} props.json what the picture shows, as numbers
 * @param {() => Element} [props.forExport] the picture drawn so that the svg holds all of it
 */
export function Figure({ name, what, children, table, json, forExport }) {
  const { store } = useApp();
  const { t } = useWords();
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [open, setOpen] = useState(false);
  /** @param {"svg" | "png" | "json"} kind */
  const save = async (kind) => {
    const { saveFigure } = await import("./draw/save.js");
    const figure = /** @type {HTMLElement} */ (box.current);
    const drawn = forExport ?? (() => /** @type {Element} */ (figure.querySelector("svg")?.cloneNode(true)));
    const explanation = hasText(store.get()) ? shownExplanation(store.get()) : null;
    await saveFigure({ figure, name, what, kind, drawn, json, explanation });
  };
  return (
    <figure class="figure" ref={box} data-figure={name}>
      {children}
      <Menu label={t("figureMenu", { what })} text="⋯" class="figure-menu">
        {
          /** @type {const} */ (["svg", "png", "json"]).map((kind) => (
            <button
              key={kind}
              type="button"
              aria-label={`${t("export")} ${kind.toUpperCase()}`}
              onClick={() => save(kind)}
            >
              {kind.toUpperCase()}
            </button>
          ))
        }
        {table && (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? "hideTable" : "table")}
          </button>
        )}
      </Menu>
      {table && open && (
        <div class="table-box" tabIndex={0} role="region" aria-label={`${t("table")}: ${what}`}>
          <Drawn class="" make={table} of={[table]} />
        </div>
      )}
    </figure>
  );
}
