import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start, storage } from "./support/chromium.mjs";
import { CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
const FORGED = `smartcar-connect.${"A".repeat(43)}`;

/** A page that has started a connection, and is then back from Connect with these parameters. */
async function back(t, parameters, { address = "/cars", more = "", hash = "" } = {}) {
  const page = await lab.page(t, address);
  const state = await start(page);
  const query = typeof parameters === "function" ? parameters(state) : `${parameters}&state=${state}`;
  await open(page, `${lab.world.app}${address}?${more}${query}${hash}`);
  return { page, state, query };
}

const sent = () => lab.world.sent("/connect/finish");

test("finish of a granted connection: the Worker gets the callback as it came, the app the Worker's outcome", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  assert.equal((await call(page, "hasCallback")).value, true);
  assert.deepEqual(await call(page, "finish"), { value: { kind: "connected", connection: CONNECTION } });
  const [request, ...others] = sent();
  assert.equal(others.length, 0);
  assert.deepEqual(request.body, { callback: query });
  assert.equal(request.method, "POST");
  assert.equal(request.headers["content-type"], "application/json");
  assert.equal(request.headers["x-requested-with"], "smartcar-connect");
});

test("finish takes the callback and nothing else off the address, before anything is sent", async (t) => {
  const { page } = await back(t, (state) => `code=${CODE}&tab=2&state=${state}&user_id=u&year=2020`, {
    more: "a=%2Fx+y&",
    hash: "#part-3",
  });
  await page.evaluate(() => history.replaceState({ scroll: 7 }, ""));
  const length = await page.evaluate(() => history.length);
  lab.world.answers["/connect/finish"] = "reset";
  const seen = await page.evaluate(async () => {
    let atFetch;
    const { fetch } = window;
    window.fetch = (...args) => {
      atFetch = location.href;
      return fetch(...args);
    };
    await window.connect.finish().catch(() => {});
    return { atFetch, now: location.href, length: history.length, state: history.state };
  });
  const expected = `${lab.world.app}/cars?a=%2Fx+y&tab=2&year=2020#part-3`;
  assert.deepEqual(seen, { atFetch: expected, now: expected, length, state: { scroll: 7 } });
  assert.equal((await call(page, "hasCallback", page.url())).value, false);
});

test("after `init` no other script of the page gets to see the code", async (t) => {
  const { page } = await back(t, `code=${CODE}`);
  const address = await page.evaluate(async () => {
    const finishing = window.connect.finish();
    const { port1, port2 } = new MessageChannel();
    const next = new Promise((resolve) => (port1.onmessage = () => resolve(location.href)));
    port2.postMessage("the next task");
    await Promise.all([next, finishing]);
    return next;
  });
  assert.equal(address, `${lab.world.app}/cars`);
});

test("an address without other parameters keeps no question mark after finish, and one of an error none of its details", async (t) => {
  const { page } = await back(t, "error=vehicle_incompatible&error_description=No&vin=1FTFW1E50MFA00001&make=FORD&year=2021");
  await call(page, "finish");
  assert.equal(page.url(), `${lab.world.app}/cars`);
});

test("the address of a callback that is refused loses it all the same", async (t) => {
  const page = await lab.page(t, `/cars?code=${CODE}&state=${FORGED}&tab=2`);
  lab.world.answers["/connect/finish"] = problem(403, "state_unknown", "not started here");
  assert.equal((await call(page, "finish")).error.code, "state_unknown");
  assert.equal(page.url(), `${lab.world.app}/cars?tab=2`);
});

test("the address loses the callback, too, where the options of finish are refused", async (t) => {
  const { page } = await back(t, `code=${CODE}`, { more: "tab=2&" });
  assert.equal((await call(page, "finish", undefined, { scope: [] })).error.field, "scope");
  assert.equal(page.url(), `${lab.world.app}/cars?tab=2`);
});

test("the callbacks of another log-in stay where they are, and are none of ours", async (t) => {
  const page = await lab.page(t);
  await start(page);
  for (const [query, code] of [
    ["code=abc&state=xyz123", "state_unknown"],
    [`code=abc&state=${"A".repeat(43)}`, "state_unknown"],
    ["error=login_required&state=xyz123", "state_unknown"],
    ["code=abc&state=", "state_missing"],
    ["code=abc&session_state=1", "state_missing"],
    ["code=1&code=2&state=xyz123", "callback_repeated_parameter"],
  ]) {
    const url = `${lab.world.app}/cars?tab=2&${query}#part`;
    await open(page, url);
    assert.equal((await call(page, "hasCallback")).value, false, query);
    assert.equal((await call(page, "hasCallback", url)).value, false, query);
    assert.equal((await call(page, "finish")).error.code, code, query);
    assert.equal(page.url(), url);
  }
  assert.equal(sent().length, 0);
});

test("a state of ours that was used or is expired is ours all the same", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  await call(page, "finish");
  for (const [status, code] of [
    [409, "state_used"],
    [410, "state_expired"],
  ]) {
    lab.world.answers["/connect/finish"] = problem(status, code, code);
    await open(page, `${lab.world.app}/cars?${query}`);
    assert.equal((await call(page, "hasCallback")).value, true);
    assert.equal((await call(page, "finish")).error.code, code);
    assert.equal(page.url(), `${lab.world.app}/cars`);
  }
});

test("finish leaves neither code nor state behind", async (t) => {
  const { page, state } = await back(t, `code=${CODE}`);
  await call(page, "finish");
  const left = await storage(page);
  for (const secret of [CODE, state]) assert.ok(!left.includes(secret), left);
  assert.ok(!left.includes("smartcar-connect:finishing"), left);
  assert.ok(!page.url().includes(CODE));
});

test("a forged state is the Worker's to refuse, and leaves the real connection alone", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${FORGED}`);
  lab.world.answers["/connect/finish"] = problem(403, "state_unknown", "not started here");
  assert.equal((await call(page, "finish")).error.code, "state_unknown");
  assert.equal(sent().length, 1);
  lab.world.reset();
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  assert.equal((await call(page, "finish")).value.kind, "connected");
});

test("what is stored in the browser vouches for nothing", async (t) => {
  const page = await lab.page(t);
  await start(page);
  // The entry of the real connection, under the name that a forged state leads to.
  const fingerprint = (await call(page, "stateFingerprint", FORGED)).value;
  await page.evaluate((fingerprint) => {
    const [[, entry]] = Object.entries(localStorage);
    localStorage.setItem(`smartcar-connect:attempt:${fingerprint}`, entry);
  }, fingerprint);
  lab.world.answers["/connect/finish"] = problem(403, "state_unknown", "not started here");
  const { value, error } = await call(page, "finish", `${lab.world.app}/cars?code=${CODE}&state=${FORGED}`);
  assert.deepEqual([value, error.code], [undefined, "state_unknown"]);
});

test("an error with a forged state is not believed", async (t) => {
  const page = await lab.page(t);
  await start(page);
  for (const state of ["forged", FORGED]) {
    lab.world.answers["/connect/finish"] = problem(403, "state_unknown", "not started here");
    const { value, error } = await call(page, "finish", `${lab.world.app}/cars?error=access_denied&state=${state}`);
    assert.equal(value, undefined);
    assert.equal(error.code, "state_unknown");
  }
});

test("a page finishes a callback once, and has one outcome for it", async (t) => {
  const { page, query, state } = await back(t, `code=${CODE}`);
  const url = `${lab.world.app}/cars?${query}`;
  const first = await call(page, "finish", url);
  assert.equal(first.value.kind, "connected");
  for (const again of [url, `?${query}`, query, `/cars?tab=2&state=${state}&code=${CODE}#part`]) {
    assert.deepEqual(await call(page, "finish", again), first, again);
  }
  assert.equal(sent().length, 1);
  const another = problem(409, "state_used", "already finished");
  lab.world.answers["/connect/finish"] = another;
  assert.equal((await call(page, "finish", `?code=another&state=${state}`)).error.code, "state_used");
  assert.deepEqual(await call(page, "finish", url), first);
});

test("an effect that runs twice, as in React's StrictMode, gets one outcome and sends one request", async (t) => {
  for (const effect of [
    "if (connect.hasCallback()) outcomes.push(connect.finish())",
    "outcomes.push(connect.init().then(() => connect.hasCallback() ? connect.finish() : 'no callback'))",
    "outcomes.push(connect.finish())",
  ]) {
    lab.world.reset();
    const { page } = await back(t, `code=${CODE}`);
    const kinds = await page.evaluate(async (effect) => {
      const outcomes = [];
      const run = new Function("connect", "outcomes", effect);
      run(window.connect, outcomes);
      run(window.connect, outcomes);
      return (await Promise.all(outcomes)).map((outcome) => outcome.kind ?? outcome);
    }, effect);
    assert.deepEqual(kinds, ["connected", "connected"], effect);
    assert.equal(sent().length, 1, effect);
    // And once more, a moment later.
    assert.equal((await call(page, "finish")).value.kind, "connected");
    assert.equal(sent().length, 1, effect);
  }
});

test("two calls of finish at once share a failure too, and a further one sends it again", async (t) => {
  const { page } = await back(t, `code=${CODE}`);
  lab.world.answers["/connect/finish"] = "reset";
  const seen = await page.evaluate(async () => {
    const url = location.href;
    const results = await Promise.allSettled([window.connect.finish(url), window.connect.finish()]);
    return { url, codes: results.map((result) => result.reason?.code) };
  });
  assert.deepEqual(seen.codes, ["network_error", "network_error"]);
  lab.world.reset();
  assert.equal((await call(page, "finish", seen.url)).value.kind, "connected");
});

test("a page without a callback is told of the last one for ten seconds, by its own address alone", async (t) => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const page = await lab.page(t, "/cars", { at: now });
  const [first, last] = [await start(page), await start(page)];
  await call(page, "finish", `/cars?code=${CODE}&state=${first}`);
  lab.world.answers["/connect/finish"] = json({ kind: "access_denied" });
  await call(page, "finish", `/cars?error=access_denied&state=${last}`);
  for (const [moment, url, told] of [
    [now, undefined, "access_denied"],
    [now, page.url(), "access_denied"],
    [now, `${page.url()}?tab=2`, "callback_empty"],
    [now + 9999, undefined, "access_denied"],
    [now + 10_000, undefined, "callback_empty"],
    [now - 1, undefined, "callback_empty"],
  ]) {
    await page.clock.setFixedTime(moment);
    const { value, error } = await call(page, "finish", url);
    assert.equal(value?.kind ?? error.code, told, `${moment - now} ${url}`);
  }
  assert.equal(sent().length, 2);
});

test("whether a connection is in time is decided by the Worker's clock, not by the device's", async (t) => {
  const page = await lab.page(t, "/cars", { at: "2026-11-24T12:00:00Z" });
  const states = [await start(page), await start(page), await start(page)];
  for (const now of ["2026-11-24T12:11:00Z", "2026-11-24T20:00:00Z", "2026-11-24T09:00:00Z"]) {
    await page.clock.setFixedTime(now);
    const { value, error } = await call(page, "finish", `/cars?code=${CODE}&state=${states.pop()}`);
    assert.equal(value?.kind, "connected", `${now} ${error?.code}`);
  }
  lab.world.answers["/connect/finish"] = problem(410, "state_expired", "more than 10 minutes ago");
  const late = await start(page);
  assert.equal((await call(page, "finish", `/cars?code=${CODE}&state=${late}`)).error.code, "state_expired");
});

test("what is kept of attempts is swept away by a later start: after a day, and the oldest of many", async (t) => {
  const page = await lab.page(t, "/cars", { at: "2026-11-24T12:00:00Z" });
  await start(page);
  const used = await start(page);
  await call(page, "finish", `/cars?code=${CODE}&state=${used}`);
  await page.evaluate(() => {
    localStorage.setItem("smartcar-connect:attempt:garbage", "{");
    localStorage.setItem("mine", "kept");
  });
  const keys = () => page.evaluate(() => Object.keys(localStorage).sort());
  await page.clock.setFixedTime("2026-11-25T11:59:59Z");
  await start(page);
  assert.equal((await keys()).length, 4, await keys());
  await page.clock.setFixedTime("2026-11-25T12:00:00Z");
  await start(page);
  assert.equal((await keys()).length, 3, await keys());
  for (let attempt = 0; attempt < 20; attempt += 1) await start(page);
  assert.equal((await keys()).length, 17, await keys());
  assert.ok((await keys()).includes("mine"));
});

test("callbacks that cannot be believed are refused, and nothing is sent", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  for (const [query, code] of [
    [`code=${CODE}`, "state_missing"],
    [`code=${CODE}&state=`, "state_missing"],
    ["", "callback_empty"],
    ["?tab=2", "callback_empty"],
    [`code=1&code=2&state=${state}`, "callback_repeated_parameter"],
    [`code=1&state=${state}&state=${state}`, "callback_repeated_parameter"],
    [`code=1&c%6Fde=2&state=${state}`, "callback_repeated_parameter"],
    [`error=access_denied&error=no_vehicles&state=${state}`, "callback_repeated_parameter"],
    [`code=1&state=foreign&state=${state}`, "callback_repeated_parameter"],
    [`code=${"x".repeat(20_000)}&state=${state}`, "callback_too_long"],
  ]) {
    const { error } = await call(page, "finish", query && `/cars?${query.replace("?", "")}`);
    assert.equal(error?.code, code, query.slice(0, 60));
    assert.ok(error.isError && error.name === "ConnectError" && error.message.length > 20);
  }
  assert.equal(sent().length, 0);
  assert.equal((await call(page, "finish", `/cars?code=1&state=${state}`)).value.kind, "connected");
});

test("the app's own parameters may repeat, and are not the Worker's business", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`, { more: "tab=1&tab=2&make=own&" });
  assert.equal((await call(page, "finish")).value.kind, "connected");
  assert.deepEqual(sent()[0].body, { callback: query });
});

test("Connect's errors are outcomes, and the Worker hears of them", async (t) => {
  const outcomes = [
    { kind: "access_denied", description: "User denied access" },
    { kind: "vehicle_incompatible", description: "No", vehicle: { vin: "1FTFW1E50MFA00001", make: "FORD", year: "2021" } },
    { kind: "configuration_error", statusCode: "400", errorMessage: "no make" },
    { kind: "unknown_error", error: "brand_new", description: "?" },
    { kind: "no_vehicles" },
  ];
  const page = await lab.page(t);
  for (const outcome of outcomes) {
    const state = await start(page);
    lab.world.answers["/connect/finish"] = json(outcome);
    const query = `error=${outcome.error ?? outcome.kind}&state=${state}`;
    assert.deepEqual(await call(page, "finish", `?${query}`), { value: outcome });
    assert.deepEqual(sent().at(-1).body, { callback: query });
  }
});

test("finish of a renewed access returns its vehicle", async (t) => {
  const { page } = await back(t, "vehicle_id=36ab27d0");
  lab.world.answers["/connect/finish"] = json({ kind: "reauthenticated", vehicleId: "36ab27d0", connection: null });
  assert.deepEqual((await call(page, "finish")).value, { kind: "reauthenticated", vehicleId: "36ab27d0", connection: null });
});

test("after a failure of the network, or an answer that asks for patience, the same callback can be sent again", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  const url = `${lab.world.app}/cars?${query}`;
  for (const [answer, code] of [
    ["reset", "network_error"],
    [{ status: 502, type: "text/html", body: "<h1>Bad gateway</h1>" }, "unexpected_response"],
    [problem(503, "upstream_unavailable", "Smartcar does not answer", { retryAfter: 5 }), "upstream_unavailable"],
  ]) {
    lab.world.answers["/connect/finish"] = answer;
    assert.equal((await call(page, "finish", url)).error.code, code);
  }
  lab.world.reset();
  assert.equal((await call(page, "finish", url)).value.kind, "connected");
  assert.deepEqual(sent()[0].body, { callback: query });
  assert.equal(sent().length, 1);
});

test("after a failure that may pass, the page still has the callback, and a further finish sends it again", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`, { more: "tab=2&" });
  for (const [answer, code] of [
    ["reset", "network_error"],
    [problem(503, "upstream_unavailable", "Smartcar does not answer", { retryAfter: 5 }), "upstream_unavailable"],
  ]) {
    lab.world.answers["/connect/finish"] = answer;
    assert.equal((await call(page, "finish")).error.code, code);
    assert.equal((await call(page, "hasCallback")).value, true);
  }
  lab.world.reset();
  const kinds = await page.evaluate(async () => {
    const outcomes = await Promise.all([window.connect.finish(), window.connect.finish()]);
    return outcomes.map(({ kind }) => kind);
  });
  assert.deepEqual(kinds, ["connected", "connected"]);
  assert.deepEqual(
    sent().map(({ body }) => body),
    [{ callback: query }],
  );
  assert.equal((await call(page, "hasCallback")).value, false);
  assert.equal(page.url(), `${lab.world.app}/cars?tab=2`);
});

test("a callback that failed is sent again to the Worker that had it, also where nothing can be stored", async (t) => {
  const page = await lab.page(t, `/cars?code=${CODE}&state=${FORGED}`);
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  const edge = `${lab.world.elsewhere}/other/edge`;
  lab.world.answers["/connect/finish"] = "reset";
  assert.equal((await call(page, "finish", undefined, { edge })).error.code, "network_error");
  lab.world.reset();
  assert.equal((await call(page, "finish")).value.kind, "connected");
  assert.equal(sent()[0].headers.host, new URL(lab.world.elsewhere).host);
});

test("a callback that failed is sent again for ten minutes, whatever else is finished meanwhile, and no more once it has an outcome", async (t) => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const page = await lab.page(t, "/cars", { at: now });
  const at = (moment) => page.clock.setFixedTime(now + moment);
  const failing = `/cars?code=${CODE}&state=${FORGED}`;
  const fail = async () => {
    lab.world.answers["/connect/finish"] = "reset";
    assert.equal((await call(page, "finish", failing)).error.code, "network_error");
    lab.world.reset();
  };
  const again = async () => {
    const { value, error } = await call(page, "finish");
    return value?.kind ?? error.code;
  };

  await fail();
  await call(page, "finish", `/cars?code=${CODE}&state=${await start(page)}`);
  await at(599_999);
  assert.equal(await again(), "connected");
  assert.ok(sent()[1].body.callback.includes(FORGED));
  await open(page, page.url());
  await fail();
  await at(1_199_999);
  assert.equal(await again(), "callback_empty");
  assert.equal(sent().length, 0);
  await fail();
  await call(page, "finish", failing);
  await at(1_300_000);
  assert.equal(await again(), "callback_empty");
});

test("a refusal of the callback by the Worker is final", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  lab.world.answers["/connect/finish"] = problem(409, "state_used", "already finished");
  const { error } = await call(page, "finish");
  assert.deepEqual(
    { code: error.code, message: error.message, status: error.status, requestId: error.requestId },
    { code: "state_used", message: "already finished", status: 409, requestId: "req-1" },
  );
  lab.world.reset();
  assert.equal((await call(page, "finish", `/cars?${query}`)).error.code, "state_used");
  assert.equal(sent().length, 0);
});

test("a callback that comes to another tab of the browser is finished there, at the Worker that was told", async (t) => {
  const context = await lab.profile(t);
  const [one, other] = [await context.newPage(), await context.newPage()];
  await open(one, `${lab.world.app}/cars`);
  const state = await start(one, { edge: `${lab.world.elsewhere}/other/edge/` });
  await open(other, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  assert.equal((await call(other, "hasCallback")).value, true);
  assert.equal((await call(other, "finish")).value.kind, "connected");
  assert.equal(sent()[0].headers.host, new URL(lab.world.elsewhere).host);
});

test("an attempt is found in a storage that has nothing but its methods", async (t) => {
  const context = await lab.profile(t);
  await context.addInitScript(() => {
    const { localStorage } = window;
    const names = ["getItem", "setItem", "removeItem", "key"];
    const methods = Object.fromEntries(names.map((name) => [name, (...given) => localStorage[name](...given)]));
    const bare = Object.create({ ...methods, get length() { return localStorage.length; } });
    Object.defineProperty(window, "localStorage", { value: bare });
  });
  const page = await open(await context.newPage(), `${lab.world.app}/cars`);
  const edge = `${lab.world.elsewhere}/other/edge`;
  const state = await start(page, { edge });
  assert.equal((await call(page, "unfinishedAttempt", { edge })).value.tries, 1);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  assert.equal((await call(page, "finish")).value.kind, "connected");
  assert.equal(sent()[0].headers.host, new URL(lab.world.elsewhere).host);
  assert.equal((await call(page, "unfinishedAttempt", { edge })).value, null);
});

test("where the browser has forgotten the attempt, the Worker decides", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  await page.evaluate(() => localStorage.clear());
  assert.equal((await call(page, "finish")).value.kind, "connected");
  assert.deepEqual(sent()[0].body, { callback: query });
  assert.equal(sent()[0].headers.host, new URL(lab.world.app).host);
  assert.equal(await storage(page), "[{},{}]");
});

test("an address given to finish leaves the page's own alone", async (t) => {
  const page = await lab.page(t, "/cars?code=promo&state=open");
  const state = await start(page);
  assert.equal((await call(page, "finish", `/elsewhere?code=${CODE}&state=${state}`)).value.kind, "connected");
  assert.equal(page.url(), `${lab.world.app}/cars?code=promo&state=open`);
});
