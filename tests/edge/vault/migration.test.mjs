// Connections on the way from Smartcar's v2 to its v3, and back: nothing is lost, nothing is refreshed after it was moved, and
// what can't be moved asks its owner.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { newOwner, untilStored } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { killAtWrite, runAlarm, setClock, storedRecords, wasKilled } from "../harness/instrumented.mjs";
import { openMigration } from "../harness/migration.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { send } from "../harness/http.mjs";
import { PREFIX, SERVICE_KEY, sealingKey } from "../harness/settings.mjs";
import { CLIENT_ID, CLIENT_SECRET } from "../harness/simulator.mjs";
import { DAY, HOUR, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const migration = await openMigration();
const { simulator, kv, ask, reported, refreshes } = migration;
after(() => migration.close());

const cars = (await simulator.configure({})).vehicles.map(({ id }) => id);
let owners = 0;
let offset = 0;
/** All of a day's clocks: the Worker's, Smartcar's and KV's. */
const env = {
  get edge() {
    return migration.edge;
  },
  now: () => Date.now() + offset,
  /** Somebody without a session. */
  stranger: () => migration.client(),
  async travel(ms) {
    offset += ms;
    await setClock(migration.edge, offset);
    await simulator.advance(ms);
    kv.store.advance(ms);
  },
};

/** Deploys the Worker with another `SMARTCAR_MIGRATION`; time goes on. */
async function deploy(mode, settings) {
  await migration.deploy(mode, settings);
  await setClock(migration.edge, offset);
}

beforeEach(async () => {
  await simulator.clearFaults();
  await simulator.configure({ v3: { bucketSize: 100_000 } });
});

/** An owner who has connected with v2, as the Worker sees the owner that is deployed next with `mode`. */
async function ownerOnV2(mode, grant = {}) {
  await deploy(null);
  owners += 1;
  const user = `owner-${owners}@example.com`;
  const owner = await newOwner(migration, { user, ...grant });
  await idle(env, owner.vault);
  await deploy(mode);
  const { id } = owner.connection;
  return {
    ...owner,
    id,
    user,
    client: migration.returning(owner.client),
    /** After another deployment. */
    async under(next) {
      await deploy(next);
      this.client = migration.returning(this.client);
    },
    /** What the report says once a pass has been made. */
    passed: async () => short(await reported(id, "POST")),
    report: async () => short(await reported(id)),
    list: async function list() {
      return (await this.client.connections()).find((one) => one.id === id);
    },
  };
}

/** The tokens of v2 are handed out no more, and the application's own never is. */
function assertNoToken(answer) {
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
  assert.equal(answer.json().accessToken, undefined);
}

const short = (one) => one && [one.state, one.reason];
const idsOf = (vehicles) => vehicles.map(({ id }) => id).sort();
/** What the list of connections says to every question from now on. */
const listSays = (data) =>
  simulator.fault({
    endpoint: "v3_connections",
    kind: "status",
    status: 200,
    body: { data, meta: { totalCount: data.length } },
    times: null,
  });
const entry = (userId, vehicleId) => ({
  id: "c-1",
  type: "connection",
  attributes: { permissions: [] },
  relationships: { user: { data: { id: userId } }, vehicle: { data: { id: vehicleId } } },
});

test("only a service key may see it, and nothing is moved unless that is set", async () => {
  await deploy("unset");
  assertProblem(await ask("POST"), { status: 403, code: "endpoint_not_allowed" });
  assert.equal((await ask("GET")).json().mode, null);
  const path = `${migration.edge.at(0)}${PREFIX}/internal/migration`;
  for (const method of ["GET", "POST"]) {
    assertProblem(await send(path, { method }), { status: 401, code: "service_key_rejected" });
    const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": "42" };
    const named = await send(path, { method, headers });
    assert.ok([400, 403].includes(named.status), named.text);
  }
  assertProblem(await ask("GET", "?cursor=nonsense"), { status: 400, code: "invalid_parameter" });
});

test("a dry run says what would be moved and changes nothing", async () => {
  const owner = await ownerOnV2("dry_run");
  const before = await storedRecords(migration.edge, owner.vault);
  assert.deepEqual(await owner.passed(), ["would_move", null]);
  assert.deepEqual(await storedRecords(migration.edge, owner.vault), before);
  assert.deepEqual(await owner.report(), ["waiting", "not_tried"]);
  await listSays([]);
  assert.deepEqual(await owner.passed(), ["cannot", "vehicle_not_listed"]);
  assert.deepEqual(await storedRecords(migration.edge, owner.vault), before);
  assert.equal((await owner.client.token(owner.connection)).status, 200, "it is on v2");
});

test("what Smartcar's list confirms is moved: same id, same cars, no token of v2, and nothing is refreshed any more", async () => {
  const owner = await ownerOnV2("move");
  const before = await owner.list();
  assert.deepEqual(await owner.passed(), ["moved", null]);
  assert.deepEqual(await owner.passed(), ["moved", null], "a second pass finds it moved");
  await idle(env, owner.vault);
  const { accessExpiresAt, refreshExpiresAt, keptUntil, ...moved } = await owner.list();
  assert.deepEqual([accessExpiresAt, refreshExpiresAt], [null, null]);
  for (const name of ["id", "status", "vehicles", "connectedAt"]) assert.deepEqual(moved[name], before[name], name);
  assertNoToken(await owner.client.token(owner.connection));
  const made = await refreshes();
  for (const days of [1, 31, 40]) {
    await env.travel(days * DAY);
    await runAlarm(migration.edge, owner.vault);
    await owner.client.token(owner.connection);
  }
  assert.equal(await refreshes(), made);
  // Its look-ups are as they were, and Smartcar lists its cars by user alone.
  await until("the list was taken again", async () => (await owner.list()).status === "active");
  assert.deepEqual(idsOf((await owner.list()).vehicles), idsOf(before.vehicles));
  const userId = (await simulator.connections()).at(-1).userId;
  assert.equal((await owner.client.delete(`/connections/${owner.id}`)).status, 204);
  assert.deepEqual((await simulator.connections()).filter((one) => one.userId === userId), []);
  assert.deepEqual(await owner.client.connections(), []);
});

test("what was moved covers no more cars than before, although Smartcar lists others of the same user", async () => {
  const user = "of-two-cars@example.com";
  const owner = await ownerOnV2("move", { user, vehicles: cars.slice(0, 1) });
  await simulator.grant({ user, vehicles: cars.slice(0, 2) });
  assert.deepEqual(await owner.passed(), ["moved", null]);
  assert.deepEqual(idsOf((await owner.list()).vehicles), cars.slice(0, 1));
  const asked = async () => (await simulator.requests()).filter(({ endpoint }) => endpoint === "v3_connections").length;
  const before = await asked();
  await env.travel(6 * MINUTE);
  await owner.list();
  await until("the list was taken again", async () => (await asked()) > before);
  assert.deepEqual(idsOf((await owner.list()).vehicles), cars.slice(0, 1));
  // Only that car is disconnected.
  const userId = (await simulator.connections()).at(-1).userId;
  assert.equal((await owner.client.delete(`/connections/${owner.id}`)).status, 204);
  const left = (await simulator.connections()).filter((one) => one.userId === userId);
  assert.deepEqual(left.map(({ vehicleId }) => vehicleId), cars.slice(1, 2));
});

test("it goes back at once while its tokens are fresh, and later with new ones", async () => {
  const owner = await ownerOnV2("move");
  assert.deepEqual(await owner.passed(), ["moved", null]);
  const { reversibleUntil } = await reported(owner.id);
  assert.ok(reversibleUntil > Date.now() + offset + 50 * DAY, "as long as the refresh token");
  const made = await refreshes();
  await owner.under("reverse");
  assert.deepEqual(await owner.passed(), ["on_v2", null]);
  assert.equal(await refreshes(), made);
  const token = (await owner.client.token(owner.connection)).json().accessToken;
  assert.ok(await simulator.honours(token));

  await owner.under("move");
  assert.deepEqual(await owner.passed(), ["moved", null]);
  await env.travel(3 * HOUR);
  await owner.under("reverse");
  assert.deepEqual(await owner.passed(), ["on_v2", null]);
  assert.equal(await refreshes(), made + 1);
  const renewed = (await owner.client.token(owner.connection)).json().accessToken;
  assert.ok(renewed !== token && (await simulator.honours(renewed)));
});

test("whose tokens of v2 are over stays on v3", async () => {
  const owner = await ownerOnV2("move");
  await owner.passed();
  await env.travel(3 * HOUR);
  await owner.under("reverse");
  const body = JSON.stringify({ error: "server_error" });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body, times: null });
  assert.deepEqual(await owner.passed(), ["waiting", "refresh_failing"]);
  assert.equal((await owner.list()).accessExpiresAt, null, "until then it is on v3");
  await simulator.clearFaults();
  const refused = JSON.stringify({ error: "invalid_grant" });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body: refused, times: null });
  await env.travel(10 * MINUTE);
  assert.deepEqual(await owner.passed(), ["cannot", "tokens_gone"]);
  assert.deepEqual([(await owner.list()).status, (await owner.list()).accessExpiresAt], ["active", null]);
});

/** An owner whose connection was moved, and of which v3 has listed no car twice, although v2 honours the grant. */
async function endedOnV3() {
  const owner = await ownerOnV2("move");
  assert.deepEqual(await owner.passed(), ["moved", null]);
  await idle(env, owner.vault);
  await listSays([]);
  await env.travel(6 * MINUTE);
  await until("the connection has lost its cars", async () => (await owner.list()).status === "reconnection_required");
  await env.travel(2 * MINUTE);
  await runAlarm(migration.edge, owner.vault);
  await until("it has ended", async () => (await owner.report()).join() === "cannot,ended");
  await simulator.clearFaults();
  return owner;
}

test("what has ended on v3 goes back to v2, which honours it, and is well there", async () => {
  const owner = await endedOnV3();
  assert.ok((await reported(owner.id)).reversibleUntil > env.now());
  await owner.under("reverse");
  assert.deepEqual(await owner.passed(), ["on_v2", null]);
  assert.equal((await owner.client.token(owner.connection)).status, 200);
  await until("v2 has listed the cars", async () => (await owner.list()).status === "active");
  const { vehicles, apiVersion } = await owner.list();
  assert.deepEqual([vehicles.length, apiVersion], [cars.length, "v2"]);
});

test("what has ended on v3 is deleted without a word if its owner wants that, and no refresh token is presented for it", async () => {
  const owner = await endedOnV3();
  const [disconnects, refreshes] = [(await simulator.disconnects()).length, (await simulator.counts()).refresh];
  assert.equal((await owner.client.delete(`/connections/${owner.id}`)).status, 204);
  assert.equal((await simulator.disconnects()).length, disconnects);
  assert.equal((await simulator.counts()).refresh, refreshes);
});

test("what has ended on v3 is moved again once the list has it by name", async () => {
  const owner = await endedOnV3();
  assert.deepEqual(await owner.passed(), ["cannot", "ended"], "it is not named");
  await named(owner);
  assert.deepEqual(await owner.passed(), ["moved", null]);
  assert.ok((await reported(owner.id)).reversibleUntil > env.now());
  assert.equal((await owner.list()).status, "active");
});

/** Smartcar knows the owner by the external id that the Worker gave. */
async function named({ client, user }) {
  const { externalId } = (await client.start()).json();
  await simulator.grant({ redirectUri: migration.redirectUri, user, externalId });
}

test("what v2 has ended goes on in v3 without its owner, if the list names the owner's consent", async () => {
  const owner = await ownerOnV2("move");
  await env.travel(3 * HOUR);
  const body = JSON.stringify({ error: "invalid_grant" });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body });
  assertProblem(await owner.client.token(owner.connection), { status: 409, code: "reconnection_required" });
  assert.deepEqual(await owner.passed(), ["cannot", "ended"], "it is not named");
  await named({ client: env.stranger(), user: owner.user });
  assert.deepEqual(await owner.passed(), ["cannot", "ended"], "the same user has connected it in another session");
  await named(owner);
  await owner.under("dry_run");
  assert.deepEqual(await owner.passed(), ["would_move", null]);
  assert.equal((await owner.list()).status, "reconnection_required");
  await owner.under("move");
  await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 503, body: "{}", times: null });
  assert.deepEqual(await owner.passed(), ["waiting", "list_unavailable"]);
  await simulator.clearFaults();
  assert.deepEqual(await owner.passed(), ["moved", null]);
  const { status, apiVersion, vehicles } = await owner.list();
  assert.deepEqual([status, apiVersion, vehicles.length], ["active", "v3", cars.length]);
  assert.equal((await reported(owner.id)).reversibleUntil, null);
});

test("what is finished does not go back, and what was not moved keeps its tokens", async () => {
  const moved = await ownerOnV2("move");
  await moved.passed();
  const other = await ownerOnV2("finish");
  moved.client = migration.returning(moved.client);
  assert.deepEqual(await moved.passed(), ["moved", null]);
  assert.equal((await reported(moved.id)).reversibleUntil, null);
  assert.deepEqual(await other.report(), ["on_v2", null]);
  assert.equal((await other.client.token(other.connection)).status, 200);
  await moved.under("reverse");
  assert.deepEqual(await moved.passed(), ["cannot", "tokens_gone"]);
  assert.equal((await moved.list()).status, "active");
});

test("what can't be moved goes on, asks its owner, and gives its cars to the connection that the owner makes", async () => {
  const owner = await ownerOnV2("move", { vehicles: cars.slice(0, 1) });
  const listed = () =>
    send(`${migration.edge.at(0)}${PREFIX}/internal/connections?status=reauthentication_required&limit=100`, {
      headers: { authorization: `Bearer ${SERVICE_KEY}` },
    });
  const mustAct = async () => (await listed()).json().principals.map(({ principal }) => principal);
  for (const [data, reason] of [
    [[], "vehicle_not_listed"],
    [[entry("somebody-else", cars[0])], "listed_with_another_user"],
  ]) {
    await simulator.clearFaults();
    await listSays(data);
    assert.deepEqual(await owner.passed(), ["cannot", reason]);
    assert.deepEqual(await owner.report(), ["cannot", reason], "it is kept");
    const { status, cause } = await owner.list();
    assert.deepEqual([status, cause], ["reauthentication_required", "cannot_migrate"]);
    assert.equal((await owner.client.token(owner.connection)).status, 200, "it goes on working");
    await until("it is in the list of those who must act", async () => (await mustAct()).includes(owner.client.principal));
  }
  await simulator.clearFaults();
  const begun = await owner.client.reconnect(owner.id);
  assert.equal(begun.json().flow, "new_connection", begun.text);
  const { externalId } = begun.json();
  const grant = { user: "another-account@example.com", vehicles: cars.slice(0, 1), externalId };
  const { userId } = await simulator.grant({ redirectUri: migration.redirectUri, ...grant });
  const finished = await owner.client.finish({ user_id: userId, state: begun.state });
  assert.equal(finished.json().kind, "connected", finished.text);
  const { connection } = finished.json();
  await until("the former one is gone", async () => (await owner.client.connections()).length === 1);
  assert.deepEqual((await owner.client.connections())[0].id, connection.id);
  assert.deepEqual(short(await reported(connection.id)), ["made_for_v3", null]);
  assert.equal(await reported(owner.id), undefined);
});

test("what could not be moved is moved when the list has it, and its owner is left alone", async () => {
  const owner = await ownerOnV2("move");
  await listSays([]);
  assert.deepEqual(await owner.passed(), ["cannot", "vehicle_not_listed"]);
  await simulator.clearFaults();
  assert.deepEqual(await owner.passed(), ["moved", null]);
  assert.deepEqual([(await owner.list()).status, (await owner.list()).cause], ["active", null]);
});

test("whose Smartcar user is not known is moved if the list has the cars with one user alone", async () => {
  const body = "";
  await simulator.fault({ endpoint: "user", kind: "status", status: 503, body, times: null });
  await deploy(null);
  const client = migration.client();
  const connection = await client.connected(simulator, { user: "unknown@example.com", vehicles: cars.slice(0, 1) });
  await deploy("move");
  await listSays([entry("one", cars[0]), entry("two", cars[0])]);
  assert.deepEqual(short(await reported(connection.id, "POST")), ["cannot", "more_than_one_user"]);
  const { userId } = (await simulator.connections()).at(-1);
  await simulator.clearFaults();
  await simulator.fault({ endpoint: "user", kind: "status", status: 503, body, times: null });
  await listSays([entry(userId, cars[0])]);
  assert.deepEqual(short(await reported(connection.id, "POST")), ["moved", null]);
});

test("a car that was sold is not moved onto the user who has it now, although the seller's is not known", async () => {
  await simulator.fault({ endpoint: "user", kind: "status", status: 503, body: "", times: null });
  await deploy(null);
  const client = migration.client();
  const connection = await client.connected(simulator, { user: "seller@example.com", vehicles: cars.slice(0, 1) });
  await deploy("move");
  // Nobody has noticed yet that v2 does not honour the grant any more.
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 503, body: "", times: null });
  await listSays([entry("buyer", cars[0])]);
  assert.deepEqual(short(await reported(connection.id, "POST")), ["waiting", "user_unknown"]);
  const { status, cause } = (await migration.returning(client).connections()).find(({ id }) => id === connection.id);
  assert.deepEqual([status, cause], ["active", null]);
});

test("no owner is asked to connect again because v2 could not be asked", async () => {
  const owner = await ownerOnV2("move");
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 429, body: "", times: null });
  await listSays([]);
  assert.deepEqual(await owner.passed(), ["waiting", "vehicles_unknown"]);
  assert.deepEqual([(await owner.list()).status, (await owner.list()).cause], ["active", null]);
  await simulator.clearFaults();
  await listSays([]);
  await env.travel(6 * MINUTE);
  assert.deepEqual(await owner.passed(), ["cannot", "vehicle_not_listed"]);
});

test("a list that fails changes nothing, and where Smartcar wants to be left alone the page ends", async () => {
  const owner = await ownerOnV2("move");
  await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 503, body: "", times: null });
  assert.deepEqual(await owner.passed(), ["waiting", "list_unavailable"]);
  assert.deepEqual([(await owner.list()).status, (await owner.list()).cause], ["active", null], "nobody is asked");
  await simulator.clearFaults();
  const headers = { "retry-after": "7" };
  await simulator.fault({ endpoint: "v3_connections", kind: "status", status: 429, body: "", headers, times: 1 });
  const waits = [];
  const wait = async (seconds) => waits.push(seconds);
  const { connections } = await migration.pass("POST", { wait });
  assert.deepEqual(waits, [7]);
  const own = connections.filter(({ id }) => id === owner.id);
  assert.deepEqual(own.map(short), [["moved", null]], "once");
});

test("a consent in v3 to one of the cars that were moved leaves the other where it was, with its way back", async () => {
  const user = "of-two-moved@example.com";
  const owner = await ownerOnV2("move", { user, vehicles: cars.slice(0, 2) });
  assert.deepEqual(await owner.passed(), ["moved", null]);
  const { reversibleUntil } = await reported(owner.id);
  const { userId } = (await simulator.connections()).at(-1);
  const begun = await owner.client.start();
  await listSays([{ ...entry(userId, cars[0]), attributes: { permissions: [], user: { externalId: begun.json().externalId } } }]);
  const finished = await owner.client.finish({ user_id: userId, state: begun.state });
  assert.equal(finished.json().kind, "connected", finished.text);
  await simulator.clearFaults();
  const { connection } = finished.json();
  assert.notEqual(connection.id, owner.id);
  const all = await owner.client.connections();
  assert.deepEqual(idsOf(all.find(({ id }) => id === owner.id).vehicles), [cars[1]]);
  const left = await reported(owner.id);
  assert.deepEqual([left.state, left.reversibleUntil], ["moved", reversibleUntil]);
});

for (const when of ["before", "after"]) {
  test(`a vault that is killed ${when} the write of the move has moved it or not, and the next pass does`, async () => {
    const owner = await ownerOnV2("move");
    await killAtWrite(migration.edge, when, { vault: owner.vault });
    const { counts } = await migration.pass("POST");
    assert.ok(await wasKilled(migration.edge), "nothing was killed");
    assert.equal(counts.unanswered, 1);
    const expected = when === "before" ? ["waiting", "not_tried"] : ["moved", null];
    assert.deepEqual(await owner.report(), expected);
    assert.deepEqual(await owner.passed(), ["moved", null]);
    await owner.under("reverse");
    assert.deepEqual(await owner.passed(), ["on_v2", null]);
    const { accessToken } = (await owner.client.token(owner.connection)).json();
    assert.ok(await simulator.honours(accessToken));
  });
}

test("a refresh that is under way ends first, and what it brings is kept for the way back", async () => {
  const owner = await ownerOnV2("move");
  await env.travel(3 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "slow_headers", ms: 5_000, commit: true });
  const asked = owner.client.token(owner.connection);
  await until("the refresh is under way", async () => (await simulator.pending("refresh")) === 1);
  const passed = owner.passed();
  assert.equal((await asked).status, 200);
  assert.deepEqual(await passed, ["moved", null]);
  const { accessToken } = (await asked).json();
  await owner.under("reverse");
  assert.deepEqual(await owner.passed(), ["on_v2", null]);
  assert.equal((await owner.client.token(owner.connection)).json().accessToken, accessToken);
});

test("a connection whose refresh may have used its token up waits", async () => {
  const owner = await ownerOnV2("move");
  await env.travel(3 * HOUR);
  await simulator.fault({ endpoint: "refresh", kind: "reset_after", times: 2 });
  assertProblem(await owner.client.token(owner.connection), { status: 503 });
  assert.deepEqual(await owner.passed(), ["waiting", "refresh_under_way"]);
  await env.travel(20_000);
  assert.equal((await owner.client.token(owner.connection)).status, 200);
  assert.deepEqual(await owner.passed(), ["moved", null]);
});

test("who disconnects while the list is asked for stays disconnected", async () => {
  const owner = await ownerOnV2("move");
  await simulator.fault({ endpoint: "v3_connections", kind: "slow_headers", ms: 5_000, times: 1 });
  const passed = owner.passed();
  await until("the list is asked for", async () => (await simulator.pending("v3_connections")) === 1);
  assert.equal((await owner.client.delete(`/connections/${owner.id}`)).status, 204);
  assert.equal(await passed, undefined);
  assert.deepEqual(await owner.client.connections(), []);
  assert.equal(await owner.report(), undefined);
});

test("a user who claims what was moved has it with its way back", async () => {
  const owner = await ownerOnV2("move");
  assert.deepEqual(await owner.passed(), ["moved", null]);
  const { reversibleUntil } = await reported(owner.id);
  const backEnd = { ...owner.client.guards, authorization: `Bearer ${SERVICE_KEY}`, cookie: undefined, origin: undefined };
  const ticket = await owner.client.post("/internal/sessions", { user: "42" }, { headers: backEnd });
  const claimed = await owner.client.post("/session/claim", { ticket: ticket.json().ticket });
  assert.equal(claimed.status, 200, claimed.text);
  await until("the report has it as the user's", async () => (await reported(owner.id))?.user === "42");
  const of42 = await reported(owner.id);
  assert.deepEqual([of42.state, of42.reversibleUntil], ["moved", reversibleUntil]);
  assert.deepEqual(await owner.client.connectionIds(), [owner.id]);
  await owner.under("reverse");
  await until("it has gone back", async () => (await owner.passed())?.[0] === "on_v2");
  const token = await owner.client.askToken({ principal: "user:42", connectionId: owner.id });
  assert.ok(await simulator.honours(token.json().accessToken), token.text);
});

test("the tokens of v2 that are kept are sealed with the new key when the keys are rotated", async () => {
  const owner = await ownerOnV2("move");
  await owner.passed();
  await untilStored([owner.connection], owner.stored);
  const retired = migration.keys[0];
  migration.keys.unshift(sealingKey("k2"));
  await owner.under("unset");
  for (let runs = 0; !(await migration.report()).rotation?.complete; runs += 1) {
    assert.ok(runs < 100, JSON.stringify(await migration.report()));
    await migration.edge.scheduled();
  }
  migration.keys.splice(migration.keys.indexOf(retired), 1);
  await owner.under("reverse");
  assert.deepEqual(await owner.passed(), ["on_v2", null]);
  const { accessToken } = (await owner.client.token(owner.connection)).json();
  assert.ok(await simulator.honours(accessToken));
});

test("a grant that was imported and then moved is answered as it is by now when it is imported again", async () => {
  await deploy(null);
  const user = "imported-and-moved";
  const { code } = await simulator.grant({ redirectUri: migration.redirectUri, user: "imported@example.com" });
  const exchanged = await send(`${simulator.origin}/oauth/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "old-back-end/1",
    },
    body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: migration.redirectUri }).toString(),
  });
  const refreshToken = exchanged.json().refresh_token;
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json", "smartcar-connect-user": user };
  const imports = () =>
    send(`${migration.edge.at(0)}${PREFIX}/internal/import`, { method: "POST", headers, body: JSON.stringify({ refreshToken }) });
  const { id } = (await imports()).json();
  await deploy("move");
  assert.equal((await reported(id, "POST")).state, "moved");
  const before = await refreshes();
  const again = await imports();
  assert.equal(again.status, 200, again.text);
  assert.deepEqual([again.json().id, again.json().status, again.json().apiVersion], [id, "active", "v3"]);
  assert.equal(await refreshes(), before);
});
