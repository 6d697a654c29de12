// Keys of the ring change under a Worker that has data: retired ones still open, every write uses the active one.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { startEdge } from "./harness/edge.mjs";
import { closeConnections } from "./harness/http.mjs";
import { instrumentedModules, setClock } from "./harness/instrumented.mjs";
import { sealingKey, settings } from "./harness/settings.mjs";
import { startSimulator } from "./harness/simulator.mjs";
import { until } from "./harness/until.mjs";
import { Visitor } from "./harness/visitor.mjs";

const HOUR = 60 * 60 * 1000;
const page = "http://localhost:8787";
const redirectUri = `${page}/`;
const [k1, k2, k3] = ["k1", "k2", "k3"].map((id) => sealingKey(id));
const simulator = await startSimulator([redirectUri]);
let edge;
after(async () => {
  closeConnections();
  await edge.stop();
  await simulator.stop();
});

/** Halts the Worker and deploys it again with this key ring, on the same data. */
async function deploy(...keys) {
  await edge?.halt();
  edge = await startEdge({
    bindings: { ...settings({ simulator, allowedOrigins: [page] }), SEALING_KEYS: keys.join(",") },
    modules: instrumentedModules(),
    data: edge?.data,
  });
}

/** The visitor as the Worker that now runs sees it. */
function returning(visitor) {
  const again = new Visitor(edge, page, []);
  again.cookie = visitor.cookie;
  return again;
}

async function connect(visitor) {
  const { state } = await visitor.start();
  const { code } = await simulator.grant({ redirectUri });
  const answer = await visitor.finish({ code, state });
  assert.equal(answer.json().kind, "connected", answer.text);
  return answer.json().connection;
}

/** The ids of the keys that the records in KV are sealed with. */
async function keysInKv() {
  const { keys } = await (await edge.kv()).list();
  return keys.map(({ metadata }) => metadata.key).sort();
}

await deploy(k1);
const first = new Visitor(edge, page, []);
const connection = await connect(first);
await until("KV has the grant and the index", async () => (await keysInKv()).length === 2);

test("a rotated ring still reads what the retired key sealed, the session included", async () => {
  await deploy(k2, k1);
  const visitor = returning(first);
  assert.deepEqual(await visitor.connections(), [connection]);
  assert.equal((await visitor.token(connection)).status, 200);
  assert.deepEqual(await keysInKv(), ["k1", "k1"], "reading writes nothing");
});

test("every write uses the active key: the grant when it is refreshed, the cookie when it is shown", async () => {
  const visitor = returning(first);
  await setClock(edge, 2 * HOUR);
  assert.equal((await visitor.token(connection)).status, 200);
  await until("KV has the grant under the active key", async () => (await keysInKv()).includes("k2"));
  const { keys } = await (await edge.kv()).list();
  assert.equal(new Set(keys.map(({ name }) => name)).size, keys.length);
  assert.equal(keys.length, 2, "the grant is left under its former name");
  await visitor.start();
  assert.notEqual(visitor.cookie, first.cookie);
  assert.deepEqual((await visitor.connections()).map(({ id }) => id), [connection.id]);
});

test("a ring without the key opens nothing, says nothing and breaks nothing", async () => {
  await deploy(k3);
  const visitor = returning(first);
  assert.deepEqual(await visitor.connections(), []);
  assert.equal((await visitor.get(`/connections/${connection.id}`)).status, 404);
  const own = await connect(visitor);
  assert.deepEqual(await visitor.connections(), [own]);
  assert.notEqual(own.id, connection.id);
});

test("with its key back, everything is there again", async () => {
  await deploy(k3, k2, k1);
  assert.deepEqual((await returning(first).connections()).map(({ id }) => id), [connection.id]);
});
