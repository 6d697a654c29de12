// The race that rotation makes: many isolates want a token at once, and the refresh token is good for one use.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { burst } from "../harness/burst.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { runAlarm, vaultCalls } from "../harness/instrumented.mjs";
import { HOUR, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const ISOLATES = 4;
const REQUESTS = 60;
// A token with less than this to live is refreshed.
const FRESH_MARGIN = 5 * MINUTE;
const LATENCIES_MS = [0, 150, 600];

const fixture = await openConnections({ isolates: ISOLATES });
const { kv, env, simulator, edge, idleOwner } = fixture;
after(() => fixture.close());
beforeEach(async () => {
  kv.store.reset();
  await simulator.clearFaults();
  await simulator.configure({ graceMs: 0, latencyMs: 0 });
});

/** 60 requests over 4 isolates; all get one token, and Smartcar honours it. */
async function oneTokenForAll({ client, connection }) {
  const { answers, ...times } = await burst({
    count: REQUESTS,
    isolates: ISOLATES,
    request: (isolate) => client.token(connection, { isolate }),
  });
  const failed = answers.filter(({ status }) => status !== 200);
  assert.equal(failed.length, 0, `${failed.length} clients failed, the first with ${failed[0]?.text}`);
  const tokens = new Set(answers.map((answer) => answer.json().accessToken));
  assert.equal(tokens.size, 1);
  const [token] = tokens;
  assert.ok(await simulator.honours(token), "Smartcar does not honour the token");
  return { token, ...times };
}

async function refreshesDuring(work) {
  const earlier = (await simulator.counts()).refresh;
  const result = await work();
  return { made: (await simulator.counts()).refresh - earlier, result };
}

for (const latencyMs of LATENCIES_MS) {
  test(`${REQUESTS} requests over ${ISOLATES} isolates at expiry, Smartcar takes ${latencyMs} ms: one refresh, nobody fails`, async () => {
    const grant = await idleOwner();
    await env.travel(2 * HOUR);
    await simulator.configure({ latencyMs });
    const { made } = await refreshesDuring(() => oneTokenForAll(grant));
    assert.equal(made, 1);
  });
}

test("20 requests at expiry through the API for browsers: one refresh, and every car is described", async () => {
  const { client } = await idleOwner();
  await env.travel(2 * HOUR);
  const { made, result } = await refreshesDuring(() =>
    burst({ count: 20, isolates: ISOLATES, request: (isolate) => client.get("/vehicles", { isolate }) }),
  );
  assert.equal(made, 1);
  for (const answer of result.answers) {
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json().vehicles.filter(({ problem }) => problem), []);
  }
});

/** Lets every location read, and go on seeing for a minute, what KV says just before the access token needs a refresh. */
async function readBeforeExpiry({ client, connection }) {
  const { expiresAt } = (await client.token(connection)).json();
  await env.travel(expiresAt - FRESH_MARGIN - 8 * SECOND - kv.store.now());
  kv.store.cacheMs = MINUTE;
  kv.store.log.length = 0;
  for (let isolate = 0; isolate < ISOLATES; isolate += 1) {
    const answer = await client.token(connection, { isolate });
    assert.equal(answer.status, 200, answer.text);
  }
  const reads = kv.store.log.filter(({ operation }) => operation === "get");
  const found = reads.map(({ location, status, cached }) => [location, status, cached]);
  await env.travel(10 * SECOND);
  kv.store.log.length = 0;
  return found;
}

/** What the locations that do not write were told by KV, each kind of answer once. */
function readElsewhere() {
  const reads = kv.store.log.filter(({ operation, location }) => operation === "get" && location !== "location-0");
  return [...new Set(reads.map(({ status, cached }) => `${status}${cached ? " cached" : ""}`))];
}

for (const latencyMs of LATENCIES_MS) {
  describe(`KV that is not what it was a minute ago, Smartcar takes ${latencyMs} ms`, () => {
    let grant;
    beforeEach(async () => {
      grant = await idleOwner();
      await simulator.configure({ latencyMs });
    });

    test(`reads that are 60 s stale cause no second refresh (Smartcar takes ${latencyMs} ms)`, async () => {
      const locations = Array.from({ length: ISOLATES }, (_, isolate) => `location-${isolate}`);
      assert.deepEqual(await readBeforeExpiry(grant), locations.map((location) => [location, 200, false]));
      const first = await refreshesDuring(() => oneTokenForAll(grant));
      const second = await refreshesDuring(() => oneTokenForAll(grant));
      assert.deepEqual([first.made, second.made], [1, 0]);
      assert.equal(second.result.token, first.result.token);
      assert.deepEqual(readElsewhere(), ["200 cached"]);
      await until("KV has the new record", () => kv.store.writes().some(({ status }) => status === 200));
      await env.travel(MINUTE + 1);
      const third = await refreshesDuring(() => oneTokenForAll(grant));
      assert.equal(third.made, 0);
      assert.ok(await servedFromKv(grant, first.result.token), "the locations see the new record at last");
    });

    test(`cached misses cause no second refresh, and no connection seems gone (Smartcar takes ${latencyMs} ms)`, async () => {
      kv.store.cacheMs = MINUTE;
      const client = env.client();
      // KV is written only after every location has read that there is nothing.
      const { release } = kv.store.holdWrites();
      const fresh = { client, connection: await env.connected(client) };
      const early = await refreshesDuring(() => oneTokenForAll(fresh));
      release();
      kv.store.log.length = 0;
      const late = await refreshesDuring(() => oneTokenForAll(fresh));
      assert.deepEqual(readElsewhere(), ["404 cached"]);
      assert.deepEqual([early.made, late.made], [0, 0]);
      assert.equal(late.result.token, early.result.token);
    });

    test(`cached misses at expiry: one refresh, nobody fails (Smartcar takes ${latencyMs} ms)`, async () => {
      kv.store.refusals = Infinity;
      const client = env.client();
      const unwritten = { client, connection: await env.connected(client) };
      const locations = Array.from({ length: ISOLATES }, (_, isolate) => `location-${isolate}`);
      assert.deepEqual(await readBeforeExpiry(unwritten), locations.map((location) => [location, 404, false]));
      // From now on KV is written; who has cached the miss does not see it.
      kv.store.refusals = 0;
      const first = await refreshesDuring(() => oneTokenForAll(unwritten));
      const second = await refreshesDuring(() => oneTokenForAll(unwritten));
      assert.deepEqual([first.made, second.made], [1, 0]);
      assert.equal(second.result.token, first.result.token);
      assert.deepEqual(readElsewhere(), ["404 cached"]);
    });

    test(`429 on every write: one refresh, and KV is brought up to date by the alarm (Smartcar takes ${latencyMs} ms)`, async () => {
      kv.store.refusals = Infinity;
      await env.travel(2 * HOUR);
      kv.store.log.length = 0;
      const first = await refreshesDuring(() => oneTokenForAll(grant));
      const second = await refreshesDuring(() => oneTokenForAll(grant));
      assert.deepEqual([first.made, second.made], [1, 0]);
      await until("a write is refused", () => kv.store.log.some(({ status }) => status === 429));
      kv.store.refusals = 0;
      assert.equal(await servedFromKv(grant, first.result.token), false);
      await alarmsUntil(() => servedFromKv(grant, first.result.token));
      const last = await refreshesDuring(() => oneTokenForAll(grant));
      assert.equal(last.made, 0);
    });

    test(`one write per second and key: the second is made up for, and nobody refreshes for it (Smartcar takes ${latencyMs} ms)`, async () => {
      kv.store.oneWritePerSecond = true;
      await env.travel(2 * HOUR);
      kv.store.log.length = 0;
      // The second write begins as soon as the first one ends.
      const { release } = kv.store.holdWrites();
      const first = await refreshesDuring(() => oneTokenForAll(grant));
      // A token that Smartcar refuses is refreshed again, if it is not brand-new.
      await env.travel(5 * MINUTE);
      await simulator.fault({ endpoint: "vehicle", kind: "status", status: 401, body: { type: "AUTHENTICATION" } });
      const rejected = await refreshesDuring(() => grant.client.get("/vehicles"));
      assert.deepEqual([first.made, rejected.made], [1, 1]);
      kv.store.stopClock();
      release();
      await until("a write is refused", () => kv.store.log.some(({ status }) => status === 429));
      const second = await refreshesDuring(() => oneTokenForAll(grant));
      assert.deepEqual([second.made, second.result.token], [0, first.result.token], "KV has the token before last");
      await alarmsUntil(async () => !(await servedFromKv(grant, first.result.token)));
      const last = await refreshesDuring(() => oneTokenForAll(grant));
      assert.equal(last.made, 0);
      assert.notEqual(last.result.token, first.result.token);
      assert.ok(await servedFromKv(grant, last.result.token));
    });

    test(`a write that is lost: one refresh, and readers notice that KV lacks it (Smartcar takes ${latencyMs} ms)`, async () => {
      await env.travel(2 * HOUR);
      kv.store.losses = 1;
      const first = await refreshesDuring(() => oneTokenForAll(grant));
      const second = await refreshesDuring(() => oneTokenForAll(grant));
      assert.deepEqual([first.made, second.made], [1, 0]);
      await until("the write is lost", () => kv.store.losses === 0);
      assert.equal(await servedFromKv(grant, first.result.token), false);
      await env.travel(3 * MINUTE);
      await alarmsUntil(async () => {
        await oneTokenForAll(grant);
        return servedFromKv(grant, first.result.token);
      });
      assert.equal(kv.store.losses, 0);
    });
  });
}

/** Whether a token comes from KV alone, without a call to a Durable Object. */
async function servedFromKv({ client, connection }, token) {
  const earlier = await vaultCalls(edge);
  const answer = await client.token(connection, { isolate: ISOLATES - 1 });
  return (await vaultCalls(edge)) === earlier && answer.json().accessToken === token;
}

/** Lets time pass and alarms ring until `done`. */
async function alarmsUntil(done) {
  for (let round = 0; round < 10; round += 1) {
    if (await done()) return;
    await env.travel(30 * SECOND);
    for (const id of await edge.vaultIds()) await runAlarm(edge, id);
  }
  assert.fail("KV was not brought up to date");
}

test("a fresh token is read from KV alone: no Durable Object is called", async () => {
  const grant = await idleOwner();
  await oneTokenForAll(grant);
  const earlier = await vaultCalls(edge);
  await oneTokenForAll(grant);
  assert.equal(await vaultCalls(edge), earlier);
});
