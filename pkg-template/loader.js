// The module's one instance and its states; the guard in front of every call. Nothing is read, fetched or compiled before the
// first call that needs it.
import { ConnectError } from "./errors.js";

/**
 * How an entry of the package gets at the module.
 *
 * @typedef {object} Source
 * @property {() => object | Promise<object>} functions the glue, `connect.js`
 * @property {(() => unknown)[]} modules the module, in every way in which it is to be had: the next is tried after a failure
 * @property {() => object | Promise<object>} start `start.js`
 * @property {() => object | Promise<object>} finish `finish.js`
 * @property {boolean} [isImmediate] neither the glue nor the module is a promise, and compiling holds nobody up: a synchronous call may do it
 */

/** @type {Source} */
let source;
/** @type {"empty" | "ready" | "broken"} */
let state = "empty";
/** The functions of the module, once it is there. */
let functions;
/** @type {Promise<void> | undefined} */
let loading;

/** @param {Source} given */
export function setSource(given) {
  source = given;
}

/** One load, whoever asks and however often; after a failure the next call tries again. */
export async function load(given) {
  if (state === "broken") throw broken();
  if (state === "ready") return;
  if (source.isImmediate) return loadNow();
  loading ??= instantiate(given === undefined ? source.modules : [() => given]).finally(() => {
    loading = undefined;
  });
  await loading;
}

function loadNow() {
  const [module] = source.modules;
  const glue = source.functions();
  try {
    glue.initSync({ module: module() });
  } catch (error) {
    throw loadError(error);
  }
  ready(glue);
}

async function instantiate(modules) {
  let first;
  for (const module of modules) {
    try {
      const [glue, module_or_path] = await Promise.all([source.functions(), module()]);
      await glue.default({ module_or_path });
      return ready(glue);
    } catch (error) {
      first ??= loadError(error);
      // No other way would lead past the policy.
      if (first.code === "wasm_blocked") break;
    }
  }
  throw first;
}

function ready(glue) {
  functions = glue;
  state = "ready";
}

// Browsers have no error type for this; Chromium, Firefox and Safari each name the policy in the message. A policy can also
// forbid the request, without a word of WebAssembly.
const POLICY = /webassembly.*(content.security.policy|\bCSP\b|unsafe-eval)/is;

function loadError(cause) {
  return POLICY.test(cause instanceof Error ? cause.message : String(cause))
    ? new ConnectError(
        "wasm_blocked",
        "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its `script-src`",
        { cause },
      )
    : new ConnectError(
        "wasm_unavailable",
        "the WebAssembly module could not be loaded: check the network, serve `connect_bg.wasm` beside the script, pass its " +
          "address to `init`, or import `smartcar-connect/inline`",
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

/** The scripts that are there, by what imports them. @type {WeakMap<() => Promise<object>, object>} */
const there = new WeakMap();

/**
 * A script of the package that is loaded when it is first needed. Once it is there no other script runs before it, which an import
 * lets happen.
 *
 * @param {() => Promise<object>} imported
 */
export async function part(imported) {
  try {
    if (!there.has(imported)) there.set(imported, await imported());
    return there.get(imported);
  } catch (cause) {
    throw new ConnectError("script_unavailable", "a script of smartcar-connect could not be loaded: reload the page", { cause });
  }
}

/**
 * The functions of the module for what waits in between: another call may have broken it meanwhile.
 *
 * @type {Record<string, (...given: unknown[]) => unknown>}
 */
const eachGuarded = new Proxy({}, { get: (_, name) => (...given) => guarded((module) => module[name](...given)) });

/**
 * Runs a call in a script that works with the module. Both are loaded at once, if need be.
 *
 * @param {"start" | "finish"} name
 * @param {(script: object, module: typeof eachGuarded) => unknown} call
 */
export async function loadedWith(name, call) {
  const script = part(source[name]);
  // Where the module is missing as well, that is told.
  script.catch(() => {});
  await load();
  return call(await script, eachGuarded);
}

/** Loads the scripts that work with the module: should one fail, the call that needs it tells. */
export const loadScripts = () => Promise.allSettled([part(source.start), part(source.finish)]);

/** Runs a synchronous call, if the module is there or can be at once. */
export function guarded(call) {
  if (state === "broken") throw broken();
  if (state === "empty") {
    if (!source.isImmediate) {
      throw new ConnectError("not_initialized", "smartcar-connect is not loaded yet: await `init()` first");
    }
    loadNow();
  }
  try {
    return call(functions);
  } catch (error) {
    // The frames inside the module say nothing, and would push the caller's own out of the stack.
    if (error instanceof ConnectError) Error.captureStackTrace?.(error, guarded);
    throw checked(error);
  }
}
