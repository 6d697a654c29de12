// A visit lengthens how long an owner is remembered; the index in KV lasts as long.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { household } from "./harness/household.mjs";
import { instrumentedModules, runAlarm } from "./harness/instrumented.mjs";
import { startKv } from "./harness/kv.mjs";
import { openWorld } from "./harness/world.mjs";

const DAY = 24 * 60 * 60 * 1000;

const kv = await startKv();
const world = await openWorld({
  kv,
  modules: instrumentedModules(),
  adjust: (values) => ({ ...values, SESSION_DAYS: "400", RETENTION_DAYS: "30" }),
});
after(async () => {
  await world.close();
  await kv.close();
});

test("after 120 days of visits KV still knows which connection covers the car", async () => {
  const [car] = (await world.simulator.configure({})).vehicles;
  const { visitor, vault, own } = await household({ world, kv }, [car.id]);
  for (let day = 0; day < 120; day += 4) {
    await world.travel(4 * DAY);
    assert.equal((await visitor.connections()).length, 1);
    await runAlarm(world.edge, vault);
    assert.equal(own().length, 2, `day ${day + 4}: the grant and the index`);
  }
});
