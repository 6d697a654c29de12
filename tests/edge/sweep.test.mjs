// The sweep of a rotation: a cron trigger has everything sealed anew that a retired key sealed, whatever interrupts it.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { assertProblem } from "./harness/problem.mjs";
import { killAtWrite, setClock, storedKeys, vaultCalls, wasKilled } from "./harness/instrumented.mjs";
import { startKv } from "./harness/kv.mjs";
import { sealingKey } from "./harness/settings.mjs";
import { openSite } from "./harness/site.mjs";
import { until } from "./harness/until.mjs";

const HOUR = 60 * 60 * 1000;
const ENOUGH_RUNS = 40;

const [k1, k2, k3, k4, k5] = ["k1", "k2", "k3", "k4", "k5"].map((id) => sealingKey(id));
const kv = await startKv();
const site = await openSite({ kv });
const { simulator } = site;
after(async () => {
  await site.close();
  await kv.close();
});
const carIds = (await simulator.configure({})).vehicles.map(({ id }) => id);
beforeEach(() => simulator.clearFaults());

const deploy = (...keys) => site.deploy(keys, { ROTATION_BATCH: "2" });

/** The records in KV, by name: the key that each was sealed with, as its bytes and its metadata say. */
function records() {
  const stored = [...kv.store.entries()].filter(([name]) => name.startsWith("v1/"));
  return new Map(
    stored.map(([name, { value, metadata }]) => {
      const bytes = Buffer.from(value.toString(), "base64url");
      const key = bytes.subarray(2, 2 + bytes[1]).toString();
      assert.equal(JSON.parse(metadata).key, key, "the metadata names another key");
      return [name, { key, value: value.toString() }];
    }),
  );
}

function countOf(...keys) {
  return [...records().values()].filter(({ key }) => keys.includes(key)).length;
}

async function run() {
  assert.equal((await site.edge.scheduled()).outcome, "ok");
  return (await site.report()).rotation;
}

/** Runs the sweep until it says that it is complete, and gives its last report. */
async function sweep() {
  for (let runs = 0; runs < ENOUGH_RUNS; runs += 1) {
    const rotation = await run();
    if (rotation.complete) return rotation;
  }
  throw new Error(`not complete: ${JSON.stringify(await site.report())}`);
}

/** A new owner with one connection for each list of vehicles. */
async function owner(...grants) {
  const before = records().size;
  const visitor = site.visitor();
  const made = [];
  for (const vehicles of grants) made.push(await site.connect(visitor, { vehicles }));
  await until("KV has the grants and the index", () => records().size === before + grants.length + 1);
  return { visitor, made };
}

/** Lets Smartcar refuse the refresh token of this owner's connection for good. */
async function end({ visitor, made: [connection] }) {
  await setClock(site.edge, 2 * HOUR);
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
  assertProblem(await visitor.token(connection), { code: "reconnection_required" });
  await simulator.clearFaults();
  await setClock(site.edge, 0);
}

async function idsOf(visitor) {
  return (await visitor.connections()).map(({ id }) => id).sort();
}

await deploy(k1);
const anna = await owner([carIds[0]], [carIds[1]]);
const ben = await owner([carIds[2]]);
const cleo = await owner([carIds[0]]);
await end(cleo);
await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
const dora = { visitor: site.visitor() };
dora.made = [await site.connect(dora.visitor)];
await end(dora);
// Whose records no other request writes: only the sweep seals them anew.
const owners = [anna, ben, cleo, dora];
await until("KV has both grants of Anna's, Ben's, and everybody's index", () => countOf("k1") === 7);

test("before its first run the sweep has nothing to report, and only to a service key", async () => {
  assert.deepEqual(await site.report(), { activeKey: "k1", rotation: null });
  const path = "/internal/rotation";
  assertProblem(await anna.visitor.get(path), { status: 401, code: "service_key_rejected" });
  const headers = { authorization: "Bearer wrong" };
  assertProblem(await anna.visitor.get(path, { headers }), { status: 401, code: "service_key_rejected" });
});

test("a run takes one page, and the next one goes on there, after a new deployment too", async () => {
  await deploy(k2, k1);
  const first = await run();
  assert.deepEqual([first.activeKey, first.complete, first.seen, first.left], ["k2", false, 2, 0]);
  assert.equal(first.resealed, 2);
  assert.notEqual(first.cursor, null);
  await deploy(k2, k1);
  const second = await run();
  assert.equal(second.seen, 4);
  assert.ok(second.updatedAt >= first.updatedAt);
});

test("KV that takes no writes costs a page, not the sweep", async () => {
  const { rotation: before } = await site.report();
  kv.store.refusals = Infinity;
  assert.deepEqual(await run(), before);
  kv.store.refusals = 0;
  assert.ok((await run()).seen > before.seen || before.cursor === null);
});

test("a vault that ends between its own write and KV's is done again", async () => {
  await deploy(k1, k2);
  await sweep();
  assert.equal(countOf("k1"), 7);
  await deploy(k2, k1);
  await killAtWrite(site.edge, "after", 0);
  const rotation = await run();
  assert.ok(await wasKilled(site.edge));
  assert.ok(rotation.left > 0, JSON.stringify(rotation));
  assert.equal(rotation.complete, false);
  await killAtWrite(site.edge, "before", 0);
  await run();
  assert.ok(await wasKilled(site.edge));
});

test("it ends with a pass that met no retired key, then looks and stops", async () => {
  const rotation = await sweep();
  const { seen, resealed, left, cursor } = rotation;
  assert.deepEqual({ seen, resealed, left, cursor }, { seen: 7, resealed: 0, left: 0, cursor: null });
  assert.equal(countOf("k2"), 7);
  assert.equal(countOf("k1"), 0);
  kv.store.log.length = 0;
  assert.deepEqual(await run(), rotation);
  assert.deepEqual(kv.store.log.filter(({ operation }) => operation === "put"), []);
});

test("a copy that KV alone still has under the retired key is written anew", async () => {
  await deploy(k3, k2);
  await setClock(site.edge, 2 * HOUR);
  // The vault writes what failed with the active key, and KV not at all.
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: null });
  for (const connection of anna.made) await site.returning(anna.visitor).token(connection);
  await setClock(site.edge, 0);
  await simulator.clearFaults();
  await deploy(k4, k3, k2);
  await sweep();
  assert.equal(countOf("k4"), 7);
});

test("without the retired key everything is still there: connections, tokens, and those whose grant has ended", async () => {
  await deploy(k4, k1);
  for (const each of owners.slice(0, 2)) {
    const visitor = site.returning(each.visitor);
    await visitor.connections();
    assert.ok(visitor.cookie.startsWith("v1.k4."), "the visit renews the cookie");
    each.renewed = visitor;
  }
  await deploy(k4);
  for (const { renewed, made } of owners.slice(0, 2)) {
    assert.deepEqual(await idsOf(site.returning(renewed)), made.map(({ id }) => id).sort());
  }
  for (const { visitor, made } of [cleo, dora]) {
    assert.deepEqual(await idsOf(site.returning(visitor)), [], "a session of the retired key is lost");
    const token = await site.returning(visitor).token(made[0]);
    assertProblem(token, { code: "reconnection_required" });
  }
  const before = await vaultCalls(site.edge);
  for (const { visitor, made } of [anna, ben]) {
    for (const { id, vehicles } of made) {
      for (const which of [{ connectionId: id }, { vehicleId: vehicles[0].id }]) {
        const body = JSON.stringify({ principal: visitor.principal, ...which });
        const token = await site.returning(visitor).token({ id }, { body });
        assert.equal(token.status, 200, token.text);
        assert.equal(token.json().connectionId, id);
      }
    }
  }
  assert.equal(await vaultCalls(site.edge), before, "KV alone had to answer");
});

test("an owner who is at Smartcar while the key changes loses nothing by it", async () => {
  await deploy(k4);
  const ida = site.visitor();
  const { state } = await ida.start();
  await deploy(k5, k4);
  const renewed = site.returning(ida);
  const { code } = await simulator.grant({ redirectUri: site.redirectUri, vehicles: [carIds[0]] });
  const finished = await renewed.finish({ code, state });
  const { connection } = finished.json();
  await until("KV has both under the new key", () => countOf("k5") === 2);
  // Nothing in KV leads the sweep to this vault: it is all sealed anew already.
  await deploy(k5);
  assert.deepEqual(await idsOf(site.returning(renewed)), [connection.id]);
});

test("copies of what was deleted do not keep a rotation from its end", async () => {
  await deploy(k4);
  const eve = await owner([carIds[0]]);
  const before = records().size;
  // Both deletions, of the grant and of the index, are lost.
  kv.store.losses = Infinity;
  assert.equal((await eve.visitor.delete("/connections")).status, 204);
  kv.store.losses = 0;
  assert.equal(records().size, before);
  await deploy(k5, k4);
  await sweep();
  assert.equal(countOf("k5"), before - 2);
  assert.equal(countOf("k4"), 0);
});

test("what no key opens is left as it is, is reported, and keeps nobody else's from being sealed anew", async () => {
  await deploy(k1);
  const finn = await owner([carIds[1]]);
  // A visit half a day later, under a new key: of this vault only the grant stays under the old one.
  await deploy(k3, k1);
  await setClock(site.edge, 13 * HOUR);
  const renewed = site.returning(finn.visitor);
  await renewed.connections();
  await deploy(k4);
  const gina = await owner([carIds[2]]);
  // The others' are under k5: no key opens those either.
  const sealed = [...records()].filter(([, { key }]) => key !== "k4");
  assert.equal(countOf("k1"), 2);

  await deploy(k3, k4);
  let rotation;
  for (let runs = 0; runs < ENOUGH_RUNS; runs += 1) {
    rotation = await run();
    if (rotation.cursor === null && rotation.resealed === 0) break;
  }
  assert.deepEqual([rotation.complete, rotation.resealed, rotation.left], [false, 0, sealed.length]);
  assert.deepEqual([...records()].filter(([, { key }]) => key !== "k3"), sealed);
  assert.equal(countOf("k4"), 0);
  assert.deepEqual(await idsOf(site.returning(gina.visitor)), [gina.made[0].id]);
  assert.deepEqual(await idsOf(site.returning(renewed)), [], "not open, and no failure");
  const another = await site.connect(site.returning(renewed), { vehicles: [carIds[0]] });
  assert.deepEqual(await idsOf(site.returning(renewed)), [another.id]);

  await deploy(k3, k4, k5, k1);
  const both = [finn.made[0].id, another.id].sort();
  assert.deepEqual(await idsOf(site.returning(renewed)), both);
  await sweep();
  assert.equal(countOf("k3"), records().size);
  await deploy(k3);
  assert.deepEqual(await idsOf(site.returning(renewed)), both);
  assert.equal((await site.returning(renewed).token(finn.made[0])).status, 200);
});

test("an owner whose vault no key opens is told to come back, and the vault keeps its records", async () => {
  const hugo = await owner([carIds[0]]);
  const vaults = await site.edge.vaultIds();
  const stored = new Map(await Promise.all(vaults.map(async (id) => [id, await storedKeys(site.edge, id)])));
  await deploy(k1, k3);
  const renewed = site.returning(hugo.visitor);
  await renewed.connections();
  await deploy(k1);
  assertProblem(await site.returning(renewed).get("/connections"), { status: 503, code: "storage_unavailable" });
  await run();
  for (const id of vaults) assert.deepEqual(await storedKeys(site.edge, id), stored.get(id));
  await deploy(k3, k1);
  assert.deepEqual(await idsOf(site.returning(renewed)), [hugo.made[0].id]);
});
