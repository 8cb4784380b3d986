// The lab's WebAssembly file (src/js/lab/core.js) for tests and the bench, without workers.
import { readFileSync } from "node:fs";
import { LabCore } from "../../src/js/lab/core.js";

/** @type {WebAssembly.Module | undefined} */
let compiled;

const instantiate = () => {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("../../dist/glossa-lab.wasm", import.meta.url)));
  return LabCore.instantiate(compiled);
};

/** @param {Record<string, string | number>} settings */
export async function openLab(settings) {
  const core = await instantiate();
  for (const [name, value] of Object.entries(settings)) core.set(name, value);
  core.start();
  return core;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {Record<string, string | number>} [settings] */
export async function loadLab(bytes, settings = {}) {
  const core = await instantiate();
  for (const [name, value] of Object.entries(settings)) core.set(name, value);
  core.load(bytes);
  return core;
}
