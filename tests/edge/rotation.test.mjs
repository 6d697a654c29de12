// Keys of the ring change under a Worker that has data: retired ones still open, every write uses the active one.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { runAlarm, setClock } from "./harness/instrumented.mjs";
import { sealingKey } from "./harness/settings.mjs";
import { openSite } from "./harness/site.mjs";
import { until } from "./harness/until.mjs";

const HOUR = 60 * 60 * 1000;
const [k1, k2, k3] = ["k1", "k2", "k3"].map((id) => sealingKey(id));
const site = await openSite();
const { deploy, returning, connect } = site;
after(() => site.close());

/** The ids of the keys that the records in KV are sealed with. */
async function keysInKv() {
  const { keys } = await (await site.edge.kv()).list();
  return keys.map(({ metadata }) => metadata.key).sort();
}

await deploy([k1]);
const first = site.visitor();
const connection = await connect(first);
await until("KV has the grant and the index", async () => (await keysInKv()).length === 2);

test("a rotated ring still reads what the retired key sealed, the session included", async () => {
  await deploy([k2, k1]);
  const visitor = returning(first);
  assert.deepEqual(await visitor.connections(), [connection]);
  assert.equal((await visitor.token(connection)).status, 200);
  assert.deepEqual(await keysInKv(), ["k1", "k1"], "reading writes nothing");
});

test("every write uses the active key: the grant when it is refreshed, the cookie when it is shown", async () => {
  const visitor = returning(first);
  await setClock(site.edge, 2 * HOUR);
  assert.equal((await visitor.token(connection)).status, 200);
  await until("KV has the grant under the active key", async () => (await keysInKv()).includes("k2"));
  const { keys } = await (await site.edge.kv()).list();
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
  await visitor.start();
  assert.ok(visitor.cookie.startsWith("v1.k2."));
  assert.deepEqual((await visitor.connections()).map(({ id }) => id), [connection.id]);
});

test("a ring without the key opens nothing, says nothing and breaks nothing", async () => {
  await deploy([k3]);
  const visitor = returning(first);
  assert.deepEqual(await visitor.connections(), []);
  assert.equal((await visitor.get(`/connections/${connection.id}`)).status, 404);
  const own = await connect(visitor);
  assert.deepEqual(await visitor.connections(), [own]);
  assert.notEqual(own.id, connection.id);
});

test("with its key back, everything is there again", async () => {
  await deploy([k3, k2, k1]);
  assert.deepEqual((await returning(first).connections()).map(({ id }) => id), [connection.id]);
});

test("a key that was missing for a while costs no connection its alarm", async () => {
  const { simulator } = site;
  await deploy([k1]);
  const visitor = site.visitor();
  const vaults = new Set(await site.edge.vaultIds());
  await connect(visitor);
  const [vault] = (await site.edge.vaultIds()).filter((id) => !vaults.has(id));
  // A visit seals the profile with the new key; the grant is still under the old one.
  await deploy([k2, k1]);
  await setClock(site.edge, 13 * HOUR);
  await returning(visitor).connections();
  await returning(visitor).start();
  await deploy([k2]);
  await setClock(site.edge, 14 * HOUR);
  await runAlarm(site.edge, vault);
  await deploy([k2, k1]);
  const before = (await simulator.counts()).refresh;
  for (let day = 1; day <= 40; day += 1) {
    await setClock(site.edge, (day * 24 + 14) * HOUR);
    await runAlarm(site.edge, vault);
  }
  assert.equal((await simulator.counts()).refresh, before + 1);
});
