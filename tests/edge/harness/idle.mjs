// Until a Vault does nothing of its own accord any more: what a test arranges next then hits what the test asks for.
import { owed, runAlarm } from "./instrumented.mjs";
import { MINUTE, SECOND } from "./spans.mjs";
import { until } from "./until.mjs";

/** Waits until nothing goes on in the background of one Durable Object: as long as it owes KV something its alarm is near. */
export async function idle(env, vault) {
  // Longer than a write may take before the alarm makes it.
  await env.travel(20 * SECOND);
  await runAlarm(env.edge, vault);
  await until("the Vault owes nothing", async () => {
    const { writing, wait } = await owed(env.edge, vault);
    return writing === 0 && (wait === null || wait > MINUTE);
  });
}
