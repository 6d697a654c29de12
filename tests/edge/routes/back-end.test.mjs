// The app's own back end as a caller: a service key, and a header that names the user, on every route.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { mintState } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";

const env = await openEnv();
after(() => env.close());
const client = env.client();

/** What a back end sends for a user: none of the headers of a page. */
function speakingFor(user, headers = {}) {
  return {
    authorization: `Bearer ${SERVICE_KEY}`,
    "content-type": "application/json",
    ...(user === undefined ? {} : { "smartcar-connect-user": user }),
    ...headers,
  };
}

function ask(method, path, user, { body, headers } = {}) {
  const json = body === undefined ? undefined : JSON.stringify(body);
  return client.request(method, path, { headers: speakingFor(user, headers), body: json });
}

async function connected(user) {
  const { state, fingerprint } = mintState();
  const started = await ask("POST", "/connect/start", user, {
    body: { stateFingerprint: fingerprint, redirectUri: env.redirectUri },
  });
  assert.equal(started.status, 200, started.text);
  const code = await env.consent();
  const finished = await ask("POST", "/connect/finish", user, { body: { callback: `?code=${code}&state=${state}` } });
  assert.equal(finished.json().kind, "connected", finished.text);
  for (const answer of [started, finished]) assert.deepEqual(answer.setCookie, []);
  return { ...finished.json().connection, state, fingerprint };
}

const anna = await connected("42");
const ben = await connected("43");
const routes = [
  ["POST", "/connect/start", { stateFingerprint: mintState().fingerprint, redirectUri: env.redirectUri }],
  ["POST", "/connect/finish", { callback: `?code=x&state=${anna.state}` }],
  ["GET", `/connect/attempts/${anna.fingerprint}`],
  ["GET", "/connections"],
  ["GET", `/connections/${anna.id}`],
  ["GET", "/vehicles"],
  ["DELETE", `/connections/${anna.id}`],
  ["DELETE", "/connections"],
];

test("every route answers for the user that is named, with no header of a page and no cookie", async () => {
  assert.deepEqual((await ask("GET", "/connections", "42")).json().connections.map(({ id }) => id), [anna.id]);
  assert.equal((await ask("GET", `/connections/${anna.id}`, "42")).json().id, anna.id);
  assert.equal((await ask("GET", `/connect/attempts/${anna.fingerprint}`, "42")).json().status, "finished");
  for (const { connectionId } of (await ask("GET", "/vehicles", "42")).json().vehicles) assert.equal(connectionId, anna.id);
  const token = await ask("POST", "/internal/token", "42", { body: { connectionId: anna.id } });
  assert.equal(token.json().principal, "user:42");
  assert.ok(await env.simulator.honours(token.json().accessToken));
});

test("nothing of another user's is found, and nothing happens to it", async () => {
  for (const [method, path, body] of routes.slice(1, 7)) {
    const answer = await ask(method, path, "43", { body });
    if (answer.status === 200) assert.ok(!answer.text.includes(anna.id), `${method} ${path}`);
    else assert.ok([403, 404].includes(answer.status), `${method} ${path} ${answer.text}`);
  }
  const vehicleId = anna.vehicles[0].id;
  assertProblem(await ask("POST", "/internal/token", "44", { body: { vehicleId } }), { status: 404 });
  assertProblem(await ask("POST", "/internal/token", "43", { body: { connectionId: anna.id } }), { status: 404 });
  assert.equal((await ask("GET", `/connections/${anna.id}`, "42")).json().status, "active");
});

test("a service key that names nobody is told how, wherever somebody is needed", async () => {
  for (const [method, path, body] of routes) {
    const problem = assertProblem(await ask(method, path, undefined, { body }), { status: 400, code: "invalid_parameter" });
    assert.equal(problem.field, "Smartcar-Connect-User", `${method} ${path}`);
  }
  assert.equal((await ask("GET", "/healthz", undefined)).status, 200);
  for (const user of ["", "two words", "4".repeat(508)]) {
    assertProblem(await ask("GET", "/connections", user), { status: 400, code: "invalid_parameter" });
  }
});

test("the header without a service key is refused, session or not, and changes nothing", async () => {
  const visitor = env.client();
  await env.connected(visitor);
  for (const authorization of [undefined, "Bearer x", `Basic ${SERVICE_KEY}`, `Bearer ${SERVICE_KEY}x`]) {
    for (const [method, path, body] of routes) {
      const answer = await visitor.request(method, path, {
        headers: { ...visitor.guards, authorization, "smartcar-connect-user": "42" },
        body: body && JSON.stringify(body),
      });
      assertProblem(answer, { status: 401, code: "service_key_rejected" });
    }
  }
  assert.equal((await visitor.connections()).length, 1);
  assert.equal((await ask("GET", "/connections", "42")).json().connections.length, 1);
});

test("beside a service key no cookie counts, and none is set or ended", async () => {
  const visitor = env.client();
  await env.connected(visitor);
  const cookie = `${visitor.cookieName}=${visitor.cookie}`;
  const seen = await ask("GET", "/connections", "42", { headers: { cookie } });
  assert.deepEqual(seen.json().connections.map(({ id }) => id), [anna.id]);
  const gone = await ask("DELETE", "/connections", "45", { headers: { cookie } });
  assert.deepEqual([gone.status, gone.setCookie], [204, []]);
  assert.equal((await visitor.connections()).length, 1);
});

test("no page of another origin may send the header", async () => {
  const answer = await client.request("OPTIONS", "/connections", {
    headers: { origin: env.page, "access-control-request-method": "GET", "access-control-request-headers": "smartcar-connect-user" },
  });
  assert.ok(answer.headers["access-control-allow-headers"]);
  assert.ok(!answer.headers["access-control-allow-headers"].includes("smartcar-connect-user"));
});

test("a user's cars are disconnected for the user alone", async () => {
  assert.equal((await ask("DELETE", `/connections/${anna.id}`, "42")).status, 204);
  assert.deepEqual((await ask("GET", "/connections", "42")).json().connections, []);
  assert.equal((await ask("DELETE", "/connections", "43")).status, 204);
  assertProblem(await ask("GET", `/connections/${ben.id}`, "43"), { status: 404 });
});
