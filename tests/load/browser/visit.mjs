// One visit of one page, in a profile of its own, so that nothing of an earlier visit is left in a cache.
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

import { impose } from "./conditions.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
// Much longer than anything takes.
const PATIENCE_MS = 120_000;

export function launched() {
  if (!existsSync(EXECUTABLE)) throw new Error(`no browser at ${EXECUTABLE}: apt-get install chromium, or set CHROMIUM`);
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
}

const bytesOf = (sent) => sent.filter(({ path }) => !path.endsWith("/")).reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Opens the page of `app`, waits until the button is there (and, with `early` in what is `asked`, the module), and clicks.
 *
 * @returns {Promise<{readyMs: number, loadedMs?: number, clickMs: number, perCallMs?: number, before: number, after: number}>} in bytes
 *   what the page has loaded before the click and by it
 */
export async function visit(browser, site, { app, asked = [], workerMs = 0, calls = 0 }, condition) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  try {
    const page = await context.newPage();
    const failed = new Promise((_, reject) => page.on("pageerror", reject));
    failed.catch(() => {});
    const has = (name) => Promise.race([failed, page.waitForFunction((name) => globalThis[name] !== undefined, name)]);
    await impose(page, condition);
    site.sent.length = 0;
    site.workerMs = workerMs;
    await page.goto(`${site.origin}/${app}/?${asked.join("&")}`, { waitUntil: "commit" });
    await has("ready");
    if (asked.includes("early")) await has("loaded");
    const before = bytesOf(site.sent);
    await page.evaluate(() => document.querySelector("button").click());
    await has("clicked");
    const { ready: readyMs, loaded: loadedMs, clicked } = await page.evaluate(() => ({ ready, loaded: globalThis.loaded, clicked }));
    assertWorked(clicked.result, asked);
    const perCallMs = calls > 0 ? await page.evaluate((calls) => perCall(calls), calls) : undefined;
    return { readyMs, loadedMs, clickMs: clicked.ms, perCallMs, before, after: bytesOf(site.sent) - before };
  } finally {
    await context.close();
  }
}

/** What went wrong quickly is not to be taken for quick. */
function assertWorked(result, asked) {
  const isCallback = asked.includes("callback") || asked.includes("recognised");
  const worked = isCallback ? result?.kind === "granted" : new URL(result).hostname === "connect.smartcar.com";
  if (!worked) throw new Error(`the page gave ${JSON.stringify(result)}`);
}
