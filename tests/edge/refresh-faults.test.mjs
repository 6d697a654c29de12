// What can go wrong while a grant is refreshed. No grant is lost that Smartcar still honours, and none is kept that it
// does not; no token shows in an answer or in the log.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { kill, killAtWrite, owed, runAlarm, vaultCalls, wasKilled } from "./harness/instrumented.mjs";
import { openRefreshing } from "./harness/refreshing.mjs";
import { scannerFor } from "./harness/secrets.mjs";
import { until } from "./harness/until.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Smartcar's documentation says 1 minute in one place and 10 in another. The tests that need one grace only have the default.
const site = await openRefreshing(60);
const sites = { 0: await openRefreshing(0), 60: site, 600: await openRefreshing(600) };
const all = Object.values(sites);
const { world, simulator, edge, kv, connectionOf, expired, survives, ends, refreshes } = site;
after(() => Promise.all(all.map((each) => each.close())));
beforeEach(() => Promise.all(all.map((each) => each.reset())));

const INVALID = { error: "invalid_request", error_description: "Invalid refresh_token: 7f1c." };

// What becomes of a grant, by the grace in seconds. With a grace the new pair can be had again; without one it went with
// the answer.
const SURVIVES = { 0: "survives", 60: "survives", 600: "survives" };
const NEEDS_GRACE = { 0: "ends", 60: "survives", 600: "survives" };
const faults = [
  ["the connection is reset before Smartcar has rotated", { kind: "reset_before" }, SURVIVES],
  ["the connection is reset after Smartcar has rotated", { kind: "reset_after" }, NEEDS_GRACE],
  ["the connection is reset after rotation, twice", { kind: "reset_after", times: 2 }, NEEDS_GRACE],
  ["the connection is reset after rotation, three times", { kind: "reset_after", times: 3 }, NEEDS_GRACE],
  ["the connection is closed without an answer after rotation", { kind: "close", commit: true }, NEEDS_GRACE],
  ["the body ends early after rotation", { kind: "truncated", commit: true }, NEEDS_GRACE],
  ["the JSON is cut after rotation", { kind: "truncated", how: "json", commit: true }, NEEDS_GRACE],
  ["the types are wrong after rotation", { kind: "wrong_types", commit: true }, NEEDS_GRACE],
  ["the body is 64 KiB + 1 after rotation", { kind: "oversized", commit: true }, NEEDS_GRACE],
  ["the body is garbage after rotation", { kind: "garbage", commit: true }, NEEDS_GRACE],
  ["the answer is HTML", { kind: "not_json" }, SURVIVES],
  ["the answer is a redirect", { kind: "redirect", location: "https://evil.example/" }, SURVIVES],
  ["the answer is 500", { kind: "status", status: 500, body: "oops" }, SURVIVES],
  ["the answer is 503 after rotation", { kind: "status", status: 503, body: "", commit: true }, NEEDS_GRACE],
  ["the answer is 401", { kind: "status", status: 401, body: { error: "invalid_client" } }, SURVIVES],
  ["the answer is 403 without a reason", { kind: "status", status: 403, body: "" }, SURVIVES],
  [
    "the answer is 429 with Retry-After",
    { kind: "status", status: 429, body: {}, headers: { "retry-after": "7" } },
    SURVIVES,
  ],
  ["the answer is 429 without", { kind: "status", status: 429, body: {} }, SURVIVES],
  ["`expires_in` is negative", { kind: "expires_in", value: -5 }, SURVIVES],
  ["`expires_in` is huge", { kind: "expires_in", value: 1e15 }, SURVIVES],
  ["`expires_in` is text", { kind: "expires_in", value: "7200" }, SURVIVES],
];

for (const [graceSeconds, { simulator: smartcar, ...there }] of Object.entries(sites)) {
  describe(`with a grace of ${graceSeconds} s`, () => {
    for (const [what, fault, { [graceSeconds]: outcome }] of faults) {
      test(`${what}: the grant ${outcome}`, async () => {
        const [grant] = await there.expired(1);
        await smartcar.fault({ endpoint: "refresh", ...fault });
        if (outcome === "survives") await there.survives(grant);
        else await there.ends(grant, "refresh_token_refused");
        assert.deepEqual(await smartcar.faults(), [], "the fault was not met");
      });
    }
  });
}

describe("a grant survives when", () => {
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
      const earlier = await refreshes();
      await simulator.fault({ endpoint: "refresh", ...fault });
      const began = performance.now();
      const waits = grant.visitor.token(grant.connection);
      pending.push(waits.then((answer) => ({ answer, grant, ms: performance.now() - began })));
      await until("the refresh is under way", async () => (await refreshes()) > earlier);
    }
    for (const { answer, grant, ms } of await Promise.all(pending)) {
      assert.equal(answer.status, 503, answer.text);
      assert.ok(ms > 9 * SECOND && ms < 15 * SECOND, `${ms} ms`);
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
      const calls = await refreshes();
      await ends(grant, "refresh_token_refused");
      assert.equal(await refreshes(), calls, "a dead token was presented again");
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
    const calls = await refreshes();
    await world.travel(60 * 24 * HOUR);
    const answer = await grant.visitor.token(grant.connection);
    assert.equal(answer.json().code, "reconnection_required", answer.text);
    assert.equal(await refreshes(), calls, "an expired token was presented");
    const connection = await connectionOf(grant);
    assert.deepEqual([connection.status, connection.cause], ["reconnection_required", "refresh_token_expired"]);
  });
});

// How each kill is arranged, and how often Smartcar was asked by then. Each gives a way to ask whether it has happened.
const kills = {
  "before its intent is written": { arrange: atWrite("before", 0), asked: 0 },
  "after its intent is written": { arrange: atWrite("after", 0), asked: 0 },
  "after Smartcar's answer, before its own write": { arrange: atWrite("before", 1), asked: 1 },
  "after its own write": { arrange: atWrite("after", 1), asked: 1 },
};

function atWrite(when, skip) {
  return async () => {
    await killAtWrite(edge, when, skip);
    return () => wasKilled(edge);
  };
}

/** Kills the Vault of `grant` at its next write to KV, which is dropped with `before`. Gives that write's key when it is. */
function killAtKvWrite({ vault }, when) {
  let key;
  kv.store.onWrite = async (write) => {
    if (key || write.when !== when || write.metadata?.vault !== vault) return;
    key = write.key;
    await kill(edge, vault);
    if (when === "before") kv.store.losses = 1;
  };
  return () => key;
}

/** The token that `grant` has in KV: the Vault is not called for it. */
async function tokenInKv({ visitor, connection }) {
  const calls = await vaultCalls(edge);
  const answer = await visitor.token(connection, { isolate: 1 });
  assert.equal(await vaultCalls(edge), calls, "the token is not from KV");
  return answer.json().accessToken;
}

async function askedDuring(work) {
  const earlier = await refreshes();
  const result = await work();
  return { asked: (await refreshes()) - earlier, result };
}

describe("the Durable Object is killed", () => {
  for (const graceMs of [0, MINUTE, 10 * MINUTE]) {
    for (const [step, { arrange, asked }] of Object.entries(kills)) {
      const isLost = graceMs === 0 && step.startsWith("after Smartcar's answer");
      const outcome = isLost ? "ends: Smartcar honours it no more" : "survives";
      test(`${step}, grace ${graceMs / SECOND} s: the grant ${outcome}`, async () => {
        const [grant] = await expired(1);
        await simulator.configure({ graceMs });
        const happened = await arrange();
        const first = await askedDuring(() => grant.visitor.token(grant.connection));
        assert.ok(await happened(), "nothing was killed");
        assert.deepEqual([first.result.json().code, first.asked], ["storage_unavailable", asked]);
        if (isLost) {
          await ends(grant, "refresh_token_refused");
        } else {
          await survives(grant);
          await world.travel(2 * HOUR);
          await survives(grant);
        }
      });
    }

    for (const when of ["before", "after"]) {
      const outcome = when === "before" ? "the alarm writes it" : "it stays written";
      test(`${when} KV is written, grace ${graceMs / SECOND} s: ${outcome}`, async () => {
        const [grant] = await expired(1);
        await simulator.configure({ graceMs });
        const stored = kv.store.entries();
        const killed = killAtKvWrite(grant, when);
        const first = await askedDuring(() => grant.visitor.token(grant.connection));
        assert.deepEqual([first.result.status, first.asked], [200, 1]);
        await until("the Vault is killed", killed);
        const isWritten = () => kv.store.entries().get(killed()) !== stored.get(killed());
        if (when === "before") {
          await until("the write is dropped", () => kv.store.losses === 0);
          assert.ok(!isWritten());
          await world.travel(20 * SECOND);
          await runAlarm(edge, grant.vault);
        }
        await until("KV is written", isWritten);
        assert.equal(await tokenInKv(grant), first.result.json().accessToken);
        await survives(grant);
        await world.travel(2 * HOUR);
        await survives(grant);
      });
    }
  }

  for (const [step, { arrange, asked }] of Object.entries(kills)) {
    test(`${step}, in an alarm: the next one goes on, though nobody asks`, async () => {
      const grant = await site.connected();
      await world.travel(32 * DAY);
      const happened = await arrange();
      const first = await askedDuring(() => assert.rejects(runAlarm(edge, grant.vault)));
      assert.ok(await happened(), "nothing was killed");
      assert.equal(first.asked, asked);
      for (let seconds = 0; seconds < 40; seconds += 5) {
        await world.travel(5 * SECOND);
        await runAlarm(edge, grant.vault);
      }
      await until("the next refresh is a month away", async () => (await owed(edge, grant.vault)).wait > 29 * DAY);
      assert.ok(await tokenInKv(grant));
      const served = await askedDuring(() => survives(grant));
      assert.equal(served.asked, 0);
    });
  }
});

test("no token, code or VIN is in any log line, nor a refresh token in any answer", async () => {
  for (const there of all) {
    const secrets = await there.simulator.secrets();
    const { refreshTokens } = await there.simulator.tokens();
    assert.ok(refreshTokens.length > 40);
    assert.deepEqual(scannerFor(secrets)("log", there.edge.log()), []);
    const scan = scannerFor(refreshTokens.map(({ token }) => token));
    assert.deepEqual(scan("answers", there.world.transcript.join("\n")), []);
  }
});
