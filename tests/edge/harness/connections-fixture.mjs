// Owners with connections, and what KV keeps of each alone: what the tests of a connection's end start with.
import assert from "node:assert/strict";

import { instrumentedModules, runAlarm } from "./instrumented.mjs";
import { startKv } from "./kv.mjs";
import { assertProblem } from "./problem.mjs";
import { until } from "./until.mjs";
import { openEnv } from "./env.mjs";

const MINUTE = 60 * 1000;

/**
 * Opens a world of two isolates whose KV can be made to fail. The other options are those of `openWorld`.
 * `reset` is for `beforeEach`: it makes everything well and gives the ids of the simulator's cars.
 */
export async function openConnections(options = {}) {
  const kv = await startKv();
  const env = await openEnv({ isolates: 2, kv, modules: instrumentedModules(), ...options });
  const { simulator, edge } = env;

  /**
   * A new visitor with one connection for each list of vehicles, all of it in KV.
   * @returns {Promise<{visitor: object, made: object[], vault: string, own: () => string[]}>} `own` gives the names in KV
   */
  async function owner(...grants) {
    const [vaults, names] = [new Set(await edge.vaultIds()), new Set(kv.store.entries().keys())];
    const client = env.client();
    const made = [];
    for (const vehicles of grants) {
      const { answer } = await env.connect(client, { vehicles });
      assert.equal(answer.json().kind, "connected", answer.text);
      made.push(answer.json().connection);
    }
    const [vault] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
    const own = () => [...kv.store.entries().keys()].filter((name) => !names.has(name));
    await until("KV has the grants and the index", () => own().length > made.length);
    return { client, made, vault, own };
  }

  return {
    kv,
    env,
    simulator,
    edge,
    owner,
    async reset() {
      Object.assign(kv.store, { refusals: 0, losses: 0, cacheMs: 0, onWrite: async () => {} });
      await simulator.reset();
      return (await simulator.configure({})).vehicles.map(({ id }) => id);
    },
    /** Lets twenty minutes pass, and the alarm ring whenever it is due. */
    async quietMinutes(vault) {
      for (let round = 0; round < 4; round += 1) {
        await env.travel(5 * MINUTE);
        await runAlarm(edge, vault);
      }
    },
    /** Checks that neither KV nor an answer has anything of the owner's connections any more. */
    async assertNothingStored({ client, made, own }) {
      assert.deepEqual(own(), []);
      for (const connection of made) assertProblem(await client.token(connection, { isolate: 1 }), { status: 404 });
    },
    async close() {
      await env.close();
      await kv.close();
    },
  };
}
