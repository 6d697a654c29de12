// Tickets, and the sessions that they open for a user of the app: signing in, and out.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Client } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { instrumentedModules } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { SERVICE_KEY, sealingKey } from "../harness/settings.mjs";
import { startKv } from "../harness/kv.mjs";

const OTHER_CLIENT_ID = "00000000-91a0-4ff0-a1ae-a1f38ee24d07";
const kv = await startKv();
const env = await openEnv({
  isolates: 2,
  kv,
  modules: instrumentedModules(),
  variants: (values) => [
    { name: "other-keys", bindings: { ...values, SEALING_KEYS: sealingKey("k1") } },
    { name: "rotated", bindings: { ...values, SEALING_KEYS: `${sealingKey("k2")},${values.SEALING_KEYS}` } },
    { name: "other-app", bindings: { ...values, SMARTCAR_CLIENT_ID: OTHER_CLIENT_ID } },
    { name: "other-prefix", bindings: { ...values, PATH_PREFIX: "/cars" } },
  ],
});
after(async () => {
  await env.close();
  await kv.close();
});

const MINUTE = 60_000;

async function ticketFor(user, options) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json" };
  const body = JSON.stringify({ user });
  const answer = await env.client().request("POST", "/internal/sessions", { headers, body, ...options });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

const open = (client, ticket, options) => client.post("/session", { ticket }, options);

async function signedIn(user, client = env.client()) {
  const { ticket } = await ticketFor(user);
  const answer = await open(client, ticket);
  assert.equal(answer.status, 200, answer.text);
  return client;
}

/** Another browser with the same cookie. */
function copyOf({ cookie }) {
  const copy = env.client();
  copy.cookie = cookie;
  return copy;
}

async function refused(client, isolate) {
  assertProblem(await client.get("/connections", { isolate }), { status: 401, code: "session_missing" });
  assertProblem(await client.get("/vehicles", { isolate }), { status: 401, code: "session_missing" });
  const started = await client.start({ isolate });
  assertProblem(started, { status: 401, code: "session_missing" });
  assert.deepEqual(started.setCookie, []);
}

test("a user's car that one browser connects is there in the other, and nobody else's", async () => {
  const [laptop, phone, other] = [await signedIn("42"), await signedIn("42"), await signedIn("43")];
  assert.notEqual(laptop.cookie, phone.cookie);
  const connection = await env.connected(laptop);
  assert.deepEqual(await phone.connections({ isolate: 1 }), [connection]);
  assert.deepEqual(await other.connections(), []);
  for (const [method, path] of [
    ["get", `/connections/${connection.id}`],
    ["delete", `/connections/${connection.id}`],
  ]) {
    assertProblem(await other[method](path), { status: 404, code: "connection_not_found" });
  }
  const { state } = await laptop.start();
  const before = await env.simulator.grant({ redirectUri: env.redirectUri });
  assertProblem(await other.finish({ code: before.code, state }), { status: 403, code: "state_unknown" });
  assert.deepEqual(await laptop.connectionIds(), [connection.id]);
  const principal = (await other.askToken({ principal: "user:42", connectionId: connection.id })).json().principal;
  assert.equal(principal, "user:42");
});

test("a ticket says when it ends, and is given to a back end alone", async () => {
  const { expiresAt } = await ticketFor("42");
  assert.ok(Math.abs(expiresAt - env.now() - 5 * MINUTE) < MINUTE);
  const visitor = env.client();
  assertProblem(await visitor.post("/internal/sessions", { user: "42" }), { status: 401, code: "service_key_rejected" });
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  for (const body of [{}, { user: "" }, { user: "two words" }, { user: 42 }, { user: "4".repeat(508) }, { user: "1", x: 1 }]) {
    assertProblem(await visitor.post("/internal/sessions", body, { headers }), { status: 400 });
  }
  const { ticket } = await ticketFor("42");
  const asBackEnd = await open(visitor, ticket, { headers });
  assertProblem(asBackEnd, { status: 400, code: "invalid_parameter" });
  assert.deepEqual(asBackEnd.setCookie, []);
});

test("a ticket opens one session, however many try at once", async () => {
  const { ticket } = await ticketFor("race");
  const clients = Array.from({ length: 8 }, () => env.client());
  const answers = await Promise.all(clients.map((client, at) => open(client, ticket, { isolate: at % 2 })));
  const opened = answers.filter(({ status }) => status === 200);
  assert.equal(opened.length, 1);
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    assertProblem(answer, { status: 403, code: "ticket_rejected" });
    assert.deepEqual(answer.setCookie, []);
  }
  // Nor afterwards, when its session has ended, or everything was deleted.
  const winner = clients.find(({ cookie }) => cookie);
  assert.equal((await winner.delete("/session")).status, 204);
  assertProblem(await open(env.client(), ticket), { status: 403, code: "ticket_rejected" });
  const again = await signedIn("race");
  assert.equal((await again.delete("/connections")).status, 204);
  await env.travel(3 * MINUTE);
  assertProblem(await open(env.client(), ticket), { status: 403, code: "ticket_rejected" });
});

test("a ticket that is late, of another deployment, of a retired key or changed opens nothing", async () => {
  const { ticket } = await ticketFor("42");
  for (const isolate of ["other-keys", "rotated", "other-app"]) {
    assertProblem(await open(env.client(), ticket, { isolate }), { status: 403, code: "ticket_rejected" });
  }
  const elsewhere = new Client(env.edge, env.page, env.transcript, "/cars");
  assertProblem(await open(elsewhere, ticket, { isolate: "other-prefix" }), { status: 403, code: "ticket_rejected" });
  for (let at = 0; at < ticket.length; at += Math.ceil(ticket.length / 16)) {
    const changed = `${ticket.slice(0, at)}${ticket[at] === "A" ? "B" : "A"}${ticket.slice(at + 1)}`;
    assertProblem(await open(env.client(), changed), { status: 403, code: "ticket_rejected" });
  }
  const { cookie } = await signedIn("42");
  for (const other of ["", "x", ticket.slice(1), `${ticket}A`, cookie, SERVICE_KEY]) {
    assertProblem(await open(env.client(), other), { status: 403, code: "ticket_rejected" });
  }
  await env.travel(5 * MINUTE);
  assertProblem(await open(env.client(), ticket), { status: 403, code: "ticket_rejected" });
});

test("no page elsewhere signs a visitor in or out", async () => {
  const { ticket } = await ticketFor("attacker");
  const victim = await signedIn("victim");
  for (const headers of [
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { "x-requested-with": undefined },
    { origin: "null", "sec-fetch-site": "cross-site" },
  ]) {
    for (const client of [victim, env.client()]) {
      assertProblem(await open(client, ticket, { headers }), { status: 403 });
      const out = await client.delete("/session", { headers });
      assertProblem(out, { status: 403 });
      assert.deepEqual(out.setCookie, []);
    }
  }
  assert.deepEqual(await victim.connections(), []);
});

test("signing in gives a new session whatever the browser shows, and ends the one that it showed", async () => {
  const client = await signedIn("7");
  const before = copyOf(client);
  await signedIn("7", client);
  assert.notEqual(client.cookie, before.cookie);
  await refused(before, 1);
  const former = copyOf(client);
  await signedIn("8", client);
  await refused(former, 1);
  assert.deepEqual(await client.connections(), []);
  const planted = env.client();
  planted.cookie = "attacker-chosen";
  await signedIn("7", planted);
  assert.notEqual(planted.cookie, "attacker-chosen");
});

test("signing out ends the session in the browser and at the server, and no other", async () => {
  const [client, other] = [await signedIn("9"), await signedIn("9")];
  const connection = await env.connected(client);
  const copy = copyOf(client);
  const answer = await client.delete("/session");
  assert.equal(answer.status, 204);
  assert.deepEqual(answer.setCookie, [`${client.cookieName}=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0`]);
  for (const isolate of [0, 1]) await refused(copy, isolate);
  assert.deepEqual(await other.connectionIds(), [connection.id]);
  // Who knows only the copy may make its browser forget it.
  assert.equal((await copy.delete("/session")).status, 204);
  assert.equal(copy.cookie, undefined);
  assert.equal((await env.client().delete("/session")).status, 204);
});

test("signing out everywhere ends every session, by the user or by the back end", async () => {
  const everywhere = ["/session?everywhere", "/session?everywhere=true"];
  for (const path of everywhere) {
    const [client, other] = [await signedIn("10"), await signedIn("10")];
    const copy = copyOf(client);
    assertProblem(await client.delete("/session?everywhere=no"), { status: 400 });
    assert.equal((await client.delete(path)).status, 204);
    for (const one of [copy, other]) await refused(one, 1);
  }
  const [client, bystander] = [await signedIn("10"), await signedIn("11")];
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "smartcar-connect-user": "10" };
  assertProblem(await env.client().request("DELETE", "/session", { headers }), { status: 400, code: "invalid_parameter" });
  const answer = await env.client().request("DELETE", "/session?everywhere", { headers });
  assert.deepEqual([answer.status, answer.setCookie], [204, []]);
  await refused(client, 1);
  assert.deepEqual(await bystander.connections(), []);
});

test("what KV answers alone knows of an ended session a minute later", async () => {
  const client = await signedIn("12");
  const { id } = await env.connected(client);
  const ask = (isolate) => {
    const session = `${client.cookieName}=${cookie}`;
    const headers = { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` };
    const body = JSON.stringify({ session, connectionId: id });
    return env.client().request("POST", "/internal/token", { headers, body, isolate });
  };
  const { cookie } = client;
  for (const isolate of [0, 1]) assert.equal((await ask(isolate)).status, 200);
  assert.equal((await client.delete("/session")).status, 204);
  assertProblem(await ask(0), { status: 401, code: "session_missing" });
  await env.travel(MINUTE + 1_000);
  for (const isolate of [0, 1]) assertProblem(await ask(isolate), { status: 401, code: "session_missing" });
});

test("an anonymous session that signs out is over, and its cars stay with the back end", async () => {
  const client = env.client();
  const { id } = await env.connected(client);
  const { principal } = client;
  const copy = copyOf(client);
  assert.equal((await client.delete("/session")).status, 204);
  assert.equal(client.cookie, undefined);
  await refused(copy, 1);
  assert.equal((await client.askToken({ principal, connectionId: id })).status, 200);
  assert.equal((await client.start()).status, 200);
});

test("deleting everything ends every session of the user", async () => {
  const [client, other] = [await signedIn("13"), await signedIn("13")];
  const copy = copyOf(client);
  await env.connected(client);
  assert.equal((await client.delete("/connections")).status, 204);
  assert.equal(client.cookie, undefined);
  for (const one of [copy, other]) await refused(one, 1);
  const again = await signedIn("13");
  assert.deepEqual(await again.connections(), []);
  assert.equal((await env.connected(again)).status, "active");
});
