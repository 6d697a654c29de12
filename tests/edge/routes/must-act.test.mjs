// GET /internal/connections: the owners who have to act, for the app's own back end.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";

import { Client } from "../harness/client.mjs";
import { firstVisit, openConnections } from "../harness/connections-fixture.mjs";
import { idle } from "../harness/idle.mjs";
import { failVault, vaultCalls } from "../harness/instrumented.mjs";
import { mustActPrefix } from "../harness/kv-names.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { ownSecrets, SERVICE_KEY } from "../harness/settings.mjs";
import { HOUR } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openConnections();
const { kv, env, simulator, edge, carIds, idleOwner, quietMinutes, reset } = fixture;
after(fixture.close);
beforeEach(reset);
/** Every code, token and key that there was. */
const secrets = new Set(ownSecrets(env.values));
afterEach(async () => {
  for (const secret of await simulator.secrets()) secrets.add(secret);
});

const PATH = "/internal/connections";
const prefix = mustActPrefix(env.values.SEALING_KEYS);
const backEnd = { authorization: `Bearer ${SERVICE_KEY}` };

/** The names in KV of the vaults whose owner must act. */
const listedVaults = () => [...kv.store.entries().keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));

const ask = (query = "", headers = {}) => env.client().request("GET", PATH + query, { headers: { ...backEnd, ...headers } });

async function page(query) {
  const answer = await ask(query);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** The whole list, by as many pages as it takes. */
async function pages(limit, between = () => {}) {
  const all = [];
  for (let cursor = ""; cursor !== null; ) {
    const next = await page(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    all.push(next.principals);
    cursor = next.cursor;
    await between();
  }
  return all;
}

/** What the list says of an owner. */
async function said({ client }, query = "") {
  const { principals } = await page(query);
  return principals.find(({ principal }) => principal === client.principal);
}

/** Lets Smartcar refuse the refresh tokens of these owners for good. */
async function end(...owners) {
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
  await env.travel(2 * HOUR);
  for (const { client, connection } of owners) assertProblem(await client.token(connection), { code: "reconnection_required" });
  await simulator.clearFaults();
  await until("they are in the list", () => owners.every(({ vault }) => listedVaults().includes(vault)));
}

/** Lets Smartcar want the owner of a car to log in again, and the owner look. */
async function lockOut({ client, vault }, carId) {
  await simulator.setVehicle(carId, { needsReauthentication: true });
  const { vehicles } = (await client.get("/vehicles")).json();
  assert.ok(vehicles.some(({ status }) => status === "reauthentication_required"), JSON.stringify(vehicles));
  await idle(env, vault);
}

/** A user of the app's, for whom its back end speaks. */
class User extends Client {
  #id;
  constructor(id) {
    super(edge, env.page, env.transcript);
    this.#id = id;
  }

  request(method, path, { headers, ...options } = {}) {
    return super.request(method, path, { ...options, headers: { ...headers, ...backEnd, "smartcar-connect-user": this.#id } });
  }

  askToken(wanted) {
    return this.post("/internal/token", wanted);
  }

  get principal() {
    return `user:${this.#id}`;
  }
}

async function newUser(id, grant) {
  const client = new User(id);
  const { result: connection, vault } = await firstVisit(env, () => client.connected(simulator, grant));
  await idle(env, vault);
  return { client, connection, vault };
}

test("it takes a service key, and no session, token or other key", async () => {
  const { client } = await idleOwner({ vehicles: [carIds[0]] });
  assert.ok(client.cookie);
  for (const authorization of [undefined, "Bearer wrong", `Basic ${SERVICE_KEY}`, "Bearer eyJhbGciOiJub25lIn0.e30."]) {
    for (const query of ["", "?status=active"]) {
      const answer = await client.get(PATH + query, { headers: { authorization } });
      assertProblem(answer, { status: 401, code: "service_key_rejected" });
    }
  }
  assertProblem(await client.request("POST", PATH, { headers: { ...client.guards, ...backEnd }, body: "{}" }), { status: 405 });
});

test("whoever names a user is not given everybody's", async () => {
  const problem = assertProblem(await ask("", { "smartcar-connect-user": "42" }), { status: 400, code: "invalid_parameter" });
  assert.equal(problem.field, "Smartcar-Connect-User");
});

test("what a query can't say is refused by the name of the parameter", async () => {
  for (const [query, field] of [
    ["?status=active", "status"],
    ["?status=", "status"],
    ["?limit=0", "limit"],
    ["?limit=101", "limit"],
    ["?cursor=garbage", "cursor"],
    ["?cursor=", "cursor"],
    ["?user=42", "query"],
  ]) {
    assert.equal(assertProblem(await ask(query), { status: 400, code: "invalid_parameter" }).field, field, query);
  }
  assert.match(assertProblem(await ask("?status=active")).detail, /only connections whose owner has to act are in this list/);
});

test("owners who must act are listed with the connections they must act on, by the status that is asked for", async () => {
  const well = await idleOwner({ vehicles: [carIds[0]], user: "well@example.com" });
  const anna = await idleOwner({ vehicles: [carIds[1]], user: "anna@example.com" }, { vehicles: [carIds[0]], user: "anna2@example.com" });
  const ben = await newUser("42|ben", { vehicles: [carIds[2]], user: "ben@example.com" });
  assert.deepEqual(await page(), { principals: [], cursor: null }, "nobody has to act yet");
  await lockOut(anna, carIds[1]);
  await end(ben);
  assert.deepEqual(listedVaults().sort(), [anna.vault, ben.vault].sort());

  const calls = (await simulator.requests()).length;
  const both = await page();
  assert.deepEqual([both.principals.length, both.cursor], [2, null]);
  assert.equal(await said(well), undefined);
  const [hers, his] = [await said(anna), await said(ben)];
  assert.equal((await simulator.requests()).length, calls, "Smartcar was asked");
  assert.deepEqual([hers.user, his.user], [null, "42|ben"]);
  assert.deepEqual(hers.connections.map(({ id, status, cause }) => [id, status, cause]), [
    [anna.connection.id, "reauthentication_required", "authentication_failed"],
  ]);
  assert.deepEqual(his.connections.map(({ id, status, cause }) => [id, status, cause]), [
    [ben.connection.id, "reconnection_required", "invalid_grant"],
  ]);
  // As the owners see them.
  for (const owner of [anna, ben]) {
    const shown = (await owner.client.connections()).filter(({ id }) => id === owner.connection.id);
    assert.deepEqual((await said(owner)).connections, shown);
  }
  for (const [status, wanted] of [
    ["reauthentication_required", anna],
    ["reconnection_required", ben],
  ]) {
    const { principals } = await page(`?status=${status}`);
    assert.deepEqual(principals.map(({ principal }) => principal), [wanted.client.principal]);
  }
  const { principals } = await page("?status=reconnection_required%2Creauthentication_required");
  assert.equal(principals.length, 2);

  // Each acts.
  await simulator.setVehicle(carIds[1], { needsReauthentication: false });
  const { state } = await anna.client.reconnect(anna.connection.id);
  assert.equal((await anna.client.finish({ vehicle_id: carIds[1], state })).json().kind, "reauthenticated");
  const [again] = [await ben.client.connected(simulator, { vehicles: [carIds[2]], user: "ben@example.com" })];
  assert.notEqual(again.id, ben.connection.id);
  await idle(env, ben.vault);
  assert.deepEqual((await page()).principals, []);
  for (const { vault } of [anna, ben]) await quietMinutes(vault);
  assert.deepEqual(listedVaults(), []);
});

test("an owner who disconnects, or has everything deleted, leaves the list at once, and nothing is left in KV", async () => {
  const carla = await idleOwner({ vehicles: [carIds[0]], user: "carla@example.com" });
  const dora = await idleOwner({ vehicles: [carIds[1]], user: "dora@example.com" });
  await end(carla, dora);
  assert.equal((await page()).principals.length, 2);
  // What KV still says of them counts for nothing.
  kv.store.losses = Infinity;
  assert.equal((await carla.client.delete(`/connections/${carla.connection.id}`)).status, 204);
  assert.equal((await dora.client.delete("/connections")).status, 204);
  assert.deepEqual(await page(), { principals: [], cursor: null });
  assert.deepEqual(listedVaults().sort(), [carla.vault, dora.vault].sort());
  kv.store.losses = 0;
  for (const { vault } of [carla, dora]) await quietMinutes(vault);
  assert.deepEqual(listedVaults(), []);
  assert.deepEqual(dora.stored(), []);
});

test("a vault that never had to be listed costs KV nothing for it", async () => {
  const emil = await idleOwner({ vehicles: [carIds[0]], user: "emil@example.com" });
  await quietMinutes(emil.vault);
  assert.equal((await emil.client.delete("/connections")).status, 204);
  await quietMinutes(emil.vault);
  assert.deepEqual(kv.store.log.filter(({ key }) => key?.startsWith(prefix)), []);
});

test("names in KV that lead to no vault, or to one that keeps nothing, take nobody's place", async () => {
  const fritz = await idleOwner({ vehicles: [carIds[0]], user: "fritz@example.com" });
  const gina = await idleOwner({ vehicles: [carIds[1]], user: "gina@example.com" });
  await end(fritz);
  assert.equal((await gina.client.delete("/connections")).status, 204);
  await quietMinutes(gina.vault);
  const value = kv.store.entries().get(prefix + fritz.vault).value;
  const odd = ["", "no-id", "f".repeat(64), gina.vault];
  for (const name of odd) kv.store.write("location-0", prefix + name, { value, metadata: "{}" });
  assert.equal(listedVaults().length, 5);
  const listed = await pages(1);
  assert.deepEqual(listed.flat().map(({ principal }) => principal), [fritz.client.principal]);
  assert.equal(listed.length, 5, "an empty page may be followed by another");
  for (const name of odd) kv.store.write("location-0", prefix + name);
  assert.equal((await fritz.client.delete("/connections")).status, 204);
  await quietMinutes(fritz.vault);
  assert.deepEqual(listedVaults(), []);
});

test("a list of several pages has each owner once, and a cursor that KV does not know is refused", async () => {
  const owners = [];
  for (let n = 0; n < 5; n += 1) owners.push(await idleOwner({ vehicles: [carIds[0]], user: `page-${n}@example.com` }));
  await end(...owners);
  const all = owners.map(({ client }) => client.principal).sort();
  for (const [limit, sizes] of [
    [2, [2, 2, 1]],
    [5, [5]],
    [100, [5]],
    [1, [1, 1, 1, 1, 1]],
  ]) {
    const listed = await pages(limit);
    assert.deepEqual(listed.map(({ length }) => length), sizes);
    assert.deepEqual(listed.flat().map(({ principal }) => principal).sort(), all);
  }
  const before = await vaultCalls(edge);
  const { cursor } = await page("?limit=3");
  assert.equal((await vaultCalls(edge)) - before, 3, "no vault but those of the page is asked");
  kv.store.refusesCursors = true;
  const refused = assertProblem(await ask(`?limit=3&cursor=${cursor}`), { status: 400, code: "invalid_parameter" });
  assert.equal(refused.field, "cursor");
  kv.store.refusesCursors = false;

  // A vault that does not answer: nobody is left out without a word.
  await failVault(edge, owners[2].vault);
  const problem = assertProblem(await ask(), { status: 503, code: "storage_unavailable" });
  assert.ok(problem.retryAfter >= 1);
  await failVault(edge);
  assert.equal((await page()).principals.length, 5);
});

test("no answer and no line of the log has had a secret, and no line a user", async () => {
  assert.ok(secrets.size > 40, `${secrets.size}`);
  const scan = scannerFor([...secrets]);
  const asked = env.transcript.filter((answer) => answer.startsWith(`GET ${PATH}`));
  assert.ok(asked.length > 30 && asked.some((answer) => answer.includes('"user":"42|ben"')));
  assert.deepEqual(asked.flatMap((answer) => scan("an answer", answer)), []);
  const log = await env.log();
  assert.deepEqual([...scan("the log", log), ...scannerFor(["user:42|ben"])("the log", log)], []);
});
