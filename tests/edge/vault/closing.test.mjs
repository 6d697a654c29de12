// The end of one connection: Smartcar first, then everything here, and nothing brings it back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { killAtWrite, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { HOUR, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, simulator, edge, carIds, owner, idleOwner, quietMinutes } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

/** The cars that Smartcar was told of. */
async function toldOf() {
  return (await simulator.disconnects()).map(({ vehicleId }) => vehicleId);
}

test("Smartcar is told of every car of a connection, then nothing is left but the other connection", async () => {
  const { client, connections, stored } = await owner({ vehicles: [carIds[0], carIds[1]] }, { vehicles: [carIds[2]] });
  const answer = await client.delete(`/connections/${connections[0].id}`);
  assert.equal(answer.status, 204);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual((await toldOf()).sort(), [carIds[0], carIds[1]].sort());
  assert.deepEqual(await client.connectionIds(), [connections[1].id]);
  assertProblem(await client.token(connections[0]), { status: 404, code: "connection_not_found" });
  assertProblem(await client.delete(`/connections/${connections[0].id}`), { status: 404, code: "connection_not_found" });
  assert.equal((await client.token(connections[1])).status, 200);
  assert.equal(stored().length, 4, "the grant, the index and two look-ups are left");
});

// The last one is longer than the Worker waits for Smartcar.
for (const fault of [
  { kind: "status", status: 500, body: "oops" },
  { kind: "reset_before" },
  { kind: "reset_after" },
  { kind: "slow_headers", ms: 12 * SECOND },
]) {
  test(`a connection is deleted here when Smartcar's answer to its disconnection is ${fault.kind}`, async () => {
    const { client, connection, stored } = await owner({ vehicles: [carIds[0]] });
    await simulator.fault({ endpoint: "disconnect", ...fault, times: null });
    assert.equal((await client.delete(`/connections/${connection.id}`)).status, 204);
    assert.deepEqual(await client.connectionIds(), []);
    assertProblem(await client.token(connection, { isolate: 1 }), { status: 404 });
    assert.ok(stored().length <= 1, "the grant is still in KV");
    await simulator.clearFaults();
  });
}

test("an access token that has expired is renewed before a disconnection, so that Smartcar can be told", async () => {
  const { client, connection } = await owner({ vehicles: [carIds[0]] });
  await env.travel(3 * HOUR);
  assert.equal((await client.delete(`/connections/${connection.id}`)).status, 204);
  assert.equal((await simulator.counts()).refresh, 1);
  const [request, ...others] = await simulator.disconnects();
  assert.deepEqual([request.path, request.status, others], [`/v2.0/vehicles/${carIds[0]}/application`, 200, []]);
  assert.deepEqual(await client.connectionIds(), []);
});

for (const [title, fault] of [
  ["is refused", { kind: "status", status: 400, body: '{"error":"invalid_grant"}' }],
  ["fails", { kind: "status", status: 500, body: "oops" }],
  ["is cut off", { kind: "reset_before" }],
  ["hangs", { kind: "slow_headers", ms: 12 * SECOND }],
]) {
  test(`a connection is deleted all the same when the renewal of its access token before a disconnection ${title}`, async () => {
    const { client, connection, stored } = await owner({ vehicles: [carIds[0]] });
    await env.travel(3 * HOUR);
    await simulator.fault({ endpoint: "refresh", ...fault, times: null });
    const answer = await client.delete(`/connections/${connection.id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await toldOf(), [], "told with a token that has expired");
    await simulator.clearFaults();
    assert.deepEqual(await client.connectionIds(), []);
    assertProblem(await client.token(connection), { status: 404, code: "connection_not_found" });
    assert.ok(stored().length <= 1, "the grant is still in KV");
  });
}

test("cars that are not known yet are listed before a disconnection; where that fails, the connection is deleted all the same", async () => {
  for (const known of [true, false]) {
    await simulator.reset();
    await simulator.fault({ endpoint: "vehicles", kind: "status", status: 500, body: "oops", times: null });
    const client = env.client();
    const connection = await env.connected(client, { vehicles: [carIds[0]] });
    assert.deepEqual(connection.vehicles, []);
    if (known) await simulator.clearFaults();
    const answer = await client.delete(`/connections/${connection.id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await toldOf(), known ? [carIds[0]] : []);
    await simulator.clearFaults();
    assert.deepEqual(await client.connectionIds(), []);
    assertProblem(await client.token(connection), { status: 404 });
  }
});

test("a refresh that ends after the disconnection does not bring the connection back", async () => {
  const { client, connection, vault, stored } = await owner({ vehicles: [carIds[0]] });
  await env.travel(2 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "slow_headers", ms: 400, commit: true });
  const refreshing = client.token(connection);
  await until("the refresh is under way", async () => (await simulator.counts()).refresh > 0);
  const answer = await client.delete(`/connections/${connection.id}`, { isolate: 1 });
  assert.equal(answer.status, 204, answer.text);
  await refreshing;
  await quietMinutes(vault);
  assert.deepEqual(await client.connectionIds(), []);
  assertProblem(await client.token(connection), { status: 404 });
  assert.ok(stored().length <= 1, "the grant is in KV again");
});

for (const [step, when, skip, toldByThen] of [
  ["before it is noted", "before", 0, 0],
  ["after it is noted", "after", 0, 0],
  ["after Smartcar is told, before it is noted", "before", 1, 1],
  ["after it is noted that Smartcar is told", "after", 1, 1],
  ["before it is noted that KV is done", "before", 2, 1],
]) {
  test(`a Durable Object killed during a disconnection, ${step}: the connection is closed and Smartcar told in the end`, async () => {
    const { client, connection, vault, stored } = await idleOwner({ vehicles: [carIds[0]] });
    await killAtWrite(edge, when, { vault, skip });
    const path = `/connections/${connection.id}`;
    assertProblem(await client.delete(path), { status: 503, code: "storage_unavailable" });
    assert.ok(await wasKilled(edge), "nothing was killed");
    assert.equal((await toldOf()).length, toldByThen);
    if (step === "before it is noted") {
      // Nothing can go on with what nobody knows of: the owner was told to try again.
      assert.deepEqual(await client.connectionIds(), [connection.id]);
      assert.equal((await client.delete(path)).status, 204);
    } else {
      assert.deepEqual(await client.connectionIds(), []);
      await quietMinutes(vault);
    }
    assert.deepEqual([...new Set(await toldOf())], [carIds[0]]);
    assert.deepEqual(await client.connectionIds(), []);
    assertProblem(await client.token(connection, { isolate: 1 }), { status: 404, code: "connection_not_found" });
    assert.ok(stored().length <= 1, "the grant is still in KV");
  });
}

test("nobody disconnects another owner's car, nor does a forged request", async () => {
  const { client, connection } = await owner({ vehicles: [carIds[0]] });
  const stranger = await owner({ vehicles: [carIds[1]] });
  const path = `/connections/${connection.id}`;
  assertProblem(await stranger.client.delete(path), { status: 404, code: "connection_not_found" });
  assert.equal((await stranger.client.delete("/connections")).status, 204);
  for (const headers of [{ "x-requested-with": undefined }, { origin: "https://evil.example" }]) {
    assertProblem(await client.delete(path, { headers }), { status: 403 });
    assertProblem(await client.delete("/connections", { headers }), { status: 403 });
  }
  assert.deepEqual(await client.connectionIds(), [connection.id]);
  assert.ok(!(await toldOf()).includes(carIds[0]));
});
