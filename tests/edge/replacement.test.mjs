// A Durable Object may end at any moment. What it had promised holds, and a code is never presented twice.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules, kill } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { until } from "./harness/until.mjs";
import { openWorld } from "./harness/world.mjs";

const world = await openWorld({ isolates: 2, modules: instrumentedModules() });
const { edge, simulator } = world;
after(() => world.close());
beforeEach(() => simulator.reset());

async function killAll() {
  for (const id of await edge.vaultIds()) await kill(edge, id);
}

async function exchanges() {
  return (await simulator.requests()).filter(({ path }) => path === "/oauth/token").length;
}

test("between start, finish and a repeated finish nothing is forgotten", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  const query = { code: await world.consent(), state };
  await killAll();
  const answer = await visitor.finish(query);
  assert.equal(answer.json().kind, "connected", answer.text);
  await killAll();
  assert.deepEqual((await visitor.finish(query)).json(), answer.json());
  assert.deepEqual(await visitor.connections(), [answer.json().connection]);
  await killAll();
  assertProblem(await visitor.finish({ ...query, code: await world.consent() }), { code: "state_used" });
  assert.equal(await exchanges(), 1);
});

/** Kills the Vault while it waits for the answer to an exchange that `fault` delays, and gives the finish's answer. */
async function killedDuringExchange(visitor, fault, isUnderWay) {
  const { state } = await visitor.start();
  const query = { code: await world.consent(), state };
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: 5000, ...fault });
  const finishing = visitor.finish(query);
  await until("the exchange is under way", isUnderWay);
  await killAll();
  return { query, answer: await finishing };
}

test("killed before Smartcar has used the code: the same finish still connects, once", async () => {
  const visitor = world.visitor();
  const underWay = async () => (await exchanges()) === 1;
  const { query, answer } = await killedDuringExchange(visitor, { commit: false }, underWay);
  const outcome = answer.status === 200 ? answer : await visitor.finish(query);
  assert.equal(outcome.json().kind, "connected", outcome.text);
  assert.equal((await simulator.counts()).exchangeCommitted, 1);
  assert.deepEqual(await visitor.connections(), [outcome.json().connection]);
});

test("killed after Smartcar has used the code: a typed answer, and the owner can start again", async () => {
  const visitor = world.visitor();
  const underWay = async () => (await simulator.counts()).exchangeCommitted === 1;
  const { query, answer } = await killedDuringExchange(visitor, { commit: true }, underWay);
  assertProblem(answer);
  assertProblem(await visitor.finish(query), { code: "exchange_refused" });
  assert.deepEqual(await visitor.connections(), []);
  assert.equal((await world.connect(visitor)).answer.json().kind, "connected");
});
