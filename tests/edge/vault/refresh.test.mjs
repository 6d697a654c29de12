// What can go wrong while a grant is refreshed. No grant is lost that Smartcar still honours, and none is kept that it
// does not; no token shows in an answer or in the log.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { openRefreshing } from "../harness/refreshing.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { DAY, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

// Smartcar's documentation says 1 minute in one place and 10 in another. The tests that need one grace only have the default.
const fixture = await openRefreshing(60);
const fixtures = { 0: await openRefreshing(0), 60: fixture, 600: await openRefreshing(600) };
const all = Object.values(fixtures);
const { env, simulator, connectionOf, expired, survives, ends, refreshes } = fixture;
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
  [
    "the answer is 503 with Retry-After",
    { kind: "status", status: 503, body: "busy", headers: { "retry-after": "7" } },
    SURVIVES,
  ],
  ["the answer is a list", { kind: "status", status: 200, body: ["AT", "RT", 3600, null, null] }, SURVIVES],
  ["the answer refuses in a list", { kind: "status", status: 400, body: [null, null, null, "invalid_grant", null] }, SURVIVES],
  ["`expires_in` is negative", { kind: "expires_in", value: -5 }, SURVIVES],
  ["`expires_in` is huge", { kind: "expires_in", value: 1e15 }, SURVIVES],
  ["`expires_in` is text", { kind: "expires_in", value: "7200" }, SURVIVES],
];

for (const [graceSeconds, { simulator: smartcar, ...there }] of Object.entries(fixtures)) {
  describe(`a refresh with a grace of ${graceSeconds} s`, () => {
    for (const [what, fault, { [graceSeconds]: outcome }] of faults) {
      test(`grace ${graceSeconds} s, ${what}: the grant ${outcome}`, async () => {
        const [grant] = await there.expired(1);
        await smartcar.fault({ endpoint: "refresh", ...fault });
        if (outcome === "survives") await there.survives(grant);
        else await there.ends(grant, "invalid_grant");
        assert.deepEqual(await smartcar.faults(), [], "the fault was not met");
      });
    }
  });
}

describe("a grant survives", () => {
  test("a grant survives when Smartcar is down for an hour", async () => {
    const [grant] = await expired(1);
    await simulator.fault({ endpoint: "refresh", kind: "status", status: 503, body: "", times: null });
    for (let minutes = 0; minutes < 60; minutes += 10) {
      const answer = await grant.client.token(grant.connection);
      assert.equal(answer.status, 503, answer.text);
      const connection = await connectionOf(grant);
      assert.deepEqual([connection.status, connection.cause], ["degraded", "server_error"]);
      await env.travel(10 * MINUTE);
    }
    await simulator.clearFaults();
    await survives(grant);
  });

  test("a grant survives when Smartcar is slow: given up after ten seconds, and had again with the same refresh token", async () => {
    const slow = [
      { kind: "slow_headers", ms: MINUTE, commit: true },
      { kind: "slow_body", ms: MINUTE, commit: true },
    ];
    const grants = await expired(slow.length);
    const pending = [];
    for (const [index, fault] of slow.entries()) {
      const grant = grants[index];
      const earlier = await refreshes();
      await simulator.fault({ endpoint: "refresh", ...fault });
      const began = performance.now();
      const waits = grant.client.token(grant.connection);
      pending.push(waits.then((answer) => ({ answer, grant, ms: performance.now() - began })));
      await until("the refresh is under way", async () => (await refreshes()) > earlier);
    }
    for (const { answer, grant, ms } of await Promise.all(pending)) {
      assert.equal(answer.status, 503, answer.text);
      assert.ok(ms > 9 * SECOND && ms < 40 * SECOND, `${ms} ms`);
      await survives(grant);
    }
  });
});

describe("a grant ends, and says so", () => {
  for (const [what, body, status = 400] of [
    ["as Smartcar does it", INVALID],
    ["as the RFC says", { error: "invalid_grant" }],
    ["in the member that Smartcar's SDKs read", { error: "invalid_request", message: "Invalid or expired token" }],
    ["in other words", { error: "invalid_request", description: "Invalid or expired refresh token." }],
    ["with the status of a success", { error: "invalid_grant" }, 200],
    ["beside a repeated member", '{"error":"invalid_grant","error_description":"a","error_description":"b"}'],
    ["after a byte order mark", '\ufeff{"error":"invalid_grant"}'],
  ]) {
    test(`a grant ends when the refresh token is refused ${what}`, async () => {
      const [grant] = await expired(1);
      await simulator.fault({ endpoint: "refresh", kind: "status", status, body, times: null });
      await ends(grant, "invalid_grant");
      const calls = await refreshes();
      await ends(grant, "invalid_grant");
      assert.equal(await refreshes(), calls, "a dead token was presented again");
    });
  }

  test("a grant ends when the answer is lost and there is no grace", async () => {
    const [grant] = await expired(1);
    await simulator.configure({ graceMs: 0 });
    await simulator.fault({ endpoint: "refresh", kind: "reset_after" });
    await ends(grant, "invalid_grant");
  });

  test("a grant ends when its 60 days are over", async () => {
    const [grant] = await expired(1);
    const calls = await refreshes();
    await env.travel(60 * DAY);
    const answer = await grant.client.token(grant.connection);
    assert.equal(answer.json().code, "reconnection_required", answer.text);
    assert.equal(await refreshes(), calls, "an expired token was presented");
    const connection = await connectionOf(grant);
    assert.deepEqual([connection.status, connection.cause], ["reconnection_required", "refresh_token_expired"]);
  });
});

test("no token, code or VIN is in any log line, nor a refresh token in any answer, of all these refreshes", async () => {
  for (const there of all) {
    const secrets = await there.simulator.secrets();
    const { refreshTokens } = await there.simulator.tokens();
    assert.ok(refreshTokens.length > 40);
    assert.deepEqual(scannerFor(secrets)("log", await there.env.log()), []);
    const scan = scannerFor(refreshTokens.map(({ token }) => token));
    assert.deepEqual(scan("answers", there.env.transcript.join("\n")), []);
  }
});
