// Requests through a proxy, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY name one: Node's own fetch looks at them only from
// version 24 on, and only where NODE_USE_ENV_PROXY says so.

import { builtin } from "../platform.js";

/**
 * @param {Record<string, string | undefined>} env
 * @returns {typeof fetch}
 */
export function proxyFetch(env) {
  const named = (/** @type {string} */ name) => env[name.toLowerCase()] || env[name] || "";
  const proxies = {
    "https:": named("HTTPS_PROXY") || named("ALL_PROXY"),
    "http:": named("HTTP_PROXY") || named("ALL_PROXY"),
  };
  const except = named("NO_PROXY")
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  return async (input, init = {}) => {
    const url = new URL(String(input));
    const proxy = proxies[/** @type {"https:" | "http:"} */ (url.protocol)];
    if (!proxy || isExcepted(url, except)) return fetch(input, init);
    return through(new URL(/^[a-z]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`), url, init);
  };
}

/** @param {URL} url @param {string[]} except */
export function isExcepted({ hostname, host }, except) {
  return except.some((rule) => {
    if (rule === "*" || rule === host || rule === hostname) return true;
    const suffix = rule.replace(/^\*?\.?/, ".");
    return hostname.endsWith(suffix);
  });
}

/**
 * @param {URL} proxy
 * @param {URL} url
 * @param {RequestInit} init
 * @returns {Promise<Response>}
 */
async function through(proxy, url, { headers = {}, signal }) {
  const { request } = builtin(proxy.protocol === "https:" ? "https" : "http");
  const credentials = proxy.username
    ? {
        "proxy-authorization": `Basic ${btoa(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`)}`,
      }
    : {};
  const own = { host: url.host, .../** @type {Record<string, string>} */ (headers) };
  const stop = signal ?? undefined;
  if (url.protocol === "http:")
    return answer(
      await sent(
        request({
          host: proxy.hostname,
          port: proxy.port,
          path: url.href,
          headers: { ...own, ...credentials },
          signal: stop,
          agent: false,
        }),
      ),
    );
  const port = url.port || "443";
  const tunnel = request({
    host: proxy.hostname,
    port: proxy.port,
    method: "CONNECT",
    path: `${url.hostname}:${port}`,
    headers: { host: `${url.hostname}:${port}`, ...credentials },
    signal: stop,
    agent: false,
  });
  const socket = await new Promise((resolve, reject) => {
    tunnel.on("error", reject);
    tunnel.on("connect", (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
    });
    tunnel.end();
  });
  const secure = builtin("tls").connect({ socket, servername: url.hostname });
  return answer(
    await sent(
      builtin("https").request({
        host: url.hostname,
        path: url.pathname + url.search,
        headers: own,
        signal: stop,
        createConnection: () => secure, // which an agent would pass over
      }),
    ),
  );
}

/** @param {import("node:http").ClientRequest} request @returns {Promise<import("node:http").IncomingMessage>} */
function sent(request) {
  return new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
    request.end();
  });
}

/** @param {import("node:http").IncomingMessage} message */
function answer(message) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers))
    for (const one of [value ?? []].flat()) headers.append(name, one);
  const status = message.statusCode ?? 502;
  const empty = status === 304 || status === 204;
  if (empty) message.resume();
  const body = empty ? null : /** @type {any} */ (builtin("stream").Readable.toWeb(message));
  return new Response(body, { status, statusText: message.statusMessage, headers });
}
