// A visit lengthens how long an owner is remembered; the index in KV lasts as long.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openConnections } from "./harness/connections-fixture.mjs";
import { runAlarm } from "./harness/instrumented.mjs";

const DAY = 24 * 60 * 60 * 1000;

const fixture = await openConnections({
  adjust: (values) => ({ ...values, SESSION_DAYS: "400", RETENTION_DAYS: "30" }),
});
const { env, edge, owner } = fixture;
after(() => fixture.close());

test("after 120 days of visits KV still knows which connection covers the car", async () => {
  const [car] = await fixture.reset();
  const { client, vault, own } = await owner([car]);
  for (let day = 0; day < 120; day += 4) {
    await env.travel(4 * DAY);
    assert.equal((await client.connections()).length, 1);
    await runAlarm(edge, vault);
    assert.equal(own().length, 2, `day ${day + 4}: the grant and the index`);
  }
});
