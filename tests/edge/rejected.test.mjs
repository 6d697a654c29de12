// An access token that Smartcar refuses although it is not over yet.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { openWorld } from "./harness/world.mjs";

const MINUTE = 60 * 1000;

const world = await openWorld({ isolates: 2, modules: instrumentedModules() });
const { simulator } = world;
after(() => world.close());
beforeEach(() => simulator.reset());

async function owner() {
  const visitor = world.visitor();
  const { connection } = (await world.connect(visitor)).answer.json();
  return { visitor, connection };
}

async function refreshes() {
  return (await simulator.counts()).refresh;
}

/** Asks as a back end to whose call with `rejectedToken` Smartcar has answered 401. */
function askAfter({ visitor, connection }, rejectedToken, options) {
  const body = JSON.stringify({ principal: visitor.principal, connectionId: connection.id, rejectedToken });
  return visitor.token(connection, { body, ...options });
}

test("a refusal is answered with one refresh, and the call is made again", async () => {
  const { visitor } = await owner();
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}" });
  const { vehicles } = (await visitor.get("/vehicles")).json();
  assert.equal(vehicles[0].problem, undefined);
  assert.equal(await refreshes(), 1);
});

test("if Smartcar refuses the new token too, no refresh follows for five minutes", async () => {
  const { visitor } = await owner();
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}", times: null });
  for (let call = 0; call < 10; call += 1) await visitor.get("/vehicles", { isolate: call % 2 });
  assert.equal(await refreshes(), 1);
  await world.travel(5 * MINUTE);
  await visitor.get("/vehicles");
  assert.equal(await refreshes(), 2);
  await simulator.clearFaults();
  const { vehicles } = (await visitor.get("/vehicles")).json();
  assert.equal(vehicles[0].problem, undefined);
});

test("a back end says which token was refused: once it gets a newer one, and never the same again", async () => {
  const it = await owner();
  const { accessToken: first } = (await it.visitor.token(it.connection)).json();
  assert.equal((await askAfter(it, "another")).json().accessToken, first, "it was not this one");
  const answer = await askAfter(it, first);
  assert.equal(answer.status, 200, answer.text);
  const { accessToken: second } = answer.json();
  assert.notEqual(second, first);
  // KV still has the first one, perhaps.
  assert.equal((await askAfter(it, first, { isolate: 1 })).json().accessToken, second);
  assertProblem(await askAfter(it, second), { status: 503, code: "upstream_unavailable" });
  assert.equal(await refreshes(), 1);
});

test("a refusal after which Smartcar refreshes nothing is no token either", async () => {
  const it = await owner();
  const { accessToken } = (await it.visitor.token(it.connection)).json();
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 500, body: "oops", times: null });
  assertProblem(await askAfter(it, accessToken), { status: 503, code: "upstream_unavailable" });
  assert.equal((await it.visitor.token(it.connection)).json().accessToken, accessToken, "whoever was not refused gets it");
});
