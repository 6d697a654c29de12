// `POST /internal/token`, the app's own back end: by service key only.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openEnv } from "../harness/env.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";

const OTHER_KEY = "another-service-key-0123456789abcdefghij";
const env = await openEnv({
  adjust: (values) => ({ ...values, SERVICE_KEYS: `${OTHER_KEY},${SERVICE_KEY}` }),
  variants: ({ SERVICE_KEYS: _, ...values }) => [{ name: "without-service-keys", bindings: values }],
});
after(() => env.close());

const client = env.client();
const connection = await env.connected(client);
const vehicleId = connection.vehicles[0].id;

test("each of the service keys gets a token that Smartcar honours, by connection and by vehicle", async () => {
  for (const serviceKey of [SERVICE_KEY, OTHER_KEY]) {
    for (const which of [{ connectionId: connection.id }, { vehicleId }]) {
      const token = await client.askToken(which, { serviceKey });
      assert.equal(token.status, 200, token.text);
      assert.equal(token.headers["cache-control"], "no-store");
      const { accessToken, expiresAt, connectionId } = token.json();
      assert.equal(connectionId, connection.id);
      assert.ok(expiresAt > Date.now());
      assert.ok(await env.simulator.honours(accessToken), "Smartcar does not honour the token");
    }
  }
});

test("without one of the service keys there is no token, session or not", async () => {
  const wrong = ["", "x", SERVICE_KEY.slice(1), `${SERVICE_KEY}x`, SERVICE_KEY.toUpperCase(), `${OTHER_KEY},${SERVICE_KEY}`];
  for (const serviceKey of wrong) {
    assertProblem(await client.askToken({ vehicleId }, { serviceKey }), { status: 401, code: "service_key_rejected" });
  }
  const asVisitor = await client.post("/internal/token", { principal: client.principal, vehicleId });
  assertProblem(asVisitor, { status: 401, code: "service_key_rejected" });
  for (const authorization of [SERVICE_KEY, `Basic ${SERVICE_KEY}`, `Bearer${SERVICE_KEY}`, `Bearer Bearer ${SERVICE_KEY}`]) {
    const headers = { "content-type": "application/json", authorization };
    assertProblem(await client.askToken({ vehicleId }, { headers }), { status: 401, code: "service_key_rejected" });
  }
});

test("the scheme of a service key may be in any case, with as many spaces as one likes", async () => {
  for (const scheme of ["bearer ", "BEARER ", "Bearer    "]) {
    const headers = { "content-type": "application/json", authorization: `${scheme}${SERVICE_KEY}` };
    assert.equal((await client.askToken({ vehicleId }, { headers })).status, 200, scheme);
  }
});

test("a Worker without service keys issues no token to anybody", async () => {
  for (const serviceKey of ["", SERVICE_KEY, "undefined"]) {
    const refused = await client.askToken({ vehicleId }, { serviceKey, isolate: "without-service-keys" });
    assertProblem(refused, { status: 401, code: "service_key_rejected" });
  }
});

test("a token is asked for with one connection or vehicle, of one principal", async () => {
  for (const body of [
    {},
    { connectionId: connection.id, vehicleId },
    { connectionId: "x" },
    { vehicleId: "" },
    { vehicleId, principal: "" },
    { vehicleId, principal: "two words" },
    { vehicleId, principal: "p".repeat(600) },
    { vehicleId, unknown: 1 },
  ]) {
    assertProblem(await client.askToken(body), { status: 400 });
  }
});

test("another principal's connection and vehicle are not found", async () => {
  for (const principal of ["nobody", `${client.principal}x`]) {
    for (const which of [{ connectionId: connection.id }, { vehicleId }]) {
      assertProblem(await client.askToken({ principal, ...which }), { status: 404, code: "connection_not_found" });
    }
  }
});
