// Who takes part: each engine with the process that runs it and what it is told to load.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findChromium } from "../web/browser.js";
import { Contender } from "./contender.js";
import { BATCH } from "./contenders/batch.js";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const script = (/** @type {string} */ name) => fileURLToPath(new URL(`contenders/${name}`, import.meta.url));

// npm puts the Node of node_modules first on the PATH; the user's own is the older one here.
const userNode = process.env.npm_node_execpath ?? process.execPath;
const ownNode = join(root, "node_modules/node/bin/node");
export const newNode = existsSync(ownNode) ? ownNode : userNode;

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {boolean} peer someone else's engine
 * @property {(flags?: string[]) => Contender} start
 * @property {Record<string, unknown>} load
 * @property {(texts: string[]) => Record<string, unknown>} job
 * @property {(result: any) => string[]} texts of a result
 */

export const wasmOf = (/** @type {string} */ build) => join(root, `dist/glossa-${build}.wasm`);

/**
 * @param {string} name
 * @param {string} node
 * @param {"simd128" | "relaxed"} build
 * @param {{ gguf: string }} model
 * @param {boolean} forced whether outputs are as long as the source
 * @returns {Entry}
 */
export function glossaNode(name, node, build, { gguf }, forced) {
  return {
    name,
    peer: false,
    start: (flags = []) => new Contender(name, node, [...flags, script("glossa-node.js")]),
    load: { model: gguf, build, wasm: wasmOf(build) },
    job: (texts) => ({ texts, forced }),
    texts: ({ results }) => results,
  };
}

/**
 * Glossa in the newest Node, or everywhere it runs.
 * @param {{ gguf: string }} model
 * @param {boolean} forced
 * @param {boolean} everywhere
 * @returns {Promise<Entry[]>}
 */
export async function glossaEntries(model, forced, everywhere) {
  /** @type {Entry[]} */
  const entries = [];
  for (const node of new Set(everywhere ? [userNode, newNode] : [newNode])) {
    const asked = new Contender("Node", node, [script("glossa-node.js")]);
    const major = Number(/\d+/.exec((await asked.ask("about")).runtime)?.[0]);
    await asked.close();
    // Node 20 knows another relaxed SIMD than the standard's; the engine does not use it there.
    for (const build of /** @type {("simd128" | "relaxed")[]} */ (major >= 22 ? ["simd128", "relaxed"] : ["simd128"]))
      entries.push(glossaNode(`Glossa ${build}, Node ${major}`, node, build, model, forced));
  }
  if (everywhere && findChromium())
    for (const build of /** @type {const} */ (["simd128", "relaxed"])) {
      const entry = glossaNode(`Glossa ${build}, Chromium`, newNode, build, model, forced);
      entries.push({ ...entry, start: () => new Contender(entry.name, newNode, [script("chromium.js")]) });
    }
  return entries;
}

/**
 * Bergamot gets its sentences in the batches that Glossa makes, so that both produce as many tokens. That costs it nothing:
 * by trial it is as fast with 16 sentences a batch as with 200.
 * @param {string} folder of the package
 * @param {import("./models.js").Student} student
 * @param {Map<string, number[]>} ids of every text
 * @returns {Entry}
 */
export function bergamot(folder, { model, shortlist, vocabulary }, ids) {
  const name = "bergamot, Node";
  const tokens = (/** @type {string} */ text) => ids.get(text)?.length ?? 0;
  return {
    name,
    peer: true,
    start: (flags = []) => new Contender(name, newNode, [...flags, script("bergamot.js")]),
    load: { package: folder, model, shortlist, vocabulary },
    job(texts) {
      const sorted = texts.toSorted((a, b) => tokens(b) - tokens(a));
      const batches = sorted.flatMap((_, i) => (i % BATCH === 0 ? [sorted.slice(i, i + BATCH)] : []));
      return { texts, batches };
    },
    texts: ({ results }) => results,
  };
}

/**
 * Engines that take token ids.
 * @param {import("./models.js").Checkpoint} checkpoint
 * @param {Map<string, number[]>} ids of every text that they will be asked for
 */
function idPeer({ pieces, eos }, ids) {
  return {
    peer: true,
    /** @param {string[]} texts */
    job: (texts) => ({ ids: texts.map((text) => ids.get(text)) }),
    /** @param {{ ids: number[][] }} result */
    texts: ({ ids: targets }) =>
      targets.map((target) => {
        const chosen = target.filter((id) => id !== eos).map((id) => pieces[id]);
        return chosen.join("").replaceAll("\u2581", " ").trim();
      }),
  };
}

/**
 * @param {string} name onnxruntime-web or onnxruntime-node
 * @param {string} folder of the package
 * @param {import("./models.js").Checkpoint} checkpoint
 * @param {Map<string, number[]>} ids
 * @returns {Entry}
 */
export function onnxruntime(name, folder, checkpoint, ids) {
  const web = name === "onnxruntime-web";
  const place = web
    ? { module: join(folder, "dist/ort.wasm.bundle.min.mjs"), wasm: join(folder, "dist") }
    : { module: join(folder, "dist/index.js") };
  return {
    ...idPeer(checkpoint, ids),
    name: `${name}, Node`,
    start: (flags = []) => new Contender(name, newNode, [...flags, script("onnxruntime.js")]),
    load: { ...place, graphs: checkpoint.graphs, ids: ids.values().next().value },
  };
}

/**
 * @param {string} python
 * @param {import("./models.js").Checkpoint} checkpoint
 * @param {Map<string, number[]>} ids
 * @returns {Entry}
 */
export function ctranslate(python, checkpoint, ids) {
  const name = "CTranslate2, native";
  return {
    ...idPeer(checkpoint, ids),
    name,
    start: () => new Contender(name, python, [script("ctranslate.py")], { OMP_NUM_THREADS: "1" }),
    load: { model: checkpoint.ctranslate, ids: ids.values().next().value },
  };
}

/**
 * The source tokens of texts, as the engine cuts them.
 * @param {{ gguf: string }} model
 * @param {string[]} texts
 * @returns {Promise<Map<string, number[]>>}
 */
export async function tokenIds({ gguf }, texts) {
  const contender = new Contender("Glossa", newNode, [script("glossa-node.js")]);
  const ids = await contender.ask("ids", { model: gguf, wasm: wasmOf("simd128"), texts });
  await contender.close();
  return new Map(texts.map((text, i) => [text, ids[i]]));
}

/** Whether the engine is built. */
export const isBuilt = () =>
  existsSync(join(root, "dist")) && readdirSync(join(root, "dist")).some((name) => /\.wasm$/.test(name));
