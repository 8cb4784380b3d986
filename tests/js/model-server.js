// A small server for downloads that go wrong: the query of a URL says how.
//
//   ?status=N       answers N           ?redirect=1   sends on to the same URL without it
//   ?range=0        knows no Range      ?cut=N&times=K  breaks the connection after N bytes, K times in all
//   ?length=N       claims N bytes      ?stall=N      sends N bytes and then nothing more
//   ?etag=E         calls this version E  ?endless=1    never ends, and tells no length
//
// While `portal` is set it answers everything with a page, as a network does where one has to log in first; `version` is
// the ETag of URLs that name none.

import { createServer } from "node:http";

const filler = new Uint8Array(1 << 20);

/**
 * @param {Uint8Array} bytes what every URL has
 */
export async function serveModel(bytes) {
  /** @type {{url: string, range: string | undefined, method: string | undefined}[]} */
  const requests = [];
  /** @type {Map<string, number>} */
  const cuts = new Map();
  const state = { portal: false, version: "" };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const query = url.searchParams;
    const number = (/** @type {string} */ name) => Number(query.get(name) ?? 0);
    requests.push({ url: url.pathname + url.search, range: request.headers.range, method: request.method });
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "range");
    response.setHeader("access-control-expose-headers", "etag, content-range");
    if (query.has("redirect")) {
      query.delete("redirect");
      response.writeHead(302, { location: url.pathname + url.search }).end();
      return;
    }
    if (query.has("status")) {
      response.writeHead(number("status")).end("no");
      return;
    }
    if (state.portal) {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(request.method === "HEAD" ? "" : "<!DOCTYPE html><title>Log in</title>");
      return;
    }
    const version = query.get("etag") ?? state.version;
    if (version) response.setHeader("etag", `"${version}"`);
    if (query.has("endless")) {
      const more = () => {
        while (!response.destroyed && response.write(filler));
      };
      response.on("drain", more);
      response.write("GGUF");
      more();
      return;
    }
    const [, from, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    let start = 0;
    let end = bytes.length;
    if (from && !query.has("range")) {
      start = Number(from);
      if (start >= bytes.length) {
        response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
        return;
      }
      response.statusCode = 206;
      if (last) end = Math.min(end, Number(last) + 1);
      response.setHeader("content-range", `bytes ${start}-${end - 1}/${bytes.length}`);
    }
    const claimed = query.has("length") ? number("length") : end - start;
    response.setHeader("content-length", claimed);
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    const done = cuts.get(url.search) ?? 0;
    if (query.has("cut") && done < (number("times") || 1)) {
      cuts.set(url.search, done + 1);
      response.write(bytes.subarray(start, start + number("cut")), () => setTimeout(() => response.destroy(), 20));
    } else if (query.has("stall")) response.write(bytes.subarray(start, start + number("stall")));
    else response.end(bytes.subarray(start, start + claimed));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/model.gguf`,
    requests,
    state,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
