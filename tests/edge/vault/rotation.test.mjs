// Keys of the ring change under a Worker that has data: retired ones still open, every write uses the active one.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { runAlarm, setClock } from "../harness/instrumented.mjs";
import { sealingKey } from "../harness/settings.mjs";
import { openRedeploys } from "../harness/redeploys.mjs";
import { until } from "../harness/until.mjs";

const HOUR = 60 * 60 * 1000;
const [k1, k2, k3] = ["k1", "k2", "k3"].map((id) => sealingKey(id));
const redeploys = await openRedeploys();
const { deploy, returning, connect } = redeploys;
after(() => redeploys.close());

/** The ids of the keys that the records in KV are sealed with. */
async function keysInKv() {
  const { keys } = await (await redeploys.edge.kv()).list();
  return keys.map(({ metadata }) => metadata.key).sort();
}

await deploy([k1]);
const first = redeploys.client();
const connection = await connect(first);
await until("KV has the grant and the index", async () => (await keysInKv()).length === 2);

test("a rotated ring still reads what the retired key sealed, the session included", async () => {
  await deploy([k2, k1]);
  const client = returning(first);
  assert.deepEqual(await client.connections(), [connection]);
  assert.equal((await client.token(connection)).status, 200);
  assert.deepEqual(await keysInKv(), ["k1", "k1"], "reading writes nothing");
});

test("every write uses the active key: the grant when it is refreshed, the cookie when it is shown", async () => {
  const client = returning(first);
  await setClock(redeploys.edge, 2 * HOUR);
  assert.equal((await client.token(connection)).status, 200);
  await until("KV has the grant under the active key", async () => (await keysInKv()).includes("k2"));
  const { keys } = await (await redeploys.edge.kv()).list();
  assert.equal(new Set(keys.map(({ name }) => name)).size, keys.length);
  assert.equal(keys.length, 2, "the grant is left under its former name");
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
  assert.deepEqual((await client.connections()).map(({ id }) => id), [connection.id]);
});

test("a ring without the key opens nothing, says nothing and breaks nothing", async () => {
  await deploy([k3]);
  const client = returning(first);
  assert.deepEqual(await client.connections(), []);
  assert.equal((await client.get(`/connections/${connection.id}`)).status, 404);
  const own = await connect(client);
  assert.deepEqual(await client.connections(), [own]);
  assert.notEqual(own.id, connection.id);
});

test("with its key back, everything is there again", async () => {
  await deploy([k3, k2, k1]);
  assert.deepEqual((await returning(first).connections()).map(({ id }) => id), [connection.id]);
});

test("a key that was missing for a while costs no connection its alarm", async () => {
  const { simulator } = redeploys;
  await deploy([k1]);
  const client = redeploys.client();
  const vaults = new Set(await redeploys.edge.vaultIds());
  await connect(client);
  const [vault] = (await redeploys.edge.vaultIds()).filter((id) => !vaults.has(id));
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
    await setClock(redeploys.edge, (day * 24 + 14) * HOUR);
    await runAlarm(redeploys.edge, vault);
  }
  assert.equal((await simulator.counts()).refresh, before + 1);
});
