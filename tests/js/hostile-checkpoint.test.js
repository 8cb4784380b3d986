// Checkpoints made to attack (tests/fuzz/hostile.js): what the WebAssembly builds and the native ones of both widths say to
// them, that the instance goes on, and that no vocabulary makes time grow faster than the text.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bytesOf, model } from "../fuzz/checkpoint.js";
import { LARGE, SMALL } from "../fuzz/hostile.js";
import { BUILDS, openCore } from "./builds.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const WIDTHS = ["native", "sanitize", "sanitize-32"];
const TEXT = "ab A b";
const LONG = "a".repeat(380);

/** What `create` must be told: an error's name, its message. @type {Record<string, [string, RegExp]>} */
const REFUSED = {
  "mix-qf32": ["NotSupportedError", /'enc\.blk\.0\.attn_q\.weight' is I8, but 'enc\.blk\.0\.attn_k\.weight', which/],
  "mix-cross": ["NotSupportedError", /'dec\.blk\.0\.cross_attn_k\.weight' is I8, but 'dec\.blk\.1\.cross_attn_v\.w/],
  "overlap-all": ["DataError", /tensors \S+ and \S+ overlap: \d+ bytes at byte \d+ of the file/],
  "overlap-one": ["DataError", /tensors enc\.blk\.0\.attn_k\.weight and enc\.blk\.0\.attn_q\.weight overlap: 256/],
  "far-id": ["DataError", /vocabulary would take the model to 16\d{6} bytes beside the file, .* of 10\d{5} for a file/],
  "rowsum-wrap": ["DataError", /tensors x0 and x1 overlap: 2097152 bytes/],
  "rowsum-8g": ["DataError", /tensors x0 and x1 overlap/],
  "rowsum-1g": ["DataError", /tensors x0 and x1 overlap/],
  "explain-wrap": ["DataError", /overlap/],
  "cache-wrap": ["DataError", /overlap/],
};

/** @typedef {import("../../src/js/core.js").Core} Core */

/** @param {Core} core @param {Uint8Array} bytes @param {string} text @param {object} [options] */
function translate(core, bytes, text, options = {}) {
  open(core, bytes);
  core.openSession({ sentences: 2, sourceTokens: 2048, beam: 2, rows: 4 });
  core.begin([text], options);
  while (!core.step());
  return core.resultText(0);
}

/** @param {Core} core @param {Uint8Array} bytes */
function open(core, bytes) {
  core.reserve(bytes.length);
  core.write(0, bytes);
  core.openModel();
}

const plain = bytesOf(model({ ssru: true, seed: 1 }));

for (const build of BUILDS)
  test(`hostile checkpoints are refused, or cost what they are worth (${build})`, async () => {
    const { core } = await openCore(build);
    const expected = translate(core, plain, TEXT, { maxLength: 8 });
    const bytesBefore = core.workingBytes;
    for (const [name, make] of Object.entries({ ...SMALL, ...LARGE })) {
      const bytes = make();
      if (REFUSED[name]) {
        const [error, message] = REFUSED[name];
        assert.throws(() => open(core, bytes), { name: error, message }, name);
      } else {
        translate(core, bytes, TEXT, { maxLength: 8 });
      }
      assert.equal(translate(core, plain, TEXT, { maxLength: 8 }), expected, `after ${name}`);
    }
    assert.equal(core.workingBytes, bytesBefore);
    assert.ok(core.heapBytes < 2 ** 26, `the heap has grown to ${core.heapBytes} bytes`);

    assert.equal(translate(core, SMALL["rowsum-unused"](), TEXT, { maxLength: 8 }), expected);
    assert.equal(core.workingBytes, bytesBefore, "tensors that the model has no use for take nothing");
    open(core, SMALL["wide-positions"]());
    core.openSession({ sentences: 1, sourceTokens: 64, beam: 1, rows: 1 });
    assert.ok(core.workingBytes < 100_000, "a context of 65,536 takes nothing before it is used");

    const quota = (/** @type {string} */ what) => ({
      name: "QuotaExceededError",
      message: new RegExp(`${what} needs \\d{10,} bytes beside the \\d+ .* bound of 2147483648 \\(limits\\.memory\\)`),
    });
    translate(core, LARGE["explain-honest"](), LONG, { maxLength: 16 });
    assert.throws(() => core.explain(0, 0), quota("the explanation"));
    assert.ok(core.resultCount(0) > 0, "the batch is still there");
    assert.throws(() => translate(core, LARGE["cache-honest"](), TEXT, { maxLength: 65536 }), quota("the batch"));
    assert.equal(translate(core, plain, TEXT, { maxLength: 8 }), expected);
    core.close();
  });

const folder = mkdtempSync(join(tmpdir(), "glossa-hostile-"));
after(() => rmSync(folder, { recursive: true }));

for (const width of WIDTHS) {
  const command = path(`build/${width}/glossa-native`);
  const absent = !existsSync(command) && `build/${width} is not there: run the step ${width} first`;
  test(`the same natively (${width})`, { skip: absent }, () => {
    for (const [name, make] of Object.entries({ ...SMALL, ...LARGE })) {
      const file = join(folder, name);
      writeFileSync(file, make());
      /** @param {string} input @param {string[]} options */
      const run = (input, ...options) =>
        spawnSync(command, [file, ...options], { input: `${input}\n`, encoding: "utf8" });
      const { status, stderr } = run(TEXT);
      assert.equal(status, REFUSED[name] ? 1 : 0, `${name}: ${stderr}`);
      if (REFUSED[name]) assert.match(stderr, REFUSED[name][1], name);
      if (name !== "explain-honest" || width !== "native") continue; // slow under sanitizers
      const explained = run(LONG, "--digest", "--longest", "16");
      assert.equal(explained.status, 1);
      assert.match(explained.stderr, /the explanation needs 2\d{9} bytes beside the \d+ that the session holds/);
    }
  });
}

/** Least processor time of five runs, in microseconds. @param {() => unknown} work */
function least(work) {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
  }
  return best;
}

for (const name of ["bloom-unigram", "bloom-user", "bloom-bpe-user"])
  test(`${name}: four times the text takes at most eight times as long to tokenize`, async () => {
    const { core } = await openCore("simd128");
    open(core, LARGE[name]());
    core.openSession({ sentences: 1, sourceTokens: 64, beam: 1, rows: 1 });
    const [short, long] = [20_000, 80_000].map((size) => least(() => core.countTokens("a".repeat(size))));
    assert.ok(long <= 8 * short, `${short} and ${long} microseconds`);
    core.close();
  });

test("four times as many pieces that collide take at most eight times as long to open", async () => {
  const { core } = await openCore("simd128");
  const [few, many] = ["collide-5000", "collide-20000"].map((name) => {
    const bytes = LARGE[name]();
    return least(() => open(core, bytes));
  });
  assert.ok(many <= 8 * few, `${few} and ${many} microseconds`);
  core.close();
});
