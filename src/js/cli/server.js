// A static file server for the page: a few folders of the project, nothing above them.

import { constants, createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
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

/** Where the last part of a path has become a link meanwhile, it is not followed. */
const READ = /** @type {any} */ (constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));

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
  return file.startsWith(folder) ? { folder, file } : null;
}

/**
 * Where a path leads, or null: links may lead about in a folder, not out of it.
 * @param {{folder: string, file: string} | null} place
 */
async function follow(place) {
  if (!place) return null;
  try {
    const [folder, file] = await Promise.all([realpath(place.folder), realpath(place.file)]);
    return file === folder || file.startsWith(folder + sep) ? file : null;
  } catch {
    return null; // there is none
  }
}

/**
 * Whether a request names this server. A page of another site whose name was made to lead here names itself.
 * @param {string | undefined} header Host
 * @param {string} host that the server listens at
 */
function isOurs(header, host) {
  const name =
    /^(.*?)(?::\d*)?$/
      .exec(header ?? "")?.[1]
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase() ?? "";
  if (["localhost", "127.0.0.1", "::1", host.toLowerCase()].includes(name)) return true;
  const everywhere = host === "0.0.0.0" || host === "::";
  return everywhere && (isIP(name) > 0 || name === hostname().toLowerCase());
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
 * @param {string} host
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
async function answer(mounts, host, request, response) {
  /** @param {number} status @param {Record<string, string | number>} [headers] */
  const refuse = (status, headers = {}) => response.writeHead(status, { "Content-Length": 0, ...headers }).end();
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, { Allow: "GET, HEAD" });
  if (!isOurs(request.headers.host, host)) return refuse(403);
  const file = await follow(locate(mounts, (request.url ?? "/").split(/[?#]/)[0]));
  const facts = file === null ? null : await stat(file).catch(() => null);
  if (!file || !facts) return refuse(404);
  if (facts.isDirectory())
    return refuse(301, { Location: `${(request.url ?? "/").split(/[?#]/)[0].replace(/^\/+/, "/")}/` });
  if (!facts.isFile()) return refuse(404);
  const tag = `"${facts.size.toString(36)}-${Math.trunc(facts.mtimeMs).toString(36)}"`;
  if (request.headers["if-none-match"] === tag) return refuse(304, { ETag: tag });
  const wanted = request.headers["if-range"];
  const range = wanted === undefined || wanted === tag ? rangeOf(request.headers.range, facts.size) : null;
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
  await pipeline(createReadStream(file, { flags: READ, ...range }), response);
}

/**
 * Starts the server.
 * @param {object} options
 * @param {Record<string, string>} options.mounts folders by URL prefix
 * @param {number} [options.port] 0, the default, takes any that is free
 * @param {string} [options.host]
 * @param {number} [options.patience] milliseconds that a request may take to come in, and a reader to take nothing
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export function serveFolders({ mounts, port = 0, host = "localhost", patience = 15_000 }) {
  const limits = { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: patience / 4 };
  const server = createServer(limits, (request, response) => {
    answer(mounts, host, request, response).catch(() => response.destroy()); // the reader went away, or the file did
  });
  server.setTimeout(patience);
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
