// The functions of the package, the same behind every entry. What most views of a page do not call is loaded when it is called.
import { forgetAttempt, unfinishedAttempt } from "./attempts.js";
import { giveUp, hasCallback, takeGivenUp } from "./callback.js";
import { ConnectError } from "./errors.js";
import { guarded, load, loaded, part } from "./loader.js";
import { abortable } from "./signal.js";

export { ConnectError, forgetAttempt, hasCallback, unfinishedAttempt };

export const init = (source) => load(source);

const inModule = (options, call) => abortable(options, () => loaded(call));

export const start = (options) => inModule(options, (module) => module.start(options));
export const reconnect = (id, options) => inModule(options, (module) => module.reconnect(id, options));
export const connections = (options) => inModule(options, (module) => module.connections(options));
export const vehicles = (options) => inModule(options, (module) => module.vehicles(options));
export const disconnect = (id, options) => inModule(options, (module) => module.disconnect(id, options));
export const disconnectAll = (options) => inModule(options, (module) => module.disconnectAll(options));

export function finish(url, options) {
  // A router may change the address while the module is loaded. Where there is no callback in it, the module asks what this page,
  // or the one before a reload, was at.
  const address = url === undefined ? globalThis.location?.href : undefined;
  const callback = address !== undefined && hasCallback(address) ? address : url;
  const earlier = takeGivenUp();
  // A callback is sent once: who gives up waiting for its outcome can ask for it again.
  let finishing;
  const work = () => {
    finishing = finishNow(callback, withoutSignal(options)).catch((error) => {
      // Its outcome was waited for before, and nobody has got it.
      if (earlier && /^(callback|state)_/.test(error.code) && error.status === undefined) return earlier;
      throw error;
    });
    return finishing;
  };
  return abortable(options, work, () => giveUp(finishing));
}

const withoutSignal = (options) => (isOptions(options) && "signal" in options ? { ...options, signal: undefined } : options);

async function finishNow(callback, options) {
  const call = (module) => module.finish(callback, options);
  if (!isAnyPopupAwaited()) return loaded(call);
  const { handOver } = await part(() => import("./popup.js"));
  return handOver(callback, call);
}

/** Whether a page of this browser waits for what comes of a popup (`popup.js`). */
function isAnyPopupAwaited() {
  try {
    return typeof window === "object" && Object.keys(localStorage).some((key) => key.startsWith("smartcar-connect:popup:"));
  } catch {
    return false;
  }
}

/** The popup that is about to go to Connect: what a second click gets, too. */
let opening;

export function popup(options) {
  if (opening) return abortable(options, () => opening);
  // In the click itself: afterwards browsers take it for an advertisement.
  const opened = globalThis.open?.("about:blank", "", "popup,width=500,height=760");
  const leave = () => (opening = opening === outcome ? undefined : opening);
  const outcome = part(() => import("./popup.js"))
    .then(({ popup }) => popup(opened, options, leave))
    .catch((error) => {
      opened?.close();
      throw error;
    })
    .finally(() => leave());
  opening = outcome;
  return abortable(options, () => outcome);
}

export const signOut = (options) => abortable(options, async () => (await part(() => import("./session.js"))).signOut(options));
export const claim = (options) => abortable(options, async () => (await part(() => import("./session.js"))).claim(options));

export function vehicle(id, defaults) {
  const request = async (...call) => (await part(() => import("./vehicle.js"))).request(id, defaults, ...call);
  const reads = (method) => (path, options) => abortable(options, () => request(method, path, undefined, options));
  const writes = (method) => (path, body, options) => abortable(options, () => request(method, path, body, options));
  return { get: reads("GET"), post: writes("POST"), put: writes("PUT"), delete: reads("DELETE") };
}

/** The functions above, for the Worker at one place and for one way to say who calls. */
export function createConnect(defaults) {
  const given = checkedDefaults(defaults);
  // What is no object of options is for the function to refuse.
  const at = (options = {}) => (isOptions(options) ? { ...given, ...defined(options) } : options);
  const here = (options = {}) => (isOptions(options) && given.edge !== undefined ? { edge: given.edge, ...defined(options) } : options);
  return {
    start: (options) => start(at(options)),
    popup: (options) => popup(at(options)),
    reconnect: (id, options) => reconnect(id, at(options)),
    finish: (url, options) => finish(url, at(options)),
    connections: (options) => connections(at(options)),
    vehicles: (options) => vehicles(at(options)),
    vehicle: (id, options) => vehicle(id, at(options)),
    disconnect: (id, options) => disconnect(id, at(options)),
    disconnectAll: (options) => disconnectAll(at(options)),
    claim: (options) => claim(at(options)),
    signOut: (options) => signOut(at(options)),
    hasCallback,
    unfinishedAttempt: (options) => unfinishedAttempt(here(options)),
    forgetAttempt: (options) => forgetAttempt(here(options)),
  };
}

const defined = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function isOptions(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkedDefaults(defaults = {}) {
  const known = ["edge", "getToken", "ticket"];
  const unknown = isOptions(defaults) ? Object.keys(defaults).find((name) => !known.includes(name)) : "options";
  if (unknown === undefined) return defaults;
  const message = isOptions(defaults)
    ? `\`${unknown}\` is not an option of \`createConnect\`; it knows \`${known.join("`, `")}\``
    : "`createConnect` takes an object of options";
  throw Object.assign(new ConnectError("invalid_option", message), { field: unknown });
}

export const authorizeUrl = (options) => guarded((module) => module.authorizeUrl(options));
export const reauthenticateUrl = (options) => guarded((module) => module.reauthenticateUrl(options));
export const createState = () => guarded((module) => module.createState());
export const stateFingerprint = (state) => guarded((module) => module.stateFingerprint(state));
export const checkCallback = (url, expected) => guarded((module) => module.checkCallback(url, expected));
