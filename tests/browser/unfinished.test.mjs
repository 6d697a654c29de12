// What was begun and never came back: told without the module.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, open, setUp, start } from "./support/chromium.mjs";
import { APPLICATION_ID, CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const CODE = "90abecb6-e7ab-4b85-864a-e1c8bf67f2ad";
const NOW = Date.parse("2026-11-24T12:00:00Z");

const unfinished = async (page, ...args) => (await call(page, "unfinishedAttempt", ...args)).value;
const finish = (page, state, answer) => call(page, "finish", `${lab.world.app}/cars?${answer ?? `code=${CODE}`}&state=${state}`);

async function opened(t) {
  const context = await lab.profile(t);
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  return open(page, `${lab.world.app}/cars`);
}

test("an attempt is unfinished in every tab until the page knows what came of it, whatever that is", async (t) => {
  const page = await opened(t);
  assert.equal(await unfinished(page), null);
  for (const [answer, outcome] of [
    [undefined, json({ kind: "connected", connection: CONNECTION })],
    ["error=access_denied", json({ kind: "access_denied" })],
    [undefined, problem(410, "state_expired", "late")],
  ]) {
    const state = await start(page);
    const expected = { startedAt: NOW, expiresAt: NOW + 600_000, tries: 1 };
    assert.deepEqual(await unfinished(page), expected);
    const other = await open(await page.context().newPage(), `${lab.world.app}/cars`);
    await other.clock.setFixedTime(NOW);
    assert.deepEqual(await unfinished(other), expected);
    lab.world.answers["/connect/finish"] = outcome;
    await finish(page, state, answer);
    assert.equal(await unfinished(page), null);
    assert.equal(await unfinished(other), null);
    await other.close();
  }
});

test("what may still be finished stays unfinished, and a start that failed was none", async (t) => {
  const page = await opened(t);
  const state = await start(page);
  lab.world.answers["/connect/finish"] = problem(503, "storage_unavailable", "busy");
  await finish(page, state);
  assert.equal((await unfinished(page)).tries, 1);
  lab.world.answers["/connect/finish"] = json({ kind: "connected", connection: CONNECTION });
  await finish(page, state);
  assert.equal(await unfinished(page), null);
  lab.world.answers["/connect/start"] = problem(503, "storage_unavailable", "busy");
  await assert.rejects(start(page));
  assert.equal(await unfinished(page), null);
});

test("an attempt ends ten minutes after the call of start, however long the Worker takes", async (t) => {
  const page = await opened(t);
  const answer = lab.world.answers["/connect/start"];
  lab.world.answers["/connect/start"] = async () => {
    await page.clock.setFixedTime(NOW + 5000);
    return answer;
  };
  const { value } = await call(page, "start", { navigate: false });
  assert.equal(value.expiresAt, NOW + 600_000);
  assert.equal((await unfinished(page)).expiresAt, value.expiresAt);
});

test("attempts in a row that came to nothing are counted; a newer one that ended well ends it", async (t) => {
  const page = await opened(t);
  const at = (ms) => page.clock.setFixedTime(NOW + ms);
  await start(page);
  await at(1000);
  await start(page);
  assert.equal((await unfinished(page)).tries, 2);
  await at(2000);
  await finish(page, await start(page));
  assert.equal(await unfinished(page), null);
  await at(3000);
  await start(page);
  assert.deepEqual(await unfinished(page), { startedAt: NOW + 3000, expiresAt: NOW + 603_000, tries: 1 });
  // It is told of for a day.
  await at(3000 + 24 * 3_600_000 - 1);
  assert.notEqual(await unfinished(page), null);
  await at(3000 + 24 * 3_600_000);
  assert.equal(await unfinished(page), null);
});

test("sixteen attempts are kept, and the oldest makes room", async (t) => {
  const page = await opened(t);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await page.clock.setFixedTime(NOW + attempt);
    await start(page);
  }
  const kept = await page.evaluate(() => Object.values(localStorage).map((entry) => JSON.parse(entry).startedAt));
  assert.deepEqual(kept.sort(), Array.from({ length: 16 }, (_, index) => NOW + 4 + index));
  assert.equal((await unfinished(page)).tries, 16);
});

test("what the owner wants to hear no more of is forgotten, and can be finished all the same", async (t) => {
  const page = await opened(t);
  const state = await start(page);
  await call(page, "forgetAttempt");
  assert.equal(await unfinished(page), null);
  assert.equal((await finish(page, state)).value.kind, "connected");
});

test("an attempt to mend a connection names it; one at another Worker is none of this one's", async (t) => {
  const page = await opened(t);
  lab.world.answers[`/connections/${CONNECTION.id}/reconnect`] = json({
    flow: "new_connection",
    applicationId: APPLICATION_ID,
    connectOrigin: lab.world.elsewhere,
    externalId: "ext-1",
    expiresAt: 1790000600000,
  });
  const { error } = await call(page, "reconnect", CONNECTION.id, { navigate: false });
  assert.equal(error, undefined);
  assert.equal((await unfinished(page)).connectionId, CONNECTION.id);
  assert.equal(await unfinished(page, { edge: "/elsewhere" }), null);
  assert.notEqual(await unfinished(page, { edge: `${lab.world.app}/smartcar/` }), null);
});

test("what is stored may be anything, and options are checked", async (t) => {
  const page = await opened(t);
  const good = { startedAt: NOW, edge: `${lab.world.app}/smartcar` };
  const told = await page.evaluate(async (texts) => {
    const all = [];
    for (const text of texts) {
      localStorage.setItem("smartcar-connect:attempt:x", text);
      all.push(window.connect.unfinishedAttempt());
    }
    return all;
  }, ["", "{", "null", "7", "[]", ...[{ startedAt: "x" }, { startedAt: -1 }, { edge: 7 }, { startedAt: NOW + 0.5 }].map((bad) => JSON.stringify({ ...good, ...bad }))]);
  assert.ok(told.every((one) => one === null), JSON.stringify(told));
  for (const options of [null, 7, [], { egde: "/x" }, { edge: "http://[" }]) {
    for (const name of ["unfinishedAttempt", "forgetAttempt"]) {
      const { error } = await call(page, name, options);
      assert.equal(error?.code, "invalid_option", `${name} ${JSON.stringify(options)}`);
    }
  }
});
