// What every page of `consumers/` puts into `globalThis.result`.
import assert from "node:assert/strict";

/** The page asked for a callback, called a Worker that is not there, and made a state. */
export function assertWorks(result) {
  assert.match(String(result.state), /^smartcar-connect\.[\w-]{43}$/, JSON.stringify(result));
  assert.deepEqual({ ...result, state: "" }, { isCallback: false, answer: "unexpected_response", state: "" });
}
