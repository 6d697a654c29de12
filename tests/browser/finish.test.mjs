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
  assert.equal((await call(page, "hasCallback")).value, false);
});

test("an address without other parameters keeps no question mark after finish, and one of an error none of its details", async (t) => {
  const { page } = await back(t, "error=vehicle_incompatible&error_description=No&vin=1FTFW1E50MFA00001&make=FORD&year=2021");
  await call(page, "finish");
  assert.equal(page.url(), `${lab.world.app}/cars`);
});

test("the address of a callback that is refused loses it all the same", async (t) => {
  const page = await lab.page(t, `/cars?code=${CODE}&state=forged&tab=2`);
  assert.equal((await call(page, "finish")).error.code, "state_unknown");
  assert.equal(page.url(), `${lab.world.app}/cars?tab=2`);
});

test("finish leaves neither code nor state behind", async (t) => {
  const { page, state } = await back(t, `code=${CODE}`);
  await call(page, "finish");
  const left = await storage(page);
  for (const secret of [CODE, state]) assert.ok(!left.includes(secret), left);
  assert.ok(!left.includes("smartcar-connect:pending"), left);
  assert.ok(!page.url().includes(CODE));
});

test("a forged state is refused without a call, and leaves the real connection alone", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${"A".repeat(43)}`);
  assert.equal((await call(page, "finish")).error.code, "state_unknown");
  assert.equal(sent().length, 0);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  assert.equal((await call(page, "finish")).value.kind, "connected");
});

test("a stored connection is believed for its own state only", async (t) => {
  const page = await lab.page(t);
  await start(page);
  // The entry of the real connection, under the name that a forged state leads to.
  const forged = "forged-state";
  const fingerprint = (await call(page, "stateFingerprint", forged)).value;
  await page.evaluate((fingerprint) => {
    const [[, entry]] = Object.entries(sessionStorage);
    sessionStorage.setItem(`smartcar-connect:pending:${fingerprint}`, entry);
  }, fingerprint);
  const { error } = await call(page, "finish", `${lab.world.app}/cars?code=${CODE}&state=${forged}`);
  assert.equal(error.code, "state_unknown");
  assert.equal(sent().length, 0);
});

test("an error with a forged state is not believed", async (t) => {
  const page = await lab.page(t);
  await start(page);
  const { value, error } = await call(page, "finish", `${lab.world.app}/cars?error=access_denied&state=forged`);
  assert.equal(value, undefined);
  assert.equal(error.code, "state_unknown");
  assert.equal(sent().length, 0);
});

test("a callback counts once", async (t) => {
  const { page, query } = await back(t, `code=${CODE}`);
  const url = `${lab.world.app}/cars?${query}`;
  assert.equal((await call(page, "finish", url)).value.kind, "connected");
  assert.equal((await call(page, "finish", url)).error.code, "state_used");
  await open(page, url);
  assert.equal((await call(page, "finish")).error.code, "state_used");
  assert.equal(sent().length, 1);
});

test("of two calls of finish at once only one finishes", async (t) => {
  const { page } = await back(t, `code=${CODE}`);
  const codes = await page.evaluate(async () => {
    const url = location.href;
    const results = await Promise.allSettled([window.connect.finish(url), window.connect.finish(url)]);
    return results.map((result) => result.reason?.code ?? result.value.kind);
  });
  assert.deepEqual(codes.sort(), ["connected", "state_used"]);
  assert.equal(sent().length, 1);
});

test("a connection that was started expires after ten minutes", async (t) => {
  const context = await lab.profile(t);
  const page = await context.newPage();
  await page.clock.setFixedTime("2026-11-24T12:00:00Z");
  await open(page, `${lab.world.app}/cars`);
  const [late, early] = [await start(page), await start(page)];
  await page.clock.setFixedTime("2026-11-24T12:09:59Z");
  assert.equal((await call(page, "finish", `/cars?code=${CODE}&state=${early}`)).value.kind, "connected");
  await page.clock.setFixedTime("2026-11-24T12:10:00Z");
  assert.equal((await call(page, "finish", `/cars?code=${CODE}&state=${late}`)).error.code, "state_expired");
  assert.equal(sent().length, 1);
});

test("a connection that was never finished is swept away by a later start", async (t) => {
  const context = await lab.profile(t);
  const page = await context.newPage();
  await page.clock.setFixedTime("2026-11-24T12:00:00Z");
  await open(page, `${lab.world.app}/cars`);
  await start(page);
  const used = await start(page);
  await call(page, "finish", `/cars?code=${CODE}&state=${used}`);
  await page.evaluate(() => {
    sessionStorage.setItem("smartcar-connect:pending:garbage", "{");
    sessionStorage.setItem("mine", "kept");
  });
  await page.clock.setFixedTime("2026-11-24T12:10:00Z");
  await start(page);
  const keys = await page.evaluate(() => Object.keys(sessionStorage).sort());
  assert.equal(keys.length, 2, keys);
  assert.equal(keys[0], "mine");
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
  assert.equal((await call(page, "finish", url)).error.code, "state_used");
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

test("an address given to finish leaves the page's own alone", async (t) => {
  const page = await lab.page(t, "/cars?code=promo&state=open");
  const state = await start(page);
  assert.equal((await call(page, "finish", `/elsewhere?code=${CODE}&state=${state}`)).value.kind, "connected");
  assert.equal(page.url(), `${lab.world.app}/cars?code=promo&state=open`);
});
