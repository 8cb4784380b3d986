// What the native command prints of the C library, for tests that hold other code to it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const NATIVE =
  process.env.GLOSSA_NATIVE ?? fileURLToPath(new URL("../../build/native/glossa-native", import.meta.url));

/** Why tests that need the command are skipped; false where it is there. */
export const noNative = existsSync(NATIVE) ? false : `no native build at ${NATIVE}; run the step native first`;

/** @param {string[]} args */
const ask = (...args) => JSON.parse(execFileSync(NATIVE, args, { encoding: "utf8" }));

/** Limits, numbers of statuses and types, and the words of keys. */
export const constants = () => ask("constants");

/**
 * @typedef {{ name: string, shape: number[], quantizable: boolean, optional: boolean }} TensorEntry
 * @param {Record<string, number>} settings as glossa-native tensors takes them
 * @returns {TensorEntry[]}
 */
export const tensors = (settings) =>
  ask("tensors", ...Object.entries(settings).map(([key, value]) => `${key}=${value}`));
