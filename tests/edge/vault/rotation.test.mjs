// Keys of the ring change under a Worker that has data: retired ones still open, every write uses the active one.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { newOwner } from "../harness/connections-fixture.mjs";
import { runAlarm, setClock } from "../harness/instrumented.mjs";
import { openRedeploys } from "../harness/redeploys.mjs";
import { sealingKey } from "../harness/settings.mjs";
import { DAY, HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const [k1, k2, k3] = ["k1", "k2", "k3"].map((id) => sealingKey(id));
const redeploys = await openRedeploys();
const { simulator, deploy, returning, connected } = redeploys;
after(() => redeploys.close());

/** The ids of the keys that the records in KV are sealed with. */
function keysInKv() {
  return [...redeploys.records().values()].map(({ key }) => key).sort();
}

await deploy([k1]);
const { client: first, connection } = await newOwner(redeploys);

test("a rotated key ring still reads what the retired key sealed, the session included", async () => {
  await deploy([k2, k1]);
  const client = returning(first);
  // The visit renews the session on the hour, and with it how long the car is kept.
  const lasting = ({ keptUntil: _, ...rest }) => rest;
  assert.deepEqual((await client.connections()).map(lasting), [lasting(connection)]);
  assert.equal((await client.token(connection)).status, 200);
  assert.deepEqual(keysInKv(), ["k1", "k1", "k1", "k1"], "reading writes nothing");
});

test("every write uses the active key: the grant when it is refreshed, the cookie when it is shown", async () => {
  const client = returning(first);
  await setClock(redeploys.edge, 2 * HOUR);
  assert.equal((await client.token(connection)).status, 200);
  // The former name is deleted after the new one is written.
  await until("KV has the grant under the active key alone", () => keysInKv().includes("k2") && keysInKv().length === 4);
  for (const path of ["/connections", `/connections/${connection.id}`, "/vehicles"]) {
    const again = returning(first);
    const { setCookie } = await again.get(path);
    assert.equal(setCookie.length, 1, path);
    assert.ok(again.cookie.startsWith("v1.k2."), path);
    assert.equal(again.principal, first.principal);
    assert.deepEqual((await again.get(path)).setCookie, [], `${path}: set once`);
  }
  await client.start();
  assert.ok(client.cookie.startsWith("v1.k2."));
  assert.deepEqual(await client.connectionIds(), [connection.id]);
});

test("a key ring without the key opens nothing, says nothing and breaks nothing", async () => {
  await deploy([k3]);
  const client = returning(first);
  assert.deepEqual(await client.connections(), []);
  assert.equal((await client.get(`/connections/${connection.id}`)).status, 404);
  const own = await connected(client);
  assert.deepEqual(await client.connections(), [own]);
  assert.notEqual(own.id, connection.id);
});

test("what a ring without the key did not open is there again when the key is back", async () => {
  await deploy([k3, k2, k1]);
  assert.deepEqual(await returning(first).connectionIds(), [connection.id]);
});

test("a key that was missing for a while costs no connection its alarm", async () => {
  await deploy([k1]);
  const { client, vault } = await newOwner(redeploys);
  // A visit seals the profile with the new key; the grant is still under the old one.
  await deploy([k2, k1]);
  await setClock(redeploys.edge, 13 * HOUR);
  await returning(client).connections();
  await returning(client).start();
  await deploy([k2]);
  await setClock(redeploys.edge, 14 * HOUR);
  await runAlarm(redeploys.edge, vault);
  await deploy([k2, k1]);
  const before = (await simulator.counts()).refresh;
  for (let day = 1; day <= 40; day += 1) {
    await setClock(redeploys.edge, day * DAY + 14 * HOUR);
    await runAlarm(redeploys.edge, vault);
  }
  assert.equal((await simulator.counts()).refresh, before + 1);
});
