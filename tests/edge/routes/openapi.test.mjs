// `GET /openapi.json`, and the check by which every other answer in these tests is held to it.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";

import { assertDescribed, description, operationOf } from "../harness/contract.mjs";
import { openEnv } from "../harness/env.mjs";
import { send } from "../harness/http.mjs";

const env = await openEnv({
  variants: (values) => [
    { name: "mounted", bindings: { ...values, PATH_PREFIX: "/cars/v1" } },
    { name: "unset", bindings: {} },
  ],
});
after(() => env.close());

test("the description is OpenAPI 3.1", async () => {
  const validator = new Validator();
  assert.deepEqual(await validator.validate(structuredClone(description)), { valid: true });
  assert.equal(validator.version, "3.1");
  const [path] = Object.keys(description.paths);
  for (const broken of [
    { ...description, paths: { connections: description.paths[path] } },
    { ...description, info: {} },
    { ...description, components: { securitySchemes: { session: { type: "apiKey", in: "cookie" } } } },
  ]) {
    assert.equal((await new Validator().validate(structuredClone(broken))).valid, false);
  }
});

test("anybody gets the description, with the address and the cookie of the deployment", async () => {
  const client = env.client();
  const { status, headers, text } = await client.request("GET", "/openapi.json");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["cache-control"], "no-store");
  const expected = structuredClone(description);
  expected.components.securitySchemes.session.name = client.cookieName;
  assert.deepEqual(JSON.parse(text), expected);
  assert.equal((await client.request("HEAD", "/openapi.json")).status, 200);
  assert.equal((await client.request("POST", "/openapi.json", { body: "{}" })).json().code, "method_not_allowed");

  const mounted = await send(`${env.edge.at("mounted")}/cars/v1/openapi.json`);
  assert.deepEqual(mounted.json().servers, [{ url: "/cars/v1" }]);
  const unset = await send(`${env.edge.at("unset")}/smartcar/openapi.json`);
  assert.equal(unset.json().code, "misconfigured");
});

const problem = { type: "t", title: "t", detail: "d", requestId: "r" };
const headers = { "x-request-id": "r", "cache-control": "no-store" };
const refused = (status, code, more = {}) => ({
  status,
  headers: { ...headers, "content-type": "application/problem+json", ...more },
  text: JSON.stringify({ ...problem, status, code }),
});
const answered = (body) => ({
  status: 200,
  headers: { ...headers, "content-type": "application/json" },
  text: JSON.stringify(body),
});

test("an answer that is not described does not pass", () => {
  const id = "A".repeat(22);
  assert.equal(operationOf("GET", `/connections/${id}?x=y`).template, "/connections/{id}");
  assertDescribed("GET", "/healthz", answered({ status: "ok" }));
  assertDescribed("GET", "/nowhere", refused(404, "not_found"));
  assertDescribed("GET", `/connections/${id}`, refused(404, "connection_not_found"));
  for (const [method, path, answer] of [
    ["GET", "/healthz", answered({ status: "ok", more: 1 })],
    ["GET", "/healthz", answered({ status: "fine" })],
    ["GET", "/healthz", { ...answered({ status: "ok" }), status: 202 }],
    ["GET", "/healthz", { ...answered({ status: "ok" }), headers }],
    ["GET", "/healthz", { ...answered({ status: "ok" }), headers: { "content-type": "application/json" } }],
    ["GET", "/healthz", refused(401, "session_missing")],
    ["GET", "/nowhere", answered({})],
    ["GET", `/connections/${id}`, refused(404, "misconfigured")],
    ["GET", `/connections/${id}`, refused(404, "connection_not_found", { "retry-after": "1" })],
    ["GET", `/connections/${id}`, refused(404, "connection_not_found", { "x-request-id": "other" })],
    ["GET", "/vehicles", answered({ vehicles: [{ id: "v", connectionId: "c", token: "t" }] })],
    ["DELETE", "/connections", { ...answered({}), status: 204 }],
    ["POST", "/internal/token", refused(401, "service_key_rejected")],
  ]) {
    assert.throws(() => assertDescribed(method, path, answer), `${method} ${path} ${JSON.stringify(answer)}`);
  }
});
