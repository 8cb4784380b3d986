// The static file server of the page.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
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
