// Models from everywhere: memory, files, streams, and downloads that break in every way.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, promises, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { modelCache } from "../../src/js/model-cache.js";
import { readModel } from "../../src/js/model-source.js";
import { digestOf, Sha256 } from "../../src/js/sha256.js";
import { serveModel } from "./model-server.js";

const folder = mkdtempSync(join(tmpdir(), "glossa-cache-"));
process.env.GLOSSA_CACHE = folder;

const bytes = randomBytes(3_000_000);
const digest = createHash("sha256").update(bytes).digest("hex");
/** @type {Awaited<ReturnType<typeof serveModel>>} */
let server;

before(async () => {
  server = await serveModel(bytes);
});
afterEach(async () => {
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
    },
    options,
  );
  return { data: whole(), total, notKept };
}

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
  assert.equal(await modelCache.delete(other.url), true);
  assert.equal(await modelCache.delete(other.url), false);
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
