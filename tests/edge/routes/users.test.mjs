// The app's own users, by tokens of its log-in: on every route each sees what is theirs, on every device, and nothing else.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { mintState } from "../harness/client.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { AUDIENCE, ISSUER, newKey, startLogIn, tokenFor } from "../harness/log-in.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { DAY, HOUR } from "../harness/spans.mjs";
import { User } from "../harness/user.mjs";

const COOKIE = "app_token";
const key = newKey("ES256");
const logIn = await startLogIn();
logIn.publish("/keys", key.jwk);
const fixture = await openConnections({
  adjust: (values) => ({
    ...values,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: logIn.url("/keys"),
    JWT_COOKIE: COOKIE,
  }),
});
const { env, simulator } = fixture;
after(async () => {
  await fixture.close();
  await logIn.close();
});

/** A browser or device of a user, who is known by a bearer token or by the cookie. */
const device = (sub, cookie) => new User(env, tokenFor(key, sub, { now: env.now() }), cookie);

const ways = [
  ["a bearer token", undefined],
  ["a cookie", COOKIE],
];

for (const [way, cookie] of ways) {
  test(`two users, each by ${way}: nothing crosses on any route`, async () => {
    const [anna, ben] = [`anna-${cookie}`, `ben-${cookie}`].map((sub) => device(sub, cookie));
    const hers = await env.connected(anna, { user: "anna@example.com" });
    const his = await env.connected(ben, { user: "ben@example.com" });
    assert.notEqual(hers.id, his.id);

    // GET /connections and /vehicles, here and on another device, by another isolate.
    for (const [user, own] of [[anna, hers], [device(`anna-${cookie}`, cookie), hers], [ben, his]]) {
      for (const isolate of [0, 1]) {
        assert.deepEqual((await user.connections({ isolate })).map(({ id }) => id), [own.id]);
        const { vehicles } = (await user.get("/vehicles", { isolate })).json();
        assert.ok(vehicles.length > 0);
        for (const { connectionId } of vehicles) assert.equal(connectionId, own.id);
      }
      assert.equal((await user.get(`/connections/${own.id}`)).json().id, own.id);
    }

    // GET and DELETE /connections/{id}
    const path = `/connections/${hers.id}`;
    const calls = async () => (await simulator.requests()).filter(({ method }) => method === "DELETE").length;
    const before = await calls();
    for (const other of [ben, env.client()]) {
      assertProblem(await other.get(path), { status: 404, code: "connection_not_found" });
      assertProblem(await other.delete(path), { status: 404, code: "connection_not_found" });
    }
    assert.equal(await calls(), before, "Smartcar was told");

    // POST /connect/finish and GET /connect/attempts/{fingerprint}: an attempt is its user's, whoever has the state and a code.
    const { state, fingerprint } = await anna.start();
    const query = { code: await env.consent({ user: "anna@example.com" }), state };
    assertProblem(await ben.finish(query), { status: 403, code: "state_unknown" });
    assertProblem(await env.client().finish(query), { status: 401, code: "session_missing" });
    assertProblem(await ben.get(`/connect/attempts/${fingerprint}`), { status: 403, code: "state_unknown" });
    assert.equal((await anna.get(`/connect/attempts/${fingerprint}`)).json().status, "pending");
    // A user starts on one device and comes back on another.
    const elsewhere = await device(`anna-${cookie}`, cookie).finish(query);
    assert.equal(elsewhere.json().kind, "connected", elsewhere.text);

    // POST /internal/token, GET /internal/rotation and GET /internal/connections take no token of a user.
    for (const [method, internal] of [["POST", "/internal/token"], ["GET", "/internal/rotation"], ["GET", "/internal/connections"]]) {
      const answer = await anna.request(method, internal, { headers: anna.guards });
      assertProblem(answer, { status: 401, code: "service_key_rejected" });
    }

    // DELETE /connections
    assert.equal((await ben.delete("/connections")).status, 204);
    assert.deepEqual(await ben.connections(), []);
    assert.equal((await anna.connections()).length, 1);
    assert.deepEqual((await device(`anna-${cookie}`, cookie).connectionIds()).length, 1);
  });
}

test("a bearer token and the cookie are the same user", async () => {
  const connection = await env.connected(device("carla"));
  assert.deepEqual(await device("carla", COOKIE).connectionIds(), [connection.id]);
  // The app's back end names the user.
  const answer = await env.client().request("POST", "/internal/token", {
    headers: { "content-type": "application/json", authorization: `Bearer ${SERVICE_KEY}` },
    body: JSON.stringify({ principal: "user:carla", connectionId: connection.id }),
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().principal, "user:carla");
});

test("a token and a session at once: the token decides, and the session is as it was", async () => {
  for (const cookie of [undefined, COOKIE]) {
    const browser = env.client();
    const anonymous = await env.connected(browser);
    const session = browser.cookie;
    const visited = device(`dora-${cookie}`, cookie);
    visited.cookie = session;
    assert.deepEqual(await visited.connectionIds(), []);
    assertProblem(await visited.get(`/connections/${anonymous.id}`), { status: 404 });
    assertProblem(await visited.delete(`/connections/${anonymous.id}`), { status: 404 });
    const started = await visited.start();
    assert.deepEqual([started.json().session, started.setCookie], ["resumed", []]);
    const own = await env.connected(visited);
    assert.deepEqual(await visited.connectionIds(), [own.id]);
    // Everything of the user's, and the session stays.
    const deleted = await visited.delete("/connections");
    assert.deepEqual([deleted.status, deleted.setCookie], [204, []]);
    assert.equal(visited.cookie, session);
    // Without a token it is the visitor's again.
    visited.token = undefined;
    assert.deepEqual(await visited.connectionIds(), [anonymous.id]);
  }
});

test("a token that is not accepted is refused on every route, and the session does not count in its place", async () => {
  for (const cookie of [undefined, COOKIE]) {
    const browser = new User(env, undefined, cookie);
    const { id } = await env.connected(browser);
    const { fingerprint } = mintState();
    browser.token = tokenFor(key, "emil", { claims: { exp: 1 } });
    for (const [method, path, body] of [
      ["GET", "/connections"],
      ["GET", `/connections/${id}`],
      ["GET", "/vehicles"],
      ["GET", `/connect/attempts/${fingerprint}`],
      ["POST", "/connect/start", { stateFingerprint: fingerprint, redirectUri: env.redirectUri }],
      ["POST", "/connect/finish", { callback: "?code=a&state=b" }],
      ["DELETE", `/connections/${id}`],
      ["DELETE", "/connections"],
    ]) {
      const options = { headers: browser.guards, ...(body ? { body: JSON.stringify(body) } : {}) };
      const answer = await browser.request(method, path, options);
      assertProblem(answer, { status: 401, code: "invalid_token" });
      assert.match(answer.headers["www-authenticate"], /^Bearer .*error="invalid_token"/, `${method} ${path}`);
      assert.deepEqual(answer.setCookie, []);
    }
    assert.equal((await browser.get("/healthz")).status, 200);
    browser.token = undefined;
    assert.deepEqual(await browser.connectionIds(), [id]);
  }
});

test("a cookie that is there twice is nobody's, and an empty one is none", async () => {
  const [one, two] = ["frida", "gustav"].map((sub) => `${COOKIE}=${tokenFor(key, sub)}`);
  for (const cookie of [`${one}; ${two}`, `${two}; ${one}`, `${one}; ${one}`, `${one}; ${COOKIE}=`]) {
    const answer = await env.client().get("/connections", { headers: { cookie } });
    assert.match(assertProblem(answer, { status: 401, code: "invalid_token" }).detail, /there twice/);
  }
  for (const cookie of [`${COOKIE}=`, `${COOKIE}`, `x${COOKIE}=a.b.c`, `${COOKIE}2=a.b.c`]) {
    assert.equal((await env.client().get("/connections", { headers: { cookie } })).status, 200, cookie);
  }
});

test("a bearer token in place of the one in the cookie, and a bad one too", async () => {
  const cookie = `${COOKIE}=${tokenFor(key, "hugo")}`;
  const connection = await env.connected(device("ida"));
  const ida = await device("ida").get("/connections", { headers: { cookie } });
  assert.deepEqual(ida.json().connections.map(({ id }) => id), [connection.id]);
  for (const authorization of ["Bearer", "Bearer ", "Bearer x", `Bearer ${tokenFor(newKey("ES256", key.kid), "hugo")}`]) {
    const answer = await env.client().get("/connections", { headers: { cookie, authorization } });
    assertProblem(answer, { status: 401, code: "invalid_token" });
  }
});

test("a page of an allowed origin may send the token, and no other page", async () => {
  const ask = (origin) => {
    const asked = { "access-control-request-method": "GET", "access-control-request-headers": "authorization,x-requested-with" };
    return env.client().request("OPTIONS", "/connections", { headers: { origin, cookie: undefined, ...asked } });
  };
  const allowed = (await ask(env.page)).headers["access-control-allow-headers"].split(", ");
  assert.ok(allowed.includes("authorization") && allowed.includes("x-requested-with"));
  assert.equal((await ask("https://evil.example")).headers["access-control-allow-headers"], undefined);
  // It also learns why its token was refused.
  const answer = await env.client().get("/connections", { headers: { origin: env.page, authorization: "Bearer x" } });
  assertProblem(answer, { status: 401, code: "invalid_token" });
  assert.equal(answer.headers["access-control-allow-origin"], env.page);
});

test("who shows nothing is told that a token would count as well as a session", async () => {
  const answer = await env.client().finish("?code=a&state=b");
  assertProblem(answer, { status: 401, code: "session_missing" });
  assert.match(answer.headers["www-authenticate"], /^Bearer realm="smartcar-connect", Cookie realm="smartcar-connect"/);
});

test("cars outlive the token with which they were connected", async () => {
  const connection = await env.connected(device("karl"));
  const left = connection.keptUntil - env.now();
  assert.ok(left > 179 * DAY, `${left / DAY} days`);
  const old = device("karl");
  await env.travel(2 * HOUR);
  assertProblem(await old.get("/connections"), { status: 401, code: "invalid_token" });
  assert.deepEqual(await device("karl").connectionIds(), [connection.id]);
});

test("no id of a user is that of a session, a service or another user", async () => {
  const visitor = env.client();
  const { id } = await env.connected(visitor);
  for (const sub of [visitor.principal, "user:karl", "USER:karl", "karl/..", "%6Barl", "null", "undefined", "0"]) {
    const user = device(sub);
    assert.deepEqual(await user.connectionIds(), [], sub);
    assertProblem(await user.get(`/connections/${id}`), { status: 404 });
  }
});

test("nothing of a token is in an answer or a log", async () => {
  const log = await env.log();
  assert.ok(env.transcript.length > 100);
  // Every header and all claims begin with `{"`.
  assert.match(tokenFor(key, "lena"), /eyJ[\w-]+\.eyJ/);
  for (const text of [...env.transcript, log]) assert.doesNotMatch(text, /eyJ[\w-]+\.eyJ/);
  assert.doesNotMatch(log, /panic|Critical|Reinitializing/i);
});
