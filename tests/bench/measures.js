// What is measured. Engines take turns within every round, so that a machine that slows down slows all of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { root, wasmOf } from "./lineup.js";
import { quantile, spread } from "./statistics.js";
import { countWords } from "./text.js";

/**
 * @typedef {import("./lineup.js").Entry} Entry
 * @typedef {import("./statistics.js").Spread} Spread
 * @typedef {{ wasm: number, resident: number, peak: number }} Memory
 * @typedef {object} Speed
 * @property {string} name
 * @property {boolean} peer
 * @property {string} runtime
 * @property {number[]} rates words a second of each round, all sentences in one call
 * @property {(number | null)[]} cpuRates the same by processor time; null where that is not known
 * @property {number[]} p50 milliseconds of one sentence, of each round
 * @property {number[]} p95
 * @property {number} outputWords
 * @property {string[]} outputs
 * @property {{ loaded: Memory, used: Memory, sentences: number } | null} memory
 */

/** @typedef {(what: string, why: string) => void} Skip */

/** Of so many sentences one is also translated alone in each round. */
const SINGLES = 2;

const message = (/** @type {unknown} */ error) =>
  error instanceof Error ? error.message.split("\n")[0] : String(error);

/**
 * @param {Entry[]} entries
 * @param {string[]} texts
 * @param {number} rounds
 * @param {Skip} skip
 * @returns {Promise<Speed[]>}
 */
export async function measureSpeed(entries, texts, rounds, skip) {
  const words = countWords(texts);
  const warming = texts.slice(0, 40);
  const alone = texts.filter((_, i) => i % SINGLES === 0);
  /** @type {{ entry: Entry, contender: import("./contender.js").Contender, speed: Speed, loaded: Memory | null }[]} */
  const running = [];
  for (const entry of entries) {
    const contender = entry.start();
    try {
      const { runtime } = await contender.ask("about");
      await contender.ask("load", entry.load);
      const loaded = await contender.ask("memory").catch(() => null);
      await contender.ask("batch", entry.job(warming));
      await contender.ask("singles", entry.job(warming));
      const speed = { name: entry.name, peer: entry.peer, runtime, rates: [], cpuRates: [], p50: [], p95: [] };
      running.push({ entry, contender, loaded, speed: { ...speed, outputWords: 0, outputs: [], memory: null } });
    } catch (error) {
      skip(entry.name, message(error));
      await contender.close();
    }
  }
  for (let round = 0; round < rounds; round++)
    for (const { entry, contender, speed, loaded } of running) {
      const batch = await contender.ask("batch", entry.job(texts));
      speed.rates.push((1000 * words) / batch.ms);
      speed.cpuRates.push(loaded ? (1000 * words) / batch.cpu : null);
      const { times } = await contender.ask("singles", entry.job(alone));
      speed.p50.push(quantile(times, 0.5));
      speed.p95.push(quantile(times, 0.95));
      speed.outputs = entry.texts(batch);
      speed.outputWords = countWords(speed.outputs);
    }
  for (const { entry, contender, speed, loaded } of running) {
    const used = loaded && (await contender.ask("memory"));
    if (loaded) speed.memory = { loaded, used, sentences: rounds * (texts.length + alone.length) + 2 * warming.length };
    if (/Chromium/.test(entry.name)) await contender.ask("close");
    await contender.close();
  }
  return running.map(({ speed }) => speed);
}

/**
 * Milliseconds from bytes in memory to the first translation, each time in a new process.
 * @param {Entry[]} entries
 * @param {number} rounds
 * @param {Skip} skip
 * @returns {Promise<{ name: string, ms: Spread, cpu: number | null }[]>} `cpu`: of the processor; null where not known
 */
export async function measureColdStart(entries, rounds, skip) {
  /** @type {Map<string, { ms: number, cpu: number }[]>} */
  const times = new Map(entries.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const entry of entries) {
      const contender = entry.start();
      try {
        times.get(entry.name)?.push(await contender.ask("cold", entry.load));
        if (/Chromium/.test(entry.name)) await contender.ask("close");
      } catch (error) {
        if (round === 0) skip(`${entry.name}, first translation`, message(error));
      }
      await contender.close();
    }
  return [...times]
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => ({
      name,
      ms: spread(list.map(({ ms }) => ms)),
      cpu: /Chromium/.test(name)
        ? null
        : quantile(
            list.map(({ cpu }) => cpu),
            0.5,
          ),
    }));
}

/**
 * What destroy() gives back: the process's memory before loading, loaded, and afterwards.
 * @param {Entry} entry
 */
export async function measureRelease(entry) {
  const contender = entry.start(["--expose-gc"]);
  const before = (await contender.ask("memory")).resident;
  await contender.ask("load", entry.load);
  const loaded = (await contender.ask("memory")).resident;
  const { resident: after } = await contender.ask("released");
  await contender.close();
  return { before, loaded, after };
}

/**
 * Milliseconds of one sentence by its length in tokens, and by beam; words a second by sentences in a batch.
 * @param {Entry} entry
 * @param {string[]} texts
 * @param {boolean} quick
 */
export async function measureGrowth(entry, texts, quick) {
  const contender = entry.start();
  await contender.ask("load", entry.load);
  // Sentences of about the same length, so that only the number of them changes.
  const counts = await contender.ask("count", { texts });
  const middle = quantile(counts, 0.5);
  const distance = (/** @type {number} */ i) => Math.abs(counts[i] - middle);
  const order = texts.map((_, i) => i).sort((a, b) => distance(a) - distance(b));
  const sample = order.slice(0, quick ? 16 : 32).map((i) => texts[i]);
  for (let warm = 0; warm < 3; warm++) await contender.ask("singles", entry.job(sample));

  /** @param {string[]} asked @param {number} [beam] */
  const alone = async (asked, beam = 1) => {
    const { times, cpu } = await contender.ask("singles", { ...entry.job(asked), beam });
    return { ms: quantile(times, 0.5), cpu: cpu / asked.length };
  };

  const words = texts.flatMap((text) => text.replace(/[^\p{L} ]/gu, "").split(" "));
  const lengths = [];
  for (const tokens of [10, 20, 50, 100, 200, 300, 400, 500]) {
    let low = 1;
    let high = Math.min(tokens, words.length);
    while (low < high) {
      const between = (low + high + 1) >> 1;
      const [count] = await contender.ask("count", { texts: [words.slice(0, between).join(" ")] });
      if (count <= tokens) low = between;
      else high = between - 1;
    }
    const text = words.slice(0, low).join(" ");
    const [count] = await contender.ask("count", { texts: [text] });
    const repeats = quick ? 3 : Math.max(5, Math.min(25, Math.round(1000 / tokens)));
    lengths.push({ tokens: count, ...(await alone(Array(repeats).fill(text))) });
  }

  const beams = [];
  for (const beam of [1, 2, 4, 8]) beams.push({ beam, ...(await alone(sample, beam)) });

  const batches = [];
  for (const size of [1, 2, 4, 8, 16]) {
    const spent = { ms: 0, cpu: 0 };
    for (let at = 0; at < sample.length; at += size) {
      const { ms, cpu } = await contender.ask("batch", entry.job(sample.slice(at, at + size)));
      spent.ms += ms;
      spent.cpu += cpu;
    }
    const rate = 1000 * countWords(sample);
    batches.push({ size, rate: rate / spent.ms, cpuRate: rate / spent.cpu });
  }
  await contender.close();
  return { lengths, beams, batches };
}

/**
 * How much faster two workers are than one.
 * @param {Entry} entry
 * @param {string[]} texts
 * @param {number} rounds
 * @returns {Promise<Spread>}
 */
export async function measurePool(entry, texts, rounds) {
  const contenders = [entry.start(), entry.start()];
  for (const [i, contender] of contenders.entries()) {
    await contender.ask("load", { ...entry.load, pool: i + 1 });
    await contender.ask("batch", entry.job(texts));
  }
  const ratios = [];
  for (let round = 0; round < rounds; round++) {
    const times = [];
    for (const contender of contenders) times.push((await contender.ask("batch", entry.job(texts))).ms);
    ratios.push(times[0] / times[1]);
  }
  for (const contender of contenders) await contender.close();
  return spread(ratios);
}

/**
 * Share of the time by stage.
 * @param {Entry} entry
 * @param {string[]} texts
 * @param {boolean} forced
 * @returns {Promise<{ size: number, total: number, stages: Record<string, number> }[]>}
 */
export async function measureProfile(entry, texts, forced) {
  const contender = entry.start();
  const profiles = [];
  for (const size of [1, 16]) {
    const { total, stages } = await contender.ask("profile", { ...entry.load, texts, forced, size });
    profiles.push({ size, total, stages });
  }
  await contender.close();
  return profiles;
}

/**
 * Bytes that a page downloads, models aside.
 * @param {{ bergamot?: string, onnxruntimeWeb?: string }} folders of the packages
 */
export async function measureDownloads({ bergamot, onnxruntimeWeb }) {
  const bundled = await build({
    entryPoints: ["index.js", "worker.js"].map((name) => join(root, "src/js", name)),
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    outdir: "out",
  });
  const scripts = bundled.outputFiles.map(({ contents }) => contents);
  /** @param {string} folder @param {string[]} names */
  const read = (folder, names) => names.map((name) => readFileSync(join(folder, name)));
  /** @type {[string, Uint8Array[]][]} */
  const sets = [
    ["Glossa simd128", [readFileSync(wasmOf("simd128")), ...scripts]],
    ["Glossa relaxed", [readFileSync(wasmOf("relaxed")), ...scripts]],
  ];
  if (bergamot) {
    const worker = ["js", "wasm"].map((end) => `worker/bergamot-translator-worker.${end}`);
    sets.push(["bergamot", read(bergamot, ["translator.js", "worker/translator-worker.js", ...worker])]);
  }
  if (onnxruntimeWeb) {
    const names = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
    sets.push(["onnxruntime-web, without a tokenizer", read(join(onnxruntimeWeb, "dist"), names)]);
  }
  return sets.map(([name, files]) => ({
    name,
    raw: files.reduce((sum, file) => sum + file.length, 0),
    gzip: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
    brotli: files.reduce((sum, file) => sum + brotliCompressSync(file).length, 0),
  }));
}
