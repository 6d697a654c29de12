// Workers KV that does not answer holds nobody up for long: neither a request nor the cron trigger.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { openConnections } from "./harness/connections-fixture.mjs";
import { send } from "./harness/http.mjs";
import { PREFIX, SERVICE_KEY, sealingKey } from "./harness/settings.mjs";

const oldKey = sealingKey("k0");
const { env, kv, edge, owner, reset, close } = await openConnections({
  adjust: (values) => ({ ...values, ROTATION_BATCH: "2" }),
  variants: (values) => [{ name: "rotated", bindings: { ...values, SEALING_KEYS: `${sealingKey("k9")},${values.SEALING_KEYS},${oldKey}` } }],
});
after(close);
beforeEach(reset);

let release = () => {};
afterEach(() => release());

async function timed(work) {
  const started = Date.now();
  const result = await work();
  return { result, ms: Date.now() - started };
}

async function rotation() {
  const answer = await send(`${edge.at(0)}${PREFIX}/internal/rotation`, { headers: { authorization: `Bearer ${SERVICE_KEY}` } });
  return { status: answer.status, ...answer.json() };
}

test("a token is had from the vault when a read in KV does not end", async () => {
  const { client, connection } = await owner();
  release = kv.store.hangReads(({ operation }) => operation === "get");
  for (const wanted of [{ connectionId: connection.id }, { vehicleId: connection.vehicles[0].id }]) {
    const { result, ms } = await timed(() => client.askToken(wanted, { isolate: 1 }));
    assert.equal(result.status, 200, result.text);
    assert.ok(ms < 9000, `${ms} ms`);
  }
});

test("a token is had from the vault when KV hangs under several keys", async () => {
  const { client, connection } = await owner();
  release = kv.store.hangReads(({ operation }) => operation === "get");
  const { result, ms } = await timed(() => client.token(connection, { isolate: "rotated" }));
  assert.equal(result.status, 200, result.text);
  assert.ok(ms < 9000, `${ms} ms`);
});

test("the cron trigger ends when the list of names does not", async () => {
  await owner();
  release = kv.store.hangReads(({ operation }) => operation === "list");
  const { result, ms } = await timed(() => edge.scheduled());
  assert.equal(result.outcome, "ok");
  assert.ok(ms < 30_000, `${ms} ms`);
  assert.match(await env.log(), /names in KV could not be listed/);
});

test("a sweep whose progress can't be read does not start over", async () => {
  await owner();
  await edge.scheduled();
  const before = await rotation();
  assert.ok(before.rotation.cursor, JSON.stringify(before));
  release = kv.store.hangReads(({ operation, key }) => operation === "get" && key === "rotation");
  assert.equal((await edge.scheduled()).outcome, "ok");
  release();
  assert.deepEqual(await rotation(), before);
});

test("a cursor that KV refuses starts the pass anew", async () => {
  await owner();
  kv.store.refusesCursors = true;
  await edge.scheduled();
  const { rotation: after } = await rotation();
  assert.deepEqual([after.scanned, after.complete], [2, false]);
  kv.store.refusesCursors = false;
  for (let run = 0; run < 20 && !(await rotation()).rotation.complete; run += 1) await edge.scheduled();
  assert.ok((await rotation()).rotation.complete);
});
