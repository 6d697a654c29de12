// What a caller has started: what became of it, each fingerprint once, one callback however it is written.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { mintState } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { until } from "../harness/until.mjs";

const env = await openEnv({ isolates: 2, gated: true });
const { simulator } = env;
after(() => env.close());
beforeEach(() => simulator.reset());

const attempt = (client, fingerprint, options) => client.get(`/connect/attempts/${fingerprint}`, options);

test("a start says whether the caller was known before", async () => {
  const client = env.client();
  assert.equal((await client.start()).json().session, "started");
  assert.equal((await client.start()).json().session, "resumed");
  client.cookie = `${client.cookie}x`;
  assert.equal((await client.start()).json().session, "started");
});

test("the one who started is told what became of an attempt, as the finish was answered", async () => {
  const client = env.client();
  const { state, fingerprint } = await client.start();
  assert.deepEqual((await attempt(client, fingerprint)).json(), { status: "pending" });

  const release = env.gates.auth.hold();
  const finishing = client.finish({ code: await env.consent(), state });
  await until("the exchange is under way", async () => (await simulator.tokenRequests()).length > 0);
  assert.deepEqual((await attempt(client, fingerprint, { isolate: 1 })).json(), { status: "exchanging" });
  release();

  const outcome = (await finishing).json();
  assert.equal(outcome.kind, "connected");
  assert.deepEqual((await attempt(client, fingerprint)).json(), { status: "finished", outcome });
  assert.equal((await simulator.tokenRequests()).length, 1);

  // As a repeated finish is: the connection is gone.
  await client.delete(`/connections/${outcome.connection.id}`);
  assertProblem(await attempt(client, fingerprint), { code: "connection_not_found" });
});

test("the outcome of an attempt without a connection is told with all that Connect said", async () => {
  const client = env.client();
  for (const query of [
    { error: "access_denied", error_description: "no" },
    { error: "vehicle_incompatible", vin: "0SCGMAKE000000001", make: "TESLA", year: "2020" },
    { error: "something_new" },
  ]) {
    const { state, fingerprint } = await client.start();
    const answer = await client.finish({ ...query, state });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual((await attempt(client, fingerprint)).json(), { status: "finished", outcome: answer.json() });
  }
});

test("an attempt whose code was refused is answered as its finish was", async () => {
  const client = env.client();
  const { state, fingerprint } = await client.start();
  const refusal = assertProblem(await client.finish({ code: "no-code", state }), { code: "exchange_refused" });
  const told = assertProblem(await attempt(client, fingerprint), { code: "exchange_refused", status: 502 });
  assert.equal(told.detail, refusal.detail);
});

test("what the owner was asked for is kept with the attempt, and told with its outcome", async () => {
  const client = env.client();
  const asked = { scope: "required:read_vin read_odometer", mode: "simulated" };
  const { state, fingerprint } = mintState();
  const start = (more) => client.post("/connect/start", { stateFingerprint: fingerprint, redirectUri: env.redirectUri, ...more });
  for (const [more, field] of [
    [{ ...asked, scope: "a\nb" }, "scope"],
    [{ ...asked, scope: "" }, "scope"],
    [{ ...asked, mode: "Live" }, "mode"],
  ]) {
    assert.equal(assertProblem(await start(more), { code: "invalid_parameter" }).field, field);
  }
  assert.equal((await start(asked)).status, 200);
  const query = { code: await env.consent(), state };
  const outcome = (await client.finish(query)).json();
  assert.deepEqual(outcome.asked, asked);
  assert.deepEqual((await client.finish(query)).json(), outcome);
  assert.deepEqual((await attempt(client, fingerprint)).json().outcome, outcome);
});

test("nobody else is told what became of an attempt", async () => {
  const client = env.client();
  const { state, fingerprint } = await client.start();
  await client.finish({ code: await env.consent(), state });
  const other = env.client();
  assertProblem(await attempt(other, fingerprint), { status: 401, code: "session_missing" });
  await other.start();
  assertProblem(await attempt(other, fingerprint), { status: 403, code: "state_unknown" });
  assertProblem(await attempt(client, mintState().fingerprint), { status: 403, code: "state_unknown" });
  for (const path of ["short", `${fingerprint}A`, `${fingerprint.slice(0, -1)}%41`]) {
    assertProblem(await attempt(client, path), { status: 404, code: "not_found" });
  }
  assertProblem(await client.post(`/connect/attempts/${fingerprint}`, {}), { status: 405 });
});

test("a fingerprint starts one attempt, whatever became of it", async () => {
  const client = env.client();
  const { state, fingerprint } = await client.start();
  const again = () => client.post("/connect/start", { stateFingerprint: fingerprint, redirectUri: env.redirectUri });
  const refusal = assertProblem(await again(), { status: 400, code: "invalid_parameter" });
  assert.equal(refusal.field, "stateFingerprint");
  assert.equal((await client.finish({ code: await env.consent(), state })).json().kind, "connected");
  assertProblem(await again(), { status: 400, code: "invalid_parameter" });
  assertProblem(await client.finish({ code: await env.consent(), state }), { code: "state_used" });
  assert.equal((await client.connections()).length, 1);
});

test("a callback is the same however it is written", async () => {
  const client = env.client();
  const { state } = await client.start();
  const code = await env.consent();
  const query = `code=${code}&state=${state}`;
  const first = await client.finish(query);
  assert.equal(first.json().kind, "connected");
  for (const written of [
    `?${query}`,
    `?${query}#part`,
    `/cars?${query}`,
    `${env.redirectUri}?${query}#part`,
    `state=${state}&code=${code}`,
    `tab=2&c%6fde=${code}&state=${state.replace(".", "%2E")}&user_id=`,
  ]) {
    const answer = await client.finish(written);
    assert.equal(answer.status, 200, `${written} ${answer.text}`);
    assert.deepEqual(answer.json(), first.json());
  }
  assert.equal((await simulator.tokenRequests()).length, 1);
});

test("a callback that is a URL has to be the redirect URI", async () => {
  const client = env.client();
  const { state } = await client.start();
  const query = `code=${await env.consent()}&state=${state}`;
  for (const url of [`https://evil.example/?${query}`, `${env.redirectUri}cars?${query}`, `http://127.0.0.1/?${query}`]) {
    assertProblem(await client.finish(url), { status: 400, code: "callback_other_redirect_uri" });
  }
  assert.equal((await simulator.tokenRequests()).length, 0);
  assert.equal((await client.finish(`${env.redirectUri}?${query}`)).json().kind, "connected");
});

test("different callbacks at once get an answer each", async () => {
  const client = env.client();
  const attempts = [await client.start(), await client.start(), await client.start(), await client.start()];
  const { vehicles } = await simulator.configure({});
  const cars = vehicles.map(({ id }) => id);
  const queries = [
    { code: await env.consent({ vehicles: [cars[0]] }) },
    { code: await env.consent({ vehicles: [cars[1]] }) },
    { error: "access_denied" },
    { code: "no-code" },
  ];
  const release = env.gates.auth.hold();
  const finishing = queries.map((query, index) => client.finish({ ...query, state: attempts[index].state }));
  await until("the exchanges are under way", async () => (await simulator.tokenRequests()).length >= 3);
  release();
  const [first, second, denied, refused] = await Promise.all(finishing);
  assert.equal((await simulator.tokenRequests()).length, 3);
  assert.deepEqual(
    [first, second].map((answer) => answer.json().connection.vehicles.map(({ id }) => id)),
    [[cars[0]], [cars[1]]],
  );
  assert.notEqual(first.json().connection.id, second.json().connection.id);
  assert.equal(denied.json().kind, "access_denied");
  assertProblem(refused, { code: "exchange_refused" });
});
