// A static file server for the page: a few folders of the project, nothing above them.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".gguf": "application/octet-stream",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * The file that a request path names, or null: nothing outside the mounted folders is served, hidden files neither.
 * @param {Record<string, string>} mounts folders by URL prefix, such as {"/": "web", "/models/": "models"}
 * @param {string} path
 */
function locate(mounts, path) {
  let decoded;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  if (decoded.includes("\0") || decoded.split(/[/\\]/).some((part) => part.startsWith("."))) return null;
  const prefix = Object.keys(mounts)
    .filter((mount) => decoded.startsWith(mount))
    .sort((a, b) => b.length - a.length)[0];
  if (!prefix) return null;
  const folder = normalize(mounts[prefix] + sep);
  const file = join(folder, decoded.slice(prefix.length), decoded.endsWith("/") ? "index.html" : "");
  return file.startsWith(folder) ? file : null;
}

/**
 * The bytes that a Range header asks for: null for all of them, false where it cannot be met.
 * @param {string | undefined} header
 * @param {number} size
 * @returns {{ start: number, end: number } | null | false} both inclusive
 */
function rangeOf(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (!match[1] && !match[2])) return null;
  const start = match[1] ? Number(match[1]) : Math.max(0, size - Number(match[2]));
  const end = match[1] && match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  return start <= end ? { start, end } : false;
}

/**
 * @param {Record<string, string>} mounts
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
async function answer(mounts, request, response) {
  /** @param {number} status @param {Record<string, string | number>} [headers] */
  const refuse = (status, headers = {}) => response.writeHead(status, { "Content-Length": 0, ...headers }).end();
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, { Allow: "GET, HEAD" });
  const file = locate(mounts, (request.url ?? "/").split(/[?#]/)[0]);
  const facts = file === null ? null : await stat(file).catch(() => null);
  if (!file || !facts) return refuse(404);
  if (facts.isDirectory())
    return refuse(301, { Location: `${(request.url ?? "/").split(/[?#]/)[0].replace(/^\/+/, "/")}/` });
  if (!facts.isFile()) return refuse(404);
  const tag = `"${facts.size.toString(36)}-${Math.trunc(facts.mtimeMs).toString(36)}"`;
  if (request.headers["if-none-match"] === tag) return refuse(304, { ETag: tag });
  const range = rangeOf(request.headers.range, facts.size);
  if (range === false) return refuse(416, { "Content-Range": `bytes */${facts.size}` });
  response.writeHead(range ? 206 : 200, {
    "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    "Content-Length": range ? range.end - range.start + 1 : facts.size,
    "Cache-Control": "no-cache",
    "Accept-Ranges": "bytes",
    ETag: tag,
    "X-Content-Type-Options": "nosniff",
    ...(range ? { "Content-Range": `bytes ${range.start}-${range.end}/${facts.size}` } : {}),
  });
  if (request.method === "HEAD") return response.end();
  await pipeline(createReadStream(file, range ?? {}), response);
}

/**
 * Starts the server.
 * @param {object} options
 * @param {Record<string, string>} options.mounts folders by URL prefix
 * @param {number} [options.port] 0, the default, takes any that is free
 * @param {string} [options.host]
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export function serveFolders({ mounts, port = 0, host = "localhost" }) {
  const server = createServer((request, response) => {
    answer(mounts, request, response).catch(() => response.destroy()); // the reader went away, or the file did
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const taken = typeof address === "object" && address ? address.port : port;
      resolve({
        url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
