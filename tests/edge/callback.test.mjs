// Who may finish what: the state, its one use, and the caller it belongs to. The Worker's own check, without a browser.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { assertProblem } from "./harness/problem.mjs";
import { storm } from "./harness/storm.mjs";
import { mintState } from "./harness/visitor.mjs";
import { openWorld } from "./harness/world.mjs";

const world = await openWorld({ isolates: 4 });
const { simulator } = world;
after(() => world.close());
beforeEach(() => simulator.reset());

async function exchanges() {
  return (await simulator.requests()).filter(({ path }) => path === "/oauth/token");
}

/** The callback is refused with `code`, and Smartcar hears nothing of it. */
async function refused(visitor, query, expected) {
  const before = (await simulator.requests()).length;
  const answer = await visitor.finish(query);
  assertProblem(answer, expected);
  assert.equal((await simulator.requests()).length, before, "an upstream call was made");
  return answer;
}

test("a granted callback becomes a connection with its vehicles", async () => {
  const visitor = world.visitor();
  const { answer } = await world.connect(visitor);
  assert.equal(answer.status, 200, answer.text);
  const outcome = answer.json();
  assert.equal(outcome.kind, "connected");
  assert.equal(outcome.connection.status, "active");
  assert.ok(outcome.connection.vehicles.length > 0);
  assert.deepEqual(await visitor.connections(), [outcome.connection]);
  const { vehicles } = (await visitor.get("/vehicles")).json();
  assert.deepEqual(
    vehicles.map(({ id }) => id).sort(),
    outcome.connection.vehicles.map(({ id }) => id).sort(),
  );
  for (const vehicle of vehicles) assert.equal(vehicle.connectionId, outcome.connection.id);
});

test("the exchange carries what Smartcar documents, and nothing else", async () => {
  const { query } = await world.connect(world.visitor());
  const [request, ...more] = await exchanges();
  assert.deepEqual(more, []);
  assert.equal(request.method, "POST");
  assert.match(request.headers["content-type"], /^application\/x-www-form-urlencoded\b/);
  assert.ok(request.headers["user-agent"], "a User-Agent is documented as required");
  assert.deepEqual(Object.fromEntries(request.form), {
    grant_type: "authorization_code",
    code: query.code,
    redirect_uri: world.redirectUri,
    client_id: world.values.SMARTCAR_CLIENT_ID,
    client_secret: world.values.SMARTCAR_CLIENT_SECRET,
  });
  assert.equal(request.form.length, 5);
});

test("a forged state is unknown", async () => {
  const visitor = world.visitor();
  await visitor.start();
  await refused(visitor, { code: await world.consent(), state: mintState().state }, { code: "state_unknown" });
});

test("a missing state is refused", async () => {
  const visitor = world.visitor();
  await visitor.start();
  const code = await world.consent();
  await refused(visitor, { code }, { code: "state_missing" });
  await refused(visitor, { code, state: "" }, { code: "state_missing" });
});

test("an error is not believed without its state", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  await refused(visitor, { error: "access_denied" }, { code: "state_missing" });
  await refused(visitor, { error: "access_denied", state: mintState().state }, { code: "state_unknown" });
  const believed = await visitor.finish({ error: "access_denied", error_description: "User denied access", state });
  assert.equal(believed.status, 200, believed.text);
  assert.equal(believed.json().kind, "access_denied");
  assert.deepEqual(await exchanges(), []);
});

test("a repeated parameter is refused, whichever it is", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  const code = await world.consent();
  for (const query of [
    `?code=${code}&state=${state}&state=${state}`,
    `?code=${code}&code=${code}&state=${state}`,
    `?code=${code}&state=${state}&error=access_denied&error=access_denied`,
    `?state=${mintState().state}&code=${code}&state=${state}`,
    `?code=${code}&state=${state}&st%61te=${state}`,
  ]) {
    await refused(visitor, query, { code: "callback_repeated_parameter" });
  }
});

test("a state is used once: the same finish gives the stored outcome, another one is refused", async () => {
  const visitor = world.visitor();
  const { query, answer } = await world.connect(visitor);
  const repeated = await visitor.finish(query);
  assert.equal(repeated.status, 200, repeated.text);
  assert.deepEqual(repeated.json(), answer.json());
  assert.equal((await exchanges()).length, 1);
  await refused(visitor, { ...query, code: await world.consent() }, { code: "state_used" });
  assert.equal((await visitor.connections()).length, 1);
});

test("a state used for an error cannot be used for a code", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  assert.equal((await visitor.finish({ error: "access_denied", state })).status, 200);
  await refused(visitor, { code: await world.consent(), state }, { code: "state_used" });
});

test("the same finish 50 times at once is one exchange with one outcome", async () => {
  await simulator.configure({ latencyMs: 150 });
  const visitor = world.visitor();
  const { state } = await visitor.start();
  const query = { code: await world.consent(), state };
  const { answers } = await storm({
    count: 50,
    isolates: world.edge.isolates,
    request: (isolate) => visitor.finish(query, { isolate }),
  });
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200], answers[0].text);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal((await exchanges()).length, 1);
  assert.equal((await simulator.counts()).exchange, 1);
  assert.equal((await visitor.connections()).length, 1);
});

test("another visitor cannot finish with the first one's state and code, and does not spoil it", async () => {
  const first = world.visitor();
  const { state } = await first.start();
  const query = { code: await world.consent(), state };

  const second = world.visitor();
  await second.start();
  await refused(second, query, { code: "state_unknown" });
  assert.deepEqual(await second.connections(), []);

  const stranger = world.visitor();
  await refused(stranger, query, { status: 401, code: "session_missing" });

  const answer = await first.finish(query);
  assert.equal(answer.json().kind, "connected", answer.text);
});

test("another visitor who starts with the first one's fingerprint gains nothing", async () => {
  const first = world.visitor();
  const { state, fingerprint } = await first.start();
  const second = world.visitor();
  await second.post("/connect/start", { stateFingerprint: fingerprint, redirectUri: world.redirectUri });
  const code = await world.consent();
  assert.equal((await first.finish({ code, state })).json().kind, "connected");
  const answer = await second.finish({ code, state });
  assertProblem(answer);
  assert.deepEqual(await second.connections(), []);
});

test("a code with `&grant_type=` inside it arrives as one value", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
  const code = "abc&grant_type=refresh_token&refresh_token=stolen&client_id=%26x=";
  const answer = await visitor.finish({ code, state });
  assertProblem(answer, { code: "exchange_refused" });
  const [request] = await exchanges();
  assert.deepEqual(
    request.form.filter(([name]) => name === "code"),
    [["code", code]],
  );
  assert.deepEqual(
    request.form.filter(([name]) => name === "grant_type"),
    [["grant_type", "authorization_code"]],
  );
  assert.equal(request.form.length, 5);
  assert.deepEqual(await visitor.connections(), []);
});

test("a code that was used before is refused, and nothing is kept", async () => {
  const first = world.visitor();
  const { query } = await world.connect(first);
  const second = world.visitor();
  const { state } = await second.start();
  assertProblem(await second.finish({ code: query.code, state }), { code: "exchange_refused" });
  assert.deepEqual(await second.connections(), []);
});

test("each documented error comes back with what it carries", async () => {
  const visitor = world.visitor();
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
    const { state } = await visitor.start();
    const answer = await visitor.finish({ ...query, error_description: "Words for the owner", state });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().kind, kind);
    assert.equal(answer.json().description, "Words for the owner");
  }
  assert.deepEqual(await exchanges(), []);
});

test("a callback that grants without a code is refused, and Smartcar hears nothing", async () => {
  const visitor = world.visitor();
  for (const rest of ["", "&code=", "&user_id=someone-else"]) {
    const { state } = await visitor.start();
    await refused(visitor, `?state=${state}${rest}`, { code: "code_missing" });
  }
  assert.deepEqual(await visitor.connections(), []);
});

test("hostile callbacks are refused with a code, and Smartcar hears nothing", async () => {
  const visitor = world.visitor();
  const { state } = await visitor.start();
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
    const answer = await visitor.finish(query);
    assert.ok(answer.status >= 400 && answer.status < 500, `${query.slice(0, 40)}: ${answer.status} ${answer.text}`);
    assertProblem(answer);
  }
  assert.deepEqual(await exchanges(), []);
});
