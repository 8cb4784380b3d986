// The includes of src/: every file includes only its own folder or a folder of lower rank, by its path from src/, and no
// two include each other. The ranks are those of src/README.md.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** @type {Record<string, number>} */
const RANKS = {
  base: 0,
  file: 1,
  kernels: 1,
  text: 2,
  search: 2,
  model: 3,
  nn: 4,
  translate: 5,
  lab: 5,
  cli: 6,
  wasm: 6,
};
/** Lower in rank, and yet none of its business: the lab has a forward pass of its own. @type {Record<string, string[]>} */
const APART = { lab: ["nn"] };
const PUBLIC = ["glossa.h", "glossa_lab.h"];

/**
 * What is wrong with the includes of these files, one line each.
 * @param {string} root the folder src/
 * @param {string[]} files
 * @returns {string[]}
 */
export function includeFaults(root, files) {
  /** @type {string[]} */
  const faults = [];
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const file of files) {
    const name = relative(root, file);
    const folder = dirname(name);
    const own = [...readFileSync(file, "utf8").matchAll(/^\s*#include "(.*)"/gm)].map((match) => match[1]);
    graph.set(name, own);
    if (folder !== "." && RANKS[folder] === undefined) faults.push(`${name}: the folder ${folder} has no rank`);
    for (const other of own) {
      const target = dirname(other);
      if (!existsSync(join(root, other))) faults.push(`${name}: "${other}" is no path from src/`);
      else if (PUBLIC.includes(other) || target === folder) continue;
      else if (!(RANKS[target] < RANKS[folder])) faults.push(`${name}: "${other}" is not of a lower rank`);
      else if (APART[folder]?.includes(target)) faults.push(`${name}: ${folder}/ includes nothing of ${target}/`);
    }
  }
  const done = new Set();
  /** @param {string} name @param {string[]} path */
  const visit = (name, path) => {
    if (path.includes(name)) faults.push(`a cycle: ${[...path.slice(path.indexOf(name)), name].join(" -> ")}`);
    if (path.includes(name) || done.has(name)) return;
    for (const other of graph.get(name) ?? []) visit(other, [...path, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  return faults;
}
