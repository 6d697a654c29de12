// The copies in KV: what it loses, refuses or gets late is made up for, and leaves no token behind that the vault knows is over.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { kill, runAlarm, vaultCalls } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { kv, env, simulator, edge, carIds, owner, idleOwner, quietMinutes, assertNothingStored } = fixture;
const longRemembered = await openConnections({
  adjust: (values) => ({ ...values, SESSION_DAYS: "400", RETENTION_DAYS: "30" }),
});
after(() => Promise.all([fixture.close(), longRemembered.close()]));
beforeEach(() => fixture.reset());

for (const path of ["/connections", "/connections/{id}"]) {
  test(`DELETE ${path}: a deletion that KV loses is made again`, async () => {
    const it = await owner({ vehicles: [carIds[0]] });
    // The deletion of the grant comes first.
    kv.store.losses = 1;
    assert.equal((await it.client.delete(path.replace("{id}", it.connection.id))).status, 204);
    assert.equal(kv.store.losses, 0);
    await quietMinutes(it.vault);
    await assertNothingStored(it);
  });

  test(`DELETE ${path}: a write that a dead process began is deleted when it arrives`, async () => {
    const it = await owner({ vehicles: [carIds[0]] });
    await env.travel(2 * HOUR);
    const write = kv.store.holdFirstWrite();
    assert.equal((await it.client.token(it.connection)).status, 200);
    await until("the write of the new token is under way", write.isHeld);
    await kill(edge, it.vault);
    assert.equal((await it.client.delete(path.replace("{id}", it.connection.id))).status, 204);
    const before = it.stored().length;
    write.release();
    await until("the late write has arrived", () => it.stored().length > before);
    await quietMinutes(it.vault);
    await assertNothingStored(it);
  });
}

test("KV that refuses to delete a disconnected grant is made to by the alarm", async () => {
  const { client, connection, vault, stored } = await owner({ vehicles: [carIds[0]] });
  const before = stored().length;
  kv.store.refusals = Infinity;
  const answer = await client.delete(`/connections/${connection.id}`);
  assert.ok(answer.status === 204 || answer.status === 503, answer.text);
  assert.deepEqual(await client.connectionIds(), []);
  assert.equal(stored().length, before);
  kv.store.refusals = 0;
  await quietMinutes(vault);
  assert.ok(stored().length < before, "the grant is still in KV");
  assertProblem(await client.token(connection), { status: 404 });
});

test("the tokens of a grant that Smartcar has ended are deleted twice", async () => {
  const it = await owner({ vehicles: [carIds[0]] });
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: "{}", times: null });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: '{"error":"invalid_grant"}', times: null });
  kv.store.losses = 1;
  await it.client.get("/vehicles");
  await until("KV has lost the deletion", () => kv.store.losses === 0);
  await quietMinutes(it.vault);
  const answer = await it.client.token(it.connection, { isolate: 1 });
  assertProblem(answer, { code: "reconnection_required" });
});

test("an index that a dead process wrote late is put right", async () => {
  const it = await idleOwner({ vehicles: [carIds[0]] });
  const first = new Set(it.stored());
  const write = kv.store.holdFirstWrite(({ key }) => first.has(key));
  await env.connected(it.client, { vehicles: [carIds[1]] });
  await until("the write of the index is under way", write.isHeld);
  await kill(edge, it.vault);
  await env.travel(20 * SECOND);
  await runAlarm(edge, it.vault);
  await env.connected(it.client, { vehicles: [carIds[2]] });
  await until("KV has three grants, the index and two look-ups", () => it.stored().length === 6);
  const before = kv.store.writes().length;
  write.release();
  await until("the late write has arrived", () => kv.store.writes().length > before);
  await quietMinutes(it.vault);
  const earlier = await vaultCalls(edge);
  const answer = await it.client.askToken({ vehicleId: carIds[2] }, { isolate: 1 });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await vaultCalls(edge), earlier, "KV does not know the car");
});

test("a write to KV that hangs holds nothing up for longer than its deadline", async () => {
  const it = await owner({ vehicles: [carIds[0]] }, { vehicles: [carIds[1]] });
  const write = kv.store.holdFirstWrite();
  await env.travel(2 * HOUR);
  assert.equal((await it.client.token(it.connections[0])).status, 200);
  await until("the write of the new token hangs", write.isHeld);
  const answer = await it.client.delete(`/connections/${it.connections[1].id}`);
  assert.equal(answer.status, 204, answer.text);
  write.release();
});

test("after 120 days of visits, which lengthen how long an owner is remembered, KV still has the index", async () => {
  const { client, vault, stored } = await longRemembered.owner({ vehicles: [longRemembered.carIds[0]] });
  for (let day = 0; day < 120; day += 4) {
    await longRemembered.env.travel(4 * DAY);
    assert.equal((await client.connections()).length, 1);
    await runAlarm(longRemembered.edge, vault);
    assert.equal(stored().length, 4, `day ${day + 4}: the grant, the index and two look-ups`);
  }
});
