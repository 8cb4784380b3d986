// Numbers and words that JavaScript repeats of the C library, against what the library prints of itself.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ACTIVATIONS, MIXERS, NORMS, POSITIONS } from "../../src/js/convert/canonical.js";
import { TENSOR_TYPES, VALUE_TYPES } from "../../src/js/convert/gguf-writer.js";
import { PIECE } from "../../src/js/convert/sentencepiece.js";
import { statusError } from "../../src/js/errors.js";
import { SEARCHES } from "../../src/js/batcher.js";
import { constants, noNative } from "./contract.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (/** @type {string} */ name) => readFileSync(join(ROOT, name), "utf8");
/** @type {[string, string][]} name and text of every file */
const sources = readdirSync(join(ROOT, "src/js"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".js"))
  .map((name) => [name, read(join("src/js", name))]);

/** Every number that the files of src/js give this name. @param {string} name @param {RegExp} of */
function numbers(name, of) {
  const pattern = new RegExp(`\\b${name}\\b\\s*[=:]\\s*([\\d_]+)\\b`, "g");
  const texts = sources.filter(([file]) => of.test(file)).map(([, text]) => text);
  return texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => Number(match[1].replaceAll("_", ""))));
}

test("limits are the library's", { skip: noNative }, () => {
  const { limits } = constants();
  const words = /enum \{\s*BEAM,[^}]*?OPTION_WORDS\s*\}/.exec(read("src/wasm/bindings.c"))?.[0] ?? "";
  const want = {
    MAX_BEAM: limits.beam,
    MAX_TOP_K: limits.topK,
    MAX_LAYERS: limits.layers,
    MAX_CONTEXT: limits.context,
    MAX_INPUTS: limits.inputs,
    INPUT_STEP: limits.inputStep,
    OPTION_WORDS: words.split(",").length - 1,
  };
  // Other containers have limits of these names too.
  const ofGGUF = {
    MAX_KEYS: limits.keys,
    MAX_TENSORS: limits.tensors,
    MAX_DIMS: limits.dimensions,
    MAX_NAME: limits.nameBytes,
  };
  for (const [name, value] of Object.entries({ ...want, ...ofGGUF })) {
    const found = numbers(name, name in ofGGUF ? /gguf|constants/ : /./);
    assert.ok(found.length > 0, `no ${name} in src/js`);
    assert.deepEqual(new Set(found), new Set([value]), name);
  }
});

test("words of keys and numbers of types are the library's", { skip: noNative }, () => {
  const c = constants();
  assert.deepEqual(
    { norms: NORMS, activations: ACTIVATIONS, positions: POSITIONS, mixers: MIXERS },
    {
      norms: c.norms,
      activations: c.activations,
      positions: c.positions,
      mixers: c.mixers,
    },
  );
  assert.deepEqual(PIECE, c.pieceTypes);
  assert.deepEqual(VALUE_TYPES, c.valueTypes);
  assert.deepEqual(
    Object.fromEntries(Object.entries(TENSOR_TYPES).map(([name, { code }]) => [name, code])),
    c.tensorTypes,
  );
  assert.deepEqual(Object.fromEntries(SEARCHES.map((name, i) => [name, i])), c.searches);
  assert.equal(c.version, JSON.parse(read("package.json")).version.replace(/-.*/, ""));
});

test("every status has the platform's name", { skip: noNative }, () => {
  const names = Object.entries(constants().statuses).map(([status, number]) => [status, statusError(number, "").name]);
  assert.deepEqual(Object.fromEntries(names.slice(1)), {
    ARGUMENT: "TypeError",
    STATE: "InvalidStateError",
    MEMORY: "QuotaExceededError",
    FORMAT: "DataError",
    UNSUPPORTED: "NotSupportedError",
    LIMIT: "QuotaExceededError",
    IO: "OperationError",
    DIVERGED: "OperationError",
  });
});
