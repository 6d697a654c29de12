// A Durable Object may end at any moment. What it had promised holds, and a code is never presented twice.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules, kill } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";
import { openEnv } from "../harness/env.mjs";

const env = await openEnv({ isolates: 2, modules: instrumentedModules() });
const { edge, simulator } = env;
after(() => env.close());
beforeEach(() => simulator.reset());

async function killAll() {
  for (const id of await edge.vaultIds()) await kill(edge, id);
}

async function exchanges() {
  return (await simulator.requests()).filter(({ path }) => path === "/oauth/token").length;
}

test("between start, finish and a repeated finish nothing is forgotten", async () => {
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
  assert.equal(await exchanges(), 1);
});

/** Kills the Vault while it waits for the answer to an exchange that `fault` delays, and gives the finish's answer. */
async function killedDuringExchange(client, fault, isUnderWay) {
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: 5000, ...fault });
  const finishing = client.finish(query);
  await until("the exchange is under way", isUnderWay);
  await killAll();
  return { query, answer: await finishing };
}

test("killed before Smartcar has used the code: the same finish still connects, once", async () => {
  const client = env.client();
  const underWay = async () => (await exchanges()) === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: false }, underWay);
  const outcome = answer.status === 200 ? answer : await client.finish(query);
  assert.equal(outcome.json().kind, "connected", outcome.text);
  assert.equal((await simulator.counts()).exchangeCommitted, 1);
  assert.deepEqual(await client.connections(), [outcome.json().connection]);
});

test("killed after Smartcar has used the code: a typed answer, and the owner can start again", async () => {
  const client = env.client();
  const underWay = async () => (await simulator.counts()).exchangeCommitted === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: true }, underWay);
  assertProblem(answer);
  assertProblem(await client.finish(query), { code: "exchange_refused" });
  assert.deepEqual(await client.connections(), []);
  assert.equal((await env.connect(client)).answer.json().kind, "connected");
});
