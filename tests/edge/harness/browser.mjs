// Real Chromium.
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function executable() {
  const found = process.env.CHROMIUM ?? CANDIDATES.find((candidate) => existsSync(candidate));
  if (!found) throw new Error("Chromium is missing: run `apt-get install chromium`, or name it in `CHROMIUM`");
  return found;
}

/**
 * Starts Chromium, with further arguments if need be, or without some of Playwright's; `browser.newContext()` is a new profile.
 */
export function openBrowser({ args = [], ignoreDefaultArgs = [] } = {}) {
  return chromium.launch({ executablePath: executable(), chromiumSandbox: false, args, ignoreDefaultArgs });
}

/** Everything that the page's origin has stored in this profile, cookies that scripts cannot read included. */
export async function storageOf(page) {
  const stored = await page.evaluate(async () => {
    const entriesOf = (storage) => Object.entries({ ...storage });
    const readStore = (database, name) =>
      new Promise((resolve, reject) => {
        const request = database.transaction(name).objectStore(name).getAll();
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const open = (name) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const databases = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await open(name);
      const stores = await Promise.all([...database.objectStoreNames].map((store) => readStore(database, store)));
      databases.push({ name, stores });
      database.close();
    }
    const cached = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) cached.push(request.url, await (await cache.match(request)).text());
    }
    return {
      local: entriesOf(localStorage),
      session: entriesOf(sessionStorage),
      databases,
      cached,
      windowName: window.name,
      historyState: history.state,
      address: location.href,
    };
  });
  return { ...stored, cookies: await page.context().cookies() };
}
