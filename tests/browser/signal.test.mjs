// `AbortSignal`: who does not want to wait any more gets the reason, as `fetch` has it, and nothing is lost by it.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start } from "./support/chromium.mjs";
import { CONNECTION, json } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
const never = () => new Promise(() => {});
const CALLS = {
  start: "connect.start({ signal })",
  reconnect: `connect.reconnect("${CONNECTION.id}", { signal })`,
  connections: "connect.connections({ signal })",
  vehicles: "connect.vehicles({ signal })",
  disconnect: `connect.disconnect("${CONNECTION.id}", { signal })`,
  disconnectAll: "connect.disconnectAll({ signal })",
  claim: "connect.claim({ signal })",
  signOut: "connect.signOut({ signal })",
  "vehicle.get": 'connect.vehicle("v1").get("/odometer", { signal })',
  "vehicle.post": 'connect.vehicle("v1").post("/charge", { action: "START" }, { signal })',
};

/** Aborts a call once the Worker has been asked, and says what it rejects with. */
async function aborted(page, expression) {
  await page.evaluate((expression) => {
    window.ending = new AbortController();
    const run = new Function("connect", "signal", `return ${expression}`);
    window.told = run(window.connect, window.ending.signal).then(
      () => "resolved",
      (error) => (error === window.reason ? "the reason" : `${error.name} ${error.code}`),
    );
    window.reason = new Error("enough");
  }, expression);
  await lab.asked;
  return page.evaluate(() => {
    window.ending.abort(window.reason);
    return window.told;
  });
}

test("a call that is aborted while the Worker thinks rejects with the reason, and its request is ended", async (t) => {
  const page = await lab.page(t);
  for (const [name, expression] of Object.entries(CALLS)) {
    const { promise, resolve } = Promise.withResolvers();
    const { promise: ended, resolve: end } = Promise.withResolvers();
    lab.asked = promise;
    const hang = ({ request }) => {
      resolve();
      request.socket.once("close", end);
      return never();
    };
    lab.world.answers = new Proxy({}, { get: (_, key) => (typeof key === "string" ? hang : undefined) });
    assert.equal(await aborted(page, expression), "the reason", name);
    await ended;
  }
  assert.equal(page.url(), `${lab.world.app}/cars`);
  lab.world.reset();
  assert.equal((await call(page, "unfinishedAttempt")).value, null, "a start that was aborted was none");
});

test("a signal that is aborted already sends nothing, and any other object is refused", async (t) => {
  const page = await lab.page(t);
  for (const [name, expression] of Object.entries(CALLS)) {
    const told = await page.evaluate(async (expression) => {
      const run = new Function("connect", "signal", `return ${expression}`);
      const tell = (signal) => run(window.connect, signal).then(() => "resolved", ({ name, code, field }) => `${name} ${field ?? code}`);
      return [await tell(AbortSignal.abort()), await tell({}), await tell(7)];
    }, expression);
    assert.deepEqual(told, ["AbortError 20", "ConnectError signal", "ConnectError signal"], name);
  }
  assert.deepEqual(lab.world.requests, []);
});

/** A page whose finish is under way at the Worker; `answer` lets it answer. */
async function finishing(t) {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  const { promise: asked, resolve } = Promise.withResolvers();
  const { promise: answered, resolve: answer } = Promise.withResolvers();
  lab.world.answers["/connect/finish"] = () => {
    resolve();
    return answered;
  };
  await page.evaluate(() => {
    window.ending = new AbortController();
    window.told = window.connect.finish(undefined, { signal: window.ending.signal }).catch(({ name }) => name);
  });
  await asked;
  assert.equal(await page.evaluate(() => (window.ending.abort(), window.told)), "AbortError");
  return { page, answer };
}

test("a finish that is aborted goes on: who asks again, at once or much later, gets the outcome, once", async (t) => {
  for (const isLater of [false, true]) {
    const { page, answer } = await finishing(t);
    assert.equal((await call(page, "hasCallback")).value, true);
    answer(json({ kind: "connected", connection: CONNECTION }));
    if (isLater) {
      await page.waitForFunction(() => sessionStorage.getItem("smartcar-connect:finishing") === null);
      await page.clock.setFixedTime(Date.now() + 60_000);
      assert.equal((await call(page, "hasCallback")).value, true);
    }
    const inVain = await page.evaluate(() => window.connect.finish(undefined, { signal: AbortSignal.abort() }).catch(({ name }) => name));
    assert.equal(inVain, "AbortError");
    assert.equal((await call(page, "finish")).value?.kind, "connected");
    assert.equal((await call(page, "hasCallback")).value, false);
    assert.equal(lab.world.sent("/connect/finish").length, 1);
    lab.world.reset();
  }
});

test("a finish that is aborted and then fails for a while is sent again", async (t) => {
  const { page, answer } = await finishing(t);
  answer("reset");
  await page.waitForTimeout(200);
  lab.world.answers["/connect/finish"] = json({ kind: "connected", connection: CONNECTION });
  let outcome = await call(page, "finish");
  // It may have been asked before it had failed.
  if (outcome.error) outcome = await call(page, "finish");
  assert.equal(outcome.value?.kind, "connected");
});

test("an effect that runs twice, and gives the first run up, has the outcome", async (t) => {
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  const told = await page.evaluate(async () => {
    const effect = () => {
      const ending = new AbortController();
      const outcome = window.connect.hasCallback() ? window.connect.finish(undefined, { signal: ending.signal }) : undefined;
      return [outcome?.then(({ kind }) => kind, ({ name }) => name), () => ending.abort()];
    };
    const [first, giveUp] = effect();
    giveUp();
    const [second] = effect();
    return Promise.all([first, second]);
  });
  assert.deepEqual(told, ["AbortError", "connected"]);
  assert.equal((await call(page, "hasCallback")).value, false);
  assert.equal(lab.world.sent("/connect/finish").length, 1);
});

test("a popup that was given up before it began opens no window, and nobody hears of it again", async (t) => {
  const page = await lab.page(t);
  const told = await page.evaluate(async () => {
    const [opened, unheard] = [[], []];
    window.open = (...given) => void opened.push(given);
    addEventListener("unhandledrejection", ({ reason }) => unheard.push(String(reason)));
    const code = (error) => error.code ?? error.name;
    const { connect } = window;
    const codes = [];
    for (const signal of [AbortSignal.abort(), 7]) codes.push(await connect.popup({ signal }).catch(code));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { opened, unheard, codes: codes.map(String) };
  });
  assert.deepEqual([told.opened, told.unheard], [[], []]);
  assert.equal(told.codes[1], "invalid_option");
});

test("a start that was given up before it began takes none after it along", async (t) => {
  const page = await lab.page(t);
  const states = await page.evaluate(async () => {
    const { connect } = window;
    const ending = new AbortController();
    const first = connect.start({ signal: ending.signal }).then(() => "started", (error) => error.name);
    ending.abort();
    const second = connect.start().then(({ url }) => typeof url, (error) => error.name);
    return Promise.all([first, second]);
  }).catch(() => "left");
  // The second one leaves the page, perhaps before it can be told of.
  if (states !== "left") assert.deepEqual(states, ["AbortError", "string"]);
  await page.waitForURL((url) => url.origin !== new URL(lab.world.app).origin);
});
