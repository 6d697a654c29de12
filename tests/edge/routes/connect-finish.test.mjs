// Who may finish what: the state, its one use, and the caller it belongs to. The Worker's own check, without a browser.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { burst } from "../harness/burst.mjs";
import { mintState } from "../harness/client.mjs";
import { openEnv } from "../harness/env.mjs";
import { assertProblem } from "../harness/problem.mjs";

const env = await openEnv({ isolates: 4 });
const { simulator } = env;
after(() => env.close());
beforeEach(() => simulator.reset());

/** The callback is refused with `code`, and Smartcar hears nothing of it. */
async function refused(client, query, expected) {
  const before = (await simulator.requests()).length;
  const answer = await client.finish(query);
  assertProblem(answer, expected);
  assert.equal((await simulator.requests()).length, before, "an upstream call was made");
  return answer;
}

test("a granted callback becomes a connection with its vehicles", async () => {
  const client = env.client();
  const { answer } = await env.connect(client);
  assert.equal(answer.status, 200, answer.text);
  const outcome = answer.json();
  assert.equal(outcome.kind, "connected");
  assert.equal(outcome.connection.status, "active");
  assert.ok(outcome.connection.vehicles.length > 0);
  assert.deepEqual(await client.connections(), [outcome.connection]);
  const { vehicles } = (await client.get("/vehicles")).json();
  assert.deepEqual(
    vehicles.map(({ id }) => id).sort(),
    outcome.connection.vehicles.map(({ id }) => id).sort(),
  );
  for (const vehicle of vehicles) assert.equal(vehicle.connectionId, outcome.connection.id);
});

test("the exchange carries what Smartcar documents, and nothing else", async () => {
  const { query } = await env.connect(env.client());
  const [request, ...more] = await simulator.tokenRequests();
  assert.deepEqual(more, []);
  assert.equal(request.method, "POST");
  assert.match(request.headers["content-type"], /^application\/x-www-form-urlencoded\b/);
  assert.ok(request.headers["user-agent"], "a User-Agent is documented as required");
  assert.deepEqual(Object.fromEntries(request.form), {
    grant_type: "authorization_code",
    code: query.code,
    redirect_uri: env.redirectUri,
    client_id: env.values.SMARTCAR_CLIENT_ID,
    client_secret: env.values.SMARTCAR_CLIENT_SECRET,
  });
  assert.equal(request.form.length, 5);
});

test("a callback with a forged state is refused: it is unknown", async () => {
  const client = env.client();
  await client.start();
  await refused(client, { code: await env.consent(), state: mintState().state }, { code: "state_unknown" });
});

test("a callback without a state is refused", async () => {
  const client = env.client();
  await client.start();
  const code = await env.consent();
  await refused(client, { code }, { code: "state_missing" });
  await refused(client, { code, state: "" }, { code: "state_missing" });
});

test("a callback with an error is not believed without its state", async () => {
  const client = env.client();
  const { state } = await client.start();
  await refused(client, { error: "access_denied" }, { code: "state_missing" });
  await refused(client, { error: "access_denied", state: mintState().state }, { code: "state_unknown" });
  const believed = await client.finish({ error: "access_denied", error_description: "User denied access", state });
  assert.equal(believed.status, 200, believed.text);
  assert.equal(believed.json().kind, "access_denied");
  assert.deepEqual(await simulator.tokenRequests(), []);
});

test("a callback with a repeated parameter is refused, whichever it is", async () => {
  const client = env.client();
  const { state } = await client.start();
  const code = await env.consent();
  for (const query of [
    `?code=${code}&state=${state}&state=${state}`,
    `?code=${code}&code=${code}&state=${state}`,
    `?code=${code}&state=${state}&error=access_denied&error=access_denied`,
    `?state=${mintState().state}&code=${code}&state=${state}`,
    `?code=${code}&state=${state}&st%61te=${state}`,
  ]) {
    await refused(client, query, { code: "callback_repeated_parameter" });
  }
});

test("a state is used once: the same finish returns the stored outcome, another one is refused", async () => {
  const client = env.client();
  const { query, answer } = await env.connect(client);
  const repeated = await client.finish(query);
  assert.equal(repeated.status, 200, repeated.text);
  assert.deepEqual(repeated.json(), answer.json());
  assert.equal((await simulator.tokenRequests()).length, 1);
  await refused(client, { ...query, code: await env.consent() }, { code: "state_used" });
  assert.equal((await client.connections()).length, 1);
});

test("a state used for an error cannot be used for a code", async () => {
  const client = env.client();
  const { state } = await client.start();
  assert.equal((await client.finish({ error: "access_denied", state })).status, 200);
  await refused(client, { code: await env.consent(), state }, { code: "state_used" });
});

test("the same finish 50 times at once is one exchange with one outcome", async () => {
  await simulator.configure({ latencyMs: 150 });
  const client = env.client();
  const { state } = await client.start();
  const query = { code: await env.consent(), state };
  const { answers } = await burst({
    count: 50,
    isolates: env.edge.isolates,
    request: (isolate) => client.finish(query, { isolate }),
  });
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200], answers[0].text);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal((await simulator.tokenRequests()).length, 1);
  assert.equal((await simulator.counts()).exchange, 1);
  assert.equal((await client.connections()).length, 1);
});

test("another visitor cannot finish with the first one's state and code, and does not spoil it", async () => {
  const first = env.client();
  const { state } = await first.start();
  const query = { code: await env.consent(), state };

  const second = env.client();
  await second.start();
  await refused(second, query, { code: "state_unknown" });
  assert.deepEqual(await second.connections(), []);

  const stranger = env.client();
  await refused(stranger, query, { status: 401, code: "session_missing" });

  const answer = await first.finish(query);
  assert.equal(answer.json().kind, "connected", answer.text);
});

test("another visitor who starts with the first one's fingerprint gains nothing", async () => {
  const first = env.client();
  const { state, fingerprint } = await first.start();
  const second = env.client();
  await second.post("/connect/start", { stateFingerprint: fingerprint, redirectUri: env.redirectUri });
  const code = await env.consent();
  assert.equal((await first.finish({ code, state })).json().kind, "connected");
  const answer = await second.finish({ code, state });
  assertProblem(answer);
  assert.deepEqual(await second.connections(), []);
});

test("a code with `&grant_type=` inside it arrives as one value", async () => {
  const client = env.client();
  const { state } = await client.start();
  const code = "abc&grant_type=refresh_token&refresh_token=stolen&client_id=%26x=";
  const answer = await client.finish({ code, state });
  assertProblem(answer, { code: "exchange_refused" });
  const [request] = await simulator.tokenRequests();
  assert.deepEqual(
    request.form.filter(([name]) => name === "code"),
    [["code", code]],
  );
  assert.deepEqual(
    request.form.filter(([name]) => name === "grant_type"),
    [["grant_type", "authorization_code"]],
  );
  assert.equal(request.form.length, 5);
  assert.deepEqual(await client.connections(), []);
});

test("a code that was used before is refused, and nothing is kept", async () => {
  const first = env.client();
  const { query } = await env.connect(first);
  const second = env.client();
  const { state } = await second.start();
  assertProblem(await second.finish({ code: query.code, state }), { code: "exchange_refused" });
  assert.deepEqual(await second.connections(), []);
});

test("each documented error of a callback comes back with what it carries", async () => {
  const client = env.client();
  const cases = [
    [{ error: "vehicle_incompatible", vin: "0SCGMAKE000000001", make: "TESLA", model: "Model S", year: "2020" },
      "vehicle_incompatible"],
    [{ error: "invalid_subscription" }, "invalid_subscription"],
    [{ error: "no_vehicles" }, "no_vehicles"],
    [{ error: "configuration_error", status_code: "400", error_message: "bad" }, "configuration_error"],
    [{ error: "server_error" }, "server_error"],
    [{ error: "oem_cancelled_login" }, "oem_cancelled_login"],
    [{ error: "user_manually_returned_to_application" }, "user_manually_returned_to_application"],
    [{ error: "user_cancelled" }, "user_cancelled"],
    [{ error: "something_new" }, "unknown_error"],
  ];
  for (const [query, kind] of cases) {
    const { state } = await client.start();
    const answer = await client.finish({ ...query, error_description: "Words for the owner", state });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().kind, kind);
    assert.equal(answer.json().description, "Words for the owner");
  }
  assert.deepEqual(await simulator.tokenRequests(), []);
});

test("a callback that grants without a code is refused, and Smartcar hears nothing", async () => {
  const client = env.client();
  for (const rest of ["", "&code=", "&error_description=d", "&vin=V", "&response=a.b.c", "&?code=a", "&code%20=a", "&external_id=e"]) {
    const { state } = await client.start();
    const answer = await refused(client, `?state=${state}${rest}`, { code: "code_missing" });
    assert.match(answer.json().detail, /no `code`, `user_id`, `vehicle_id` or `error`/, rest);
  }
  const { state } = await client.start();
  const answer = await refused(client, `?state=${state}&user_id=someone-else`, { code: "code_missing" });
  assert.match(answer.json().detail, /`user_id` but no `code`/);
  assert.deepEqual(await client.connections(), []);
});

test("a callback of another authorization server is refused, and the owner can still finish", async () => {
  const client = env.client();
  const { redirectUri } = env;
  const { state } = await client.start({ redirectUri });
  const { code } = await simulator.grant({ redirectUri });
  for (const iss of ["https://evil.example", "https://connect.smartcar.com.evil.example"]) {
    await refused(client, { code, state, iss }, { status: 400, code: "callback_other_issuer" });
    await refused(client, { error: "access_denied", state, iss }, { status: 400, code: "callback_other_issuer" });
  }
  const answer = await client.finish({ code, state, iss: "https://connect.smartcar.com" });
  assert.equal(answer.json().kind, "connected", answer.text);
});

test("hostile callbacks are refused with a code, and Smartcar hears nothing", async () => {
  const client = env.client();
  const { state } = await client.start();
  for (const query of [
    "",
    "?",
    "?state",
    "?code=%",
    "?code=%zz&state=%00",
    `?state=${"s".repeat(9000)}&code=x`,
    `?state=${state}&code=${"c".repeat(12000)}`,
    `?${"a=1&".repeat(3000)}`,
    "https://evil.example/?code=x&state=y",
    "\u0000\u0001",
    "?state=\ud800",
  ]) {
    const answer = await client.finish(query);
    assert.ok(answer.status >= 400 && answer.status < 500, `${query.slice(0, 40)}: ${answer.status} ${answer.text}`);
    assertProblem(answer);
  }
  assert.deepEqual(await simulator.tokenRequests(), []);
});
