// What each thing that an owner does takes of the platform and of Smartcar: the figures of `docs/costs.md`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { firstVisit, openConnections } from "./harness/connections-fixture.mjs";
import { owed, rowsWritten, runAlarm, vaultCalls } from "./harness/instrumented.mjs";
import { repository } from "./harness/paths.mjs";
import { SERVICE_KEY } from "./harness/settings.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "./harness/spans.mjs";
import { until } from "./harness/until.mjs";

const document = readFileSync(path.join(repository, "docs/costs.md"), "utf8");
const fixture = await openConnections({ isolates: 1 });
const { kv, env, simulator, edge, carIds } = fixture;
after(() => fixture.close());

/** The tables, each as its column names and rows of cells. */
const tables = document
  .split("\n\n")
  .filter((block) => block.startsWith("|"))
  .map((block) => {
    const lines = block.trim().split("\n");
    const [columns, , ...rows] = lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
    return { columns, rows };
  });
const tableOf = (column) => tables.find(({ columns }) => columns[0] === column);
/** All that a cell allows, such as `8 or 11`. */
const numbers = (cell) => cell.split(" or ").map((one) => Number(one.replaceAll(",", "")));
/** The most that a cell allows, for sums. */
const number = (cell) => Math.max(...numbers(cell));

/** What is counted, in the order of the columns. */
const COUNTED = ["requests", "vault calls", "rows written", "KV reads", "KV writes", "KV deletes", "calls to Smartcar"];
const actions = tableOf("action");
const allowed = new Map(actions.rows.map(([action, ...cells]) => [action, cells.map(numbers)]));
const costs = new Map(actions.rows.map(([action, ...cells]) => [action, cells.map(number)]));

/** How often an alarm has rung: a call of the vault as any other. */
let alarms = 0;
async function taken() {
  const ofKv = (operation) => kv.store.log.filter((entry) => entry.operation === operation).length;
  const calls = (await vaultCalls(edge)) + alarms;
  const rows = await rowsWritten(edge);
  const smartcar = (await simulator.requests()).length;
  return [env.transcript.length, calls, rows, ofKv("get"), ofKv("put"), ofKv("delete"), smartcar];
}

async function ring(vault) {
  if ((await runAlarm(edge, vault)).ran) alarms += 1;
}

/** Until what goes on in the background is over: nothing is being written, and nothing has been counted for a while. */
async function quiet(vault) {
  let latest;
  await until("nothing goes on", async () => {
    const before = latest;
    latest = `${await taken()}`;
    if (latest === before && (await owed(edge, vault)).writing === 0) return true;
    await sleep(300);
    return false;
  });
}

/** Until nothing is due in the next hour: what was begun is then done as a whole. */
async function settled(vault) {
  for (;;) {
    await quiet(vault);
    const { wait } = await owed(edge, vault);
    if (wait === null || wait > HOUR) return;
    await env.travel(Math.max(wait, 0) + SECOND);
    await ring(vault);
  }
}

const measured = new Map();
/** Does it, and counts what it takes until everything is done that follows from it. */
async function measure(action, vault, work) {
  const before = await taken();
  await work();
  await settled(await vault());
  const now = await taken();
  measured.set(action, now.map((count, index) => count - before[index]));
}

test("each action takes what is documented", async () => {
  const client = env.client();
  let vault;
  const known = async () => vault;
  await measure("a start that nobody finishes", known, async () => {
    ({ vault } = await firstVisit(env, () => env.client().start()));
  });
  await measure("a first car is connected", known, async () => {
    const first = await firstVisit(env, async () => {
      const { state, fingerprint } = await client.start();
      // As the browser module does on a first visit.
      assert.equal((await client.get(`/connect/attempts/${fingerprint}`)).status, 200);
      assert.equal((await client.finish({ code: await env.consent({ vehicles: carIds.slice(0, 1) }), state })).status, 200);
    });
    vault = first.vault;
  });
  const [connection] = await client.connections();
  const byVehicle = { vehicleId: connection.vehicles[0].id };
  await measure("`GET /connections`, again within five minutes", known, () => client.get("/connections"));
  await env.travel(6 * MINUTE);
  await measure("`GET /connections`, later", known, () => client.get("/connections"));
  await measure("`GET /vehicles`, the first time", known, () => client.get("/vehicles"));
  await measure("`GET /vehicles`", known, () => client.get("/vehicles"));
  await measure("`POST /internal/token` by `connectionId`", known, () => client.token(connection));
  await measure("`POST /internal/token` by `vehicleId`", known, () => client.askToken(byVehicle));
  await env.travel(DAY);
  await measure("`GET /connections`, a day later", known, () => client.get("/connections"));
  await env.travel(DAY);
  await measure("`POST /internal/token`, a day later", known, () => client.token(connection));
  await measure("34 days without anybody", known, async () => {
    for (let day = 0; day < 34; day += 1) {
      await env.travel(DAY);
      await ring(vault);
      await settled(vault);
    }
  });
  await client.get("/connections");
  await settled(vault);
  await measure("the car is disconnected", known, () => client.delete(`/connections/${connection.id}`));
  const lost = env.client();
  const first = await firstVisit(env, () => env.connected(lost, { vehicles: carIds.slice(0, 1) }));
  vault = first.vault;
  await settled(vault);
  await env.travel(DAY);
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
  await measure("a refresh finds that the grant is over", known, () => lost.token(first.result));
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  await measure("`GET /internal/connections`, with one owner", known, async () => {
    const { principals } = (await lost.get("/internal/connections", { headers })).json();
    assert.equal(principals.length, 1);
  });
  await edge.scheduled();
  await measure("the cron trigger, without a change of key", known, () => edge.scheduled());

  assert.deepEqual(actions.columns.slice(1), COUNTED);
  assert.deepEqual([...measured.keys()].sort(), [...allowed.keys()].sort());
  for (const [action, counts] of measured) {
    const isAllowed = counts.every((count, index) => allowed.get(action)[index].includes(count));
    assert.ok(isAllowed, `${action}: ${counts.join(" | ")}`);
  }
});

/** What an owner's month takes, by what is counted. A vault call keeps 128 MB for a second. */
const month = Object.fromEntries(
  COUNTED.map((name, index) => {
    const times = tableOf("in a month").rows.map(([action, count]) => number(count) * costs.get(action)[index]);
    return [name, times.reduce((sum, one) => sum + one)];
  }),
);
const perOwner = { ...month, "GB-seconds": month["vault calls"] / 8 };
const prices = tableOf("of").rows;

test("a month is the sum of its actions, for however many owners", () => {
  const { rows } = tableOf("owners");
  assert.deepEqual(rows.map(([owners]) => number(owners)), [1, 100, 10_000, 1_000_000]);
  for (const cells of rows) {
    const [owners, ...figures] = cells.map(number);
    const dollars = prices.map(([name, , included, price]) => {
      const beyond = Math.max(0, owners * perOwner[name] - number(included));
      return (beyond / 1_000_000) * number(price);
    });
    const expected = COUNTED.map((name) => owners * month[name]);
    assert.deepEqual(figures, [...expected, Math.round(5 + dollars.reduce((sum, one) => sum + one))]);
  }
});

test("the limits of the free plan are reached by as many owners as is said", () => {
  for (const [name, day, , , owners] of prices) {
    assert.equal(number(owners), Math.floor((number(day) * 30) / perOwner[name]), name);
  }
  const [first] = prices.toSorted((a, b) => number(a[4]) - number(b[4]));
  assert.ok(document.includes(`**${first[0]}** come first, by far: ${first[4]} such owners`));
  const connecting = costs.get("a first car is connected")[COUNTED.indexOf(first[0])];
  assert.ok(document.includes(`or ${Math.floor(number(first[1]) / connecting)} who connect a first car on one day`));
  assert.ok(document.includes(`takes ${(month["calls to Smartcar"] / 30).toFixed(1)} calls a day`));
});
