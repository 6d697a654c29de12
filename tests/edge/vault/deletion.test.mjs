// Everything of an owner is deleted, whatever happens meanwhile: a crash, a callback on its way, an owner who comes back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { kill, killAtWrite, storedKeys, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({ gated: true });
const { env, simulator, edge, carIds, owner, quietMinutes, assertNothingStored } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

/** The cars that Smartcar was told of. */
async function toldOf() {
  return (await simulator.disconnects()).map(({ vehicleId }) => vehicleId);
}

test("deleting everything leaves no record and no index, here and in KV, and nobody else's is touched", async () => {
  const other = await owner({ vehicles: [carIds[1]], user: "other@example.com" });
  const it = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1], carIds[2]] });
  const { client, connections, vault, stored } = it;
  assert.equal((await client.delete("/connections")).status, 204);
  assert.deepEqual((await toldOf()).sort(), [...carIds].sort());
  client.goOn();
  assert.deepEqual(await client.connectionIds(), []);
  for (const connection of connections) assertProblem(await client.token(connection), { status: 404 });
  await quietMinutes(vault);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.deepEqual(stored(), []);
  assert.deepEqual(await other.client.connectionIds(), [other.connection.id]);
  assert.equal((await other.client.token(other.connection)).status, 200);

  // The owner may come back, in the same session too.
  const again = await env.connected(client, { vehicles: [carIds[0]] });
  assert.deepEqual(await client.connectionIds(), [again.id]);
});

test("deleting everything tells Smartcar of several connections at once", async () => {
  const grants = carIds.slice(0, 3).map((id) => ({ vehicles: [id] }));
  const { client, connections } = await owner(...grants);
  const release = env.gates.api.hold();
  const deleting = client.delete("/connections");
  // None of them is answered before all are asked.
  await until("all are under way", async () => (await toldOf()).length === connections.length);
  release();
  assert.equal((await deleting).status, 204);
  client.goOn();
  assert.deepEqual(await client.connectionIds(), []);
});

test("everything is deleted only when nothing can arrive any more, and nothing can be finished meanwhile", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  const { state } = await it.client.start();
  const query = { code: await env.consent(), state };
  assert.equal((await it.client.delete("/connections")).status, 204);
  assert.ok((await storedKeys(edge, it.vault)).length > 0, "nobody would look after a late write");
  it.client.goOn();
  assertProblem(await it.client.finish(query), { code: "state_unknown" });
  assert.deepEqual(await it.client.connections(), []);
  await quietMinutes(it.vault);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("a deletion that was begun is finished by the alarm when the process dies", async () => {
  const it = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1]] });
  // Nobody waits for so long: the kill ends it.
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: MINUTE, commit: true, times: null });
  const deleting = it.client.delete("/connections");
  await until("Smartcar is being told", async () => (await toldOf()).length > 0);
  await kill(edge, it.vault);
  assertProblem(await deleting, { status: 503 });
  await simulator.clearFaults();
  await quietMinutes(it.vault);
  await assertNothingStored(it);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("a callback that is being exchanged connects nothing after the deletion, though the owner has started again", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  const { state } = await it.client.start();
  const query = { code: await env.consent({ vehicles: [carIds[1]] }), state };
  const before = (await simulator.tokenRequests()).length;
  const release = env.gates.auth.hold();
  const finishing = it.client.finish(query);
  await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > before);
  assert.equal((await it.client.delete("/connections")).status, 204);
  it.client.goOn();
  assert.equal((await it.client.start()).status, 200);
  release();
  assertProblem(await finishing, { code: "connection_not_found" });
  assert.deepEqual(await it.client.connections(), []);
  assert.ok((await toldOf()).includes(carIds[1]), "Smartcar still grants what nobody has");
});

test("a deletion that a crash has cut short is completed although the owner starts again at once", async () => {
  const it = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1]] });
  await quietMinutes(it.vault);
  await killAtWrite(edge, "after", { vault: it.vault });
  assertProblem(await it.client.delete("/connections"), { status: 503 });
  assert.ok(await wasKilled(edge), "nothing was killed");
  assert.equal((await it.client.start()).status, 200);
  assert.deepEqual(await it.client.connections(), []);
  await quietMinutes(it.vault);
  await assertNothingStored(it);
  // Whom the crash has kept from noting that Smartcar was told tells it again.
  assert.deepEqual([...new Set(await toldOf())].sort(), carIds.slice(0, 2).sort());
});
