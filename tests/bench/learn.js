// What learning from a correction takes: a process of its own learns some of the tests' hundred, each alone.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { newNode } from "./lineup.js";
import { spread } from "./statistics.js";

const SCRIPT = fileURLToPath(new URL("contenders/learn.js", import.meta.url));

/** @param {string} model a checkpoint @param {boolean} quick */
export async function measureLearning(model, quick) {
  const { stdout } = await promisify(execFile)(newNode, [SCRIPT, model, quick ? "10" : "2"]);
  const { lessons, addedBytes } = JSON.parse(stdout);
  /** @param {string} key */
  const of = (key) => spread(lessons.map((/** @type {Record<string, number>} */ lesson) => lesson[key]));
  const learned = lessons.filter((/** @type {{ learned: boolean }} */ { learned }) => learned).length;
  return { lessons: lessons.length, learned, steps: of("steps"), cpuMs: of("cpuMs"), ms: of("ms"), addedBytes };
}
