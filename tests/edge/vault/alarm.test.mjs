// The long life of a grant that nobody uses: kept alive by the alarm, not forever, and deleted whole.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { kill, owed, runAlarm, setClock, storedKeys } from "../harness/instrumented.mjs";
import { DAY, HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({ isolates: 1 });
const { env, simulator, edge, owner } = fixture;
after(() => fixture.close());
beforeEach(() => simulator.clearFaults());

async function refreshes() {
  return (await simulator.counts()).refreshCommitted;
}

/** Lets days pass; on each the alarm rings if it is due. */
async function livesThrough(days, vault) {
  for (let day = 0; day < days; day += 1) {
    await env.travel(DAY);
    const before = await simulator.counts();
    await runAlarm(edge, vault);
    const now = await simulator.counts();
    // A refresh is followed by a new list of the cars. A day later its access token would be too old for that.
    if (now.refreshCommitted > before.refreshCommitted) {
      await until("the cars are listed again, or given up", async () => {
        const { vehicles, disconnect } = await simulator.counts();
        return vehicles > before.vehicles || disconnect > before.disconnect;
      });
    }
  }
}

test("an idle grant is refreshed well before day 60, again and again", async () => {
  const { client, connection, vault } = await owner();
  const first = await refreshes();
  await livesThrough(29, vault);
  assert.equal(await refreshes(), first, "refreshed before day 30");
  await livesThrough(4, vault);
  assert.equal(await refreshes(), first + 1, "not refreshed by day 33");
  await livesThrough(33, vault);
  assert.equal(await refreshes(), first + 2);
  assert.equal((await client.token(connection)).status, 200);
});

test("an alarm that fails rings again, however often", async () => {
  const { client, connection, vault } = await owner();
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: null });
  await livesThrough(32, vault);
  let rang = 0;
  for (let hour = 0; hour < 12; hour += 1) {
    await env.travel(HOUR);
    const alarm = await runAlarm(edge, vault);
    assert.notEqual(alarm.due, null, "no alarm is set");
    if (alarm.ran) rang += 1;
  }
  assert.ok(rang > 6, `${rang}`);
  const [degraded] = await client.connections();
  assert.deepEqual([degraded.status, degraded.cause], ["degraded", "server_error"]);
  await simulator.clearFaults();
  const first = await refreshes();
  await env.travel(HOUR + 1);
  await runAlarm(edge, vault);
  assert.equal(await refreshes(), first + 1);
  const [active] = await client.connections();
  assert.equal(active.status, "active");
  assert.ok(active.since > degraded.since);
  assert.equal((await client.token(connection)).status, 200);
});

test("nobody's grant is kept forever: after 180 days without a visit everything is gone, at Smartcar too", async () => {
  const { connection, vault, stored } = await owner();
  await livesThrough(179, vault);
  assert.notDeepEqual(stored(), []);
  const told = async () => (await simulator.disconnects()).length;
  const before = await told();
  await livesThrough(4, vault);
  assert.equal((await told()) - before, connection.vehicles.length);
  assert.deepEqual(stored(), []);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.equal((await runAlarm(edge, vault)).due, null);
});

/** An owner whose connection was refreshed under a clock that was 50 days ahead; the clock is right again. */
async function refreshedAhead(beforeTheClockIsRight = async () => {}) {
  const it = await owner();
  const right = env.now() - Date.now();
  let ahead = right + 50 * DAY;
  await setClock(edge, ahead);
  assert.equal((await it.client.token(it.connection)).status, 200);
  await until("the alarm is set by the clock that is ahead", async () => {
    // What changed while its copy was being written is written to KV again, up to two minutes later.
    ahead += MINUTE;
    await setClock(edge, ahead);
    await runAlarm(edge, it.vault);
    return (await owed(edge, it.vault)).wait > 20 * DAY;
  });
  await beforeTheClockIsRight(it);
  await setClock(edge, right);
  assert.ok((await owed(edge, it.vault)).wait > 70 * DAY, "by the right clock it is far away");
  return it;
}

test("an alarm that a clock far ahead has set is pulled back with the next request", async () => {
  const { client, vault } = await refreshedAhead();
  await client.connections();
  await until("the alarm is pulled back", async () => (await owed(edge, vault)).wait < 34 * DAY);
});

test("a process that finds an alarm far ahead pulls it back", async () => {
  const { client, vault } = await refreshedAhead(({ vault: id }) => kill(edge, id));
  await client.connections();
  await until("the alarm is pulled back", async () => (await owed(edge, vault)).wait < 34 * DAY);
});
