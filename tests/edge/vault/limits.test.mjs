// What one caller can have under way, whom a vault serves, and that what is given up is given up.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { askVault, fill, mostKeysAtOnce, storedKeys, storedRecords } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({
  gated: true,
  variants: (values) => [
    { name: "limited", bindings: { ...values, FINISHES_ADMITTED: "2" } },
    { name: "unlimited", bindings: { ...values, FINISHES_ADMITTED: "fails" } },
  ],
});
const { env, edge, simulator, carIds, kv } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

test("of many callbacks at once a few are exchanged, and the others told to come again", async () => {
  const client = env.client();
  const queries = [];
  for (let n = 0; n < 16; n += 1) queries.push({ code: `made-up-${n}`, state: (await client.start()).state });
  const release = env.gates.auth.hold();
  const answers = queries.map((query) => client.finish(query));
  // Which four come first is not said: requests that are sent together may arrive in any order.
  let answered = 0;
  for (const answer of answers) answer.then(() => (answered += 1));
  await until("four are under way", async () => (await simulator.tokenRequests()).length >= 4);
  await until("the others are answered", () => answered >= 12);
  release();
  const all = await Promise.all(answers);
  const limited = all.filter(({ status }) => status === 429);
  assert.equal(limited.length, 12);
  for (const answer of limited) {
    assertProblem(answer, { code: "too_many_requests" });
    assert.equal(answer.headers["retry-after"], "5");
  }
  assert.equal((await simulator.tokenRequests()).length, 4);
  const refused = queries[all.findIndex(({ status }) => status === 429)];
  const late = await client.finish({ ...refused, code: await env.consent() });
  assert.equal(late.json().kind, "connected", late.text);
});

test("different callbacks at once have different answers, and the same one has one", async () => {
  const client = env.client();
  const good = { code: await env.consent(), state: (await client.start()).state };
  const bad = { code: "made-up", state: (await client.start()).state };
  const release = env.gates.auth.hold();
  const answers = [good, bad, good, bad].map((query, n) => client.finish(query, { isolate: n % 2 }));
  await until("both are under way", async () => (await simulator.tokenRequests()).length >= 2);
  release();
  const [first, second, third, fourth] = await Promise.all(answers);
  assert.equal(first.json().kind, "connected", first.text);
  assert.deepEqual(third.json(), first.json());
  for (const refused of [second, fourth]) assertProblem(refused, { code: "exchange_refused" });
  assert.equal((await simulator.tokenRequests()).length, 2);
});

test("all callers together finish no more than a rate limit admits, and one that fails stops nobody", async () => {
  const finish = async (isolate) => {
    const client = env.client();
    const { state } = await client.start({ isolate });
    return client.finish({ code: "made-up", state }, { isolate });
  };
  for (const code of ["exchange_refused", "exchange_refused", "too_many_requests", "too_many_requests"]) {
    assertProblem(await finish("limited"), { code });
  }
  assert.equal((await simulator.tokenRequests()).length, 2);
  for (let n = 0; n < 3; n += 1) assertProblem(await finish("unlimited"), { code: "exchange_refused" });
});

test("a caller has no more than sixteen connections started, however many are asked for", async () => {
  const client = env.client();
  const { vault } = await firstVisit(env, () => client.start());
  for (let n = 0; n < 30; n += 1) await client.start();
  const pending = (await storedKeys(edge, vault)).filter((key) => key.startsWith("pending/"));
  assert.equal(pending.length, 16);
});

test("a call to Smartcar that is given up at its deadline is not left open", async () => {
  const client = env.client();
  const { state } = await client.start();
  const code = await env.consent();
  const release = env.gates.auth.hold();
  const answer = await client.finish({ code, state });
  assertProblem(answer, { code: "upstream_unavailable" });
  assert.match(answer.json().detail, /timed_out/);
  await until("the connection is closed", () => env.gates.auth.waiting() === 0);
  release();
});

test("a vault serves nobody but the principal that it belongs to", async () => {
  const anna = await fixture.owner({ vehicles: [carIds[0]] });
  const ask = (principal, operation) => askVault(edge, anna.vault, { caller: { principal, session_ends_at: null }, operation });
  assert.ok((await ask(anna.client.principal, { connections: null })).body.includes(anna.connection.id));
  for (const operation of [
    { connections: null },
    "vehicles",
    { token: { select: { connection: anna.connection.id }, rejected: null } },
    { disconnect: anna.connection.id },
    "disconnect_all",
  ]) {
    const reply = await ask("user:somebody-else", operation);
    assert.equal(reply.problem?.code, "storage_unavailable", JSON.stringify(reply));
  }
  assert.equal((await askVault(edge, anna.vault, { caller: null, operation: { connections: null } })).problem?.code, "storage_unavailable");
  assert.deepEqual(await anna.client.connectionIds(), [anna.connection.id]);
});

test("no two records are sealed with one nonce", async () => {
  const it = await fixture.owner({ vehicles: [carIds[0]] });
  const sealed = [];
  for (let visit = 0; visit < 3; visit += 1) {
    await it.client.start();
    sealed.push(...(await storedRecords(edge, it.vault)).map(([, record]) => record));
  }
  sealed.push(...[...kv.store.entries().values()].flatMap(({ value }) => String(value).split(".")));
  const records = [...new Set(sealed)].filter((record) => record !== "");
  // Version, length of the key id, key id `k1`, generation; then the nonce.
  const nonces = records.map((record) => Buffer.from(record, "base64url").subarray(12, 24).toString("hex"));
  assert.ok(records.length >= 8, `${records.length} records`);
  assert.equal(new Set(nonces).size, records.length);
});

test("a vault of more records than the platform takes at once is deleted all the same", async () => {
  const it = await fixture.idleOwner({ vehicles: [carIds[0]] });
  await fill(edge, it.vault);
  assert.equal((await it.client.delete("/connections")).status, 204);
  const left = (await storedKeys(edge, it.vault)).filter((key) => key.startsWith("pending/"));
  assert.deepEqual(left, []);
  const most = await mostKeysAtOnce(edge);
  assert.ok(most > 100 && most <= 128, `${most} keys at once`);
  await fixture.quietMinutes(it.vault);
  await fixture.assertNothingStored(it);
});
