// Smartcar's own paths, with the caller's token added: reads, commands and batches, and what becomes of their answers.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { SCOPES, askedOf, carOf } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { MINUTE } from "../harness/spans.mjs";

const fixture = await openConnections({
  variants: (values) => [{ name: "open", bindings: { ...values, API_ALLOW: "control_pin,control_trunk,read_user_profile" } }],
});
const { env, simulator, carIds } = fixture;
after(() => fixture.close());
beforeEach(async () => {
  // Limits that Smartcar named in the test before are over.
  await env.travel(2 * MINUTE);
  await fixture.reset();
});

/** An owner of Smartcar's first car, who has granted everything. */
async function driver(vehicles = [carIds[0]]) {
  const { client, connection } = await fixture.owner({ vehicles, scopes: SCOPES });
  return { client, connection, car: carOf(client, vehicles[0]) };
}

test("every read is answered as Smartcar answers it", async () => {
  const { client, connection, car } = await driver();
  const { accessToken } = (await client.token(connection)).json();
  for (const below of ["", "/vin", "/odometer", "/location", "/battery", "/battery/capacity", "/charge", "/charge/limit", "/security", "/tesla/climate/cabin", "/permissions"]) {
    const answer = await car.read(below);
    const own = await send(`${simulator.origin}/v2.0/vehicles/${car.id}${below}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    assert.equal(answer.status, 200, `${below}: ${answer.text}`);
    assert.equal(answer.text, own.text, below);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.match(answer.headers["sc-request-id"], /^[0-9a-f-]{36}$/);
    assert.equal(answer.headers["sc-unit-system"], "metric");
    if (below !== "/permissions") assert.match(answer.headers["sc-data-age"], /^\d{4}-.*Z$/);
  }
});

test("a query and the unit system reach Smartcar", async () => {
  const { car } = await driver();
  const some = (await car.read("/permissions?offset=2&limit=3")).json();
  assert.deepEqual([some.permissions, some.paging], [SCOPES.slice(2, 5), { count: SCOPES.length, offset: 2 }]);
  const answer = await car.read("/odometer", { headers: { "sc-unit-system": "imperial" } });
  assert.equal(answer.headers["sc-unit-system"], "imperial");
  assertProblem(await car.read("/odometer", { headers: { "sc-unit-system": "furlongs" } }), { code: "invalid_parameter", field: "sc-unit-system" });
  assertProblem(await car.read("/odometer?limit=3"), { code: "invalid_parameter", field: "query" });
});

test("commands change the car, and are sent once", async () => {
  const { client, car } = await driver();
  for (const [below, json, read, expected] of [
    ["/security", { action: "UNLOCK" }, "/security", { isLocked: false }],
    ["/security", { action: "LOCK" }, "/security", { isLocked: true }],
    ["/charge", { action: "START" }, "/charge", { state: "CHARGING" }],
    ["/charge/limit", { limit: 0.9 }, "/charge/limit", { limit: 0.9 }],
    ["/tesla/climate/cabin", { action: "START" }, "/tesla/climate/cabin", { status: "ON" }],
  ]) {
    const answer = await car.command(below, json);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().status, "success");
    assert.partialDeepStrictEqual((await car.read(read)).json(), expected);
  }
  const destination = { latitude: 52.5163, longitude: 13.3777 };
  assert.equal((await car.command("/navigation/destination", destination)).status, 200);
  const commands = (await askedOf(simulator)).filter(({ endpoint }) => endpoint === "command");
  assert.equal(commands.length, 6);
  assert.deepEqual(JSON.parse(commands[5].body), destination);
  assert.equal(commands[5].headers["content-type"], "application/json");
  const twice = await client.request("POST", car.path("/security"), { headers: client.guards, body: '{"action":"LOCK","action":"UNLOCK"}' });
  assert.equal(twice.status, 200);
  assert.equal((await askedOf(simulator)).at(-1).body, '{"action":"UNLOCK"}', "a name stands once in what Smartcar gets");
});

test("a batch is answered path by path, without links that carry a token", async () => {
  const { car } = await driver();
  const answer = await car.batch(["/odometer", "/", "/battery/nominal_capacity", "/fuel"]);
  assert.equal(answer.status, 200, answer.text);
  const { responses } = answer.json();
  assert.deepEqual(responses.map(({ code }) => code), [200, 200, 200, 403]);
  assert.equal(responses[2].body.url, null);
  assert.equal((await car.read("/battery/nominal_capacity")).json().url, null);
  const secrets = await simulator.secrets();
  const links = secrets.filter((secret) => answer.text.includes(secret));
  assert.deepEqual(links, []);
});

test("a token that is refused is refreshed once, and the request sent once more, a command too", async () => {
  const refreshes = async () => (await simulator.requests()).filter(({ endpoint }) => endpoint === "refresh").length;
  for (const [endpoint, ask] of [
    ["odometer", (car) => car.read("/odometer")],
    ["command", (car) => car.command("/security", { action: "UNLOCK" })],
  ]) {
    const { car } = await driver();
    const before = await refreshes();
    await simulator.fault({ endpoint, kind: "api_error", error: "AUTHENTICATION" });
    const answer = await ask(car);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await refreshes()) - before, 1);
    assert.deepEqual((await askedOf(simulator)).filter((one) => one.endpoint === endpoint).map(({ status }) => status), [401, 200]);
  }
});

test("a token that is refused whatever is done is not the caller's fault", async () => {
  const { car } = await driver();
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "AUTHENTICATION", times: null });
  const answer = await car.read("/odometer");
  assert.equal(answer.status, 502, answer.text);
  assert.equal(answer.json().smartcar.status, 401);
  assert.equal((await askedOf(simulator)).length, 2);
});

test("Smartcar's errors keep their status and their names, and lose their texts", async () => {
  const { car } = await driver();
  for (const [error, status, smartcar] of [
    ["CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED", 400, { resolution: "REAUTHENTICATE" }],
    ["CONNECTED_SERVICES_ACCOUNT/VIRTUAL_KEY_REQUIRED", 400, { resolution: "ACTION_REQUIRED" }],
    ["PERMISSION", 403, {}],
    ["RESOURCE_NOT_FOUND", 404, {}],
    ["VEHICLE_STATE/ASLEEP", 409, { resolution: "RETRY_LATER" }],
    ["BILLING/VEHICLE_REQUEST_LIMIT", 430, {}],
    ["COMPATIBILITY/VEHICLE_NOT_CAPABLE", 501, { resolution: null }],
    ["SERVER/INTERNAL", 502, {}],
    ["UPSTREAM/NO_RESPONSE", 502, {}],
  ]) {
    await simulator.fault({ endpoint: "odometer", kind: "api_error", error });
    const answer = await car.read("/odometer");
    const [type, code = null] = error.split("/");
    assertProblem(answer, { status, code: "smartcar_error" });
    const said = answer.json().smartcar;
    assert.partialDeepStrictEqual(said, { type, code, ...smartcar });
    assert.equal(answer.headers["sc-request-id"], said.requestId);
    assert.doesNotMatch(answer.text, /reauthenticate\?|Please|docs\/errors/);
  }
});

test("no answer to a command says that it may have been carried out, and it is not sent again", async () => {
  const { car } = await driver();
  for (const kind of ["reset_after", "close", "not_json", "redirect"]) {
    await simulator.fault({ endpoint: "command", kind, ...(kind === "redirect" ? { location: simulator.origin } : {}) });
    const before = (await askedOf(simulator)).length;
    const answer = await car.command("/security", { action: "UNLOCK" });
    if (kind === "redirect") assertProblem(answer, { status: 502, code: "smartcar_error" });
    else assertProblem(answer, { status: 504, code: "outcome_unknown" });
    assert.equal(answer.headers["retry-after"], undefined);
    assert.equal((await askedOf(simulator)).length - before, 1, kind);
  }
});

test("no answer to a read is worth a further attempt", async () => {
  const { car } = await driver();
  for (const kind of ["not_json", "reset_before"]) {
    await simulator.fault({ endpoint: "odometer", kind, times: null });
    assertProblem(await car.read("/odometer"), { status: 503, code: "upstream_unavailable" });
    await simulator.clearFaults();
  }
});

test("an answer of more than a mebibyte is not handed on", async () => {
  const { car } = await driver();
  const body = { long: "x".repeat(1024 * 1024) };
  await simulator.fault({ endpoint: "odometer", kind: "status", status: 200, body });
  assertProblem(await car.read("/odometer"), { status: 503, code: "upstream_unavailable" });
  const fits = { long: "x".repeat(1024 * 1024 - 20) };
  await simulator.fault({ endpoint: "odometer", kind: "status", status: 200, body: fits });
  assert.deepEqual((await car.read("/odometer")).json(), fits);
});

test("what is sensitive is passed on only where it is allowed", async () => {
  const { client, car } = await driver();
  const ask = [
    (options) => car.command("/tesla/pin", { pin: "1234" }, options),
    (options) => client.delete(car.path("/tesla/pin"), options),
    (options) => car.command("/tesla/security/frunk", { action: "OPEN" }, options),
    (options) => car.command("/tesla/security/trunk", { action: "OPEN" }, options),
    (options) => car.read("/tesla/user/info", options),
  ];
  for (const one of ask) assertProblem(await one(), { code: "endpoint_not_allowed" });
  assertProblem(await car.batch(["/vin", "/tesla/user/info"]), { code: "endpoint_not_allowed", field: "requests[1].path" });
  assert.deepEqual(await askedOf(simulator), []);
  for (const one of ask) {
    const answer = await one({ isolate: "open" });
    assert.equal(answer.status, 200, answer.text);
  }
});

test("nobody reaches a car of somebody else's, and Smartcar is not asked", async () => {
  const { client: anna, car } = await driver([carIds[0]]);
  const { client: berta } = await driver([carIds[1]]);
  await simulator.reset();
  const foreign = carOf(berta, car.id);
  for (const answer of [await foreign.read("/odometer"), await foreign.command("/security", { action: "UNLOCK" }), await foreign.batch(["/vin"])]) {
    assertProblem(answer, { code: "connection_not_found" });
  }
  assertProblem(await carOf(env.client(), car.id).read("/odometer"), { code: "session_missing" });
  assertProblem(await carOf(anna, "no-such-car").read("/odometer"), { code: "connection_not_found" });
  assert.deepEqual(await askedOf(simulator), []);
});

test("a limit of one car stops that car alone until it is over", async () => {
  const { client, car } = await driver([carIds[0], carIds[1]]);
  const other = carOf(client, carIds[1]);
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "RATE_LIMIT/VEHICLE" });
  for (const asked of [1, 1, 1]) {
    const answer = await car.read("/odometer");
    assertProblem(answer, { status: 429, code: "smartcar_error" });
    assert.equal(answer.json().smartcar.code, "VEHICLE");
    assert.ok(Number(answer.headers["retry-after"]) <= 30);
    assert.equal((await askedOf(simulator)).length, asked);
  }
  assertProblem(await car.command("/security", { action: "LOCK" }), { status: 429, code: "smartcar_error" });
  assert.equal((await other.read("/odometer")).status, 200);
  await env.travel(31_000);
  assert.equal((await car.read("/odometer")).status, 200);
});

test("a limit of the application stops every car of everybody, and tells nobody whose cars there are", async () => {
  const { client, car } = await driver([carIds[0], carIds[1]]);
  const { car: another } = await driver([carIds[2]]);
  await simulator.fault({ endpoint: "odometer", kind: "api_error", error: "RATE_LIMIT/SMARTCAR_API" });
  assertProblem(await car.read("/odometer"), { status: 429, code: "smartcar_error" });
  for (const one of [carOf(client, carIds[1]), another]) {
    assertProblem(await one.read("/vin"), { status: 429, code: "smartcar_error" });
  }
  assertProblem(await carOf(client, carIds[2]).read("/vin"), { code: "connection_not_found" });
  assert.equal((await askedOf(simulator)).length, 1);
  await env.travel(31_000);
  assert.equal((await another.read("/vin")).status, 200);
});

test("what is not passed on is refused with what to do instead", async () => {
  const { client, car } = await driver();
  const vehicles = await client.get("/api/v2.0/vehicles");
  assertProblem(vehicles, { code: "not_found" });
  assert.match(vehicles.json().detail, new RegExp(`\`${PREFIX}/vehicles\``));
  assertProblem(await client.get("/api/v2.0/user"), { code: "not_found" });
  assertProblem(await client.delete(car.path("/application")), { code: "not_found" });
  const wrong = await client.delete(car.path("/charge"));
  assertProblem(wrong, { code: "method_not_allowed" });
  assert.equal(wrong.headers.allow, "GET, POST");
  assert.equal((await client.request("HEAD", car.path("/odometer"), { headers: client.meant })).status, 405);
  assert.deepEqual(await askedOf(simulator), []);
});
