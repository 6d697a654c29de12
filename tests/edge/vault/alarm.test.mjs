// The long life of a grant that nobody uses: kept alive by the alarm, not for ever, and deleted whole.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules, runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { startKv } from "../harness/kv.mjs";
import { until } from "../harness/until.mjs";
import { openEnv } from "../harness/env.mjs";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

const kv = await startKv();
const env = await openEnv({ kv, modules: instrumentedModules() });
const { simulator, edge } = env;
after(async () => {
  await env.close();
  await kv.close();
});
beforeEach(() => simulator.clearFaults());

/** A new visitor's connection, the Durable Object that keeps it, and the names that it has in KV. */
async function owner() {
  const [vaults, names] = [new Set(await edge.vaultIds()), new Set(kv.store.entries().keys())];
  const client = env.client();
  const { answer } = await env.connect(client);
  const [vault, ...others] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
  assert.deepEqual(others, []);
  const own = () => [...kv.store.entries().keys()].filter((name) => !names.has(name));
  await until("KV has the grant and the index", () => own().length === 2);
  return { client, connection: answer.json().connection, vault, own };
}

async function refreshes() {
  return (await simulator.counts()).refreshCommitted;
}

/** Lets days pass; on each the alarm rings if it is due. */
async function livesThrough(days, vault) {
  for (let day = 0; day < days; day += 1) {
    await env.travel(DAY);
    await runAlarm(edge, vault);
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

test("nobody's grant is kept for ever: after 180 days without a visit everything is gone, at Smartcar too", async () => {
  const { connection, vault, own } = await owner();
  await livesThrough(179, vault);
  assert.notDeepEqual(own(), []);
  const told = async () => (await simulator.requests()).filter(({ method }) => method === "DELETE").length;
  const before = await told();
  await livesThrough(4, vault);
  assert.equal((await told()) - before, connection.vehicles.length);
  assert.deepEqual(own(), []);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.equal((await runAlarm(edge, vault)).due, null);
});
