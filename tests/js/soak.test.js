// Long use: memory stays flat, no promise is lost, nothing forgotten stays. GLOSSA_SOAK=1 (`npm run soak`) is the whole of
// it, the normal tests run a twentieth.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Translator } from "../../src/js/index.js";
import { oneWordModel } from "./one-word-model.js";

const SCALE = Number(process.env.GLOSSA_SOAK ?? 0.05);
const MODEL = fileURLToPath(new URL("../../models/en-de.gguf", import.meta.url));
const PARTS = [
  "A dog runs",
  "through the green grass",
  "while two men",
  "in red shirts",
  "sit on a bench",
  "and laugh",
];
const MB = 1 << 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

process.on("unhandledRejection", (error) => {
  throw error;
});

/** @param {number} seed */
function generator(seed) {
  return (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
}

test("sentences of mixed length with random aborts", async () => {
  const translator = await Translator.create({ model: MODEL, worker: true });
  const random = generator(3);
  const total = Math.round(10_000 * SCALE);
  const counts = { done: 0, aborted: 0 };
  let warm = 0;
  for (let begun = 0; begun < total; ) {
    const round = Array.from({ length: Math.min(20, total - begun) }, () => {
      const first = random(PARTS.length);
      const text = `${PARTS.slice(first, first + 1 + random(4)).join(" ")}.`;
      const abort = new AbortController();
      if (random(5) === 0) setTimeout(() => abort.abort(), random(60));
      return translator.translate(text, { signal: abort.signal, beamSize: 1 + random(2) }).then(
        (translation) => {
          assert.ok(translation.length > 0);
          counts.done++;
        },
        (error) => {
          assert.equal(error.name, "AbortError");
          counts.aborted++;
        },
      );
    });
    await Promise.all(round);
    begun += round.length;
    if (begun >= total / 2 && !warm) warm = translator.info.wasmBytes;
  }
  assert.equal(counts.done + counts.aborted, total);
  assert.ok(counts.done > total / 2);
  assert.ok(
    translator.info.wasmBytes <= warm + MB,
    `${warm} bytes at half-time, ${translator.info.wasmBytes} at the end`,
  );
  translator.destroy();
});

for (const worker of [false, true])
  test(`create and destroy, again and again, ${worker ? "in a worker" : "in place"}`, async () => {
    const model = await oneWordModel();
    const cycle = async () => {
      const translator = await Translator.create({ model, worker });
      const running = translator.translate("hello").catch(() => {});
      translator.destroy();
      await running;
    };
    const measure = async () => {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 200));
      collect();
      return process.memoryUsage().rss;
    };
    const cycles = Math.max(5, Math.round(100 * SCALE));
    for (let i = 0; i < cycles; i++) await cycle();
    const before = await measure();
    for (let i = 0; i < cycles; i++) await cycle();
    const grown = (await measure()) - before;
    assert.ok(grown < 40 * MB, `${cycles} cycles left ${(grown / MB).toFixed(1)} MB`);
  });

const threads = () => Number(/^Threads:\s+(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

test("translators that nobody holds any more end their workers", { skip: process.platform !== "linux" }, async () => {
  const model = await oneWordModel();
  const before = threads();
  await (async () => {
    for (let i = 0; i < 4; i++) await (await Translator.create({ model })).translate("hello");
  })();
  assert.ok(threads() > before);
  for (let i = 0; i < 100 && threads() > before; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(threads() <= before, `${before} threads before, ${threads()} after`);
});

test("a long file through the command line: every line, constant memory", {
  skip: process.platform !== "linux",
}, async () => {
  const count = Math.round(100_000 * Math.min(SCALE, 1)) >> (SCALE < 1 ? 2 : 0);
  const script = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
  const child = spawn(process.execPath, [script, "translate", "--model", MODEL, "--jobs", "2"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const feed = async () => {
    for (let i = 0; i < count; i++)
      if (!child.stdin.write(`${PARTS[i % PARTS.length]}.\n`)) await once(child.stdin, "drain");
    child.stdin.end();
  };
  let lines = 0;
  /** @type {number[]} */
  const resident = [];
  const fed = feed();
  for await (const chunk of child.stdout) {
    const before = lines;
    for (const byte of chunk) if (byte === 10) lines++;
    if (Math.floor((20 * lines) / count) > Math.floor((20 * before) / count) && child.exitCode === null) {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      resident.push(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
    }
  }
  await fed;
  assert.equal(lines, count);
  const early = Math.max(...resident.slice(0, resident.length >> 1));
  const late = Math.max(...resident.slice(resident.length >> 1));
  assert.ok(
    late < early + 60 * MB,
    `${(early / MB).toFixed(0)} MB in the first half, ${(late / MB).toFixed(0)} MB in the second`,
  );
});
