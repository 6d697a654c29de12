// The functions of the package, the same behind every entry. What most views of a page do not call is loaded when it is called.
import { forgetAttempt, unfinishedAttempt } from "./attempts.js";
import { giveUp, hasCallback, takeGivenUp } from "./callback.js";
import { ConnectError, isOptions, refused } from "./errors.js";
import { guarded, load, loadScripts, loadedWith, part } from "./loader.js";
import { abortable, check, isRefused } from "./signal.js";

export { ConnectError, forgetAttempt, hasCallback, unfinishedAttempt };

/** Loads the module, and in a page the scripts that work with it. */
export async function init(source) {
  await Promise.all([load(source), typeof window === "object" ? loadScripts() : undefined]);
}

const started =
  (name) =>
  (...given) =>
    abortable(given[given.length - 1], () =>
      loadedWith("start", (script, module) => {
        check(given[given.length - 1]);
        return script[name](module, ...given);
      }),
    );

export const start = /* @__PURE__ */ started("start");
export const reconnect = /* @__PURE__ */ started("reconnect");

const calledWithoutModule =
  (name) =>
  (...given) =>
    abortable(given[given.length - 1], async () => (await part(() => import("./connections.js")))[name](...given));

export const connections = /* @__PURE__ */ calledWithoutModule("connections");
export const vehicles = /* @__PURE__ */ calledWithoutModule("vehicles");
export const disconnect = /* @__PURE__ */ calledWithoutModule("disconnect");
export const disconnectAll = /* @__PURE__ */ calledWithoutModule("disconnectAll");

export function finish(url, options) {
  // A router may change the address while the module is loaded. Where there is no callback in it, `finish.js` asks what this page,
  // or the one before a reload, was at.
  const address = url === undefined ? globalThis.location?.href : undefined;
  const callback = address !== undefined && hasCallback(address) ? address : url;
  const earlier = takeGivenUp();
  // A callback is sent once: who gives up waiting for its outcome can ask for it again.
  let finishing;
  const work = () => {
    finishing = finishNow(callback, withoutSignal(options)).catch((error) => {
      // Its outcome was waited for before, and nobody has got it.
      if (earlier && /^(callback|state)_/.test(error?.code) && error.status === undefined) return earlier;
      throw error;
    });
    return finishing;
  };
  return abortable(options, work, () => giveUp(finishing ?? earlier));
}

const withoutSignal = (options) => (isOptions(options) && "signal" in options ? { ...options, signal: undefined } : options);

async function finishNow(callback, options) {
  const work = (call) => loadedWith("finish", call);
  if (!isAnyPopupAwaited()) return work(({ finish }, module) => finish(module, callback, options));
  const { handOver } = await part(() => import("./popup.js"));
  return handOver(callback, options, work);
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
  // What is refused, or given up by now, opens no window.
  if (opening || isRefused(options)) return abortable(options, () => opening);
  // In the click itself: afterwards browsers take it for an advertisement.
  const opened = globalThis.open?.("about:blank", "", "popup,width=500,height=760");
  const leave = () => (opening = opening === outcome ? undefined : opening);
  const outcome = part(() => import("./popup.js"))
    .then(({ popup }) => popup(opened, options, loadedWith, leave))
    .catch((error) => {
      opened?.close();
      throw error;
    })
    .finally(() => leave());
  opening = outcome;
  // Who gives up waiting hears of nothing more.
  outcome.catch(() => {});
  return abortable(options, () => outcome);
}

const inSession = (name) => (options) =>
  abortable(options, async () => (await part(() => import("./session.js")))[name](options, forgetAttempt));

export const signOut = /* @__PURE__ */ inSession("signOut");
export const claim = /* @__PURE__ */ inSession("claim");

export function vehicle(id, defaults) {
  const request = async (...call) => (await part(() => import("./vehicle.js"))).request(id, defaults, ...call);
  const sent = (method, path, body, options) => abortable(options, () => request(method, path, body, options), undefined, defaults);
  const reads = (method) => (path, options) => sent(method, path, undefined, options);
  const writes = (method) => (path, body, options) => sent(method, path, body, options);
  return { get: reads("GET"), post: writes("POST"), put: writes("PUT"), delete: reads("DELETE") };
}

/** The functions above, for the Worker at one place and for one way to say who calls. */
export function createConnect(defaults) {
  const given = checkedDefaults(defaults);
  // What is no object of options is for the function to refuse.
  const merged = (more, options = {}) => (isOptions(options) ? { ...more, ...defined(options) } : options);
  const at = (call) => (options) => call(merged(given, options));
  const of = (call) => (what, options) => call(what, merged(given, options));
  const here = (call) => (options) => call(merged(defined({ edge: given.edge }), options));
  return {
    start: at(start),
    popup: at(popup),
    reconnect: of(reconnect),
    finish: of(finish),
    connections: at(connections),
    vehicles: at(vehicles),
    vehicle: of(vehicle),
    disconnect: of(disconnect),
    disconnectAll: at(disconnectAll),
    claim: at(claim),
    signOut: at(signOut),
    hasCallback,
    unfinishedAttempt: here(unfinishedAttempt),
    forgetAttempt: here(forgetAttempt),
  };
}

const defined = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function checkedDefaults(defaults = {}) {
  const known = ["edge", "getToken", "ticket"];
  const unknown = isOptions(defaults) ? Object.keys(defaults).find((name) => !known.includes(name)) : "options";
  if (unknown === undefined) return defaults;
  throw refused(unknown, `\`createConnect\` takes an object with \`${known.join("`, `")}\`, or nothing`);
}

const guardedCall =
  (name) =>
  (...given) =>
    guarded((module) => module[name](...given));

export const authorizeUrl = /* @__PURE__ */ guardedCall("authorizeUrl");
export const reauthenticateUrl = /* @__PURE__ */ guardedCall("reauthenticateUrl");
export const createState = /* @__PURE__ */ guardedCall("createState");
export const stateFingerprint = /* @__PURE__ */ guardedCall("stateFingerprint");
export const checkCallback = /* @__PURE__ */ guardedCall("checkCallback");
