// Signing in brings along what was connected before: `POST /session/claim` with both proofs.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BackEnd, openCallers, ticketFor as ticketOf } from "../harness/callers.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";
import { User } from "../harness/user.mjs";

const { env, token: tokenOf, tokenCookie, close } = await openCallers({ isolates: 2 });
const { simulator } = env;
after(close);

let users = 0;
const newUser = () => `user-${(users += 1)}`;
const ticketFor = (user) => ticketOf(env, user);

/** What the app's back end sees of a user. */
const connectionsOf = (user) => new BackEnd(env, user).connections();

const ids = (connections) => connections.map(({ id }) => id).toSorted();

/** Another browser with the same cookie. */
function copyOf({ cookie }) {
  const copy = env.client();
  copy.cookie = cookie;
  return copy;
}

/** A visitor who has connected all cars. */
async function visitor() {
  const client = env.client();
  return { client, connection: await env.connected(client, { user: `${newUser()}@example.com` }) };
}

test("with a ticket the cars come along, and the browser has the user's session", async () => {
  const user = newUser();
  const { client, connection } = await visitor();
  const before = copyOf(client);
  const answer = await client.post("/session/claim", { ticket: await ticketFor(user) });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().connections, 1);
  assert.ok(answer.json().endsAt > env.now());
  assert.notEqual(client.cookie, before.cookie);

  assert.deepEqual(ids(await client.connections()), [connection.id]);
  assert.deepEqual(ids(await connectionsOf(user)), [connection.id]);
  const [vehicle] = (await client.get("/vehicles", { isolate: 1 })).json().vehicles;
  assert.equal(vehicle.connectionId, connection.id);
  const read = await client.get(`/api/v2.0/vehicles/${vehicle.id}/odometer`);
  assert.equal(read.status, 200, read.text);

  // Nothing of it is left to who has kept the former cookie.
  for (const [method, path] of [
    ["get", "/connections"],
    ["get", "/vehicles"],
    ["delete", `/connections/${connection.id}`],
    ["delete", "/connections"],
  ]) {
    assertProblem(await before[method](path), { status: 401, code: "session_missing" });
  }
  assertProblem(await before.start(), { status: 401, code: "session_missing" });
  assert.deepEqual(ids(await connectionsOf(user)), [connection.id]);
});

for (const [way, cookie] of [
  ["a bearer token", undefined],
  ["a token in a cookie", tokenCookie],
]) {
  test(`with ${way} the cars come along, and the browser forgets the anonymous session`, async () => {
    const user = newUser();
    const { client, connection } = await visitor();
    const signedIn = new User(env, tokenOf(user), cookie);
    signedIn.cookie = client.cookie;
    // Beside a bearer token the cookie is sent as well.
    const own = cookie ? {} : { cookie: `${client.cookieName}=${client.cookie}` };
    assert.deepEqual(await signedIn.connections(), []);
    const answer = await signedIn.post("/session/claim", {}, { headers: own });
    assert.deepEqual([answer.status, answer.json()], [200, { connections: 1, endsAt: null }], answer.text);
    assert.equal(signedIn.cookie, undefined);
    assert.deepEqual(ids(await new User(env, tokenOf(user)).connections()), [connection.id]);
    assertProblem(await copyOf(client).get("/connections"), { status: 401, code: "session_missing" });
  });
}

test("claiming again is no mistake, and nobody else can claim what was claimed", async () => {
  const user = newUser();
  const { client, connection } = await visitor();
  const copies = [copyOf(client), copyOf(client)];
  assert.equal((await client.post("/session/claim", { ticket: await ticketFor(user) })).status, 200);
  const again = await copies[0].post("/session/claim", { ticket: await ticketFor(user) });
  assert.equal(again.status, 200, again.text);
  const other = newUser();
  const refused = await copies[1].post("/session/claim", { ticket: await ticketFor(other) });
  assertProblem(refused, { status: 401, code: "session_missing" });
  assert.deepEqual(refused.setCookie, []);
  assert.deepEqual(ids(await connectionsOf(user)), [connection.id]);
  assert.deepEqual(await connectionsOf(other), []);
});

test("both proofs are needed: no user, no session, or one that was ended or forged claims nothing", async () => {
  const { client, connection } = await visitor();
  // Nobody has signed in.
  assertProblem(await copyOf(client).post("/session/claim", {}), { status: 400, code: "invalid_parameter", field: "ticket" });
  assertProblem(await env.client().post("/session/claim", {}), { status: 400, code: "invalid_parameter", field: "ticket" });
  assertProblem(await copyOf(client).post("/session/claim", { ticket: "t1.k.a.b" }), { status: 403, code: "ticket_rejected" });
  // A back end has no browser's session.
  const backEnd = new BackEnd(env, "42");
  backEnd.cookie = client.cookie;
  assertProblem(await backEnd.post("/session/claim", {}), { status: 400, code: "invalid_parameter" });
  // Two users at once.
  const both = new User(env, tokenOf(newUser()));
  const two = await both.post("/session/claim", { ticket: await ticketFor(newUser()) });
  assertProblem(two, { status: 400, code: "invalid_parameter", field: "ticket" });
  // A user without a session of the browser, and with a forged one.
  const user = newUser();
  const forged = env.client();
  forged.cookie = `${client.cookie.slice(0, -2)}AA`;
  for (const none of [env.client(), forged]) {
    const answer = await none.post("/session/claim", { ticket: await ticketFor(user) });
    assert.deepEqual([answer.status, answer.json().connections], [200, 0], answer.text);
  }
  assert.deepEqual(await connectionsOf(user), []);
  assert.deepEqual(ids(await client.connections()), [connection.id]);
  // A session that the visitor has ended.
  const copy = copyOf(client);
  await client.delete("/session");
  assertProblem(await copy.post("/session/claim", { ticket: await ticketFor(user) }), { status: 401, code: "session_missing" });
  assert.deepEqual(await connectionsOf(user), []);
});

test("another site's page cannot cause a claim, whoever the user is", async () => {
  const user = newUser();
  const { client, connection } = await visitor();
  const evil = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const signedIn = new User(env, tokenOf(user));
  signedIn.cookie = client.cookie;
  const cookie = `${client.cookieName}=${client.cookie}`;
  for (const headers of [evil, { ...evil, "x-requested-with": undefined }, { origin: undefined, "sec-fetch-site": "same-site" }]) {
    assertProblem(await signedIn.post("/session/claim", {}, { headers: { ...headers, cookie } }), { status: 403 });
    const ticket = await ticketFor(user);
    assertProblem(await client.post("/session/claim", { ticket }, { headers }), { status: 403 });
  }
  assert.deepEqual(ids(await client.connections()), [connection.id]);
  assert.deepEqual(await connectionsOf(user), []);
});

test("a session of one user is not claimed by another: signing in changes nothing of it", async () => {
  const [anna, ben] = [newUser(), newUser()];
  const client = env.client();
  await client.post("/session", { ticket: await ticketFor(anna) });
  const connection = await env.connected(client, { user: `${anna}@example.com` });
  const answer = await client.post("/session/claim", { ticket: await ticketFor(ben) });
  assert.deepEqual([answer.status, answer.json().connections], [200, 0]);
  assert.deepEqual(await client.connections(), []);
  assert.deepEqual(ids(await connectionsOf(anna)), [connection.id]);
});

test("a callback that comes after the log-in finishes the connection that was started before it", async () => {
  const user = newUser();
  const client = env.client();
  const { state } = await client.start();
  const claimed = await client.post("/session/claim", { ticket: await ticketFor(user) });
  assert.deepEqual([claimed.status, claimed.json().connections], [200, 0], claimed.text);
  const finished = await client.finish({ code: await env.consent(), state });
  assert.equal(finished.status, 200, finished.text);
  assert.deepEqual(ids(await connectionsOf(user)), [finished.json().connection.id]);
});

test("a car that both have connected is the newer one's, and stays connected at Smartcar", async () => {
  const user = newUser();
  const earlier = await env.connected(new User(env, tokenOf(user)), { user: "both@example.com" });
  const client = env.client();
  const newer = await env.connected(client, { user: "both@example.com" });
  const disconnects = await simulator.disconnects();
  await client.post("/session/claim", { ticket: await ticketFor(user) });
  await until("the earlier connection has given its cars up", async () => {
    const now = ids(await connectionsOf(user));
    return now.length === 1 && now[0] === newer.id;
  });
  assert.notEqual(earlier.id, newer.id);
  assert.deepEqual(await simulator.disconnects(), disconnects);
  assert.equal((await client.get("/vehicles")).json().vehicles.every(({ connectionId }) => connectionId === newer.id), true);
});
