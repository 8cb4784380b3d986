// How much memory models take, told before they are downloaded.

import { makeError } from "./errors.js";
import { builtin, isNode } from "./platform.js";

/** What an engine works in beside its model: as much as models of this project take for long texts. */
const WORKING_BYTES = 16 * 2 ** 20;

/** Browsers tell no more gibibytes than these, whatever the device has. */
const MOST_TOLD = 8;

/** @returns {number} bytes that this device, or what holds this process, has; Infinity where that is not told */
export function deviceMemory() {
  if (isNode) return Math.min(builtin("os").totalmem(), globalThis.process.constrainedMemory?.() || Infinity);
  const { deviceMemory: told } = /** @type {{deviceMemory?: number}} */ (globalThis.navigator ?? {});
  return told && told < MOST_TOLD ? told * 2 ** 30 : Infinity;
}

/**
 * Refuses what cannot fit.
 * @param {number} bytes of all models of an engine
 * @param {{engines: number, memory: number}} device how many engines share the memory of the device
 */
export function checkRoom(bytes, { engines, memory }) {
  const requested = engines * (bytes + WORKING_BYTES);
  if (requested <= memory) return;
  const each = engines > 1 ? `${engines} workers` : "an engine";
  const advice = engines > 1 ? "a smaller pool, or a smaller model" : "a smaller model";
  throw makeError(
    "QuotaExceededError",
    `There is no memory for a model of ${bytes} bytes: ${each} with it would take some ${requested} bytes, and this device has ${memory}. Use ${advice}.`,
    { requested, quota: memory },
  );
}
