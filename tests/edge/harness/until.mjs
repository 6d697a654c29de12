// Waiting for what happens by itself, such as a write after the answer.
import { setImmediate as turn } from "node:timers/promises";

const PATIENCE_MS = 10_000;

/** Asks `condition` until it holds; `what` is told if that takes too long. */
export async function until(what, condition) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await turn();
  }
}
