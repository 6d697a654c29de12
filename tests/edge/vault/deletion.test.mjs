// Everything of an owner is deleted, whatever happens meanwhile: a crash, a callback on its way, an owner who comes back.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { kill, killAtWrite, storedKeys, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, simulator, edge, owner, quietMinutes, assertNothingStored } = fixture;
after(() => fixture.close());
let carIds;
beforeEach(async () => {
  carIds = await fixture.reset();
});

test("everything is deleted only when nothing can arrive any more, and nothing can be finished meanwhile", async () => {
  const it = await owner([carIds[0]]);
  const { state } = await it.client.start();
  const query = { code: await env.consent(), state };
  assert.equal((await it.client.delete("/connections")).status, 204);
  assert.ok((await storedKeys(edge, it.vault)).length > 0, "nobody would look after a late write");
  assertProblem(await it.client.finish(query), { code: "state_unknown" });
  assert.deepEqual(await it.client.connections(), []);
  await quietMinutes(it.vault);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("a deletion that was begun is finished by the alarm when the process dies", async () => {
  const it = await owner([carIds[0]], [carIds[1]]);
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 3000, commit: true, times: null });
  const deleting = it.client.delete("/connections");
  await until("Smartcar is being told", async () =>
    (await simulator.requests()).some(({ method }) => method === "DELETE"),
  );
  await kill(edge, it.vault).catch(() => {});
  assertProblem(await deleting, { status: 503 });
  await simulator.clearFaults();
  await quietMinutes(it.vault);
  await assertNothingStored(it);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("a callback that is being exchanged connects nothing after the deletion, though the owner has started again", async () => {
  const it = await owner([carIds[0]]);
  const { state } = await it.client.start();
  const query = { code: await env.consent({ vehicles: [carIds[1]] }), state };
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: 2500, commit: true, times: 1 });
  const finishing = it.client.finish(query);
  await until("the exchange is under way", async () =>
    (await simulator.requests()).some(({ endpoint, status }) => endpoint === "exchange" && status === null),
  );
  assert.equal((await it.client.delete("/connections")).status, 204);
  assert.equal((await it.client.start()).status, 200);
  assertProblem(await finishing, { code: "connection_not_found" });
  assert.deepEqual(await it.client.connections(), []);
  const told = (await simulator.requests()).filter(({ method }) => method === "DELETE").map(({ path }) => path);
  assert.ok(told.some((path) => path.includes(carIds[1])), "Smartcar still grants what nobody has");
});

test("a deletion that a crash has cut short is completed although the owner starts again at once", async () => {
  const it = await owner([carIds[0]], [carIds[1]]);
  await quietMinutes(it.vault);
  await killAtWrite(edge, "after");
  assertProblem(await it.client.delete("/connections"), { status: 503 });
  assert.ok(await wasKilled(edge));
  assert.equal((await it.client.start()).status, 200);
  assert.deepEqual(await it.client.connections(), []);
  await quietMinutes(it.vault);
  await assertNothingStored(it);
  const told = (await simulator.requests()).filter(({ method }) => method === "DELETE");
  assert.equal(told.length, 2);
});
