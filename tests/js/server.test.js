// The static file server of the page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serveFolders } from "../../src/js/cli/server.js";

const folder = mkdtempSync(join(tmpdir(), "glossa-server-"));
/** @type {Awaited<ReturnType<typeof serveFolders>>} */
let server;

before(async () => {
  mkdirSync(join(folder, "site/sub"), { recursive: true });
  mkdirSync(join(folder, "models"));
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(folder, "site/.hidden"), "secret");
  writeFileSync(join(folder, "site/index.html"), "<title>page</title>");
  writeFileSync(join(folder, "site/sub/index.html"), "<title>sub</title>");
  writeFileSync(join(folder, "site/engine.wasm"), "0123456789");
  writeFileSync(join(folder, "models/a b.gguf"), "GGUF");
  server = await serveFolders({ mounts: { "/": join(folder, "site"), "/models/": join(folder, "models") } });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/**
 * A request whose path is sent as it is: fetch would tidy it up.
 * @param {string} path
 * @param {import("node:http").RequestOptions} [options]
 * @returns {Promise<{ status?: number, headers: import("node:http").IncomingHttpHeaders, body: string }>}
 */
function get(path, options) {
  return new Promise((resolve, reject) => {
    const sent = request(server.url, { path, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("serves files of every mounted folder with their types", async () => {
  const page = await get("/?x=1");
  assert.equal(page.body, "<title>page</title>");
  assert.match(page.headers["content-type"] ?? "", /^text\/html/);
  assert.equal((await get("/engine.wasm")).headers["content-type"], "application/wasm");
  assert.equal((await get("/models/a%20b.gguf")).body, "GGUF");
  assert.equal((await get("/sub/")).body, "<title>sub</title>");
  const moved = await get("/sub");
  assert.equal(moved.status, 301);
  assert.equal(moved.headers.location, "/sub/");
});

test("serves nothing else", async () => {
  for (const path of [
    "/secret.txt",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/models/../../secret.txt",
  ])
    assert.equal((await get(path)).status, 404, path);
  for (const path of [
    "/.hidden",
    "/sub/..%5c..%5csecret.txt",
    "/%00",
    "/%E0%A4%A",
    "/none",
    "/models/",
    "//etc/passwd",
  ])
    assert.equal((await get(path)).status, 404, path);
  assert.equal((await get("/", { method: "POST" })).status, 405);
});

test("answers ranges, as an interrupted download asks for them", async () => {
  const ranged = (/** @type {string} */ range) => get("/engine.wasm", { headers: { range } });
  const middle = await ranged("bytes=2-4");
  assert.deepEqual([middle.status, middle.body, middle.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
  assert.equal((await ranged("bytes=7-")).body, "789");
  assert.equal((await ranged("bytes=-2")).body, "89");
  assert.equal((await ranged("bytes=8-99")).body, "89");
  assert.equal((await ranged("bytes=10-")).status, 416);
  assert.equal((await ranged("lines=1-2")).status, 200);
});

test("HEAD and a known version send no body", async () => {
  const head = await get("/engine.wasm", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "10", ""]);
  const again = await get("/engine.wasm", { headers: { "if-none-match": head.headers.etag ?? "" } });
  assert.deepEqual([again.status, again.body], [304, ""]);
});

test("a page whose name was made to lead here is refused", async () => {
  const { port } = new URL(server.url);
  const status = async (/** @type {string} */ host) => (await get("/", { headers: { host } })).status;
  for (const host of ["localhost", `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "LOCALHOST:9000"])
    assert.equal(await status(host), 200, host);
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "a@localhost",
  ])
    assert.equal(await status(host), 403, host);
  const everywhere = await serveFolders({ mounts: { "/": join(folder, "site") }, host: "0.0.0.0" });
  const asked = (/** @type {string} */ host) => fetchStatus(everywhere.url.replace("0.0.0.0", "127.0.0.1"), host);
  assert.equal(await asked("192.0.2.1:8080"), 200);
  assert.equal(await asked("evil.example"), 403);
  await everywhere.close();
});

/** @param {string} url @param {string} host @returns {Promise<number | undefined>} */
const fetchStatus = (url, host) =>
  new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });

test("links lead about in a folder, not out of it", async () => {
  symlinkSync(join(folder, "secret.txt"), join(folder, "site/out.txt"));
  symlinkSync(folder, join(folder, "site/up"));
  symlinkSync(join(folder, "site/engine.wasm"), join(folder, "site/in.wasm"));
  symlinkSync(join(folder, "site"), join(folder, "linked"));
  for (const path of ["/out.txt", "/up/secret.txt", "/up/", "/up"]) assert.equal((await get(path)).status, 404, path);
  assert.equal((await get("/in.wasm")).body, "0123456789");
  const linked = await serveFolders({ mounts: { "/": join(folder, "linked") } });
  assert.equal(await fetchStatus(`${linked.url}engine.wasm`, "localhost"), 200);
  await linked.close();
});

test("a part of another version is not asked for: then the whole comes", async () => {
  const { headers } = await get("/engine.wasm", { method: "HEAD" });
  const part = (/** @type {string} */ version) =>
    get("/engine.wasm", { headers: { range: "bytes=2-4", "if-range": version } });
  assert.deepEqual([(await part(String(headers.etag))).status, (await part(String(headers.etag))).body], [206, "234"]);
  for (const other of ['"other"', "Wed, 21 Oct 2015 07:28:00 GMT", `W/${headers.etag}`]) {
    const { status, body } = await part(other);
    assert.deepEqual([status, body], [200, "0123456789"], other);
  }
});

test("half a request is not waited for", async () => {
  const hasty = await serveFolders({ mounts: { "/": join(folder, "site") }, patience: 200 });
  for (const half of ["GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", ""]) {
    const socket = connect(Number(new URL(hasty.url).port), "localhost");
    socket.resume();
    socket.write(half);
    await once(socket, "close");
  }
  await hasty.close();
});
