// Long use: memory stays flat, no promise is lost, nothing forgotten stays. GLOSSA_SOAK=1 (`npm run soak`) is the whole of
// it, with figures; the normal tests run a twentieth, and 2,000 of the 100,000 lines.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Translator } from "../../src/js/index.js";

const FULL = process.env.GLOSSA_SOAK === "1";
const SENTENCES = FULL ? 10_000 : 500;
const CYCLES = FULL ? 100 : 5;
const LINES = FULL ? 100_000 : 2000;

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const GLOSSA = path("src/js/cli/glossa.js");
const MODEL = path("models/en-de.gguf");
const MB = 1 << 20;
const linux = process.platform === "linux" ? false : "it reads /proc";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

// node:test fails a test for a rejection that nobody handles; this counts those between tests too.
let unhandled = 0;
process.on("unhandledRejection", () => unhandled++);
/** @type {string[]} Node warns of listeners that pile up */
const warnings = [];
process.on("warning", ({ message }) => warnings.push(message));

/** @param {number} seed */
function generator(seed) {
  return (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
}

const PARTS = [
  "A dog runs",
  "through the green grass",
  "while two men",
  "in red shirts",
  "sit on a bench",
  "and laugh",
  "as it rains",
  "near an old house",
];

/** Texts of 2 to about 90 words; one in `rare` is long. @param {ReturnType<typeof generator>} random @param {number} rare */
function mixedText(random, rare) {
  const parts = random(rare) ? 1 + random(4) : 6 + random(20);
  return `${Array.from({ length: parts }, () => PARTS[random(PARTS.length)]).join(" ")}.`;
}

test("sentences of mixed length with random aborts", async (t) => {
  const translator = await Translator.create({ model: MODEL, worker: true });
  const random = generator(3);
  const texts = Array.from({ length: 60 }, () => mixedText(random, 8));
  /** @type {Map<string, string>} what a text gave before: an abort next to it must change nothing */
  const known = new Map();
  const counts = { done: 0, aborted: 0 };
  /** @type {{wasm: number, heap: number, resident: number}[]} */
  const memory = [];
  for (let begun = 0; begun < SENTENCES; ) {
    const round = Array.from({ length: 25 }, async () => {
      const text = texts[random(texts.length)];
      const beamSize = 1 + random(2);
      const abort = new AbortController();
      if (random(5) === 0) setTimeout(() => abort.abort(), random(60));
      try {
        const translation = await translator.translate(text, { signal: abort.signal, beamSize });
        const key = `${beamSize} ${text}`;
        assert.ok(translation.length > 0);
        assert.equal(translation, known.get(key) ?? translation, key);
        known.set(key, translation);
        counts.done++;
      } catch (error) {
        if (/** @type {Error} */ (error).name !== "AbortError") throw error;
        counts.aborted++;
      }
    });
    await Promise.all(round); // a promise that is lost keeps this from ever ending, and node:test says so
    begun += round.length;
    if (begun % (SENTENCES / 10) === 0) {
      collect();
      const { heapUsed, rss } = process.memoryUsage();
      memory.push({ wasm: translator.info.wasmBytes, heap: heapUsed, resident: rss });
    }
  }
  translator.destroy();
  await pause(50);
  assert.equal(unhandled, 0);
  assert.deepEqual(warnings, []);
  assert.equal(counts.done + counts.aborted, SENTENCES);
  assert.ok(counts.aborted > 0 && counts.done > SENTENCES / 2);
  const shown = memory.map(({ wasm, heap, resident }) => [wasm, heap, resident].map((n) => (n / MB).toFixed(0)));
  t.diagnostic(`${counts.done} done, ${counts.aborted} aborted; MB of wasm/heap/resident: ${shown.join("  ")}`);
  const [middle, end] = [memory[4], memory[9]];
  assert.ok(end.wasm <= middle.wasm + MB, `the engine's memory: ${shown.join("  ")}`);
  assert.ok(end.heap <= middle.heap + 4 * MB, `the heap: ${shown.join("  ")}`);
  assert.ok(end.resident <= middle.resident + 40 * MB, `resident: ${shown.join("  ")}`);
});

for (const worker of [false, true])
  test(`create and destroy, again and again, ${worker ? "in a worker" : "in place"}`, async (t) => {
    const model = readFileSync(MODEL);
    const cycle = async () => {
      const translator = await Translator.create({ model, worker });
      const running = translator.translate("A dog runs.").catch((error) => error.name);
      translator.destroy();
      assert.equal(await running, "AbortError");
    };
    const measure = async () => {
      collect();
      await pause(200);
      collect();
      return process.memoryUsage().rss;
    };
    for (let i = 0; i < CYCLES; i++) await cycle();
    const before = await measure();
    for (let i = 0; i < CYCLES; i++) await cycle();
    const grown = (await measure()) - before;
    t.diagnostic(`${CYCLES} cycles: ${(grown / MB).toFixed(1)} MB more`);
    assert.ok(grown < 4 * model.length, `${CYCLES} cycles left ${(grown / MB).toFixed(1)} MB`);
    assert.equal(unhandled, 0);
  });

const threads = () => Number(/^Threads:\s+(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

test("translators that nobody holds any more end their workers", { skip: linux }, async () => {
  const before = threads();
  await (async () => {
    for (let i = 0; i < 4; i++) await (await Translator.create({ model: MODEL })).translate("hello");
  })();
  assert.ok(threads() > before);
  for (let i = 0; i < 100 && threads() > before; i++) {
    collect();
    await pause(50);
  }
  assert.ok(threads() <= before, `${before} threads before, ${threads()} after`);
});

test("a long file through two jobs, killed half-way and resumed: every line once, constant memory", {
  skip: linux,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-soak-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [input, output] = [join(folder, "in.txt"), join(folder, "out.txt")];
  const random = generator(5);
  const kinds = ["", "  ", "One child", ...Array.from({ length: 37 }, () => mixedText(random, 18))];
  // An order that does not repeat, so that no line can be lost, doubled or moved unseen.
  const order = Array.from({ length: LINES }, () => random(kinds.length));
  writeFileSync(input, order.map((kind) => `${kinds[kind]}\n`).join(""));
  const translator = await Translator.create({ model: MODEL });
  const expected = await translator.translateBatch(kinds, { split: false });
  translator.destroy();
  const wanted = order.map((kind) => `${expected[kind]}\n`).join("");

  const size = () => statSync(output, { throwIfNoEntry: false })?.size ?? 0;
  /** Runs the command until the output has so many bytes; gives its resident memory over time. @param {number} until */
  const run = async (until) => {
    const args = [GLOSSA, "translate", "--model", MODEL, "--jobs", "2", "--resume", "-o", output];
    const stdin = openSync(input, "r");
    const child = spawn(process.execPath, args, { stdio: [stdin, "ignore", "inherit"] });
    const end = once(child, "exit");
    /** @type {number[]} */
    const resident = [];
    while (child.exitCode === null && size() < until) {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      resident.push(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
      await Promise.race([pause(FULL ? 1000 : 20), end]);
    }
    const killed = child.kill("SIGKILL");
    const [code] = await end;
    closeSync(stdin);
    assert.ok(killed || code === 0, `it ended with ${code}`);
    return resident;
  };
  const bytes = Buffer.byteLength(wanted);
  const first = await run(bytes / 2);
  assert.ok(size() > 0 && size() < bytes, "it was killed half-way");
  truncateSync(output, size() - 3); // as a crash of the machine may leave it
  const left = size();
  const second = await run(Infinity);
  const got = readFileSync(output, "utf8");
  assert.equal(got.split("\n").length, LINES + 1);
  assert.ok(got === wanted, "a line was lost, doubled or changed");
  for (const [name, resident] of Object.entries({ "until killed": first, resumed: second })) {
    // The first third is warming up: code is compiled, buffers grow to the longest line.
    const third = Math.ceil(resident.length / 3);
    const parts = [0, 1, 2].map((i) => Math.max(...resident.slice(i * third, (i + 1) * third)));
    const shown = `${name}: ${parts.map((n) => n.toFixed(0)).join(", ")} MB in each third of the run`;
    t.diagnostic(`${shown}, killed at ${left} of ${bytes} bytes`);
    if (FULL) assert.ok(parts[2] < parts[1] + 60, shown);
  }
});
