// The end of a connection: Smartcar first, then everything here, and nothing brings it back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { killAtWrite, storedKeys, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { idle } from "../harness/idle.mjs";
import { until } from "../harness/until.mjs";

const HOUR = 60 * 60 * 1000;

const fixture = await openConnections();
const { kv, env, simulator, edge, owner, quietMinutes } = fixture;
after(() => fixture.close());
let carIds;
beforeEach(async () => {
  carIds = await fixture.reset();
});

async function told() {
  const requests = await simulator.requests();
  return requests.filter(({ method }) => method === "DELETE").map(({ path }) => path.split("/")[3]);
}

async function idsOf(client) {
  return (await client.connections()).map(({ id }) => id);
}

test("Smartcar is told of every car, then nothing is left but the other connection", async () => {
  const { client, made, own } = await owner([carIds[0], carIds[1]], [carIds[2]]);
  const answer = await client.delete(`/connections/${made[0].id}`);
  assert.equal(answer.status, 204);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual((await told()).sort(), [carIds[0], carIds[1]].sort());
  assert.deepEqual(await idsOf(client), [made[1].id]);
  assertProblem(await client.token(made[0]), { status: 404, code: "connection_not_found" });
  assertProblem(await client.delete(`/connections/${made[0].id}`), { status: 404, code: "connection_not_found" });
  assert.equal((await client.token(made[1])).status, 200);
  assert.equal(own().length, 2, "the grant and the index are left");
});

// The last one is longer than the Worker waits for Smartcar.
for (const fault of [
  { kind: "status", status: 500, body: "oops" },
  { kind: "reset_before" },
  { kind: "reset_after" },
  { kind: "slow_headers", ms: 12_000 },
]) {
  test(`it is deleted here when Smartcar's answer is ${fault.kind}`, async () => {
    const { client, made, own } = await owner([carIds[0]]);
    await simulator.fault({ endpoint: "disconnect", ...fault, times: null });
    assert.equal((await client.delete(`/connections/${made[0].id}`)).status, 204);
    assert.deepEqual(await idsOf(client), []);
    assertProblem(await client.token(made[0], { isolate: 1 }), { status: 404 });
    assert.ok(own().length <= 1, "the grant is still in KV");
    await simulator.clearFaults();
  });
}

test("an access token that has expired is renewed first, so that Smartcar can be told", async () => {
  const { client, made } = await owner([carIds[0]]);
  await env.travel(3 * HOUR);
  assert.equal((await client.delete(`/connections/${made[0].id}`)).status, 204);
  assert.equal((await simulator.counts()).refresh, 1);
  const [request, ...others] = (await simulator.requests()).filter(({ method }) => method === "DELETE");
  assert.deepEqual([request.path, request.status, others], [`/v2.0/vehicles/${carIds[0]}/application`, 200, []]);
  assert.deepEqual(await idsOf(client), []);
});

for (const [title, fault] of [
  ["is refused", { kind: "status", status: 400, body: '{"error":"invalid_grant"}' }],
  ["fails", { kind: "status", status: 500, body: "oops" }],
  ["is cut off", { kind: "reset_before" }],
  ["hangs", { kind: "slow_headers", ms: 12_000 }],
]) {
  test(`where that renewal ${title}, it is deleted all the same`, async () => {
    const { client, made, own } = await owner([carIds[0]]);
    await env.travel(3 * HOUR);
    await simulator.fault({ endpoint: "refresh", ...fault, times: null });
    const answer = await client.delete(`/connections/${made[0].id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await told(), [], "told with a token that has expired");
    await simulator.clearFaults();
    assert.deepEqual(await idsOf(client), []);
    assertProblem(await client.token(made[0]), { status: 404, code: "connection_not_found" });
    assert.ok(own().length <= 1, "the grant is still in KV");
  });
}

test("cars that were not known yet are listed first; where that fails, it is deleted all the same", async () => {
  for (const known of [true, false]) {
    await simulator.reset();
    await simulator.fault({ endpoint: "vehicles", kind: "status", status: 500, body: "oops", times: null });
    const client = env.client();
    const { connection } = (await env.connect(client, { vehicles: [carIds[0]] })).answer.json();
    assert.deepEqual(connection.vehicles, []);
    if (known) await simulator.clearFaults();
    const answer = await client.delete(`/connections/${connection.id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await told(), known ? [carIds[0]] : []);
    await simulator.clearFaults();
    assert.deepEqual(await idsOf(client), []);
    assertProblem(await client.token(connection), { status: 404 });
  }
});

test("a refresh that ends after the disconnection does not bring it back", async () => {
  const { client, made, vault, own } = await owner([carIds[0]]);
  await env.travel(2 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "slow_headers", ms: 400, commit: true });
  const refreshing = client.token(made[0]);
  await until("the refresh is under way", async () => (await simulator.counts()).refresh > 0);
  const answer = await client.delete(`/connections/${made[0].id}`, { isolate: 1 });
  assert.equal(answer.status, 204, answer.text);
  await refreshing;
  await quietMinutes(vault);
  assert.deepEqual(await idsOf(client), []);
  assertProblem(await client.token(made[0]), { status: 404 });
  assert.ok(own().length <= 1, "the grant is in KV again");
});

for (const [step, when, skip, toldByThen] of [
  ["before it is noted", "before", 0, 0],
  ["after it is noted", "after", 0, 0],
  ["after Smartcar is told, before that is noted", "before", 1, 1],
  ["after that is noted", "after", 1, 1],
  ["before it is noted that KV is done", "before", 2, 1],
]) {
  test(`the Durable Object is killed ${step}: the connection is closed and Smartcar told in the end`, async () => {
    const { client, made, vault, own } = await owner([carIds[0]]);
    await idle(env, vault);
    await killAtWrite(edge, when, skip);
    const path = `/connections/${made[0].id}`;
    assertProblem(await client.delete(path), { status: 503, code: "storage_unavailable" });
    assert.ok(await wasKilled(edge), "nothing was killed");
    assert.equal((await told()).length, toldByThen);
    if (step === "before it is noted") {
      // Nothing can go on with what nobody knows of: the owner was told to try again.
      assert.deepEqual(await idsOf(client), [made[0].id]);
      assert.equal((await client.delete(path)).status, 204);
    } else {
      assert.deepEqual(await idsOf(client), []);
      await quietMinutes(vault);
    }
    assert.deepEqual([...new Set(await told())], [carIds[0]]);
    assert.deepEqual(await idsOf(client), []);
    assertProblem(await client.token(made[0], { isolate: 1 }), { status: 404, code: "connection_not_found" });
    assert.ok(own().length <= 1, "the grant is still in KV");
  });
}

test("KV that refuses to delete is made to by the alarm", async () => {
  const { client, made, vault, own } = await owner([carIds[0]]);
  const before = own().length;
  kv.store.refusals = Infinity;
  const answer = await client.delete(`/connections/${made[0].id}`);
  assert.ok(answer.status === 204 || answer.status === 503, answer.text);
  assert.deepEqual(await idsOf(client), []);
  assert.equal(own().length, before);
  kv.store.refusals = 0;
  await quietMinutes(vault);
  assert.ok(own().length < before, "the grant is still in KV");
  assertProblem(await client.token(made[0]), { status: 404 });
});

test("deleting everything leaves no record and no index, here and in KV, and nobody else's is touched", async () => {
  const other = await owner([carIds[1]]);
  const { client, made, vault, own } = await owner([carIds[0]], [carIds[1], carIds[2]]);
  assert.equal((await client.delete("/connections")).status, 204);
  assert.deepEqual((await told()).sort(), [...carIds].sort());
  assert.deepEqual(await idsOf(client), []);
  for (const connection of made) assertProblem(await client.token(connection), { status: 404 });
  await quietMinutes(vault);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.deepEqual(own(), []);
  assert.deepEqual(await idsOf(other.client), [other.made[0].id]);
  assert.equal((await other.client.token(other.made[0])).status, 200);

  // The owner may come back.
  const { answer } = await env.connect(client, { vehicles: [carIds[0]] });
  assert.deepEqual(await idsOf(client), [answer.json().connection.id]);
});

test("deleting everything tells Smartcar of several connections at once", async () => {
  const { client, made } = await owner([carIds[0]], [carIds[1]], [carIds[2]]);
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 4000, commit: true, times: null });
  const deleting = client.delete("/connections");
  await until("all are under way", async () => {
    const requests = (await simulator.requests()).filter(({ method }) => method === "DELETE");
    return requests.filter(({ status }) => status === null).length === made.length;
  });
  assert.equal((await deleting).status, 204);
  assert.deepEqual(await idsOf(client), []);
  await simulator.clearFaults();
});

test("nobody disconnects another one's car, nor by a forged request", async () => {
  const { client, made } = await owner([carIds[0]]);
  const stranger = await owner([carIds[1]]);
  const path = `/connections/${made[0].id}`;
  assertProblem(await stranger.client.delete(path), { status: 404, code: "connection_not_found" });
  assert.equal((await stranger.client.delete("/connections")).status, 204);
  for (const headers of [{ "x-requested-with": undefined }, { origin: "https://evil.example" }]) {
    assertProblem(await client.delete(path, { headers }), { status: 403 });
    assertProblem(await client.delete("/connections", { headers }), { status: 403 });
  }
  assert.deepEqual(await idsOf(client), [made[0].id]);
  assert.ok(!(await told()).includes(carIds[0]));
});

test("one grant per car: each is found by its vehicle, and the same car again replaces its former grant", async () => {
  const { client, made } = await owner([carIds[0]], [carIds[1]]);
  assert.deepEqual((await idsOf(client)).sort(), made.map(({ id }) => id).sort());
  const { answer } = await env.connect(client, { vehicles: [carIds[0]] });
  const again = answer.json().connection;
  assert.deepEqual((await idsOf(client)).sort(), [made[1].id, again.id].sort());
  assert.deepEqual(await told(), [], "Smartcar would end the new grant too");
  for (const [vehicleId, connectionId] of [
    [carIds[0], again.id],
    [carIds[1], made[1].id],
  ]) {
    const body = JSON.stringify({ principal: client.principal, vehicleId });
    const token = await client.token(again, { body });
    assert.equal(token.json().connectionId, connectionId, token.text);
  }
  assertProblem(await client.token(made[0]), { status: 404 });
});

test("a second grant that covers more cars takes over the first: one connection, found by each of its cars", async () => {
  const { client, made, vault, own } = await owner([carIds[0]]);
  const { answer } = await env.connect(client, { vehicles: [carIds[0], carIds[1]] });
  const { id } = answer.json().connection;
  const [connection, ...others] = await client.connections();
  assert.deepEqual([connection.id, others], [id, []]);
  assert.deepEqual(connection.vehicles.map((vehicle) => vehicle.id).sort(), [carIds[0], carIds[1]].sort());
  await idle(env, vault);
  assert.equal(own().length, 2, "the grant and the index are left");
  for (const vehicleId of [carIds[0], carIds[1]]) {
    const body = JSON.stringify({ principal: client.principal, vehicleId });
    const token = await client.token(connection, { body });
    assert.equal(token.json().connectionId, id, token.text);
  }
  assertProblem(await client.token(made[0]), { status: 404, code: "connection_not_found" });
  assert.deepEqual(await told(), [], "Smartcar would end the new grant too");
});
