// Debian's Chromium, one for each test file, with a fresh profile for each test.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
// Much longer than anything takes, even on a machine that is busy with something else.
const PATIENCE_MS = 60_000;
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser and a server. `t` closes what a test opened. Playwright switches the back/forward cache off, unless it is asked for. */
export async function setUp({ hasPageCache = false } = {}) {
  if (!existsSync(EXECUTABLE)) throw new Error(`no browser at ${EXECUTABLE}; install Debian's package chromium`);
  const [browser, world] = await Promise.all([
    chromium.launch({
      executablePath: EXECUTABLE,
      args: ARGUMENTS,
      ignoreDefaultArgs: hasPageCache ? ["--disable-back-forward-cache"] : [],
      headless: true,
    }),
    serve(),
  ]);
  return {
    world,
    /** A new profile. */
    async profile(t, options = {}) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(PATIENCE_MS);
      t.after(() => context.close());
      return context;
    },
    /** The app's page in a new profile, with the module ready; if that is said, with a clock that stands `at` this time. */
    async page(t, address = "/cars", { at } = {}) {
      const context = await this.profile(t);
      const page = await context.newPage();
      if (at !== undefined) await page.clock.setFixedTime(at);
      return open(page, new URL(address, world.app).href);
    },
    async close() {
      await browser.close();
      await world.close();
    },
  };
}

/** Opens a page of the app and waits until the module is ready. */
export async function open(page, url) {
  await page.goto(url);
  await page.waitForFunction(() => document.title === "ready");
  return page;
}

/** Calls a function of the module in the page; gives `{ value }` or `{ error }` with everything an error tells. */
export async function call(page, name, ...args) {
  return page.evaluate(
    async ([name, args]) => {
      try {
        return { value: await window.connect[name](...args) };
      } catch (error) {
        const { message, code, field, status, requestId, retryAfter } = error;
        return { error: { name: error.name, isError: error instanceof Error, message, code, field, status, requestId, retryAfter } };
      }
    },
    [name, args],
  );
}

/** Starts a connection without leaving the page; gives the `state` that Connect would send back. */
export async function start(page, options = {}) {
  const { value, error } = await call(page, "start", { navigate: false, ...options });
  if (error) throw new Error(error.message);
  return new URL(value.url).searchParams.get("state");
}

/** Everything in both storages, as one text. */
export async function storage(page) {
  return page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
}
