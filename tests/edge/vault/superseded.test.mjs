// The same car connected again: the newer connection replaces the former one, whatever went wrong or overtook what.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { kill, runAlarm } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { HOUR, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, simulator, edge, carIds, owner, quietMinutes } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

const UNAVAILABLE = { endpoint: "vehicles", kind: "status", status: 503, body: "", times: null };

/** Checks that the token of `connection` is one that Smartcar takes. */
async function works(client, connection) {
  const answer = await client.token(connection);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(await simulator.honours(answer.json().accessToken, "/v2.0/vehicles"), "Smartcar does not honour the token");
}

/** An owner whose first connection's list Smartcar did not give; the second has the same car and was listed. */
async function listedLater() {
  const client = env.client();
  await simulator.fault(UNAVAILABLE);
  const { result: first, vault } = await firstVisit(env, () => env.connected(client, { vehicles: [carIds[0]] }));
  await simulator.clearFaults();
  await env.travel(SECOND);
  const second = await env.connected(client, { vehicles: [carIds[0]] });
  assert.deepEqual(await client.connectionIds(), [first.id, second.id], "what the first one covers is not known yet");
  return { client, vault, first, second };
}

async function told() {
  return (await simulator.disconnects()).length;
}

/** What the Worker prints during `work`. */
async function logOf(work) {
  const before = (await env.log()).length;
  await work();
  return (await env.log()).slice(before);
}

test("a connection whose list comes later than its successor's gives way to it", async () => {
  const { client, vault, second } = await listedLater();
  await quietMinutes(vault);
  assert.deepEqual(await client.connectionIds(), [second.id]);
  assert.equal(await told(), 0, "Smartcar would end the newer grant too");
  await works(client, second);
});

test("disconnecting a connection whose list has not come leaves its successor alone", async () => {
  const { client, first, second } = await listedLater();
  const log = await logOf(async () => assert.equal((await client.delete(`/connections/${first.id}`)).status, 204));
  assert.deepEqual(await client.connectionIds(), [second.id]);
  assert.equal(await told(), 0);
  assert.doesNotMatch(log, /"disconnect","outcome":"told"/);
  await works(client, second);
});

test("of two connections that are made at once the later one stays", async () => {
  const client = env.client();
  await client.start();
  await simulator.fault({ endpoint: "vehicles", kind: "slow_headers", ms: 1500, times: 1 });
  const slow = env.connect(client, { vehicles: [carIds[0]] });
  await until("the first one is being listed", async () => (await simulator.pending("vehicles")) > 0);
  const connection = await env.connected(client, { vehicles: [carIds[0]] });
  assert.ok([200, 404].includes((await slow).answer.status));
  assert.deepEqual(await client.connectionIds(), [connection.id]);
  await works(client, connection);
});

test("a connection gives up the cars that a newer one covers, and keeps the others", async () => {
  const { client, connections } = await owner({ vehicles: [carIds[0], carIds[1]] }, { vehicles: [carIds[1], carIds[2]] });
  const covered = (await client.connections()).map(({ vehicles }) => vehicles.map(({ id }) => id).sort());
  assert.deepEqual(covered, [[carIds[0]], [carIds[1], carIds[2]].sort()]);
  for (const connection of connections) await works(client, connection);
});

test("each of several connections is found by its vehicle, and the same car again replaces its former grant", async () => {
  const { client, connections, vault } = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1]] });
  assert.deepEqual((await client.connectionIds()).sort(), connections.map(({ id }) => id).sort());
  const again = await env.connected(client, { vehicles: [carIds[0]] });
  assert.deepEqual((await client.connectionIds()).sort(), [connections[1].id, again.id].sort());
  assert.equal(await told(), 0, "Smartcar would end the new grant too");
  await idle(env, vault);
  for (const [vehicleId, connectionId] of [
    [carIds[0], again.id],
    [carIds[1], connections[1].id],
  ]) {
    const token = await client.askToken({ vehicleId });
    assert.equal(token.json().connectionId, connectionId, token.text);
  }
  assertProblem(await client.token(connections[0]), { status: 404 });
});

test("a second grant that covers more cars takes over the first: one connection, found by each of its cars", async () => {
  const { client, connection: former, vault, stored } = await owner({ vehicles: [carIds[0]] });
  const { id } = await env.connected(client, { vehicles: [carIds[0], carIds[1]] });
  const [connection, ...others] = await client.connections();
  assert.deepEqual([connection.id, others], [id, []]);
  assert.deepEqual(connection.vehicles.map((vehicle) => vehicle.id).sort(), [carIds[0], carIds[1]].sort());
  await idle(env, vault);
  assert.equal(stored().length, 4, "the grant, the index and two look-ups are left");
  for (const vehicleId of [carIds[0], carIds[1]]) {
    const token = await client.askToken({ vehicleId });
    assert.equal(token.json().connectionId, id, token.text);
  }
  assertProblem(await client.token(former), { status: 404, code: "connection_not_found" });
  assert.equal(await told(), 0, "Smartcar would end the new grant too");
});

test("a disconnection that the alarm takes up does not end the connection that was made since", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  // Nobody waits for so long: the kill ends it.
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: MINUTE, times: 1 });
  const deleting = it.client.delete(`/connections/${it.connection.id}`);
  await until("Smartcar is being told", async () => (await told()) > 0);
  await kill(edge, it.vault);
  await deleting;
  await simulator.clearFaults();
  await env.travel(20 * SECOND);
  const connection = await env.connected(it.client, { vehicles: [carIds[0]] });
  const before = await told();
  await env.travel(15 * SECOND);
  await runAlarm(edge, it.vault);
  await quietMinutes(it.vault);
  assert.equal(await told(), before);
  await env.travel(2 * HOUR);
  await works(it.client, connection);
});

test("disconnecting the older connection does not end the newer one whose cars are not known yet", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  await simulator.fault(UNAVAILABLE);
  const connection = await env.connected(it.client, { vehicles: [carIds[0]] });
  const log = await logOf(async () => {
    assert.equal((await it.client.delete(`/connections/${it.connection.id}`)).status, 204);
  });
  assert.equal(await told(), 0);
  assert.match(log, /"event":"disconnect","outcome":"kept"/);
  await simulator.clearFaults();
  await quietMinutes(it.vault);
  await env.travel(2 * HOUR);
  await works(it.client, connection);
});

test("cars that could not be listed for three hours are listed when Smartcar is well again", async () => {
  const client = env.client();
  await simulator.fault(UNAVAILABLE);
  const { vault } = await firstVisit(env, () => env.connected(client, { vehicles: [carIds[0]] }));
  for (let hour = 0; hour < 3; hour += 1) await hourPasses(vault);
  await simulator.clearFaults();
  for (let hour = 0; hour < 2; hour += 1) await hourPasses(vault);
  await until("the car is known", async () => (await client.connections())[0].vehicles.length === 1);
});

async function hourPasses(vault) {
  for (let round = 0; round < 12; round += 1) {
    await env.travel(HOUR / 12);
    await runAlarm(edge, vault);
  }
}
