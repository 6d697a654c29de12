// Owners with connections, the Vault that keeps them, and what KV has of them: what most tests of a connection's life start
// with.
import assert from "node:assert/strict";

import { openEnv } from "./env.mjs";
import { idle } from "./idle.mjs";
import { instrumentedModules, runAlarm } from "./instrumented.mjs";
import { startKv } from "./kv.mjs";
import { assertProblem } from "./problem.mjs";
import { MINUTE } from "./spans.mjs";
import { until } from "./until.mjs";

/** Whether an entry of KV may be one of this Vault's: its metadata does not name another. */
function mayBelongTo(vault, { metadata }) {
  return metadata === undefined || JSON.parse(metadata).vault === vault;
}

/**
 * Finds the Vault that comes to be in `visit`, the first one of a new owner.
 * @template T
 * @param {object} env as `openEnv` or `openRedeploys` return; `stored` needs its `kv`
 * @param {() => Promise<T>} visit
 * @returns {Promise<{result: T, vault: string, stored: () => string[]}>} `stored` returns the names that KV has of the owner
 */
export async function firstVisit(env, visit) {
  const vaults = new Set(await env.edge.vaultIds());
  const names = new Set(env.kv?.store.entries().keys());
  const result = await visit();
  const [vault, ...others] = (await env.edge.vaultIds()).filter((id) => !vaults.has(id));
  assert.ok(vault, "no Vault came to be");
  assert.deepEqual(others, [], "more than one Vault came to be");
  const isOwn = ([name, entry]) => !names.has(name) && mayBelongTo(vault, entry);
  const stored = () => [...env.kv.store.entries()].filter(isOwn).map(([name]) => name);
  return { result, vault, stored };
}

/** Whether a name in KV is a look-up by a Smartcar user: it ends with the id of the vault that it leads to. */
function isUserLookup(name) {
  return name.split("/").length === 3;
}

/**
 * Waits until KV has as many grants as there are connections, the index, the look-up by external id, and one by Smartcar's
 * user at least.
 */
export async function untilStored(connections, stored) {
  await until("KV has the grants, the index and the look-ups", () => {
    const names = stored();
    const users = names.filter(isUserLookup).length;
    return users > 0 && names.length - users === connections.length + 2;
  });
}

/**
 * A new owner with a connection for each of `grants`, or one with all of Smartcar's cars; all of it is in KV.
 * @param {object} env as `openEnv` or `openRedeploys` return, with a KV layer
 * @param {...{vehicles?: string[], user?: string}} grants what the owner consents to, as `simulator.grant` takes it
 * @returns {Promise<{client: object, connection: object, connections: object[], vault: string, stored: () => string[]}>}
 *   `connection` is the first one
 */
export async function newOwner(env, ...grants) {
  const client = env.client();
  const first = await firstVisit(env, async () => {
    const connections = [];
    for (const grant of grants.length > 0 ? grants : [{}]) connections.push(await env.connected(client, grant));
    return connections;
  });
  const { result: connections, vault, stored } = first;
  await untilStored(connections, stored);
  return { client, connection: connections[0], connections, vault, stored };
}

/**
 * Opens an env of two isolates whose KV can be made to fail, and whose clock, alarms and Durable Objects are in the hands of
 * the test. The options are those of `openEnv`.
 */
export async function openConnections(options = {}) {
  const kv = await startKv();
  const env = await openEnv({ isolates: 2, kv, modules: instrumentedModules(), ...options });
  const { simulator, edge } = env;
  const carIds = [];

  /** For `beforeEach`: makes everything well, and reads the ids of Smartcar's cars. */
  async function reset() {
    kv.store.reset();
    await simulator.reset();
    const { vehicles } = await simulator.configure({});
    carIds.splice(0, carIds.length, ...vehicles.map(({ id }) => id));
  }
  await reset();

  return {
    kv,
    env,
    simulator,
    edge,
    /** The ids of Smartcar's cars. */
    carIds,
    reset,
    owner: (...grants) => newOwner(env, ...grants),
    /** As `owner`, and nothing goes on in the Vault any more. */
    async idleOwner(...grants) {
      const owner = await newOwner(env, ...grants);
      await idle(env, owner.vault);
      return owner;
    },
    /** Lets twenty minutes pass, and the alarm ring whenever it is due. */
    async quietMinutes(vault) {
      for (let round = 0; round < 4; round += 1) {
        await env.travel(5 * MINUTE);
        await runAlarm(edge, vault);
      }
    },
    /** Checks that neither KV nor an answer has anything of the owner's connections any more. */
    async assertNothingStored({ client, connections, stored }) {
      assert.deepEqual(stored(), []);
      for (const connection of connections) assertProblem(await client.token(connection, { isolate: 1 }), { status: 404 });
    },
    async close() {
      await env.close();
      await kv.close();
    },
  };
}
