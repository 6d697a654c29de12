// Smartcar's v3 paths: the application's token and the owner's id are added by the Worker, and the caller's own cars are the limit.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, beforeEach, test } from "node:test";

import { askedOf, carOf, carOfV3 } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { vaultCalls } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { V3, connectedByV3 } from "../harness/v3.mjs";

const SCOPES = ["read_vehicle_info", "read_odometer", "read_battery", "read_security", "read_charge", "control_charge", "control_security", "control_navigation"];
const ODOMETER = "odometer-traveleddistance";
const FAILED = "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED";

const fixture = await openConnections({
  adjust: ({ SMARTCAR_CLIENT_SECRET: _, ...values }) => ({ ...values, ...V3 }),
});
const { env, edge, simulator, carIds } = fixture;
after(() => fixture.close());
const settings = { bucketSize: 100_000, staleS: 0 };
await simulator.configure({ v3: settings });
beforeEach(async () => {
  // Limits that Smartcar named in the test before are over, and what was refused may be asked for anew.
  await env.travel(2 * MINUTE);
  await simulator.clearFaults();
  await simulator.configure({ v3: settings });
  for (const id of carIds) await simulator.setVehicle(id, { needsReauthentication: false });
});

/** An owner of some of Smartcar's cars, by v3. */
async function driver(vehicles = [carIds[0]], grant = {}) {
  const client = env.client();
  const { connection, userId } = await connectedByV3(env, client, { vehicles, scopes: SCOPES, ...grant });
  return { client, connection, userId, car: carOfV3(client, vehicles[0]), second: vehicles[1] && carOfV3(client, vehicles[1]) };
}

/** Returns a function that returns what Smartcar was asked about cars since now. */
async function watch() {
  const before = (await askedOf(simulator)).length;
  return async () => (await askedOf(simulator)).slice(before);
}

const tokenRequests = async () => (await simulator.requests()).filter(({ endpoint }) => endpoint === "application_token").length;
const statusOf = async ({ client }) => (await client.connections())[0].status;

/** How many vaults were asked while `act` was done and what it left to do was done. */
async function callsOf(act) {
  const before = await vaultCalls(edge);
  await act();
  return (await vaultCalls(edge)) - before;
}

test("every read is answered as Smartcar answers it, with the application's token and the owner's id", async () => {
  const { car, userId } = await driver();
  const asked = await watch();
  const vehicle = await car.read("");
  assert.equal(vehicle.json().data.id, car.id);
  const all = await car.read("/signals");
  assert.ok(all.json().data.length > 5);
  const one = await car.signal(ODOMETER);
  assert.equal(one.json().data.attributes.status.value, "SUCCESS");
  for (const answer of [vehicle, all, one]) {
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.match(answer.headers["sc-request-id"], /^[0-9a-f-]{36}$/);
  }
  assert.equal(one.headers["sc-unit-system"], "metric");
  assert.match(one.headers["sc-data-age"], /^\d{4}-.*Z$/);
  const requests = await asked();
  assert.deepEqual(requests.map(({ path }) => path), ["", "/signals", `/signals/${ODOMETER}`].map((below) => `/v3/vehicles/${car.id}${below}`));
  for (const { headers } of requests) assert.equal(headers["sc-user-id"], userId);
  const imperial = await car.signal(ODOMETER, { headers: { "sc-unit-system": "imperial" } });
  assert.equal(imperial.headers["sc-unit-system"], "imperial");
});

test("that something is deleted may be said without a body, and of nothing else", async () => {
  const { car } = await driver();
  const silent = () => simulator.fault({ endpoint: "v3_command", kind: "status", status: 204, body: "" });
  await silent();
  const deleted = await car.remove("/charge-schedules/x");
  assert.deepEqual([deleted.status, deleted.text, deleted.headers["content-type"]], [204, "", undefined]);
  await silent();
  assertProblem(await car.command("/commands/security/unlock"), { status: 504, code: "outcome_unknown" });
});

test("commands change the car, and are sent once, with the body that Smartcar wants or none", async () => {
  const { car } = await driver();
  const asked = await watch();
  const isLocked = async () => (await car.signal("closure-islocked")).json().data.attributes.body.value;
  for (const [what, expected] of [["unlock", false], ["lock", true]]) {
    const answer = await car.command(`/commands/security/${what}`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().data.attributes.status.value, "SUCCESS");
    assert.equal(await isLocked(), expected);
  }
  assert.equal((await car.command("/commands/charge/set-limit", { percent: 80 })).status, 200);
  assert.equal((await car.command("/commands/navigation/set-destination", { latitude: 52.5163, longitude: 13.3777 })).status, 200);
  const times = { location: { latitude: 52.1, longitude: 4.3 }, startTime: "08:00", stopTime: "10:00" };
  const schedule = (await car.command("/charge-schedules/daily", times)).json().data.attributes.scheduleId;
  assert.ok(schedule);
  assert.equal((await car.remove(`/charge-schedules/${schedule}`)).status, 200);
  assertProblem(await car.remove(`/charge-schedules/${schedule}`), { status: 404, code: "smartcar_error" });
  const commands = (await asked()).filter(({ endpoint }) => endpoint === "v3_command");
  assert.deepEqual(commands.map(({ method }) => method), ["POST", "POST", "POST", "POST", "POST", "DELETE", "DELETE"]);
  assert.deepEqual(commands.slice(0, 2).map(({ body, headers }) => [body, headers["content-type"]]), [["", undefined], ["", undefined]]);
  assert.deepEqual(JSON.parse(commands[2].body), { data: { attributes: { percent: 80 } } });
  assertProblem(await car.command("/commands/charge/set-limit", undefined, { headers: { "content-type": "application/json" } }), { code: "invalid_body" });
});

test("nothing of a caller's says whose car is meant, and of the caller's headers the unit system alone reaches Smartcar", async () => {
  const { car, userId } = await driver([carIds[0]]);
  const victim = await driver([carIds[1]]);
  const asked = await watch();
  const headers = {
    "sc-user-id": victim.userId,
    authorization: undefined,
    "x-forwarded-for": "203.0.113.9",
    "user-agent": "smuggled/1.0",
    "accept-language": "tlh",
    "x-http-method-override": "DELETE",
    "sc-unit-system": "imperial",
  };
  assert.equal((await car.signal(ODOMETER, { headers })).status, 200);
  assert.equal((await car.command("/commands/security/lock", undefined, { headers })).status, 200);
  assertProblem(await carOfV3(victim.client, carIds[0]).signal(ODOMETER, { headers: { "sc-user-id": userId } }), { code: "connection_not_found" });
  assertProblem(await car.read(`/signals/${ODOMETER}?sc-user-id=${victim.userId}`), { code: "invalid_parameter" });
  const requests = await asked();
  assert.equal(requests.length, 2);
  const plain = ({ headers: sent }) => Object.keys(sent).filter((name) => !["accept-encoding", "content-length", "cf-worker"].includes(name)).sort();
  for (const request of requests) {
    assert.deepEqual(plain(request), ["accept", "authorization", "host", "sc-unit-system", "sc-user-id", "user-agent"]);
    assert.equal(request.headers["sc-user-id"], userId);
    assert.doesNotMatch(JSON.stringify(request.headers), /smuggled|203\.0\.113/);
  }
});

test("nobody reaches a car of somebody else's, nor another car of the same Smartcar user, and Smartcar is not asked", async () => {
  const user = "one-user-of-two@example.com";
  const anna = await driver([carIds[0]], { user });
  // The same Smartcar user has connected another car to another visitor: with the application's token it could be read.
  await driver([carIds[1]], { user });
  const berta = await driver([carIds[2]]);
  const asked = await watch();
  for (const car of [carOfV3(berta.client, carIds[0]), carOfV3(anna.client, carIds[1]), carOfV3(anna.client, "no-such-car")]) {
    for (const answer of [await car.read(""), await car.read("/signals"), await car.signal(ODOMETER), await car.command("/commands/security/unlock"), await car.remove("/charge-schedules/x")]) {
      assertProblem(answer, { code: "connection_not_found" });
    }
  }
  assertProblem(await carOfV3(env.client(), carIds[0]).read("/signals"), { code: "session_missing" });
  assert.deepEqual(await asked(), []);
});

test("a car of v3 is not asked by v2, and its answer says where to ask", async () => {
  const { client, car } = await driver();
  const asked = await watch();
  const before = await simulator.requests();
  for (const answer of [await carOf(client, car.id).read("/odometer"), await carOf(client, car.id).command("/security", { action: "UNLOCK" }), await carOf(client, car.id).batch(["/vin"])]) {
    const { detail } = assertProblem(answer, { status: 409, code: "other_api_version" });
    assert.match(detail, /`\/api\/v3\/vehicles\/\{id\}`/);
  }
  assert.deepEqual(await asked(), []);
  assert.equal((await simulator.requests()).length, before.length);
});

/** Sends a request line as it is, and reads the status of the answer. */
function sendLine(client, line) {
  const { hostname, port } = new URL(edge.at(0));
  const all = { host: new URL(env.page).host, cookie: `${client.cookieName}=${client.cookie}`, connection: "close", ...client.guards };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write(`${line} HTTP/1.1\r\n${head.join("")}\r\n`));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])));
  });
}

test("no path leads Smartcar anywhere but to the endpoint that was meant", async () => {
  const { client, car } = await driver();
  const root = `${PREFIX}/api`;
  const own = `${root}/v3/vehicles/${car.id}`;
  const asked = await watch();
  for (const path of [
    `${root}/v3/connections`,
    `${root}/v3/connections/x`,
    `${root}/v3/users/x`,
    `${root}/v3/webhooks`,
    `${root}/v3/applications/x/secrets`,
    `${root}/v3/vehicles`,
    `${own}/../../connections`,
    `${own}/%2e%2e/%2e%2e/connections`,
    `${own}/..%2f..%2fconnections`,
    `${own}%2fsignals`,
    `${own}/%73ignals`,
    `${own}/signals/`,
    `${own}//signals`,
    `${own}/signals/..`,
    `${own}/signals/%2e%2e`,
    `${own}/signals/a-b%2f..`,
    `${own}/signals/a-b;x=y`,
    `${own}/signals/a-b%00`,
    `${own}/signals/A-B`,
    `${own}/signals/a-b?filter[userId]=x`,
    `${own}/signals?sc-user-id=x`,
    `${own}/signals?page[size]=1`,
    `${own}/charge-schedules/..`,
    `${own}/charge-schedules/%2e%2e%2fcommands`,
    `${own}/odometer`,
    `${own}/application`,
    `${root}/v3.0/vehicles/${car.id}/signals`,
    `${root}/V3/vehicles/${car.id}/signals`,
    `${root}//evil.example/v3/vehicles/${car.id}/signals`,
  ]) {
    for (const method of ["GET", "DELETE"]) {
      const status = await sendLine(client, `${method} ${path}`);
      assert.ok([400, 403, 404, 405].includes(status), `${method} ${path}: ${status}`);
    }
  }
  assert.deepEqual(await asked(), []);
});

test("no page elsewhere causes a read or a command", async () => {
  const { car } = await driver();
  const asked = await watch();
  const cross = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  assertProblem(await car.read("/signals", { headers: { ...cross, "x-requested-with": undefined } }), { code: "header_missing" });
  for (const ask of [(options) => car.command("/commands/security/unlock", undefined, options), (options) => car.remove("/charge-schedules/x", options)]) {
    assertProblem(await ask({ headers: cross }), { code: "origin_not_allowed" });
    assertProblem(await ask({ headers: { "x-requested-with": undefined } }), { code: "header_missing" });
  }
  assert.deepEqual(await asked(), []);
});

test("a token that is refused is asked for anew once, and the request sent once more, a command too", async () => {
  const { car } = await driver();
  for (const [endpoint, ask] of [
    ["v3_signal", () => car.signal(ODOMETER)],
    ["v3_command", () => car.command("/commands/security/unlock")],
  ]) {
    await env.travel(2 * MINUTE);
    const asked = await watch();
    const before = await tokenRequests();
    await simulator.revokeApplicationTokens();
    const answer = await ask();
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await tokenRequests()) - before, 1);
    assert.deepEqual((await asked()).filter((one) => one.endpoint === endpoint).map(({ status }) => status), [401, 200]);
  }
});

test("a token that is refused whatever is done is not the caller's fault", async () => {
  const { car } = await driver();
  const asked = await watch();
  await simulator.fault({ endpoint: "v3_signal", kind: "api_error", error: "AUTHENTICATION/UNAUTHORIZED", times: null });
  const answer = await car.signal(ODOMETER);
  assert.equal(answer.status, 502, answer.text);
  assert.equal(answer.json().smartcar.status, 401);
  assert.equal((await asked()).length, 2);
});

test("without a token no car is asked, and no command is lost in doubt", async () => {
  const { car } = await driver();
  await env.travel(3 * 60 * MINUTE);
  await simulator.fault({ endpoint: "application_token", kind: "status", status: 503, body: "", times: null });
  const asked = await watch();
  assertProblem(await car.command("/commands/security/unlock"), { status: 503, code: "upstream_unavailable" });
  assert.deepEqual(await asked(), []);
});

test("no answer to a command says that it may have been carried out, and it is not sent again", async () => {
  const { car } = await driver();
  for (const kind of ["reset_after", "close", "not_json"]) {
    await simulator.fault({ endpoint: "v3_command", kind });
    const asked = await watch();
    const answer = await car.command("/commands/security/unlock");
    assertProblem(answer, { status: 504, code: "outcome_unknown" });
    assert.equal(answer.headers["retry-after"], undefined);
    assert.equal((await asked()).length, 1, kind);
  }
  await simulator.fault({ endpoint: "v3_signal", kind: "not_json" });
  assertProblem(await car.signal(ODOMETER), { status: 503, code: "upstream_unavailable" });
});

test("Smartcar's errors keep their status and their names, and lose their texts", async () => {
  const { car } = await driver();
  for (const [error, status] of [
    ["VEHICLE_STATE/ASLEEP", 409],
    ["COMPATIBILITY/VEHICLE_NOT_CAPABLE", 501],
    ["BILLING/VEHICLE_REQUEST_LIMIT", 430],
    ["AUTHENTICATION/ACCESS_DENIED", 403],
    ["RESOURCE_NOT_FOUND/SIGNAL_NOT_FOUND", 404],
    ["SERVER/INTERNAL", 502],
    ["UPSTREAM/NO_RESPONSE", 502],
  ]) {
    await simulator.fault({ endpoint: "v3_signal", kind: "api_error", error });
    const answer = await car.signal(ODOMETER);
    const [type, code] = error.split("/");
    assertProblem(answer, { status, code: "smartcar_error" });
    const said = answer.json().smartcar;
    assert.partialDeepStrictEqual(said, { type, code });
    assert.equal(answer.headers["sc-request-id"], said.requestId);
    assert.doesNotMatch(answer.text, /cannot be answered|docs\/errors/);
  }
});

/** Sends a command, and returns what there is once the status has come. */
function firstOf(client, path) {
  const { hostname, port } = new URL(edge.at(0));
  const { "content-type": _, ...headers } = { ...client.guards, host: new URL(env.page).host, cookie: `${client.cookieName}=${client.cookie}` };
  return new Promise((resolve, reject) => {
    const request = http.request({ method: "POST", hostname, port, path: `${PREFIX}${path}`, headers, agent: false }, (response) => {
      response.setEncoding("utf8");
      resolve({ status: response.statusCode, body: response.toArray().then((chunks) => chunks.join("")) });
    });
    request.on("error", reject).end();
  });
}

test("an answer that comes minutes after its status is handed on as it comes, and a failure in it marks the car", async () => {
  const it = await driver();
  await simulator.fault({ endpoint: "v3_command", kind: "streamed", ms: 4_000, inside: "errors", error: FAILED });
  let isWhole = false;
  const response = await firstOf(it.client, it.car.path("/commands/security/unlock"));
  const body = response.body.finally(() => (isWhole = true));
  assert.equal(response.status, 202);
  assert.equal(isWhole, false, "the status does not wait for the body");
  assert.equal(JSON.parse(await body).errors[0].code, "AUTHENTICATION_FAILED");
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  assert.equal((await it.client.connections())[0].cause, "authentication_failed");

  await simulator.fault({ endpoint: "v3_command", kind: "streamed", ms: 100 });
  const done = await it.car.command("/commands/security/lock");
  assert.equal(done.status, 202);
  assert.equal(done.json().data.attributes.status.value, "SUCCESS");
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

for (const inside of ["errors", "status"]) {
  test(`a command that fails inside a success marks the car (${inside}), and proves nothing`, async () => {
    const it = await driver();
    await simulator.fault({ endpoint: "v3_command", kind: "command_failed", inside, error: FAILED });
    const answer = await it.car.command("/commands/security/lock");
    assert.equal(answer.status, 200, "as Smartcar answers it");
    await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
    await simulator.fault({ endpoint: "v3_command", kind: "command_failed", inside, error: "VEHICLE_STATE/ASLEEP" });
    assert.equal(await callsOf(() => it.car.command("/commands/security/lock")), 1);
    assert.equal(await statusOf(it), "reauthentication_required");
    assert.equal((await it.car.command("/commands/security/lock")).status, 200);
    await until("the connection is well", async () => (await statusOf(it)) === "active");
  });
}

test("a signal that failed because the owner has to log in again says so everywhere, and one that was read since mends it", async () => {
  const it = await driver();
  await simulator.setVehicle(it.car.id, { needsReauthentication: true });
  assert.equal((await it.car.read("/signals")).status, 200);
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  assert.equal((await it.client.get("/vehicles")).json().vehicles[0].status, "reauthentication_required");
  assert.equal(await callsOf(() => it.car.read("/signals")), 1, "the same again is no news");
  await env.travel(1_000);
  await simulator.setVehicle(it.car.id, { needsReauthentication: false });
  assert.equal((await it.car.read("")).status, 200);
  assert.equal(await statusOf(it), "reauthentication_required", "that the car is known shows nothing of its maker");
  assert.equal((await it.car.signal(ODOMETER, { isolate: 1 })).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
});

test("an error from before the owner connected marks nothing, however long Smartcar goes on telling it", async () => {
  await simulator.configure({ v3: { ...settings, staleS: 600 } });
  await simulator.setVehicle(carIds[0], { needsReauthentication: true });
  await env.travel(1_000);
  // The consent mends it, and Smartcar still has the error.
  const it = await driver();
  for (const read of [() => it.car.read("/signals"), () => it.car.signal(ODOMETER)]) {
    assert.equal(
      await callsOf(async () => {
        const answer = await read();
        assert.match(answer.text, /AUTHENTICATION_FAILED/);
      }),
      1,
    );
  }
  assert.equal(await statusOf(it), "active");
});

test("an old error that Smartcar goes on telling does not come back after a success", async () => {
  await simulator.configure({ v3: { ...settings, staleS: 600 } });
  const it = await driver();
  await env.travel(1_000);
  await simulator.setVehicle(it.car.id, { needsReauthentication: true });
  await it.car.read("/signals");
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  await env.travel(1_000);
  await simulator.setVehicle(it.car.id, { needsReauthentication: false });
  assert.match((await it.car.read("/signals")).text, /AUTHENTICATION_FAILED/);
  assert.equal(await statusOf(it), "reauthentication_required");
  assert.equal((await it.car.command("/commands/security/lock")).status, 200);
  await until("the connection is well", async () => (await statusOf(it)) === "active");
  const calls = await callsOf(async () => assert.match((await it.car.read("/signals")).text, /AUTHENTICATION_FAILED/));
  assert.equal(calls, 1);
  assert.equal(await statusOf(it), "active");
});

test("a permission that is missing is said where its signal is read, and not where all are listed", async () => {
  const it = await driver([carIds[0]], { scopes: SCOPES.filter((scope) => scope !== "read_odometer") });
  const calls = await callsOf(async () => assert.match((await it.car.read("/signals")).text, /"PERMISSION"/));
  assert.equal(calls, 1);
  assert.equal(await statusOf(it), "active");
  assert.equal((await it.car.signal(ODOMETER)).status, 200);
  await until("the connection says so", async () => (await statusOf(it)) === "reauthentication_required");
  assert.equal((await it.client.connections())[0].cause, "permission_missing");
  assert.equal((await it.car.signal("tractionbattery-stateofcharge")).status, 200);
  assert.equal(await statusOf(it), "reauthentication_required");
});

/** The owner takes a car back at Smartcar, past the Worker. */
async function revokeAtSmartcar(vehicleId) {
  const gone = await send(`${simulator.origin}/_control/vehicles/${vehicleId}`, { method: "DELETE" });
  assert.ok(gone.status < 300, gone.text);
}

test("a car that Smartcar does not know any more leaves the list, and one of which a signal is missing stays", async () => {
  const it = await driver([carIds[0], carIds[1]]);
  const lists = async () => (await simulator.requests()).filter(({ endpoint }) => endpoint === "v3_connections").length;
  await env.travel(MINUTE);
  const before = await lists();
  assertProblem(await it.car.signal("wheel-tires"), { status: 404, code: "smartcar_error" });
  assert.equal((await it.client.connections())[0].vehicles.length, 2);
  assert.equal(await lists(), before);
  await revokeAtSmartcar(carIds[0]);
  assertProblem(await it.car.signal(ODOMETER), { status: 404, code: "smartcar_error" });
  await until("the car is gone", async () => (await it.client.connections())[0].vehicles.length === 1);
  const asked = await watch();
  assertProblem(await it.car.signal(ODOMETER), { code: "connection_not_found" });
  assert.deepEqual(await asked(), []);
});

test("once the owner has disconnected no isolate asks for the car any more, although the application's token goes on", async () => {
  const it = await driver([carIds[0], carIds[1]]);
  for (const isolate of [0, 1]) assert.equal((await it.car.signal(ODOMETER, { isolate })).status, 200);
  await simulator.fault({ endpoint: "v3_remove_connection", kind: "status", status: 500, body: "", times: null });
  assert.equal((await it.client.delete(`/connections/${it.connection.id}`)).status, 204);
  const asked = await watch();
  for (const isolate of [0, 1]) {
    assertProblem(await it.car.signal(ODOMETER, { isolate }), { code: "connection_not_found" });
    assertProblem(await it.second.command("/commands/security/unlock", undefined, { isolate }), { code: "connection_not_found" });
  }
  assert.deepEqual(await asked(), []);
});

test("a car that the list of connections does not describe is asked about by v3, once", async () => {
  const client = env.client();
  const { state, ...started } = await client.start();
  const { externalId } = started.json();
  const [id] = carIds;
  const { userId } = await simulator.grant({ redirectUri: env.redirectUri, externalId, user: "nameless@example.com", vehicles: [id] });
  const user = { data: { id: userId, type: "user" } };
  const listed = { id: "c1", type: "connection", attributes: { permissions: [], user: { id: userId, externalId } }, relationships: { vehicle: { data: { id } }, user } };
  await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 200, body: { data: [listed], meta: { totalCount: 1, pageSize: 50 } } });
  assert.equal((await client.finish({ user_id: userId, state })).status, 200);
  const asked = await watch();
  for (const _ of [1, 2]) {
    const [vehicle] = (await client.get("/vehicles")).json().vehicles;
    assert.ok(vehicle.make && vehicle.model && vehicle.year, JSON.stringify(vehicle));
    assert.equal(vehicle.problem, undefined);
  }
  assert.deepEqual((await asked()).map(({ endpoint }) => endpoint), ["v3_vehicle"]);
});

test("what is not passed on is refused with what to do instead", async () => {
  const { client, car } = await driver();
  const asked = await watch();
  const vehicles = await client.get("/api/v3/vehicles");
  assertProblem(vehicles, { code: "not_found" });
  assert.match(vehicles.json().detail, new RegExp(`\`${PREFIX}/vehicles\``));
  assertProblem(await client.get("/api/v3/connections"), { code: "not_found" });
  const wrong = await client.get(car.path("/commands/security/lock"));
  assertProblem(wrong, { code: "method_not_allowed" });
  assert.equal(wrong.headers.allow, "POST");
  assert.equal((await client.request("HEAD", car.path("/signals"), { headers: client.meant })).status, 405);
  assert.deepEqual(await asked(), []);
});
