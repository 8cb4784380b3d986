// `glossa convert` and `glossa inspect` as a user runs them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseGguf } from "./gguf-parse.js";
import { makeStudent, writeBin, writeNpz, writeSpm } from "./marian-student.js";

const CLI = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "glossa-convert-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} args */
const glossa = (...args) => spawnSync(process.execPath, [CLI, ...args], { cwd: folder, encoding: "utf8" });

const student = makeStudent({});
writeFileSync(join(folder, "model.ende.intgemm.alphas.bin"), writeBin(student, "alphas"));
writeFileSync(join(folder, "vocab.ende.spm"), writeSpm(40));

test("a folder is converted, and the result is inspected", () => {
  const { status, stdout, stderr } = glossa(
    "convert",
    ".",
    "-o",
    "out.gguf",
    "--name",
    "A student",
    "--license",
    "MPL-2.0",
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^out\.gguf: [\d,]+ bytes, [\d.]+ s\n$/);
  const file = readFileSync(join(folder, "out.gguf"));
  const { keys, tensors } = parseGguf(file);
  assert.equal(keys.get("general.name"), "A student");
  assert.equal(keys.get("general.license"), "MPL-2.0");
  assert.ok(!existsSync(join(folder, "out.gguf.part")));

  const shown = glossa("inspect", "out.gguf");
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /glossa\.decoder\.mixer +ssru\n/);
  assert.match(shown.stdout, /unigram, 40 pieces: 1 control, 1 unknown, 38 normal\n/);
  assert.match(shown.stdout, /dec\.blk\.1\.ffn_up\.weight +I8 +\[32, 48\] +1,536\n/);
  assert.match(shown.stdout, /working memory [\d,]+ bytes/);

  const report = JSON.parse(glossa("inspect", "--json", "out.gguf").stdout);
  assert.equal(report.bytes, file.length);
  assert.equal(report.tensors.length, tensors.size);
  let parameters = 0;
  for (const [name, { data }] of tensors) if (!name.endsWith("scale")) parameters += data.length;
  assert.equal(report.totals.parameters, parameters);
  assert.ok(report.engine.workingBytes > 0);
  for (const { name, offset, bytes } of report.tensors)
    assert.deepEqual(
      new Uint8Array(file.subarray(offset, offset + bytes)),
      new Uint8Array(tensors.get(name)?.data.buffer),
      name,
    );
});

test("one file of a folder with several models", () => {
  writeFileSync(join(folder, "other.npz"), writeNpz(student));
  assert.match(glossa("convert", ".", "-o", "x.gguf").stderr, /glossa convert: which model\? The folder has/);
  const { status, stderr } = glossa(
    "convert",
    "other.npz",
    "-o",
    "x.gguf",
    "--type",
    "f32",
    "--source",
    "en",
    "--target",
    "de",
    "-q",
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  assert.equal(parseGguf(readFileSync(join(folder, "x.gguf"))).tensors.get("token_embd.weight")?.type, 0);
  rmSync(join(folder, "other.npz"));
});

test("wrong usage is status 2, a failed job is status 1 and leaves nothing behind", () => {
  for (const args of [
    ["convert"],
    ["convert", "."],
    ["convert", ".", "-o", "x", "--type", "q4"],
    ["convert", ".", "-o", "x", "--what"],
    ["inspect"],
    ["inspect", "a", "b"],
  ]) {
    const { status, stdout, stderr } = glossa(...args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /Usage: glossa/);
  }
  const before = readdirSync(folder);
  writeFileSync(join(folder, "vocab.ende.spm"), writeSpm(41));
  const failed = glossa("convert", ".", "-o", "y.gguf");
  assert.equal(failed.status, 1);
  assert.match(
    failed.stderr,
    /^glossa convert: vocab\.ende\.spm has 41 pieces, but the model's embedding has 40 rows\n$/,
  );
  assert.deepEqual(readdirSync(folder), before);
  writeFileSync(join(folder, "vocab.ende.spm"), writeSpm(40));
  assert.equal(glossa("convert", "nowhere", "-o", "y.gguf").status, 1);
  assert.equal(glossa("inspect", "vocab.ende.spm").status, 1);
  assert.match(glossa("inspect", "vocab.ende.spm").stderr, /vocab\.ende\.spm is not a GGUF file/);
});

test("broken links, pipes and folders beside the files are passed over", () => {
  const hub = join(folder, "hub");
  mkdirSync(join(hub, "onnx"), { recursive: true });
  for (const name of ["model.ende.intgemm.alphas.bin", "vocab.ende.spm"])
    copyFileSync(join(folder, name), join(hub, name));
  symlinkSync("../../blobs/0123", join(hub, "flax_model.msgpack"));
  assert.equal(spawnSync("mkfifo", [join(hub, "pipe.bin")]).status, 0);
  const { status, stderr } = glossa("convert", "hub", "-o", "hub.gguf", "--source", "en_US", "--target", "de");
  assert.equal(status, 0, stderr);
  assert.equal(parseGguf(readFileSync(join(folder, "hub.gguf"))).keys.get("glossa.source_language"), "en-US");
});

test("the output is written beside its place, through no link that others made", () => {
  const victim = join(folder, "victim.txt");
  writeFileSync(victim, "precious");
  symlinkSync(victim, join(folder, "linked.gguf.part"));
  assert.equal(glossa("convert", ".", "-o", "linked.gguf").status, 0);
  assert.equal(readFileSync(victim, "utf8"), "precious");
  rmSync(join(folder, "linked.gguf.part"));
  symlinkSync(join(folder, "linked.gguf"), join(folder, "link.gguf"));
  assert.equal(glossa("convert", ".", "-o", "link.gguf", "--name", "Through a link").status, 0);
  assert.equal(parseGguf(readFileSync(join(folder, "linked.gguf"))).keys.get("general.name"), "Through a link");
  const out = glossa("convert", ".", "-o", "/dev/full");
  assert.equal(out.status, 1);
  assert.match(out.stderr, /^glossa convert: [^\n]+\n$/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".part")),
    [],
  );
});
