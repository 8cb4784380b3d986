// Formulas as MathML: letters that stand for things, words that name functions.

const MATHML = "http://www.w3.org/1998/Math/MathML";

/** @typedef {Element | string} Part strings are read as: digits a number, several letters a function, one a variable */

/** @param {string} name @param {...Part} parts */
function element(name, ...parts) {
  const out = document.createElementNS(MATHML, name);
  out.append(...parts.map(asElement));
  return out;
}

/** @param {Part} part @returns {Element} */
function asElement(part) {
  if (typeof part !== "string") return part;
  const name = /^\d/.test(part) ? "mn" : /^\p{L}/u.test(part) ? "mi" : "mo";
  const leaf = document.createElementNS(MATHML, name);
  leaf.textContent = part;
  if (name === "mo") leaf.setAttribute("stretchy", "false");
  return leaf;
}

/** @param {...Part} parts */
export const row = (...parts) => element("mrow", ...parts);
/** @param {Part} a @param {Part} b */
export const frac = (a, b) => element("mfrac", a, b);
/** @param {Part} a */
export const root = (a) => element("msqrt", a);
/** @param {Part} a @param {Part} b */
export const sub = (a, b) => element("msub", a, b);
/** @param {Part} a @param {Part} b */
export const sup = (a, b) => element("msup", a, b);

/** A matrix, or a column, in brackets that are as tall. @param {Part[][]} rows */
export function matrix(rows) {
  const [left, right] = ["(", ")"].map((bracket) => {
    const leaf = document.createElementNS(MATHML, "mo");
    leaf.textContent = bracket;
    return leaf;
  });
  return row(
    left,
    element("mtable", ...rows.map((one) => element("mtr", ...one.map((part) => element("mtd", part))))),
    right,
  );
}

/** @param {Element[]} rows */
const table = (rows) => element("mtable", ...rows.map((one) => element("mtr", element("mtd", one))));

/** @param {...Part} parts */
export const formula = (...parts) => formulas(parts);

/** Several, one below the other, so that none is wider than it must be. @param {...Part[]} lines */
export function formulas(...lines) {
  const rows = lines.map((parts) => row(...parts));
  const math = element("math", rows.length === 1 ? rows[0] : table(rows));
  math.setAttribute("display", "block");
  return math;
}
