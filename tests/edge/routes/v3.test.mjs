// Smartcar's v3: a connection is what Smartcar's list of connections says, and the token is the application's own.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { carOfV3 } from "../harness/api.mjs";
import { burst } from "../harness/burst.mjs";
import { storedData } from "../harness/disk.mjs";
import { openEnv } from "../harness/env.mjs";
import { send } from "../harness/http.mjs";
import { firstVisit } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { instrumentedModules, killAtWrite, runAlarm, storedKeys, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { until } from "../harness/until.mjs";
import { V3 } from "../harness/v3.mjs";

const env = await openEnv({
  isolates: 4,
  modules: instrumentedModules(),
  adjust: ({ SMARTCAR_CLIENT_SECRET: _, ...values }) => ({ ...values, ...V3 }),
});
const { simulator } = env;
after(() => env.close());

// The tests make more requests than an application has in an hour.
await simulator.configure({ v3: { bucketSize: 100_000 } });
const cars = (await simulator.configure({})).vehicles.map(({ id }) => id);
let owners = 0;

/** How Smartcar's list of connections is: what is not said is as usual. */
const setList = (settings) => simulator.configure({ v3: { externalIdListed: true, externalIdFilter: true, ...settings } });

/** Starts a connection; `consent` is what the owner does in Connect, with the external id that the Worker has given. */
async function started(client, { mode } = {}) {
  const { state, ...answer } = await client.start(mode ? { mode } : {});
  assert.equal(answer.status, 200, answer.text);
  const { externalId } = answer.json();
  owners += 1;
  const own = { redirectUri: env.redirectUri, externalId, user: `owner-${owners}@example.com`, ...(mode ? { mode } : {}) };
  const consent = async (grant = {}) => {
    const { userId, code } = await simulator.grant({ ...own, ...grant });
    return { user_id: userId, code, state };
  };
  return { state, externalId, consent };
}

/** What Smartcar has of a user's connections. */
const listed = async (userId) => (await simulator.connections()).filter((listed) => listed.userId === userId);

/** Returns a function that returns the requests since now to one of `endpoints`. */
async function watch(...endpoints) {
  const before = (await simulator.requests()).length;
  return async () => (await simulator.requests()).slice(before).filter(({ endpoint }) => endpoints.includes(endpoint));
}

/** The user takes everything back at Smartcar. */
async function removeAtSmartcar(userId) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: V3.SMARTCAR_API_CLIENT_ID,
    client_secret: V3.SMARTCAR_API_CLIENT_SECRET,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded", "user-agent": "test" };
  const issued = await send(`${simulator.origin}/oauth2/token`, { method: "POST", headers, body: `${form}` });
  const { access_token: token } = issued.json();
  const gone = await send(`${simulator.origin}/v3/users/${userId}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(gone.status, 204, gone.text);
}

/** The whole flow; it has to succeed. Returns the connection and the Smartcar user. */
async function connected(client, grant, options) {
  const { consent } = await started(client, options);
  const query = await consent(grant);
  const answer = await client.finish(query);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().kind, "connected", answer.text);
  return { connection: answer.json().connection, userId: query.user_id, query };
}

const idsOf = (vehicles) => vehicles.map(({ id }) => id).sort();

/** The callback connects nothing, and nothing of it is kept. */
async function assertNotConfirmed(client, query) {
  assertProblem(await client.finish(query), { status: 503, code: "connection_not_confirmed" });
  assert.deepEqual(await client.connections(), []);
}

test("a callback's user becomes a connection with the cars that Smartcar lists, and no code is exchanged", async () => {
  const client = env.client();
  const exchanges = await watch("exchange", "token");
  const questions = await watch("vehicle", "v3_vehicle");
  const { connection } = await connected(client);
  assert.equal(connection.status, "active");
  assert.equal(connection.accessExpiresAt, null);
  assert.deepEqual(idsOf(connection.vehicles), [...cars].sort());
  assert.deepEqual(await exchanges(), []);
  assert.deepEqual(await client.connections(), [connection]);
  const { vehicles } = (await client.get("/vehicles")).json();
  assert.deepEqual(idsOf(vehicles), [...cars].sort());
  for (const { make, model, year } of vehicles) assert.ok(make && model && year, "the list tells what a car is");
  assert.deepEqual(await questions(), [], "no car is asked about");
});

test("the same callback again has the same answer, and Smartcar is not asked again", async () => {
  const client = env.client();
  const { query, connection } = await connected(client);
  const questions = await watch("v3_connections");
  const second = await client.finish(query);
  assert.deepEqual(second.json().connection, connection);
  assert.deepEqual(await questions(), []);
  assertProblem(await client.finish({ ...query, user_id: "another" }), { code: "state_used" });
});

test("the user id of another owner, or of nobody, connects nothing", async () => {
  const { userId } = await connected(env.client());
  for (const user_id of [userId, "00000000-0000-4000-8000-000000000000"]) {
    const thief = env.client();
    const { state } = await started(thief);
    await assertNotConfirmed(thief, { user_id, state });
  }
});

test("what the callback says of external ids makes no difference", async () => {
  const owner = env.client();
  const { externalId, consent } = await started(owner);
  const { user_id } = await consent();
  const thief = env.client();
  const { state } = await started(thief);
  await assertNotConfirmed(thief, { user_id, external_id: externalId, state });
});

test("a callback without a user id connects nothing, although the list could be asked by external id alone", async () => {
  const client = env.client();
  const { consent } = await started(client);
  const { code, state } = await consent();
  const questions = await watch("v3_connections");
  assertProblem(await client.finish({ code, state }), { status: 502, code: "user_id_missing" });
  assert.deepEqual(await client.connections(), []);
  assert.deepEqual(await questions(), []);
});

test("where the list names no external ids, it counts only if it looks at the filter", async () => {
  await setList({ externalIdListed: false });
  const { userId } = await connected(env.client());
  const thief = env.client();
  const { state } = await started(thief);
  await assertNotConfirmed(thief, { user_id: userId, state });

  await setList({ externalIdListed: false, externalIdFilter: false });
  const other = env.client();
  const { state: again } = await started(other);
  await assertNotConfirmed(other, { user_id: userId, state: again });
});

test("where the list ignores the filter and names external ids, those count", async () => {
  await setList({ externalIdFilter: false });
  const { userId } = await connected(env.client());
  const thief = env.client();
  const { state } = await started(thief);
  await assertNotConfirmed(thief, { user_id: userId, state });
  await setList({});
});

test("a consent that Smartcar lists a moment later is found, and a later one by the same callback", async () => {
  const client = env.client();
  const { consent, state } = await started(client);
  const late = { user: "late@example.com" };
  const { userId } = await simulator.grant({ ...late, externalId: "nobodys" });
  const questions = await watch("v3_connections");
  const finishing = client.finish({ user_id: userId, state });
  await until("the list was asked for", async () => (await questions()).length > 0);
  await consent(late);
  const answer = await finishing;
  assert.equal(answer.status, 200, answer.text);

  const slow = env.client();
  const attempt = await started(slow);
  const later = { user: "later@example.com" };
  const query = { user_id: (await simulator.grant({ ...later, externalId: "nobodys" })).userId, state: attempt.state };
  await assertNotConfirmed(slow, query);
  await attempt.consent(later);
  assert.equal((await slow.finish(query)).status, 200);
});

test("callbacks that nothing confirms leave no more than sixteen attempts", async () => {
  const client = env.client();
  const { vault } = await firstVisit(env, () => client.start());
  const { userId } = await simulator.grant({ redirectUri: env.redirectUri, user: "of-somebody-else@example.com" });
  for (let n = 0; n < 18; n += 1) {
    const { state } = await started(client);
    assertProblem(await client.finish({ user_id: userId, state }), { code: "connection_not_confirmed" });
  }
  const pending = (await storedKeys(env.edge, vault)).filter((key) => key.startsWith("pending/"));
  assert.ok(pending.length <= 16, `${pending.length}`);
});

test("simulated cars are listed apart", async () => {
  const client = env.client();
  const { connection } = await connected(client, { vehicles: cars.slice(0, 1) }, { mode: "simulated" });
  assert.deepEqual(idsOf(connection.vehicles), cars.slice(0, 1));
  const other = env.client();
  const { consent } = await started(other);
  await assertNotConfirmed(other, await consent({ mode: "simulated" }));
});

test("a consent that is given again goes on with the connection, whatever its id at Smartcar", async () => {
  const client = env.client();
  const first = await connected(client, { user: "again@example.com", vehicles: cars.slice(0, 1) });
  const [{ id: before }] = await listed(first.userId);
  const second = await connected(client, { user: "again@example.com", vehicles: cars });
  assert.equal(second.connection.id, first.connection.id);
  assert.deepEqual(idsOf(second.connection.vehicles), [...cars].sort());
  assert.deepEqual(await client.connections(), [second.connection]);
  assert.ok((await listed(first.userId)).every(({ id }) => id !== before));
  const gone = await client.delete(`/connections/${second.connection.id}`);
  assert.equal(gone.status, 204, gone.text);
  assert.deepEqual(await listed(first.userId), []);
  assert.deepEqual(await client.connections(), []);
});

test("a second consent that takes cars away says which: the connection goes on without them", async () => {
  await simulator.configure({ consentReplaces: true });
  try {
    const client = env.client();
    const first = await connected(client, { user: "replaced@example.com", vehicles: cars.slice(0, 2) });
    const { consent } = await started(client);
    const query = await consent({ user: "replaced@example.com", vehicles: cars.slice(1) });
    const answer = (await client.finish(query)).json();
    assert.equal(answer.connection.id, first.connection.id);
    assert.deepEqual(answer.replaced, [{ id: first.connection.id, takenOver: [], lost: [{ id: cars[0] }] }]);
    assert.deepEqual((await client.finish(query)).json(), answer);
    assert.deepEqual(idsOf((await client.connections())[0].vehicles), cars.slice(1).sort());
  } finally {
    await simulator.configure({ consentReplaces: false });
  }
});

test("disconnecting ends what this owner connected, and nothing of another's with the same cars", async () => {
  const [one, other] = [env.client(), env.client()];
  const ended = await connected(one);
  const kept = await connected(other);
  const gone = await one.delete(`/connections/${ended.connection.id}`);
  assert.equal(gone.status, 204, gone.text);
  assert.deepEqual(await listed(ended.userId), []);
  assert.equal((await listed(kept.userId)).length, cars.length);
  assert.deepEqual(await other.connections(), [kept.connection]);
});

for (const [what, list, end] of [
  ["a connection", {}, (client, { id }) => client.delete(`/connections/${id}`)],
  ["all of a session", { externalIdListed: false }, (client) => client.delete("/connections")],
]) {
  test(`the end of ${what} takes nothing from what the same person has connected since in another session`, async () => {
    const [former, newer] = [env.client(), env.client()];
    const user = `two-sessions-${what.length}@example.com`;
    const ended = await connected(former, { user });
    const kept = await connected(newer, { user });
    assert.equal(kept.userId, ended.userId);
    await setList(list);
    try {
      const gone = await end(former, ended.connection);
      assert.equal(gone.status, 204, gone.text);
      assert.equal((await listed(kept.userId)).length, cars.length);
      assert.deepEqual(await newer.connections(), [kept.connection]);
      // The newer one's own end is told.
      assert.equal((await newer.delete(`/connections/${kept.connection.id}`)).status, 204);
      assert.deepEqual(await listed(kept.userId), []);
    } finally {
      await setList({});
    }
  });
}

test("a car that its owner disconnects at Smartcar is gone here at the next look", async () => {
  const client = env.client();
  const { userId, connection } = await connected(client);
  await simulator.grant({ user: "somebody-else@example.com" });
  assert.deepEqual(await client.connections(), [connection]);
  await removeAtSmartcar(userId);
  await env.travel(6 * 60_000);
  await until("the connection has lost its cars", async () => (await client.connections())[0]?.cause === "no_vehicles");
  assert.equal((await client.connections())[0].status, "reconnection_required");
  await env.travel(6 * 60_000);
  const [{ vehicles }] = await client.connections();
  const car = carOfV3(client, vehicles[0].id);
  await until("the grant is over", async () => (await car.read("/signals")).status !== 200);
  for (let times = 0; times < 2; times += 1) {
    const { detail } = assertProblem(await car.read("/signals"), { status: 409, code: "reconnection_required" });
    assert.match(detail, /\(no_vehicles\)/);
  }
});

test("however many want the application's token at once, Smartcar is asked once", async () => {
  const clients = Array.from({ length: 12 }, () => env.client());
  const queries = [];
  for (const client of clients) queries.push(await (await started(client)).consent());
  // Each isolate holds one, and so does the object that keeps it.
  await env.travel(2 * 60 * 60_000);
  for (const client of clients) assert.equal((await client.get("/connections")).status, 200);
  const fresh = [];
  for (const client of clients) fresh.push(await (await started(client)).consent());
  const requests = await watch("application_token");
  const { answers } = await burst({
    count: clients.length,
    isolates: 4,
    request: (isolate, number) => clients[number].finish(fresh[number], { isolate }),
  });
  for (const answer of answers) assert.equal(answer.status, 200, answer.text);
  assert.equal((await requests()).length, 1);
  assert.equal(queries.length, fresh.length);
});

test("a token that Smartcar refuses is replaced, and nobody notices; but not again and again", async () => {
  const requests = await watch("application_token");
  await simulator.revokeApplicationTokens();
  await connected(env.client());
  assert.equal((await requests()).length, 1);
  await simulator.revokeApplicationTokens();
  const client = env.client();
  const query = await (await started(client)).consent();
  assertProblem(await client.finish(query), { status: 503, code: "upstream_unavailable" });
  assert.equal((await requests()).length, 1);
  await env.travel(61_000);
  assert.equal((await client.finish(query)).status, 200);
});

test("whoever can mend it is told why there is no token, and the same callback goes on when there is", async () => {
  const client = env.client();
  await env.travel(2 * 60 * 60_000);
  const query = await (await started(client)).consent();
  await simulator.configure({ v3: { clientSecrets: ["another"] } });
  const refused = assertProblem(await client.finish(query), { status: 502, code: "invalid_client" });
  assert.match(refused.detail, /SMARTCAR_API_CLIENT_SECRET/);
  await simulator.configure({ v3: { clientSecrets: [V3.SMARTCAR_API_CLIENT_SECRET] } });
  await env.travel(31_000);
  assert.equal((await client.finish(query)).status, 200);
});

for (const [kind, commit] of [["reset_after", true], ["garbage", false], ["truncated", true]]) {
  test(`a request for the token that ends by ${kind} is repeated once, and nobody notices`, async () => {
    const client = env.client();
    await env.travel(2 * 60 * 60_000);
    const query = await (await started(client)).consent();
    await simulator.fault({ endpoint: "application_token", kind, ...(commit ? { commit } : {}) });
    assert.equal((await client.finish(query)).status, 200);
  });
}

test("a back end learns whose connection it is by the cookie of its visitor, and by no other", async () => {
  const [client, another] = [env.client(), env.client()];
  const { connection } = await connected(client);
  await connected(another);
  const ask = (session) => client.askToken({ principal: undefined, session, connectionId: connection.id });
  const refused = assertProblem(await ask(client.cookie), { status: 403, code: "endpoint_not_allowed" });
  assert.equal(refused.principal, client.principal);
  assert.ok(!("principal" in assertProblem(await ask(another.cookie), { status: 404, code: "connection_not_found" })));
});

test("a deletion that a crash has cut short ends the consent although the owner starts again at once", async () => {
  // The writes: that everything is closed, and that this connection is.
  for (const skip of [0, 1]) {
    const client = env.client();
    const { result, vault } = await firstVisit(env, () => connected(client));
    await idle(env, vault);
    await killAtWrite(env.edge, "after", { vault, skip });
    await client.delete("/connections");
    assert.ok(await wasKilled(env.edge), "nothing was killed");
    assert.equal((await client.start()).status, 200);
    await until("Smartcar has ended what it listed", async () => {
      await env.travel(40_000);
      await runAlarm(env.edge, vault);
      return (await listed(result.userId)).length === 0;
    });
    assert.deepEqual(await client.connections(), []);
  }
});

test("without the secret of v2 no grant of v2 is taken over, which could never be refreshed", async () => {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json", "smartcar-connect-user": "42" };
  const body = JSON.stringify({ refreshToken: "60a9e801-6d26-4d88-926e-5c7f9fc13486" });
  const answer = await env.client().request("POST", "/internal/import", { headers, body });
  const { detail } = assertProblem(answer, { status: 403, code: "endpoint_not_allowed" });
  assert.match(detail, /`SMARTCAR_CLIENT_SECRET`/);
});

test("the application's token is handed out to nobody: no answer, log line or file has it", async () => {
  const client = env.client();
  const { connection } = await connected(client);
  assertProblem(await client.token(connection), { status: 403, code: "endpoint_not_allowed" });
  const tokens = (await simulator.secrets()).filter((secret) => secret.length > 500);
  assert.ok(tokens.length > 3, "there are tokens to look for");
  const scan = scannerFor([...tokens, V3.SMARTCAR_API_CLIENT_SECRET]);
  const log = await env.log();
  for (const [number, answer] of env.transcript.entries()) assert.deepEqual(scan(`answer ${number}`, answer), []);
  assert.deepEqual(scan("log", log), []);
  await env.edge.halt();
  for (const { source, content } of await storedData(env.edge.data)) assert.deepEqual(scan(source, content), [], source);
});
