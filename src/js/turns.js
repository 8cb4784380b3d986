// How work that takes long lets others have their turn, and stops when it is no longer wanted.

import { abortError } from "./errors.js";
import { nextTurn } from "./platform.js";

/** Milliseconds of work between two turns of the message queue, so that a turn with all around it stays below 8. */
const TURN_TIME = 6;

/** The turns of one request: whoever works for long asks here, and stops when the request is aborted. */
export class Turns {
  #began = performance.now();
  #asked = this.#began;
  #aborted = false;

  abort() {
    this.#aborted = true;
  }

  /** Asked after every step: whether to let others have a turn, because two more like this one would take too long. */
  due() {
    const now = performance.now();
    const step = now - this.#asked;
    this.#asked = now;
    return now + 2 * step - this.#began >= TURN_TIME;
  }

  async pause() {
    await nextTurn();
    this.#began = this.#asked = performance.now();
    if (this.#aborted) throw abortError();
  }
}
