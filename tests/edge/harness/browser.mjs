// Real Chromium.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

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

/** Cookies travel from pages of other sites, as far as `SameSite` lets them: not so by Debian's settings, nor in private windows. */
const LETS_COOKIES_TRAVEL = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } };

/** Starts Chromium with one profile, in which every cookie travels that its server lets travel. Returns its context. */
export async function openProfile({ args = [] } = {}) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "smartcar-connect-profile-"));
  await mkdir(path.join(folder, "Default"));
  await writeFile(path.join(folder, "Default/Preferences"), JSON.stringify(LETS_COOKIES_TRAVEL));
  const options = { executablePath: executable(), chromiumSandbox: false, args, ignoreHTTPSErrors: true };
  const context = await chromium.launchPersistentContext(folder, options);
  return {
    context,
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
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
