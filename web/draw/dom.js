// Elements in one line. Text goes in as text: nothing here, or anywhere on the page, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @param {Element} element
 * @param {Record<string, unknown>} attributes "on..." is a listener; true is an empty attribute; null and false are none
 */
function assign(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/** @param {Element} element @param {Child[]} children */
function fill(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  assign(element, attributes);
  fill(element, children);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  assign(element, attributes);
  fill(element, children);
  return element;
}

/**
 * Replaces what an element holds.
 * @param {Element} element
 * @param {...Child} children
 */
export function set(element, ...children) {
  element.replaceChildren();
  fill(element, children);
}

/**
 * A row of choices of which one holds, as radio buttons drawn as one strip.
 * @param {{name: string, label: string, options: [string, string][], value: string, onchange: (value: string) => void}} options
 */
export function choice({ name, label, options, value, onchange }) {
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, label),
    ...options.map(([key, text]) =>
      h(
        "label",
        {},
        h("input", { type: "radio", name, value: key, checked: key === value, onchange: () => onchange(key) }),
        h("span", {}, text),
      ),
    ),
  );
}

/**
 * @param {{label: string, checked: boolean, onchange: (checked: boolean) => void}} options
 */
export function tick({ label, checked, onchange }) {
  const input = h("input", { type: "checkbox", checked, onchange: () => onchange(input.checked) });
  return h("label", { class: "tick" }, input, h("span", {}, label));
}

/**
 * Makes one tab stop of many controls: arrow keys move among them. `columns` is how many stand in a row; without it all
 * stand in one line.
 * @param {HTMLElement | SVGElement} element
 * @param {string} selector
 * @param {() => number} [columns]
 */
export function roving(element, selector, columns) {
  const items = () => /** @type {HTMLElement[]} */ ([...element.querySelectorAll(selector)]);
  element.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    const all = items();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0) return;
    const right = getComputedStyle(element).direction === "rtl" ? -1 : 1;
    const wide = columns?.() ?? 0;
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: at + right, ArrowLeft: at - right, Home: 0, End: all.length - 1 };
    moves.ArrowDown = at + (wide || 1);
    moves.ArrowUp = at - (wide || 1);
    const next = moves[key];
    if (next === undefined || next < 0 || next >= all.length) return;
    event.preventDefault();
    for (const item of all) item.setAttribute("tabindex", "-1");
    all[next].setAttribute("tabindex", "0");
    all[next].focus();
  });
}
