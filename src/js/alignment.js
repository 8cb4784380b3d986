// Which source token each target token came from: the largest weight of the cross-attention head that the model names
// for it, or of the mean of all heads where it names none.

/**
 * @typedef {object} CrossAttention
 * @property {Float32Array} data (layers, heads, targets, sources)
 * @property {number} layers
 * @property {number} heads
 * @property {number} targets
 * @property {number} sources
 */

/**
 * Weights of the aligning head, (targets, sources).
 * @param {CrossAttention} cross
 * @param {[number, number] | null} head
 * @returns {Float32Array}
 */
export function alignmentWeights({ data, layers, heads, targets, sources }, head) {
  const size = targets * sources;
  if (head) {
    const at = (head[0] * heads + head[1]) * size;
    return data.slice(at, at + size);
  }
  const mean = new Float32Array(size);
  for (let i = 0; i < data.length; i++) mean[i % size] += data[i] / (layers * heads);
  return mean;
}

/**
 * For each target token the source token that it attends to most, the ends left out.
 * @param {Float32Array} weights (targets, sources)
 * @param {number} sources
 * @returns {number[]} -1 where there is no source token
 */
export function strongest(weights, sources) {
  const best = [];
  for (let row = 0; row < weights.length; row += sources) {
    let column = sources > 1 ? 0 : -1;
    for (let j = 1; j < sources - 1; j++) if (weights[row + j] > weights[row + column]) column = j;
    best.push(column);
  }
  return best;
}

/**
 * Offsets in UTF-16 units of every byte of a text's UTF-8.
 * @param {string} text
 * @returns {Uint32Array} one more than there are bytes
 */
export function unitOffsets(text) {
  let bytes = 0;
  const widths = [];
  for (const character of text) {
    const code = /** @type {number} */ (character.codePointAt(0));
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    widths.push(width);
    bytes += width;
  }
  const offsets = new Uint32Array(bytes + 1);
  let byte = 0;
  let unit = 0;
  for (const width of widths) {
    for (let i = 0; i < width; i++) offsets[byte + i] = unit;
    byte += width;
    unit += width === 4 ? 2 : 1;
  }
  offsets[byte] = unit;
  return offsets;
}

/**
 * @template {{begin: number, end: number}} T
 * @param {T[]} tokens spans in bytes
 * @param {string} text
 * @returns {{start: number, end: number}[]} spans in UTF-16 units
 */
export function unitSpans(tokens, text) {
  const offsets = unitOffsets(text);
  const last = offsets.length - 1;
  return tokens.map(({ begin, end }) => ({
    start: offsets[Math.min(begin, last)],
    end: offsets[Math.min(end, last)],
  }));
}
