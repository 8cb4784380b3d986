// What the way of a model costs: a student of the size that Firefox ships (base-memory), from a server on this machine to a
// checkpoint in the cache.
//
//     node tests/bench/way.js
//
// Prints bytes from the network, bytes read from files, processor time and memory: of the whole way, and of the conversion.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tools } from "../../src/js/finding.js";
import { runConversion } from "../../src/js/registry/conversion.js";
import { provide } from "../../src/js/registry/index.js";
import { writeSpm } from "../js/marian-student.js";
import { startHomes } from "../js/registry-homes.js";
import { SHAPES, VOCABULARY, writeStudent } from "./students.js";

const MB = 1e6;
const [task, ...args] = process.argv.slice(2);

/** Bytes that this process has asked files for; 0 where the system does not tell. */
const readBytes = () => {
  try {
    return Number(/^rchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  } catch {
    return 0;
  }
};

/** Megabytes that this process has, or had at most. @param {"VmRSS" | "VmHWM"} key */
function memory(key) {
  try {
    return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1e3;
  } catch {
    return 0;
  }
}

/** @param {() => Promise<unknown>} work */
async function measured(work) {
  const [cpu, read] = [process.cpuUsage(), readBytes()];
  const before = memory("VmRSS");
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const most = memory("VmHWM") - before;
  console.log(JSON.stringify({ seconds: (user + system) / 1e6, read: (readBytes() - read) / MB, memory: most }));
}

if (task === "provide") {
  const registries = [{ registry: /** @type {const} */ ("mozilla"), ...JSON.parse(args[0]) }];
  const pair = { sourceLanguage: "en", targetLanguage: "fr" };
  await measured(() => provide(pair, { registries }, tools));
} else if (task === "convert") {
  const files = /** @type {[string, {path: string}][]} */ (
    readdirSync(args[0]).map((name) => [name, { path: join(args[0], name) }])
  );
  const job = { files, source: ["en"], target: ["fr"], general: {} };
  await measured(() => runConversion(job, { write: async () => {}, onProgress: () => {} }));
} else {
  const folder = mkdtempSync(join(tmpdir(), "glossa-way-"));
  const sources = join(folder, "sources");
  const homes = await startHomes();
  try {
    writeStudent(sources, SHAPES["base-memory"]);
    writeFileSync(join(sources, "vocab.enfr.spm"), writeSpm(VOCABULARY));
    const [lex, model, vocab] = readdirSync(sources)
      .sort()
      .map((name) => readFileSync(join(sources, name)));
    homes.addMozilla("en", "fr", { model, vocab, lex });
    const served = [...homes.files].reduce((sum, [path, { body }]) => sum + (/\.gz$/.test(path) ? body.length : 0), 0);
    const env = { ...process.env, GLOSSA_CACHE: join(folder, "cache") };
    /** @param {string[]} words @returns {Promise<{seconds: number, read: number, memory: number}>} */
    const child = (...words) =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, [fileURLToPath(import.meta.url), ...words], { env }, (error, stdout) =>
          error ? reject(error) : resolve(JSON.parse(stdout)),
        );
      });
    const whole = await child("provide", JSON.stringify(homes.mozilla));
    const conversion = await child("convert", sources);
    const [kept] = readdirSync(env.GLOSSA_CACHE).filter((name) => name.endsWith(".gguf"));
    const size = (/** @type {number} */ bytes) => `${(bytes / MB).toFixed(1)} MB`;
    console.log(
      `model ${size(model.length)}, packed ${size(served)}, checkpoint ${size(statSync(join(env.GLOSSA_CACHE, kept)).size)}`,
    );
    console.log(
      `the whole way:  ${size(homes.state.sent)} from the network, ${whole.read.toFixed(1)} MB read from there and from files, ${whole.seconds.toFixed(2)} s of processor time, ${whole.memory.toFixed(0)} MB more memory`,
    );
    console.log(
      `the conversion: ${conversion.read.toFixed(1)} MB read, ${conversion.seconds.toFixed(2)} s, ${conversion.memory.toFixed(0)} MB (its largest tensor has ${size(VOCABULARY * SHAPES["base-memory"].width)} as int8)`,
    );
  } finally {
    await homes.close();
    rmSync(folder, { recursive: true });
  }
}
