// A connection that was started and not finished: it ends after ten minutes, and outlives the Durable Object that keeps it.
// A code is never presented twice.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { mintState } from "../harness/client.mjs";
import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { askVault, kill, runAlarm, storedRecords } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({ gated: true });
const { env, edge, simulator } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

async function killAll() {
  for (const id of await edge.vaultIds()) await kill(edge, id);
}

test("a state of nine minutes is good, one of eleven is expired", async () => {
  const client = env.client();
  const late = await client.start();
  const early = await client.start();
  assert.ok(early.json().expiresAt - env.now() <= 10 * MINUTE);

  await env.travel(9 * MINUTE);
  const inTime = await client.finish({ code: await env.consent(), state: early.state });
  assert.equal(inTime.json().kind, "connected", inTime.text);

  await env.travel(2 * MINUTE);
  const before = (await simulator.requests()).length;
  assertProblem(await client.finish({ code: await env.consent(), state: late.state }), { code: "state_expired" });
  assert.equal((await simulator.requests()).length, before, "an upstream call was made");
});

test("a callback in the last seconds of its ten minutes connects, though they end meanwhile", async () => {
  const client = env.client();
  const { result, vault } = await firstVisit(env, () => client.start());
  await env.travel(9 * MINUTE + 50 * SECOND);
  const query = { code: await env.consent(), state: result.state };
  const release = env.gates.auth.hold();
  const finishing = client.finish(query);
  await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > 0);
  await env.travel(11 * SECOND);
  await runAlarm(edge, vault);
  release();
  const answer = await finishing;
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(await client.connections(), [answer.json().connection]);
});

test("a Durable Object that ends between start, finish and a repeated finish forgets nothing", async () => {
  const client = env.client();
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  await killAll();
  const answer = await client.finish(query);
  assert.equal(answer.json().kind, "connected", answer.text);
  await killAll();
  assert.deepEqual((await client.finish(query)).json(), answer.json());
  assert.deepEqual(await client.connections(), [answer.json().connection]);
  await killAll();
  assertProblem(await client.finish({ ...query, code: await env.consent() }), { code: "state_used" });
  assert.equal((await simulator.tokenRequests()).length, 1);
});

/** Kills the Vault while it waits for the answer to an exchange, and returns the finish's answer. */
async function killedDuringExchange(client, { commit }, isUnderWay) {
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  // Nobody waits for so long: the kill ends it.
  await simulator.fault({ endpoint: "exchange", kind: "slow_headers", ms: MINUTE, commit });
  const finishing = client.finish(query);
  await until("the exchange is under way", isUnderWay);
  await killAll();
  return { query, answer: await finishing };
}

test("a Vault killed before Smartcar has used the code: the same finish still connects, once", async () => {
  const client = env.client();
  const isUnderWay = async () => (await simulator.tokenRequests()).length === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: false }, isUnderWay);
  const outcome = answer.status === 200 ? answer : await client.finish(query);
  assert.equal(outcome.json().kind, "connected", outcome.text);
  assert.equal((await simulator.counts()).exchangeCommitted, 1);
  assert.deepEqual(await client.connections(), [outcome.json().connection]);
});

test("a Vault killed after Smartcar has used the code: a typed answer, and the owner can start again", async () => {
  const client = env.client();
  const isUnderWay = async () => (await simulator.counts()).exchangeCommitted === 1;
  const { query, answer } = await killedDuringExchange(client, { commit: true }, isUnderWay);
  assertProblem(answer);
  assertProblem(await client.finish(query), { code: "exchange_refused" });
  assert.deepEqual(await client.connections(), []);
  await env.connected(client);
});

test("of seventeen attempts the oldest makes room, unless its code is being exchanged", async () => {
  const client = env.client();
  const { result: first, vault } = await firstVisit(env, () => client.start());
  const attempts = [];
  const startLater = async () => {
    await env.travel(SECOND);
    attempts.push(await client.start());
  };
  while (attempts.length < 15) await startLater();
  const query = { code: await env.consent(), state: first.state };
  const release = env.gates.auth.hold();
  const finishing = client.finish(query);
  await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > 0);
  // The seventeenth alone: the exchange waits for ten seconds of the real clock, and no longer.
  await startLater();
  const pending = (await storedRecords(edge, vault)).filter(([name]) => name.startsWith("pending/"));
  assert.equal(pending.length, 16, "the ceiling");
  release();
  assert.equal((await finishing).json().kind, "connected", "the one in exchange has stayed");
  const [evicted, ...kept] = attempts;
  assertProblem(await client.finish({ error: "access_denied", state: evicted.state }), { code: "state_unknown" });
  for (const { state } of kept) {
    assert.equal((await client.finish({ error: "access_denied", state })).status, 200);
  }
});

/** The nonce of a sealed record: it stands after the version, the key's id and the generation. */
function nonceOf(record) {
  const bytes = Buffer.from(record, "base64url");
  const start = 2 + bytes[1] + 8;
  return bytes.subarray(start, start + 12).toString("hex");
}

test("no two records are sealed with one nonce, nor is one that is written again", async () => {
  const client = env.client();
  const { vault } = await firstVisit(env, () => client.start());
  const before = new Map(await storedRecords(edge, vault));
  // The visit is noted again, half a day later.
  await env.travel(13 * 60 * MINUTE);
  await client.start();
  await client.start();
  const written = (await storedRecords(edge, vault)).filter(([name, record]) => before.get(name) !== record);
  assert.ok(written.some(([name]) => before.has(name)), "a record was written again");
  const nonces = [...before, ...written].map(([, record]) => nonceOf(record));
  assert.equal(new Set(nonces).size, nonces.length, nonces.join(" "));
});

test("a vault serves nobody but its owner", async () => {
  const client = env.client();
  const { result: connection, vault } = await firstVisit(env, () => env.connected(client));
  const asks = (principal, operation) =>
    askVault(edge, vault, { caller: principal && { principal, session_ends_at: null }, operation });
  const operations = [
    { connections: null },
    "vehicles",
    { token: { select: { connection: connection.id }, rejected: null } },
    { disconnect: connection.id },
    "disconnect_all",
    { finish: `error=access_denied&state=${mintState().state}` },
  ];
  for (const principal of ["anonymous:somebody", `${client.principal}A`, null]) {
    for (const operation of operations) {
      const reply = await asks(principal, operation);
      assert.equal(reply.problem?.code, "storage_unavailable", JSON.stringify(reply));
    }
  }
  assert.equal("token" in (await asks(client.principal, operations[2])), true);
  assert.deepEqual(await client.connections(), [connection]);
});
