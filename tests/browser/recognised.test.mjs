// Before the page leaves for Connect: one start at a time, one session for each visitor, and nothing that can never work.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start, storage } from "./support/chromium.mjs";
import { APPLICATION_ID, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const starts = () => lab.world.sent("/connect/start");
const looks = () => lab.world.requests.filter(({ path, method }) => method === "GET" && path.startsWith("/connect/attempts/"));

function started(session) {
  return json({ externalId: "ext-1", applicationId: APPLICATION_ID, connectOrigin: lab.world.elsewhere, expiresAt: 1790000600000, session });
}

/** Answers as the Worker does whose first visitor has no session yet: each answer late, and how many were under way at once. */
function slowWorker() {
  const seen = { atOnce: 0, most: 0 };
  let visited = false;
  lab.world.answers["/connect/start"] = async () => {
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    const session = visited ? "resumed" : "started";
    await new Promise((resolve) => setTimeout(resolve, 300));
    visited = true;
    seen.atOnce -= 1;
    return started(session);
  };
  return seen;
}

test("who is known already is not asked for again; a new session is, once", async (t) => {
  const page = await lab.page(t);
  await start(page);
  assert.equal(looks().length, 0);
  lab.world.answers["/connect/start"] = started("started");
  const state = await start(page);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  assert.deepEqual(
    looks().map(({ path }) => path),
    [`/connect/attempts/${fingerprint}`],
  );
});

test("start fails before it leaves if the browser refused the cookie, and says why", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connect/start"] = started("started");
  lab.world.answers["/connect/attempts"] = problem(401, "session_missing", "no session");
  for (const options of [{}, { navigate: false }]) {
    const { error } = await call(page, "start", { edge: `${lab.world.elsewhere}/other/edge/`, ...options });
    assert.equal(error.code, "cookie_blocked");
    assert.ok(error.message.includes(`${lab.world.elsewhere}/other/edge`), error.message);
    assert.match(error.message, /`localhost` and `127\.0\.0\.1` are two.*`https`.*cookies/);
  }
  assert.equal(page.url(), `${lab.world.app}/cars`);
  assert.equal(await storage(page), "[{},{}]");
});

test("start fails before it leaves if it cannot find out whether it is recognised", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connect/start"] = started("started");
  lab.world.answers["/connect/attempts"] = "reset";
  assert.equal((await call(page, "start")).error.code, "network_error");
  assert.equal(page.url(), `${lab.world.app}/cars`);
});

test("where another tab has opened a session meanwhile, the attempt is told to the Worker again, in that one", async (t) => {
  const page = await lab.page(t);
  const sessions = ["started", "resumed"];
  lab.world.answers["/connect/start"] = () => started(sessions.shift());
  lab.world.answers["/connect/attempts"] = problem(403, "state_unknown", "not started here");
  const state = await start(page);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  assert.deepEqual(
    starts().map(({ body }) => body.stateFingerprint),
    [fingerprint, fingerprint],
  );
});

test("two calls of start at once take turns, and each has a URL of its own", async (t) => {
  for (const hasLocks of [true, false]) {
    const context = await lab.profile(t);
    if (!hasLocks) await context.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
    const page = await open(await context.newPage(), `${lab.world.app}/cars`);
    lab.world.reset();
    const seen = slowWorker();
    const urls = await page.evaluate(async () => {
      const options = { navigate: false };
      const results = await Promise.all([window.connect.start(options), window.connect.start(options)]);
      return results.map(({ url }) => url);
    });
    assert.equal(seen.most, 1, "a start was sent before the session of the one before was there");
    assert.equal(new Set(urls).size, 2);
    assert.equal(starts().length, 2);
    assert.equal(looks().length, 1);
  }
});

test("where no turn is to be had, start goes on without one", async (t) => {
  const context = await lab.profile(t);
  await context.addInitScript(() => {
    navigator.locks.request = () => {
      throw new Error("no locks here");
    };
  });
  await start(await open(await context.newPage(), `${lab.world.app}/cars`));
  assert.equal(starts().length, 1);
});

test("a start that fails ends its turn", async (t) => {
  const page = await lab.page(t);
  const answers = [problem(503, "misconfigured", "not now"), started("resumed")];
  lab.world.answers["/connect/start"] = () => answers.shift();
  const codes = await page.evaluate(async () => {
    const options = { navigate: false };
    const results = await Promise.allSettled([window.connect.start(options), window.connect.start(options)]);
    return results.map(({ reason }) => reason?.code);
  });
  assert.deepEqual(codes, ["misconfigured", undefined]);
});

test("two tabs that start at once take turns", async (t) => {
  const context = await lab.profile(t);
  const pages = [await context.newPage(), await context.newPage()];
  for (const page of pages) await open(page, `${lab.world.app}/cars`);
  const seen = slowWorker();
  await Promise.all(pages.map((page) => start(page)));
  assert.equal(seen.most, 1);
  assert.equal(looks().length, 1);
});

test("a double click leaves the page once", async (t) => {
  const page = await lab.page(t);
  slowWorker();
  await page.evaluate(() => {
    const button = document.body.appendChild(document.createElement("button"));
    button.onclick = () => window.connect.start({ scope: ["read_odometer"] });
  });
  await page.locator("button").dblclick();
  await page.waitForURL(`${lab.world.elsewhere}/oauth/authorize?**`);
  assert.equal(starts().length, 1);
  await open(page, `${lab.world.app}/cars`);
  const kept = await page.evaluate(() => Object.keys(localStorage));
  assert.equal(kept.length, 1, kept);
});

test("a page to which the owner goes back at once, and which is as it was left, starts anew", async (t) => {
  const shipped = await setUp({ hasPageCache: true });
  t.after(() => shipped.close());
  const page = await shipped.page(t);
  await page.evaluate(() => {
    window.isAsItWas = true;
    const button = document.body.appendChild(document.createElement("button"));
    button.onclick = () => void window.connect.start();
  });
  for (const time of [1, 2, 3]) {
    await page.locator("button").click();
    await page.waitForURL(`${shipped.world.elsewhere}/oauth/authorize?**`);
    assert.equal(shipped.world.sent("/connect/start").length, time);
    // Playwright's own way back waits for a page to load, and none does.
    await page.evaluate(() => void setTimeout(() => history.back()));
    await page.waitForFunction(() => location.pathname === "/cars");
    assert.equal(await page.evaluate(() => window.isAsItWas), true, "the page was not kept");
  }
});

test("a page that Connect's answer leaves where it is starts anew after five seconds, or once its clock was put back", async (t) => {
  const context = await lab.profile(t);
  await context.route("**/oauth/**", (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  const now = Date.parse("2026-11-24T12:00:00Z");
  await page.clock.setFixedTime(now);
  await open(page, `${lab.world.app}/cars`);
  for (const [later, begun] of [
    [0, 1],
    [4999, 1],
    [5000, 2],
    [9999, 2],
    [4999, 3],
  ]) {
    await page.clock.setFixedTime(now + later);
    await call(page, "start");
    assert.equal(starts().length, begun, String(later));
  }
});

test("a click after a start that failed starts anew", async (t) => {
  const page = await lab.page(t);
  lab.world.answers["/connect/start"] = problem(503, "misconfigured", "not now");
  assert.equal((await call(page, "start")).error.code, "misconfigured");
  lab.world.reset();
  await page.evaluate(() => void window.connect.start());
  await page.waitForURL(`${lab.world.elsewhere}/oauth/authorize?**`);
});

test("a redirect URI at which nothing can ever be finished is refused before anything is sent", async (t) => {
  const page = await lab.page(t);
  const { port } = new URL(lab.world.app);
  for (const [redirectUri, edge] of [
    ["https://app.example.com/cars", undefined],
    [`${lab.world.elsewhere}/cars`, undefined],
    [`${lab.world.elsewhere}/cars`, "/smartcar"],
    [`http://localhost:${Number(port) + 1}/cars`, undefined],
    ["https://app.example.com/cars", `${lab.world.app}/smartcar`],
    ["sc8229df9f-91a0-4ff0-a1ae-a1f38ee24d07://back", undefined],
  ]) {
    const { error } = await call(page, "start", { redirectUri, ...(edge ? { edge } : {}) });
    assert.deepEqual([error?.code, error?.field], ["invalid_option", "redirectUri"], redirectUri);
    assert.match(error.message, /^`redirectUri` is a page that the Worker would not recognise the owner on; give an address on `http/);
  }
  assert.equal(lab.world.requests.length, 0);
  assert.equal(await storage(page), "[{},{}]");
});

test("pages below a domain that is for anybody are of several sites", async (t) => {
  const context = await lab.profile(t);
  await context.route(/^https:/, async (route) => {
    const { pathname, search } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: `${lab.world.app}${pathname}${search}` }) });
  });
  const page = await context.newPage();
  for (const [from, to, edge, isGood] of [
    ["https://shop.co.uk", "https://other.co.uk", "https://shop.co.uk", false],
    ["https://preview.pages.dev", "https://app.pages.dev", "https://preview.pages.dev", false],
    ["https://next.app.pages.dev", "https://app.pages.dev", "https://app.pages.dev", true],
    ["https://www.shop.co.uk", "https://shop.co.uk", "https://api.shop.co.uk", true],
    ["https://www.example.com", "https://app.example.com", "https://api.example.com", true],
    ["https://shop.co.uk", "https://shop.co.uk", "https://other.co.uk", true],
  ]) {
    lab.world.reset();
    await open(page, `${from}/cars`);
    const options = { redirectUri: `${to}/cars`, edge: `${edge}/smartcar`, navigate: false };
    const { error } = await call(page, "start", options);
    assert.deepEqual([error?.code, error?.field], isGood ? [undefined, undefined] : ["invalid_option", "redirectUri"], `${from} ${to}`);
    assert.equal(starts().length, isGood ? 1 : 0);
    assert.equal(await page.evaluate(() => document.cookie), "");
  }
});

test("pages of one site that share a Worker finish for each other", async (t) => {
  const page = await lab.page(t);
  const redirectUri = `http://localhost:${Number(new URL(lab.world.app).port) + 1}/cars`;
  const { value, error } = await call(page, "start", { redirectUri, edge: `${lab.world.app}/smartcar`, navigate: false });
  assert.equal(error, undefined);
  assert.equal(new URL(value.url).searchParams.get("redirect_uri"), redirectUri);
});
