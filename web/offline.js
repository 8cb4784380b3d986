/// <reference path="./globals.d.ts" />
// The service worker: the page's own files, kept as a set, so that it opens without a network.

/** @type {string[]} */
// biome-ignore lint/correctness/noUndeclaredVariables: written in by the build
const files = FILES;
/** Kept when they have been wanted once. @type {string[]} */
// biome-ignore lint/correctness/noUndeclaredVariables: written in by the build
const later = LATER;
// biome-ignore lint/correctness/noUndeclaredVariables: written in by the build
const cacheName = `glossa-page-${VERSION}`;
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => Promise.all([cache.addAll([".", ...files].map(fresh)), renew(cache).catch(() => {})]))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname.endsWith(".gguf")) return;
  // The network comes first, so that nobody is left with an old page; models are kept by the translator itself.
  event.respondWith(
    fetch(event.request).then(
      (answer) => {
        if (answer.ok && later.includes(nameOf(url))) event.waitUntil(keep(event.request, answer.clone()));
        return answer;
      },
      async () => {
        const cache = await caches.open(cacheName);
        return (await cache.match(event.request, { ignoreSearch: true })) ?? Response.error();
      },
    ),
  );
});

/** @param {string} name of a cache */
const isOld = (name) => name.startsWith("glossa-page-") && name !== cacheName;

/** @param {string} url */
const fresh = (url) => new Request(url, { cache: "no-cache" });

/** @param {URL} url */
const nameOf = ({ pathname }) => pathname.slice(pathname.lastIndexOf("/") + 1);

/** A file's name without what changes with its content. @param {string} name */
const stem = (name) => name.replace(/-[A-Z0-9]{8}\.js$/, ".js");

/**
 * What the page before this one kept, because it was wanted, is kept of this one too: a model that was fetched opens
 * without a network after an update. What does not come now comes when it is wanted.
 * @param {Cache} cache
 */
async function renew(cache) {
  const old = await Promise.all((await caches.keys()).filter(isOld).map((name) => caches.open(name)));
  const requests = (await Promise.all(old.map((one) => one.keys()))).flat();
  const wanted = new Set(requests.map(({ url }) => stem(nameOf(new URL(url)))));
  await Promise.all(
    later.filter((name) => wanted.has(stem(name))).map((name) => cache.add(fresh(name)).catch(() => {})),
  );
}

/** @param {Request} request @param {Response} answer */
async function keep(request, answer) {
  const cache = await caches.open(cacheName);
  await cache.put(request, answer).catch(() => {}); // where there is no room, it comes from the network again
}
