// A connection goes from the vault of an anonymous session to that of a user, whatever dies meanwhile.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { BackEnd, ticketFor } from "../harness/callers.mjs";
import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { killAtWrite, storedKeys, wasKilled } from "../harness/instrumented.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections({ gated: true });
const { env, simulator, edge, carIds, kv, quietMinutes } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

/** More writes than a claim makes in a vault. */
const MOST_WRITES = 20;
const asBackEnd = { authorization: `Bearer ${SERVICE_KEY}` };
let users = 0;

const connectionsOf = (user) => new BackEnd(env, user).connectionIds();

/** A visitor with a car, and a user whose vault is there: each with the vault. */
async function both() {
  const user = `user-${(users += 1)}`;
  const visitor = await fixture.idleOwner({ vehicles: [carIds[0]], user: `${user}@example.com` });
  const visit = await firstVisit(env, async () => env.client().post("/session", { ticket: await ticketFor(env, user) }));
  return { user, visitor, claimant: visit.vault };
}

const claim = async ({ client }, user) => client.post("/session/claim", { ticket: await ticketFor(env, user) });

/** The page claims until it is told that it has, as it would. */
async function claimAtLast(visitor, user) {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = await claim(visitor, user);
    if (answer.status === 200) return;
    assert.equal(answer.status, 503, answer.text);
  }
  assert.fail("three claims in a row have failed");
}

/** The kill that is planned may hit an alarm, which the platform rings again. */
async function quietAtLast(vault) {
  await quietMinutes(vault).catch(async (error) => {
    assert.ok(await wasKilled(edge), error);
    await quietMinutes(vault);
  });
}

/** Whether Smartcar honours the token that the back end gets of the user's connection. */
async function isUsable(user, connectionId) {
  const headers = { ...asBackEnd, "content-type": "application/json" };
  const body = JSON.stringify({ principal: `user:${user}`, connectionId });
  const answer = await env.client().request("POST", "/internal/token", { headers, body });
  return answer.status === 200 && simulator.honours(answer.json().accessToken);
}

async function assertMoved({ user, visitor }) {
  assert.deepEqual(await connectionsOf(user), [visitor.connection.id]);
  assert.deepEqual(await storedKeys(edge, visitor.vault), [], "the vault that was claimed is empty");
  const left = [...kv.store.entries().values()].filter(({ metadata }) => metadata?.includes(visitor.vault));
  assert.deepEqual(left, [], "nothing in KV leads to it");
  assert.ok(await isUsable(user, visitor.connection.id));
  assert.deepEqual(await simulator.disconnects(), []);
}

/** Lets one of the two die at each write of a claim in turn. Returns how many there were. */
async function dyingAtEachWrite(vaultOf, when) {
  for (let skip = 0; skip < MOST_WRITES; skip += 1) {
    const it = await both();
    await killAtWrite(edge, when, { vault: vaultOf(it), skip });
    await claimAtLast(it.visitor, it.user);
    for (const each of [it.visitor.vault, it.claimant]) await quietAtLast(each);
    await assertMoved(it);
    if (!(await wasKilled(edge))) return skip;
  }
  return assert.fail("it writes without end");
}

test("either vault can die before and after each of its writes, and the car is in one vault in the end", async () => {
  for (const vaultOf of [({ visitor }) => visitor.vault, ({ claimant }) => claimant]) {
    for (const when of ["before", "after"]) assert.ok((await dyingAtEachWrite(vaultOf, when)) >= 3, when);
  }
});

test("a refresh that is under way when its connection is claimed brings its pair to the claimant, and is the only one", async () => {
  const it = await both();
  const { principal } = it.visitor.client;
  const connectionId = it.visitor.connection.id;
  await env.travel(3 * HOUR);
  const before = (await simulator.tokenRequests()).length;
  const release = env.gates.auth.hold();
  const headers = { ...asBackEnd, "content-type": "application/json" };
  const body = JSON.stringify({ principal, connectionId });
  const asking = env.client().request("POST", "/internal/token", { headers, body });
  await until("the refresh is under way", async () => (await simulator.tokenRequests()).length > before);
  const claiming = claim(it.visitor, it.user);
  await until("it is claimed", async () => (await it.visitor.client.connectionIds().catch(() => [])).length === 0);
  assert.deepEqual(await connectionsOf(it.user), []);
  release();
  assert.equal((await asking).status, 200);
  assert.equal((await claiming).status, 200);
  await until("it has arrived", async () => (await connectionsOf(it.user)).length === 1);
  for (const each of [it.visitor.vault, it.claimant]) await quietMinutes(each);
  await assertMoved(it);
  assert.equal((await simulator.tokenRequests()).length, before + 1);
});

test("what a user had deleted before it arrived is ended at Smartcar, and kept by nobody", async () => {
  for (let skip = 0; skip < 3; skip += 1) {
    await fixture.reset();
    const it = await both();
    // It dies with the claim noted and the connection not sent, or not known to have arrived.
    await killAtWrite(edge, "after", { vault: it.visitor.vault, skip });
    const answer = await claim(it.visitor, it.user);
    assert.ok(await wasKilled(edge), `write ${skip}, ${answer.status}`);
    assert.equal((await new BackEnd(env, it.user).delete("/connections")).status, 204);
    for (const each of [it.claimant, it.visitor.vault, it.claimant]) await quietMinutes(each);
    assert.deepEqual(await connectionsOf(it.user), []);
    for (const vault of [it.visitor.vault, it.claimant]) assert.deepEqual(await storedKeys(edge, vault), []);
    assert.deepEqual((await simulator.disconnects()).map(({ vehicleId }) => vehicleId), [carIds[0]]);
  }
});
