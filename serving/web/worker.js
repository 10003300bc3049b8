// The grower's page without a network: the page as last seen, and its files. KEPT comes before these lines.
"use strict";
const SHELF = `anxu-my-${KEPT.version}`;
const WAIT_MS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(SHELF).then((shelf) => shelf.addAll(KEPT.files)).then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((n) => n.startsWith("anxu-my-") && n !== SHELF).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

// The page: from the network when it answers soon, else as last seen; a log-in page is never taken for it.
async function page(request) {
  const shelf = await caches.open(SHELF);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok && !answer.redirected) await shelf.put("/my", answer.clone());
    return answer;
  } catch (error) {
    const seen = await shelf.match("/my");
    if (seen) return seen;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === "/my") event.respondWith(page(event.request));
  else if (url.pathname.startsWith("/static/")) {
    event.respondWith(caches.match(event.request).then((seen) => seen || fetch(event.request)));
  }
});
