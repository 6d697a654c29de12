// From Smartcar's request to the app's answer: nothing is lost, whatever dies or is down meanwhile, and nothing comes twice
// under two names.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { carOf } from "../harness/api.mjs";
import { openConnections } from "../harness/connections-fixture.mjs";
import { killAtWrite, runInboxAlarm, storedInInbox, wasKilled } from "../harness/instrumented.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";
import { event, isSigned, logIn, post, SECRET, startApp, TOKEN } from "../harness/webhooks.mjs";

const app = await startApp();
const OLD_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const fixture = await openConnections({
  adjust: (values) => ({
    ...values,
    SMARTCAR_MANAGEMENT_TOKEN: TOKEN,
    WEBHOOK_FORWARD_URL: app.url,
    WEBHOOK_FORWARD_SECRET: `${SECRET},${OLD_SECRET}`,
  }),
});
const { env, edge, simulator, carIds } = fixture;
after(async () => {
  await fixture.close();
  await app.close();
});
beforeEach(async () => {
  await fixture.reset();
  app.received.length = 0;
  app.answer = () => 204;
});

let users = 0;
/** An owner with a car, with what Smartcar knows both by. */
async function owner() {
  const user = `owner-${(users += 1)}@example.com`;
  const vehicleId = carIds[0];
  const it = await fixture.idleOwner({ vehicles: [vehicleId], user });
  const { userId } = await simulator.grant({ redirectUri: env.redirectUri, vehicles: [vehicleId], user });
  return { ...it, userId, vehicleId };
}

/** Lets the alarms of all inboxes ring that are due. */
async function ring() {
  for (const id of await edge.inboxIds()) await runInboxAlarm(edge, id).catch(() => {});
}

/** What the inboxes keep of events. */
async function kept() {
  const all = [];
  for (const id of await edge.inboxIds()) all.push(...(await storedInInbox(edge, id)));
  return all.filter(([name]) => /^(tell|hand_on)\//.test(name));
}

async function quiet(span = 10 * MINUTE, step = 5 * SECOND) {
  for (let passed = 0; passed < span && (await kept()).length > 0; passed += step) {
    await ring();
    await env.travel(step);
  }
}

async function isMarked(it) {
  const [connection] = await it.client.connections();
  return connection.status === "reauthentication_required";
}

const bodies = () => app.received.map(({ body }) => JSON.parse(body));

test("an event is durable before it is acknowledged, and the app gets it to the letter with whose it is", async () => {
  const it = await owner();
  const sent = JSON.stringify(event(it), null, 1);
  assert.equal((await post(edge, sent)).status, 200);
  assert.equal(app.received.length, 0, "the work comes after the answer");
  const [[, record]] = await kept();
  assert.ok(!record.includes(it.vehicleId) && !record.includes("VEHICLE_STATE"), "it is sealed");
  await ring();
  const [{ headers, body }] = app.received;
  assert.ok(isSigned({ headers, body }) && isSigned({ headers, body }, OLD_SECRET));
  assert.ok(body.includes(sent));
  const message = JSON.parse(body);
  assert.equal(message.id, headers["webhook-id"]);
  assert.equal(message.type, "smartcar.vehicle_state");
  assert.deepEqual(message.data.principals, [it.client.principal]);
  assert.deepEqual(await kept(), []);
});

test("what comes twice is handed on once: by its id for seven days, and as the same error for three minutes", async () => {
  const it = await owner();
  const state = event(it);
  for (const wait of [0, HOUR, 6 * DAY]) {
    await env.travel(wait);
    assert.equal((await post(edge, state)).status, 200);
    await ring();
  }
  assert.equal(app.received.length, 1);
  for (const what of ["ERROR", "ERROR", "RESOLVED", "ERROR"]) {
    assert.equal((await post(edge, logIn(what, it))).status, 200);
    await ring();
  }
  assert.deepEqual(
    bodies().slice(1).map(({ data }) => data.event.data.errors[0].state),
    ["ERROR", "RESOLVED", "ERROR"],
  );
  await env.travel(3 * MINUTE);
  await post(edge, logIn("ERROR", it));
  await ring();
  assert.equal(app.received.length, 5);
});

test("an error that is delivered again hides no newer one, and one that stays is told every three minutes", async () => {
  const it = await owner();
  const first = logIn("ERROR", { ...it, at: env.now() });
  const told = async (body) => {
    assert.equal((await post(edge, body)).status, 200);
    await ring();
    return app.received.splice(0).length;
  };
  assert.equal(await told(first), 1);
  assert.equal(await told(logIn("RESOLVED", { ...it, at: env.now() + SECOND })), 1);
  assert.equal(await told(first), 0);
  assert.equal(await told(logIn("ERROR", { ...it, at: env.now() + MINUTE })), 1);
  assert.equal(await isMarked(it), true);
  for (const handedOn of [0, 1, 0, 1]) {
    await env.travel(2 * MINUTE);
    assert.equal(await told(logIn("ERROR", { ...it, at: env.now() + MINUTE })), handedOn);
  }
});

test("an event of nobody's is handed on without an owner, after a minute in which one is looked for", async () => {
  await post(edge, event({ userId: "b6f0a6a1-0000-4000-8000-000000000000", vehicleId: carIds[0] }));
  await ring();
  assert.equal(app.received.length, 0);
  await quiet();
  assert.deepEqual(bodies().map(({ data }) => data.principals), [[]]);
});

test("a car that the owner did not connect here is nobody's", async () => {
  const it = await owner();
  await post(edge, event({ userId: it.userId, vehicleId: carIds[1] }));
  await quiet();
  assert.deepEqual(bodies().map(({ data }) => data.principals), [[]]);
});

test("an app that is down for hours gets everything in the end, each under its name", async () => {
  const it = await owner();
  const failures = [() => 500, () => 404, (response) => response.destroy(), redirected, endless];
  app.answer = (response, count) => failures[count % failures.length](response);
  for (let n = 0; n < 4; n += 1) await post(edge, event({ ...it, n }));
  for (let hour = 0; hour < 4; hour += 1) {
    await ring();
    await env.travel(HOUR);
  }
  assert.equal((await kept()).length, 4);
  assert.ok(app.received.length >= 8);
  app.received.length = 0;
  app.answer = () => 204;
  await quiet(DAY, HOUR);
  assert.deepEqual(bodies().map(({ data }) => data.event.data.n).sort(), [0, 1, 2, 3]);
  assert.equal(new Set(app.received.map(({ headers }) => headers["webhook-id"])).size, 4);
  assert.deepEqual(await kept(), []);
});

/** Sends the Worker elsewhere, where an answer of success waits. */
function redirected(response) {
  response.writeHead(307, { location: app.url.replace("/events", "/elsewhere") }).end();
}

/** Answers with a failure whose body never ends. */
function endless(response) {
  response.writeHead(503);
  response.write("x".repeat(100_000));
}

test("an answer of success counts whatever its body is", async () => {
  const it = await owner();
  app.answer = (response) => {
    response.writeHead(200);
    response.write("x".repeat(100_000));
  };
  await post(edge, event(it));
  await ring();
  assert.deepEqual([app.received.length, await kept()], [1, []]);
});

test("an app that does not answer keeps no mark from a car, whatever it has yet to be given", async () => {
  const it = await owner();
  await env.travel(MINUTE);
  let release;
  let givenUp = 0;
  const released = new Promise((resolve) => (release = resolve));
  app.answer = async (response) => {
    const closed = () => (givenUp += 1);
    response.on("close", closed);
    await released;
    response.off("close", closed);
    return 204;
  };
  for (let n = 0; n < 6; n += 1) await post(edge, event({ ...it, n }));
  await post(edge, logIn("ERROR", { ...it, at: env.now() }));
  const rung = ring();
  await until("the car is marked", () => isMarked(it));
  assert.equal(givenUp, 0, "the car had to wait for the app");
  release();
  await rung;
  await quiet();
  assert.equal(new Set(app.received.map(({ headers }) => headers["webhook-id"])).size, 7);
});

test("an app that is down for nearly three days misses nothing of them", async () => {
  const it = await owner();
  app.answer = () => 500;
  await post(edge, event(it));
  for (let passed = 0; passed < 60 * HOUR; passed += HOUR) {
    await ring();
    await env.travel(HOUR);
  }
  app.received.length = 0;
  app.answer = () => 204;
  await quiet(DAY, HOUR);
  assert.equal(app.received.length, 1);
  assert.deepEqual(await kept(), []);
});

test("what is not taken for three days is given up, and the log says so", async () => {
  const it = await owner();
  app.answer = () => 500;
  await post(edge, event(it));
  for (let passed = 0; passed < 4 * DAY; passed += HOUR) {
    await ring();
    await env.travel(HOUR);
  }
  assert.deepEqual(await kept(), []);
  assert.match(await env.log(), /"event":"webhook","outcome":"given_up"/);
});

test("an inbox can die before and after each of its writes, and nothing is lost", async () => {
  const it = await owner();
  for (const when of ["before", "after"]) {
    let kills = 0;
    for (let skip = 0; skip < 9; skip += 1) {
      app.received.length = 0;
      const sent = event(it);
      await killAtWrite(edge, when, { skip });
      // Smartcar sends again until it is acknowledged.
      await until("it is acknowledged", async () => (await post(edge, sent)).status === 200);
      await quiet();
      if (await wasKilled(edge)) kills += 1;
      else break;
      const got = bodies().filter(({ data }) => data.event.eventId === sent.eventId);
      assert.ok(got.length >= 1, `${when} write ${skip}: it is lost`);
      assert.equal(new Set(app.received.map(({ headers }) => headers["webhook-id"])).size, 1);
    }
    assert.ok(kills >= 2, `${when}: ${kills} kills`);
    await killAtWrite(edge, when, { vault: "nobody", skip: 0 });
  }
});

test("an error marks the car and keeps the grant, its end clears the mark, and an old one marks nothing", async () => {
  const it = await owner();
  const told = async (body) => {
    assert.equal((await post(edge, body)).status, 200);
    await ring();
  };
  assert.equal(await isMarked(it), false);
  await told(logIn("ERROR", { ...it, at: env.now() - DAY }));
  assert.equal(await isMarked(it), false, "it was sent before the owner connected the car");
  await env.travel(4 * MINUTE);
  await told(logIn("ERROR", { ...it, at: env.now() }));
  assert.equal(await isMarked(it), true);
  const token = await it.client.token(it.connection);
  assert.equal(token.status, 200, "the grant is kept");
  await env.travel(SECOND);
  await told(logIn("RESOLVED", { ...it, at: env.now() }));
  assert.equal(await isMarked(it), false);
  // It was sent before its end, and came later.
  await env.travel(4 * MINUTE);
  await told(logIn("ERROR", { ...it, at: env.now() - 5 * MINUTE }));
  assert.equal(await isMarked(it), false);
});

test("what a webhook has marked ends with the next answer from the car", async () => {
  const it = await owner();
  await env.travel(MINUTE);
  assert.equal((await post(edge, logIn("ERROR", { ...it, at: env.now() }))).status, 200);
  await ring();
  assert.equal(await isMarked(it), true);
  // The index in KV says so after a while.
  await fixture.quietMinutes(it.vault);
  await until("the answer counts", async () => {
    assert.equal((await carOf(it.client, it.vehicleId).read("/odometer")).status, 200);
    return !(await isMarked(it));
  });
});

test("what a webhook has marked ends when its owner has logged in again, whichever read of the car shows it", async () => {
  const it = await owner();
  await env.travel(MINUTE);
  assert.equal((await post(edge, logIn("ERROR", { ...it, at: env.now() }))).status, 200);
  await ring();
  assert.equal(await isMarked(it), true);
  const comesBack = async () => {
    const { state, ...way } = await it.client.reconnect(it.connection.id);
    assert.equal(way.json().flow, "reauthenticate", way.text);
    const answer = await it.client.finish({ vehicle_id: it.vehicleId, state });
    assert.equal(answer.json().kind, "reauthenticated", answer.text);
    return answer.json().connection.status;
  };
  // As long as nothing succeeds it stays, and a permission that the owner has not granted is no news.
  const failing = (endpoint, error) => simulator.fault({ endpoint, kind: "api_error", error, times: null });
  await failing("odometer", "PERMISSION");
  for (const endpoint of ["battery", "location"]) await failing(endpoint, "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED");
  assert.equal(await comesBack(), "reauthentication_required");
  assert.equal((await it.client.connections())[0].cause, "authentication_failed");
  await simulator.clearFaults();
  await failing("odometer", "PERMISSION");
  assert.equal(await comesBack(), "active");
});

test("receipts are forgotten when they are of no use any more", async () => {
  await env.travel(9 * DAY);
  for (let n = 0; n < 3; n += 1) await ring();
  for (const id of await edge.inboxIds()) assert.deepEqual(await storedInInbox(edge, id), []);
});
