// What leads to a vault besides its principal: the owner's external id, and each Smartcar user of the owner's connections.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections, untilStored } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { killAtWrite, runAlarm, wasKilled } from "../harness/instrumented.mjs";
import { nameOf } from "../harness/kv-names.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { V3 } from "../harness/v3.mjs";

const { kv, env, simulator, edge, carIds, owner, quietMinutes, reset, close } = await openConnections();
after(close);
beforeEach(reset);

// The same of a deployment on Smartcar's v3.
const v3 = await openConnections({ adjust: (values) => ({ ...values, ...V3 }) });
after(v3.close);

const byExternalId = (externalId) => nameOf(env.values.SEALING_KEYS, "kv-name/external-id", externalId);
const byUser = (userId, vault) => `${nameOf(env.values.SEALING_KEYS, "kv-name/user-id", userId)}/${vault}`;

/** The vault that an entry of KV belongs to; `undefined` if there is no such entry. */
function vaultAt(name) {
  const entry = kv.store.entries().get(name);
  return entry && JSON.parse(entry.metadata).vault;
}

/** Connects a car, and returns with what Smartcar knows the owner by. */
async function connect(client, grant) {
  const { state, ...started } = await client.start();
  const { externalId } = started.json();
  const { code, userId } = await simulator.grant({ redirectUri: env.redirectUri, ...grant });
  const { connection } = (await client.finish({ code, state })).json();
  return { externalId, userId, connection };
}

async function newOwner(grant) {
  const client = env.client();
  const { result, vault, stored } = await firstVisit(env, () => connect(client, grant));
  await untilStored([result.connection], stored);
  return { client, vault, stored, ...result };
}

test("an external id and a Smartcar user lead to the vault, and to no other", async () => {
  const anna = await newOwner({ vehicles: [carIds[0]], user: "anna@example.com" });
  const ben = await newOwner({ vehicles: [carIds[1]], user: "ben@example.com" });
  for (const [one, other] of [
    [anna, ben],
    [ben, anna],
  ]) {
    assert.equal(vaultAt(byExternalId(one.externalId)), one.vault);
    assert.equal(vaultAt(byUser(one.userId, one.vault)), one.vault);
    assert.equal(vaultAt(byUser(one.userId, other.vault)), undefined);
  }
});

test("one Smartcar user leads to each of the vaults that keep a connection of that user's", async () => {
  const laptop = await newOwner({ vehicles: [carIds[0]], user: "carla@example.com" });
  const phone = await newOwner({ vehicles: [carIds[1]], user: "carla@example.com" });
  assert.equal(laptop.userId, phone.userId);
  for (const { userId, vault } of [laptop, phone]) assert.equal(vaultAt(byUser(userId, vault)), vault);
});

test("a user whose last connection is disconnected is not looked up by any more, and another one is", async () => {
  const it = await newOwner({ vehicles: [carIds[0]], user: "dora@example.com" });
  const second = await connect(it.client, { vehicles: [carIds[1]], user: "emil@example.com" });
  assert.equal(second.externalId, it.externalId);
  await until("KV has both users", () => vaultAt(byUser(second.userId, it.vault)) === it.vault);
  assert.equal((await it.client.delete(`/connections/${it.connection.id}`)).status, 204);
  await quietMinutes(it.vault);
  assert.equal(vaultAt(byUser(it.userId, it.vault)), undefined);
  assert.equal(vaultAt(byUser(second.userId, it.vault)), it.vault);
  assert.equal(vaultAt(byExternalId(it.externalId)), it.vault);
});

test("an owner who had everything deleted and comes back at once leaves no look-up behind", async () => {
  const it = await newOwner({ vehicles: [carIds[0]], user: "fritz@example.com" });
  // What the vault notes after KV has everything is not to be the write that kills it.
  await idle(env, it.vault);
  await killAtWrite(edge, "after", { vault: it.vault });
  assertProblem(await it.client.delete("/connections"), { status: 503 });
  assert.ok(await wasKilled(edge), "nothing was killed");
  const again = await connect(it.client, { vehicles: [carIds[1]], user: "gina@example.com" });
  assert.notEqual(again.externalId, it.externalId);
  await quietMinutes(it.vault);
  assert.equal(vaultAt(byExternalId(it.externalId)), undefined, "the former external id");
  assert.equal(vaultAt(byUser(it.userId, it.vault)), undefined, "the former user");
  assert.equal(vaultAt(byExternalId(again.externalId)), it.vault);
  assert.equal(vaultAt(byUser(again.userId, it.vault)), it.vault);
});

test("a look-up whose deletion was lost is deleted with the second one", async () => {
  const { client, vault, stored, externalId, userId } = await newOwner({ vehicles: [carIds[0]], user: "hugo@example.com" });
  kv.store.losses = Infinity;
  assert.equal((await client.delete("/connections")).status, 204);
  kv.store.losses = 0;
  assert.equal(vaultAt(byUser(userId, vault)), vault, "the first deletion was lost");
  await quietMinutes(vault);
  assert.deepEqual([vaultAt(byExternalId(externalId)), vaultAt(byUser(userId, vault)), stored()], [undefined, undefined, []]);
});

test("a user whom Smartcar did not tell is asked for again, and looked up by from then on", async () => {
  await simulator.fault({ endpoint: "user", kind: "status", status: 503, body: "", times: null });
  const client = env.client();
  const { result, vault } = await firstVisit(env, () => connect(client, { vehicles: [carIds[0]], user: "ida@example.com" }));
  const isKnown = () => vaultAt(byUser(result.userId, vault)) === vault;
  await runAlarm(edge, vault);
  assert.ok(!isKnown(), "Smartcar has told");
  await simulator.clearFaults();
  for (let minute = 0; minute < 5 && !isKnown(); minute += 1) {
    await env.travel(MINUTE);
    await runAlarm(edge, vault);
    await until("what the alarm began has ended", isKnown).catch(() => {});
  }
  assert.ok(isKnown());
});

test("Smartcar is asked what a car is once, and what it said outlasts refreshes and rate limits", async () => {
  const { client } = await owner({ vehicles: [carIds[0], carIds[1]] });
  const described = async () => (await client.get("/vehicles")).json().vehicles;
  const first = await described();
  for (const vehicle of first) assert.ok(vehicle.make && vehicle.model && vehicle.year, JSON.stringify(vehicle));
  const asked = (await simulator.requests()).length;
  await simulator.fault({ endpoint: "vehicle", kind: "status", status: 429, body: "", times: null });
  for (const span of [0, HOUR, 3 * HOUR, 40 * DAY]) {
    await env.travel(span);
    assert.deepEqual(await described(), first);
  }
  const paths = (await simulator.requests()).slice(asked).map(({ path }) => path);
  assert.deepEqual(paths.filter((path) => /^\/v2\.0\/vehicles\/[^/]+$/.test(path)), [], "asked again");
});

test("a connection of v3 that is undone at once leaves nothing that leads to its user", async () => {
  const client = v3.env.client();
  const { vault, stored } = await firstVisit(v3.env, async () => {
    const { state, ...started } = await client.start();
    const grant = { redirectUri: v3.env.redirectUri, externalId: started.json().externalId, user: "quick@example.com" };
    const { userId } = await v3.simulator.grant(grant);
    const answer = await client.finish({ user_id: userId, state });
    assert.equal(answer.json().kind, "connected", answer.text);
  });
  assert.equal((await client.delete("/connections")).status, 204);
  await v3.quietMinutes(vault);
  assert.deepEqual(stored(), []);
});
