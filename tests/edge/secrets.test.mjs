// Nothing secret shows: not in an answer, a cookie, a log line, nor in what KV and the Durable Objects leave on disk.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { storedData } from "./harness/disk.mjs";
import { openEnv } from "./harness/env.mjs";
import { scannerFor } from "./harness/secrets.mjs";
import { ownSecrets } from "./harness/settings.mjs";
import { until } from "./harness/until.mjs";

const USER = "scanned-owner@example.com";
const PLANTED = "planted-3f7c1f0a-9d0e-4a58-b0f6-6f0c6c1b9a11";

const env = await openEnv({ isolates: 2 });
const { simulator, edge } = env;
after(() => env.close());

// The whole life of a connection, with what goes wrong on the way: errors are where a secret leaks.
const client = env.client();
await env.connected(client, { user: USER });
await env.connected(env.client(), { user: "other-owner@example.com" });
for (const fault of [
  { kind: "wrong_types" },
  { kind: "truncated", commit: true },
  { kind: "oversized" },
  { kind: "garbage" },
  { kind: "reset_after" },
]) {
  await simulator.fault({ endpoint: "exchange", ...fault });
  await env.connect(client, { user: USER });
}
await client.start().then(async ({ state }) => client.finish({ code: "11111111-refused-code-2222", state }));
await client.get("/connections");
await client.get("/vehicles", { isolate: 1 });

const secrets = [
  ...(await simulator.secrets()),
  ...ownSecrets(env.values),
  USER,
  "11111111-refused-code-2222",
];
const scan = scannerFor([...secrets, PLANTED]);
const log = await env.log();
await until("KV has both grants, indexes and pairs of look-ups", async () => (await (await edge.kv()).list()).keys.length === 8);
// The control: a secret written next to the real data has to be found there.
await (await edge.kv()).put("planted", PLANTED);
await edge.halt();
const stored = await storedData(edge.data);

/** Which secrets were found where; a report shows their beginning only. */
function found(pieces) {
  return pieces
    .flatMap(({ source, content }) => scan(source, content))
    .map(({ source, secret }) => `${secret.slice(0, 8)}… in ${source}`);
}

test("there are secrets to look for: codes, both kinds of token, VINs, the client secret", async () => {
  assert.ok(secrets.includes(env.values.SMARTCAR_CLIENT_SECRET));
  assert.ok(new Set(secrets).size >= 12, `${secrets.length}`);
  assert.ok(env.transcript.length >= 18, "answers were kept");
  assert.ok(env.transcript.some((answer) => answer.includes('"connected"')));
});

test("no answer and no cookie of the Worker holds a secret", () => {
  assert.deepEqual(found(env.transcript.map((content, index) => ({ source: `answer ${index}`, content }))), []);
});

test("no log line holds a secret", () => {
  assert.deepEqual(found([{ source: "log", content: log }]), []);
});

test("the data on disk holds no secret, and the one that was planted there is found", () => {
  const hits = found(stored);
  assert.notDeepEqual(hits.filter((hit) => hit.startsWith("planted-")), []);
  assert.deepEqual(hits.filter((hit) => !hit.startsWith("planted-")), []);
});

test("records were written to both stores, so that there was something to scan", () => {
  const sources = stored.map(({ source }) => source.slice(edge.data.length));
  assert.ok(sources.some((source) => /^\/kv\/tokens\/blobs\//.test(source)), "KV");
  assert.ok(sources.some((source) => /^\/do\/edge-0-Vault\/[0-9a-f]{64}\.sqlite /.test(source)), "Durable Objects");
});

test("names in KV show neither user nor vehicle, nor a connection's id", async () => {
  const { connections } = JSON.parse(
    env.transcript.findLast((answer) => answer.includes('"connections":[{')).split("\n").at(-1),
  );
  const ids = connections.flatMap(({ id, vehicles }) => [id, ...vehicles.map((vehicle) => vehicle.id)]);
  assert.ok(ids.length >= 2);
  const names = stored.filter(({ source }) => /\/kv\/.*\.sqlite .*\.key$/.test(source));
  assert.ok(names.length > 0, "KV's names were read");
  const scanIds = scannerFor(ids);
  assert.deepEqual(
    names.flatMap(({ source, content }) => scanIds(source, content)),
    [],
  );
});
