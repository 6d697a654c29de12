// The sweep of a rotation: a cron trigger has everything sealed again that a retired key sealed, whatever interrupts it.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { newOwner } from "../harness/connections-fixture.mjs";
import { killAtWrite, setClock, storedKeys, vaultCalls, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { openRedeploys } from "../harness/redeploys.mjs";
import { sealingKey } from "../harness/settings.mjs";
import { HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const ENOUGH_RUNS = 40;

const [k1, k2, k3, k4, k5] = ["k1", "k2", "k3", "k4", "k5"].map((id) => sealingKey(id));
const redeploys = await openRedeploys();
const { simulator, kv, records } = redeploys;
after(() => redeploys.close());
const carIds = (await simulator.configure({})).vehicles.map(({ id }) => id);
beforeEach(() => simulator.clearFaults());

const deploy = (...keys) => redeploys.deploy(keys, { ROTATION_BATCH: "2" });
/** A new owner, whom Smartcar knows as nobody else: what one disconnects ends no other one's grant. */
let users = 0;
function owner(...grants) {
  users += 1;
  return newOwner(redeploys, ...grants.map((grant) => ({ user: `owner-${users}@example.com`, ...grant })));
}

function countOf(...keys) {
  return [...records().values()].filter(({ key }) => keys.includes(key)).length;
}

async function run() {
  assert.equal((await redeploys.edge.scheduled()).outcome, "ok");
  return (await redeploys.report()).rotation;
}

/** Runs the sweep until the Vault that it was planned for is killed, and returns the report of that run. */
async function runUntilKilled() {
  // A page may have no record that is still to be sealed again: nothing is written in its run.
  for (let runs = 0; runs < ENOUGH_RUNS; runs += 1) {
    const rotation = await run();
    if (await wasKilled(redeploys.edge)) return rotation;
  }
  throw new Error(`nothing was killed: ${JSON.stringify(await redeploys.report())}`);
}

/** Runs the sweep until it says that it is complete, and returns its last report. */
async function sweep() {
  for (let runs = 0; runs < ENOUGH_RUNS; runs += 1) {
    const rotation = await run();
    if (rotation.complete) return rotation;
  }
  throw new Error(`not complete: ${JSON.stringify(await redeploys.report())}`);
}

/** Lets Smartcar refuse the refresh token of this owner's connection for good. */
async function end({ client, connection }) {
  await setClock(redeploys.edge, 2 * HOUR);
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
  assertProblem(await client.token(connection), { code: "reconnection_required" });
  await simulator.clearFaults();
  await setClock(redeploys.edge, 0);
}

await deploy(k1);
const anna = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1]] });
const ben = await owner({ vehicles: [carIds[2]] });
const cleo = await owner({ vehicles: [carIds[0]] });
await end(cleo);
await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
// KV has no index of hers before her grant ends: her cars are not known.
const dora = { client: redeploys.client() };
dora.connection = await redeploys.connected(dora.client);
await end(dora);
// Whose records no other request writes: only the sweep seals them again.
const owners = [anna, ben, cleo, dora];
/** Both grants of Anna's, Ben's, everybody's index and two look-ups, and that Cleo and Dora must act. */
const COPIES = 3 + 4 * 3 + 2;
await until("KV has everything of everybody's", () => countOf("k1") === COPIES);

test("before its first run the sweep has nothing to report, and only to a service key", async () => {
  assert.deepEqual(await redeploys.report(), { activeKey: "k1", rotation: null });
  const path = "/internal/rotation";
  assertProblem(await anna.client.get(path), { status: 401, code: "service_key_rejected" });
  const headers = { authorization: "Bearer wrong" };
  assertProblem(await anna.client.get(path, { headers }), { status: 401, code: "service_key_rejected" });
});

test("a run of the sweep takes one page, and the next one goes on there, after a new deployment too", async () => {
  await deploy(k2, k1);
  const first = await run();
  assert.deepEqual([first.activeKey, first.complete, first.scanned, first.failed], ["k2", false, 2, 0]);
  assert.equal(first.resealed, 2);
  assert.notEqual(first.cursor, null);
  await deploy(k2, k1);
  const second = await run();
  assert.equal(second.scanned, 4);
  assert.ok(second.updatedAt >= first.updatedAt);
});

test("KV that takes no writes costs a page, not the sweep", async () => {
  const { rotation: before } = await redeploys.report();
  kv.store.refusals = Infinity;
  assert.deepEqual(await run(), before);
  kv.store.refusals = 0;
  assert.ok((await run()).scanned > before.scanned || before.cursor === null);
});

test("a vault that ends between its own write and KV's is done again", async () => {
  await deploy(k1, k2);
  await sweep();
  assert.equal(countOf("k1"), COPIES);
  await deploy(k2, k1);
  await killAtWrite(redeploys.edge, "after");
  const rotation = await runUntilKilled();
  assert.ok(rotation.failed > 0, JSON.stringify(rotation));
  assert.equal(rotation.complete, false);
  await killAtWrite(redeploys.edge, "before");
  await runUntilKilled();
});

test("the sweep ends with a pass that met no retired key, then looks and stops", async () => {
  const rotation = await sweep();
  const { scanned, resealed, failed, cursor } = rotation;
  assert.deepEqual({ scanned, resealed, failed, cursor }, { scanned: COPIES, resealed: 0, failed: 0, cursor: null });
  assert.equal(countOf("k2"), COPIES);
  assert.equal(countOf("k1"), 0);
  kv.store.log.length = 0;
  assert.deepEqual(await run(), rotation);
  assert.deepEqual(kv.store.log.filter(({ operation }) => operation === "put"), []);
});

test("a copy that KV alone still has under the retired key is sealed again", async () => {
  await deploy(k3, k2);
  await setClock(redeploys.edge, 2 * HOUR);
  // The vault writes what failed with the active key, and KV not at all.
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: null });
  for (const connection of anna.connections) await redeploys.returning(anna.client).token(connection);
  await setClock(redeploys.edge, 0);
  await simulator.clearFaults();
  await deploy(k4, k3, k2);
  await sweep();
  assert.equal(countOf("k4"), COPIES);
});

test("without the retired key everything is still there: connections, tokens, and those whose grant has ended", async () => {
  await deploy(k4, k1);
  for (const each of owners.slice(0, 2)) {
    const client = redeploys.returning(each.client);
    await client.connections();
    assert.ok(client.cookie.startsWith("v1.k4."), "the visit renews the cookie");
    each.renewed = client;
  }
  await deploy(k4);
  for (const { renewed, connections } of owners.slice(0, 2)) {
    const ids = await redeploys.returning(renewed).connectionIds();
    assert.deepEqual(ids.sort(), connections.map(({ id }) => id).sort());
  }
  for (const { client, connection } of [cleo, dora]) {
    const ids = await redeploys.returning(client).connectionIds();
    assert.deepEqual(ids, [], "a session of the retired key is lost");
    const token = await redeploys.returning(client).token(connection);
    assertProblem(token, { code: "reconnection_required" });
  }
  const before = await vaultCalls(redeploys.edge);
  for (const { client, connections } of [anna, ben]) {
    for (const { id, vehicles } of connections) {
      for (const which of [{ connectionId: id }, { vehicleId: vehicles[0].id }]) {
        const token = await redeploys.returning(client).askToken(which);
        assert.equal(token.status, 200, token.text);
        assert.equal(token.json().connectionId, id);
      }
    }
  }
  assert.equal(await vaultCalls(redeploys.edge), before, "KV alone had to answer");
});

test("an owner who is at Smartcar while the key changes loses nothing by it", async () => {
  await deploy(k4);
  const ida = redeploys.client();
  const { state } = await ida.start();
  await deploy(k5, k4);
  const renewed = redeploys.returning(ida);
  const { code } = await simulator.grant({ redirectUri: redeploys.redirectUri, vehicles: [carIds[0]] });
  const finished = await renewed.finish({ code, state });
  const { connection } = finished.json();
  await until("KV has all four under the new key", () => countOf("k5") === 4);
  // Nothing in KV leads the sweep to this vault: it is all sealed again already.
  await deploy(k5);
  assert.deepEqual(await redeploys.returning(renewed).connectionIds(), [connection.id]);
});

test("copies of what was deleted do not keep a rotation from its end", async () => {
  await deploy(k4);
  const eve = await owner({ vehicles: [carIds[0]] });
  const before = records().size;
  const copies = eve.stored();
  const isLost = (copy) => kv.store.writes().some(({ operation, key }) => operation === "delete" && key === copy);
  // All deletions, of the grant, the index and the look-ups, are lost.
  kv.store.losses = Infinity;
  assert.equal((await eve.client.delete("/connections")).status, 204);
  await until("all deletions are lost", () => copies.every(isLost));
  kv.store.losses = 0;
  assert.equal(records().size, before);
  await deploy(k5, k4);
  await sweep();
  assert.equal(countOf("k5"), before - 4);
  assert.equal(countOf("k4"), 0);
});

test("what no key opens is left as it is, is reported, and keeps nobody else's from being sealed again", async () => {
  await deploy(k1);
  const finn = await owner({ vehicles: [carIds[1]] });
  // A visit half a day later, under a new key: of this vault only the grant stays under the old one.
  await deploy(k3, k1);
  await setClock(redeploys.edge, 13 * HOUR);
  const renewed = redeploys.returning(finn.client);
  await renewed.start();
  await deploy(k4);
  const gina = await owner({ vehicles: [carIds[2]] });
  // The others' are under k5: no key opens those either.
  const sealed = [...records()].filter(([, { key }]) => key !== "k4");
  assert.equal(countOf("k1"), 4);

  await deploy(k3, k4);
  let rotation;
  for (let runs = 0; runs < ENOUGH_RUNS; runs += 1) {
    rotation = await run();
    if (rotation.cursor === null && rotation.resealed === 0) break;
  }
  assert.deepEqual([rotation.complete, rotation.resealed, rotation.failed], [false, 0, sealed.length]);
  assert.deepEqual([...records()].filter(([, { key }]) => key !== "k3"), sealed);
  assert.equal(countOf("k4"), 0);
  assert.deepEqual(await redeploys.returning(gina.client).connectionIds(), [gina.connection.id]);
  assert.deepEqual(await redeploys.returning(renewed).connectionIds(), [], "not open, and no failure");
  const another = await redeploys.connected(redeploys.returning(renewed), { vehicles: [carIds[0]] });
  assert.deepEqual(await redeploys.returning(renewed).connectionIds(), [another.id]);

  await deploy(k3, k4, k5, k1);
  const both = [finn.connection.id, another.id].sort();
  assert.deepEqual((await redeploys.returning(renewed).connectionIds()).sort(), both);
  await sweep();
  assert.equal(countOf("k3"), records().size);
  await deploy(k3);
  assert.deepEqual((await redeploys.returning(renewed).connectionIds()).sort(), both);
  assert.equal((await redeploys.returning(renewed).token(finn.connection)).status, 200);
});

test("an owner whose vault no key opens is told to come back, and the vault keeps its records", async () => {
  const hugo = await owner({ vehicles: [carIds[0]] });
  const vaults = await redeploys.edge.vaultIds();
  const stored = new Map(await Promise.all(vaults.map(async (id) => [id, await storedKeys(redeploys.edge, id)])));
  await deploy(k1, k3);
  const renewed = redeploys.returning(hugo.client);
  await renewed.connections();
  await deploy(k1);
  assertProblem(await redeploys.returning(renewed).get("/connections"), { status: 503, code: "storage_unavailable" });
  await run();
  for (const id of vaults) assert.deepEqual(await storedKeys(redeploys.edge, id), stored.get(id));
  await deploy(k3, k1);
  assert.deepEqual(await redeploys.returning(renewed).connectionIds(), [hugo.connection.id]);
});
