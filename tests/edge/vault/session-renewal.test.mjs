// Visits renew a session: who keeps coming loses nothing, and who does not is told when it ends.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { openConnections } from "../harness/connections-fixture.mjs";
import { runAlarm, storedKeys } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { DAY, HOUR } from "../harness/spans.mjs";

const SESSION_DAYS = 30;
const fixture = await openConnections({
  adjust: (values) => ({ ...values, SESSION_DAYS: String(SESSION_DAYS), RETENTION_DAYS: "60" }),
});
const { env, edge, simulator, carIds } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

async function daysPass(days, { vault }) {
  for (let day = 0; day < days; day += 1) {
    await env.travel(DAY);
    await runAlarm(edge, vault);
  }
}

test("an owner who visits every third day keeps the car for as long as that goes on", async () => {
  const it = await fixture.owner({ vehicles: [carIds[0]] });
  const { principal } = it.client;
  for (let visit = 0; visit < 30; visit += 1) {
    await daysPass(3, it);
    const answer = await it.client.get("/connections");
    assert.equal(answer.setCookie.length, 1, `visit ${visit}`);
    const [connection] = answer.json().connections;
    assert.equal(connection.id, it.connection.id);
    const left = connection.keptUntil - env.now();
    assert.ok(left > (SESSION_DAYS - 1) * DAY && left <= SESSION_DAYS * DAY, `${left / DAY} days`);
  }
  assert.equal(it.client.principal, principal);
  assert.equal((await it.client.token(it.connection)).status, 200);
  assert.equal((await simulator.disconnects()).length, 0);
});

test("an answer within a day of the latest renewal sets no cookie", async () => {
  const it = await fixture.owner({ vehicles: [carIds[0]] });
  await env.travel(20 * HOUR);
  assert.deepEqual((await it.client.get("/connections")).setCookie, []);
});

test("who stays away is given up when it was said, and Smartcar is told", async () => {
  const it = await fixture.owner({ vehicles: [carIds[0]] });
  await daysPass(3, it);
  const [{ keptUntil }] = await it.client.connections();
  // The app's own back end goes on with a cookie that the owner's browser had before.
  await env.travel(keptUntil - env.now() - HOUR);
  await runAlarm(edge, it.vault);
  assert.equal((await it.client.token(it.connection)).status, 200);
  await env.travel(2 * HOUR);
  await runAlarm(edge, it.vault);
  assert.deepEqual((await simulator.disconnects()).map(({ vehicleId }) => vehicleId), [carIds[0]]);
  await fixture.quietMinutes(it.vault);
  assert.deepEqual(await storedKeys(edge, it.vault), []);
  assert.deepEqual(await it.client.connections(), []);
});

test("a back end that shows an old cookie shortens no session", async () => {
  const it = await fixture.owner({ vehicles: [carIds[0]] });
  const old = it.client.cookie;
  await daysPass(20, it);
  await it.client.connections();
  assert.notEqual(it.client.cookie, old, "renewed");
  const ask = (session) => it.client.askToken({ principal: undefined, session, connectionId: it.connection.id });
  assert.equal((await ask(old)).status, 200);
  await daysPass(15, it);
  assertProblem(await ask(old), { code: "session_missing" });
  assert.equal((await ask(it.client.cookie)).status, 200);
  assert.equal((await it.client.connections()).length, 1);
});
