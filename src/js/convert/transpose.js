/* Rows and columns are walked in squares of this size, which stay in the cache. */
const TILE = 64;

/**
 * [cols][rows] to [rows][cols].
 * @template {Float32Array | Int8Array} T
 * @param {T} from
 * @param {number} rows
 * @param {number} cols
 * @param {new (length: number) => T} Type
 * @returns {T}
 */
export function transpose(from, rows, cols, Type) {
  const to = new Type(rows * cols);
  for (let r0 = 0; r0 < rows; r0 += TILE)
    for (let c0 = 0; c0 < cols; c0 += TILE)
      for (let r = r0; r < Math.min(r0 + TILE, rows); r++)
        for (let c = c0; c < Math.min(c0 + TILE, cols); c++) to[r * cols + c] = from[c * rows + r];
  return to;
}
