// A Durable Object may end at any moment. What it had promised holds, and a code is never presented twice.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { instrumentedModules, kill } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
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

test("killed while the code is exchanged: typed answers, and no second exchange", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  const query = { code: await world.consent(), state };
  await simulator.configure({ latencyMs: 500 });
  const finishing = visitor.finish(query);
  while ((await exchanges()) === 0);
  await killAll();
  const answer = await finishing;
  assertProblem(answer);
  assert.ok(answer.status >= 500, answer.text);
  const again = await visitor.finish(query);
  assertProblem(again);
  assert.equal(await exchanges(), 1);
  assert.deepEqual(await visitor.connections(), []);

  // The visitor is not stuck: a new start goes through.
  await simulator.configure({ latencyMs: 0 });
  assert.equal((await world.connect(visitor)).answer.json().kind, "connected");
});
