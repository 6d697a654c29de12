// What can go wrong between the Worker and Smartcar while a code is exchanged: a typed answer, and nothing kept.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openEnv } from "../harness/env.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, MINUTE } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const env = await openEnv();
const { simulator, edge } = env;
after(() => env.close());
beforeEach(() => simulator.reset());

async function stored() {
  return (await (await edge.kv()).list()).keys.length;
}

/** Fails to connect because of `fault`, and returns the problem. */
async function failsWith(fault, client = env.client()) {
  const before = await stored();
  const { state } = await client.start();
  const code = await env.consent();
  await simulator.fault({ endpoint: "exchange", ...fault });
  const answer = await client.finish({ code, state });
  const problem = assertProblem(answer);
  assert.ok(answer.status === 502 || answer.status === 503 || answer.status === 504, answer.text);
  assert.deepEqual(await client.connections(), []);
  assert.equal(await stored(), before, "something was written to KV");
  for (const secret of await simulator.secrets()) assert.ok(!answer.text.includes(secret), answer.text);
  return { problem, answer, query: { code, state }, client };
}

const REFUSED = { error: "invalid_request", error_description: "Invalid code: 0f4d5a7e." };
const faults = [
  ["the connection is reset before anything was done", { kind: "reset_before" }],
  ["the connection is reset after the code was used", { kind: "reset_after" }],
  ["the body ends early", { kind: "truncated" }],
  ["the body ends early after the code was used", { kind: "truncated", commit: true }],
  ["the JSON is cut", { kind: "truncated", how: "json" }],
  ["the types are wrong", { kind: "wrong_types" }],
  ["the body is 64 KiB + 1", { kind: "oversized" }],
  ["the answer is HTML", { kind: "not_json" }],
  ["the answer is no text", { kind: "garbage" }],
  ["the answer is 500", { kind: "status", status: 500, body: "oops" }],
  ["the answer is 502 with a page", { kind: "status", status: 502, body: "<html>", headers: { "content-type": "text/html" } }],
  ["the answer is 503", { kind: "status", status: 503, body: "" }],
  ["the answer is 429", { kind: "status", status: 429, body: {}, headers: { "retry-after": "7" } }],
  ["the answer is 200 with an error in it", { kind: "status", status: 200, body: REFUSED }],
  ["the answer is 200 with no token", { kind: "status", status: 200, body: {} }],
  ["the answer is an empty 200", { kind: "status", status: 200, body: "" }],
  ["the answer is 204", { kind: "status", status: 204, body: "" }],
  ["the client is not known", { kind: "status", status: 401, body: { error: "invalid_client", error_description: "x" } }],
  ["the code is refused as Smartcar does", { kind: "status", status: 400, body: REFUSED }],
  ["the code is refused as the RFC says", { kind: "status", status: 400, body: { error: "invalid_grant" } }],
  ["the refusal is not JSON", { kind: "status", status: 400, body: "no" }],
];

for (const [what, fault] of faults) {
  test(`${what}: a typed answer, and nothing is kept`, async () => {
    const { problem } = await failsWith(fault);
    assert.notEqual(problem.code, "internal_error");
    assert.equal((await simulator.tokenRequests()).length, 1, "a code is presented once");
  });
}

test("a refused code and an unavailable Smartcar are told apart", async () => {
  const refused = await failsWith({ kind: "status", status: 400, body: REFUSED });
  assert.equal(refused.problem.code, "exchange_refused");
  assert.ok(!refused.answer.text.includes("0f4d5a7e"), "Smartcar's message repeats the code");
  await simulator.reset();
  const unavailable = await failsWith({ kind: "status", status: 503, body: "" });
  assert.equal(unavailable.problem.code, "upstream_unavailable");
  assert.equal(unavailable.answer.status, 503);
});

test("`Retry-After` of the token endpoint is passed on", async () => {
  const { answer, problem } = await failsWith({
    kind: "status",
    status: 429,
    body: {},
    headers: { "retry-after": "7" },
  });
  assert.equal(answer.headers["retry-after"], "7");
  assert.equal(problem.retryAfter, 7);
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect (${status}) from the token endpoint is refused, not followed`, async () => {
    await failsWith({ kind: "redirect", location: `${simulator.origin}/oauth/stolen`, status });
    const paths = (await simulator.requests()).map(({ path }) => path);
    assert.deepEqual(paths, ["/oauth/token"]);
  });
}

test("an exchange whose answer never comes, or never ends, is given up after ten seconds", async () => {
  const slow = [
    { kind: "slow_headers", ms: MINUTE },
    { kind: "slow_body", ms: MINUTE, commit: false },
  ];
  const pending = [];
  for (const [index, fault] of slow.entries()) {
    const client = env.client();
    const { state } = await client.start();
    const code = await env.consent();
    await simulator.fault({ endpoint: "exchange", ...fault });
    const began = performance.now();
    pending.push(client.finish({ code, state }).then((answer) => ({ answer, client, took: performance.now() - began })));
    // The fault is for this client: it has to be taken before the next one is set.
    await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > index);
  }
  for (const { answer, client, took } of await Promise.all(pending)) {
    assertProblem(answer, { code: "upstream_unavailable" });
    assert.ok(took > 8000 && took < 40_000, `${took} ms`);
    assert.deepEqual(await client.connections(), []);
  }
});

test("a repeated finish after a failed exchange never presents the code a second time", async () => {
  const { client, query } = await failsWith({ kind: "reset_after" });
  await simulator.clearFaults();
  const again = await client.finish(query);
  assert.ok(again.status >= 400, again.text);
  assert.equal((await simulator.tokenRequests()).length, 1);
  assert.deepEqual(await client.connections(), []);
});

test("Smartcar's own error for a wrong client secret names neither secret nor code", async () => {
  const { answer, problem } = await failsWith({
    kind: "status",
    status: 401,
    body: { error: "invalid_client", error_description: `bad ${env.values.SMARTCAR_CLIENT_SECRET}` },
  });
  assert.ok(!answer.text.includes(env.values.SMARTCAR_CLIENT_SECRET));
  assert.ok(problem.detail.length > 0);
});

test("`expires_in` outside of reason is bounded or refused, never believed", async () => {
  for (const value of [-1, 0, 1e12, "7200", "soon", true, 0.5, [], {}]) {
    await simulator.reset();
    const client = env.client();
    const { state } = await client.start();
    const code = await env.consent();
    await simulator.fault({ endpoint: "exchange", kind: "expires_in", value });
    const answer = await client.finish({ code, state });
    if (answer.status !== 200) {
      assertProblem(answer);
      assert.ok(answer.status >= 502 && answer.status <= 504, `${value}: ${answer.text}`);
      assert.deepEqual(await client.connections(), []);
      continue;
    }
    const { accessExpiresAt } = answer.json().connection;
    assert.ok(accessExpiresAt > Date.now() - MINUTE && accessExpiresAt < Date.now() + DAY, `${JSON.stringify(value)}`);
  }
});

test("a grant survives when Smartcar's list of vehicles does not come: the tokens are spent", async () => {
  const client = env.client();
  const { state } = await client.start();
  const code = await env.consent();
  await simulator.fault({ endpoint: "vehicles", kind: "status", status: 500, body: "oops", times: null });
  await client.finish({ code, state });
  await simulator.clearFaults();
  assert.equal((await simulator.tokenRequests()).length, 1);
  const connections = await client.connections();
  assert.equal(connections.length, 1, "the grant was lost");
});
