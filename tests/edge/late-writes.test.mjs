// What KV loses, or gets late, does not leave a token behind that the vault knows is over.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openHouseholds } from "./harness/household.mjs";
import { kill, runAlarm, vaultCalls } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { until } from "./harness/until.mjs";

const HOUR = 60 * 60 * 1000;

const households = await openHouseholds();
const { kv, world, simulator, edge, owner, quietMinutes, nothingIsLeft } = households;
after(() => households.close());
let carIds;
beforeEach(async () => {
  carIds = await households.reset();
});

for (const path of ["/connections", "/connections/{id}"]) {
  test(`DELETE ${path}: a deletion that KV loses is made again`, async () => {
    const it = await owner([carIds[0]]);
    // The deletion of the grant comes first.
    kv.store.losses = 1;
    assert.equal((await it.visitor.delete(path.replace("{id}", it.made[0].id))).status, 204);
    assert.equal(kv.store.losses, 0);
    await quietMinutes(it.vault);
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
    await quietMinutes(it.vault);
    await nothingIsLeft(it);
  });
}

test("the tokens of a grant that Smartcar has ended are deleted twice", async () => {
  const it = await owner([carIds[0]]);
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}", times: null });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: '{"error":"invalid_grant"}', times: null });
  kv.store.losses = 1;
  await it.visitor.get("/vehicles");
  await until("KV has lost the deletion", () => kv.store.losses === 0);
  await quietMinutes(it.vault);
  const answer = await it.visitor.token(it.made[0], { isolate: 1 });
  assertProblem(answer, { code: "reconnection_required" });
});

function byVehicle(visitor, vehicleId) {
  const body = JSON.stringify({ principal: visitor.principal, vehicleId });
  return visitor.token({}, { body, isolate: 1 });
}

test("an index that a dead process wrote late is put right", async () => {
  const it = await owner([carIds[0]]);
  const first = new Set(it.own());
  const { promise: released, resolve: release } = Promise.withResolvers();
  let held = false;
  kv.store.onWrite = async ({ key, when }) => {
    if (held || when !== "before" || !first.has(key)) return;
    held = true;
    await released;
  };
  await world.connect(it.visitor, { vehicles: [carIds[1]] });
  await until("the write of the index is under way", () => held);
  await kill(edge, it.vault).catch(() => {});
  await world.travel(20_000);
  await runAlarm(edge, it.vault);
  await world.connect(it.visitor, { vehicles: [carIds[2]] });
  await until("KV has all of it", () => it.own().length === 4);
  const writes = kv.store.log.length;
  release();
  await until("the late write has arrived", () => kv.store.log.length > writes);
  await quietMinutes(it.vault);
  const before = await vaultCalls(edge);
  const answer = await byVehicle(it.visitor, carIds[2]);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await vaultCalls(edge), before, "KV does not know the car");
});

test("a write that hangs holds nothing up for longer than its deadline", async () => {
  const it = await owner([carIds[0]], [carIds[1]]);
  const { promise: released, resolve: release } = Promise.withResolvers();
  let held = false;
  kv.store.onWrite = async ({ when }) => {
    if (held || when !== "before") return;
    held = true;
    await released;
  };
  await world.travel(2 * HOUR);
  assert.equal((await it.visitor.token(it.made[0])).status, 200);
  await until("the write of the new token hangs", () => held);
  const answer = await it.visitor.delete(`/connections/${it.made[1].id}`);
  assert.equal(answer.status, 204, answer.text);
  release();
});
