// `POST /internal/token`, the app's own back end: by service key only.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { send } from "../harness/http.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { openEnv } from "../harness/env.mjs";

const OTHER_KEY = "another-service-key-0123456789abcdefghij";
const env = await openEnv({
  adjust: (values) => ({ ...values, SERVICE_KEYS: `${OTHER_KEY},${SERVICE_KEY}` }),
  variants: ({ SERVICE_KEYS: _, ...values }) => [{ name: "without-service-keys", bindings: values }],
});
after(() => env.close());

const client = env.client();
const { answer } = await env.connect(client);
const { connection } = answer.json();
const vehicleId = connection.vehicles[0].id;

function ask(body, options) {
  return client.token(connection, { body: JSON.stringify({ principal: client.principal, ...body }), ...options });
}

test("each of the keys gets a token that Smartcar honours, by connection and by vehicle", async () => {
  for (const serviceKey of [SERVICE_KEY, OTHER_KEY]) {
    for (const which of [{ connectionId: connection.id }, { vehicleId }]) {
      const token = await ask(which, { serviceKey });
      assert.equal(token.status, 200, token.text);
      assert.equal(token.headers["cache-control"], "no-store");
      const { accessToken, expiresAt, connectionId } = token.json();
      assert.equal(connectionId, connection.id);
      assert.ok(expiresAt > Date.now());
      const user = await send(`${env.simulator.origin}/v2.0/user`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      assert.equal(user.status, 200);
    }
  }
});

test("without one of the keys there is nothing, session or not", async () => {
  const wrong = ["", "x", SERVICE_KEY.slice(1), `${SERVICE_KEY}x`, SERVICE_KEY.toUpperCase(), `${OTHER_KEY},${SERVICE_KEY}`];
  for (const serviceKey of wrong) {
    assertProblem(await ask({ vehicleId }, { serviceKey }), { status: 401, code: "service_key_rejected" });
  }
  const asVisitor = await client.post("/internal/token", { principal: client.principal, vehicleId });
  assertProblem(asVisitor, { status: 401, code: "service_key_rejected" });
  for (const authorization of [SERVICE_KEY, `Basic ${SERVICE_KEY}`, `Bearer  ${SERVICE_KEY}`]) {
    const headers = { "content-type": "application/json", authorization };
    assertProblem(await ask({ vehicleId }, { headers }), { status: 401, code: "service_key_rejected" });
  }
});

test("a Worker without service keys has no such door", async () => {
  for (const serviceKey of ["", SERVICE_KEY, "undefined"]) {
    const refused = await ask({ vehicleId }, { serviceKey, isolate: "without-service-keys" });
    assertProblem(refused, { status: 401, code: "service_key_rejected" });
  }
});

test("what is asked for has to be one thing, of one principal", async () => {
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
    assertProblem(await ask(body), { status: 400 });
  }
});

test("another principal's connection and vehicle are not there", async () => {
  for (const principal of ["nobody", `${client.principal}x`]) {
    for (const which of [{ connectionId: connection.id }, { vehicleId }]) {
      assertProblem(await ask({ principal, ...which }), { status: 404, code: "connection_not_found" });
    }
  }
});
