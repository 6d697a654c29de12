// The functions of the package, the same behind every entry.
import { forgetAttempt, unfinishedAttempt } from "./attempts.js";
import { hasCallback } from "./callback.js";
import { ConnectError } from "./errors.js";
import { guarded, load, loaded } from "./loader.js";

export { ConnectError, forgetAttempt, hasCallback, unfinishedAttempt };

export const init = (source) => load(source);

export const start = (options) => loaded((module) => module.start(options));
export const reconnect = (id, options) => loaded((module) => module.reconnect(id, options));
export const connections = (options) => loaded((module) => module.connections(options));
export const vehicles = (options) => loaded((module) => module.vehicles(options));
export const disconnect = (id, options) => loaded((module) => module.disconnect(id, options));
export const disconnectAll = (options) => loaded((module) => module.disconnectAll(options));

export function finish(url, options) {
  // A router may change the address while the module is loaded. Where there is no callback in it, the module asks what this page,
  // or the one before a reload, was at.
  const address = url === undefined ? globalThis.location?.href : undefined;
  const callback = address !== undefined && hasCallback(address) ? address : url;
  return loaded((module) => module.finish(callback, options));
}

/** The functions above, for the Worker at one place. */
export function createConnect(defaults) {
  const { edge } = checkedDefaults(defaults);
  // What is no object of options is for the module to refuse.
  const at = (options = {}) => (isOptions(options) && options.edge === undefined ? { ...options, edge } : options);
  return {
    start: (options) => start(at(options)),
    reconnect: (id, options) => reconnect(id, at(options)),
    finish: (url, options) => finish(url, at(options)),
    connections: (options) => connections(at(options)),
    vehicles: (options) => vehicles(at(options)),
    disconnect: (id, options) => disconnect(id, at(options)),
    disconnectAll: (options) => disconnectAll(at(options)),
    unfinishedAttempt: (options) => unfinishedAttempt(at(options)),
    forgetAttempt: (options) => forgetAttempt(at(options)),
  };
}

function isOptions(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkedDefaults(defaults = {}) {
  const unknown = isOptions(defaults) ? Object.keys(defaults).find((name) => name !== "edge") : "options";
  if (unknown === undefined) return defaults;
  const message = isOptions(defaults)
    ? `\`${unknown}\` is not an option of \`createConnect\`; it knows \`edge\``
    : "`createConnect` takes an object of options";
  throw Object.assign(new ConnectError("invalid_option", message), { field: unknown });
}

export const authorizeUrl = (options) => guarded((module) => module.authorizeUrl(options));
export const reauthenticateUrl = (options) => guarded((module) => module.reauthenticateUrl(options));
export const createState = () => guarded((module) => module.createState());
export const stateFingerprint = (state) => guarded((module) => module.stateFingerprint(state));
export const checkCallback = (url, expected) => guarded((module) => module.checkCallback(url, expected));
