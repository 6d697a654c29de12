// `reconnect`: whichever page of Connect mends a connection, by what the Worker says of it.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, setUp, storage } from "./support/chromium.mjs";
import { APPLICATION_ID, CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const PATH = `/connections/${CONNECTION.id}/reconnect`;
const VEHICLE_ID = "36ab27d0-fd9d-4455-823a-ce30af709ffc";

/** What the Worker answers. */
function says(answer) {
  const usual = { applicationId: APPLICATION_ID, connectOrigin: lab.world.elsewhere, externalId: "ext-1", expiresAt: 1790000600000 };
  lab.world.answers[PATH] = json({ ...usual, ...answer });
}

async function reconnect(page, options = {}) {
  const { value, error } = await call(page, "reconnect", CONNECTION.id, { navigate: false, ...options });
  return { ...value, error, url: value && new URL(value.url), query: value && Object.fromEntries(new URL(value.url).searchParams) };
}

test("re-authentication is opened for the vehicle, and its callback is taken", async (t) => {
  const page = await lab.page(t);
  says({ flow: "reauthenticate", vehicleId: VEHICLE_ID });
  const { flow, url, query, expiresAt } = await reconnect(page, { scope: ["read_odometer"] });
  assert.equal(flow, "reauthenticate");
  assert.equal(typeof expiresAt, "number");
  assert.equal(`${url.origin}${url.pathname}`, `${lab.world.elsewhere}/oauth/reauthenticate`);
  const { state, ...others } = query;
  assert.match(state, /^smartcar-connect\.[\w-]{43}$/);
  assert.deepEqual(others, {
    response_type: "vehicle_id",
    application_id: APPLICATION_ID,
    vehicle_id: VEHICLE_ID,
    redirect_uri: `${lab.world.app}/cars`,
    external_id: "ext-1",
  });
  const [request] = lab.world.sent(PATH);
  const fingerprint = (await call(page, "stateFingerprint", state)).value;
  assert.deepEqual(request.body, { stateFingerprint: fingerprint, redirectUri: `${lab.world.app}/cars`, scope: "read_odometer" });
  assert.equal(lab.world.requests.length, 1, "who has a connection to mend is known");
  assert.ok(!JSON.stringify(lab.world.requests).includes(state));
  const kept = await storage(page);
  assert.ok(kept.includes(fingerprint) && !kept.includes(state));

  lab.world.answers["/connect/finish"] = json({ kind: "reauthenticated", vehicleId: VEHICLE_ID, connection: CONNECTION });
  const callback = `${lab.world.app}/cars?vehicle_id=${VEHICLE_ID}&state=${state}`;
  const { value } = await call(page, "finish", callback);
  assert.deepEqual(value, { kind: "reauthenticated", vehicleId: VEHICLE_ID, connection: CONNECTION });
});

test("Smartcar's own URL is completed, if it is on Connect's origin", async (t) => {
  const page = await lab.page(t);
  const path = `/oauth/reauthenticate?response_type=vehicle_id&client_id=c&vehicle_id=${VEHICLE_ID}`;
  says({ flow: "reauthenticate", vehicleId: VEHICLE_ID, resolutionUrl: `${lab.world.elsewhere}${path}` });
  const { query } = await reconnect(page);
  assert.deepEqual([query.client_id, query.redirect_uri, query.external_id], ["c", `${lab.world.app}/cars`, undefined]);
  assert.match(query.state, /^smartcar-connect\./);

  for (const origin of ["https://evil.example", lab.world.app, `http://user@${new URL(lab.world.elsewhere).host}`]) {
    says({ flow: "reauthenticate", vehicleId: VEHICLE_ID, resolutionUrl: `${origin}${path}` });
    const { url, query: own } = await reconnect(page);
    assert.deepEqual([url.origin, own.application_id], [lab.world.elsewhere, APPLICATION_ID], origin);
  }
});

test("more permissions and a new connection are asked for as by a start", async (t) => {
  const page = await lab.page(t);
  for (const [flow, prompt] of [
    ["more_permissions", "force"],
    ["new_connection", undefined],
  ]) {
    says({ flow });
    const { url, query, ...result } = await reconnect(page, { scope: ["read_odometer"], mode: "simulated" });
    assert.equal(result.flow, flow);
    assert.equal(url.pathname, "/oauth/authorize");
    assert.deepEqual([query.approval_prompt, query.scope, query.mode], [prompt, "read_odometer", "simulated"]);
    assert.deepEqual([query.application_id, query.external_id], [APPLICATION_ID, "ext-1"]);
  }
});

test("from Tesla nobody comes back: neither a state nor an attempt is left", async (t) => {
  const page = await lab.page(t);
  says({ flow: "tesla_permissions", scope: "read_location control_charge", expiresAt: undefined });
  const { flow, query, expiresAt } = await reconnect(page);
  assert.deepEqual([flow, expiresAt], ["tesla_permissions", undefined]);
  assert.deepEqual(query, {
    response_type: "vehicle_id",
    application_id: APPLICATION_ID,
    make: "TESLA",
    scope: "read_location control_charge",
    external_id: "ext-1",
  });
  assert.ok(!(await storage(page)).includes("smartcar-connect:attempt"));
});

test("the page leaves once, whatever is clicked", async (t) => {
  const page = await lab.page(t);
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  says({ flow: "new_connection" });
  const answer = lab.world.answers[PATH];
  lab.world.answers[PATH] = async () => (await held, answer);
  await page.evaluate((id) => {
    window.same = window.connect.reconnect(id);
    window.again = window.connect.reconnect(id);
    void window.connect.start();
  }, CONNECTION.id);
  release();
  await page.waitForURL(`${lab.world.elsewhere}/oauth/authorize?**`);
  assert.equal(lab.world.sent(PATH).length, 1);
  assert.equal(lab.world.sent("/connect/start").length, 0);
});

test("what the Worker refuses, and what makes no sense, is an error, and leaves no attempt", async (t) => {
  const page = await lab.page(t);
  for (const [answer, code] of [
    [problem(409, "nothing_to_mend", "nothing"), "nothing_to_mend"],
    [problem(404, "connection_not_found", "gone"), "connection_not_found"],
    [problem(401, "session_missing", "who?"), "session_missing"],
    [{ flow: "something_new" }, "unexpected_response"],
    [{ flow: "reauthenticate" }, "unexpected_response"],
    [{ flow: "tesla_permissions" }, "unexpected_response"],
    [{ flow: "new_connection", connectOrigin: "javascript:alert(1)" }, "unexpected_response"],
  ]) {
    if (answer.status) lab.world.answers[PATH] = answer;
    else says(answer);
    assert.equal((await reconnect(page)).error.code, code, code);
    assert.ok(!(await storage(page)).includes("smartcar-connect:attempt"));
  }
  for (const id of [undefined, "", "short", "../connections"]) {
    const { error } = await call(page, "reconnect", id);
    assert.deepEqual([error.code, error.field], ["invalid_option", "id"]);
  }
});
