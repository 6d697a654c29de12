// What can go wrong while a grant is refreshed. No grant is lost that Smartcar still honours, and none is kept that it
// does not; no token shows in an answer or in the log.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { send } from "./harness/http.mjs";
import { instrumentedModules, kill, killAtWrite, wasKilled } from "./harness/instrumented.mjs";
import { startKv } from "./harness/kv.mjs";
import { scannerFor } from "./harness/secrets.mjs";
import { until } from "./harness/until.mjs";
import { openWorld } from "./harness/world.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const kv = await startKv();
const world = await openWorld({ isolates: 2, kv, modules: instrumentedModules() });
const { simulator, edge } = world;
after(async () => {
  await world.close();
  await kv.close();
});

beforeEach(async () => {
  kv.store.onWrite = async () => {};
  await simulator.clearFaults();
  await simulator.configure({ graceMs: MINUTE, latencyMs: 0 });
});

async function connected() {
  const visitor = world.visitor();
  const { answer } = await world.connect(visitor);
  assert.equal(answer.json().kind, "connected", answer.text);
  return { visitor, connection: answer.json().connection };
}

/** Visitors, each with a connection whose access token has expired. */
async function expired(count) {
  const grants = [];
  while (grants.length < count) grants.push(await connected());
  await world.travel(2 * HOUR);
  return grants;
}

async function honours(token) {
  const answer = await send(`${simulator.origin}/v2.0/user`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status === 200;
}

/** Asks for a token as a back end does that waits as long as it is told to: gives the last answer and each refusal. */
async function persistently({ visitor, connection }) {
  const refusals = [];
  for (let round = 0; round < 8; round += 1) {
    const answer = await visitor.token(connection);
    if (answer.status === 200) return { answer, refusals };
    refusals.push(answer.json().code);
    if (answer.status !== 503) return { answer, refusals };
    const seconds = Number(answer.headers["retry-after"]);
    assert.ok(seconds >= 1, `\`Retry-After\`: ${answer.headers["retry-after"]}`);
    await world.travel(seconds * SECOND);
  }
  return assert.fail(`no end: ${refusals}`);
}

/** How the visitor sees the connection. A Vault that is killed meanwhile is asked again. */
async function connectionOf({ visitor, connection: { id } }) {
  let answer;
  await until("the Vault answers", async () => {
    answer = await visitor.get("/connections");
    return answer.status !== 503;
  });
  const { connections } = answer.json();
  assert.deepEqual(connections.map((connection) => connection.id), [id]);
  return connections[0];
}

async function survives(grant) {
  const { answer, refusals } = await persistently(grant);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(await honours(answer.json().accessToken), "Smartcar does not honour the token");
  assert.equal((await connectionOf(grant)).status, "active");
  return refusals;
}

async function ends(grant, cause) {
  const { answer } = await persistently(grant);
  assert.equal(answer.status, 409, answer.text);
  assert.equal(answer.json().code, "reauthentication_required");
  const connection = await connectionOf(grant);
  assert.deepEqual([connection.status, connection.cause], ["reauthenticate", cause]);
}

const INVALID = { error: "invalid_request", error_description: "Invalid refresh_token: 7f1c." };
const surviving = [
  ["the connection is reset before Smartcar has rotated", { kind: "reset_before" }],
  ["the connection is reset after Smartcar has rotated", { kind: "reset_after" }],
  ["the connection is closed without an answer after rotation", { kind: "close", commit: true }],
  ["the body ends early after rotation", { kind: "truncated", commit: true }],
  ["the JSON is cut after rotation", { kind: "truncated", how: "json", commit: true }],
  ["the types are wrong after rotation", { kind: "wrong_types", commit: true }],
  ["the body is 64 KiB + 1 after rotation", { kind: "oversized", commit: true }],
  ["the body is garbage after rotation", { kind: "garbage", commit: true }],
  ["the answer is HTML", { kind: "not_json" }],
  ["the answer is a redirect", { kind: "redirect", location: "https://evil.example/" }],
  ["the answer is 500", { kind: "status", status: 500, body: "oops" }],
  ["the answer is 503 after rotation", { kind: "status", status: 503, body: "", commit: true }],
  ["the answer is 401", { kind: "status", status: 401, body: { error: "invalid_client" } }],
  ["the answer is 403 without a reason", { kind: "status", status: 403, body: "" }],
  ["the answer is 429 with Retry-After", { kind: "status", status: 429, body: {}, headers: { "retry-after": "7" } }],
  ["the answer is 429 without", { kind: "status", status: 429, body: {} }],
  ["`expires_in` is negative", { kind: "expires_in", value: -5 }],
  ["`expires_in` is huge", { kind: "expires_in", value: 1e15 }],
  ["`expires_in` is text", { kind: "expires_in", value: "7200" }],
];

describe("a grant survives when", () => {
  for (const [what, fault] of surviving) {
    test(what, async () => {
      const [grant] = await expired(1);
      await simulator.fault({ endpoint: "refresh", ...fault });
      await survives(grant);
    });
  }

  for (const times of [2, 3]) {
    test(`the answer is lost ${times} times in a row within the grace window`, async () => {
      const [grant] = await expired(1);
      await simulator.fault({ endpoint: "refresh", kind: "reset_after", times });
      await survives(grant);
    });
  }

  test("Smartcar is down for an hour", async () => {
    const [grant] = await expired(1);
    await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: null });
    for (let minutes = 0; minutes < 60; minutes += 10) {
      const answer = await grant.visitor.token(grant.connection);
      assert.equal(answer.status, 503, answer.text);
      const connection = await connectionOf(grant);
      assert.deepEqual([connection.status, connection.cause], ["degraded", "server_error"]);
      await world.travel(10 * MINUTE);
    }
    await simulator.clearFaults();
    await survives(grant);
  });

  test("Smartcar is slow: given up after ten seconds, and had again with the same refresh token", async () => {
    const slow = [
      { kind: "slow_headers", ms: 60_000, commit: true },
      { kind: "slow_body", ms: 60_000, commit: true },
    ];
    const grants = await expired(slow.length);
    const pending = [];
    for (const [index, fault] of slow.entries()) {
      const grant = grants[index];
      const earlier = (await simulator.counts()).refresh;
      await simulator.fault({ endpoint: "refresh", ...fault });
      pending.push(grant.visitor.token(grant.connection).then((answer) => ({ answer, grant })));
      await until("the refresh is under way", async () => (await simulator.counts()).refresh > earlier);
    }
    for (const { answer, grant } of await Promise.all(pending)) {
      assert.equal(answer.status, 503, answer.text);
      await survives(grant);
    }
  });
});

describe("a grant ends, and says so, when", () => {
  for (const [what, body] of [
    ["as Smartcar does it", INVALID],
    ["as the RFC says", { error: "invalid_grant" }],
  ]) {
    test(`the refresh token is refused ${what}`, async () => {
      const [grant] = await expired(1);
      await simulator.fault({ endpoint: "refresh", kind: "status", status: 400, body, times: null });
      await ends(grant, "refresh_token_refused");
      const calls = (await simulator.counts()).refresh;
      await ends(grant, "refresh_token_refused");
      assert.equal((await simulator.counts()).refresh, calls, "a dead token was presented again");
    });
  }

  test("the answer is lost and there is no grace", async () => {
    const [grant] = await expired(1);
    await simulator.configure({ graceMs: 0 });
    await simulator.fault({ endpoint: "refresh", kind: "reset_after" });
    await ends(grant, "refresh_token_refused");
  });

  test("its 60 days are over", async () => {
    const [grant] = await expired(1);
    const calls = (await simulator.counts()).refresh;
    await world.travel(60 * 24 * HOUR);
    const answer = await grant.visitor.token(grant.connection);
    assert.equal(answer.json().code, "reauthentication_required", answer.text);
    assert.equal((await simulator.counts()).refresh, calls, "an expired token was presented");
    const connection = await connectionOf(grant);
    assert.deepEqual([connection.status, connection.cause], ["expired", "refresh_token_expired"]);
  });
});

describe("the Durable Object is killed", () => {
  // Each step arranges the kill and gives a way to ask whether it has happened.
  const atWrite = (when, skip) => async () => {
    await killAtWrite(edge, when, skip);
    return () => wasKilled(edge);
  };
  const atKvWrite = (when) => async () => {
    let killed = false;
    kv.store.onWrite = async (write) => {
      if (killed || write.when !== when) return;
      killed = true;
      await kill(edge, write.metadata.vault);
    };
    return async () => killed;
  };
  const steps = {
    "before its intent is written": atWrite("before", 0),
    "after its intent is written": atWrite("after", 0),
    "after Smartcar's answer, before its own write": atWrite("before", 1),
    "after its own write": atWrite("after", 1),
    "before KV is written": atKvWrite("before"),
    "after KV is written": atKvWrite("after"),
  };

  for (const [step, arrange] of Object.entries(steps)) {
    for (const graceMs of [0, MINUTE, 10 * MINUTE]) {
      const isLost = graceMs === 0 && step.startsWith("after Smartcar's answer");
      const outcome = isLost ? "ends: Smartcar honours it no more" : "survives";
      test(`${step}, grace ${graceMs / SECOND} s: the grant ${outcome}`, async () => {
        const [grant] = await expired(1);
        await simulator.configure({ graceMs });
        const happened = await arrange();
        if (isLost) {
          await ends(grant, "refresh_token_refused");
        } else {
          await survives(grant);
          await world.travel(2 * HOUR);
          await survives(grant);
        }
        assert.ok(await happened(), "nothing was killed");
      });
    }
  }
});

test("no token, code or VIN is in any log line, nor a refresh token in any answer", async () => {
  const secrets = await simulator.secrets();
  const { refreshTokens } = await simulator.tokens();
  assert.ok(refreshTokens.length > 40);
  assert.deepEqual(scannerFor(secrets)("log", edge.log()), []);
  const scan = scannerFor(refreshTokens.map(({ token }) => token));
  assert.deepEqual(scan("answers", world.transcript.join("\n")), []);
});
