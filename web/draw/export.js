// Pictures and numbers as files. SVG: a copy of the picture that needs no style sheet. PNG: the same shapes drawn on a
// canvas (an SVG cannot be loaded as an image under a policy that allows only the page's own files).

/** Style that a shape needs when it stands alone. */
const PROPERTIES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "stroke-opacity"];
const TEXT_PROPERTIES = ["font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline"];

/** @param {Element} element @returns {string} the colour that lies behind it */
function background(element) {
  for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && !/^rgba\(0, 0, 0, 0\)$|^transparent$/.test(colour)) return colour;
  }
  return "white";
}

/** A cell of a matrix, which no style sheet changes: there are thousands of them. @param {Element} element */
const isPlain = (element) =>
  element.tagName === "rect" && element.hasAttribute("fill") && !element.hasAttribute("class");

/**
 * @param {SVGSVGElement} svg in the document
 * @returns {string} a file of its own
 */
export function svgText(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const from = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, i) => {
    if (isPlain(element)) return;
    const style = getComputedStyle(from[i]);
    for (const name of /^t(ext|span)$/.test(element.tagName) ? [...PROPERTIES, ...TEXT_PROPERTIES] : PROPERTIES) {
      element.setAttribute(name, style.getPropertyValue(name));
    }
    if (style.visibility === "hidden") element.setAttribute("visibility", "hidden");
    element.removeAttribute("class");
  });
  for (const name of ["class", "tabindex", "aria-roledescription"]) copy.removeAttribute(name);
  copy.setAttribute("role", "img");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const behind = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [
    ["width", "100%"],
    ["height", "100%"],
    ["fill", background(svg)],
  ]) {
    behind.setAttribute(name, value);
  }
  copy.prepend(behind);
  return `${new XMLSerializer().serializeToString(copy)}\n`;
}

/**
 * @param {SVGSVGElement} svg in the document
 * @param {number} [scale]
 * @returns {Promise<Blob>}
 */
export function pngBlob(svg, scale = 2) {
  const box = svg.viewBox.baseVal;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(box.width * scale);
  canvas.height = Math.ceil(box.height * scale);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = background(svg);
  context.fillRect(0, 0, canvas.width, canvas.height);
  const zoom = (svg.clientWidth || box.width) / box.width;
  for (const element of svg.querySelectorAll("rect, path, line, circle, text")) {
    draw(context, /** @type {SVGGraphicsElement} */ (element), scale / zoom);
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large for a PNG"))));
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {SVGGraphicsElement} element
 * @param {number} scale
 */
function draw(context, element, scale) {
  const matrix = element.getCTM();
  if (!matrix) return;
  /** @param {string} name */
  const n = (name) => Number(element.getAttribute(name) ?? 0);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
  if (isPlain(element)) {
    context.globalAlpha = 1;
    context.fillStyle = element.getAttribute("fill") ?? "";
    context.fillRect(n("x"), n("y"), n("width"), n("height"));
    return;
  }
  const style = getComputedStyle(element);
  if (style.visibility === "hidden" || style.display === "none") return;
  context.globalAlpha = Number(style.opacity);
  context.lineWidth = Number.parseFloat(style.strokeWidth) || 1;
  context.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(",").map(Number.parseFloat));
  if (element.tagName === "text") {
    const size = Number.parseFloat(style.fontSize);
    let y = n("y");
    let x = n("x");
    for (const run of element.firstElementChild ? element.children : [element]) {
      x = Number(run.getAttribute("x") ?? x);
      y = Number(run.getAttribute("y") ?? y);
      const { fontWeight, fontSize, fontFamily, textAnchor, fill } = getComputedStyle(run);
      context.font = `${fontWeight} ${fontSize} ${fontFamily}`;
      context.textAlign = textAnchor === "end" ? "right" : textAnchor === "middle" ? "center" : "left";
      context.fillStyle = fill;
      context.fillText(run.textContent ?? "", x, y + Number.parseFloat(element.getAttribute("dy") ?? "0") * size);
      x += context.measureText(run.textContent ?? "").width;
    }
    return;
  }
  const path = new Path2D(element.tagName === "path" ? (element.getAttribute("d") ?? "") : undefined);
  if (element.tagName === "rect") path.rect(n("x"), n("y"), n("width"), n("height"));
  if (element.tagName === "circle") path.arc(n("cx"), n("cy"), n("r"), 0, 2 * Math.PI);
  if (element.tagName === "line") {
    path.moveTo(n("x1"), n("y1"));
    path.lineTo(n("x2"), n("y2"));
  }
  if (style.fill !== "none" && element.tagName !== "line") {
    context.fillStyle = style.fill;
    context.globalAlpha = Number(style.opacity) * Number(style.fillOpacity);
    context.fill(path);
  }
  if (style.stroke !== "none") {
    context.strokeStyle = style.stroke;
    context.globalAlpha = Number(style.opacity) * Number(style.strokeOpacity);
    context.stroke(path);
  }
}

/**
 * Offers a file to the reader.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/**
 * @param {unknown} value typed arrays become plain ones
 * @returns {string}
 */
export function jsonText(value) {
  return `${JSON.stringify(value, (_, one) => (one instanceof Float32Array ? [...one] : one))}\n`;
}
