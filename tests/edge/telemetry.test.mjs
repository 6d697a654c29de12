// What operators see: lines of JSON and data points that say what happened and nothing about whom it happened to.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "./harness/client.mjs";
import { openConnections } from "./harness/connections-fixture.mjs";
import { startEdge } from "./harness/edge.mjs";
import { failPoints, points, runAlarm, setClock } from "./harness/instrumented.mjs";
import { scannerFor } from "./harness/secrets.mjs";
import { ownSecrets, settings } from "./harness/settings.mjs";
import { HOUR } from "./harness/spans.mjs";
import { until } from "./harness/until.mjs";

const USER = "measured-owner@example.com";

const fixture = await openConnections({ isolates: 1, adjust: (values) => ({ ...values, KEEP_POINTS: "true" }) });
const { kv, env, simulator, edge } = fixture;
after(() => fixture.close());
beforeEach(() => simulator.clearFaults());

/** The lines so far; whatever else was printed is in `edge.log()`. */
function lines() {
  return edge
    .log()
    .split("\n")
    .map((line) => line.replace(/^\w+: /, ""))
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

const outcomesOf = (event) => lines().filter((line) => line.event === event).map(({ outcome }) => outcome);

const client = env.client();
const { answer, query } = await env.connect(client, { user: USER });
const { connection } = answer.json();
const publications = () => outcomesOf("publish").length;
await until("the connection is in KV", () => publications() > 0);
let hours = 0;

/** Lets the access token expire and asks for one, with each fault in turn. */
async function refresh(...faults) {
  for (const fault of faults) {
    hours += 3;
    await setClock(edge, hours * HOUR);
    if (fault) await simulator.fault({ endpoint: "refresh", ...fault });
    const earlier = publications();
    const { status } = await client.token(connection);
    // A write that is under way while the clock is moved seems to take hours.
    if (status === 200) await until("the new token is in KV", () => publications() > earlier);
    await simulator.clearFaults();
  }
}

test("a request that fails has a line with its route and status, and its id is the answer's", async () => {
  await client.get(`/connections/${connection.id}`);
  const { headers } = await client.get("/connections/AAAAAAAAAAAAAAAAAAAAAA");
  await client.get("/nowhere");
  await client.token(connection, { serviceKey: "wrong" });
  await until("the last line is there", () => outcomesOf("request").includes("internal_token 401"));
  assert.deepEqual(outcomesOf("request"), ["show_connection 404", "none 404", "internal_token 401"]);
  const line = lines().find(({ requestId }) => requestId === headers["x-request-id"]);
  assert.equal(line?.outcome, "show_connection 404");
});

test("a request that goes well is counted, and has no line", async () => {
  for (const outcome of ["connect_start 200", "connect_finish 200", "show_connection 200"]) {
    const isIt = ({ blobs }) => blobs.join() === `request,${outcome}`;
    await until(`${outcome} is counted`, async () => (await points(edge)).some(isIt));
    assert.ok(!outcomesOf("request").includes(outcome), outcome);
  }
});

test("tokens that are not called Bearer tokens are used, and have one line", async () => {
  const body = { access_token: "another", token_type: "mac", expires_in: 7200 };
  const unusual = { kind: "status", status: 200, body };
  await refresh(unusual, { ...unusual, body: { ...body, token_type: undefined } });
  await until("the line is there", () => outcomesOf("token_type").length > 0);
  assert.deepEqual(outcomesOf("refresh"), ["issued", "issued"]);
  assert.deepEqual(outcomesOf("token_type"), ["not_bearer"]);
});

test("exchanges and refreshes have lines by outcome and cause", async () => {
  const body = JSON.stringify({ error: "invalid_grant", error_description: "Invalid refresh_token." });
  await refresh(
    undefined,
    { kind: "status", status: 503, body: "" },
    { kind: "status", status: 429, body: "", headers: { "retry-after": "1" } },
    { kind: "garbage" },
    { kind: "reset_before" },
    { kind: "status", status: 400, body, times: null },
  );
  await until("the last line is there", () => outcomesOf("refresh").includes("invalid_grant"));
  for (const outcome of ["issued", "server_error", "rate_limited", "unreadable_response", "connection_lost"]) {
    assert.ok(outcomesOf("refresh").includes(outcome), `${outcome}: ${outcomesOf("refresh")}`);
  }
  assert.deepEqual(outcomesOf("exchange"), ["issued"]);
});

test("a publication's line says how long KV lagged behind, and a sweep's whether it is over", async () => {
  for (const { outcome, ms } of lines().filter(({ event }) => event === "publish")) {
    assert.equal(outcome, "done");
    assert.ok(ms < 10_000, `${ms}`);
  }
  const earlier = publications();
  kv.store.onWrite = async ({ when }) => {
    if (when === "before") await sleep(300);
  };
  await env.connect(env.client());
  await until("there is another line", () => publications() > earlier);
  kv.store.onWrite = async () => {};
  const published = async () => (await points(edge)).filter(({ indexes: [event] }) => event === "publish");
  await until("there is another point", async () => (await published()).length > earlier);
  const lags = [lines().findLast(({ event }) => event === "publish").ms, (await published()).at(-1).doubles[0]];
  assert.ok(lags.every((ms) => ms >= 300 && ms < 10_000), `${lags}`);

  await edge.scheduled();
  await until("there is a line", () => outcomesOf("reseal").length > 0);
  assert.deepEqual(outcomesOf("reseal"), ["complete"]);
});

test("a disconnection's line says whether Smartcar was told", async () => {
  for (const [outcome, fault] of [["told"], ["not_told", { kind: "status", status: 500, body: "oops" }]]) {
    const owner = env.client();
    const { connection } = (await env.connect(owner)).answer.json();
    if (fault) await simulator.fault({ endpoint: "disconnect", ...fault, times: null });
    assert.equal((await owner.delete(`/connections/${connection.id}`)).status, 204);
    await until("there is a line", () => outcomesOf("disconnect").includes(outcome));
    await simulator.clearFaults();
  }
  assert.deepEqual(outcomesOf("disconnect"), ["told", "not_told"]);
});

test("a line of the log has an event, an outcome and a time, and a request's its id: nothing else", () => {
  for (const line of lines()) {
    const members = ["event", "outcome", "ms", ...(line.event === "request" ? ["requestId"] : [])];
    assert.deepEqual(Object.keys(line), members);
    assert.match(line.outcome, /^[a-z_]+( \d{3})?$/);
    assert.ok(Number.isInteger(line.ms) && line.ms >= 0, `${line.ms}`);
  }
  assert.ok(lines().length >= 12);
});

test("each line of the log has its data point, and only requests that went well have one without a line", async () => {
  // Every line is there once the last one is.
  await env.log();
  const wanted = lines().map(({ event, outcome }) => [event, outcome].join());
  const quiet = /^request,[a-z_]+ [23]\d\d$/;
  let written;
  await until("each line has a data point", async () => {
    written = await points(edge);
    return written.filter(({ blobs }) => !quiet.test(blobs.join())).length >= wanted.length;
  });
  assert.deepEqual(written.map(({ blobs }) => blobs.join()).filter((text) => !quiet.test(text)).sort(), wanted.sort());
  assert.ok(written.some(({ blobs }) => quiet.test(blobs.join())));
  for (const { indexes, blobs, doubles, ...rest } of written) {
    assert.deepEqual([indexes, rest], [[blobs[0]], {}]);
    assert.ok(doubles.length === 1 && Number.isInteger(doubles[0]));
  }
});

test("a flood of failures has few lines, one of which says how many are missing, and a point for each", async () => {
  const wrong = { authorization: `Bearer ${"x".repeat(40)}` };
  const failed = () => lines().filter(({ outcome }) => outcome === "rotation 401");
  const flood = Array.from({ length: 200 }, () => client.get("/internal/rotation", { headers: wrong }));
  for (const { status } of await Promise.all(flood)) assert.equal(status, 401);
  await env.log();
  const shown = failed().length;
  assert.ok(shown >= 10 && shown <= 60, `${shown} lines`);
  hours += 3;
  await setClock(edge, hours * HOUR);
  await client.get("/internal/rotation", { headers: wrong });
  await env.log();
  // On a slow machine a line in the middle of the flood tells of those before it already.
  const omitted = failed().reduce((sum, line) => sum + (line.omitted ?? 0), 0);
  assert.ok(omitted > 100, `${omitted} are told to be missing`);
  assert.equal(failed().length + omitted, 201);
  const counted = async () => (await points(edge)).filter(({ blobs }) => blobs[1] === "rotation 401").length;
  await until("each failure is counted", async () => (await counted()) === 201);
});

test("neither lines nor points tell a secret, nor whose owner, connection or car it is", async () => {
  const { vehicles } = connection;
  const told = [
    ...(await simulator.secrets()),
    ...ownSecrets(env.values),
    USER,
    query.code,
    query.state,
    client.cookie,
    client.principal,
    client.principal.split(":")[1],
    connection.id,
    ...vehicles.map(({ id }) => id),
    ...(await edge.vaultIds()),
  ];
  assert.ok(told.length > 15 && told.every((text) => typeof text === "string"));
  const scan = scannerFor(told);
  assert.deepEqual(scan("log", await env.log()), []);
  assert.deepEqual(scan("points", JSON.stringify(await points(edge))), []);
});

test("a dataset that fails costs nothing but its points", async () => {
  const before = (await points(edge)).length;
  await failPoints(edge, true);
  assert.equal((await env.connect(env.client())).answer.json().kind, "connected");
  await failPoints(edge, false);
  const health = await client.get("/healthz");
  assert.equal(health.status, 200);
  await until("points are written again", async () => (await points(edge)).length > before);
});

test("the platform's own binding takes the points", async () => {
  const page = env.page;
  const bound = await startEdge({ bindings: settings({ simulator, allowedOrigins: [page] }), metrics: true });
  try {
    const owner = new Client(bound, page, []);
    const { state } = await owner.start();
    const finished = await owner.finish({ code: await env.consent(), state });
    assert.equal(finished.json().kind, "connected", finished.text);
    assert.equal((await bound.scheduled()).outcome, "ok");
  } finally {
    await bound.stop();
  }
});

test("an owner who went to Connect and never came back has one line, whatever of it was finished", async () => {
  const visitor = env.client();
  const before = new Set(await edge.vaultIds());
  for (let round = 0; round < 2; round += 1) assert.equal((await visitor.start()).status, 200);
  const [vault] = (await edge.vaultIds()).filter((id) => !before.has(id));
  const { state } = await visitor.start();
  await visitor.finish({ error: "access_denied", state });
  const earlier = outcomesOf("attempt").length;
  hours += 1;
  await setClock(edge, hours * HOUR);
  await runAlarm(edge, vault);
  await until("the line is there", () => outcomesOf("attempt").length > earlier);
  await env.log();
  assert.deepEqual(outcomesOf("attempt").slice(earlier), ["unanswered"]);
});
