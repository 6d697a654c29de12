// A pending connection ends after ten minutes, by the Worker's clock.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { instrumentedModules, setClock } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { openWorld } from "./harness/world.mjs";

const MINUTE = 60_000;
const world = await openWorld({ isolates: 2, modules: instrumentedModules() });
after(() => world.close());

test("a state of nine minutes is good, one of eleven is expired", async () => {
  const visitor = world.visitor();
  const late = await visitor.start();
  const early = await visitor.start();
  assert.ok(early.json().expiresAt - Date.now() <= 10 * MINUTE);

  await setClock(world.edge, 9 * MINUTE);
  const inTime = await visitor.finish({ code: await world.consent(), state: early.state });
  assert.equal(inTime.json().kind, "connected", inTime.text);

  await setClock(world.edge, 11 * MINUTE);
  const before = (await world.simulator.requests()).length;
  assertProblem(await visitor.finish({ code: await world.consent(), state: late.state }), { code: "state_expired" });
  assert.equal((await world.simulator.requests()).length, before, "an upstream call was made");
});
