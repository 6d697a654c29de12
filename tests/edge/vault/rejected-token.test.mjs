// An access token that Smartcar refuses although it is not over yet.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE } from "../harness/spans.mjs";

const fixture = await openConnections();
const { env, simulator, owner } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

async function refreshes() {
  return (await simulator.counts()).refresh;
}

/** Asks as a back end to whose call with `rejectedToken` Smartcar has answered 401. */
function askAfter({ client, connection }, rejectedToken, options) {
  return client.askToken({ connectionId: connection.id, rejectedToken }, options);
}

test("an access token that Smartcar refuses is refreshed once, and the call is made again", async () => {
  const { client } = await owner();
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}" });
  const { vehicles } = (await client.get("/vehicles")).json();
  assert.equal(vehicles[0].problem, undefined);
  assert.equal(await refreshes(), 1);
});

test("when Smartcar refuses the refreshed token too, no refresh follows for five minutes", async () => {
  const { client } = await owner();
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}", times: null });
  for (let call = 0; call < 10; call += 1) await client.get("/vehicles", { isolate: call % 2 });
  assert.equal(await refreshes(), 1);
  await env.travel(5 * MINUTE);
  await client.get("/vehicles");
  assert.equal(await refreshes(), 2);
  await simulator.clearFaults();
  const { vehicles } = (await client.get("/vehicles")).json();
  assert.equal(vehicles[0].problem, undefined);
});

test("a back end that says which token was refused gets a newer one once, and never the same again", async () => {
  const it = await owner();
  const { accessToken: first } = (await it.client.token(it.connection)).json();
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

test("a back end whose token was refused gets none when Smartcar refreshes nothing", async () => {
  const it = await owner();
  const { accessToken } = (await it.client.token(it.connection)).json();
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 500, body: "oops", times: null });
  assertProblem(await askAfter(it, accessToken), { status: 503, code: "upstream_unavailable" });
  assert.equal((await it.client.token(it.connection)).json().accessToken, accessToken, "whoever was not refused gets it");
});
