// What KV loses, or gets late, does not leave a token behind that the vault knows is over.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { household, quietMinutes } from "./harness/household.mjs";
import { instrumentedModules, kill, storedKeys } from "./harness/instrumented.mjs";
import { startKv } from "./harness/kv.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { until } from "./harness/until.mjs";
import { openWorld } from "./harness/world.mjs";

const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;

const kv = await startKv();
const world = await openWorld({ isolates: 2, kv, modules: instrumentedModules() });
const { simulator, edge } = world;
after(async () => {
  await world.close();
  await kv.close();
});
let carIds;
beforeEach(async () => {
  Object.assign(kv.store, { losses: 0, cacheMs: 0, onWrite: async () => {} });
  await simulator.reset();
  carIds = (await simulator.configure({})).vehicles.map(({ id }) => id);
});

const owner = (...grants) => household({ world, kv }, ...grants);

async function nothingIsLeft({ visitor, made, own }) {
  assert.deepEqual(own(), []);
  for (const connection of made) assertProblem(await visitor.token(connection, { isolate: 1 }), { status: 404 });
}

for (const path of ["/connections", "/connections/{id}"]) {
  test(`DELETE ${path}: a deletion that KV loses is made again`, async () => {
    const it = await owner([carIds[0]]);
    // The deletion of the grant comes first.
    kv.store.losses = 1;
    assert.equal((await it.visitor.delete(path.replace("{id}", it.made[0].id))).status, 204);
    assert.equal(kv.store.losses, 0);
    await quietMinutes({ world }, it.vault);
    await nothingIsLeft(it);
  });

  test(`DELETE ${path}: a write that a dead process began is deleted when it arrives`, async () => {
    const it = await owner([carIds[0]]);
    await world.travel(2 * HOUR);
    const { promise: released, resolve: release } = Promise.withResolvers();
    let held = false;
    kv.store.onWrite = async ({ when }) => {
      if (held || when !== "before") return;
      held = true;
      await released;
    };
    assert.equal((await it.visitor.token(it.made[0])).status, 200);
    await until("the write of the new token is under way", () => held);
    await kill(edge, it.vault).catch(() => {});
    assert.equal((await it.visitor.delete(path.replace("{id}", it.made[0].id))).status, 204);
    const before = it.own().length;
    release();
    await until("the late write has arrived", () => it.own().length > before);
    await quietMinutes({ world }, it.vault);
    await nothingIsLeft(it);
  });
}

test("everything is deleted only when nothing can arrive any more, and nothing can be finished meanwhile", async () => {
  const it = await owner([carIds[0]]);
  const { state } = await it.visitor.start();
  const query = { code: await world.consent(), state };
  assert.equal((await it.visitor.delete("/connections")).status, 204);
  assert.ok((await storedKeys(edge, it.vault)).length > 0, "nobody would look after a late write");
  assertProblem(await it.visitor.finish(query), { code: "state_unknown" });
  assert.deepEqual(await it.visitor.connections(), []);
  await quietMinutes({ world }, it.vault);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("a deletion that was begun is finished by the alarm when the process dies", async () => {
  const it = await owner([carIds[0]], [carIds[1]]);
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 3000, commit: true, times: null });
  const deleting = it.visitor.delete("/connections");
  await until("Smartcar is being told", async () =>
    (await simulator.requests()).some(({ method }) => method === "DELETE"),
  );
  await kill(edge, it.vault).catch(() => {});
  assertProblem(await deleting, { status: 503 });
  await simulator.clearFaults();
  await quietMinutes({ world }, it.vault);
  await nothingIsLeft(it);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
});

test("the tokens of a grant that Smartcar has ended are deleted twice", async () => {
  const it = await owner([carIds[0]]);
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}", times: null });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: '{"error":"invalid_grant"}', times: null });
  kv.store.losses = 1;
  await it.visitor.get("/vehicles");
  await until("KV has lost the deletion", () => kv.store.losses === 0);
  await quietMinutes({ world }, it.vault);
  const answer = await it.visitor.token(it.made[0], { isolate: 1 });
  assertProblem(answer, { code: "reauthentication_required" });
});
