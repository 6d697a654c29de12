// A pending connection ends after ten minutes, by the Worker's clock.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { instrumentedModules, setClock } from "./harness/instrumented.mjs";
import { assertProblem } from "./harness/problem.mjs";
import { openEnv } from "./harness/env.mjs";

const MINUTE = 60_000;
const env = await openEnv({ isolates: 2, modules: instrumentedModules() });
after(() => env.close());

test("a state of nine minutes is good, one of eleven is expired", async () => {
  const client = env.client();
  const late = await client.start();
  const early = await client.start();
  assert.ok(early.json().expiresAt - Date.now() <= 10 * MINUTE);

  await setClock(env.edge, 9 * MINUTE);
  const inTime = await client.finish({ code: await env.consent(), state: early.state });
  assert.equal(inTime.json().kind, "connected", inTime.text);

  await setClock(env.edge, 11 * MINUTE);
  const before = (await env.simulator.requests()).length;
  assertProblem(await client.finish({ code: await env.consent(), state: late.state }), { code: "state_expired" });
  assert.equal((await env.simulator.requests()).length, before, "an upstream call was made");
});
