// The Durable Object ends while a grant is refreshed. No grant is lost that Smartcar still honours, and none is kept that it
// does not; no token shows in an answer or in the log.
import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { kill, killAtWrite, owed, runAlarm, vaultCalls, wasKilled } from "../harness/instrumented.mjs";
import { openRefreshing } from "../harness/refreshing.mjs";
import { scannerFor } from "../harness/secrets.mjs";
import { DAY, HOUR, MINUTE, SECOND } from "../harness/spans.mjs";
import { until } from "../harness/until.mjs";

const fixture = await openRefreshing(60);
const { env, simulator, edge, kv, idleOwner, expired, survives, ends, refreshesDuring } = fixture;
after(() => fixture.close());
beforeEach(() => fixture.reset());

// The write at which the Vault is killed, and how often Smartcar was asked by then.
const kills = {
  "before its intent is written": { when: "before", skip: 0, asked: 0 },
  "after its intent is written": { when: "after", skip: 0, asked: 0 },
  "after Smartcar's answer, before its own write": { when: "before", skip: 1, asked: 1 },
  "after its own write": { when: "after", skip: 1, asked: 1 },
};

/** Kills the owner's Vault at its next write to KV, which is dropped with `before`. Returns how to ask for that write's key. */
function killAtKvWrite({ vault }, when) {
  let isTaken = false;
  let key;
  kv.store.onWrite = async (write) => {
    if (isTaken || write.when !== when || write.metadata?.vault !== vault) return;
    isTaken = true;
    await kill(edge, vault);
    if (when === "before") kv.store.losses = 1;
    key = write.key;
  };
  return () => key;
}

/** The token that `grant` has in KV: the Vault is not called for it. */
async function tokenInKv({ client, connection }) {
  const calls = await vaultCalls(edge);
  const answer = await client.token(connection, { isolate: 1 });
  assert.equal(await vaultCalls(edge), calls, "the token is not from KV");
  return answer.json().accessToken;
}

describe("a Durable Object is killed during a refresh", () => {
  for (const graceMs of [0, MINUTE, 10 * MINUTE]) {
    for (const [step, { asked, ...write }] of Object.entries(kills)) {
      const isLost = graceMs === 0 && step.startsWith("after Smartcar's answer");
      const outcome = isLost ? "ends: Smartcar honours it no more" : "survives";
      test(`a Durable Object killed ${step}, grace ${graceMs / SECOND} s: the grant ${outcome}`, async () => {
        const [grant] = await expired(1);
        await simulator.configure({ graceMs });
        await killAtWrite(edge, write.when, { vault: grant.vault, skip: write.skip });
        const first = await refreshesDuring(() => grant.client.token(grant.connection));
        assert.ok(await wasKilled(edge), "nothing was killed");
        assert.deepEqual([first.result.json().code, first.made], ["storage_unavailable", asked]);
        if (isLost) {
          await ends(grant, "invalid_grant");
        } else {
          await survives(grant);
          await env.travel(2 * HOUR);
          await survives(grant);
        }
      });
    }

    for (const when of ["before", "after"]) {
      const outcome = when === "before" ? "the alarm writes it" : "it stays written";
      test(`a Durable Object killed ${when} KV is written, grace ${graceMs / SECOND} s: ${outcome}`, async () => {
        const [grant] = await expired(1);
        await simulator.configure({ graceMs });
        const stored = kv.store.entries();
        const killed = killAtKvWrite(grant, when);
        const first = await refreshesDuring(() => grant.client.token(grant.connection));
        assert.deepEqual([first.result.status, first.made], [200, 1]);
        await until("the Vault is killed", killed);
        const isWritten = () => kv.store.entries().get(killed()) !== stored.get(killed());
        if (when === "before") {
          await until("the write is dropped", () => kv.store.losses === 0);
          assert.ok(!isWritten());
          await env.travel(20 * SECOND);
          await runAlarm(edge, grant.vault);
        }
        await until("KV is written", isWritten);
        assert.equal(await tokenInKv(grant), first.result.json().accessToken);
        await survives(grant);
        await env.travel(2 * HOUR);
        await survives(grant);
      });
    }
  }

  for (const [step, { asked, ...write }] of Object.entries(kills)) {
    test(`a Durable Object killed ${step}, in an alarm: the next one goes on, though nobody asks`, async () => {
      const grant = await idleOwner();
      await env.travel(32 * DAY);
      await killAtWrite(edge, write.when, { vault: grant.vault, skip: write.skip });
      const first = await refreshesDuring(() => assert.rejects(runAlarm(edge, grant.vault)));
      assert.ok(await wasKilled(edge), "nothing was killed");
      assert.equal(first.made, asked);
      for (let seconds = 0; seconds < 40; seconds += 5) {
        await env.travel(5 * SECOND);
        await runAlarm(edge, grant.vault);
      }
      await until("the next refresh is a month away", async () => (await owed(edge, grant.vault)).wait > 29 * DAY);
      assert.ok(await tokenInKv(grant));
      const served = await refreshesDuring(() => survives(grant));
      assert.equal(served.made, 0);
    });
  }
});

test("no token, code or VIN is in any log line, nor a refresh token in any answer, of all these kills", async () => {
  const { refreshTokens } = await simulator.tokens();
  assert.ok(refreshTokens.length > 40);
  assert.deepEqual(scannerFor(await simulator.secrets())("log", await env.log()), []);
  const scan = scannerFor(refreshTokens.map(({ token }) => token));
  assert.deepEqual(scan("answers", env.transcript.join("\n")), []);
});
