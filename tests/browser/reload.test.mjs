// A page that is left in the middle of a finish: the one that comes after it finds out what became of it.
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
const OUTCOME = { kind: "connected", connection: CONNECTION };

const looks = () => lab.world.requests.filter(({ path, method }) => method === "GET" && path.startsWith("/connect/attempts/"));

/** A page that was reloaded while its finish was under way. */
async function reloaded(t, options) {
  const page = await lab.page(t);
  const state = await start(page, options);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  const { promise: isSent, resolve: sent } = Promise.withResolvers();
  lab.world.answers["/connect/finish"] = () => {
    sent();
    return new Promise(() => {});
  };
  await page.evaluate(() => void window.connect.finish());
  await isSent;
  // What Playwright knows of the address may be late.
  assert.equal(await page.evaluate(() => location.href), `${lab.world.app}/cars`);
  await open(page, `${lab.world.app}/cars`);
  return { page, state, fingerprint };
}

test("after a reload the page learns the outcome, once", async (t) => {
  for (const outcome of [OUTCOME, { kind: "access_denied", description: "no" }]) {
    const { page, fingerprint } = await reloaded(t);
    assert.equal((await call(page, "hasCallback")).value, true);
    lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome });
    assert.deepEqual(await call(page, "finish"), { value: outcome });
    assert.equal(looks().at(-1).path, `/connect/attempts/${fingerprint}`);
    assert.equal((await call(page, "hasCallback")).value, false);
    await open(page, page.url());
    assert.equal((await call(page, "hasCallback")).value, false);
    assert.equal((await call(page, "finish")).error.code, "callback_empty");
  }
});

test("after a reload the page waits for an exchange, and two effects share what comes of it", async (t) => {
  const { page } = await reloaded(t);
  const answers = [json({ status: "pending" }), json({ status: "exchanging" }), json({ status: "finished", outcome: OUTCOME })];
  lab.world.answers["/connect/attempts"] = () => answers.shift();
  const kinds = await page.evaluate(async () => {
    const outcomes = await Promise.all([window.connect.finish(), window.connect.finish()]);
    return outcomes.map(({ kind }) => kind);
  });
  assert.deepEqual(kinds, ["connected", "connected"]);
  assert.equal(looks().length, 3);
});

test("after a reload that lost the callback the page is told to start again", async (t) => {
  const { page } = await reloaded(t);
  const { error } = await call(page, "finish");
  assert.equal(error.code, "finish_interrupted");
  assert.match(error.message, /nothing was connected; start the connection again/);
  assert.ok(!(await storage(page)).includes("smartcar-connect:finishing"));
});

test("after a reload the page asks once a second: three for the callback to arrive, thirty for an exchange", async (t) => {
  for (const [status, waits, times] of [
    ["pending", 3, 4],
    ["exchanging", 31, 31],
  ]) {
    const { page } = await reloaded(t);
    lab.world.reset();
    lab.world.answers["/connect/attempts"] = json({ status });
    const told = await page.evaluate(async () => {
      const { setTimeout } = window;
      let waits = 0;
      window.setTimeout = (done, wait) => {
        if (wait === 1000) waits += 1;
        return setTimeout(done, wait === 1000 ? 0 : wait);
      };
      const { code } = await window.connect.finish().catch((error) => error);
      return { code, waits };
    });
    assert.deepEqual(told, { code: "finish_interrupted", waits });
    assert.equal(looks().length, times);
  }
});

test("what one finish comes to says nothing of another that the page was at when it was left", async (t) => {
  const page = await lab.page(t);
  const [ended, left] = [await start(page), await start(page)];
  const fingerprint = (await call(page, "stateFingerprint", left)).value;
  const { promise: answered, resolve: answer } = Promise.withResolvers();
  lab.world.answers["/connect/finish"] = ({ body }) => (body.includes(ended) ? answered : new Promise(() => {}));
  await page.evaluate(([ended, left]) => {
    window.told = window.connect.finish(`?code=1&state=${ended}`);
    void window.connect.finish(`?code=2&state=${left}`);
  }, [ended, left]);
  answer(json(OUTCOME));
  await page.evaluate(() => window.told);
  await open(page, page.url());
  lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome: OUTCOME });
  assert.deepEqual(await call(page, "finish"), { value: OUTCOME });
  assert.equal(looks()[0].path, `/connect/attempts/${fingerprint}`);
});

test("after a reload the Worker's refusal is told, and what may pass is asked again", async (t) => {
  const { page } = await reloaded(t, { edge: `${lab.world.elsewhere}/other/edge/` });
  for (const [answer, code] of [
    ["reset", "network_error"],
    [problem(503, "storage_unavailable", "try again"), "storage_unavailable"],
    [json({ status: "finished", outcome: { kind: "brilliant" } }), "unexpected_response"],
    [json({ status: "finished" }), "unexpected_response"],
  ]) {
    lab.world.answers["/connect/attempts"] = answer;
    assert.equal((await call(page, "hasCallback")).value, true, code);
    assert.equal((await call(page, "finish")).error.code, code);
  }
  lab.world.answers["/connect/attempts"] = problem(502, "exchange_refused", "refused");
  assert.equal((await call(page, "finish")).error.code, "exchange_refused");
  assert.equal(looks().at(-1).headers.host, new URL(lab.world.elsewhere).host);
  assert.equal((await call(page, "hasCallback")).value, false);
});

test("after a reload the page learns the outcome, though the one before it was told that its request has failed", async (t) => {
  // As Firefox and WebKit tell a page that is being left.
  const page = await lab.page(t);
  const state = await start(page);
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  lab.world.answers["/connect/finish"] = "reset";
  assert.equal((await call(page, "finish")).error.code, "network_error");
  await open(page, page.url());
  assert.equal((await call(page, "hasCallback")).value, true);
  lab.world.answers["/connect/attempts"] = json({ status: "finished", outcome: OUTCOME });
  assert.deepEqual(await call(page, "finish"), { value: OUTCOME });
  assert.equal((await call(page, "hasCallback")).value, false);
});

test("another tab is not told what this one was at", async (t) => {
  const { page } = await reloaded(t);
  const other = await open(await page.context().newPage(), `${lab.world.app}/cars`);
  assert.equal((await call(other, "hasCallback")).value, false);
  assert.equal((await call(other, "finish")).error.code, "callback_empty");
});

test("what a tab was at is known by a whole note of it, and by nothing else", async (t) => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const page = await lab.page(t, "/cars", { at: now });
  const good = { fingerprint: "A".repeat(43), edge: `${lab.world.app}/smartcar`, since: now };
  const [less, more] = [599_999, 600_000];
  const notes = [
    ...[good, { ...good, more: 1 }, { ...good, since: now - less }, { ...good, since: now + less }],
    ...[now - more, now + more, String(now), now + 0.5, -1, null, true, {}].map((since) => ({ ...good, since })),
    ...["", "A", "A".repeat(44), `${"A".repeat(42)}B`, `${"A".repeat(42)}=`, `${"A".repeat(43)}\n`, null, 7, ["A".repeat(43)]].map(
      (fingerprint) => ({ ...good, fingerprint }),
    ),
    ...[undefined, null, 7, [good.edge], {}].map((edge) => ({ ...good, edge })),
    ...[null, [], [good], 7, "text", {}],
  ].map((note) => JSON.stringify(note));
  const told = await page.evaluate(async (notes) => {
    return notes.filter((note) => {
      sessionStorage.setItem("smartcar-connect:finishing", note);
      return window.connect.hasCallback();
    });
  }, [...notes, "", "{", "[1"]);
  assert.deepEqual(told, notes.slice(0, 4));
});

test("what a tab was at is forgotten with its outcome, however late that is by a clock that was put right", async (t) => {
  const page = await lab.page(t, "/cars", { at: "2026-11-24T12:00:00Z" });
  const state = await start(page);
  const { promise: isSent, resolve: sent } = Promise.withResolvers();
  const { promise: answered, resolve: answer } = Promise.withResolvers();
  lab.world.answers["/connect/finish"] = () => {
    sent();
    return answered;
  };
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  await page.evaluate(() => void (window.finishing = window.connect.finish()));
  await isSent;
  await page.clock.setFixedTime("2026-11-24T13:00:00Z");
  answer(json(OUTCOME));
  await page.evaluate(() => window.finishing);
  await page.clock.setFixedTime("2026-11-24T12:00:00Z");
  assert.equal((await call(page, "hasCallback")).value, false);
});

test("what a tab was at ten minutes ago is nobody's business any more", async (t) => {
  const page = await lab.page(t, "/cars", { at: "2026-11-24T12:00:00Z" });
  const state = await start(page);
  lab.world.answers["/connect/finish"] = () => new Promise(() => {});
  await open(page, `${lab.world.app}/cars?code=${CODE}&state=${state}`);
  await page.evaluate(() => void window.connect.finish());
  await page.clock.setFixedTime("2026-11-24T12:09:59Z");
  assert.equal((await call(page, "hasCallback")).value, true);
  await page.clock.setFixedTime("2026-11-24T12:10:00Z");
  assert.equal((await call(page, "hasCallback")).value, false);
});
