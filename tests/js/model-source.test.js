// Models from everywhere: memory, files, streams, and downloads that break in every way.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  promises,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { modelCache } from "../../src/js/model-cache.js";
import { readModel } from "../../src/js/model-source.js";
import { digestOf, Sha256 } from "../../src/js/sha256.js";
import { serveModel } from "./model-server.js";

const folder = mkdtempSync(join(tmpdir(), "glossa-cache-"));
process.env.GLOSSA_CACHE = folder;

const bytes = Buffer.concat([Buffer.from("GGUF"), randomBytes(3_000_000)]);
const digest = createHash("sha256").update(bytes).digest("hex");
/** @type {Awaited<ReturnType<typeof serveModel>>} */
let server;

before(async () => {
  server = await serveModel(bytes);
});
afterEach(async () => {
  Object.assign(server.state, { portal: false, version: "" });
  await modelCache.clear();
  server.requests.length = 0;
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/**
 * @param {import("../../src/js/model-source.js").PlainSource} source
 * @param {import("../../src/js/model-source.js").ReadOptions} [options]
 */
async function collect(source, options) {
  /** @type {Map<number, Uint8Array>} */
  let pieces = new Map();
  let total;
  const whole = () => Buffer.concat([...pieces.entries()].sort((a, b) => a[0] - b[0]).map(([, piece]) => piece));
  const notKept = await readModel(
    source,
    {
      begin(size) {
        pieces = new Map();
        total = size;
      },
      write: (offset, chunk) => pieces.set(offset, chunk.slice()),
      digest: sinkDigests ? () => digestOf(whole()) : undefined,
      open,
    },
    options,
  );
  return { data: whole(), total, notKept };
}

/** What opening the model does. */
let open = () => {};

/** Whether the sink makes the checksum, as it does in browsers. */
let sinkDigests = false;

const at = (query = "") => ({ url: `${server.url}${query}` });

/** @param {string} name @param {RegExp} message */
const named = (name, message) => (/** @type {Error} */ error) => error.name === name && message.test(error.message);

test("SHA-256 in pieces of any size equals the platform's", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003]) {
    const data = randomBytes(size);
    const hash = new Sha256();
    for (let i = 0; i < size; i += 37) hash.update(data.subarray(i, i + 37));
    assert.equal(hash.digest(), createHash("sha256").update(data).digest("hex"), `${size} bytes`);
  }
});

test("memory, a Blob, a stream and a file give their bytes", async () => {
  const file = join(folder, "model.bin");
  writeFileSync(file, bytes);
  for (const source of [
    { bytes },
    { blob: new Blob([bytes]) },
    { stream: /** @type {ReadableStream<Uint8Array>} */ (new Blob([bytes]).stream()) },
    { url: pathToFileURL(file).href },
  ]) {
    const { data } = await collect(source, { sha256: digest });
    assert.ok(data.equals(bytes), Object.keys(source)[0]);
    await assert.rejects(collect("stream" in source ? { bytes } : source, { sha256: "0".repeat(64) }), /checksum/);
  }
  await assert.rejects(
    collect({ url: pathToFileURL(join(folder, "none")).href }),
    named("NetworkError", /none.*check the path/),
  );
});

test("a download is kept, checked, and read from the cache when the server is gone", async () => {
  const other = await serveModel(bytes);
  const source = { url: other.url };
  const { data, total } = await collect(source, { sha256: digest });
  assert.ok(data.equals(bytes));
  assert.equal(total, bytes.length);
  assert.equal(other.requests.length, 1);
  await collect(source, { sha256: digest });
  assert.equal(other.requests.length, 1, "the cache asks nobody where the checksum is known");
  await other.close();
  assert.ok((await collect(source)).data.equals(bytes), "offline without a checksum");
  assert.deepEqual(
    (await modelCache.list()).map(({ url, complete, sha256 }) => ({ url, complete, sha256 })),
    [{ url: other.url, complete: true, sha256: digest }],
  );
  const blob = await modelCache.blob(other.url);
  assert.ok(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer(0)).equals(bytes));
  assert.equal(await modelCache.delete(other.url), true);
  assert.equal(await modelCache.delete(other.url), false);
  assert.equal(await modelCache.blob(other.url), null);
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith("model.bin")),
    [],
  );
});

test("a sink that makes the checksum itself, as in browsers, is asked for it", async () => {
  sinkDigests = true;
  try {
    assert.ok((await collect(at("?cut=700000&etag=a"), { sha256: digest })).data.equals(bytes));
    assert.equal((await modelCache.list())[0].sha256, digest);
    server.requests.length = 0;
    assert.ok((await collect(at("?cut=700000&etag=a"), { sha256: digest })).data.equals(bytes));
    assert.equal(server.requests.length, 0, "from the cache");
    await assert.rejects(collect({ bytes }, { sha256: "0".repeat(64) }), named("DataError", /checksum.*0000/));
  } finally {
    sinkDigests = false;
  }
});

test("a broken download goes on where it stopped, within one load", async () => {
  const { data } = await collect(at("?cut=700000&times=2&etag=a"), { sha256: digest });
  assert.ok(data.equals(bytes));
  const ranges = server.requests.map(({ range }) => Number(/\d+/.exec(range ?? "")?.[0] ?? 0));
  assert.equal(ranges.length, 3);
  assert.ok(ranges[1] > 0 && ranges[2] > ranges[1], String(ranges));
});

test("an aborted download goes on in the next load", async () => {
  const source = at("?etag=a");
  const abort = new AbortController();
  await assert.rejects(
    collect(source, { signal: abort.signal, onProgress: (loaded) => loaded > 1_000_000 && abort.abort() }),
    { name: "AbortError" },
  );
  const [record] = await modelCache.list();
  assert.equal(record.complete, false);
  assert.ok((await collect(source, { sha256: digest })).data.equals(bytes));
  assert.match(server.requests[1].range ?? "", /^bytes=[1-9]\d+-$/);
});

test("what an abort leaves whole is completed without a request; another version, or damage, is loaded anew", {
  timeout: 60_000, // an abort does not wait until the connection counts as broken
}, async () => {
  const source = at("?etag=a");
  const leaveWhole = async () => {
    await modelCache.clear();
    const abort = new AbortController();
    const onProgress = (/** @type {number} */ loaded) => loaded === bytes.length && abort.abort();
    await assert.rejects(collect(source, { signal: abort.signal, onProgress, stallTime: 600_000 }), {
      name: "AbortError",
    });
    const [{ complete, bytes: size }] = await modelCache.list();
    assert.deepEqual([complete, size], [false, bytes.length]);
    server.requests.length = 0;
  };
  const asked = () => server.requests.map(({ method, range }) => `${method} ${range ?? ""}`.trim());

  await leaveWhole();
  assert.ok((await collect(source, { sha256: digest })).data.equals(bytes));
  assert.deepEqual(asked(), []);
  assert.deepEqual(
    [(await complete())[0].sha256, readdirSync(folder).some((name) => name.endsWith(".part"))],
    [digest, false],
  );

  await leaveWhole();
  assert.ok((await collect(source)).data.equals(bytes));
  assert.deepEqual(asked(), ["HEAD"]);

  await leaveWhole();
  const [part] = readdirSync(folder).filter((name) => name.endsWith(".part"));
  writeFileSync(join(folder, part), Buffer.from(bytes).fill(0, 1000, 2000));
  assert.ok((await collect(source, { sha256: digest })).data.equals(bytes));
  assert.deepEqual(asked(), ["GET"]);

  await leaveWhole();
  const [record] = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const kept = JSON.parse(readFileSync(join(folder, record), "utf8"));
  writeFileSync(join(folder, record), JSON.stringify({ ...kept, etag: '"before"' }));
  assert.ok((await collect(source)).data.equals(bytes));
  assert.deepEqual(asked(), ["HEAD", "GET"]);
});

test("a server without Range starts again", async () => {
  assert.ok((await collect(at("?range=0&cut=500000"), { sha256: digest })).data.equals(bytes));
  assert.equal(server.requests.length, 2);
});

test("redirects are followed", async () => {
  assert.ok((await collect(at("?redirect=1"), { sha256: digest })).data.equals(bytes));
});

test("404 fails at once, 500 after several attempts, nothing is kept", async () => {
  await assert.rejects(collect(at("?status=404")), named("NetworkError", /404.*Check the address/));
  assert.equal(server.requests.length, 1);
  await assert.rejects(collect(at("?status=500")), named("NetworkError", /500/));
  assert.equal(server.requests.length, 5);
  assert.ok((await modelCache.list()).every(({ complete }) => !complete));
});

test("a stalled server counts as broken", async () => {
  await assert.rejects(collect(at("?stall=1000"), { stallTime: 50 }), named("NetworkError", /stalled.*goes on/));
});

test("a wrong length or checksum never poisons the cache", async () => {
  await assert.rejects(collect(at("?length=1000"), { sha256: digest }), named("DataError", /checksum/));
  assert.deepEqual(await modelCache.list(), []);
  await assert.rejects(collect(at(), { sha256: "a".repeat(64) }), named("DataError", /checksum.*aaaa/));
  assert.deepEqual(await modelCache.list(), []);
  assert.ok((await collect(at(), { sha256: digest })).data.equals(bytes));
});

test("a damaged file of the cache is loaded again", async () => {
  await collect(at(), { sha256: digest });
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".gguf"));
  writeFileSync(join(folder, name), bytes.subarray(0, 1_000_000));
  assert.ok((await collect(at(), { sha256: digest })).data.equals(bytes));
  assert.equal(server.requests.length, 2);
});

test("an unreachable server is a NetworkError that names it", async () => {
  await assert.rejects(collect({ url: "http://127.0.0.1:9/model.gguf" }), named("NetworkError", /127\.0\.0\.1:9/));
});

test("a full disk is told, and nothing half-written stays", async (t) => {
  const { open } = promises;
  t.mock.method(promises, "open", async (/** @type {string} */ file, /** @type {string} */ flags) => {
    const handle = await open(file, flags);
    let written = 0;
    const full = async (/** @type {Uint8Array} */ chunk) => {
      written += chunk.length;
      if (written > 500_000) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    return Object.assign(handle, { appendFile: full });
  });
  const { data, notKept } = await collect(at(), { sha256: digest });
  assert.ok(data.equals(bytes));
  assert.match(notKept, /full: free some space/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith("model.bin")),
    [],
  );
  t.mock.restoreAll();
  assert.equal((await collect(at(), { sha256: digest })).notKept, "");
  assert.equal((await collect(at(), { cache: false })).notKept, 'the option "cache" is false');
});

test("a cache that cannot be written is no obstacle", async () => {
  const blocked = join(folder, "model.bin");
  writeFileSync(blocked, "a file where a folder should be");
  process.env.GLOSSA_CACHE = blocked;
  try {
    const { data, notKept } = await collect(at(), { sha256: digest });
    assert.ok(data.equals(bytes));
    assert.match(notKept, /cannot be opened/);
    assert.deepEqual(await modelCache.list(), []);
  } finally {
    process.env.GLOSSA_CACHE = folder;
  }
});

const PORTAL = named("DataError", /not a GGUF file: it is an HTML page/);
const noModel = () => {
  throw new DOMException("no model", "DataError");
};
const complete = async () => (await modelCache.list()).filter((record) => record.complete);
/** Files of the one URL that these tests use. */
const stem = () => join(folder, createHash("sha256").update(server.url).digest("hex").slice(0, 32));

test("a portal's page is not kept, and the model is there when the portal is gone", async () => {
  server.state.portal = true;
  await assert.rejects(collect(at()), PORTAL);
  assert.deepEqual(await modelCache.list(), []);
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith("model.bin")),
    [],
  );
  server.state.portal = false;
  assert.ok((await collect(at())).data.equals(bytes));
});

test("a portal takes nothing of what is kept", async () => {
  server.state.version = "1";
  await collect(at());
  server.state.portal = true;
  assert.ok((await collect(at())).data.equals(bytes), "without a checksum the older version is better than none");
  assert.ok((await collect(at(), { sha256: digest })).data.equals(bytes));
  await assert.rejects(collect(at(), { sha256: "a".repeat(64) }), PORTAL);
  assert.equal((await complete()).length, 1);
});

test("what the engine does not open is not kept, and what was kept so by another release is loaded anew", async () => {
  open = noModel;
  try {
    await assert.rejects(collect(at(), { sha256: digest }), { message: "no model" });
  } finally {
    open = () => {};
  }
  assert.deepEqual(await modelCache.list(), []);
  await collect(at());
  const page = Buffer.from("<!doctype html><title>Log in</title>");
  const [record] = await modelCache.list();
  writeFileSync(`${stem()}.gguf`, page);
  const sha256 = createHash("sha256").update(page).digest("hex");
  writeFileSync(`${stem()}.json`, JSON.stringify({ ...record, etag: "", bytes: page.length, sha256 }));
  assert.ok((await collect(at())).data.equals(bytes));
  assert.equal((await complete())[0].sha256, digest);
});

test("a lock is worth nothing when its owner is gone, whoever has the owner's number now", async () => {
  await collect(at());
  const lock = `${stem()}.lock`;
  const old = Date.now() - 60_000;
  const here = readlinkSync("/proc/self/ns/pid");
  for (const text of [
    `${process.pid} ${old}`, // as the release before wrote it
    `1 ${old}`,
    `${process.pid} ${old} elsewhere 1 token`,
    `${process.pid} ${Date.now() + 3_600_000} ${here} 1 token`,
    `${process.pid} ${Date.now()} ${here} 1 token`, // another process had this number
    `99999999 ${Date.now()} ${here} 1 token`, // it runs no more
    "nonsense 1",
  ]) {
    rmSync(`${stem()}.json`);
    writeFileSync(lock, text);
    assert.equal((await collect(at())).notKept, "", text);
    assert.ok(!existsSync(lock));
    writeFileSync(lock, text);
    assert.equal(await modelCache.delete(server.url), true, text);
    await collect(at());
  }
  // One that is renewed is kept to, here and in another container.
  for (const text of [`${process.pid} ${Date.now()} elsewhere 1 token`, `${process.pid} ${Date.now()}`, ""]) {
    rmSync(`${stem()}.json`, { force: true });
    writeFileSync(lock, text);
    assert.match((await collect(at())).notKept, /under way/, text);
    await assert.rejects(modelCache.delete(server.url), { name: "InvalidStateError" });
    rmSync(lock);
  }
});

test("an interrupted process leaves nothing that stops the next one", async () => {
  const slow = `${server.url}?stall=2000000`;
  const script = `
    import { readModel } from ${JSON.stringify(new URL("../../src/js/model-source.js", import.meta.url).href)};
    const sink = { begin() {}, write: (at) => at > 1e6 && console.log("under way") };
    await readModel({ url: ${JSON.stringify(slow)} }, sink);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  assert.match((await collect({ url: slow }, { stallTime: 50 })).notKept, /under way/);
  child.kill("SIGKILL");
  await once(child, "exit");
  server.requests.length = 0;
  await collect({ url: slow }, { stallTime: 50 }).catch(() => {});
  assert.match(server.requests[0].range ?? "", /^bytes=[1-9]/, "goes on where the other was");
});

test("five processes find an outdated model: one keeps the new one, none fails", async () => {
  server.state.version = "1";
  await collect(at());
  server.state.version = "2";
  const script = `
    import { readModel } from ${JSON.stringify(new URL("../../src/js/model-source.js", import.meta.url).href)};
    console.log(await readModel({ url: ${JSON.stringify(server.url)} }, { begin() {}, write() {} }));`;
  const args = ["--input-type=module", "--eval", script];
  const answers = await Promise.all(Array.from({ length: 5 }, () => promisify(execFile)(process.execPath, args)));
  for (const { stdout } of answers) assert.match(stdout, /^(|another download of it is under way)\n$/);
  assert.ok(answers.some(({ stdout }) => stdout === "\n"));
  assert.deepEqual(
    (await complete()).map(({ etag, sha256 }) => ({ etag, sha256 })),
    [{ etag: '"2"', sha256: digest }],
  );
});

test("links that others put into the folder lead nowhere", async () => {
  const victim = join(folder, "model.bin.victim");
  for (const name of ["part", "json.new", "json", "lock"]) {
    writeFileSync(victim, "precious");
    symlinkSync(victim, `${stem()}.${name}`);
    await collect(at());
    await collect(at());
    assert.equal(readFileSync(victim, "utf8"), "precious", name);
    rmSync(`${stem()}.${name}`, { force: true });
    await modelCache.clear();
  }
  rmSync(victim);
});

test("folders where the cache has files are no obstacle", async () => {
  for (const name of ["part", "json", "gguf", "lock"]) {
    mkdirSync(`${stem()}.${name}`);
    const { data, notKept } = await collect(at());
    assert.ok(data.equals(bytes), name);
    assert.match(notKept, /stored|opened|under way/, name);
    rmSync(`${stem()}.${name}`, { recursive: true });
    await modelCache.clear();
  }
});

test("a server that never ends is left", async () => {
  const seen = { bytes: 0 };
  const sink = { begin() {}, write: (/** @type {number} */ offset) => void (seen.bytes = offset) };
  await assert.rejects(readModel({ url: `${server.url}?endless=1` }, sink, { cache: false, untold: 2 ** 24 }), {
    name: "QuotaExceededError",
    message: /more than 16777216 bytes/,
  });
  assert.ok(seen.bytes <= 2 ** 24);
});

test("what is no model is named as what it is", async () => {
  const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
  for (const [content, message] of /** @type {[string, RegExp][]} */ ([
    ["<!DOCTYPE html><html>", /it is an HTML page/],
    ["\xef\xbb\xbf\n <html lang=en>", /it is an HTML page/],
    [lfs, /it is only a pointer of Git LFS: fetch the file itself/],
    ['{"error": "not found"}', /it is JSON/],
    ["<?xml version='1.0'?><Error>", /in XML/],
    ["\x1f\x8b\x08\0", /compressed by gzip/],
    ["PK\x03\x04", /a zip archive/],
    ["\x28\xb5\x2f\xfd", /compressed by zstd/],
    ["abcdef", /starts with the bytes 61 62 63 64/],
  ])) {
    const file = join(folder, "model.bin");
    writeFileSync(file, content, "latin1");
    const data = Buffer.from(content, "latin1");
    for (const source of [{ bytes: data }, { blob: new Blob([data]) }, { url: pathToFileURL(file).href }])
      await assert.rejects(collect(source), named("DataError", message));
  }
});
