// A world for what happens while a grant is refreshed: its Worker counts with the grace that Smartcar gives.
import assert from "node:assert/strict";

import { send } from "./http.mjs";
import { instrumentedModules } from "./instrumented.mjs";
import { startKv } from "./kv.mjs";
import { settle } from "./settle.mjs";
import { until } from "./until.mjs";
import { openWorld } from "./world.mjs";

const SECOND = 1000;
const HOUR = 60 * 60 * SECOND;

/**
 * Starts a simulator, a KV layer and a Worker.
 * @param {number} graceSeconds how long Smartcar accepts a used refresh token, and what the Worker is told of it
 */
export async function openRefreshing(graceSeconds) {
  const kv = await startKv();
  const world = await openWorld({
    adjust: (values) => ({ ...values, REFRESH_GRACE_SECONDS: String(graceSeconds) }),
    isolates: 2,
    kv,
    modules: instrumentedModules(),
  });
  const { simulator, edge } = world;

  /** A visitor with one connection, and the Vault that keeps it, in which nothing goes on any more. */
  async function connected() {
    const known = new Set(await edge.vaultIds());
    const visitor = world.visitor();
    const { answer } = await world.connect(visitor);
    assert.equal(answer.json().kind, "connected", answer.text);
    const [vault] = (await edge.vaultIds()).filter((id) => !known.has(id));
    await settle(world, vault);
    return { visitor, connection: answer.json().connection, vault };
  }

  async function honours(token) {
    const answer = await send(`${simulator.origin}/v2.0/user`, { headers: { authorization: `Bearer ${token}` } });
    return answer.status === 200;
  }

  /** Asks for a token as a back end does that waits as long as it is told to. */
  async function persistently({ visitor, connection }) {
    const refusals = [];
    for (let round = 0; round < 8; round += 1) {
      const answer = await visitor.token(connection);
      if (answer.status !== 503) return answer;
      refusals.push(answer.json().code);
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

  return {
    kv,
    world,
    simulator,
    edge,
    connected,
    connectionOf,
    /** Visitors, each with a connection whose access token has expired. */
    async expired(count) {
      const grants = [];
      while (grants.length < count) grants.push(await connected());
      await world.travel(2 * HOUR);
      return grants;
    },
    async survives(grant) {
      const answer = await persistently(grant);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(await honours(answer.json().accessToken), "Smartcar does not honour the token");
      assert.equal((await connectionOf(grant)).status, "active");
    },
    async ends(grant, cause) {
      const answer = await persistently(grant);
      assert.equal(answer.status, 409, answer.text);
      assert.equal(answer.json().code, "reconnection_required");
      const connection = await connectionOf(grant);
      assert.deepEqual([connection.status, connection.cause], ["reconnection_required", cause]);
    },
    refreshes: async () => (await simulator.counts()).refresh,
    /** Ends what a test has arranged. */
    async reset() {
      Object.assign(kv.store, { losses: 0, onWrite: async () => {} });
      await simulator.clearFaults();
      await simulator.configure({ graceMs: graceSeconds * SECOND, latencyMs: 0 });
    },
    async close() {
      await world.close();
      await kv.close();
    },
  };
}
