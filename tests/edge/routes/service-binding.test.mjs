// The app's own Worker asks for tokens over a service binding, with the cookie that its visitor sent.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openEnv } from "../harness/env.mjs";
import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { PREFIX, SERVICE_KEY } from "../harness/settings.mjs";

// As in docs/operations.md: the session of whoever calls, then the principal that the answer named.
const BACKEND = `
export default {
  async fetch(request, { SMARTCAR }) {
    const { key, ...wanted } = await request.json();
    const session = request.headers.get("cookie");
    return SMARTCAR.fetch("https://smartcar-connect${PREFIX}/internal/token", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key ? { authorization: "Bearer " + key } : {}),
        ...(session ? { cookie: session } : {}),
      },
      body: JSON.stringify(wanted.principal === undefined && session ? { session, ...wanted } : wanted),
    });
  },
};
`;

const env = await openEnv({ backends: [{ name: "backend", script: BACKEND }] });
after(() => env.close());

const client = env.client();
const connection = await env.connected(client);
const stranger = env.client();
await env.connect(stranger);
const vehicleId = connection.vehicles[0].id;

/** The visitor asks the app's back end, which asks the Worker. */
function ask(body, { as = client, key = SERVICE_KEY } = {}) {
  return send(env.edge.at("backend"), {
    method: "POST",
    headers: { "content-type": "application/json", ...(as ? { cookie: `theme=dark; ${as.cookieName}=${as.cookie}` } : {}) },
    body: JSON.stringify({ key, ...body }),
  });
}

test("a back end gets a token by session, then by the principal that the answer named, of a connection and of a vehicle", async () => {
  for (const which of [{ connectionId: connection.id }, { vehicleId }]) {
    const bySession = await ask(which);
    assert.equal(bySession.status, 200, bySession.text);
    const { accessToken, principal, connectionId } = bySession.json();
    assert.deepEqual([principal, connectionId], [client.principal, connection.id]);
    const byPrincipal = await ask({ principal, ...which }, { as: null });
    assert.deepEqual(byPrincipal.json(), bySession.json());
    assert.ok(await env.simulator.honours(accessToken), "Smartcar does not honour the token");
  }
});

test("another owner's session or principal finds nothing, and says no more than for what never was", async () => {
  const shape = (answer) => ({ ...assertProblem(answer, { status: 404, code: "connection_not_found" }), requestId: undefined });
  const never = shape(await ask({ connectionId: "AAAAAAAAAAAAAAAAAAAAAA", principal: client.principal }));
  assert.deepEqual(shape(await ask({ connectionId: connection.id }, { as: stranger })), never);
  assert.deepEqual(shape(await ask({ connectionId: connection.id, principal: stranger.principal })), never);
  assert.deepEqual(shape(await ask({ connectionId: connection.id, principal: "nobody" })), never);
  assert.deepEqual(shape(await ask({ vehicleId, principal: "nobody" })), never);
});

test("what is not a session is refused, and so are both session and principal, or neither", async () => {
  for (const session of ["", "x", `${client.cookie}x`, client.cookie.slice(0, -2), client.principal]) {
    const refused = await ask({ session, vehicleId }, { as: null });
    assertProblem(refused, { status: 401, code: "session_missing" });
    assert.equal(refused.json().field, "session");
  }
  const both = await ask({ session: client.cookie, principal: client.principal, vehicleId });
  assertProblem(both, { status: 400, code: "invalid_parameter" });
  assertProblem(await ask({ vehicleId }, { as: null }), { status: 400, code: "invalid_parameter" });
});

test("without a service key a service binding gets no token", async () => {
  for (const key of ["", "wrong", client.cookie, `${SERVICE_KEY},${SERVICE_KEY}`]) {
    const refused = await ask({ vehicleId }, { key });
    assertProblem(refused, { status: 401, code: "service_key_rejected" });
  }
});

test("a browser's session cookie alone gets no token, with whatever else a page can send", async () => {
  for (const body of [{ session: client.cookie, vehicleId }, { principal: client.principal, vehicleId }, { vehicleId }]) {
    for (const headers of [{}, { origin: undefined, "sec-fetch-site": undefined }, { authorization: `Bearer ${client.cookie}` }]) {
      const refused = await client.post("/internal/token", body, { headers });
      assertProblem(refused, { status: 401, code: "service_key_rejected" });
      assert.ok(!refused.text.includes("accessToken"));
    }
  }
});
