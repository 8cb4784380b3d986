// What goes wrong on the way of a model: a clear error that names the address and the cause, or recovery; and never a
// cache that is poisoned, nor anything outside its folder.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { keyOf } from "../../src/js/cache-entry.js";
import { tools } from "../../src/js/finding.js";
import { modelCache, Translator } from "../../src/js/index.js";
import { newest, provide } from "../../src/js/registry/index.js";
import { keptModels } from "../../src/js/registry/kept.js";
import { folder as marianFolder } from "./marianmt-folder.js";
import { startHomes, studentFiles } from "./registry-homes.js";

const TEXT = "ab cd ef gh ba dc";
const CATALOGUE = /changeset/;
const MODEL = /\/bucket\/.*\/model\./;
const PACKED = /\/attachments\//;

/** What unpacks to 64 MiB. */
const BOMB = gzipSync(Buffer.alloc(64 * 2 ** 20));

/** @type {import("./registry-homes.js").Homes} */
let homes;
let outside = "";
let cache = "";
const folder = mkdtempSync(join(tmpdir(), "glossa-faults-"));
/** What the model translates to. */
let expected = "";

const registries = () => [{ registry: /** @type {const} */ ("mozilla"), ...homes.mozilla }];

/** @param {any} [options] @param {Partial<import("../../src/js/registry/types.js").Tools>} [lent] */
const way = (options = {}, lent = {}) =>
  provide(
    { sourceLanguage: "en", targetLanguage: "fr" },
    { registries: registries(), ...options },
    { ...tools, pause: 1, ...lent },
  );

/** @param {Awaited<ReturnType<typeof provide>>} provided */
async function translate([{ source }]) {
  const model = "url" in source ? source.url : /** @type {any} */ (source).blob;
  const translator = await Translator.create({ model, worker: false });
  try {
    return await translator.translate(TEXT);
  } finally {
    translator.destroy();
  }
}

/** Everything works now, and what is translated is right. */
async function assertMended() {
  homes.rules.length = 0;
  assert.equal(await translate(await way()), expected);
}

before(async () => {
  homes = await startHomes();
  homes.addMozilla("en", "fr", studentFiles({ seed: 31, width: 64, ffn: 128 }));
  process.env.GLOSSA_CACHE = join(folder, "first");
  expected = await translate(await way());
});
after(async () => {
  await homes.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  outside = mkdtempSync(join(folder, "outside-"));
  cache = join(outside, "cache");
  mkdirSync(cache);
  process.env.GLOSSA_CACHE = cache;
  homes.rules.length = 0;
  homes.requests.length = 0;
});
afterEach(() => {
  assert.deepEqual(readdirSync(outside), ["cache"], "nothing outside the cache is written");
  for (const name of readdirSync(cache))
    assert.match(name, /^[\da-f]{32}\.(gguf|part|lock|lock\.old|(json|catalogue)(\.[\da-f-]{36})?)$/);
});

/** Lets an hour pass for the catalogues that are kept. */
function age(hours = 2) {
  for (const name of readdirSync(cache).filter((name) => name.endsWith(".catalogue"))) {
    const file = join(cache, name);
    const kept = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...kept, fetched: kept.fetched - hours * 3_600_000 }));
  }
}

test("the catalogue down: three tries and an error that names it; with an old one at hand, that is used", async () => {
  homes.rule(CATALOGUE, (answer) => ({ ...answer, status: 503, body: "" }));
  await assert.rejects(way(), {
    name: "NetworkError",
    message:
      /\/v1\/buckets\/main\/collections\/translations-models-v2\/.* answered 503 \(3 tries\).*GLOSSA_MOZILLA_CATALOGUE/,
  });
  assert.equal(homes.take(CATALOGUE).length, 3);
  homes.rules.length = 0;
  await way();
  for (const { url } of await keptModels()) await modelCache.delete(url);
  age();
  homes.rule(CATALOGUE, (answer) => ({ ...answer, status: 503, body: "" }));
  assert.equal(await translate(await way()), expected);
});

test("the catalogue is asked at most once an hour, then by its version; a clock that was wrong does no harm", async () => {
  await way({ signal: undefined });
  const forget = async () => {
    for (const { url } of await keptModels()) await modelCache.delete(url);
    homes.take();
  };
  await forget();
  await way();
  assert.equal(homes.take(CATALOGUE).length, 0);
  await forget();
  age();
  await way();
  const [asked] = homes.take(CATALOGUE);
  assert.match(String(asked.headers["if-none-match"]), /^"/);
  await forget();
  age(-48); // it comes from the day after tomorrow
  await way();
  assert.equal(homes.take(CATALOGUE).length, 1);
  await forget();
  age();
  homes.rule(CATALOGUE, (answer) => ({ ...answer, headers: { backoff: "86000" } }));
  await way();
  age(); // Backoff counts from the answer on
  await forget();
  await way();
  assert.equal(homes.take(CATALOGUE).length, 0);
});

for (const [what, body, error] of /** @type {[string, () => string | Uint8Array, RegExp][]} */ ([
  ["cut short", () => '{"changes":[{"id"', /damaged: it is JSON; /],
  ["a login page", () => "<!DOCTYPE html><title>Log in</title>", /damaged: it is an HTML page/],
  ["of another form", () => '{"changes":"none"}', /its list of records is "none"/],
  ["enormous", () => new Uint8Array(33 * 2 ** 20).fill(32), /has more than 33554432 bytes: it is refused/],
  [
    "of a hundred thousand records",
    () => JSON.stringify({ changes: Array(100_000).fill(0) }),
    /has 100000 entries; more than 20000/,
  ],
]))
  test(`a catalogue that is ${what} is refused by its address, and the kept one goes on`, async () => {
    const bytes = body();
    homes.rule(CATALOGUE, (answer) => ({ ...answer, headers: {}, body: bytes }));
    await assert.rejects(
      way(),
      (/** @type {Error} */ { message }) => /\/v1\/buckets/.test(message) && error.test(message),
    );
    homes.rules.length = 0;
    await way();
    for (const { url } of await keptModels()) await modelCache.delete(url);
    age();
    homes.rule(CATALOGUE, (answer) => ({ ...answer, headers: {}, body: bytes }));
    assert.equal(await translate(await way()), expected);
  });

test("without the bucket's list, or its file, the packed files of the other server do; without both, both are named", async () => {
  homes.rule(/models\.json/, (answer) => ({ ...answer, status: 404, body: "" }));
  assert.equal(await translate(await way()), expected);
  for (const { url } of await keptModels()) await modelCache.delete(url);
  age();
  homes.rules.length = 0;
  homes.rule(MODEL, (answer) => ({ ...answer, status: 403, body: "" }));
  homes.take();
  assert.equal(await translate(await way()), expected);
  assert.equal(homes.take(PACKED).length, 1);
  for (const { url } of await keptModels()) await modelCache.delete(url);
  homes.rule(PACKED, (answer) => ({ ...answer, status: 404, body: "" }));
  await assert.rejects(way(), {
    name: "NetworkError",
    message: /attachments\/.* answered 404: there is no such file.*bucket\/.*model\..* answered 403: access is denied/,
  });
  await assertMended();
});

test("a connection that breaks goes on where it broke, by Range and If-Range", async () => {
  homes.rule(MODEL, (answer, { times }) => (times === 0 ? { ...answer, cut: 30_000 } : answer));
  assert.equal(await translate(await way()), expected);
  const [first, second] = homes.take(MODEL);
  assert.equal(first.headers.range, undefined);
  assert.equal(second.headers.range, "bytes=30000-");
  assert.match(String(second.headers["if-range"]), /^"/);
});

test("after an abort another process goes on where it stopped; with another version it starts anew", async () => {
  const stop = new AbortController();
  homes.rule(MODEL, (answer) => ({ ...answer, cut: 30_000 }));
  const begun = way({ signal: stop.signal, onProgress: (/** @type {number} */ f) => f > 0.1 && stop.abort() });
  await assert.rejects(begun, { name: "AbortError" });
  assert.ok(readdirSync(cache).some((name) => name.endsWith(".part")));
  homes.rules.length = 0;
  homes.take();
  assert.equal(await translate(await way()), expected);
  assert.match(String(homes.take(MODEL)[0].headers.range), /^bytes=\d{4,5}-$/);

  for (const { url } of await keptModels()) await modelCache.delete(url);
  homes.rule(MODEL, (answer) => ({ ...answer, cut: 30_000 }));
  await assert.rejects(way(), /3 tries/);
  homes.rules.length = 0;
  homes.rule(MODEL, (answer, { headers }) => {
    assert.match(String(headers["if-range"]), /^"/);
    return { ...answer, headers: { etag: '"another"' } };
  });
  assert.equal(await translate(await way()), expected);
});

test("a connection that stalls behind the last byte: what came is all of it, and nothing is loaded twice", async () => {
  let size = 0;
  homes.rule(MODEL, (answer, { times }) => {
    size = answer.body.length;
    if (times) return answer;
    return { ...answer, headers: { ...answer.headers, "content-length": String(size + 1000) } };
  });
  assert.equal(await translate(await way({}, { stallTime: 2000 })), expected);
  assert.deepEqual(
    homes.take(MODEL).map(({ headers }) => headers.range),
    [undefined, `bytes=${size}-`],
  );
});

test("what was begun by another version that cannot be told from this one is loaded once more, as a whole", async () => {
  homes.rule(MODEL, (answer) => ({ ...answer, headers: {}, cut: 30_000, body: Buffer.alloc(90_000, gzipSync("x")) }));
  await assert.rejects(way());
  homes.rules.length = 0;
  homes.rule(MODEL, (answer) => ({ ...answer, headers: {} }));
  assert.equal(await translate(await way()), expected);
});

for (const [what, change] of /** @type {[string, import("./registry-homes.js").Rule][]} */ ([
  ["knows no Range", (answer) => ({ ...answer, whole: true })],
  [
    "answers 206 from another place",
    (answer, { headers }) =>
      headers.range ? { ...answer, whole: true, status: 206, headers: { "content-range": "bytes 0-1/2" } } : answer,
  ],
  [
    "says that the range is none",
    (answer, { headers }) => (headers.range ? { ...answer, whole: true, status: 416, body: "" } : answer),
  ],
]))
  test(`a server that ${what}: from the beginning`, async () => {
    homes.rule(MODEL, (answer, { times }) => (times === 0 ? { ...answer, cut: 30_000 } : answer));
    homes.rule(MODEL, change);
    assert.equal(await translate(await way()), expected);
  });

for (const [what, body, error] of /** @type {[string, (bytes: Uint8Array) => Uint8Array | string, RegExp][]} */ ([
  ["of other content", (bytes) => gzipSync(Buffer.alloc(bytes.length, 7)), /content has|SHA-256 of its content/],
  ["damaged", (bytes) => Buffer.from(bytes).fill(0, 20_000, 20_020), /does not unpack|SHA-256 of its content/],
  ["cut short, and says so", (bytes) => bytes.subarray(0, 40_000), /does not unpack|has \d+ bytes/],
  [
    "too long",
    (bytes) => Buffer.concat([bytes, Buffer.alloc(4 * 2 ** 20)]),
    /longer than the \d+ bytes|does not unpack/,
  ],
  ["a bomb", () => BOMB, /unpacks to more than the \d+ bytes/],
  ["a page", () => "<!DOCTYPE html><title>Log in</title>", /what came is an HTML page/],
  [
    "a pointer of Git LFS",
    () => "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    /pointer of Git LFS/,
  ],
  ["empty", () => "", /has 0 bytes/],
]))
  test(`a file that is ${what} is refused by its address, and not kept`, async () => {
    homes.rule(MODEL, (answer) => ({ ...answer, body: body(/** @type {Uint8Array} */ (answer.body)) }));
    await assert.rejects(way(), (/** @type {Error} */ { name, message }) => {
      assert.match(message, error);
      assert.match(message, /\/bucket\/.*\/model\./);
      return name === "DataError";
    });
    assert.ok(!readdirSync(cache).some((name) => name.endsWith(".part")), "nothing of it stays");
    await assertMended();
  });

test("429 and Retry-After are obeyed where they ask for a short pause, and told where for a long one", async () => {
  homes.rule(MODEL, (answer, { times }) =>
    times ? answer : { ...answer, status: 429, headers: { "retry-after": "1" }, body: "" },
  );
  assert.equal(await translate(await way()), expected);
  for (const { url } of await keptModels()) await modelCache.delete(url);
  homes.rules.length = 0;
  homes.rule(MODEL, (answer) => ({ ...answer, status: 429, headers: { "retry-after": "3600" }, body: "" }));
  await assert.rejects(way(), {
    name: "NetworkError",
    message: /answered 429: too many requests \(1 try\); it asks to come back in 3600 seconds/,
  });
});

test("redirects in a circle, and to what is no web address", async () => {
  homes.rule(MODEL, (answer, { url }) => ({ ...answer, status: 302, headers: { location: url.pathname }, body: "" }));
  await assert.rejects(way(), { message: /model\..* leads on more than 8 times/ });
  homes.rules.length = 0;
  homes.rule(MODEL, (answer) => ({ ...answer, status: 302, headers: { location: "file:///etc/passwd" }, body: "" }));
  await assert.rejects(way(), { message: /model\..* leads to file:\/\/\/etc\/passwd: only http/ });
  await assertMended();
});

test("a server that goes silent is given up", async () => {
  homes.rule(MODEL, (answer) => ({ ...answer, hang: true }));
  await assert.rejects(way({}, { stallTime: 200 }), { message: /model\..* does not answer \(3 tries\)/ });
});

test("no room on the disk: told before anything is loaded, or when it runs out", async () => {
  const fs = process.getBuiltinModule("node:fs").promises;
  const { statfs, open } = fs;
  try {
    fs.statfs = /** @type {any} */ (async () => ({ bavail: 10, bsize: 4096 }));
    await assert.rejects(way(), {
      name: "QuotaExceededError",
      message: /needs \d+ bytes while it is made, and there are 40960 in /,
    });
    assert.equal(homes.take(MODEL).length, 0);
    fs.statfs = statfs;
    fs.open = /** @type {any} */ (
      async (/** @type {any[]} */ ...args) => {
        const handle = await open(.../** @type {Parameters<typeof open>} */ (args));
        if (!/\.part$/.test(String(args[0]))) return handle;
        handle.appendFile = async () => {
          throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        };
        return handle;
      }
    );
    await assert.rejects(way(), { name: "QuotaExceededError", message: /no room for http.*full/ });
  } finally {
    Object.assign(fs, { statfs, open });
  }
  await assertMended();
});

test("a kept model that was damaged is made again; offline it is an error", async () => {
  await way();
  const file = () => join(cache, String(readdirSync(cache).find((name) => name.endsWith(".gguf"))));
  const damage = () => {
    const bytes = readFileSync(file());
    bytes[1000] ^= 1;
    writeFileSync(file(), bytes);
  };
  damage();
  assert.equal(await translate(await way()), expected);
  damage();
  homes.take();
  await assert.rejects(way({ offline: true }), { name: "NotSupportedError" });
  assert.deepEqual(homes.take(), []);
});

test("a newer converter uses what an older one made, until update", async () => {
  await way();
  const [record] = await keptModels();
  const url = record.url.replace(/-\d+$/, "-0");
  const [from, to] = [record.url, url].map((address) => join(cache, keyOf(address)));
  writeFileSync(`${to}.gguf`, readFileSync(`${from}.gguf`));
  writeFileSync(`${to}.json`, JSON.stringify({ ...record, url, about: { ...record.about, converter: 0 } }));
  await modelCache.delete(record.url);
  homes.take();
  assert.equal(await translate(await way()), expected);
  assert.deepEqual(homes.take(), []);
  const [old] = await keptModels();
  assert.equal(old.about.converter, 0);
  const { make } = await newest(old, { registries: registries() }, tools);
  await make(() => {});
  assert.deepEqual((await keptModels()).map(({ about }) => about.converter).sort(), [0, 1]);
});

test("records that lie are left out by name; the others go on", async () => {
  const [good] = homes.records;
  const lies = /** @type {[string, object, RegExp][]} */ ([
    ["name", { name: "../../.bashrc" }, /its name is "\.\.\/\.\.\/\.bashrc", and must be the name of a file/],
    ["size", { decompressedSize: 2 ** 53 }, /its decompressedSize is 9007199254740992/],
    ["negative size", { decompressedSize: -1 }, /decompressedSize is -1/],
    ["hash", { decompressedHash: "abc" }, /decompressedHash is "abc"/],
    ["language", { sourceLanguage: "no language" }, /sourceLanguage is "no language"/],
    [
      "location",
      { attachment: { ...good.attachment, location: "../../../x" } },
      /attachment's location is "\.\.\/\.\.\/\.\.\/x"/,
    ],
    [
      "address",
      { attachment: { ...good.attachment, location: "https://elsewhere.invalid/x" } },
      /attachment's location/,
    ],
    ["nothing", { attachment: null }, /attachment's size is undefined/],
  ]);
  for (const [name, lie, error] of lies) {
    homes.rule(CATALOGUE, (answer) => ({
      ...answer,
      headers: {},
      body: JSON.stringify({ changes: [{ ...good, ...lie, id: name }] }),
    }));
    await assert.rejects(
      way({ cache: false }),
      (/** @type {Error} */ { message }) => error.test(message) && message.includes(name),
    );
    homes.rules.length = 0;
    homes.rule(CATALOGUE, (answer) => ({
      ...answer,
      headers: {},
      body: JSON.stringify({ changes: [{ ...good, ...lie }, ...homes.records] }),
    }));
    if (name === "name") assert.equal(await translate(await way({ cache: false })), expected);
    homes.rules.length = 0;
  }
});

test("filter expressions mean what Firefox means by them; unknown ones, old versions and other files are passed over", async () => {
  const list = async (/** @type {object[]} */ changes, /** @type {any} */ options = {}) => {
    homes.rule(CATALOGUE, (answer) => ({ ...answer, headers: {}, body: JSON.stringify({ changes }) }));
    const models = await Translator.models({ registries: [{ ...registries()[0], ...options }] });
    homes.rules.length = 0;
    rmSync(cache, { recursive: true });
    mkdirSync(cache);
    return models.map(({ id, version }) => `${id} ${version}`);
  };
  const as = (/** @type {object} */ change) => homes.records.map((record) => ({ ...record, ...change }));
  const desktop = as({ filter_expression: "env.appinfo.OS != 'Android'", architecture: "base" });
  const android = as({ filter_expression: "env.appinfo.OS == 'Android'", architecture: "tiny" });
  const nightly = as({
    filter_expression: "env.channel == 'default' || env.channel == 'nightly'",
    architecture: "base",
    version: "3.1a1",
  });
  const unknown = as({ filter_expression: "env.version > '200'", architecture: "huge" });
  const past = as({ version: "2.0", architecture: "past" });
  const future = as({ version: "4.0", architecture: "future" });
  const judge = as({ fileType: "qualityModel", architecture: "judge" });
  const all = [...android, ...nightly, ...unknown, ...past, ...future, ...judge, ...desktop];
  assert.deepEqual(await list(all), ["en-fr/base 3.0", "en-fr/tiny 3.0"]);
  assert.deepEqual(await list(all, { channel: "nightly" }), ["en-fr/base 3.1a1", "en-fr/tiny 3.0"]);
  // the model's version decides; a vocabulary that stayed behind does not count
  const left = as({ version: "3.2" }).filter(({ fileType }) => fileType !== "model");
  assert.deepEqual(await list([...homes.records, ...left]), ["en-fr/base-memory 3.0"]);
  const half = as({ version: "3.2" }).filter(({ fileType }) => fileType === "model");
  assert.deepEqual(await list([...half, ...as({ version: "3.1", architecture: "base" })]), ["en-fr/base 3.1"]);
});

test("the Hub: pages without end or elsewhere, pointers, other sums, other paths, commits that are none", async () => {
  const name = "Some-Body/opus-mt-en-fr";
  homes.addHub(name, marianFolder(), { pages: 2 });
  const from = (/** @type {string} */ repository) => ({
    registries: [{ registry: "huggingface", ...homes.hub, repositories: [repository] }],
  });
  const TREE = /tree/;
  for (const [rule, error] of /** @type {[[RegExp, import("./registry-homes.js").Rule], RegExp][]} */ ([
    [
      [TREE, (answer, { url }) => ({ ...answer, headers: { link: `<${url.href}>; rel="next"` } })],
      /tree.* has pages without end/,
    ],
    [
      [TREE, (answer) => ({ ...answer, headers: { link: '<https://elsewhere.invalid/>; rel="next"' } })],
      /elsewhere\.invalid.*another origin/,
    ],
    [
      [TREE, (answer) => ({ ...answer, body: String(answer.body).replaceAll('"size":', '"size":9e15,"x":') })],
      /is refused: its size is 9000000000000000/,
    ],
    [
      [TREE, (answer) => ({ ...answer, body: String(answer.body).replace(/"oid":"[\da-f]{64}"/g, '"oid":"sha"') })],
      /its oid is "sha"/,
    ],
    [
      [/revision/, (answer) => ({ ...answer, body: '{"sha":"main","tags":["license:mit"]}' })],
      /names the commit "main"/,
    ],
    [[/revision/, (answer) => ({ ...answer, body: "nothing" })], /revision.* is damaged/],
    [[/vocab\.json/, (answer) => ({ ...answer, body: "{}" })], /vocab\.json is damaged, or another version/],
    [
      [/blobs/, (answer) => ({ ...answer, body: Buffer.alloc(100) })],
      /is damaged, or another version|does not answer|ended/,
    ],
  ])) {
    homes.rule(...rule);
    await assert.rejects(way(from(name)), { message: error });
    homes.rules.length = 0;
  }
  homes.addHub("Some-Body/opus-mt-fr-de", marianFolder(), { pointers: true });
  const pair = { sourceLanguage: "fr", targetLanguage: "de" };
  await assert.rejects(provide(pair, /** @type {any} */ (from("Some-Body/opus-mt-fr-de")), tools), {
    message: /pointer of Git LFS/,
  });
  await assert.rejects(way(from("../etc")), { message: /"\.\.\/etc" is no repository/ });
  // a token that is no longer valid does not shut what is open to all
  homes.rule(/revision/, (answer, { headers }) =>
    headers.authorization ? { ...answer, status: 401, body: "" } : answer,
  );
  await way({ registries: [{ ...from(name).registries[0], token: "old" }] });
});

test("OPUS-MT is looked for by its names, the smallest kind first", async () => {
  const files = marianFolder();
  homes.addHub("Helsinki-NLP/opus-mt-tc-big-fi-et", files);
  homes.addHub("Helsinki-NLP/opus-mt-fi-et", files);
  const registries = [{ registry: /** @type {const} */ ("huggingface"), ...homes.hub }];
  const [found] = await provide({ sourceLanguage: "fi", targetLanguage: "et" }, { registries }, tools);
  assert.match(found.origin.id, /^Helsinki-NLP\/opus-mt-tc-big-fi-et@[\da-f]{40}$/);
  assert.deepEqual(
    homes.take(/revision/).map(({ path }) => path.split("/")[5]),
    ["opus-mt_tiny_fin-est", "opus-mt-tc-big-fi-et"],
  );
  await assert.rejects(provide({ sourceLanguage: "fi", targetLanguage: "xx" }, { registries }, tools), {
    name: "NotSupportedError",
  });
});

const GLOSSA = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));

/** `glossa models add en-fr` in a process of its own. */
function addElsewhere() {
  const env = {
    ...process.env,
    GLOSSA_REGISTRY: "mozilla",
    GLOSSA_MOZILLA_CATALOGUE: homes.mozilla.catalogue,
    GLOSSA_MOZILLA_FILES: homes.mozilla.files,
  };
  const child = spawn(process.execPath, [GLOSSA, "models", "add", "en-fr"], { env, stdio: "ignore" });
  return { child, ended: new Promise((resolve) => child.on("close", resolve)) };
}

test("two processes load a model once", async () => {
  homes.rule(MODEL, (answer) => answer);
  const [one, two] = [addElsewhere(), addElsewhere()];
  assert.deepEqual(await Promise.all([one.ended, two.ended]), [0, 0]);
  assert.equal(homes.take(MODEL).length, 1);
  await assertMended();
});

test("kill -9 at every stage leaves nothing that is wrong", async () => {
  const stages = [/changeset/, /models\.json/, MODEL, /\/vocab\./, /\/lex\./];
  for (const stage of stages) {
    homes.rules.length = 0;
    /** @type {() => void} */
    let kill = () => {};
    homes.rule(stage, (answer, { times }) => {
      if (times) return answer;
      setTimeout(() => kill(), 40);
      return { ...answer, cut: 20_000 };
    });
    const { child, ended } = addElsewhere();
    kill = () => child.kill("SIGKILL");
    await ended;
  }
  homes.rules.length = 0;
  for (const wait of [5, 25, 60]) {
    // while it is unpacked and converted
    const { child, ended } = addElsewhere();
    homes.rule(/\/lex\./, (answer) => {
      setTimeout(() => child.kill("SIGKILL"), wait);
      return answer;
    });
    await ended;
    homes.rules.length = 0;
  }
  await assertMended();
  assert.ok(existsSync(cache));
  assert.equal((await modelCache.list()).filter(({ about }) => about?.part === "source").length, 0);
  const left = readdirSync(cache).filter((name) => /\.[\da-f-]{36}$/.test(name));
  for (const name of left) utimesSync(join(cache, name), 0, 0);
  age();
  await provide({ sourceLanguage: "fr", targetLanguage: "xx" }, { registries: registries() }, tools).catch(() => {});
  assert.deepEqual(
    readdirSync(cache).filter((name) => /\.[\da-f-]{36}$/.test(name)),
    [],
  );
});

test("an abort ends it at every stage; what was loaded is not loaded again", async () => {
  for (const stage of [CATALOGUE, /models\.json/, MODEL, /\/vocab\./]) {
    const stop = new AbortController();
    homes.rule(stage, (answer) => {
      setTimeout(() => stop.abort(new Error("enough")), 5);
      return { ...answer, hang: true };
    });
    await assert.rejects(way({ signal: stop.signal }), { message: "enough" });
    homes.rules.length = 0;
  }
  const stop = new AbortController();
  const converting = way({ signal: stop.signal, onProgress: (/** @type {number} */ f) => f > 0.9 && stop.abort() });
  await assert.rejects(converting, { name: "AbortError" });
  assert.deepEqual(await keptModels(), []);
  homes.take();
  assert.equal(await translate(await way()), expected);
  assert.deepEqual(homes.take(/\/bucket\/models/), [], "the conversion starts again from the kept files");

  // while another has the lock
  for (const { url } of await keptModels()) await modelCache.delete(url);
  /** @type {() => void} */
  let go = () => {};
  const held = new Promise((resolve) => {
    go = () => resolve(undefined);
  });
  /** @type {() => void} */
  let begin = () => {};
  const begun = new Promise((resolve) => {
    begin = () => resolve(undefined);
  });
  const slow = way({
    fetch: async (/** @type {string} */ url, /** @type {any} */ init) => {
      if (MODEL.test(url)) {
        begin();
        await held;
      }
      return fetch(url, init);
    },
  });
  await begun; // it has the lock
  const waiting = new AbortController();
  const second = way({ signal: waiting.signal });
  setTimeout(() => waiting.abort(), 400);
  await assert.rejects(second, { name: "AbortError" });
  go();
  assert.equal(await translate(await slow), expected);
});

test("a variant is chosen by size, by quality or by name, and asks nobody the second time", async () => {
  homes.addMozilla("fi", "en", studentFiles({ seed: 51, width: 64 }), {
    architecture: "base",
    quality: { comet22: 0.8 },
  });
  homes.addMozilla("fi", "en", studentFiles({ seed: 52, width: 32 }), {
    architecture: "tiny",
    quality: { comet22: 0.7 },
  });
  homes.addMozilla("fi", "en", studentFiles({ seed: 53, width: 48 }), {
    architecture: "base-memory",
    quality: { comet22: 0.9 },
  });
  const pair = { sourceLanguage: "fi", targetLanguage: "en" };
  const ids = async (/** @type {string | undefined} */ variant) =>
    (await provide(pair, { registries: registries(), variant }, tools)).map(({ origin }) => origin.id);
  const wanted = /** @type {[string | undefined, string][]} */ ([
    [undefined, "fi-en/base"],
    ["smallest", "fi-en/tiny"],
    ["best", "fi-en/base-memory"],
    ["tiny", "fi-en/tiny"],
  ]);
  for (const [variant, id] of wanted) assert.deepEqual(await ids(variant), [id]);
  homes.take();
  for (const [variant, id] of wanted) assert.deepEqual(await ids(variant), [id]);
  assert.deepEqual(homes.take(), []);
  await assert.rejects(ids("../x"), { name: "TypeError", message: /"variant" is "\.\.\/x"/ });
  await assert.rejects(provide(pair, { registries: /** @type {any} */ (["nowhere"]) }, tools), {
    name: "TypeError",
    message: /The registry "nowhere" is not known/,
  });
});
