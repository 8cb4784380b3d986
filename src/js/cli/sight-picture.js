// What a network that sees has looked at, as SVG: the image, the rollout, and every head of every layer.

/** @typedef {import("../lab/types.js").Sight} Sight */

const SIDE = 84; // of a small panel
const LARGE = 196;
const GAP = 10;
const LABEL = 16;

const escapeXML = (/** @type {string} */ text) =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u001f]/g, "\ufffd");

/**
 * The image in grey, one rectangle for each run of alike pixels in a row.
 * @param {Uint8Array} pixels @param {number} width @param {number} x @param {number} y @param {number} side
 */
function drawImage(pixels, width, x, y, side) {
  const cell = side / width;
  let out = `<rect x="${x}" y="${y}" width="${side}" height="${side}" fill="#fff"/>`;
  for (let row = 0; row < width; row++)
    for (let begin = 0, end; begin < width; begin = end) {
      const shade = pixels[row * width + begin];
      for (end = begin + 1; end < width && pixels[row * width + end] === shade; ) end++;
      if (shade === 0) continue;
      const [left, top, wide] = [x + begin * cell, y + row * cell, (end - begin) * cell];
      out += `<rect x="${left.toFixed(2)}" y="${top.toFixed(2)}" width="${wide.toFixed(2)}" height="${cell.toFixed(2)}" fill="#000" fill-opacity="${(shade / 255).toFixed(2)}"/>`;
    }
  return out;
}

/**
 * Shares of attention over the image: the deeper the orange, the larger, by a square root against the largest.
 * @param {Float32Array} shares @param {number} x @param {number} y @param {number} side
 */
function drawShares(shares, x, y, side) {
  const across = Math.round(Math.sqrt(shares.length));
  const cell = side / across;
  const most = Math.max(...shares, 1e-9);
  return [...shares]
    .map((share, i) => {
      const [left, top] = [x + (i % across) * cell, y + Math.floor(i / across) * cell];
      return `<rect x="${left.toFixed(2)}" y="${top.toFixed(2)}" width="${cell.toFixed(2)}" height="${cell.toFixed(2)}" fill="#d9480f" fill-opacity="${(0.85 * Math.sqrt(share / most)).toFixed(2)}"><title>${(100 * share).toFixed(1)} %</title></rect>`;
    })
    .join("");
}

/** @param {string} text @param {number} x @param {number} y @param {number} [size] */
const drawText = (text, x, y, size = 12) => `<text x="${x}" y="${y}" font-size="${size}">${escapeXML(text)}</text>`;

/**
 * @param {Sight} sight
 * @param {Uint8Array} pixels of the image
 * @returns {string} a complete SVG document
 */
export function drawSight(sight, pixels) {
  const { image, label, probability, labels, layers, rollout, hasToken } = sight;
  const most = Math.max(...layers.map(({ heads }) => heads.length));
  const width = Math.max(3 * GAP + 2 * LARGE + 130, 2 * GAP + 60 + most * (SIDE + GAP));
  let y = GAP + LABEL;
  let out = drawText(`${label}, ${(100 * probability).toFixed(1)} %`, GAP, y, 15);
  y += GAP;
  out += drawImage(pixels, image, GAP, y, LARGE);
  let x = 2 * GAP + LARGE;
  if (rollout) {
    out += drawImage(pixels, image, x, y, LARGE) + drawShares(rollout, x, y, LARGE);
    out += drawText(`rollout: ${hasToken ? "class token" : "all patches"}, through all layers`, x, y + LARGE + LABEL);
    x += LARGE + GAP;
  }
  labels.slice(0, 10).forEach(({ label: name, probability: share }, i) => {
    const top = y + 18 * i;
    out +=
      drawText(name, x, top + 12) +
      `<rect x="${x + 30}" y="${top + 2}" width="${(90 * share).toFixed(1)}" height="12" fill="#1c7ed6"/>`;
  });
  y += LARGE + 2 * LABEL + GAP;
  const what = hasToken
    ? "what the class token of each head attends to"
    : "what each patch of each head gets, on average";
  out += drawText(what, GAP, y);
  y += GAP;
  layers.forEach(({ heads }, layer) => {
    out += drawText(`layer ${layer + 1}`, GAP, y + SIDE / 2);
    heads.forEach((shares, head) => {
      const left = GAP + 60 + head * (SIDE + GAP);
      out += drawImage(pixels, image, left, y, SIDE) + drawShares(shares, left, y, SIDE);
      out += `<rect x="${left}" y="${y}" width="${SIDE}" height="${SIDE}" fill="none" stroke="#999"/>`;
    });
    y += SIDE + GAP;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${out}</svg>\n`;
}
