// What a sheet of paper would show of a page: measured as browsers print, who tell the page of it, and then lay it out
// anew at the width of the sheet without asking its scripts.

/** @typedef {import("playwright-core").Page} Page */

const SHEET = 700; // pixels, of A4 within its margins

/** Makes what draws by the size of the window miss the change of it. Before the page is opened. @param {Page} page */
export async function freezable(page) {
  await page.addInitScript(() => {
    const frozen = () => /** @type {any} */ (window).frozen === true;
    const Real = ResizeObserver;
    window.ResizeObserver = class extends Real {
      /** @param {ResizeObserverCallback} callback */
      constructor(callback) {
        super((...all) => frozen() || callback(...all));
      }
    };
    addEventListener("resize", (event) => frozen() && event.stopImmediatePropagation(), { capture: true });
  });
}

/**
 * Everything that the sheet lacks of what the screen shows.
 * @param {Page} page that was opened as freezable(), with a picture on it
 */
export async function lostInPrint(page) {
  const numbers = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    for (const one of document.querySelectorAll("[data-on-screen]")) one.removeAttribute("data-on-screen");
    const said = "svg text, .piece, .sentence, .word, .stage h3, .stage .status, .stage .help, .is-off";
    return [...document.querySelectorAll(said)]
      .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.textContent?.trim())
      .map((one, i) => {
        one.setAttribute("data-on-screen", String(i));
        return one.textContent;
      });
  });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.evaluate(() => Object.assign(window, { frozen: true }));
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: SHEET, height: 1000 });
  const lost = await page.evaluate((width) => {
    /** @param {Element} one */
    const visible = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    /** The part of the sheet that an element may be seen in. @param {Element} one */
    const within = (one) => {
      let [left, right] = [0, width];
      for (let box = one.parentElement; box; box = box.parentElement) {
        if (getComputedStyle(box).overflowX === "visible") continue;
        const { left: from, right: to } = box.getBoundingClientRect();
        [left, right] = [Math.max(left, from), Math.min(right, to)];
      }
      return { left, right };
    };
    const cut = [];
    for (const one of document.querySelectorAll(
      "svg text, p, h1, h2, h3, th, td, dd, .piece, .sentence, .word, .output",
    )) {
      if (!visible(one) || !one.textContent?.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(one);
      const rect = range.getBoundingClientRect();
      const box = one.getBoundingClientRect();
      if (box.width <= 2 || rect.width === 0) continue; // for screen readers
      const { left, right } = within(one);
      if (rect.right > right + 1 || rect.left < left - 1) cut.push(one.textContent.trim().slice(0, 40));
    }
    const gone = [...document.querySelectorAll("[data-on-screen]")]
      .filter((one) => !visible(one) && !one.closest(".map-box-outer, .ways, .controls, .presets"))
      .map((one) => one.textContent ?? "");
    const heading = [...document.querySelectorAll("h1, h2")].some(
      (one) => visible(one) && one.getBoundingClientRect().width > 2 && /\p{L}/u.test(one.textContent ?? ""),
    );
    const pale = [...document.querySelectorAll("mark, .cell, .cells rect, .swatch, .choice :checked + span")]
      .filter((one) => visible(one) && getComputedStyle(one).getPropertyValue("print-color-adjust") !== "exact")
      .map((one) => one.outerHTML.slice(0, 60));
    const controls = [...document.querySelectorAll("button, select, input, summary")]
      .filter((one) => visible(one) && one.getBoundingClientRect().width > 2)
      // What stands for a state or names a colour is no less to be read on paper.
      .filter(
        (one) => !one.matches("svg *, .piece, .token-box, .switch, .head-key, .part[open] > summary, [type=checkbox]"),
      )
      .map((one) => one.textContent?.trim() || one.getAttribute("aria-label") || one.id);
    return {
      wide: document.documentElement.scrollWidth > width,
      cut,
      gone,
      unnamed: !heading,
      pale: pale.slice(0, 3),
      controls,
    };
  }, SHEET);
  return { numbers: numbers.length, ...lost };
}
