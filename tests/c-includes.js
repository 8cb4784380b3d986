// The rules of src/ that no compiler knows. Every C file includes only its own folder or a folder of lower rank, by its
// path from src/, and no two include each other; the ranks are those of src/README.md. No file and no function is longer
// than a reader can keep in mind.
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
const MOST_LINES = { file: 450, function: 70 };
const PUBLIC = ["glossa.h", "glossa_lab.h", "glossa_lab_attention.h", "glossa_lab_sharing.h"];

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

/**
 * Files and functions that are too long, one line each. By clang-format's layout a function ends at the first line that is
 * a closing brace alone, and begins at the last line before it that starts at the margin and ends in an opening one.
 * @param {string} root the folder src/
 * @param {string[]} files
 * @returns {string[]}
 */
export function lengthFaults(root, files) {
  /** @type {string[]} */
  const faults = [];
  for (const file of files) {
    const name = relative(root, file);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    if (lines.length > MOST_LINES.file) faults.push(`${name}: ${lines.length} lines, more than ${MOST_LINES.file}`);
    let begin = 0;
    lines.forEach((line, i) => {
      if (/^[A-Za-z].*[({,]$/.test(line) && !/^(typedef|struct|enum|union)\b/.test(line)) begin = i;
      if (line === "}" && i - begin + 1 > MOST_LINES.function)
        faults.push(`${name}:${begin + 1}: a function of ${i - begin + 1} lines, more than ${MOST_LINES.function}`);
    });
  }
  return faults;
}
