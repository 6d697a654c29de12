// How long and how much Smartcar's v3 is asked: the limits that it names, deadlines, callers who go away, and what is under way.
import assert from "node:assert/strict";
import http from "node:http";
import { after, beforeEach, test } from "node:test";

import { askedOf, carOfV3 } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { V3, connectedByV3 } from "../harness/v3.mjs";

const ODOMETER = "odometer-traveleddistance";
const SCOPES = ["read_vehicle_info", "read_odometer", "read_security", "control_security"];
// Its gate stands before the host of v3.
const fixture = await openConnections({
  gated: true,
  adjust: (values) => ({ ...values, ...V3, SMARTCAR_VEHICLE_ORIGIN: values.SMARTCAR_API_ORIGIN }),
  variants: (values) => [
    { name: "hasty", bindings: { ...values, API_TIMEOUT_SECONDS: "3" } },
    { name: "limited", bindings: { ...values, REQUESTS_ADMITTED: "2" } },
  ],
});
const { env, edge, simulator, carIds } = fixture;
await simulator.configure({ v3: { bucketSize: 100_000 } });
let release = () => {};
after(() => fixture.close());
beforeEach(async () => {
  release();
  await env.travel(2 * MINUTE);
  await simulator.clearFaults();
});

async function driver(vehicles = [carIds[0]]) {
  const client = env.client();
  await connectedByV3(env, client, { vehicles, scopes: SCOPES });
  await until("nothing else is asked", () => env.gates.api.waiting() === 0);
  return { client, car: carOfV3(client, vehicles[0]) };
}

/** Returns a function that says how often Smartcar was asked about cars since now. */
async function watch() {
  const before = (await askedOf(simulator)).length;
  return async () => (await askedOf(simulator)).length - before;
}

test("a limit of one car stops that car alone until it is over", async () => {
  const { client, car } = await driver([carIds[0], carIds[1]]);
  const other = carOfV3(client, carIds[1]);
  const asked = await watch();
  await simulator.setVehicle(car.id, { throttledMs: 20_000 });
  for (const _ of [1, 2]) {
    const answer = await car.signal(ODOMETER);
    assertProblem(answer, { status: 429, code: "smartcar_error" });
    assert.equal(answer.json().smartcar.code, "VEHICLE");
    assert.ok(Number(answer.headers["retry-after"]) <= 20);
  }
  assertProblem(await car.command("/commands/security/lock"), { status: 429, code: "smartcar_error" });
  assert.equal(await asked(), 1);
  assert.equal((await other.signal(ODOMETER)).status, 200);
  await env.travel(21_000);
  assert.equal((await car.signal(ODOMETER)).status, 200);
});

test("a limit of the application stops every car of everybody, and tells nobody whose cars there are", async () => {
  const { client, car } = await driver([carIds[0], carIds[1]]);
  const { car: another } = await driver([carIds[2]]);
  const asked = await watch();
  await simulator.fault({ endpoint: "v3_signal", kind: "api_error", error: "RATE_LIMIT/SMARTCAR_API" });
  assertProblem(await car.signal(ODOMETER), { status: 429, code: "smartcar_error" });
  for (const one of [carOfV3(client, carIds[1]), another]) {
    assertProblem(await one.read("/signals"), { status: 429, code: "smartcar_error" });
    assertProblem(await one.command("/commands/security/lock"), { status: 429, code: "smartcar_error" });
  }
  assertProblem(await carOfV3(client, carIds[2]).read("/signals"), { code: "connection_not_found" });
  assert.equal(await asked(), 1);
  await env.travel(31_000);
  assert.equal((await another.read("/signals")).status, 200);
});

test("a limit that a command meets inside a success counts too", async () => {
  const { car } = await driver();
  const asked = await watch();
  await simulator.fault({ endpoint: "v3_command", kind: "command_failed", inside: "errors", error: "RATE_LIMIT/VEHICLE" });
  assert.equal((await car.command("/commands/security/lock")).status, 200);
  await until("it is known", async () => (await car.signal(ODOMETER)).status === 429);
  assert.ok((await asked()) >= 1);
});

test("Smartcar is waited for no longer than the setting says, and not left waiting", async () => {
  const { car } = await driver();
  release = env.gates.api.hold();
  assertProblem(await car.signal(ODOMETER, { isolate: "hasty" }), { status: 503, code: "upstream_unavailable" });
  assertProblem(await car.command("/commands/security/lock", undefined, { isolate: "hasty" }), { status: 504, code: "outcome_unknown" });
  await until("the connections are closed", () => env.gates.api.waiting() === 0);
});

test("what comes too slowly of an answer is cut off at the deadline", async () => {
  const { car } = await driver();
  await simulator.fault({ endpoint: "v3_command", kind: "streamed", ms: 30_000 });
  await assert.rejects(car.command("/commands/security/lock", undefined, { isolate: "hasty" }));
  await simulator.fault({ endpoint: "v3_signals", kind: "slow_body", ms: 30_000 });
  assertProblem(await car.read("/signals", { isolate: "hasty" }), { status: 503, code: "upstream_unavailable" });
});

test("a caller who goes away takes the request to Smartcar along", async () => {
  const { client, car } = await driver();
  release = env.gates.api.hold();
  const { hostname, port } = new URL(edge.at(0));
  const headers = { ...client.meant, host: new URL(env.page).host, cookie: `${client.cookieName}=${client.cookie}` };
  const requests = Array.from({ length: 6 }, () => {
    const request = http.get({ hostname, port, path: `${PREFIX}${car.path(`/signals/${ODOMETER}`)}`, headers, agent: false });
    return request.on("error", () => {});
  });
  await until("Smartcar is asked", () => env.gates.api.waiting() === 6);
  assertProblem(await car.signal(ODOMETER), { code: "too_many_requests" });
  const gone = Date.now();
  for (const request of requests) request.socket.resetAndDestroy();
  await until("Smartcar is asked no more", () => env.gates.api.waiting() === 0);
  assert.ok(Date.now() - gone < 15_000, "it ended at its deadline of 30 seconds, not with the caller");
  release();
  assert.equal((await car.signal(ODOMETER)).status, 200, "the places of those who left are free");
});

test("requests about cars count by caller", async () => {
  const { client, car } = await driver();
  assert.equal((await car.read("", { isolate: "limited" })).status, 200);
  assert.equal((await client.get("/vehicles", { isolate: "limited" })).status, 200);
  const asked = await watch();
  assertProblem(await car.read("", { isolate: "limited" }), { code: "too_many_requests" });
  assert.equal(await asked(), 0);
});
