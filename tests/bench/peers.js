// Installs the engines that Glossa is measured against into a cache folder outside the project.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const cache =
  process.env.GLOSSA_BENCH_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "glossa/bench");

const NPM = {
  "@browsermt/bergamot-translator": "0.4.9",
  "onnxruntime-web": "1.30.0",
  "onnxruntime-node": "1.30.0",
  "@tensorflow/tfjs": "4.22.0",
  "@tensorflow/tfjs-backend-wasm": "4.22.0",
};
const PIP = ["ctranslate2==4.8.*", "onnx==1.23.*", "onnxruntime==1.31.*", "numpy", "safetensors"];

/** @param {unknown} error */
const shortReason = (error) => {
  const { stderr, message } = /** @type {{ stderr?: string, message: string }} */ (error);
  return (stderr || message).trim().split("\n").slice(-1)[0];
};

/**
 * A package from npm.
 * @param {keyof typeof NPM} name
 * @returns {Promise<{ path: string, version: string } | { skipped: string }>}
 */
export async function npmPeer(name) {
  const folder = join(cache, "npm");
  const path = join(folder, "node_modules", name);
  const installed = () =>
    existsSync(join(path, "package.json")) && JSON.parse(readFileSync(join(path, "package.json"), "utf8")).version;
  try {
    if (installed() !== NPM[name]) {
      mkdirSync(folder, { recursive: true });
      if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), '{"private":true}\n');
      // Without scripts: onnxruntime-node's would fetch libraries for graphics processors.
      const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
      await run("npm", [...args, `${name}@${NPM[name]}`], { cwd: folder });
    }
    return { path, version: installed() };
  } catch (error) {
    return { skipped: `npm could not install ${name}: ${shortReason(error)}` };
  }
}

/**
 * A Python with CTranslate2 and what exports ONNX.
 * @returns {Promise<{ path: string } | { skipped: string }>}
 */
export async function pythonPeer() {
  const folder = join(cache, "python");
  const path = join(folder, "bin/python");
  const check = ["-c", "import ctranslate2, onnx, onnxruntime, numpy, safetensors"];
  try {
    if (!existsSync(path)) {
      mkdirSync(cache, { recursive: true });
      await run("python3", ["-m", "venv", folder]);
    }
    await run(path, check).catch(() => run(path, ["-m", "pip", "install", "--quiet", ...PIP]));
    await run(path, check);
    return { path };
  } catch (error) {
    return { skipped: `Python packages could not be installed: ${shortReason(error)}` };
  }
}
