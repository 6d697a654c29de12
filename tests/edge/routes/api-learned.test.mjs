// What answers to passed-on requests say of a car is kept: its owner has to log in again, may go on, or has taken the car away.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { SCOPES, carOf } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { vaultCalls } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, edge, simulator, carIds } = fixture;
after(() => fixture.close());
beforeEach(async () => {
  await env.travel(2 * MINUTE);
  await fixture.reset();
});

const FAILED = "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED";

async function driver(vehicles = [carIds[0]]) {
  const { client, connection } = await fixture.idleOwner({ vehicles, scopes: SCOPES });
  // What the car is, is known, so that `GET /vehicles` asks no more.
  assert.ok((await client.get("/vehicles")).json().vehicles[0].make);
  const [, second] = vehicles;
  return { client, connection, car: carOf(client, vehicles[0]), second: second && carOf(client, second) };
}

const statusOf = async ({ client }) => (await client.connections())[0].status;

/** How many vaults were asked while `act` was done and what it left to do was done. */
async function callsOf(act) {
  const before = await vaultCalls(edge);
  await act();
  return (await vaultCalls(edge)) - before;
}

test("a read that fails because the owner has to log in again says so everywhere, and the next one that succeeds mends it", async () => {
  const it = await driver();
  await simulator.setVehicle(carIds[0], { needsReauthentication: true });
  const refused = await it.car.read("/odometer");
  assertProblem(refused, { status: 400, code: "smartcar_error" });
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  const [connection] = await it.client.connections();
  assert.equal(connection.cause, "authentication_failed");
  const [vehicle] = (await it.client.get("/vehicles")).json().vehicles;
  assert.equal(vehicle.status, "reauthentication_required");
  assert.ok(vehicle.make, "what is known stays known");
  assert.equal(vehicle.problem, undefined);

  await simulator.setVehicle(carIds[0], { needsReauthentication: false });
  // Smartcar says what a car is, and what was granted, without asking its maker.
  for (const below of ["", "/vin", "/permissions"]) assert.equal((await it.car.read(below)).status, 200);
  assert.equal(await statusOf(it), "reauthentication_required");
  assert.equal((await it.car.read("/odometer")).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("an isolate that has not seen the error mends it after a look at the vehicles", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: FAILED });
  await it.car.read("/odometer");
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  await it.client.get("/vehicles", { isolate: 1 });
  assert.equal((await it.car.read("/odometer", { isolate: 1 })).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("a command that fails for the same reason says so too, and one that succeeds mends it", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "command", kind: "api_error", error: FAILED });
  assertProblem(await it.car.command("/security", { action: "LOCK" }), { status: 400 });
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  assert.equal((await it.car.command("/security", { action: "LOCK" })).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("no other error and no other success is told to the vault", async () => {
  const it = await driver();
  const read = async () => assert.equal((await it.car.read("/odometer")).status, 200);
  await until("a read needs no vault", async () => (await callsOf(read)) === 0);
  for (const [endpoint, act] of [
    ["odometer", () => it.car.read("/odometer")],
    ["command", () => it.car.command("/security", { action: "LOCK" })],
  ]) {
    for (const error of ["VEHICLE_STATE/ASLEEP", "CONNECTED_SERVICES_ACCOUNT/VIRTUAL_KEY_REQUIRED", "SERVER/INTERNAL"]) {
      await simulator.fault({ endpoint, kind: "api_error", error });
      assert.equal(await callsOf(async () => assert.ok((await act()).status >= 400)), 0, `${endpoint} ${error}`);
    }
    assert.equal(await callsOf(async () => assert.equal((await act()).status, 200)), 0);
  }
  assert.equal(await statusOf(it), "active");
});

test("a permission that is missing is said everywhere, and the success of what takes it mends it", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "PERMISSION" });
  assertProblem(await it.car.read("/odometer"), { status: 403, code: "smartcar_error" });
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  assert.equal((await it.client.connections())[0].cause, "permission_missing");
  // Another success shows nothing of this permission.
  assert.equal((await it.car.read("/location")).status, 200);
  assert.equal(await callsOf(async () => assert.equal((await it.car.read("/battery")).status, 200)), 0);
  assert.equal(await statusOf(it), "reauthentication_required");
  assert.equal((await it.car.read("/odometer")).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("an account that lacks a permission at the maker is another cause", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "location", kind: "api_error", error: "CONNECTED_SERVICES_ACCOUNT/PERMISSION" });
  assertProblem(await it.car.read("/location"), { status: 400, code: "smartcar_error" });
  await until("the connection says so", async () => (await it.client.connections())[0].cause === "maker_permission_missing");
  assert.equal((await it.car.read("/location")).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("an error that goes on is told once in a while", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: FAILED, times: null });
  await it.car.read("/odometer");
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  const calls = await callsOf(async () => {
    for (let read = 0; read < 10; read += 1) assertProblem(await it.car.read("/odometer"), { status: 400 });
  });
  assert.equal(calls, 0);
});

/** The owner ends the access to a car at Smartcar, past the Worker. */
async function revokeAtSmartcar({ client, connection }, carId) {
  const { accessToken } = (await client.token(connection)).json();
  const headers = { authorization: `Bearer ${accessToken}` };
  const answer = await send(`${simulator.origin}/v2.0/vehicles/${carId}/application`, { method: "DELETE", headers });
  assert.equal(answer.status, 200, answer.text);
}

test("a car that Smartcar does not know any more leaves the list, and the answer does not wait for that", async () => {
  const it = await driver(carIds.slice(0, 2));
  await revokeAtSmartcar(it, carIds[1]);
  await env.travel(MINUTE);
  await simulator.fault({ endpoint: "vehicles", kind: "slow_headers", ms: 6000 });
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "RESOURCE_NOT_FOUND" });
  assertProblem(await it.second.read("/odometer"), { status: 404, code: "smartcar_error" });
  // Smartcar has not yet said which cars there are.
  const listed = (await simulator.requests()).filter(({ path, status }) => path === "/v2.0/vehicles" && status !== null);
  assert.equal(listed.filter(({ method }) => method === "GET").length, 1, "the one of the connection's beginning");
  await until("the car is gone", async () => (await it.client.connections())[0].vehicles.length === 1);
  assert.deepEqual((await it.client.connections())[0].vehicles.map(({ id }) => id), [carIds[0]]);
});

test("a car that Smartcar still lists stays, whatever one endpoint says", async () => {
  const it = await driver();
  await env.travel(MINUTE);
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "RESOURCE_NOT_FOUND" });
  const lists = async () => (await simulator.requests()).filter(({ method, path }) => method === "GET" && path === "/v2.0/vehicles").length;
  const before = await lists();
  assertProblem(await it.car.read("/odometer"), { status: 404 });
  await until("Smartcar was asked", async () => (await lists()) === before + 1);
  const [connection] = await it.client.connections();
  assert.deepEqual([connection.status, connection.vehicles.length], ["active", 1]);
  assert.equal((await it.client.get("/vehicles")).json().vehicles[0].problem, undefined);
});
