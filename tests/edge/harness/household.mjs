// An owner with connections, and what KV keeps of that owner alone.
import assert from "node:assert/strict";

import { runAlarm } from "./instrumented.mjs";
import { until } from "./until.mjs";

const MINUTE = 60 * 1000;

/**
 * A new visitor with one connection for each list of vehicles, all of it in KV.
 * @returns {Promise<{visitor: object, made: object[], vault: string, own: () => string[]}>} `own` gives the names in KV
 */
export async function household({ world, kv }, ...grants) {
  const { edge } = world;
  const [vaults, names] = [new Set(await edge.vaultIds()), new Set(kv.store.entries().keys())];
  const visitor = world.visitor();
  const made = [];
  for (const vehicles of grants) {
    const { answer } = await world.connect(visitor, { vehicles });
    assert.equal(answer.json().kind, "connected", answer.text);
    made.push(answer.json().connection);
  }
  const [vault] = (await edge.vaultIds()).filter((id) => !vaults.has(id));
  const own = () => [...kv.store.entries().keys()].filter((name) => !names.has(name));
  await until("KV has the grants and the index", () => own().length > made.length);
  return { visitor, made, vault, own };
}

/** Lets twenty minutes pass, and the alarm ring whenever it is due. */
export async function quietMinutes({ world }, vault) {
  for (let round = 0; round < 4; round += 1) {
    await world.travel(5 * MINUTE);
    await runAlarm(world.edge, vault);
  }
}
