// What does not end as planned, in the vault: a grant without cars, one whose cars a second Connect has taken away, and a car of two
// owners. Nothing is left half connected, and nothing is refreshed that is of no use.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, beforeEach, test } from "node:test";

import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { runAlarm } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { env, simulator, edge, carIds, quietMinutes } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

const NO_CARS = { endpoint: "vehicles", kind: "status", status: 200, body: { vehicles: [], paging: { count: 0, offset: 0 } } };

const ids = (vehicles) => vehicles.map(({ id }) => id).sort();
const standing = ({ status, cause }) => [status, cause];

async function lists() {
  return (await simulator.requests()).filter(({ endpoint }) => endpoint === "vehicles").length;
}

/** What Smartcar's token endpoint is asked while a month passes, with every alarm that is due. */
async function refreshesInAMonth(vault) {
  const before = (await simulator.tokenRequests()).length;
  for (let day = 0; day < 35; day += 5) {
    await env.travel(5 * DAY);
    await runAlarm(edge, vault);
  }
  return (await simulator.tokenRequests()).length - before;
}

test("an account that lists no car twice is told as one without cars, and nothing of it is kept", async () => {
  const client = env.client();
  await simulator.fault({ ...NO_CARS, times: null });
  const { result, vault, stored } = await firstVisit(env, () => env.connect(client));
  const { query, answer } = result;
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().kind, "no_vehicles", answer.text);
  assert.equal(await lists(), 2);
  assert.deepEqual(await client.connections(), []);
  // Whoever asks again is told the same, and the code is not exchanged again.
  assert.deepEqual((await client.finish(query)).json(), answer.json());
  const fingerprint = createHash("sha256").update(query.state).digest("base64url");
  const attempt = (await client.get(`/connect/attempts/${fingerprint}`)).json();
  assert.deepEqual(attempt, { status: "finished", outcome: answer.json() });
  await quietMinutes(vault);
  assert.equal(await refreshesInAMonth(vault), 0);
  assert.equal((await simulator.tokenRequests()).length, 1);
  assert.deepEqual(await simulator.disconnects(), [], "there is no car to disconnect");
  assert.ok(stored().length <= 3, `a grant is left in KV: ${stored()}`);
});

test("a first list that is empty by mistake costs no grant", async () => {
  const client = env.client();
  await simulator.fault({ ...NO_CARS, times: 1 });
  const connection = await env.connected(client, { vehicles: [carIds[0]] });
  assert.deepEqual(ids(connection.vehicles), [carIds[0]]);
  assert.deepEqual(standing(connection), ["active", null]);
  assert.equal((await client.token(connection)).status, 200);
});

test("a connection that lists no car shows it at once, and is over when a minute later there is still none", async () => {
  const it = await fixture.idleOwner({ vehicles: [carIds[0]] });
  await simulator.fault({ ...NO_CARS, times: null });
  await env.travel(6 * MINUTE);
  const [lost] = await it.client.connections();
  assert.deepEqual(standing(lost), ["reconnection_required", "no_vehicles"]);
  assert.deepEqual(ids(lost.vehicles), [carIds[0]], "it is shown which car it was");
  assert.equal((await it.client.token(it.connection)).status, 200, "nothing is lost yet");
  await env.travel(MINUTE);
  await runAlarm(edge, it.vault);
  await until("the grant is over", async () => (await it.client.token(it.connection)).status !== 200);
  assertProblem(await it.client.token(it.connection), { status: 409, code: "reconnection_required" });
  const [over] = await it.client.connections();
  assert.deepEqual([...standing(over), over.since, ids(over.vehicles)], [...standing(lost), lost.since, [carIds[0]]]);
  assert.equal(await refreshesInAMonth(it.vault), 0);
  const back = await it.client.reconnect(it.connection.id);
  assert.equal(back.json().flow, "new_connection", back.text);
});

test("a list that is empty once costs nothing: the next one makes all well", async () => {
  const it = await fixture.idleOwner({ vehicles: [carIds[0]] });
  await simulator.fault({ ...NO_CARS, times: 1 });
  await env.travel(6 * MINUTE);
  assert.equal((await it.client.connections())[0].status, "reconnection_required");
  await env.travel(MINUTE);
  await runAlarm(edge, it.vault);
  await until("it is well again", async () => (await it.client.connections())[0].status === "active");
  await env.travel(2 * HOUR);
  assert.equal((await it.client.token(it.connection)).status, 200);
});

test("a second Connect that takes the cars away that were granted before says so, and nothing refreshes the former grant", async () => {
  await simulator.configure({ consentReplaces: true });
  const it = await fixture.idleOwner({ vehicles: [carIds[0], carIds[1]] });
  const { query, answer } = await env.connect(it.client, { vehicles: [carIds[1], carIds[2]] });
  assert.equal(answer.status, 200, answer.text);
  const { replaced, connection } = answer.json();
  assert.deepEqual(replaced, [{ id: it.connection.id, takenOver: [{ id: carIds[1] }], lost: [{ id: carIds[0] }] }]);
  assert.deepEqual((await it.client.finish(query)).json().replaced, replaced, "whoever asks again is told the same");
  const [former, latter] = await it.client.connections();
  assert.deepEqual([former.id, ...standing(former), ids(former.vehicles)], [
    it.connection.id,
    "reconnection_required",
    "no_vehicles",
    [carIds[0]],
  ]);
  assert.deepEqual([latter.id, latter.status], [connection.id, "active"]);
  await env.travel(MINUTE);
  await runAlarm(edge, it.vault);
  await until("the former grant is over", async () => (await it.client.token(it.connection)).status === 409);
  assert.equal((await it.client.token(connection)).status, 200);
  assert.deepEqual(await simulator.disconnects(), [], "Smartcar would end the new grant too");
  // Who connects all of them again has one connection, and is told what it replaces.
  const again = (await env.connect(it.client, { vehicles: [...carIds] })).answer.json();
  assert.deepEqual(
    again.replaced.map(({ id, takenOver, lost }) => [id, ids(takenOver), lost]),
    [
      [it.connection.id, [carIds[0]], []],
      [connection.id, [carIds[1], carIds[2]].sort(), []],
    ],
  );
  assert.deepEqual(await it.client.connectionIds(), [again.connection.id]);
});

test("a connection that takes nothing away says nothing of the sort", async () => {
  const it = await fixture.idleOwner({ vehicles: [carIds[0]] });
  const { answer } = await env.connect(it.client, { vehicles: [carIds[1]] });
  assert.equal(answer.json().replaced, undefined, answer.text);
});

test("a car of two owners works for both, is shown to each, and stays with the one when the other disconnects", async () => {
  const one = await fixture.idleOwner({ vehicles: [carIds[0]], user: "one@example.com" });
  const other = await fixture.idleOwner({ vehicles: [carIds[0]], user: "other@example.com" });
  assert.deepEqual(await one.client.connectionIds(), [one.connection.id]);
  assert.deepEqual(await other.client.connectionIds(), [other.connection.id]);
  const token = async (owner) => (await owner.client.askToken({ vehicleId: carIds[0] })).json().accessToken;
  assert.notEqual(await token(one), await token(other));
  const path = `/v2.0/vehicles/${carIds[0]}`;
  assert.ok((await simulator.honours(await token(one), path)) && (await simulator.honours(await token(other), path)));

  assert.equal((await one.client.delete(`/connections/${one.connection.id}`)).status, 204);
  assert.equal((await simulator.disconnects()).length, 1);
  assert.deepEqual(await one.client.connections(), []);
  await quietMinutes(other.vault);
  await env.travel(3 * HOUR);
  const [kept] = await other.client.connections();
  assert.deepEqual([kept.id, kept.status, ids(kept.vehicles)], [other.connection.id, "active", [carIds[0]]]);
  assert.ok(await simulator.honours(await token(other), path));
});
