// What a training has been: points of its curves and pictures of its attention, thinned evenly so that memory is bounded.

const MOST_BYTES = 6_000_000;
const MOST_FRAMES = 240;
const FEWEST_FRAMES = 20;

/**
 * A picture: all heads of all layers, one byte a weight, 255 standing for 1.
 * @typedef {{step: number, data: Uint8Array}} Frame
 */

/**
 * Items in the order of their steps, at least `gap` steps apart. Where there are too many, every other one goes and the
 * gap doubles; the first stays.
 * @template {{step: number}} T
 */
export class Thinned {
  /** @type {T[]} */
  items = [];
  gap = 1;
  #most;

  /** @param {number} most */
  constructor(most) {
    this.#most = most;
  }

  /** @param {T} item @returns {boolean} whether it was taken */
  add(item) {
    const last = this.items.at(-1);
    if (last && item.step < last.step + this.gap) return false;
    this.items.push(item);
    if (this.items.length <= this.#most) return true;
    this.items = this.items.filter((_, i) => i % 2 === 0);
    const steps = this.items.length > 1 ? this.items[1].step - this.items[0].step : 1;
    this.gap = Math.max(2 * this.gap, steps);
    return true;
  }
}

/** Pictures of so many bytes each. @param {number} bytes @returns {Thinned<Frame>} */
export const framesOf = (bytes) =>
  new Thinned(Math.max(FEWEST_FRAMES, Math.min(MOST_FRAMES, Math.floor(MOST_BYTES / Math.max(1, bytes)))));
