// The result as a table for the terminal and as Markdown.

import { quantile, spread } from "./statistics.js";

/**
 * @typedef {import("./measures.js").Speed} Speed
 * @typedef {import("./statistics.js").Spread} Spread
 * @typedef {object} Result
 * @property {string} date
 * @property {string} version of Glossa
 * @property {string} commit empty outside a checkout
 * @property {{ processor: string, cores: number, memory: number, system: string, loadBefore: number, loadAfter: number }} machine
 * @property {number} rounds
 * @property {{ part: string, model: string, forced: boolean, origin: string, sentences: number, words: number, speeds: Speed[] }[]} speeds
 * @property {{ model: string, times: { name: string, ms: Spread, cpu: number | null }[] }[]} [cold]
 * @property {{ name: string, before: number, loaded: number, after: number }} [release]
 * @property {{ name: string, raw: number, gzip: number, brotli: number }[]} [downloads]
 * @property {{ name: string } & Awaited<ReturnType<typeof import("./measures.js").measureGrowth>>} [growth]
 * @property {{ name: string, ratio: Spread }} [pool]
 * @property {{ node: string, results: { build: string, m: number, n: number, k: number, gather: boolean, gops: number, peak: number }[] }} [matmul]
 * @property {import("./lab.js").LabResult} [lab]
 * @property {Awaited<ReturnType<typeof import("./learn.js").measureLearning>>} [learn]
 * @property {{ name: string, model: string, profiles: Awaited<ReturnType<typeof import("./measures.js").measureProfile>> }[]} [profiles]
 * @property {{ what: string, why: string }[]} skipped
 */

/** @param {number} value */
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
/** @param {number} bytes */
const megabytes = (bytes) => `${digits(bytes / 1e6)} MB`;
/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1e3).toLocaleString("en", { maximumFractionDigits: 0 })} kB`;
/** @param {Spread} s */
const ranged = ({ median, least, most }) => `${digits(median)} (${digits(least)}-${digits(most)})`;
/** @param {number} factor */
const times = (factor) => `${digits(factor)} x`;

/** @param {string[]} head @param {string[][]} rows */
export function table(head, rows) {
  const lines = [head, head.map((_, i) => (i ? "---:" : "---")), ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const cells = (/** @type {string[]} */ line, /** @type {number} */ row) =>
    line.map((cell, i) => {
      if (row === 1) return cell.replace("---", "-".repeat(widths[i] - cell.length + 3));
      return i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]);
    });
  return lines.map((line, row) => `| ${cells(line, row).join(" | ")} |`).join("\n");
}

/**
 * The factor by which `values` are above those of the peer, taken round by round.
 * @param {(number | null)[]} values
 * @param {(number | null)[]} others
 */
function factor(values, others) {
  const ratios = values.flatMap((value, i) => {
    const other = others[i];
    return value === null || other === null || other === undefined ? [] : [value / other];
  });
  return ratios.length > 0 ? quantile(ratios, 0.5) : null;
}

/** @param {Speed[]} speeds */
function speedTables(speeds) {
  const shown = speeds.map(({ name, runtime, rates, cpuRates, p50, p95 }) => {
    const known = cpuRates.filter((rate) => rate !== null);
    return [
      name.replace(/(Node|Chromium)( \d+)?$/, runtime),
      ranged(spread(rates)),
      known.length > 0 ? digits(quantile(known, 0.5)) : "-",
      ranged(spread(p50)),
      ranged(spread(p95)),
    ];
  });
  const parts = [
    table(["engine", "words/s, in batches", "words/s of processor time", "p50 of a sentence, ms", "p95, ms"], shown),
  ];
  const peers = speeds.filter(({ peer }) => peer);
  const own = speeds.filter(({ peer }) => !peer);
  if (peers.length === 0 || own.length === 0) return parts.join("\n\n");
  const rows = own.flatMap((speed) =>
    peers.map((peer) => {
      const processor = factor(speed.cpuRates, peer.cpuRates);
      return [
        `${speed.name} against ${peer.name.replace(/, (Node|native)$/, "")}`,
        times(/** @type {number} */ (factor(speed.rates, peer.rates))),
        processor === null ? "-" : times(processor),
        times(/** @type {number} */ (factor(peer.p50, speed.p50))),
        times(/** @type {number} */ (factor(peer.p95, speed.p95))),
      ];
    }),
  );
  parts.push(table(["times as fast", "words/s", "by processor time", "p50", "p95"], rows));
  return parts.join("\n\n");
}

/**
 * How many translations are those of the first Glossa.
 * @param {Speed[]} speeds
 * @param {boolean} forced
 */
function agreement(speeds, forced) {
  const first = speeds.find(({ peer }) => !peer);
  if (!first) return "";
  const same = speeds
    .filter((speed) => speed !== first && !(forced && speed.peer)) // engines force the length batch by batch
    .map(({ name, outputs }) => `${name} ${outputs.filter((text, i) => text === first.outputs[i]).length}`);
  return `Of ${first.outputs.length} translations equal to those of ${first.name}: ${same.join("; ")}.`;
}

const FORMS = ["y = x w^T", "dx = dy w", "dw = dy^T x"];

/** @param {import("./lab.js").Steps[]} list */
function stepTables(list) {
  const rows = list.map(({ name, runtime, stepMs, cpuMs, tokens }) => [
    `${name} (${runtime})`,
    ranged(spread(stepMs)),
    digits(quantile(cpuMs, 0.5)),
    digits((1000 * tokens) / quantile(cpuMs, 0.5)),
  ]);
  const head = ["", "ms a step", "ms of processor time", "target tokens/s of processor time"];
  const own = list.filter(({ peer }) => !peer);
  const factors = own.flatMap((speed) =>
    list
      .filter((other) => other.peer && other.stepMs.length === speed.stepMs.length)
      .map((other) => [
        `${speed.name} against ${other.name}`,
        times(/** @type {number} */ (factor(other.stepMs, speed.stepMs))),
        times(/** @type {number} */ (factor(other.cpuMs, speed.cpuMs))),
      ]),
  );
  return [
    table(head, rows),
    ...(factors.length > 0 ? [table(["times as fast", "steps/s", "by processor time"], factors)] : []),
  ];
}

/** @param {import("./lab.js").LabResult} lab */
function labTables({ products, toy, tfjs, recipe, memory, trainings }) {
  const lines = [...new Set(products.map((product) => product.table))].flatMap((name) =>
    FORMS.map((form, i) => [
      `${name}, ${form}`,
      ...products
        .filter((product) => product.table === name && product.form === i)
        .map(({ gops, peak }) => `${digits(gops)} (${((100 * gops) / peak).toFixed(0)} %)`),
    ]),
  );
  const widths = [...new Set(products.map(({ d }) => d))];
  const { parameters, bytes, heap, steps, bytesAfter, heapAfter } = memory;
  return [
    "## Lab",
    "Products of training in float32, Gflop/s, 512 rows (share of a multiply-add loop in registers).",
    table(["", ...widths.map((d) => `width ${d}`)], lines),
    "Steps of training: a toy that reverses strings (width 64, 1 + 1 layers, batches of 64).",
    ...stepTables(toy),
    ...stepTables(tfjs),
    "Steps of the recipes' small model (width 256, 4 + 2 layers, 6,000 pieces, batches of 2,500 tokens, dropout 0.2).",
    ...stepTables(recipe),
    `Memory of a network of ${parameters.toLocaleString("en")} parameters: ${kilobytes(bytes)} held, of a heap of ${kilobytes(heap)}; ` +
      `after ${steps.toLocaleString("en")} steps ${kilobytes(bytesAfter)} of ${kilobytes(heapAfter)}.`,
    "From nothing, by the command alone, on all cores:",
    table(
      ["", "s", "s of processor time", "in the end", "for instance"],
      trainings.map(({ command, ms, cpuMs, said, example }) => [
        `\`${command}\``,
        ...[ms, cpuMs].map((time) => digits(time / 1000)),
        said,
        example,
      ]),
    ),
  ];
}

/** @param {Result} result @param {string} [chart] the file of the chart */
export function markdown(result, chart) {
  const { machine } = result;
  const out = [
    `# Benchmark`,
    `Made by \`npm run bench\`; [README.md](README.md) says what is measured and how. ${result.date}, Glossa ${result.version}${result.commit && ` (${result.commit})`}, ` +
      `${machine.processor}, ${machine.cores} cores, ${machine.memory} GB, ${machine.system}. Every engine uses one thread. ` +
      `Medians of ${result.rounds} rounds, least and most in brackets; within a round the engines take turns.`,
  ];
  if (Math.max(machine.loadBefore, machine.loadAfter) > 0.5)
    out.push(
      `**Other programs ran at the same time**: the load was ${machine.loadBefore.toFixed(1)} before and ` +
        `${machine.loadAfter.toFixed(1)} after, on ${machine.cores} cores. Times are longer than on a machine at rest, those by processor time least; ` +
        `factors are formed round by round, which takes most of that out, but not all.`,
    );
  if (chart) out.push(`![Words a second by engine](${chart})`);
  for (const { part, model, forced, origin, sentences, words, speeds } of result.speeds) {
    out.push(`## ${part}`, `${model} ${sentences} sentences of ${words} words (${origin}).`, speedTables(speeds));
    out.push(agreement(speeds, forced));
  }
  const memories = result.speeds.flatMap(({ part, speeds }) => speeds.map((speed) => ({ part, ...speed })));
  const rows = memories.flatMap(({ part, name, memory }) =>
    memory
      ? [
          [
            `${part}: ${name}`,
            memory.loaded.wasm ? megabytes(memory.loaded.wasm) : "-",
            memory.used.wasm ? megabytes(memory.used.wasm) : "-",
            String(memory.sentences),
            megabytes(memory.used.resident),
            megabytes(memory.used.peak),
          ],
        ]
      : [],
  );
  if (rows.length > 0) {
    const head = ["engine", "wasm memory, loaded", "wasm memory, at the end", "sentences", "process", "process, peak"];
    out.push("## Memory", table(head, rows));
  }
  if (result.release) {
    const { name, before, loaded, after } = result.release;
    out.push(
      `${name}: the process holds ${megabytes(before)} before, ${megabytes(loaded)} with the tiny student loaded, and ` +
        `${megabytes(after)} after \`destroy()\`.`,
    );
  }
  if (result.cold) {
    out.push(
      "## First translation",
      "From bytes in memory to the first translated sentence, each time in a new process.",
    );
    for (const { model, times: list } of result.cold)
      out.push(
        table(
          [model, "ms", "ms of processor time"],
          list.map(({ name, ms, cpu }) => [name, ranged(ms), cpu === null ? "-" : digits(cpu)]),
        ),
      );
  }
  if (result.downloads)
    out.push(
      "## Download",
      "Engine and API, without a model.",
      table(
        ["", "raw", "gzip", "brotli"],
        result.downloads.map(({ name, ...sizes }) => [
          name,
          ...[sizes.raw, sizes.gzip, sizes.brotli].map((size) => kilobytes(size)),
        ]),
      ),
    );
  if (result.growth) {
    const { name, lengths, beams, batches } = result.growth;
    out.push(`## Growth`, `${name}, tiny student.`);
    out.push(
      table(
        ["tokens of a sentence", "ms", "ms of processor time", "and a token"],
        lengths.map(({ tokens, ms, cpu }) => [String(tokens), digits(ms), digits(cpu), (cpu / tokens).toFixed(3)]),
      ),
      table(
        ["beam", "ms a sentence", "ms of processor time"],
        beams.map(({ beam, ms, cpu }) => [String(beam), digits(ms), digits(cpu)]),
      ),
      table(
        ["sentences of a batch", "words/s", "words/s of processor time"],
        batches.map(({ size, rate, cpuRate }) => [String(size), digits(rate), digits(cpuRate)]),
      ),
    );
  }
  if (result.pool)
    out.push(`Two workers translate ${times(result.pool.ratio.median)} as fast as one (${result.pool.name}).`);
  if (result.matmul) {
    const { results } = result.matmul;
    out.push(`## Matmul`, `int8, GOP/s in WebAssembly with quantization and epilogues, Node ${result.matmul.node}.`);
    for (const build of new Set(results.map((entry) => entry.build))) {
      const mine = results.filter((entry) => entry.build === build);
      const columns = [...new Set(mine.map(({ m }) => m))];
      const shapes = [...new Set(mine.map(({ n, k, gather }) => `${n} x ${k}${gather ? ", gathered" : ""}`))];
      const lines = shapes.map((shape) => [
        shape,
        ...columns.map((m) => {
          const found = mine.find(
            (entry) => entry.m === m && `${entry.n} x ${entry.k}${entry.gather ? ", gathered" : ""}` === shape,
          );
          return found ? `${digits(found.gops)} (${((100 * found.gops) / found.peak).toFixed(0)} %)` : "-";
        }),
      ]);
      const head = `${build}, outputs x inputs (share of ${digits(mine[0].peak)}, registers only)`;
      out.push(table([head, ...columns.map((m) => `${m} rows`)], lines));
    }
  }
  if (result.lab) out.push(...labTables(result.lab));
  if (result.learn) {
    const { lessons, learned, steps, cpuMs, ms, addedBytes } = result.learn;
    out.push(
      "## Learning from corrections",
      `Of ${lessons} corrections, each alone, ${learned} come out exactly: median (least-most) of ${ranged(steps)} steps, ` +
        `${ranged(cpuMs)} ms of processor time, ${ranged(ms)} ms. At its highest the process takes ${megabytes(addedBytes)} more than before the first.`,
    );
  }
  if (result.profiles) {
    out.push("## Profile", "Share of the time by stage.");
    out.push(
      table(
        ["", "tokenize", "encode", "decode", "output", "rest", "ms in all"],
        result.profiles.flatMap(({ name, model, profiles }) =>
          profiles.map(({ size, total, stages }) => {
            const known = Object.values(stages).reduce((a, b) => a + b, 0);
            const shares = [stages.tokenize, stages.encode, stages.decode, stages.output, total - known];
            return [
              `${model}, ${name}, batches of ${size}`,
              ...shares.map((ms) => `${((100 * ms) / total).toFixed(1)} %`),
              digits(total),
            ];
          }),
        ),
      ),
    );
  }
  if (result.skipped.length > 0)
    out.push("## Not measured", result.skipped.map(({ what, why }) => `- ${what}: ${why}`).join("\n"));
  return `${out.filter(Boolean).join("\n\n")}\n`;
}
