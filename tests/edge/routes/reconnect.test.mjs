// The way back for an owner: which flow mends a connection, and what its callback may do. The tokens stay, whatever comes.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { SCOPES, carOf } from "../harness/api.mjs";
import { mintState } from "../harness/client.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, simulator, carIds } = fixture;
after(() => fixture.close());
beforeEach(async () => {
  await env.travel(2 * MINUTE);
  await fixture.reset();
});

const FAILED = "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED";

/** Asks what mends a connection. The state comes along with the answer. */
async function reconnect(client, id, options) {
  const answer = await client.reconnect(id, options);
  return { answer, state: answer.state, fingerprint: answer.fingerprint, way: answer.status === 200 ? answer.json() : undefined };
}

const connectionOf = async (client, id) => (await client.connections()).find((one) => one.id === id);

/** An owner whose first car is marked, by one read of it that failed. */
async function wanted({ error = FAILED, read = "/odometer", vehicles = [carIds[0]], body, user } = {}) {
  const { client, connection } = await fixture.idleOwner({ vehicles, scopes: SCOPES, user });
  await client.get("/vehicles");
  const car = carOf(client, vehicles[0]);
  await fail({ client, connection, car }, { error, read, body });
  return { client, connection, car };
}

/** Lets one read of a car fail, and waits until the connection says so. */
async function fail({ client, connection, car }, { error = FAILED, read = "/odometer", body } = {}) {
  const endpoint = read.slice(1);
  await simulator.fault(
    body ? { endpoint, kind: "status", status: 400, body } : { endpoint, kind: "api_error", error },
  );
  assert.ok((await car.read(read)).status >= 400);
  await until("it is marked", async () => (await connectionOf(client, connection.id)).status === "reauthentication_required");
}

const refreshes = async () => (await simulator.counts()).refreshCommitted;

test("a log-in that failed is mended by Connect's re-authentication, which keeps the tokens", async () => {
  const it = await wanted();
  const before = (await it.client.token(it.connection)).json();
  const { way, state } = await reconnect(it.client, it.connection.id);
  assert.deepEqual(
    [way.flow, way.vehicleId, way.connectOrigin, typeof way.applicationId, typeof way.expiresAt],
    ["reauthenticate", carIds[0], simulator.origin, "string", "number"],
  );
  const url = new URL(way.resolutionUrl);
  assert.deepEqual([url.origin, url.pathname, url.searchParams.get("vehicle_id")], [simulator.origin, "/oauth/reauthenticate", carIds[0]]);
  assert.deepEqual([url.searchParams.has("redirect_uri"), url.searchParams.has("state")], [false, false]);

  const answer = await it.client.finish({ vehicle_id: carIds[0], state, external_id: way.externalId });
  const { kind, vehicleId, connection } = answer.json();
  assert.deepEqual([kind, vehicleId, connection.id], ["reauthenticated", carIds[0], it.connection.id], answer.text);
  // The car was asked once, and works.
  assert.deepEqual([connection.status, connection.cause], ["active", null]);
  const after = (await it.client.token(it.connection)).json();
  assert.equal(after.accessToken, before.accessToken);
  assert.equal(await refreshes(), 0);
});

test("an owner who came back without success stays wanted, until something works", async () => {
  const it = await wanted();
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: FAILED, times: null });
  const { state } = await reconnect(it.client, it.connection.id);
  const { kind, connection } = (await it.client.finish({ vehicle_id: carIds[0], state })).json();
  assert.deepEqual([kind, connection.status], ["reauthenticated", "reauthentication_required"]);
  await simulator.clearFaults();
  assert.equal((await it.car.read("/location")).status, 200);
  await until("it is well", async () => (await connectionOf(it.client, it.connection.id)).status === "active");
});

test("a car that hangs keeps nobody waiting for long, and mends what it mends when it answers", async () => {
  const it = await wanted();
  await simulator.fault({ endpoint: "odometer", kind: "slow_headers", ms: 9000 });
  const { state } = await reconnect(it.client, it.connection.id);
  const started = Date.now();
  const answer = await it.client.finish({ vehicle_id: carIds[0], state });
  assert.deepEqual([answer.status, answer.json().connection.status], [200, "reauthentication_required"]);
  assert.ok(Date.now() - started < 9000, `${Date.now() - started} ms`);
  await until("the car has answered", async () => (await connectionOf(it.client, it.connection.id)).status === "active");
});

test("what fails in a batch marks the car, and what works in a later one ends it", async () => {
  const { client, connection } = await fixture.idleOwner({ vehicles: [carIds[0]], scopes: SCOPES });
  const car = carOf(client, carIds[0]);
  const codes = async () => (await car.batch(["/odometer", "/location"])).json().responses.map(({ code }) => code);
  const statusOf = async () => (await connectionOf(client, connection.id)).status;
  await simulator.setVehicle(carIds[0], { needsReauthentication: true });
  assert.deepEqual(await codes(), [400, 400]);
  await until("it is marked", async () => (await statusOf()) === "reauthentication_required");
  const { way } = await reconnect(client, connection.id);
  assert.deepEqual([way.flow, way.vehicleId], ["reauthenticate", carIds[0]]);
  await simulator.setVehicle(carIds[0], { needsReauthentication: false });
  assert.deepEqual(await codes(), [200, 200]);
  await until("it is well", async () => (await statusOf()) === "active");
});

test("an error of Connect's keeps the connection as it is", async () => {
  const it = await wanted();
  const before = await connectionOf(it.client, it.connection.id);
  for (const error of ["access_denied", "user_cancelled", "server_error", "something_new"]) {
    const { state } = await reconnect(it.client, it.connection.id);
    const answer = await it.client.finish({ error, vehicle_id: carIds[0], state });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await connectionOf(it.client, it.connection.id), before, error);
  }
  assert.equal((await it.client.token(it.connection)).status, 200);
});

test("a callback about anything else is refused, and changes and uses nothing", async () => {
  const it = await wanted({ vehicles: carIds.slice(0, 2) });
  const { state, fingerprint } = await reconnect(it.client, it.connection.id);
  const before = await connectionOf(it.client, it.connection.id);
  const code = await env.consent({ vehicles: [carIds[0]] });
  for (const query of [
    { vehicle_id: carIds[1], state },
    { vehicle_id: carIds[2], state },
    { vehicle_id: carIds[0].toUpperCase().replace(/^/, "x"), state },
    { code, state },
    { code, vehicle_id: carIds[0], state },
    { user_id: "somebody", vehicle_id: carIds[0], state },
  ]) {
    assertProblem(await it.client.finish(query), { status: 400, code: "callback_unexpected" });
  }
  assert.equal((await simulator.counts()).exchangeCommitted, 1, "no code was exchanged but the first");
  assert.deepEqual(await connectionOf(it.client, it.connection.id), before);
  assert.equal((await it.client.get(`/connect/attempts/${fingerprint}`)).json().status, "pending");
  assert.equal((await it.client.finish({ vehicle_id: carIds[0], state })).json().kind, "reauthenticated");
});

test("a start is finished by no callback of a re-authentication", async () => {
  const it = await wanted();
  const { state } = await it.client.start();
  assertProblem(await it.client.finish({ vehicle_id: carIds[0], state }), { status: 400, code: "callback_unexpected" });
  const code = await env.consent({ vehicles: [carIds[1]] });
  assert.equal((await it.client.finish({ code, state })).json().kind, "connected");
});

test("the same callback again is answered as before and does nothing; another one is refused", async () => {
  const it = await wanted();
  const { state, fingerprint } = await reconnect(it.client, it.connection.id);
  const query = { vehicle_id: carIds[0], state };
  const first = await it.client.finish(query);
  assert.equal(first.json().connection.status, "active");
  await env.travel(MINUTE);
  await fail(it);
  const reads = async () => (await simulator.requests()).filter(({ path }) => path.endsWith("/odometer")).length;
  const before = await reads();
  const again = await it.client.finish(query);
  assert.deepEqual([again.json().kind, again.json().connection.status], ["reauthenticated", "reauthentication_required"]);
  assert.equal(await reads(), before, "the car is not asked again");
  assertProblem(await it.client.finish({ vehicle_id: carIds[1], state }), { status: 409, code: "state_used" });
  assertProblem(await it.client.finish({ error: "access_denied", state }), { status: 409, code: "state_used" });
  const { status, outcome } = (await it.client.get(`/connect/attempts/${fingerprint}`)).json();
  assert.deepEqual([status, outcome.kind, outcome.connection.id], ["finished", "reauthenticated", it.connection.id]);
});

test("after ten minutes it is too late", async () => {
  const it = await wanted();
  const { state } = await reconnect(it.client, it.connection.id);
  await env.travel(10 * MINUTE);
  const answer = await it.client.finish({ vehicle_id: carIds[0], state });
  assert.ok(["state_expired", "state_unknown"].includes(answer.json().code), answer.text);
  assert.equal((await connectionOf(it.client, it.connection.id)).status, "reauthentication_required");
});

test("two attempts at once are each finished by their own callback", async () => {
  const it = await wanted();
  const [one, two] = await Promise.all([reconnect(it.client, it.connection.id), reconnect(it.client, it.connection.id, { isolate: 1 })]);
  const finishes = [one, two].map(({ state }, isolate) => it.client.finish({ vehicle_id: carIds[0], state }, { isolate }));
  const kinds = (await Promise.all(finishes)).map((answer) => answer.json().kind);
  assert.deepEqual(kinds, ["reauthenticated", "reauthenticated"]);
  assert.equal((await connectionOf(it.client, it.connection.id)).status, "active");
});

test("the same fingerprint is taken once", async () => {
  const it = await wanted();
  const body = { stateFingerprint: mintState().fingerprint };
  const [one, two] = await Promise.all([
    reconnect(it.client, it.connection.id, { body }),
    reconnect(it.client, it.connection.id, { body, isolate: 1 }),
  ]);
  const statuses = [one.answer.status, two.answer.status].sort();
  assert.deepEqual(statuses, [200, 400]);
});

test("what belongs to somebody else is not found, and its state is nobody else's", async () => {
  const anna = await wanted();
  const ben = await fixture.owner({ vehicles: [carIds[1]] });
  assertProblem((await reconnect(ben.client, anna.connection.id)).answer, { status: 404, code: "connection_not_found" });
  assertProblem((await reconnect(env.client(), anna.connection.id)).answer, { status: 401, code: "session_missing" });
  const { state } = await reconnect(anna.client, anna.connection.id);
  assertProblem(await ben.client.finish({ vehicle_id: carIds[0], state }), { status: 403, code: "state_unknown" });
  assert.equal((await anna.client.finish({ vehicle_id: carIds[0], state })).json().kind, "reauthenticated");
});

test("an owner who disconnects in the middle has nothing brought back", async () => {
  const it = await wanted();
  const { state } = await reconnect(it.client, it.connection.id);
  assert.equal((await it.client.delete(`/connections/${it.connection.id}`)).status, 204);
  assertProblem(await it.client.finish({ vehicle_id: carIds[0], state }), { status: 404, code: "connection_not_found" });
  assertProblem((await reconnect(it.client, it.connection.id)).answer, { status: 404, code: "connection_not_found" });
  assert.deepEqual(await it.client.connections(), []);
});

test("a refresh that is under way goes on", async () => {
  const it = await wanted();
  await env.travel(2 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "slow_headers", ms: 1500, commit: true });
  const token = it.client.token(it.connection);
  const { way, state } = await reconnect(it.client, it.connection.id);
  assert.equal(way.flow, "reauthenticate");
  const answer = await it.client.finish({ vehicle_id: carIds[0], state });
  assert.deepEqual([answer.json().kind, answer.json().connection.status], ["reauthenticated", "active"], answer.text);
  assert.equal((await token).status, 200);
  assert.equal(await refreshes(), 1);
});

test("a URL that is not Connect's is never handed out", async () => {
  const path = `/oauth/reauthenticate?response_type=vehicle_id&vehicle_id=${carIds[0]}`;
  const { host, port } = new URL(simulator.origin);
  for (const url of [
    `https://evil.example${path}`,
    `http://${host}.evil.example${path}`,
    `http://${host}@evil.example${path}`,
    `http://owner:secret@${host}${path}`,
    `https://${host}${path}`,
    `http://127.0.0.1:${Number(port) + 1}${path}`,
    `//${host}${path}`,
    `http://${host}/oauth/authorize?response_type=code&vehicle_id=${carIds[0]}`,
    `http://${host}${path}#fragment`,
    `http://${host}${path}&vehicle_id=${carIds[1]}`,
    `http://${host}/oauth/reauthenticate?response_type=vehicle_id&vehicle_id=${carIds[1]}`,
    "javascript:alert(document.cookie)",
    "data:text/html,hello",
    "not a url",
  ]) {
    const resolution = { type: "REAUTHENTICATE", url };
    const body = { type: "CONNECTED_SERVICES_ACCOUNT", code: "AUTHENTICATION_FAILED", statusCode: 400, resolution };
    const it = await wanted({ body });
    const { answer, way } = await reconnect(it.client, it.connection.id);
    assert.deepEqual([way.flow, way.vehicleId, way.resolutionUrl], ["reauthenticate", carIds[0], undefined], url);
    assert.ok(!answer.text.includes("evil"), url);
    const all = await Promise.all(["/connections", "/vehicles"].map((one) => it.client.get(one)));
    assert.ok(!all.some(({ text }) => text.includes("reauthenticate?")), url);
  }
});

test("missing permissions are asked for again, and the new grant takes the former one's place", async () => {
  const it = await wanted({ error: "PERMISSION" });
  const { way, state } = await reconnect(it.client, it.connection.id, { body: { scope: "read_odometer" } });
  assert.deepEqual(way.flow, "more_permissions");
  assert.equal(way.vehicleId, undefined);
  assertProblem(await it.client.finish({ vehicle_id: carIds[0], state }), { status: 400, code: "callback_unexpected" });
  const code = await env.consent({ vehicles: [carIds[0]], scopes: SCOPES });
  const { kind, connection, asked } = (await it.client.finish({ code, state })).json();
  assert.deepEqual([kind, connection.status, asked], ["connected", "active", { scope: "read_odometer" }]);
  await until("the former one is gone", async () => (await it.client.connections()).length === 1);
  assert.deepEqual(await it.client.connectionIds(), [connection.id]);
});

test("another account's cars come beside the former ones", async () => {
  const it = await wanted({ error: "PERMISSION", user: "one@example.com" });
  const { state } = await reconnect(it.client, it.connection.id);
  const code = await env.consent({ vehicles: [carIds[1]], user: "two@example.com" });
  const { connection } = (await it.client.finish({ code, state })).json();
  assert.deepEqual((await it.client.connectionIds()).sort(), [it.connection.id, connection.id].sort());
  assert.equal((await connectionOf(it.client, it.connection.id)).status, "reauthentication_required");
});

test("fewer permissions than are needed show again at the next request that takes them", async () => {
  const it = await wanted({ error: "PERMISSION" });
  const { state } = await reconnect(it.client, it.connection.id);
  const code = await env.consent({ vehicles: [carIds[0]], scopes: ["read_vehicle_info"] });
  const { connection } = (await it.client.finish({ code, state })).json();
  assert.equal(connection.status, "active");
  assertProblem(await it.car.read("/odometer"), { status: 403, code: "smartcar_error" });
  await until("it is marked", async () => (await connectionOf(it.client, connection.id)).cause === "permission_missing");
});

test("a grant that is over is made anew", async () => {
  const { client, connection } = await fixture.idleOwner({ vehicles: [carIds[0]] });
  await env.travel(3 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: { error: "invalid_grant" } });
  assertProblem(await client.token(connection), { status: 409, code: "reconnection_required" });
  const { way, state } = await reconnect(client, connection.id);
  assert.equal(way.flow, "new_connection");
  const code = await env.consent({ vehicles: [carIds[0]] });
  assert.equal((await client.finish({ code, state })).json().kind, "connected");
  await until("the former one is gone", async () => (await client.connections()).length === 1);
  assert.equal((await client.connections())[0].status, "active");
});

test("a Tesla's owner grants more at Tesla, of which nothing comes back", async () => {
  const { vehicles } = await simulator.configure({});
  const tesla = vehicles.find(({ make }) => make === "TESLA").id;
  const it = await wanted({ vehicles: [tesla], error: "CONNECTED_SERVICES_ACCOUNT/PERMISSION", read: "/location" });
  assert.equal((await connectionOf(it.client, it.connection.id)).cause, "maker_permission_missing");
  const { way, fingerprint } = await reconnect(it.client, it.connection.id);
  assert.deepEqual([way.flow, way.scope, way.expiresAt, way.vehicleId], ["tesla_permissions", "read_location", undefined, undefined]);
  assertProblem(await it.client.get(`/connect/attempts/${fingerprint}`), { status: 403, code: "state_unknown" });
  assert.equal((await it.car.read("/location")).status, 200);
  await until("it is well", async () => (await connectionOf(it.client, it.connection.id)).status === "active");
});

test("what is well has nothing to mend", async () => {
  const { client, connection } = await fixture.idleOwner({ vehicles: [carIds[0]] });
  const { answer, fingerprint } = await reconnect(client, connection.id);
  assertProblem(answer, { status: 409, code: "nothing_to_mend" });
  assertProblem(await client.get(`/connect/attempts/${fingerprint}`), { status: 403, code: "state_unknown" });
});

test("a body is checked as that of a start is", async () => {
  const it = await wanted();
  for (const [body, field] of [
    [{ redirectUri: "https://evil.example/" }, "redirectUri"],
    [{ redirectUri: "/cars" }, "redirectUri"],
    [{ stateFingerprint: "short" }, "stateFingerprint"],
    [{ scope: "a  b" }, "scope"],
    [{ mode: "real" }, "mode"],
  ]) {
    const { answer } = await reconnect(it.client, it.connection.id, { body });
    assertProblem(answer, { status: 400, code: "invalid_parameter" });
    assert.equal(answer.json().field, field);
  }
  assertProblem((await reconnect(it.client, it.connection.id, { body: { state: "s" } })).answer, { status: 400, code: "invalid_body" });
  assertProblem((await reconnect(it.client, "AAAA")).answer, { status: 404, code: "not_found" });
});
