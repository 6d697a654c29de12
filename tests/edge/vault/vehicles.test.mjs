// What an owner is shown of vehicles: what was learned stays, what Smartcar revoked goes, and every answer says the same.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { carOf } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { runAlarm } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const { env, edge, simulator, carIds, owner, idleOwner, reset, close } = await openConnections();
after(close);
beforeEach(reset);

const vehiclesOf = async (client, options) => (await client.get("/vehicles", options)).json();
const idsOf = (list) => list.map(({ id }) => id).sort();

/** How often Smartcar was asked what a vehicle is, or with `list` which ones there are. */
async function questions(kind = /^\/v2\.0\/vehicles\/[^/]+$/) {
  return (await simulator.requests()).filter(({ method, path }) => method === "GET" && kind.test(path)).length;
}
const LIST = /^\/v2\.0\/vehicles$/;

/** The owner ends the access to a car at Smartcar, past the Worker. */
async function revokeAtSmartcar({ client, connection }, carId) {
  const { accessToken } = (await client.token(connection)).json();
  const answer = await send(`${simulator.origin}/v2.0/vehicles/${carId}/application`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${accessToken}` },
  });
  assert.equal(answer.status, 200, answer.text);
}

const RATE_LIMIT = {
  endpoint: "vehicle",
  kind: "status",
  status: 429,
  body: { type: "RATE_LIMIT", code: "APPLICATION" },
  headers: { "retry-after": "90" },
  times: null,
};

test("a rate limit says when Smartcar is asked again, and ends the questions until then", async () => {
  const { client } = await owner({ vehicles: carIds.slice(0, 3) });
  await simulator.fault(RATE_LIMIT);
  for (let view = 0; view < 10; view += 1) {
    const { vehicles } = await vehiclesOf(client);
    assert.equal(vehicles.length, 3);
    for (const { problem, retryAfter, status } of vehicles) {
      assert.deepEqual([problem, status], ["rate_limit:application", "active"]);
      assert.ok(retryAfter > 60 && retryAfter <= 90, `retryAfter: ${retryAfter}`);
    }
  }
  assert.ok((await questions()) <= 3, "one round of questions");
  await simulator.clearFaults();
  await env.travel(91 * SECOND);
  for (const vehicle of (await vehiclesOf(client)).vehicles) {
    assert.ok(vehicle.make && vehicle.problem === undefined && vehicle.retryAfter === undefined, JSON.stringify(vehicle));
  }
});

test("a car whose attributes the owner did not permit is not asked about at each view", async () => {
  const { client } = await owner({ vehicles: carIds.slice(0, 3), scopes: ["read_odometer"] });
  for (let view = 0; view < 40; view += 1) {
    const { vehicles } = await vehiclesOf(client, { isolate: view % 2 });
    for (const { problem } of vehicles) assert.match(problem, /^permission/);
  }
  assert.ok((await questions()) <= 6, `${await questions()} questions`);
});

test("no more than fifteen vehicles are asked about for one answer, and the rest at the next ones", async () => {
  const [template] = (await simulator.configure({})).vehicles;
  const fleet = Array.from({ length: 40 }, (_, n) => ({ ...template, id: `fleet-${n}`, vin: `FLEET${n}` }));
  await simulator.configure({ vehicles: fleet });
  const { client } = await owner({ vehicles: fleet.map(({ id }) => id) });
  for (const asked of [15, 30, 40, 40]) {
    const { vehicles } = await vehiclesOf(client);
    assert.equal(vehicles.length, 40);
    assert.equal(await questions(), asked);
    assert.equal(vehicles.filter(({ make }) => make).length, asked);
    assert.ok(vehicles.every(({ make, problem }) => make || problem === "not_described"));
  }
});

test("a car that was revoked at Smartcar is gone after the next refresh, and a token by its id is 404", async () => {
  const it = await idleOwner({ vehicles: carIds.slice(0, 2) });
  assert.equal((await it.client.askToken({ vehicleId: carIds[1] })).status, 200);
  await revokeAtSmartcar(it, carIds[1]);
  await env.travel(2 * HOUR);
  assert.equal((await it.client.token(it.connection)).status, 200);
  await until("the car is gone", async () => idsOf((await it.client.connections())[0].vehicles).length === 1);
  assert.deepEqual(idsOf((await vehiclesOf(it.client)).vehicles), [carIds[0]]);
  await env.travel(MINUTE);
  await until("the index is written", async () => (await it.client.askToken({ vehicleId: carIds[1] }, { isolate: 1 })).status === 404);
  assertProblem(await it.client.askToken({ vehicleId: carIds[1] }), { code: "connection_not_found" });
  assert.equal((await it.client.askToken({ vehicleId: carIds[0] })).status, 200);
});

test("a car that was revoked at Smartcar is gone when the alarm has refreshed the connection", async () => {
  const it = await idleOwner({ vehicles: carIds.slice(0, 2) });
  await revokeAtSmartcar(it, carIds[1]);
  await env.travel(33 * DAY);
  await runAlarm(edge, it.vault);
  await until("Smartcar was asked", async () => (await questions(LIST)) >= 2);
  const asked = await questions(LIST);
  await until("the car is gone", async () => (await it.client.connections())[0].vehicles.length === 1);
  assert.equal(await questions(LIST), asked, "a look asked, not the alarm");
});

test("a car that Smartcar answers with 404 leaves that very answer", async () => {
  const it = await owner({ vehicles: carIds.slice(0, 2) });
  await revokeAtSmartcar(it, carIds[1]);
  const { vehicles } = await vehiclesOf(it.client);
  assert.deepEqual(idsOf(vehicles), [carIds[0]]);
  assert.deepEqual(idsOf((await it.client.connections())[0].vehicles), [carIds[0]]);
});

test("who looks some minutes later sees what was revoked, and Smartcar is not asked at each look", async () => {
  const it = await idleOwner({ vehicles: carIds.slice(0, 2) });
  await vehiclesOf(it.client);
  await revokeAtSmartcar(it, carIds[1]);
  await env.travel(5 * MINUTE);
  const before = await questions(LIST);
  const looks = await Promise.all([it.client.connections(), vehiclesOf(it.client), vehiclesOf(it.client, { isolate: 1 })]);
  assert.deepEqual(idsOf(looks[0][0].vehicles), [carIds[0]]);
  for (const { vehicles } of looks.slice(1)) assert.deepEqual(idsOf(vehicles), [carIds[0]]);
  assert.equal((await questions(LIST)) - before, 1);
});

test("a look waits no longer than some seconds for Smartcar", async () => {
  const it = await idleOwner({ vehicles: carIds.slice(0, 2) });
  await env.travel(5 * MINUTE);
  await simulator.fault({ endpoint: "vehicles", kind: "slow_headers", ms: 9000 });
  const started = Date.now();
  const [connection] = await it.client.connections();
  assert.ok(Date.now() - started < 8000, `${Date.now() - started} ms`);
  assert.equal(connection.vehicles.length, 2, "what was known stays");
});

test("a connection whose cars are still asked for says so, and they appear", async () => {
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: 1 });
  const client = env.client();
  const connection = await env.connected(client, { vehicles: [carIds[0]] });
  assert.deepEqual([connection.vehicles, connection.vehiclesPending], [[], true]);
  assert.deepEqual(await vehiclesOf(client), { vehicles: [], vehiclesPending: true });
  await env.travel(5 * SECOND);
  const [later] = await client.connections();
  assert.deepEqual([idsOf(later.vehicles), later.vehiclesPending], [[carIds[0]], false]);
  const { vehicles, vehiclesPending } = await vehiclesOf(client);
  assert.deepEqual([idsOf(vehicles), vehiclesPending], [[carIds[0]], undefined]);
});

test("a grant that ended at Smartcar has one status in every answer, and keeps what is known of its cars", async () => {
  const it = await idleOwner({ vehicles: [carIds[0]] });
  const [{ make }] = (await vehiclesOf(it.client)).vehicles;
  await revokeAtSmartcar(it, carIds[0]);
  await env.travel(5 * MINUTE);
  const [[connection], { vehicles }] = await Promise.all([it.client.connections(), vehiclesOf(it.client)]);
  assert.deepEqual([connection.status, connection.cause], ["reconnection_required", "invalid_grant"]);
  assert.deepEqual(
    vehicles.map(({ id, status, make: shown, problem }) => [id, status, shown, problem]),
    [[carIds[0], "reconnection_required", make, undefined]],
  );
  const ask = () => it.client.askToken({ vehicleId: carIds[0] }, { isolate: 1 });
  await until("KV has no token of it any more", async () => (await ask()).status !== 200);
  for (const answer of [await ask(), await ask(), await carOf(it.client, carIds[0]).read("/odometer")]) {
    const { detail } = assertProblem(answer, { status: 409, code: "reconnection_required" });
    assert.match(detail, /\(invalid_grant\)/);
  }
});

test("what ended while its cars were asked about is answered as what it is", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  await revokeAtSmartcar(it, carIds[0]);
  const { vehicles } = await vehiclesOf(it.client);
  assert.deepEqual(
    vehicles.map(({ id, status }) => [id, status]),
    [[carIds[0], "reconnection_required"]],
  );
  assert.equal((await it.client.connections())[0].status, "reconnection_required");
});

test("a car whose maker wants its owner to log in again is said to everywhere, until that is done", async () => {
  const client = env.client();
  await simulator.setVehicle(carIds[0], { needsReauthentication: true });
  await env.connected(client, { vehicles: [carIds[0]] });
  const [vehicle] = (await vehiclesOf(client)).vehicles;
  assert.deepEqual([vehicle.status, vehicle.problem], ["reauthentication_required", "connected_services_account:authentication_failed"]);
  const [connection] = await client.connections();
  assert.deepEqual([connection.status, connection.cause], ["reauthentication_required", "authentication_failed"]);
  await simulator.setVehicle(carIds[0], { needsReauthentication: false });
  const { state } = await client.reconnect(connection.id);
  const answer = await client.finish({ vehicle_id: carIds[0], state });
  // What had failed was asked once more.
  assert.deepEqual([answer.json().kind, answer.json().connection.status], ["reauthenticated", "active"], answer.text);
  const [mended] = (await vehiclesOf(client)).vehicles;
  assert.ok(mended.status === "active" && mended.make, JSON.stringify(mended));
});

test("a grant that another device of the owner has ended is seen on this one", async () => {
  const user = "two-devices@example.com";
  const laptop = await idleOwner({ vehicles: [carIds[0]], user });
  const phone = await idleOwner({ vehicles: [carIds[0]], user });
  assert.equal((await phone.client.delete(`/connections/${phone.connection.id}`)).status, 204);
  await until("the laptop says so", async () => (await laptop.client.connections())[0].status === "reconnection_required");
  await env.travel(MINUTE);
  await until("KV has no token of it any more", async () => (await laptop.client.token(laptop.connection)).status !== 200);
  assertProblem(await laptop.client.token(laptop.connection), { status: 409, code: "reconnection_required" });
});
