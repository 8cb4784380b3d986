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
      .then((cache) => cache.addAll([".", ...files].map((url) => new Request(url, { cache: "no-cache" }))))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith("glossa-page-") && name !== cacheName)
            .map((name) => caches.delete(name)),
        ),
      )
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
        const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
        if (answer.ok && later.includes(name)) event.waitUntil(keep(event.request, answer.clone()));
        return answer;
      },
      async () => {
        const cache = await caches.open(cacheName);
        return (await cache.match(event.request, { ignoreSearch: true })) ?? Response.error();
      },
    ),
  );
});

/** @param {Request} request @param {Response} answer */
async function keep(request, answer) {
  const cache = await caches.open(cacheName);
  await cache.put(request, answer).catch(() => {}); // where there is no room, it comes from the network again
}
