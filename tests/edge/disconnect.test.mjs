// The end of a connection: Smartcar first, then everything here, and nothing brings it back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openHouseholds } from "./harness/household.mjs";
import { killAtWrite, storedKeys, wasKilled } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { settle } from "./harness/settle.mjs";
import { until } from "./harness/until.mjs";

const HOUR = 60 * 60 * 1000;

const households = await openHouseholds();
const { kv, world, simulator, edge, owner, quietMinutes } = households;
after(() => households.close());
let carIds;
beforeEach(async () => {
  carIds = await households.reset();
});

async function told() {
  const requests = await simulator.requests();
  return requests.filter(({ method }) => method === "DELETE").map(({ path }) => path.split("/")[3]);
}

async function idsOf(visitor) {
  return (await visitor.connections()).map(({ id }) => id);
}

test("Smartcar is told of every car, then nothing is left but the other connection", async () => {
  const { visitor, made, own } = await owner([carIds[0], carIds[1]], [carIds[2]]);
  const answer = await visitor.delete(`/connections/${made[0].id}`);
  assert.equal(answer.status, 204);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual((await told()).sort(), [carIds[0], carIds[1]].sort());
  assert.deepEqual(await idsOf(visitor), [made[1].id]);
  assertProblem(await visitor.token(made[0]), { status: 404, code: "connection_not_found" });
  assertProblem(await visitor.delete(`/connections/${made[0].id}`), { status: 404, code: "connection_not_found" });
  assert.equal((await visitor.token(made[1])).status, 200);
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
    const { visitor, made, own } = await owner([carIds[0]]);
    await simulator.fault({ endpoint: "disconnect", ...fault, times: null });
    assert.equal((await visitor.delete(`/connections/${made[0].id}`)).status, 204);
    assert.deepEqual(await idsOf(visitor), []);
    assertProblem(await visitor.token(made[0], { isolate: 1 }), { status: 404 });
    assert.ok(own().length <= 1, "the grant is still in KV");
    await simulator.clearFaults();
  });
}

test("an access token that has expired is renewed first, so that Smartcar can be told", async () => {
  const { visitor, made } = await owner([carIds[0]]);
  await world.travel(3 * HOUR);
  assert.equal((await visitor.delete(`/connections/${made[0].id}`)).status, 204);
  assert.equal((await simulator.counts()).refresh, 1);
  const [request, ...others] = (await simulator.requests()).filter(({ method }) => method === "DELETE");
  assert.deepEqual([request.path, request.status, others], [`/v2.0/vehicles/${carIds[0]}/application`, 200, []]);
  assert.deepEqual(await idsOf(visitor), []);
});

for (const [title, fault] of [
  ["is refused", { kind: "status", status: 400, body: '{"error":"invalid_grant"}' }],
  ["fails", { kind: "status", status: 500, body: "oops" }],
  ["is cut off", { kind: "reset_before" }],
  ["hangs", { kind: "slow_headers", ms: 12_000 }],
]) {
  test(`where that renewal ${title}, it is deleted all the same`, async () => {
    const { visitor, made, own } = await owner([carIds[0]]);
    await world.travel(3 * HOUR);
    await simulator.fault({ endpoint: "refresh", ...fault, times: null });
    const answer = await visitor.delete(`/connections/${made[0].id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await told(), [], "told with a token that has expired");
    await simulator.clearFaults();
    assert.deepEqual(await idsOf(visitor), []);
    assertProblem(await visitor.token(made[0]), { status: 404, code: "connection_not_found" });
    assert.ok(own().length <= 1, "the grant is still in KV");
  });
}

test("cars that were not known yet are listed first; where that fails, it is deleted all the same", async () => {
  for (const known of [true, false]) {
    await simulator.reset();
    await simulator.fault({ endpoint: "vehicles", kind: "status", status: 500, body: "oops", times: null });
    const visitor = world.visitor();
    const { connection } = (await world.connect(visitor, { vehicles: [carIds[0]] })).answer.json();
    assert.deepEqual(connection.vehicles, []);
    if (known) await simulator.clearFaults();
    const answer = await visitor.delete(`/connections/${connection.id}`);
    assert.equal(answer.status, 204, answer.text);
    assert.deepEqual(await told(), known ? [carIds[0]] : []);
    await simulator.clearFaults();
    assert.deepEqual(await idsOf(visitor), []);
    assertProblem(await visitor.token(connection), { status: 404 });
  }
});

test("a refresh that ends after the disconnection does not bring it back", async () => {
  const { visitor, made, vault, own } = await owner([carIds[0]]);
  await world.travel(2 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "slow_headers", ms: 400, commit: true });
  const refreshing = visitor.token(made[0]);
  await until("the refresh is under way", async () => (await simulator.counts()).refresh > 0);
  const answer = await visitor.delete(`/connections/${made[0].id}`, { isolate: 1 });
  assert.equal(answer.status, 204, answer.text);
  await refreshing;
  await quietMinutes(vault);
  assert.deepEqual(await idsOf(visitor), []);
  assertProblem(await visitor.token(made[0]), { status: 404 });
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
    const { visitor, made, vault, own } = await owner([carIds[0]]);
    await settle(world, vault);
    await killAtWrite(edge, when, skip);
    const path = `/connections/${made[0].id}`;
    assertProblem(await visitor.delete(path), { status: 503, code: "storage_unavailable" });
    assert.ok(await wasKilled(edge), "nothing was killed");
    assert.equal((await told()).length, toldByThen);
    if (step === "before it is noted") {
      // Nothing can go on with what nobody knows of: the owner was told to try again.
      assert.deepEqual(await idsOf(visitor), [made[0].id]);
      assert.equal((await visitor.delete(path)).status, 204);
    } else {
      assert.deepEqual(await idsOf(visitor), []);
      await quietMinutes(vault);
    }
    assert.deepEqual([...new Set(await told())], [carIds[0]]);
    assert.deepEqual(await idsOf(visitor), []);
    assertProblem(await visitor.token(made[0], { isolate: 1 }), { status: 404, code: "connection_not_found" });
    assert.ok(own().length <= 1, "the grant is still in KV");
  });
}

test("KV that refuses to delete is made to by the alarm", async () => {
  const { visitor, made, vault, own } = await owner([carIds[0]]);
  const before = own().length;
  kv.store.refusals = Infinity;
  const answer = await visitor.delete(`/connections/${made[0].id}`);
  assert.ok(answer.status === 204 || answer.status === 503, answer.text);
  assert.deepEqual(await idsOf(visitor), []);
  assert.equal(own().length, before);
  kv.store.refusals = 0;
  await quietMinutes(vault);
  assert.ok(own().length < before, "the grant is still in KV");
  assertProblem(await visitor.token(made[0]), { status: 404 });
});

test("deleting everything leaves no record and no index, here and in KV, and nobody else's is touched", async () => {
  const other = await owner([carIds[1]]);
  const { visitor, made, vault, own } = await owner([carIds[0]], [carIds[1], carIds[2]]);
  assert.equal((await visitor.delete("/connections")).status, 204);
  assert.deepEqual((await told()).sort(), [...carIds].sort());
  assert.deepEqual(await idsOf(visitor), []);
  for (const connection of made) assertProblem(await visitor.token(connection), { status: 404 });
  await quietMinutes(vault);
  assert.deepEqual(await storedKeys(edge, vault), []);
  assert.deepEqual(own(), []);
  assert.deepEqual(await idsOf(other.visitor), [other.made[0].id]);
  assert.equal((await other.visitor.token(other.made[0])).status, 200);

  // The owner may come back.
  const { answer } = await world.connect(visitor, { vehicles: [carIds[0]] });
  assert.deepEqual(await idsOf(visitor), [answer.json().connection.id]);
});

test("deleting everything tells Smartcar of several connections at once", async () => {
  const { visitor, made } = await owner([carIds[0]], [carIds[1]], [carIds[2]]);
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 4000, commit: true, times: null });
  const deleting = visitor.delete("/connections");
  await until("all are under way", async () => {
    const requests = (await simulator.requests()).filter(({ method }) => method === "DELETE");
    return requests.filter(({ status }) => status === null).length === made.length;
  });
  assert.equal((await deleting).status, 204);
  assert.deepEqual(await idsOf(visitor), []);
  await simulator.clearFaults();
});

test("nobody disconnects another one's car, nor by a forged request", async () => {
  const { visitor, made } = await owner([carIds[0]]);
  const stranger = await owner([carIds[1]]);
  const path = `/connections/${made[0].id}`;
  assertProblem(await stranger.visitor.delete(path), { status: 404, code: "connection_not_found" });
  assert.equal((await stranger.visitor.delete("/connections")).status, 204);
  for (const headers of [{ "x-requested-with": undefined }, { origin: "https://evil.example" }]) {
    assertProblem(await visitor.delete(path, { headers }), { status: 403 });
    assertProblem(await visitor.delete("/connections", { headers }), { status: 403 });
  }
  assert.deepEqual(await idsOf(visitor), [made[0].id]);
  assert.ok(!(await told()).includes(carIds[0]));
});

test("one grant per car: each is found by its vehicle, and the same car again replaces its former grant", async () => {
  const { visitor, made } = await owner([carIds[0]], [carIds[1]]);
  assert.deepEqual((await idsOf(visitor)).sort(), made.map(({ id }) => id).sort());
  const { answer } = await world.connect(visitor, { vehicles: [carIds[0]] });
  const again = answer.json().connection;
  assert.deepEqual((await idsOf(visitor)).sort(), [made[1].id, again.id].sort());
  assert.deepEqual(await told(), [], "Smartcar would end the new grant too");
  for (const [vehicleId, connectionId] of [
    [carIds[0], again.id],
    [carIds[1], made[1].id],
  ]) {
    const body = JSON.stringify({ principal: visitor.principal, vehicleId });
    const token = await visitor.token(again, { body });
    assert.equal(token.json().connectionId, connectionId, token.text);
  }
  assertProblem(await visitor.token(made[0]), { status: 404 });
});

test("a second grant that covers more cars takes over the first: one connection, found by each of its cars", async () => {
  const { visitor, made, vault, own } = await owner([carIds[0]]);
  const { answer } = await world.connect(visitor, { vehicles: [carIds[0], carIds[1]] });
  const { id } = answer.json().connection;
  const [connection, ...others] = await visitor.connections();
  assert.deepEqual([connection.id, others], [id, []]);
  assert.deepEqual(connection.vehicles.map((vehicle) => vehicle.id).sort(), [carIds[0], carIds[1]].sort());
  await settle(world, vault);
  assert.equal(own().length, 2, "the grant and the index are left");
  for (const vehicleId of [carIds[0], carIds[1]]) {
    const body = JSON.stringify({ principal: visitor.principal, vehicleId });
    const token = await visitor.token(connection, { body });
    assert.equal(token.json().connectionId, id, token.text);
  }
  assertProblem(await visitor.token(made[0]), { status: 404, code: "connection_not_found" });
  assert.deepEqual(await told(), [], "Smartcar would end the new grant too");
});
