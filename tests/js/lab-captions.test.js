// A whole training beside PyTorch's: the same weights and batches of Multi30k, English to German, and BLEU of what comes of it.
// GLOSSA_SOAK=1 (`npm run soak`) runs it where GLOSSA_DATA names a folder with multi30k and GLOSSA_TORCH_PYTHON a Python
// of the recipes; an hour on one core.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { labNative } from "../bench/lab.js";

const { GLOSSA_SOAK, GLOSSA_DATA = "", GLOSSA_TORCH_PYTHON = "" } = process.env;
const skip =
  (GLOSSA_SOAK !== "1" && "GLOSSA_SOAK is not 1") ||
  (!existsSync(join(GLOSSA_DATA, "multi30k")) && "GLOSSA_DATA names no folder with multi30k") ||
  (!existsSync(GLOSSA_TORCH_PYTHON) && "GLOSSA_TORCH_PYTHON names no Python");

test("captions: the mean BLEU of two seeds is within 1.0 of PyTorch's", { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-captions-"));
  const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
  try {
    const output = execFileSync(
      GLOSSA_TORCH_PYTHON,
      [
        path("../bench/contenders/lab_captions.py"),
        ...[GLOSSA_DATA, labNative(), path("../../src/js/cli/glossa.js"), folder],
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
    );
    /** @type {{ seed: number, lab: number, PyTorch: number }[]} */
    const seeds = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.diagnostic(output);
    const off = seeds.reduce((sum, { lab, PyTorch }) => sum + lab - PyTorch, 0) / seeds.length;
    assert.equal(seeds.length, 2);
    assert.ok(Math.abs(off) <= 1, `the lab's mean is ${off.toFixed(2)} BLEU from PyTorch's`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
