// The module's one instance and its states; the guard in front of every call.
import * as glue from "./connect.js";
import { ConnectError } from "./errors.js";

/** @type {"empty" | "ready" | "broken"} */
let state = "empty";
/** @type {Promise<void> | undefined} */
let loading;
/** What this entry of the package loads when nobody gave `init` anything. */
let defaultInput = () => undefined;

/** @param {() => unknown} input */
export function setDefaultInput(input) {
  defaultInput = input;
}

/** Loads a compiled module, at once. */
export function loadNow(module) {
  glue.initSync({ module });
  state = "ready";
}

/** One load, whoever asks and however often; after a failure the next call tries again. */
export async function load(input) {
  if (state === "broken") throw broken();
  if (state === "ready") return;
  loading ??= instantiate(input).finally(() => {
    loading = undefined;
  });
  await loading;
}

async function instantiate(input) {
  try {
    await glue.default({ module_or_path: await (input ?? defaultInput()) });
  } catch (error) {
    throw loadError(error);
  }
  state = "ready";
}

// Browsers have no error type for this; Chromium, Firefox and Safari each name the policy in the message.
const POLICY = /content.security.policy|\bCSP\b|unsafe-eval/i;

function loadError(cause) {
  return POLICY.test(cause instanceof Error ? cause.message : String(cause))
    ? new ConnectError(
        "wasm_blocked",
        "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its `script-src`",
        { cause },
      )
    : new ConnectError(
        "wasm_unavailable",
        "the WebAssembly module could not be loaded: serve `connect_bg.wasm` beside the script, pass its address to " +
          "`init`, or import `smartcar-connect/inline`",
        { cause },
      );
}

function broken(cause) {
  return new ConnectError("internal", "smartcar-connect stopped after an internal error: reload the page", { cause });
}

// After a trap the module's memory is in an unknown state: nothing may run on it again.
function checked(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return error;
  state = "broken";
  return broken(error);
}

/** Runs a synchronous call, if the module is there. */
export function guarded(call) {
  if (state === "broken") throw broken();
  if (state === "empty") {
    throw new ConnectError("not_initialized", "smartcar-connect is not loaded yet: await `init()` first");
  }
  try {
    return call();
  } catch (error) {
    // The frames inside the module say nothing, and would push the caller's own out of the stack.
    if (error instanceof ConnectError) Error.captureStackTrace?.(error, guarded);
    throw checked(error);
  }
}

/** Runs an asynchronous call; loads the module first, if need be. */
export async function loaded(call) {
  await load();
  try {
    return await guarded(call);
  } catch (error) {
    throw checked(error);
  }
}
