// Nothing is kept of whoever does not come back: not of an owner, nor of a visit that connected nothing.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections, untilStored } from "../harness/connections-fixture.mjs";
import { runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "../harness/spans.mjs";

const fixture = await openConnections({
  isolates: 1,
  adjust: (values) => ({ ...values, RETENTION_DAYS: "20", SESSION_DAYS: "50", SESSION_MAX_DAYS: "50" }),
});
const { kv, env, simulator, edge, carIds } = fixture;
after(() => fixture.close());
beforeEach(() => kv.store.reset());

/** A new owner; a car of its own, because Smartcar disconnects a car for everyone. */
function owner(car = 0) {
  return fixture.owner({ vehicles: [carIds[car]] });
}

async function assertGone({ vault, stored }) {
  assert.deepEqual(stored(), []);
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
  return (await simulator.disconnects()).length;
}

test("who was not seen for the retention is disconnected at Smartcar and deleted; who was seen stays, until the session's longest life ends", async () => {
  const [absent, returning] = [await owner(0), await owner(1)];
  const before = await told();
  await live(15, absent, returning);
  assert.equal((await returning.client.connections()).length, 1);
  await live(7, absent, returning);
  assert.equal((await told()) - before, absent.connection.vehicles.length);
  await assertGone(absent);
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
  await assertGone(returning);
});

test("a visit that is never finished leaves nothing once it has expired", async () => {
  const client = env.client();
  const { vault, stored } = await firstVisit(env, () => client.start());
  assert.deepEqual((await storedKeys(edge, vault)).sort().map((key) => key.split("/")[0]), ["pending", "profile"]);
  await env.travel(9 * MINUTE);
  assert.equal((await runAlarm(edge, vault)).ran, false);
  await env.travel(MINUTE + SECOND);
  assert.equal((await runAlarm(edge, vault)).ran, true);
  await assertGone({ vault, stored });
  // The owner may come back, with the same cookie.
  await untilStored([await env.connected(client)], stored);
});

test("a visit that was denied leaves nothing once it has expired", async () => {
  const client = env.client();
  const { result, ...denied } = await firstVisit(env, async () => {
    const { state } = await client.start();
    return client.finish({ error: "access_denied", error_description: "no", state });
  });
  assert.equal(result.json().kind, "access_denied");
  await env.travel(10 * MINUTE + SECOND);
  await runAlarm(edge, denied.vault);
  await assertGone(denied);
});

test("an owner who connected and disconnected again leaves nothing", async () => {
  const left = await owner();
  assert.equal((await left.client.delete(`/connections/${left.connection.id}`)).status, 204);
  await env.travel(10 * MINUTE + SECOND);
  for (let hour = 0; hour < 30; hour += 1) {
    await env.travel(HOUR);
    await runAlarm(edge, left.vault);
  }
  await assertGone(left);
});

/** How often the alarm rings within `span` of the Worker's clock, which goes from one ring to the next. */
async function ringsWithin(vault, span) {
  const end = env.now() + span;
  let rang = 0;
  while (env.now() < end) {
    const alarm = await runAlarm(edge, vault);
    if (alarm.ran) rang += 1;
    else assert.notEqual(alarm.due, null, "no alarm is set");
    await env.travel(SECOND);
  }
  return rang;
}

/** With KV well again, the alarm brings the deletion to its end. */
async function assertDeletedInTheEnd(owner) {
  for (let minute = 0; minute < 6; minute += 1) {
    await env.travel(MINUTE);
    await runAlarm(edge, owner.vault);
  }
  await assertGone(owner);
}

test("KV that fails during a deletion is asked again by the alarm, at a measured pace", async () => {
  const asked = await owner();
  kv.store.refusals = Infinity;
  assert.equal((await asked.client.delete("/connections")).status, 204);
  asked.client.goOn();
  assert.deepEqual(await asked.client.connections(), []);
  const rang = await ringsWithin(asked.vault, 2 * MINUTE);
  assert.ok(rang >= 2 && rang <= 12, `${rang} times in two minutes`);
  assert.equal(asked.stored().length, 4);
  kv.store.refusals = 0;
  await assertDeletedInTheEnd(asked);
});

test("KV that fails when the retention has ended is asked again by the alarm, at a measured pace", async () => {
  const absent = await owner();
  kv.store.refusals = Infinity;
  await live(21, absent);
  const rang = await ringsWithin(absent.vault, 2 * MINUTE);
  assert.ok(rang >= 2 && rang <= 12, `${rang} times in two minutes`);
  kv.store.refusals = 0;
  await assertDeletedInTheEnd(absent);
});
