// The KV layer that the fault tests stand on does misbehave, through workerd's own binding.
import assert from "node:assert/strict";
import path from "node:path";
import { after, beforeEach, test } from "node:test";

import { startEdge } from "./edge.mjs";
import { closeConnections, send } from "./http.mjs";
import { startKv } from "./kv.mjs";
import { repository } from "./paths.mjs";
import { MINUTE, SECOND } from "./spans.mjs";

const SCRIPT = `
import { DurableObject } from "cloudflare:workers";
export class Vault extends DurableObject {}
export default {
  async fetch(request, { TOKENS }) {
    const { operation, args } = await request.json();
    try {
      return Response.json((await TOKENS[operation](...args)) ?? null);
    } catch (error) {
      return Response.json(error.message, { status: 500 });
    }
  },
};
`;

const kv = await startKv();
const edge = await startEdge({
  bindings: {},
  isolates: 2,
  kv,
  modules: [{ type: "ESModule", path: path.join(repository, "kv-probe.js"), contents: SCRIPT }],
  modulesRoot: repository,
});
after(async () => {
  closeConnections();
  await edge.stop();
  await kv.close();
});

async function call(isolate, operation, ...args) {
  const answer = await send(edge.at(isolate), { method: "POST", body: JSON.stringify({ operation, args }) });
  return answer.json();
}

beforeEach(() => {
  kv.store.reset();
  kv.store.advance(2 * MINUTE);
});

test("KV's values, metadata and lists pass through", async () => {
  await call(0, "put", "pass/a", "one", { metadata: { generation: 1 } });
  await call(1, "put", "pass/b", "two");
  assert.deepEqual(await call(1, "getWithMetadata", "pass/a"), {
    value: "one",
    metadata: { generation: 1 },
    cacheStatus: null,
  });
  const { keys, list_complete: complete } = await call(0, "list", { prefix: "pass/" });
  assert.deepEqual(keys, [{ name: "pass/a", metadata: { generation: 1 } }, { name: "pass/b" }]);
  assert.equal(complete, true);
  const page = await call(0, "list", { prefix: "pass/", limit: 1 });
  assert.deepEqual([page.keys.length, page.list_complete], [1, false]);
  const rest = await call(0, "list", { prefix: "pass/", cursor: page.cursor });
  assert.deepEqual(rest.keys, [{ name: "pass/b" }]);
  await call(0, "delete", "pass/a");
  assert.equal(await call(0, "get", "pass/a"), null);
});

test("another location of KV goes on seeing what it read, for 60 seconds", async () => {
  await call(0, "put", "stale", "old");
  kv.store.cacheMs = MINUTE;
  assert.equal(await call(1, "get", "stale"), "old");
  await call(0, "put", "stale", "new");
  assert.equal(await call(0, "get", "stale"), "new");
  assert.equal(await call(1, "get", "stale"), "old");
  kv.store.advance(MINUTE + 1);
  assert.equal(await call(1, "get", "stale"), "new");
});

test("KV caches a miss too", async () => {
  kv.store.cacheMs = MINUTE;
  assert.equal(await call(1, "get", "missed"), null);
  await call(0, "put", "missed", "written");
  assert.equal(await call(1, "get", "missed"), null);
  kv.store.advance(MINUTE + 1);
  assert.equal(await call(1, "get", "missed"), "written");
});

test("a second write to a key of KV within a second is refused with 429", async () => {
  kv.store.oneWritePerSecond = true;
  kv.store.stopClock();
  assert.equal(await call(0, "put", "often", "one"), null);
  assert.match(await call(1, "put", "often", "two"), /429/);
  assert.equal(await call(1, "put", "other", "one"), null);
  kv.store.advance(SECOND);
  assert.equal(await call(1, "put", "often", "two"), null);
});

test("writes to KV fail and are lost as told", async () => {
  kv.store.refusal = 500;
  kv.store.refusals = 1;
  assert.match(await call(0, "put", "unlucky", "one"), /500/);
  kv.store.losses = 1;
  assert.equal(await call(0, "put", "unlucky", "one"), null);
  assert.equal(await call(0, "get", "unlucky"), null);
  assert.equal(await call(0, "put", "unlucky", "two"), null);
  assert.equal(await call(0, "get", "unlucky"), "two");
  assert.deepEqual(
    kv.store.log.filter(({ operation }) => operation === "put").map(({ status }) => status),
    [500, 200, 200],
  );
});

test("an entry of KV ends with its time to live, which is at least 60 seconds", async () => {
  assert.match(await call(0, "put", "short", "value", { expirationTtl: 59 }), /400/);
  await call(0, "put", "short", "value", { expirationTtl: 60 });
  assert.equal(await call(1, "get", "short"), "value");
  kv.store.advance(MINUTE + 1);
  assert.equal(await call(1, "get", "short"), null);
  assert.equal(kv.store.entries().has("short"), false);
});
