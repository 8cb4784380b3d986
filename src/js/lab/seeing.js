// What a network that sees has attended to, laid on the image: shares of attention by patch, without the network.

/**
 * Attention of one layer by patch.
 * @typedef {object} LayerSight
 * @property {string} name "enc.blk.0.attn"
 * @property {number} side patches in a row
 * @property {Float32Array[]} heads (side * side) each: of the class token, what it gives to each patch; of a network
 *     without one, what each patch gets from all that see it, on average
 */

/** @typedef {{ image: number, patch: number, window: number, stages: number, layers: number, isSwin: boolean, hasToken: boolean }} Vision */

/**
 * The patch that stands at each place of Swin's windows (src/lab/windows.h).
 * @param {number} side @param {number} window @param {number} shift
 */
function windowOrder(side, window, shift) {
  const across = side / window;
  return Array.from({ length: side * side }, (_, i) => {
    const [number, within] = [Math.floor(i / window ** 2), i % window ** 2];
    const row = Math.floor(number / across) * window + Math.floor(within / window);
    const column = (number % across) * window + (within % window);
    return ((row + shift) % side) * side + ((column + shift) % side);
  });
}

/** @param {import("./types.js").LabArray} array of one image @param {number} head @returns {number[][]} rows of weights */
function rowsOf({ shape, data }, head) {
  const [, m, n] = shape;
  return Array.from({ length: m }, (_, i) => [...data.subarray((head * m + i) * n, (head * m + i + 1) * n)]);
}

/** The mean of rows. @param {number[][]} rows */
const meanOf = (rows) => rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);

/** @param {Vision} vision @param {import("./types.js").LabArray} array @returns {LayerSight} */
function vitLayer({ image, patch, hasToken }, array) {
  const heads = Array.from({ length: array.shape[0] }, (_, head) => {
    const rows = rowsOf(array, head);
    return Float32Array.from(hasToken ? rows[0].slice(1) : meanOf(rows));
  });
  return { name: array.name, side: image / patch, heads };
}

/** @param {Vision} vision @param {import("./types.js").LabArray} array @param {number} layer @returns {LayerSight} */
function swinLayer({ image, patch, window, stages, layers }, array, layer) {
  const each = layers / stages;
  const side = image / patch / 2 ** Math.floor(layer / each);
  const whole = side <= window;
  const own = whole ? side : window;
  const shift = whole || (layer % each) % 2 === 0 ? 0 : Math.floor(window / 2);
  const order = windowOrder(side, own, shift);
  const cells = own ** 2;
  const count = array.heads ?? array.shape[0];
  const heads = Array.from({ length: count }, () => new Float32Array(side * side));
  for (let w = 0; w < order.length / cells; w++) {
    const data = array.data.subarray(w * count * cells * cells, (w + 1) * count * cells * cells);
    heads.forEach((shares, head) => {
      const mean = meanOf(rowsOf({ ...array, shape: [count, cells, cells], data }, head));
      for (const [j, share] of mean.entries()) shares[order[w * cells + j]] = share;
    });
  }
  return { name: array.name, side, heads };
}

/**
 * @param {Vision} vision
 * @param {import("./types.js").LabArray[]} arrays attention weights of each layer, for one image
 * @returns {LayerSight[]}
 */
export const sightOf = (vision, arrays) =>
  arrays.map((array, layer) => (vision.isSwin ? swinLayer(vision, array, layer) : vitLayer(vision, array)));

/**
 * Attention rollout (Abnar & Zuidema 2020): with A the mean of a layer's heads, the product of (A + I) / 2 of all layers;
 * what the class token, or the mean of all rows, takes from each patch.
 * @param {Vision} vision
 * @param {import("./types.js").LabArray[]} arrays
 * @returns {Float32Array | null} (patches) null for Swin, whose layers have different patches
 */
export function rolloutOf({ isSwin, hasToken }, arrays) {
  if (isSwin || arrays.length === 0) return null;
  const [heads, n] = arrays[0].shape;
  let rows = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
  for (const array of arrays) {
    const all = Array.from({ length: heads }, (_, head) => rowsOf(array, head));
    const mixed = rows.map((_, i) =>
      rows[0].map((_, j) => (all.reduce((sum, head) => sum + head[i][j], 0) / heads + (i === j ? 1 : 0)) / 2),
    );
    rows = mixed.map((weights) => rows[0].map((_, j) => weights.reduce((sum, w, k) => sum + w * rows[k][j], 0)));
  }
  return Float32Array.from(hasToken ? rows[0].slice(1) : meanOf(rows));
}
