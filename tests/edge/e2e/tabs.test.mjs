// The page's part of a connection in real Chromium, against the Worker: tabs that start or finish for each other, pages that
// are left in the middle, and what can never work.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openBrowser } from "../harness/browser.mjs";
import { openDemo } from "../harness/demo.mjs";
import { startEdge } from "../harness/edge.mjs";
import { goToConnect, noticeOf, settled } from "../harness/owner.mjs";
import { freePort } from "../harness/port.mjs";
import { settings } from "../harness/settings.mjs";
import { until } from "../harness/until.mjs";

const demo = await openDemo({ gated: true });
const { env, simulator, home } = demo;
// With the back/forward cache, which Playwright switches off.
const shipped = await openBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
after(async () => {
  await shipped.close();
  await demo.close();
});
beforeEach(() => demo.reset());
afterEach(() => Promise.all([demo.closeProfiles(), ...shipped.contexts().map((context) => context.close())]));

async function opened(context) {
  const page = await context.newPage();
  await page.goto(home);
  await settled(page, home);
  return page;
}

/** Starts a connection on the page, which stays; returns the Connect URL. */
function startedOn(page) {
  return page.evaluate(async () => {
    const { start } = await import("/pkg/index.js");
    return (await start({ navigate: false })).url;
  });
}

/** Where Connect sends the browser back to that was sent to `authorize`. */
async function callbackOf(authorize) {
  const query = new URLSearchParams({ code: await env.consent(), state: new URL(authorize).searchParams.get("state") });
  return `${home}?${query}`;
}

async function connects(page, authorize) {
  await page.goto(await callbackOf(authorize));
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
}

test("a callback that comes to another tab of the browser connects there", async () => {
  const context = await demo.newContext();
  const authorize = await startedOn(await opened(context));
  await connects(await context.newPage(), authorize);
});

test("a callback that comes to the browser after its storage was cleared connects, as long as the session is there", async () => {
  const context = await demo.newContext();
  const page = await opened(context);
  const authorize = await startedOn(page);
  await page.evaluate(() => localStorage.clear());
  await connects(page, authorize);

  const again = await startedOn(page);
  await context.clearCookies();
  await page.goto(await callbackOf(again));
  assert.equal(await noticeOf(page), "session_missing");
});

test("two starts on a first visit, whose second answer is late: each of them can be followed", async () => {
  for (const followed of [0, 1]) {
    const context = await shipped.newContext();
    const page = await opened(context);
    let calls = 0;
    await page.route("**/connect/start", async (route) => {
      const answer = await route.fetch();
      calls += 1;
      if (calls === 2) await new Promise((resolve) => setTimeout(resolve, 300));
      await route.fulfill({ response: answer });
    });
    const urls = await page.evaluate(async () => {
      const { start } = await import("/pkg/index.js");
      const results = await Promise.all([start({ navigate: false }), start({ navigate: false })]);
      return results.map(({ url }) => url);
    });
    assert.equal((await context.cookies()).length, 1);
    await connects(page, urls[followed]);
  }
});

test("a double click on a first visit, whose second answer is late, connects", async () => {
  const context = await shipped.newContext();
  const page = await opened(context);
  await page.route("**/connect/start", async (route) => {
    const answer = await route.fetch();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.fulfill({ response: answer }).catch(() => {});
  });
  const arrived = page.waitForRequest((request) => request.url().startsWith(`${simulator.origin}/oauth/authorize?`));
  await page.evaluate(async () => {
    const { start } = await import("/pkg/index.js");
    const button = document.body.appendChild(Object.assign(document.createElement("button"), { id: "twice" }));
    button.onclick = () => void start();
  });
  await page.locator("#twice").dblclick();
  const authorize = (await arrived).url();
  await page.waitForURL((url) => url.origin === simulator.origin);
  await connects(page, authorize);
});

test("two tabs that start at once on a first visit have one session", async () => {
  const context = await demo.newContext();
  const pages = [await opened(context), await opened(context)];
  const urls = await Promise.all(pages.map(startedOn));
  for (const [index, page] of pages.entries()) await connects(page, urls[index]);
});

test("a tab whose session another one has replaced before it was looked at starts in the other one's", async () => {
  const context = await demo.newContext();
  // As in a browser without locks: the other tab starts and is answered while this one waits for its answer.
  await context.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
  const [page, other] = [await opened(context), await opened(context)];
  let replacing;
  await page.route("**/connect/attempts/*", async (route) => {
    if (!replacing) {
      await context.clearCookies();
      replacing = await startedOn(other);
    }
    // The cookie that is there now.
    const [{ name, value }] = await context.cookies();
    await route.continue({ headers: { ...route.request().headers(), cookie: `${name}=${value}` } });
  });
  const authorize = await startedOn(page);
  await connects(page, authorize);
  await connects(other, replacing);
});

/** A page on its way back from Connect whose finish is kept on the way; what it has waited for is called `arrived`. */
async function finishing(onFinish) {
  const context = await demo.newContext();
  const page = await opened(context);
  const callback = await callbackOf(await startedOn(page));
  const { promise: isUnderWay, resolve: underWay } = Promise.withResolvers();
  await page.route("**/connect/finish", async (route) => {
    underWay();
    await onFinish(route);
  });
  await page.goto(callback);
  await isUnderWay;
  return page;
}

test("a page that is reloaded in the middle of a finish learns that it is connected", async () => {
  const release = env.gates.auth.hold();
  let page;
  try {
    page = await finishing((route) => route.continue());
    await until("the exchange is under way", () => env.gates.auth.waiting() > 0);
    await page.reload();
  } finally {
    release();
  }
  assert.equal(await noticeOf(page), "connected");
  await settled(page, home);
  assert.equal((await simulator.tokenRequests()).length, 1);
});

test("a page that is reloaded before its finish was sent is told to start again", async () => {
  const page = await finishing(() => new Promise(() => {}));
  await page.reload();
  assert.equal(await noticeOf(page), "finish_interrupted");
  assert.equal((await simulator.tokenRequests()).length, 0);
});

test("a callback opened in another browser is refused there, with its own session too", async () => {
  const authorize = await startedOn(await opened(await demo.newContext()));
  const callback = await callbackOf(authorize);
  for (const [hasSession, code] of [
    [false, "session_missing"],
    [true, "state_unknown"],
  ]) {
    const page = await opened(await demo.newContext());
    if (hasSession) await goToConnect(page, simulator);
    await page.goto(callback);
    assert.equal(await noticeOf(page), code);
  }
  assert.equal((await simulator.tokenRequests()).length, 0);
});

test("where the browser refuses the cookie of a Worker on another site, start fails before it leaves", async () => {
  const port = await freePort();
  const page = `http://localhost:${port}`;
  const edge = await startEdge({ bindings: settings({ simulator, allowedOrigins: [page] }), port, demo: true });
  try {
    // The demo page's policy lets it speak to its own origin only.
    const context = await shipped.newContext({ bypassCSP: true });
    const tab = await context.newPage();
    await tab.goto(`${page}/`);
    const codes = await tab.evaluate(async (edge) => {
      const { start } = await import("/pkg/index.js");
      const code = (options) => start({ navigate: false, ...options }).then(() => "started", (error) => error.code);
      return [await code({ edge }), await code({})];
    }, `http://127.0.0.1:${port}/smartcar`);
    assert.deepEqual(codes, ["cookie_blocked", "started"]);
    assert.equal(tab.url(), `${page}/`);
  } finally {
    await edge.stop();
  }
});
