// Connect in a window of its own: what the page that waits is told, whatever the policies, the owner and other pages do.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start, storage } from "./support/chromium.mjs";
import { APPLICATION_ID, CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => {
  lab.world.reset();
  lab.world.answers["/connect/attempts"] = () => (finishes().length > 0 ? json({ status: "finished", outcome: OUTCOME }) : json({ status: "pending" }));
});

const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
const OUTCOME = { kind: "connected", connection: CONNECTION };
const finishes = () => lab.world.sent("/connect/finish");
const looks = () => lab.world.requests.filter(({ method, path }) => method === "GET" && path.startsWith("/connect/attempts/"));

/** The app's page. Playwright has every page believe that it has the focus; `isBack` says whether the owner is at this one. */
async function app(t, path = "/app", { isBack = false } = {}) {
  const context = await lab.profile(t);
  const page = await context.newPage();
  await page.addInitScript((isBack) => {
    window.isBack = isBack;
    document.hasFocus = () => window.isBack;
  }, isBack);
  await page.goto(lab.world.app + path);
  await page.waitForFunction(() => document.title === "ready");
  return page;
}

/** Opens the window; gives it once it is at Connect, with the state that Connect has. What comes of it is in `window.told`. */
async function popup(page, options = {}) {
  const opened = page.context().waitForEvent("page");
  await page.evaluate((options) => {
    const told = ({ name, kind, code, message, field }) => (kind ? { kind } : { name, code, message, field });
    window.ending = new AbortController();
    window.told = window.connect.popup({ signal: window.ending.signal, ...options }).then(told, told);
  }, options);
  const connect = await opened;
  await connect.waitForURL(`${lab.world.elsewhere}/oauth/**`);
  return { connect, state: new URL(connect.url()).searchParams.get("state") };
}

const told = (page) => page.evaluate(() => window.told);
const isSettled = (page) => page.evaluate(() => Promise.race([window.told.then(() => true), new Promise((resolve) => setTimeout(resolve, 1500, false))]));

/** Connect sends the owner back, by a navigation of its own page. */
function sendBack(connect, state, { path = "/app", answer = `code=${CODE}` } = {}) {
  const url = `${lab.world.app}${path}?${answer}&state=${state}`;
  return connect.evaluate((url) => void location.assign(url), url).catch(() => {});
}

const closed = (connect) => connect.isClosed() || connect.waitForEvent("close");
const left = async (page) => JSON.parse(await storage(page)).map((kept) => Object.keys(kept).filter((key) => !key.startsWith("smartcar-connect:attempt:")));

test("the page that waits has the outcome of the callback page, which closes; no code and no outcome is stored or told by message", async (t) => {
  const page = await app(t);
  await page.evaluate(() => {
    window.heard = [];
    window.addEventListener("message", ({ data }) => window.heard.push(data));
    window.addEventListener("storage", ({ newValue }) => window.heard.push(newValue));
  });
  const { connect, state } = await popup(page, { scope: ["read_odometer"] });
  assert.equal(new URL(connect.url()).searchParams.get("scope"), "read_odometer");
  assert.equal(await connect.evaluate(() => window.opener), null, "Connect can't lead the page elsewhere");
  assert.equal(await connect.evaluate(() => history.length), 1, "there is nothing to go back to");
  assert.equal(page.url(), `${lab.world.app}/app`);
  await sendBack(connect, state);
  assert.deepEqual(await told(page), { kind: "connected" });
  await closed(connect);
  assert.equal(finishes().length, 1);
  // The receipt goes as well, once both have seen it.
  await page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith("smartcar-connect:popup:")));
  assert.deepEqual(await left(page), [[], []]);
  assert.equal((await call(page, "unfinishedAttempt")).value, null);
  const heard = JSON.stringify(await page.evaluate(() => window.heard));
  for (const secret of [CODE, state, CONNECTION.id]) assert.ok(!heard.includes(secret), heard);
  assert.ok(heard.includes("isFinished"), heard);
});

test("it works where a policy cuts the pages off from each other", async (t) => {
  const page = await app(t, "/cut/app");
  const { connect, state } = await popup(page);
  assert.equal(await isSettled(page), false, "the window that can't be seen is not taken for closed");
  await sendBack(connect, state, { path: "/cut/app" });
  assert.deepEqual(await told(page), { kind: "connected" });
  // It closes, or is a page like any other.
  if (!connect.isClosed()) {
    await Promise.race([connect.waitForEvent("close"), connect.waitForFunction(() => document.title === "finished: connected")]);
  }
});

test("what Connect reports, and what the Worker refuses, comes to both pages", async (t) => {
  const page = await app(t);
  const denied = { kind: "access_denied" };
  lab.world.answers["/connect/finish"] = json(denied);
  lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome: denied });
  const first = await popup(page);
  await sendBack(first.connect, first.state, { answer: "error=access_denied" });
  assert.deepEqual(await told(page), denied);
  await closed(first.connect);
  lab.world.answers["/connect/finish"] = problem(502, "exchange_refused", "refused");
  lab.world.answers["/connect/attempts"] = problem(502, "exchange_refused", "refused");
  const second = await popup(page);
  await sendBack(second.connect, second.state);
  assert.equal((await told(page)).code, "exchange_refused");
  await closed(second.connect);
});

test("where the browser lets no window open the page goes itself, or is told", async (t) => {
  const page = await app(t);
  await page.evaluate(() => (window.open = () => null));
  const blocked = await page.evaluate(() => window.connect.popup({ whenBlocked: "give_up" }));
  assert.deepEqual(blocked, { kind: "popup_blocked" });
  assert.equal(lab.world.requests.length, 0);
  await page.evaluate(() => void window.connect.popup());
  await page.waitForURL(`${lab.world.elsewhere}/oauth/**`);
  const state = new URL(page.url()).searchParams.get("state");
  await page.goto(`${lab.world.app}/app?code=${CODE}&state=${state}`);
  await page.waitForFunction(() => document.title === "finished: connected");
  assert.equal(page.isClosed(), false);
});

test("a window that the owner closes is told of once the owner is back, and not before", async (t) => {
  const page = await app(t);
  const { connect } = await popup(page);
  await connect.close();
  assert.equal(await isSettled(page), false);
  await page.evaluate(() => (window.isBack = true));
  assert.deepEqual(await told(page), { kind: "popup_closed" });
  assert.equal((await call(page, "unfinishedAttempt")).value.tries, 1);
  assert.deepEqual(await left(page), [[], []]);
});

test("a window that was closed after the callback had arrived is none that was closed", async (t) => {
  const page = await app(t, "/app", { isBack: true });
  const { connect, state } = await popup(page);
  // Another tab finishes it.
  const other = await open(await page.context().newPage(), `${lab.world.app}/cars`);
  assert.equal((await call(other, "finish", `/app?code=${CODE}&state=${state}`)).value.kind, "connected");
  await connect.close();
  assert.deepEqual(await told(page), { kind: "connected" });
  assert.equal(other.isClosed(), false, "a tab that nobody opened stays");
});

test("a window that is closed before it has an address, and a start that fails, leave nothing behind", async (t) => {
  const page = await app(t);
  const started = lab.world.answers["/connect/start"];
  let answer;
  const asked = new Promise((resolve) => {
    lab.world.answers["/connect/start"] = () => {
      resolve();
      return new Promise((given) => (answer = given));
    };
  });
  const opened = page.context().waitForEvent("page");
  await page.evaluate(() => void (window.told = window.connect.popup()));
  await asked;
  await (await opened).close();
  answer(started);
  assert.deepEqual(await told(page), { kind: "popup_closed" });
  assert.equal(await storage(page), "[{},{}]");
  lab.world.answers["/connect/start"] = problem(503, "misconfigured", "not set up");
  const windows = [];
  page.context().on("page", (window) => windows.push(window));
  const code = await page.evaluate(() => window.connect.popup().catch(({ code }) => code));
  assert.equal(code, "misconfigured");
  await closed(windows[0]);
  assert.equal(await storage(page), "[{},{}]");
});

test("a second click gets what the first one does; two windows that are at Connect have an outcome each, in either order", async (t) => {
  const page = await app(t);
  const windows = [];
  page.context().on("page", (window) => windows.push(window));
  const opened = page.context().waitForEvent("page");
  await page.evaluate(() => void (window.both = Promise.all([window.connect.popup(), window.connect.popup()])));
  await (await opened).waitForURL(`${lab.world.elsewhere}/oauth/**`);
  assert.equal(windows.length, 1);
  const states = [new URL(windows[0].url()).searchParams.get("state")];
  const second = await popup(page);
  states.push(second.state);
  assert.equal(windows.length, 2);
  const fingerprints = [];
  for (const state of states) fingerprints.push((await call(page, "stateFingerprint", state)).value);
  const outcomes = [OUTCOME, { kind: "access_denied" }];
  lab.world.answers["/connect/attempts"] = ({ path }) => {
    const index = fingerprints.indexOf(path.split("/").at(-1));
    const isDone = finishes().some(({ body }) => body.callback.includes(states[index]));
    return json(isDone ? { status: "finished", outcome: outcomes[index] } : { status: "pending" });
  };
  lab.world.answers["/connect/finish"] = ({ body }) => json(outcomes[body.includes(states[0]) ? 0 : 1]);
  await sendBack(second.connect, states[1], { answer: "error=access_denied" });
  assert.deepEqual(await told(page), { kind: "access_denied" });
  await sendBack(windows[0], states[0]);
  assert.deepEqual(await page.evaluate(async () => (await window.both).map(({ kind }) => kind)), ["connected", "connected"]);
});

test("a callback page that is reloaded in the middle hands over what became of it, and closes", async (t) => {
  for (const path of ["/app", "/cut/app"]) {
    lab.world.reset();
    const page = await app(t, path);
    const { connect, state } = await popup(page);
    const { promise: isSent, resolve: sent } = Promise.withResolvers();
    lab.world.answers["/connect/finish"] = () => {
      sent();
      return new Promise(() => {});
    };
    lab.world.answers["/connect/attempts"] = json({ status: "exchanging" });
    await sendBack(connect, state, { path });
    await isSent;
    const reloaded = connect.evaluate(() => location.reload()).catch(() => {});
    lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome: OUTCOME });
    await reloaded;
    assert.deepEqual(await told(page), { kind: "connected" });
    await closed(connect);
  }
});

test("messages of other origins and records of forged shapes decide nothing", async (t) => {
  const page = await app(t);
  const { connect, state } = await popup(page);
  const fingerprint = await page.evaluate((state) => window.connect.stateFingerprint(state), state);
  const forged = { kind: "connected", outcome: OUTCOME, fingerprint, isFinished: true, type: "smartcar-connect", state };
  // A second origin, one that is sandboxed, and the page itself, each by every way there is.
  await page.evaluate(
    async ([elsewhere, forged]) => {
      const frame = (attributes) => {
        const element = Object.assign(document.createElement("iframe"), attributes);
        document.body.append(element);
        return new Promise((resolve) => element.addEventListener("load", () => resolve(element)));
      };
      const script = `for (const each of [${JSON.stringify(forged)}, ${JSON.stringify(JSON.stringify(forged))}, null, 7, { kind: "connected" }]) parent.postMessage(each, "*");`;
      await frame({ sandbox: "allow-scripts", srcdoc: `<script>${script}</scr` + "ipt>" });
      await frame({ src: `${elsewhere}/evil` });
      for (const each of [forged, JSON.stringify(forged), null]) window.postMessage(each, "*");
      new BroadcastChannel("smartcar-connect").postMessage(forged);
    },
    [lab.world.elsewhere, forged],
  );
  const evil = page.frames().find((frame) => frame.url().startsWith(lab.world.elsewhere));
  await evil.evaluate((forged) => {
    for (const each of [forged, JSON.stringify(forged)]) parent.postMessage(each, "*");
    try {
      localStorage.setItem(`smartcar-connect:popup:${forged.fingerprint}`, JSON.stringify(forged));
    } catch {
      // It has none, which is as well.
    }
  }, forged);
  // A script of the page's own origin can make it ask the Worker, which has no outcome.
  const other = await open(await page.context().newPage(), `${lab.world.app}/cars`);
  for (const record of [forged, { isFinished: "true" }, [], 7, forged]) {
    await other.evaluate(([key, text]) => localStorage.setItem(key, text), [`smartcar-connect:popup:${fingerprint}`, JSON.stringify(record)]);
  }
  assert.equal(await isSettled(page), false);
  const asked = looks().length;
  assert.equal(await isSettled(page), false);
  assert.equal(looks().length, asked, "it asks about one record once");
  await sendBack(connect, state);
  assert.deepEqual(await told(page), { kind: "connected" });
});

test("where the storage is blocked it says so, and the window is closed", async (t) => {
  const page = await app(t);
  await page.evaluate(() =>
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("blocked", "SecurityError");
      },
    }),
  );
  const windows = [];
  page.context().on("page", (window) => windows.push(window));
  assert.equal(await page.evaluate(() => window.connect.popup().catch(({ code }) => code)), "browser_storage_unavailable");
  await closed(windows[0]);
});

test("a page that does not want to wait any more gets the reason, and the window is closed, or the owner's", async (t) => {
  const page = await app(t);
  const { connect, state } = await popup(page);
  await page.evaluate(() => window.ending.abort());
  assert.equal((await told(page)).name, "AbortError");
  assert.deepEqual(await left(page), [[], []]);
  // It is Connect's by now. Whoever goes on there is connected in it.
  await sendBack(connect, state);
  await connect.waitForFunction(() => document.title === "finished: connected");
  // While it is the page's own it is closed.
  lab.world.answers["/connect/start"] = () => new Promise(() => {});
  const opened = page.context().waitForEvent("page");
  await page.evaluate(() => {
    const ending = new AbortController();
    window.told = window.connect.popup({ signal: ending.signal }).catch(({ name }) => name);
    setTimeout(() => ending.abort(), 300);
  });
  await closed(await opened);
  assert.equal(await told(page), "AbortError");
});

test("ten minutes later it is over", async (t) => {
  const page = await app(t);
  const now = Date.now();
  await page.clock.setFixedTime(now);
  await popup(page);
  await page.clock.setFixedTime(now + 599_999);
  assert.equal(await isSettled(page), false);
  lab.world.answers["/connect/attempts"] = problem(403, "state_unknown", "not started here");
  await page.clock.setFixedTime(now + 600_000);
  assert.deepEqual(await told(page), { kind: "popup_expired" });
  assert.deepEqual(await left(page), [[], []]);
});

test("a window from which nobody is sent back is waited for as long, and an exchange may take", async (t) => {
  const page = await app(t);
  const now = Date.now();
  await page.clock.setFixedTime(now);
  lab.world.answers[`/connections/${CONNECTION.id}/reconnect`] = json({
    ...{ applicationId: APPLICATION_ID, connectOrigin: lab.world.elsewhere, externalId: "ext-1" },
    ...{ flow: "tesla_permissions", scope: "read_odometer" },
  });
  await popup(page, { reconnect: CONNECTION.id });
  await page.clock.setFixedTime(now + 639_000);
  assert.equal(await isSettled(page), false);
  await page.clock.setFixedTime(now + 641_000);
  assert.equal(await isSettled(page), true);
  assert.deepEqual(await told(page), { kind: "popup_expired" });
});

test("a popup removes the records that nobody waits for any more, and no others", async (t) => {
  const page = await app(t);
  await page.evaluate(() => {
    const now = Date.now();
    const records = { old: { expiresAt: now - 41_000 }, live: { expiresAt: now }, endless: {}, broken: "{" };
    for (const [name, record] of Object.entries(records)) localStorage.setItem(`smartcar-connect:popup:${name}`, JSON.stringify(record));
    localStorage.setItem("mine", "{}");
  });
  await popup(page);
  const keys = (await left(page))[1].map((key) => key.replace("smartcar-connect:popup:", ""));
  assert.deepEqual(keys.filter((key) => key.length < 43).sort(), ["live", "mine"]);
});

test("where nobody waits any more the callback page is a page like any other", async (t) => {
  const page = await app(t);
  const { connect, state } = await popup(page);
  await page.goto(`${lab.world.app}/cars`);
  await sendBack(connect, state);
  await connect.waitForFunction(() => document.title === "finished: connected");
  assert.equal(connect.isClosed(), false);
  assert.deepEqual(await left(connect), [[], []]);
});

test("a callback that may be sent again keeps the window open, and the page waiting", async (t) => {
  const page = await app(t);
  const { connect, state } = await popup(page);
  lab.world.answers["/connect/finish"] = problem(503, "upstream_unavailable", "try again", { retryAfter: 1 });
  lab.world.answers["/connect/attempts"] = json({ status: "pending" });
  await sendBack(connect, state);
  await connect.waitForFunction(() => document.title === "finished: upstream_unavailable");
  assert.equal(await isSettled(page), false);
  lab.world.answers["/connect/finish"] = json(OUTCOME);
  lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome: OUTCOME });
  await connect.evaluate(() => void window.connect.finish());
  assert.deepEqual(await told(page), { kind: "connected" });
  await closed(connect);
});

test("a connection is mended in a window, also where Connect sends nobody back", async (t) => {
  const page = await app(t);
  const way = { applicationId: APPLICATION_ID, connectOrigin: lab.world.elsewhere, externalId: "ext-1" };
  const path = `/connections/${CONNECTION.id}/reconnect`;
  lab.world.answers[path] = json({ ...way, flow: "new_connection", expiresAt: 1790000600000 });
  const first = await popup(page, { reconnect: CONNECTION.id });
  await sendBack(first.connect, first.state);
  assert.deepEqual(await told(page), { kind: "connected" });
  lab.world.answers[path] = json({ ...way, flow: "tesla_permissions", scope: "read_odometer" });
  const second = await popup(page, { reconnect: CONNECTION.id });
  await second.connect.close();
  await page.evaluate(() => (window.isBack = true));
  assert.deepEqual(await told(page), { kind: "popup_closed" });
});

test("bad options are refused, and no window stays open", async (t) => {
  const page = await app(t);
  const windows = [];
  page.context().on("page", (window) => windows.push(window));
  for (const [options, field] of [
    [{ navigate: false }, "navigate"],
    [{ whenBlocked: "shout" }, "whenBlocked"],
    [{ redirectUri: `${lab.world.elsewhere}/app` }, "redirectUri"],
    [{ redirectUri: `${lab.world.app}.evil.example/app` }, "redirectUri"],
    [{ scopes: [] }, "scopes"],
    [{ reconnect: 7 }, "id"],
    [{ edge: "javascript:1" }, "edge"],
    [null, "options"],
  ]) {
    const refused = await page.evaluate((options) => window.connect.popup(options).catch(({ code, field }) => [code, field]), options);
    assert.deepEqual(refused, ["invalid_option", field], JSON.stringify(options));
  }
  for (const window of windows) await closed(window);
  assert.equal(lab.world.requests.length, 0);
});

test("after a finish the code is nowhere: not in the address, the history, its state, nor in what a request says where it comes from", async (t) => {
  const context = await lab.profile(t);
  const page = await open(await context.newPage(), `${lab.world.app}/cars`);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}&tab=2`);
  await page.evaluate(([code, state]) => history.replaceState({ back: `/cars?code=${code}&state=${state}` }, ""), [CODE, state]);
  assert.equal((await call(page, "finish")).value.kind, "connected");
  lab.world.visits = [];
  const seen = await page.evaluate(async () => {
    await fetch("/probe");
    await new Promise((resolve) => Object.assign(new Image(), { onerror: resolve, src: "/probe.png" }));
    await import("./pkg/page.js?again");
    return [document.URL, JSON.stringify(history.state), document.baseURI, JSON.stringify(performance.getEntriesByType("resource").map(({ name }) => name))];
  });
  await page.evaluate(() => void location.assign("/cars/next"));
  await page.waitForURL("**/next");
  seen.push(await page.evaluate(() => document.referrer));
  await page.goBack();
  await page.waitForFunction(() => document.title === "ready");
  seen.push(page.url());
  assert.ok(lab.world.visits.length >= 4);
  seen.push(JSON.stringify(lab.world.visits), JSON.stringify(lab.world.requests.map(({ headers }) => headers.referer)), await storage(page));
  for (const text of seen) {
    for (const secret of [CODE, state]) assert.ok(!text.includes(secret), text);
  }
  assert.equal(looks().length, 0);
});
