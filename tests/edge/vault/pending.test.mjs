// A connection that was started and not finished: it ends after ten minutes, and outlives the Durable Object that keeps it.
// A code is never presented twice.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { kill, runAlarm } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({ gated: true });
const { env, edge, simulator } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

async function killAll() {
  for (const id of await edge.vaultIds()) await kill(edge, id);
}

test("a state of nine minutes is good, one of eleven is expired", async () => {
  const client = env.client();
  const late = await client.start();
  const early = await client.start();
  assert.ok(early.json().expiresAt - env.now() <= 10 * MINUTE);

  await env.travel(9 * MINUTE);
  const inTime = await client.finish({ code: await env.consent(), state: early.state });
  assert.equal(inTime.json().kind, "connected", inTime.text);

  await env.travel(2 * MINUTE);
  const before = (await simulator.requests()).length;
  assertProblem(await client.finish({ code: await env.consent(), state: late.state }), { code: "state_expired" });
  assert.equal((await simulator.requests()).length, before, "an upstream call was made");
});

test("a callback in the last seconds of its ten minutes connects, though they end meanwhile", async () => {
  const client = env.client();
  const { result, vault } = await firstVisit(env, () => client.start());
  await env.travel(9 * MINUTE + 50 * SECOND);
  const query = { code: await env.consent(), state: result.state };
  const release = env.gates.auth.hold();
  const finishing = client.finish(query);
  await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > 0);
  await env.travel(11 * SECOND);
  await runAlarm(edge, vault);
  release();
  const answer = await finishing;
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(await client.connections(), [answer.json().connection]);
});

test("a Durable Object that ends between start, finish and a repeated finish forgets nothing", async () => {
  const client = env.client();
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  await killAll();
  const answer = await client.finish(query);
  assert.equal(answer.json().kind, "connected", answer.text);
  await killAll();
  assert.deepEqual((await client.finish(query)).json(), answer.json());
  assert.deepEqual(await client.connections(), [answer.json().connection]);
  await killAll();
  assertProblem(await client.finish({ ...query, code: await env.consent() }), { code: "state_used" });
  assert.equal((await simulator.tokenRequests()).length, 1);
});

/** Kills the Vault while it waits for the answer to an exchange, and returns the finish's answer. */
async function killedDuringExchange(client, { commit }, isUnderWay) {
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  // Nobody waits for so long: the kill ends it.
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: MINUTE, commit });
  const finishing = client.finish(query);
  await until("the exchange is under way", isUnderWay);
  await killAll();
  return { query, answer: await finishing };
}

test("a Vault killed before Smartcar has used the code: the same finish still connects, once", async () => {
  const client = env.client();
  const isUnderWay = async () => (await simulator.tokenRequests()).length === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: false }, isUnderWay);
  const outcome = answer.status === 200 ? answer : await client.finish(query);
  assert.equal(outcome.json().kind, "connected", outcome.text);
  assert.equal((await simulator.counts()).exchangeCommitted, 1);
  assert.deepEqual(await client.connections(), [outcome.json().connection]);
});

test("a Vault killed after Smartcar has used the code: a typed answer, and the owner can start again", async () => {
  const client = env.client();
  const isUnderWay = async () => (await simulator.counts()).exchangeCommitted === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: true }, isUnderWay);
  assertProblem(answer);
  assertProblem(await client.finish(query), { code: "exchange_refused" });
  assert.deepEqual(await client.connections(), []);
  await env.connected(client);
});
