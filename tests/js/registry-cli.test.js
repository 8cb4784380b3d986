// `glossa models` and `glossa translate --from --to` against the imitated homes.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { folder as marianFolder } from "./marianmt-folder.js";
import { fileName, startHomes, studentFiles } from "./registry-homes.js";

const GLOSSA = fileURLToPath(new URL("../../src/js/cli/glossa.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "glossa-models-"));

/** @type {import("./registry-homes.js").Homes} */
let homes;
before(async () => {
  homes = await startHomes();
  homes.addMozilla("en", "fr", studentFiles({ seed: 21 }), {
    architecture: "base-memory",
    quality: { bleu: 40, comet22: 0.8 },
  });
  homes.addMozilla("en", "fr", studentFiles({ seed: 22, width: 16, ffn: 16 }), {
    architecture: "tiny",
    quality: { bleu: 50, comet22: 0.9 },
  });
  homes.addMozilla("fr", "en", studentFiles({ seed: 23 }), { version: "3.0" });
});
after(async () => {
  await homes.close();
  rmSync(folder, { recursive: true });
});

/**
 * @param {string[]} args
 * @param {{input?: string, cache?: string, env?: Record<string, string>}} [how]
 * @returns {Promise<{status: number | null, stdout: string, stderr: string}>}
 */
function glossa(args, { input = "", cache = "cache", env = {} } = {}) {
  const child = spawn(process.execPath, [GLOSSA, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_NO_WARNINGS: "1",
      GLOSSA_REGISTRY: "mozilla,huggingface",
      GLOSSA_MOZILLA_CATALOGUE: homes.mozilla.catalogue,
      GLOSSA_MOZILLA_FILES: homes.mozilla.files,
      HF_ENDPOINT: homes.hub.endpoint,
      GLOSSA_CACHE: join(folder, cache),
      ...env,
    },
  });
  const said = { stdout: "", stderr: "" };
  for (const stream of /** @type {const} */ (["stdout", "stderr"]))
    child[stream].setEncoding("utf8").on("data", (text) => {
      said[stream] += text;
    });
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, ...said })));
}

test("models are listed, planned, added, told of, verified, carried to another machine and removed", async () => {
  const listed = await glossa(["models", "list", "en-fr", "--available"]);
  assert.equal(listed.stderr, "");
  const lines = listed.stdout.trimEnd().split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[0], /^ +0\.\d MB +en-fr +mozilla en-fr\/base-memory 3\.0 +MPL-2\.0 +bleu 40, comet22 0\.8$/);
  const best = JSON.parse(
    (await glossa(["models", "list", "en-fr", "--available", "--variant", "best", "--json"])).stdout,
  );
  assert.deepEqual(
    best.map((/** @type {any} */ { variant }) => variant),
    ["tiny", "base-memory"],
  );

  homes.take();
  const plan = await glossa(["models", "add", "en-fr", "fr-en", "--dry-run"]);
  assert.match(plan.stdout, /mozilla en-fr\/base-memory 3\.0 {2}MPL-2\.0.*\n.*fr-en/);
  assert.deepEqual(homes.take(), []); // the catalogue is not an hour old
  const added = await glossa(["models", "add", "en-fr"]);
  assert.deepEqual(
    [added.stdout, added.stderr, added.status],
    ["en-fr  mozilla en-fr/base-memory 3.0  MPL-2.0\n", "", 0],
  );
  assert.match(
    (await glossa(["models", "info", "en-fr"])).stdout,
    /^licence {4}MPL-2\.0\nmodel {6}mozilla en-fr\/base-memory\n/,
  );
  assert.match(
    (await glossa(["models"])).stdout,
    /^ +0\.\d MB {2}en-fr +mozilla en-fr\/base-memory 3\.0 {2}MPL-2\.0\n$/,
  );
  homes.take();
  const offline = await glossa(["translate", "--from", "en", "--to", "fr", "--offline"], { input: "ab cd\n" });
  assert.equal(offline.stderr, "");
  assert.equal(
    (await glossa(["translate", "--from", "en", "--to", "fr"], { input: "ab cd\n" })).stdout,
    offline.stdout,
  );
  assert.deepEqual(homes.take(), []);

  assert.match((await glossa(["models", "export", "-o", "all.tar"])).stdout, /^en-fr-[\da-f]{8} {2}MPL-2\.0\n$/);
  assert.match(
    (await glossa(["models", "import", "all.tar"], { cache: "other", env: { GLOSSA_OFFLINE: "1" } })).stdout,
    /^en-fr/,
  );
  const there = await glossa(["translate", "--from", "en", "--to", "fr", "--cache-dir", "other", "--offline"], {
    input: "ab cd\n",
  });
  assert.deepEqual([there.stdout, there.stderr], [offline.stdout, ""]);
  assert.deepEqual(homes.take(), []);

  assert.deepEqual((await glossa(["models", "verify"])).status, 0);
  const [kept] = readdirSync(join(folder, "cache")).filter((name) => name.endsWith(".gguf"));
  const file = join(folder, "cache", kept);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(file, bytes);
  const damaged = await glossa(["models", "verify"]);
  assert.equal(damaged.status, 1);
  assert.match(damaged.stdout, /^DAMAGED \(another checksum\)/);
  const mended = await glossa(["translate", "--from", "en", "--to", "fr"], { input: "ab cd\n" });
  assert.deepEqual([mended.stdout, mended.stderr], [offline.stdout, ""]);
  assert.equal((await glossa(["models", "verify"])).status, 0);
  assert.equal((await glossa(["models", "remove", "en-fr"])).status, 0);
  assert.match((await glossa(["models", "list"])).stderr, /no downloaded model is kept/);
});

test("update takes a newer version, and only that", async () => {
  assert.equal((await glossa(["models", "add", "fr-en"], { cache: "update" })).status, 0);
  assert.match((await glossa(["models", "update"], { cache: "update" })).stdout, /^fr-en .* up to date\n$/);
  homes.addMozilla("fr", "en", studentFiles({ seed: 24 }), { version: "3.1" });
  for (const name of readdirSync(join(folder, "update")).filter((name) => name.endsWith(".catalogue")))
    rmSync(join(folder, "update", name)); // it is asked again after an hour
  assert.equal(
    (await glossa(["translate", "--from", "fr", "--to", "en"], { cache: "update", input: "ab\n" })).stderr,
    "",
  );
  assert.match((await glossa(["models", "list"], { cache: "update" })).stdout, /3\.0/); // not by itself
  assert.match(
    (await glossa(["models", "update", "fr-en"], { cache: "update" })).stdout,
    /^fr-en {2}3\.0 -> mozilla fr-en\/base-memory 3\.1\n$/,
  );
  const models = await glossa(["models", "list"], { cache: "update" });
  assert.match(models.stdout, /3\.1/);
  assert.equal(models.stdout.split("\n").length, 2);
});

test("a repository of the Hub by its name; a list of one's own; what is wrong on the command line", async () => {
  homes.addHub("Some-Body/opus-mt-en-de", marianFolder(), { licence: null });
  const refused = await glossa(["models", "add", "en-de", "--from", "hf:Some-Body/opus-mt-en-de"]);
  assert.match(refused.stderr, /Some-Body\/opus-mt-en-de tells no licence.*--licence/);
  const added = await glossa([
    "models",
    "add",
    "en-de",
    "--from",
    "hf:Some-Body/opus-mt-en-de",
    "--licence",
    "CC-BY-4.0",
  ]);
  assert.match(added.stdout, /^en-de {2}huggingface Some-Body\/opus-mt-en-de [\da-f]{8} {2}CC-BY-4\.0\n$/);

  const parts = studentFiles({ seed: 25 });
  for (const place of ["sources", "lists"]) mkdirSync(join(folder, place));
  for (const [type, bytes] of Object.entries(parts))
    writeFileSync(join(folder, "sources", fileName(type, "enit")), bytes);
  assert.equal((await glossa(["convert", "sources", "-o", "lists/en-it.gguf", "--license", "MIT"])).status, 0);
  assert.equal((await glossa(["models", "--index", "lists"])).status, 0);
  const own = await glossa(["models", "list", "--available", "--from", "./lists"]);
  assert.match(own.stdout, / here +en-it +file:.*manifest\.json en-it {2}MIT\n$/);
  const byList = await glossa(["translate", "--from", "en", "--to", "it"], {
    input: "ab\n",
    env: { GLOSSA_REGISTRY: "./lists" },
  });
  assert.deepEqual([byList.stderr, byList.stdout.length > 2], ["", true]);
  const nowhere = await glossa(["models", "add", "en-it", "--from", "./nowhere"]);
  assert.match(nowhere.stderr, /nowhere\/manifest\.json/);
  for (const [args, status, message] of /** @type {[string[], number, RegExp][]} */ ([
    [["models", "frobnicate"], 2, /no command "frobnicate"/],
    [["models", "add"], 2, /add takes pairs/],
    [["models", "add", "english"], 2, /"english" is no pair/],
    [["models", "add", "en-fr", "--from", "nowhere"], 2, /--from is "nowhere"/],
    [["models", "info", "en-xx"], 1, /no model en-xx is kept/],
    [["models", "export"], 2, /export needs -o/],
    [["models", "import", "/nowhere.tar"], 1, /nowhere\.tar: there is no such file/],
    [["models", "import", GLOSSA], 1, /no archive of models/],
    [["models", "add", "xx-yy"], 1, /no model from xx to yy.*in mozilla, huggingface/],
    [["models", "add", "en-fr", "--variant", "huge"], 1, /no model of the variant "huge" from en to fr/],
  ])) {
    const result = await glossa(args);
    assert.match(result.stderr, message);
    assert.equal(result.status, status);
  }
});

test("an archive that lies is refused, and nothing of it is kept", async () => {
  const cache = "liars";
  assert.equal((await glossa(["models", "add", "fr-en", "--cache-dir", "source"])).status, 0);
  assert.equal((await glossa(["models", "export", "-o", "good.tar", "--cache-dir", "source"])).status, 0);
  const good = readFileSync(join(folder, "good.tar"));
  const tries = /** @type {[string, (bytes: Buffer) => Buffer][]} */ ([
    [
      "checksum of fr-en",
      (bytes) => bytes.fill(bytes[bytes.length - 4000] ^ 1, bytes.length - 4000, bytes.length - 3999),
    ],
    ["cut short", (bytes) => bytes.subarray(0, bytes.length - 20_000)],
    ["no archive of models", (bytes) => bytes.fill("x", 3, 6)],
    [
      "lacks what an export has",
      (bytes) => Buffer.from(bytes.toString("latin1").replace('"kept"', '"kepT"'), "latin1"),
    ],
  ]);
  for (const [message, change] of tries) {
    writeFileSync(join(folder, "bad.tar"), change(Buffer.from(good)));
    const result = await glossa(["models", "import", "bad.tar"], { cache });
    assert.match(result.stderr, new RegExp(message));
    assert.equal(result.status, 1);
  }
  assert.match((await glossa(["models", "list"], { cache })).stderr, /no downloaded model/);
});

test("through a proxy, where the environment names one", async () => {
  /** @type {string[]} */
  const asked = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.headers["proxy-authorization"]} ${request.url}`);
    get(String(request.url), { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (proxy.address());
  const env = { http_proxy: `http://me:pass%20word@127.0.0.1:${port}`, no_proxy: "" };
  const added = await glossa(["models", "add", "fr-en"], { cache: "proxied", env });
  assert.deepEqual([added.stderr, added.status], ["", 0]);
  assert.equal(asked.length, 5);
  for (const line of asked) assert.match(line, /^Basic bWU6cGFzcyB3b3Jk http:\/\/127\.0\.0\.1:\d+\//);
  const except = await glossa(["models", "add", "fr-en"], {
    cache: "direct",
    env: { ...env, no_proxy: "example.com,127.0.0.1" },
  });
  assert.equal(except.status, 0);
  assert.equal(asked.length, 5);
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
  const gone = await glossa(["models", "add", "fr-en"], { cache: "gone", env });
  assert.match(gone.stderr, /127\.0\.0\.1:\d+ cannot be reached \(.*ECONNREFUSED/);
});

const openssl = spawnSync("openssl", ["version"]).status === 0;

test("an encrypted address is asked through the proxy's tunnel", { skip: openssl ? false : "no openssl" }, async () => {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert];
  spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject]);
  const secure = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
    response.end(`${request.headers.host} ${request.url} ${request.headers.range}`),
  );
  /** @type {string[]} */
  const tunnels = [];
  const proxy = createServer().on("connect", (request, socket) => {
    tunnels.push(String(request.url));
    const other = connect(Number(String(request.url).split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      other.pipe(socket).pipe(other);
    });
    for (const end of [socket, other]) end.on("error", () => {});
  });
  const [site, tunnel] = await Promise.all(
    [secure, proxy].map(
      (server) =>
        /** @type {Promise<number>} */ (
          new Promise((resolve) =>
            server.listen(0, "127.0.0.1", () => resolve(/** @type {any} */ (server.address()).port)),
          )
        ),
    ),
  );
  const script = `import { proxyFetch } from ${JSON.stringify(new URL("../../src/js/registry/proxy.js", import.meta.url))};
const response = await proxyFetch(process.env)("https://localhost:${site}/x?y=1", { headers: { range: "bytes=1-" } });
console.log(response.status, await response.text());`;
  const env = { ...process.env, https_proxy: `127.0.0.1:${tunnel}`, NODE_EXTRA_CA_CERTS: cert };
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  await new Promise((resolve) => child.on("close", resolve));
  assert.equal(said, `200 localhost:${site} /x?y=1 bytes=1-\n`);
  assert.deepEqual(tunnels, [`localhost:${site}`]);
  for (const server of [secure, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});
