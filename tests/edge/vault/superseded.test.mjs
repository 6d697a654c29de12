// The same car connected again replaces its former connection, whatever went wrong or overtook what.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { send } from "../harness/http.mjs";
import { kill, runAlarm } from "../harness/instrumented.mjs";
import { until } from "../harness/until.mjs";

const HOUR = 60 * 60 * 1000;

const fixture = await openConnections();
const { env, simulator, edge, owner, quietMinutes } = fixture;
after(() => fixture.close());
let carIds;
beforeEach(async () => {
  carIds = await fixture.reset();
});

async function idsOf(client) {
  return (await client.connections()).map(({ id }) => id);
}

/** Checks that the token of `connection` is one that Smartcar takes. */
async function works(client, connection) {
  const answer = await client.token(connection);
  assert.equal(answer.status, 200, answer.text);
  const authorization = `Bearer ${answer.json().accessToken}`;
  const { status, text } = await send(`${simulator.origin}/v2.0/vehicles`, { headers: { authorization } });
  assert.equal(status, 200, text);
}

/** An owner whose first connection's list Smartcar did not give; the second has the same car and was listed. */
async function listedLater() {
  const vaults = new Set(await edge.vaultIds());
  const client = env.client();
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
  const first = (await env.connect(client, { vehicles: [carIds[0]] })).answer.json().connection;
  const [vault] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
  await simulator.clearFaults();
  await env.travel(1000);
  const second = (await env.connect(client, { vehicles: [carIds[0]] })).answer.json().connection;
  assert.deepEqual(await idsOf(client), [first.id, second.id], "what the first one covers is not known yet");
  return { client, vault, first, second };
}

async function told() {
  return (await simulator.requests()).filter(({ method }) => method === "DELETE").length;
}

test("a connection whose list comes later than its successor's gives way to it", async () => {
  const { client, vault, second } = await listedLater();
  await quietMinutes(vault);
  assert.deepEqual(await idsOf(client), [second.id]);
  assert.equal(await told(), 0, "Smartcar would end the newer grant too");
  await works(client, second);
});

test("disconnecting it instead leaves its successor alone", async () => {
  const { client, first, second } = await listedLater();
  assert.equal((await client.delete(`/connections/${first.id}`)).status, 204);
  assert.deepEqual(await idsOf(client), [second.id]);
  assert.equal(await told(), 0);
  assert.doesNotMatch(edge.log(), /"disconnect","outcome":"told"/);
  await works(client, second);
});

test("of two that are made at once the later one stays", async () => {
  const client = env.client();
  await client.start();
  await simulator.fault({ endpoint: "vehicles", kind: "slow_headers", ms: 1500, times: 1 });
  const slow = env.connect(client, { vehicles: [carIds[0]] });
  await until("the first one is being listed", async () =>
    (await simulator.requests()).some(({ endpoint, status }) => endpoint === "vehicles" && status === null),
  );
  const quick = await env.connect(client, { vehicles: [carIds[0]] });
  const { connection } = quick.answer.json();
  assert.ok([200, 404].includes((await slow).answer.status));
  assert.deepEqual(await idsOf(client), [connection.id]);
  await works(client, connection);
});

test("a connection gives up the cars that a newer one covers, and keeps the others", async () => {
  const { client, made } = await owner([carIds[0], carIds[1]], [carIds[1], carIds[2]]);
  const covered = (await client.connections()).map(({ vehicles }) => vehicles.map(({ id }) => id).sort());
  assert.deepEqual(covered, [[carIds[0]], [carIds[1], carIds[2]].sort()]);
  for (const connection of made) await works(client, connection);
});

test("a disconnection that the alarm takes up does not end the connection that was made since", async () => {
  const it = await owner([carIds[0]]);
  await simulator.fault({ endpoint: "disconnect", kind: "slow_headers", ms: 3000, times: 1 });
  const deleting = it.client.delete(`/connections/${it.made[0].id}`);
  await until("Smartcar is being told", async () => (await told()) > 0);
  await kill(edge, it.vault).catch(() => {});
  await deleting;
  await simulator.clearFaults();
  await env.travel(20_000);
  const { connection } = (await env.connect(it.client, { vehicles: [carIds[0]] })).answer.json();
  const before = await told();
  await env.travel(15_000);
  await runAlarm(edge, it.vault);
  await quietMinutes(it.vault);
  assert.equal(await told(), before);
  await env.travel(2 * HOUR);
  await works(it.client, connection);
});

test("nor does disconnecting the older one as long as the newer one's cars are not known", async () => {
  const it = await owner([carIds[0]]);
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
  const { connection } = (await env.connect(it.client, { vehicles: [carIds[0]] })).answer.json();
  assert.equal((await it.client.delete(`/connections/${it.made[0].id}`)).status, 204);
  assert.equal(await told(), 0);
  assert.match(edge.log(), /"event":"disconnect","outcome":"kept"/);
  await simulator.clearFaults();
  await quietMinutes(it.vault);
  await env.travel(2 * HOUR);
  await works(it.client, connection);
});

test("cars that could not be listed for three hours are listed when Smartcar is well again", async () => {
  const vaults = new Set(await edge.vaultIds());
  const client = env.client();
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
  await env.connect(client, { vehicles: [carIds[0]] });
  const [vault] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
  for (let hour = 0; hour < 3; hour += 1) await hourPasses(vault);
  await simulator.clearFaults();
  for (let hour = 0; hour < 2; hour += 1) await hourPasses(vault);
  await until("the car is known", async () => (await client.connections())[0].vehicles.length === 1);
});

async function hourPasses(vault) {
  for (let round = 0; round < 12; round += 1) {
    await env.travel(HOUR / 12);
    await runAlarm(edge, vault);
  }
}
