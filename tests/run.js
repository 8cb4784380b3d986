// The runner behind `npm test`: sets the machine up, builds, checks and tests everything, one line a step, and prints
// the output of a step only where it fails.
//
// `npm test -- --help` tells the steps.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { includeFaults, lengthFaults } from "./c-includes.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const fuzzSeconds = Number(process.env.GLOSSA_FUZZ_SECONDS ?? 15);
// npm puts the Node of node_modules first on the PATH; tests run on the one that the user has.
const userNode = process.env.npm_node_execpath ?? process.execPath;
const newNode = join(root, "node_modules/node/bin/node");
const jobs = String(availableParallelism());

/** @typedef {{ passed: number, failed: number, skipped: number, notes: string[] }} Counts */

class StepFailure extends Error {
  /**
   * @param {string} output
   * @param {Partial<Counts>} [counts]
   */
  constructor(output, counts = {}) {
    super("the step failed");
    this.output = output;
    this.counts = counts;
  }
}

/** @param {string[]} notes @returns {Counts} */
const onePass = (...notes) => ({ passed: 1, failed: 0, skipped: 0, notes });
/** @param {string} why @returns {Counts} */
const oneSkip = (why) => ({ passed: 0, failed: 0, skipped: 1, notes: [`skipped: ${why}`] });

/**
 * Runs a command; gives its output and exit status.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<{ status: number, output: string }>}
 */
function attempt(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => resolve({ status: 127, output: `${output}${command}: ${error.message}\n` }));
    child.on("close", (code, signal) =>
      resolve({ status: code ?? 1, output: signal ? `${output}${signal}\n` : output }),
    );
  });
}

/** As attempt, but a failed command fails the step. @type {(...args: Parameters<typeof attempt>) => Promise<string>} */
async function run(command, args, env) {
  const { status, output } = await attempt(command, args, env);
  if (status) throw new StepFailure(`$ ${command} ${args.join(" ")}\n${output}`);
  return output;
}

/** Files below a folder whose names match. @param {string} folder @param {RegExp} pattern @returns {string[]} */
function files(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => pattern.test(name) && statSync(name).isFile())
    .sort();
}

/** @param {string} text @param {RegExp} pattern */
const numberIn = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);

/**
 * Runs files of node:test.
 * @param {string[]} tests
 * @param {{node?: string, env?: Record<string, string>}} [how]
 * @returns {Promise<Counts>}
 */
async function nodeTests(tests, { node = userNode, env = {} } = {}) {
  // A test that hangs must not hold the others up for ever.
  const limits = [`--test-concurrency=${jobs}`, "--test-timeout=600000"];
  const args = ["--test", "--test-reporter=spec", ...limits, ...tests];
  const { status, output } = await attempt(node, args, { NODE_NO_WARNINGS: "1", ...env });
  const skips = output.split("\n").filter((line) => /^\s*﹣ /.test(line));
  const counts = {
    passed: numberIn(output, /^ℹ pass (\d+)$/m),
    failed: numberIn(output, /^ℹ fail (\d+)$/m) + numberIn(output, /^ℹ cancelled (\d+)$/m),
    skipped: numberIn(output, /^ℹ skipped (\d+)$/m),
    notes: skips.map(
      (line) =>
        `skipped: ${line
          .trim()
          .replace(/^﹣ /, "")
          .replace(/ \([\d.]+ms\)/, "")}`,
    ),
  };
  if (status || counts.failed || !counts.passed) {
    const failures = output.indexOf("✖ failing tests:"); // the reporter repeats them at the end
    throw new StepFailure(failures < 0 ? output : output.slice(failures), counts);
  }
  return counts;
}

/**
 * Configures and builds a native tree, then runs its tests.
 * @param {string} name
 * @param {string[]} options
 * @param {Record<string, string>} [env]
 * @param {string[]} [choice] arguments of ctest: which tests
 * @returns {Promise<Counts>}
 */
async function native(name, options, env, choice = []) {
  const build = `build/${name}`;
  await run("cmake", ["-S", ".", "-B", build, "-G", "Ninja", "-DGLOSSA_WERROR=ON", ...options], env);
  await run("cmake", ["--build", build, "--parallel", jobs, "--", "--quiet"]);
  const args = ["--test-dir", build, "--output-on-failure", "-j", jobs, ...choice];
  const { status, output } = await attempt("ctest", args, env);
  const failed = numberIn(output, /(\d+) tests failed out of/);
  const skips = [...output.matchAll(/^\s*\d+\/\d+ Test +#\d+: (\S+) .*\*\*\*Skipped/gm)].map((match) => match[1]);
  const total = numberIn(output, /tests failed out of (\d+)/);
  const counts = {
    passed: total - failed - skips.length,
    failed,
    skipped: skips.length,
    notes: skips.map((test) => `skipped: ${test}`),
  };
  if (status || !total) throw new StepFailure(output, counts);
  return counts;
}

/** @param {string} folder */
const testsIn = (folder) => files(folder, /\.test\.js$/);
const C_FILE = /\.(c|h|inc)$/;
const cFiles = () => [...files("src", C_FILE), ...files("tests", C_FILE)];

const SANITIZER_OPTIONS = { ASAN_OPTIONS: "detect_leaks=1", UBSAN_OPTIONS: "print_stacktrace=1" };

/** @param {string} name @param {string} sanitizers as -fsanitize wants them @param {...string} options */
function sanitized(name, sanitizers, ...options) {
  // Fuzz targets slow the tests down: of the other trees only npm run fuzz wants them.
  const fuzzed = name === "sanitize" || process.argv.includes("fuzz");
  const clang = [
    "-DCMAKE_C_COMPILER=clang-19",
    "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
    `-DGLOSSA_FUZZ=${fuzzed ? "ON" : "OFF"}`,
  ];
  return native(name, [...clang, `-DGLOSSA_SANITIZE=${sanitizers}`, ...options], SANITIZER_OPTIONS);
}

/** `alone`: only where it is named. @type {Record<string, { about: string, check?: boolean, alone?: boolean, run: () => Promise<Counts> }>} */
const steps = {
  "c-format": {
    about: "clang-format",
    check: true,
    async run() {
      await run("clang-format-19", ["--dry-run", "-Werror", ...cFiles()]);
      return onePass();
    },
  },
  "c-includes": {
    about: "ranks of the folders of src/, no cycle; lengths of files and functions",
    check: true,
    async run() {
      const faults = [includeFaults, lengthFaults].flatMap((faultsOf) => faultsOf("src", files("src", C_FILE)));
      if (faults.length) throw new StepFailure(faults.join("\n"));
      return onePass();
    },
  },
  "c-lint": {
    about: "clang-tidy",
    check: true,
    async run() {
      // the core: what the WebAssembly compiler alone understands is left to its warnings
      const sources = files("src", /\.c$/).filter((name) => !/wasm|simd128|relaxed/.test(name));
      const queue = [...sources];
      /** @type {string[]} */
      const complaints = [];
      const worker = async () => {
        for (let source = queue.shift(); source; source = queue.shift()) {
          const args = ["--quiet", source, "--", "-std=c11", "-Isrc"];
          const { status, output } = await attempt("clang-tidy-19", args);
          if (status) complaints.push(...(output.match(/^.*: error: .*$/gm) ?? [output]));
        }
      };
      await Promise.all(Array.from({ length: Number(jobs) }, worker));
      if (complaints.length) throw new StepFailure(complaints.join("\n"));
      return onePass(`${sources.length} files`);
    },
  },
  "js-lint": {
    about: "Biome: format and lint",
    check: true,
    async run() {
      await run("node_modules/.bin/biome", ["check", "--error-on-warnings", "--diagnostic-level=warn", "."]);
      return onePass();
    },
  },
  "js-types": {
    about: "tsc, strict",
    check: true,
    async run() {
      await run("node_modules/.bin/tsc", ["-p", "src/js/tsconfig.json"]);
      await run("node_modules/.bin/tsc", ["-p", "tests/tsconfig.json"]);
      return onePass();
    },
  },
  "js-dead": {
    about: "knip: no file, export or dependency of src/js that nothing uses",
    check: true,
    async run() {
      await run("node_modules/.bin/knip", ["--config", ".knip.json", "--no-progress"]);
      return onePass();
    },
  },
  native: { about: "C tests, gcc", run: () => native("native", ["-DCMAKE_C_COMPILER=cc"]) },
  sanitize: {
    about: "C tests, clang with ASan and UBSan",
    run: () => sanitized("sanitize", "address,undefined"),
  },
  "sanitize-32": {
    about: "the same for 32 bits, where sizes wrap",
    async run() {
      const trial = ["-m32", "-shared", "-include", "stdio.h", "-x", "c", "/dev/null", "-lstdc++", "-o", "/dev/null"];
      if ((await attempt("clang-19", trial)).status)
        return oneSkip("clang-19 -m32 needs the packages libc6-dev-i386 and lib32stdc++-12-dev (or of another number)");
      // Debian keeps the kernel's headers of both widths, such as asm/errno.h, with those of 64 bits.
      const flags = "-m32 -idirafter /usr/include/x86_64-linux-gnu";
      return sanitized("sanitize-32", "address,undefined", `-DCMAKE_C_FLAGS=${flags}`);
    },
  },
  arm64: {
    about: "C tests of the engine for 64-bit ARM, in an emulator",
    async run() {
      const library = "/usr/aarch64-linux-gnu";
      const missing = (await attempt("aarch64-linux-gnu-gcc", ["--version"])).status
        ? "aarch64-linux-gnu-gcc needs the packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"
        : (await attempt("qemu-aarch64", ["-version"])).status && "qemu-aarch64 needs the package qemu-user";
      if (missing) return oneSkip(missing);
      // Not -O3, at which GCC 12 has an internal error. Training would take minutes in an emulator.
      const options = [
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        `-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;${library}`,
      ];
      return native("arm64", options, {}, ["-E", "^test_lab"]);
    },
  },
  "sanitize-memory": {
    about: "the same with MSan (npm run fuzz)",
    alone: true,
    run: () => sanitized("sanitize-memory", "memory"),
  },
  "sanitize-thread": {
    about: "the same with TSan (npm run fuzz)",
    alone: true,
    run: () => sanitized("sanitize-thread", "thread"),
  },
  js: { about: "JavaScript tests", run: () => nodeTests(testsIn("tests/js")) },
  "js-new": {
    about: "JavaScript tests of the WebAssembly builds, newest Node",
    run() {
      if (!existsSync(newNode)) return Promise.resolve(oneSkip("node_modules has no Node"));
      const tests = testsIn("tests/js").filter((name) => /\bBUILDS\b/.test(readFileSync(name, "utf8")));
      return nodeTests(tests, { node: newNode });
    },
  },
  package: {
    about: "the packages as installed",
    async run() {
      const folder = "build/packed";
      await run("mkdir", ["-p", folder]);
      const [{ filename }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder]));
      return nodeTests(testsIn("tests/package"), { env: { GLOSSA_PACKED: join(root, folder, filename) } });
    },
  },
  web: { about: "the page in a browser", run: () => nodeTests(testsIn("tests/web")) },
  fuzz: { about: `libFuzzer, ${fuzzSeconds} s each`, run: fuzz },
  soak: { about: "long use in full, with figures: npm run soak", alone: true, run: soak },
};

const usage = `usage: npm test -- [STEP ...]

Sets the machine up, builds, checks and tests everything, or only these steps:
${Object.entries(steps)
  .map(([name, { about }]) => `  ${name.padEnd(11)} ${about}`)
  .join("\n")}
  check       the steps up to js-dead: npm run check

GLOSSA_FUZZ_SECONDS  how long each fuzz target runs (15; npm run fuzz: 900 under each of four sanitizers)
GLOSSA_DATA          a folder of test sets; the tests that want one are skipped without it
GLOSSA_HTML          a folder of HTML pages, of which 200 fragments are translated
GLOSSA_STUDENTS      "full": compare with bergamot on students of Firefox's own sizes, not on narrow ones (half an hour)
GLOSSA_TORCH_PYTHON  a Python of the recipes, beside which npm run soak trains
GLOSSA_FUZZ_ROUNDS   how many damaged files each parser of the converter gets (150; npm run soak: 1000)`;

/** What node:test says goes straight to the user: it takes long. @returns {Promise<Counts>} */
async function soak() {
  process.env.GLOSSA_SOAK = "1";
  const tests = testsIn("tests").filter((name) => readFileSync(name, "utf8").includes("GLOSSA_SOAK"));
  if (await show(userNode, ["--test", "--test-reporter=spec", ...tests])) throw new StepFailure("");
  return onePass();
}

/** Every fuzz target, of each sanitizer that is named, over its corpus, then for a while on its own. @returns {Promise<Counts>} */
async function fuzz() {
  const named = process.argv.slice(2).filter((name) => name.startsWith("sanitize"));
  const trees = named.length ? named : ["sanitize"];
  const targets = trees.flatMap((tree) => files(`build/${tree}`, /\/fuzz_[a-z0-9_]+$/));
  if (!targets.length) throw new StepFailure("build/sanitize holds no fuzz target; run the step sanitize first");
  const counts = { passed: 0, failed: 0, skipped: 0, notes: /** @type {string[]} */ ([]) };
  let output = "";
  const queue = [...targets];
  const worker = async () => {
    for (let target = queue.shift(); target; target = queue.shift()) {
      const name = target.slice(target.lastIndexOf("/") + 1);
      const corpus = `tests/fuzz/corpus/${name.replace("fuzz_", "")}`;
      const found = `build/fuzz/${name}`;
      await run("mkdir", ["-p", found]);
      const args = [`-max_total_time=${fuzzSeconds}`, "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"];
      args.push(`-artifact_prefix=${found}/`, found, ...(existsSync(corpus) ? [corpus] : []));
      const result = await attempt(target, args);
      const runs = numberIn(result.output, /stat::number_of_executed_units:\s+(\d+)/);
      counts.notes.push(`${target.replace("build/", "")}: ${runs} inputs`);
      if (result.status || !runs) {
        counts.failed++;
        output += `$ ${target} ${args.join(" ")}\n${result.output.split("\n").slice(-60).join("\n")}\n`;
      } else counts.passed++;
    }
  };
  await Promise.all(Array.from({ length: Number(jobs) }, worker));
  if (counts.failed) throw new StepFailure(output, counts);
  return counts;
}

// ---- setting up: outside the steps, since their output may be long and the user waits for it ----

/** @param {string} command @param {string[]} args */
function show(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** @param {string} command @param {string[]} args */
async function mustRun(command, args) {
  if (await show(command, args)) {
    console.log(`✗ ${relative(root, command) || command} ${args.join(" ")}\n\n0 passed, 1 failed`);
    process.exit(1);
  }
}

/** @param {number} start */
const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

async function main() {
  const wanted = process.argv.slice(2);
  if (wanted.some((word) => word === "--help" || word === "-h")) return console.log(usage);
  const known = Object.keys(steps);
  const unknown = wanted.filter((name) => name !== "check" && !known.includes(name));
  if (unknown.length) {
    console.error(`unknown step ${unknown.join(", ")}\n${usage}`);
    process.exit(2);
  }
  const chosen = known.filter(
    (name) =>
      (!wanted.length && !steps[name].alone) ||
      wanted.includes(name) ||
      (steps[name].check && wanted.includes("check")),
  );

  let start = performance.now();
  await mustRun(join(root, ".ci/setup"), ["test"]);
  if (!existsSync("node_modules/.package-lock.json")) await mustRun("npm", ["ci", "--no-audit", "--no-fund"]);
  console.log(`✓ setup (${since(start)})`);
  if (chosen.some((name) => !steps[name].check)) {
    start = performance.now();
    await mustRun(join(root, ".ci/build"), []);
    console.log(`✓ build: WebAssembly and declarations (${since(start)})`);
  }

  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const name of chosen) {
    start = performance.now();
    try {
      const counts = await steps[name].run();
      total.passed += counts.passed;
      total.skipped += counts.skipped;
      const sum = counts.passed > 1 ? `${counts.passed} passed, ` : "";
      console.log(`✓ ${name}: ${steps[name].about} (${sum}${since(start)})`);
      for (const note of counts.notes) console.log(`    ${note}`);
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      total.passed += error.counts.passed ?? 0;
      total.failed += Math.max(1, error.counts.failed ?? 1);
      total.skipped += error.counts.skipped ?? 0;
      console.log(`✗ ${name}: ${steps[name].about} (${since(start)})\n${error.output.replace(/^/gm, "    ")}`);
    }
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed ? 1 : 0;
}

await main();
