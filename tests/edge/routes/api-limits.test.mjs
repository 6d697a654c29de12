// How long and how much Smartcar is asked: deadlines, callers who go away, what is under way, and rate limit bindings.
import assert from "node:assert/strict";
import http from "node:http";
import { after, beforeEach, test } from "node:test";

import { SCOPES, askedOf, carOf } from "../harness/api.mjs";
import { mintState } from "../harness/client.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { rateKeys } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX } from "../harness/settings.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({
  gated: true,
  variants: (values) => [
    { name: "hasty", bindings: { ...values, API_TIMEOUT_SECONDS: "3" } },
    { name: "limited", bindings: { ...values, STARTS_ADMITTED: "2", REQUESTS_ADMITTED: "2" } },
    { name: "failing", bindings: { ...values, STARTS_ADMITTED: "fails", REQUESTS_ADMITTED: "fails" } },
  ],
});
const { env, edge, simulator, carIds } = fixture;
let release = () => {};
after(() => fixture.close());
beforeEach(async () => {
  release();
  await fixture.reset();
});

async function driver() {
  const { client } = await fixture.owner({ vehicles: [carIds[0]], scopes: SCOPES });
  await until("nothing else is asked", () => env.gates.api.waiting() === 0);
  return { client, car: carOf(client, carIds[0]) };
}

test("Smartcar is waited for no longer than the setting says, and not left waiting", async () => {
  const { car } = await driver();
  release = env.gates.api.hold();
  assertProblem(await car.read("/odometer", { isolate: "hasty" }), { status: 503, code: "upstream_unavailable" });
  assertProblem(await car.command("/security", { action: "LOCK" }, { isolate: "hasty" }), { status: 504, code: "outcome_unknown" });
  await until("the connections are closed", () => env.gates.api.waiting() === 0);
});

test("an answer that comes too slowly is cut off at the deadline", async () => {
  const { car } = await driver();
  await simulator.fault({ endpoint: "odometer", kind: "slow_body", ms: 20_000 });
  const started = Date.now();
  await assert.rejects(car.read("/odometer", { isolate: "hasty" }));
  assert.ok(Date.now() - started < 15_000);
});

test("a caller who goes away takes the request to Smartcar along", async () => {
  const { client, car } = await driver();
  release = env.gates.api.hold();
  const { hostname, port } = new URL(edge.at(0));
  const headers = { ...client.meant, host: new URL(env.page).host, cookie: `${client.cookieName}=${client.cookie}` };
  const requests = Array.from({ length: 6 }, () => {
    const request = http.get({ hostname, port, path: `${PREFIX}${car.path("/odometer")}`, headers, agent: false });
    return request.on("error", () => {});
  });
  await until("Smartcar is asked", () => env.gates.api.waiting() === 6);
  // The platform notices a reset at once; a connection that is only closed on one side may still take the answer.
  const gone = Date.now();
  for (const request of requests) request.socket.resetAndDestroy();
  await until("Smartcar is asked no more", () => env.gates.api.waiting() === 0);
  assert.ok(Date.now() - gone < 15_000, "it ended at its deadline of 30 seconds, not with the caller");
  release();
  assert.equal((await car.read("/odometer")).status, 200, "the places of those who left are free");
});

test("one caller has six requests under way, and others are not kept from theirs", async () => {
  const { car } = await driver();
  const { car: other } = await driver();
  release = env.gates.api.hold();
  const six = Array.from({ length: 6 }, () => car.read("/odometer"));
  await until("six are under way", () => env.gates.api.waiting() >= 6);
  assertProblem(await car.read("/odometer"), { code: "too_many_requests" });
  const others = other.read("/odometer");
  await until("another's is too", () => env.gates.api.waiting() >= 7);
  release();
  for (const answer of await Promise.all([...six, others])) assert.equal(answer.status, 200, answer.text);
  assert.equal((await car.read("/odometer")).status, 200);
});

test("starts without a session count by address, whatever else a request says of where it comes from", async () => {
  const start = (headers) => {
    const client = env.client();
    return client.post("/connect/start", { stateFingerprint: mintState().fingerprint, redirectUri: env.redirectUri }, { isolate: "limited", headers });
  };
  const from = (ip, rest = {}) => start({ "cf-connecting-ip": ip, ...rest });
  for (const n of [1, 2]) assert.equal((await from("2001:db8:1:2::1", { "x-forwarded-for": `203.0.113.${n}` })).status, 200);
  const refused = await from("2001:db8:1:2:ffff::9", { "x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", forwarded: "for=203.0.113.9" });
  assertProblem(refused, { code: "too_many_requests" });
  assert.equal(refused.headers["retry-after"], "5");
  assert.equal((await from("2001:db8:1:3::1")).status, 200);
  const keys = await rateKeys(edge, "limited");
  assert.deepEqual(keys, ["start address 2001:db8:1:2::", "start address 2001:db8:1:3::"]);
});

test("requests about cars count by caller, and limits that fail or are not there stop nobody", async () => {
  const { client, car } = await driver();
  const { car: other } = await driver();
  assert.equal((await car.read("/vin", { isolate: "limited" })).status, 200);
  assert.equal((await client.get("/vehicles", { isolate: "limited" })).status, 200);
  await simulator.reset();
  assertProblem(await car.read("/vin", { isolate: "limited" }), { code: "too_many_requests" });
  assertProblem(await client.get("/vehicles", { isolate: "limited" }), { code: "too_many_requests" });
  assert.deepEqual(await askedOf(simulator), []);
  assert.notEqual((await other.read("/vin", { isolate: "limited" })).status, 429);
  for (let n = 0; n < 3; n += 1) {
    assert.notEqual((await car.read("/vin", { isolate: "failing" })).status, 429);
    assert.equal((await env.client().start({ isolate: "failing" })).status, 200);
  }
});
