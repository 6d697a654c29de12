// Nothing is kept of whoever does not come back: not of an owner, nor of a visit that connected nothing.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules, runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { startKv } from "../harness/kv.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";
import { openEnv } from "../harness/env.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const kv = await startKv();
const env = await openEnv({
  kv,
  modules: instrumentedModules(),
  adjust: (values) => ({ ...values, RETENTION_DAYS: "20", SESSION_DAYS: "50" }),
});
const { simulator, edge } = env;
after(async () => {
  await env.close();
  await kv.close();
});
const carIds = (await simulator.configure({})).vehicles.map(({ id }) => id);
beforeEach(() => {
  kv.store.refusals = 0;
});

/** A new visitor's vault, and the names that came to KV with the visit. */
async function visited(visit) {
  const [vaults, names] = [new Set(await edge.vaultIds()), new Set(kv.store.entries().keys())];
  const client = env.client();
  const done = await visit(client);
  const [vault, ...others] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
  assert.deepEqual(others, []);
  const added = () => [...kv.store.entries().keys()].filter((name) => !names.has(name));
  return { client, vault, done, added, own: () => [] };
}

/** A new visitor with a connection; a car of its own, because Smartcar disconnects a car for everyone. */
async function owner(car = 0) {
  const grant = { vehicles: [carIds[car]] };
  const made = await visited(async (client) => (await env.connect(client, grant)).answer.json().connection);
  await until("KV has the grant and the index", () => made.added().length === 2);
  const names = made.added();
  return { ...made, connection: made.done, own: () => names.filter((name) => kv.store.entries().has(name)) };
}

async function isGone({ vault, own }) {
  assert.deepEqual(own(), []);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.equal((await runAlarm(edge, vault)).due, null);
}

/** Lets days pass; on each the alarm of every vault rings if it is due. */
async function live(days, ...owners) {
  for (let day = 0; day < days; day += 1) {
    await env.travel(DAY);
    for (const { vault } of owners) await runAlarm(edge, vault);
  }
}

async function told() {
  return (await simulator.requests()).filter(({ method }) => method === "DELETE").length;
}

test("who was not seen for the retention is disconnected at Smartcar and deleted; who was seen stays, until the session ends", async () => {
  const [absent, returning] = [await owner(0), await owner(1)];
  const before = await told();
  await live(15, absent, returning);
  assert.equal((await returning.client.connections()).length, 1);
  await live(7, absent, returning);
  assert.equal((await told()) - before, absent.connection.vehicles.length);
  await isGone(absent);
  assert.deepEqual(await absent.client.connections(), []);
  assertProblem(await absent.client.token(absent.connection), { status: 404, code: "connection_not_found" });

  // Day 22, 34 and 46: seen, and the connection works.
  for (const days of [12, 12]) {
    assert.equal((await returning.client.connections()).length, 1);
    assert.equal((await returning.client.token(returning.connection)).status, 200);
    await live(days, returning);
  }
  assert.equal((await returning.client.connections()).length, 1);
  await live(5, returning);
  assert.equal((await told()) - before, absent.connection.vehicles.length + returning.connection.vehicles.length);
  await isGone(returning);
});

test("a visit that is never finished leaves nothing once it has expired", async () => {
  const visit = await visited((client) => client.start());
  assert.deepEqual((await storedKeys(edge, visit.vault)).sort().map((key) => key.split("/")[0]), ["pending", "profile"]);
  await env.travel(9 * MINUTE);
  assert.equal((await runAlarm(edge, visit.vault)).ran, false);
  await env.travel(MINUTE + SECOND);
  assert.equal((await runAlarm(edge, visit.vault)).ran, true);
  await isGone(visit);
  // The owner may come back, with the same cookie.
  const before = kv.store.entries().size;
  const { answer } = await env.connect(visit.client);
  assert.equal(answer.json().kind, "connected", answer.text);
  await until("KV has the grant and the index", () => kv.store.entries().size === before + 2);
});

test("nor does one that was denied, or connected and disconnected again", async () => {
  const denied = await visited(async (client) => {
    const { state } = await client.start();
    return client.finish({ error: "access_denied", error_description: "no", state });
  });
  assert.equal(denied.done.json().kind, "access_denied");
  const left = await owner();
  assert.equal((await left.client.delete(`/connections/${left.connection.id}`)).status, 204);
  await env.travel(10 * MINUTE + SECOND);
  await runAlarm(edge, denied.vault);
  await isGone(denied);
  for (let hour = 0; hour < 30; hour += 1) {
    await env.travel(60 * MINUTE);
    await runAlarm(edge, left.vault);
  }
  await isGone(left);
});

/** How often the alarm rings within `span`, with the clock going from one ring to the next. */
async function ringsWithin(vault, span) {
  let [rang, passed] = [0, 0];
  while (passed < span) {
    const alarm = await runAlarm(edge, vault);
    if (alarm.ran) rang += 1;
    else assert.notEqual(alarm.due, null, "no alarm is set");
    await env.travel(SECOND);
    passed += SECOND;
  }
  return rang;
}

/** With KV well again, the alarm brings the deletion to its end. */
async function idle(owner) {
  for (let minute = 0; minute < 6; minute += 1) {
    await env.travel(MINUTE);
    await runAlarm(edge, owner.vault);
  }
  await isGone(owner);
}

test("KV that fails during the deletion is asked again by the alarm, at a measured pace", async () => {
  const asked = await owner();
  kv.store.refusals = Infinity;
  assert.equal((await asked.client.delete("/connections")).status, 204);
  assert.deepEqual(await asked.client.connections(), []);
  const rang = await ringsWithin(asked.vault, 2 * MINUTE);
  assert.ok(rang >= 2 && rang <= 12, `${rang} times in two minutes`);
  assert.equal(asked.own().length, 2);
  kv.store.refusals = 0;
  await idle(asked);
});

test("so it is when the retention has ended", async () => {
  const absent = await owner();
  kv.store.refusals = Infinity;
  await live(21, absent);
  const rang = await ringsWithin(absent.vault, 2 * MINUTE);
  assert.ok(rang >= 2 && rang <= 12, `${rang} times in two minutes`);
  kv.store.refusals = 0;
  await idle(absent);
});
