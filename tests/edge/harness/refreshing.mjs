// Connections whose grant is refreshed, with a Worker that counts with the grace that Smartcar gives.
import assert from "node:assert/strict";

import { openConnections } from "./connections-fixture.mjs";
import { HOUR, SECOND } from "./spans.mjs";
import { until } from "./until.mjs";

/**
 * Opens connections; see `openConnections`.
 * @param {number} graceSeconds how long Smartcar accepts a used refresh token, and what the Worker is told of it
 */
export async function openRefreshing(graceSeconds) {
  const fixture = await openConnections({
    adjust: (values) => ({ ...values, REFRESH_GRACE_SECONDS: String(graceSeconds) }),
  });
  const { kv, env, simulator, idleOwner } = fixture;

  /** Asks for a token as a back end does that waits as long as it is told to. */
  async function withRetries({ client, connection }) {
    const refusals = [];
    for (let round = 0; round < 8; round += 1) {
      const answer = await client.token(connection);
      if (answer.status !== 503) return answer;
      refusals.push(answer.json().code);
      const seconds = Number(answer.headers["retry-after"]);
      assert.ok(seconds >= 1, `\`Retry-After\`: ${answer.headers["retry-after"]}`);
      await env.travel(seconds * SECOND);
    }
    return assert.fail(`no end: ${refusals}`);
  }

  /** How the owner sees the connection. A Vault that is killed meanwhile is asked again. */
  async function connectionOf({ client, connection: { id } }) {
    let answer;
    await until("the Vault answers", async () => {
      answer = await client.get("/connections");
      return answer.status !== 503;
    });
    const { connections } = answer.json();
    assert.deepEqual(connections.map((connection) => connection.id), [id]);
    return connections[0];
  }

  return {
    ...fixture,
    connectionOf,
    /** Owners, each with a connection whose access token has expired. */
    async expired(count) {
      const owners = [];
      while (owners.length < count) owners.push(await idleOwner());
      await env.travel(2 * HOUR);
      return owners;
    },
    async survives(owner) {
      const answer = await withRetries(owner);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(await simulator.honours(answer.json().accessToken), "Smartcar does not honour the token");
      assert.equal((await connectionOf(owner)).status, "active");
    },
    async ends(owner, cause) {
      const answer = await withRetries(owner);
      assert.equal(answer.status, 409, answer.text);
      assert.equal(answer.json().code, "reconnection_required");
      const connection = await connectionOf(owner);
      assert.deepEqual([connection.status, connection.cause], ["reconnection_required", cause]);
    },
    refreshes: async () => (await simulator.counts()).refresh,
    /** Does `work`, and counts how often Smartcar is asked for a refresh meanwhile. */
    async refreshesDuring(work) {
      const earlier = (await simulator.counts()).refresh;
      const result = await work();
      return { made: (await simulator.counts()).refresh - earlier, result };
    },
    /** Ends what a test has arranged. */
    async reset() {
      kv.store.reset();
      await simulator.clearFaults();
      await simulator.configure({ graceMs: graceSeconds * SECOND, latencyMs: 0 });
    },
  };
}
