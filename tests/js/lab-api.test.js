// glossa/lab and `glossa train`: a training in workers, alone and shared, looked into, stopped, changed, saved, gone on with.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Lab, labSettings } from "../../src/js/lab/index.js";
import { openLab } from "./lab-core.js";

const SMALL = { width: 32, heads: 2, feedForward: 64 };
const BATCH = { batch: 16, longest: 5, dropout: 0.1, kernels: "exact" };

test("workers that share a training give the bits of one instance", async () => {
  const alone = await openLab({ task: "sort", seed: 5, ...SMALL, ...BATCH, accumulate: 2 });
  let last = alone.step();
  for (let step = 1; step < 12; step++) last = alone.step();
  const expected = alone.save("state");
  for (const threads of [1, 2, 3]) {
    const lab = await Lab.create({
      task: "sort",
      seed: 5,
      network: SMALL,
      training: { ...BATCH, accumulate: 2 },
      threads,
    });
    const reports = [];
    for await (const report of lab.train({ steps: 12, every: 5, heldOut: 0 })) reports.push(report);
    assert.deepEqual(
      reports.map(({ step }) => step),
      [5, 10, 12],
    );
    assert.equal(reports[2].norm, last.norm);
    assert.ok(Buffer.from(await lab.save("state")).equals(expected), `${threads} threads`);
    lab.destroy();
  }
  alone.close();
});

test("a training in place learns, is looked into by name, and its learning rate changes while it runs", async () => {
  await using_(
    await Lab.create({ task: "copy", seed: 3, worker: false, network: SMALL, training: { longest: 3, steps: 300 } }),
    async (lab) => {
      const first = await lab.evaluate(64);
      const rates = [];
      for await (const { step, learningRate, heldOut } of lab.train({ every: 150, heldOut: 64 })) {
        rates.push(learningRate);
        if (step === 150) await lab.set({ learningRate: 1e-3 });
        else assert.ok(heldOut && heldOut.exact > 0.9 && heldOut.loss < first.loss, JSON.stringify(heldOut));
      }
      assert.ok(rates[0] > 1e-3, String(rates));
      assert.deepEqual([lab.info.steps, lab.info.trainingSteps, rates[1]], [300, 300, 0]);
      assert.equal(await lab.predict("907"), "907");
      const { source, target, arrays } = await lab.inspect("907");
      assert.deepEqual(
        [source, target],
        [
          ["9", "0", "7", "</s>"],
          ["9", "0", "7", "</s>"],
        ],
      );
      assert.deepEqual(Object.keys(arrays), ["enc.blk.0.attn", "dec.blk.0.attn", "dec.blk.0.cross_attn"]);
      const cross = arrays["dec.blk.0.cross_attn"];
      assert.deepEqual(cross.shape, [2, 4, 4]);
      for (let row = 0; row < 8; row++) {
        const sum = cross.data.subarray(4 * row, 4 * row + 4).reduce((a, b) => a + b);
        assert.ok(Math.abs(sum - 1) < 1e-5, `row ${row} sums to ${sum}`);
      }
      const named = await lab.inspect("12", ["enc.embd", "enc.blk.0.attn_q.weight"]);
      assert.deepEqual(
        Object.values(named.arrays).map(({ shape }) => shape),
        [
          [3, 32],
          [32, 32],
        ],
      );
      const { source: string, target: copied } = await lab.example(4);
      assert.equal(string, copied);
    },
  );
});

/** @param {Lab} lab @param {(lab: Lab) => Promise<void>} body */
async function using_(lab, body) {
  try {
    await body(lab);
  } finally {
    lab.destroy();
  }
}

test("a training stops at once, goes on in the same lab, and to the bit in another", async () => {
  const options = { task: "reverse", seed: 9, network: SMALL, training: BATCH, threads: 2 };
  await using_(await Lab.create(options), async (lab) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    const endless = async () => {
      for await (const report of lab.train({ steps: 1_000_000, every: 1_000_000, signal: stop.signal }))
        assert.fail(`${report.step} steps were done`);
    };
    await assert.rejects(endless, { name: "AbortError" });
    const { steps } = lab.info;
    assert.ok(steps > 0 && steps < 100_000, String(steps));
    const state = await lab.save("state");
    await using_(await Lab.open(state, { threads: 3 }), async (other) => {
      assert.equal(other.info.steps, steps);
      for (const each of [lab, other])
        for await (const { step } of each.train({ steps: 4, every: 1000 })) assert.equal(step, steps + 4);
      assert.ok(Buffer.from(await lab.save()).equals(await other.save()));
    });
    const busy = lab.train({ steps: 100, every: 100 }).next();
    lab.destroy();
    await assert.rejects(busy, { name: "AbortError" });
    await assert.rejects(lab.predict("1"), { name: "AbortError" });
  });
});

test("errors name the thing and the value, and the lab goes on", async () => {
  const rejects = (/** @type {any} */ options, /** @type {RegExp} */ message) =>
    assert.rejects(Lab.create(options), { name: "TypeError", message });
  await rejects({ network: { widht: 3 } }, /there is no setting 'widht'/);
  await rejects({ network: { width: 70 } }, /'width' and 'feed_forward' are 70 and 256/);
  await rejects({ task: "juggle" }, /setting 'task' is 'juggle', need one of copy/);
  await rejects({ training: 5 }, /The option "training" is 5/);
  await rejects({ training: { steps: null } }, /The setting "steps" is null/);
  await rejects({ threads: 0 }, /The option "threads" is 0; it takes a whole number from 1 to 16/);
  await assert.rejects(Lab.create({ wasm: "/nowhere/lab.wasm" }), {
    name: "NetworkError",
    message: /nowhere\/lab\.wasm/,
  });
  await assert.rejects(Lab.open(new Uint8Array(100)), { name: "DataError", message: /GGUF/ });
  await assert.rejects(Lab.open(/** @type {any} */ ("x.gguf")), { name: "TypeError", message: /"x.gguf"/ });
  await using_(await Lab.create({ task: "copy", network: SMALL, training: BATCH }), async (lab) => {
    await assert.rejects(lab.set({ width: 64 }), { name: "TypeError", message: /'width' is fixed once a lab is open/ });
    await assert.rejects(lab.predict("1x"), /character 1 of the source is none of task 'copy'/);
    await assert.rejects(lab.inspect("1", ["enc.blk.9"]), /there is no array 'enc.blk.9'/);
    await assert.rejects(lab.save(/** @type {any} */ ("both")), /not "both"/);
    const running = lab.train({ steps: 50, every: 50, heldOut: 0 });
    const first = running.next();
    await assert.rejects(lab.train().next(), { name: "InvalidStateError" });
    assert.equal((await first).value?.step, 50);
    await running.return();
  });
  const wild = { ...BATCH, optimizer: "sgd", learningRate: 1e6, schedule: "constant", clip: 0, warmup: 0 };
  await using_(await Lab.create({ task: "copy", network: { ...SMALL, norm: "pre" }, training: wild }), async (lab) => {
    const train = async () => {
      for await (const _ of lab.train({ steps: 90, heldOut: 0 }));
    };
    await assert.rejects(train, /training diverged at step \d+: the loss is .* after step 0 again/);
    await lab.set({ learningRate: 1e-3, clip: 1 });
    await train();
    assert.equal((await lab.evaluate(20)).sequences, 20);
  });
  const names = (await labSettings()).map(({ name }) => name);
  assert.ok(names.includes("encoderLayers") && names.includes("learningRate"));
});

const command = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
/** @param {string[]} args @param {string} [input] */
const glossa = (args, input) => {
  const running = promisify(execFile)(process.execPath, [command, ...args]);
  running.child.stdin?.end(input);
  return running.catch((error) => error);
};

test("glossa train writes a model that glossa translate takes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glossa-train-"));
  try {
    const [model, state] = [join(folder, "copy.gguf"), join(folder, "copy.state")];
    const words = ["train", "--task", "copy", "--seed", "7", "--longest", "4", "--width", "32", "--steps", "300"];
    const short = [...words, "--every", "100", "--held-out", "20", "--threads", "2"];
    const trained = await glossa([...short, "-o", model, "--state", state]);
    assert.equal(trained.code ?? 0, 0, trained.stderr);
    assert.match(
      trained.stderr,
      /step 300 +loss 0\.\d+ +held out: loss 0\.\d+, perplexity [\d.]+, tokens [\d.]+ %, exact [\d.]+ %/,
    );
    assert.equal((await glossa(["translate", "--model", model], "7310\n")).stdout, "7310\n");
    const before = readFileSync(model);
    const again = await glossa(["train", "--resume", "--state", state, "-o", model, "-q"]);
    assert.equal(again.code ?? 0, 0, again.stderr);
    assert.ok(readFileSync(model).equals(before));
    writeFileSync(state, "no state");
    const broken = await glossa(["train", "--resume", "--state", state, "-o", model]);
    assert.deepEqual([broken.code, /GGUF/.test(broken.stderr)], [1, true], broken.stderr);
    assert.ok(readFileSync(model).equals(before));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("glossa train tells what is wrong with its words", async () => {
  for (const [args, status, message] of /** @type {[string[], number, RegExp][]} */ ([
    [["-o", "x"], 2, /name --data or a --task/],
    [["--task", "copy"], 2, /-o MODEL is missing/],
    [["--task", "copy", "-o", "x", "--every", "no"], 2, /--every is "no"/],
    [["--task", "copy", "-o", "x", "--swiftness", "9"], 2, /--swiftness/],
    [["--task", "juggle", "-o", "x"], 1, /setting 'task' is 'juggle'/],
    [["--resume", "-o", "x"], 2, /--resume needs --state/],
  ])) {
    const { code, stderr } = await glossa(["train", ...args]);
    assert.equal(code, status, stderr);
    assert.match(stderr, message);
  }
  assert.match((await glossa(["train", "--help"])).stdout, /--learning-rate +a number/);
});
