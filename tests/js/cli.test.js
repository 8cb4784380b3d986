// The command line: lines in and out, resuming, explanations, and wrong usage.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readLines } from "../../src/js/cli/lines.js";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const GLOSSA = path("src/js/cli/glossa.js");
const MODEL = path("models/en-de.gguf");
const folder = mkdtempSync(join(tmpdir(), "glossa-cli-"));
after(() => rmSync(folder, { recursive: true }));

/** @param {string[]} args @param {string | Buffer} [input] */
function glossa(args, input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [GLOSSA, ...args], {
    input,
    encoding: "utf8",
    cwd: folder,
    env: { ...process.env, GLOSSA_OFFLINE: "1" },
  });
  return { status, stdout, stderr };
}

const translate = (/** @type {string[]} */ ...args) => ["translate", "--model", MODEL, ...args];

test("each line in gives one line out, and stdout has nothing else", () => {
  const input = Buffer.concat([
    Buffer.from("A dog runs.\n\n   \nTwo men sit. A woman\u2028laughs.\r\n"),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from("last line without an end"),
  ]);
  const { status, stdout, stderr } = glossa(translate(), input);
  assert.equal(stderr, "");
  assert.equal(status, 0);
  const lines = stdout.split("\n");
  assert.equal(lines.length, 7);
  assert.match(lines[0], /^Ein Hund/);
  assert.deepEqual(lines.slice(1, 3), ["", "   "]);
  assert.match(lines[3], /\r$/);
  assert.equal(lines[6], "");
  assert.equal(glossa(translate(), "").stdout, "");
});

test("lines are answered while more may come", async () => {
  const child = spawn(process.execPath, [GLOSSA, ...translate()], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdout.setEncoding("utf8");
  for (const line of ["A dog runs.\n", "Two men sit.\n"]) {
    child.stdin.write(line);
    const [answer] = await once(child.stdout, "data");
    assert.match(answer, /^[^\n]+\n$/);
  }
  child.stdin.end();
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("two jobs give what one gives; --resume goes on after the last whole line", () => {
  // soak.test.js does this with 2,000 lines and kills it
  const input = join(folder, "in.txt");
  writeFileSync(input, "A dog runs.\nTwo men sit on a bench.\n\nA woman in red laughs.\nOne child\n".repeat(40));
  const one = glossa(translate(input));
  assert.equal(one.stdout.split("\n").length, 201);
  assert.equal(glossa(translate("--jobs", "2", input)).stdout, one.stdout);
  const output = join(folder, "out.txt");
  writeFileSync(output, one.stdout.slice(0, one.stdout.length / 3));
  const resume = translate("--jobs", "2", "-o", output, "--resume");
  assert.equal(glossa([...resume, input]).status, 0);
  assert.equal(readFileSync(output, "utf8"), one.stdout);
  const { status, stderr } = glossa(resume, "A dog.\n");
  assert.deepEqual([status, /another file/.test(stderr)], [1, true]);
  assert.equal(readFileSync(output, "utf8"), one.stdout);
});

const SENTENCE = "A dog runs.\n";

test("the output may be the input, through links too, and is whole or as it was", () => {
  const expected = glossa(translate(), SENTENCE.repeat(3)).stdout;
  const [file, symbolic, hard] = ["same.txt", "symbolic.txt", "hard.txt"].map((name) => join(folder, name));
  writeFileSync(file, SENTENCE.repeat(3), { mode: 0o640 });
  symlinkSync(file, symbolic);
  linkSync(file, hard);
  for (const [input, output] of [
    [file, file],
    [symbolic, file],
    [file, symbolic],
    [file, hard],
    [file, `${folder}/./same.txt`],
  ]) {
    for (const path of [file, hard]) rmSync(path);
    writeFileSync(file, SENTENCE.repeat(3), { mode: 0o640 });
    linkSync(file, hard);
    const { status, stderr } = glossa(translate(input, "-o", output));
    assert.deepEqual([status, stderr], [0, ""], output);
    assert.equal(readFileSync(output, "utf8"), expected);
    assert.equal(statSync(output).mode & 0o777, 0o640);
    assert.ok(lstatSync(symbolic).isSymbolicLink());
  }
  writeFileSync(file, SENTENCE.repeat(3));
  const resumed = glossa(translate(file, "-o", file, "--resume"));
  assert.deepEqual([resumed.status, /is the input/.test(resumed.stderr)], [1, true]);
  writeFileSync(join(folder, "utf32.txt"), "\xff\xfe\0\0A\0\0\0", "latin1");
  assert.equal(glossa(translate("utf32.txt", "-o", "utf32.txt")).status, 1);
  assert.equal(readFileSync(join(folder, "utf32.txt")).length, 8);
  assert.equal(readFileSync(file, "utf8"), SENTENCE.repeat(3));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".part")),
    [],
  );
});

const noFull = !existsSync("/dev/full") && "there is no /dev/full";

test("a full disk is status 1, on standard output too; what is no file cannot be resumed", { skip: noFull }, () => {
  for (const args of [translate("-o", "/dev/full"), translate()]) {
    const { status, stderr } = spawnSync(process.execPath, [GLOSSA, ...args], {
      input: SENTENCE,
      encoding: "utf8",
      stdio: ["pipe", args.includes("-o") ? "pipe" : openSync("/dev/full", "w"), "pipe"],
    });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^glossa[^\n]*(full|ENOSPC|no space)[^\n]*\n$/);
  }
  const { status, stderr } = glossa(translate("-o", "/dev/full", "--resume"), SENTENCE);
  assert.equal(status, 1);
  assert.match(stderr, /\/dev\/full is no regular file/);
});

test("UTF-16 with a byte order mark is read, other encodings are refused by name", async () => {
  /** @param {Buffer} input @param {number} size of the pieces that it comes in */
  const linesOf = async (input, size) => {
    const pieces = Array.from({ length: Math.ceil(input.length / size) }, (_, i) =>
      input.subarray(i * size, (i + 1) * size),
    );
    const lines = [];
    for await (const some of readLines(/** @type {any} */ (pieces), "in.txt")) lines.push(...some);
    return lines;
  };
  const text = "Zwei H\u00fcnde \ud83d\ude00.\n\u72d7\n\nthe end";
  const marked = Buffer.from(`\ufeff${text}`, "utf16le");
  for (const input of [marked, Buffer.from(marked).swap16(), Buffer.from(`\ufeff${text}`), Buffer.from(text)])
    for (const size of [1, 2, 3, 5, 1000]) assert.deepEqual(await linesOf(input, size), text.split("\n"));
  assert.deepEqual(await linesOf(Buffer.from("\xff\xfe\nA\0", "latin1"), 9), ["\ufffd\ufffd", "A\0"]);
  for (const [input, name] of /** @type {[Buffer, string][]} */ ([
    [Buffer.from("A dog", "utf16le"), "UTF-16LE without a byte order mark"],
    [Buffer.from("A dog", "utf16le").swap16(), "UTF-16BE without a byte order mark"],
    [Buffer.from("\xff\xfe\0\0A\0\0\0", "latin1"), "UTF-32LE"],
    [Buffer.from("\0\0\xfe\xff\0\0\0A", "latin1"), "UTF-32BE"],
    [Buffer.from("\x84\x31\x95\x33abc", "latin1"), "GB18030"],
    [Buffer.from("+/v8-abc", "latin1"), "UTF-7"],
  ]))
    for (const size of [1, 1000])
      await assert.rejects(linesOf(input, size), (/** @type {Error} */ { message }) =>
        message.startsWith(`in.txt is in ${name}: make UTF-8 of it first`),
      );
  const { stdout } = glossa(translate(), Buffer.from("\ufeffA dog runs.\n", "utf16le"));
  assert.match(stdout, /^Ein Hund[^\n]*\n$/);
});

test("languages as locales write them", () => {
  const manifest = join(folder, "locales.json");
  const model = { id: "en-de", source: "en_US", target: "de_DE", url: MODEL, bytes: 0, sha256: "" };
  writeFileSync(manifest, JSON.stringify({ version: 1, models: [model] }));
  const args = ["translate", "--source", "en_GB", "--target", "de_AT", "--manifest", manifest];
  assert.match(glossa(args, SENTENCE).stdout, /Hund/);
});

test("what a file says gives a terminal no orders", async () => {
  const evil = readFileSync(MODEL);
  const name = Buffer.from("glossa.source_language");
  const at = evil.indexOf(name) + name.length + 12;
  evil.write("\x1b\x9b", at, "latin1");
  evil.write("\x1b[", evil.indexOf("general.name") + "general.name".length + 12, "latin1");
  writeFileSync(join(folder, "evil.gguf"), evil);
  evil.write("\x1b\x07", at, "latin1");
  writeFileSync(join(folder, "evil2.gguf"), evil);
  const orders = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;
  for (const args of [
    ["inspect", "evil.gguf"],
    ["inspect", "evil2.gguf"],
    ["inspect", "--json", "evil2.gguf"],
    ["translate", "--model", "evil2.gguf", "--source", "en", "--target", "de"],
    ["explain", "--model", "evil2.gguf", "A dog."],
    ["convert", "evil2.gguf", "-o", join(folder, "evil.bin")],
  ]) {
    const { stdout, stderr } = glossa(args, SENTENCE);
    assert.ok(!orders.test(stdout + stderr), `${args.join(" ")}: ${JSON.stringify((stdout + stderr).slice(0, 300))}`);
  }
  assert.match(glossa(["inspect", "evil2.gguf"]).stdout, /\\u001b\\u0007/);
});

test("a reader that stops early, as head does, is no failure", async () => {
  const child = spawn(process.execPath, [GLOSSA, ...translate()], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdin.write("A dog runs.\n".repeat(500));
  child.stdin.end();
  await once(child.stdout, "data");
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.equal(stderr, "");
});

test("--split, --beam, --glossary and --raw", () => {
  const { stdout } = glossa(translate("--split", "--beam", "4"), "A dog runs. Two men sit.\n");
  assert.match(stdout, /^Ein Hund[^.]*\. Zwei Männer[^.]*\.\n$/);
  const glossary = join(folder, "terms.tsv");
  writeFileSync(glossary, "dog\tWauwau\r\n\n");
  assert.match(glossa(translate("--glossary", glossary), "A dog runs.\n").stdout, /Wauwau/);
  writeFileSync(glossary, "dog Wauwau\n");
  assert.equal(glossa(translate("--glossary", glossary), "A dog runs.\n").status, 2);
  assert.equal(glossa(translate("--raw"), "See {name}.\n").stdout.split("\n").length, 2);
});

test("explain: text, JSON, SVG and HTML", () => {
  const explain = (/** @type {string[]} */ ...args) => glossa(["explain", "--model", MODEL, ...args]);
  const text = explain("A dog runs.", "--beam", "2");
  assert.match(text.stdout, /^Ein Hund.*\n\nsource: ·A ·dog/);
  const json = JSON.parse(explain("A dog & <man>. Two men.", "--json").stdout);
  assert.equal(json.sentences.length, 2);
  assert.ok(Array.isArray(json.sentences[0].cross.data));
  for (const [flag, pattern] of /** @type {[string, RegExp][]} */ ([
    ["--svg", /^<svg [\s\S]*<\/svg>\n$/],
    ["--html", /^<!doctype html>[\s\S]*<\/html>\n$/],
  ])) {
    const { stdout, status } = explain('A "dog" & <man>', flag);
    assert.equal(status, 0);
    assert.match(stdout, pattern);
    assert.doesNotMatch(stdout, /<man>|https?:\/\/(?!www\.w3\.org)|<script/);
    assert.match(stdout, /&#60;/);
  }
  assert.equal(explain("A dog. Two dogs.", "--svg").status, 1);
});

test("models: languages are found in a folder of checkpoints, once it is indexed", () => {
  const models = join(folder, "models");
  mkdirSync(models);
  assert.match(glossa(["models", "--index", models]).stderr, /no checkpoint/);
  copyFileSync(path("tests/golden/hello/en-ja.gguf"), join(models, "en-ja.gguf"));
  const { status, stdout, stderr } = glossa(["models", "--index", models]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /manifest\.json: en-ja\.gguf/);
  const manifest = join(models, "manifest.json");
  const [model] = JSON.parse(readFileSync(manifest, "utf8")).models;
  assert.deepEqual([model.id, model.source, model.target, model.licence], ["en-ja", "en", "ja", "mit"]);
  const args = ["translate", "--source", "en", "--target", "ja", "--manifest", manifest];
  assert.equal(glossa(args, "hello\n").stdout, "こんにちは\n");
  assert.equal(glossa(["models", "--index", models, "--clear"]).status, 2);
  const none = spawnSync(process.execPath, [GLOSSA, "models"], {
    encoding: "utf8",
    env: { ...process.env, GLOSSA_CACHE: join(folder, "cache") },
  });
  assert.deepEqual([none.status, none.stdout], [0, ""]);
  assert.match(none.stderr, /no downloaded model/);
});

test("bench prints a line for each build", () => {
  const { status, stdout } = glossa(["bench", "--model", MODEL, "--runs", "1"]);
  assert.equal(status, 0);
  assert.match(stdout, /simd128 \(.*\): [\d.]+ ms a sentence one by one, \d+ sentences\/s/);
  assert.match(stdout, /relaxed/);
});

test("wrong usage is status 2, a failed job 1, each with a message on stderr alone", () => {
  for (const [args, status, message] of /** @type {[string[], number, RegExp][]} */ ([
    [[], 2, /command is missing/],
    [["frobnicate"], 2, /no command "frobnicate"/],
    [["toString"], 2, /no command/],
    [["translate"], 2, /--model is missing/],
    [translate("--beam", "0"), 2, /--beam is "0".*1 to 16/],
    [translate("--beam", "two"), 2, /--beam is "two"/],
    [translate("--build", "turbo"), 2, /turbo/],
    [translate("--jobs", "99"), 2, /--jobs/],
    [translate("--resume"), 2, /--resume needs --output/],
    [translate("--frobnicate"), 2, /frobnicate/],
    [translate("a", "b"), 2, /one input file/],
    [["explain", "--model", MODEL], 2, /one text/],
    [["explain", "--model", MODEL, "x", "--svg", "--json"], 2, /exclude/],
    [["translate", "--model", "/nowhere.gguf"], 1, /nowhere\.gguf.*check the path/],
    [["translate", "--model", GLOSSA], 1, /glossa\.js is not a GGUF/],
    [["translate", "--source", "en US", "--target", "de"], 1, /"en US" is no language tag/],
    [["translate", "--source", "ja_JP", "--target", "de"], 1, /no model from ja-JP to de/],
    [["translate", "--model", "\u001b[31m.gguf"], 1, /\\u001b\[31m\.gguf/],
    [["frob\u009bnicate"], 2, /no command "frob\\u009bnicate"/],
    [translate("--glossary", "/nowhere.tsv"), 1, /\/nowhere\.tsv: there is no such file/],
    [["inspect", "/nowhere.gguf"], 1, /\/nowhere\.gguf: there is no such file/],
    [["convert", "/nowhere", "-o", "x.gguf"], 1, /\/nowhere: there is no such file/],
    [translate("/nowhere.txt"), 1, /\/nowhere\.txt: there is no such file/],
    [translate(folder), 1, /is a folder/],
    [translate("-o", "/nowhere/x"), 1, /\/nowhere\/x: there is no such file or folder/],
    [["translate", "--source", "xx", "--target", "de"], 1, /no model from xx to de/],
  ])) {
    const result = glossa(args, "A dog runs.\n");
    assert.equal(result.status, status, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, message);
    assert.equal(result.stdout, "");
  }
  assert.match(glossa(["--version"]).stdout, /^\d+\.\d+\.\d+\n$/);
  for (const command of ["--help", "translate", "explain", "bench", "models"])
    assert.match(glossa(command === "--help" ? [command] : [command, "--help"]).stdout, /^Usage: glossa/);
});
