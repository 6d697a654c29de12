// Grants whose refresh tokens a back end of the app's own has kept so far, taken over one by one: none is lost, whatever ends in the
// middle, and the same may be sent again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, beforeEach, describe, test } from "node:test";

import { send } from "../harness/http.mjs";
import { idle } from "../harness/idle.mjs";
import { killAtWrite, runAlarm, wasKilled } from "../harness/instrumented.mjs";
import { assertProblem } from "../harness/problem.mjs";
import { openRefreshing } from "../harness/refreshing.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { SERVICE_KEY } from "../harness/settings.mjs";
import { CLIENT_ID, CLIENT_SECRET } from "../harness/simulator.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "../harness/spans.mjs";

const fixture = await openRefreshing(60);
const { env, simulator, edge, refreshesDuring } = fixture;
const client = env.client();
after(() => fixture.close());
beforeEach(() => fixture.reset());

let users = 0;
/** The id of a user whom no other test has. */
const newUser = () => `imported-${(users += 1)}`;

/** What a request to Smartcar's token endpoint is answered, as the app's old back end sends it. */
function askedByOldBackEnd(body) {
  const authorization = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`;
  return send(`${simulator.origin}/oauth/token`, {
    method: "POST",
    headers: { authorization, "content-type": "application/x-www-form-urlencoded", "user-agent": "old-back-end/1" },
    body: new URLSearchParams(body).toString(),
  });
}

const refreshedByOldBackEnd = (token) => askedByOldBackEnd({ grant_type: "refresh_token", refresh_token: token });

/** The refresh token of a grant that the app's old back end has kept. */
async function keptToken(grant = {}) {
  const { code } = await simulator.grant({ redirectUri: env.redirectUri, ...grant });
  const answer = await askedByOldBackEnd({ grant_type: "authorization_code", code, redirect_uri: env.redirectUri });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().refresh_token;
}

function ask(method, path, user, body, options = {}) {
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/json" };
  if (user !== undefined) headers["smartcar-connect-user"] = user;
  return client.request(method, path, { headers, body: body && JSON.stringify(body), ...options });
}

const imports = (user, refreshToken, options) => ask("POST", "/internal/import", user, { refreshToken }, options);
const connectionsOf = async (user) => (await ask("GET", "/connections", user)).json().connections;

async function imported(user, refreshToken, options) {
  const answer = await imports(user, refreshToken, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

async function tokenOf(user, { id }) {
  const answer = await ask("POST", "/internal/token", user, { connectionId: id });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().accessToken;
}

/** The vault of a user who has had nothing here so far. */
async function newVault() {
  const before = new Set(await edge.vaultIds());
  const user = newUser();
  await ask("DELETE", "/connections", user);
  const made = (await edge.vaultIds()).filter((id) => !before.has(id));
  assert.equal(made.length, 1);
  return { user, vault: made[0] };
}

test("a grant that is imported is a connection like any other, and its former token is of no use any more", async () => {
  const user = newUser();
  const token = await keptToken();
  const connection = await imported(user, token);
  assert.deepEqual([connection.status, connection.cause], ["active", null]);
  assert.deepEqual(connection.vehicles.map(({ id }) => id), fixture.carIds);
  assert.deepEqual(await connectionsOf(user), [connection]);
  assert.ok(await simulator.honours(await tokenOf(user, connection)));

  const { ticket } = (await ask("POST", "/internal/sessions", undefined, { user })).json();
  const page = env.client();
  await page.post("/session", { ticket });
  assert.deepEqual(await page.connectionIds(), [connection.id]);

  await env.travel(2 * MINUTE);
  assert.equal((await refreshedByOldBackEnd(token)).status, 400);
  // It is refreshed here from now on, and lasts.
  for (let months = 0; months < 3; months += 1) {
    await env.travel(40 * DAY);
    assert.ok(await simulator.honours(await tokenOf(user, connection)));
  }
});

test("what is sent again, later or at once, is the same connection, and is refreshed once", async () => {
  const user = newUser();
  const token = await keptToken();
  const { result, made } = await refreshesDuring(() =>
    Promise.all([0, 1, 0, 1].map((isolate) => imported(user, token, { isolate }))),
  );
  assert.deepEqual([new Set(result.map(({ id }) => id)).size, made], [1, 1]);
  await env.travel(HOUR);
  const later = await refreshesDuring(() => imported(user, token));
  assert.deepEqual([later.result.id, later.made], [result[0].id, 0]);
  // Its own tokens are newer than the one that is sent.
  await env.travel(DAY);
  assert.equal((await imported(user, token)).id, result[0].id);
  assert.ok(await simulator.honours(await tokenOf(user, result[0])));
  assert.equal((await connectionsOf(user)).length, 1);
});

test("a token that Smartcar does not honour is told, and leaves nothing behind", async () => {
  const user = newUser();
  const used = await keptToken();
  assert.equal((await refreshedByOldBackEnd(used)).status, 200);
  await env.travel(2 * MINUTE);
  for (const wait of [0, HOUR, 2 * DAY]) {
    await env.travel(wait);
    for (const token of [used, "00000000-0000-4000-8000-000000000000"]) {
      const problem = assertProblem(await imports(user, token), { status: 409, code: "reconnection_required" });
      assert.ok(!problem.detail.includes(token));
    }
    assert.deepEqual(await connectionsOf(user), []);
  }
});

test("while Smartcar can't be asked the grant is kept, and the next attempt goes on with it", async () => {
  const user = newUser();
  const token = await keptToken();
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: 2 });
  const answer = await imports(user, token);
  assertProblem(answer, { status: 503, code: "upstream_unavailable" });
  const [kept] = await connectionsOf(user);
  assert.deepEqual([kept.status, kept.vehicles, kept.vehiclesPending], ["degraded", [], true]);
  await simulator.clearFaults();
  await env.travel(Number(answer.headers["retry-after"]) * SECOND);
  const connection = await imported(user, token);
  assert.deepEqual([connection.id, connection.status, connection.vehicles.length], [kept.id, "active", fixture.carIds.length]);
});

test("who has disconnected stays disconnected, whatever is sent again", async () => {
  const user = newUser();
  const token = await keptToken();
  const { id } = await imported(user, token);
  assert.equal((await ask("DELETE", `/connections/${id}`, user)).status, 204);
  for (const wait of [0, 2 * DAY]) {
    await env.travel(wait);
    assertProblem(await imports(user, token), { status: 409, code: "reconnection_required" });
    assert.deepEqual(await connectionsOf(user), []);
  }
});

test("what the owner has connected here by then is newer and keeps its cars", async () => {
  const page = env.client();
  const user = newUser();
  const [own, both] = [fixture.carIds.slice(0, 1), fixture.carIds.slice(0, 2)];
  const [covered, wider] = [await keptToken({ vehicles: own }), await keptToken({ vehicles: both })];
  const { ticket } = (await ask("POST", "/internal/sessions", undefined, { user })).json();
  await page.post("/session", { ticket });
  const connected = await env.connected(page, { vehicles: own });

  const cars = async () => (await connectionsOf(user)).map(({ id, vehicles }) => [id, vehicles.map((car) => car.id)]);
  assert.equal((await imported(user, covered)).id, connected.id);
  assert.deepEqual(await cars(), [[connected.id, own]]);
  const other = await imported(user, wider);
  assert.deepEqual(Object.fromEntries(await cars()), { [other.id]: both.slice(1), [connected.id]: own });
  for (const id of both) {
    const read = await ask("GET", `/api/v2.0/vehicles/${id}/odometer`, user);
    assert.equal(read.status, 200, read.text);
  }
});

test("a request that can't be meant is told which part of it", async () => {
  const refused = async (user, body, field) => {
    const problem = assertProblem(await ask("POST", "/internal/import", user, body), { status: 400 });
    assert.equal(problem.field, field);
  };
  await refused(undefined, { refreshToken: "x" }, "Smartcar-Connect-User");
  await refused(newUser(), { refreshToken: " x" }, "refreshToken");
  await refused(newUser(), { refreshToken: "" }, "refreshToken");
  await refused(newUser(), { refreshToken: "x", externalId: "null" }, "externalId");
  const visitor = env.client();
  assertProblem(await visitor.post("/internal/import", { refreshToken: "x" }), { status: 401, code: "service_key_rejected" });
});

describe("the vault is killed while a grant is imported, and the same is sent again", () => {
  // The writes: that the vault is somebody's and keeps the token, that it is presented, the new pair, and what the car and owner are.
  for (let skip = 0; skip < 5; skip += 1) {
    for (const when of ["before", "after"]) {
      test(`${when} write ${skip + 1}`, async () => {
        const { user, vault } = await newVault();
        await idle(env, vault);
        const token = await keptToken();
        await killAtWrite(edge, when, { vault, skip });
        await imports(user, token);
        assert.ok(await wasKilled(edge), "nothing was killed");
        let answer;
        for (let attempts = 0; attempts < 4 && answer?.status !== 200; attempts += 1) {
          await env.travel(10 * SECOND);
          answer = await imports(user, token);
        }
        assert.equal(answer.status, 200, answer.text);
        const [connection, ...others] = await connectionsOf(user);
        assert.deepEqual([connection.id, others], [answer.json().id, []]);
        assert.ok(await simulator.honours(await tokenOf(user, connection)));
      });
    }
  }

  test("nobody sends it again: the alarm goes on with what is kept", async () => {
    const { user, vault } = await newVault();
    await idle(env, vault);
    const token = await keptToken();
    await killAtWrite(edge, "after", { vault });
    await imports(user, token);
    assert.ok(await wasKilled(edge), "nothing was killed");
    for (let rounds = 0; rounds < 12; rounds += 1) {
      await env.travel(10 * SECOND);
      await runAlarm(edge, vault);
    }
    const [connection] = await connectionsOf(user);
    assert.deepEqual([connection.status, connection.vehicles.length], ["active", fixture.carIds.length]);
    assert.ok(await simulator.honours(await tokenOf(user, connection)));
  });
});

test("the documented script takes over all that Smartcar honours, names the others, and can be run again", async () => {
  const users = [newUser(), newUser(), newUser()];
  const used = await keptToken();
  await refreshedByOldBackEnd(used);
  await env.travel(2 * MINUTE);
  const tokens = [await keptToken(), used, await keptToken()];
  // The first one is not answered at once.
  await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: 2 });
  const grants = users.map((user, index) => JSON.stringify({ user, refreshToken: tokens[index] }));

  const first = await runScript(grants);
  const [one, , three] = await Promise.all(users.map(connectionsOf));
  const expected = [
    `1 of 3: user ${users[0]} connection ${one[0].id}`,
    `2 of 3: user ${users[1]} has to connect again`,
    `3 of 3: user ${users[2]} connection ${three[0].id}`,
  ];
  assert.deepEqual(first.lines, expected);
  const again = await refreshesDuring(() => runScript(grants));
  assert.deepEqual(again.result.lines, expected);
  assert.equal(again.made, 0);
  for (const [index, connection] of [[0, one[0]], [2, three[0]]]) {
    assert.ok(await simulator.honours(await tokenOf(users[index], connection)));
  }
});

/** Runs the script of docs/coming-from-elsewhere.md on these lines. */
async function runScript(grants) {
  const page = readFileSync(new URL("../../../docs/coming-from-elsewhere.md", import.meta.url), "utf8");
  const [, block] = /```js\n(.*?\/\/ node import\.mjs.*?)```/s.exec(page);
  const folder = mkdtempSync(path.join(tmpdir(), "smartcar-connect-import-"));
  try {
    const [script, file] = [path.join(folder, "import.mjs"), path.join(folder, "grants.jsonl")];
    writeFileSync(script, block);
    writeFileSync(file, `${grants.join("\n")}\n`);
    const child = execFile(process.execPath, [script, file], {
      env: { ...process.env, WORKER: `${edge.at(0)}/smartcar`, SERVICE_KEY },
    });
    const lines = [];
    child.stdout.on("data", (chunk) => lines.push(chunk));
    child.stderr.resume();
    const [code] = await once(child, "close");
    assert.equal(code, 0, lines.join(""));
    return { lines: lines.join("").trim().split("\n") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("no token is in any log line of all this", async () => {
  assert.deepEqual(scannerFor(await simulator.secrets())("log", await env.log()), []);
});
