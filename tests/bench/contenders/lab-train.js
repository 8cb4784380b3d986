// `glossa train` with the words given, in a process of its own; prints what it took, and what it said at the end.

import { run } from "../../../src/js/cli/train.js";

let said = "";
const write = (/** @type {string | Uint8Array} */ chunk) => {
  said += chunk;
  return true;
};
const start = performance.now();
const status = await run(process.argv.slice(2), /** @type {any} */ ({ stdout: { write }, stderr: { write } }));
const ms = performance.now() - start;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ status, ms, cpuMs: (user + system) / 1000, said: said.trim().split("\n").at(-1) }));
