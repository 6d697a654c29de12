// Waiting for what happens by itself, such as a write after the answer.
import { setTimeout as sleep } from "node:timers/promises";

import { SECOND } from "./spans.mjs";

// Much longer than anything takes, even on a machine that is busy with something else: only a failure waits so long.
const PATIENCE = 60 * SECOND;
const INTERVAL = 5;

/** Asks `condition` until it holds; `what` is told if that takes too long. */
export async function until(what, condition) {
  const deadline = performance.now() + PATIENCE;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(INTERVAL);
  }
}
